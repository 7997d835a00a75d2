from __future__ import annotations

import os

import pytest

from fairaudit.metrics.engines import NAMES
from fairaudit.metrics.engines import engine as engine_called
from fairaudit.metrics.engines.interface import Engine

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session", params=NAMES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Every engine: what is true of one is true of all, for what it supports."""
    return engine_called(request.param)


@pytest.fixture(scope="session", params=[name for name in NAMES if name != "native"])
def witness(request: pytest.FixtureRequest) -> Engine:
    return engine_called(request.param)
