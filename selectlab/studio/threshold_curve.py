"""How many samples would reach each threshold: one pass over the index for a whole slider."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selectlab.campaigns.judging import Judge

if TYPE_CHECKING:
    from selectlab.campaigns import Campaigns
    from selectlab.corpus import Corpus

STEPS = 100
"""Thresholds from 0 to 1 are this many, and one."""
LEAST = 0.02
"""Below that practically everything is like the seeds; it is not counted."""


def threshold_curve(campaigns: Campaigns, corpus: Corpus, name: str) -> list[int | None]:
    """Return how many samples reach the thresholds 0, 0.01, ..., 1 with the newest version.

    Seeds and discarded samples are not among them. Thresholds below :data:`LEAST` have ``None``.
    """
    with campaigns.opened(read_only=True) as store:
        seeds, clusters = store.snapshot(store.version(name))
        gone = [sample.sample_id for sample in store.samples(name, statuses=["discarded"])]
    return curve_of(Judge(seeds, clusters, gone), corpus)


def curve_of(judge: Judge, corpus: Corpus) -> list[int | None]:
    """Return how many samples of an index reach the thresholds 0, 0.01, ..., 1.

    Cost:
        O(N * C * D) for C clusters, one pass.
    """
    best: dict[str, float] = {}
    found: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []
    for block in corpus.blocks():
        scored = judge.scored(block, LEAST)
        if corpus.space.level == "frame":
            found.append(scored.scores)
            continue
        ids = block.sample_ids.take(scored.rows)
        for sample_id, score in zip(ids, scored.scores.tolist(), strict=True):
            best[sample_id] = max(best.get(sample_id, 0.0), score)
    scores = np.sort(np.concatenate([*found, np.array(list(best.values()))]), kind="stable")
    levels = np.arange(STEPS + 1) / STEPS
    counts = (len(scores) - np.searchsorted(scores, levels - 1e-12)).tolist()
    return [
        None if level < LEAST else int(n) for level, n in zip(levels.tolist(), counts, strict=True)
    ]
