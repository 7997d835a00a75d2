"""What to audit: one validated, immutable description, from YAML, flags or Python. It checks shape; names are checked where they are known."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import combinations
from pathlib import Path, PurePath
from typing import Any, Literal

import msgspec

from fairaudit.bands import parsed, score_bins
from fairaudit.errors import ConfigError, FairauditError, UnknownName, raise_all

MOST_CROSSED = 4  # attributes at once; more leave hardly anybody in a slice
ENGINES = ("native", "tfma", "aif360")
FINEST_SWEEP = 0.01  # 99 thresholds; a finer step tells nothing more
BATCH_SIZE = 4096  # 16 k rows of UCI Adult are scored in 84 ms by 256, 29 by 1024, 16 by 4096, 14 by 16384


class AuditConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that an audit's result depends on, besides the data and the model themselves.

    Raises:
        ConfigError: from `validate`, one sentence for each thing that cannot be.
    """

    data: tuple[str, ...] = ()  # files, folders, globs
    model: str | None = None  # a SavedModel's folder
    score_column: str | None = None
    decision_column: str | None = None
    positive_decision: str | None = None  # the decision's positive value, where it is not 1, true or the label's
    label: str | None = None
    positive: str | None = None  # the label's positive value; may be left out where labels are 0/1 or true/false
    protected: tuple[str, ...] = ()
    slices: tuple[str, ...] = ()  # crosses, 'sex*race'
    intersections: int = 1  # every cross of up to so many protected attributes
    reference: dict[str, str] = {}  # attribute → value
    threshold: float = 0.5  # the operating point: what is judged
    other_thresholds: tuple[float, ...] = ()  # described beside it; --threshold, repeated
    threshold_sweep: float | None = None  # a step: its multiples below 1 are described too
    group_thresholds: dict[str, dict[str, float]] = {}  # attribute → value → threshold, where these groups are decided otherwise
    at_threshold: Literal["negative", "positive"] = "negative"  # what a score exactly at the threshold is
    effect: Literal["helps", "harms"] = "helps"  # what a positive decision does to a person
    control: tuple[str, ...] = ()  # what may fairly explain a difference: groups are compared within its values too
    population: dict[str, dict[str, float]] = {}  # attribute → value → its share of the people that the data should stand for; for rules on representation
    features: tuple[str, ...] = ()  # numeric columns by which rows are near one another, for consistency
    weight: str | None = None  # sampling weights
    count: str | None = None  # how many rows a line stands for
    cluster: str | None = None  # whose rows belong together: a person with several, a household
    id: str | None = None  # tells rows apart
    save_scores: bool = False  # by their ids, so that the same rows of another audit can be matched with them
    bins: dict[str, tuple[float, ...] | str] = {}  # attribute → inner edges, none of which make all numbers one band, or 'young:25,adult:65,old', or 'quantiles:4'
    calibration_bins: str = "10"  # of the score, of equal width; 'mass:10': of about equal weight
    other_below: int | None = None  # categories with fewer rows are one slice together
    missing: tuple[str, ...] = ()  # texts that mean a missing value, besides the empty one: COL=TEXT in one column, TEXT in all that are audited
    rules: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()  # the only ones to compute, besides what rules judge; none named: all that can be
    p_values: Literal["fisher", "boschloo"] | None = None  # two-sided ones beside differences of rates
    engines: tuple[str, ...] = ()  # witnesses beside the native engine; none named: those installed
    signature: str | None = None
    output: str | None = None
    decision_output: str | None = None  # the model's own decisions, where it gives them, instead of its scores' against a threshold
    activation: Literal["sigmoid", "softmax"] | None = None
    batch_size: int = BATCH_SIZE
    seed: int = 0
    out: str | None = None
    gate: bool = False
    inconclusive: Literal["fail", "warn", "pass"] = "fail"  # these are the gate's own: what evidence that is missing where it is needed does
    fail_on: Literal["fail", "warn"] = "fail"
    waivers: str | None = None  # a file of violations that are tolerated
    as_of: date | None = None  # the day on which they are judged, where it is not today (UTC)
    unused_waivers: Literal["warn", "fail"] = "warn"
    baseline: str | None = None  # a former audit's audit.json, or its folder
    write: dict[str, str | tuple[str, ...]] = {}  # format → path, or several, of what the gate writes

    @property
    def attributes(self) -> tuple[str, ...]:
        """Protected attributes, those that are only binned or crossed included, each once."""
        crossed = (attribute for cross in self.slices for attribute in cross_attributes(cross))
        return tuple(dict.fromkeys((*self._protected, *filter(None, crossed))))

    @property
    def counted_by(self) -> tuple[str, ...]:
        """What rows are counted by: the protected attributes, and then the control."""
        return tuple(dict.fromkeys((*self.attributes, *self.control)))

    @property
    def _protected(self) -> tuple[str, ...]:
        """Those that are sliced by one at a time; a binned column is one unless it is the control."""
        return tuple(dict.fromkeys((*self.protected, *(one for one in self.bins if one not in self.control))))

    @property
    def described(self) -> tuple[float, ...]:
        """The thresholds that a sweep describes, rising, the operating one among them; none where only that one was asked for."""
        if self.threshold_sweep is None and not self.other_thresholds:
            return ()
        step = Decimal(repr(self.threshold_sweep or 1.0))  # as it is written: 3 × 0.05 is 0.15
        return tuple(sorted({self.threshold, *self.other_thresholds, *(float(place * step) for place in range(1, math.ceil(1 / step)))}))

    @property
    def attribute_flags(self) -> dict[str, str]:
        """Each attribute, and the flag that names it."""
        named = {one: "--protected" if one in self.protected else "--bins" if one in self.bins else "--slice" for one in self.attributes}
        return dict.fromkeys(self.control, "--control") | named

    @property
    def slicings(self) -> tuple[tuple[str, ...], ...]:
        """What the rows are cut by: each protected attribute, then the crosses asked for, each once; 'race*sex' is 'sex*race' again."""
        protected = self._protected
        crossed = (cross_attributes(cross) for cross in self.slices)
        every = (cross for order in range(2, self.intersections + 1) for cross in combinations(protected, order))
        cut: dict[frozenset[str], tuple[str, ...]] = {}
        for slicing in (*((attribute,) for attribute in protected), *crossed, *every):
            cut.setdefault(frozenset(slicing), slicing)
        return tuple(cut.values())


