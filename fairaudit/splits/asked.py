"""What a configuration says of the rows themselves."""

from __future__ import annotations

from fairaudit.bands import parsed
from fairaudit.config import AuditConfig
from fairaudit.data.rows import Wanted


def wanted_of(config: AuditConfig) -> Wanted:
    """Which columns are the label, the attributes, the weight and so on; scores, decisions and controls are nothing to it. The configuration must have been checked."""
    return Wanted(
        attributes=config.attributes, bins={attribute: parsed(asked) for attribute, asked in config.bins.items()}, other_below=config.other_below, label=config.label, positive=config.positive,
        weight=config.weight, count=config.count, cluster=config.cluster, id=config.id, missing=config.missing,
    )  # fmt: skip
