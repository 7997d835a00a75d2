"""A search: every candidate fitted on one part of the data and judged on a second, one of them chosen there, and that one proven on a third that nothing was chosen on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from fairaudit.config import AuditConfig
from fairaudit.cube.slices import Slicing
from fairaudit.data.files import files_of, fingerprint
from fairaudit.data.progress import Progress
from fairaudit.data.source import Source
from fairaudit.errors import ConfigError, FairauditError, listed
from fairaudit.method_names import AS_IS, FINE_TUNE, METHODS
from fairaudit.mitigations import reject_option
from fairaudit.mitigations.candidates import Candidate, candidates
from fairaudit.mitigations.card import MitigationCard, Searched
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.choice import Choice, choose, missed, nearest
from fairaudit.mitigations.fine_tuning import FineTuned, FineTuning, fine_tune
from fairaudit.mitigations.fittable import need_groups
from fairaudit.mitigations.frontier import FRONTIER, Aim, Frontier, Number, Point, Rows, Unmet, marked
from fairaudit.mitigations.kept import Fitted, Kept, KeptPart
from fairaudit.mitigations.methods import Method
from fairaudit.mitigations.objective import objective_of
from fairaudit.mitigations.parts import SearchParts, search_parts
from fairaudit.mitigations.points import Judging, aim_of, point_of
from fairaudit.mitigations.policy import Policy, policy_of_all, threshold_at
from fairaudit.mitigations.postprocessed import (
    MODEL,
    NAMES,
    Solution,
    as_cut_on,
    cross_of,
    delivered,
    fitted_on,
    kept_values_of,
    plain,
    policy_for,
    taken_by,
    told_of,
)
from fairaudit.mitigations.proof import Proof
from fairaudit.mitigations.rescored import rescored
from fairaudit.mitigations.retrained import Training, judged_as_tuned, training_of
from fairaudit.mitigations.retrained_card import RetrainedCard
from fairaudit.mitigations.solved import Unreachable
from fairaudit.mitigations.withheld import Withheld
from fairaudit.models import describe
from fairaudit.models import folder as places
from fairaudit.models.interface import ModelFailed
from fairaudit.rules.library import load_rules
from fairaudit.run import Counted, counted, matched_of
from fairaudit.version import VERSION

SEARCH_NAMES = (*NAMES[:-1], FRONTIER, NAMES[-1])  # what a search's folder holds, the card last
_FITTING = "fitting candidates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is asked of a search, but for how it chooses."""

    objectives: tuple[str, ...]  # the first is what the frontier is drawn of
    methods: tuple[str, ...] = ()
    settings: int
    without_attribute: bool = False
    shares: tuple[float, ...]
    holdout: str | None = None
    together: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Everything that was tried."""

    candidates: Mapping[str, Candidate]
    fitted: Mapping[str, Fitted]
    policies: Mapping[str, Policy]  # of those that could be solved
    models: Mapping[str, Path]  # and of those that could be trained on, where they lie
    training: Callable[[], Training]
    points: tuple[Point, ...]
    unmet: tuple[Unmet, ...]
    aim: Callable[[Point, str], Aim]  # a metric of everyone, at a point
    counted: Counted
    cells: Cells
    slicing: Slicing
    parts: SearchParts


def check_model(config: AuditConfig, search: Search) -> None:
    """Returns if the model can be mitigated as it is asked; told before anything is kept.

    Raises:
        ConfigError, Several: the methods that are wanted all decide of its score, which needs an attribute that nothing may need; or the model or the data cannot be read.
    """
    if not search.without_attribute or not search.methods or FINE_TUNE in search.methods:
        return
    taken = taken_by(matched_of(config, Source(files=files_of(config.data))), cross_of(config))
    if taken:
        raise ConfigError(f"the model takes {listed(taken)} itself, so of all methods only {FINE_TUNE} can do without: it withholds that from the model; add it to --methods, or leave out --without-attribute.")


def what_it_depends_on(config: AuditConfig, search: Search) -> dict[str, Any]:
    """Everything that the candidates and their points follow from, by the words in which a difference is told.

    Raises:
        ConfigError, Several: the data, the model or the rules cannot be read.
    """
    asked = {name: value for name, value in told_of(config).items() if name not in ("data", "model", "rules", "seed", "out", "gate", "write", "waivers", "as_of", "baseline")}
    holdout = [] if search.holdout is None else files_of([search.holdout], flag="--holdout")
    return {
        "version": VERSION, "version of TensorFlow": _tensorflow(), "data": [(one.path.name, fingerprint(one.path)) for one in files_of(config.data)], "holdout": [(one.path.name, fingerprint(one.path)) for one in holdout],
        "model": describe(Path(str(config.model))).sha256, "rules": msgspec.to_builtins(load_rules(config.rules)), "seed": config.seed, "configuration": asked, "shares of the parts": search.shares,
        "duplicates": search.together, "objectives": search.objectives, "methods": search.methods, "settings": search.settings, "attributes when serving": search.without_attribute,
    }  # fmt: skip


def _tensorflow() -> str | None:
    """The version that would score and train; None where it cannot be told without importing it, which takes seconds."""
    try:
        return version("tensorflow")
    except PackageNotFoundError:  # installed under another name, as builds for one processor are
        return None


def tried(config: AuditConfig, search: Search, kept: Kept, *, progress: Progress | None = None) -> Found:
    """Every candidate fitted on the first part, and judged on the second.

    Args:
        config: as `asked_of` gives it.

    Raises:
        ConfigError, ContentError, Several: what the user has to mend.
    """
    rules = load_rules(config.rules)
    parts = search_parts(config, kept.work, shares=search.shares, holdout=search.holdout, together=search.together)
    edges = reject_option.points(reject_option.Grid()) if "reject-option" in (search.methods or METHODS) and not search.without_attribute else ()
    found, cells, slicing = fitted_on(config, parts.parts.fit, edges=edges, kept=kept.cube("fit", edges), progress=progress)
    if not cells.groups:
        need_groups(cells)
    threshold = found.thresholds.edge(config.threshold)
    asked_for = candidates(
        config, rules, cells, threshold, objectives=search.objectives, methods=search.methods, settings=search.settings, without_attribute=search.without_attribute, taken=taken_by(found.matched, slicing),
    )  # fmt: skip
    training = _once(lambda: training_of(config, parts.parts, row=parts.row, together=search.together))
    fitted = _fitted(asked_for, cells, threshold, kept, training, config.seed, progress)
    met = [one for one in asked_for if fitted[one.id].unmet is None]
    policies = {one.id: policy_for(one.way, cells, slicing, fitted[one.id].treatments, threshold) for one in met if isinstance(one.way, Method)}
    models = {one.id: kept.model(one.id) for one in met if isinstance(one.way, FineTuning)}
    cuts = tuple(sorted({cut for policy in policies.values() for one in (policy.fallback, *(own.treatment for own in policy.groups)) for cut in one.cuts}))

    def chosen_by(model: str | None, part: KeptPart, edges: Sequence[float]) -> Counted:
        asked = msgspec.structs.replace(plain(as_cut_on(config, found), [str(parts.choose)]), model=model)
        asked = msgspec.structs.replace(asked, save_scores=True, id=parts.row) if part.with_scores else asked
        return counted(asked, edges=edges, kept_values=kept_values_of(found), kept=part, called="the part to choose by", progress=progress)

    own = kept.cube("choose", cuts, with_scores=bool(models))
    judging = Judging(
        counts=chosen_by(config.model, own, cuts).counts, slicing=slicing, context=found.context, rules=rules, aim=objective_of(search.objectives[0]), effect=config.effect,
        as_it_is=policy_of_all(AS_IS, threshold_at(threshold)),
    )  # fmt: skip
    decided = {name: judging.decided(policy) for name, policy in policies.items()}
    for name, model in models.items():
        part = kept.cube(f"choose-{name}", (), with_scores=True)
        decided[name] = rescored(chosen_by(str(model), part, ()).counts, part.rows, own.rows)
    same = _same(policies) | _untrained({name: fitted[name].tuned for name in models})
    return Found(
        candidates={one.id: one for one in asked_for}, fitted=fitted, policies=policies, models=models, training=training, counted=found, cells=cells, slicing=slicing, parts=parts,
        points=_marked([_asking(point_of(one, policies.get(one.id), decided[one.id], judging, same.get(one.id)), is_told=one.is_told) for one in met], search), aim=lambda point, name: aim_of(name, decided[point.id].counts),
        unmet=tuple(Unmet(id=one.id, method=one.method, settings=one.settings, reason=str(fitted[one.id].unmet)) for one in asked_for if fitted[one.id].unmet is not None),
    )  # fmt: skip


def frontier_of(config: AuditConfig, search: Search, choice: Choice, found: Found) -> Frontier:
    """All that was tried with the choice that was made, or with none where nothing meets the rules that it asks for."""
    aim = objective_of(search.objectives[0])
    points = tuple(msgspec.structs.replace(one, aims=tuple(found.aim(one, name) for name in choice.metrics)) for one in found.points)
    chosen = choose(_able(points, search), choice)
    how = found.parts.parts.how
    return Frontier(
        version=VERSION, seed=config.seed, rows=Rows(fitted=how.rows_fitted, chosen_on=how.rows_chosen_on or 0, proven_on=how.rows_held_out), objective=aim.name,
        rules=tuple(one.id for one in load_rules(config.rules)), criterion=choice.called(aim), chosen=None if chosen is None else chosen.id, points=points, unmet=found.unmet,
    )  # fmt: skip


def chosen_model(config: AuditConfig, asked: Search, found: Found, frontier: Frontier, choice: Choice, folder: Path, aside: Path, *, progress: Progress | None = None) -> tuple[MitigationCard | RetrainedCard, Proof]:
    """The chosen candidate exported into `folder`, and judged on the last part.

    Raises:
        Unreachable: nothing was chosen; says what comes nearest.
        ConfigError, ContentError, NotAsSolved, Several: as `delivered` does.
    """
    if frontier.chosen is None:
        raise Unreachable(_unmet(_able(frontier.points, asked), frontier.unmet, choice, frontier.rows.chosen_on))
    chosen, fitted = found.candidates[frontier.chosen], found.fitted[frontier.chosen]
    search = Searched(criterion=frontier.criterion, conditions=choice.conditions, chosen=chosen.id, tried=len(frontier.points), unmet=len(frontier.unmet), rows=frontier.rows.chosen_on)
    if isinstance(chosen.way, FineTuning):
        assert fitted.tuned is not None
        shutil.copytree(found.models[chosen.id], folder / MODEL)
        return judged_as_tuned(config, chosen.way, fitted.tuned, found.training(), found.parts.parts, folder, aside, search=search, progress=progress)
    made = Solution(method=chosen.way, solved=fitted.solved, policy=found.policies[chosen.id], found=found.counted, cells=found.cells, slicing=found.slicing)
    return delivered(config, made, found.parts.parts, folder, aside, search=search, progress=progress)


def _asking(point: Point, *, is_told: bool) -> Point:
    """The same; what decides everybody alike asks for no attribute, whatever its method could ask for, unless the model itself does."""
    return msgspec.structs.replace(point, needs_attribute=is_told or (point.policy is not None and bool(point.policy.attributes)))


def _marked(points: Sequence[Point], search: Search) -> tuple[Point, ...]:
    """The points with what each is efficient beside, among those that may be chosen."""
    able = iter(marked(_able(points, search)))
    return tuple(one if _is_out(one, search) else next(able) for one in points)


def _able(points: Sequence[Point], search: Search) -> list[Point]:
    """Those that may be chosen: the model as it is stands by only to be compared with, where it is told an attribute and none may be."""
    return [one for one in points if not _is_out(one, search)]


def _is_out(point: Point, search: Search) -> bool:
    return search.without_attribute and point.needs_attribute


def _fitted(asked_for: Sequence[Candidate], cells: Cells, threshold: float, kept: Kept, training: Callable[[], Training], seed: int, progress: Progress | None) -> dict[str, Fitted]:
    """Each candidate as it was fitted, now or before."""
    out: dict[str, Fitted] = {}
    for place, one in enumerate(asked_for):
        if progress is not None:
            progress(_FITTING, place / len(asked_for), None)
        known = kept.read(one.id)
        if known is not None and known.tuned is not None and not _is_whole(kept.model(one.id), known.tuned):
            known = None
        if known is None:
            known, is_lasting = (_fit(one.id, one.way, cells, threshold), True) if isinstance(one.way, Method) else _trained(one.id, one.way, training, kept, seed, progress)
            if is_lasting:
                kept.write(known)
        out[one.id] = known
    return out


def _fit(id: str, method: Method, cells: Cells, threshold: float) -> Fitted:
    try:
        return Fitted.of(id, method.solve(cells, threshold))
    except FairauditError as error:  # what the method says of these rows: that nothing meets what was asked, or that it cannot be fitted on them
        return Fitted(id=id, unmet=str(error))


def _trained(id: str, settings: FineTuning, training: Callable[[], Training], kept: Kept, seed: int, progress: Progress | None) -> tuple[Fitted, bool]:
    """What training on gives, and whether it would again: a model that failed may have lacked memory alone."""
    made = kept.work / "model"
    shutil.rmtree(made, ignore_errors=True)
    try:
        of = training()
        tuned = fine_tune(of.matched, of.rows, made, seed=seed, settings=settings, progress=progress)
    except FairauditError as error:  # the model has nothing to train, or there are too few rows
        if isinstance(error.__cause__, OSError):  # of the disk, and not of the candidate
            raise
        return Fitted(id=id, unmet=str(error)), not isinstance(error, ModelFailed)
    kept.keep_model(id, made)
    return Fitted(id=id, tuned=tuned), True


def _once(make: Callable[[], Training]) -> Callable[[], Training]:
    """What `make` gives, or the error that it ends with: the data are read once, however many ask."""

    @cache
    def made() -> Training | FairauditError:
        try:
            return make()
        except FairauditError as error:
            return error

    def given() -> Training:
        found = made()
        if isinstance(found, FairauditError):
            raise found
        return found

    return given


def _is_whole(model: Path, tuned: FineTuned) -> bool:
    """Whether the model that was trained on is there, as it was written."""
    try:
        return places.fingerprint(model) == tuned.sha256
    except (OSError, FairauditError):
        return False


def _same(policies: Mapping[str, Policy]) -> dict[str, str]:
    """Candidate → the first one that decides and scores alike, where there is an earlier one."""
    first: dict[tuple[Any, ...], str] = {}
    out: dict[str, str] = {}
    for name, policy in policies.items():
        key = tuple(policy.groups), policy.fallback
        if first.setdefault(key, name) != name:
            out[name] = first[key]
    return out


def _untrained(tuned: Mapping[str, FineTuned | None]) -> dict[str, str]:
    """The same of models that training did not change: the model as it is, or the first one that the same is withheld from."""
    first: dict[tuple[Withheld, ...], str] = {(): AS_IS}
    out: dict[str, str] = {}
    for name, one in tuned.items():
        if one is not None and not one.best and first.setdefault(one.withheld, name) != name:
            out[name] = first[one.withheld]
    return out


def _unmet(points: Sequence[Point], unmet: Sequence[Unmet], choice: Choice, rows: int) -> str:
    """What the error says: what comes nearest, or why there is nothing.

    Args:
        rows: that the choice is made on.
    """
    if not points:
        return f"nothing could be fitted that needs no protected attribute: {'; '.join(dict.fromkeys(one.reason.rstrip('.') for one in unmet))}."
    asked = {one.rule for one in choice.conditions}
    silent = [number.rule for place, number in enumerate(points[0].rules) if number.rule in asked and all(one.rules[place].metric is None for one in points)]
    if silent:
        return (
            f"by {listed(silent)} nobody can be judged among the {rows:,} rows that the choice is made on, whatever decides: no group that is compared has rows enough there; "
            "give more rows, a larger second share with --split, or larger groups, as --other-below and --bins make."
        )
    near = nearest(points, choice)
    of = "the only candidate that was fitted does not meet" if len(points) == 1 else f"none of the {len(points):,} candidates that were fitted meets"
    return (
        f"{of} {' and '.join(one.text for one in choice.conditions)} on the rows that the choice is made on; the nearest is {near.id}, with {'; '.join(_short(near, choice))}: "
        "choose by other rules with --choose, or try finer --settings; what was fitted is kept for that."
    )


def _short(point: Point, choice: Choice) -> Iterator[str]:
    yield from dict.fromkeys(f"{number.rule} {_of(number)}" for number, _ in missed(point, choice))


def _of(number: Number) -> str:
    if number.metric is None:
        return "judging nobody"
    return f"at a {number.kind} of {'infinity' if number.value is None else format(number.value, '.4f')} ({number.group.slice if number.group is not None else 'everyone'})"
