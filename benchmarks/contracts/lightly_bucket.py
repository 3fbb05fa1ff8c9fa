"""A bucket in Lightly's folder layout, read and written without selectlab.

Embeddings do not travel with a bucket; here they are made of what does, the geometry of the boxes:
a frame is the histogram of where its boxes stand, weighted by score, an object is its box and
score. Boxes are taken as they are written, whatever the four numbers mean.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

HIDDEN = ".lightly"
_GRID = (6, 4)
_SITES = {"north": 18, "south": 12, "east": 8, "west": 2}
_SCENE = 4
MADE_TASK = "people"
MADE_CONFIG = {
    "n_samples": 8,
    "strategies": [
        {
            "input": {"type": "METADATA", "key": "site"},
            "strategy": {"type": "BALANCE", "target": {"west": 0.125}},
        },
        {
            "input": {"type": "EMBEDDINGS", "task": MADE_TASK},
            "strategy": {"type": "DIVERSITY"},
        },
        {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}},
        {
            "input": {"type": "SCORES", "task": MADE_TASK, "score": "uncertainty_entropy"},
            "strategy": {"type": "WEIGHTS"},
        },
    ],
}
"""The same four strategies as in the published example, on a made-up bucket."""


@dataclass(frozen=True)
class Bucket:
    """What the files say, sorted by name and narrowed down to the relevant ones.

    Attributes:
        names: N file names.
        metadata: N records.
        boxes: Per file (m, 5): four numbers and the score, all scaled to about 1.
        probabilities: Per file (m, K) class probabilities.
    """

    names: Sequence[str]
    metadata: Sequence[Mapping[str, Any]]
    boxes: Sequence[FloatArray]
    probabilities: Sequence[FloatArray]

    @property
    def frames(self) -> FloatArray:
        """(N, 24) histogram of where the boxes of each frame stand."""
        top = np.concatenate(self.boxes)[:, :2].max(axis=0)
        edges = [np.linspace(0, most * 1.001, n + 1) for most, n in zip(top, _GRID, strict=True)]
        return np.array(
            [
                np.histogram2d(own[:, 0], own[:, 1], bins=edges, weights=own[:, 4])[0].ravel()
                for own in self.boxes
            ]
        )


def read(folder: Path, task: str) -> Bucket:
    """Return what the files of a bucket say of its relevant samples."""
    hidden = folder / HIDDEN
    schema = _json(hidden / "predictions" / task / "schema.json")
    class_ids = [category["id"] for category in schema["categories"]]
    found = {}
    for path in (hidden / "predictions" / task).rglob("*.json"):
        if path.name != "schema.json":
            told = _json(path)
            found[told["file_name"]] = told["predictions"]
    metadata = {}
    for path in (hidden / "metadata").rglob("*.json"):
        told = _json(path)
        if isinstance(told, dict) and "file_name" in told:
            metadata[told["file_name"]] = told["metadata"]
    patterns = (hidden / "relevant_filenames.txt").read_text(encoding="utf-8").split()
    names = sorted(n for n in found if any(fnmatchcase(n, pattern) for pattern in patterns))
    return Bucket(
        names,
        [metadata.get(name, {}) for name in names],
        [_geometry(found[name]) for name in names],
        [_probabilities(found[name], class_ids) for name in names],
    )


def with_embeddings(folder: Path, bucket: Bucket, task: str, target: Path) -> Path:
    """Copy a bucket's files and write embeddings beside them."""
    import pyarrow as pa
    from pyarrow import parquet

    shutil.copytree(folder, target, copy_function=shutil.copyfile)
    for path in (target, *target.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    frames = {"sample_id": list(bucket.names), "embedding": list(bucket.frames)}
    parquet.write_table(pa.table(frames), target / "embeddings.parquet")
    (target / "embeddings").mkdir()
    named = list(zip(bucket.names, bucket.boxes, strict=True))
    objects = {
        "sample_id": [name for name, own in named for _ in own],
        "object": [at for _, own in named for at in range(len(own))],
        "embedding": list(np.concatenate(bucket.boxes)),
    }
    parquet.write_table(pa.table(objects), target / "embeddings" / f"{task}.parquet")
    return target


def make(folder: Path, seed: int, n_boxes: int = 12) -> None:
    """Write a bucket of one class, and its config.

    40 frames on four sites, one of them rare; the two to four frames of a scene look alike.
    """
    rng = np.random.default_rng(seed)
    hidden = folder / "bucket" / HIDDEN
    category = {"id": 0, "name": "human", "supercategory": "none"}
    schema = {"task_type": "object-detection", "categories": [category]}
    site = {"name": "site", "path": "site", "defaultValue": "unknown"}
    _write(folder / "config.json", MADE_CONFIG)
    _write(hidden / "predictions" / "tasks.json", [MADE_TASK])
    _write(hidden / "predictions" / MADE_TASK / "schema.json", schema)
    _write(hidden / "metadata" / "schema.json", [{**site, "valueDataType": "CATEGORICAL_STRING"}])
    for name, n_frames in _SITES.items():
        for number in range(n_frames):
            if number % _SCENE == 0:
                scene = [_made_box(rng) for _ in range(n_boxes)]
            file = f"{name}/frame{number:03d}"
            head = {"file_name": f"{file}.png"}
            boxes = {"predictions": [_moved(box, rng) for box in scene]}
            _write(hidden / "predictions" / MADE_TASK / f"{file}.json", head | boxes)
            values = {"type": "image", "metadata": {"site": name}}
            _write(hidden / "metadata" / f"{file}.json", head | values)
    patterns = "".join(f"{name}/*\n" for name in _SITES)
    (hidden / "relevant_filenames.txt").write_text(patterns, encoding="utf-8")


def _made_box(rng: np.random.Generator) -> dict[str, Any]:
    x, y = rng.uniform(0, [1800.0, 1000.0]).tolist()
    box = [x, y, x + rng.uniform(20, 90), y + rng.uniform(40, 160)]
    return {"category_id": 0, "bbox": box, "score": float(rng.uniform(0.6, 0.95))}


def _moved(box: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Return a box of the next frame: some pixels away, with nearly the same score."""
    x, y = rng.normal(0, 8, 2)
    edges = [round(v + d, 1) for v, d in zip(box["bbox"], (x, y, x, y), strict=True)]
    score = float(np.clip(box["score"] + rng.normal(0, 0.02), 0.5, 1.0))
    return {"category_id": 0, "bbox": [max(v, 0.0) for v in edges], "score": round(score, 4)}


def _geometry(predictions: Sequence[Mapping[str, Any]]) -> FloatArray:
    rows = [[*(v / 1000 for v in box["bbox"]), box["score"]] for box in predictions]
    return np.array(rows, dtype=np.float64).reshape(len(rows), 5)


def _probabilities(
    predictions: Sequence[Mapping[str, Any]], class_ids: Sequence[int]
) -> FloatArray:
    """Return those given; else the label has the score, the other classes share the rest."""
    n_classes, rows = len(class_ids), []
    for box in predictions:
        own = np.full(n_classes, (1 - box["score"]) / max(n_classes - 1, 1))
        own[class_ids.index(box["category_id"])] = box["score"]
        rows.append(np.array(box.get("probabilities") or own, dtype=np.float64))
    return np.array(rows).reshape(len(rows), n_classes)


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _write(path: Path, content: Any) -> None:
    os.makedirs(path.parent, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
