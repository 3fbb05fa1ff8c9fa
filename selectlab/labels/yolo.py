"""YOLO label files as labels: a .txt per image, class names in data.yaml or the like."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from selectlab.columns import TaskType
from selectlab.errors import DataError
from selectlab.inputs.image_sizes import Size
from selectlab.labels.label import RawLabel, SizeOf
from selectlab.labels.yolo_files import YoloFiles, YoloSchema
from selectlab.labels.yolo_shapes import Row, YoloShapes
from selectlab.shapes import Task


def read_labels(path: Path) -> YoloLabels:
    """Open YOLO label files.

    An empty .txt is a label, "nothing in here"; an image without a .txt is not labelled.

    Args:
        path: data.yaml, or a folder with labels in it and class names in it or above.

    Raises:
        DataError: There is no such place, or no label files or class names are there.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    schema = YoloSchema.near(path)
    return YoloLabels(YoloFiles(schema.root, schema.lists), schema)


class YoloLabels:
    """The labels in a folder.

    Boxes are shares of the image. Its size comes from the image beside the labels, or from
    whoever calls :meth:`with_sizes`.

    Args:
        files: The label files.
        schema: What data.yaml says.

    Attributes:
        notes: Which listed images are not labelled.
    """

    def __init__(self, files: YoloFiles, schema: YoloSchema) -> None:
        self._files, self._schema = files, schema
        self._shapes = YoloShapes(schema.names, schema.about.get("kpt_shape"), schema.where)
        self._size_of: SizeOf | None = None
        self.where = str(files.root)
        unlabelled = files.unlabelled
        self.notes = (
            [f"images of {files.where_listed} without a label file: {unlabelled}, not labelled"]
            if unlabelled
            else []
        )

    def with_sizes(self, size_of: SizeOf) -> YoloLabels:
        """Return the same labels; sizes of images that are not beside them come from elsewhere.

        An image of a name that means none has no size; its labels come without shapes.

        Args:
            size_of: Asked for the sizes.
        """
        found = copy.copy(self)
        found._size_of = size_of
        return found

    @cached_property
    def task(self) -> Task:
        """Type and categories; the first line there is tells boxes from outlines."""
        kind: TaskType = "object-detection"
        if self._shapes.n_points:
            kind = "keypoint-detection"
        else:
            for _, rows in self._rows():
                if rows:
                    outlines = self._shapes.is_outline(rows[0])
                    kind = "instance-segmentation" if outlines else kind
                    break
        return Task("", kind, self._schema.categories, self._schema.keypoints)

    def __iter__(self) -> Iterator[RawLabel]:
        for path, rows in self._rows():
            name, is_id = self._files.image_of(path)
            size = self._files.size(path)
            if size is None and rows:
                size = self._asked(name, is_id, path)
            shapes = [] if size is None else [self._shapes.shape(row, size) for row in rows]
            yield RawLabel(name, is_id, tuple(shapes), size, where=self._files.full(path))

    def _rows(self) -> Iterator[tuple[str, list[Row]]]:
        for path in self._files.paths:
            where = self._files.full(path)
            yield path, self._shapes.rows(self._files.read(path), where)

    def _asked(self, name: str, is_id: bool, path: str) -> Size | None:
        if self._size_of is None:
            raise DataError(
                f"{self._files.full(path)}: no image for it, so that its shares cannot become px; "
                "images belong into the folder 'images' beside 'labels'"
            )
        return self._size_of(name, is_id)
