"""How samples lie in ApertureDB: what identifies them, and what properties are called."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from selectlab.types import Spec

SOURCES = ("filename", "url", "s3_url", "gs_url")
"""Where the client can read an image from; the name of the first column says which."""
BOX_ID, POLYGON_ID, DESCRIPTOR_ID = "box_id", "polygon_id", "descriptor_id"
"""Properties that tell a box, an outline or a descriptor from all others in the database."""
CONNECTION = "image_descriptor"
"""Class of the connection from an image to its descriptor."""

_TAKEN = {
    *SOURCES,
    *(BOX_ID, POLYGON_ID, DESCRIPTOR_ID, "polygons", "x_pos", "y_pos", "width", "height"),
    *("index", "set", "label", "task", "score", "origin", "format"),
}
_TAKEN_BEGINNINGS = ("constraint_", "updateif_", "metadata_", "label_")
_NO_WORD, _WORD = re.compile(r"\W"), re.compile(r"[^\W\d_]\w*")


class Layout(Spec):
    """How samples lie in the database.

    Attributes:
        key: Property of images that holds the sample id.
        prefix: Goes before every sample id. Datasets in one database need different ones.
        mark: What the properties that mark selected images begin with.
        descriptor_set: The set that embeddings go into.
        space: Embeddings that go along; the only ones there are need no name.
        engine: How the database searches the set.
        metric: How it measures distances: ``L2``, ``CS`` (cosine) or ``IP`` (inner product).
    """

    key: str = "id"
    prefix: str = ""
    mark: str = "selectlab"
    descriptor_set: Annotated[str, Field(min_length=1)] = "embeddings"
    space: str | None = None
    engine: Annotated[str, Field(min_length=1)] = "HNSW"
    metric: Literal["L2", "CS", "IP"] = "L2"

    @field_validator("key", "mark")
    @classmethod
    def _stands_in_headers(cls, word: str) -> str:
        """Refuse what cannot stand in headers and expressions."""
        if not _WORD.fullmatch(word):
            raise ValueError(
                f"{word!r} is no name for properties; expected a letter, then letters, digits and _"
            )
        return word

    @field_validator("key")
    @classmethod
    def _no_other_property(cls, key: str) -> str:
        if key in _TAKEN or key.startswith(_TAKEN_BEGINNINGS):
            raise ValueError(f"{key!r} means something else already; choose another property")
        return key

    @field_validator("mark")
    @classmethod
    def _no_other_properties(cls, mark: str) -> str:
        if f"{mark}_".startswith(_TAKEN_BEGINNINGS):
            raise ValueError(f"{mark!r} begins other properties already; choose another word")
        return mark

    def id_of(self, sample_id: str) -> str:
        """Return what the database calls a sample."""
        return f"{self.prefix}{sample_id}"

    def descriptor_id(self, sample_id: str) -> str:
        """Return what the database calls the descriptor of a sample."""
        return f"{self.id_of(sample_id)}#{self.descriptor_set}"

    def run_of(self, run: str) -> str:
        """Return what the database calls a run; sixteen digits alone could pass for a number."""
        return f"run-{run}"


def property_name(*words: str) -> str:
    """Return the name of a property; signs that mean something in expressions become ``_``.

    Example:
        >>> property_name("metadata", "weather.temperature (C)")
        'metadata_weather_temperature__C_'
    """
    return "_".join(_NO_WORD.sub("_", word) for word in words if word)


_MISSING = {
    *("", "#n/a", "#n/a n/a", "#na", "-1.#ind", "-1.#qnan", "-nan", "1.#ind", "1.#qnan", "<na>"),
    *("n/a", "na", "none", "null", "nan"),
}


def is_read_as_text(text: str) -> bool:
    """Return whether the client, which guesses the types of columns, reads a cell as text.

    Example:
        >>> is_read_as_text("a/1.png"), is_read_as_text("0042"), is_read_as_text("None")
        (True, False, False)
    """
    plain = text.strip().lower()
    if plain in _MISSING or plain in ("true", "false"):
        return False
    try:
        float(plain)
    except ValueError:
        return True
    return False


def source_of(location: str | None) -> tuple[str, str] | None:
    """Return the column of an image's place and the place; ``None`` where the client has no way.

    Example:
        >>> source_of("s3://bucket/a.png"), source_of("/data/a.png"), source_of("ftp://h/a.png")
        (('s3_url', 's3://bucket/a.png'), ('filename', '/data/a.png'), None)
    """
    if location is None:
        return None
    protocol, divider, rest = location.partition("://")
    if not divider or not protocol.isalnum():
        return "filename", location
    known = {"http": "url", "https": "url", "s3": "s3_url", "gs": "gs_url", "gcs": "gs_url"}
    column = known.get(protocol.lower())
    if column is None:
        return None
    return column, f"gs://{rest}" if column == "gs_url" else location


Value = str | float | bool | None
Row = dict[str, Any]
"""Cells by column, in the order of the columns."""
