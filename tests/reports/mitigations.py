"""A card of a mitigation, as reports are given it."""

from __future__ import annotations

from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence.measurement import Group
from fairaudit.mitigations.card import Fit, HeldOut, Judged, MitigationCard, Moved, Reached, RuleNumber
from fairaudit.mitigations.exported import Exported, ExportedTensor
from fairaudit.mitigations.fine_tuning import Epoch, FineTuned
from fairaudit.mitigations.parts import HowParted
from fairaudit.mitigations.policy import Policy, Treatment, policy_of, threshold_at
from fairaudit.mitigations.proof import Checked
from fairaudit.mitigations.retrained_card import ByTrainer, RetrainedCard, RetrainedModel
from fairaudit.mitigations.reweighing import Cell
from fairaudit.models.interface import ModelCard
from fairaudit.rules.finding import Severity

SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def number(text: str, value: float, *, kind: str = "difference", limit: tuple[float | None, float | None] = (-0.1, 0.1)) -> RuleNumber:
    return RuleNumber(metric="selection_rate", kind=kind, group=Group(slice=Slice([(text, "f")])), reference=Group(slice=Slice([(text, "m")])), value=value, interval=None, limit=limit)


def judged(text: str = "sex", *, before: str | None = "fail", after: str | None = "inconclusive", severity: Severity = Severity.FAIL) -> Judged:
    return Judged(rule=text, severity=severity, before=before, after=after, number_before=number(text, -0.227), number_after=number(text, -0.077))


def mitigation(text: str = "sex", *, values: tuple[str, ...] = ("f", "m")) -> MitigationCard:
    """One in which every free text is this one, beside the values of the groups."""
    groups = [Slice([(text, value)]) for value in values]
    drawn = Treatment(cuts=(0.25, 0.5), chances=(0.0, 0.125, 1.0), replaced=0.25, constant=0.75)
    policy: Policy = policy_of("thresholds", (text,), {group: threshold_at(0.375) if place else drawn for place, group in enumerate(groups)}, threshold_at(0.5))
    tensors = (ExportedTensor(name=text, dtype="string", shape="[n]"),)
    return MitigationCard(
        method="thresholds", version="1", what=text, why=text, source=text, settings={}, config={}, rules=(text,), data=(),
        parts=HowParted(holdout=text, share=None, seed=None, rows_fitted=1_000, rows_held_out=1_000, shared=0),
        fit=Fit(
            objective=text, before=0.5, after=0.625, gap=0.0, reached=tuple(Reached(metric="true_positive_rate", group=group, value=0.75) for group in groups), unfitted=(),
            rows={str(group): 500 for group in groups}, judged=("true_positive_rate",), reference=None, parameters={},
        ),
        export=Exported(
            original=ModelCard(name=text, sha256=SHA, signature=text, output=text, score_type="float32"), sha256=SHA, signature=text, inputs=tensors, outputs=tensors, added=(text,),
            renamed={text: text}, drawn_by=(text,), policy=policy, notes=(text,),
        ),
        holdout=HeldOut(
            verdict_before="fail", verdict_after="inconclusive", rules=(judged(text),),
            moved=tuple(
                Moved(metric="true_positive_rate", slice=one, rows=500, before=0.5, after=0.75, change=0.25 if place % 2 else -0.25, interval=(0.125, 0.375) if place % 2 else (-0.375, -0.125), is_better=bool(place % 2))
                for place, one in enumerate((EVERYONE, *groups))
            ),
            levelled_down=("true_positive_rate",), checked=Checked(rows=1_000, near_a_cut=3, differing=1, drawn=250),
        ),
        notes=(text,),
    )  # fmt: skip


def retrained(text: str = "sex", *, values: tuple[str, ...] = ("f", "m"), best: int = 2, by_trainer: bool = False, taken: bool = True) -> RetrainedCard:
    """The same of a model that was trained under weights."""
    base = mitigation(text, values=values)
    groups = [Slice([(text, value)]) for value in values]
    tensors = (ExportedTensor(name=text, dtype="string", shape="[n]"),)
    tuned = FineTuned(
        sha256=SHA, parameters=1_234, rows_trained=800, rows_validated=200, start=0.5, epochs=tuple(Epoch(training_loss=0.5, validation_loss=loss) for loss in (0.475, 0.375 if best else 0.625, 0.4125)), best=best,
    )  # fmt: skip
    return RetrainedCard(
        method="reweigh-trainer" if by_trainer else "reweigh-fine-tune", version="1", what=text, why=text, source=text,
        settings={"strength": 0.5, "epochs": 50, "learning_rate": 0.001, "batch_size": 256, "patience": 5, "validated": 0.2}, config={"threshold": 0.25}, rules=(text,), judged=("true_positive_rate",), data=(), parts=base.parts,
        cells=tuple(Cell(slice=group, label=label, rows=250, weight=250.0, factor=1.25) for group in groups for label in (1, 0)), fine_tuned=None if by_trainer else tuned,
        trainer=ByTrainer(words=(text, "{out}"), rows=1_000, last=repr(text), trained_before=True) if by_trainer else None,
        export=RetrainedModel(original=base.export.original, sha256=SHA, signature=text, signatures=(text,), inputs=tensors, outputs=tensors, output=text, asks_for=(text,) if taken else ()), holdout=base.holdout, notes=(text,),
    )  # fmt: skip
