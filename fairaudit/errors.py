"""Everything a user can get wrong, each with its sentence and exit code.

A class builds its own sentence, so it reads the same wherever it is raised; `fairaudit.cli` turns it into text and an exit code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

PASSED, VIOLATED, MISCONFIGURED, NOT_ENOUGH_EVIDENCE, CONTENT_FAILED, INTERRUPTED = 0, 1, 2, 3, 4, 130
NO_DATA = "no data: name a CSV or Parquet file, a folder or a glob with --data PATH."


class FairauditError(Exception):
    """One sentence for the user: what is wrong, where, and what to do."""

    exit_code: int = MISCONFIGURED


class ConfigError(FairauditError):
    """To be mended in flags, config or paths."""

    exit_code = MISCONFIGURED


class ContentError(FairauditError):
    """The data, the model's answers, the disk or an engine failed."""

    exit_code = CONTENT_FAILED


class Several(FairauditError):
    """Several mistakes, told at once; its exit code is that of the gravest (2 before 4)."""

    def __init__(self, errors: Sequence[FairauditError]) -> None:
        self.errors = tuple(errors)
        self.exit_code = min(error.exit_code for error in errors)
        super().__init__("\n".join(str(error) for error in errors))


def raise_all(errors: Iterable[FairauditError]) -> None:
    """Raise what was collected: nothing, the one error, or `Several`."""
    found = [one for error in errors for one in (error.errors if isinstance(error, Several) else (error,))]
    if len(found) == 1:
        raise found[0]
    if found:
        raise Several(found)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that `word` most likely was meant to be, or None."""
    names = list(known)
    folded = {name.casefold(): name for name in names}
    if word.casefold() in folded:
        return folded[word.casefold()]
    from difflib import get_close_matches  # here, so that --help stays quick

    near = get_close_matches(word, names, n=1)
    return near[0] if near else None


def _advice(word: str, known: Sequence[str], otherwise: str) -> str:
    near = nearest(word, known)
    return f"did you mean {near!r}?" if near else f"{otherwise} {listed(known)}."


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names as a sentence has them, the long tail counted; apart by semicolons where one has commas, as a cross of attributes has."""
    if not names:
        return "none"
    shown = ("; " if any(", " in one for one in names) else ", ").join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


class UnknownName(ConfigError):
    """A name that stands for nothing: a rule, a metric, an engine, a field."""

    def __init__(self, kind: str, name: str, known: Sequence[str], *, where: str = "", all_in: str = "") -> None:
        """
        Args:
            all_in: what lists them, where they are too many for a sentence.
        """
        place = f"{where}: " if where else ""
        near = nearest(name, known)
        advice = f"{all_in} names all." if all_in and not near else _advice(name, known, "there are")
        super().__init__(f"{place}there is no {kind} {name!r}; {advice}")


class NoSuchColumn(ConfigError):
    def __init__(self, column: str, *, file: str, columns: Sequence[str], use: str = "") -> None:
        asked = f", which {use} needs" if use else ""
        super().__init__(f"{file} has no column {column!r}{asked}; {_advice(column, columns, 'its columns are')}")
