"""What a search has done so far, kept beside its output, so that one that was stopped goes on where it was: each piece whole or not at all, and none of another search's."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from fairaudit.cube.clusters import Entries
from fairaudit.cube.cube import ByCluster, Cube
from fairaudit.cube.saved import columns_of
from fairaudit.cube.slices import Slice
from fairaudit.cube.stored import read_cube, write_cube
from fairaudit.errors import ConfigError, ContentError, listed
from fairaudit.mitigations.fine_tuning import FineTuned
from fairaudit.mitigations.policy import Treatment
from fairaudit.mitigations.solved import Solved
from fairaudit.result import decoded, encoded

FOLDER = ".fairaudit-search"  # in the folder that the search writes to; gone once it is whole
_WHAT, _LOCK, _WORK, _ASIDES = "search.json", "lock", "work", "asides.json"
_PRIVATE = 0o700  # it holds rows of persons
_CLUSTERS, _SCORES, _VALUES = ".clusters", ".scores", b"fairaudit.values"


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate that was fitted, or why it could not be."""

    id: str
    treatments: tuple[Treatment, ...] = ()
    objective: float | None = None  # None: undefined
    gap: float | None = None
    before: float | None = None
    metrics: tuple[str, ...] = ()
    rates: tuple[tuple[float | None, ...], ...] = ()
    unfitted: tuple[Slice, ...] = ()
    reference: int | None = None
    parameters: tuple[tuple[str, float], ...] = ()
    tuned: FineTuned | None = None  # what training on did, where that was it
    unmet: str | None = None  # the reason

    @staticmethod
    def of(id: str, solved: Solved) -> Fitted:
        return Fitted(
            id=id, treatments=solved.treatments, objective=_known(solved.objective), gap=_known(solved.gap), before=_known(solved.before), metrics=solved.metrics,
            rates=tuple(tuple(_known(one) for one in rates.tolist()) for rates in solved.rates), unfitted=solved.unfitted, reference=solved.reference, parameters=solved.parameters,
        )  # fmt: skip

    @property
    def solved(self) -> Solved:
        return Solved(
            treatments=self.treatments, objective=_number(self.objective), gap=_number(self.gap), before=_number(self.before), metrics=self.metrics,
            rates=tuple(np.array([_number(one) for one in rates]) for rates in self.rates), unfitted=self.unfitted, reference=self.reference, parameters=self.parameters,
        )  # fmt: skip


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The folder of one search; only one process has it."""

    folder: Path
    differs: tuple[str, ...]  # in what a former search, which was thrown away, was another; nothing: there was none, or this goes on from it

    @property
    def work(self) -> Path:
        """A folder for what is not kept; a search that is killed leaves it to the next one to clear."""
        return self.folder / _WORK

    @property
    def notes(self) -> Iterator[str]:
        """What was there before."""
        before = sum(1 for _ in self.folder.glob("fitted-*.json"))
        if self.differs:
            yield f"what a search that was stopped had kept in {self.folder.parent} is thrown away: it was another in {listed(self.differs)}; this one begins anew."
        elif before:
            yield f"a search that was stopped goes on: {before:,} {'candidate was' if before == 1 else 'candidates were'} fitted before."

    @property
    def has_any(self) -> bool:
        """Whether anything is kept by now."""
        return _has_any(self.folder)

    def read(self, id: str) -> Fitted | None:
        """What was kept of a candidate; None where nothing was, or it is broken."""
        with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError, ValueError):
            found = msgspec.json.decode((self.folder / _file(id)).read_bytes(), type=Fitted, dec_hook=decoded)
            return found if found.id == id else None
        return None

    def write(self, one: Fitted) -> None:
        """Raises:
        ContentError, ConfigError: it cannot be kept.
        """
        _write(self.folder / _file(one.id), msgspec.json.encode(one, enc_hook=encoded))

    def cube(self, name: str, edges: Sequence[float], *, with_scores: bool = False) -> KeptPart:
        """The cube of a part, counted with these edges.

        Args:
            with_scores: whether its rows are kept one by one too.
        """
        told = hashlib.sha256(msgspec.json.encode(tuple(edges))).hexdigest()
        return KeptPart(path=self.folder / f"{name}-{told[:16]}.parquet", with_scores=with_scores)

    def model(self, id: str) -> Path:
        """The folder of a candidate's own model."""
        return self.folder / _file(id).replace("fitted-", "model-").removesuffix(".json")

    def keep_model(self, id: str, made: Path) -> None:
        """Move a candidate's model to its place, in the place of what is there."""
        with _told(self.folder):
            _gone(self.model(id))
            os.replace(made, self.model(id))

    def note(self, aside: Path) -> None:
        """That what is being written lies in this folder until it is whole, for the next search to clear if this one is killed."""
        _write(self.folder / _ASIDES, msgspec.json.encode([aside.name]))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPart:
    """One part's cube, with its clusters, which the file of an audit's cube does not hold."""

    path: Path
    with_scores: bool = False

    @property
    def rows(self) -> Path:
        """Its rows one by one, where they are kept."""
        return self.path.with_suffix(_SCORES)

    @property
    def scores(self) -> Path | None:
        return self.path.with_suffix(_SCORES + ".aside") if self.with_scores else None

    def read(self) -> Cube | None:
        with suppress(ConfigError, OSError, pa.ArrowException, msgspec.MsgspecError, KeyError, TypeError):
            if not self.path.is_file():
                return None
            if self.with_scores:
                columns_of(self.rows)
            cube = read_cube(self.path)
            if not cube.plan.has_clusters:
                return cube
            table = pq.read_table(self.path.with_suffix(_CLUSTERS))
            values = msgspec.json.decode(table.schema.metadata[_VALUES], type=tuple[tuple[str | None, ...], ...])
            return Cube(plan=cube.plan, table=cube.table, by_cluster=ByCluster(entries=Entries(**{name: table.column(name).to_numpy() for name in table.column_names}), values=values))
        return None

    def write(self, cube: Cube) -> None:
        """Raises:
        ContentError, ConfigError: it cannot be kept.
        """
        aside = self.path.with_suffix(".aside")
        with _told(self.path.parent):
            if self.scores is not None:
                _moved(self.scores, self.rows)
            if cube.by_cluster is not None:
                held = cube.by_cluster
                table = pa.table({name: getattr(held.entries, name) for name in Entries.__dataclass_fields__}).replace_schema_metadata({_VALUES: msgspec.json.encode(held.values)})
                pq.write_table(table, aside)
                _moved(aside, self.path.with_suffix(_CLUSTERS))
            write_cube(cube, aside)
            _moved(aside, self.path)


