"""The folder of a SavedModel: whether it is one, its name, its fingerprint. TensorFlow is not needed for any of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fairaudit.errors import ContentError, listed
from fairaudit.models.interface import NotAModel

_EXPORT = "load it in Keras and write a SavedModel with model.export('FOLDER')"
_OTHER_FORMATS = {".keras": "Keras", ".h5": "Keras (HDF5)", ".hdf5": "Keras (HDF5)"}


def saved_model_folder(path: Path) -> Path:
    """`path`, if it is the folder of a SavedModel.

    Raises:
        NotAModel: it is something else; the sentence says what, and what to do.
    """
    if not path.exists():
        raise NotAModel(f"there is no model {path}: no such folder")
    if path.is_file():
        raise NotAModel(_about_file(path))
    if not (path / "saved_model.pb").is_file():
        raise NotAModel(_about_folder(path))
    return path


@contextmanager
def told(path: Path) -> Iterator[None]:
    """What may not be read, as a sentence."""
    try:
        yield
    except OSError as error:
        raise NotAModel(f"the model {path} cannot be read: {error.strerror or error}; check --model and who may read it") from error


def name_of(folder: Path) -> str:
    return folder.resolve().name


def fingerprint(folder: Path) -> str:
    """SHA-256 over all files, ordered by name: each one's relative name, its size and its contents."""

    def refused(error: OSError) -> None:
        raise error

    inside = (Path(top, name) for top, _, names in os.walk(folder, onerror=refused) for name in names)
    files = {file.relative_to(folder).as_posix(): file for file in inside if file.is_file()}
    whole = hashlib.sha256()
    for name, file in sorted(files.items()):
        whole.update(f"{name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as contents:
            while piece := contents.read(1 << 20):
                whole.update(piece)
    return whole.hexdigest()


def full_disk(error: Exception, folder: Path) -> ContentError | None:
    """What to tell where TensorFlow could not write a model for lack of room; None where it failed otherwise."""
    is_full = "No space left" in str(error) or "quota exceeded" in str(error).lower()
    return ContentError(f"no disk space is left for the model ({folder.parent}); nothing was written; free some and run again.") if is_full else None


def _about_file(path: Path) -> str:
    if path.name == "saved_model.pb":
        return f"{path} is one file of a SavedModel; give its folder, {path.parent}"
    if path.suffix in _OTHER_FORMATS:
        return f"{path} is a {_OTHER_FORMATS[path.suffix]} file, not a SavedModel; {_EXPORT}"
    return f"{path} is a file; a SavedModel is a folder that holds saved_model.pb"


def _about_folder(path: Path) -> str:
    inside = sorted(entry.name for entry in path.iterdir())
    deeper = [name for name in inside if (path / name / "saved_model.pb").is_file()]
    if deeper:
        return f"{path} is not a SavedModel, but holds {listed(deeper)}; did you mean {path / deeper[-1]}?"
    keras = [name for name in inside if Path(name).suffix in _OTHER_FORMATS]
    if keras:
        return f"{path} is not a SavedModel, but holds the Keras file {keras[0]}; {_EXPORT}"
    return f"{path} is not a SavedModel: it has no saved_model.pb (it holds {listed(inside)})"
