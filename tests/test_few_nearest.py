"""A few vectors followed at every addition: float32 proposes, float64 tells."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from selectlab.nearest.nearest_selected import NearestSelected

Float32 = npt.NDArray[np.float32]
Kind = Callable[[np.random.Generator], Float32]


def gaussian(rng: np.random.Generator) -> Float32:
    return rng.normal(size=(700, 24)).astype(np.float32)


def near_duplicates(rng: np.random.Generator) -> Float32:
    """Around 10, apart by 1e-3: float32 products cannot tell which member is the nearest."""
    return (rng.normal(size=(700, 24)) * 1e-3 + 10).astype(np.float32)


def grid(rng: np.random.Generator) -> Float32:
    return rng.integers(0, 3, size=(700, 24)).astype(np.float32)


@pytest.mark.parametrize("kind", [gaussian, near_duplicates, grid])
def test_distances_are_those_to_all_members(kind: Kind) -> None:
    vectors = kind(np.random.default_rng(0))
    nearest = NearestSelected(vectors)
    rows, later = np.arange(0, 200, 3), np.arange(200, 700)
    done = 0
    for n in (3, 40, 41, 500):
        nearest.add(later[done:n])
        done = n
        nearest.refresh(rows[::2])
        few = nearest.few(rows)
        gaps = vectors[rows][:, None].astype(np.float64) - vectors[later[:n]]
        assert np.abs(few.sq_dists - (gaps**2).sum(axis=2).min(axis=1)).max() <= few.error
        few.put_back()
