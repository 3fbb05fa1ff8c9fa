"""YOLO: a folder that ultralytics trains with, predictions as labels to begin with."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Literal

from selectlab.errors import DataError
from selectlab.exports.csv_rows import CsvRows
from selectlab.exports.image_files import ImageFiles, Images, inner_path
from selectlab.exports.items import Item, Items
from selectlab.exports.placed_names import PlacedNames
from selectlab.exports.writer import Writer
from selectlab.exports.yolo_lines import YoloLines
from selectlab.inputs.yolo_layout import IMAGES, label_of, split_ending

DATA, TRAIN, SAMPLES = "data.yaml", "train.txt", "samples.csv"
SAMPLE_COLUMNS = ("image", "sample_id", "rank", "score")

_ABOUT = "# val is the list of train: put the images you test with in its place.\n"
_UNREAD = (".gif", ".pgm", ".ppm", "")


class Yolo(Writer):
    """A YOLO folder: data.yaml, train.txt, labels/ and images/, as ultralytics trains with.

    Labels are boxes, outlines (of segmentation tasks) or keypoints, as the task has it. They have
    no place for scores and ids: those are in ``samples.csv``.

    Attributes:
        images: Put the images into ``images/``: ``link`` (hard links, which take no room),
            ``copy``, or ``none``, which names them in train.txt where they are.
    """

    type: Literal["yolo"] = "yolo"
    ending: ClassVar[str] = ""
    takes_shapes: ClassVar[bool] = True
    images: Images = "link"

    def write(self, items: Items, out: Path) -> list[str]:
        """Write the folder; classes are numbered from 0 in the order of the schema."""
        out.mkdir()
        lines, names = YoloLines(items.tasks, items), PlacedNames()
        n_unread = 0
        with (
            ImageFiles(items, out / IMAGES, self.images) as files,
            (out / TRAIN).open("x", encoding="utf-8", newline="\n") as train,
            (out / SAMPLES).open("x", encoding="utf-8", newline="") as samples,
        ):
            table = CsvRows(samples)
            table.add(SAMPLE_COLUMNS)
            for item in items:
                name = inner_path(names.place(item.sample_id))
                train.write(_line(self._listed(item, name)))
                score = "" if item.score is None else repr(float(item.score))
                table.add((f"{IMAGES}/{name}", item.sample_id, item.rank, score))
                files.place(item.sample_id, name)
                if items.tasks:
                    write_labels(out, name, item, lines)
                n_unread += split_ending(item.sample_id)[1].lower() in _UNREAD
        about: dict[str, Any] = {"run": items.run, "name": items.name}
        ids = lines.category_ids()
        if ids != list(range(len(ids))):
            about["category_ids"] = ids
        lists = {"train": TRAIN, "val": TRAIN, **lines.schema(), "selectlab": about}
        write_data(out, lists, _ABOUT)
        notes = [*lines.notes(), *files.notes(), *self._notes(items, names.n_renamed)]
        if n_unread:
            notes.append(f"{n_unread} images have an ending that ultralytics does not read")
        return notes

    def _listed(self, item: Item, name: str) -> str:
        """Return what train.txt says of an image."""
        here = f"./{IMAGES}/{name}"
        return here if self.images != "none" or item.location is None else item.location

    def _notes(self, items: Items, n_renamed: int) -> list[str]:
        notes = []
        if n_renamed:
            notes.append(
                f"{n_renamed} images have another name, as two would have shared a label file; "
                f"{SAMPLES} has their ids"
            )
        if not items.tasks:
            notes.append(
                "there are no labels and no class names, as no task goes along, and ultralytics "
                f"refuses that; name predictions (--task), or write names into {DATA}"
            )
        elif self.images == "none":
            notes.append(
                "ultralytics looks for labels beside the images; to train with those in here, "
                "export with images=link"
            )
        return notes


def write_labels(out: Path, name: str, item: Item, lines: YoloLines) -> None:
    """Write the label file of an image, an empty one where there is nothing.

    Args:
        out: The folder with ``images/`` in it.
        name: Name of the image below ``images/``.
        item: The sample.
        lines: Makes the lines; a sample with shapes but no size gets no file.
    """
    text = lines.text(item)
    if text is not None:
        path = out / label_of(f"{IMAGES}/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="ascii", newline="\n") as file:
            file.write(text)


def write_data(out: Path, content: Mapping[str, Any], about: str = "") -> None:
    """Write data.yaml, with a comment above it."""
    yaml: Any = import_module("yaml")
    text = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True)
    (out / DATA).write_text(about + text, encoding="utf-8")


def _line(place: str) -> str:
    if place.splitlines() != [place]:
        raise DataError(f"{place!r} breaks the line; {TRAIN} holds one image a line")
    return f"{place}\n"
