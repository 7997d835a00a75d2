"""`--out`: where a command writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


class Out(click.Path):
    """A path without a way back, which what is told of it can be opened by: of `a/../b` no folder `a` is made."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path: Path = super().convert(value, param, ctx)  # type: ignore[assignment]
        if ".." not in path.parts:
            return path
        from fairaudit.writing import direct  # here, so that --help stays quick

        return direct(path)
