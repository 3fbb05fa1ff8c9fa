"""Campaigns on a line: samples are numbers, so that scores can be told in the head.

Seeds at 0 and 2 are one cluster with its centre at 1 and a radius of 1.5, so that a sample at x
has the score max(0, 1 - |x - 1| / 3): 1 at 1, 0.75 at 1.75, 0.5 at 2.5, nothing from 4 on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from folder_builder import build, parquet

from selectlab.campaigns import Campaigns
from selectlab.corpus import Corpus
from selectlab.dataset import Dataset
from selectlab.inputs.folder import open_dataset

LINE = {"low": 0.0, "high": 2.0, "mid": 1.0, "edge": 2.5, "near": 1.75, "out": 2.75, "far": 9.0}
"""Beside the seeds "low" and "high": scores 1, 0.5, 0.75, 0.4167 and 0."""
SPACE = "the line"


def frames(places: Mapping[str, float]) -> Dataset:
    """Samples at some places, in memory."""
    vectors = np.array(list(places.values()), dtype=np.float32)[:, None]
    return Dataset(list(places), embeddings=vectors)


def objects(held: Sequence[tuple[str, float]]) -> Dataset:
    """Objects of task "det" at some places, in memory; those of a sample are numbered from 0."""
    owners = [owner for owner, _ in held]
    vectors = np.array([place for _, place in held], dtype=np.float32)[:, None]
    return Dataset(sorted(set(owners)), object_embeddings={"det": (vectors, owners)})


def indexed(dataset: Dataset, folder: Path, task: str | None = None) -> Corpus:
    """An index of a dataset, its numbers as they are."""
    return Corpus.build(dataset, folder, task=task, space_id=SPACE, normalise=False)


def on_the_line(folder: Path, places: Mapping[str, float] = LINE) -> Campaigns:
    """The campaigns of a dataset in memory; none yet."""
    dataset = frames(places)
    corpus = indexed(dataset, folder / "index")
    return Campaigns(dataset, store=folder / "campaigns.db", corpus=corpus)


def of_objects(folder: Path, held: Sequence[tuple[str, float]]) -> Campaigns:
    """The campaigns of objects in memory; none yet."""
    dataset = objects(held)
    corpus = indexed(dataset, folder / "index", "det")
    return Campaigns(dataset, store=folder / "campaigns.db", corpus=corpus)


def grown(campaigns: Campaigns, places: Mapping[str, float], folder: Path) -> Campaigns:
    """The same campaigns after samples have been added to the index."""
    corpus = Corpus.open(folder / "index")
    corpus.append(frames(places), space_id=SPACE)
    return Campaigns(campaigns.dataset, store=folder / "campaigns.db", corpus=corpus)


def line_folder(root: Path, places: Mapping[str, float] = LINE, **more: Any) -> Path:
    """A dataset folder with its index; ids end in .png, the seeds are rainy, the others sunny."""
    ids = [f"{name}.png" for name in places]
    weather = ["rainy" if name in ("low", "high") else "sunny" for name in places]
    table = "sample_id,weather,place\n" + "".join(
        f"{name},{sky},{place}\n"
        for name, sky, place in zip(ids, weather, places.values(), strict=True)
    )
    rows = [[place] for place in places.values()]
    files = {
        "embeddings.parquet": parquet({"sample_id": ids, "embedding": rows}),
        "embeddings.json": {"space": SPACE},
        "metadata.csv": table,
        **more,
    }
    folder = build(root / "line", files)
    Corpus.build(open_dataset(folder), normalise=False)
    return folder


def scores(campaigns: Campaigns, name: str = "c", **which: Any) -> dict[str, float]:
    """Score of each collected sample, best first."""
    return {hit.sample_id: round(hit.score, 4) for hit in campaigns.hits(name, **which)}
