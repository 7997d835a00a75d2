"""How large groups must be, in words: for `fairaudit rules choose` and `fairaudit check`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fairaudit.errors import listed
from fairaudit.metrics.catalogue import Shape, metric
from fairaudit.reports.numbers import percent, significant, whole
from fairaudit.reports.wrapped import columns, paragraph
from fairaudit.rules.sized import TRUE_RATIO, GroupSize, Need, Size

_MOST_NAMED = 6  # groups of one family
_HEAD = ("rule", "by", "metric", "error", "finds", f"ratio {TRUE_RATIO:g}", "alone", "of these rows", "too small alone")


def size_lines(sizes: Sequence[Size], *, width: int) -> Iterator[str]:
    """A table with a line for each metric of each family, and what its columns mean; nothing where nothing is tested."""
    tested = [one for one in sizes if one.minimum > 1 or one.needs]
    if not tested:
        return
    yield ""
    yield "Rows that the rules need"
    yield from columns([_HEAD, *(_line(one) for one in tested)])
    yield paragraph(
        "error: what the rule may spend there. finds: rows of one group, against a large rest, in which a disparity as large as the rule calls serious is found with 80% power; "
        f"ratio {TRUE_RATIO:g}: the same of a true ratio so far from 1. alone: rows that judging a group alone takes; the small are judged together.",
        width=width,
    )
    if several := next((one.needs for one in tested if len(one.needs) > 1), None):
        yield paragraph(f"Where only decisions can tell a rate, rows are for rates of {listed([percent(need.rate) for need in several])}, and alone is the least.", width=width)
    for rule in dict.fromkeys(one.rule for one in tested):
        missed = dict.fromkeys(group.slice.label for one in tested if one.rule == rule for group in one.may_miss)
        if missed:
            yield paragraph(f"{rule} judges these alone, and may all the same miss what it calls serious in them: {listed(list(missed), most=_MOST_NAMED)}.", width=width)


def share_words(share: float) -> str:
    """A share of the error, as 0.833%."""
    return f"{significant(100 * share)}%"


def needs_words(needs: Sequence[Need], *, rows_are: str) -> str:
    """The rows of one group by rate, as a row of RULES.md E3's table."""
    told = f"{rows_are} of one group, against a large rest, to find with 80% power what the rule calls serious: {_by_rate(needs, [one.serious for one in needs])}"
    return f"{told}; and a true ratio of {TRUE_RATIO:g}: {_by_rate(needs, [one.at_true_ratio for one in needs])}" if any(one.at_true_ratio is not None for one in needs) else told


def _by_rate(needs: Sequence[Need], rows: Sequence[int | None]) -> str:
    return listed([f"{_rows(number)} at a rate of {percent(one.rate)}" for one, number in zip(needs, rows, strict=True)])


def _line(one: Size) -> tuple[str, ...]:
    return (
        one.rule, " × ".join(one.slicing), metric(one.metric).title, share_words(one.share), "/".join(_rows(need.serious) for need in one.needs) or "·",
        "/".join(_rows(need.at_true_ratio) for need in one.needs) if any(need.at_true_ratio is not None for need in one.needs) else "·", whole(one.minimum), one.rows_are, _too_small(one),
    )  # fmt: skip


def _too_small(one: Size) -> str:
    if any(group.enough is None for group in one.groups):
        return "not known yet" if metric(one.metric).shape is not Shape.ACROSS else "judged as a whole"
    return listed([_group(group) for group in one.too_small], most=_MOST_NAMED)


def _group(one: GroupSize) -> str:
    return f"{one.slice.label} ({whole(round(one.trials or 0))})"


def _rows(rows: int | None) -> str:
    return "never" if rows is None else whole(rows)
