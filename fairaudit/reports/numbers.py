"""Numbers as people read them. The page and the terminal round here and nowhere else; the audit file holds the full number."""

from __future__ import annotations

import math
from collections.abc import Callable

from fairaudit.evidence.measurement import Interval
from fairaudit.metrics.catalogue import CATALOGUE, Shape

Writer = Callable[[float], str]
MINUS = "−"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PERCENTAGES = ("balanced_accuracy", "standardized_selection_rate")  # beside the rates
_MOST_DIGITS = 8


def significant(value: float, digits: int = 3) -> str:
    """Three significant digits: 0.613, 1.25, 12,345, 1.2×10⁻⁶."""
    _refuse_unwritable(value)
    size = abs(value)
    if size == 0:
        return "0"
    sign = MINUS if value < 0 else ""
    if size >= 10**digits:
        return sign + (f"{size:,.0f}" if size < 1e12 else _power_of_ten(size, digits))
    return sign + (_power_of_ten(size, digits) if size < 1e-4 else _plain(f"{size:.{digits}g}"))


def percent(value: float) -> str:
    """A rate as percent with one decimal. Only 0 itself reads 0.0 %, and only 1 itself 100.0 %."""
    _refuse_unwritable(value)
    if 0 < value < 0.0005:
        return "<0.1%"
    if 0.9995 <= value < 1:
        return ">99.9%"
    return f"{MINUS if value < 0 else ''}{abs(100 * value):.1f}%"


def share(value: float) -> str:
    """A round percentage, as an axis has it: 0%, 2.5%, 40%."""
    return f"{round(100 * value, 6):g}%"


def decimal(value: float, digits: int = 3) -> str:
    """A difference of rates to three decimals; one that would vanish keeps its first digit."""
    _refuse_unwritable(value)
    rounded = round(value, digits)
    return significant(rounded, digits + 1) if rounded else significant(value, 1)


def signed(value: float) -> str:
    """A difference, with its sign."""
    return decimal(value) if value <= 0 else f"+{decimal(value)}"


def whole(value: float) -> str:
    """A count, in thousands: 12,345. A sum of weights may have a fraction: 12,345.6."""
    _refuse_unwritable(value)
    sign, size = MINUS if value < 0 else "", abs(value)
    return sign + (f"{size:,.0f}" if size == int(size) else f"{size:,.1f}")


_DIFFERENCES = ("difference", "conditional_difference", "change")


def probability(value: float) -> str:
    """A p-value to three decimals, and never 0."""
    _refuse_unwritable(value)
    return "below 0.001" if value < 0.001 else f"{value:.3f}"


def apart(kind: str, value: float, limits: tuple[float | None, float | None]) -> str:
    """`value` with as many digits as it takes to see on which side of a limit it is: 0.7998 is not shown as 0.8."""
    write = decimal if kind in ("difference", "change") else significant
    for digits in range(3, _MOST_DIGITS):
        text = write(value, digits)
        if all(limit is None or value == limit or text != write(limit, digits) for limit in limits):
            return text
    return write(value, _MOST_DIGITS)


def measured(metric_id: str, value: float) -> str:
    """A metric's own value: rates in percent, counts in full, anything else by significant digits."""
    return _writer(metric_id)(value)


def compared(kind: str, value: float) -> str:
    """A value between two groups: a ratio plainly, a difference with its sign."""
    return signed(value) if kind in _DIFFERENCES else significant(value)


def interval_of(metric_id: str, interval: Interval) -> str:
    """A metric's own interval: 11.5% to 14.9%."""
    return between(interval, _writer(metric_id))


def interval_between(kind: str, interval: Interval) -> str:
    """The interval of a value between two groups: 0.55 to 0.67."""
    return between(interval, lambda end: compared(kind, end))


def between(interval: Interval, write: Writer) -> str:
    """Both ends, or the one that is finite: a ratio may have no upper end."""
    lower, upper = interval
    if math.isinf(upper):
        return f"{write(lower)} or more" if math.isfinite(lower) else "no bounds"
    return f"{write(lower)} to {write(upper)}" if math.isfinite(lower) else f"{write(upper)} or less"


def counted(number: int, noun: str, plural: str = "") -> str:
    """1 row, 2 rows, 1,234 rows."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def _writer(metric_id: str) -> Writer:
    entry = CATALOGUE.get(metric_id)
    if entry is None:
        return significant
    if entry.shape is Shape.RATE or entry.is_share or metric_id in _PERCENTAGES:
        return percent
    return whole if entry.shape is Shape.COUNT else significant


def _refuse_unwritable(value: float) -> None:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number to show: undefined and infinite values are shown by their reason")


def _plain(text: str) -> str:
    """What `g` wrote, without the exponent that 999.9 rounds into."""
    return f"{float(text):,.0f}" if "e" in text else text


def _power_of_ten(size: float, digits: int) -> str:
    mantissa, exponent = f"{size:.{digits - 1}e}".split("e")
    shortest = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{shortest}×10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
