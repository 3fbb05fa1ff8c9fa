"""Label Studio: tasks with what was predicted, and the labelling config for them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import Field

from selectlab.errors import DataError
from selectlab.exports.items import Item, Items
from selectlab.exports.label_studio_config import IMAGE, controls_of, label_config
from selectlab.exports.label_studio_results import results_of
from selectlab.exports.writer import Writer
from selectlab.shapes import Task
from selectlab.tally import Tally

MODEL_VERSION = "selectlab"
"""One name for all runs: a project shows the predictions of one model version only."""

LOCAL_FILES = "/data/local-files/?d="


class LabelStudio(Writer):
    """Tasks for Label Studio with predictions to correct, and a labelling config.

    Makes a folder with ``tasks.json`` and ``label_config.xml``: paste the config into the
    project's settings, then import the tasks. Boxes, outlines, masks (as brushes), keypoints and
    classes go along as predictions; labels that people made, as annotations. Rank, score, reason
    and metadata are in the data of a task, where Label Studio's data manager shows them as
    columns. A prediction's own score is left open: Label Studio would show the lowest first.

    Attributes:
        tasks_per_file: Split the tasks into ``tasks-0001.json`` and so on, for servers that limit
            the size of an upload.
        local_files: Folder that the server serves as its local files, its
            ``LOCAL_FILES_DOCUMENT_ROOT``: images below it are named as the server finds them.
    """

    type: Literal["label_studio"] = "label_studio"
    takes_shapes: ClassVar[bool] = True
    tasks_per_file: Annotated[int, Field(ge=1)] | None = None
    local_files: str | None = None

    def write(self, items: Items, out: Path) -> list[str]:
        """Make the folder; see :meth:`Writer.write`."""
        tally = Tally()
        out.mkdir()
        if items.tasks:
            config = label_config(items.tasks)
            (out / "label_config.xml").write_text(config, encoding="utf-8", newline="\n")
        tasks = self._tasks(items, tally)
        for name, n in self._files(len(items)):
            _write_array(islice(tasks, n), out / name)
        notes = tally.lines()
        if not items.tasks:
            notes.append(
                "no task is named, so there are no predictions and no label_config.xml: "
                "make the labelling config in Label Studio"
            )
        return notes

    def _files(self, n: int) -> list[tuple[str, int]]:
        """Return the names of the files and how many tasks each takes."""
        if self.tasks_per_file is None:
            return [("tasks.json", n)]
        starts = range(0, max(n, 1), self.tasks_per_file)
        digits = max(4, len(str(len(starts))))
        return [
            (f"tasks-{number:0{digits}}.json", self.tasks_per_file)
            for number, _ in enumerate(starts, start=1)
        ]

    def _tasks(self, items: Items, tally: Tally) -> Iterator[dict[str, Any]]:
        for item in items:
            task = task_of(item, items.tasks, items.run, tally)
            location = task["data"][IMAGE]
            if self.local_files is not None:
                task["data"][IMAGE] = local_files_url(location, self.local_files)
            elif "://" not in location and not location.startswith(LOCAL_FILES):
                tally.add(
                    "images named by a path of this machine, which Label Studio shows only with "
                    "local_files or an image URL", repr(item.sample_id)
                )  # fmt: skip
            yield task


def task_of(
    item: Item, tasks: Sequence[Task], run: str, tally: Tally | None = None
) -> dict[str, Any]:
    """Return a ranked sample as a task of Label Studio, ready for its import.

    Args:
        item: The sample; its shapes become one prediction, or an annotation if people made them.
        tasks: The tasks of its shapes, as the labelling config was made from.
        run: Id of the run.
        tally: Counts what has to be left out.

    Returns:
        ``data`` with ``image``, ``sample_id``, ``rank``, ``selection_score``, ``reason``, ``run``
        and metadata, then ``predictions`` or ``annotations``.

    Raises:
        DataError: Nobody knows where the image is.

    Example:
        >>> task_of(Item(1, "a b.png", 0.5, location="https://host/a%20b.png"), [], "c0ffee")
        ... # doctest: +NORMALIZE_WHITESPACE
        {'data': {'image': 'https://host/a%20b.png', 'sample_id': 'a b.png', 'rank': 1,
                  'selection_score': 0.5, 'reason': '', 'run': 'c0ffee'}}
    """
    if not item.location:
        raise DataError(
            f"{item.sample_id!r}: nobody knows where its image is; say under which URL Label "
            "Studio finds it, such as --image-url 'https://host/{id}'"
        )
    counted = Tally() if tally is None else tally
    data = {
        IMAGE: item.location,
        "sample_id": item.sample_id,
        "rank": item.rank,
        "selection_score": _plain(item.score),
        "reason": item.reason,
        "run": run,
        **_metadata(item.metadata),
        **_keypoint_names(tasks),
    }
    predicted: list[dict[str, Any]] = []
    labelled: list[dict[str, Any]] = []

    def leave_out(what: str) -> None:
        counted.add(what, repr(item.sample_id))

    for task in tasks:
        shapes = item.shapes.get(task.name, ())
        for into, people in ((predicted, False), (labelled, True)):
            some = [shape for shape in shapes if (shape.origin == "labelled") is people]
            into += results_of(task, some, item.size, leave_out) if some else ()
    made: dict[str, Any] = {"data": data}
    if predicted:
        made["predictions"] = [{"model_version": MODEL_VERSION, "result": predicted}]
    if labelled:
        made["annotations"] = [{"result": labelled, "ground_truth": False}]
    return made


def local_files_url(location: str, root: str) -> str:
    """Return where a server finds a file below the folder it serves; URLs stay as they are.

    Args:
        location: Path or URL of an image.
        root: The server's ``LOCAL_FILES_DOCUMENT_ROOT``.

    Raises:
        DataError: The file is elsewhere.

    Example:
        >>> local_files_url("/data/set/a b.png", "/data")
        '/data/local-files/?d=set/a%20b.png'
    """
    if "://" in location or location.startswith(LOCAL_FILES):
        return location
    path, top = Path(os.path.abspath(location)), Path(os.path.abspath(root))
    if not path.is_relative_to(top):
        raise DataError(f"{location}: not below {root}, the folder that Label Studio serves")
    return LOCAL_FILES + quote(path.relative_to(top).as_posix())


def _metadata(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata under names that the data manager can filter by: without dots."""
    found: dict[str, Any] = {}
    for key, value in given.items():
        name = f"metadata_{key.replace('.', '_')}"
        found[f"metadata.{key}" if name in found else name] = _plain(value)
    return found


def _keypoint_names(tasks: Sequence[Task]) -> dict[str, Any]:
    """Return the order of the keypoints, which an export does not tell otherwise."""
    named = {
        controls_of(task)["keypoints"].name: list(task.keypoints)
        for task in tasks
        if task.keypoints and task.type == "keypoint-detection"
    }
    return {"keypoints": named} if named else {}


def _plain(value: Any) -> Any:
    """Return what a table holds as JSON: numpy numbers, times, missing values."""
    held = value.item() if hasattr(value, "item") else value
    if held is None or held != held:
        return None
    return held if isinstance(held, str | int | float | bool | list | dict) else str(held)


def _write_array(tasks: Iterable[Any], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("[")
        for position, task in enumerate(tasks):
            text = json.dumps(task, ensure_ascii=False, allow_nan=False)
            file.write(f"{',' if position else ''}\n{text}")
        file.write("\n]\n")
