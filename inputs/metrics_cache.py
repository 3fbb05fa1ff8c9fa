"""Image metrics kept between runs, and metadata tables written without losing what is there."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from selectlab.atomic import replace_file
from selectlab.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

VERSION = 1
"""Goes up when a metric's definition changes, so that old values are not used."""


def fingerprint(handle: IO[bytes]) -> str:
    """Return what tells an open file from a changed one: size and time, or the ETag.

    Empty when the storage says neither; such files are measured every time.
    """
    details = getattr(handle, "details", None)
    if isinstance(details, dict):
        mark = next(
            (details[key] for key in ("ETag", "etag", "LastModified", "mtime") if details.get(key)),
            None,
        )
        return "" if mark is None else f"{details.get('size')}:{mark}"
    try:
        stat = os.fstat(handle.fileno())
    except (AttributeError, OSError):
        return ""
    return f"{stat.st_size}:{stat.st_mtime_ns}"


@dataclass
class MetricsCache:
    """Metrics by sample id and fingerprint, in ``metrics.parquet`` of a folder.

    A cache that cannot be read is started anew; one that cannot be written is not kept.

    Attributes:
        path: The file; ``None`` keeps nothing.
        columns: Names of the metrics.
        entries: Fingerprint and values by sample id.
        changed: Something is to be saved.
    """

    path: Path | None
    columns: Sequence[str]
    entries: dict[str, tuple[str, tuple[float, ...]]] = field(default_factory=dict)
    changed: bool = False

    @classmethod
    def open(cls, folder: str | None, columns: Sequence[str]) -> MetricsCache:
        """Read the cache of a folder."""
        path = None if folder is None else Path(folder) / "metrics.parquet"
        cache = cls(path, columns)
        if path is None or not os.path.isfile(path):
            return cache
        import pandas as pd

        try:
            frame = pd.read_parquet(path)
            frame = frame[frame["version"] == VERSION]
            values = zip(*(frame[name].tolist() for name in columns), strict=True)
            stamps = frame["fingerprint"].tolist()
            ids = frame["sample_id"].tolist()
            cache.entries = dict(zip(ids, zip(stamps, values, strict=True), strict=True))
        except Exception as error:
            logger.warning("%s: not readable, measured anew (%s)", path, error)
        return cache

    def get(self, sample_id: str, stamp: str) -> tuple[float, ...] | None:
        """Return the values of a file that has not changed."""
        known = self.entries.get(sample_id)
        return known[1] if known is not None and stamp and known[0] == stamp else None

    def put(self, sample_id: str, stamp: str, values: tuple[float, ...]) -> None:
        """Remember the values of a file; one without a fingerprint is not remembered."""
        if stamp and self.entries.get(sample_id, ("",))[0] != stamp:
            self.entries[sample_id] = (stamp, values)
            self.changed = True

    def save(self) -> None:
        """Write the file, whole or not at all, if something changed."""
        if self.path is None or not self.changed:
            return
        import pandas as pd

        ids = sorted(self.entries)
        frame = pd.DataFrame(
            [self.entries[sample_id][1] for sample_id in ids], columns=list(self.columns)
        )
        frame.insert(0, "sample_id", ids)
        frame.insert(1, "fingerprint", [self.entries[sample_id][0] for sample_id in ids])
        frame.insert(2, "version", VERSION)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self.path, lambda path: frame.to_parquet(path, index=False))
        except OSError as error:
            logger.info("%s: not kept (%s)", self.path, error)


def write_table(frame: pd.DataFrame, out: str) -> None:
    """Put columns into a metadata table, keeping the other columns and rows it has.

    Args:
        frame: New columns, indexed by sample id.
        out: ``.parquet`` or ``.csv``, made when it does not exist.

    Raises:
        DataError: The file is no table with a column ``sample_id``, or cannot be written.
    """
    path = Path(out)
    if not path.parent.is_dir():
        raise DataError(f"{out}: cannot be written; there is no folder {str(path.parent)!r}")
    if path.exists():
        frame = _merged(frame, path)
    frame = frame.rename_axis("sample_id").reset_index()
    frame.attrs.clear()
    write: Callable[[Path], None] = (
        (lambda to: frame.to_csv(to, index=False))
        if path.suffix == ".csv"
        else (lambda to: frame.to_parquet(to, index=False))
    )
    try:
        replace_file(path, write)
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror or error})") from error


def _merged(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return the table at ``path`` with the columns of ``frame`` put in."""
    import pandas as pd

    try:
        if path.suffix == ".csv":
            # Text stays as it is written: "007" must not come back as 7.
            there = pd.read_csv(path, dtype=str, keep_default_na=False)
        else:
            there = pd.read_parquet(path)
    except Exception as error:
        raise DataError(f"{path}: not readable as a table ({error})") from error
    if "sample_id" not in there.columns:
        raise DataError(f"{path}: no column 'sample_id', so nothing can be put in; remove the file")
    there = there.drop(columns=[name for name in frame.columns if name in there.columns])
    there["sample_id"] = there["sample_id"].astype(str)
    merged: pd.DataFrame = there.set_index("sample_id").join(frame, how="outer").sort_index()
    return merged
