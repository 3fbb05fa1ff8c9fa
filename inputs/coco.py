"""COCO results and instances JSON as predictions: boxes, keypoints, segmentations."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from selectlab.columns import TaskType
from selectlab.errors import DataError
from selectlab.inputs.files import load_json
from selectlab.inputs.lightly_predictions import parse_categories
from selectlab.inputs.numbers import is_number
from selectlab.inputs.prediction_checks import TaskSchema, rle_area, shown
from selectlab.inputs.prediction_columns import PredictionBuilder, PredictionTable
from selectlab.inputs.sample_ids import sample_id
from selectlab.masks import decompressed

Json = str | os.PathLike[str] | list[Any] | dict[str, Any]


def read_coco(
    results: Json, images_or_instances: Json | None = None, *, task: str = "coco"
) -> PredictionTable:
    """Read COCO results, ready for ``Dataset(predictions={task: ...})``.

    Args:
        results: Path, URL or content of a results list ``[{"image_id", "category_id", "bbox",
            "score"}, ...]``, or of an object with images, annotations and categories.
        images_or_instances: The same of an object with images and categories; not needed when
            ``results`` has its own. Its annotations are not looked at.
        task: Name of the task.

    Returns:
        One row per image of the image list; those without results have no objects.
        Annotations without a score (labels) count as certain, 1.0.

    Raises:
        DataError: An image or category is unknown, or a field is malformed.

    Example:
        >>> table = read_coco(
        ...     [{"image_id": 7, "category_id": 1, "bbox": [0, 0, 5, 9], "score": 0.5}],
        ...     {"images": [{"id": 7, "file_name": "a.jpg"}],
        ...      "categories": [{"id": 1, "name": "cat"}]},
        ... )
        >>> table.ids, table.predictions.score
        (('a.jpg',), array([0.5]))
    """
    content, where = load_json(results)
    about, about_where = content, where
    complete = isinstance(content, dict) and {"images", "categories"} <= content.keys()
    if images_or_instances is not None and not complete:
        about, about_where = load_json(images_or_instances)
    return coco_table(content, about, task=task, where=where, about_where=about_where)


def coco_table(
    content: Any,
    about: Any,
    *,
    task: str,
    where: str,
    about_where: str,
    resolve: Callable[[object, str], str] = sample_id,
) -> PredictionTable:
    """Turn loaded COCO JSON into columns.

    Args:
        content: A results list, or an object with annotations.
        about: An object with images and categories.
        task: Name of the task.
        where: Name of ``content``, for messages.
        about_where: Name of ``about``, for messages.
        resolve: Turns a file name, and where it stands, into a sample id.
    """
    labels = isinstance(content, dict)
    objects = content.get("annotations") if labels else content
    if not isinstance(objects, list) or not all(isinstance(o, dict) for o in objects):
        raise DataError(f"{where}: must be a list of results, or an object with annotations")
    if not isinstance(about, dict) or "images" not in about or "categories" not in about:
        raise DataError(
            f"{about_where}: no images and categories; a results list needs "
            "an instances JSON that has both"
        )
    category_ids, names = parse_categories(about["categories"], about_where)
    files = file_names(about["images"], about_where, resolve)
    kind = _task_type(objects)
    found: dict[Any, list[Any]] = {image_id: [] for image_id in files}
    for position, given in enumerate(objects):
        image_id = given.get("image_id")
        if not isinstance(image_id, int | str) or image_id not in found:
            raise DataError(
                f"{where}: [{position}].image_id {shown(image_id)} is not in the images "
                f"of {about_where}"
            )
        if not labels and given.get("score") is None:
            raise DataError(f"{where}: [{position}].score is missing; results have one each")
        found[image_id].append(_lightly(given, kind))
    builder = PredictionBuilder(TaskSchema(task, kind, category_ids, names), where, coco_area)
    for image_id, held in found.items():
        builder.add(files[image_id], held, f"{where}: {files[image_id]}")
    return builder.table()


def file_names(
    images: Any, where: str, resolve: Callable[[object, str], str]
) -> dict[int | str, str]:
    """Return the sample id of each image id."""
    if not isinstance(images, list):
        raise DataError(f"{where}: images must be a list of objects with id and file_name")
    found: dict[int | str, str] = {}
    for position, image in enumerate(images):
        image_id = image.get("id") if isinstance(image, dict) else None
        if not isinstance(image_id, int | str) or "file_name" not in image:
            raise DataError(
                f"{where}: images[{position}] needs id and file_name, got {shown(image)}"
            )
        if image_id in found:
            raise DataError(f"{where}: image id {image_id!r} occurs twice")
        found[image_id] = resolve(image["file_name"], f"{where}: images[{position}].file_name")
    return found


def _task_type(objects: Sequence[Mapping[str, Any]]) -> TaskType:
    """Return what the results are, by the fields they have."""
    if any(o.get("keypoints") for o in objects):
        return "keypoint-detection"
    if any(o.get("segmentation") for o in objects):
        return "instance-segmentation"
    return "object-detection"


def _lightly(given: Mapping[str, Any], kind: TaskType) -> dict[str, Any]:
    """Return a result with Lightly's keys."""
    held = {key: given[key] for key in ("category_id", "bbox", "probabilities") if key in given}
    held["score"] = 1.0 if given.get("score") is None else given["score"]
    if kind == "keypoint-detection":
        held["keypoints"] = confident(given.get("keypoints"))
    if kind == "instance-segmentation":
        held["segmentation"] = given.get("segmentation", [])
    return held


def confident(keypoints: Any) -> Any:
    """Return keypoints with COCO's visibility flags 0, 1, 2 as confidences 0, 1, 1."""
    if not isinstance(keypoints, list):
        return keypoints
    return [1 if at % 3 == 2 and value == 2 else value for at, value in enumerate(keypoints)]


def coco_area(value: Any, where: str) -> float:
    """Return the area of a COCO segmentation, px: polygons, or a run-length mask.

    Polygons of one object are added up; overlaps count twice.

    Raises:
        DataError: It is neither.

    Example:
        >>> coco_area([[0, 0, 4, 0, 4, 3]], "a.json")
        6.0
    """
    if isinstance(value, dict):
        return float(sum(rle_counts(value, where)[1::2]))
    if not isinstance(value, list) or not all(map(_is_polygon, value)):
        raise DataError(f"{where} must be polygons or a run-length mask, got {shown(value)}")
    return float(sum(polygon_area(polygon) for polygon in value))


def rle_counts(value: Mapping[str, Any], where: str) -> list[int]:
    """Return the run lengths of a COCO mask, compressed ones too; they go down the columns.

    Raises:
        DataError: They are no whole numbers >= 0.

    Example:
        >>> rle_counts({"counts": [1, 3], "size": [2, 2]}, "a.json")
        [1, 3]
    """
    given: Any = value.get("counts")
    counts: list[int] = decompressed(given, where) if isinstance(given, str) else given
    rle_area(counts, f"{where}.counts")
    return counts


def _is_polygon(value: Any) -> bool:
    numbers = isinstance(value, list) and all(map(is_number, value))
    return numbers and len(value) >= 6 and len(value) % 2 == 0


def polygon_area(flat: Sequence[float]) -> float:
    """Return the area of a flat polygon x1, y1, x2, y2, ... by the shoelace formula."""
    xs, ys = flat[0::2], flat[1::2]
    crossed = (xs[i - 1] * ys[i] - xs[i] * ys[i - 1] for i in range(len(xs)))
    return abs(sum(crossed)) / 2
