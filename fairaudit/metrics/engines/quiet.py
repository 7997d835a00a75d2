"""What the libraries say while they are imported and asked, kept from the user's standard error."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def quietly() -> Iterator[None]:
    """No warnings, no complaints about divisions by zero, nothing through the root logger; afterwards all is as before.

    AIF360 tells of missing extras by `logging.warning`, which also installs a handler on standard error for good, as something
    that TFMA imports does: with a handler already there none is installed.
    """
    root, silent = logging.getLogger(), logging.NullHandler()
    root.addHandler(silent)
    root.addFilter(_nothing)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        root.removeFilter(_nothing)
        root.removeHandler(silent)


def _nothing(_: logging.LogRecord) -> bool:
    return False
