"""A cube as a Parquet file that says by itself how it was counted."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from fairaudit.cube.cube import Cube, Plan
from fairaudit.errors import ConfigError
from fairaudit.given import path_given

_PLAN = b"fairaudit.plan"  # the key in the file's metadata
_VALUE_OF = "slice:"  # what the column of an attribute's values begins with


def write_cube(cube: Cube, path: Path) -> None:
    """The cells as they are, a column for each attribute, with the plan as JSON in the file's metadata."""
    named = {f"a{place}": f"{_VALUE_OF}{attribute}" for place, attribute in enumerate(cube.plan.attributes)}
    table = cube.table.rename_columns([named.get(name, name) for name in cube.table.schema.names])
    plan = {_PLAN: msgspec.json.encode(cube.plan)}
    # Sums hardly repeat, so dictionaries of them cost time and save nothing.
    pq.write_table(table.replace_schema_metadata(plan), path, use_dictionary=["slicing", *named.values(), "label", "cell"], compression="zstd")


def read_cube(path: Path | str) -> Cube:
    """The cube that an audit wrote: to be merged with others of the same plan, or counted.

    Raises:
        ConfigError: there is no such file, or it is not a cube of this version.
    """
    file = path_given(path)
    try:
        table = pq.read_table(file)
        plan = msgspec.json.decode((table.schema.metadata or {})[_PLAN], type=Plan)
    except (OSError, pa.ArrowException, KeyError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{path} is not a cube that fairaudit can read ({(str(error) or type(error).__name__).splitlines()[0]}); name the cube.parquet of an audit.") from error
    places = {f"{_VALUE_OF}{attribute}": f"a{place}" for place, attribute in enumerate(plan.attributes)}
    plain = table.rename_columns([places.get(name, name) for name in table.schema.names])
    return Cube(plan=plan, table=plain.replace_schema_metadata(None))
