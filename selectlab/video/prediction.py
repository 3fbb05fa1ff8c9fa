"""``predict``: videos and images in, predictions in a dataset folder out."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from selectlab.errors import DataError
from selectlab.footage import remember_videos
from selectlab.inputs.sample_ids import frame_of
from selectlab.video.dataset_files import DatasetFiles
from selectlab.video.decoding import Frame, expected_frames, frames
from selectlab.video.plan import Images, Unit, Video, plan
from selectlab.video.progress import Progress, Silence
from selectlab.video.shards import POSITION, Shard, join_vectors, metadata_frame
from selectlab.video.spool import LINES, Record, Spool, stamp
from selectlab.video.upkeep import STALE_ASSERTIONS, forget_assertions, locked, writing

if TYPE_CHECKING:
    from selectlab.video.detector import Detector
    from selectlab.video.found import Found

PRETAGGING = "lightly_pretagging"
PRETAGGING_CLASSES = ("bicycle", "bus", "car", "motorcycle", "person", "train", "truck")

FRAME_INDEX, TIMESTAMP = "frame_index", "timestamp_s"
_FRAMES_LESS = 2  # as many less than a video says do not mean that it is cut off
_DECLARED = {FRAME_INDEX: "NUMERIC_INT", TIMESTAMP: "NUMERIC_FLOAT"}
_VECTORS, _OBJECTS, _METADATA = "images.parquet", "objects.parquet", "metadata.parquet"


@dataclass
class Outcome:
    """What a prediction came to.

    Attributes:
        task: Name of the prediction task.
        out: The dataset.
        predicted: Number of samples by video (or first image of a handful), in this run.
        finished: Names that were finished by an earlier run.
        failed: What was wrong, by the video or image that could not be read.
        seconds: Time spent on what is in ``predicted``.
        notes: What the user should know.
    """

    task: str
    out: Path
    predicted: dict[str, int] = field(default_factory=dict)
    finished: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


def predict(
    inputs: Sequence[str | os.PathLike[str]],
    *,
    out: str | os.PathLike[str],
    model: str = "yolov8n.pt",
    confidence: float = 0.1,
    classes: Sequence[str] | None = None,
    task: str | None = None,
    embed: bool = False,
    metrics: bool = False,
    image_size_px: int | None = None,
    batch: int = 8,
    device: str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Run an ultralytics model over videos and images and write a dataset folder.

    Videos are read frame by frame; memory does not grow with their length. A video that was
    finished by an earlier call, with the same settings, is not predicted again.

    Args:
        inputs: Videos, images, and folders of them.
        out: The dataset, a local folder; may exist. The images' own folder is a good choice.
        model: Weights (``.pt``), or a ``.yaml`` for a model with random weights.
        confidence: Boxes below this score are left out.
        classes: Names of the classes to keep; all by default.
        task: Name of the prediction task; by default the model's file name.
        embed: Write embeddings of images and objects, from the same pass.
        metrics: Write the image metrics ``lightly.*``, from the same pass.
        image_size_px: Longer side of the network's input; by default the model's own.
        batch: Number of images in a pass.
        device: Such as ``cpu`` or ``cuda:0``.
        overwrite: Forget what the task holds, embeddings of samples of no other task included, and
            predict everything again.
        progress: Is told how far it is.

    Returns:
        What was done. A video or image that cannot be read is listed in ``failed``; nothing is
        written of it, and the rest goes on.

    Raises:
        ConfigError: An input, the model, a class or the task's name is not usable.
        DataError: The dataset holds something else in the place of the results.
        MissingExtraError: ultralytics is not installed.
    """
    from selectlab.video.detector import Detector

    files = DatasetFiles(out, task or Path(model).stem)
    units = plan(inputs, Path(out))
    detector = Detector(
        model,
        confidence=confidence,
        classes=classes,
        image_size_px=image_size_px,
        device=device,
        embed=embed,
    )
    settings = {
        "model": detector.space,
        "conf": confidence,
        "imgsz": detector.image_size_px,
        "classes": None if classes is None else sorted(classes),
        "embed": embed,
        "metrics": metrics,
    }
    run = _Run(files, Spool(files.spool), detector, batch, metrics, progress or Silence())
    with writing(files.root), locked(files.spool):
        run.begin(settings, overwrite)
        outcome = run.work(units)
        run.merge()
        remember_videos(files.root, [(u.name, u.path) for u in units if isinstance(u, Video)])
    if run.stale:
        outcome.notes.append(STALE_ASSERTIONS)
    if detector.lacks_probabilities:
        outcome.notes.append(NO_PROBABILITIES)
    return outcome


