"""Results of a Label Studio annotation, put together to regions and classes of the image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from selectlab.errors import DataError
from selectlab.inputs.numbers import is_number, size_from
from selectlab.shapes import ORIGINS
from selectlab.validation import shortened

Kind = Literal["rectangle", "polygon", "brush", "keypoint"]
Note = Callable[[str], None]
"""Is told of what is not read, or was decided, in the plural."""

_KINDS: Mapping[str, Kind] = {
    "rectangle": "rectangle",
    "rectanglelabels": "rectangle",
    "polygon": "polygon",
    "polygonlabels": "polygon",
    "brush": "brush",
    "brushlabels": "brush",
    "keypoint": "keypoint",
    "keypointlabels": "keypoint",
}


@dataclass
class Region:
    """A region of an image, from all results that share its id.

    Attributes:
        where: File and place of its first result, for messages.
        kind: What it is; ``None`` while only its labels are known.
        value: Its values by name, places in percent.
        labels: The names a person gave it.
        from_name: Name of the tool it was made with.
        parent: Id of the region it belongs to.
        size: Width and height of its image, px.
        turned: Whether it was drawn on an image shown turned.
        meta: What else the file keeps with it.
        attributes: More that was said of it, by the name of the tool.
    """

    where: str
    kind: Kind | None = None
    value: dict[str, Any] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    from_name: str = ""
    parent: str = ""
    size: tuple[int, int] | None = None
    turned: bool = False
    meta: Mapping[str, Any] = field(default_factory=dict)
    attributes: dict[str, str | float | bool] = field(default_factory=dict)

    def take(self, result: Mapping[str, Any], kind: Kind | None) -> None:
        """Add what a result says."""
        self.kind = kind or self.kind
        self.value |= result["value"]
        for key, given in result["value"].items():
            if key.endswith("labels"):
                self.labels += [label for label in _names(given, self.where) if label]
        if kind is not None or not self.from_name:
            self.from_name = str(result.get("from_name", ""))
        self.parent = str(result.get("parentID") or self.parent)
        self.size = size_of(result) or self.size
        self.turned |= bool(result.get("image_rotation"))
        if isinstance(result.get("meta"), dict):
            self.meta = {**self.meta, **result["meta"]}

    @property
    def category(self) -> str:
        """Category of the object that a keypoint was sent with; its label is the keypoint's."""
        given = self.meta.get("category")
        return given if isinstance(given, str) else ""

    def number(self, key: str) -> float:
        """Return one of its values.

        Raises:
            DataError: It is no number.
        """
        return number(self.value.get(key), f"{self.where}.value.{key}")

    def more(self) -> dict[str, str | float | bool]:
        """Return all that was said of it besides its place and labels."""
        kept = self.meta.get("attributes")
        said = {**kept, **self.attributes} if isinstance(kept, dict) else dict(self.attributes)
        text = self.meta.get("text")
        note = "\n".join(map(str, text)) if isinstance(text, list) else text
        if isinstance(note, str) and note and note not in ORIGINS:
            said["note"] = note
        return said


def number(given: Any, where: str) -> float:
    """Return a number of a file.

    Raises:
        DataError: It is none.
    """
    if not is_number(given):
        raise DataError(f"{where}: must be a number, got {shortened(given)}")
    return float(given)


def regions_of(results: Any, where: str, note: Note) -> tuple[dict[str, Region], list[str]]:
    """Return the regions of an annotation by their id, and the classes of the whole image.

    Args:
        results: What the annotation holds as ``result``.
        where: Its file and place, for messages.
        note: Told of results that are not read.

    Raises:
        DataError: A result is malformed.
    """
    if not isinstance(results, list):
        raise DataError(f"{where}: must be a list, got {shortened(results)}")
    regions: dict[str, Region] = {}
    choices: list[tuple[str, str, Sequence[str]]] = []
    for at, result in enumerate(results):
        place = f"{where}[{at}]"
        kind = _type(result, place)
        region_id = str(result.get("id") or f"#{at}")
        if kind == "relation":
            note("relations between regions are not read")
        elif result.get("item_index"):
            note("regions of a task's further images are not read")
        elif kind in _KINDS or kind == "labels":
            region = regions.setdefault(region_id, Region(place))
            region.take(result, _KINDS.get(kind))
        elif kind == "choices":
            given = _names(result["value"].get("choices"), place)
            choices.append((region_id, str(result.get("from_name", "")), given))
        else:
            note(f"results of type {kind!r} are not read")
    return regions, _classes(choices, regions)


def _classes(
    choices: Sequence[tuple[str, str, Sequence[str]]], regions: Mapping[str, Region]
) -> list[str]:
    """Return what was chosen for the image; what was chosen for a region goes to the region."""
    classes: list[str] = []
    for region_id, from_name, given in choices:
        if region_id in regions:
            regions[region_id].attributes[from_name] = ", ".join(given)
        else:
            classes += given
    return classes


def _type(result: Any, where: str) -> str:
    """Return the type of a result, once it is what it should be."""
    held = result if isinstance(result, dict) else {}
    kind = held.get("type")
    if not isinstance(kind, str) or (
        kind != "relation" and not isinstance(held.get("value"), dict)
    ):
        raise DataError(f"{where}: a result needs a type and a value, got {shortened(result)}")
    return kind.lower()


def _names(given: Any, where: str) -> list[str]:
    """Return chosen names; of a path through a tree, its end."""
    ends = [name[-1] if isinstance(name, list) and name else name for name in given or ()]
    if not isinstance(given, list) or not all(isinstance(name, str) for name in ends):
        raise DataError(f"{where}: must hold a list of names, got {shortened(given)}")
    return ends


def size_of(result: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the width and height of the image of a result, px; ``None`` if it does not tell."""
    return size_from(result.get("original_width"), result.get("original_height"))
