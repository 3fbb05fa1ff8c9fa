"""Many rows in one statement: 100,000 of them take a second or two."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    Connection,
    Select,
    String,
    Table,
    bindparam,
    column,
    func,
    insert,
    select,
)


def add_rows(
    connection: Connection,
    table: Table,
    same: Mapping[str, object],
    each: Mapping[str, Sequence[object]],
) -> None:
    """Insert rows, given by columns.

    Args:
        connection: A transaction.
        table: Where to.
        same: Values that all rows share.
        each: (n,) values of the other columns.
    """
    if connection.dialect.name != "postgresql":
        rows = [
            {**same, **dict(zip(each, values, strict=True))}
            for values in zip(*each.values(), strict=True)
        ]
        if rows:
            connection.execute(insert(table), rows)
        return
    arrays = [
        bindparam(f"_{name}", list(values), type_=ARRAY(table.c[name].type))
        for name, values in each.items()
    ]
    unnested = func.unnest(*arrays).table_valued(*each).render_derived()
    shared = [
        bindparam(f"_{name}", value, type_=table.c[name].type) for name, value in same.items()
    ]
    rows_of = select(*shared, *(unnested.c[name] for name in each))
    connection.execute(insert(table).from_select([*same, *each], rows_of))


def listed(connection: Connection, texts: Sequence[str]) -> Select[Any]:
    """Return a selectable of some texts, however many, in one column ``text``."""
    if connection.dialect.name == "postgresql":
        array = bindparam("_texts", list(texts), type_=ARRAY(String()))
        return select(func.unnest(array).column_valued("text"))
    packed = bindparam("_texts", json.dumps(texts, ensure_ascii=False), type_=String())
    return select(column("value").label("text")).select_from(func.json_each(packed))
