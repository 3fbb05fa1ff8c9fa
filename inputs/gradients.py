"""GRADIENTS: what a classifier would learn from a sample if its own guess were the label."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from selectlab import resources
from selectlab.errors import ConfigError, DataError, first_of
from selectlab.inputs.class_probabilities import probability_blocks
from selectlab.inputs.embeddings import Embeddings
from selectlab.inputs.scores import unpredicted
from selectlab.types import Input, Kinds, Vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from selectlab.columns import TaskPredictions
    from selectlab.dataset import Dataset
    from selectlab.types import BoolArray, FloatArray

_BLOCK_VALUES = 1 << 22


class Gradients(Input):
    """The gradient of a classifier's last layer for the class it holds most likely.

    With probabilities p and embedding x of a sample, and y the most likely class (of equal ones
    the first), it is (p - onehot(y)) times x: a vector of K * D numbers for K classes and D
    dimensions, class by class. Its length tells how unsure the classifier is, its direction of
    what. With SPREAD it makes BADGE.

    Attributes:
        task: Name of a classification task with class probabilities.
        space: A further embedding space of the samples, ``embeddings/SPACE.parquet``. It should
            hold what the classifier's last layer sees.
        normalize: Scale embeddings to unit length first.
        bias: Add the gradient of the bias: an embedding has a 1 at its end. The paper's program
            goes without.

    Cost:
        One float32 matrix of N * K * D numbers, in memory.

    Reference:
        Ash et al., ICLR 2020 (BADGE), section 3.

    Example:
        >>> from selectlab.dataset import Dataset
        >>> sky = {"sky": np.array([[0.75, 0.25]])}
        >>> data = Dataset(["a.png"], embeddings=np.array([[2.0, 4.0]]), predictions=sky)
        >>> Gradients(task="sky").load(data).vectors
        array([[-0.5, -1. ,  0.5,  1. ]], dtype=float32)
    """

    kinds: ClassVar[Kinds] = (Vectors,)
    type: Literal["GRADIENTS"] = "GRADIENTS"
    task: str
    space: str | None = None
    normalize: bool = False
    bias: bool = False

    def load(self, dataset: Dataset) -> Vectors:
        """Return the gradient of each sample; without prediction or embedding it is missing.

        Raises:
            ConfigError: The task is no classification.
            DataError: No such task or embeddings; predictions without class probabilities; the
                gradients would not fit in memory.
        """
        task = dataset.predictions(self.task)
        if task.task_type != "classification":
            raise ConfigError(
                f"GRADIENTS does not go with task {self.task!r} of type {task.task_type}; it "
                "takes a classification"
            )
        missing = unpredicted(task)
        _refuse_bare_labels(task, dataset.ids)
        embedded = Embeddings(space=self.space, normalize=self.normalize).load(dataset)
        assert isinstance(embedded, Vectors)
        if embedded.missing is not None:
            missing = embedded.missing if missing is None else missing | embedded.missing
        values = self._gradients(task, dataset.ids, embedded)
        return Vectors(vectors=values, missing=missing, name=self.describe())

    def describe(self) -> str:
        """Return whose gradients these are, in words."""
        return f"gradients of {self.task}" + (f" on {self.space}" if self.space else "")

    def _gradients(
        self, task: TaskPredictions, ids: Sequence[str], embedded: Vectors
    ) -> npt.NDArray[np.float32]:
        """Return (N, K * D) gradients; rows without a prediction are 0."""
        n_classes = max(len(task.names), 2)
        dimension = embedded.vectors.shape[1] + self.bias
        _refuse_too_large(len(ids), n_classes, dimension)
        found = np.zeros((len(ids), n_classes, dimension), dtype=np.float32)
        counts = task.counts()
        size = max(_BLOCK_VALUES // dimension, n_classes)
        for first, end, _, _, block in probability_blocks(task, ids, block_values=size):
            rows = first + np.flatnonzero(counts[first:end])
            values = np.ones((len(rows), dimension), dtype=np.float32)
            values[:, : embedded.vectors.shape[1]] = embedded.vectors[rows]
            found[rows] = _residual(block)[:, :, None] * values[:, None, :]
        gradients: npt.NDArray[np.float32] = found.reshape(len(ids), -1)
        return gradients


def _residual(probabilities: FloatArray) -> npt.NDArray[np.float32]:
    """Return p - onehot(argmax p), (m, K); a single class is read as (p, 1 - p)."""
    if probabilities.shape[1] == 1:
        probabilities = np.hstack([probabilities, 1 - probabilities])
    residual = probabilities.copy()
    residual[np.arange(len(residual)), probabilities.argmax(axis=1)] -= 1
    rounded: npt.NDArray[np.float32] = residual.astype(np.float32)
    return rounded


def _refuse_bare_labels(task: TaskPredictions, ids: Sequence[str]) -> None:
    """Refuse predictions without class probabilities."""
    bare: BoolArray = np.ones(len(task.category), dtype=np.bool_)
    if task.probabilities is not None:
        bare = np.asarray(np.isnan(task.probabilities).all(axis=1))
    if bare.any():
        rows = np.searchsorted(task.offsets, np.flatnonzero(bare), side="right") - 1
        listed = first_of([ids[int(row)] for row in rows], len(ids))
        raise DataError(
            f"predictions {task.task!r}: no class probabilities, which GRADIENTS needs: {listed}"
        )


def _refuse_too_large(n_samples: int, n_classes: int, dimension: int) -> None:
    """Refuse what cannot be held in memory."""
    size, room = 4 * n_samples * n_classes * dimension, _room()
    if room is not None and size > room:
        raise DataError(
            f"GRADIENTS: {n_samples} samples x {n_classes} classes x {dimension} dimensions take "
            f"{size / 1e9:.3g} GB, of {room / 1e9:.3g} GB of memory; take shorter embeddings or "
            "fewer samples"
        )


def _room() -> int | None:
    """Return how many bytes of memory there may be; ``None`` where that is not known."""
    allowed = resources.current().memory
    if allowed is None and hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return allowed
