"""An assertion on a whole dataset: counts, metadata, and a file of imputed boxes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from selectlab.assertions.protocol import Assertion
from selectlab.atomic import write_atomically
from selectlab.errors import ConfigError, DataError
from selectlab.inputs.files import parse_json
from selectlab.inputs.folder import BUCKET
from selectlab.inputs.metadata_columns import parse_metadata_schema
from selectlab.inputs.metrics_cache import write_table
from selectlab.inputs.sample_ids import sample_id, suffix_of
from selectlab.inputs.video_boxes import Checked, check_videos, class_names

if TYPE_CHECKING:
    from selectlab.dataset import Dataset

QUIET = 0.5
"""Metadata value of frames in which nothing is wrong; 1.0 elsewhere."""


@dataclass(frozen=True)
class AssertionRun:
    """What an assertion found in a dataset.

    Attributes:
        assertion: The assertion.
        task: The prediction task it looked at.
        dataset: The dataset.
        names: (K,) class names, by class number.
        category_ids: (K,) category ids of the task; names only another task has come after.
        checked: What was found, per video.
    """

    assertion: Assertion
    task: str
    dataset: Dataset
    names: tuple[str, ...]
    category_ids: tuple[int, ...]
    checked: tuple[Checked, ...]

    def values(self, quiet: float = QUIET) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
        """Return the rows that were checked and their values: 1.0, or ``quiet``."""
        rows = np.concatenate([found.video.rows for found in self.checked])
        flagged = np.concatenate([found.findings.flagged for found in self.checked])
        return rows, np.where(flagged, 1.0, quiet)

    def counts(self) -> dict[str, Any]:
        """Return how much was found, per video and in all.

        Flagged frames without a prediction file or image count too.
        """
        videos = [
            {
                "video": found.video.name or None,
                "frames": len(found.frames),
                "flagged_frames": len(found.findings.flagged_numbers(found.frames)),
                "imputed_boxes": len(found.findings.imputed),
                "offending_boxes": len(found.findings.offending),
                "firings": found.findings.n_firings,
            }
            for found in self.checked
        ]
        kinds = ("frames", "flagged_frames", "imputed_boxes", "offending_boxes", "firings")
        total = {kind: sum(video[kind] for video in videos) for kind in kinds}  # type: ignore[misc]
        return {**total, "videos": videos}

    def to_json(self) -> dict[str, Any]:
        """Return everything found, frame by frame; the content of the imputed-boxes file."""
        return {
            "assertion": self.assertion.model_dump(mode="json"),
            "task": self.task,
            "categories": [
                {"id": at, "name": name}
                for at, name in zip(self.category_ids, self.names, strict=True)
            ],
            "frames": [frame for found in self.checked for frame in self._frames(found)],
        }

    def _frames(self, found: Checked) -> list[dict[str, Any]]:
        """Return the flagged frames of a video."""
        names = _FrameNames(found, self.dataset.ids)
        listed: dict[int, dict[str, Any]] = {
            int(number): {"file_name": names.of(int(number)), "severity": 0.0}
            for number in found.findings.flagged_numbers(found.frames)
        }
        for number, frame in listed.items():
            frame |= {"video": found.video.name or None, "frame": number}
            frame |= {"in_dataset": number in names.known, "offending": [], "imputed": []}
        for row in np.flatnonzero(found.findings.flagged):
            severity = round(float(found.findings.severity[row]), 6)
            listed[int(found.frames.numbers[row])]["severity"] = severity
        for box in found.findings.offending.tolist():
            number, position = names.box(box)
            listed[number]["offending"].append(position)
        imputed = found.findings.imputed
        for at, number in enumerate(imputed.numbers.tolist()):
            sources = [names.box(box) for box in imputed.sources[at].tolist() if box >= 0]
            listed[number]["imputed"].append(
                {
                    "category_id": self.category_ids[imputed.classes[at]],
                    "bbox": [round(float(v), 3) for v in imputed.boxes[at]],
                    "score": round(float(imputed.scores[at]), 6),
                    "from": [{"file_name": names.of(n), "prediction": p} for n, p in sources],
                }
            )
        return [listed[number] for number in sorted(listed)]


class _FrameNames:
    """File names of the frames of a video, by frame number."""

    def __init__(self, found: Checked, ids: Sequence[str]) -> None:
        numbers = found.video.numbers.tolist()
        self.known: dict[int, str] = {
            n: ids[row] for n, row in zip(numbers, found.video.rows, strict=True)
        }
        self._frames, self._rows = found.frames, found.frames.rows
        self._example: str = next(iter(self.known.values()))

    def of(self, number: int) -> str:
        """Return the id of a frame; one without a file is spelt like its neighbours."""
        if number in self.known:
            return self.known[number]
        stem = self._example[: -len(suffix_of(self._example))]
        name, width, kind = stem.rsplit("-", 2)
        return f"{name}-{number:0{len(width)}d}-{kind}{suffix_of(self._example)}"

    def box(self, position: int) -> tuple[int, int]:
        """Return the frame number of a box, and which prediction of its file it is."""
        row = int(self._rows[position])
        return int(self._frames.numbers[row]), position - int(self._frames.offsets[row])


def run_assertion(assertion: Assertion, dataset: Dataset, task: str) -> AssertionRun:
    """Run an assertion on every video of a dataset.

    Raises:
        ConfigError: The task has no boxes.
        DataError: There is no such task, no video, or one frame occurs twice.
    """
    checked = tuple(check_videos(assertion, dataset, task))
    names = class_names(dataset, task, assertion)
    ids = list(dataset.predictions(task).category_ids)
    ids += range(max(ids) + 1, max(ids) + 1 + len(names) - len(ids))
    return AssertionRun(assertion, task, dataset, tuple(names), tuple(ids), checked)


def write_run(
    run: AssertionRun, out: str | os.PathLike[str] | None = None, *, quiet: float = QUIET
) -> tuple[Path, Path]:
    """Write metadata and imputed boxes of a run, each file whole or not at all.

    The values become a column of metadata.parquet, declared in the metadata schema with
    ``quiet`` as its default; other columns, samples and declarations stay.

    Args:
        run: The run.
        out: Folder to write to; the dataset's own by default.
        quiet: Value of frames in which nothing is wrong.

    Returns:
        The metadata table and the file of imputed boxes.

    Raises:
        ConfigError: The dataset is no local folder and there is no ``out``.
        DataError: Values of that key are there in files that would hide the new ones, or a
            file cannot be written.
    """
    root = _root(run.dataset, out)
    key = run.assertion.key
    table, schema, imputed = _places(root, f"{run.task}/{run.assertion.name}.json")
    _refuse_hidden(run.dataset, root, key, table)
    rows, values = run.values(quiet)
    try:
        for path in (table, schema, imputed):
            path.parent.mkdir(parents=True, exist_ok=True)
        ids = _spelt(table, [run.dataset.ids[row] for row in rows])
        _declare(schema, key, quiet)
        write_table(_frame(ids, {key: values}), str(table))
        text = json.dumps(run.to_json(), ensure_ascii=False, indent=1)
        write_atomically(imputed, text + "\n")
    except OSError as error:
        raise DataError(f"{root}: cannot be written, {error.strerror or error}") from None
    return table, imputed


def read_imputed(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return a file of imputed boxes, as :meth:`AssertionRun.to_json` gives it.

    Raises:
        DataError: There is no such file, or it is something else.
    """
    where = os.fspath(path)
    try:
        data = Path(where).read_bytes()
    except OSError as error:
        raise DataError(f"{where}: cannot be read, {error.strerror}") from None
    content = parse_json(data, where)
    if not isinstance(content, dict) or not {"assertion", "task", "frames"} <= content.keys():
        raise DataError(f"{where}: holds no imputed boxes; 'selectlab assert' writes such files")
    return content


