"""Boxes of frames as pre-labels for annotation tools: COCO JSON and YOLO text files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from selectlab.errors import DataError
from selectlab.exports import coco, yolo
from selectlab.exports.items import Item
from selectlab.exports.placed_names import PlacedNames
from selectlab.exports.yolo_lines import YoloLines
from selectlab.inputs.yolo_layout import IMAGES
from selectlab.shapes import Shape, Task
from selectlab.video.labels import Labels

COCO_FILE = "coco.json"

Sizes = Mapping[str, tuple[int, int]]
"""Width and height in px by sample id, best first."""


def write_coco(out: Path, labels: Labels, sizes: Sizes) -> None:
    """Write ``coco.json``; ``file_name`` is relative to ``images/``.

    Annotations have, beyond the format, ``score`` and ``source``: predicted, suspicious or imputed.
    """
    about = {"description": "selectlab: frames"}
    coco.write_coco(_items(labels, sizes), [_task(labels)], out / COCO_FILE, about)


def write_yolo(out: Path, labels: Labels, sizes: Sizes, home: Path | None = None) -> None:
    """Write ``labels/*.txt`` beside ``images/`` and a ``data.yaml`` that ultralytics trains with.

    Classes are numbered from 0 in the order of the schema. Text files have no place for a
    source or a score. ``home`` is where the folder will be, if that is elsewhere.

    Raises:
        DataError: Two images would share a label file.
    """
    names, lines = PlacedNames(), YoloLines([_task(labels)])
    for item in _items(labels, sizes):
        if names.place(item.sample_id) != item.sample_id:
            raise DataError(
                f"{item.sample_id!r}: differs from another image in its ending only, so that they "
                "would share a YOLO label file; 'selectlab export --format yolo' renames one"
            )
        yolo.write_labels(out, item.sample_id, item, lines)
    place = {"path": str((home or out).resolve()), "train": IMAGES, "val": IMAGES}
    yolo.write_data(out, {**place, **lines.schema()})


def _task(labels: Labels) -> Task:
    return Task(labels.task, "object-detection", labels.names)


def _items(labels: Labels, sizes: Sizes) -> list[Item]:
    """Return the frames with their boxes, as writers take them."""
    return [
        Item(rank, sample, None, size=size, shapes={labels.task: _shapes(labels, sample)})
        for rank, (sample, size) in enumerate(sizes.items(), start=1)
    ]


def _shapes(labels: Labels, sample: str) -> list[Shape]:
    return [Shape(box.category, box.score, box.xywh, origin=box.kind) for box in labels.of(sample)]
