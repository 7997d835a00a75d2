from __future__ import annotations

from pathlib import Path

import pytest

from fairaudit import resources


def test_the_shipped_rules_are_found_in_a_checkout() -> None:
    assert {"four-fifths", "equal-opportunity"} <= set(resources.names("rules", ".yaml"))
    assert resources.resource("rules", "four-fifths.yaml").is_file()


def test_a_wheel_finds_its_own_copy_and_not_a_neighbour_of_the_same_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "fairaudit" / "_data" / "rules"
    own.mkdir(parents=True)
    (own / "ours.yaml").write_text("")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "theirs.yaml").write_text("")
    monkeypatch.setattr(resources, "files", lambda package: tmp_path / package)
    assert resources.names("rules", ".yaml") == ("ours",)


def test_what_is_not_there_is_nothing() -> None:
    assert resources.names("no/such/kind", ".yaml") == ()