NO_PROBABILITIES = (
    "the model does not give the scores of all classes: predictions are written without "
    "probabilities"
)


@dataclass
class _Run:
    """One call of :func:`predict`."""

    files: DatasetFiles
    spool: Spool
    detector: Detector
    batch: int
    metrics: bool
    progress: Progress
    stale: bool = False
    """Results of assertions were removed."""

    def begin(self, settings: Mapping[str, Any], overwrite: bool) -> None:
        """Make the place for the task's results."""
        gone = self.files.tables_of(self.spool.model(), self.spool.samples()) if overwrite else ()
        if self.detector.embeds:
            space = self.detector.space
            self.files.check_spaces(space, f"{space}/boxes", besides=gone)
        if overwrite:
            self.files.clear(gone)
            self.spool.clear()
            self._forget_assertions()
        self.spool.settle(settings, self.files.predictions)
        self.files.prepare(self.detector.schema())

    def _forget_assertions(self) -> None:
        self.stale |= forget_assertions(self.files.root, self.files.task)

    def work(self, units: Sequence[Unit]) -> Outcome:
        """Predict the units that are not finished."""
        outcome = Outcome(self.files.task, self.files.root)
        start = time.monotonic()
        self._forget_others(units)
        for unit in units:
            record = self.spool.finished(unit)
            if record is not None:
                outcome.finished.append(unit.name)
                outcome.failed.update(record.unreadable)
                continue
            expected = expected_frames(unit.path) if isinstance(unit, Video) else len(unit.names)
            self.progress.begin(unit.name, expected)
            try:
                record = self._predict(unit)
            except DataError as error:
                self.spool.abandon(unit)
                outcome.failed[unit.name] = str(error)
                self.progress.end(f"failed: {error}")
                continue
            outcome.predicted[unit.name] = len(record.samples) - len(record.unreadable)
            outcome.failed.update(record.unreadable)
            outcome.notes += _cut_off(unit, len(record.samples))
            self.progress.end()
        outcome.seconds = time.monotonic() - start
        return outcome

    def _forget_others(self, units: Sequence[Unit]) -> None:
        """Forget finished handfuls of images that are now in other handfuls."""
        handfuls = [unit for unit in units if isinstance(unit, Images)]
        planned = {name: unit.name for unit in handfuls for name in unit.names}
        for record, folder in list(self.spool.records()):
            if any(planned.get(name, record.name) != record.name for name in record.samples):
                self.spool.forget(folder)

    def _predict(self, unit: Unit) -> Record:
        """Predict a unit: everything into the spool first, then its prediction files."""
        seen, part = stamp(unit), self.spool.begin(unit)
        unreadable: dict[str, str] = {}
        source = frames(unit.path) if isinstance(unit, Video) else _images(unit, unreadable)
        shards = _Shards(part, isinstance(unit, Video), self.metrics)
        count = 0
        with closing(shards), (part / LINES).open("w", encoding="utf-8") as lines:
            for group in _batches(source, self.batch):
                results = self.detector.predict([frame.pixels for frame in group])
                for frame, found in zip(group, results, strict=True):
                    lines.write("\n" * (frame.number - count))
                    lines.write(json.dumps(found.objects, ensure_ascii=False) + "\n")
                    shards.add(frame, found)
                    count = frame.number + 1
                self.progress.advance(len(group))
            if isinstance(unit, Images):
                lines.write("\n" * (len(unit.names) - count))
        samples = unit.sample_ids(count)
        gone = self.spool.superseded(unit, samples)
        if self.spool.rewrites(unit):
            self._forget_assertions()
        self.files.remove_predictions([*gone, *unreadable])
        with (part / LINES).open(encoding="utf-8") as text:
            self.files.write_predictions(samples, text)
        record = Record(unit.name, samples, seen, unreadable, gone)
        self.spool.finish(record)
        return record

    def merge(self) -> None:
        """Join what the units left into the dataset's tables."""
        records = list(self.spool.records())
        own = [name for record, _ in records for name in (*record.samples, *record.superseded)]
        for target, shard in (
            (self.files.image_embeddings, _VECTORS),
            (self.files.object_embeddings, _OBJECTS),
        ):
            parts = [(folder / shard, record.samples) for record, folder in records]
            if any(path.is_file() for path, _ in parts):
                target.parent.mkdir(parents=True, exist_ok=True)
                join_vectors(target, parts, own)
        space = self.detector.space
        if self.detector.embeds:
            self.files.describe_spaces(space, f"{space}/boxes")
        self.files.write_metadata(
            metadata_frame([(folder / _METADATA, record.samples) for record, folder in records]),
            _DECLARED,
            _gone_frames([record for record, _ in records]),
        )


