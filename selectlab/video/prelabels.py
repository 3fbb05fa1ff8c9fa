"""Boxes as pre-labels for annotation tools: COCO JSON and YOLO text files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selectlab.atomic import write_atomically
from selectlab.inputs.sample_ids import stem_of
from selectlab.video.labels import Box, Labels

IMAGES, YOLO_LABELS, COCO_FILE, YOLO_FILE = "images", "labels", "coco.json", "data.yaml"

Sizes = Mapping[str, tuple[int, int]]
"""Width and height in px by sample id, in the order of the images."""


def write_coco(out: Path, labels: Labels, sizes: Sizes) -> None:
    """Write ``coco.json``; ``file_name`` is relative to ``images/``.

    Annotations have, beyond the format, ``score`` and ``source``: predicted, suspicious or imputed.
    """
    images, annotations = [], list[dict[str, Any]]()
    for number, (sample, (width, height)) in enumerate(sizes.items(), start=1):
        images.append({"id": number, "file_name": sample, "width": width, "height": height})
        for box in labels.of(sample):
            clipped = _clipped(box, width, height)
            if clipped is None:
                continue
            annotation: dict[str, Any] = {"id": len(annotations) + 1, "image_id": number}
            annotation |= {"category_id": box.category_id, "bbox": list(clipped), "iscrowd": 0}
            annotation |= {"area": clipped[2] * clipped[3], "source": box.kind}
            if box.score is not None:
                annotation["score"] = box.score
            annotations.append(annotation)
    categories = [{"id": number, "name": name} for number, name in labels.names.items()]
    content = {"images": images, "annotations": annotations, "categories": categories}
    write_atomically(out / COCO_FILE, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def write_yolo(out: Path, labels: Labels, sizes: Sizes, home: Path | None = None) -> None:
    """Write ``labels/*.txt`` beside ``images/`` and a ``data.yaml`` that ultralytics trains with.

    Classes are numbered from 0 in the order of the schema. Text files have no place for a
    source or a score. ``home`` is where the folder will be, if that is elsewhere.
    """
    import yaml

    numbers = {category: number for number, category in enumerate(labels.names)}
    for sample, (width, height) in sizes.items():
        lines = []
        for box in labels.of(sample):
            clipped = _clipped(box, width, height)
            if clipped is None:
                continue
            x, y, w, h = clipped
            shares = ((x + w / 2) / width, (y + h / 2) / height, w / width, h / height)
            values = " ".join(f"{value:.6f}" for value in shares)
            lines.append(f"{numbers[box.category_id]} {values}\n")
        write_atomically(out / YOLO_LABELS / f"{stem_of(sample)}.txt", "".join(lines))
    names = dict(enumerate(labels.names.values()))
    content = {"path": str((home or out).resolve()), "train": IMAGES, "val": IMAGES, "names": names}
    write_atomically(out / YOLO_FILE, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def _clipped(box: Box, width: int, height: int) -> tuple[float, float, float, float] | None:
    """Return the part of a box that is in the image; ``None`` if there is none."""
    x, y, w, h = box.xywh
    left, top = max(x, 0.0), max(y, 0.0)
    right, bottom = min(x + w, float(width)), min(y + h, float(height))
    if right <= left or bottom <= top:
        return None
    return left, top, right - left, bottom - top
