"""The JSON Schema of `card.json`, whichever method wrote it: a card of reweighed rows, of a model that was trained under their weights, or of one whose decisions were changed."""

from __future__ import annotations

from typing import Any

from fairaudit.mitigations.card import MitigationCard
from fairaudit.mitigations.retrained_card import RetrainedCard
from fairaudit.mitigations.reweighed import ReweighingCard
from fairaudit.result import schema_of


def json_schema() -> dict[str, Any]:
    """As it is published with the package; `method` says which of the three a card is."""
    return schema_of(MitigationCard, ReweighingCard, RetrainedCard)


if __name__ == "__main__":
    import json

    print(json.dumps(json_schema(), indent=1))
