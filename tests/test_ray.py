"""Selections whose vectors are held by Ray actors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_problems import random_problem
from small_dataset import DIVERSITY, EMBEDDINGS, config, small_dataset
from workers import KINDS, MAKE, doomed, ranked

import selectlab
from selectlab.cluster import clusters
from selectlab.cluster.executor import Request
from selectlab.cluster.ray_executor import RayExecutor
from selectlab.errors import EngineError, MissingExtraError, SelectlabError
from selectlab.resources import Resources, using

SMALL = Resources(pool_rows=40, core_rows=7)
CLUSTER = pytest.mark.filterwarnings("default")
"""What Ray warns of is its own affair."""


def test_ray_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError) as caught:
        selectlab.select(config((EMBEDDINGS, DIVERSITY)), "nowhere", engine="ray")
    assert str(caught.value) == (
        "engine 'ray': Ray is not installed; in selectlab's folder: "
        "pip install -c constraints.txt '.[ray]'"
    )


@pytest.fixture(scope="module")
def ray_here() -> Iterator[Any]:
    """A small Ray on this machine, that the program has started itself."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'selectlab[ray]'")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(
        address="local",
        num_cpus=8,
        include_dashboard=False,
        object_store_memory=1 << 27,
        log_to_driver=False,
    )
    yield ray
    ray.shutdown()
    del os.environ["RAY_USAGE_STATS_ENABLED"]


@pytest.fixture(scope="module")
def three(ray_here: Any) -> Iterator[RayExecutor]:
    executor = RayExecutor(3, MAKE)
    yield executor
    executor.stop()
    assert ray_here.is_initialized()


@CLUSTER
@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_picks(three: RayExecutor, kind: str) -> None:
    with using(SMALL):
        here = ranked(kind)
        with clusters.using(three):
            there = ranked(kind)
    assert there.rows.tolist() == here.rows.tolist()
    assert there.stop_reason == here.stop_reason


@CLUSTER
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_the_same_selection(three: RayExecutor, seed: int) -> None:
    problem = random_problem(seed)

    def outcome() -> Any:
        try:
            return problem.select()
        except SelectlabError as error:
            return str(error)

    here = outcome()
    with clusters.using(three):
        assert outcome() == here


DEATHS: list[Sequence[tuple[int, int, str]]] = [
    [(1, 0, "before")],
    [(1, 1, "while"), (2, 2, "while")],
    [(3, 1, "before"), (3, 2, "while"), (5, 1, "while")],
]


@CLUSTER
@pytest.mark.slow
@pytest.mark.usefixtures("ray_here")
@pytest.mark.parametrize("deaths", DEATHS, ids=str)
def test_a_killed_actor(deaths: Sequence[Any]) -> None:
    """SIGKILL from outside: another takes its place, and the picks are the same."""
    with using(SMALL):
        here = ranked("joint")
        executor = doomed(RayExecutor, deaths)
        with clusters.using(executor):
            there = ranked("joint")
    executor.stop()
    assert executor.left == []
    assert 1 <= executor.restarts <= len(deaths)
    assert there.rows.tolist() == here.rows.tolist()


@CLUSTER
@pytest.mark.slow
def test_an_error_inside_an_actor_is_one_line(three: RayExecutor) -> None:
    with pytest.raises(EngineError) as caught:
        three.call({1: [Request("gather", (99_999, slice(0, 1)))]})
    assert str(caught.value) == "engine 'ray': worker 1 of 3: KeyError: 99999"


@CLUSTER
@pytest.mark.slow
def test_ray_starts_and_ends_with_the_run(tmp_path: Path) -> None:
    """From the command line, in a process of its own; nothing of Ray is running afterwards."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'selectlab[ray]'")
    data = small_dataset(tmp_path)
    (tmp_path / "c.json").write_text(json.dumps(config((EMBEDDINGS, DIVERSITY))))
    picked = selectlab.select(config((EMBEDDINGS, DIVERSITY)), data).ids
    command = [sys.executable, "-m", "selectlab", "select", tmp_path / "c.json", "--data", data]
    command += ["--out", tmp_path / "run", "--engine", "ray", "--workers", "2"]
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    told = manifest["engine"]["cluster"]
    assert (told["engine"], told["workers"], told["restarts"]) == ("ray", 2, 0)
    assert (tmp_path / "run" / "selection.txt").read_text().split() == list(picked)


@CLUSTER
@pytest.mark.slow
def test_an_address_that_is_none() -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'selectlab[ray]'")
    program = (
        "import numpy as np, selectlab\n"
        "from selectlab.inputs import Embeddings\n"
        "from selectlab.strategies import Diversity\n"
        "data = selectlab.Dataset(['a', 'b'], embeddings=np.eye(2))\n"
        "selectlab.select([(Embeddings(), Diversity())], data, n_samples=1, engine='ray')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "RAY_ADDRESS": "nowhere"},
    )
    assert done.stderr.splitlines()[-1] == (
        "selectlab.errors.EngineError: engine 'ray': no cluster at RAY_ADDRESS 'nowhere', "
        "Invalid address format: nowhere"
    )


@CLUSTER
@pytest.mark.slow
def test_vectors_come_back_whole(three: RayExecutor) -> None:
    """Pieces of the object store end in the middle of a worker's part."""
    own = np.random.default_rng(0).normal(size=(1001, 4)).astype(np.float32)
    parts = three.store([(0, own[:400]), (400, own[400:401]), (401, own[401:])], 4)
    found = np.concatenate([rows for _, rows in parts.blocks(333, 777)])
    assert np.array_equal(found, own[333:777])
