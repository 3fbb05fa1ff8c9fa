"""The configs every user brings, unchanged, on a folder with images, predictions and metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folder_builder import build, npy, parquet
from small_dataset import picture, selectlab

N = 24
TRAFFIC = ["bicycle", "bus", "car", "motorcycle", "person", "train", "truck"]
SHARES = {"car": 0.1, "bicycle": 0.5, "bus": 0.1, "motorcycle": 0.1, "person": 0.2}
SKY = {"sunny": 0.2, "cloudy": 0.4, "rainy": 0.4}
IDS = [f"drive/clip-{k:02d}-mp4.png" for k in range(N)]
PRE, DET = "lightly_pretagging", "yolov8_detection"


def entry(source: dict[str, Any], strategy: dict[str, Any]) -> dict[str, Any]:
    return {"input": source, "strategy": strategy}


EXAMPLES: dict[str, dict[str, Any]] = {
    "diversity with a minimum distance": {
        "n_samples": 8,
        "strategies": [
            entry(
                {"type": "EMBEDDINGS"},
                {"type": "DIVERSITY", "stopping_condition_minimum_distance": 0.1},
            )
        ],
    },
    "uncertainty alone": {
        "n_samples": 8,
        "strategies": [
            entry({"type": "SCORES", "task": DET, "score": "uncertainty_entropy"}, {"type": "WEIGHTS"})
        ],
    },
    "object diversity": {
        "n_samples": 8,
        "strategies": [entry({"type": "EMBEDDINGS", "task": DET}, {"type": "DIVERSITY"})],
    },
    "sharp images": {
        "n_samples": 8,
        "strategies": [
            entry(
                {"type": "METADATA", "key": "lightly.sharpness"},
                {"type": "THRESHOLD", "threshold": 20, "operation": "BIGGER"},
            )
        ],
    },
    "classes in balance": {
        "n_samples": 8,
        "strategies": [
            entry(
                {"type": "PREDICTIONS", "task": PRE, "name": "CLASS_DISTRIBUTION"},
                {"type": "BALANCE", "target": SHARES},
            )
        ],
    },
    "weather in balance": {
        "n_samples": 10,
        "strategies": [
            entry({"type": "METADATA", "key": "weather"}, {"type": "BALANCE", "target": SKY})
        ],
    },
    "more like these": {
        "n_samples": 8,
        "strategies": [
            entry(
                {"type": "EMBEDDINGS", "dataset_id": "dataset_1", "tag_name": "my-tag"},
                {"type": "SIMILARITY"},
            )
        ],
    },
    "many objects": {
        "n_samples": 8,
        "strategies": [
            entry(
                {
                    "type": "PREDICTIONS",
                    "task": PRE,
                    "name": "CATEGORY_COUNT",
                    "categories": ["bicycle", "person"],
                },
                {"type": "WEIGHTS"},
            )
        ],
    },
    "random": {
        "n_samples": 8,
        "strategies": [entry({"type": "RANDOM", "random_seed": 42}, {"type": "WEIGHTS"})],
    },
    "flickering": {
        "n_samples": 8,
        "strategies": [
            entry({"type": "EMBEDDINGS", "task": DET}, {"type": "DIVERSITY"}),
            entry(
                {"type": "SCORES", "task": DET, "score": "objectness_least_confidence"},
                {"type": "WEIGHTS"},
            ),
            entry({"type": "METADATA", "key": "flickering"}, {"type": "WEIGHTS", "strength": 2.0}),
        ],
    },
}  # fmt: skip


def detections(rng: np.random.Generator, k: int, classes: int) -> list[dict[str, Any]]:
    boxes = rng.uniform(0, 10, (k % 4 + 1, 4)).round(2)
    shares = rng.dirichlet(np.ones(classes), len(boxes))
    return [
        {
            "category_id": int(share.argmax()),
            "bbox": box.tolist(),
            "score": round(float(share.max()), 6),
            "probabilities": (share / share.sum()).tolist(),
        }
        for box, share in zip(boxes, shares, strict=True)
    ]


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dataset of 24 video frames in Lightly's layout, and a query set beside it."""
    root, rng = tmp_path_factory.mktemp("bucket"), np.random.default_rng(3)
    base = "data/.lightly"
    files: dict[str, Any] = {f"data/{name}": picture(k, 40, 30) for k, name in enumerate(IDS)}
    files[f"{base}/predictions/tasks.json"] = [PRE, DET]
    objects: list[tuple[str, int]] = []
    for task in (PRE, DET):
        at = f"{base}/predictions/{task}"
        categories = [{"id": k, "name": name} for k, name in enumerate(TRAFFIC)]
        schema = {"task_type": "object-detection", "categories": categories}
        files[f"{at}/schema.json"] = schema
        for k, name in enumerate(IDS):
            found = detections(rng, k, len(TRAFFIC))
            content = {"file_name": name, "predictions": found}
            files[f"{at}/{name.removesuffix('.png')}.json"] = content
            if task == DET:
                objects += [(name, i) for i in range(len(found))]
    for k, name in enumerate(IDS):
        values: dict[str, Any] = {"weather": ["sunny", "cloudy", "rainy"][k % 3]}
        if k % 5 == 0:
            values["flickering"] = 1.0
        content = {"file_name": name, "type": "frame", "metadata": values}
        files[f"{base}/metadata/{name.removesuffix('.png')}.json"] = content
    files[f"{base}/metadata/schema.json"] = [
        {"name": "Weather", "path": "weather", "valueDataType": "CATEGORICAL_STRING"},
        {
            "name": "Flickering",
            "path": "flickering",
            "defaultValue": 0.5,
            "valueDataType": "NUMERIC_FLOAT",
        },
    ]
    files["data/embeddings.npy"] = npy(rng.normal(size=(N, 5)).astype(np.float32))
    files["data/ids.txt"] = "\n".join(IDS)
    files[f"data/embeddings/{DET}.parquet"] = parquet(
        {
            "sample_id": [name for name, _ in objects],
            "object": [i for _, i in objects],
            "embedding": rng.normal(size=(len(objects), 3)).tolist(),
        }
    )
    files["data/datasets.json"] = {"dataset_1": "../query"}
    files["query/embeddings.npy"] = npy(rng.normal(size=(3, 5)).astype(np.float32))
    files["query/ids.txt"] = "q1.png\nq2.png\nq3.png\n"
    files["query/tags/my-tag.txt"] = "q1.png\nq3.png\n"
    return build(root, files)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_config_runs_unchanged(bucket: Path, tmp_path: Path, name: str) -> None:
    raw = EXAMPLES[name]
    build(tmp_path, {"config.json": raw})
    given = ["select", tmp_path / "config.json", "--data", bucket / "data"]
    ran = selectlab(*given, "--out", tmp_path / "run", "--json")
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    nothing_ranks = "no strategy ranks the samples: they are taken in the order of their ids"
    assert found["warnings"] == ([nothing_ranks] if name == "sharp images" else [])
    assert found["stop_reason"] == f"n_samples {raw['n_samples']} reached"
    assert len(set(found["selected"])) == raw["n_samples"]
    picks = json.loads((tmp_path / "run" / "selection.json").read_text())["selected"]
    if name != "sharp images":
        assert all(pick["reason"] for pick in picks)


