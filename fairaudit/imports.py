"""How the heavy libraries are imported: without noise, and without looking for garbage meanwhile."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager


def prepare_tensorflow() -> None:
    """What must stand in the environment before TensorFlow is first imported: Keras is not needed, and its logs are noise."""
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextmanager
def uncollected() -> Iterator[None]:
    """The garbage collector rests: a sixth of what importing TensorFlow takes is its search among objects that all stay.

    Only for a process that is our own, since whatever exists at the end is never searched again.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
