"""Which value of a two-valued column is the positive one."""

from __future__ import annotations

from collections.abc import Sequence

from fairaudit.errors import ConfigError, ContentError, listed, nearest

_POSITIVE, _NEGATIVE = ("1", "1.0", "true"), ("0", "0.0", "false")


def is_truth(value: str) -> bool:
    """Whether a text is one of the spellings of 0 and 1, true and false."""
    return value.casefold() in (*_POSITIVE, *_NEGATIVE)


def positives(column: str, values: Sequence[str], positive: str | None, *, file: str) -> tuple[str, ...]:
    """Those of a column's values that count as positive; may be none where every row is negative.

    Args:
        values: the column's distinct values, as trimmed text, missing ones left out; the most frequent first.
        positive: what the user called positive, if anything.

    Raises:
        ConfigError: the positive value is not among them, or must be named and was not.
        ContentError: there are more than two values.
    """
    if all(is_truth(value) for value in values):
        return _of_truths(column, values, positive, file=file)
    if positive is None and len(values) <= 2:
        raise ConfigError(f"{file}: the column {column!r} holds {listed([repr(value) for value in values])}; say which is positive with --positive VALUE.")
    if len(values) > 2:
        shown = listed([repr(value) for value in values], most=4)
        raise ContentError(f"{file}: the column {column!r} must hold two values and holds {len(values)}: {shown}; name another column, or mend or --missing the third.")
    if positive not in values:
        raise _absent(column, values, str(positive), file=file)
    return (str(positive),)


def _of_truths(column: str, values: Sequence[str], positive: str | None, *, file: str) -> tuple[str, ...]:
    asked = positive is None or positive.casefold() in _POSITIVE
    if not asked and positive is not None and positive.casefold() not in _NEGATIVE:
        raise _absent(column, values, positive, file=file)
    wanted = _POSITIVE if asked else _NEGATIVE
    return tuple(value for value in values if value.casefold() in wanted)


def _absent(column: str, values: Sequence[str], positive: str, *, file: str) -> ConfigError:
    near = nearest(positive, values)
    advice = f"did you mean {near!r}?" if near else f"its values are {listed([repr(value) for value in values])}."
    return ConfigError(f"{file}: the column {column!r} has no value {positive!r}; {advice}")
