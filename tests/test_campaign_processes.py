"""Several real processes at one campaign store, killed in the middle: nothing lost, nothing twice."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import campaign_collector as rules
import postgres_server
import pytest
from campaign_store import clusters, place_for, seeds

from selectlab.campaigns.ranges import left
from selectlab.campaigns.records import Range
from selectlab.campaigns.store import Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def server() -> Iterator[postgres_server.Server]:
    with postgres_server.running() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return place_for(request.param, tmp_path, request)


@contextmanager
def started(
    kind: str, place: str, seed: int = 0, most: int = -1
) -> Iterator[subprocess.Popen[str]]:
    """A process that is killed at the end, if it is not through by then."""
    path = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.Popen(
        [sys.executable, HERE / "campaign_collector.py", kind, place, str(seed), str(most)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def finished(process: subprocess.Popen[str]) -> None:
    _, said = process.communicate(timeout=240)
    assert (process.returncode, said) == (0, "")


def done(store: Store) -> list[Range]:
    """The rows that are done, once nothing is under way any more."""
    store.set_active(rules.NAME, True)  # waits for the server to end what a killed process began
    return store.processed(store.version(rules.NAME), rules.CORPUS, rules.THRESHOLD)


def check(store: Store, ranges: list[Range], *, judged: bool = False) -> None:
    """What a store holds is what the rows that are done give, each once."""
    expected = rules.best_in(ranges)
    hits = list(store.hits(rules.NAME, version=1))
    held = {hit.sample_id: (hit.score, hit.number) for hit in hits}
    assert len(held) == len(hits)
    assert held == expected
    samples = {sample.sample_id: sample for sample in store.samples(rules.NAME)}
    assert samples.keys() == expected.keys()
    version = store.version(rules.NAME)
    first = {row for span in ranges for row in range(*span) if row < rules.SAMPLES}
    assert store.n_processed(version) == len(first)
    assert sum(run.n_collected for run in store.runs(rules.NAME)) == len(expected)
    for sample_id, sample in samples.items():
        assert judged or sample.status == "new"
        assert sample.status != "discarded" or rules.is_bad(sample_id)
        assert sample.status != "accepted" or rules.is_good(sample_id)


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with Store.open(place) as opened:
        given = seeds("seed a", "seed b")
        opened.create(rules.NAME, given, clusters(given.vectors))
        yield opened


def test_two_collectors_and_a_judge_at_once(store: Store, place: str) -> None:
    with started("judge", place), started("collect", place, 1) as one:
        with started("collect", place, 2) as two:
            finished(one)
            finished(two)
        end = time.monotonic() + 240
        while any(rules.is_bad(s.sample_id) for s in store.samples(rules.NAME, statuses=["new"])):
            assert time.monotonic() < end
            time.sleep(0.05)
    check(store, [(0, rules.ROWS)], judged=True)
    assert done(store) == [(0, rules.ROWS)]
    bad = sum(map(rules.is_bad, rules.best_in([(0, rules.ROWS)])))
    assert store.counts(rules.NAME)["discarded"] == bad > 100
    assert [run.state for run in store.runs(rules.NAME)] == ["finished"] * 2
    again = store.start_run(store.version(rules.NAME), rules.CORPUS, rules.THRESHOLD)
    before = list(store.hits(rules.NAME))
    for rows in rules.batches():
        assert store.commit_batch(again, *rows, rules.found_in(rows)) == 0
    assert list(store.hits(rules.NAME)) == before


def test_killed_collectors_lose_nothing_and_double_nothing(store: Store, place: str) -> None:
    """Six times SIGKILL at a moment of chance, each time beside one that goes on.

    After each kill the rows that are done have all their hits, and no others are there.
    """
    chance = random.Random(5)
    with started("collect", place, 2) as survivor:
        for kill in range(6):
            with started("collect", place, 11 + kill) as doomed:
                before = len(store.runs(rules.NAME))
                end = time.monotonic() + 240
                while len(store.runs(rules.NAME)) == before and doomed.poll() is None:
                    assert time.monotonic() < end
                time.sleep(chance.random() * 0.2)
                doomed.kill()
                doomed.wait()
            if survivor.poll() is not None:
                check(store, done(store))
        finished(survivor)
    check(store, [(0, rules.ROWS)])
    with started("collect", place, 4) as last:
        finished(last)
    check(store, [(0, rules.ROWS)])
    assert left((0, rules.ROWS), done(store)) == []


def test_what_a_killed_collector_had_committed_is_whole(store: Store, place: str) -> None:
    """Alone, killed again and again: every batch that is done has all of its hits, always.

    None gets further than a third of the way, so that there is work for the next one.
    """
    chance = random.Random(7)
    states = []
    for seed in range(21, 27):
        with started("collect", place, seed, len(rules.batches()) // 3) as doomed:
            before = store.n_collected(store.version(rules.NAME))
            end = time.monotonic() + 240
            while store.n_collected(store.version(rules.NAME)) == before:
                if doomed.poll() is not None:
                    break
                assert time.monotonic() < end
            time.sleep(chance.random() * 0.1)
            doomed.kill()
            doomed.wait()
        states.append(sum(stop - start for start, stop in done(store)))
        check(store, done(store))
    assert states == sorted(states)
    assert 0 < states[0] < rules.ROWS
    with started("collect", place, 30) as last:
        finished(last)
    check(store, [(0, rules.ROWS)])
