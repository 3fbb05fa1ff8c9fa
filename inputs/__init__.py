"""Built-in inputs and the readers of data formats."""

from __future__ import annotations

from selectlab.inputs.assertion import Assertion
from selectlab.inputs.assertions import Assertions
from selectlab.inputs.embeddings import Embeddings
from selectlab.inputs.gradients import Gradients
from selectlab.inputs.metadata import Metadata
from selectlab.inputs.predictions import Predictions
from selectlab.inputs.random import Random
from selectlab.inputs.scores import Scores

__all__ = [
    "Assertion",
    "Assertions",
    "Embeddings",
    "Gradients",
    "Metadata",
    "Predictions",
    "Random",
    "Scores",
]