def cross_attributes(cross: str) -> tuple[str, ...]:
    """'sex*race' → ('sex', 'race')."""
    return tuple(part.strip() for part in cross.split("*"))


def validate(config: AuditConfig) -> AuditConfig:
    """The same configuration, if nothing in it is impossible by itself.

    Raises:
        ConfigError, Several: one sentence a mistake.
    """
    raise_all(_mistakes(config))
    return config


def _mistakes(config: AuditConfig) -> Iterator[FairauditError]:
    sources = [name for name in ("model", "score_column", "decision_column") if getattr(config, name)]
    flags = {"model": "--model DIR", "score_column": "--score-column COL", "decision_column": "--decision-column COL"}
    if not sources:
        yield ConfigError("nothing to audit: give --model DIR, --score-column COL or --decision-column COL.")
    if len(sources) > 1:
        yield ConfigError(f"{' and '.join(flags[name] for name in sources)} exclude each other; keep one.")
    if not config.attributes:
        yield ConfigError("no protected attribute: name one with --protected COL.")
    yield from _mistaken_thresholds(config)
    if config.batch_size < 1:
        yield ConfigError(f"the batch size is {config.batch_size}; give a whole number of at least 1.")
    if not 1 <= config.intersections <= MOST_CROSSED:
        yield ConfigError(f"--intersections is {config.intersections}; give a whole number from 1, for no crosses, to {MOST_CROSSED}.")
    elif config.intersections > (number := len({*config.protected, *config.bins} - {*config.control})) > 0:
        yield ConfigError(f"--intersections is {config.intersections}, and only {number} {'attribute is' if number == 1 else 'attributes are'} protected; name more with --protected, or ask for less.")
    yield from mistaken_reading(config)
    if config.decision_output is not None and config.decision_output == config.output:
        yield ConfigError(f"--output and --decision-output both name {config.output!r}; one is the score and the other the decision, so name two outputs.")
    if config.positive_decision is not None and config.decision_column is None:
        yield ConfigError("--positive-decision says which decision is positive, but no --decision-column COL is given.")
    try:
        score_bins(config.calibration_bins)
    except ValueError as error:
        yield ConfigError(f"--calibration-bins {config.calibration_bins!r}: {error}.")
    if config.p_values and (config.weight or config.cluster):
        yield ConfigError(f"--p-values {config.p_values} is an exact test of rows that each count once, and --{'weight' if config.weight else 'cluster'} makes them count otherwise; leave one out.")
    if config.save_scores and config.id is None:
        yield ConfigError("--save-scores keeps what each row was given, and without ids nobody could tell which row is which; name the column that tells them apart with --id COL.")
    yield from _idle(config)
    for attribute, shares in config.population.items():
        if attribute not in config.attributes:
            yield UnknownName("protected attribute", attribute, config.attributes, where="population")
        yield from (ConfigError(f"population: the shares of {attribute!r}: {mistake}.") for mistake in mistaken_shares(shares))
    for name in config.engines:
        if name not in ENGINES:
            yield UnknownName("engine", name, ENGINES, where="--engine")


