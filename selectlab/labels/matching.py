"""Which samples labels are about, told by names alone: numbers of tools mean nothing here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

from selectlab.errors import ConfigError, DataError, did_you_mean
from selectlab.labels.label import Label, LabelFile, RawLabel, WithoutSizes
from selectlab.labels.placement import note_outside
from selectlab.labels.task_schemas import task_schema
from selectlab.tally import Tally

if TYPE_CHECKING:
    from selectlab.columns import TaskType
    from selectlab.dataset import Dataset
    from selectlab.inputs.image_names import ImageNames
    from selectlab.shapes import Shape


@dataclass(frozen=True)
class Mismatch:
    """A label of which nobody can say what sample it is about.

    Attributes:
        name: What the file calls the image.
        where: File and place.
        why: What is wrong, in words.
    """

    name: str
    where: str
    why: str

    def __str__(self) -> str:
        """Return it in one line."""
        return f"{self.where}: {self.name!r} {self.why}"


@dataclass(frozen=True)
class Matched:
    """Labels of a file, and what could not be matched.

    Attributes:
        labels: In the order of the file; none of a sample that is not in the dataset.
        mismatches: In the order of the file.
        notes: What looks wrong with the labels, one line each.
    """

    labels: list[Label]
    mismatches: list[Mismatch]
    notes: tuple[str, ...] = ()


def match(label_file: LabelFile, dataset: Dataset, task: str = "") -> Matched:
    """Return the labels of a file by the ids of a dataset.

    A sample id goes by itself. A file name or URL may have more folders in front than the id, or
    fewer, and may lack the extension; it counts where exactly one sample can be meant. A frame of
    a video goes by its number, however many zeros are in front of it. Letters with accents may be
    spelt in one piece or two (NFC or NFD).

    Args:
        label_file: What a tool exported.
        dataset: The samples.
        task: The prediction task that the labels are about; all that they fit, if none is named.

    Raises:
        ConfigError: The dataset has no such task, or it is of another kind than the labels.
        DataError: The file is malformed.
    """
    task_type = _checked_task(label_file, dataset, task)
    names, meant = SampleNames(dataset), dict[str, str]()
    found: list[Label] = []
    mismatches: list[Mismatch] = []
    if isinstance(label_file, WithoutSizes):
        label_file = label_file.with_sizes(lambda *name: _size(dataset, names, *name))
    for raw in label_file:
        where = raw.where or label_file.where
        try:
            sample_id = names.sample_of(raw.name, is_id=raw.is_id)
        except DataError as error:
            mismatches.append(Mismatch(raw.name, where, str(error)))
            continue
        other = meant.setdefault(sample_id, raw.name)
        if other != raw.name:
            why = f"means sample {sample_id!r}, and so does {other!r}"
            mismatches.append(Mismatch(raw.name, where, why))
            continue
        found += labels_of(raw, sample_id, task, task_type, label_file.where)
    odd = Tally()
    note_outside(found, odd)
    return Matched(found, mismatches, tuple(odd.lines()))


def _size(dataset: Dataset, names: SampleNames, name: str, is_id: bool) -> tuple[int, int] | None:
    """Return the size of the image that a name means; ``None`` where it means none.

    Raises:
        DataError: The sample has no image that can be read.
    """
    from selectlab.inputs.image_sizes import header_size

    try:
        sample_id = names.sample_of(name, is_id=is_id)
    except DataError:
        return None
    try:
        with dataset.source.open_image(sample_id) as file:
            return header_size(file, sample_id)
    except DataError as error:
        raise DataError(f"{error}; labels in shares of an image need its size") from None


def _checked_task(label_file: LabelFile, dataset: Dataset, task: str) -> TaskType:
    kind: TaskType = label_file.task.type
    known = dataset.source.tasks()
    if not task or not known:
        return kind
    if task not in known:
        raise ConfigError(f"task: no prediction task {task!r}{did_you_mean(task, known)}")
    predicted = task_schema(dataset, task).type
    if (predicted == "classification") != (kind == "classification"):
        raise ConfigError(f"task {task!r}: is {predicted}, but {label_file.where} is {kind}")
    return kind


def labels_of(
    raw: RawLabel, sample_id: str, task: str, task_type: TaskType, source: str
) -> Iterator[Label]:
    """Yield the labels in what a tool says of one image: of its objects, and of its class."""
    classes = tuple(shape for shape in raw.shapes if shape.is_class)
    objects = tuple(shape for shape in raw.shapes if not shape.is_class)
    about_classes = task_type == "classification"
    parts: list[tuple[TaskType, tuple[Shape, ...]]] = []
    if objects or not about_classes:
        parts.append(("object-detection" if about_classes else task_type, objects))
    if classes or about_classes:
        parts.append(("classification", classes))
    for part_type, shapes in parts:
        yield Label(
            sample_id=sample_id,
            shapes=tuple(replace(shape, origin="labelled") for shape in shapes),
            task=task if (part_type == "classification") == about_classes else "",
            task_type=part_type,
            size=raw.size,
            labelled_at=raw.labelled_at,
            labelled_by=raw.labelled_by,
            source=source,
        )


class SampleNames:
    """The samples of a dataset, found by the names that tools have for them.

    Args:
        dataset: The dataset.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._images: ImageNames | None = None
        self._frames: dict[tuple[str, int], list[tuple[str, str]]] | None = None
        self._composed: tuple[ImageNames, dict[str, set[str]]] | None = None
        where = dataset.source.where
        folders = [where] if "://" in where else [where, os.path.abspath(where)]
        self._roots = [f"{folder.rstrip('/')}/" for folder in folders]

    def sample_of(self, name: str, *, is_id: bool = False) -> str:
        """Return the one sample that a name means.

        Args:
            name: A sample id, file name, path or URL.
            is_id: Whether it is a sample id that selectlab wrote, and nothing else will do.

        Raises:
            DataError: There is none, or several could be meant; the message goes after the name.
        """
        if name in self._dataset.rows:
            return name
        spellings = [] if is_id else list(self._spellings(name))
        for text in spellings:
            found = self._meant(text)
            if found:
                return _only(found)
        for text in () if name.isascii() and "%" not in name else (name, *spellings):
            found = self._composed_like(text, is_id=is_id)
            if found:
                return _only(found)
        raise DataError(f"is no sample of {self._dataset.source.where}")

    def _spellings(self, name: str) -> Iterator[str]:
        """Yield what a name may be as a path: below the dataset, as it stands, decoded."""
        text = name.replace("\\", "/")
        for root in self._roots:
            if text.startswith(root):
                yield text[len(root) :]
        if "://" not in text:
            yield text
            return
        yield text.partition("://")[2].partition("/")[2]
        try:
            yield unquote(urlsplit(text).path)
        except ValueError:
            return

    def _meant(self, text: str) -> set[str]:
        """Return the sample of this id, or those that end like it or that it ends like."""
        from selectlab.inputs.image_names import ImageNames

        if text in self._dataset.rows:
            return {text}
        if self._images is None:
            self._images = ImageNames(self._dataset.ids)
        return self._images.like(text) or self._frames_like(text)

    def _composed_like(self, text: str, *, is_id: bool) -> set[str]:
        """Return the samples that are called so once letters and accents are put together."""
        from selectlab.inputs.image_names import ImageNames

        if self._composed is None:
            known: dict[str, set[str]] = {}
            for sample_id in self._dataset.ids:
                if not sample_id.isascii():
                    known.setdefault(normalize("NFC", sample_id), set()).add(sample_id)
            self._composed = ImageNames(known), known
        images, known = self._composed
        wanted = normalize("NFC", text)
        names = {wanted} if is_id or wanted in known else images.like(wanted)
        return {sample_id for name in names for sample_id in known.get(name, ())}

    def _frames_like(self, text: str) -> set[str]:
        """Return the frames that have this number, however many zeros are in front of it."""
        from selectlab.inputs.sample_ids import frame_of

        wanted = frame_of(text)
        if wanted is None:
            return set()
        if self._frames is None:
            self._frames = {}
            for sample_id in self._dataset.ids:
                frame = frame_of(sample_id)
                if frame is not None:
                    key = frame[0].rpartition("/")[2], frame[1]
                    self._frames.setdefault(key, []).append((f"/{frame[0]}", sample_id))
        video = f"/{wanted[0]}"
        known = self._frames.get((video.rpartition("/")[2], wanted[1]), ())
        return {found for path, found in known if path.endswith(video) or video.endswith(path)}


def _only(found: set[str]) -> str:
    if len(found) > 1:
        first, second = sorted(found)[:2]
        raise DataError(f"could be {first!r} or {second!r}")
    return found.pop()
