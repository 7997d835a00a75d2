"""Waivers as columns beside a table of findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fairaudit.gate.answers import Answer
from fairaudit.gate.policy import can_be_waived
from fairaudit.rules.finding import Finding

_OF_WAIVER = ("owner", "expires", "holds_to", "reason", "ticket")


def columns(findings: Sequence[Finding], answered: Sequence[Answer | None]) -> dict[str, list[Any]]:
    """A value a finding: whether it is waived, which is null of what is no violation; what became of the entry that is for it, and what that says."""
    waived = [None if not can_be_waived(one) else answer is not None and answer.applies for one, answer in zip(findings, answered, strict=True)]
    said = {f"waiver_{name}": [None if one is None else getattr(one.waiver, name) for one in answered] for name in _OF_WAIVER}
    return {"waived": waived, "waiver": [None if one is None else one.became for one in answered], **said}
