"""The evidence for a mitigation: the holdout audited with the original and with the exported model, again in a fresh process, and what became of whom."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from fairaudit.config import AuditConfig
from fairaudit.cube.matched import SCORES, Matched
from fairaudit.cube.same_rows import match
from fairaudit.cube.saved import VALUE_OF
from fairaudit.cube.score_pairs import pair_scores
from fairaudit.cube.slices import Slice
from fairaudit.data.progress import Progress
from fairaudit.differences import Differences, differences
from fairaudit.errors import ContentError
from fairaudit.mitigations.exported import DECISION, SCORE
from fairaudit.mitigations.inferring import InferredPlaces
from fairaudit.mitigations.policy import Policy
from fairaudit.result import Audit
from fairaudit.run import audited
from fairaudit.types import Bools, Floats, Ints

_BEFORE = "before.parquet"
NEAR = 1e-6  # of a cut, within which another machine or batch may round a score to the other side
_STANDARD_ERRORS = 5.0  # by which drawn decisions may miss their chances: one run in a million does, times groups and labels


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """That the exported model does what was solved, and does it again in a fresh process."""

    rows: int
    near_a_cut: int  # rows within `NEAR` of a cut
    differing: int  # of those, rows that the fresh process decided otherwise
    drawn: int  # rows whose decision was drawn


class Mistaken(msgspec.Struct, frozen=True, kw_only=True):
    """How often the rows of a group that were held out are taken for another."""

    group: Slice
    rows: int
    mistaken: int
    taken_for_it: int  # rows of any group, or of none that is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Both audits of the holdout, row by row beside each other."""

    before: Audit
    after: Audit
    matched: Matched
    differences: Differences
    checked: Checked
    mistaken: tuple[Mistaken, ...] = ()  # of each group, where groups are inferred


class NotAsSolved(ContentError):
    """The exported model does not do what was solved."""


def proven(config: AuditConfig, holdout: Path, row: str, model: Path, signature: str, policy: Policy, kept_values: Mapping[str, tuple[str, ...]], aside: Path, *, inferred: InferredPlaces | None = None, progress: Progress | None = None) -> Proof:
    """Audit the holdout before and after, and after once more in a process that knows nothing of this one.

    Args:
        config: of the original's audit.
        row: the holdout's column of ids.
        model: the exported one.
        signature: of it.
        policy: what was solved, whatever the export says that it holds.
        kept_values: attribute → its values that --other-below kept where the policy was fitted: those of the holdout would make other groups.
        aside: a folder for what is not kept.
        inferred: what the rows are taken for, where the policy goes by that.

    Raises:
        NotAsSolved: the exported model decides or scores otherwise than the policy says, or otherwise in the fresh process.
    """
    own, plain = _of_the_holdout(config, holdout, row), AuditConfig()
    exported = msgspec.structs.replace(
        own, model=str(model), signature=signature, output=SCORE, decision_output=DECISION, activation=None, threshold=plain.threshold, at_threshold=plain.at_threshold,
        other_thresholds=(), threshold_sweep=None, group_thresholds={},
    )  # fmt: skip
    proof = _beside(own, exported, kept_values, aside, lambda before, after, again: _check(before, after, again, policy, inferred), progress=progress)
    return proof if inferred is None else replace(proof, mistaken=_mistaken(_rows(aside / _BEFORE), policy, inferred))


def proven_anew(before: AuditConfig, after: AuditConfig, holdout: Path, row: str, kept_values: Mapping[str, tuple[str, ...]], aside: Path, *, progress: Progress | None = None) -> Proof:
    """The same of a model whose scores are others, that decides by the threshold of the audit: nothing else of it was solved, so it is held against itself alone, in the fresh process.

    Args:
        before: of the original's audit.
        after: of the other model's.

    Raises:
        NotAsSolved: it scores or decides otherwise in the fresh process.
    """
    first, then = (_of_the_holdout(one, holdout, row) for one in (before, after))
    return _beside(first, then, kept_values, aside, lambda _, now, again: _check_anew(now, again, before.threshold), progress=progress)


def _of_the_holdout(config: AuditConfig, holdout: Path, row: str) -> AuditConfig:
    return msgspec.structs.replace(config, data=(str(holdout),), id=row, save_scores=True, gate=False, out=None, write={}, waivers=None, baseline=None)


def _beside(
    first: AuditConfig, then: AuditConfig, kept_values: Mapping[str, tuple[str, ...]], aside: Path, check: Callable[[_Rows, _Rows, _Rows], Checked], *, progress: Progress | None
) -> Proof:
    """Both audits, the second once more in a fresh process, and what became of whom."""
    kept = {"before": aside / _BEFORE, "after": aside / "after.parquet"}
    before = audited(first, scores=kept["before"], kept_values=kept_values, progress=progress, sole=True).audit
    after = audited(then, scores=kept["after"], kept_values=kept_values, progress=progress, sole=True).audit
    rows = [_rows(path) for path in (kept["before"], kept["after"], _in_a_fresh_process(then, aside / "again", aside))]
    _check_rows(*rows)
    checked = check(*rows)
    slices = tuple(one.slice for one in after.counts)
    matched = match(kept["after"], kept["before"], slices)
    return Proof(before=before, after=after, matched=matched, differences=differences(before, after, matched, pair_scores(kept["after"], kept["before"], slices)), checked=checked)


