"""Which value of a two-valued column is the positive one."""

from __future__ import annotations

from collections.abc import Sequence

from fairaudit.errors import ConfigError, ContentError, listed, nearest

MOST = 50  # values that are looked at; two are enough, and a few make a sentence
_TRUTHS = {"true": True, "false": False}


def truth(value: str) -> bool | None:
    """What a text says if it is a spelling of 0 or 1, true or false: 1.00 is 1; None for any other."""
    number = _number(value)
    return _TRUTHS.get(value.casefold()) if number is None else {0.0: False, 1.0: True}.get(number)


def positives(column: str, values: Sequence[str], positive: str | None, *, file: str, flag: str = "--positive") -> tuple[str, ...]:
    """Those of a column's values that count as positive; may be none where every row is negative.

    Args:
        values: the column's distinct values, as trimmed text, missing ones left out; the most frequent first.
        positive: what the user called positive, if anything.
        flag: the one that says so, for messages.

    Raises:
        ConfigError: the positive value is not among them, or must be named and was not.
        ContentError: there are more than two values.
    """
    if all(truth(value) is not None for value in values):
        return _of_truths(column, values, positive, file=file, flag=flag)
    if positive is None and len(values) <= 2:
        raise ConfigError(f"{file}: the column {column!r} holds {listed([repr(value) for value in values])}; say which is positive with {flag} VALUE.")
    if len(values) > 2:
        shown, many = listed([repr(value) for value in values[:4]]), f"more than {MOST}" if len(values) > MOST else str(len(values))
        raise ContentError(
            f"{file}: the column {column!r} must hold two values and holds {many}: {shown}{', …' if len(values) > 4 else ''}; "
            f"name another column, mend the data, or say with --missing '{column}=TEXT' what means a missing value."
        )
    same = tuple(value for value in values if _same(value, str(positive)))
    if not same:
        raise _absent(column, values, str(positive), file=file, flag=flag)
    return same


def _same(value: str, asked: str) -> bool:
    """The same text, or the same number: 2.0 is 2."""
    number = _number(value)
    return value == asked or (number is not None and number == _number(asked))


def _number(value: str) -> float | None:
    try:
        return None if "_" in value else float(value)  # Python takes 1_0 for 10, which nobody writes in data
    except ValueError:
        return None


def _of_truths(column: str, values: Sequence[str], positive: str | None, *, file: str, flag: str) -> tuple[str, ...]:
    asked = True if positive is None else truth(positive)
    if asked is None:
        raise _absent(column, values, str(positive), file=file, flag=flag)
    return tuple(value for value in values if truth(value) is asked)


def _absent(column: str, values: Sequence[str], positive: str, *, file: str, flag: str) -> ConfigError:
    near = nearest(positive, values)
    advice = f"did you mean {near!r}?" if near else f"its values are {listed([repr(value) for value in values])}; say which is positive with {flag} VALUE."
    return ConfigError(f"{file}: the column {column!r} has no value {positive!r}; {advice}")
