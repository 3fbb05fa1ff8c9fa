"""The predictions folder of a dataset: which tasks there are, and in which format each is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from selectlab.errors import DataError
from selectlab.inputs import yolo
from selectlab.inputs.coco import coco_table
from selectlab.inputs.files import Folder, Progress
from selectlab.inputs.image_names import ImageNames
from selectlab.inputs.lightly_predictions import (
    parse_schema,
    parse_tasks,
    prediction_files,
    read_task,
)
from selectlab.inputs.prediction_checks import TaskSchema
from selectlab.inputs.prediction_columns import PredictionTable
from selectlab.inputs.sample_ids import stem_of
from selectlab.inputs.shape_columns import ShapeReader
from selectlab.inputs.shape_files import CocoShapes, LightlyShapes, YoloShapes

_IMAGES, _INSTANCES = ".images.json", "instances.json"


class PredictionFolder:
    """Prediction tasks below a folder, each in one of three formats.

    - Lightly: ``TASK/schema.json`` and a JSON per image; needs to be listed in tasks.json.
    - COCO: ``TASK.json``; a plain results list takes images and categories from
      ``TASK.images.json`` or ``instances.json`` beside it.
    - YOLO: ``TASK/`` with a .txt per image; class names from ``TASK/data.yaml`` (or
      config.yaml, dataset.yaml, classes.txt, schema.json), or from those of the dataset.

    With a tasks.json exactly the tasks it lists exist. Without one, all COCO and YOLO tasks do.

    Args:
        folder: The dataset.
        base: Path of the predictions folder in it.
        names: The images of the dataset.
        progress: Called with the number of files read and their total.
    """

    def __init__(
        self, folder: Folder, base: str, names: ImageNames, progress: Progress | None = None
    ) -> None:
        self._folder, self._base = folder, base
        self._names, self._progress = names, progress
        self._tables: dict[str, PredictionTable] = {}
        self.tasks: tuple[str, ...] = self._find_tasks()

    def ids(self, task: str) -> Iterable[str]:
        """Return the samples of a task; files are read only where their path does not say it."""
        at = f"{self._base}/{task}"
        if self._is_coco(task) or task in self._tables:
            return self.table(task).ids
        if self._is_yolo(task):
            files = yolo.label_files(self._folder, at)
            return [yolo.label_image(path, at, self._names) for path in files]
        stems = (path[len(at) + 1 : -5] for path in prediction_files(self._folder, at))
        found = [self._names.of_stem(stem_of(stem)) for stem in stems]
        known = [name for name in found if name is not None]
        return known if len(known) == len(found) else self.table(task).ids

    def table(self, task: str) -> PredictionTable:
        """Return the predictions of a task.

        Raises:
            DataError: A file is malformed; the message names it.
        """
        if task not in self._tables:
            read = self._coco if self._is_coco(task) else self._yolo
            lightly = not self._is_coco(task) and not self._is_yolo(task)
            self._tables[task] = self._lightly(task) if lightly else read(task)
        return self._tables[task]

    def _find_tasks(self) -> tuple[str, ...]:
        """Return the names of the tasks; check that those listed are there."""
        base, listed = self._base, f"{self._base}/tasks.json"
        if listed not in self._folder:
            return self._unlisted()
        tasks = parse_tasks(self._folder.read_json(listed), listed)
        for task in tasks:
            schema = f"{base}/{task}/schema.json"
            if schema in self._folder:
                self._schema(task)
            elif not self._is_coco(task) and not self._is_yolo(task):
                raise DataError(
                    f"{listed}: task {task!r} has no {schema}, and is no COCO file "
                    f"{base}/{task}.json and no folder of YOLO .txt files"
                )
        return tasks

    def _unlisted(self) -> tuple[str, ...]:
        """Return the COCO and YOLO tasks of a folder without tasks.json."""
        start = len(self._base) + 1
        found: set[str] = set()
        for path in self._folder.under(self._base):
            top, slash, _ = path[start:].partition("/")
            if slash:
                found.add(top)
            elif top.endswith(".json") and not top.endswith(_IMAGES) and top != _INSTANCES:
                found.add(top.removesuffix(".json"))
        for task in sorted(found):
            if not self._is_coco(task) and not self._is_yolo(task):
                raise DataError(
                    f"{self._base}: no tasks.json; it lists the names of the task folders, "
                    f'such as ["{task}"]'
                )
        return tuple(sorted(found))

    def _is_coco(self, task: str) -> bool:
        return f"{self._base}/{task}.json" in self._folder

    def _is_yolo(self, task: str) -> bool:
        """A YOLO task has label files and no JSON but, perhaps, a schema."""
        at = f"{self._base}/{task}"
        return not prediction_files(self._folder, at) and bool(yolo.label_files(self._folder, at))

    def _schema(self, task: str) -> TaskSchema:
        path = f"{self._base}/{task}/schema.json"
        return parse_schema(self._folder.read_json(path), task, path)

    def _lightly(self, task: str) -> PredictionTable:
        at = f"{self._base}/{task}"
        return read_task(self._folder, at, self._schema(task), self._names, self._progress)

    def shapes(self, task: str) -> ShapeReader:
        """Return what reads the shapes of a task, sample by sample."""
        at = f"{self._base}/{task}"
        if self._is_coco(task):
            content, about, _, _ = self._coco_content(task)
            return CocoShapes(task, content, about, self.table(task), self._names)
        if self._is_yolo(task):
            return YoloShapes(self._folder, at, self._yolo_schema(task), self._names)
        return LightlyShapes(self._folder, at, self._schema(task), self._names)

    def _coco(self, task: str) -> PredictionTable:
        content, about, where, about_where = self._coco_content(task)
        return coco_table(
            content, about, task=task, where=where, about_where=about_where,
            resolve=self._names.resolve,
        )  # fmt: skip

    def _coco_content(self, task: str) -> tuple[Any, Any, str, str]:
        """Return results and the object with their images, and the names of both files."""
        where = f"{self._base}/{task}.json"
        content = about = self._folder.read_json(where)
        beside = (f"{self._base}/{task}{_IMAGES}", f"{self._base}/{_INSTANCES}")
        about_where = next((path for path in beside if path in self._folder), where)
        if isinstance(content, dict) and "images" in content and "categories" in content:
            about_where = where
        elif about_where == where:
            raise DataError(f"{where}: no images and categories; expected them in {beside[0]}")
        else:
            about = self._folder.read_json(about_where)
        return content, about, where, about_where

    def _yolo(self, task: str) -> PredictionTable:
        at = f"{self._base}/{task}"
        return yolo.yolo_table(
            self._folder, at, self._yolo_schema(task), self._names,
            lambda name: yolo.image_size(self._folder, name), self._progress,
        )  # fmt: skip

    def _yolo_schema(self, task: str) -> TaskSchema:
        at = f"{self._base}/{task}"
        if f"{at}/schema.json" in self._folder:
            return self._schema(task)
        for path in [f"{at}/{name}" for name in yolo.NAME_FILES] + list(yolo.NAME_FILES):
            if path in self._folder:
                return yolo.yolo_schema(task, yolo.file_names(self._folder, path))
        raise DataError(f"{at}: no class names; expected {at}/data.yaml with 'names'")
