"""Labels in the tables: one for each sample, task and kind, the newest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, tuple_, update

from selectlab.ids import Ids
from selectlab.labels.label import Label
from selectlab.rounds.records import Counts
from selectlab.rounds.shape_json import from_json, to_json
from selectlab.store.bulk_rows import add_rows, listed
from selectlab.store.ledger_tables import labels, pulls

PAGE = 5_000
"""Labels that are read at a time."""

Key = tuple[str, str, str]

_KEY = ("sample_id", "task", "kind")
_CONTENT = ("task_type", "shapes", "width", "height")


def add(
    connection: Connection,
    source: str,
    given: Sequence[Label],
    tool: str,
    project: str,
    now: datetime,
) -> Counts:
    """Add labels; see ``Ledger.add_labels``."""
    newest, n_older = _newest(given, now)
    there = _held(connection, newest)
    fresh: list[dict[str, object]] = []
    outdated: list[Key] = []
    n_unchanged = 0
    for key, label in newest.items():
        row, held = _row(label, source, tool, project, now), there.get(key)
        if held is not None and _same(row, held):
            n_unchanged += 1
        elif held is not None and _moment(label, now) < (held.labelled_at or held.added_at):
            n_older += 1
        else:
            fresh.append(row)
            if held is not None:
                outdated.append(key)
    _drop(connection, outdated)
    if fresh:
        columns = {name: [row[name] for row in fresh] for name in fresh[0]}
        add_rows(connection, labels, {}, columns)
    return Counts(len(fresh) - len(outdated), len(outdated), n_unchanged, n_older)


def _newest(given: Sequence[Label], now: datetime) -> tuple[dict[Key, Label], int]:
    """Return the newest of the labels of each key, and how many others there were."""
    newest: dict[Key, Label] = {}
    for label in given:
        key = (label.sample_id, label.task, label.kind)
        held = newest.get(key)
        if held is None or _moment(held, now) <= _moment(label, now):
            newest[key] = label
    return newest, len(given) - len(newest)


def _moment(label: Label, now: datetime) -> datetime:
    return now if label.labelled_at is None else label.labelled_at


def _held(connection: Connection, wanted: Mapping[Key, Label]) -> dict[Key, Row[Any]]:
    """Return the rows of these keys that are there."""
    ids = sorted({sample_id for sample_id, _, _ in wanted})
    rows = connection.execute(select(labels).where(labels.c.sample_id.in_(listed(connection, ids))))
    return {(row.sample_id, row.task, row.kind): row for row in rows}


def _row(label: Label, source: str, tool: str, project: str, now: datetime) -> dict[str, object]:
    width, height = label.size or (None, None)
    return {
        "sample_id": label.sample_id,
        "task": label.task,
        "kind": label.kind,
        "task_type": label.task_type,
        "shapes": to_json(label.shapes),
        "width": width,
        "height": height,
        "source": label.source or source,
        "tool": tool,
        "project": project,
        "labelled_at": label.labelled_at,
        "labelled_by": label.labelled_by,
        "added_at": now,
    }


def _same(row: Mapping[str, object], held: Row[Any]) -> bool:
    """Whether a label says what is there, and is not newer."""
    if any(row[name] != held._mapping[name] for name in _CONTENT):
        return False
    return row["labelled_at"] in (None, held.labelled_at)


def _drop(connection: Connection, keys: Sequence[Key]) -> None:
    this = [labels.c[name] == bindparam(f"_{name}") for name in _KEY]
    if keys:
        given = [dict(zip((f"_{name}" for name in _KEY), key, strict=True)) for key in keys]
        connection.execute(delete(labels).where(*this), given)


def remove(
    connection: Connection, sample_ids: Sequence[str], tool: str | None, project: str | None
) -> int:
    """Remove labels; see ``Ledger.remove_labels``."""
    which = delete(labels).where(labels.c.sample_id.in_(listed(connection, sample_ids)))
    if tool is not None:
        which = which.where(labels.c.tool == tool)
    if project is not None:
        which = which.where(labels.c.project == project)
    return int(connection.execute(which).rowcount)


def page(
    connection: Connection, ids: Sequence[str] | None, task: str | None, after: Key | None
) -> list[Label]:
    """Return the next labels by sample id, task and kind; see ``Ledger.labels``."""
    wanted = select(labels)
    if ids is not None:
        wanted = wanted.where(labels.c.sample_id.in_(listed(connection, ids)))
    if task is not None:
        wanted = wanted.where(labels.c.task.in_((task, "")))
    key = tuple_(*(labels.c[name] for name in _KEY))
    if after is not None:
        wanted = wanted.where(key > tuple_(*after))
    ordered = wanted.order_by(*(labels.c[name] for name in _KEY)).limit(PAGE)
    return [_label(row) for row in connection.execute(ordered)]


def labelled_ids(connection: Connection) -> Ids:
    """Return the samples that have labels, sorted."""
    wanted = select(labels.c.sample_id).distinct().order_by(labels.c.sample_id)
    return Ids.of(connection.execute(wanted).scalars())


def _label(row: Row[Any]) -> Label:
    return Label(
        sample_id=row.sample_id,
        shapes=from_json(row.shapes),
        task=row.task,
        task_type=row.task_type,
        size=None if row.width is None else (row.width, row.height),
        labelled_at=row.labelled_at,
        labelled_by=row.labelled_by,
        source=row.source,
    )


def watermark(connection: Connection, tool: str, project: str) -> str | None:
    """Return up to where the labels of a project were pulled."""
    wanted = select(pulls.c.watermark).where(pulls.c.tool == tool, pulls.c.project == project)
    found: str | None = connection.execute(wanted).scalar_one_or_none()
    return found


def set_watermark(
    connection: Connection, tool: str, project: str, mark: str, now: datetime
) -> None:
    """Note up to where the labels of a project were pulled."""
    values = {"watermark": mark, "pulled_at": now}
    this = (pulls.c.tool == tool, pulls.c.project == project)
    if not connection.execute(update(pulls).where(*this).values(values)).rowcount:
        connection.execute(insert(pulls).values(tool=tool, project=project, **values))
