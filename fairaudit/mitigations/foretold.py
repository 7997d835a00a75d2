"""What a mitigation of a model would do, and what would keep it from it, told before a row is scored."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from fairaudit import models
from fairaudit.config import AuditConfig
from fairaudit.cube.counts import NEGATIVE, POSITIVE
from fairaudit.cube.slices import Slice
from fairaudit.errors import FairauditError
from fairaudit.mitigations.attributes import keys_of, read_attributes
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.fittable import few_rows
from fairaudit.mitigations.methods import Method, usual
from fairaudit.mitigations.names import MethodName
from fairaudit.mitigations.parts import SHARE
from fairaudit.mitigations.postprocessed import asked_of, cross_of, rows_without_group
from fairaudit.mitigations.wiring import check_plain, wired
from fairaudit.models.signatures import read_signatures
from fairaudit.run import _asked_of_model
from fairaudit.survey import Survey
from fairaudit.types import Floats, Ints


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """A group, with its labelled rows in all of the data, of which one part is fitted on."""

    group: Slice
    positives: int
    negatives: int


class Foretold(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a mitigation before the first score, where data are split in halves."""

    method: MethodName
    rules: tuple[str, ...]
    fitted: int  # rows, to within what must stay together
    held_out: int
    groups: tuple[Fitted, ...]
    without_group: int  # rows that lack a value of an attribute, and are decided as the model does
    added: tuple[str, ...]  # attributes that the exported model takes and the original does not
    cautions: tuple[str, ...]


def asked(name: MethodName, config: AuditConfig) -> tuple[Method | None, AuditConfig, tuple[FairauditError, ...]]:
    """The method, the configuration that it would audit by, and everything for which it would be refused by these alone."""
    wrong: list[FairauditError] = []
    method: Method | None = None
    try:
        method = usual(name, config)
    except FairauditError as error:
        wrong += getattr(error, "errors", (error,))
    try:
        config = asked_of(config, () if method is None else method.rules)
    except FairauditError as error:
        wrong += getattr(error, "errors", (error,))
    return method, config, tuple(wrong)


def foretold(method: Method, survey: Survey) -> Foretold:
    """What a method would do with what was surveyed.

    Args:
        survey: of the configuration that `asked` gives.

    Raises:
        ConfigError, ContentError: the method cannot be fitted to such groups and labels.
        UnfitModel: the model cannot be wrapped, or its inputs cannot tell groups apart.
    """
    slicing, counts = cross_of(survey.config), survey.counts
    known = [place for place in counts.of_slicing(slicing) if not counts.slices[place].has_missing]
    groups, by_label = tuple(counts.slices[place] for place in known), counts.rows[known].sum(axis=2)[:, [NEGATIVE, POSITIVE]]
    method.check(_unscored(groups, by_label, counts.weight[known].sum(axis=2)))
    attributes = read_attributes(survey.rows, slicing)
    found = models.matched(Path(str(survey.config.model)), **_asked_of_model(survey.config, survey.source))
    called = next(one for one in read_signatures(found.place) if one.name == found.card.signature)
    check_plain(called, model=found.card.name)
    wiring = wired(found, called, attributes)
    keys_of(groups, attributes, wiring.dtypes)
    lines = survey.rows.lines
    held_out = round(SHARE * lines)
    return Foretold(
        method=method.name, rules=tuple(one.id for one in survey.rules), fitted=lines - held_out, held_out=held_out,
        groups=tuple(Fitted(group=group, positives=positives, negatives=negatives) for group, (negatives, positives) in zip(groups, by_label.tolist(), strict=True)),
        without_group=rows_without_group(counts, slicing), added=wiring.added,
        cautions=tuple(few_rows(groups, [int(fewer * (1 - SHARE)) for fewer in by_label.min(axis=1).tolist()])),
    )  # fmt: skip


def _unscored(groups: tuple[Slice, ...], rows: Ints, weight: Floats) -> Cells:
    """Cells of no scores: all rows in one."""
    positive, negative = weight[:, [POSITIVE]], weight[:, [NEGATIVE]]
    nothing = np.zeros(positive.shape)
    return Cells(groups=groups, positive=positive, negative=negative, positive_score=nothing, negative_score=nothing, rows=rows, lowest=np.zeros(1), highest=np.zeros(1))
