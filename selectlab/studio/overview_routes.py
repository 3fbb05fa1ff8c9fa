"""The dataset as a whole: what it consists of, what changed, and its tags."""

from __future__ import annotations

import threading
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from selectlab.studio.pages import page
from selectlab.studio.requests import Here
from selectlab.studio.tags import How, write_tag

router = APIRouter()
_renewing = threading.Lock()


class Tagged(BaseModel):
    """Samples to be known under a name."""

    name: str
    ids: list[str] = Field(max_length=200_000)
    how: How = "new"


@router.get("/overview")
def overview(request: Request) -> Response:
    """The page of what the dataset consists of."""
    return page(request, "overview")


@router.get("/api/overview")
def part(studio: Here, name: Annotated[str, Query(min_length=1, alias="part")]) -> dict[str, Any]:
    """A part of it, counted."""
    return studio.overview.part(name)


@router.get("/api/changed")
def changed(studio: Here) -> dict[str, Any]:
    """Whether the files of the dataset are no longer those that are shown."""
    return {"changed": studio.changed, "generation": studio.generation}


@router.post("/api/reload")
def reload(request: Request, studio: Here) -> dict[str, Any]:
    """Open the dataset anew; where that is not possible what was read stays."""
    with _renewing:
        if request.app.state.studio is studio:
            request.app.state.studio = studio.renewed()
        now = request.app.state.studio
    return {"samples": len(now.dataset), "before": len(studio.dataset)}


@router.get("/api/tags")
def tags(studio: Here) -> dict[str, Any]:
    """The names of the tags."""
    return {"tags": list(studio.dataset.source.tags())}


@router.post("/api/tags")
def tag(studio: Here, wanted: Tagged) -> dict[str, Any]:
    """Write samples as a tag."""
    found = write_tag(studio.dataset, wanted.name, wanted.ids, wanted.how)
    return {"name": wanted.name.strip(), "samples": len(found)}
