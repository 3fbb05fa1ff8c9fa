"""Metadata as Lightly lays it out: schema.json, and a JSON per image, video or frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selectlab.errors import DataError
from selectlab.inputs.files import Folder, Progress, parse_json
from selectlab.inputs.image_names import ImageNames
from selectlab.inputs.lightly_predictions import file_sample, prediction_files
from selectlab.inputs.metadata_columns import Declared, typed_values
from selectlab.inputs.sample_ids import stem_of, video_of

if TYPE_CHECKING:
    import pandas as pd

_TYPES = ("image", "video", "frame")


@dataclass(frozen=True)
class MetadataFiles:
    """The content of a metadata folder.

    Attributes:
        values: ``{sample id: {dotted key: value}}`` of images and frames.
        videos: The same of videos, by their file name; it applies to all their frames.
        paths: File of each sample or video.
    """

    values: Mapping[str, Mapping[str, Any]]
    videos: Mapping[str, Mapping[str, Any]]
    paths: Mapping[str, str]

    def frame(self, ids: Iterable[str], declared: Mapping[str, Declared]) -> pd.DataFrame:
        """Return a typed table of those ``ids`` that have metadata.

        A frame's own value wins over its video's. Declared keys are always columns.

        Raises:
            DataError: A value is not of its declared type; the message names the file.
        """
        import pandas as pd

        found: dict[str, Sequence[Mapping[str, Any]]] = {}
        sources: list[str] = []
        for sample_id in ids:
            own, video = self.values.get(sample_id), self.videos.get(video_of(sample_id) or "")
            if own is not None or video is not None:
                found[sample_id] = [held for held in (own, video) if held is not None]
                sources.append(sample_id if own is not None else video_of(sample_id) or "")
        keys = dict.fromkeys(declared)
        for held in found.values():
            for part in held:
                keys.update(dict.fromkeys(part))
        columns: dict[str, np.ndarray[Any, Any]] = {}
        for key in sorted(keys):
            values = [_first(held, key) for held in found.values()]
            columns[key] = typed_values(
                values, declared.get(key), lambda row: self.paths[sources[row]], key
            )
        index: pd.Index[Any] = pd.Index(np.array(list(found), dtype=object))
        out: pd.DataFrame = pd.DataFrame(
            {key: pd.Series(held, index=index, dtype=held.dtype) for key, held in columns.items()},
            index=index,
        )
        return out


def _first(held: Sequence[Mapping[str, Any]], key: str) -> Any:
    """Return the first value of a key that is not missing."""
    return next((part[key] for part in held if part.get(key) is not None), None)


def read_metadata_files(
    folder: Folder, base: str, names: ImageNames, progress: Progress | None = None
) -> MetadataFiles:
    """Read all metadata files of a dataset.

    Args:
        folder: The dataset.
        base: Path of the metadata folder in it.
        names: The images, for files that do not spell out their image.
        progress: Called with the number of files read and their total.

    Raises:
        DataError: A file is malformed, or two are about one sample; the message names it.
    """
    values: dict[str, Mapping[str, Any]] = {}
    videos: dict[str, Mapping[str, Any]] = {}
    paths: dict[str, str] = {}
    for path, data in folder.read_many(prediction_files(folder, base), progress):
        content = parse_json(data, path)
        if not isinstance(content, dict) or not isinstance(content.get("metadata"), dict):
            raise DataError(f"{path}: must be an object with file_name, type and metadata")
        kind = content.get("type", "image")
        if kind not in _TYPES:
            raise DataError(f"{path}: type must be image, video or frame, got {kind!r}")
        name = file_sample(content, path, path[len(base) + 1 : -len(".json")], names)
        if name in paths:
            raise DataError(f"{path}: {name!r} has metadata in {paths[name]} too")
        paths[name] = path
        (videos if kind == "video" else values)[name] = dict(flattened(content["metadata"]))
    return MetadataFiles(values, videos, paths)


def metadata_ids(folder: Folder, base: str, names: ImageNames) -> list[str] | None:
    """Return the samples with metadata by their files' paths; ``None`` where those don't say."""
    found = []
    for path in prediction_files(folder, base):
        name = names.of_stem(stem_of(path[len(base) + 1 : -len(".json")]))
        if name is None:
            return None
        found.append(name)
    return found


def flattened(content: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Yield nested values under dotted keys; lists are no values and are passed over.

    Example:
        >>> dict(flattened({"weather": {"temperature": 23.2}, "tags": [1]}))
        {'weather.temperature': 23.2}
    """
    for key, value in content.items():
        if isinstance(value, dict):
            yield from flattened(value, f"{prefix}{key}.")
        elif not isinstance(value, list):
            yield f"{prefix}{key}", value
