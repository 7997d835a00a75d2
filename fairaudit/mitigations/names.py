"""What methods are called, and a search's steps where nobody asks for others: for commands too, whose help must not import what solves."""

from __future__ import annotations

from typing import Final, Literal

MethodName = Literal["thresholds", "equalized-odds", "calibrated-equalized-odds", "reject-option", "as-is"]  # of what is decided of a score; the last is a search's
TrainingName = Literal["reweigh-fine-tune", "reweigh-trainer"]
CandidateName = MethodName | Literal["reweigh-fine-tune"]

DECIDING: tuple[MethodName, ...] = ("thresholds", "equalized-odds", "calibrated-equalized-odds", "reject-option")  # commands of their own
AS_IS: Final = "as-is"  # the model itself, which a search holds all others against
FINE_TUNE: Final = "fine-tune"  # as it is asked of a search
FINE_TUNED: Final = "reweigh-fine-tune"  # and as what comes of it is called, wherever it was asked
METHODS: tuple[str, ...] = (*DECIDING, FINE_TUNE)
SETTINGS: Final = 8  # steps of a ladder