def mistaken_reading(config: AuditConfig) -> Iterator[FairauditError]:
    """What cannot be of how rows are read and cut, whatever is made of them."""
    if config.seed < 0:
        yield ConfigError(f"the seed is {config.seed}; give a whole number of at least 0.")
    if config.positive is not None and config.label is None:
        yield ConfigError(f"--positive {config.positive!r} says which label is positive, but no --label COL is given; for decisions there is --positive-decision.")
    yield from _mistaken_slices(config)
    yield from _mistaken_columns(config)


def _mistaken_slices(config: AuditConfig) -> Iterator[FairauditError]:
    for cross in config.slices:
        parts = cross_attributes(cross)
        if "" in parts or len(set(parts)) != len(parts):
            yield ConfigError(f"--slice {cross!r} is not a cross of different attributes; write it as 'sex*race'.")
    for attribute in config.reference:
        if attribute not in config.attributes:
            yield UnknownName("protected attribute", attribute, config.attributes, where="--reference")
    for attribute, asked in config.bins.items():
        try:
            parsed(asked)
        except ValueError as error:
            yield ConfigError(f"--bins {attribute}: {error}.")
    if config.other_below is not None and config.other_below < 2:
        yield ConfigError(f"--other-below is {config.other_below}; give a whole number of rows, at least 2: every value has a row.")
    elif config.other_below is not None and config.attributes and all(attribute in config.bins for attribute in config.attributes):
        yield ConfigError("--other-below merges categories, and every protected attribute is cut into bands; leave it out.")


def mistaken_shares(shares: Mapping[str, float]) -> Iterator[str]:
    """What is wrong with a population's shares of one attribute."""
    if len(shares) < 2:
        yield "they name fewer than two groups, between whom alone a share can be small"
    for value, share in shares.items():
        if not 0 < share < 1:  # NaN is not either
            yield f"the share of {value!r} is {share:g}; give a number above 0 and below 1"
    if (whole := math.fsum(shares.values())) > 1 + 1e-6:
        yield f"they add up to {whole:g}; give shares that add up to 1, or to less where some people are in no group that is named"


def _mistaken_columns(config: AuditConfig) -> Iterator[FairauditError]:
    """A mistake for each column that would have to be two things."""
    roles = {"label": config.label, "weight": config.weight, "count": config.count, "cluster": config.cluster, "id": config.id, "score": config.score_column, "decision": config.decision_column}
    named: dict[str, str] = {}
    for role, column in roles.items():
        if column is not None and column in named:
            yield ConfigError(f"column {column!r} cannot be both the {named[column]} and the {role}.")
        elif column is not None:
            named[column] = role
    for attribute in config.attributes:
        if attribute in named and named[attribute] != "label":
            yield ConfigError(f"column {attribute!r} cannot be both the {named[attribute]} and a protected attribute.")
    for column in dict.fromkeys(config.control):
        part = "a protected attribute" if column in config.attributes else f"the {named[column]}" if column in named else ""
        if part:
            yield ConfigError(f"column {column!r} cannot be both {part} and the control; a control is another fact that may fairly explain a difference.")
        if config.control.count(column) > 1:
            yield ConfigError(f"--control {column!r} is given twice; keep one.")
    if config.features and config.count is not None:
        yield ConfigError("--feature compares rows one by one, and a line of --count stands for several; leave one out.")
    if config.features and config.cluster is not None:
        yield ConfigError("--feature compares rows one by one, as if each were somebody else, and --cluster says which are not; leave one out.")
    for feature in sorted({one for one in config.features if config.features.count(one) > 1}):
        yield ConfigError(f"--feature {feature!r} is given twice; keep one.")
    for feature in dict.fromkeys(config.features):
        if feature in named:
            yield ConfigError(f"column {feature!r} cannot be both the {named[feature]} and a feature; features say who is alike, whatever is decided of them.")


