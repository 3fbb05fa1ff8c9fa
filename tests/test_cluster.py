"""Selections whose vectors are held by processes: the same values, picks and messages."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folder_builder import build, npy, parquet
from random_problems import random_problem
from small_dataset import DIVERSITY, EMBEDDINGS, config, small_dataset
from small_dataset import selectlab as command_line
from workers import KINDS, MAKE, doomed, grouped, parts, ranked

import selectlab
from selectlab.cluster import clusters
from selectlab.cluster.executor import Request, even_cuts
from selectlab.cluster.process_executor import ProcessExecutor, tempfile
from selectlab.cluster.sharded import ShardedVectors, UnusableRowError, hold_array
from selectlab.errors import ConfigError, DataError, EngineError, SelectlabError
from selectlab.inputs import Embeddings
from selectlab.inputs.folder import open_dataset
from selectlab.manifest import hash_signal
from selectlab.ranking import rank
from selectlab.resources import Resources, using
from selectlab.strategies import Diversity
from selectlab.types import Vectors

N, D = 230, 5
SMALL = Resources(pool_rows=40, core_rows=7)
"""So few that every level of the search is used on small problems."""


@pytest.fixture(scope="module")
def three() -> Iterator[ProcessExecutor]:
    """Three workers for the whole module."""
    executor = ProcessExecutor(3, MAKE)
    executor.call({worker: [Request("pid")] for worker in range(3)})
    yield executor
    executor.stop()


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    before = set(multiprocessing.active_children())
    yield
    assert set(multiprocessing.active_children()) <= before


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own for scratch files, that is empty in the end."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def names(order: str) -> list[str]:
    found = [f"é/{i // 50}/größe {i:04d}.png" for i in range(N)]
    return found if order == "sorted" else np.random.default_rng(1).permutation(found).tolist()


def values(kind: Any = np.float32) -> Any:
    generator = np.random.default_rng(0)
    return (generator.normal(size=(N, D)) * generator.uniform(0.1, 9, size=(N, 1))).astype(kind)


def files(form: str, kind: Any, ids: list[str]) -> dict[str, Any]:
    lines, own = "\n".join(ids), values(kind)
    if form == "parquet":
        return {"embeddings.parquet": grouped(ids, own)}
    if form == "lists":
        columns = {"sample_id": ids, "embedding": own.tolist()}
        return {"embeddings.parquet": parquet(columns, fixed=False)}
    if form == "csv":
        rows = [
            ",".join([name, *map(repr, row.tolist()), "0"])
            for name, row in zip(ids, own, strict=True)
        ]
        head = ",".join(["filenames", *(f"embedding_{i}" for i in range(D)), "labels"])
        return {"embeddings.csv": "\n".join([head, *rows])}
    return {"embeddings.npy": npy(own, "F" if form == "fortran" else "C"), "ids.txt": lines}


def loaded(path: Path, **fields: Any) -> Any:
    return Embeddings(**fields).load(open_dataset(path))


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize(
    ("form", "kind", "order"),
    [
        ("npy", np.float32, "sorted"),
        ("npy", np.float16, "shuffled"),
        ("npy", np.int16, "shuffled"),
        ("fortran", np.float32, "shuffled"),
        ("parquet", np.float32, "sorted"),
        ("parquet", np.float64, "shuffled"),
        ("lists", np.float32, "shuffled"),
        ("csv", np.float64, "shuffled"),
    ],
)
def test_the_same_to_the_last_bit(
    tmp_path: Path, three: ProcessExecutor, form: str, kind: Any, order: str, normalize: bool
) -> None:
    path = build(tmp_path / "data", files(form, kind, names(order)))
    here = loaded(path, normalize=normalize)
    with clusters.using(three):
        there = loaded(path, normalize=normalize)
        assert isinstance(there.vectors, ShardedVectors)
        assert np.array_equal(here.vectors, there.vectors[:])
        assert np.array_equal(here.vectors[3], there.vectors[3])
        assert hash_signal(here) == hash_signal(there)
        rows = np.random.default_rng(2).permutation(N)[:99]
        assert hash_signal(here.take(rows)) == hash_signal(there.take(rows))
        assert hash_signal(here.take(rows).chunk(3)) == hash_signal(there.take(rows).chunk(3))
        mask = np.arange(N) % 3 == 1
        assert np.array_equal(here.vectors[mask], there.vectors[mask])
        assert np.array_equal(here.vectors[[5, -1, 5]], there.vectors[[5, -1, 5]])


@pytest.mark.parametrize("form", ["npy", "parquet"])
@pytest.mark.parametrize("order", ["sorted", "shuffled"])
def test_missing_and_unknown_ids(
    tmp_path: Path, three: ProcessExecutor, form: str, order: str
) -> None:
    """The dataset has 30 samples without a vector, and the file 50 vectors of nobody."""
    ids = names(order)
    content = files(form, np.float32, ids) | {
        "relevant_filenames.txt": "\n".join(
            [*sorted(ids)[50:], *(f"m/{i}.png" for i in range(30))]
        ),
        "metadata.csv": "sample_id,x\n" + "".join(f"m/{i}.png,1\n" for i in range(30)),
    }
    path = build(tmp_path / "data", content)
    here = loaded(path)
    with clusters.using(three):
        there = loaded(path)
        assert there.missing.tolist() == here.missing.tolist()
        assert there.missing.sum() == 30
        assert np.array_equal(here.vectors, there.vectors[:])
        assert hash_signal(here) == hash_signal(there)


def test_object_embeddings(tmp_path: Path, three: ProcessExecutor) -> None:
    """Objects of a sample lie anywhere in the file."""
    order = np.random.default_rng(4).permutation(N)
    ids = [f"{i // 4:03d}.png" for i in order]
    objects = [int(i) % 4 for i in order]
    content = {"embeddings/det.parquet": grouped(ids, values(), {"object": objects})}
    path = build(tmp_path / "data", content)
    here = loaded(path, task="det")
    with clusters.using(three):
        there = loaded(path, task="det")
        assert hash_signal(here) == hash_signal(there)
        assert hash_signal(here.chunk(2)) == hash_signal(there.chunk(2))


@pytest.mark.parametrize("sizes", [Resources(), SMALL], ids=["large", "small"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_picks(three: ProcessExecutor, kind: str, sizes: Resources) -> None:
    with using(sizes):
        here = ranked(kind)
        with clusters.using(three):
            there = ranked(kind)
    assert there.rows.tolist() == here.rows.tolist()
    assert there.stop_reason == here.stop_reason
    assert there.engine["search"] == here.engine["search"]


@pytest.mark.parametrize("seed", range(40))
def test_the_same_selection(three: ProcessExecutor, seed: int) -> None:
    """Random problems through the whole pipeline: picks, or the same error."""
    problem = random_problem(seed)

    def outcome() -> Any:
        try:
            return problem.select()
        except SelectlabError as error:
            return str(error)

    here = outcome()
    with clusters.using(three):
        assert outcome() == here


def test_the_same_words(tmp_path: Path) -> None:
    """Everything that a selection says, the manifest's hashes included."""
    data = small_dataset(tmp_path)
    raw = config((EMBEDDINGS, DIVERSITY))
    here = selectlab.select(raw, data)
    there = selectlab.select(raw, data, engine="process", workers=2)
    assert there.picks == here.picks
    assert there.warnings == here.warnings
    assert there.manifest["inputs"] == here.manifest["inputs"]
    assert there.manifest["statistics"] == here.manifest["statistics"]
    told = there.manifest["engine"].pop("cluster")
    assert there.manifest["engine"] == here.manifest["engine"]
    assert {key: told[key] for key in ("engine", "workers", "restarts")} == {
        "engine": "process",
        "workers": 2,
        "restarts": 0,
    }


