"""Small campaigns for tests of their store: seeds, findings, and databases to put them in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from selectlab.campaigns.clusters import Clusters
from selectlab.campaigns.records import Found, Run
from selectlab.campaigns.seeds import Seeds
from selectlab.campaigns.store import Store
from selectlab.corpus.spaces import Element, Space

SPACE = Space("model", 3, "frame")
FIRST = Element("seed a")


def seeds(*names: str, space: Space = SPACE, value: float = 0.25) -> Seeds:
    """Seeds of these names; the vector of the k-th in order is ``value`` and k."""
    elements = tuple(sorted(Element(name) for name in names))
    vectors = np.full((len(elements), space.dimension), value, dtype=np.float32)
    vectors[:, 0] = np.arange(len(elements))
    return Seeds(space, elements, vectors)


def found(**scores: float) -> list[Found]:
    """What a run found: a score for each sample id, all with object 0 and cluster 0."""
    return [Found(name, score, 0, 0, FIRST) for name, score in scores.items()]


def clusters(vectors: np.ndarray) -> Clusters:
    """Each seed alone, with a radius that says which."""
    n = len(vectors)
    return Clusters(np.array(vectors, dtype=np.float64), 1.0 + np.arange(n), np.arange(n))


def begun(store: Store, name: str = "rain", threshold: float = 0.5) -> Run:
    """A campaign with one version, and a run of it over the corpus ``"all"``."""
    given = seeds("seed a", "seed b")
    store.create(name, given, clusters(given.vectors), threshold=threshold)
    return store.start_run(store.version(name), "all", threshold)


def listed(store: Store, name: str = "rain", version: int | None = None) -> list[tuple[str, float]]:
    """The collected samples with their scores, best first."""
    return [(hit.sample_id, hit.score) for hit in store.hits(name, version=version)]


def statuses(store: Store, name: str = "rain") -> dict[str, str]:
    return {sample.sample_id: sample.status for sample in store.samples(name)}


def place_for(kind: str, folder: Path, request: pytest.FixtureRequest) -> str:
    """A store that is not there yet: a file, or a fresh database of the fixture ``server``."""
    if kind == "sqlite":
        return str(folder / ".selectlab" / "campaigns.db")
    place: str = request.getfixturevalue("server").database()
    return place
