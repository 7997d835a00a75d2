"""Models: rows in, scores out. Importing this imports no TensorFlow; loading and describing a SavedModel does."""

from __future__ import annotations

from fairaudit.models.interface import Feature, ModelCard, Scorer
from fairaudit.models.matching import Match, inputs_of, matches
from fairaudit.models.savedmodel import BATCH_SIZE, Description, describe, load

__all__ = ["BATCH_SIZE", "Description", "Feature", "Match", "ModelCard", "Scorer", "describe", "inputs_of", "load", "matches"]
