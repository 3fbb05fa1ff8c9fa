"""Where rankings come from: selections, folders of runs, lists of ids. None is held as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from selectlab.config import read_json
from selectlab.errors import DataError
from selectlab.exports import run_ids
from selectlab.ids import Ids, IdsBuilder
from selectlab.inputs.files import parse_json
from selectlab.inputs.sample_ids import id_lines
from selectlab.selection import Pick, Selection
from selectlab.writers import MANIFEST, PICKS

TABLE = "selection.parquet"
METADATA = "metadata."
"""What the columns of metadata begin with in the tables of a run."""

_BATCH = 4096
_HEAD = b'\n  "selected": ['
_PIECE = 1 << 20


@dataclass(frozen=True)
class Ranked:
    """A sample in a ranking.

    Attributes:
        rank: 1 for the best.
        score: ``None`` where there is none.
        reason: Why it is there, in words; may be empty.
        row: Its columns in a table.
        metadata: Its metadata; ``None`` where the ranking does not know any.
    """

    rank: int
    sample_id: str
    score: float | None = None
    reason: str = ""
    row: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] | None = None


class Ranking(Protocol):
    """Samples in order, which can be gone through again and again."""

    @property
    def where(self) -> str:
        """What it is, for messages."""
        ...

    @property
    def run(self) -> str:
        """Id of the run."""
        ...

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def ids(self) -> Ids:
        """The samples, best first, each once."""
        ...

    @property
    def columns(self) -> Sequence[str]:
        """The keys of the rows, in order."""
        ...

    def __iter__(self) -> Iterator[Ranked]:
        """Go through the samples, best first."""
        ...


class SelectionRanking:
    """A selection at hand.

    Args:
        selection: The selection.
        name: What to call it.
    """

    def __init__(self, selection: Selection, name: str = "selection") -> None:
        self._selection, self.name = selection, name
        self.where = f"selection of {len(selection)} samples"
        self.ids = Ids.of(selection.ids)
        self.run = run_ids.of_selection(selection.manifest, selection.preselected, self.ids)

    @cached_property
    def columns(self) -> Sequence[str]:
        """Return what any pick has; those of an empty table where there is none."""
        picks = self._selection.picks
        if not picks:
            return [str(name) for name in self._selection.to_pandas().columns]
        return list(dict.fromkeys(name for pick in picks for name in pick.to_row()))

    def __iter__(self) -> Iterator[Ranked]:
        for pick in self._selection.picks:
            yield _of_pick(pick)


def _of_pick(pick: Pick) -> Ranked:
    row = {key: plain(value) for key, value in pick.to_row().items()}
    metadata = {key: plain(value) for key, value in pick.metadata.items()}
    score: float | None = plain(pick.score)
    return Ranked(pick.rank, pick.sample_id, score, pick.reason, row, metadata or None)


class RunFolder:
    """What a run has left in a folder; its parquet table is read batch by batch.

    Args:
        folder: Folder of a selection, or of an exported campaign.

    Attributes:
        manifest: What the run says of itself.

    Raises:
        DataError: It is no such folder, or its files are not those of a run.
    """

    def __init__(self, folder: Path) -> None:
        self.where, self.name = str(folder), folder.absolute().name
        self._table = folder / TABLE
        if not self._table.is_file():
            raise DataError(
                f"{folder}: no {TABLE}; expected the folder of a run, as 'selectlab select' "
                "makes it"
            )
        self.manifest: Mapping[str, Any] = read_json(folder / MANIFEST)
        self._picks = folder / PICKS

    @cached_property
    def columns(self) -> Sequence[str]:
        """Return the columns of the table."""
        with _opened(self._table) as file:
            names: list[str] = file.schema_arrow.names
        lacking = [name for name in ("rank", "sample_id") if name not in names]
        if lacking:
            raise DataError(f"{self._table}: no column {lacking[0]!r}; it is not that of a run")
        return names

    @cached_property
    def ids(self) -> Ids:
        """Return the samples of the table."""
        found = IdsBuilder()
        for rows in self._batches(["sample_id"]):
            found.add_texts([row["sample_id"] for row in rows])
        return found.ids()

    @cached_property
    def run(self) -> str:
        """Return the id of the run."""
        preselected = preselected_of(self._picks)
        try:
            return run_ids.of_selection(self.manifest, preselected, self.ids)
        except (KeyError, TypeError, ValueError):
            raise DataError(f"{self.where}: its {MANIFEST} is not one of a run") from None

    def __iter__(self) -> Iterator[Ranked]:
        for rows in self._batches(None):
            for row in rows:
                yield self._ranked({name: plain(value) for name, value in row.items()})

    def _ranked(self, row: dict[str, Any]) -> Ranked:
        metadata = {
            name.removeprefix(METADATA): value
            for name, value in row.items()
            if name.startswith(METADATA)
        }
        collected = "campaign" in row and "nearest_seed" in row
        return Ranked(
            rank=row["rank"],
            sample_id=row["sample_id"],
            score=row.get("score"),
            reason=collected_reason(row) if collected else str(row.get("reason") or ""),
            row=row,
            metadata=metadata or None,
        )

    def _batches(self, columns: Sequence[str] | None) -> Iterator[list[dict[str, Any]]]:
        import pyarrow as pa

        assert self.columns
        with _opened(self._table) as file:
            try:
                for batch in file.iter_batches(batch_size=_BATCH, columns=columns):
                    yield batch.to_pylist()
            except (pa.ArrowException, OSError) as error:
                raise DataError(f"{self._table}: cannot be read, {_first_line(error)}") from None


class IdList:
    """Ids and nothing else, the first one best.

    Args:
        ids: Each once.
        name: What to call them.
        where: Their file or variable, for messages.
    """

    columns = ("rank", "sample_id")

    def __init__(self, ids: Sequence[str], name: str = "ids", where: str = "ids") -> None:
        self.ids, self.name, self.where = Ids.of(ids), name, where
        if not len(self.ids):
            raise DataError(f"{where}: names no samples")
        if len(self.ids.sorted_unique()) < len(self.ids):
            raise DataError(f"{where}: names a sample twice")
        self.run = run_ids.of_ids(self.ids)

    def __iter__(self) -> Iterator[Ranked]:
        for rank, sample_id in enumerate(self.ids, start=1):
            yield Ranked(rank, sample_id, row={"rank": rank, "sample_id": sample_id})


def ranking_in(path: Path) -> RunFolder | IdList:
    """Return what lies in the folder of a run, or in a text file with one id a line.

    Raises:
        DataError: It cannot be read, or is neither.
    """
    if path.is_dir():
        return RunFolder(path)
    return IdList(_ids_in(path), path.stem, str(path))


def _ids_in(path: Path) -> Ids:
    """Return the ids of a text file, each where it stands first, a piece at a time."""
    found = IdsBuilder()
    try:
        with path.open("rb") as file:
            while lines := file.readlines(_PIECE):
                found.add_texts(_ids_of(lines, path))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    ids = found.ids()
    known = ids.sorted_unique()
    if len(known) == len(ids):
        return ids
    _, first = np.unique(known.positions(ids), return_index=True)
    return ids.take(np.sort(first))


def _ids_of(lines: Sequence[bytes], path: Path) -> list[str]:
    try:
        return id_lines(b"".join(lines), str(path))
    except DataError:
        id_lines(path.read_bytes(), str(path))  # says which byte of the whole file it is
        raise


def collected_reason(row: Mapping[str, Any]) -> str:
    """Say why a campaign has collected a sample.

    Args:
        row: Has score, nearest_seed, campaign and version.
    """
    return (
        f"{row['score']:.3f} like seed {row['nearest_seed']} of {row['campaign']!r} version "
        f"{row['version']}"
    )


def plain(value: Any) -> Any:
    """Return a value of a table as Python has it; ``None`` where it is missing."""
    held = value.item() if hasattr(value, "item") and not hasattr(value, "__len__") else value
    return None if held is None or held != held else held


def preselected_of(picks: Path) -> list[str]:
    """Return what was selected before a run, from the head of its selection.json.

    Raises:
        DataError: The file is not there, or not one of a run.
    """
    try:
        with picks.open("rb") as file:
            content = parse_json(_head(file), str(picks))
    except OSError as error:
        raise DataError(f"{picks}: cannot be read: {error.strerror or error}") from None
    found = content.get("preselected") if isinstance(content, dict) else None
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise DataError(f"{picks}: is not one that a run has written")
    return found


def _head(file: IO[bytes]) -> bytes:
    r"""Return a selection.json without its picks, however many; all of it if it is laid out anew.

    A line break in JSON text is written ``\n``, so that the mark cannot stand inside of one.
    """
    read = bytearray()
    while piece := file.read(_PIECE):
        start = max(0, len(read) - len(_HEAD))
        read += piece
        at = read.find(_HEAD, start)
        if at >= 0:
            return bytes(read[:at]).rstrip().removesuffix(b",") + b"}"
    return bytes(read)


def _opened(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a readable table ({_first_line(error)})") from None


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
