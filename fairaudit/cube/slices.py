"""A slice: the rows that share some attributes' values; and the slicings that an audit is asked for."""

from __future__ import annotations

from collections.abc import Iterable

MISSING = "(missing)"  # how a missing value is shown; in data and in a Slice it is None
Slicing = tuple[str, ...]  # the attributes that are crossed; () is everyone


class Slice:
    """Attribute → value, in the slicing's order; the empty slice is everyone. A missing value is None. Immutable.

    A plain class, not a dataclass: msgspec then asks us how it is written, and it is written as a JSON object.
    """

    __slots__ = ("values",)
    values: tuple[tuple[str, str | None], ...]

    def __init__(self, values: Iterable[tuple[str, str | None]] = ()) -> None:
        object.__setattr__(self, "values", tuple(values))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Slice cannot be changed: {name}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Slice) and self.values == other.values

    def __hash__(self) -> int:
        return hash(self.values)

    def __str__(self) -> str:
        if not self.values:
            return "everyone"
        return ", ".join(f"{attribute}={_shown(value)}" for attribute, value in self.values)

    def __repr__(self) -> str:
        return f"Slice({self})"

    def __reduce__(self) -> tuple[type[Slice], tuple[tuple[tuple[str, str | None], ...]]]:
        return Slice, (self.values,)

    @property
    def attributes(self) -> Slicing:
        return tuple(attribute for attribute, _ in self.values)

    @property
    def has_missing(self) -> bool:
        return any(value is None for _, value in self.values)

    @property
    def label(self) -> str:
        """Its values alone, as a table under the slicing's heading shows them: `Female × Black`."""
        return " × ".join(_shown(value) for _, value in self.values) or "everyone"


def _shown(value: str | None) -> str:
    """A value that reads as our word for a missing one is quoted, so that the two can be told apart."""
    if value is None:
        return MISSING
    return repr(value) if value == MISSING else value


EVERYONE = Slice()
