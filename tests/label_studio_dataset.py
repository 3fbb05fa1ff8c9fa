"""A small dataset with predictions, to be sent to Label Studio."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from folder_builder import build
from PIL import Image

from selectlab.dataset import Dataset
from selectlab.inputs.folder import open_dataset

WIDTH, HEIGHT = 40, 20
ODD = ("ü/名前 1.png", "a/b c#%&<1>'.png", 'd/"q"+=?.png')
"""Ids with everything that needs quoting somewhere."""
CATEGORIES = ["car", "Fußgänger <&>"]


def names(n: int) -> list[str]:
    """The ids of n samples; the odd ones among them."""
    return [*ODD, *(f"{i % 3}/{i:04d}.png" for i in range(n - len(ODD)))]


def make(
    root: Path, ids: Sequence[str], more: Mapping[str, tuple[str, dict[str, Any]]] | None = None
) -> Dataset:
    """Make a folder of images, each with two predicted boxes.

    Args:
        root: The folder.
        ids: The images.
        more: Further tasks by name: their type, and what is predicted for each image.
    """
    boxes = [
        {"category_id": 0, "bbox": [4, 2, 10, 8], "score": 0.9},
        {"category_id": 3, "bbox": [20, 10, 20, 5], "score": 0.5},
    ]
    files: dict[str, Any] = {"predictions/tasks.json": ["det", *(more or {})]}
    files |= _predicted("det", "object-detection", (0, 3), ids, boxes)
    for name, (kind, prediction) in (more or {}).items():
        files |= _predicted(name, kind, (0, 1), ids, [prediction])
    files |= {name: picture(number) for number, name in enumerate(ids)}
    return open_dataset(build(root, files))


def _predicted(
    task: str, kind: str, numbers: Sequence[int], ids: Sequence[str], found: Sequence[Any]
) -> dict[str, Any]:
    categories = [{"id": n, "name": name} for n, name in zip(numbers, CATEGORIES, strict=True)]
    schema = {"task_type": kind, "categories": categories}
    folder = f"predictions/{task}"
    return {f"{folder}/schema.json": schema} | {
        f"{folder}/{name.removesuffix('.png')}.json": {"file_name": name, "predictions": found}
        for name in ids
    }


def picture(seed: int, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
