"""Labels from CVAT: "CVAT for images 1.1" and "CVAT for video 1.1", as XML or as CVAT's zip."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING

from selectlab.errors import DataError, MissingExtraError
from selectlab.labels.cvat_meta import CvatMeta, CvatTask, read_meta, size_of
from selectlab.labels.cvat_shapes import READ, CvatShapes, Grouped, joined
from selectlab.labels.label import LabelFile, RawLabel
from selectlab.shapes import Task
from selectlab.tally import Tally

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ANNOTATIONS = "annotations.xml"

_FRAME = re.compile(r"(?:.*/)?frame_(\d{1,18})(?:\.\w+)?", re.IGNORECASE)
_LONGEST = 18
"""Digits of the number of a frame."""
_DRAWN_WITH = {"box": "rectangle"}

Size = tuple[int, int]


def read_labels(path: Path) -> LabelFile:
    """Open labels that CVAT has exported as "CVAT for images 1.1" or "CVAT for video 1.1".

    Every image of the file counts as labelled, one with nothing in it too: export what is done.
    Frames of videos are named ``NAME-NUMBER-EXT.png`` after their video. Outlines of one label
    and group are one object.

    Args:
        path: annotations.xml, the zip that it came in, or a folder that it lies in.

    Raises:
        DataError: There is no such file, or it is of another format.
        MissingExtraError: defusedxml is not installed.
    """
    for part in _parts(path):
        if part.tag == "meta":
            return CvatLabels(path, read_meta(part, str(path)))
        if part.tag != "version":
            break
    raise DataError(f"{path}: does not begin with <meta>, where CVAT lists the labels of a task")


class CvatLabels:
    """Labels of a CVAT export.

    Args:
        path: The file.
        meta: Its head.

    Attributes:
        where: The file, for messages.
    """

    def __init__(self, path: Path, meta: CvatMeta) -> None:
        self.where = str(path)
        self._path, self._meta, self._tally = path, meta, Tally()

    @cached_property
    def task(self) -> Task:
        """Type and categories; if labels may be of any shape, by what the file holds."""
        drawn: set[str] = set()
        if "any" in self._meta.kinds.values():
            for part in _parts(self._path):
                drawn |= {_DRAWN_WITH.get(c.tag, c.tag) for c in part if c.tag in READ}
        return self._meta.as_task(drawn)

    @property
    def notes(self) -> Sequence[str]:
        """What could not be read, or was decided; complete once gone through."""
        return self._tally.lines()

    def __iter__(self) -> Iterator[RawLabel]:
        self._tally = Tally()
        frames: dict[CvatTask, dict[int, list[Grouped]]] = {}
        for part in _parts(self._path):
            if part.tag == "image":
                yield self._image(part)
            elif part.tag == "track":
                task = self._meta.task_of(part)
                self._follow(part, task, frames.setdefault(task, {}))
        for task, numbered in frames.items():
            for number, read in sorted(numbered.items()):
                yield self._label(frame_name(task.video or "", number), read, task.size, task)

    def _image(self, image: Element) -> RawLabel:
        task, name = self._meta.task_of(image), image.get("name")
        if not name:
            raise DataError(f"{self.where}: image {image.get('id')!r} has no name")
        frame = _FRAME.fullmatch(name)
        if task.video and frame:
            name = frame_name(task.video, int(frame[1]))
        size = size_of(image.get("width"), image.get("height"))
        shapes = CvatShapes(self._meta, size, f"{self.where}: {name!r}")
        read = [
            Grouped(shapes.read(child), child.get("group_id"))
            for child in image
            if self._knows(child, repr(name))
        ]
        return self._label(name, read, size, task)

    def _follow(self, track: Element, task: CvatTask, frames: dict[int, list[Grouped]]) -> None:
        """Add an object of a video to the frames that it is in."""
        if not task.video:
            raise DataError(
                f"{self.where}: has tracks of task {task.name!r}, but names neither a video nor "
                "images; export it as 'CVAT for images 1.1'"
            )
        for child in track:
            number = child.get("frame") or ""
            if child.get("outside") == "1" or not self._knows(child, repr(task.video)):
                continue
            if not number.isdecimal() or len(number) > _LONGEST:
                raise DataError(f"{self.where}: {task.video!r}: no frame has number {number!r}")
            where = f"{self.where}: {task.video!r}: frame {number}"
            shape = CvatShapes(self._meta, task.size, where).read(child, track.get("label"))
            frames.setdefault(int(number), []).append(Grouped(shape, track.get("group_id")))

    def _knows(self, element: Element, where: str) -> bool:
        """Whether an element is a shape that can be read; what is not is counted."""
        if element.tag not in READ:
            self._tally.add(f"{element.tag}s left out as selectlab has no such shape", where)
        elif element.get("rotation"):
            self._tally.add("boxes that are turned, read as they were before turning", where)
        return element.tag in READ

    def _label(
        self, name: str, read: Sequence[Grouped], size: Size | None, task: CvatTask
    ) -> RawLabel:
        return RawLabel(
            name=name,
            is_id=False,
            shapes=tuple(joined(read)),
            size=size,
            labelled_at=task.updated_at,
            labelled_by=task.assignee,
            where=f"{self.where}: {name!r}",
        )


def frame_name(video: str, number: int) -> str:
    """Return what a frame of a video is called; the number is as long as it is.

    Example:
        >>> frame_name("a/clip.mp4", 7)
        'a/clip-7-mp4.png'
    """
    stem, _, suffix = video.rpartition(".")
    return f"{stem}-{number}-{suffix}.png"


def _parts(path: Path) -> Iterator[Element]:
    """Yield what stands right below the root, one after the other; none is kept.

    Raises:
        DataError: The file is not there, not XML, not from CVAT, or declares entities.
    """
    try:
        from defusedxml import ElementTree
    except ImportError:
        raise MissingExtraError(
            f"{path}: defusedxml is not installed; pip install 'selectlab[labels]'"
        ) from None
    with _opened(path) as file:
        try:
            root, depth = None, 0
            for event, element in ElementTree.iterparse(file, ("start", "end"), forbid_dtd=True):
                depth += 1 if event == "start" else -1
                if root is None:
                    root = element
                    _check_root(root, path)
                elif event == "end" and depth == 1:
                    yield element
                    root.clear()
        except DataError:
            raise
        except (ElementTree.ParseError, LookupError) as error:
            raise DataError(f"{path}: malformed XML, {error}") from None
        except ValueError as error:
            what = type(error).__name__
            raise DataError(f"{path}: not read, as CVAT writes no such XML ({what})") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise DataError(f"{path}: cannot be read, {error}") from None


def _check_root(root: Element, path: Path) -> None:
    if root.tag != "annotations":
        raise DataError(f"{path}: not from CVAT: begins with <{root.tag}>, not <annotations>")


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open the XML of an export, be it in a zip or in a folder."""
    place = path / ANNOTATIONS if path.is_dir() else path
    try:
        file = place.open("rb")
    except OSError as error:
        raise DataError(f"{place}: cannot be read, {error.strerror or error}") from None
    with file:
        if not zipfile.is_zipfile(file):
            file.seek(0)
            yield file
            return
        with _archive(file, path) as archive, _member(archive, path) as member:
            yield member


def _archive(file: IO[bytes], path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise DataError(f"{path}: cannot be read, {error}") from None


def _member(archive: zipfile.ZipFile, path: Path) -> IO[bytes]:
    """Open the annotations in a zip."""
    names = [name for name in archive.namelist() if name.endswith(".xml")]
    chosen = [name for name in names if name.rpartition("/")[2] == ANNOTATIONS] or names
    if len(chosen) != 1:
        shown = ", ".join(sorted(chosen)[:3]) or "none"
        raise DataError(f"{path}: expected one {ANNOTATIONS} in the zip, it has {shown}")
    try:
        return archive.open(chosen[0])
    except (RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: {chosen[0]!r} cannot be read, {error}") from None
