"""How an attribute's values were made slices, where they were not taken as they are: bands, and rare values made one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fairaudit.bands import Bands, band_names, parsed
from fairaudit.data.cuts import listed
from fairaudit.reports.numbers import counted
from fairaudit.result import Manifest, Merge


def cut_of(manifest: Manifest, attribute: str) -> str:
    """What a reader has to know of the slices of an attribute: "cut at 25 and 45 …"; empty where its values are taken as they are."""
    if attribute in manifest.bands:
        return _bands(manifest.bands[attribute], manifest.config.get("bins", {}).get(attribute))
    merge = manifest.merged.get(attribute)
    return _merge(merge, manifest.config["other_below"]) if merge else ""


def cuts_of(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """What there is of each attribute that was cut, and how: "Bands of age", "cut at 25 and 45 …"."""
    yield from ((f"Bands of {attribute}", cut_of(manifest, attribute)) for attribute in manifest.bands)
    yield from ((f"Rare values of {attribute}", cut_of(manifest, attribute)) for attribute in manifest.merged)


def _bands(edges: Sequence[float], asked: str | Sequence[float] | None) -> str:
    bands = None if asked is None else parsed(asked)
    if bands and bands.names:
        return "; ".join(f"{name}: {said}" for name, said in zip(bands.names, band_names(edges, whole=False), strict=True))
    if not edges and bands == Bands():
        return "not cut, as was asked: all numbers are one band"
    if not edges:
        return "not cut, since rows with the same value stay together"
    where = f"cut at {', '.join(f'{edge:.15g}' for edge in edges)}"
    if bands and bands.quantiles:
        where = f"{where}, where the audited rows fall into {bands.quantiles} parts of as many rows each, as far as equal values allow"
    return f"{where}; a value equal to an edge is in the band above it"


def _merge(merge: Merge, below: int) -> str:
    return f"{merge.name!r} is {counted(len(merge.values), 'value')} with fewer than {below:,} rows each, {merge.rows:,} rows together: {listed(merge.values)}"
