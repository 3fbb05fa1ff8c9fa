"""CVAT: annotations in "CVAT for images 1.1", and what one needs to make the task."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from array import array
from io import TextIOWrapper
from pathlib import Path
from typing import Any, ClassVar, Literal

from selectlab.errors import DataError
from selectlab.exports.cvat_labels import CvatLabels
from selectlab.exports.cvat_shapes import CvatImages
from selectlab.exports.image_files import ImageFiles, Images, inner_path
from selectlab.exports.items import Item, Items
from selectlab.exports.writer import Writer
from selectlab.exports.xml_lines import XmlLines
from selectlab.inputs.sample_ids import frame_of
from selectlab.tally import Tally

ANNOTATIONS, LABELS, IMAGE_LIST = "annotations.xml", "labels.json", "images.txt"
FRAMES, IMAGE_FOLDER = "frames.json", "images"


class Cvat(Writer):
    """A task for CVAT: its images, its labels, and predictions to correct.

    Makes a folder with ``annotations.xml`` ("CVAT for images 1.1"), ``labels.json`` for the raw
    label editor, and ``images.txt``, which names the images from the best on. Make a task with
    these labels and images, sorting method "predefined", and upload the annotations. Boxes,
    outlines, masks, skeletons and classes (tags) go along, with score and origin as attributes.
    For frames of videos ``frames.json`` tells the numbers.

    Attributes:
        images: Whether the images go along in ``images/``: ``none``, ``copy`` or ``link``.
    """

    type: Literal["cvat"] = "cvat"
    takes_shapes: ClassVar[bool] = True
    images: Images = "none"

    def write(self, items: Items, out: Path) -> list[str]:
        """Make the folder; see :meth:`Writer.write`."""
        out.mkdir()
        labels, tally, names = CvatLabels(items.tasks), Tally(), _Names()
        body, places = out / f".{ANNOTATIONS}", out / IMAGE_LIST
        with (
            body.open("w", encoding="utf-8", newline="\n") as xml_file,
            places.open("w", encoding="utf-8", newline="\n") as place_file,
            ImageFiles(items, out / IMAGE_FOLDER, self.images) as files,
        ):
            images = CvatImages(XmlLines(xml_file, depth=1), labels, tally)
            for item in items:
                names.note(item.sample_id)
                images.write(item)
                files.place(item.sample_id, item.sample_id)
                place_file.write(f"{self._place(item)}\n")
        with (out / ANNOTATIONS).open("w", encoding="utf-8", newline="\n") as file:
            _write_annotations(file, items, labels, body)
        body.unlink()
        _write_json(labels.constructor(), out / LABELS)
        if names.videos:
            _write_json({"videos": names.listed()}, out / FRAMES)
        notes = [*labels.notes, *tally.lines(), *names.notes(), *files.notes()]
        if not items.tasks:
            notes.append("no task is named, so there are no labels: make them in CVAT")
        return notes

    def _place(self, item: Item) -> str:
        """Return where the image of a sample is, as it stands in the list."""
        copied = None if self.images == "none" else f"{IMAGE_FOLDER}/{inner_path(item.sample_id)}"
        place = copied or item.location or item.sample_id
        if place.splitlines() != [place]:
            raise DataError(
                f"{item.sample_id!r}: breaks the line; {IMAGE_LIST} holds one image a line"
            )
        return place


class _Names:
    """Takes note of what CVAT makes of names.

    Attributes:
        videos: Numbers of the frames of each video.
    """

    def __init__(self) -> None:
        self.videos: dict[str, array[int]] = {}
        self._stems: set[int] = set()
        self._alike: list[str] = []
        self._n_alike = 0

    def note(self, sample_id: str) -> None:
        """Take note of a sample."""
        frame = frame_of(sample_id)
        if frame is not None:
            self.videos.setdefault(frame[0], array("q")).append(frame[1])
        stem = sample_id.rpartition(".")[0] or sample_id
        digest = hashlib.blake2b(stem.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        key = int.from_bytes(digest, "big")
        if key in self._stems:
            self._n_alike += 1
            self._alike = self._alike or [sample_id]
        self._stems.add(key)

    def listed(self) -> list[dict[str, Any]]:
        """Return the frames of each video, and the filter that CVAT takes them with."""
        found = []
        for video in sorted(self.videos):
            numbers = sorted(self.videos[video])
            step = math.gcd(*(number - numbers[0] for number in numbers)) or 1
            found.append(
                {
                    "video": video,
                    "start_frame": numbers[0],
                    "stop_frame": numbers[-1],
                    "frame_filter": f"step={step}",
                    "frames": numbers,
                }
            )
        return found

    def notes(self) -> list[str]:
        """Return what the user should know of it."""
        found = []
        if self._n_alike:
            found.append(
                f"{self._n_alike} images differ from another in their ending only, first "
                f"{self._alike[0]!r}: CVAT tells images apart by their names without it"
            )
        if self.videos:
            found.append(
                f"frames of {len(self.videos)} videos: upload them as images, 'selectlab frames' "
                f"makes them; of a video itself CVAT takes start, stop and step alone, see {FRAMES}"
            )
        return found


def _write_annotations(file: TextIOWrapper, items: Items, labels: CvatLabels, body: Path) -> None:
    """Write annotations.xml around its images."""
    file.write('<?xml version="1.0" encoding="utf-8"?>')
    xml = XmlLines(file)
    with xml.element("annotations"):
        xml.leaf("version", "1.1")
        with xml.element("meta"), xml.element("task"):
            xml.leaf("name", items.name)
            xml.leaf("size", str(len(items)))
            xml.leaf("mode", "annotation")
            xml.leaf("overlap", "0")
            xml.leaf("selectlab_run", items.run)
            labels.write_meta(xml)
        with body.open(encoding="utf-8", newline="\n") as images:
            shutil.copyfileobj(images, file)
    file.write("\n")


def _write_json(content: Any, path: Path) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