def _root(dataset: Dataset, out: str | os.PathLike[str] | None) -> Path:
    if out is not None:
        return Path(out)
    where = dataset.source.where
    if "://" in where or not Path(where).expanduser().is_dir():
        raise ConfigError(f"{where}: no local folder to write metadata into; give --out")
    return Path(where).expanduser()


def _places(root: Path, name: str) -> tuple[Path, Path, Path]:
    """Return metadata table, metadata schema and imputed boxes: where they are, or belong."""
    bucket = root / BUCKET
    found = []
    for path in ("metadata.parquet", "metadata", "imputed"):
        inside = (bucket / path).exists() or (bucket.is_dir() and not (root / path).exists())
        found.append((bucket if inside else root) / path)
    return found[0], found[1] / "schema.json", found[2] / name


def _refuse_hidden(dataset: Dataset, root: Path, key: str, table: Path) -> None:
    """Refuse to write a column that the files of the metadata folder would hide."""
    folder = table.parent / "metadata" if (table.parent / "metadata").is_dir() else None
    known = dataset.metadata() if folder is not None else None
    if known is None or key not in known.frame.columns or not known.frame[key].notna().any():
        return
    if any(path.name != "schema.json" for path in folder.rglob("*.json")):  # type: ignore[union-attr]
        import pyarrow.parquet as pq

        ours = table.exists() and key in pq.read_schema(table).names
        if not ours:
            raise DataError(
                f"{known.where}: has metadata {key!r} in files per sample, which win over "
                "metadata.parquet; remove it there, or write elsewhere with --out"
            )


def _spelt(table: Path, ids: Sequence[str]) -> list[str]:
    """Return ids as an existing table spells them (``clip-7-mp4`` for ``clip-7-mp4.png``)."""
    if not table.exists():
        return list(ids)
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        held = pq.read_table(table, columns=["sample_id"]).column(0).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{table}: not a readable table ({error})") from None
    spelling = {sample_id(name, str(table)): str(name) for name in held}
    return [spelling.get(name, name) for name in ids]


def _frame(ids: Sequence[str], columns: Mapping[str, Any]) -> Any:
    import pandas as pd

    return pd.DataFrame(dict(columns), index=pd.Index(list(ids), dtype=object))


def _declare(path: Path, key: str, quiet: float) -> None:
    """Put a key into a metadata schema."""
    entries = parse_json(path.read_bytes(), str(path)) if path.exists() else []
    parse_metadata_schema(entries, str(path))
    name = key.replace("_", " ").capitalize()
    kind = "NUMERIC_FLOAT"
    entry = {"name": name, "path": key, "defaultValue": quiet, "valueDataType": kind}
    kept = [held for held in entries if held["path"] != key]
    text = json.dumps([*kept, entry], indent=2, ensure_ascii=False)
    write_atomically(path, text + "\n")
