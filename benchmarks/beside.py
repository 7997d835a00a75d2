"""Our mitigations beside AIF360's and Fairlearn's, fitted and judged on the parts that `fairaudit mitigate` makes: UCI Adult by sex, and COMPAS by race.

python -m benchmarks.beside [adult|compas ...]        adult needs the demo's data and model, as `make demo` leaves them

What is drawn is in the mean: of ours exactly, of theirs over 20 seeds.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fairaudit.config import AuditConfig
from fairaudit.metrics.engines.quiet import quietly
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.inferring import of_holdout
from fairaudit.mitigations.methods import Method, by_calibrated_equalized_odds, by_equalized_odds, by_reject_option, by_thresholds
from fairaudit.mitigations.parts import Parts, split_parts
from fairaudit.mitigations.policy import Treatment
from fairaudit.mitigations.postprocessed import asked_of, fitted_on, infer
from fairaudit.mitigations.solved import Unreachable
from fairaudit.types import Floats

SEEDS = 20
BOUND, TIGHT, NONE = 0.05, 0.01, 1e-6  # of reject option, and of rules; a limit must be above 0
RULE = "schema: fairaudit/rule/1\nextends: {0}\nid: tight-{0}\ntitle: {0} within {1}\nlimit_origin: ours\nlimit: {1}\nserious: 0.2\n"
NO_FAIRLEARN = "beside: the package fairlearn is not installed, and this is a comparison with it; install it beside fairaudit, as `make` does."


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Rows of two groups with the model's scores."""

    member: Any  # shape (rows,): 1.0 of the better-off group, else 0.0
    label: Any  # 1.0 where positive, which is good for the person
    score: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a method makes of rows, in the mean of what is drawn."""

    selected: Floats
    score: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    title: str
    attribute: str
    better_off: str
    features: tuple[str, ...]  # that the model takes, as far as they matter here
    config: AuditConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    name: str
    gap: Callable[[People, Answers], float]


def _apart(people: People, values: Floats, chosen: Any) -> float:
    return float(abs(values[chosen & (people.member == 1)].mean() - values[chosen & (people.member == 0)].mean()))


PARITY = Target(name="selection rates", gap=lambda people, made: _apart(people, made.selected, people.label >= 0))
ODDS = Target(name="true or false positive rates, the larger", gap=lambda people, made: max(_apart(people, made.selected, people.label == one) for one in (0, 1)))
CALIBRATED = {
    "fnr": Target(name="mean scores of the positives", gap=lambda people, made: _apart(people, made.score, people.label == 1)),
    "fpr": Target(name="mean scores of the negatives", gap=lambda people, made: _apart(people, made.score, people.label == 0)),
}


def adult() -> Data:
    for path in ("demo/adult_test.csv", "demo/model"):
        if not Path(path).exists():
            raise SystemExit(f"beside: {path} is not there; run make demo, which makes it.")
    return Data(
        title="UCI Adult, the demo's model, by sex", attribute="sex", better_off="Male", features=("sex",),
        config=AuditConfig(model="demo/model", data=("demo/adult_test.csv",), label="income", positive=">50K", protected=("sex",)),
    )  # fmt: skip


def compas(folder: Path) -> Data:
    """The positive label is not to be charged again within two years; a third of the rows trains the model, from age, sex and COMPAS's own decile."""
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    from examples.compas.prepare import write_csv

    write_csv(folder / "all.csv")
    rows = pd.read_csv(folder / "all.csv")
    rows = rows[rows["race"].isin(["African-American", "Caucasian"])]
    trains = np.random.default_rng(0).random(len(rows)) < 1 / 3
    rows[~trains].to_csv(folder / "compas.csv", index=False)
    seen = rows[trains]
    made = LogisticRegression().fit(np.stack([seen["age"] / 10, seen["decile_score"], seen["sex"] == "Male"], axis=1).astype(float), seen["two_year_recid"] == 0)
    _save(made.coef_[0], float(made.intercept_[0]), folder / "model")
    return Data(
        title="COMPAS, a logistic regression, by race", attribute="race", better_off="Caucasian", features=("age", "decile_score", "sex"),
        config=AuditConfig(model=str(folder / "model"), data=(str(folder / "compas.csv"),), label="two_year_recid", positive="0", protected=("race",)),
    )  # fmt: skip


def _save(weights: Floats, intercept: float, folder: Path) -> None:
    import tensorflow as tf  # type: ignore[import-untyped]

    def answer(age: Any, decile_score: Any, sex: Any) -> dict[str, Any]:
        columns = (tf.cast(age, tf.float32) / 10, tf.cast(decile_score, tf.float32), tf.cast(sex == "Male", tf.float32))
        return {"score": tf.sigmoid(tf.add_n([float(weight) * column for weight, column in zip(weights, columns, strict=True)]) + intercept)}

    module = tf.Module()
    specs = {name: tf.TensorSpec([None], tf.string if name == "sex" else tf.int64, name=name) for name in ("age", "decile_score", "sex")}
    tf.saved_model.save(module, str(folder), signatures={"serving_default": tf.function(answer).get_concrete_function(**specs)})


