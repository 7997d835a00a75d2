"""`split.json`: how the data were cut, and what the parts hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import msgspec

from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.manifest import data_files
from fairaudit.result import DataFile, encoded, schema_of
from fairaudit.splits.splitting import Split, notes_of
from fairaudit.splits.strata import Stratum
from fairaudit.version import VERSION

SCHEMA: Literal["fairaudit/split/1"] = "fairaudit/split/1"


class HowSplit(msgspec.Struct, frozen=True, kw_only=True):
    """What the parts follow from, besides the data."""

    seed: int
    shares: dict[str, float]  # part → share, as asked
    label: str | None
    positive: str | None  # the label's positive value as it was read
    protected: tuple[str, ...]
    bands: dict[str, tuple[float, ...]]  # attribute → edges
    merged: dict[str, tuple[str, ...]]  # attribute → rare values that are one
    cluster: str | None
    id: str | None
    ignore: tuple[str, ...]
    missing: tuple[str, ...]
    duplicates: Literal["together", "apart"]


class PartGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A slice within a part."""

    slice: Slice
    rows: int
    share: float  # of the part's rows
    base_rate: float | None  # of its labelled rows; None where there are none


class SplitPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part."""

    name: str
    file: str
    sha256: str
    rows: int
    units: int
    share: float  # of all rows
    groups: tuple[PartGroup, ...]  # everyone, then each attribute's slices


class SplitStratum(msgspec.Struct, frozen=True, kw_only=True):
    """A stratum, with its rows and units by part, in the order of the parts. A unit of several strata is counted in each."""

    slice: Slice
    label: Annotated[int, msgspec.Meta(ge=0, le=1)] | None  # None: it is missing
    rows: tuple[int, ...]
    units: tuple[int, ...]


class SplitFile(msgspec.Struct, frozen=True, kw_only=True):
    """What `split.json` holds."""

    schema: Literal["fairaudit/split/1"]
    version: str
    split: HowSplit
    data: tuple[DataFile, ...]
    rows: int
    units: int
    alike: int  # rows that are alike to another
    clustered: int  # rows whose cluster has another
    parts: tuple[SplitPart, ...]
    strata: tuple[SplitStratum, ...]
    notes: tuple[str, ...]


def split_file(found: Split, files: Sequence[tuple[str, str]]) -> SplitFile:
    """
    Args:
        files: each part's file and its SHA-256.
    """
    return SplitFile(
        schema=SCHEMA, version=VERSION, split=_how(found), data=tuple(data_files(found.source, found.rows)), rows=found.rows.lines, units=found.units.number,
        alike=found.units.alike, clustered=found.units.clustered,
        parts=tuple(
            SplitPart(
                name=part.name, file=file, sha256=sha256, rows=int(rows), units=int(units), share=int(rows) / found.rows.lines, groups=tuple(_groups(found, place, int(rows)))
            )
            for place, (part, (file, sha256), rows, units) in enumerate(zip(found.parts, files, found.rows_by_part, found.units_by_part, strict=True))
        ),
        strata=tuple(
            SplitStratum(slice=one.group, label=None if one.label is None else int(one.label), rows=tuple(rows), units=tuple(units))
            for one, rows, units in zip(found.strata, found.rows_in.tolist(), found.units_in.tolist(), strict=True)
        ),
        notes=tuple(notes_of(found, can_ignore=True)),
    )  # fmt: skip


def to_json(value: Any) -> bytes:
    """The bytes of a file of ours: the same value, the same bytes."""
    return msgspec.json.format(msgspec.json.encode(value, enc_hook=encoded), indent=1) + b"\n"


def _how(found: Split) -> HowSplit:
    wanted, reading = found.rows.wanted, found.rows.reading
    return HowSplit(
        seed=found.seed, shares={part.name: float(part.share) for part in found.parts}, label=wanted.label, positive=found.rows.positive, protected=wanted.attributes,
        bands={name: bands.edges for name, bands in reading.bands.items()}, merged={name: rare.values for name, rare in reading.merged.items()},
        cluster=wanted.cluster, id=wanted.id, ignore=found.ignore, missing=wanted.missing, duplicates="together" if found.together else "apart",
    )  # fmt: skip


def _groups(found: Split, part: int, rows: int) -> Iterator[PartGroup]:
    """Everyone and each attribute's slices, in order, a missing value last."""
    slices: dict[Slice, list[int]] = {EVERYONE: []}
    for attribute in range(len(found.rows.wanted.attributes)):
        values = sorted({one.group.values[attribute] for one in found.strata}, key=lambda value: (value[1] is None, value[1] or ""))
        slices |= {Slice([value]): [] for value in values}
    for place, one in enumerate(found.strata):
        for member in (EVERYONE, *(Slice([value]) for value in one.group.values)):
            slices[member].append(place)
    for one_slice, places in slices.items():
        held = int(found.rows_in[places, part].sum())
        yield PartGroup(slice=one_slice, rows=held, share=held / rows, base_rate=_base_rate([(found.strata[place], int(found.rows_in[place, part])) for place in places]))


def _base_rate(rows: Sequence[tuple[Stratum, int]]) -> float | None:
    labelled = sum(number for one, number in rows if one.label is not None)
    return sum(number for one, number in rows if one.label) / labelled if labelled else None


def json_schema() -> dict[str, Any]:
    """The JSON Schema of split.json, as it is published with the package."""
    return schema_of(SplitFile)


if __name__ == "__main__":
    import json

    print(json.dumps(json_schema(), indent=1))
