"""How far the rounds are, counted by the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, FromClause, Select, func, select, true

from selectlab.rounds.records import RoundCounts, ToolCounts
from selectlab.rounds.rows import round_rows
from selectlab.store.ledger_tables import choices, labels, picks, rounds, sent

FILE = "file"
"""What labels that were not pulled from a tool count under."""

_Numbers = Counter[tuple[int | None, str, str]]


def counts(connection: Connection) -> list[RoundCounts]:
    """Return how far each round is; see ``Ledger.counts``."""
    chosen = _chosen().subquery()
    numbers: _Numbers = Counter()
    for what, things, which in (
        ("sent", sent, sent.c.task.is_not(None)),
        ("pending", sent, sent.c.task.is_(None)),
        ("labelled", labels, true()),
    ):
        for number, tool, n in _counted(connection, chosen, things, which):
            numbers[number, what, tool] += n
    totals = select(chosen.c.number, func.count()).group_by(chosen.c.number)
    n_chosen = {row[0]: row[1] for row in connection.execute(totals)}
    runs = select(rounds.c.number, func.count()).join_from(rounds, choices)
    runs = runs.where(~choices.c.forgotten).group_by(rounds.c.number)
    n_runs = {row[0]: row[1] for row in connection.execute(runs)}
    found = [
        _told(one, n_runs.get(one.number, 0), n_chosen.get(one.number, 0), numbers, one.number)
        for one in round_rows.every(connection)
    ]
    if any(number is None for number, _, _ in numbers):
        found.append(_told(None, 0, 0, numbers, None))
    return found


def _chosen() -> Select[Any]:
    """Return which samples each round has chosen, each once."""
    joined = select(rounds.c.number, picks.c.sample_id).join_from(picks, choices).join(rounds)
    return joined.where(~choices.c.forgotten).distinct()


def _counted(
    connection: Connection, chosen: FromClause, things: FromClause, which: Any
) -> Iterator[tuple[int | None, str, int]]:
    """Yield number of the round, tool and number of samples; tool ``"*"`` is any of them."""
    joined = things.outerjoin(chosen, things.c.sample_id == chosen.c.sample_id)
    number, distinct = chosen.c.number, func.count(things.c.sample_id.distinct())
    each = select(number, things.c.tool, distinct).select_from(joined).where(which)
    for row in connection.execute(each.group_by(number, things.c.tool)):
        yield row[0], row[1] or FILE, row[2]
    whole = select(number, distinct).select_from(joined).where(which).group_by(number)
    for row in connection.execute(whole):
        yield row[0], "*", row[1]


def _told(
    one: Any, n_runs: int, n_chosen: int, numbers: _Numbers, number: int | None
) -> RoundCounts:
    tools = sorted({tool for held, _, tool in numbers if held == number and tool != "*"})
    parts = ("sent", "pending", "labelled")
    sums = {what: numbers[number, what, "*"] for what in parts}
    of_tools = {
        tool: ToolCounts(**{what: numbers[number, what, tool] for what in parts}) for tool in tools
    }
    return RoundCounts(one, n_runs, n_chosen, **sums, tools=of_tools)
