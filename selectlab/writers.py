"""The files of a run, written all together or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlab.errors import SelectlabError

if TYPE_CHECKING:
    from selectlab.selection import Selection

MANIFEST = "manifest.json"
PICKS = "selection.json"


def save(selection: Selection, out: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write ``selection.csv``, ``.parquet``, ``.json``, ``.txt`` and ``manifest.json``.

    The files are made in a temporary folder beside ``out``, which is then renamed.

    Args:
        selection: The run.
        out: Folder to make. An empty one may exist.
        overwrite: Replace an earlier run in ``out``.

    Raises:
        SelectlabError: ``out`` holds files already, or cannot be written.
    """
    target = Path(out)
    check_target(target, overwrite=overwrite)
    _refuse_broken_lines(selection.ids)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as name:
            fresh = Path(name) / "run"
            fresh.mkdir()
            for file_name, write in _WRITERS.items():
                write(selection, fresh / file_name)
            if selection.sequence_information is not None:
                _write_json(selection.sequence_information, fresh / "sequence_information.json")
            swap(fresh, target, Path(name) / "old")
    except UnicodeEncodeError as error:
        raise SelectlabError(f"{target}: cannot be written: {error}") from error
    except OSError as error:
        raise SelectlabError(f"{target}: cannot be written: {error.strerror or error}") from error


def _refuse_broken_lines(ids: Sequence[str]) -> None:
    for sample_id in ids:
        if sample_id.splitlines() != [sample_id]:
            raise SelectlabError(
                f"sample id {sample_id!r} breaks the line; selection.txt holds one id a line"
            )


def check_target(target: Path, *, overwrite: bool = False) -> None:
    """Refuse a folder that cannot take a run, before any work is done.

    Raises:
        SelectlabError: It holds files, is no folder, or is read-only.
    """
    try:
        _check_target(target, overwrite)
    except OSError as error:
        raise SelectlabError(f"{target}: cannot be written: {error.strerror or error}") from error


def _check_target(target: Path, overwrite: bool) -> None:
    if target.exists():
        if not target.is_dir():
            raise SelectlabError(f"{target}: exists and is no folder")
        listed = sorted(path.name for path in target.iterdir())
        if listed and not overwrite:
            raise SelectlabError(
                f"{target}: holds {len(listed)} files already, such as {listed[0]!r}; choose "
                "another folder, or --overwrite to replace an earlier run"
            )
        if listed and MANIFEST not in listed:
            raise SelectlabError(
                f"{target}: holds files but no {MANIFEST}, so it is no earlier run; nothing is "
                "overwritten"
            )
    parent = target if target.exists() else target.parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise SelectlabError(f"{target}: cannot be written: {parent} is no folder")
    if not os.access(parent, os.W_OK):
        raise SelectlabError(f"{target}: cannot be written: {parent} is read-only")


def swap(fresh: Path, target: Path, old: Path) -> None:
    """Put a folder in the place of another, which comes back if that fails.

    Args:
        fresh: The new content.
        target: Where it goes; may be there.
        old: Where the earlier content is moved, to be removed.
    """
    try:
        if target.exists():
            target.rename(old)
        fresh.rename(target)
    except BaseException:  # an interrupt may come between any two of these lines
        if old.exists() and not target.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write_csv(selection: Selection, path: Path) -> None:
    selection.to_pandas().to_csv(path, index=False)


def _write_parquet(selection: Selection, path: Path) -> None:
    from pandas.api.types import is_object_dtype

    frame = selection.to_pandas()
    for name in frame.columns:
        if name.startswith("metadata.") and is_object_dtype(frame[name]):
            frame[name] = [None if _is_missing(v) else str(v) for v in frame[name]]
    frame.to_parquet(path, index=False)


def _write_ids(selection: Selection, path: Path) -> None:
    path.write_text("".join(f"{sample_id}\n" for sample_id in selection.ids), encoding="utf-8")


def _write_picks(selection: Selection, path: Path) -> None:
    picks = [_pick_json(pick) for pick in selection.picks]
    _write_json(
        {
            "stop_reason": selection.stop_reason,
            "warnings": list(selection.warnings),
            "preselected": list(selection.preselected),
            "selected": picks,
        },
        path,
    )


def _pick_json(pick: Any) -> dict[str, Any]:
    data = {
        "rank": pick.rank,
        "sample_id": pick.sample_id,
        "score": pick.score,
        "reason": pick.reason,
        "nearest_selected": pick.nearest_selected,
        "nearest_distance": pick.nearest_distance,
        "uri": pick.uri,
        "strategies": [vars(part) for part in pick.because],
        "metadata": {k: None if _is_missing(v) else v for k, v in pick.metadata.items()},
    }
    return data if pick.sequence is None else {**data, "sequence": pick.sequence}


def _write_manifest(selection: Selection, path: Path) -> None:
    _write_json(selection.manifest, path)


def _write_json(data: Any, path: Path) -> None:
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)
    path.write_text(text + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    """Turn what tables hold (numpy numbers, timestamps) into JSON."""
    return value.item() if hasattr(value, "item") else str(value)


def _is_missing(value: Any) -> bool:
    return value is None or value != value


_WRITERS: Mapping[str, Callable[[Selection, Path], None]] = {
    "selection.csv": _write_csv,
    "selection.parquet": _write_parquet,
    PICKS: _write_picks,
    "selection.txt": _write_ids,
    MANIFEST: _write_manifest,
}
