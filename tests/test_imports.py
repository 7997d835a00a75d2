"""What is done about imports leaves the process as it was."""

from __future__ import annotations

import gc

import pytest

from fairaudit.imports import uncollected


def test_garbage_is_collected_again_after_an_import_that_failed() -> None:
    with pytest.raises(ImportError), uncollected():
        assert not gc.isenabled()
        raise ImportError
    assert gc.isenabled()
    gc.unfreeze()
