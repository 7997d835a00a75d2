"""Published numbers: each file has its input, what somebody else printed for it, and where.

Tables are (tp, fp, fn, tn); `value` is as printed, with `digits` after the point, and null where the metric is undefined; `full` is the
same number computed from the table in double precision.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def vector(name: str) -> Any:
    return json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))
