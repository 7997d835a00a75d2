"""A former audit that a new one is held against: read, checked, and set beside it row by row where both kept their rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairaudit.cube.counts import Counts
from fairaudit.cube.matched import SCORES, Matched
from fairaudit.errors import ConfigError, FairauditError, listed
from fairaudit.given import path_given
from fairaudit.result import Audit, Manifest, SavedScores, counts_read, from_json
from fairaudit.rules.baseline import Baseline

_STRANGE = 0.1  # of the rows: more than that is rarely corrected from one audit to the next
_OF_ROWS = {"weight": "weighted by", "count": "counted by", "cluster": "clustered by"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """A former audit as it lies on the disk."""

    audit: Audit
    sha256: str  # of its audit.json
    scores: Path | None  # its rows, where they are beside it
    name: str  # as the user named it

    def baseline(self, *, keeps_rows: bool) -> Baseline:
        """As rules see it before anything is matched.

        Args:
            keeps_rows: whether the new audit keeps its rows too.
        """
        return Baseline(counts=counts_read(self.audit), slicings=self.audit.slicings, keeps_rows=keeps_rows and self.scores is not None)


def former(path: Path | str) -> Former:
    """The audit in `path`: its audit.json, or the folder that holds it.

    Raises:
        ConfigError: there is none, it cannot be read, or its rows are no longer those that it was made of.
    """
    file = path_given(path, "baseline")
    try:
        file = file / "audit.json" if file.is_dir() else file
        text = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"--baseline {file}: {error.strerror or error}; give the audit.json that an earlier `fairaudit audit --out DIR` wrote.") from error
    audit = from_json(text, where=f"--baseline {file}")
    return Former(audit=audit, sha256=hashlib.sha256(text).hexdigest(), scores=saved_beside(file, audit.scores), name=str(path))


def saved_beside(file: Path, scores: SavedScores | None) -> Path | None:
    """The rows that an audit kept, beside its file; None where it kept none, or they are elsewhere now.

    Raises:
        ConfigError: they are others.
    """
    beside = file.parent / SCORES
    return None if scores is None or not beside.is_file() else saved_in(beside, scores, of=str(file))


def saved_in(path: Path, scores: SavedScores | None, *, of: str) -> Path:
    """The rows that an audit kept, in a file.

    Args:
        of: the audit, as a sentence names it.

    Raises:
        ConfigError: there is no such file, they are others, or it kept none.
    """
    if scores is None:
        raise ConfigError(f"{of} kept no rows, so {path} is not of it; leave the file out, or audit again with --save-scores.")
    try:
        from fairaudit.data.files import fingerprint

        is_same = fingerprint(path) == scores.sha256
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}; give the {SCORES} that was written with the audit.") from error
    if not is_same:
        raise ConfigError(f"{path} is not what {of} was made with: its sha256 is another; put back the file that was written with it, or audit again with --save-scores.")
    return path


def mistaken(old: Manifest, *, config: Mapping[str, Any], positive: str | None) -> Iterator[FairauditError]:
    """A mistake for each thing that two audits must have in common before their rates can be set beside each other.

    Args:
        config: the new audit's.
        positive: its label's positive value, as it was read; None where it is not known yet.
    """
    if config.get("label") is not None and old.config.get("label") is not None and positive is not None and old.positive is not None and positive != old.positive:
        yield ConfigError(f"the baseline's positive label is {old.positive!r} and this audit's {positive!r}, so their rates are of other people; give both the same with --positive.")


def beside(path: Path | None, before: Former, counts: Counts, baseline: Baseline) -> Baseline:
    """The baseline with the rows that both have; as independent samples where they share none.

    Args:
        path: the new audit's rows; None where it kept none.
    """
    if path is None or before.scores is None:
        return baseline
    from fairaudit.cube.same_rows import match

    found = match(path, before.scores, counts.slices)
    if not found.account.matched:
        return Baseline(counts=baseline.counts, slicings=baseline.slicings, relabelled=found.account.relabelled)
    return Baseline(counts=baseline.counts, slicings=baseline.slicings, matched=found)


def notes(new: Manifest, scores: SavedScores | None, before: Former, baseline: Baseline) -> tuple[str, ...]:
    """What a reader of a change must know: which rows it is of, and what besides the model is not as it was."""
    strange = () if baseline.matched is None else _strange(baseline.matched, new, before.audit.manifest)
    return (_of_rows(scores, before, baseline), *strange, *_differing(new, before.audit.manifest))


def _of_rows(scores: SavedScores | None, before: Former, baseline: Baseline) -> str:
    if baseline.matched is not None:
        account = baseline.matched.account
        other = f"; {account.relabelled:,} have another label there and are left out" if account.relabelled else ""
        return f"Change since the baseline rests on {account.matched:,} rows that both audits have by their ids; {account.only_now:,} are in this one alone and {account.only_before:,} in the baseline alone{other}."
    if baseline.relabelled:
        has = "the 1 row whose id is in both has" if baseline.relabelled == 1 else f"all {baseline.relabelled:,} rows whose ids are in both have"
        why = f"{has} another label in the baseline; if that is no correction of labels, the ids are not of the same rows"
    elif scores is not None and before.scores is not None:
        why = "no id is in both"
    elif before.audit.scores is None:
        why = "the baseline kept none (--save-scores --id COL)" if scores is not None else "neither kept its rows (--save-scores --id COL)"
    elif before.scores is None:
        why = f"the baseline's {SCORES} is not beside its audit.json"
    else:
        why = "this one kept none (--save-scores --id COL)"
    return f"Change since the baseline is judged as between independent samples, which shows large ones only: no rows of the two audits are matched, since {why}."


def _strange(matched: Matched, new: Manifest, old: Manifest) -> Iterator[str]:
    """What speaks against the ids of the two being of the same rows, as those of numbered lines of two files are not."""
    if (column := new.config.get("id")) != (former_column := old.config.get("id")):
        yield f"The baseline's ids are the column {former_column!r} and this audit's {column!r}; rows are taken for the same where these are equal."
    account = matched.account
    if account.relabelled > _STRANGE * (account.matched + account.relabelled):
        yield f"{account.relabelled / (account.matched + account.relabelled):.0%} of the rows whose id is in both have another label in the baseline; if that is no correction of labels, the ids are not of the same rows, and nothing on change holds."
    for attribute, share in _moved(matched):
        if share > _STRANGE and new.bands.get(attribute) == old.bands.get(attribute):
            yield f"{share:.0%} of the matched rows have another {attribute} in the baseline; if that is no correction, the ids are not of the same rows, and nothing on change holds."


def _moved(matched: Matched) -> Iterator[tuple[str, float]]:
    """Of each attribute, the share of rows that had another value."""
    for attribute in dict.fromkeys(one.attributes[0] for one in matched.slices if len(one.attributes) == 1):
        own = [place for place, one in enumerate(matched.slices) if one.attributes == (attribute,)]
        yield attribute, float(matched.moved[own].sum() / max(1, matched.rows[own].sum()))


def _differing(new: Manifest, old: Manifest) -> Iterator[str]:
    """A sentence for each thing besides the model that is not as it was."""
    if new.config.get("label") != old.config.get("label"):
        yield f"The baseline's label is {_named(old.config.get('label'))} and this audit's {_named(new.config.get('label'))}."
    if (one := _decided(new)) != (other := _decided(old)):
        yield f"The baseline was decided {other}, and this audit {one}; what that changed is part of the change."
    if (effect := new.config.get("effect", "helps")) != (former_effect := old.config.get("effect", "helps")):
        yield f"In the baseline a positive decision {former_effect}, and in this audit it {effect}, which says what is worse."
    for name, how in _OF_ROWS.items():
        if new.config.get(name) != old.config.get(name):
            yield f"The baseline's rows are {how} {_named(old.config.get(name))}, and this audit's {how} {_named(new.config.get(name))}."
    cut = [one for one, edges in new.bands.items() if old.bands.get(one, edges) != edges]
    if cut:
        yield f"The baseline cuts {listed(cut)} at other edges, so these slices are of other people."


def _named(column: Any) -> str:
    return "nothing" if column is None else repr(column)


def _decided(one: Manifest) -> str:
    if one.model.kind == "decision_column":
        return f"by the column {one.model.name!r}"
    if one.model.decision_output is not None:
        return f"by the model's output {one.model.decision_output!r}"
    own = "".join(f", {attribute}={value} at {at:g}" for attribute, groups in one.config.get("group_thresholds", {}).items() for value, at in groups.items())
    at = " or at it" if one.config.get("at_threshold") == "positive" else ""
    return f"above {one.config.get('threshold', 0.5):g}{at}{own}"

