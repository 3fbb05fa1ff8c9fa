"""Predictions written into a dataset folder, as Lightly lays them out."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from selectlab.atomic import write_atomically
from selectlab.errors import ConfigError, DataError
from selectlab.inputs.files import parse_json
from selectlab.inputs.folder import BUCKET
from selectlab.inputs.lightly_predictions import parse_schema, parse_tasks
from selectlab.inputs.prediction_columns import PredictionTable
from selectlab.inputs.sample_ids import sample_id, stem_of


def write_predictions(table: PredictionTable, out: str | os.PathLike[str]) -> int:
    """Write detections into a dataset folder, beside what it holds; return their number.

    Files of the same samples are replaced, those of other samples stay.

    Args:
        table: Detections, with boxes.
        out: Dataset folder, made if need be.

    Raises:
        ConfigError: The task cannot be a folder's name, or ``out`` is a URL.
        DataError: The task is there with other classes, or a file cannot be written.
    """
    held, root = table.predictions, Path(out)
    if "://" in os.fspath(out):
        raise ConfigError(f"{out}: predictions are written to a local folder")
    if not held.task or {"/", "\\"} & set(held.task):
        raise ConfigError(f"task {held.task!r}: must be usable as the name of a folder")
    sample_id(held.task, "task")
    beside = (root / "predictions").is_dir() and not (root / BUCKET / "predictions").is_dir()
    base = root / "predictions" if beside else root / BUCKET / "predictions"
    try:
        _list_task(base, table)
        made: set[Path] = set()
        for row, name in enumerate(table.ids):
            path = base / held.task / f"{stem_of(name)}.json"
            if path.parent not in made:
                path.parent.mkdir(parents=True, exist_ok=True)
                made.add(path.parent)
            content = {"file_name": name, "predictions": _objects(table, row)}
            path.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{root}: cannot be written, {error.strerror or error}") from None
    return len(held.category)


def _list_task(base: Path, table: PredictionTable) -> None:
    """Write the schema and list the task."""
    held = table.predictions
    known = zip(held.category_ids, held.names, strict=True)
    categories = [{"id": number, "name": name} for number, name in known]
    schema = base / held.task / "schema.json"
    if schema.exists():
        earlier = parse_schema(parse_json(schema.read_bytes(), str(schema)), held.task, str(schema))
        if (earlier.category_ids, earlier.names) != (held.category_ids, held.names):
            raise DataError(f"{schema}: the task is there with other classes; choose another name")
    else:
        text = json.dumps({"task_type": held.task_type, "categories": categories}, indent=2)
        write_atomically(schema, text + "\n")
    listing = base / "tasks.json"
    tasks: tuple[str, ...] = ()
    if listing.exists():
        tasks = parse_tasks(parse_json(listing.read_bytes(), str(listing)), str(listing))
    if held.task not in tasks:
        write_atomically(listing, json.dumps([*tasks, held.task]) + "\n")


def _objects(table: PredictionTable, row: int) -> list[dict[str, Any]]:
    """Return the predictions of a sample as Lightly writes them."""
    held = table.predictions
    if held.boxes is None:
        raise DataError(f"{table.where}: task {held.task!r} has no boxes to write")
    return [
        {
            "category_id": held.category_ids[held.category[at]],
            "bbox": [float(value) for value in held.boxes[at]],
            "score": float(held.score[at]),
        }
        for at in range(held.offsets[row], held.offsets[row + 1])
    ]
