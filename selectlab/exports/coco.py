"""COCO: images, boxes, outlines, masks and keypoints in one JSON."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any, ClassVar, Literal

import numpy as np

from selectlab.exports.categories import Categories, Category
from selectlab.exports.geometry import box_around, inside
from selectlab.exports.image_files import ImageFiles, Images
from selectlab.exports.items import Item, Items
from selectlab.exports.writer import Writer
from selectlab.inputs.coco import polygon_area
from selectlab.masks import column_runs, pixels_of
from selectlab.shapes import Mask, Shape, Task
from selectlab.tally import Tally

ANNOTATIONS, IMAGES = "annotations.json", "images"
CROWD = "iscrowd"

_OUTSIDE = "shapes outside of their image, left out"
_CLASSES = "classes of whole images, in 'classes' of the image as COCO has no place for them"
_LONG = "masks that are not compressed, as pycocotools is not there (selectlab[coco])"
_UNSIZED = "images without width and height, which are not known; some trainers refuse them"


class Coco(Writer):
    """A COCO folder: annotations.json, and the images if asked for.

    Images are in the order of ranks and have, beyond the format, ``sample_id``, ``rank``,
    ``score`` and ``run``. Annotations have ``score``, and ``source``: predicted, suspicious,
    imputed or labelled. Categories keep their ids.

    Attributes:
        images: Put the images into ``images/``: ``copy``, ``link`` (hard links, which take no
            room) or ``none``.
    """

    type: Literal["coco"] = "coco"
    ending: ClassVar[str] = ""
    takes_shapes: ClassVar[bool] = True
    images: Images = "none"

    def write(self, items: Items, out: Path) -> list[str]:
        """Write the folder; ``file_name`` of an image is its sample id."""
        out.mkdir()
        about = {"description": f"selectlab: {items.name}", "run": items.run}
        with ImageFiles(items, out / IMAGES, self.images) as files:
            notes = write_coco(items, items.tasks, out / ANNOTATIONS, about, files)
        return [*notes, *files.notes()]


def write_coco(
    items: Iterable[Item],
    tasks: Sequence[Task],
    path: Path,
    about: Mapping[str, str],
    files: ImageFiles | None = None,
) -> list[str]:
    """Write one COCO file, image by image.

    The text is ASCII with escapes: pycocotools reads it in the system's encoding, whatever that is.

    Args:
        items: The images.
        tasks: What their shapes are of.
        path: The file.
        about: Its ``info``; a ``run`` in it is noted at each image too.
        files: Is told to put each image under its ``file_name``.

    Returns:
        What the user should know.

    Raises:
        DataError: A shape is of no category of its task, or a mask does not fill its image.
    """
    categories, tally = Categories(tasks), Tally()
    with (
        path.open("x", encoding="ascii", newline="\n") as file,
        tempfile.TemporaryFile("w+", encoding="ascii", newline="\n", dir=path.parent) as side,
    ):
        file.write(f'{{"info": {json.dumps(dict(about))},\n"licenses": [],\n"images": [')
        images = _Array(file)
        annotations = _Annotations(_Array(side), categories, len(tasks), tally)
        for item in items:
            number = images.n + 1
            image = _image(item, about.get("run"))
            images.add({"id": number, **image, **annotations.add(item, number)})
            if item.size is None:
                tally.add(_UNSIZED, repr(item.sample_id))
            if files is not None:
                files.place(item.sample_id, item.sample_id)
        file.write('\n],\n"annotations": [')
        side.seek(0)
        shutil.copyfileobj(side, file)
        file.write('\n],\n"categories": [')
        listed = _Array(file)
        for category in categories:
            listed.add(_category(category))
        file.write("\n]}\n")
    return [*categories.notes, *tally.lines()]


class _Array:
    """A JSON array that is written element by element, one a line."""

    def __init__(self, file: IO[str]) -> None:
        self._file, self.n = file, 0

    def add(self, element: Mapping[str, Any]) -> None:
        """Write one more."""
        self._file.write((",\n" if self.n else "\n") + json.dumps(element, allow_nan=False))
        self.n += 1


class _Annotations:
    """The annotations of all images, and what could not become one."""

    def __init__(self, array: _Array, categories: Categories, n_tasks: int, tally: Tally) -> None:
        self._array, self._categories, self._n_tasks = array, categories, n_tasks
        self._tally, self._encode = tally, _compressor()

    def add(self, item: Item, image: int) -> dict[str, Any]:
        """Write the annotations of an image; return what belongs to the image itself."""
        classes, name = [], repr(item.sample_id)
        for task, shapes in item.shapes.items():
            for shape in shapes:
                category = self._categories.of(shape, task, f"sample {name}")
                about = self._about(shape, task)
                if shape.is_class:
                    self._tally.add(_CLASSES, name)
                    classes.append({"category_id": category.id, **about})
                    continue
                part = inside(shape, item.size)
                drawn = None if part is None else self._drawn(part, name)
                if drawn is None:
                    self._tally.add(_OUTSIDE, name)
                    continue
                number = self._array.n + 1
                ids = {"id": number, "image_id": image, "category_id": category.id}
                self._array.add({**ids, **drawn, **about})
        return {"classes": classes} if classes else {}

    def _about(self, shape: Shape, task: str) -> dict[str, Any]:
        """Return what COCO does not ask for."""
        found: dict[str, Any] = {} if shape.score is None else {"score": shape.score}
        found["source"] = shape.origin
        if self._n_tasks > 1:
            found["task"] = task
        more = {key: value for key, value in (shape.attributes or {}).items() if key != CROWD}
        return {**found, "attributes": more} if more else found

    def _drawn(self, shape: Shape, name: str) -> dict[str, Any] | None:
        box = box_around(shape, f"sample {name}")
        if box is None:
            return None
        crowd = int(bool((shape.attributes or {}).get(CROWD)))
        found: dict[str, Any] = {"bbox": list(box), "area": box[2] * box[3], CROWD: crowd}
        if shape.polygons:
            found["area"] = sum(map(polygon_area, shape.polygons))
            found["segmentation"] = [list(polygon) for polygon in shape.polygons]
        elif shape.mask is not None:
            found["area"] = sum(shape.mask.counts[1::2])
            found["segmentation"] = self._runs(shape.mask, name)
        if shape.keypoints:
            points = [_point(*point) for point in shape.keypoints]
            found["keypoints"] = [value for point in points for value in point]
            found["num_keypoints"] = sum(seen > 0 for _, _, seen in points)
        return found

    def _runs(self, mask: Mask, name: str) -> dict[str, Any]:
        size, where = [mask.height, mask.width], f"sample {name}"
        if self._encode is None:
            self._tally.add(_LONG, name)
            return {"size": size, "counts": column_runs(mask, where)}
        pixels = np.asfortranarray(pixels_of(mask, where), dtype=np.uint8)
        return {"size": size, "counts": self._encode(pixels)["counts"].decode("ascii")}


def _compressor() -> Any:
    """Return pycocotools' encoder of masks, or ``None`` where there is none that fits NumPy."""
    try:
        return import_module("pycocotools.mask").encode
    except (ImportError, ValueError):
        return None


def _point(x: float, y: float, confidence: float) -> tuple[float, float, int]:
    """Return a keypoint as COCO has it: 2 is visible, 0 not there."""
    return (x, y, 2) if confidence > 0 else (0, 0, 0)


def _image(item: Item, run: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {"file_name": item.sample_id}
    if item.size is not None:
        found["width"], found["height"] = item.size
    if item.location is not None and "://" in item.location:
        found["coco_url"] = item.location
    found |= {"sample_id": item.sample_id, "rank": item.rank}
    if item.score is not None:
        found["score"] = item.score
    return found if run is None else {**found, "run": run}


def _category(category: Category) -> dict[str, Any]:
    found: dict[str, Any] = {"id": category.id, "name": category.name}
    if category.keypoints:
        found["keypoints"] = list(category.keypoints)
        found["skeleton"] = [[start + 1, end + 1] for start, end in category.skeleton]
    return found
