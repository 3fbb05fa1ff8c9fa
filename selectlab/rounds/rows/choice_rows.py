"""Runs in the tables, and what they have chosen."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, exists, func, insert, select, update

from selectlab.errors import DataError, did_you_mean, repeated
from selectlab.ids import Ids
from selectlab.rounds.records import ChosenRun, Round, RunKind
from selectlab.rounds.rows import round_rows
from selectlab.store.bulk_rows import add_rows
from selectlab.store.ledger_tables import choices, picks, rounds

_RUN = re.compile("[0-9a-f]{16}")


def record(
    connection: Connection,
    *,
    run: str,
    name: str,
    ids: Sequence[str],
    ranks: Sequence[int] | None,
    scores: Sequence[float | None] | None,
    kind: RunKind,
    place: str,
    known: Ids,
    states: Mapping[str, Mapping[str, Any]],
    now: datetime,
) -> Round:
    """Record a run; see ``Ledger.record``."""
    there = connection.execute(select(choices).where(choices.c.run == run)).first()
    if there is not None:
        if there.forgotten:
            back = {"forgotten": False, "name": name, "place": place}
            connection.execute(update(choices).where(choices.c.id == there.id).values(back))
        return round_rows.of_row(connection, there.round_id)
    _check(run, ids)
    row = round_rows.newest(connection)
    if row is None:
        round_rows.start(connection, None, known, now)
    row_id = round_rows.number_of(connection, 1) if row is None else row.id
    round_rows.note_known(connection, row_id, known)
    values = {
        "round_id": row_id,
        "run": run,
        "name": name,
        "kind": kind,
        "place": place,
        "recorded_at": now,
        "n_chosen": len(ids),
        "forgotten": False,
        "states": json.dumps(states, ensure_ascii=False, sort_keys=True),
    }
    added = connection.execute(insert(choices).values(values)).inserted_primary_key
    assert added is not None
    columns: dict[str, Sequence[object]] = {
        "sample_id": list(ids),
        "rank": list(range(1, len(ids) + 1)) if ranks is None else [int(rank) for rank in ranks],
        "score": [None] * len(ids) if scores is None else [_number(score) for score in scores],
    }
    add_rows(connection, picks, {"choice_id": int(added[0])}, columns)
    return round_rows.of_row(connection, row_id)


def _check(run: str, ids: Sequence[str]) -> None:
    if not _RUN.fullmatch(run):
        raise DataError(f"run {run!r}: the id of a run is 16 hex digits")
    again = repeated(ids)
    if again:
        raise DataError(f"run {run!r}: has chosen {again[0]!r} twice")


def _number(score: float | None) -> float | None:
    return None if score is None else float(score)


def forget(connection: Connection, run: str) -> ChosenRun:
    """Let a run no longer count; see ``Ledger.forget``."""
    runs = every(connection)
    meant = [one for one in runs if one.run == run or one.place == run]
    meant = meant or [one for one in runs if one.name == run]
    meant = meant or [one for one in runs if len(run) >= 4 and one.run.startswith(run)]
    if len(meant) > 1:
        listed = ", ".join(one.run for one in meant)
        raise DataError(f"run {run!r}: could be any of {listed}; name one by its id")
    if not meant:
        names = {name for one in runs for name in (one.run, one.name)}
        hint = did_you_mean(run, names) or "; there are none yet"
        raise DataError(f"run {run!r}: the ledger has no such run{hint}")
    same = choices.c.run == meant[0].run
    connection.execute(update(choices).where(same).values(forgotten=True))
    return next(one for one in every(connection) if one.run == meant[0].run)


def every(connection: Connection) -> list[ChosenRun]:
    """Return all runs in the order of their recording."""
    joined = select(choices, rounds.c.number.label("round")).join_from(choices, rounds)
    return [_run(row) for row in connection.execute(joined.order_by(choices.c.id))]


def chosen(connection: Connection) -> Ids:
    """Return what was chosen, each once, in the order of runs and ranks."""
    joined = select(picks.c.sample_id).join_from(picks, choices).where(~choices.c.forgotten)
    ordered = joined.order_by(choices.c.id, picks.c.rank, picks.c.sample_id)
    return Ids.of(dict.fromkeys(connection.execute(ordered).scalars()))


def n_elsewhere(connection: Connection, run: str) -> int:
    """Return how many samples of a run another one has chosen too."""
    other, others = picks.alias(), choices.alias()
    twice = exists().where(
        other.c.choice_id == others.c.id,
        others.c.run != run,
        ~others.c.forgotten,
        other.c.sample_id == picks.c.sample_id,
    )
    ours = select(func.count()).select_from(picks).join(choices).where(choices.c.run == run, twice)
    return int(connection.execute(ours).scalar_one())


def _run(row: Row[Any]) -> ChosenRun:
    return ChosenRun(
        run=row.run,
        round=row.round,
        name=row.name,
        kind=row.kind,
        place=row.place,
        recorded_at=row.recorded_at,
        n_chosen=row.n_chosen,
        forgotten=row.forgotten,
        states=json.loads(row.states),
    )
