"""COVERAGE: samples whose neighbourhood is not covered yet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator
from typing_extensions import Self

from selectlab.distances import Balls
from selectlab.groups import gaps_to_others, k_means
from selectlab.types import (
    BoolArray,
    CloseUp,
    Falling,
    FloatArray,
    Form,
    Kinds,
    Objective,
    Reason,
    Rows,
    Side,
    Signal,
    Strategy,
    Vectors,
)

__all__ = ["Coverage"]

_BELOW = 1 - 1e-12
"""The estimated radius is this times the distance at which too few balls are pure."""
_MANY_ALONE = 0.5


class Coverage(Strategy):
    """Pick the sample with most samples around it that no pick is near to yet (ProbCover).

    A sample covers those within ``radius`` of it, itself included. Dense regions come first,
    outliers last. The radius should be as large as it can be while a ball holds one class only;
    without one it is estimated: the largest at which a share ``purity`` of the balls hold samples
    of a single group, the groups being those of k-means. That needs vectors in which classes are
    groups, such as self-supervised embeddings. On pixels or principal components it comes out so
    small that samples cover nothing but themselves (Bae et al., 2024); a warning says so.

    Attributes:
        strength: Exponent in the product of all strategies; negative seeks what is covered.
        radius: Distance up to which a sample covers others, in embedding units, inclusive.
        num_classes: Number of classes, to estimate the radius; instead of ``radius``.
        purity: Share of the balls that must be pure, for the estimate.
        random_seed: Seed of k-means, for the estimate.

    Objective:
        Number of samples covered by the selected set and the candidate.

    Cost:
        O(N * N * D) once, and as much again until everything is covered; to estimate the radius
        as much again. O(N) memory beyond the vectors.

    Reference:
        Yehuda, Dekel, Hacohen & Weinshall, NeurIPS 2022 (ProbCover), algorithm 1.
        Differs from the paper: the radius is the largest there is, not the largest of a list;
        once everything is covered the rest follows in the order of the ids.

    Example:
        >>> import numpy as np
        >>> from selectlab.types import Vectors
        >>> line = np.array([[0.0], [1.0], [2.0], [9.0]], dtype=np.float32)
        >>> objective = Coverage(radius=1.0).start(Vectors(vectors=line))
        >>> objective.exact(np.arange(4))
        array([2., 3., 2., 1.])
        >>> objective.add(np.array([1]))
        >>> objective.exact(np.array([0, 3]))
        array([3., 4.])
    """

    type: Literal["COVERAGE"] = "COVERAGE"
    accepts: ClassVar[Kinds] = (Vectors,)
    radius: Annotated[float, Field(gt=0)] | None = None
    num_classes: Annotated[int, Field(ge=2)] | None = None
    purity: Annotated[float, Field(gt=0, le=1)] = 0.95
    random_seed: int = 0

    @model_validator(mode="after")
    def _radius_or_classes(self) -> Self:
        if self.radius is None and self.num_classes is None:
            raise ValueError("COVERAGE needs a 'radius', or 'num_classes' to estimate one")
        if self.radius is not None and self.num_classes is not None:
            raise ValueError("'radius' and 'num_classes' exclude each other: one is to estimate it")
        return self

    def start(self, signal: Signal) -> Objective:
        """Return what each sample covers."""
        assert isinstance(signal, Vectors)
        if self.radius is not None:
            return _Covered(signal, self.radius, "given")
        return _Covered(signal, self._estimated(signal), f"estimated, purity {self.purity:g}")

    def _estimated(self, signal: Vectors) -> float:
        """Return the largest radius at which enough balls are pure."""
        assert self.num_classes is not None
        group = k_means(signal.vectors, self.num_classes, self.random_seed)
        gaps = gaps_to_others(signal.vectors, group)
        n_mixed = math.floor(round((1 - self.purity) * len(gaps), 9))
        closest = float(np.partition(gaps, n_mixed)[n_mixed])
        return closest * _BELOW if math.isfinite(closest) else 1.0  # where all vectors are equal


class _Covered(Objective):
    def __init__(self, signal: Vectors, radius: float, origin: str) -> None:
        self._balls = Balls(signal.vectors, radius)
        self._radius, self._origin = radius, origin
        self._covered = np.zeros(len(signal), dtype=np.bool_)
        self._new = self._balls.around(np.arange(len(signal), dtype=np.intp))
        self._n_alone = int((self._new == 1).sum())
        self._n_selected = 0
        self._done_after: int | None = None

    @property
    def n_selected(self) -> int:
        """Number of samples in the selected set."""
        return self._n_selected

    @property
    def n_covered(self) -> int:
        """Number of samples that the selected set covers."""
        return int(np.count_nonzero(self._covered))

    def newly_covered(self, rows: Rows | slice) -> FloatArray:
        """Return how many samples each of ``rows`` would cover that nothing covers yet."""
        return self._new[rows].astype(np.float64)

    def form(self) -> Form:
        return _NewlyCovered(self)

    def exact(self, rows: Rows) -> FloatArray:
        return self.n_covered + self.newly_covered(rows)

    def bound(self, block: slice, side: Side) -> FloatArray:
        return self.n_covered + self.newly_covered(block)

    def add(self, rows: Rows) -> None:
        self._n_selected += len(rows)
        if self._new[rows].any():
            self._cover(rows)
        if self._done_after is None and self._covered.all():
            self._done_after = self._n_selected

    def facts(self) -> Mapping[str, object]:
        return {
            "coverage": {
                "radius": self._radius,
                "origin": self._origin,
                "covered": self.n_covered,
                "alone": self._n_alone,
            }
        }

    def shortfalls(self) -> Sequence[str]:
        notes, n_rows = [], len(self._new)
        if self._n_alone > _MANY_ALONE * n_rows:
            notes.append(
                f"COVERAGE: within the radius {self._radius:.4g} ({self._origin}) {self._n_alone} "
                f"of {n_rows} samples cover nothing but themselves, so the ranking says little; "
                "give a larger 'radius', or embeddings in which classes are groups"
            )
        if self._done_after is not None and self._done_after < self._n_selected:
            notes.append(
                f"COVERAGE: {self._done_after} selected samples cover all {n_rows} within the "
                f"radius {self._radius:.4g}; those after them cover nothing new"
            )
        return notes

    def reason(self, row: int) -> Reason:
        value = float(self._new[row])
        return Reason(
            f"covers {value:.0f} samples within {self._radius:.4g} that nothing selected covers",
            value=value,
        )

    def _cover(self, rows: Rows) -> None:
        """Take note of what rows cover, and take it off the counts of everyone near."""
        around = self._balls.around(rows)
        newly = np.flatnonzero((around > 0) & ~self._covered)
        self._covered[newly] = True
        left = np.flatnonzero(~self._covered)
        if np.array_equal(newly, rows):
            self._new = self._new - around
        elif len(newly) <= len(left):
            self._new = self._new - self._balls.around(newly)
        else:
            self._new = self._balls.around(left)


class _NewlyCovered(Falling):
    """What each row would cover anew; always up to date."""

    def __init__(self, covered: _Covered) -> None:
        self._objective = covered

    @property
    def n_selected(self) -> int:
        """Never 0: rows differ before the first pick."""
        return max(self._objective.n_selected, 1)

    @property
    def core_share(self) -> float:
        return 1.0

    def level(self) -> float:
        return float(self._objective.n_covered)

    def exact(self, rows: Rows) -> FloatArray:
        return self._objective.newly_covered(rows)

    def upper(self, rows: Rows | slice) -> FloatArray:
        return self._objective.newly_covered(rows)

    def refresh(self, rows: Rows | slice, floor: FloatArray | None = None) -> None:
        """There is nothing to bring up to date."""

    def is_current(self, rows: Rows) -> BoolArray:
        return np.ones(len(rows), dtype=np.bool_)

    def close_up(self, rows: Rows) -> CloseUp:
        return _FewNewlyCovered(self._objective, rows)


class _FewNewlyCovered(CloseUp):
    """The same for a few rows."""

    def __init__(self, covered: _Covered, rows: Rows) -> None:
        self._objective, self._rows = covered, rows
        self.error = 0.0
        self.values = covered.newly_covered(rows)

    def add(self, rows: Rows) -> None:
        self.values = self._objective.newly_covered(self._rows)
