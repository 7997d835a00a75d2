"""The held-out frontier of accuracy against disparity: ours beside AIF360's, Fairlearn's and OxonFair's.

python -m benchmarks.frontier [--draw FOLDER] [--all] [adult|compas|german-sex|german-age ...]

All are fitted on one part of the data, and from it alone every method's efficient settings are chosen; the rows held out judge them, by the same counts. Adult needs what `make demo` leaves.
In the summary, "0.83 at 0.02" is the accuracy and the gap, held out, of a family's most accurate setting whose gap is at most 0.02 on the rows fitted on, and "4 / 5 / 0" says of its efficient
settings to how many ours, the most accurate that is as fair on the rows fitted on, is as good or better in both; to how many it is not behind beyond its interval; and to how many it is, in accuracy or in the gap.

Decisions that are drawn count by their chances (AIF360's by the mean of 20 draws). Intervals are the bootstrap's, 95 %, of 2,000 samples of the rows held out, paired where two are compared.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.contenders import OURS, UNTOLD, Contender, contenders
from benchmarks.deciders import PEERS
from benchmarks.frontier_drawn import Panel, drawn
from benchmarks.judged import ALIKE, CRITERIA, Against, Judged, Standing, against, efficient, interval, judged, matched
from benchmarks.people import DATA, Data, read
from fairaudit.errors import FairauditError
from fairaudit.mitigations.parts import split_parts
from fairaudit.mitigations.postprocessed import asked_of

SMALL = 0.02  # the gap on the rows fitted on within which the summary takes each family's most accurate setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """All that was tried on one set of data, as it does on both parts."""

    data: Data
    rows: tuple[int, int]  # to fit on, and held out
    tried: tuple[Contender, ...]
    fit: Judged
    held: Judged
    refused: tuple[str, ...]
    alike: tuple[bool, ...]  # whether everybody held out has the same chance, and any gap is 0

    def families(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.family for one in self.tried))

    def aimed(self, criterion: int, *families: str) -> list[int]:
        """The places of all settings that are meant for a criterion, of all families where none is named."""
        return [place for place, one in enumerate(self.tried) if criterion in one.aims and (not families or one.family in families)]

    def best(self, criterion: int) -> frozenset[int]:
        """The places that no setting of any family beats on the rows fitted on."""
        all_of_it = self.aimed(criterion)
        return frozenset(all_of_it[at] for at in efficient(self.fit.accuracy[all_of_it], self.fit.gaps[criterion, all_of_it]))

    def chosen(self, family: str, criterion: int) -> tuple[int, ...]:
        """The places of a family's settings that are efficient on the rows fitted on, by rising gap there."""
        own = self.aimed(criterion, family)
        return tuple(own[at] for at in efficient(self.fit.accuracy[own], self.fit.gaps[criterion, own]))

    def match(self, criterion: int, place: int) -> int:
        """The one of ours that is most accurate among those as fair as `place`, on the rows fitted on. It needs the attribute only where `place` does, and has learned from these rows only where `place` has."""
        theirs = self.tried[place]
        own = [at for at in self.aimed(criterion, OURS, OURS + UNTOLD) if self.tried[at].needs_attribute <= theirs.needs_attribute and self.tried[at].learned <= theirs.learned]
        return matched(self.fit.accuracy, self.fit.gaps[criterion], float(self.fit.gaps[criterion, place]), own)

    def beside(self, criterion: int, place: int) -> Against:
        return against(self.held, criterion, self.match(criterion, place), place)

    def is_ahead_where_fitted(self, criterion: int, place: int) -> bool:
        own = self.match(criterion, place)
        return bool(self.fit.accuracy[own] >= self.fit.accuracy[place] - 1e-9 and self.fit.gaps[criterion, own] <= self.fit.gaps[criterion, place] + ALIKE)