def picks(bucket: Path, name: str) -> Any:
    from selectlab import select

    return select(EXAMPLES[name], bucket / "data")


def test_flickering_frames_come_first_when_they_weigh_most(bucket: Path) -> None:
    """Frames 0, 5, 10, 15 and 20 flicker (1.0), the others take the default 0.5."""
    chosen = picks(bucket, "flickering")
    values = [pick.because[2].value for pick in chosen]
    assert values[0] == 1.0
    assert set(values) == {1.0, 0.5}


def test_the_weather_comes_out_as_wanted(bucket: Path) -> None:
    chosen = picks(bucket, "weather in balance")
    kinds = [pick.metadata["weather"] for pick in chosen]
    assert {kind: kinds.count(kind) for kind in SKY} == {"sunny": 2, "cloudy": 4, "rainy": 4}


def test_more_like_these_names_the_query(bucket: Path) -> None:
    reasons = [pick.reason for pick in picks(bucket, "more like these")]
    assert all("q1.png" in reason or "q3.png" in reason for reason in reasons)
    assert not any("q2.png" in reason for reason in reasons)


def test_sharp_images_are_taken_by_id_when_nothing_else_is_asked(bucket: Path) -> None:
    assert picks(bucket, "sharp images").ids == tuple(IDS[:8])
