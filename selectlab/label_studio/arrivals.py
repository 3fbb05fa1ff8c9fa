"""What became of tasks when nobody heard the end: which arrived, and which arrived twice."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from selectlab.label_studio.client import Client
from selectlab.label_studio.listing import filtered, tasks_of
from selectlab.label_studio.projects import TOOL, Project
from selectlab.rounds.ledger import Ledger

SETTLE_S = 10.0
"""How long to wait for tasks that a server may still be working on, s."""
FORGOTTEN = timedelta(hours=1)
"""A request this old is not being worked on any more."""
_POLL_S = 1.0
_PATIENCE = 30
"""How many times :data:`SETTLE_S` to wait as long as tasks keep coming."""


@dataclass(frozen=True)
class Settled:
    """What became of pending tasks.

    Attributes:
        n_arrived: So many are there; the ledger has them as sent now.
        missing: Samples whose tasks never arrived; the ledger has them as not sent.
    """

    n_arrived: int
    missing: tuple[str, ...]


def settle(client: Client, ledger: Ledger, project: Project, settle_s: float = SETTLE_S) -> Settled:
    """Find out what became of pending tasks, and note it in the ledger.

    The server may still be working on a request whose sender is gone. So before anything is given
    up, the list of tasks has to stay the same for a while.

    Args:
        client: The server.
        ledger: Where tasks are pending.
        project: The project.
        settle_s: How long, s.

    Raises:
        DataError: The tasks cannot be listed; they stay pending.
    """
    pending = ledger.pending(TOOL, project.key)
    batches = {sample: one.batch for one in pending for sample in one.sample_ids}
    newest = max((one.started_at for one in pending), default=None)
    found = _found(client, project, batches, settle_s if _is_recent(newest) else 0.0)
    for one in pending:
        arrived = {sample: found[sample] for sample in one.sample_ids if sample in found}
        if arrived:
            ledger.sent(one.batch, arrived)
        if len(arrived) < len(one.sample_ids):
            ledger.withdraw(one.batch)
    return Settled(len(found), tuple(sample for sample in batches if sample not in found))


def _is_recent(moment: datetime | None) -> bool:
    return moment is not None and datetime.now(timezone.utc) - moment < FORGOTTEN


def _found(
    client: Client, project: Project, wanted: Mapping[str, object], settle_s: float
) -> dict[str, int]:
    """Return the task of each wanted sample, once no more come."""
    found: dict[str, int] = {}
    last, start = 0, time.monotonic()
    quiet_since = start
    while len(found) < len(wanted):
        before = last
        for task in tasks_of(client, project.id, after=last):
            last = task.id
            if task.sample_id is not None and task.sample_id in wanted:
                found.setdefault(task.sample_id, task.id)
        now = time.monotonic()
        if last > before and before:
            quiet_since = now
        if now - quiet_since >= settle_s or now - start >= _PATIENCE * settle_s:
            break
        client.pause(min(_POLL_S, settle_s))
    return found


def remove_doubles(
    client: Client, ledger: Ledger, project: Project, there: Mapping[str, Sequence[int]]
) -> tuple[int, list[str]]:
    """Remove tasks that were sent twice, as long as nobody has worked on them.

    Only copies go: the same sample, run and image as a task that stays. What somebody has
    annotated, skipped or begun stays in any case.

    Args:
        client: The server.
        ledger: What was sent.
        project: The project.
        there: Its tasks, from :func:`tasks_by_sample`.

    Returns:
        How many were removed, and a line for each sample that still has several tasks.

    Raises:
        DataError: The tasks cannot be looked at or removed.
    """
    ours = ledger.task_ids(TOOL, project.key)
    n_removed, notes = 0, []
    for sample, numbers in there.items():
        if len(numbers) < 2 or sample not in ours:
            continue
        kept, spare = _sorted_out(client, project, numbers, ours[sample])
        for number in spare:
            client.remove(f"/api/tasks/{number}/")
            n_removed += 1
        if kept and str(kept[0]) != ours[sample]:
            ledger.lost(TOOL, project.key, [sample])
            batch = ledger.begin_sending(TOOL, project.key, [sample])
            ledger.sent(batch, {sample: kept[0]})
        if len(kept) > 1:
            listed = ", ".join(map(str, kept))
            notes.append(f"{sample!r} has {len(kept)} tasks that differ or were begun: {listed}")
    return n_removed, notes


def tasks_by_sample(client: Client, project: Project) -> dict[str, list[int]]:
    """Return the tasks of each sample that has some, oldest first.

    Raises:
        DataError: They cannot be listed.
    """
    found: dict[str, list[int]] = {}
    for task in tasks_of(client, project.id):
        if task.sample_id is not None:
            found.setdefault(task.sample_id, []).append(task.id)
    return found


def _sorted_out(
    client: Client, project: Project, numbers: Sequence[int], known: str
) -> tuple[list[int], list[int]]:
    """Return which tasks of a sample to keep, and which to remove.

    Those that somebody has worked on stay. Of copies that nobody has touched one stays where
    nothing else does: the one that the ledger knows, or else the oldest.

    Args:
        client: The server.
        project: The project.
        numbers: The tasks, oldest first.
        known: The one that the ledger knows.
    """
    told = {number: _task(client, project, number) for number in numbers}
    there = [number for number in numbers if told[number]]
    there.sort(key=lambda number: (not _is_begun(told[number]), str(number) != known, number))
    kept, spare = there[:1], list[int]()
    for number in there[1:]:
        copy = any(_content(told[number]) == _content(told[other]) for other in kept)
        (spare if copy and not _is_begun(told[number]) else kept).append(number)
    return kept, spare


def _task(client: Client, project: Project, number: int) -> Mapping[str, Any]:
    """Return all that there is of a task; nothing if it is gone."""
    this = [filtered("id", "equal", "Number", number)]
    return next((task.whole for task in tasks_of(client, project.id, this, whole=True)), {})


def _is_begun(task: Mapping[str, Any]) -> bool:
    return bool(task.get("annotations") or task.get("drafts"))


def _content(task: Mapping[str, Any]) -> list[Any]:
    return [task["data"].get(key) for key in ("sample_id", "run", "image")]
