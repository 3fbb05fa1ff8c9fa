"""Rows as the client's own classes for tables take them: it makes the queries."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from selectlab.exports.aperture_layout import Row

if TYPE_CHECKING:
    import pandas as pd

_NOTHING = float("nan")


def images(rows: Sequence[Row]) -> Any:
    """Return images; their first column says where each is."""
    return _table("Image")("", check_image=False, df=frame(rows))


def boxes(rows: Sequence[Row]) -> Any:
    """Return bounding boxes."""
    return _table("BBox")("", df=frame(rows))


def polygons(rows: Sequence[Row]) -> Any:
    """Return outlines. Their class reads a file where the others take a table at hand."""
    table = frame(rows)
    data = _table("Polygon")(io.StringIO(table.to_csv(index=False)), df=table)
    data.df = table
    return data


def descriptor_sets(rows: Sequence[Row]) -> Any:
    """Return sets of descriptors."""
    return _table("DescriptorSet")("", df=frame(rows))


def descriptors(rows: Sequence[Row], file: str, vectors: Any) -> Any:
    """Return descriptors whose vectors, (m, D), are at hand under the name of a file."""
    data = _table("Descriptor")("", df=frame(rows))
    data.npy_arrays[file] = vectors
    return data


def connections(rows: Sequence[Row]) -> Any:
    """Return connections between objects that are there."""
    return _table("Connection")("", df=frame(rows))


def _table(kind: str) -> Any:
    name = f"{kind}DataCSV"
    return getattr(import_module(f"aperturedb.{name}"), name)


def frame(rows: Sequence[Row]) -> pd.DataFrame:
    """Return rows as a table in which text stays text, and what is missing is NaN."""
    import pandas as pd

    columns = dict.fromkeys(column for row in rows for column in row)
    cells = [
        [_NOTHING if row.get(column) is None else row[column] for column in columns] for row in rows
    ]
    table: pd.DataFrame = pd.DataFrame(cells, columns=list(columns), dtype=object)
    return table
