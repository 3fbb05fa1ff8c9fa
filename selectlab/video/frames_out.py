"""The frames that a run has selected, as images, with boxes to start labelling from."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from selectlab.atomic import write_atomically
from selectlab.errors import DataError
from selectlab.footage import find_video, video_folders
from selectlab.inputs.image_formats import opened_image
from selectlab.inputs.sample_ids import frame_of, stem_of
from selectlab.inputs.yolo_layout import IMAGES
from selectlab.video import prelabels
from selectlab.video.decoding import Frame, frames
from selectlab.video.labels import Labels, read_labels
from selectlab.video.progress import Progress, Silence
from selectlab.video.upkeep import replacing, writing

if TYPE_CHECKING:
    from selectlab.dataset import Dataset

INDEX, NEIGHBOURS = "frames.json", "neighbours"


@dataclass
class Written:
    """What was written.

    Attributes:
        out: The folder.
        sizes: Width and height in px of each selected image, by sample id, best first.
        timestamps_s: Time in the video of each selected frame.
        neighbours: For each selected frame the frames around it, by how far away they are.
        labels: Boxes; ``None`` when the dataset has none.
    """

    out: Path
    sizes: dict[str, tuple[int, int]]
    timestamps_s: dict[str, float | None] = field(default_factory=dict)
    neighbours: dict[str, dict[int, str]] = field(default_factory=dict)
    labels: Labels | None = None

    def path(self, sample: str) -> Path:
        """Return where the image of a selected or neighbouring frame lies."""
        folder = IMAGES if sample in self.sizes else NEIGHBOURS
        return self.out / folder / sample


def write_frames(
    samples: Sequence[str],
    dataset: Dataset,
    videos: str | os.PathLike[str] | None,
    out: str | os.PathLike[str],
    *,
    neighbours: int = 0,
    task: str | None = None,
    imputed: str | os.PathLike[str] | None = None,
    min_score: float = 0.25,
    coco: bool = False,
    yolo: bool = False,
    sheet: bool = False,
    titles: Mapping[str, str] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Written:
    """Write selected frames as PNGs into ``images/``, with what is asked for beside them.

    Each video is decoded once, in order, up to the last frame that is needed. Images that are
    no video frames are copied from the dataset. After an error ``out`` is as it was.

    Args:
        samples: Sample ids, best first.
        dataset: Holds the predictions.
        videos: Folder of the videos, under the names that they had for ``predict``; by default
            the dataset, and the folders that its videos.json names.
        out: Folder to make.
        neighbours: Write this many frames before and after too, into ``neighbours/``.
        task: Task of the boxes; by default that of ``imputed``, or the only one.
        imputed: File of imputed boxes, as ``selectlab assert`` writes it.
        min_score: Predicted boxes below are left out.
        coco: Write the boxes to ``coco.json``.
        yolo: Write the boxes to ``labels/`` and ``data.yaml``.
        sheet: Draw ``sheet.pdf`` and ``sheet.png``; takes one neighbour at least.
        titles: What the sheet says of a sample, such as why it was selected.
        overwrite: Replace an earlier call's files in ``out``.
        progress: Is told how far it is.

    Raises:
        DataError: A video is not there or shorter than its frames say, an image is not there,
            there are no boxes to write, or ``out`` holds something else.
        MissingExtraError: PyAV is not installed.
    """
    target = Path(out)
    reach = max(neighbours, 1) if sheet else neighbours
    folders = video_folders(dataset.source) if videos is None else (Path(videos),)
    wanted = _wanted(samples, folders, reach)
    ids = sorted({*samples, *(name for held in wanted.values() for name in held.values())})
    labels = read_labels(
        dataset, ids, task=task, imputed=None if imputed is None else Path(imputed),
        min_score=min_score,
    )  # fmt: skip
    if labels is None and (coco or yolo):
        raise DataError(f"{dataset.source.where}: no prediction task with boxes to write")
    with writing(target):
        _check(target, overwrite)
    with replacing(target) as fresh:
        written = Written(fresh, dict.fromkeys(samples, (0, 0)), labels=labels)
        for video, frames_of_it in wanted.items():
            _extract(video, frames_of_it, written, progress or Silence())
        for sample in samples:
            _relate(sample, written, dataset, reach)
        _write_index(written)
        _write_labels(written, target, coco, yolo)
        if sheet:
            from selectlab.video.contact_sheet import draw_sheet

            draw_sheet(written, titles or {})
    written.out = target
    return written


def _wanted(
    samples: Sequence[str], folders: Sequence[Path], reach: int
) -> dict[Path, dict[int, str]]:
    """Return the frame numbers needed of each video, with their sample ids."""
    wanted: dict[Path, dict[int, str]] = {}
    for sample in samples:
        found = frame_of(sample)
        if found is None:
            continue
        name, number = found
        path = find_video(folders, name)
        if path is None:
            looked = " or ".join(str(folder / name) for folder in folders) or name
            raise DataError(
                f"{looked}: no such video; frame {sample!r} is selected from it; --videos FOLDER "
                "says where it lies"
            )
        held = wanted.setdefault(path, {})
        for near in range(max(0, number - reach), number + reach + 1):
            held[near] = neighbour(sample, near)
    return dict(sorted(wanted.items()))


def neighbour(sample: str, number: int) -> str:
    """Return the id of another frame of the same video.

    Example:
        >>> neighbour("a/clip-007-mp4.png", 12)
        'a/clip-012-mp4.png'
    """
    name, digits, suffix = stem_of(sample).rsplit("-", 2)
    return f"{name}-{number:0{len(digits)}d}-{suffix}.png"


def _extract(video: Path, wanted: Mapping[int, str], written: Written, progress: Progress) -> None:
    """Write the wanted frames of a video; stop reading after the last one."""
    chosen = {number for number, sample in wanted.items() if sample in written.sizes}
    last, done = max(wanted), -1
    progress.begin(str(video), last + 1)
    for frame in _until(video, last):
        done = frame.number
        progress.advance(1)
        sample = wanted.get(frame.number)
        if sample is None:
            continue
        _save(frame, written.path(sample))
        if frame.number in chosen:
            height, width = frame.pixels.shape[:2]
            written.sizes[sample] = (width, height)
            written.timestamps_s[sample] = frame.timestamp_s
    progress.end()
    if done < max(chosen):
        raise DataError(
            f"{video}: has {done + 1} frames, but frame {max(chosen)} is selected; "
            "is it another video of the same name?"
        )


def _until(video: Path, last: int) -> Iterator[Frame]:
    for frame in frames(video):
        yield frame
        if frame.number == last:
            return


def _save(frame: Frame, path: Path) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(frame.pixels[..., ::-1])).save(path)


def _relate(sample: str, written: Written, dataset: Dataset, reach: int) -> None:
    """Note the neighbours of a frame; copy an image that is no frame."""
    found = frame_of(sample)
    if found is None:
        written.sizes[sample] = _copy(sample, written.path(sample), dataset)
        return
    near = {
        step: neighbour(sample, found[1] + step)
        for step in range(-reach, reach + 1)
        if step and found[1] + step >= 0
    }
    there = {step: name for step, name in near.items() if written.path(name).is_file()}
    written.neighbours[sample] = there


def _copy(sample: str, path: Path, dataset: Dataset) -> tuple[int, int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with dataset.source.open_image(sample) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target)
    with opened_image(path) as image:
        width, height = image.size
    return width, height


def _write_index(written: Written) -> None:
    listed = []
    for rank, (sample, (width, height)) in enumerate(written.sizes.items(), start=1):
        found = frame_of(sample)
        listed.append(
            {
                "rank": rank,
                "sample_id": sample,
                "video": found[0] if found else None,
                "frame": found[1] if found else None,
                "timestamp_s": written.timestamps_s.get(sample),
                "width": width,
                "height": height,
                "neighbours": list(written.neighbours.get(sample, {}).values()),
            }
        )
    write_atomically(written.out / INDEX, json.dumps(listed, indent=1, ensure_ascii=False) + "\n")


def _write_labels(written: Written, home: Path, coco: bool, yolo: bool) -> None:
    """Write the boxes in the formats asked for; ``home`` is where the folder will be."""
    if written.labels is not None and coco:
        prelabels.write_coco(written.out, written.labels, written.sizes)
    if written.labels is not None and yolo:
        prelabels.write_yolo(written.out, written.labels, written.sizes, home=home)


def _check(out: Path, overwrite: bool) -> None:
    """Refuse a folder that holds something else than an earlier call's files."""
    if out.exists() and not out.is_dir():
        raise DataError(f"{out}: exists and is no folder")
    held = sorted(path.name for path in out.iterdir()) if out.exists() else []
    if held and not overwrite:
        raise DataError(
            f"{out}: holds files already, such as {held[0]!r}; choose another folder, or "
            "--overwrite to replace earlier frames"
        )
    if held and INDEX not in held:
        raise DataError(f"{out}: holds files but no {INDEX}; nothing is overwritten")
