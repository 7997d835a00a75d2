"""How long properties are tried: a little in every run, long by `make fuzz`."""

from __future__ import annotations

import gc
import os

from hypothesis import HealthCheck, settings

# Before anything imports TensorFlow: Keras is not needed, and its logs are noise.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.pop("GITHUB_STEP_SUMMARY", None)  # or the gates of the tests would write into the page of the tests' own build

settings.register_profile("default", deadline=None, derandomize=True)  # the same examples in every run: a build is red for what changed; `make fuzz` looks further
# Random wherever it runs: where `CI` is set, Hypothesis' own profile, which these add to, is derandomized.
settings.register_profile("fuzz", deadline=None, derandomize=False, print_blob=True, max_examples=20_000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_unconfigure() -> None:
    """What audits froze may be found again: a process that ends as Python wants, and not as the command line does, would have DuckDB complain of leaks."""
    gc.unfreeze()
