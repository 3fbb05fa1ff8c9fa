"""Members left out by the triangle inequality: never the nearest one, and most of them."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from selectlab import rank
from selectlab.nearest.nearest_selected import NearestSelected
from selectlab.strategies import Diversity
from selectlab.types import Vectors

Float32 = npt.NDArray[np.float32]
N_ROWS, N_DIMENSIONS, N_MEMBERS = 20_000, 64, 1200


def crowds(n: int, noise: float, seed: int = 0) -> Float32:
    """Rows of length 1 around 100 centres; a noise of 9 leaves nothing of the centres."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(100, N_DIMENSIONS))[rng.integers(100, size=n)]
    rows = rows + noise * rng.normal(size=rows.shape)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def with_members(vectors: Float32, n: int = N_MEMBERS) -> NearestSelected:
    """A set of rows in no order; those after the first few are news to all vectors."""
    nearest = NearestSelected(vectors)
    members = np.random.default_rng(1).permutation(len(vectors))[:n]
    nearest.add(members[:4])
    nearest.refresh(slice(0, len(vectors)))
    nearest.add(members[4:])
    return nearest


def true_sq_dists(vectors: Float32, members: Float32) -> npt.NDArray[np.float64]:
    gaps = vectors[:, None].astype(np.float64) - members.astype(np.float64)
    return np.asarray((gaps**2).sum(axis=2))


def left_for(nearest: NearestSelected, row: int) -> list[int]:
    """Members that a row has to be compared with."""
    [(places, members)] = nearest.homes.groups(np.array([row]), np.zeros(1, dtype=np.int32))
    assert places.tolist() == [0]
    return members.tolist()


def test_far_members_are_left_out() -> None:
    """256 members from 0 to .255 on a line, the last of which is home to the rows, then two more.

    The row at .5 is .245 from home and from its nearest member: members within .49 of home
    matter. The row at 60 is 59.745 from home and 40 from the member at 100: those within 99.745
    of home matter, which is that member; the one at 100.25 does not.
    """
    first = np.arange(256) / 1000
    line = np.concatenate([first, [100.0, 100.25], [0.5, 60.0]])[:, None].astype(np.float32)
    nearest = NearestSelected(line)
    nearest.add(np.arange(258))
    nearest.refresh(np.arange(260))
    assert left_for(nearest, 258) == list(range(256))
    assert left_for(nearest, 259) == list(range(257))


@pytest.mark.parametrize("noise", [0.05, 0.3, 9.0])
def test_the_nearest_member_is_never_left_out(noise: float) -> None:
    vectors = crowds(2000, noise)
    nearest = with_members(vectors)
    rows = np.arange(0, 2000, 7)
    check_nearest_are_left(vectors, nearest, rows)
    for row in range(0, 60, 20):  # which are their own nearest members, once they are added
        nearest.add(np.arange(row, row + 20))
        check_nearest_are_left(vectors, nearest, np.arange(60))


def check_nearest_are_left(
    vectors: Float32, nearest: NearestSelected, rows: npt.NDArray[np.intp]
) -> None:
    members = vectors[nearest.indices]
    asked = 0
    for places, left in nearest.homes.groups(rows, np.zeros(len(rows), dtype=np.int32)):
        asked += len(places)
        known = np.union1d(left, np.arange(4))
        true = true_sq_dists(vectors[rows[places]], members)
        assert (true[:, known].min(axis=1) == true.min(axis=1)).all()
    assert asked == len(rows)


def test_few_members_are_left_where_there_are_crowds() -> None:
    vectors = crowds(N_ROWS, 0.2)
    nearest = with_members(vectors)
    before = nearest.computed
    nearest.refresh(np.arange(N_ROWS))
    assert nearest.computed - before < 0.5 * N_ROWS * N_MEMBERS
    rows = np.arange(0, N_ROWS, 101)
    true = true_sq_dists(vectors[rows], vectors[nearest.indices]).min(axis=1)
    assert (nearest.lower(rows) <= true).all()
    assert (true <= nearest.upper[rows]).all()
    assert nearest.is_current(np.arange(N_ROWS)).all()


def test_nothing_is_left_out_where_there_are_none() -> None:
    vectors = crowds(N_ROWS, 9.0)
    nearest = with_members(vectors)
    rows = np.arange(N_ROWS)
    assert not nearest.homes.pay(rows, nearest.seen(rows))


def test_a_few_vectors_are_followed_past_the_members_near_them() -> None:
    """So many members are new to them that groups pay; distances are those of all members."""
    vectors = crowds(40_000, 0.2)
    nearest = with_members(vectors, 36_000)
    rows = np.sort(np.random.default_rng(2).permutation(40_000)[:512])
    nearest.refresh(rows)
    assert nearest.homes.pay(rows, np.zeros(512, dtype=np.int32))
    few = nearest.few(rows)
    members = vectors[nearest.indices].astype(np.float64)
    for at in range(0, 512, 37):
        true = ((vectors[rows[at]].astype(np.float64) - members) ** 2).sum(axis=1).min()
        assert abs(few.sq_dists[at] - true) <= few.error


def test_picks_are_those_of_the_plain_loop() -> None:
    vectors = crowds(N_ROWS, 0.2)
    picked = rank([(Vectors(vectors=vectors), Diversity())], 1500).rows
    doubles = vectors.astype(np.float64)
    nearest = np.full(N_ROWS, np.inf)
    for row, following in itertools.pairwise(picked):
        np.minimum(nearest, 2.0 - 2.0 * (doubles @ doubles[row]), out=nearest)
        assert nearest[following] >= nearest.max() - 1e-6
