from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fairaudit import AuditConfig, audit
from fairaudit.errors import ConfigError

RNG = np.random.default_rng(2)
FRAME = pd.DataFrame({"group": RNG.choice(["a", "b"], 300, p=[0.7, 0.3]), "label": RNG.integers(0, 2, 300), "score": RNG.random(300).round(3)})
FIELDS = {"score_column": "score", "label": "label", "protected": ("group",), "engines": ("native",)}


@pytest.mark.parametrize("test", ["fisher", "boschloo"])
def test_differences_of_rates_have_the_p_values_that_were_asked_for(test: str) -> None:
    found = audit(AuditConfig(**FIELDS, p_values=test, metrics=("selection_rate", "tpr")), data=FRAME)
    by = {(one.metric, one.kind): one for one in found.comparisons}
    table = pd.crosstab(FRAME["score"] > 0.5, FRAME["group"] == "b").to_numpy()  # Boschloo's samples are the columns
    theirs = {"fisher": stats.fisher_exact, "boschloo": stats.boschloo_exact}[test](table).pvalue
    assert by["selection_rate", "difference"].p_value == pytest.approx(theirs, rel=1e-6)
    assert by["true_positive_rate", "difference"].p_value is not None and by["selection_rate", "ratio"].p_value is None


def test_without_being_asked_only_distances_have_some_and_they_are_smirnovs() -> None:
    found = audit(AuditConfig(**FIELDS), data=FRAME)
    (distance,) = (one for one in found.comparisons if one.metric == "kolmogorov_smirnov_distance")
    a, b = (FRAME.loc[FRAME["group"] == name, "score"] for name in "ab")
    assert distance.p_value == pytest.approx(stats.ks_2samp(a, b, method="asymp").pvalue, abs=0.03)
    assert all(one.p_value is None for one in found.comparisons if one.kind == "difference")


def test_an_exact_test_of_weighted_rows_is_refused() -> None:
    with pytest.raises(ConfigError, match="--p-values fisher is an exact test of rows that each count once, and --weight makes them count otherwise"):
        audit(AuditConfig(**FIELDS, p_values="fisher", weight="w"), data=FRAME.assign(w=2.0))


def test_weighted_rates_say_on_how_many_effective_rows_they_rest() -> None:
    weight = RNG.lognormal(0, 0.5, 300)
    found = audit(AuditConfig(**FIELDS, weight="w"), data=FRAME.assign(w=weight))
    (everyone,) = (one for one in found.measurements if one.metric == "selection_rate" and not one.slice.values)
    assert everyone.effective_rows == pytest.approx(weight.sum() ** 2 / (weight**2).sum(), rel=1e-9)
    assert audit(AuditConfig(**FIELDS), data=FRAME).measurements[0].effective_rows is None
