"""The dataset: overview, gallery, single samples and their pictures."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from selectlab.errors import SelectlabError
from selectlab.studio.absence import placeholder
from selectlab.studio.pages import page
from selectlab.studio.requests import Here, Limit, Offset, SampleId, Wanted

router = APIRouter()

KEPT = "private, max-age=300"
"""Pages name pictures anew after the dataset was opened anew."""


class Several(BaseModel):
    """Samples whose pictures will be asked for."""

    ids: list[str] = Field(max_length=200)


@router.get("/")
def overview(request: Request) -> Response:
    """The page of the dataset."""
    return page(request, "samples")


@router.get("/sample")
def sample_page(request: Request, studio: Here, sample_id: SampleId) -> Response:
    """The page of a sample."""
    studio.samples.row(sample_id)
    return page(request, "sample", sample_id=sample_id, metadata=studio.metadata_of(sample_id))


@router.get("/picture")
def picture(
    studio: Here, sample_id: SampleId, size: Annotated[int, Query(ge=1, le=4096)] = 256
) -> Response:
    """A picture of a sample, always one that was made here: no file is sent as it is."""
    try:
        found = studio.thumbnail(sample_id, size)
    except SelectlabError as error:
        return Response(str(error), 404, media_type="text/plain")
    if found is None:
        brief = studio.absences.of(sample_id).brief
        return Response(placeholder(brief), media_type="image/svg+xml")
    return Response(found.jpeg, media_type="image/jpeg", headers={"cache-control": KEPT})


@router.post("/api/pictures")
def pictures(studio: Here, wanted: Several) -> dict[str, int]:
    """Make pictures of frames, each video in one go; other pictures are made one by one."""
    return {"made": len(studio.frames(studio.samples.known(wanted.ids), 256))}


@router.post("/api/tiles")
def tiles(studio: Here, wanted: Several) -> dict[str, Any]:
    """What is found in samples, to be drawn over their small pictures."""
    return {"tiles": studio.tiles(studio.samples.known(wanted.ids))}


@router.get("/api/facts")
def facts(studio: Here) -> dict[str, Any]:
    """What the dataset consists of, and what it can be sorted by."""
    return {**studio.facts, "attributes": studio.samples.attributes.titles}


@router.get("/api/samples")
def samples(studio: Here, wanted: Wanted, offset: Offset = 0, limit: Limit = 200) -> dict[str, Any]:
    """A page of the gallery."""
    return studio.samples.page(wanted, offset, limit)


@router.get("/api/sample")
def sample(studio: Here, sample_id: SampleId) -> dict[str, Any]:
    """All about a sample."""
    return studio.sample(sample_id)


@router.get("/api/beside")
def beside(studio: Here, wanted: Wanted, sample_id: SampleId) -> dict[str, str | None]:
    """The samples before and after one, in the order of the gallery."""
    before, after = studio.samples.beside(wanted, sample_id)
    return {"before": before, "after": after}


@router.get("/api/near")
def near(studio: Here, sample_id: SampleId) -> dict[str, Any]:
    """The samples that look most alike."""
    studio.samples.row(sample_id)
    found = studio.near.of(sample_id)
    return {"items": [{"id": name, "distance": distance} for name, distance in found]}
