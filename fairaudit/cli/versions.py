"""What `--version` prints."""

from __future__ import annotations

from fairaudit.metrics.engines import NAMES, installed
from fairaudit.version import VERSION


def versions() -> str:
    """fairaudit's version, and a line for each engine."""
    told = {name: installed(name) or f"not installed; pip install 'fairaudit[{name}]'" for name in NAMES}
    return "\n".join((f"fairaudit {VERSION}", *(f"  engine {name}: {version}" for name, version in told.items())))
