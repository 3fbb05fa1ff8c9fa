"""The engine on torch tensors: the picks of the CPU, whatever the caller asked of torch.

What is tested on ``"torch"`` (torch on the CPU) always is tested on ``"cuda"`` where there is one.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import test_distances
import torch
from problems import Problem
from random_problems import random_problem

import selectlab
from selectlab import rank
from selectlab.distances import nearest_selected
from selectlab.errors import SelectlabError
from selectlab.nearest import device_nearest
from selectlab.nearest.device_nearest import DeviceNearest, has_room
from selectlab.nearest.device_products import full_precision, sent
from selectlab.resources import Resources, using
from selectlab.row_files import RowFile
from selectlab.stored import StoredVectors
from selectlab.strategies import Balance, Diversity, Similarity, Typicality, Weights
from selectlab.types import Categories, Objects, Scalars, Signal, Strategy, Vectors

Array = np.ndarray[Any, Any]
Parts = list[tuple[Signal, Strategy]]

N_PROBLEMS = 120
SIZES = (Resources(), Resources(pool_rows=3, core_rows=2), Resources(pool_rows=6, core_rows=1))
NO_CUDA = pytest.mark.skipif(
    not torch.cuda.is_available(), reason=f"torch {torch.__version__} sees no CUDA device"
)
CUDA = pytest.param("cuda", marks=NO_CUDA)


@pytest.fixture(params=["torch", CUDA])
def device(request: pytest.FixtureRequest) -> str:
    """Where torch multiplies."""
    return str(request.param)


@pytest.fixture(params=["held", "sent"])
def placed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Vectors that live on the device, as those on a GPU do, or are sent there tile by tile."""
    monkeypatch.setattr(device_nearest, "has_room", lambda *_: request.param == "held")
    return str(request.param)


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several tiles, panels and blocks on small data."""
    monkeypatch.setattr(device_nearest, "_TILE_FLOATS", {"cuda": 1 << 14, "cpu": 1 << 14})
    monkeypatch.setattr(device_nearest, "_PANEL", {"cuda": 31, "cpu": 31})
    monkeypatch.setattr(device_nearest, "_BLOCK_FLOATS", 5000)


def rows(*index: int) -> Array:
    return np.array(index, dtype=np.intp)


def normal(n_rows: int, dimension: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(n_rows, dimension)).astype(np.float32)


def test_by_hand(device: str, placed: str) -> None:
    """3-4-5 from the origin; 6 from (3, 10); 7 is nearer to (10, 0) than to the origin."""
    vectors = np.array([[0, 0], [3, 4], [3, 10], [10, 0], [7, 0]], dtype=np.float32)
    state = DeviceNearest(vectors, device)
    state.add(rows(0))
    state.refresh(rows(1))
    assert state.upper[1] == pytest.approx(25.0, rel=1e-5)
    assert state.upper[1] >= 25.0
    assert np.isinf(state.upper[[2, 3, 4]]).all()
    state.add(rows(2, 3))
    state.refresh(slice(1, 5))
    assert state.upper[1:].tolist() == pytest.approx([25.0, 0.0, 0.0, 9.0], abs=1e-3)
    assert state.exact(rows(1, 4)).tolist() == [25.0, 9.0]
    assert state.is_current(rows(0, 1, 4)).tolist() == [False, True, True]


@pytest.mark.parametrize("seed", range(N_PROBLEMS))
def test_random_joint_problems(device: str, seed: int) -> None:
    """Ties, duplicates, negative strengths, conditions, objects: as on the CPU, also the errors.

    That the CPU's picks are right is the business of ``test_against_reference.py``.
    """
    problem = random_problem(seed)
    with using(SIZES[seed % len(SIZES)]):
        assert picked(problem, device) == picked(problem, "cpu"), problem


def picked(problem: Problem, device: str) -> tuple[str, ...] | str:
    config = {"n_samples": problem.n, "strategies": list(problem.entries)}
    preselected = list(problem.preselected) or None
    try:
        found = selectlab.select(config, problem.dataset(), preselected=preselected, device=device)
    except SelectlabError as error:
        return str(error)
    return (*found.ids, found.stop_reason)


def diverse(vectors: Array, **fields: Any) -> Parts:
    return [(Vectors(vectors=vectors), Diversity(**fields))]


def duplicates() -> Array:
    """Each vector about four times, and as often with a rounding error more."""
    vectors = normal(400, 9)[np.random.default_rng(1).integers(0, 400, 3000)]
    vectors[::2] *= np.float32(1 + 2.0**-23)
    return vectors


def clustered() -> Array:
    """Clusters so far from the origin that float32 products cannot tell their members apart."""
    centres = normal(20, 24) + 30
    return centres[np.random.default_rng(2).integers(0, 20, 3000)] + 1e-3 * normal(3000, 24)


def joint() -> Parts:
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 3, 4000)
    shares = {"a": 0.2, "b": 0.3, "c": 0.5}
    return [
        *diverse(normal(4000, 16)),
        (Scalars(values=rng.uniform(1, 2, 4000)), Weights(strength=0.5)),
        (Categories(codes=codes, names=("a", "b", "c")), Balance(target=shares)),
    ]


def of_objects() -> Parts:
    counts = np.random.default_rng(4).integers(0, 4, 1500)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return [(Objects(vectors=normal(int(offsets[-1]), 12), offsets=offsets), Diversity())]


def compared() -> Parts:
    vectors = normal(800, 10)
    return [
        (Vectors(vectors=vectors, query=vectors[:5] + 1), Similarity()),
        (Vectors(vectors=vectors), Typicality(num_nearest_neighbors=4)),
        *diverse(vectors, strength=0.3),
    ]


CASES = {
    "isotropic": lambda: diverse(normal(5000, 32)),
    "one dimension": lambda: diverse(normal(3000, 1)),
    "long vectors": lambda: diverse(normal(1500, 300)),
    "duplicates": lambda: diverse(duplicates()),
    "apart": lambda: diverse(duplicates(), stopping_condition_minimum_distance=2.5),
    "clusters": lambda: diverse(clustered()),
    "look-alikes": lambda: diverse(normal(300, 8), strength=-1.0),
    "joint": joint,
    "objects": of_objects,
    "all strategies": compared,
}


@pytest.mark.parametrize("case", CASES)
def test_the_picks_are_those_of_the_cpu(
    device: str, placed: str, small_tiles: None, case: str
) -> None:
    parts = CASES[case]()
    expected = rank(parts, 150, preselected=[7, 3])
    found = rank(parts, 150, preselected=[7, 3], device=device)
    assert found.rows.tolist() == expected.rows.tolist()
    assert found.stop_reason == expected.stop_reason


@pytest.mark.parametrize("dimension", [1, 2, 513])
@pytest.mark.parametrize("scale", test_distances.SCALES)
@pytest.mark.parametrize("offset", test_distances.OFFSETS)
def test_bounds_enclose_the_truth(
    device: str,
    placed: str,
    monkeypatch: pytest.MonkeyPatch,
    dimension: int,
    scale: float,
    offset: float,
) -> None:
    """The suite of the CPU on the device: nasty scales, large offsets, near-duplicates, zeros."""
    monkeypatch.setattr(test_distances, "NearestSelected", partial(DeviceNearest, device=device))
    test_distances.test_bounds_enclose_the_truth(dimension, scale, offset)


def test_vectors_that_have_seen_different_members(
    device: str, placed: str, small_tiles: None
) -> None:
    """More members than there is room for at first; half of the vectors saw half of them."""
    vectors = normal(2600, 7)
    state = DeviceNearest(vectors, device)
    state.add(np.arange(800, dtype=np.intp))
    state.refresh(np.arange(1, 2600, 2, dtype=np.intp))
    state.add(np.arange(1750, 2600, dtype=np.intp))
    everything = np.random.default_rng(0).permutation(2600).astype(np.intp)
    low = state.lower(everything)
    true = state.exact(everything)
    assert (low <= true).all()
    assert (state.upper[everything] >= true).all()
    assert (state.upper[everything] - true).max() < 1e-3


def test_vectors_in_a_file(device: str, placed: str, small_tiles: None) -> None:
    vectors = normal(2500, 11)
    file = RowFile.scratch("device", vectors.shape, vectors.dtype)
    file.write(0, vectors)
    parts: Parts = [(Vectors(vectors=StoredVectors(file)), Diversity())]
    found = rank(parts, 100, device=device)
    assert found.rows.tolist() == rank(diverse(vectors), 100).rows.tolist()


def test_arrays_that_must_not_be_written_to(device: str, placed: str) -> None:
    vectors = normal(900, 6)
    before = vectors.copy()
    vectors.setflags(write=False)
    assert len(rank(diverse(vectors), 50, device=device)) == 50
    assert (vectors == before).all()


def test_tensors_as_embeddings(device: str) -> None:
    vectors = torch.from_numpy(normal(300, 5))
    data = selectlab.Dataset([f"{i:03d}" for i in range(300)], embeddings=vectors)
    config = {"n_samples": 40, "strategies": [DIVERSE]}
    expected = selectlab.select(config, data)
    assert selectlab.select(config, data, device=device).ids == expected.ids


DIVERSE = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}


def test_the_run_says_where() -> None:
    with using(Resources(device="torch")):
        assert isinstance(nearest_selected(normal(3, 2)), DeviceNearest)
    assert not isinstance(nearest_selected(normal(3, 2)), DeviceNearest)


def test_the_device_multiplies_and_counts(device: str, placed: str, small_tiles: None) -> None:
    """The first member for all vectors, ten more for a third of them."""
    vectors = normal(300, 4)
    state = DeviceNearest(vectors, device)
    state.add(rows(0))
    state.refresh(slice(0, 300))
    assert state.computed == 300
    state.add(np.arange(1, 11, dtype=np.intp))
    third = np.arange(0, 300, 3, dtype=np.intp)
    state.refresh(third, np.full(100, np.inf))
    n_at_0 = int((state.upper[third] <= 0).sum())
    assert 300 + 10 * (100 - n_at_0) <= state.computed <= 300 + 10 * 100
    computed, fetched = state.computed, state.fetched
    state.refresh(third)
    state.refresh(rows())
    assert (state.computed, state.fetched) == (computed, fetched)


WISHES: dict[str, Callable[[], None]] = {
    "nothing": lambda: None,
    "high": partial(torch.set_float32_matmul_precision, "high"),
    "medium": partial(torch.set_float32_matmul_precision, "medium"),
    "allow_tf32": partial(setattr, torch.backends.cuda.matmul, "allow_tf32", True),
}
if hasattr(torch.backends.cuda.matmul, "fp32_precision"):
    for_all, for_cuda = torch.backends, torch.backends.cuda.matmul
    WISHES["tf32 of CUDA"] = partial(setattr, for_cuda, "fp32_precision", "tf32")
    WISHES["tf32 of all"] = partial(setattr, for_all, "fp32_precision", "tf32")


@pytest.fixture(params=WISHES)
def wish(request: pytest.FixtureRequest) -> Iterator[None]:
    """What the caller asked of torch: products faster than float32 allows."""
    before = [held.fp32_precision for held in holders()]
    WISHES[request.param]()
    yield
    torch.set_float32_matmul_precision("highest")
    for held, precision in zip(holders(), before, strict=True):
        held.fp32_precision = precision


def holders() -> list[Any]:
    found: list[Any] = [torch.backends, torch.backends.cuda, torch.backends.mkldnn]
    found += [getattr(backend, "matmul", None) for backend in found[1:]]
    return [held for held in found if hasattr(held, "fp32_precision")]


def settings() -> list[str]:
    """Every setting of torch about the precision of products."""
    try:
        of_all = [torch.get_float32_matmul_precision(), str(torch.backends.cuda.matmul.allow_tf32)]
    except RuntimeError:  # torch asked in the new words does not answer in the old ones
        of_all = ["mixed"]
    return [*of_all, *(str(held.fp32_precision) for held in holders())]


def test_products_are_float32_whatever_the_caller_wishes(device: str, wish: None) -> None:
    """1 + 2^-12 has more digits than TF32 and bfloat16 keep; the settings stay the caller's."""
    numbers = np.full((256, 256), 1 + 2.0**-12, dtype=np.float32)
    unit = np.eye(256, dtype=np.float32)
    before = settings()
    with torch.autocast("cpu", torch.bfloat16), full_precision():
        assert torch.get_float32_matmul_precision() == "highest"
        assert not torch.backends.cuda.matmul.allow_tf32
        products = sent(numbers, device) @ sent(unit, device)
        assert products.cpu().numpy().tobytes() == numbers.tobytes()
    assert settings() == before


