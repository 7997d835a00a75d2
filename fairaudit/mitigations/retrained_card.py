"""What a model that was trained under weights says of itself: `card.json`."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from fairaudit.method_names import TrainingName
from fairaudit.mitigations.card import HeldOut, Searched
from fairaudit.mitigations.exported import ExportedTensor
from fairaudit.mitigations.fine_tuning import FineTuned
from fairaudit.mitigations.parts import HowParted
from fairaudit.mitigations.reweighed import SCHEMA
from fairaudit.mitigations.reweighing import Cell
from fairaudit.mitigations.usual import Usual
from fairaudit.models.interface import ModelCard
from fairaudit.result import DataFile


class ByTrainer(msgspec.Struct, frozen=True, kw_only=True):
    """The user's own command that trained a model."""

    words: tuple[str, ...]
    rows: int  # that it was given
    last: str  # line that it said
    trained_before: bool  # whether the model before is its own too, trained with the rows' own weights


class RetrainedModel(msgspec.Struct, frozen=True, kw_only=True):
    """What was exported."""

    original: ModelCard
    sha256: str  # of the exported folder
    signature: str
    signatures: tuple[str, ...]
    inputs: tuple[ExportedTensor, ...]
    outputs: tuple[ExportedTensor, ...]
    output: str  # that was audited
    asks_for: tuple[str, ...]  # protected attributes that it takes
    usual: tuple[Usual, ...] = ()  # what its features hold as a rule, for a row to try the model with
    examples: str | None = None  # the input that takes all features as serialized tf.Examples; None where each is an input itself


class RetrainedCard(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, on what, and why: `card.json`."""

    schema: Literal["fairaudit/mitigation/1"] = SCHEMA
    method: TrainingName
    version: str
    what: str
    why: str
    source: str
    settings: dict[str, Any]  # of the method
    config: dict[str, Any]  # what was asked of the audit, but for what is as it always is
    rules: tuple[str, ...]
    judged: tuple[str, ...]  # rates that the method is about
    data: tuple[DataFile, ...]  # as they were trained on
    parts: HowParted
    cells: tuple[Cell, ...]  # with the factors as they were used
    fine_tuned: FineTuned | None
    trainer: ByTrainer | None
    export: RetrainedModel
    holdout: HeldOut
    notes: tuple[str, ...]
    search: Searched | None = None  # None: it was asked for