@contextmanager
def kept(out: Path, what: dict[str, Any], *, anew: bool) -> Iterator[Kept]:
    """The folder of a search, while it is this process's; taken away once the search is done, and where nothing was kept.

    Args:
        out: where the search writes to.
        what: everything that its result depends on; what another search kept is thrown away.
        anew: what was kept is thrown away, whatever it is.

    Raises:
        ConfigError: a search is at work there, or it cannot be written.
    """
    folder = out / FOLDER
    with _told(out):
        made = [one for one in (out, *out.absolute().parents) if not one.exists()]
        folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:  # as an earlier version, or somebody, made it
            folder.chmod(_PRIVATE)
    with _locked(folder):
        told = msgspec.json.decode(msgspec.json.encode(what, enc_hook=encoded))
        former = _former(folder)
        differs = () if former is None else tuple(name for name in told if former.get(name) != told[name])
        with _told(out):
            _clear_asides(folder, out)
            if anew or former is None or differs:
                for one in folder.iterdir():
                    if one.name != _LOCK:
                        _gone(one)
                _write(folder / _WHAT, msgspec.json.encode(told))
            (folder / _WORK).mkdir()
        try:
            yield Kept(folder=folder, differs=() if anew else differs)
        except BaseException:
            _gone(folder / _WORK)
            if not _has_any(folder):
                _gone(folder)
                for one in made:
                    with suppress(OSError):
                        one.rmdir()
            raise
        _gone(folder)


@contextmanager
def in_place_of(out: Path) -> Iterator[None]:
    """While another mitigation is written to this folder: no search may begin there, and what one that was stopped had kept goes once the other is whole.

    Raises:
        ConfigError: a search is at work there.
    """
    folder = out / FOLDER
    if not folder.is_dir():
        yield
        return
    with _locked(folder):
        yield
        _clear_asides(folder, out)
        _gone(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with _told(folder):
        lock = (folder / _LOCK).open("ab")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"a search is at work in {folder.parent}; wait until it is done, or name another folder with --out.") from None
        yield


def _has_any(folder: Path) -> bool:
    return any(one.suffix == ".parquet" or one.name.startswith("fitted-") for one in folder.iterdir())


def _former(folder: Path) -> dict[str, Any] | None:
    with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
        found = msgspec.json.decode((folder / _WHAT).read_bytes())
        return found if isinstance(found, dict) else None
    return None


def _clear_asides(folder: Path, out: Path) -> None:
    """Take away what a search that was killed was about to write."""
    _gone(folder / _WORK)
    names: Any = []
    with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
        names = msgspec.json.decode((folder / _ASIDES).read_bytes())
    for name in names if isinstance(names, list) else []:
        if isinstance(name, str) and name.startswith(".fairaudit-") and Path(name).name == name and name != FOLDER:
            _gone(out / name)
    (folder / _ASIDES).unlink(missing_ok=True)


def _gone(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _file(id: str) -> str:
    """What a candidate's file is called: its id may be longer than a name can be."""
    return f"fitted-{hashlib.sha256(id.encode()).hexdigest()[:24]}.json"


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, whatever stops the process."""
    aside = path.with_suffix(".aside")
    with _told(path.parent):
        aside.write_bytes(content)
        _moved(aside, path)


def _moved(aside: Path, path: Path) -> None:
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(aside, path)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ContentError(f"no disk space is left for {folder}; free some and run the same command again, which goes on from what was kept.") from error
        raise ConfigError(f"{folder} cannot be written: {error.strerror or error}; name another folder.") from error
