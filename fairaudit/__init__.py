"""Fairness audits of TensorFlow SavedModels, and of scores or decisions from anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairaudit.config import AuditConfig
    from fairaudit.cube.stored import read_cube
    from fairaudit.gate.gating import ruling
    from fairaudit.gate.policy import Policy, Ruling
    from fairaudit.gate.waiver import Waiver
    from fairaudit.reports.html import render
    from fairaudit.result import Audit, read_audit, to_json
    from fairaudit.run import audit

__all__ = ["Audit", "AuditConfig", "Policy", "Ruling", "Waiver", "audit", "read_audit", "read_cube", "render", "ruling", "to_json"]
_HOMES = {"AuditConfig": "config", "Audit": "result", "read_audit": "result", "to_json": "result", "read_cube": "cube.stored", "audit": "run", "render": "reports.html", "Policy": "gate.policy", "Ruling": "gate.policy", "Waiver": "gate.waiver", "ruling": "gate.gating"}


def __getattr__(name: str) -> Any:
    """What the package offers, imported when it is first asked for: `import fairaudit` itself costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'fairaudit' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"fairaudit.{_HOMES[name]}"), name)
