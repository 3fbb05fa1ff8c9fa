"""What the routes take in common."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request

from selectlab.studio.samples import MOST
from selectlab.studio.samples import Query as SampleQuery
from selectlab.studio.studio import Studio


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