def test_a_selection_inside_of_autocast(device: str, wish: None) -> None:
    """Training code often selects in a block that turns products into half precision."""
    parts = diverse(normal(2000, 16))
    before = settings()
    with torch.autocast("cuda" if device == "cuda" else "cpu", torch.bfloat16):
        found = rank(parts, 100, device=device)
        assert torch.is_autocast_enabled("cuda" if device == "cuda" else "cpu")
    assert found.rows.tolist() == rank(parts, 100).rows.tolist()
    assert settings() == before


def test_the_settings_come_back_after_an_error(wish: None) -> None:
    before = settings()
    with pytest.raises(ZeroDivisionError), full_precision():
        raise ZeroDivisionError
    assert settings() == before


def test_torch_on_the_cpu_takes_vectors_from_where_they_are() -> None:
    assert not has_room("torch", 1)


@NO_CUDA
def test_a_gpu_takes_in_what_it_has_room_for() -> None:
    assert has_room("cuda", 1)
    assert not has_room("cuda", torch.cuda.mem_get_info()[1])


def test_a_run_on_the_cpu_never_loads_torch() -> None:
    program = (
        "import sys, numpy as np\n"
        "from selectlab import rank\n"
        "from selectlab.strategies import Diversity, Similarity\n"
        "from selectlab.types import Vectors\n"
        "line = np.arange(12, dtype=np.float32).reshape(6, 2)\n"
        "parts = [(Vectors(vectors=line), Diversity()),"
        " (Vectors(vectors=line, query=line[:1]), Similarity())]\n"
        "assert len(rank(parts, 3)) == 3\n"
        "print('torch' in sys.modules)\n"
        "rank(parts, 3, device='torch')\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True"]
