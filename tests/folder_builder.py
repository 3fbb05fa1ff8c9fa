"""Writes small dataset folders for tests: ``{path: content}`` becomes files."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image


def build(root: Path, files: Mapping[str, Any]) -> Path:
    """Write files below ``root``: bytes and text as they are, anything else as JSON."""
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, str | bytes):
            content = json.dumps(content)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def png(width: int = 4, height: int = 3) -> bytes:
    """Return a small image."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def parquet(columns: Mapping[str, Any], fixed: bool = True) -> bytes:
    """Return a parquet file; a column ``embedding`` is a list of float32."""
    arrays = {}
    for name, values in columns.items():
        if name == "embedding" and fixed:
            flat = pa.array(np.asarray(values, dtype=np.float32).ravel())
            arrays[name] = pa.FixedSizeListArray.from_arrays(flat, len(values[0]))
        elif name == "embedding":
            arrays[name] = pa.array(values, pa.list_(pa.float32()))
        else:
            arrays[name] = pa.array(values)
    buffer = io.BytesIO()
    pq.write_table(pa.table(arrays), buffer, row_group_size=2)
    return buffer.getvalue()


def npy(values: Any, order: str = "C") -> bytes:
    """Return an .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(values, order=order))
    return buffer.getvalue()


def detection_files(base: str = ".lightly/") -> dict[str, Any]:
    """Return one detection task on images a/1.png and a/2.png; ids have a gap."""
    return {
        "a/1.png": png(),
        "a/2.png": png(),
        "b/3.jpg": png(),
        f"{base}predictions/tasks.json": ["det"],
        f"{base}predictions/det/schema.json": {
            "task_type": "object-detection",
            "categories": [{"id": 0, "name": "car", "supercategory": "x"}, {"id": 5, "name": "bus"}],
        },
        f"{base}predictions/det/a/1.json": {
            "file_name": "a/1.png",
            "predictions": [
                {"category_id": 5, "bbox": [1, 2, 3, 4.5], "score": 0.25,
                 "probabilities": [0.25, 0.75]},
                {"category_id": 0, "bbox": [0, 0, 1, 1], "score": 1},
            ],
        },
        f"{base}predictions/det/a/2.json": {"file_name": "a/2.png", "predictions": []},
    }  # fmt: skip


def shared_data(name: str) -> Path:
    """Return a folder of the shared real data, or skip the test."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    root = Path(os.environ.get("SELECTLAB_DATA") or beside)
    if not (root / name).is_dir():
        pytest.skip(f"no {name} in SELECTLAB_DATA or ../shared/data")
    return root / name