def test_a_few_rounds_of_messages() -> None:
    """Not one per pick: 400 picks of 20,000."""
    line = np.random.default_rng(0).normal(size=(20_000, 8)).astype(np.float32)
    found = rank([(Vectors(vectors=line), Diversity())], 400, engine="process", workers=2)
    told = found.engine["cluster"]
    assert told["rounds"] < 100
    assert told["rounds"] <= told["messages"] <= 2 * told["rounds"]


def test_fewer_vectors_than_workers(three: ProcessExecutor) -> None:
    own = np.array([[1.0], [5.0]], dtype=np.float32)
    with clusters.using(three):
        assert rank([(Vectors(vectors=own), Diversity())], 5).rows.tolist() == [0, 1]


def test_where_parts_are_cut() -> None:
    """Every part has its share; a row group is cut only where none ends nearby."""
    assert even_cuts(2, 4).tolist() == [0, 0, 1, 1, 2]
    assert even_cuts(0, 2).tolist() == [0, 0, 0]


DEATHS: list[Sequence[tuple[int, int, str]]] = [
    [(1, 0, "before")],
    [(1, 1, "while"), (2, 2, "while")],
    [(3, 1, "before"), (3, 2, "while"), (5, 1, "while")],
    [(8, 0, "while"), (9, 0, "before"), (10, 0, "while")],
]


