"""Label Studio's JSON export: what people labelled, task by task, as a stream."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, unquote, urlsplit

from selectlab.columns import TaskType
from selectlab.errors import DataError, MissingExtraError
from selectlab.inputs.sample_ids import is_image
from selectlab.labels.label import RawLabel
from selectlab.labels.label_studio_regions import size_of
from selectlab.labels.label_studio_shapes import shapes_of
from selectlab.labels.nesting import may_be_deep, shallow
from selectlab.shapes import Shape, Task
from selectlab.tally import Tally
from selectlab.validation import shortened

_UPLOADED = re.compile(r"[0-9a-f]{8}-")
_FINEST: tuple[TaskType, ...] = (
    "keypoint-detection",
    "instance-segmentation",
    "object-detection",
)
_EARLIEST = datetime.min.replace(tzinfo=timezone.utc)


class LabelStudioExport:
    """A JSON export of Label Studio; opened by :func:`read_labels`.

    Args:
        path: The file.

    Raises:
        DataError: It cannot be read, or is something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tally = Tally()
        next(self._tasks(), None)

    @property
    def where(self) -> str:
        """The file."""
        return str(self._path)

    @property
    def notes(self) -> Sequence[str]:
        """What was not read or was decided the last time the file was gone through."""
        return self._tally.lines()

    @cached_property
    def task(self) -> Task:
        """The type of what was labelled, and all names that occur, sorted; reads the file once."""
        names: set[str] = set()
        kinds: dict[TaskType, None] = {}
        for label in self._labels(Tally()):
            names.update(shape.category for shape in label.shapes)
            kinds.update(dict.fromkeys(map(task_type, label.shapes)))
        found = next((kind for kind in _FINEST if kind in kinds), None)
        if found is None:
            found = "classification" if kinds else "object-detection"
        return Task("", found, dict(enumerate(sorted(names))))

    def __iter__(self) -> Iterator[RawLabel]:
        self._tally = Tally()
        return self._labels(self._tally)

    def _labels(self, tally: Tally) -> Iterator[RawLabel]:
        for where, task in self._tasks():
            label = label_of(task, where, tally)
            if label is not None:
                yield label

    @cached_property
    def _is_watched(self) -> bool:
        """Whether the depth has to be watched, which takes six times as long to parse."""
        with self._path.open("rb") as file:
            return may_be_deep(file)

    def _items(self, ijson: Any, file: IO[bytes]) -> Iterator[Any]:
        """Go through the list that a file holds."""
        if not self._is_watched:
            return iter(ijson.items(file, "item", use_float=True))
        events = shallow(ijson.basic_parse(file, use_float=True), self.where)
        return iter(ijson.items(ijson.parse(events), "item"))

    def _tasks(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Go through the tasks, each with its place in the file."""
        ijson = _ijson()
        try:
            with self._path.open("rb") as file:
                _skip_to_list(file, self.where)
                for at, task in enumerate(self._items(ijson, file)):
                    where = f"{self.where}[{at}]"
                    _check_task(task, where)
                    yield where, task
        except OSError as error:
            raise DataError(f"{self.where}: cannot be read: {error.strerror or error}") from None
        except (ijson.JSONError, UnicodeDecodeError) as error:
            what = str(error).strip().splitlines()[0]
            raise DataError(f"{self.where}: is no JSON, or ends too early: {what}") from None


def read_labels(path: Path) -> LabelStudioExport:
    """Open a JSON export of Label Studio.

    Of several annotations of a task the one marked as ground truth counts, or else the newest.
    Tasks that were skipped, and drafts, are no labels.

    Args:
        path: The file that "Export" makes with the format JSON.

    Raises:
        DataError: There is no such file, or it is of another format.
        MissingExtraError: The extra ``labels`` is not installed.
    """
    return LabelStudioExport(path)


def label_of(task: Mapping[str, Any], where: str, tally: Tally | None = None) -> RawLabel | None:
    """Return what people labelled in a task.

    Args:
        task: A task as the export or the API gives it, with ``data`` and ``annotations``.
        where: File or server, and place, for messages.
        tally: Counts what is not read, and tasks that are no labels.

    Returns:
        ``None`` when nobody has labelled it: there are no annotations, they were skipped, or
        nothing in them can be read.

    Raises:
        DataError: The task is malformed.
    """
    counted = Tally() if tally is None else tally
    annotation = _annotation(task, where, counted)
    if annotation is None:
        return None
    data = task["data"]
    unread: list[str] = []
    results = annotation.get("result")
    shapes = shapes_of(results, _keypoint_names(data), f"{where}.result", unread.append)
    for what in unread:
        counted.add(what, where)
    if unread and not shapes:
        counted.add("annotations in which nothing can be read are no labels", where)
        return None
    sample_id = data.get("sample_id")
    is_id = isinstance(sample_id, str) and bool(sample_id)
    return RawLabel(
        name=sample_id if is_id else image_name(task) or f"task {task.get('id')}",
        is_id=is_id,
        shapes=tuple(shapes),
        size=_size(results),
        labelled_at=_time(annotation, where),
        labelled_by=_person(annotation.get("completed_by")),
        where=where,
    )


def image_name(task: Mapping[str, Any]) -> str:
    """Return what a task calls its image, as far as it can be part of a sample id.

    Local files lose their root, uploads the letters that Label Studio puts in front, URLs their
    host and query.

    Returns:
        A path; ``""`` when the task has no image, or several.

    Example:
        >>> image_name({"data": {"image": "/data/upload/3/1a2b3c4d-cat.jpg"}})
        'cat.jpg'
        >>> image_name({"data": {"image": "/data/local-files/?d=set/a%20b.jpg"}})
        'set/a b.jpg'
        >>> image_name({"data": {"photo": "s3://bucket/a/b.jpg", "weather": "sunny"}})
        'a/b.jpg'
    """
    texts = {key: value for key, value in task["data"].items() if isinstance(value, str)}
    found = [texts["image"]] if "image" in texts else [*filter(_names_image, texts.values())]
    if len(found) != 1:
        return ""
    parts = urlsplit(found[0]) if "://" in found[0] or found[0].startswith("/data/") else None
    if parts is None:
        return found[0].replace("\\", "/")
    local = parse_qs(parts.query).get("d")
    if parts.path.endswith("/data/local-files/") and local:
        return local[0].lstrip("/")
    path = unquote(parts.path).lstrip("/")
    if path.startswith("data/upload/") or "/data/upload/" in path:
        return _UPLOADED.sub("", path.rpartition("/")[2], count=1)
    return path


def task_type(shape: Shape) -> TaskType:
    """Return the type of the tasks that have such shapes."""
    if shape.keypoints:
        return "keypoint-detection"
    if shape.polygons or shape.mask:
        return "instance-segmentation"
    return "classification" if shape.is_class else "object-detection"


def _ijson() -> Any:
    try:
        import ijson
    except ImportError:
        raise MissingExtraError(
            "reading labels of Label Studio needs ijson; pip install 'selectlab[labels]'"
        ) from None
    return ijson


def _skip_to_list(file: IO[bytes], where: str) -> None:
    """Go to where the list of tasks begins."""
    start = file.read(3)
    at = 3 if start == b"\xef\xbb\xbf" else 0
    file.seek(at)
    while (letter := file.read(1)) in (b" ", b"\t", b"\r", b"\n"):
        at += 1
    if letter != b"[":
        raise DataError(f"{where}: is no list of tasks; export from Label Studio as JSON")
    file.seek(at)


def _check_task(task: Any, where: str) -> None:
    if isinstance(task, dict) and isinstance(task.get("data"), dict):
        if isinstance(task.get("annotations", []), list):
            return
        raise DataError(
            f"{where}.annotations: must be a list, got {shortened(task['annotations'])}"
        )
    if isinstance(task, dict) and "annotation_id" in task:
        raise DataError(
            f"{where}: this is Label Studio's JSON-MIN; export as JSON, which tells sizes of "
            "images and the newest annotation"
        )
    raise DataError(f"{where}: a task needs data and annotations, got {shortened(task)}")


def _annotation(task: Mapping[str, Any], where: str, tally: Tally) -> Mapping[str, Any] | None:
    """Return the annotation that counts."""
    given = [found for found in task.get("annotations") or () if isinstance(found, dict)]
    valid = [found for found in given if not found.get("was_cancelled")]
    if not valid:
        what = "tasks that were skipped" if given else "tasks that nobody has annotated"
        tally.add(f"{what} are no labels", where)
        return None
    if len(valid) > 1:
        tally.add(
            "tasks with several annotations, of which ground truth or the newest counts", where
        )
    return max(
        valid,
        key=lambda found: (
            bool(found.get("ground_truth")),
            _time(found, where) or _EARLIEST,
            found["id"] if isinstance(found.get("id"), int) else 0,
        ),
    )


def _time(annotation: Mapping[str, Any], where: str) -> datetime | None:
    """Return when an annotation was changed last; a time without a zone is UTC."""
    given = annotation.get("updated_at") or annotation.get("created_at")
    if given is None:
        return None
    try:
        time = datetime.fromisoformat(str(given).replace("Z", "+00:00"))
    except ValueError:
        raise DataError(f"{where}: {shortened(given)} is no time") from None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def _person(completed_by: Any) -> str | None:
    if isinstance(completed_by, dict):
        known = (completed_by.get(key) for key in ("email", "username", "id"))
        return next((str(value) for value in known if value), None)
    return None if completed_by is None else str(completed_by)


def _size(results: Any) -> tuple[int, int] | None:
    """Return the size of the image as the first region tells it."""
    return next(filter(None, map(size_of, results)), None)


def _keypoint_names(data: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """Return the order of keypoints that the task was sent with."""
    given = data.get("keypoints")
    return given if isinstance(given, dict) and all(map(_is_names, given.values())) else {}


def _is_names(given: Any) -> bool:
    return isinstance(given, list) and all(isinstance(name, str) for name in given)


def _names_image(text: str) -> bool:
    return is_image(urlsplit(text).path) or text.startswith(("/data/upload/", "/data/local-files/"))
