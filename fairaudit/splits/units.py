"""Units: rows that may not come apart, since they are of one cluster or are alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fairaudit.types import Ints

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Which unit each row is of."""

    of_row: Ints  # (rows,): from 0 to `number` − 1, in the order of `key`
    key: Hashes  # (number,), rising: the smallest hash of a unit's rows
    alike: int  # rows that are alike to another one
    clustered: int  # rows whose cluster has another one

    @property
    def number(self) -> int:
        return int(self.key.size)

    @property
    def sizes(self) -> Ints:
        return np.bincount(self.of_row, minlength=self.number)


def units_of(hashes: Hashes, content: Hashes | None, cluster: Hashes | None) -> Units:
    """The connected components of "alike" and "of the same cluster".

    Args:
        hashes: keyed by the seed, of each row; what orders the units.
        content: the same number for rows that are alike; None: rows that are alike may come apart.
        cluster: the same number for rows of one cluster; None: there are no clusters.
    """
    rows = hashes.size
    groups = [np.unique(one, return_inverse=True)[1] for one in (content, cluster) if one is not None]
    if not groups:
        component: Ints = np.arange(rows)
    elif len(groups) == 1:
        component = groups[0]
    else:
        component = _connected(*groups)
    # A row's hash may be another's, where both are alike and may come apart: then which is first makes no difference to what the parts hold.
    first = np.full(int(component.max(initial=-1)) + 1, np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(first, component, hashes)
    order = np.argsort(first, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    return Units(of_row=place[component], key=first[order], alike=_together(content), clustered=_together(cluster))


def _connected(one: Ints, two: Ints) -> Ints:
    """The component of each row in the graph whose nodes are the groups of both kinds and whose edges are the rows."""
    from scipy.sparse import coo_array  # type: ignore[import-untyped]  # here: it takes a tenth of a second to import
    from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

    apart, nodes = int(one.max(initial=-1)) + 1, int(one.max(initial=-1)) + int(two.max(initial=-1)) + 2
    graph = coo_array((np.ones(one.size, dtype=np.int8), (one, two + apart)), shape=(nodes, nodes))
    labels: Ints = connected_components(graph, directed=False)[1][one].astype(np.int64)
    return labels


def _together(group: Hashes | None) -> int:
    """Rows that share their number with another row."""
    if group is None:
        return 0
    counts = np.unique(group, return_counts=True)[1]
    return int(counts[counts > 1].sum())