@pytest.mark.parametrize("deaths", DEATHS, ids=str)
@pytest.mark.parametrize("kind", ["joint", "objects"])
def test_a_killed_worker(scratch: Path, kind: str, deaths: Sequence[Any]) -> None:
    """SIGKILL from outside, at loading and later: the same picks, and nothing is left over."""
    with using(SMALL):
        here = ranked(kind)
        executor = doomed(ProcessExecutor, deaths)
        with clusters.using(executor):
            there = ranked(kind)
    executor.stop()
    assert executor.left == []
    assert 1 <= executor.restarts <= len(deaths)
    assert there.rows.tolist() == here.rows.tolist()


def test_a_worker_that_dies_again_and_again() -> None:
    executor = ProcessExecutor(1, _end_at_once)
    with pytest.raises(EngineError) as caught:
        executor.call({0: [Request("pid")]})
    executor.stop()
    assert str(caught.value) == (
        "engine 'process': worker 0 of 1 died 4 times in a row; was there enough memory?"
    )


def _end_at_once(n_threads: int) -> Any:
    os._exit(1)


def test_an_error_inside_a_worker_is_one_line(three: ProcessExecutor) -> None:
    with pytest.raises(EngineError) as caught:
        three.call({1: [Request("gather", (99_999, slice(0, 1)))]})
    assert str(caught.value) == "engine 'process': worker 1 of 3: KeyError: 99999"
    assert three.call({1: [Request("pid")]})[1][0] > 0


@pytest.mark.parametrize("form", ["npy", "parquet"])
def test_values_that_are_no_numbers(tmp_path: Path, three: ProcessExecutor, form: str) -> None:
    """The message is that of a run without workers, and names the first."""
    content = files(form, np.float32, names("shuffled"))
    own = values()
    own[70, 2], own[180, 0] = np.nan, np.inf
    if form == "npy":
        content["embeddings.npy"] = npy(own)
    else:
        content["embeddings.parquet"] = grouped(names("shuffled"), own)
    path = build(tmp_path / "data", content)
    messages = set()
    with pytest.raises(DataError) as caught:
        loaded(path)
    messages.add(str(caught.value))
    with clusters.using(three), pytest.raises(DataError) as caught:
        loaded(path)
    messages.add(str(caught.value))
    assert len(messages) == 1
    assert repr(names("shuffled")[70]) in messages.pop()
    with pytest.raises(UnusableRowError) as row:
        hold_array(three, own)
    assert str(row.value) == "vector 70 has NaN, infinite or overflowing values"