def _mistaken_thresholds(config: AuditConfig) -> Iterator[FairauditError]:
    for one in (config.threshold, *config.other_thresholds):
        if not math.isfinite(one):
            yield ConfigError(f"the threshold is {one}; give a finite number.")
        elif config.model is not None and not 0 <= one <= 1:
            yield ConfigError(f"--threshold {one:g}: a model's scores are probabilities, and {'none lies above' if one > 1 else 'all lie above'} that; give a number from 0 to 1, as 0.5.")
    asked = (config.threshold, *config.other_thresholds)
    for one in dict.fromkeys(asked):
        if asked.count(one) > 1:
            yield ConfigError(f"the threshold {one:g} is given twice; keep one.")
    if config.threshold_sweep is not None and not FINEST_SWEEP <= config.threshold_sweep <= 0.5:
        yield ConfigError(f"--threshold-sweep is {config.threshold_sweep:g}; give a step from {FINEST_SWEEP} to 0.5, as 0.05.")
    elif config.threshold_sweep is not None and len(config.described) < 2:
        yield ConfigError(f"--threshold-sweep {config.threshold_sweep:g} describes nothing besides the threshold itself; give a smaller step, as 0.05.")
    if len(config.group_thresholds) > 1:
        named = " and ".join(config.group_thresholds)
        yield ConfigError(f"group_thresholds name {named}, so a row could have several thresholds; keep one attribute, or add a column to the data that combines them.")
    for attribute, groups in config.group_thresholds.items():
        if attribute not in config.attributes:
            yield UnknownName("protected attribute", attribute, config.attributes, where="group_thresholds")
        for value, one in groups.items():
            if not math.isfinite(one):
                yield ConfigError(f"the threshold of {attribute}={value} is {one}; give a finite number.")
        if all(one == config.threshold for one in groups.values()):
            yield ConfigError(f"group_thresholds give no group of {attribute!r} a threshold other than everyone's, {config.threshold:g}; leave them out.")


_OF_THRESHOLDS = {"threshold": "--threshold", "other_thresholds": "--threshold", "threshold_sweep": "--threshold-sweep", "group_thresholds": "--group-threshold", "at_threshold": "--at-threshold"}


def _idle(config: AuditConfig) -> Iterator[FairauditError]:
    """A mistake for each flag that would change nothing."""
    usual = AuditConfig()
    if config.model is None and (config.score_column is not None or config.decision_column is not None):
        for name in ("signature", "output", "decision_output", "activation"):
            if getattr(config, name) != getattr(usual, name):
                yield ConfigError(f"--{name.replace('_', '-')} is about a model, and no --model DIR is given; leave it out.")
    if config.decision_column is not None:
        flags = _OF_THRESHOLDS | {"calibration_bins": "--calibration-bins"}
        for flag in dict.fromkeys(flag for name, flag in flags.items() if getattr(config, name) != getattr(usual, name)):
            yield ConfigError(f"{flag} is about scores, and --decision-column holds decisions; leave it out.")
    elif config.decision_output is not None and (asked := [flag for name, flag in _OF_THRESHOLDS.items() if getattr(config, name) != getattr(usual, name)]):
        yield ConfigError(f"--decision-output takes the model's own decisions, and {' and '.join(dict.fromkeys(asked))} would make others of its scores; leave one out.")
    if config.decision_column is None and config.label is None and config.calibration_bins != usual.calibration_bins:
        yield ConfigError("--calibration-bins is about scores beside labels, and no --label COL is given; leave it out.")


def converted(config: AuditConfig) -> AuditConfig:
    """The same configuration with every value in its field's own type, lists made tuples, paths texts: Python callers are not checked as files are.

    Raises:
        ConfigError: a value is of a wrong type.
    """
    try:
        return msgspec.convert(msgspec.to_builtins(config, enc_hook=_plain), AuditConfig)
    except (msgspec.ValidationError, TypeError) as error:
        raise ConfigError(f"the configuration cannot be: {_misfit(config, str(error))}.") from error


def _plain(value: object) -> str:
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"it holds a {type(value).__name__}, which is no text, number, list or mapping")


def _misfit(config: AuditConfig, said: str) -> str:
    """msgspec's complaint about a field, in words."""
    import msgspec.inspect  # here, so that an audit that is as it should be starts quickly

    from fairaudit.fitting import choices_of, wanted

    found = re.search(r"at `\$\.(\w+)`", said)
    if found is None:
        return said
    shape = next(field.type for field in msgspec.inspect.type_info(AuditConfig).fields if field.name == found[1])  # type: ignore[attr-defined]
    return f"{found[1]} must be {wanted(choices_of(shape))}, and is {getattr(config, found[1])!r:.60}"


def read_config(path: Path | str) -> AuditConfig:
    """The configuration in a YAML file, with the fields of `fairaudit audit --help`.

    Raises:
        ConfigError: there is no such file, or one sentence a mistake, all told at once, each with its line.
    """
    from fairaudit.documents import read_document  # here, so that an audit that has no file starts quickly
    from fairaudit.given import path_given

    return read_document(path_given(path), AuditConfig, kind="configuration")


def overridden(config: AuditConfig, given: Mapping[str, Any]) -> AuditConfig:
    """`config` with the fields that flags gave; a repeated flag replaces the file's list."""
    return msgspec.structs.replace(config, **given)
