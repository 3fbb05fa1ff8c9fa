"""Collectors that are killed, stopped, or at work twice at once: nothing lost, nothing doubled."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import postgres_server
import pytest
from campaign_store import place_for
from folder_builder import build, npy

from selectlab.campaigns import Campaigns
from selectlab.corpus import Corpus
from selectlab.inputs.folder import open_dataset
from selectlab.store.database import Database
from selectlab.store.places import Place

N = 600
COLLECTOR = """
import json, os, signal, sys
from selectlab.campaigns import Campaigns

folder, store, deadly, rest = sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])
n_batches = 0

def after(done, total):
    global n_batches
    n_batches += 1
    if n_batches == deadly:
        os.kill(os.getpid(), signal.SIGKILL)

campaigns = Campaigns(folder, store=store)
print("ready", flush=True)
sys.stdin.readline()
found = campaigns.collect(on_batch=after, batch_rows=40, **rest)
print(json.dumps([[one.campaign, one.n_processed, one.n_new] for one in found]))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[postgres_server.Server]:
    with postgres_server.running() as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 samples, 15 batches of them."""
    vectors = np.random.default_rng(0).normal(size=(N, 3)).astype(np.float32)
    ids = "".join(f"{k:03d}.png\n" for k in range(N))
    files = {"embeddings.npy": npy(vectors), "ids.txt": ids, "embeddings.json": {"space": "s"}}
    root = build(tmp_path_factory.mktemp("data"), files)
    Corpus.build(open_dataset(root))
    return root


@pytest.fixture(params=["sqlite", "postgresql"])
def campaigns(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Campaigns:
    """Two campaigns in a store of the kind."""
    return begun(folder, place_for(request.param, tmp_path, request))


def begun(folder: Path, store: str | Path) -> Campaigns:
    made = Campaigns(folder, store=store)
    for name, first in (("one", 0), ("two", 100)):
        seeds = [f"{k:03d}.png" for k in range(first, first + 20)]
        made.create(name, ids=seeds, threshold=0.4)
    return made


def collector(campaigns: Campaigns, deadly: int = 0, **rest: Any) -> subprocess.Popen[str]:
    """A process that collects as soon as it is told to, and dies after so many batches."""
    where = [campaigns.dataset.source.where, str(campaigns.store_place)]
    started = subprocess.Popen(
        [sys.executable, "-c", COLLECTOR, *where, str(deadly), json.dumps(rest)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


def go(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def outcome(campaigns: Campaigns) -> dict[str, Any]:
    """All that is collected, whichever run it was, and what was looked at."""
    told: dict[str, Any] = {}
    for name in ("one", "two"):
        hits = campaigns.hits(name)
        told[name] = [(h.sample_id, h.score, h.cluster, h.seed, h.version) for h in hits]
        told[f"{name} rate"] = campaigns.rate(name)
        told[f"{name} counts"] = campaigns.get(name).counts
    return told


def n_claims(place: str) -> int:
    """How many rows a store takes for those that somebody is at."""
    database = Database(Place.of(place), read_only=True)
    with database.reading() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM claims").scalar_one()
    database.close()
    return int(found)


def uninterrupted(folder: Path, place: Path, **how: Any) -> dict[str, Any]:
    """What it comes to when nobody interferes, at once, in a store of its own."""
    alone = begun(folder, place / "alone.db")
    alone.collect(**how)
    return outcome(alone)


@pytest.mark.parametrize("deadly", [(1,), (7, 3), (12, 1, 1)])
@pytest.mark.parametrize("how", [{}, {"target_sample_count": 25}])
def test_killed_and_run_again_is_as_never_killed(
    deadly: tuple[int, ...],
    how: dict[str, int],
    campaigns: Campaigns,
    folder: Path,
    tmp_path: Path,
) -> None:
    expected = uninterrupted(folder, tmp_path, **how)
    for batches in deadly:
        process = collector(campaigns, batches, **how)
        go(process)
        _, said = process.communicate(timeout=240)
        assert process.returncode == -signal.SIGKILL, said
    found = campaigns.collect(**how)
    assert outcome(campaigns) == expected
    assert n_claims(str(campaigns.store_place)) == 0
    runs = campaigns.get("one").runs
    assert [run.state for run in runs] == ["running"] * len(deadly) + ["finished"]
    assert sum(run.n_processed for run in runs) == N
    assert sum(run.n_collected for run in runs) == len(expected["one"])
    if not how:
        assert found[0].n_processed == N - 40 * sum(deadly)


def test_two_at_once_are_as_one(campaigns: Campaigns, folder: Path, tmp_path: Path) -> None:
    expected = uninterrupted(folder, tmp_path)
    both = [collector(campaigns), collector(campaigns)]
    go(*both)
    said = []
    for process in both:
        out, error = process.communicate(timeout=240)
        assert process.returncode == 0, error
        said.append(json.loads(out))
    assert outcome(campaigns) == expected
    for at, name in enumerate(("one", "two")):
        assert sum(run[at][1] for run in said) == N
        assert sum(run[at][2] for run in said) == len(expected[name])


def test_one_is_killed_while_another_is_at_it(
    campaigns: Campaigns, folder: Path, tmp_path: Path
) -> None:
    expected = uninterrupted(folder, tmp_path)
    mortal, other = collector(campaigns, 4), collector(campaigns)
    go(mortal, other)
    assert other.communicate(timeout=240)[1] == ""
    mortal.communicate(timeout=240)
    assert mortal.returncode in (-signal.SIGKILL, 0)  # 0 when the other has left it nothing
    assert other.returncode == 0
    assert outcome(campaigns) == expected


def test_stopped_by_hand_it_says_so_and_goes_on(
    campaigns: Campaigns, folder: Path, tmp_path: Path
) -> None:
    expected = uninterrupted(folder, tmp_path)

    def stop(done: int, total: int) -> None:
        if done >= 80:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        campaigns.collect(batch_rows=40, on_batch=stop)
    [run] = campaigns.get("one").runs
    assert (run.state, run.message, run.n_processed) == ("failed", "KeyboardInterrupt", 80)
    assert campaigns.collect(batch_rows=40)[0].n_processed == N - 80
    assert outcome(campaigns) == expected


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to see open files")
def test_ctrl_c_of_the_command_is_one_line(folder: Path, tmp_path: Path) -> None:
    """The command waits for a store that is locked; there it is stopped."""
    place = tmp_path / "campaigns.db"
    begun(folder, place)
    command = [sys.executable, "-m", "selectlab", "campaign", "collect"]
    command += ["--data", str(folder), "--store", str(place)]
    with closing(sqlite3.connect(place, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while not has_open(process.pid, place):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        holder.execute("ROLLBACK")
    _, said = process.communicate(timeout=240)
    assert process.returncode == 130
    assert said == (
        "interrupted while collecting; what is written stays, the same command goes on from there\n"
    )


def has_open(pid: int, path: Path) -> bool:
    held = Path(f"/proc/{pid}/fd")
    try:
        return any(os.path.samefile(entry, path) for entry in held.iterdir() if entry.exists())
    except OSError:
        return False
