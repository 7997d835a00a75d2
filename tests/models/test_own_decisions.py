"""A model that decides by itself: its audit is that of its decisions, and of its scores where scores are asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from fairaudit.baselines import _decided
from fairaudit.cli import _run
from fairaudit.config import AuditConfig
from fairaudit.differences import differences
from fairaudit.errors import ConfigError, ContentError, FairauditError
from fairaudit.models import load
from fairaudit.reports.audited import audited as facts_of
from fairaudit.result import Audit
from fairaudit.run import audit

Built = Callable[[str], Path]
RNG = np.random.default_rng(11)
X, SEX, LABEL = RNG.uniform(0, 1, 500).astype(np.float32), RNG.choice(["f", "m"], 500), RNG.integers(0, 2, 500)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    path.write_text("k,x,sex,y,d\n" + "".join(f"{place},{x!r},{sex},{y},{int(x > np.float32(0.7))}\n" for place, (x, sex, y) in enumerate(zip(map(float, X), SEX, LABEL, strict=True))))
    return str(path)


def made(built: Built, rows: str, **more: Any) -> Audit:
    common: dict[str, Any] = {"output": "p", "label": "y", "protected": ("sex",), "engines": ("native",), "batch_size": 64}
    return audit(AuditConfig(model=str(built("deciding")), data=(rows,), **(common | more)))


def numbers(one: Audit) -> dict[Any, Any]:
    found = {(each.metric, str(each.slice), str(each.params)): (each.value, each.interval, each.status) for each in one.measurements}
    return found | {(each.metric, each.kind, str(each.group), str(each.params)): (each.value, each.interval) for each in one.comparisons}


@pytest.mark.parametrize(("output", "threshold"), [("mine", 0.4), ("strict", 0.7)])
def test_decisions_are_the_models_and_scores_stay_what_they_are(built: Built, rows: str, output: str, threshold: float) -> None:
    own, by_threshold = made(built, rows, decision_output=output), made(built, rows, threshold=threshold)
    assert numbers(own) == numbers(by_threshold)
    assert {(str(one.slice), one.value) for one in own.measurements if one.metric == "selection_rate" and one.slice.values} == {
        (f"sex={sex}", (np.float32(threshold) < X)[sex == SEX].mean()) for sex in "fm"
    }
    assert {"roc_auc", "calibration_in_the_large"} <= {one.metric for one in own.measurements if one.value is not None}
    assert own.manifest.thresholds == {} and all(one.threshold is None for one in (*own.measurements, *own.counts))
    assert (own.manifest.model.output, own.manifest.model.decision_output, own.manifest.config["decision_output"]) == ("p", output, output)


def test_they_are_counted_as_decisions_in_a_column_are(built: Built, rows: str) -> None:
    given = audit(AuditConfig(data=(rows,), decision_column="d", label="y", protected=("sex",), engines=("native",), features=("x",)))
    own = made(built, rows, decision_output="strict", features=("x",))
    found = numbers(own)
    assert {key: found[key] for key in numbers(given)} == numbers(given) and any(key[0] == "consistency" for key in numbers(given))


def test_every_engine_finds_the_same(built: Built, rows: str) -> None:
    own = made(built, rows, decision_output="mine", engines=(), rules=("four-fifths",))
    assert own.verdict is not None and not [one for one in own.findings if one.rule == "engine-disagreement"]


def test_rows_that_are_kept_have_the_models_decisions(built: Built, rows: str, tmp_path: Path) -> None:
    config = AuditConfig(model=str(built("deciding")), data=(rows,), output="p", decision_output="strict", protected=("sex",), engines=("native",), id="k", save_scores=True, batch_size=64)
    audit(config, scores=tmp_path / "scores.parquet")
    kept = pq.read_table(tmp_path / "scores.parquet").to_pydict()
    assert kept["decision"] == (np.float32(0.7) < X).tolist() and kept["score"] == X.astype(float).tolist()


def test_the_score_is_the_only_other_output_where_none_is_named(built: Built, tmp_path: Path) -> None:
    from tests.models.builders import X as GIVEN
    from tests.models.builders import save

    save(tmp_path / "two", serving_default=(lambda x: {"p": x, "d": x > 0.5}, GIVEN))
    scorer = load(tmp_path / "two", columns=pa.schema([("x", pa.float64())]), data_name="a", decision_output="d", batch_size=4)
    answers = scorer.answer(pa.RecordBatch.from_pydict({"x": [0.25, 0.75]}), str)
    assert (scorer.card.output, scorer.card.decision_output) == ("p", "d") and answers.scores.tolist() == [0.25, 0.75]
    assert answers.decisions is not None and answers.decisions.tolist() == [False, True]
    empty = scorer.answer(pa.RecordBatch.from_pydict({"x": pa.array([], pa.float64())}), str)
    assert empty.decisions is not None and empty.decisions.shape == (0,)


def test_what_is_no_decision_is_told_with_its_rows(built: Built, rows: str) -> None:
    with pytest.raises(ContentError) as told:
        made(built, rows, decision_output="half")
    first = X[0] * np.float32(2)
    assert str(told.value) == (
        f"model 'deciding': the output 'half' is no decision in 500 of 500 rows, first {first:.6g} for rows.csv, row 1; "
        "a decision is 0 or 1, so name another output with --decision-output, or leave it out and give a --threshold"
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"decision_output": "pair"}, r"model 'deciding': the output pair \(float32 \[n, 2\]\) has several values for each row, and a decision is one: \[n\] or \[n, 1\]; its other outputs are"),
        ({"decision_output": "min"}, "there is no output 'min'; did you mean 'mine'"),
        ({"decision_output": "p"}, "--output and --decision-output both name 'p'; one is the score and the other the decision, so name two outputs"),
        ({"decision_output": "mine", "threshold": 0.3}, "--decision-output takes the model's own decisions, and --threshold would make others of its scores; leave one out"),
        (
            {"decision_output": "mine", "threshold": 0.3, "other_thresholds": (0.2,), "group_thresholds": {"sex": {"f": 0.1}}},
            "--decision-output takes the model's own decisions, and --threshold and --group-threshold would make others of its scores; leave one out",
        ),
        ({"decision_output": "mine", "threshold_sweep": 0.1}, "and --threshold-sweep would make others"),
        ({"decision_output": "mine", "at_threshold": "positive"}, "and --at-threshold would make others"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(built: Built, rows: str, more: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        made(built, rows, **more)


def test_without_a_model_it_would_change_nothing(rows: str) -> None:
    with pytest.raises(FairauditError, match="--decision-output is about a model, and no --model DIR is given; leave it out"):
        audit(AuditConfig(data=(rows,), score_column="x", decision_output="mine", protected=("sex",)))


def test_an_output_of_texts_decides_nothing(built: Built, tmp_path: Path) -> None:
    from tests.models.builders import X as GIVEN
    from tests.models.builders import save, tf

    save(tmp_path / "m", serving_default=(lambda x: {"p": x, "word": tf.strings.as_string(x)}, GIVEN))
    with pytest.raises(ConfigError, match=r"the output word \(string \[n\]\) cannot be a decision; a decision is a bool, or a number that is 0 or 1; its other outputs are p"):
        load(tmp_path / "m", columns=pa.schema([("x", pa.float64())]), data_name="a", decision_output="word")


def test_an_answer_of_fewer_rows_is_told(built: Built, tmp_path: Path) -> None:
    from tests.models.builders import X as GIVEN
    from tests.models.builders import save, tf

    save(tmp_path / "m", serving_default=(lambda x: {"p": x, "d": tf.boolean_mask(x, tf.range(tf.size(x)) < 1) > 0.5}, GIVEN))
    scorer = load(tmp_path / "m", columns=pa.schema([("x", pa.float64())]), data_name="a", decision_output="d", batch_size=4)
    with pytest.raises(ContentError, match=r"model 'm' answered 4 rows with an output 'd' of shape \[1\]; a decision is wanted for each row"):
        scorer.answer(pa.RecordBatch.from_pydict({"x": [0.25, 0.75]}), str)


def test_the_report_a_comparison_and_the_notes_say_whose_decisions_they_are(built: Built, rows: str) -> None:
    own, other = made(built, rows, decision_output="mine"), made(built, rows, threshold=0.4)
    assert "Decisions are the model's own, its output 'mine'; no threshold was set on its scores." in own.notes
    facts = {one.name: one.text for one in facts_of(own).facts}
    assert facts["Decisions"] == "the model's own, its output mine; no threshold was set on its scores" and "Threshold" not in facts
    assert _decided(own.manifest) == "by the model's output 'mine'" and _decided(other.manifest) == "above 0.4"
    assert differences(other, own).same_model is False and differences(own, own).same_model is True


def test_the_command_line_takes_it_and_a_check_says_so(built: Built, rows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    flags = ["--model", str(built("deciding")), "--data", rows, "--output", "p", "--decision-output", "mine", "--label", "y", "--protected", "sex", "--engine", "native", "--out", "out"]
    assert _run(["check", *flags]) == 0
    assert "by its output 'mine'" in " ".join(capsys.readouterr().out.split())
    assert _run(["check", *flags[:7], "his", *flags[8:]]) == 2 and "there is no output 'his'" in capsys.readouterr().err
    assert _run(["audit", *flags, "--quiet"]) == 0
    assert json.loads((tmp_path / "out" / "audit.json").read_text())["manifest"]["model"]["decision_output"] == "mine"
    (tmp_path / "c.yaml").write_text(f"model: {built('deciding')}\ndata: [{rows}]\noutput: p\ndecision_output: mine\nlabel: y\nprotected: [sex]\nengines: [native]\nout: again\n")
    assert _run(["audit", "--config", "c.yaml", "--quiet"]) == 0
    assert (tmp_path / "out" / "audit.json").read_bytes() == (tmp_path / "again" / "audit.json").read_bytes()
    assert "the model&#39;s own, its output mine" in (tmp_path / "out" / "report.html").read_text()


def exported(folder: Path) -> Path:
    """As a mitigation exports a model: a score, the decision of something else than a threshold of 0.5, and what the original answered."""
    from tests.models.builders import X as GIVEN
    from tests.models.builders import save, tf

    save(folder, serving_default=(lambda x: {"score": x, "decision": tf.cast(x > 0.25, tf.int64), "p": x}, GIVEN))
    return folder


def test_a_model_that_decides_by_itself_is_audited_by_that_if_one_does_what_the_error_says(rows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--model", str(exported(tmp_path / "m")), "--data", rows, "--protected", "sex", "--engine", "native", "--out", str(tmp_path / "out"), "--quiet"]
    assert _run(["audit", *flags]) == 2
    said = capsys.readouterr().err
    assert "add --output score --decision-output decision to audit the model's own decisions, or name another output that is the score with --output" in said
    assert _run(["audit", *flags, "--output", "score", "--decision-output", "decision"]) == 0
    found = json.loads((tmp_path / "out" / "audit.json").read_text())
    (everyone,) = (one["value"] for one in found["measurements"] if one["metric"] == "selection_rate" and not one["slice"])
    assert everyone == (np.float32(0.25) < X).mean() and not any("--decision-output" in one for one in found["notes"])


def test_that_scores_alone_leave_its_decisions_out_is_a_note_of_the_audit_the_check_and_the_report(rows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--model", str(exported(tmp_path / "m")), "--data", rows, "--protected", "sex", "--engine", "native", "--output", "score", "--out", str(tmp_path / "out")]
    note = "The model's own decisions seem to be its output 'decision', and are not audited: a threshold on its scores decides here, which the model may not use. Add --decision-output decision to audit them."
    assert _run(["audit", *flags]) == 0
    assert note in " ".join(capsys.readouterr().out.split()) and note in json.loads((tmp_path / "out" / "audit.json").read_text())["notes"]
    assert "Add --decision-output decision to audit them." in (tmp_path / "out" / "report.html").read_text()
    assert _run(["check", *flags]) == 0 and note in " ".join(capsys.readouterr().out.split())
    assert _run(["check", *flags, "--decision-output", "decision"]) == 0 and "are not audited" not in capsys.readouterr().out
