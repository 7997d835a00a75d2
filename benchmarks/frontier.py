"""The held-out frontier of accuracy against disparity: ours beside AIF360's, Fairlearn's and OxonFair's.

python -m benchmarks.frontier [--splits N] [--draw FOLDER] [--all] [adult|compas|german-sex|german-age ...]

All are fitted on one half of the data, and from it alone every method's efficient settings are chosen; the other half judges them, by the same counts; and all of it again for each of several splits. Adult needs what `make demo` leaves.
In the summary, "0.83 at 0.02" is the accuracy and the gap, held out, in the mean over splits, of a family's most accurate setting whose gap is at most 0.02 on the rows fitted on, and "4 / 5 / 0" says of its settings that are efficient
in most splits to how many ours, the most accurate that is as fair on the rows fitted on, is as good or better in both; to how many it is not behind beyond its interval; and to how many it is, in accuracy or in the gap.

Decisions that are drawn count by their chances (AIF360's by the mean of 20 draws). Intervals, 95 %, are those of the corrected resampled t-test of Nadeau and Bengio over the splits.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.contenders import OURS, UNTOLD, Contender, contenders
from benchmarks.deciders import PEERS
from benchmarks.frontier_drawn import Panel, drawn
from benchmarks.judged import CRITERIA, Against, Mean, Standing, counted, efficient, matched, mean
from benchmarks.people import DATA, Data, read
from fairaudit.errors import FairauditError
from fairaudit.mitigations.parts import split_parts
from fairaudit.mitigations.postprocessed import asked_of
from fairaudit.types import Floats

SMALL = 0.02  # the gap on the rows fitted on within which the summary takes each family's most accurate setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of every contender on one part of each split; NaN where it could not be fitted."""

    accuracy: Floats  # shape (splits, contenders)
    gaps: Floats  # (splits, criteria, contenders)


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """All that was tried on one set of data, as it does on both parts of several splits."""

    data: Data
    rows: tuple[int, int]  # to fit on, and held out
    tried: tuple[Contender, ...]
    fit: Judged
    held: Judged
    refused: tuple[str, ...]

    @property
    def splits(self) -> int:
        return int(self.fit.accuracy.shape[0])

    def families(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.family for one in self.tried))

    def aimed(self, criterion: int, *families: str) -> list[int]:
        """The places of all settings that are meant for a criterion, of all families where none is named."""
        return [place for place, one in enumerate(self.tried) if criterion in one.aims and (not families or one.family in families)]

    def chosen_in(self, split: int, criterion: int, *families: str) -> tuple[int, ...]:
        """The places of settings that are efficient on the rows fitted on in one split, by rising gap there."""
        own = self.aimed(criterion, *families)
        return tuple(own[at] for at in efficient(self.fit.accuracy[split, own], self.fit.gaps[split, criterion, own]))

    def chosen(self, criterion: int, *families: str) -> tuple[int, ...]:
        """Those that are in most splits, and could be fitted in all of them, in the order in which they were tried."""
        times = Counter(place for split in range(self.splits) for place in self.chosen_in(split, criterion, *families))
        return tuple(sorted(place for place, often in times.items() if 2 * often > self.splits and not np.isnan(self.fit.accuracy[:, place]).any()))

    def match(self, split: int, criterion: int, place: int) -> int:
        """The one of ours that is most accurate among those as fair as `place`, on the rows fitted on. It needs the attribute only where `place` does, and has learned from these rows only where `place` has."""
        theirs = self.tried[place]
        own = [at for at in self.aimed(criterion, OURS, OURS + UNTOLD) if self.tried[at].needs_attribute <= theirs.needs_attribute and self.tried[at].learned <= theirs.learned]
        return matched(self.fit.accuracy[split], self.fit.gaps[split, criterion], float(self.fit.gaps[split, criterion, place]), own)

    def beside(self, criterion: int, place: int) -> Against:
        return Against(**{name: self.mean(self._apart(of, criterion, place)) for name, of in (("accuracy", self.held.accuracy), ("gap", self.held.gaps[:, criterion]))})

    def beside_where_fitted(self, criterion: int, place: int) -> Against:
        return Against(**{name: self.mean(self._apart(of, criterion, place)) for name, of in (("accuracy", self.fit.accuracy), ("gap", self.fit.gaps[:, criterion]))})

    def _apart(self, values: Floats, criterion: int, place: int) -> Floats:
        return np.array([values[split, self.match(split, criterion, place)] - values[split, place] for split in range(self.splits)])

    def mean(self, values: Floats) -> Mean:
        return mean(values, ratio=self.rows[1] / self.rows[0])


