"""Fairness audits of TensorFlow SavedModels, and of scores or decisions from anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairaudit.config import AuditConfig, read_config
    from fairaudit.cube.stored import read_cube
    from fairaudit.delivery import write_gate
    from fairaudit.errors import ConfigError, ContentError, FairauditError
    from fairaudit.gate.gating import ruling
    from fairaudit.gate.judged import judged
    from fairaudit.gate.policy import Policy, Remark, Ruling, Standing, State
    from fairaudit.gate.result import GateResult, read_gate
    from fairaudit.gate.waiver import Waiver, Waivers
    from fairaudit.gate.waiver_file import read_waivers
    from fairaudit.reports.html import render
    from fairaudit.reports.terminal import summary
    from fairaudit.result import Audit, read_audit, to_json
    from fairaudit.run import audit

_HOMES = {
    "config": ("AuditConfig", "read_config"),
    "cube.stored": ("read_cube",),
    "delivery": ("write_gate",),
    "errors": ("ConfigError", "ContentError", "FairauditError"),
    "gate.gating": ("ruling",),
    "gate.judged": ("judged",),
    "gate.policy": ("Policy", "Remark", "Ruling", "Standing", "State"),
    "gate.result": ("GateResult", "read_gate"),
    "gate.waiver": ("Waiver", "Waivers"),
    "gate.waiver_file": ("read_waivers",),
    "reports.html": ("render",),
    "reports.terminal": ("summary",),
    "result": ("Audit", "read_audit", "to_json"),
    "run": ("audit",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
__all__ = [
    "Audit", "AuditConfig", "ConfigError", "ContentError", "FairauditError", "GateResult", "Policy", "Remark", "Ruling", "Standing", "State", "Waiver", "Waivers",
    "audit", "judged", "read_audit", "read_config", "read_cube", "read_gate", "read_waivers", "render", "ruling", "summary", "to_json", "write_gate",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """What the package offers, imported when it is first asked for: `import fairaudit` itself costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'fairaudit' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"fairaudit.{_HOME[name]}"), name)
