"""Where distances are compared by products: coordinates, and how wrong a product can be there.

Products are most accurate around the origin, so vectors are moved there and scaled to about
length 1. A product with two columns more than the vectors have is a squared distance:
``[x, -|x|^2 / 2, 1] . [y, 1, -|y|^2 / 2] = -|x - y|^2 / 2``. D dimensions.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from selectlab import threads

Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]
Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Index: TypeAlias = npt.NDArray[np.intp]

_BLOCK_FLOATS = 1 << 20
_SAMPLE_ROWS = 1024
_UNDERFLOW = 2.0**-130
Scalar = TypeVar("Scalar", bound=np.generic)


def sq_dists(gaps: Float64, out: Float64 | None = None) -> Float64:
    """Return the squared lengths of differences of vectors, (m,).

    Args:
        gaps: (m, D) differences in float64.
        out: (m,) where to write them.

    Returns:
        (m,). Equal differences give equal bits, whatever stands beside them.

    Example:
        >>> sq_dists(np.array([[3.0, 4.0], [5.0, 12.0]]))
        array([ 25., 169.])
    """
    shaped = None if out is None else out[:, None, None]
    sums: Float64 = np.matmul(gaps[:, None, :], gaps[:, :, None], out=shaped)
    return sums[:, 0, 0]


def read(vectors: Any, part: slice | Index) -> Float32:
    """Return some vectors of an array, or of what gives them by slice and by index array."""
    return np.ascontiguousarray(vectors[part], dtype=np.float32)


@dataclass(frozen=True)
class Placed:
    """Vectors in a space.

    Attributes:
        rows: (m, D + 2) the left side of the product.
        columns: (m, D + 2) its right side.
        lengths: (m,) rounded up.
    """

    rows: Floats
    columns: Floats
    lengths: Float64

    def __len__(self) -> int:
        return len(self.rows)


class Space:
    """Coordinates around some vectors.

    Attributes:
        shift: (D,) what becomes the origin.
        scale: A power of two.
        reach: Length of the longest vector of the corpus, in these coordinates, rounded up.
    """

    def __init__(self, corpus: Any, others: Any) -> None:
        self.sample = read(corpus, spread(len(corpus), _SAMPLE_ROWS))
        self.shift = self.sample.mean(axis=0, dtype=np.float64).astype(np.float32)
        reach = self._longest(corpus)
        widest = reach if others is corpus else max(reach, self._longest(others))
        self.scale = 2.0 ** -math.frexp(widest)[1] if widest > 0 else 1.0
        self.reach = reach * self.scale

    def place(self, vectors: Float32, dtype: type[np.floating[Any]]) -> Placed:
        """Return vectors in these coordinates."""
        count, dimension = vectors.shape
        rows = np.empty((count, dimension + 2), dtype=dtype)
        moved = rows[:, :dimension]
        np.subtract(vectors, self.shift, out=moved, dtype=dtype)
        moved *= dtype(self.scale)
        halves = 0.5 * sq_dists(moved.astype(np.float64))
        columns = rows.copy()
        rows[:, -2] = columns[:, -1] = -halves
        rows[:, -1] = columns[:, -2] = 1.0
        return Placed(rows, columns, np.sqrt(2.0 * halves) * (1 + 1e-6))

    def error(self, lengths: Float64, dtype: type[np.floating[Any]]) -> Float64:
        """Return how far products of vectors this long with the corpus can be off, (m,).

        Rounding of the inputs, of D + 2 products and their sum in any order, and of a threshold;
        in float64 also of the distance by differences, so that ranks agree with it.
        """
        dimension = len(self.shift)
        roundoff = (dimension + 16) * float(np.finfo(dtype).eps) / 2
        if dtype is np.float64:
            roundoff *= 4
        off: Float64 = roundoff / (1 - roundoff) * (lengths + self.reach) ** 2 / 2 + _UNDERFLOW
        return off

    def _longest(self, vectors: Any) -> float:
        """Return the length of the longest vector from the new origin, rounded up."""

        def measure(block: slice) -> float:
            moved = read(vectors, block).astype(np.float64)
            moved -= self.shift
            return float(sq_dists(moved).max())

        sq_lengths = threads.over(blocks_of(vectors), measure)
        return math.sqrt(max(sq_lengths, default=0.0)) * (1 + 1e-6)


def blocks_of(vectors: Any) -> list[slice]:
    """Return blocks of a few MB each."""
    n_rows, dimension = vectors.shape
    return threads.cut(n_rows, max(64, _BLOCK_FLOATS // max(dimension, 1)))


_own = threading.local()


def buffer(name: str, shape: tuple[int, int], dtype: type[Scalar]) -> npt.NDArray[Scalar]:
    """Return memory of this thread that was touched before: fresh memory is slow at first.

    It holds whatever it held, and is valid until the thread asks for the same name again.
    """
    size = shape[0] * shape[1]
    held: npt.NDArray[Scalar] | None = getattr(_own, name, None)
    if held is None or len(held) < size or held.dtype != dtype:
        held = np.empty(size, dtype=dtype)
        setattr(_own, name, held)
    return held[:size].reshape(shape)


def spread(n_rows: int, wanted: int) -> Index:
    """Return ``wanted`` rows, evenly spread, or all if there are fewer.

    Example:
        >>> spread(10, 3), spread(2, 3)
        (array([0, 3, 6]), array([0, 1]))
    """
    size = min(wanted, n_rows)
    return np.arange(size, dtype=np.intp) * n_rows // max(size, 1)
