"""What is said of the libraries is so: their names exist, and the engines ask for what is named."""

from __future__ import annotations

import re

import pytest

from fairaudit.cli import _run
from fairaudit.metrics.catalogue import CATALOGUE, Shape
from fairaudit.metrics.engines import engine
from fairaudit.metrics.libraries import NAMES


def test_every_metric_is_there_and_its_witnesses_are_those_that_are_named() -> None:
    assert NAMES.keys() == CATALOGUE.keys()
    for name, said in (("tfma", {one for one, names in NAMES.items() if names.tfma}), ("aif360", {one for one, names in NAMES.items() if names.aif360} - {"consistency"})):  # it is asked of that by rows
        assert engine(name).metrics == said


def test_the_classes_and_methods_that_are_named_exist() -> None:
    import aif360.sklearn.metrics  # type: ignore[import-untyped]
    from aif360.metrics import ClassificationMetric  # type: ignore[import-untyped]
    from tensorflow_model_analysis import metrics as tfma  # type: ignore[import-untyped]
    from tensorflow_model_analysis.metrics import confusion_matrix_metrics as of_confusions  # type: ignore[import-untyped]

    for names in NAMES.values():
        for word in re.findall(r"\b[A-Z]\w+", re.sub(r"\(.*?\)|FairnessIndicators", "", names.tfma)):
            assert hasattr(tfma, word) or hasattr(of_confusions, word), word
        owner, prefix = (aif360.sklearn.metrics, "aif360.sklearn.metrics.") if "sklearn" in names.aif360 else (ClassificationMetric, names.aif360.split(".")[0] + ".")
        for word in re.sub(r"\(.*?\)", "", names.aif360.removeprefix(prefix)).split(", "):
            assert not word or hasattr(owner, word), word


def test_the_list_has_every_metric_and_each_can_be_shown(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["metrics", "list"]) == 0
    listed = capfd.readouterr().out
    assert all(re.search(rf"^  {name} .*native", listed, re.MULTILINE) for name in CATALOGUE)
    assert _run(["metrics", "show", *CATALOGUE]) == 0
    shown = capfd.readouterr().out
    assert all(f"{one.id}: {one.title}\n  {one.meaning}\n" in shown and one.formula in shown and one.source in shown for one in CATALOGUE.values())


def test_a_rate_is_shown_with_its_difference_within_a_control_and_nothing_else_is(capfd: pytest.CaptureFixture[str]) -> None:
    for one in CATALOGUE.values():
        assert _run(["metrics", "show", one.id]) == 0
        assert ("  control     conditional_difference, group − reference" in capfd.readouterr().out) == (one.shape is Shape.RATE)


def test_a_metric_is_shown_by_its_alias_and_a_wrong_name_gets_the_nearest(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["metrics", "show", "precision"]) == 0
    assert "AIF360 answers 0 where nobody is in the denominator" in capfd.readouterr().out
    assert _run(["metrics", "show", "selection_rat"]) == 2
    assert capfd.readouterr().err == "fairaudit: there is no metric 'selection_rat'; did you mean 'selection_rate'?\n"


@pytest.mark.parametrize("name", ["foo", "nonsense"])
def test_a_metric_like_none_is_told_where_all_are(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["metrics", "show", name]) == 2
    assert capfd.readouterr().err == f"fairaudit: there is no metric {name!r}; `fairaudit metrics list` names all.\n"