def race(data: Data, aside: Path, *, replicates: int, only: Sequence[str] = ()) -> Race:
    """
    Args:
        only: methods that are tried besides the model as it is; all where none is named.
    """
    parts = split_parts(asked_of(data.config, ("statistical-parity",)), aside)
    fit, held = read(parts.fit[0], data), read(parts.holdout, data)
    tried: list[Contender] = []
    made, refused = [], []
    for one in contenders(data, parts.fit, fit, aside):
        if only and tried and one.method not in only:
            continue
        began = time.perf_counter()
        try:
            decider = one.fitted()
        except FairauditError as none:
            refused.append(f"{one.family} {one.method}, {one.setting}: {none}")
            continue
        tried.append(one)
        made.append((decider(fit).selected, decider(held).selected))
        print(f"{data.title}: {_called(one)} in {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)
    of_fit, of_held = (np.stack(chances) for chances in zip(*made, strict=True))
    rng = np.random.default_rng(0)
    return Race(
        data=data, rows=(fit.label.size, held.label.size), tried=tuple(tried), refused=tuple(refused), alike=tuple((np.ptp(of_held, axis=1) < 1e-9).tolist()),
        fit=judged(fit, of_fit, rng=rng, replicates=1), held=judged(held, of_held, rng=rng, replicates=replicates),
    )  # fmt: skip


def summary(found: Race) -> Iterator[str]:
    """A line a family: its most accurate setting within a small gap, and how ours stand to its points."""
    yield f"### {found.data.title}: {found.rows[0]:,} rows to fit on, {found.rows[1]:,} held out\n"
    yield f"| method | {' | '.join(CRITERIA)} |"
    yield f"| --- |{' --- |' * len(CRITERIA)}"
    yield f"| the model as it is | {' | '.join(_at(found, criterion, 0) for criterion in range(len(CRITERIA)))} |"
    for family in sorted(found.families(), key=lambda one: (not one.startswith(OURS), one)):
        yield f"| {family} | {' | '.join(_summed(found, criterion, family) for criterion in range(len(CRITERIA)))} |"


def _summed(found: Race, criterion: int, family: str) -> str:
    own = [place for place in found.chosen(family, criterion) if found.fit.gaps[criterion, place] <= SMALL]
    # By rising gap, efficient ones are ever more accurate.
    told = _at(found, criterion, own[-1]) if own else "none"
    if family.startswith(OURS) or not found.aimed(criterion, family):
        return told if found.aimed(criterion, family) else ""
    stands = Counter(found.beside(criterion, place).standing for place in found.chosen(family, criterion))
    return f"{told}; {stands[Standing.DOMINATES]} / {stands[Standing.WITHIN]} / {stands[Standing.TRADES] + stands[Standing.BEHIND]}"


def _at(found: Race, criterion: int, place: int) -> str:
    return f"{found.held.accuracy[place]:.4f} at {found.held.gaps[criterion, place]:.3f}"


def points(found: Race, *, everything: bool) -> Iterator[str]:
    """A line a point, held out: every family's efficient ones, or only those that no other beats on the rows fitted on."""
    yield "\n| gap in | method | accuracy | gap | ours less theirs: accuracy | gap | so |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for criterion, name in enumerate(CRITERIA):
        best = found.best(criterion)
        for family in found.families():
            for place in found.chosen(family, criterion):
                if everything or place in best:
                    yield f"| {name} | {_called(found.tried[place])} | {_measured(found.held, criterion, place)} | {'| | ' if family.startswith(OURS) else _told(found, criterion, place)} |"


def behind(found: Race) -> Iterator[str]:
    """What is behind, and whether it was so on the rows fitted on."""
    for criterion, name in enumerate(CRITERIA):
        for family in found.families():
            for place in found.chosen(family, criterion) if not family.startswith(OURS) else ():
                one = found.beside(criterion, place)
                if one.standing in (Standing.BEHIND, Standing.TRADES):
                    own = found.match(criterion, place)
                    where = "which decides everybody alike" if found.alike[place] else "not behind on the rows fitted on" if found.is_ahead_where_fitted(criterion, place) else "behind on the rows fitted on too"
                    yield (
                        f"- {name}: {_called(found.tried[own])} against {_called(found.tried[place])}: {_told(found, criterion, place).replace(' |', ',')}; {where} "
                        f"({_fitted(found, criterion, own)} against {_fitted(found, criterion, place)})"
                    )


def panels(found: Race) -> Iterator[Panel]:
    """Every family's efficient points as they are on the rows held out."""
    for criterion, name in enumerate(CRITERIA):
        series = {
            family: [(float(found.held.gaps[criterion, place]), float(found.held.accuracy[place])) for place in found.chosen(family, criterion)] for family in found.families() if found.aimed(criterion, family)
        }  # fmt: skip
        yield Panel(
            title=f"Gap in the {name}", series=dict(sorted(series.items(), key=lambda one: not one[0].startswith(OURS))), model=(float(found.held.gaps[criterion, 0]), float(found.held.accuracy[0])),
            gap=interval(found.held.gaps_of[:, criterion, 0]), accuracy=interval(found.held.accuracies[:, 0]),
        )  # fmt: skip


def _fitted(found: Race, criterion: int, place: int) -> str:
    return f"accuracy {found.fit.accuracy[place]:.4f} and gap {found.fit.gaps[criterion, place]:.4f}"


def _called(one: Contender) -> str:
    return f"{one.tool} {', '.join(filter(None, (one.method, one.setting, '' if one.needs_attribute else 'without attribute')))}"


def _measured(of: Judged, criterion: int, place: int) -> str:
    return f"{of.accuracy[place]:.4f} {_between(interval(of.accuracies[:, place]))} | {of.gaps[criterion, place]:.4f} {_between(interval(of.gaps_of[:, criterion, place]))}"


def _told(found: Race, criterion: int, place: int) -> str:
    one = found.beside(criterion, place)
    return f"{one.accuracy:+.4f} {_between(one.of_accuracy)} | {one.gap:+.4f} {_between(one.of_gap)} | {one.standing.value}"


def _between(bounds: tuple[float, float]) -> str:
    return f"[{bounds[0]:.3f}, {bounds[1]:.3f}]"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.frontier", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="DATA", help=f"{', '.join(DATA)} [default: all]")
    parser.add_argument("--all", action="store_true", help="every method's efficient points, and not only those that nobody beats")
    parser.add_argument("--draw", type=Path, metavar="FOLDER", help="write frontier-DATA.svg there")
    parser.add_argument("--replicates", type=int, default=2_000, help="samples of the bootstrap [default: 2000]")
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
            aside = Path(folder)
            (aside / "parts").mkdir()
            found = race(DATA[name](aside), aside / "parts", replicates=asked.replicates, only=asked.only)
        for line in (*summary(found), *points(found, everything=asked.all), "", *behind(found), *(f"- refused: {one}" for one in found.refused), ""):
            print(line, flush=True)
        if asked.draw is not None:
            (asked.draw / f"frontier-{name}.svg").write_text(drawn(found.data.title, list(panels(found))), encoding="utf-8")


if __name__ == "__main__":
    main()
