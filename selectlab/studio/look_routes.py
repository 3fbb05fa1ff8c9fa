"""Flagged frames between their neighbours, and all samples in a plane."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from selectlab.studio.embedding_map import values
from selectlab.studio.pages import page
from selectlab.studio.requests import Here, Limit, Offset, SampleId
from selectlab.studio.strips import MOST_AROUND

router = APIRouter()

File = Annotated[str, Query(min_length=1)]


class Rows(BaseModel):
    """Rows of the dataset."""

    rows: list[int] = Field(max_length=100_000)


@router.get("/flickering")
def flickering(request: Request, studio: Here) -> Response:
    """The page of flagged frames."""
    return page(request, "flickering", files=list(studio.strips.files))


@router.get("/api/flagged")
def flagged(studio: Here, file: File, offset: Offset = 0, limit: Limit = 200) -> dict[str, Any]:
    """A page of flagged frames."""
    found = studio.strips.flagged(file)
    return {"total": len(found), "offset": offset, "items": found[offset : offset + limit]}


@router.get("/api/strip")
def strip(
    studio: Here,
    file: File,
    sample_id: SampleId,
    around: Annotated[int, Query(ge=1, le=MOST_AROUND)] = 1,
) -> dict[str, Any]:
    """A frame and those around it, with what is to be drawn over them."""
    path, task = studio.strips.file(file), file.partition("/")[0]
    frames = []
    for name in studio.strips.around(sample_id, around):
        picture = studio.thumbnail(name, 640)
        size = None if picture is None else picture.source_size
        shapes = studio.boxes.of_task(name, size, task, path)
        frames.append({"id": name, "size": size, "shapes": shapes})
    at = next(k for k, frame in enumerate(frames) if frame["id"] == sample_id)
    return {"frames": frames, "at": at}


@router.get("/map")
def embedding_map(request: Request, studio: Here) -> Response:
    """The page of the map."""
    return page(request, "map", is_there=studio.map.is_there)


@router.get("/api/map")
def places(studio: Here) -> dict[str, Any]:
    """Where the samples lie."""
    return studio.map.places()


@router.get("/api/map/values")
def colours(studio: Here, key: File) -> dict[str, Any]:
    """What samples are coloured by."""
    return values(studio.samples.attributes, key)


@router.post("/api/map/ids")
def ids(studio: Here, wanted: Rows) -> dict[str, Any]:
    """The ids of rows; those that are none are left out."""
    known = studio.samples.ids
    return {"ids": [known[row] for row in wanted.rows if 0 <= row < len(known)]}
