"""What is to be predicted: videos, and images in handfuls, under the names of their samples."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from selectlab.errors import ConfigError, DataError
from selectlab.inputs.sample_ids import VIDEO_SUFFIXES, is_image, sample_id, stem_of, suffix_of

IMAGES_IN_A_UNIT = 256
"""After an interruption at most this many images are predicted again."""

VIDEOS = frozenset(f".{suffix}" for suffix in VIDEO_SUFFIXES.split("|"))
"""How names of videos end."""


@dataclass(frozen=True)
class Video:
    """A video, predicted as a whole.

    Attributes:
        name: Path relative to the dataset, ``/`` between folders.
        path: Where it lies.
    """

    name: str
    path: Path

    @property
    def paths(self) -> Sequence[Path]:
        """The files it is made of."""
        return (self.path,)

    def sample_ids(self, n_frames: int) -> list[str]:
        """Return the ids of its frames, numbered to the width of their count.

        Example:
            >>> Video("a/clip.mp4", Path("clip.mp4")).sample_ids(11)[9]
            'a/clip-09-mp4.png'
        """
        stem, _, suffix = self.name.rpartition(".")
        width = len(str(n_frames))
        return [f"{stem}-{number:0{width}d}-{suffix}.png" for number in range(n_frames)]


@dataclass(frozen=True)
class Images:
    """Some images, predicted in one go.

    Attributes:
        names: Their sample ids, sorted.
        paths: Where they lie.
    """

    names: tuple[str, ...]
    paths: tuple[Path, ...]

    @property
    def name(self) -> str:
        """The first image stands for all."""
        return self.names[0]

    def sample_ids(self, _: int) -> list[str]:
        """Return the ids of the images."""
        return list(self.names)


Unit = Video | Images
"""What is finished as a whole, or begun anew."""


def plan(inputs: Sequence[str | os.PathLike[str]], out: Path) -> list[Unit]:
    """Return what is to be predicted, sorted by name: videos first.

    A file below ``out`` is named by its path in there. Otherwise a file given itself is named
    by its file name, and a file found in a folder given by its path in that folder.

    Args:
        inputs: Videos, images, and folders that are searched for both.
        out: The dataset.

    Raises:
        ConfigError: An input is not there or is of no known kind; two have the same name.
        DataError: A folder holds nothing to predict.
    """
    found: dict[str, Path] = {}
    for given in inputs:
        for name, path in _named(Path(given), out):
            if name in found and found[name].resolve() != path.resolve():
                raise ConfigError(f"{path}: would be {name!r} in the dataset, as {found[name]}")
            found[name] = path
    _refuse_same_stem(found)
    videos: list[Unit] = [Video(name, found[name]) for name in sorted(found) if is_video(name)]
    images = [name for name in sorted(found) if not is_video(name)]
    starts = range(0, len(images), IMAGES_IN_A_UNIT)
    handfuls = [tuple(images[start : start + IMAGES_IN_A_UNIT]) for start in starts]
    return videos + [Images(names, tuple(found[name] for name in names)) for names in handfuls]


def _named(given: Path, out: Path) -> Iterable[tuple[str, Path]]:
    """Yield the names and paths of an input."""
    if given.is_dir():
        some = False
        for path in media_in(given):
            some = True
            yield _name(path, given, out), path
        if not some:
            raise DataError(f"{given}: no videos or images in this folder")
        return
    if not given.exists():
        raise ConfigError(f"{given}: no such file or folder")
    if not (is_video(given.name) or is_image(given.name)):
        known = ", ".join(sorted(suffix[1:] for suffix in VIDEOS))
        raise ConfigError(f"{given}: neither an image nor a video; videos end in {known}")
    yield _name(given, given.parent, out), given


def _name(path: Path, folder: Path, out: Path) -> str:
    try:
        relative = path.resolve().relative_to(out.resolve())
    except ValueError:
        relative = path.relative_to(folder)
    name = relative.as_posix()
    if is_video(name):
        sample_id(f"{name}.png", str(path))
        return name
    return sample_id(name, str(path))


def media_in(folder: Path) -> Iterable[Path]:
    """Yield the videos and images below a folder; hidden ones are left out."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and (is_video(name) or is_image(name)):
                yield Path(root, name)


def is_video(name: str) -> bool:
    """Return whether a name ends like that of a video."""
    return suffix_of(name) in VIDEOS


def _refuse_same_stem(names: Iterable[str]) -> None:
    """Refuse images that differ in their extension only: their predictions share a file."""
    stems: dict[str, str] = {}
    for name in names:
        if not is_video(name):
            other = stems.setdefault(stem_of(name), name)
            if other != name:
                raise ConfigError(
                    f"{name}: its predictions would lie in the same file as those of {other!r}; "
                    "rename one"
                )
