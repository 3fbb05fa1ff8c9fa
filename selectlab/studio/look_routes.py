"""Flagged frames between their neighbours, and all samples in a plane."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from selectlab.campaigns.element_names import sample_of
from selectlab.studio.absence import canvas
from selectlab.studio.embedding_map import packed32, values
from selectlab.studio.map_colours import colouring, colourings, of_others
from selectlab.studio.map_layers import layer_ids, layers
from selectlab.studio.pages import page
from selectlab.studio.requests import Here, Limit, Offset, SampleId
from selectlab.studio.strips import MOST_AROUND

router = APIRouter()

File = Annotated[str, Query(min_length=1)]


class Names(BaseModel):
    """Ids of samples, or of objects in them."""

    ids: list[str] = Field(max_length=100_000)


class Rows(BaseModel):
    """Rows of the dataset."""

    rows: list[int] = Field(max_length=100_000)


@router.get("/flickering")
def flickering(request: Request, studio: Here) -> Response:
    """The page of flagged frames."""
    return page(request, "flickering", files=studio.strips.offered())


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
    frames, names = [], studio.strips.around(sample_id, around)
    pictures = studio.thumbnails(names, 640)
    for name in names:
        picture = pictures.get(name)
        size = None if picture is None else picture.source_size
        shapes = studio.boxes.of_task(name, size, task, path)
        absent = None if picture else studio.absences.of(name).line
        frames.append({"id": name, "size": size, "shapes": shapes, "absent": absent})
    at = next(k for k, frame in enumerate(frames) if frame["id"] == sample_id)
    near = (
        studio.boxes.of_task(one, None, task)
        for one in studio.strips.around(sample_id, MOST_AROUND)
    )
    blank = None if all(one in pictures for one in names) else canvas(near)
    return {"frames": frames, "at": at, "canvas": blank}


@router.get("/map")
def embedding_map(request: Request, studio: Here) -> Response:
    """The page of the map."""
    return page(request, "map", why_not=studio.map.why_not, spaces=studio.map.spaces)


@router.get("/api/map")
def places(studio: Here, space: str = "") -> dict[str, Any]:
    """Where the samples lie."""
    return studio.map.places(space)


@router.get("/api/map/values")
def colours(studio: Here, key: File) -> dict[str, Any]:
    """What samples are coloured by."""
    return {**values(colouring(studio, key)), "others": of_others(key)}


@router.get("/api/map/layers")
def map_layers(studio: Here) -> dict[str, Any]:
    """What can be drawn on top, and what else points can be coloured by."""
    return {"layers": layers(studio), "colours": colourings(studio)}


@router.get("/api/map/layer")
def layer(studio: Here, key: File) -> dict[str, Any]:
    """Rows of the samples to draw on top; those that are no longer there are left out."""
    ids = layer_ids(studio, key)
    rows = studio.dataset.ids.positions(list(ids))
    known = rows[rows >= 0]
    return {"rows": packed32(known), "n": len(known), "unknown": len(rows) - len(known)}


@router.post("/api/map/ids")
def ids(studio: Here, wanted: Rows) -> dict[str, Any]:
    """The ids of rows; those that are none are left out."""
    known = studio.samples.ids
    return {"ids": [known[row] for row in wanted.rows if 0 <= row < len(known)]}


@router.post("/api/map/rows")
def rows(studio: Here, wanted: Names) -> dict[str, Any]:
    """The rows of samples, -1 where there is none; of an object that of its sample."""
    known = studio.dataset.rows
    found = (known.get(one, known.get(sample_of(one))) for one in wanted.ids)
    return {"rows": [-1 if row is None else row for row in found]}
