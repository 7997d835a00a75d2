"""What became of the rows that were held out, before and after a mitigation, as text and coordinates: the same of every method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.errors import listed
from fairaudit.mitigations.card import HeldOut, Judged, Moved, Searched
from fairaudit.mitigations.parts import HowParted
from fairaudit.reports.chart import Axis, rate_axis
from fairaudit.reports.numbers import counted, measured, percent, significant
from fairaudit.reports.numbers import interval_between as between
from fairaudit.reports.rules_met import told
from fairaudit.reports.sentences import in_sentence, title_of

_FEW = 5  # groups that a sentence names
_MOST = 12  # changes that are named
_BY_CHANCE, _ABOVE_CHANCE = 0.55, 0.6  # balanced accuracies: at most the first is hardly better than a coin's, and a model that had more than the second could tell more
_COSTS = ("accuracy", "balanced_accuracy", "true_positive_rate", "false_positive_rate", "selection_rate", "roc_auc", "brier_score", "calibration_in_the_large")  # those of scores where they are changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a card says of the rows that were held out."""

    held: HeldOut
    judged: tuple[str, ...]  # rates that the method is about
    groups: frozenset[Slice]
    effect: str
    unchanged: str = ""  # that the exported model is the original, where it is
    fitted: str = ""  # what is said of a rule that is not met on the rows held out
    search: Searched | None = None  # by which it was chosen, where it was


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One group's rate before and after, in numbers and on an axis."""

    group: str
    rows: str
    before: str
    after: str
    change: str
    x_before: str
    x_after: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shifts:
    title: str
    axis: Axis
    rows: tuple[Shift, ...]


def verdicts(one: Outcome) -> str:
    return f"On {counted(one.held.checked.rows, 'row')} that were not fitted on:"


def warnings(one: Outcome) -> Iterator[str]:
    """That nothing was changed, what the choice was wrong about, what is no mitigation though a rule may be met by it, levelling down, and other rules that are not met."""
    if one.unchanged:
        yield f"Nothing was changed: {one.unchanged}."
    mistaken = [] if one.search is None else [rule for rule in one.held.rules if rule.after in ("fail", "inconclusive") and any(asked.rule == rule.rule for asked in one.search.conditions)]
    if one.search is not None and mistaken:
        yield _of_the_choice(one.search, mistaken)
    yield from _by_chance(one)
    for name in one.held.levelled_down:
        yield f"Levelling down: groups were brought together in their {in_sentence(name)} by making some of them worse off, and nobody is better off in it on the rows that were held out."
    worse = dict.fromkeys(str(moved.slice) for moved in _own(one) if moved.is_better is False)
    if worse and not any(moved.is_better for moved in _own(one)):
        yield f"Nobody is better off, and {counted(len(worse), 'group is', 'groups are')} worse off, as far as the rows that were held out can tell: {listed(list(worse), most=_FEW)}."
    for rule in one.held.rules:
        if rule.after != "pass" and rule not in mistaken:
            yield f"{told(rule)}. {one.fitted}See the findings."


def _by_chance(one: Outcome) -> Iterator[str]:
    """That the model hardly tells anybody from anybody any more, or decides all of a group alike: such decisions meet most rules, and are of no use."""
    of_all = {moved.metric: moved for moved in one.held.moved if moved.slice == EVERYONE}
    balanced = of_all.get("balanced_accuracy")
    if balanced is not None and balanced.before is not None and balanced.after is not None and balanced.before > _ABOVE_CHANCE and balanced.after <= _BY_CHANCE:
        yield (
            f"The mitigated model hardly tells positives from negatives: its balanced accuracy is {percent(balanced.after)}, where whoever decides by chance, or everybody alike, has 50%, and it was {percent(balanced.before)} before. "
            "Decisions like these meet most rules, and are of little use."
        )
    for after, word in ((0.0, "Nobody"), (1.0, "Everybody")):
        alike = [moved for moved in one.held.moved if moved.metric == "selection_rate" and moved.after == after and moved.is_told]
        if any(moved.slice == EVERYONE for moved in alike):
            yield f"{word} is selected any more, so the model decides nothing." if not after else "Everybody is selected, so the model decides nothing."
        elif alike:
            yield f"{word} of {listed([str(moved.slice) for moved in alike], most=_FEW)} is selected{'' if after else ' any more'}, on the rows that were held out."


