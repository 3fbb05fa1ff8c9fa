"""Samples on their way to a tool, in the tables: pending from the moment before they are sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, insert, select, update

from selectlab.errors import DataError, first_of, repeated
from selectlab.ids import Ids
from selectlab.rounds.records import Pending
from selectlab.store.bulk_rows import add_rows, listed
from selectlab.store.ledger_tables import sendings, sent


def begin(
    connection: Connection, tool: str, project: str, sample_ids: Sequence[str], now: datetime
) -> int:
    """Note that samples are about to be sent; see ``Ledger.begin_sending``."""
    again = repeated(sample_ids)
    if again:
        raise DataError(f"{tool} {project}: {again[0]!r} is given twice")
    ids = list(sample_ids)
    there = select(sent.c.sample_id, sent.c.task).where(
        _of(tool, project), sent.c.sample_id.in_(listed(connection, ids))
    )
    found = connection.execute(there.order_by(sent.c.sample_id)).all()
    if found:
        state = "pending" if found[0].task is None else "sent"
        told = first_of([row.sample_id for row in found], len(ids))
        raise DataError(f"{tool} {project}: {told}, {state} there already")
    values = {"tool": tool, "project": project, "started_at": now}
    added = connection.execute(insert(sendings).values(values)).inserted_primary_key
    assert added is not None
    same = {"tool": tool, "project": project, "sending_id": int(added[0])}
    add_rows(connection, sent, same, {"sample_id": ids})
    return int(added[0])


def arrived(
    connection: Connection, batch: int, tasks: Mapping[str, str | int], now: datetime
) -> int:
    """Note that samples have arrived; see ``Ledger.sent``."""
    there = _tasks_of(connection, batch)
    _refuse_unknown([name for name in tasks if name not in there], len(tasks), batch, "not in it")
    fresh = []
    for name, task in tasks.items():
        if there[name] not in (None, str(task)):
            raise DataError(
                f"batch {batch}: {name!r} is task {there[name]} already, and cannot be {task}"
            )
        if there[name] is None:
            fresh.append({"_sample_id": name, "_task": str(task)})
    this = and_(sent.c.sending_id == batch, sent.c.sample_id == bindparam("_sample_id"))
    if fresh:
        values = {"task": bindparam("_task"), "sent_at": now}
        connection.execute(update(sent).where(this).values(values), fresh)
    return sum(task is None for task in there.values()) - len(fresh)


def pending(connection: Connection, tool: str, project: str) -> list[Pending]:
    """Return the batches that are not known to have arrived whole, oldest first."""
    joined = select(sendings.c.id, sendings.c.started_at, sent.c.sample_id).join_from(
        sent, sendings
    )
    wanted = joined.where(_of(tool, project), sent.c.task.is_(None))
    found: dict[int, tuple[datetime, list[str]]] = {}
    for row in connection.execute(wanted.order_by(sendings.c.id, sent.c.sample_id)):
        found.setdefault(row.id, (row.started_at, []))[1].append(row.sample_id)
    return [Pending(batch, tuple(ids), at) for batch, (at, ids) in found.items()]


def withdraw(connection: Connection, batch: int, sample_ids: Iterable[str] | None) -> int:
    """Take back what never arrived; see ``Ledger.withdraw``."""
    waiting = [name for name, task in _tasks_of(connection, batch).items() if task is None]
    wanted = waiting if sample_ids is None else list(dict.fromkeys(sample_ids))
    known = set(waiting)
    _refuse_unknown(
        [name for name in wanted if name not in known], len(wanted), batch, "not pending"
    )
    _remove(connection, sent.c.sending_id == batch, wanted)
    return len(wanted)


def lost(connection: Connection, tool: str, project: str, sample_ids: Iterable[str]) -> int:
    """Take back what a project no longer has; see ``Ledger.lost``."""
    return _remove(connection, _of(tool, project), list(sample_ids))


def sent_ids(connection: Connection, tool: str, project: str) -> Ids:
    """Return what a project has, sorted."""
    wanted = select(sent.c.sample_id).where(_of(tool, project), sent.c.task.is_not(None))
    return Ids.of(connection.execute(wanted.order_by(sent.c.sample_id)).scalars())


def out_ids(connection: Connection) -> Ids:
    """Return what any project has or may have, sorted."""
    wanted = select(sent.c.sample_id).distinct().order_by(sent.c.sample_id)
    return Ids.of(connection.execute(wanted).scalars())


def task_ids(connection: Connection, tool: str, project: str) -> dict[str, str]:
    """Return the task of each sample that a project has."""
    wanted = select(sent.c.sample_id, sent.c.task).where(
        _of(tool, project), sent.c.task.is_not(None)
    )
    found = connection.execute(wanted.order_by(sent.c.sample_id))
    return {row.sample_id: row.task for row in found}


def _of(tool: str, project: str) -> ColumnElement[bool]:
    return and_(sent.c.tool == tool, sent.c.project == project)


def _tasks_of(connection: Connection, batch: int) -> dict[str, Any]:
    wanted = select(sent.c.sample_id, sent.c.task).where(sent.c.sending_id == batch)
    found = connection.execute(wanted.order_by(sent.c.sample_id))
    return {row.sample_id: row.task for row in found}


def _refuse_unknown(names: Sequence[str], total: int, batch: int, why: str) -> None:
    if names:
        raise DataError(f"batch {batch}: {first_of(names, total)}, {why}")


def _remove(connection: Connection, where: ColumnElement[bool], ids: Sequence[str]) -> int:
    some = sent.c.sample_id.in_(listed(connection, ids))
    return int(connection.execute(delete(sent).where(where, some)).rowcount)
