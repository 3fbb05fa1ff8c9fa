"""Embeddings that need no model: the colours of a picture, eight by eight.

They tell pictures apart that look different as a whole: scenes, places, light, near-duplicates.
They know nothing of what is shown. A baseline, and a start where there are no weights.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from selectlab import progress
from selectlab.atomic import replace_file, write_atomically
from selectlab.errors import DataError
from selectlab.inputs.embedding_files import VECTOR
from selectlab.inputs.files import parse_json
from selectlab.inputs.folder import BUCKET
from selectlab.inputs.metadata_tables import ID_COLUMN
from selectlab.thumbnails import Thumbnails

if TYPE_CHECKING:
    from selectlab.dataset import Dataset

SIDE = 8
SPACE = f"pixels-rgb-{SIDE}x{SIDE}"
"""Name of the space, as it stands beside the table."""

_SEEN_PX = 256
"""Size of the thumbnails looked at; those of the studio's gallery."""
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the channels of ImageNet: fixed, so that more pictures do not move those that are there."""
_BATCH = 256
_SUFFIXES = (".parquet", ".npy", ".npz", ".csv")

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Embedded:
    """What was embedded.

    Attributes:
        out: The table.
        n_samples: How many samples have an embedding.
        without: Samples that have none, as no picture of them is at hand or can be read.
        unreadable: What is wrong with pictures and videos that are there.
    """

    out: Path
    n_samples: int
    without: tuple[str, ...] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)


def pixel_embedding(jpeg: bytes) -> Float32:
    """Return the embedding of a picture, (192,): the mean colours of 8 x 8 fields, standardised.

    Args:
        jpeg: A picture, upright.
    """
    from PIL import Image

    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
        small = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
    colours = np.asarray(small, dtype=np.float32) / np.float32(255)
    mean, std = np.array(_MEAN, dtype=np.float32), np.array(_STD, dtype=np.float32)
    standard: Float32 = ((colours - mean) / std).reshape(-1)
    return standard


def write_pixel_embeddings(dataset: Dataset, out: Path, *, videos: Path | None = None) -> Embedded:
    """Embed the pictures of a dataset and write the table, whole or not at all.

    Thumbnails are made on the way and kept, as the studio does.

    Args:
        dataset: Images, and frames whose video is at hand.
        out: A ``.parquet`` file, such as ``embeddings.parquet`` in the dataset.
        videos: Folder of the videos, as for :class:`selectlab.thumbnails.Thumbnails`.

    Raises:
        DataError: There are other embeddings in its place, no picture can be read, or it cannot be
            written.

    Cost:
        Decoding every image once, about 10 ms for each of a few megapixels.
    """
    _refuse_others(out)
    thumbnails = Thumbnails(dataset, videos)
    there: list[str] = []
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        replace_file(out, lambda to: _write(dataset, thumbnails, to, there))
        about = {"space": SPACE, "normalised": False}
        write_atomically(out.with_suffix(".json"), json.dumps(about, indent=2) + "\n")
    except OSError as error:
        raise DataError(f"{out}: cannot be written, {error.strerror or error}") from None
    known = set(there)
    without = tuple(one for one in dataset.ids if one not in known)
    return Embedded(out, len(there), without, thumbnails.unreadable)


def _write(dataset: Dataset, thumbnails: Thumbnails, to: Path, there: list[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kind = pa.list_(pa.float32(), 3 * SIDE * SIDE)
    schema = pa.schema([(ID_COLUMN, pa.string()), (VECTOR, kind)])
    with pq.ParquetWriter(to, schema, compression="none", use_dictionary=[ID_COLUMN]) as writer:
        for ids, vectors in _batches(dataset, thumbnails):
            flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 3 * SIDE * SIDE)
            writer.write_table(pa.table([pa.array(ids), flat], schema=schema))
            there += ids
    if not there:
        told = next(iter(thumbnails.unreadable.values()), "no image and no video of it is there")
        raise DataError(f"{dataset.source.where}: no picture to embed ({told})")


def _batches(dataset: Dataset, thumbnails: Thumbnails) -> Iterator[tuple[list[str], Float32]]:
    """Yield the ids of pictures and their embeddings, sorted by id."""
    progress.stage("embedding", len(dataset), unit="samples")
    for start in range(0, len(dataset), _BATCH):
        ids = list(dataset.ids[start : start + _BATCH])
        found = thumbnails.of(ids, _SEEN_PX)
        if found:
            yield list(found), np.stack([pixel_embedding(one.jpeg) for one in found.values()])
        progress.reach(start + len(ids))


def _refuse_others(out: Path) -> None:
    """Refuse to take the place of embeddings that something else has made."""
    beside = [out.with_suffix(suffix) for suffix in _SUFFIXES]
    inside = [out.parent / BUCKET / path.name for path in beside]
    for path in (*beside, *inside):
        if path.exists() and not (path == out and _space(out) == SPACE):
            raise DataError(
                f"{path}: holds other embeddings; put these elsewhere with --out, such as "
                "DATASET/embeddings/pixels.parquet, the space 'pixels'"
            )


def _space(table: Path) -> Any:
    about = table.with_suffix(".json")
    content = parse_json(about.read_bytes(), str(about)) if about.is_file() else None
    return content.get("space") if isinstance(content, dict) else None
