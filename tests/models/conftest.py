"""Tiny SavedModels, each built once a session, and data that goes with them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

# Before TensorFlow is imported, as the program's own command line does it.
os.environ |= {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a model by the name of its builder in tests/models/builders.py."""
    shelf = tmp_path_factory.mktemp("models")

    def folder(name: str) -> Path:
        from tests.models import builders

        place = shelf / name
        if not place.exists():
            getattr(builders, name)(place)
        return place

    return folder
