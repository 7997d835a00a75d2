"""Our methods, and those of AIF360, Fairlearn and OxonFair, each as one function from rows to what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.people import Data, People, scored
from fairaudit.data.files import files_of
from fairaudit.data.source import Source
from fairaudit.metrics.engines.quiet import quietly
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.inferring import Inferring, inferred
from fairaudit.mitigations.methods import Method
from fairaudit.mitigations.policy import Treatment
from fairaudit.mitigations.postprocessed import asked_of, fitted_on, infer
from fairaudit.run import Counted
from fairaudit.types import Floats

SEEDS = 20  # over which what AIF360 draws is averaged
PEERS = ("aif360", "fairlearn", "oxonfair")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a method makes of rows, in the mean of what is drawn."""

    selected: Floats  # chance of being selected, shape (rows,)
    score: Floats


Decider = Callable[[People], Answers]


def as_it_is(people: People) -> Answers:
    """The model without any method."""
    return Answers(selected=(people.score > 0.5).astype(float), score=people.score)


class Ours:
    """Our methods on one part of the data, which is counted once for all that need no edges of their own."""

    def __init__(self, data: Data, fit: Sequence[str], aside: Path) -> None:
        self._data, self._fit, self._aside = data, fit, aside
        self._counted: dict[tuple[float, ...], tuple[Counted, Cells, float]] = {}
        self._inferring: Inferring | None = None

    def decider(self, method: Method) -> Decider:
        """Raises: Unreachable where nothing meets what the method asks."""
        _, cells, threshold = self._counts(method.edges)
        if not method.infers_group:
            return decider_of(dict(zip(_members(cells, self._data), method.solve(cells, threshold).treatments, strict=True)))
        cells = self._inferred().cells
        decided = decider_of(dict(zip(_members(cells, self._data), method.solve(cells, threshold).treatments, strict=True)))
        return lambda people: decided(replace(people, member=self._taken_for(people)))

    def _inferred(self) -> Inferring:
        if self._inferring is None:
            config = asked_of(self._data.config, ("statistical-parity",))
            found, cells, slicing = fitted_on(config, self._fit)
            self._inferring = infer(config, found, cells, slicing, self._aside)
        return self._inferring

    def _taken_for(self, people: People) -> Floats:
        """Whether each row is taken for one of the better-off group."""
        path, made = self._aside / "taken.parquet", self._inferred()
        people.columns.to_parquet(path)
        rows = replace(self._counts(())[0].rows, source=Source(files=files_of([str(path)])))
        return np.array(list(_members(made.cells, self._data)))[inferred(made.model, rows, made.features)[0]]

    def fine_tuned(self, folder: Path, *, strength: float, without_attribute: bool) -> Decider:
        """The model trained on under weights to this power, with its own threshold.

        Args:
            folder: to be made, and there as long as anything is decided.
        """
        from fairaudit.mitigations.fine_tuning import FineTuning, fine_tune
        from fairaudit.mitigations.reweighing import reweigh
        from fairaudit.mitigations.training_rows import training_rows
        from fairaudit.splits.asked import wanted_of

        found, _, threshold = self._counts(())
        rows = training_rows(reweigh(found.rows.source, wanted_of(self._data.config)), found.matched, seed=self._data.config.seed)
        fine_tune(found.matched, rows, folder, seed=self._data.config.seed, settings=FineTuning(strength=strength, without_attribute=without_attribute))

        def decided(people: People) -> Answers:
            score = scored(folder, people.columns)
            return Answers(selected=(score > threshold).astype(float), score=score)

        return decided

    def _counts(self, edges: tuple[float, ...]) -> tuple[Counted, Cells, float]:
        if edges not in self._counted:
            config = asked_of(self._data.config, ("statistical-parity",))
            found, cells, _ = fitted_on(config, self._fit, edges=edges)
            self._counted[edges] = (found, cells, found.thresholds.edge(config.threshold))
        return self._counted[edges]


def _members(cells: Cells, data: Data) -> Iterator[float]:
    for group in cells.groups:
        yield float(dict(group.values)[data.attribute] == data.better_off)


def decider_of(treatments: dict[float, Treatment]) -> Decider:
    def decided(people: People) -> Answers:
        selected, score = np.empty(people.score.size), people.score.copy()
        for member, one in treatments.items():
            at = people.member == member
            selected[at] = one.chance(people.score[at])
            if one.constant is not None:
                score[at] = (1 - one.replaced) * score[at] + one.replaced * one.constant
        return Answers(selected=selected, score=score)

    return decided


def _data_set(people: People) -> tuple[Any, Any]:
    from aif360.datasets import BinaryLabelDataset  # type: ignore[import-untyped]

    frame = pd.DataFrame({"member": people.member, "label": people.label})
    true = BinaryLabelDataset(df=frame, label_names=["label"], protected_attribute_names=["member"], favorable_label=1.0, unfavorable_label=0.0)
    said = true.copy(deepcopy=True)
    said.scores = people.score.reshape(-1, 1).copy()
    said.labels = (said.scores > 0.5).astype(float)
    return true, said


