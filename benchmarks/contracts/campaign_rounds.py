"""A person who accepts one class of images and discards the others, and ways to propose to him."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from selectlab.campaigns.classifier import MIN_EXAMPLES, Classifier, likeliest
from selectlab.campaigns.clusters import Clusters
from selectlab.campaigns.scoring import score

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

THRESHOLD = 0.5
N_ROUNDS = 3
CAMPAIGN, CLASSIFIED = "campaign", "campaign, hits by classifier"
NEAREST, RANDOM = "nearest seed, float64", "random"
_BLOCK_ROWS = 4096


@dataclass
class State:
    """What is known at some round.

    Attributes:
        seeds: Rows of the seeds, accepted ones among them.
        discarded: Rows that were discarded.
    """

    seeds: list[int]
    discarded: list[int] = field(default_factory=list)

    def open_rows(self, n: int) -> Rows:
        """Return the rows that nobody has judged, ascending."""
        return np.setdiff1d(np.arange(n), [*self.seeds, *self.discarded])


Proposer = Callable[[Float32, State, np.random.Generator], Rows]
"""Puts the open rows in order, the best first."""


def by_campaign(vectors: Float32, state: State, _: np.random.Generator) -> Rows:
    """Order by the score of a campaign."""
    rows = state.open_rows(len(vectors))
    scores = score(vectors[rows], Clusters.of(vectors[state.seeds]))[0]
    return rows[np.argsort(-scores, kind="stable")]


def by_classifier(vectors: Float32, state: State, rng: np.random.Generator) -> Rows:
    """Order hits by the classifier once there are enough of both kinds, the rest by score."""
    if min(len(state.seeds), len(state.discarded)) < MIN_EXAMPLES:
        return by_campaign(vectors, state, rng)
    rows = state.open_rows(len(vectors))
    scores = score(vectors[rows], Clusters.of(vectors[state.seeds]))[0]
    order = np.argsort(-scores, kind="stable")
    hits, rest = order[scores[order] >= THRESHOLD], order[scores[order] < THRESHOLD]
    told = Classifier.fit(vectors[state.seeds], vectors[state.discarded])
    hits = hits[likeliest(told.probability(vectors[rows[hits]]), scores[hits])]
    order = np.concatenate([hits, rest])
    return rows[order]


def by_nearest(vectors: Float32, state: State, _: np.random.Generator) -> Rows:
    """Order by the distance to the nearest seed, the plain way."""
    rows = state.open_rows(len(vectors))
    seeds = vectors[state.seeds].astype(np.float64)
    lengths = (seeds**2).sum(axis=1)
    gaps = np.empty(len(rows))
    for start in range(0, len(rows), _BLOCK_ROWS):
        wide = vectors[rows[start : start + _BLOCK_ROWS]].astype(np.float64)
        sq = (wide**2).sum(axis=1) + (lengths - 2 * (wide @ seeds.T)).min(axis=1)
        gaps[start : start + _BLOCK_ROWS] = sq
    return rows[np.argsort(gaps, kind="stable")]


def at_random(vectors: Float32, state: State, rng: np.random.Generator) -> Rows:
    """Order at random."""
    return rng.permutation(state.open_rows(len(vectors)))


PROPOSERS: dict[str, Proposer] = {
    CAMPAIGN: by_campaign,
    CLASSIFIED: by_classifier,
    NEAREST: by_nearest,
    RANDOM: at_random,
}


def rounds(
    propose: Proposer,
    vectors: Float32,
    right: npt.NDArray[np.bool_],
    seeds: Rows,
    n_first: int,
    rng: np.random.Generator,
) -> list[str]:
    """Return the first proposals of each round, ``+`` for right and ``-`` for wrong.

    Those are judged before the next round: right ones join the seeds, wrong ones never return.
    There are three rounds, and what would be proposed after the last.
    """
    state, told = State(seeds.tolist()), []
    for _ in range(N_ROUNDS + 1):
        first = propose(vectors, state, rng)[:n_first]
        told.append("".join("-+"[int(right[row])] for row in first))
        state.seeds += first[right[first]].tolist()
        state.discarded += first[~right[first]].tolist()
    return told


def judged_hits(
    vectors: Float32,
    right: npt.NDArray[np.bool_],
    seeds: Rows,
    hits: Rows,
    scores: Float64,
    n_judged: int,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Return what the classifier makes of hits, once some drawn at random have been judged.

    Args:
        vectors: (N, D).
        right: (N,) whether a person would accept it.
        seeds: Rows of the seeds.
        hits: (H,) rows of the hits.
        scores: (H,) theirs.
        n_judged: How many are judged, at most half.
        rng: Draws them.

    Returns:
        Of the half of the other hits that comes first by score and by classifier, the share of
        right ones, and the share among all others with the mean probability they were given;
        nothing where fewer than five were discarded.
    """
    order = rng.permutation(len(hits))
    n_judged = min(n_judged, len(hits) // 2)
    judged, left = hits[order[:n_judged]], np.sort(order[n_judged:])
    discarded = judged[~right[judged]]
    if len(discarded) < MIN_EXAMPLES:
        return {}
    known = Classifier.fit(vectors[np.union1d(seeds, judged[right[judged]])], vectors[discarded])
    told, is_right = known.probability(vectors[hits[left]]), right[hits[left]]
    half = len(left) // 2
    by_score = np.argsort(-scores[left], kind="stable")[:half]
    by_probability = likeliest(told, scores[left])[:half]
    return {
        "by_score": float(is_right[by_score].mean()),
        "by_classifier": float(is_right[by_probability].mean()),
        "share": float(is_right.mean()),
        "probability": float(told.mean()),
    }


def by_definition(vectors: Float32, clusters: Clusters) -> Float64:
    """Return scores by differences in float64, a cluster at a time."""
    wide, best = vectors.astype(np.float64), np.zeros(len(vectors))
    for centre, radius in zip(clusters.centres, clusters.radii, strict=True):
        dists = np.sqrt(((wide - centre) ** 2).sum(axis=1))
        np.maximum(best, 1 - dists / (2 * radius), out=best)
    return best
