"""A mitigation as a SavedModel: the original inside, decisions by the policy, and nothing of fairaudit in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from fairaudit.errors import listed
from fairaudit.mitigations.attributes import ReadAttribute
from fairaudit.mitigations.decided import decided, in_type
from fairaudit.mitigations.draws import joined, uniform
from fairaudit.mitigations.groups import Groups
from fairaudit.mitigations.inference import GroupModel
from fairaudit.mitigations.inferred_groups import InferredGroups
from fairaudit.mitigations.policy import Policy
from fairaudit.mitigations.scoring_ops import score_of
from fairaudit.mitigations.usual import Usual
from fairaudit.mitigations.wiring import Wiring, check_plain, wired, wrapping
from fairaudit.models import folder as places
from fairaudit.models.input_names import name_inputs
from fairaudit.models.interface import ModelCard
from fairaudit.models.outputs import Output
from fairaudit.models.savedmodel import Matched, loaded
from fairaudit.models.signatures import Signature, Tensor, import_tensorflow, read_signatures

SCORE, DECISION = "score", "decision"


class ExportedTensor(msgspec.Struct, frozen=True, kw_only=True):
    """An input or output of the exported model."""

    name: str
    dtype: str
    shape: str  # "[n, 1]"


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What was exported, for the card beside it."""

    original: ModelCard
    sha256: str  # of the exported folder
    signature: str
    inputs: tuple[ExportedTensor, ...]
    outputs: tuple[ExportedTensor, ...]
    added: tuple[str, ...]  # attributes that the original had not asked for: inputs, or features of its tf.Examples
    renamed: dict[str, str]  # output of the original → what it is called here
    drawn_by: tuple[str, ...]  # the inputs or features by which a row is drawn; none: nothing is drawn
    policy: Policy  # with cuts and constants in the type of the scores
    notes: tuple[str, ...]
    usual: tuple[Usual, ...] = ()  # what the features of the original hold as a rule, for a row to try the model with
    examples: str | None = None  # the input that takes all features as serialized tf.Examples; None where each is an input itself


def export(matched: Matched, policy: Policy, attributes: Sequence[ReadAttribute], folder: Path, *, key: bytes, inference: GroupModel | None = None) -> Exported:
    """Write a SavedModel that scores as the original does and decides by the policy.

    Its one signature is called as the audited one and takes the same inputs, and each attribute of the policy where it is not among them and not inferred. It answers with `score` (after the activation, shape [n]), `decision` (int64, 0 or 1,
    shape [n]), and with all that the original answers.

    Args:
        matched: the original, which may be gone once this returns.
        attributes: how each of the policy's was read where it was fitted.
        folder: to be made, or empty.
        key: of the draws; the same key draws the same rows alike.
        inference: of the policy's groups, in their order; None: rows are told by their attributes.

    Raises:
        UnfitModel: the original cannot be wrapped, or its inputs cannot tell groups apart.
        ContentError: a group's value does not fit its input, the original is broken, or there is no room for the export.
    """
    tf = import_tensorflow()
    name = matched.card.name
    signatures = read_signatures(matched.place)
    called = next(one for one in signatures if one.name == matched.card.signature)
    check_plain(called, model=name)
    by_name = {one.name: one for one in attributes}
    asked = [] if inference else [by_name[one] for one in policy.attributes]
    own = in_type(policy, matched.output.dtype)
    wiring = wired(matched, called, asked, [one.name for one in inference.features] if inference else ())
    module = tf.Module()
    module.original = loaded(matched.place, name)
    groups = InferredGroups(inference) if inference else Groups([one.group for one in own.groups], asked, wiring.dtypes)
    module.tables = groups.tables
    renamed = _renamed(called)
    answer = _answer(module.original.signatures[called.name], called, matched.output, own, groups, wiring, renamed, key)
    with wrapping(name, folder):
        traced = tf.function(answer, autograph=False).get_concrete_function(**{alias: wiring.spec(one) for one, alias in wiring.aliases.items()})
        tf.saved_model.save(module, str(folder), signatures={called.name: traced})
        name_inputs(folder, called.name, wiring.aliases)
    (made,) = read_signatures(folder)
    return Exported(
        original=matched.card, sha256=places.fingerprint(folder), signature=made.name, inputs=tuple(map(_told_tensor, made.inputs)), outputs=tuple(map(_told_tensor, made.outputs)),
        added=wiring.added, renamed=renamed, drawn_by=wiring.drawn_by if own.is_random else (), policy=own, notes=tuple(_notes(called, signatures, renamed, wiring, own.is_random)),
    )  # fmt: skip


def _answer(
    call: Any, called: Signature, output: Output, policy: Policy, groups: Groups | InferredGroups, wiring: Wiring, renamed: Mapping[str, str], key: bytes
) -> Callable[..., dict[str, Any]]:
    """The function that is saved."""

    def answer(**aliased: Any) -> dict[str, Any]:
        tf = import_tensorflow()
        given = {name: aliased[alias] for name, alias in wiring.aliases.items()}
        theirs = call(**{one.name: given[one.name] for one in called.inputs})
        values, present, texts = wiring.told(given)
        rows = tf.shape(next(iter(given.values())))[0]
        group = groups.of(values, present, rows)
        score = score_of(theirs[output.name], output, rows)
        row = joined(texts) if policy.is_random else None
        draws = None if row is None else uniform(row, key=key, purpose="decision")
        replacing = uniform(row, key=key, purpose="replaced") if policy.replaces else None
        score, decision = decided(policy, score, group, draws, replacing)
        return {renamed.get(name, name): tensor for name, tensor in theirs.items()} | {SCORE: score, DECISION: decision}

    return answer


def _renamed(called: Signature) -> dict[str, str]:
    """The original's outputs whose names are taken by our own."""
    names = {one.name for one in called.outputs}
    moved = {}
    for taken in (SCORE, DECISION):
        if taken in names:
            name = f"original_{taken}"
            while name in names:
                name = f"original_{name}"
            moved[taken] = name
    return moved


def _told_tensor(tensor: Tensor) -> ExportedTensor:
    return ExportedTensor(name=tensor.name, dtype=tensor.dtype, shape=tensor.shown_shape)


def _notes(called: Signature, signatures: Sequence[Signature], renamed: Mapping[str, str], wiring: Wiring, is_random: bool) -> Iterator[str]:
    for name, new in renamed.items():
        yield f"The original's output {name!r} is called {new!r} here, since {name!r} is what the mitigation answers."
    others = [one.name for one in signatures if one.name != called.name]
    if others:
        yield f"Only the signature {called.name!r}, which was audited, is exported; the original has also {listed(others)}."
    for name in wiring.rounded:
        yield f"The model takes {name!r} as {wiring.dtypes[name]}, which tells numbers less exactly than the data, so a value just below the edge of a band may count as in the next."
    if is_random and wiring.has_examples and not wiring.features:
        yield "Which features the model reads of its tf.Examples cannot be seen, so rows are drawn by the serialized bytes: the same applicant serialized in another order may be drawn otherwise."
