"""How long properties are tried: a little in every run, long by `make fuzz`."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from functools import wraps
from itertools import count
from typing import Any

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings

# Before anything imports TensorFlow: Keras is not needed, and its logs are noise.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.pop("GITHUB_STEP_SUMMARY", None)  # or the gates of the tests would write into the page of the tests' own build

settings.register_profile("default", deadline=None, derandomize=True)  # the same examples in every run: a build is red for what changed; `make fuzz` looks further
# Random wherever it runs: where `CI` is set, Hypothesis' own profile, which these add to, is derandomized.
settings.register_profile("fuzz", deadline=None, derandomize=False, print_blob=True, max_examples=20_000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


_TRACED = 10  # examples of a property


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """What is covered is seen by a property's first examples. The later ones look for other numbers on the same lines, and to trace them takes more than half as long again as to run them."""
    running, property_ = Coverage.current(), getattr(getattr(item, "obj", None), "hypothesis", None)
    if running is None or property_ is None or item.get_closest_marker("no_cover"):
        yield
        return
    inner, tried = property_.inner_test, count(1)

    @wraps(inner)
    def tried_again(*arguments: Any, **named: Any) -> Any:
        if next(tried) == _TRACED + 1:
            running.stop()
        return inner(*arguments, **named)

    property_.inner_test = tried_again
    yield
    property_.inner_test = inner
    if next(tried) > _TRACED + 1:
        running.start()


def pytest_unconfigure() -> None:
    """What audits froze may be found again: a process that ends as Python wants, and not as the command line does, would have DuckDB complain of leaks."""
    gc.unfreeze()
