"""The files of a dataset folder that a prediction writes, merged with what is there."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from selectlab.atomic import replace_file, write_atomically
from selectlab.errors import ConfigError, DataError
from selectlab.inputs.folder import BUCKET
from selectlab.inputs.lightly_predictions import parse_tasks
from selectlab.inputs.metadata_columns import parse_metadata_schema
from selectlab.inputs.metrics_cache import write_table
from selectlab.inputs.sample_ids import sample_id, stem_of

_RESERVED = ("tasks", "schema")


class DatasetFiles:
    """Where predictions, embeddings and metadata of a task lie in a local dataset folder.

    Args:
        root: The dataset.
        task: Name of the task.

    Raises:
        ConfigError: The dataset is no local folder, or the task cannot be a folder's name.
        DataError: The dataset is a file.
    """

    def __init__(self, root: str | os.PathLike[str], task: str) -> None:
        if "://" in os.fspath(root):
            raise ConfigError(f"--out {root}: predictions are written to a local folder")
        if not task or task in _RESERVED or {"/", "\\"} & set(task):
            raise ConfigError(f"--task {task!r}: must be usable as the name of a folder")
        sample_id(task, "--task")
        self.root, self.task = Path(root), task
        if self.root.exists() and not self.root.is_dir():
            raise DataError(f"--out {root}: exists and is no folder")

    @property
    def predictions(self) -> Path:
        """Folder of the task's prediction files."""
        return self._home("predictions") / self.task

    @property
    def spool(self) -> Path:
        """Folder for work in progress."""
        return self.root / ".selectlab" / "predict" / self.task

    @property
    def image_embeddings(self) -> Path:
        """Table of image embeddings."""
        return self._home("embeddings.parquet", bucket=False)

    @property
    def object_embeddings(self) -> Path:
        """Table of the task's object embeddings."""
        return self._home("embeddings", bucket=False) / f"{self.task}.parquet"

    def _home(self, name: str, bucket: bool = True) -> Path:
        """Return where a file or folder is, or else where a new one belongs.

        Files in ``.lightly`` hide those of the same name beside it, so that the place in use
        is kept.
        """
        inside, beside = self.root / BUCKET / name, self.root / name
        if inside.exists() or (bucket and not beside.exists()):
            return inside
        return beside

    def prepare(self, schema: Mapping[str, Any]) -> None:
        """Write the task's schema and list the task.

        Raises:
            DataError: tasks.json is not as it should be.
        """
        listing = self.predictions.parent / "tasks.json"
        tasks = list(parse_tasks(read_json(listing, []), str(listing)))
        write_atomically(self.predictions / "schema.json", _json(schema))
        if self.task not in tasks:
            write_atomically(listing, _json([*tasks, self.task]))

    def clear(self, tables: Iterable[Path] = ()) -> None:
        """Remove the task's predictions, and tables of embeddings."""
        shutil.rmtree(self.predictions, ignore_errors=True)
        for table in tables:
            table.unlink()
            table.with_suffix(".json").unlink()

    def write_predictions(self, samples: Iterable[str], lines: Iterable[str]) -> None:
        """Write a prediction file for each sample.

        Args:
            samples: Sample ids.
            lines: JSON lists of predictions, one line a sample; an empty line is no file.
        """
        made: set[Path] = set()
        for sample, line in zip(samples, lines, strict=True):
            if not line.strip():
                continue
            path = self.predictions / f"{stem_of(sample)}.json"
            if path.parent not in made:
                path.parent.mkdir(parents=True, exist_ok=True)
                made.add(path.parent)
            name = json.dumps(sample, ensure_ascii=False)
            text = f'{{"file_name": {name}, "predictions": {line.strip()}}}\n'
            path.write_text(text, encoding="utf-8")

    def remove_predictions(self, samples: Iterable[str]) -> None:
        """Remove the prediction files of samples that are no longer there."""
        for sample in samples:
            (self.predictions / f"{stem_of(sample)}.json").unlink(missing_ok=True)

    def check_spaces(self, space: str, box_space: str, besides: Collection[Path] = ()) -> None:
        """Refuse to mix embeddings of different models in one table, before any work.

        Raises:
            DataError: A table is there that holds another space, or one that cannot be told.
        """
        for table, wanted in (
            (self.image_embeddings, space),
            (self.object_embeddings, box_space),
        ):
            for suffix in (".npy", ".npz", ".csv"):
                other = table.with_suffix(suffix)
                if other.exists():
                    raise DataError(f"{other}: holds embeddings already; remove or rename it")
            if not table.exists() or table in besides:
                continue
            held = _space(table.with_suffix(".json"))
            if held != wanted:
                raise DataError(
                    f"{table}: holds embeddings of the space {held!r}, not {wanted!r}; move it, "
                    "such as to embeddings/NAME.parquet, or leave out --embed"
                )

    def tables_of(self, space: str | None, samples: Collection[str]) -> list[Path]:
        """Return the tables of embeddings that a model made of some samples and of no others.

        Args:
            space: The model's; ``None`` for no model, which made no tables.
            samples: Sample ids.
        """
        spaces = ((self.image_embeddings, space), (self.object_embeddings, f"{space}/boxes"))
        return [
            table
            for table, made in spaces
            if space is not None and table.exists()
            if _space(table.with_suffix(".json")) == made and _ids(table) <= set(samples)
        ]

    def describe_spaces(self, space: str, box_space: str) -> None:
        """Write beside each table of embeddings which space it holds."""
        for table, name in ((self.image_embeddings, space), (self.object_embeddings, box_space)):
            if table.exists():
                about = {"space": name, "normalised": False}
                write_atomically(table.with_suffix(".json"), _json(about))

    def write_metadata(
        self, frame: Any, declared: Mapping[str, str], gone: Collection[str] = ()
    ) -> None:
        """Put values into the metadata table; other columns and other samples keep theirs.

        Args:
            frame: New values, indexed by sample id.
            declared: ``valueDataType`` of the columns for the metadata schema.
            gone: Ids of samples that are no longer there; their rows go.
        """
        if not len(frame):
            return
        table = self._home("metadata.parquet", bucket=False)
        if table.exists():
            _drop_rows(table, gone)
            frame = frame.combine_first(self._earlier(table, frame))
        write_table(frame.sort_index(), str(table))
        path = self._home("metadata") / "schema.json"
        entries = read_json(path, [])
        known = parse_metadata_schema(entries, str(path))
        entries += [
            {"name": key, "path": key, "valueDataType": kind}
            for key, kind in declared.items()
            if key in frame.columns and key not in known
        ]
        write_atomically(path, _json(entries))

    def _earlier(self, table: Path, frame: Any) -> Any:
        """Return what the table says in the columns of a frame."""
        import pandas as pd

        earlier = pd.read_parquet(table)
        if "sample_id" not in earlier.columns:
            raise DataError(f"{table}: no column 'sample_id', so nothing can be put in")
        held = earlier.set_index("sample_id")
        return held[[name for name in frame.columns if name in held.columns]]


def _space(about: Path) -> Any:
    """Return the space that the file beside a table of embeddings names."""
    content = read_json(about, {})
    return content.get("space") if isinstance(content, dict) else None


def _ids(table: Path) -> set[str]:
    import pyarrow.parquet as pq

    return set(pq.read_table(table, columns=["sample_id"])["sample_id"].to_pylist())


def _drop_rows(table: Path, gone: Collection[str]) -> None:
    """Take the rows of samples out of a metadata table, also where ids lack their suffix."""
    if not gone:
        return
    import pandas as pd

    frame = pd.read_parquet(table)
    if "sample_id" not in frame.columns:
        return
    stems = {stem_of(sample) for sample in gone}
    mine = frame["sample_id"].astype(str).isin({*gone, *stems})
    if mine.any():
        kept = frame[~mine]
        replace_file(table, lambda to: kept.to_parquet(to, index=False))


def read_json(path: Path, default: Any) -> Any:
    """Return the content of a JSON file, or ``default`` when there is none.

    Raises:
        DataError: It is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return default
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error})") from None


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