def _in_a_fresh_process(config: AuditConfig, out: Path, aside: Path) -> Path:
    """The saved rows of the same audit by `fairaudit audit` itself."""
    told = msgspec.to_builtins(msgspec.structs.replace(config, engines=("native",), rules=(), metrics=("selection_rate",)))
    default = msgspec.to_builtins(AuditConfig())
    file = aside / "again.json"
    file.write_bytes(msgspec.json.encode({name: value for name, value in told.items() if value != default[name]}))
    command = [sys.executable, "-m", "fairaudit", "audit", "--config", str(file), "--out", str(out), "--quiet"]
    # What it puts aside lies where this one clears, also where it is killed since this one is asked to end.
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(aside)}, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise NotAsSolved(f"the exported model was loaded again in a fresh process, and could not be audited there: {last}")
    return out / SCORES


@dataclass(frozen=True, slots=True)
class _Rows:
    """Saved rows, in the order of their ids."""

    id: Ints
    score: Floats
    decision: Bools
    group: tuple[pa.Array, ...]
    label: Any
    attributes: tuple[str, ...]

    def of(self, group: Slice) -> Bools:
        """Which rows are a group's."""
        found = np.ones(self.score.size, dtype=bool)
        for name, value in group.values:
            found &= np.asarray(self.group[self.attributes.index(name)].to_numpy(zero_copy_only=False) == value, dtype=bool)
        return found


def _rows(path: Path) -> _Rows:
    table = pq.read_table(path)
    table = table.take(pa.compute.sort_indices(table, sort_keys=[("id", "ascending")]))
    names = tuple(name.removeprefix(VALUE_OF) for name in table.column_names if name.startswith(VALUE_OF))
    return _Rows(
        table.column("id").to_numpy(zero_copy_only=False).astype(np.int64), table.column("score").to_numpy(), table.column("decision").to_numpy().astype(bool), tuple(table.column(VALUE_OF + name).combine_chunks() for name in names),
        table.column("label").to_numpy(zero_copy_only=False), names,
    )  # fmt: skip


def _places(rows: _Rows, policy: Policy, inferred: InferredPlaces | None) -> Ints:
    """Whose treatment each row has, as the place of a group; behind them it is the fallback."""
    if inferred is not None:
        return inferred.place[_found(rows, inferred)]
    places: Ints = np.full(rows.score.size, len(policy.groups), dtype=np.int64)
    for place, one in enumerate(policy.groups):
        places[rows.of(one.group)] = place
    return places


def _found(rows: _Rows, inferred: InferredPlaces) -> Ints:
    """Where the rows stand among those whose group was inferred."""
    order: Ints = np.argsort(inferred.id)
    return order[np.searchsorted(inferred.id[order], rows.id)]


def _mistaken(rows: _Rows, policy: Policy, inferred: InferredPlaces) -> tuple[Mistaken, ...]:
    places = _places(rows, policy, inferred)
    owns = [rows.of(one.group) for one in policy.groups]
    return tuple(
        Mistaken(group=one.group, rows=int(own.sum()), mistaken=int((own & (places != place)).sum()), taken_for_it=int((places == place).sum()))
        for place, (one, own) in enumerate(zip(policy.groups, owns, strict=True))
    )


def _check_rows(before: _Rows, after: _Rows, again: _Rows) -> None:
    """Returns if all three are of as many rows."""
    if len({one.score.size for one in (before, after, again)}) > 1:
        raise NotAsSolved(f"the exported model was audited on {after.score.size:,} rows of the holdout, and the original on {before.score.size:,}; the holdout changed meanwhile")