def aif360(name: str, fit: People, **settings: Any) -> Decider:
    """A post-processor by the name of its class."""
    with quietly(), np.errstate(all="ignore"):
        from aif360.algorithms import postprocessing  # type: ignore[import-untyped]

        made = getattr(postprocessing, name)(unprivileged_groups=[{"member": 0}], privileged_groups=[{"member": 1}], **settings)
        made.fit(*_data_set(fit))

    def decided(people: People) -> Answers:
        drawn = []
        with quietly(), np.errstate(all="ignore"):
            for seed in range(SEEDS):
                made.seed = seed
                drawn.append(made.predict(_data_set(people)[1]))
        return Answers(selected=np.mean([one.labels[:, 0] for one in drawn], axis=0), score=np.mean([one.scores[:, 0] for one in drawn], axis=0))

    return decided


def threshold_optimizer(constraints: str, fit: People, *, tol: float | None = None) -> Decider:
    """Fairlearn's, of the model's score."""
    from fairlearn.postprocessing import ThresholdOptimizer  # type: ignore[import-untyped]
    from sklearn.base import BaseEstimator, ClassifierMixin  # type: ignore[import-untyped]

    class Scores(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        """A model whose one feature is its score."""

        fitted_ = True

        def fit(self, x: Any, y: Any) -> Any:
            return self

        def predict(self, x: Any) -> Any:
            return np.asarray(x)[:, 0]

    made = ThresholdOptimizer(estimator=Scores(), constraints=constraints, objective="accuracy_score", prefit=True, predict_method="predict", tol=tol)
    with quietly():  # it doubts that a model without parameters is fitted
        made.fit(fit.score[:, None], fit.label, sensitive_features=fit.member)
    # The chances that `predict` draws by; Fairlearn has no public name for them.
    return lambda people: Answers(selected=made._pmf_predict(people.score[:, None], sensitive_features=people.member)[:, 1], score=people.score)


def exponentiated_gradient(constraints: str, data: Data, fit: People, *, bound: float, is_told: bool) -> Decider:
    """Fairlearn's, over logistic regressions of the model's columns, trained on what the model was and on the rows that others are fitted on: all that any method of ours has seen.

    Args:
        is_told: whether it has the group among its columns, and not even where the model has.
    """
    from fairlearn import reductions  # type: ignore[import-untyped]
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    def given(rows: pd.DataFrame) -> Floats:
        columns = data.encoding.without(data.attribute).features(rows)
        return np.column_stack([columns, data.member(rows)]) if is_told else columns

    rows = pd.concat([data.seen, fit.columns], ignore_index=True)
    made = reductions.ExponentiatedGradient(LogisticRegression(solver="liblinear"), constraints=getattr(reductions, constraints)(difference_bound=bound))
    made.fit(given(rows), data.label(rows), sensitive_features=data.member(rows))
    return lambda people: Answers(selected=made._pmf_predict(given(people.columns))[:, 1], score=people.score)


def oxonfair(constraint: str, data: Data, fit: People, *, guesses: bool) -> Callable[[float], Decider]:
    """OxonFair's most accurate thresholds by group, whose constraint is at most what is asked; the frontier is searched once.

    Args:
        guesses: whether it decides by groups that a logistic regression of the model's columns guesses, trained on the rows that the model was, and holds them equal for the groups as they are.
    """
    from oxonfair import FairPredictor, group_metrics  # type: ignore[import-untyped]

    guess = _guess(data) if guesses else None

    def given(people: People, label: Any) -> dict[str, Any]:
        columns = [1 - people.score, people.score, *([] if guess is None else guess(people.columns).T)]
        return {"data": np.stack(columns, axis=1), "target": label, "groups": people.member}

    asked = (group_metrics.accuracy, getattr(group_metrics, constraint))
    with quietly():
        made = FairPredictor(lambda rows: rows[:, :2], given(fit, fit.label), **({} if guess is None else {"inferred_groups": lambda rows: rows[:, 2:]}))
        made.fit(*asked, 1.0)

    def at(limit: float) -> Decider:
        with quietly():
            made.fit(*asked, limit, recompute=False)
        thresholds = made.offset

        def decided(people: People) -> Answers:
            made.set_threshold(thresholds)
            # It wants labels and does not look at them.
            return Answers(selected=made.predict(given(people, np.zeros(people.label.size))).astype(float), score=people.score)

        return decided

    return at


def _guess(data: Data) -> Callable[[pd.DataFrame], Floats]:
    """From rows to the chances of each group, shape (rows, 2)."""
    from sklearn.linear_model import LogisticRegression

    made = LogisticRegression(max_iter=1_000).fit(data.encoding.features(data.seen), data.member(data.seen))
    return lambda rows: np.asarray(made.predict_proba(data.encoding.features(rows)))
