"""Which video the boxes of a text file are of, and what its frames are called in a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from selectlab.errors import ConfigError, MissingExtraError
from selectlab.footage import find_video, remember_videos, video_folders
from selectlab.inputs.files import open_folder
from selectlab.inputs.folder import FolderSource
from selectlab.inputs.sample_ids import frame_of, suffix_of
from selectlab.video.decoding import expected_frames
from selectlab.video.plan import VIDEOS, is_video, media_in

DEFAULT = "mp4"
_SHOWN = 3


@dataclass(frozen=True)
class Origin:
    """The video that boxes are of.

    Attributes:
        name: Its name without extension, as the ids of its frames have it.
        extension: Its extension.
        n_frames: How long it is; ``None`` if nothing tells.
        path: Where it lies; ``None`` if it is not at hand.
        known: The dataset has frames of it.
        others: Names of other videos of the dataset.
    """

    name: str
    extension: str
    n_frames: int | None = None
    path: Path | None = None
    known: bool = False
    others: Sequence[str] = ()

    @property
    def video(self) -> str:
        """The name of the video."""
        return f"{self.name}.{self.extension}"

    def length(self, stated: int | None) -> int | None:
        """Return how many frames to write.

        Args:
            stated: How many the boxes' own files say; an estimate counts less than that, frames
                that are there count as well.
        """
        if stated is None:
            return self.n_frames
        return max(stated, self.n_frames or 0) if self.known else stated

    def note(self, out: Path) -> str | None:
        """Return what the user should know: that there is no such video, if there is none."""
        if self.known or self.path is not None:
            return None
        listed = ", ".join(self.others[:_SHOWN]) + (", ..." if len(self.others) > _SHOWN else "")
        has = f"it has {listed}" if self.others else "it has no other either"
        return (
            f"no video {self.video!r} in {out} ({has}); if the boxes are of another one, import "
            "them again with --video FILE, or with --name and --extension"
        )


def origin_of(
    out: Path,
    called: str,
    *,
    name: str | None = None,
    extension: str | None = None,
    video: Path | None = None,
) -> Origin:
    """Return the video that boxes are of, by its file or by its name.

    Args:
        out: The dataset; need not be there yet.
        called: What the video is called if nobody says it.
        name: What it is called in the dataset, without extension.
        extension: Its extension.
        video: Its file.

    Raises:
        ConfigError: The file is no video, a name is given beside it, or several videos of the
            dataset could be meant.
    """
    frames, folders = _frames(out)
    there = sorted({*frames, *(name for folder in folders for name in _files(folder))})
    found: str | None
    if video is not None:
        if name is not None or extension is not None:
            raise ConfigError("--video: says name and extension; leave out --name and --extension")
        found = _called(video, out, there)
    else:
        found = _matching(there, name or called, extension)
    if found is None:
        return Origin(name or called, (extension or DEFAULT).lstrip("."), others=there)
    path = video or find_video(folders, found)
    n_frames = frames.get(found) or (None if path is None else _length(path))
    stem, _, suffix = found.rpartition(".")
    return Origin(stem, suffix, n_frames, path, known=found in frames)


def remember(origin: Origin, out: Path) -> None:
    """Note in a dataset where the video lies, if it is at hand and not in there."""
    if origin.path is not None:
        remember_videos(out, [(origin.video, origin.path)])


def _frames(out: Path) -> tuple[dict[str, int], Sequence[Path]]:
    """Return how many frames of which videos a dataset has, and where videos of it lie."""
    if not out.is_dir():
        return {}, ()
    source = FolderSource(open_folder(out))
    found: dict[str, int] = {}
    for frame in filter(None, map(frame_of, source.ids())):
        found[frame[0]] = max(found.get(frame[0], 0), frame[1] + 1)
    return found, video_folders(source)


def _files(folder: Path) -> list[str]:
    """Return the videos below a folder, by their path in it."""
    return [path.relative_to(folder).as_posix() for path in media_in(folder) if is_video(path.name)]


def _called(video: Path, out: Path, there: Sequence[str]) -> str:
    """Return what a file is called in a dataset: as what is there already, or by its file name."""
    if not video.is_file():
        raise ConfigError(f"--video: {video}: no such file")
    if not is_video(video.name):
        known = ", ".join(sorted(suffix[1:] for suffix in VIDEOS))
        raise ConfigError(f"--video: {video} is no video file; they end in {known}")
    place = video.resolve()
    if place.is_relative_to(out.resolve()):
        return place.relative_to(out.resolve()).as_posix()
    ends = [name for name in there if place.parts[-len(Path(name).parts) :] == Path(name).parts]
    return max(ends, key=len, default=video.name)


def _matching(there: Sequence[str], name: str, extension: str | None) -> str | None:
    """Return the one video of a name; ``None`` where there is none.

    Raises:
        ConfigError: There are several.
    """
    wanted = None if extension is None else f".{extension.lstrip('.').lower()}"
    fitting = [one for one in there if wanted is None or suffix_of(one) == wanted]
    exact = [one for one in fitting if one.rpartition(".")[0] == name]
    found = exact or [one for one in fitting if PurePosixPath(one).stem == name]
    if len(found) > 1:
        raise ConfigError(
            f"{name}: could be {', '.join(found)}; say which with --video FILE, or with --name "
            "and --extension"
        )
    return found[0] if found else None


def _length(path: Path) -> int | None:
    try:
        return expected_frames(path)
    except MissingExtraError:
        return None