def test_a_ragged_vector(tmp_path: Path, three: ProcessExecutor) -> None:
    """Found by the worker that reads it; the message names the sample."""
    rows = [[1.0, 2.0]] * 9
    rows[7] = [1.0]
    ids = [f"{i}.png" for i in range(9)]
    content = {"embeddings.parquet": parquet({"sample_id": ids, "embedding": rows}, fixed=False)}
    path = build(tmp_path / "data", content)
    for context in (clusters.using(three), using(Resources())):
        with context, pytest.raises(DataError) as caught:
            loaded(path)
        assert str(caught.value) == (
            "embeddings.parquet: embedding of '7.png' has 1 numbers, the first has 2; "
            "all must have the same"
        )


def test_nothing_is_left_after_an_error(scratch: Path) -> None:
    """Ctrl-C in the middle of a selection."""

    def interrupt(n_picks: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rank(parts("diversity"), 20, engine="process", workers=2, on_pick=interrupt)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_workers_end_with_the_program(tmp_path: Path) -> None:
    """Although it was killed and could tell them nothing."""
    program = tmp_path / "program.py"
    program.write_text(
        "import os, signal\n"
        "from functools import partial\n"
        "from selectlab.cluster.executor import Request\n"
        "from selectlab.cluster.process_executor import ProcessExecutor\n"
        "from selectlab.resources import Resources\n"
        "from selectlab.cluster.shard import Worker\n"
        "if __name__ == '__main__':\n"
        "    executor = ProcessExecutor(2, partial(Worker, Resources()))\n"
        "    found = executor.call({w: [Request('pid')] for w in (0, 1)})\n"
        "    print(found[0][0], found[1][0], flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=240, check=False
    )
    pids = done.stdout.split()
    assert len(pids) == 2, done.stderr
    end = time.monotonic() + 120
    while any(Path("/proc", pid).exists() for pid in pids):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_script_without_guard_is_told(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import numpy as np, selectlab\n"
        "from selectlab.inputs import Embeddings\n"
        "from selectlab.strategies import Diversity\n"
        "data = selectlab.Dataset(['a', 'b'], embeddings=np.eye(2))\n"
        "selectlab.select([(Embeddings(), Diversity())], data, n_samples=1, engine='process',\n"
        "                 workers=1)\n"
    )
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.stderr.splitlines()[-1] == (
        "selectlab.errors.EngineError: engine 'process': worker 0 of 1 died 4 times in a row; a "
        "script that uses it starts its work below `if __name__ == '__main__':`, since every "
        "worker imports it"
    )


def test_the_command_line(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    (tmp_path / "c.json").write_text(json.dumps(config((EMBEDDINGS, DIVERSITY))))
    given = ["select", tmp_path / "c.json", "--data", data]
    picked = []
    for name, more in (("a", []), ("b", ["--engine", "process", "--workers", 2])):
        done = command_line(*given, "--out", tmp_path / name, *more)
        assert done.code == 0, done.err
        picked.append((tmp_path / name / "selection.txt").read_text())
    assert picked[0] == picked[1]


def test_an_engine_that_does_not_exist() -> None:
    with pytest.raises(ConfigError) as caught:
        rank(parts("diversity"), 2, engine="rey")
    assert str(caught.value) == "engine: nothing is called 'rey'; did you mean 'ray'?"


@pytest.mark.skipif(sys.platform == "win32", reason="needs ulimit")
def test_more_processes_than_files_may_be_open(tmp_path: Path) -> None:
    build(tmp_path, {"config.json": config((EMBEDDINGS, DIVERSITY))})
    data = small_dataset(tmp_path)
    given = ["select", "config.json", "--data", str(data), "--out", "run", "--engine", "process"]
    command = [sys.executable, "-m", "selectlab", *given, "--workers", "60"]
    ran = subprocess.run(
        ["sh", "-c", 'ulimit -n 40; exec "$@"', "sh", *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2, ran.stderr
    last = ran.stderr.splitlines()[-1]
    assert last.startswith("error: engine 'process': worker ")
    assert last.endswith("Too many open files; give fewer --workers")
    assert "Traceback" not in ran.stderr