def _check(before: _Rows, after: _Rows, again: _Rows, policy: Policy, inferred: InferredPlaces | None = None) -> Checked:
    replaced, places = _check_scores(before, after, policy), _places(before, policy, inferred)
    chance, near = _chances(before, policy, replaced, places)
    if inferred is not None:
        near |= inferred.ahead[_found(before, inferred)] <= NEAR  # so near to another group that a machine may round to it
    wrong = (after.decision != (chance > 0.5)) & ~_is_drawn(chance) & ~near
    if wrong.any():
        raise NotAsSolved(f"the exported model decides {int(wrong.sum()):,} of {wrong.size:,} rows of the holdout otherwise than was solved, the first of score {before.score[wrong][0]:.6g}; nothing was written")
    rest = "rows of no group that was fitted, and drawn" if policy.groups else "rows that are drawn"
    _check_drawn(rest, "decides {} positively", before, (places == len(policy.groups)) & _is_drawn(chance), chance, after.decision)
    for place, one in enumerate(policy.groups):
        own = places == place
        _check_drawn(f"rows {'taken for' if policy.is_inferred else 'of'} {one.group} that are drawn", "decides {} positively", before, own & _is_drawn(chance), chance, after.decision)
        if (constant := one.treatment.constant) is not None:
            told = own & (np.abs(before.score - constant) > NEAR)  # of the others nobody can tell whether they were replaced
            _check_drawn(f"rows of {one.group}", f"scores {{}} by {constant:.6g}", before, told, np.full(own.size, one.treatment.replaced), replaced)
    return _check_again(after, again, near, drawn=_drawn(before, policy, places))


def _check_anew(after: _Rows, again: _Rows, threshold: float) -> Checked:
    return _check_again(after, again, _is_near(after.score, (threshold,)), drawn=0)


def _check_again(after: _Rows, again: _Rows, near: Bools, *, drawn: int) -> Checked:
    """Returns if the fresh process scores and decides all rows as this one does, but for those near a cut."""
    moved = np.abs(again.score - after.score) > NEAR
    turned = (again.decision != after.decision) & ~near
    if moved.any() or turned.any():
        raise NotAsSolved(f"the exported model, loaded again in a fresh process, gives {int((moved | turned).sum()):,} of {moved.size:,} rows of the holdout another score or decision; nothing was written")
    return Checked(rows=int(after.score.size), near_a_cut=int(near.sum()), differing=int(((again.decision != after.decision) & near).sum()), drawn=drawn)


def _check_scores(before: _Rows, after: _Rows, policy: Policy) -> Bools:
    """Which rows the exported model scores by their group's constant; all others it must score as the original does."""
    changed, replaced = np.abs(after.score - before.score) > NEAR, np.zeros(before.score.size, dtype=bool)
    for one in policy.groups:
        if one.treatment.constant is not None:
            replaced |= changed & before.of(one.group) & (np.abs(after.score - one.treatment.constant) <= NEAR)
    wrong = changed & ~replaced
    if wrong.any():
        raise NotAsSolved(f"the exported model scores {int(wrong.sum()):,} of {wrong.size:,} rows of the holdout otherwise than the original, the first {after.score[wrong][0]:.6g} and not {before.score[wrong][0]:.6g}; nothing was written")
    return replaced


def _drawn(rows: _Rows, policy: Policy, places: Ints) -> int:
    """Rows whose decision a draw decides, of their score or of the decision itself."""
    treatments = (*(one.treatment for one in policy.groups), policy.fallback)
    return sum(int(_is_drawn(one.chance(rows.score[places == place])).sum()) for place, one in enumerate(treatments))


def _is_drawn(chance: Floats) -> Bools:
    return (chance > 0) & (chance < 1)


def _chances(rows: _Rows, policy: Policy, replaced: Bools, places: Ints) -> tuple[Floats, Bools]:
    """Each row's chance of a positive decision by the policy, once it is known whether its score was replaced; and whether it lies near a cut."""
    chance, near = policy.fallback.chance(rows.score), _is_near(rows.score, policy.fallback.cuts)
    for place, one in enumerate(policy.groups):
        own, treatment = places == place, one.treatment
        chance[own], near[own] = treatment.kept_chance(rows.score[own]), _is_near(rows.score[own], treatment.cuts)
        if treatment.constant is not None:
            chance[own & replaced], near[own & replaced] = treatment.kept_chance(np.array([treatment.constant])), False
    return chance, near


def _is_near(scores: Floats, cuts: Sequence[float]) -> Bools:
    found = np.zeros(scores.size, dtype=bool)
    for cut in cuts:
        found |= np.abs(scores - cut) <= NEAR
    return found


def _check_drawn(whose: str, does: str, rows: _Rows, drawn: Bools, chance: Floats, hit: Bools) -> None:
    """Returns if as many of the rows of each label were hit as their chances say; rows of one score may be one applicant, and are drawn together then."""
    for label in (0, 1):
        some = drawn & (rows.label == label)
        if not some.any():
            continue
        scores, place = np.unique(rows.score[some], return_inverse=True)
        alike = np.bincount(place, minlength=scores.size).astype(np.float64)
        share = np.zeros(scores.size)
        share[place] = chance[some]
        expected, variance = float((alike * share).sum()), float((alike**2 * share * (1 - share)).sum())
        seen = float(hit[some].sum())
        if abs(seen - expected) > _STANDARD_ERRORS * variance**0.5 + 1:
            raise NotAsSolved(f"of {int(some.sum()):,} {whose}, the exported model {does.format(f'{seen:,.0f}')}, and {expected:,.1f} were solved; nothing was written")