def race(data: Data, *, splits: int, only: Sequence[str] = ()) -> Race:
    """
    Args:
        only: methods that are tried besides the model as it is; all where none is named.
    """
    found: dict[str, Contender] = {}
    refused: Counter[str] = Counter()
    judged: list[dict[str, tuple[tuple[Floats, Floats], ...]]] = []
    rows = (0, 0)
    for seed in range(splits):
        own = replace(data, config=msgspec.structs.replace(data.config, seed=seed))
        judged.append({})
        with tempfile.TemporaryDirectory() as folder:
            aside = Path(folder)
            (aside / "parts").mkdir()
            parts = split_parts(asked_of(own.config, ("statistical-parity",)), aside / "parts")
            both = read(parts.fit[0], own), read(parts.holdout, own)
            rows = both[0].label.size, both[1].label.size
            for one in contenders(own, parts.fit, both[0], aside):
                if only and judged[-1] and one.method not in only:
                    continue
                name, began = _called(one), time.perf_counter()
                found.setdefault(name, one)
                try:
                    decider = one.fitted()
                except FairauditError as none:
                    refused[f"{name}: {none}"] += 1
                    continue
                judged[-1][name] = tuple(counted(people, decider(people).selected[None]) for people in both)
                print(f"{data.title}, split {seed + 1}: {name} in {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)
    unknown = ((np.full(1, math.nan), np.full((len(CRITERIA), 1), math.nan)),) * 2
    fit, held = (
        Judged(
            accuracy=np.stack([np.concatenate([split.get(name, unknown)[part][0] for name in found]) for split in judged]),
            gaps=np.stack([np.concatenate([split.get(name, unknown)[part][1] for name in found], axis=1) for split in judged]),
        )
        for part in (0, 1)
    )
    return Race(data=data, rows=rows, tried=tuple(found.values()), fit=fit, held=held, refused=tuple(f"{one} ({often} of {splits} splits)" for one, often in refused.items()))


def summary(found: Race) -> Iterator[str]:
    """A line a family: its most accurate setting within a small gap, and how ours stand to its points."""
    yield f"**{found.data.title}: {found.rows[0]:,} rows to fit on, {found.rows[1]:,} held out, {found.splits} splits**\n"
    yield f"| method | {' | '.join(CRITERIA)} |"
    yield f"| --- |{' --- |' * len(CRITERIA)}"
    as_it_is = [(split, 0) for split in range(found.splits)]
    yield f"| the model as it is | {' | '.join(_at(found, criterion, as_it_is) for criterion in range(len(CRITERIA)))} |"
    for family in sorted(found.families(), key=lambda one: (not one.startswith(OURS), one)):
        yield f"| {family} | {' | '.join(_summed(found, criterion, family) for criterion in range(len(CRITERIA)))} |"


def _summed(found: Race, criterion: int, family: str) -> str:
    if not found.aimed(criterion, family):
        return ""
    best = []
    for split in range(found.splits):
        fair = [place for place in found.chosen_in(split, criterion, family) if found.fit.gaps[split, criterion, place] <= SMALL]
        best += [(split, fair[-1])] if fair else []  # by rising gap, efficient ones are ever more accurate
    told = _at(found, criterion, best) + (f" in {len(best)} of {found.splits}" if len(best) < found.splits else "") if best else "none"
    beside = [place for place in found.chosen(criterion, family) if found.tried[place].is_beside]
    if family.startswith(OURS) or not beside:
        return told
    stands = Counter(found.beside(criterion, place).standing for place in beside)
    return f"{told}; {stands[Standing.DOMINATES]} / {stands[Standing.WITHIN]} / {stands[Standing.TRADES] + stands[Standing.BEHIND]}"


def _at(found: Race, criterion: int, places: Sequence[tuple[int, int]]) -> str:
    accuracy, gap = (np.mean([of[split, place] for split, place in places]) for of in (found.held.accuracy, found.held.gaps[:, criterion]))
    return f"{accuracy:.4f} at {gap:.3f}"


def peers(found: Race) -> Iterator[tuple[int, int]]:
    """The criterion and the place of each efficient setting of the peers that ours is held beside."""
    for criterion in range(len(CRITERIA)):
        for family in found.families():
            yield from ((criterion, place) for place in found.chosen(criterion, family) if not family.startswith(OURS) and found.tried[place].is_beside)


def points(found: Race, *, everything: bool) -> Iterator[str]:
    """A line a point, held out: every family's efficient ones, or only those that no other beats on the rows fitted on."""
    yield "\n| gap in | method | accuracy | gap | ours less theirs: accuracy | gap | so |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for criterion, name in enumerate(CRITERIA):
        best = found.chosen(criterion)
        for family in found.families():
            for place in found.chosen(criterion, family):
                if everything or place in best:
                    yield f"| {name} | {_called(found.tried[place])} | {_measured(found, criterion, place)} | {'| | ' if family.startswith(OURS) or not found.tried[place].is_beside else _told(found.beside(criterion, place))} |"


def behind(found: Race) -> Iterator[str]:
    """What is behind, and whether it was so on the rows fitted on."""
    for criterion, place in peers(found):
        one = found.beside(criterion, place)
        if one.standing in (Standing.BEHIND, Standing.TRADES):
            ours = Counter(_called(found.tried[found.match(split, criterion, place)]) for split in range(found.splits)).most_common(1)[0][0]
            before = found.beside_where_fitted(criterion, place)
            yield f"- {CRITERIA[criterion]}: {ours}, or the like, against {_called(found.tried[place])}: {_told(one).replace(' |', ',')}; where fitted {before.accuracy.value:+.4f}, {before.gap.value:+.4f}"


def panels(found: Race) -> Iterator[Panel]:
    """Every family's efficient points as they are on the rows held out, in the mean over splits."""
    for criterion, name in enumerate(CRITERIA):
        accuracy, gap = found.held.accuracy.mean(axis=0), found.held.gaps[:, criterion].mean(axis=0)
        series = {family: [(float(gap[place]), float(accuracy[place])) for place in found.chosen(criterion, family)] for family in found.families() if found.aimed(criterion, family)}
        yield Panel(
            title=f"Gap in the {name}", series=dict(sorted(series.items(), key=lambda one: not one[0].startswith(OURS))), model=(float(gap[0]), float(accuracy[0])),
            gap=_possible(found.mean(found.held.gaps[:, criterion, 0]).interval), accuracy=_possible(found.mean(found.held.accuracy[:, 0]).interval),
        )  # fmt: skip


def _possible(interval: tuple[float, float]) -> tuple[float, float]:
    """As much of it as a share can be."""
    return max(interval[0], 0.0), min(interval[1], 1.0)


def _called(one: Contender) -> str:
    return f"{one.tool} {', '.join(filter(None, (one.method, one.setting, '' if one.needs_attribute else 'without attribute')))}"


def _measured(found: Race, criterion: int, place: int) -> str:
    return f"{_numbers(found.mean(found.held.accuracy[:, place]))} | {_numbers(found.mean(found.held.gaps[:, criterion, place]))}"


def _told(one: Against) -> str:
    return f"{_numbers(one.accuracy, '+')} | {_numbers(one.gap, '+')} | {one.standing.value}"


def _numbers(one: Mean, sign: str = "") -> str:
    return f"{one.value:{sign}.4f} [{one.interval[0]:.3f}, {one.interval[1]:.3f}]"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.frontier", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="DATA", help=f"{', '.join(DATA)} [default: all]")
    parser.add_argument("--all", action="store_true", help="every method's efficient points, and not only those that nobody beats")
    parser.add_argument("--draw", type=Path, metavar="FOLDER", help="write frontier-DATA.svg there")
    parser.add_argument("--splits", type=int, default=5, help="how often the data are split [default: 5]")
    parser.add_argument("--only", action="append", default=[], metavar="METHOD", help="a method that is tried, as thresholds or FairPredictor; repeatable [default: all]")
    asked = parser.parse_args(arguments)
    lacking = [name for name in PEERS if importlib.util.find_spec(name) is None]
    if lacking:
        parser.error(f"the package {lacking[0]} is not installed, and this is a comparison with it; install it beside fairaudit, as `make` does")
    unknown = [one for one in asked.names if one not in DATA]
    if unknown:
        parser.error(f"there are no data called {unknown[0]!r}; there are {', '.join(DATA)}")
    if asked.draw is not None and not asked.draw.is_dir():
        parser.error(f"there is no folder {asked.draw} to draw in")
    for name in asked.names or DATA:
        with tempfile.TemporaryDirectory() as folder:
            found = race(DATA[name](Path(folder)), splits=asked.splits, only=asked.only)
        told = ", ".join(f"{one.value}: {often}" for one, often in Counter(found.beside(*one).standing for one in peers(found)).items())
        for line in (*summary(found), *points(found, everything=asked.all), "", told, "", *behind(found), *(f"- refused: {one}" for one in found.refused), ""):
            print(line, flush=True)
        if asked.draw is not None:
            (asked.draw / f"frontier-{name}.svg").write_text(drawn(found.data.title, list(panels(found))), encoding="utf-8")


if __name__ == "__main__":
    main()
