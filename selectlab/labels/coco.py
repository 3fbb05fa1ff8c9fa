"""COCO annotations as labels: boxes, outlines, masks and keypoints, image by image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from selectlab.columns import TaskType
from selectlab.errors import DataError
from selectlab.inputs.files import parse_json
from selectlab.inputs.lightly_predictions import parse_categories
from selectlab.inputs.numbers import size_from
from selectlab.inputs.prediction_checks import shown
from selectlab.inputs.shape_columns import keypoint_names
from selectlab.labels.coco_shapes import attributes_of, shape_of
from selectlab.labels.label import RawLabel
from selectlab.shapes import Shape, Task

ANNOTATIONS = "annotations.json"


def read_labels(path: Path) -> CocoLabels:
    """Open a COCO file of images, annotations and categories.

    An image without annotations is labelled: there is nothing in it.

    Args:
        path: The file, or the folder of an export with its annotations.json. It is held in memory.

    Raises:
        DataError: There is no such file, or it is something else.
    """
    file = path / ANNOTATIONS if path.is_dir() else path
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: cannot be read, {error.strerror or error}") from None
    return CocoLabels(parse_json(data, str(file)), str(file))


class CocoLabels:
    """The labels of a COCO file.

    Args:
        content: The file's content.
        where: The file, for messages.

    Attributes:
        task: Type and categories.
        notes: Nothing; whatever cannot be read is an error.

    Raises:
        DataError: It has no images, annotations and categories, or they do not fit together.
    """

    notes: Sequence[str] = ()

    def __init__(self, content: Any, where: str) -> None:
        keys = {"images", "annotations", "categories"}
        if not isinstance(content, dict) or not keys <= content.keys():
            raise DataError(
                f"{where}: must be an object with images, annotations and categories; a list of "
                "results is no labels"
            )
        self.where = where
        ids, names = parse_categories(content["categories"], where)
        self._names = dict(zip(ids, names, strict=True))
        self._images = _checked_images(content["images"], where)
        self._held = _by_image(content["annotations"], self._images, where)
        points, skeleton = keypoint_names(content["categories"])
        self.task = Task("", self._type(), self._names, points, skeleton)

    def __iter__(self) -> Iterator[RawLabel]:
        for number, image in self._images.items():
            where = f"{self.where}: {image['file_name']}"
            objects = tuple(
                shape_of(given, self._category(given, at), at, _size(image))
                for at, given in self._held[number]
            )
            ours = isinstance(image.get("sample_id"), str)
            yield RawLabel(
                name=image["sample_id"] if ours else image["file_name"],
                is_id=ours,
                shapes=(*self._classes(image, where), *objects),
                size=_size(image),
                where=where,
            )

    def _type(self) -> TaskType:
        """Return what the annotations are, by the fields they have."""
        objects = [given for held in self._held.values() for _, given in held]
        if any(given.get("keypoints") for given in objects):
            return "keypoint-detection"
        if any(given.get("segmentation") for given in objects):
            return "instance-segmentation"
        only_classes = not objects and any(image.get("classes") for image in self._images.values())
        return "classification" if only_classes else "object-detection"

    def _category(self, given: Mapping[str, Any], where: str) -> str:
        number = given.get("category_id")
        if type(number) is not int or number not in self._names:
            raise DataError(f"{where}.category_id {shown(number)} is not in the categories")
        return self._names[number]

    def _classes(self, image: Mapping[str, Any], where: str) -> Iterator[Shape]:
        """Yield the classes of a whole image, which selectlab writes beside the format."""
        listed = image.get("classes") or []
        if not isinstance(listed, list) or not all(isinstance(given, dict) for given in listed):
            raise DataError(f"{where}: classes must be a list of objects, got {shown(listed)}")
        for at, given in enumerate(listed):
            name = self._category(given, f"{where}: classes[{at}]")
            yield Shape(name, origin="labelled", attributes=attributes_of(given))


def _size(image: Mapping[str, Any]) -> tuple[int, int] | None:
    return size_from(image.get("width"), image.get("height"))


def _checked_images(images: Any, where: str) -> dict[int | str, Mapping[str, Any]]:
    """Return the images by their number."""
    if not isinstance(images, list):
        raise DataError(f"{where}: images must be a list of objects with id and file_name")
    found: dict[int | str, Mapping[str, Any]] = {}
    names: set[str] = set()
    for at, image in enumerate(images):
        number = image.get("id") if isinstance(image, dict) else None
        name = image.get("file_name") if isinstance(image, dict) else None
        if not isinstance(number, int | str) or not isinstance(name, str) or not name:
            raise DataError(f"{where}: images[{at}] needs id and file_name, got {shown(image)}")
        if number in found or name in names:
            what = f"id {number!r}" if number in found else f"file_name {name!r}"
            raise DataError(f"{where}: images[{at}]: {what} occurs twice")
        found[number] = image
        names.add(name)
    return found


def _by_image(
    annotations: Any, images: Mapping[int | str, Any], where: str
) -> dict[int | str, list[tuple[str, Mapping[str, Any]]]]:
    """Return the annotations of each image, with their places in the file."""
    if not isinstance(annotations, list):
        raise DataError(f"{where}: annotations must be a list of objects")
    found: dict[int | str, list[tuple[str, Mapping[str, Any]]]] = {key: [] for key in images}
    for at, given in enumerate(annotations):
        number = given.get("image_id") if isinstance(given, dict) else None
        if not isinstance(number, int | str) or number not in found:
            raise DataError(
                f"{where}: annotations[{at}].image_id {shown(number)} is not in the images"
            )
        found[number].append((f"{where}: annotations[{at}]", given))
    return found