def _of_the_choice(search: Searched, mistaken: Sequence[Judged]) -> str:
    """That what was met where the choice was made is not shown to hold for others, and how to choose with more room."""
    became = "; ".join(map(told, mistaken))
    names = {rule.rule for rule in mistaken}
    roomier = [one.roomier if one.rule in names else one for one in search.conditions]
    advice = "" if roomier == list(search.conditions) else f" Choose with more room, as --choose '{', '.join(f'rule {one.text}' for one in roomier)}, then {search.criterion.partition(', then ')[2]}'."
    met = "it" if len(mistaken) == 1 else "them"
    return (
        f"{became}. The choice asked for {met} and found {met} met: what is best of all that lies within a limit lies just within it, and for others often past it.{advice} "
        "See the findings, but do not choose by them: the rows that were held out prove nothing once something was chosen on them."
    )


def cost(one: Outcome) -> Iterator[str]:
    """What it did to everyone."""
    by_metric = {moved.metric: moved for moved in one.held.moved if moved.slice == EVERYONE}
    for name in _COSTS:
        if name in by_metric:
            yield _change(by_metric[name], whose="")


def _change(one: Moved, *, whose: str) -> str:
    if one.before is None or one.after is None:
        return f"{whose}{in_sentence(one.metric)}: undefined"
    if not one.change:
        told = "the same"
    else:
        interval = "no interval, since too few changed" if one.interval is None else f"95% interval {between('difference', one.interval)}"
        told = f"change {significant(one.change)}, {interval}"
    return f"{whose}{in_sentence(one.metric)} {measured(one.metric, one.before)} → {measured(one.metric, one.after)} ({told})"


def _own(one: Outcome) -> list[Moved]:
    """Changes of groups, of the metrics that rules judge and of what people feel of decisions."""
    names = dict.fromkeys((*one.judged, "selection_rate", "true_positive_rate" if one.effect == "helps" else "false_positive_rate"))
    return [moved for moved in one.held.moved if moved.metric in names and moved.slice != EVERYONE]


def said(one: Outcome, *, better: bool) -> Iterator[str]:
    """Who is better off, or worse."""
    found = sorted((moved for moved in _own(one) if moved.is_better is better), key=lambda moved: -abs(moved.change or 0.0))
    for moved in found[:_MOST]:
        yield _change(moved, whose=f"{moved.slice}: ")
    if len(found) > _MOST:
        yield f"and {len(found) - _MOST} more, which comparison.json has"


def unmoved(one: Outcome) -> str:
    quiet = [moved for moved in _own(one) if not moved.is_told]
    return f"{counted(len(quiet), 'rate')} of groups did not change, or by no more than chance explains." if quiet else ""


def shifts(one: Outcome) -> Iterator[Shifts]:
    """Each group's rates before and after, for what the method is about."""
    for name in one.judged:
        own = [moved for moved in one.held.moved if moved.metric == name and moved.slice in one.groups and moved.before is not None and moved.after is not None]
        if own:
            axis = rate_axis([value for moved in own for value in (moved.before, moved.after) if value is not None], percent)
            yield Shifts(title=title_of(name), axis=axis, rows=tuple(_shift(moved, axis) for moved in own))


def _shift(one: Moved, axis: Axis) -> Shift:
    before, after = one.before or 0.0, one.after or 0.0
    change = "the same" if not one.change else between("difference", one.interval) if one.interval is not None else "too few changed to tell"
    return Shift(
        group=one.slice.label, rows=f"{one.rows:,}", before=measured(one.metric, before), after=measured(one.metric, after), change=change, x_before=f"{axis.x(before):.1f}",
        x_after=f"{axis.x(after):.1f}", words=f"{one.slice}: from {measured(one.metric, before)} to {measured(one.metric, after)}",
    )  # fmt: skip


def parts_words(how: HowParted, *, fitted: str = "Fitted", did: str = "fitted") -> str:
    """How the rows came to be two parts."""
    chosen = "" if how.rows_chosen_on is None else f", chosen by {how.rows_chosen_on:,} others"
    if how.holdout is not None:
        return f"{fitted} on {how.rows_fitted:,} rows{chosen} and judged on {how.rows_held_out:,} others, of {how.holdout}."
    return f"The data were split by what the rows hold and seed {how.seed}, in equal shares of labels and groups: {did} on {how.rows_fitted:,} rows{chosen}, judged on {how.rows_held_out:,} others."


def checked(held: HeldOut) -> str:
    """That the exported model was loaded again."""
    seen = held.checked
    near = f"; {counted(seen.near_a_cut, 'row')} within a millionth of a cut may be rounded to either side, and {seen.differing:,} {'was' if seen.differing == 1 else 'were'}" if seen.near_a_cut else ""
    drawn = f" {seen.drawn:,} decisions are drawn, each by a hash of the row, so the same applicant always gets the same answer." if seen.drawn else ""
    return f"The exported model was loaded again in a fresh process and gives all {seen.rows:,} rows the same score and decision{near}.{drawn}"
