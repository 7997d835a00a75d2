"""What of a candidate that could not be fitted is kept, and what is the machine's and ends the search."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from fairaudit.errors import ContentError
from fairaudit.mitigations import searching
from fairaudit.mitigations.candidates import Candidate
from fairaudit.mitigations.fine_tuning import FineTuned, FineTuning
from fairaudit.mitigations.kept import kept
from fairaudit.mitigations.withheld import Withheld
from fairaudit.models.interface import ModelFailed, UnfitModel

CANDIDATE = Candidate(id="fine-tune-1", way=FineTuning())


def fitted(out: Path, error: Exception | None, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a search says of training that ends so, before it is stopped; of training that is gone through again, that it was."""

    def train(*_: Any, **__: Any) -> Any:
        raise error or UnfitModel("it was trained anew")

    monkeypatch.setattr(searching, "fine_tune", train)
    nothing: Any = None  # that training, which is not done here, would be given
    said = []
    with pytest.raises(KeyboardInterrupt), kept(out, {"one": 1}, anew=False) as state:
        found = searching._fitted([CANDIDATE], nothing, 0.5, state, lambda: searching.Training(made=nothing, matched=nothing, rows=nothing), 0, None)
        said.append(str(found["fine-tune-1"].unmet))
        raise KeyboardInterrupt
    return said[0]


def test_a_fact_about_the_model_is_kept_and_a_failure_that_may_pass_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fitted(tmp_path / "one", UnfitModel("there are no variables"), monkeypatch) == "there are no variables"
    assert fitted(tmp_path / "one", None, monkeypatch) == "there are no variables"
    assert fitted(tmp_path / "two", ModelFailed("no memory"), monkeypatch) == "no memory"
    assert fitted(tmp_path / "two", None, monkeypatch) == "it was trained anew"


def test_a_full_disk_ends_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = ContentError("no disk space is left")
    full.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(ContentError, match="no disk space"):
        fitted(tmp_path / "one", full, monkeypatch)


def test_models_that_training_did_not_change_are_the_model_as_it_is_or_the_first_that_the_same_is_withheld_from() -> None:
    def tuned(best: int, *withheld: str) -> FineTuned:
        return FineTuned(sha256="0", parameters=1, rows_trained=1, rows_validated=1, start=0.5, epochs=(), best=best, withheld=tuple(Withheld(attribute=one, dtype="string", value="f") for one in withheld))

    found = {"a": tuned(0), "b": tuned(2), "c": tuned(0), "d": tuned(0, "sex"), "e": tuned(1, "sex"), "f": tuned(0, "sex"), "g": tuned(0, "sex", "race")}
    assert searching._untrained(found) == {"a": "as-is", "c": "as-is", "f": "d"}
