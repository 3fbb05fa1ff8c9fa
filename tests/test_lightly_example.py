"""A real bucket with the config its owners ran: 101 frames of basketball games, 15 courts."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folder_builder import parquet, shared_data
from small_dataset import selectlab

from selectlab import Dataset, select
from selectlab.inputs.folder import open_dataset

TASK = "object_detection_sportradar"
COURT = "KS-FR-MONACO"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the bucket, which may be written to."""
    copy = tmp_path_factory.mktemp("example") / "example"
    shutil.copytree(shared_data("lightly_example"), copy, copy_function=shutil.copyfile)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o755)
    return copy


@pytest.fixture(scope="module")
def bucket(example: Path) -> Path:
    return example / "lightly_bucket"


def boxes_of(bucket: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Return what each frame's boxes look like: position, size and score, (M, 5)."""
    found = {}
    for path in sorted((bucket / ".lightly" / "predictions" / TASK).rglob("camcourt*.json")):
        content = json.loads(path.read_text())
        rows = [[*box["bbox"], 1000 * box["score"]] for box in content["predictions"]]
        found[content["file_name"]] = np.array(rows) / 1000
    return found


def with_embeddings(bucket: Path, target: Path) -> Path:
    """Copy the bucket and add embeddings made of what is there: the geometry of the boxes.

    A frame is the histogram of where its 100 boxes stand, weighted by score; an object is its
    box and score.
    """
    shutil.copytree(bucket, target)
    boxes = boxes_of(bucket)
    edges = (np.linspace(0, 2.6, 7), np.linspace(0, 2.1, 5))
    frames = [
        np.histogram2d(own[:, 0], own[:, 1], bins=edges, weights=own[:, 4])[0].ravel()
        for own in boxes.values()
    ]
    (target / "embeddings.parquet").write_bytes(
        parquet({"sample_id": list(boxes), "embedding": np.array(frames)})
    )
    (target / "embeddings").mkdir()
    (target / "embeddings" / f"{TASK}.parquet").write_bytes(
        parquet(
            {
                "sample_id": [name for name, own in boxes.items() for _ in own],
                "object": [i for own in boxes.values() for i in range(len(own))],
                "embedding": np.concatenate(list(boxes.values())),
            }
        )
    )
    return target


def test_what_is_missing_is_named(example: Path, bucket: Path, tmp_path: Path) -> None:
    """No embeddings travel with the bucket; the first of the two inputs is the objects'."""
    given = ["select", example / "selection.json", "--data", bucket]
    ran = selectlab(*given, "--out", tmp_path / "run")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        f"error: strategies[1].input: {bucket}: no embeddings for task {TASK!r}; expected "
        f"embeddings/{TASK}.parquet (columns sample_id, object, embedding) or "
        f"embeddings/{TASK}.npy with embeddings/{TASK}.csv\n"
    )
    assert not (tmp_path / "run").exists()


def test_the_bucket_is_read_as_it_is(bucket: Path) -> None:
    """95 of 101 frames are relevant (some lines are patterns); each has 100 boxes."""
    data = open_dataset(bucket)
    lines = (bucket / ".lightly" / "relevant_filenames.txt").read_text().split()
    relevant = [name for name in boxes_of(bucket) if any(fnmatchcase(name, p) for p in lines)]
    assert data.ids == tuple(sorted(relevant))
    assert (len(lines), len(data), len(boxes_of(bucket))) == (39, 95, 101)
    found = data.predictions(TASK)
    assert found.names == ("human",)
    assert found.counts().tolist() == [100] * 95


def test_the_owners_config_runs_unchanged(example: Path, bucket: Path, tmp_path: Path) -> None:
    data = with_embeddings(bucket, tmp_path / "bucket")
    given = ["select", example / "selection.json", "--data", data, "--out", tmp_path / "run"]
    ran = selectlab(*given, "--json")
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    assert found["counts"]["input"] == found["counts"]["candidates"] == 95
    assert found["counts"]["selected"] == len(set(found["selected"])) == 10
    assert found["stop_reason"] == "n_samples 10 reached"
    assert found["warnings"] == []
    picks = json.loads((tmp_path / "run" / "selection.json").read_text())["selected"]
    labels = ["0_balance", "1_diversity", "2_diversity", "3_weights"]
    for pick in picks:
        assert [part["strategy"] for part in pick["strategies"]] == labels
        assert all(part["reason"] for part in pick["strategies"])
        assert pick["metadata"]["court"] == pick["sample_id"].split("/")[0]
        assert pick["uri"] is None  # the images are not in the bucket
    assert all(pick["nearest_selected"] for pick in picks[1:])


def test_the_court_wanted_comes_nearer_to_its_share_than_at_random(
    example: Path, bucket: Path, tmp_path: Path
) -> None:
    """20 % of the picks should be of one court; random picks have its share of the pool."""
    data = open_dataset(with_embeddings(bucket, tmp_path / "bucket"))
    chosen = select(example / "selection.json", data)
    courts = Counter(sample_id.split("/")[0] for sample_id in chosen.ids)
    shares = next(part for part in chosen.manifest["statistics"] if part["kind"] == "classes")
    pool = shares["input"]["shares"][COURT]
    assert pool == pytest.approx(
        sum(sample_id.startswith(COURT) for sample_id in data.ids) / len(data), abs=1e-6
    )
    assert courts[COURT] / 10 == shares["selected"]["shares"][COURT]
    assert abs(courts[COURT] / 10 - 0.2) < abs(pool - 0.2)
    assert abs(courts[COURT] / 10 - 0.2) <= abs(shares["random"]["shares"][COURT] - 0.2)


def test_the_balance_alone_reaches_its_target(bucket: Path) -> None:
    """Without other strategies 2 of 10 picks are of the court."""
    balance = {"type": "BALANCE", "target": {COURT: 0.2}}
    entry = {"input": {"type": "METADATA", "key": "court"}, "strategy": balance}
    chosen = select({"n_samples": 10, "strategies": [entry]}, bucket)
    assert sum(sample_id.startswith(COURT) for sample_id in chosen.ids) == 2


def test_memory_and_folder_agree(example: Path, bucket: Path, tmp_path: Path) -> None:
    """The same data as arrays give the same picks and the same hashes of the inputs."""
    folder = open_dataset(with_embeddings(bucket, tmp_path / "bucket"))
    boxes = boxes_of(bucket)
    ids = [name for name in reversed(boxes) if name in folder.rows]
    frames = folder.source.embeddings(None)
    assert frames is not None
    block = next(iter(frames.blocks()))[1]
    at = {name: row for row, name in enumerate(frames.ids)}
    data = Dataset(
        ids,
        embeddings=np.array([block[at[name]] for name in ids]),
        object_embeddings={
            TASK: (
                np.concatenate([boxes[name] for name in ids]),
                [name for name in ids for _ in boxes[name]],
            )
        },
        metadata={"court": [name.split("/")[0] for name in ids]},
        predictions={
            TASK: {
                "task_type": "object-detection",
                "categories": ["human"],
                "predictions": {
                    name: [
                        {"category_id": 0, "bbox": [0, 0, 1, 1], "score": float(row[4])}
                        for row in boxes[name]
                    ]
                    for name in ids
                },
            }
        },
    )
    config = example / "selection.json"
    there, here = select(config, folder), select(config, data)
    assert here.ids == there.ids
    assert [part["blake2b"] for part in here.manifest["inputs"][:3]] == [
        part["blake2b"] for part in there.manifest["inputs"][:3]
    ]