def _cut_off(unit: Unit, decoded: int) -> list[str]:
    """Return a note on a video that has fewer frames than it says."""
    stated = expected_frames(unit.path, estimate=False) if isinstance(unit, Video) else None
    if stated is None or stated - decoded <= _FRAMES_LESS:
        return []
    return [f"{unit.name}: says it has {stated} frames, {decoded} could be decoded; is it cut off?"]


def _gone_frames(records: Sequence[Record]) -> set[str]:
    """Return the frames that videos had before they were changed, and have no more."""
    gone = {
        name
        for record in records
        for name in record.superseded
        if (frame_of(name) or ("",))[0] == record.name
    }
    return gone.difference(*(record.samples for record in records))


class _Shards:
    """The tables of a unit in work."""

    def __init__(self, part: Path, video: bool, metrics: bool) -> None:
        self._vectors = Shard(part / _VECTORS)
        self._objects = Shard(part / _OBJECTS)
        self._metadata = Shard(part / _METADATA)
        self._video, self._metrics = video, metrics

    def add(self, frame: Frame, found: Found) -> None:
        """Add a frame with what was found in it."""
        at = {POSITION: frame.number}
        if found.image_embedding is not None:
            self._vectors.add(**at, embedding=found.image_embedding)
        if found.object_embeddings is not None:
            for number, vector in enumerate(found.object_embeddings):
                self._objects.add(**at, object=number, embedding=vector)
        values: dict[str, Any] = {}
        if self._video:
            values = {FRAME_INDEX: frame.number, TIMESTAMP: frame.timestamp_s}
        if self._metrics:
            values |= _measured(frame)
        if values:
            self._metadata.add(**at, **values)

    def close(self) -> None:
        """Write what is left."""
        for shard in (self._vectors, self._objects, self._metadata):
            shard.close()


def _measured(frame: Frame) -> dict[str, float]:
    from PIL import Image

    from selectlab.inputs.image_metrics import METRICS, measure_image

    image = Image.fromarray(np.ascontiguousarray(frame.pixels[..., ::-1]))
    names = (f"lightly.{name}" for name in METRICS)
    return dict(zip(names, measure_image(image), strict=True))


def _batches(source: Iterable[Frame], size: int) -> Iterator[list[Frame]]:
    """Yield runs of at most ``size`` frames of one shape: shapes decide the network's input."""
    for _, group in groupby(source, key=lambda frame: frame.pixels.shape):
        held: list[Frame] = []
        for frame in group:
            held.append(frame)
            if len(held) == size:
                yield held
                held = []
        if held:
            yield held


def _images(unit: Images, unreadable: dict[str, str]) -> Iterator[Frame]:
    """Yield the readable images of a unit, numbered by their place, upright as EXIF says."""
    from PIL import ImageOps

    from selectlab.inputs.image_formats import opened_image
    from selectlab.inputs.image_metrics import rgb8

    for number, (name, path) in enumerate(zip(unit.names, unit.paths, strict=True)):
        try:
            with opened_image(path) as image:
                pixels = np.asarray(rgb8(ImageOps.exif_transpose(image)))
        except Exception as error:  # whatever a broken file provokes
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            unreadable[name] = f"{path}: not a readable image ({reason})"
            continue
        yield Frame(number, None, np.ascontiguousarray(pixels[..., ::-1]))
