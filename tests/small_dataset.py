"""A small dataset folder that has everything, and the command line called in this process."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from folder_builder import build, parquet
from PIL import Image

from selectlab import cli

EMBEDDINGS = {"type": "EMBEDDINGS"}
DIVERSITY = {"type": "DIVERSITY"}
WEIGHTS = {"type": "WEIGHTS"}
RANDOM = {"type": "RANDOM"}
MARGIN = {"type": "SCORES", "task": "cls", "score": "uncertainty_margin"}
CLASSES = {"type": "PREDICTIONS", "task": "det", "name": "CLASS_DISTRIBUTION"}
UNIFORM = {"type": "BALANCE", "distribution": "UNIFORM"}
CLS, DET = ".lightly/predictions/cls", ".lightly/predictions/det"
META = ".lightly/metadata"
IDS = [f"a/{k}.png" for k in range(6)]
Pair = tuple[Any, Any]


def metadata(key: str) -> dict[str, str]:
    return {"type": "METADATA", "key": key}


def config(*pairs: Pair, **more: Any) -> dict[str, Any]:
    """Return a config of (input, strategy) pairs, 3 samples unless told otherwise."""
    entries = [{"input": source, "strategy": strategy} for source, strategy in pairs]
    return {"n_samples": 3, **more, "strategies": entries}


def vectors(n: int = 6) -> list[list[float]]:
    found: list[list[float]] = np.random.default_rng(0).normal(size=(n, 4)).tolist()
    return found


def embeddings(rows: Any, ids: list[Any], fixed: bool = True) -> dict[str, Any]:
    return {"embeddings.parquet": parquet({"sample_id": ids, "embedding": rows}, fixed)}


def prediction(task: str, k: int, predictions: Any, **more: Any) -> dict[str, Any]:
    """Return the prediction file of image ``k``."""
    content = {"file_name": f"a/{k}.png", "predictions": predictions, **more}
    return {f".lightly/predictions/{task}/a/{k}.json": content}


def meta(k: int, values: Any) -> dict[str, Any]:
    """Return the metadata file of image ``k``."""
    content = {"file_name": f"a/{k}.png", "type": "image", "metadata": values}
    return {f"{META}/a/{k}.json": content}


def files() -> dict[str, Any]:
    """Return six images with two tasks, metadata and embeddings; image k has k objects."""
    found: dict[str, Any] = {name: picture(k) for k, name in enumerate(IDS)}
    found[".lightly/predictions/tasks.json"] = ["cls", "det"]
    found[f"{CLS}/schema.json"] = _schema("classification", {0: "cat", 3: "dog"})
    found[f"{DET}/schema.json"] = _schema("object-detection", {0: "car", 1: "bus"})
    for k in range(6):
        share = k / 10
        classes = {"category_id": 0, "probabilities": [share, 1 - share]}
        boxes = [{"category_id": j % 2, "bbox": [0, 0, 4, 4], "score": 0.5} for j in range(k)]
        found |= prediction("cls", k, [classes]) | prediction("det", k, boxes)
        found |= meta(k, {"t": float(k), "sky": "sunny" if k % 2 else "rainy"})
    found[f"{META}/schema.json"] = [
        {"name": "T", "path": "t", "valueDataType": "NUMERIC_FLOAT"},
        {"name": "Sky", "path": "sky", "valueDataType": "CATEGORICAL_STRING"},
    ]
    return found | embeddings(vectors(), IDS)


def _schema(task_type: str, names: Mapping[int, str]) -> dict[str, Any]:
    categories = [{"id": number, "name": name} for number, name in names.items()]
    return {"task_type": task_type, "categories": categories}


def picture(seed: int, width: int = 16, height: int = 12) -> bytes:
    """Return an image of noise."""
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def small_dataset(root: Path, change: Mapping[str, Any] | None = None, without: str = "") -> Path:
    """Write the dataset into ``root/data``, some files changed, some left out."""
    kept = {k: v for k, v in files().items() if not (without and k.startswith(without))}
    return build(root / "data", kept | dict(change or {}))


class Ran(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


def selectlab(*arguments: object) -> Ran:
    """Run the command line as the shell would; any other exception than SystemExit is a bug."""
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["selectlab", *map(str, arguments)]
    code: Any = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main()
    except SystemExit as error:
        code = error.code
    finally:
        sys.argv = before
    return Ran(int(code or 0), out.getvalue(), err.getvalue())
