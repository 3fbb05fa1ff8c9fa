"""Processes that hammer one campaign store: ``python campaign_collector.py KIND PLACE SEED MOST``.

The corpus is made of rules: row r is element r % 5 of sample ``r * 7 % SAMPLES``, so that samples
lie scattered over the batches and come again in others. A collector commits the batches that it
finds undone, in an order of its own; a judge discards and accepts what it sees meanwhile.
"""

from __future__ import annotations

import random
import sys
import time

from campaign_store import FIRST

from selectlab.campaigns.records import Found, Range
from selectlab.campaigns.store import Store

ROWS, BATCH, SAMPLES = 6_000, 40, 3_000
NAME, CORPUS, THRESHOLD = "rain", "all", 0.5


def sample_of(row: int) -> str:
    return f"{row * 7 % SAMPLES:05d}"


def score_of(row: int) -> float:
    return (row * 7919 % 997) / 997


def found_in(rows: Range) -> list[Found]:
    """Everything that reaches the threshold, several elements of a sample too."""
    return [
        Found(sample_of(row), score_of(row), row % 5, 0, FIRST)
        for row in range(*rows)
        if score_of(row) >= THRESHOLD
    ]


def best_in(ranges: list[Range]) -> dict[str, tuple[float, int]]:
    """What a store has to hold after these rows: each sample with score and best element."""
    best: dict[str, tuple[float, int]] = {}
    for rows in ranges:
        for hit in found_in(rows):
            rank = (-hit.score, hit.number)
            best[hit.sample_id] = min(best.get(hit.sample_id, rank), rank)
    return {sample: (-rank[0], rank[1]) for sample, rank in best.items()}


def is_bad(sample_id: str) -> bool:
    return int(sample_id) % 10 == 3


def is_good(sample_id: str) -> bool:
    return int(sample_id) % 10 == 4


def batches() -> list[Range]:
    """Batches that do not end where the next ones begin: each shares rows with its neighbours."""
    return [(start, min(start + BATCH + 9, ROWS)) for start in range(0, ROWS, BATCH)]


def collect(place: str, seed: int, most: int) -> None:
    """Commit until everything is done; every other collector claims what it does.

    Args:
        place: The store.
        seed: Says in which order.
        most: Commit no more batches, and wait to be killed.
    """
    order = batches()
    random.Random(seed).shuffle(order)
    with Store.open(place) as store:
        version = store.version(NAME)
        run = store.start_run(version, CORPUS, THRESHOLD)
        for at, rows in enumerate(order):
            while at == most:
                time.sleep(60)
            if seed % 2 == 0 or store.claim(run, *rows, seconds=0.2):
                first = [row for row in range(*rows) if row < SAMPLES]
                store.commit_batch(run, *rows, found_in(rows), first_rows=first)
        store.finish_run(run)


def judge(place: str) -> None:
    """Discard the bad ones and accept the good ones until there is nothing new for a while."""
    with Store.open(place) as store:
        while True:
            new = [sample.sample_id for sample in store.samples(NAME, statuses=["new"])]
            store.set_status(NAME, filter(is_bad, new), "discarded")
            store.set_status(NAME, filter(is_good, new), "accepted")
            time.sleep(0.02)


if __name__ == "__main__":
    kind, place, seed, most = sys.argv[1:]
    if kind == "judge":
        judge(place)
    else:
        collect(place, int(seed), int(most))
