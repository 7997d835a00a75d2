"""The proof of a mitigation sees each way in which an exported model may not be what was solved, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from fairaudit.config import AuditConfig
from fairaudit.cube.slices import Slice
from fairaudit.mitigations import proof
from fairaudit.mitigations.attributes import ReadAttribute
from fairaudit.mitigations.policy import Policy, Treatment, policy_of, threshold_at
from fairaudit.mitigations.proof import NotAsSolved, Proof, proven
from tests.cli.mitigated import in_this_process, people, write
from tests.models.conftest import built

tf = pytest.importorskip("tensorflow")

from fairaudit.mitigations.exported import export  # noqa: E402
from fairaudit.models import matched  # noqa: E402

__all__ = ["built"]  # the fixture
ROWS = 3_000
FEMALE, MALE = (Slice([("sex", value)]) for value in "fm")
SOLVED = policy_of("thresholds", ("sex",), {FEMALE: threshold_at(0.3), MALE: threshold_at(0.6)}, threshold_at(0.5))
DRAWN = policy_of("equalized-odds", ("sex",), {FEMALE: Treatment(cuts=(0.5,), chances=(0.25, 1.0)), MALE: Treatment(cuts=(0.5,), chances=(0.0, 0.75))}, threshold_at(0.5))
REPLACED = policy_of("calibrated-equalized-odds", ("sex",), {FEMALE: threshold_at(0.5), MALE: Treatment(cuts=(0.5,), chances=(0.0, 1.0), replaced=0.4, constant=0.375)}, threshold_at(0.5))


@dataclass(frozen=True, kw_only=True)
class Case:
    """People held out, whose score is x, and where the exported model lies."""

    original: Path
    folder: Path

    @property
    def config(self) -> AuditConfig:
        return AuditConfig(model=str(self.original), label="y", protected=("sex",), engines=("native",), rules=("equal-opportunity",))

    @property
    def holdout(self) -> Path:
        return self.folder / "holdout.parquet"

    def exported(self, policy: Policy, *, key: bytes = b"key") -> Path:
        export(matched(self.original, columns=pq.read_schema(self.holdout), data_name="holdout"), policy, (ReadAttribute(name="sex", type=pa.string()),), self.folder / "model", key=key)
        return self.folder / "model"

    def tampered(self, policy: Policy, changed: Callable[[Any, Any, Any], tuple[Any, Any]]) -> Path:
        """An honest export, within one that answers with another score or decision, told by x, the score and the decision."""
        module = tf.Module()
        module.honest = tf.saved_model.load(str(self.exported(policy)))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="sex"), tf.TensorSpec([None], tf.float32, name="x")])
        def answer(sex: Any, x: Any) -> dict[str, Any]:
            given = module.honest.signatures["serving_default"](sex=sex, x=x)
            score, decision = changed(x, given["score"], given["decision"])
            return {"score": score, "decision": tf.cast(decision, tf.int64)}

        tf.saved_model.save(module, str(self.folder / "tampered"), signatures={"serving_default": answer})
        return self.folder / "tampered"

    def proven(self, model: Path, policy: Policy) -> Proof:
        aside = self.folder / "aside"
        aside.mkdir()
        return proven(self.config, self.holdout, "row", model, "serving_default", policy, {}, aside)


@pytest.fixture
def case(built: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    monkeypatch.chdir(tmp_path)
    in_this_process(monkeypatch)
    write(people(ROWS, values=("f", "m", "")))
    duckdb.sql("COPY (SELECT row_number() OVER () AS row, sex, x::FLOAT AS x, y FROM 'people.csv') TO 'holdout.parquet'")
    yield Case(original=built("as_given"), folder=tmp_path)


@pytest.mark.parametrize("policy", [SOLVED, DRAWN, REPLACED], ids=lambda one: one.method)
def test_what_was_solved_is_proven_in_a_fresh_process_too(policy: Policy, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(case.folder)
    found = case.proven(case.exported(policy), policy)
    x, sex = (pq.read_table(case.holdout).column(name).to_numpy(zero_copy_only=False) for name in ("x", "sex"))
    expected = {"thresholds": 0, "equalized-odds": ((sex == "f") & (x <= 0.5)).sum() + ((sex == "m") & (x > 0.5)).sum(), "calibrated-equalized-odds": ((sex == "m") & (x > 0.5)).sum()}
    assert (found.checked.rows, found.checked.drawn, found.checked.differing) == (ROWS, expected[policy.method], 0)
    assert found.differences.matched is not None and found.differences.matched.matched == ROWS


TAMPERED: dict[str, tuple[Policy, Callable[[Any, Any, Any], tuple[Any, Any]], str]] = {
    "a score a little lower": (SOLVED, lambda x, score, decision: (score * 0.9999, decision), r"scores [\d,]+ of 3,000 rows of the holdout otherwise than the original, the first 0\.\d+ and not 0\.\d+"),
    "one score": (SOLVED, lambda x, score, decision: (tf.where(x == tf.reduce_max(x), score - 0.01, score), decision), r"scores \d+ of 3,000 rows of the holdout otherwise than the original"),
    "a score that is the constant of another group": (REPLACED, lambda x, score, decision: (tf.where(x > 0.9, tf.ones_like(x) * 0.375, score), decision), r"scores \d+ of 3,000 rows of the holdout otherwise than the original"),
    "decisions turned round": (SOLVED, lambda x, score, decision: (score, 1 - decision), r"decides (2,99\d|3,000) of 3,000 rows of the holdout otherwise than was solved"),
    "a few decisions": (SOLVED, lambda x, score, decision: (score, tf.where((x > 0.8) & (x < 0.802), tf.zeros_like(decision), decision)), r"decides \d of 3,000 rows of the holdout otherwise than was solved, the first of score 0\.80\d+"),
    "a decision that no draw decides": (DRAWN, lambda x, score, decision: (score, tf.where((x > 0.8) & (x < 0.802), tf.zeros_like(decision), decision)), r"decides \d of 3,000 rows of the holdout otherwise than was solved"),
    "a replaced score that is decided as the own one was": (REPLACED, lambda x, score, decision: (score, tf.cast(x > 0.5, tf.int64)), r"decides \d+ of 3,000 rows of the holdout otherwise than was solved"),
    "nobody below the threshold is replaced": (REPLACED, lambda x, score, decision: (tf.where(x < 0.5, x, score), decision), r"of \d+ rows of sex=m, the exported model scores \d+ by 0\.375, and \d+\.\d were solved"),
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERED)
def test_an_export_that_was_tampered_with_is_seen(how: str, case: Case) -> None:
    policy, changed, said = TAMPERED[how]
    with pytest.raises(NotAsSolved, match=rf"^the exported model {said}|^{said}") as raised:
        case.proven(case.tampered(policy, changed), policy)
    assert raised.value.exit_code == 4 and str(raised.value).endswith("nothing was written")


OTHER_CHANCES = {
    "more are drawn": policy_of("equalized-odds", ("sex",), {FEMALE: Treatment(cuts=(0.5,), chances=(0.5, 1.0)), MALE: Treatment(cuts=(0.5,), chances=(0.0, 0.75))}, threshold_at(0.5)),
    "fewer are kept": policy_of("equalized-odds", ("sex",), {FEMALE: Treatment(cuts=(0.5,), chances=(0.25, 1.0)), MALE: Treatment(cuts=(0.5,), chances=(0.0, 0.5))}, threshold_at(0.5)),
}


@pytest.mark.parametrize("how", OTHER_CHANCES)
def test_rates_that_are_beyond_what_draws_explain_are_seen(how: str, case: Case) -> None:
    with pytest.raises(NotAsSolved, match=r"^of \d+ rows of sex=[fm] that are drawn, the exported model decides \d+ positively, and \d+\.\d were solved; nothing was written$"):
        case.proven(case.exported(OTHER_CHANCES[how]), DRAWN)


def test_other_draws_of_the_same_chances_are_within_what_draws_explain(case: Case) -> None:
    assert case.proven(case.exported(DRAWN, key=b"another"), DRAWN).checked.drawn > 0


def test_a_fresh_process_that_scores_otherwise_is_seen(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = proof._in_a_fresh_process

    def again(config: AuditConfig, out: Path, aside: Path) -> Path:
        path = plain(config, out, aside)
        table = pq.read_table(path)
        score = table.column("score").to_numpy().copy()
        score[7] += 1e-5
        pq.write_table(table.set_column(table.column_names.index("score"), "score", pa.array(score)), path)
        return path

    monkeypatch.setattr(proof, "_in_a_fresh_process", again)
    with pytest.raises(NotAsSolved, match="loaded again in a fresh process, gives 1 of 3,000 rows of the holdout another score or decision; nothing was written"):
        case.proven(case.exported(SOLVED), SOLVED)


def test_a_model_that_a_fresh_process_cannot_load_is_told_in_its_words(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(case.folder)
    model = case.exported(SOLVED)
    missing = case.config.__class__(model=str(model) + "-gone", data=(str(case.holdout),), label="y", protected=("sex",))
    with pytest.raises(NotAsSolved, match=r"^the exported model was loaded again in a fresh process, and could not be audited there: fairaudit: .*-gone"):
        proof._in_a_fresh_process(missing, case.folder / "again", case.folder)


def saved(path: Path, score: Any, decision: Any, label: Any, sex: Any) -> proof._Rows:
    """Saved rows as the proof reads them."""
    pq.write_table(pa.table({"id": np.arange(len(score)), "score": np.asarray(score, dtype=float), "decision": np.asarray(decision, dtype=bool), "label": label, "slice:sex": sex}), path)
    return proof._rows(path)


def test_rows_within_a_millionth_of_a_cut_may_be_decided_either_way_and_are_counted(tmp_path: Path) -> None:
    """Of cuts at 0.3 and 0.6: two rows lie nearer than that, and two just further away."""
    score, sex, label = [0.3 + 4e-7, 0.6 - 9e-7, 0.3 + 2e-6, 0.6 - 2e-6, 0.9], ["f", "m", "f", "m", "f"], [1, 0, 1, 0, 1]
    right, either = [1, 0, 1, 0, 1], [0, 1, 1, 0, 1]
    rows = {name: saved(tmp_path / f"{name}.parquet", score, decided, label, sex) for name, decided in (("right", right), ("either", either))}
    assert proof._check(rows["right"], rows["right"], rows["either"], SOLVED) == proof.Checked(rows=5, near_a_cut=2, differing=2, drawn=0)
    assert proof._check(rows["right"], rows["either"], rows["either"], SOLVED).differing == 0
    for place in (2, 3):
        wrong = saved(tmp_path / "wrong.parquet", score, [one ^ (at == place) for at, one in enumerate(right)], label, sex)
        with pytest.raises(NotAsSolved, match="decides 1 of 5 rows"):
            proof._check(rows["right"], wrong, wrong, SOLVED)
        with pytest.raises(NotAsSolved, match="gives 1 of 5 rows"):
            proof._check(rows["right"], rows["right"], wrong, SOLVED)


def test_another_number_of_rows_is_told(tmp_path: Path) -> None:
    three, two = (saved(tmp_path / f"{number}.parquet", [0.9] * number, [1] * number, [1] * number, ["f"] * number) for number in (3, 2))
    with pytest.raises(NotAsSolved, match="audited on 2 rows of the holdout, and the original on 3; the holdout changed meanwhile"):
        proof._check_rows(three, two, two)


@pytest.mark.parametrize("label", [0, 1])
def test_drawn_rows_may_miss_their_chances_by_five_standard_errors_and_a_row(label: int, tmp_path: Path) -> None:
    """Of 400 women with different scores below 0.5, whose chance is a quarter: 100 ± (5 √(400 · ¼ · ¾) + 1), so that 144 are allowed and 145 are not."""
    score, labels, sex = np.linspace(0.01, 0.4, 400), [label] * 400, ["f"] * 400
    for number, is_seen in ((56, False), (55, True), (144, False), (145, True)):
        rows = saved(tmp_path / "rows.parquet", score, np.arange(400) < number, labels, sex)
        if is_seen:
            with pytest.raises(NotAsSolved, match=rf"of 400 rows of sex=f that are drawn, the exported model decides {number} positively, and 100\.0 were solved"):
                proof._check(rows, rows, rows, DRAWN)
        else:
            assert proof._check(rows, rows, rows, DRAWN).drawn == 400


def test_rows_of_one_score_may_be_one_applicant_and_are_drawn_together(tmp_path: Path) -> None:
    """Of 400 women with 4 scores between them the draws are 4: none or all of a hundred may be selected."""
    rows = saved(tmp_path / "rows.parquet", np.repeat([0.1, 0.2, 0.3, 0.4], 100), np.arange(400) < 300, [1] * 400, ["f"] * 400)
    assert proof._check(rows, rows, rows, DRAWN).drawn == 400


def test_a_share_of_replaced_scores_is_held_to_what_was_solved_as_draws_are(tmp_path: Path) -> None:
    """Of 400 men 160 ± (5 √(400 · 0.4 · 0.6) + 1) are scored 0.375: 209 are allowed and 210 are not. One whose own score it was cannot be told."""
    score, sex = np.append(np.linspace(0.4, 0.9, 400), 0.375), ["m"] * 401
    before = saved(tmp_path / "before.parquet", score, score > 0.5, [1] * 401, sex)
    for number, is_seen in ((111, False), (110, True), (209, False), (210, True)):
        chosen = np.random.default_rng(number).permutation(400) < number
        after_score = np.where(np.append(chosen, False), 0.375, score)
        after = saved(tmp_path / "after.parquet", after_score, after_score > 0.5, [1] * 401, sex)
        if is_seen:
            with pytest.raises(NotAsSolved, match=re.escape(f"of 400 rows of sex=m, the exported model scores {number} by 0.375, and 160.0 were solved")):
                proof._check(before, after, after, REPLACED)
        else:
            proof._check(before, after, after, REPLACED)


def test_a_row_of_no_group_is_decided_by_the_fallback(tmp_path: Path) -> None:
    score, sex = [0.45, 0.55, 0.45, 0.55], [None, None, "x", "x"]
    rows = saved(tmp_path / "rows.parquet", score, [0, 1, 0, 1], [1, 1, 0, 0], sex)
    assert proof._check(rows, rows, rows, SOLVED).near_a_cut == 0
    wrong = saved(tmp_path / "wrong.parquet", score, [1, 1, 0, 1], [1, 1, 0, 0], sex)
    with pytest.raises(NotAsSolved, match="decides 1 of 4 rows"):
        proof._check(rows, wrong, wrong, SOLVED)
