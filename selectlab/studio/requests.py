"""What the routes take in common."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Depends, Query, Request

from selectlab.errors import DataError
from selectlab.studio.samples import MOST
from selectlab.studio.samples import Query as SampleQuery
from selectlab.studio.studio import Studio
from selectlab.validation import shortened

LONGEST = 1000
"""Characters of an answer that says what is wrong."""
_HALF = re.compile("[\ud800-\udfff]")
"""What JSON can name and UTF-8 cannot: half of a pair."""


async def check_texts(request: Request) -> None:
    """Refuse texts that no file, database or page can hold, wherever in a request they stand.

    Raises:
        DataError: There is one.
    """
    given: list[Any] = [list(pair) for pair in request.query_params.multi_items()]
    try:
        given += [await request.json()] if request.method == "POST" and await request.body() else []
    except (ValueError, RecursionError):
        raise DataError("what was sent is no JSON") from None
    refuse_odd_texts(given)


def refuse_odd_texts(value: Any) -> None:
    """Refuse JSON with texts in it that no file, database or page can hold.

    Raises:
        DataError: There is one.
    """
    given = [value]
    while given:
        one = given.pop()
        if isinstance(one, dict):
            given += [*one, *one.values()]
        elif isinstance(one, list):
            given += one
        elif isinstance(one, str) and ("\0" in one or _HALF.search(one)):
            raise DataError(f"{shortened(one)}: is no text, there is a NUL or half a letter in it")


def line_of(error: Exception) -> str:
    """Return what is wrong in one line that is not too long for a page."""
    line = str(error).replace("\r", "\\r").replace("\n", "\\n")
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."


def _studio(request: Request) -> Studio:
    found: Studio = request.app.state.studio
    return found


def _query(
    id_part: Annotated[str, Query(alias="contains", max_length=500)] = "",
    where: Annotated[list[str], Query(max_length=20)] = [],  # noqa: B006 - never changed
    tag: str = "",
    sort: str = "",
    descending: bool = False,
) -> SampleQuery:
    given = tuple(text for text in where if text.strip())
    return SampleQuery(id_part.strip(), given, tag, sort, descending)


Here = Annotated[Studio, Depends(_studio)]
Wanted = Annotated[SampleQuery, Depends(_query)]
SampleId = Annotated[str, Query(alias="id", min_length=1)]
Offset = Annotated[int, Query(ge=0)]
Limit = Annotated[int, Query(ge=1, le=MOST)]
