"""The exact test within strata against counting every table, Fisher's test, the chi-square test of large strata, and R's printed p-value."""

from __future__ import annotations

from itertools import product
from math import comb, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr  # type: ignore[import-untyped]

from fairaudit.evidence.exact_strata import stratified_lower, stratified_upper
from fairaudit.evidence.significance import fisher_lower, fisher_upper, hypergeometric
from fairaudit.evidence.strata import Tables, cochran_mantel_haenszel
from tests.vectors import vector

Stratum = tuple[int, int, int, int]  # events, trials, all events, all trials


@st.composite
def strata(draw: st.DrawFn) -> Stratum:
    total = draw(st.integers(1, 12))
    n, r = draw(st.integers(0, total)), draw(st.integers(0, total))
    return draw(st.integers(max(0, n + r - total), min(n, r))), n, r, total


def _columns(tables: list[Stratum]) -> list[np.ndarray]:  # type: ignore[type-arg]
    return [np.array([column]) for column in zip(*tables, strict=True)]


@given(st.lists(strata(), min_size=1, max_size=4))
def test_it_is_the_share_of_all_tables_with_these_margins(tables: list[Stratum]) -> None:
    told = [one for one in tables if 0 < one[1] < one[3]]
    found = stratified_lower(*_columns(tables))[0], stratified_upper(*_columns(tables))[0]
    if not told:
        assert np.isnan(found).all()
        return
    observed, below, above = sum(one[0] for one in told), 0, 0
    for counts in product(*(range(one[1] + 1) for one in told)):
        ways = prod(comb(r, x) * comb(total - r, n - x) if n - x <= total - r else 0 for x, (_, n, r, total) in zip(counts, told, strict=True))
        below += ways * (sum(counts) <= observed)
        above += ways * (sum(counts) >= observed)
    whole = prod(comb(total, n) for _, n, _, total in told)
    assert found == (pytest.approx(below / whole, rel=1e-9), pytest.approx(above / whole, rel=1e-9))


def test_one_stratum_is_fishers_test_also_of_many_rows_and_small_chances() -> None:
    for table in ((3, 40, 300, 1000), (5000, 20_000, 30_000, 100_000), (0, 500, 4000, 10_000)):
        columns, single = _columns([table]), [np.array([one]) for one in table]
        assert stratified_lower(*columns) == pytest.approx(fisher_lower(*single), rel=1e-9)
        assert stratified_upper(*columns) == pytest.approx(fisher_upper(*single), rel=1e-9)


def test_of_large_strata_both_tails_are_the_chi_square_test_with_correction() -> None:
    tables = [(900, 2000, 2000, 4000), (310, 1000, 2000, 6000), (1500, 3000, 2900, 6000)]
    a, n, r, total = _columns(tables)
    chi = cochran_mantel_haenszel(Tables(a.astype(float), n.astype(float), (r - a).astype(float), (total - n).astype(float)), correction=True)
    assert chi.p is not None
    assert 2 * stratified_lower(a, n, r, total)[0] == pytest.approx(chi.p[0], rel=0.02)


def test_rabbits_as_r_prints_them() -> None:
    """R prints 0.03994 for mantelhaen.test(Rabbits, exact = TRUE), two-sided: of these tables, whose distribution is symmetric, twice the smaller tail."""
    tables = [(a, a + c, a + b, a + b + c + d) for a, b, c, d in vector("cmh-rabbits-empty-cells")["strata"].values()]
    columns = _columns(tables)
    assert round(2 * min(stratified_lower(*columns)[0], stratified_upper(*columns)[0]), 5) == 0.03994


def test_millions_of_rows_are_quick_since_only_likely_counts_are_looked_at() -> None:
    """The same as over all counts, where these are few enough; and of ten million rows a side, the z-test."""
    tables = [(4800, 10_000, 10_000, 20_000), (40, 2000, 90, 5000)]
    for _, n, r, total in tables:
        least, chance = hypergeometric(n, r, total)
        some, likely = hypergeometric(n, r, total, likely=True)
        assert likely.sum() == pytest.approx(1.0, rel=1e-12) and likely == pytest.approx(chance[some - least : some - least + likely.size], rel=1e-12)
    a, n, r, total = _columns([(4_999_000, 10_000_000, 10_000_000, 20_000_000)])
    z = (4_999_000 - 5_000_000) / np.sqrt(10_000_000 / 8)
    assert stratified_lower(a, n, r, total)[0] == pytest.approx(ndtr(z), rel=0.01)


@pytest.mark.parametrize("rows", [3_000_000, 300_000_000, 10**12])
def test_strata_of_any_size_are_tested_and_agree_with_the_chi_square_test(rows: int) -> None:
    """From some million rows on by Fourier's transform, from hundreds of millions on by the normal limit: in a second, not in hours."""
    step = round(rows**0.5 / 2)
    tables = [(rows * 3 // 10 - step, rows, rows * 6 // 10, 2 * rows), (rows // 2 - step, rows, rows, 2 * rows), (rows // 5, rows, rows * 2 // 5, 2 * rows)]
    spread = sum(n * r / total * (1 - r / total) * (total - n) / (total - 1) for _, n, r, total in tables)
    z = (sum(x - n * r / total for x, n, r, total in tables) + 0.5) / spread**0.5
    assert stratified_lower(*_columns(tables))[0] == pytest.approx(ndtr(z), rel=1e-3)
    assert stratified_upper(*_columns(tables))[0] == pytest.approx(1 - ndtr(z), rel=1e-3)