def read(path: str | Path, data: Data) -> People:
    """A part's rows, scored by the model with plain TensorFlow."""
    import tensorflow as tf

    rows = pd.read_parquet(path)
    call = tf.saved_model.load(str(data.config.model)).signatures["serving_default"]
    given = {}
    for name, spec in call.structured_input_signature[1].items():
        values = rows[name].to_numpy()
        given[name] = tf.constant((values if spec.dtype == tf.string else values.astype(spec.dtype.as_numpy_dtype)).reshape([-1, *spec.shape[1:]]), dtype=spec.dtype)
    (scores,) = call(**given).values()
    label = (rows[str(data.config.label)].astype(str).str.strip() == data.config.positive).to_numpy().astype(float)
    return People(member=(rows[data.attribute] == data.better_off).to_numpy().astype(float), label=label, score=scores.numpy().reshape(-1).astype(np.float64))


def ours(data: Data, parts: Parts, method: Method, rules: Sequence[str], held: People) -> Answers:
    import msgspec

    config = asked_of(msgspec.structs.replace(data.config, rules=tuple(rules)), method.rules)
    found, cells, slicing = fitted_on(config, parts.fit, edges=method.edges)
    if method.infers_group:
        with tempfile.TemporaryDirectory() as aside:
            inferring = infer(config, found, cells, slicing, Path(aside))
        cells = inferring.cells
        members = np.array(list(_members(cells, data)))
        held = replace(held, member=members[of_holdout(inferring.model, found.rows, inferring.features, parts.holdout, parts.row).place])
    solved = method.solve(cells, found.thresholds.edge(config.threshold))
    return answers(dict(zip(_members(cells, data), solved.treatments, strict=True)), held)


def _members(cells: Cells, data: Data) -> Iterator[float]:
    for group in cells.groups:
        yield float(dict(group.values)[data.attribute] == data.better_off)


def answers(treatments: dict[float, Treatment], held: People) -> Answers:
    selected, score = np.empty(held.score.size), held.score.copy()
    for member, one in treatments.items():
        at = held.member == member
        selected[at] = one.chance(held.score[at])
        if one.constant is not None:
            score[at] = (1 - one.replaced) * score[at] + one.replaced * one.constant
    return Answers(selected=selected, score=score)


def _data_set(people: People) -> tuple[Any, Any]:
    from aif360.datasets import BinaryLabelDataset  # type: ignore[import-untyped]

    frame = pd.DataFrame({"member": people.member, "label": people.label})
    true = BinaryLabelDataset(df=frame, label_names=["label"], protected_attribute_names=["member"], favorable_label=1.0, unfavorable_label=0.0)
    said = true.copy(deepcopy=True)
    said.scores = people.score.reshape(-1, 1).copy()
    said.labels = (said.scores > 0.5).astype(float)
    return true, said


def aif360(name: str, fit: People, held: People, cost: str = "") -> Answers:
    with quietly(), np.errstate(all="ignore"):
        from aif360.algorithms import postprocessing as theirs  # type: ignore[import-untyped]

        roles = {"unprivileged_groups": [{"member": 0}], "privileged_groups": [{"member": 1}]}
        made = {
            "equalized-odds": lambda: theirs.EqOddsPostprocessing(**roles),
            "calibrated-equalized-odds": lambda: theirs.CalibratedEqOddsPostprocessing(**roles, cost_constraint=cost),
            "reject-option": lambda: theirs.RejectOptionClassification(**roles, metric_name="Statistical parity difference", metric_lb=-BOUND, metric_ub=BOUND),
        }[name]()
        made.fit(*_data_set(fit))
        drawn = []
        for seed in range(SEEDS):
            made.seed = seed
            drawn.append(made.predict(_data_set(held)[1]))
    return Answers(selected=np.mean([one.labels[:, 0] for one in drawn], axis=0), score=np.mean([one.scores[:, 0] for one in drawn], axis=0))


