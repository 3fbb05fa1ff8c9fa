"""The pool of a classifier that learns: what it lacks, it says in its own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from selectlab.columns import EmbeddingTable, TaskPredictions
from selectlab.errors import DataError
from selectlab.memory import MemorySource


class PoolSource(MemorySource):
    """Columns in memory, and why some are not there.

    Attributes:
        no_embeddings: Why there are no embeddings.
        no_predictions: Why a task cannot be predicted, by its name.
    """

    no_embeddings: str = ""
    no_predictions: Mapping[str, str] = MappingProxyType({})

    def embeddings(self, space: str | None) -> EmbeddingTable | None:
        """Return the embeddings of a space.

        Raises:
            DataError: There are none.
        """
        found = super().embeddings(space)
        if found is None and space is None and self.no_embeddings:
            raise DataError(self.no_embeddings)
        return found

    def tasks(self) -> Sequence[str]:
        """Return the names of the prediction tasks, also of those that cannot be predicted."""
        return sorted({*super().tasks(), *self.no_predictions})

    def predictions(self, task: str, ids: Sequence[str]) -> TaskPredictions:
        """Return the predictions of a task, aligned with ``ids``.

        Raises:
            DataError: The model cannot make them.
        """
        why = self.no_predictions.get(task)
        if why is not None:
            raise DataError(why)
        return super().predictions(task, ids)


def pool_source(
    ids: Sequence[str],
    embeddings: Any,
    predictions: Mapping[str, Any],
    *,
    no_embeddings: str,
    no_predictions: Mapping[str, str],
) -> PoolSource:
    """Return columns in memory, and what to say of those that are not there."""
    source = PoolSource.of(ids, embeddings, predictions=predictions)
    assert isinstance(source, PoolSource)
    source.no_embeddings, source.no_predictions = no_embeddings, no_predictions
    return source
