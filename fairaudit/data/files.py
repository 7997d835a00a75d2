"""`--data` → the files it means, each with its columns; CSV is never sniffed."""

from __future__ import annotations

import csv
import glob
import gzip
import hashlib
import os
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from fairaudit.errors import NO_DATA, ConfigError, ContentError, FairauditError, listed, raise_all

Format = Literal["csv", "parquet"]
_SUFFIXES: dict[str, Format] = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet", ".pq": "parquet"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One file of rows."""

    path: Path
    format: Format
    schema: pa.Schema  # its columns; all text in a CSV

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.schema.names)


class CorruptFile(ContentError):
    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path.name} cannot be read: {why}.")


def files_of(data: Sequence[str], *, flag: str = "--data") -> tuple[DataFile, ...]:
    """The files that paths, folders and globs mean, in order and each once, all of one format and with the same columns.

    Args:
        flag: what named them, for whoever has to mend it.

    Raises:
        ConfigError: nothing is there, a format is unknown or mixed, columns are duplicated or differ.
        ContentError: a file is empty or corrupt.
    """
    if not data:
        raise ConfigError(NO_DATA)
    mistakes: list[FairauditError] = []
    found: dict[Path, Path] = {}  # by what they are, so that two spellings of one file are one
    opened: list[DataFile] = []
    for one in data:
        try:
            for path in _paths(one, flag):
                found.setdefault(path.resolve(), path)
        except FairauditError as error:
            mistakes.append(error)
    for path in found.values():
        try:
            opened.append(_opened(path))
        except FairauditError as error:
            mistakes.append(error)
    raise_all([*mistakes, *_differences(opened)])
    return tuple(opened)


def fingerprint(path: Path) -> str:
    """SHA-256 of the file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _format(path: Path) -> Format | None:
    return next((kind for suffix, kind in _SUFFIXES.items() if path.name.lower().endswith(suffix)), None)


def _paths(asked: str, flag: str) -> Iterable[Path]:
    path = Path(asked)
    if not asked.strip():
        raise ConfigError(f"{flag} is an empty text; is a variable unset? Name a CSV or Parquet file, a folder or a glob.")
    try:
        is_dir, is_file = path.is_dir(), path.is_file()
    except OSError as error:
        raise ConfigError(f"{asked[:60]}{'…' if len(asked) > 60 else ''} cannot be opened: {error.strerror or error}; check {flag}.") from error
    if is_dir:
        inside = sorted(_inside(path))
        if not inside:
            raise ConfigError(f"{asked} holds no .csv, .csv.gz or .parquet file.")
        return inside
    if is_file:
        return (path,)
    matched = sorted(Path(one) for one in glob.glob(asked, recursive=True) if Path(one).is_file()) if glob.has_magic(asked) else []
    if not matched:
        raise ConfigError(f"{asked}: there is no such file{' for this pattern' if glob.has_magic(asked) else ''}; check {flag}.")
    return matched


def _inside(folder: Path) -> Iterator[Path]:
    """The data files below a folder; hidden ones, and what begins with _ as Spark's own files do, left out."""

    def refused(error: OSError) -> None:
        raise ConfigError(f"{error.filename} cannot be opened: {error.strerror or error}; give only folders that may be read.")

    for top, folders, names in os.walk(folder, onerror=refused):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        files = (Path(top, name) for name in names if not name.startswith((".", "_")))
        yield from (one for one in files if _format(one) and one.is_file())


def _opened(path: Path) -> DataFile:
    kind = _format(path)
    if kind is None:
        raise ConfigError(f"{path.name}: its format is not known by its name; data end in {listed(list(_SUFFIXES))}.")
    try:
        schema = _parquet_schema(path) if kind == "parquet" else _csv_schema(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be opened: {error.strerror or error}.") from error
    raise_all(mistaken_names(schema.names, file=path.name))
    return DataFile(path=path, format=kind, schema=schema)


def mistaken_names(names: Sequence[str], *, file: str) -> Iterator[FairauditError]:
    """A mistake where columns cannot be told apart: the same name twice, or names that differ in case alone."""
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        yield ConfigError(f"{file} has more than one column {listed([repr(name) for name in twice])}; rename all but one.")
    alike = [name for name in dict.fromkeys(names) if Counter(other.casefold() for other in dict.fromkeys(names))[name.casefold()] > 1]
    if alike:
        yield ConfigError(f"{file} has columns that differ in upper and lower case alone, {listed([repr(name) for name in alike])}; rename all but one.")


def _parquet_schema(path: Path) -> pa.Schema:
    if path.stat().st_size == 0:
        raise ContentError(f"{path.name} is empty; it has no Parquet footer and no rows.")
    try:
        return pq.read_schema(path)
    except pa.ArrowException as error:
        raise CorruptFile(path, f"it is not a whole Parquet file ({str(error).splitlines()[0].rstrip('.')})") from error


def _csv_schema(path: Path) -> pa.Schema:
    try:
        with _text(path) as text:
            header = next(csv.reader(text, strict=True), None)
    except UnicodeDecodeError as error:
        raise CorruptFile(path, "it is not UTF-8; save it as UTF-8") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CorruptFile(path, "its gzip stream is broken or cut off") from error
    except csv.Error as error:
        raise CorruptFile(path, f"its header, line 1, is not CSV ({error})") from error
    if header is None:
        raise ContentError(f"{path.name} is empty; it needs a header line and rows.")
    if len(header) == 1 and (separator := next((one for one in (";", "\t", "|") if one in header[0]), None)):
        raise ConfigError(f"{path.name}, line 1: its columns seem to be separated by {separator!r}; save it with commas.")
    if not any(name.strip() for name in header):
        raise ConfigError(f"{path.name}, line 1: no column has a name; give the file a header line.")
    return pa.schema([(name if name.strip() else _by_place(place, header), pa.string()) for place, name in enumerate(header, 1)])


def _by_place(place: int, header: Sequence[str]) -> str:
    """What a column without a name is called, as the index that pandas writes: most audits do not need it."""
    name, taken = f"column {place}", {one.casefold() for one in header}
    while name in taken:
        name += "_"
    return name


def _text(path: Path) -> IO[str]:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _differences(files: Sequence[DataFile]) -> Iterator[FairauditError]:
    for other in files[1:]:
        first = files[0]
        if other.format != first.format:
            yield ConfigError(f"{first.path.name} is {first.format} and {other.path.name} is {other.format}; give data of one format.")
        elif set(other.columns) != set(first.columns):
            unlike = sorted(set(other.columns) ^ set(first.columns))
            yield ConfigError(f"{first.path.name} and {other.path.name} differ in the columns {listed(unlike)}.")
