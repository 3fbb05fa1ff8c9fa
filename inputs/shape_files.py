"""Shapes of single samples from the files of a task: outlines, masks and keypoints included."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from selectlab.errors import DataError
from selectlab.inputs import yolo
from selectlab.inputs.coco import confident, file_names, rle_counts
from selectlab.inputs.files import Folder, parse_json
from selectlab.inputs.image_names import ImageNames
from selectlab.inputs.lightly_predictions import file_sample, prediction_files
from selectlab.inputs.prediction_checks import TaskSchema, shown
from selectlab.inputs.prediction_columns import PredictionBuilder, PredictionTable
from selectlab.inputs.sample_ids import stem_of
from selectlab.inputs.shape_columns import Seen, SizeOf, keypoint_names, shapes_of_row
from selectlab.masks import mask_of_columns
from selectlab.shapes import Mask, Shape, Task

_NO_SIZE = "the size of the image is not known, or is not that of the mask"


def _task(schema: TaskSchema, categories: Any) -> Task:
    by_id = dict(zip(schema.category_ids, schema.names, strict=True))
    return Task(schema.task, schema.task_type, by_id, *keypoint_names(categories))


class LightlyShapes:
    """Shapes of a task with a JSON file per image.

    Args:
        folder: The dataset.
        base: Path of the task's folder in it.
        schema: The task's schema.
        names: The images.
    """

    why_lost = _NO_SIZE

    def __init__(self, folder: Folder, base: str, schema: TaskSchema, names: ImageNames) -> None:
        self._folder, self._base, self._schema, self._names = folder, base, schema, names
        self._paths = sorted(prediction_files(folder, base))
        content = folder.read_json(f"{base}/schema.json")
        self.task = _task(schema, content.get("categories"))

    def of(self, ids: Sequence[str], size_of: SizeOf) -> Mapping[str, Seen]:
        """Return the shapes of samples; only their files are read."""
        wanted, raw = set(ids), dict[str, list[Any]]()
        builder = PredictionBuilder(self._schema, self._base)
        paths = sorted({path for name in wanted for path in self._candidates(name)})
        for path, data in self._folder.read_many(paths):
            content = parse_json(data, path)
            if not isinstance(content, dict) or "predictions" not in content:
                raise DataError(f"{path}: must be an object with file_name and predictions")
            relative = path[len(self._base) + 1 : -len(".json")]
            name = file_sample(content, path, relative, self._names)
            if name in wanted:
                builder.add(name, content["predictions"], path)
                raw[name] = content["predictions"]
        table = builder.table()
        return {
            name: _seen(name, shapes_of_row(table.predictions, row), raw[name], size_of)
            for row, name in enumerate(table.ids)
        }

    def _candidates(self, name: str) -> Iterator[str]:
        """Yield the files that may be about a sample: those with its stem, however they end."""
        for stem in {stem_of(name), name.rpartition(".")[0] or name}:
            start = f"{self._base}/{stem}."
            at = bisect_left(self._paths, start)
            while at < len(self._paths) and self._paths[at].startswith(start):
                yield self._paths[at]
                at += 1


def _seen(name: str, shapes: Sequence[Shape], raw: Sequence[Any], size_of: SizeOf) -> Seen:
    """Return objects of a Lightly file with what the columns leave out."""
    seen = Seen()
    for shape, given in zip(shapes, raw, strict=True):
        lost = False
        if given.get("keypoints"):
            shape = replace(shape, keypoints=_points(given["keypoints"]))
        if given.get("segmentation"):
            mask = _row_major_mask(given["segmentation"], size_of(name))
            shape, lost = replace(shape, mask=mask), mask is None
        seen.add(shape, lost=lost)
    return seen


def _points(flat: Sequence[float]) -> tuple[tuple[float, float, float], ...]:
    return tuple(
        (float(x), float(y), min(float(s), 1.0))
        for x, y, s in zip(flat[0::3], flat[1::3], flat[2::3], strict=True)
    )


def _row_major_mask(counts: Sequence[int], size: tuple[int, int] | None) -> Mask | None:
    """Return the mask of an image, whose size the counts do not tell."""
    if size is None or sum(counts) != size[0] * size[1]:
        return None
    return Mask(tuple(counts), *size)


class CocoShapes:
    """Shapes of a task in a COCO file.

    Args:
        task: Name of the task.
        content: A results list, or an object with annotations.
        about: An object with images and categories.
        table: What was made of them; its rows tell which images mean which samples.
        names: The images.
    """

    why_lost = "the size of the mask is not known"

    def __init__(
        self, task: str, content: Any, about: Any, table: PredictionTable, names: ImageNames
    ) -> None:
        held = table.predictions
        schema = TaskSchema(task, held.task_type, held.category_ids, held.names)
        self.task = _task(schema, about["categories"])
        self._table, self._where = table, table.where
        files = file_names(about["images"], table.where, names.resolve)
        objects = content["annotations"] if isinstance(content, dict) else content
        self._raw: dict[str, list[Any]] = {name: [] for name in files.values()}
        for given in objects:
            self._raw[files[given["image_id"]]].append(given)

    @cached_property
    def _rows(self) -> Mapping[str, int]:
        return {name: row for row, name in enumerate(self._table.ids)}

    def of(self, ids: Sequence[str], size_of: SizeOf) -> Mapping[str, Seen]:
        """Return the shapes of samples."""
        found = {}
        for name in ids:
            if name in self._raw:
                shapes = shapes_of_row(self._table.predictions, self._rows[name])
                found[name] = seen = Seen()
                for at, (shape, given) in enumerate(zip(shapes, self._raw[name], strict=True)):
                    seen.add(self._drawn(shape, given, f"{self._where}: {name}[{at}]"))
        return found

    def _drawn(self, shape: Shape, given: Mapping[str, Any], where: str) -> Shape:
        """Return an object with what the columns leave out; labels have no score."""
        outline, crowd = given.get("segmentation"), given.get("iscrowd")
        points = confident(given.get("keypoints")) or ()
        return replace(
            shape,
            score=None if given.get("score") is None else shape.score,
            keypoints=_points(points),
            polygons=_polygons(outline) if isinstance(outline, list) else (),
            mask=coco_mask(outline, where) if isinstance(outline, dict) else None,
            attributes={"iscrowd": True} if crowd == 1 else None,
        )


def _polygons(outline: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in polygon) for polygon in outline)


def coco_mask(outline: Mapping[str, Any], where: str) -> Mask:
    """Return a COCO run-length mask, whose counts go down the columns.

    Raises:
        DataError: It has no size, or its counts do not fill it.
    """
    size = outline.get("size")
    whole = isinstance(size, list) and len(size) == 2 and all(type(n) is int for n in size)
    if not whole:
        raise DataError(f"{where}.segmentation.size must be height and width, got {shown(size)}")
    height, width = size  # type: ignore[misc]
    counts = rle_counts(outline, f"{where}.segmentation")
    if min(height, width) < 1 or sum(counts) != height * width:
        raise DataError(
            f"{where}.segmentation: its counts are of {sum(counts)} pixels, its size {width} x "
            f"{height}"
        )
    return mask_of_columns(counts, width=width, height=height, where=where)


class YoloShapes:
    """Shapes of a task with a YOLO .txt file per image.

    Args:
        folder: The dataset.
        base: Path of the task's folder in it.
        schema: The task's classes.
        names: The images.
    """

    why_lost = "there is no image, and so no size in px"

    def __init__(self, folder: Folder, base: str, schema: TaskSchema, names: ImageNames) -> None:
        self._folder, self._base, self._names = folder, base, names
        self.task = _task(schema, None)

    @cached_property
    def _files(self) -> Mapping[str, str]:
        """The label file of each sample."""
        found: dict[str, str] = {}
        for path in yolo.label_files(self._folder, self._base):
            name = yolo.label_image(path, self._base, self._names)
            if name in found:
                raise DataError(f"{path}: {name!r} has predictions in {found[name]} too")
            found[name] = path
        return found

    def of(self, ids: Sequence[str], size_of: SizeOf) -> Mapping[str, Seen]:
        """Return the shapes of samples; only their files are read."""
        names = [name for name in ids if name in self._files]
        paths = [self._files[name] for name in names]
        read = self._folder.read_many(paths)
        return {
            name: self._seen(yolo.lines_of(data, path), path, size_of(name))
            for name, (path, data) in zip(names, read, strict=True)
        }

    def _seen(self, lines: Iterator[list[float]], path: str, size: tuple[int, int] | None) -> Seen:
        seen, categories = Seen(), self.task.categories
        for line in lines:
            number = int(line[0])
            if number not in categories:
                raise DataError(f"{path}: class {number} has no name")
            if size is None:
                seen.add(None, lost=True)
                continue
            x, y, w, h = yolo.detection(line, *size)["bbox"]
            score = line[5] if len(line) == 6 else None
            seen.add(Shape(categories[number], score, (x, y, w, h)))
        return seen
