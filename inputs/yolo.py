"""YOLO label and result files as predictions: ``class x y w h [confidence]`` a line."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

from selectlab.errors import DataError, first_of
from selectlab.inputs.files import Folder, Progress, open_file, open_folder
from selectlab.inputs.image_names import ImageNames
from selectlab.inputs.image_sizes import Size, header_size
from selectlab.inputs.prediction_checks import TaskSchema, shown
from selectlab.inputs.prediction_columns import PredictionBuilder, PredictionTable
from selectlab.inputs.sample_ids import is_image, sample_id

Names = Sequence[str] | Mapping[int, str] | str | os.PathLike[str]

NAME_FILES = ("data.yaml", "config.yaml", "dataset.yaml", "classes.txt")
_SLACK = 0.01


def read_yolo(
    folder: str | os.PathLike[str],
    *,
    names: Names | None = None,
    images: str | os.PathLike[str] | Mapping[str, Size] | None = None,
    task: str = "yolo",
) -> PredictionTable:
    """Read a folder of YOLO .txt files, ready for ``Dataset(predictions={task: ...})``.

    Args:
        folder: Path or URL of the .txt files, one per image.
        names: Class names, as a list, as ``{class: name}``, or as the path of a YAML file with
            ``names``. By default data.yaml, config.yaml, dataset.yaml or classes.txt in the
            folder or in one of the two above it.
        images: Path or URL of the images, or ``{sample id: (width, height)}`` in px. By
            default the images in ``folder`` itself, or in the folder called ``images`` where
            the path of the labels has ``labels``.
        task: Name of the task.

    Returns:
        One row per .txt file; ids are the image paths below ``images``. Lines without a
        confidence (labels) count as certain, 1.0.

    Raises:
        DataError: Class names or images are not to be found, or a line is malformed.
    """
    labels = open_folder(folder)
    known = _names_near(labels, os.fspath(folder)) if names is None else class_names(names)
    if isinstance(images, Mapping):
        sizes = dict(images)
        found = ImageNames(sample_id(name, "images") for name in sizes)
        return yolo_table(labels, "", yolo_schema(task, known), found, sizes.__getitem__)
    at = open_folder(_images_near(labels, os.fspath(folder)) if images is None else images)
    found = ImageNames(path for path in at.paths if is_image(path))
    return yolo_table(
        labels, "", yolo_schema(task, known), found, lambda name: image_size(at, name)
    )


def yolo_schema(task: str, names: Mapping[int, str]) -> TaskSchema:
    """Return the schema of a task with these class names."""
    ids = sorted(names)
    return TaskSchema(task, "object-detection", tuple(ids), tuple(names[i] for i in ids))


def yolo_table(
    folder: Folder,
    base: str,
    schema: TaskSchema,
    names: ImageNames,
    size_of: Callable[[str], Size],
    progress: Progress | None = None,
) -> PredictionTable:
    """Read the .txt files below ``base``.

    Args:
        folder: Where the files are.
        base: Path of the task's folder in it; ``""`` is the whole.
        schema: The task's classes.
        names: The images.
        size_of: Gives width and height of an image, px.
        progress: Called with the number of files read and their total.
    """
    held = []
    for path, data in folder.read_many(label_files(folder, base), progress):
        name = label_image(path, base, names)
        held.append((path, name, list(lines_of(data, path))))
    lacking = [path for path, name, _ in held if name not in names.images]
    if lacking:
        raise DataError(
            f"{base or folder.where}: no image, so no size in px, for "
            f"{first_of(lacking, len(held)).replace('samples', 'files')}"
        )
    builder = PredictionBuilder(schema, base or folder.where)
    with ThreadPoolExecutor(8) as pool:
        sizes = pool.map(lambda item: size_of(item[1]) if item[2] else (0, 0), held)
        for (path, name, lines), (width, height) in zip(held, sizes, strict=True):
            builder.add(name, [detection(line, width, height) for line in lines], path)
    return builder.table()


def label_files(folder: Folder, base: str) -> list[str]:
    """Return the paths of the label files of a task."""
    return [
        path
        for path in folder.under(base)
        if path.endswith(".txt") and path.rpartition("/")[2] != "classes.txt"
    ]


def label_image(path: str, base: str, names: ImageNames) -> str:
    """Return the image of a label file, or the path without ``.txt`` when there is none."""
    return names.resolve(path[len(base) :].lstrip("/").removesuffix(".txt"), path)


def lines_of(data: bytes, where: str) -> Iterator[list[float]]:
    """Yield the numbers of each line."""
    for number, line in enumerate(data.decode("utf-8-sig", "replace").split("\n"), start=1):
        words = line.split()
        if not words:
            continue
        try:
            values = [float(word) for word in words]
        except ValueError:
            values = []
        if len(values) not in (5, 6) or not values[0].is_integer():
            raise DataError(
                f"{where} line {number}: must be class x y w h and optionally a confidence, "
                f"got {shown(line.strip())}"
            )
        if not all(math.isfinite(v) and -_SLACK <= v <= 1 + _SLACK for v in values[1:5]):
            raise DataError(
                f"{where} line {number}: x y w h must be shares of the image from 0 to 1, "
                f"got {shown(line.strip())}"
            )
        yield values


def detection(line: Sequence[float], width: int, height: int) -> dict[str, Any]:
    """Return a line as Lightly writes it: corner and size in px."""
    x, y, w, h = line[1:5]
    return {
        "category_id": int(line[0]),
        "bbox": [(x - w / 2) * width, (y - h / 2) * height, w * width, h * height],
        "score": line[5] if len(line) == 6 else 1.0,
    }


def class_names(source: Names) -> dict[int, str]:
    """Return class names by class number.

    Raises:
        DataError: They are no list or mapping of different names.
    """
    if isinstance(source, str | os.PathLike):
        folder, name = open_file(source)
        return file_names(folder, name)
    return _numbered(source, "names")


def file_names(folder: Folder, path: str) -> dict[int, str]:
    """Return the class names in a YAML file, or in a text file with one a line."""
    data = folder.read(path)
    if path.endswith(".txt"):
        lines = data.decode("utf-8-sig").splitlines()
        return _numbered([line.strip() for line in lines if line.strip()], path)
    yaml: Any = import_module("yaml")
    try:
        content = yaml.safe_load(data)
    except yaml.YAMLError as error:
        raise DataError(f"{path}: malformed YAML, {' '.join(str(error).split())}") from None
    return _numbered(content.get("names") if isinstance(content, dict) else None, path)


def _numbered(names: Any, where: str) -> dict[int, str]:
    """Return names by number, from a list or a mapping."""
    listed = isinstance(names, Sequence) and not isinstance(names, str)
    found = dict(enumerate(names)) if listed else names
    if not isinstance(found, Mapping) or not found:
        raise DataError(f"{where}: no class names; expected 'names', a list or a mapping")
    for number, name in found.items():
        if type(number) is not int or number < 0 or not isinstance(name, str | int | float):
            raise DataError(
                f"{where}: names must be text by class number, got {number!r}: {name!r}"
            )
    if len(set(map(str, found.values()))) < len(found):
        raise DataError(f"{where}: two classes have the same name")
    return {number: str(name) for number, name in found.items()}


def _names_near(labels: Folder, path: str) -> dict[int, str]:
    """Return the class names in the folder of the labels, or in one of the two above."""
    above, found = path.rstrip("/"), labels
    for step in range(3):
        if step:
            above = os.path.dirname(above if "://" in above else os.path.abspath(above))
            found = open_folder(above, deep=False)
        for name in NAME_FILES:
            if name in found:
                return file_names(found, name)
    raise DataError(f"{path}: no class names; expected data.yaml with 'names', or classes.txt")


def _images_near(labels: Folder, path: str) -> str:
    """Return where the images of these labels are."""
    if any(map(is_image, labels.paths)):
        return path
    parts = path.replace(os.sep, "/").split("/")
    if "labels" in parts:
        last = len(parts) - 1 - parts[::-1].index("labels")
        return "/".join([*parts[:last], "images", *parts[last + 1 :]])
    raise DataError(f"{path}: no images beside the labels; say where they are: images=...")


def image_size(folder: Folder, path: str) -> Size:
    """Return width and height of an image as it is shown, px; only its header is read.

    Raises:
        DataError: The image cannot be read.
    """
    with folder.open(path) as file:
        return header_size(file, path)
