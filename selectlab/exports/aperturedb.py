"""ApertureDB: tables that its client makes queries of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from selectlab.errors import DataError
from selectlab.exports.aperture_layout import Layout, Row, source_of
from selectlab.exports.aperture_rows import (
    connection_row,
    descriptor_row,
    image_row,
    mark_row,
    region_rows,
    set_row,
)
from selectlab.exports.aperture_tables import Tables
from selectlab.exports.items import Item, Items
from selectlab.exports.writer import Writer
from selectlab.tally import Tally

IMAGES, SELECTED = "images", "selected"
BOXES, POLYGONS = "bounding_boxes.csv", "polygons.csv"
SET, DESCRIPTORS, CONNECTIONS = "descriptor_set.csv", "descriptors.csv", "connections.csv"
VECTORS = "descriptors.npy"

UNPLACED = "images that the client cannot find, only boxes and descriptors go along"

Block = tuple[Sequence[str], Any]
"""Sample ids and their vectors, (m, D)."""


class ApertureDb(Layout, Writer):
    """CSV files for the ApertureDB client: images, boxes, outlines, descriptors, marks.

    ``images.csv`` adds images, ``selected.csv`` marks them with rank, score, run and reason (and
    adds those that are not there); ``bounding_boxes.csv``, ``polygons.csv``,
    ``descriptor_set.csv``, ``descriptors.csv`` and ``connections.csv`` go with the images. Loaded
    twice they make no doubles. ``selectlab aperturedb push`` does it without files.

    Attributes:
        key: Property of images that holds the sample id.
        prefix: Goes before every sample id. Datasets in one database need different ones.
        mark: What the properties that mark selected images begin with.
        descriptor_set: The set that embeddings go into.
        space: Embeddings that go along; the only ones there are need no name.
        engine: How the database searches the set.
        metric: How it measures distances: ``L2``, ``CS`` (cosine) or ``IP`` (inner product).
        embeddings: Whether embeddings go along, if there are any.
    """

    type: Literal["aperturedb"] = "aperturedb"
    takes_shapes: ClassVar[bool] = True
    embeddings: bool = True

    def write(self, items: Items, out: Path) -> list[str]:
        """Make the folder; see :meth:`Writer.write`."""
        out.mkdir()
        tally, notes = Tally(), []
        with Tables(out, self, tally) as tables:
            files = _ImageFiles(tables)
            for item in items:
                self._write_item(item, items.run, tables, files, tally)
            if self.embeddings:
                notes = self._write_vectors(items, tables, out / VECTORS)
        return [*tally.lines(), *notes]

    def _write_item(
        self, item: Item, run: str, tables: Tables, files: _ImageFiles, tally: Tally
    ) -> None:
        where = repr(item.sample_id)
        found = source_of(item.location)
        if found is None:
            tally.add(UNPLACED, where)
        else:
            source, place = found
            row = image_row(item, self, source, place, tally)
            files.add(source, row, self._selected_row(item, run, source, place), where)
        for box, polygon in region_rows(item, self, tally):
            tables.add(BOXES, box, where)
            if polygon is not None:
                tables.add(POLYGONS, polygon, where)

    def _selected_row(self, item: Item, run: str, source: str, place: str) -> Row:
        """Return the row of an update: the id is the one condition, so it always takes place."""
        name = self.id_of(item.sample_id)
        found = {f"constraint_{self.key}": name, f"updateif_{self.key}": name}
        return {source: place, self.key: name, **mark_row(item, self, run), **found}

    def _write_vectors(self, items: Items, tables: Tables, path: Path) -> list[str]:
        """Write vectors one after the other, and who has which."""
        try:
            blocks = items.vectors(self.space)
            first = next(blocks, None)
        except DataError as error:
            if self.space is not None:
                raise
            return [f"no descriptors: {error}"]
        if first is None:
            return ["no descriptors: no sample has an embedding"]
        tables.add(SET, set_row(self, first[1].shape[1]), "descriptor_set")
        index = 0
        with path.open("xb") as file:
            _write_header(file, len(items), first[1].shape[1])
            for ids, vectors in _from(first, blocks):
                file.write(np.ascontiguousarray(vectors, dtype="<f4").tobytes())
                for sample_id in ids:
                    row = descriptor_row(self, sample_id, VECTORS, index)
                    tables.add(DESCRIPTORS, row, repr(sample_id))
                    tables.add(CONNECTIONS, connection_row(self, sample_id), repr(sample_id))
                    index += 1
            file.seek(0)
            _write_header(file, index, first[1].shape[1])
        if index == len(items):
            return []
        return [f"{len(items) - index:,} of {len(items):,} samples have no embedding"]


class _ImageFiles:
    """Images and marks in files by the kind of their places, since a file has places of one kind.

    The first kind has the plain names.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._endings: dict[str, str] = {}

    def add(self, source: str, image: Row, selected: Row, where: str) -> None:
        """Write the rows of an image."""
        ending = f"_{source}.csv" if self._endings else ".csv"
        ending = self._endings.setdefault(source, ending)
        self._tables.add_growing(f"{IMAGES}{ending}", image, where)
        self._tables.add(f"{SELECTED}{ending}", selected, where)


def _from(first: Block, more: Iterator[Block]) -> Iterator[Block]:
    yield first
    yield from more


def _write_header(file: Any, rows: int, dimension: int) -> None:
    """Write what an .npy file begins with; it has room for any number of rows."""
    about = {"descr": "<f4", "fortran_order": False, "shape": (rows, dimension)}
    np.lib.format.write_array_header_1_0(file, about)