def fairlearn(constraints: str, fit: People, held: People) -> Answers:
    from fairlearn.postprocessing import ThresholdOptimizer  # type: ignore[import-untyped]
    from sklearn.base import BaseEstimator, ClassifierMixin  # type: ignore[import-untyped]

    class Scores(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        """A model whose one feature is its score."""

        fitted_ = True

        def fit(self, x: Any, y: Any) -> Any:
            return self

        def predict(self, x: Any) -> Any:
            return np.asarray(x)[:, 0]

    made = ThresholdOptimizer(estimator=Scores(), constraints=constraints, objective="accuracy_score", prefit=True, predict_method="predict")
    made.fit(fit.score[:, None], fit.label, sensitive_features=fit.member)
    drawn = [made.predict(held.score[:, None], sensitive_features=held.member, random_state=seed) for seed in range(SEEDS)]
    return Answers(selected=np.mean(drawn, axis=0), score=held.score)


def table(data: Data, aside: Path) -> Iterator[str]:
    """A line a method, under what it is after."""
    parts = split_parts(asked_of(data.config, ("statistical-parity",)), aside)
    fit, held = read(parts.fit[0], data), read(parts.holdout, data)
    before = Answers(selected=(held.score > 0.5).astype(float), score=held.score)

    def own(method: Method, *rules: str) -> Callable[[], Answers]:
        return lambda: ours(data, parts, method, rules, held)

    def thresholds(rule: str, **how: bool) -> Callable[[], Answers]:
        import msgspec

        return own(by_thresholds(msgspec.structs.replace(data.config, rules=(rule,)), "accuracy", **how), rule)

    def within(rule: str, limit: float) -> str:
        path = aside / f"{rule}-within-{limit:g}.yaml"
        path.write_text(RULE.format(rule, f"{limit:.6f}"))
        return str(path)

    def of(target: Target, rule: str) -> Iterator[tuple[Target, str, Callable[[], Answers]]]:
        yield target, f"fairaudit thresholds, rule {rule} (limit 0.1)", thresholds(rule)
        yield target, "fairaudit thresholds --drawn, the same", thresholds(rule, drawn=True)
        tight = within(rule, TIGHT)
        yield target, f"fairaudit thresholds, limit {TIGHT:g}", thresholds(tight)
        yield target, f"fairaudit thresholds --drawn, limit {TIGHT:g}", thresholds(tight, drawn=True)
        yield target, f"fairaudit thresholds --drawn, limit {NONE:.6f}", thresholds(within(rule, NONE), drawn=True)
        for limit in (0.1, TIGHT):
            yield target, f"fairaudit thresholds --without-attribute, limit {limit:g}", thresholds(within(rule, limit), without_attribute=True)
            yield target, f"fairaudit thresholds --without-attribute --drawn, limit {limit:g}", thresholds(within(rule, limit), drawn=True, without_attribute=True)
            if data.attribute not in data.features:  # a model that is told the group needs no inference
                yield target, f"fairaudit thresholds --without-attribute --drawn --infer-group, limit {limit:g}", thresholds(within(rule, limit), drawn=True, without_attribute=True, infer_group=True)

    asked: tuple[tuple[Target, str, Callable[[], Answers]], ...] = (
        *of(PARITY, "statistical-parity"),
        (PARITY, "Fairlearn ThresholdOptimizer, demographic_parity", lambda: fairlearn("demographic_parity", fit, held)),
        (PARITY, f"fairaudit reject-option, bound {BOUND}", own(by_reject_option(data.config, "statistical_parity_difference", BOUND))),
        (PARITY, f"AIF360 RejectOptionClassification, bound {BOUND}", lambda: aif360("reject-option", fit, held)),
        *of(ODDS, "equalized-odds"),
        (ODDS, "fairaudit equalized-odds", own(by_equalized_odds())),
        (ODDS, "AIF360 EqOddsPostprocessing", lambda: aif360("equalized-odds", fit, held)),
        (ODDS, "Fairlearn ThresholdOptimizer, equalized_odds", lambda: fairlearn("equalized_odds", fit, held)),
    )
    for cost, target in CALIBRATED.items():
        asked += (
            (target, f"fairaudit calibrated-equalized-odds, cost {cost}", own(by_calibrated_equalized_odds(cost))),
            (target, f"AIF360 CalibratedEqOddsPostprocessing, cost {cost}", lambda cost=cost: aif360("calibrated-equalized-odds", fit, held, cost)),  # type: ignore[misc]
        )
    yield f"### {data.title}: {fit.label.size:,} rows to fit on, {held.label.size:,} held out\n"
    yield "| what is brought together | method | accuracy | balanced accuracy | gap before | gap after |"
    yield "| --- | --- | --- | --- | --- | --- |"
    yield f"| | the model as it is | {_rates(held, before)} | | |"
    refused = []
    for target, name, made in asked:
        try:
            after = made()
        except Unreachable as none:
            refused.append(f"{name}: {none}")
            yield f"| {target.name} | {name} | refused | | {target.gap(held, before):.4f} | |"
            continue
        yield f"| {target.name} | {name} | {_rates(held, after)} | {target.gap(held, before):.4f} | {target.gap(held, after):.4f} |"
    for one in refused:
        yield f"\nRefused by {one}"


def _rates(held: People, made: Answers) -> str:
    tpr, tnr = made.selected[held.label == 1].mean(), 1 - made.selected[held.label == 0].mean()
    right = np.where(held.label == 1, made.selected, 1 - made.selected).mean()
    return f"{right:.4f} | {(tpr + tnr) / 2:.4f}"


def main(arguments: Sequence[str]) -> None:
    if importlib.util.find_spec("fairlearn") is None:
        raise SystemExit(NO_FAIRLEARN)
    unknown = [one for one in arguments if one not in ("adult", "compas")]
    if unknown:
        raise SystemExit(f"beside: there are no data called {unknown[0]!r}; there are adult and compas.")
    for name in arguments or ("adult", "compas"):
        with tempfile.TemporaryDirectory() as folder:
            aside = Path(folder)
            (aside / "parts").mkdir()
            for line in table(adult() if name == "adult" else compas(aside), aside / "parts"):
                print(line, flush=True)
            print()


if __name__ == "__main__":
    main(sys.argv[1:])
