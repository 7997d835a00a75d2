"""Aequitas's crosstabs of two attributes and their cross."""

import sys

import pandas as pd
from aequitas.group import Group

if __name__ == "__main__":
    rows = pd.read_parquet(sys.argv[1])
    frame = pd.DataFrame({"score": (rows["score"] > 0.5).astype(int), "label_value": rows["label"], "sex": rows["sex"], "race": rows["race"]})
    frame["both"] = frame["sex"] + " " + frame["race"]
    print(Group().get_crosstabs(frame, attr_cols=["sex", "race", "both"])[0])
