"""Audit files of every kind that the published schema allows: real ones, real ones with something broken in them, and ones made of the schema alone."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
from hypothesis import strategies as st

import fairaudit
from fairaudit.config import AuditConfig
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.result import to_json

SCHEMA: dict[str, Any] = json.loads((Path(fairaudit.__file__).parent / "audit.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
Place = tuple[str | int, ...]

# ---- Real audits

_METRICS = ("selection_rate", "true_positive_rate", "mean_score", "differential_fairness")


def _rows(seed: int, *, sizes: tuple[int, ...] = (160, 120, 30, 12, 4), unfair: float = 0.5) -> dict[str, list[Any]]:
    rng = np.random.default_rng(seed)
    race = np.repeat(np.array(["a", "b", "c", "d", ""])[: len(sizes)], sizes)
    n = race.size
    sex = np.where(rng.random(n) < 0.5, "f", "m")
    label = (rng.random(n) < 0.5).astype(int)
    score = np.clip(np.round(np.where(label == 1, rng.beta(3, 2, n), rng.beta(2, 3, n)) * np.where((race == "b") & (rng.random(n) < 0.7), unfair, 1.0), 2), 0.01, 0.99)
    return {
        "pid": [f"p{place}" for place in range(n)], "race": [one or None for one in race.tolist()], "sex": sex.tolist(), "y": [None if place % 41 == 7 else int(one) for place, one in enumerate(label)],
        "s": score.tolist(), "d": (score > 0.5).astype(int).tolist(), "w": rng.choice([0.5, 1.0, 2.75], n).tolist(), "k": rng.choice(["x", "y", "z"], n).tolist(), "who": [place // 3 for place in range(n)],
    }  # fmt: skip


SHAPES: dict[str, dict[str, Any]] = {
    "plain": {"slices": ("sex*race",), "rules": ("four-fifths", "equal-opportunity", "statistical-parity", "representation"), "population": {"race": {"a": 0.5, "b": 0.3, "c": 0.1}}},
    "weighted": {"weight": "w", "rules": ("four-fifths", "calibration-within-groups", "ranking-parity", "worst-group", "differential-fairness"), "intersections": 2},
    "clustered": {"cluster": "who", "rules": ("four-fifths", "predictive-equality", "calibration-within-groups")},
    "decided": {"score_column": None, "decision_column": "d", "control": ("k",), "slices": ("sex*race",), "metrics": ("selection_rate", "true_positive_rate"), "rules": ("conditional-parity", "equalized-odds", "nyc-ll144-selection")},
    "alike": {"control": ("k",), "weight": "w", "rules": ("conditional-parity",), "protected": ("race",)},
    "described": {"group_thresholds": {"sex": {"f": 0.4}}, "threshold_sweep": 0.5, "other_thresholds": (0.3,), "metrics": (*_METRICS, "score_histogram"), "other_below": 20, "slices": ("sex*race",), "rules": ("nyc-ll144-scoring", "accuracy-parity")},
    "unjudged": {"rules": (), "label": None, "metrics": ("selection_rate", "mean_score")},
    "unpaired": {"rules": ("no-worse-than-baseline",), "baseline": True},
    "paired": {"rules": ("no-worse-than-baseline", "four-fifths"), "baseline": True, "save_scores": True, "cluster": "who"},
    "same rows": {"rules": ("no-worse-than-baseline",), "baseline": True, "save_scores": True, "protected": ("race",)},
}  # fmt: skip


def _made(name: str, shape: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {"score_column": "s", "label": "y", "protected": ("race", "sex"), "metrics": _METRICS, "engines": ("native",), "id": "pid"} | shape
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        if given.pop("baseline", False):
            former = fairaudit.audit(AuditConfig(**given | {"rules": ()}), data=pa.table(_rows(1, unfair=0.8)), **({"scores": str(here / "scores.parquet")} if given.get("save_scores") else {}))
            (here / "audit.json").write_bytes(to_json(former))
            given["baseline"] = str(here / "audit.json")
        found = fairaudit.audit(AuditConfig(**given), data=pa.table(_rows(1, unfair=0.5)), **({"scores": str(here / "kept.parquet")} if given.get("save_scores") else {}))
    document: dict[str, Any] = json.loads(to_json(found))
    return document


@cache
def real(name: str) -> dict[str, Any]:
    """The audit of that shape, as JSON has it; never to be changed."""
    return _made(name, SHAPES[name])


# ---- Broken ones

_NUMBERS = st.sampled_from([0, -0.0, 1, -1, 0.5, 2, 3, 1e-9, 1e308, -1e308, 5e-324, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 1e18, 10**400]) | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-3, 400)
_TEXTS = st.sampled_from(["", " ", "race", "sex", "a", "b", "ok", "undefined", "infinite", "rest", "pool", "overall", "baseline", "slice", "largest", "best", "fail", "warn", "pass", "inconclusive", "four-fifths", "engine-disagreement", "ratio", "difference", "gap", "value", "change", "no such thing", "é\x00\u202e<b>|`", "x" * 300, "0.5", "2026-01-01", *sorted(CATALOGUE)])  # fmt: skip
_LEAVES = st.none() | st.booleans() | _NUMBERS | _TEXTS


def at(document: Any, place: Place) -> Any:
    for part in place:
        document = document[part]
    return document


def kinds_of_places(document: Any, place: Place = (), kind: Place = ()) -> Iterator[tuple[Place, Place]]:
    """Every place in it, and of what kind it is: the same for all members of a list, and for all values of a map."""
    items = sorted(document.items()) if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    for part, inner in items:
        named = part if isinstance(part, str) and (not kind or kind[-1] not in _MAPS) else "*"
        yield (*place, part), (*kind, named)
        yield from kinds_of_places(inner, (*place, part), (*kind, named))


_MAPS = ("slice", "packages", "engines", "thresholds", "group_thresholds", "bands", "merged")  # whose names are the data's


@cache
def _kinds(name: str) -> dict[Place, list[Place]]:
    found: dict[Place, list[Place]] = {}
    for place, kind in kinds_of_places(real(name)):
        found.setdefault(kind, []).append(place)
    return found


@st.composite
def _places(draw: st.DrawFn, name: str) -> Place:
    """Somewhere in a real audit; each kind of place as likely as any other, however often it is there."""
    kinds = _kinds(name)
    of_kind = kinds[draw(st.sampled_from(sorted(kinds)))]
    return of_kind[draw(st.integers(0, len(of_kind) - 1))]


def _edited_list(draw: st.DrawFn, whole: list[Any]) -> None:
    how = draw(st.sampled_from(["drop", "double", "swap", "cut", "empty", "move in"]))
    if how == "empty" or not whole:
        whole.clear()
        return
    one, other = (draw(st.integers(0, len(whole) - 1)) for _ in range(2))
    if how == "drop":
        del whole[one]
    elif how == "double":
        whole.insert(other, copy.deepcopy(whole[one]))
    elif how == "swap":
        whole[one], whole[other] = whole[other], whole[one]
    elif how == "cut":
        del whole[one:]
    else:
        whole.append(draw(_LEAVES))


def _edit(draw: st.DrawFn, document: dict[str, Any], name: str) -> None:
    place = draw(_places(name))
    owner, last = at(document, place[:-1]), place[-1]
    node = owner[last]
    how = draw(st.sampled_from(["other", "null", "gone", "same kind", "same kind"]))
    if how == "gone":
        del owner[last]
    elif how == "null":
        owner[last] = None
    elif how == "other":
        owner[last] = draw(_LEAVES)
    elif isinstance(node, list):
        _edited_list(draw, node)
    elif isinstance(node, dict):
        key = draw(_TEXTS)
        node[key] = draw(_LEAVES) if not node or draw(st.booleans()) else copy.deepcopy(node[draw(st.sampled_from(sorted(node)))])
    elif isinstance(node, bool):
        owner[last] = not node
    elif isinstance(node, int | float):
        owner[last] = draw(_NUMBERS | st.sampled_from([node * 2, -node, node + 1, node / 2]))
    else:
        owner[last] = draw(_TEXTS)


def _without_slice(draw: st.DrawFn, document: dict[str, Any], name: str) -> None:
    """A slice that is missing wherever it is counted, or measured, or judged."""
    known = [one["slice"] for one in document.get("counts") or ()]
    if known:
        gone = known[draw(st.integers(0, len(known) - 1))]
        for part in draw(st.lists(st.sampled_from(["counts", "measurements", "comparisons", "findings", "strata", "sweeps", "histograms"]), min_size=1, unique=True)):
            document[part] = [one for one in document.get(part) or () if gone not in (one.get("slice"), (one.get("group") or {}).get("slice"))]


def _undefined(draw: st.DrawFn, document: dict[str, Any], name: str) -> None:
    """Evidence that says nothing."""
    some = [one for part in ("measurements", "comparisons", "findings") for one in document.get(part) or ()]
    for place in draw(st.lists(st.integers(0, len(some) - 1), max_size=4)) if some else ():
        one = some[place]
        one["value"] = one["interval"] = None
        if "status" in one:
            one["status"] = draw(st.sampled_from(["undefined", "infinite"]))
        else:
            one["outcome"], one["verdict"] = "undefined", "inconclusive"
    for judged in document.get("judged_by") or ():
        for side in ("groups", "rest", "everyone"):
            if draw(st.booleans()):
                numbers = judged[side][draw(st.sampled_from(["value", "lower", "upper"]))]
                numbers[:] = [None if draw(st.booleans()) else one for one in numbers]


@st.composite
def broken(draw: st.DrawFn) -> dict[str, Any]:
    """A real audit with one to four things changed."""
    name = draw(st.sampled_from(sorted(SHAPES)))
    document = copy.deepcopy(real(name))
    for _ in range(draw(st.integers(1, 4))):
        with suppress(LookupError, TypeError, AttributeError):  # what was done before took away what would be changed
            draw(st.sampled_from([_edit, _edit, _edit, _edit, _without_slice, _undefined]))(draw, document, name)
    return document


# ---- Other people: the counts of a real audit anew, as extreme as can be, but of one and the same rows


@st.composite
def peopled(draw: st.DrawFn) -> dict[str, Any]:
    document = copy.deepcopy(real(draw(st.sampled_from(["plain", "weighted", "decided", "alike", "unpaired"]))))
    config, has_scores = document["manifest"]["config"], document["manifest"]["model"]["kind"] != "decision_column"
    held = [*document["counts"], *document["strata"]]
    values = {name: list(dict.fromkeys(one["slice"][name] for one in held if name in one["slice"])) for name in dict.fromkeys(name for one in held for name in one["slice"])}
    people, slicings, control = draw(_people(values, config)), document["slicings"], config["control"]
    threshold = document["counts"][0]["threshold"]
    document["counts"] = _counted(people, [[], *slicings], threshold, has_scores=has_scores) or [{"slice": {}, "threshold": threshold, "cells": []}]
    document["strata"] = _counted(people, [[*slicing, *control] for slicing in slicings], threshold, has_scores=False) if control else []
    document["rules"] = [one for one in document["rules"] if one["id"] not in _OF_SCORES]
    document["judged_by"] = []
    rows = sum(cell["rows"] for cell in document["counts"][0]["cells"])
    document["rows"] |= {"read": rows, "audited": rows, "excluded": [], "lines": None, "unlabelled": 0}
    return document


_OF_SCORES = ("calibration-within-groups", "ranking-parity")  # whose scores nobody has again
People = list[tuple[dict[str, str | None], int | None, int, dict[str, float]]]  # attributes, label, decision, sums


@st.composite
def _people(draw: st.DrawFn, values: dict[str, list[str | None]], config: dict[str, Any]) -> People:
    sizes = st.sampled_from([0, 0, 1, 2, 3, 5, 10, 29, 30, 31, 50, 100, 400, 1000, 10**5, 10**9])
    weights = st.sampled_from([1.0, 1.0, 0.5, 3.0, 1e-6, 1e3]) if config["weight"] else st.just(1.0)
    everyone: list[dict[str, str | None]] = [{}]
    for name, known in values.items():
        everyone = [one | {name: value} for one in everyone for value in known]
    people: People = []
    for one in everyone:
        for label, decision in [(label, decision) for label in ((0, 1, None) if config["label"] else (None,)) for decision in (0, 1)] if draw(st.integers(0, 4)) else ():
            rows, weight, score = draw(sizes), draw(weights), draw(st.sampled_from([0.0, 0.25, 0.75, 1.0]))
            people.append((one, label, decision, {"rows": rows, "weight": rows * weight, "weight_sq": rows * weight**2, "score": rows * weight * score, "score_sq": rows * weight * score**2}))
    return people


def _counted(people: People, slicings: list[list[str]], threshold: float | None, *, has_scores: bool) -> list[dict[str, Any]]:
    """The slices that hold anybody, by the slow and plain way."""
    counts: dict[tuple[tuple[str, str | None], ...], dict[tuple[int | None, int], dict[str, float]]] = {}
    for slicing in slicings:
        for one, label, decision, sums in people:
            if sums["rows"]:
                held = counts.setdefault(tuple((name, one[name]) for name in slicing), {}).setdefault((label, decision), dict.fromkeys(sums, 0))
                for what, amount in sums.items():
                    held[what] += amount
    without = {} if has_scores else {"score": None, "score_sq": None}
    return [
        {"slice": dict(slice_), "threshold": threshold, "cells": [{"label": label, "decision": decision, **sums, **without} for (label, decision), sums in cells.items()]}
        for slice_, cells in counts.items()
    ]


# ---- Of the schema alone

_SLICES = st.fixed_dictionaries({}, optional={"race": st.sampled_from(["a", "b", None]), "sex": st.sampled_from(["f", "m"])})
_WORDS: dict[str, st.SearchStrategy[Any]] = {  # what fields of that name hold, most of the time
    "metric": st.sampled_from(sorted(CATALOGUE)), "slice": _SLICES, "slicings": st.just([["race"], ["sex"], ["race", "sex"]]), "slicing": st.sampled_from([["race"], ["sex"], ["race", "sex"], []]),
    "kind": st.sampled_from(["ratio", "difference", "gap", "min_max_ratio", "value", "change", "conditional_difference"]), "rule": st.sampled_from(["four-fifths", "ours", "engine-disagreement"]),
    "id": st.sampled_from(["four-fifths", "ours", "not an id"]), "control": st.sampled_from([[], ["k"]]), "threshold": st.sampled_from([0.5, None]), "params": st.just({}),
    "config": st.fixed_dictionaries({}, optional={"label": st.sampled_from(["y", None]), "weight": st.sampled_from(["w", None]), "threshold": st.just(0.5), "calibration_bins": st.just("10"), "effect": st.sampled_from(["helps", "harms"]), "protected": st.just(["race", "sex"])}),
    "counts": st.just([]), "strata": st.just([]), "judged_by": st.just([]), "sweeps": st.just([]), "histograms": st.just([]), "baseline": st.none(), "thresholds": st.just({"0.5": 0.5}), "group_thresholds": st.just({}), "bands": st.just({}), "merged": st.just({}),
    "rules": st.sampled_from(["plain", "weighted", "unpaired", "described"]).map(lambda name: real(name)["rules"]), "rows": st.integers(0, 200), "weight": st.integers(0, 200), "weight_sq": st.integers(0, 200), "applies_to": st.just({"task": ["binary"]}),
}  # fmt: skip


def of_schema(schema: dict[str, Any], name: str = "") -> st.SearchStrategy[Any]:
    """What a schema allows, as much of JSON Schema as ours have."""
    made = _of_schema(schema)
    is_it = name in _WORDS and not {"$ref", "enum"} & schema.keys() and (schema.get("type") != "array" or name in _LISTS)  # and no other field of that name
    return st.integers(0, 9).flatmap(lambda often: _WORDS[name] if often else made) if is_it else made


_LISTS = ("slicings", "slicing", "control", "counts", "strata", "judged_by", "sweeps", "histograms", "rules")


def _accounted(document: Any) -> Any:
    """The same with what must go together everywhere: rows that add up, and no value beside a status that says there is none."""
    if isinstance(document, dict) and isinstance(document.get("rows"), dict):
        rows = document["rows"]
        document["rows"] = rows | {"read": rows["audited"] + sum(one["rows"] for one in rows["excluded"])}
        for one in (*document["measurements"], *document["comparisons"]):
            one["value"] = None if one["status"] != "ok" else one["value"] or 0.0
    return document


def _of_schema(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return _referred(schema["$ref"])
    if "anyOf" in schema:
        return st.one_of(*map(of_schema, schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case [*kinds]:
            return st.one_of(*(_of_schema({"type": kind}) for kind in kinds))
        case "object" if "properties" in schema:
            fields = {name: of_schema(one, name) for name, one in schema["properties"].items()}
            needed = set(schema.get("required", ()))
            return st.fixed_dictionaries({name: one for name, one in fields.items() if name in needed}, optional={name: one for name, one in fields.items() if name not in needed})
        case "object":
            return st.dictionaries(_TEXTS, of_schema(schema.get("additionalProperties") or {}), max_size=2)
        case "array" if "prefixItems" in schema:
            return st.tuples(*map(of_schema, schema["prefixItems"])).map(list)
        case "array":
            return st.lists(of_schema(schema["items"]), min_size=schema.get("minItems", 0), max_size=schema.get("minItems", 0) + 2)
        case "string" if schema.get("format") == "date":
            return st.dates().map(str)
        case "string":
            return _TEXTS
        case "integer":
            return st.integers(schema.get("minimum", -(2**63)), schema.get("maximum", 2**63)) | st.integers(schema.get("minimum", -3), min(schema.get("maximum", 400), 400))
        case "number":
            return st.integers(0, 100) | st.sampled_from([0.05, 0.5, 0.8, 1e308]) | st.floats(schema.get("minimum"), schema.get("maximum"), allow_nan=False, allow_infinity=False)
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    return _LEAVES


@cache
def _referred(name: str) -> st.SearchStrategy[Any]:
    return st.deferred(lambda: _of_schema(SCHEMA["$defs"][name.rpartition("/")[2]]))


@st.composite
def grafted(draw: st.DrawFn) -> dict[str, Any]:
    """A real audit of which some parts, or some of their members, are of the schema alone."""
    document = copy.deepcopy(real(draw(st.sampled_from(sorted(SHAPES)))))
    for name in draw(st.lists(st.sampled_from(sorted(_PARTS)), min_size=1, max_size=2, unique=True)):
        new, old = draw(of_schema(_PARTS[name], name)), document.get(name)
        if isinstance(new, list) and isinstance(old, list) and draw(st.booleans()):
            document[name] = [*new, *old] if draw(st.booleans()) else [*old, *new]
        elif isinstance(new, dict) and isinstance(old, dict):
            document[name] = old | {field: new[field] for field in draw(st.lists(st.sampled_from(sorted(new)), max_size=3))} if new else old
        else:
            document[name] = new
    return document


_PARTS: dict[str, Any] = SCHEMA["$defs"]["Audit"]["properties"]

ANY = st.one_of(broken(), peopled(), grafted(), of_schema(SCHEMA).map(_accounted)).filter(VALIDATOR.is_valid)
