"""Campaigns: what changes them beyond single decisions, and what leaves them."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, Field

from selectlab.campaigns.statuses import Status
from selectlab.corpus import Corpus
from selectlab.studio.jobs import Job
from selectlab.studio.requests import Here
from selectlab.studio.studio import Studio

router = APIRouter()

Threshold = Annotated[float, Field(ge=0, le=1)]


class New(BaseModel):
    """A campaign to start."""

    name: str = Field(max_length=200)
    ids: list[str] = Field(min_length=1, max_length=100_000)
    task: str = ""
    threshold: Threshold = 0.5


class Pondered(BaseModel):
    """Seeds that a campaign might start from."""

    ids: list[str] = Field(min_length=1, max_length=100_000)
    task: str = ""


class More(BaseModel):
    """Seeds to put into a campaign that is there, or to take out."""

    name: str
    ids: list[str] = Field(min_length=1, max_length=100_000)


class Collecting(BaseModel):
    """A campaign that shall look for more."""

    name: str
    threshold: Threshold | None = None
    target: int | None = Field(default=None, ge=1)


class Setting(BaseModel):
    """What to change of a campaign."""

    name: str
    threshold: Threshold | None = None
    active: bool | None = None


class Named(BaseModel):
    """A campaign."""

    name: str


class Indexing(BaseModel):
    """What to index."""

    task: str = ""
    space: str = Field(min_length=1)


class Exporting(BaseModel):
    """What shall leave, and how."""

    name: str
    form: str
    statuses: list[Status] = Field(min_length=1)
    mark: bool = True


@router.post("/api/campaigns/new")
def create(studio: Here, new: New) -> dict[str, Any]:
    """Start a campaign from marked pictures."""
    ids = studio.desk.seed_ids(new.ids, new.task)
    task = new.task or None
    studio.campaigns.create(new.name, ids=ids, task=task, threshold=new.threshold)
    return {"link": f"/campaign?{urlencode({'name': new.name})}"}


@router.post("/api/campaigns/preview")
def preview(studio: Here, pondered: Pondered) -> dict[str, Any]:
    """How many samples would reach each threshold."""
    return studio.desk.preview(pondered.ids, pondered.task)


@router.post("/api/campaign/add")
def add(studio: Here, more: More) -> dict[str, Any]:
    """Add marked pictures to the seeds of a campaign."""
    task = studio.campaigns.get(more.name).campaign.space.task
    n_new = studio.campaigns.add_seeds(more.name, ids=studio.desk.seed_ids(more.ids, task))
    return {"added": n_new, **studio.desk.details(more.name)}


@router.post("/api/campaign/remove")
def remove(studio: Here, less: More) -> dict[str, Any]:
    """Take seeds out of a campaign."""
    n_gone = studio.campaigns.remove_seeds(less.name, less.ids)
    return {"removed": n_gone, **studio.desk.details(less.name)}


@router.get("/api/campaigns")
def listed(studio: Here) -> dict[str, Any]:
    """All campaigns, for what is marked to go to one of them."""
    return {"items": studio.desk.listed()}


@router.post("/api/campaign/set")
def change(studio: Here, setting: Setting) -> dict[str, Any]:
    """Set the threshold of a campaign, or whether it takes part."""
    if setting.threshold is not None:
        studio.campaigns.set_threshold(setting.name, setting.threshold)
    if setting.active is not None:
        act = studio.campaigns.activate if setting.active else studio.campaigns.deactivate
        act(setting.name)
    return studio.desk.details(setting.name)


@router.post("/api/campaign/commit")
def commit(studio: Here, named: Named) -> dict[str, Any]:
    """Make the seeds the newest version."""
    studio.campaigns.commit(named.name)
    return studio.desk.details(named.name)


@router.post("/api/campaign/refine")
def refine(studio: Here, named: Named) -> dict[str, Any]:
    """Let accepted samples join the seeds, and discarded ones leave them."""
    made = studio.campaigns.refine(named.name)
    studio.desk.decisions.forget(named.name)
    told = {
        "joined": made.n_joined,
        "left": made.n_left,
        "missing": len(made.missing),
        "is_new": made.is_new,
    }
    return {**told, **studio.desk.details(named.name)}


@router.post("/api/campaign/collect")
def collect(studio: Here, wanted: Collecting) -> dict[str, Any]:
    """Look for more, in the background."""
    studio.campaigns.get(wanted.name)
    work = partial(_collect, studio, wanted)
    return {"job": studio.jobs.start(f"collecting for {wanted.name}", work).to_json()}


def _collect(studio: Studio, wanted: Collecting, job: Job) -> dict[str, Any]:
    before = sum(studio.campaigns.get(wanted.name).counts.values())
    [found] = studio.campaigns.collect(
        wanted.name,
        threshold=wanted.threshold,
        target_sample_count=wanted.target,
        on_batch=job.check,
    )
    fresh = sum(studio.campaigns.get(wanted.name).counts.values()) - before
    told = {"new": fresh, "again": max(found.n_new - fresh, 0)}
    return {**told, "processed": found.n_processed, "rate": found.rate}


@router.post("/api/index")
def index(studio: Here, wanted: Indexing) -> dict[str, Any]:
    """Index the embeddings of the dataset, in the background."""
    work = partial(_index, studio, wanted)
    what = f"objects of {wanted.task}" if wanted.task else "samples"
    return {"job": studio.jobs.start(f"indexing {what}", work).to_json()}


def _index(studio: Studio, wanted: Indexing, job: Job) -> dict[str, Any]:
    job.check()
    made = Corpus.build(studio.dataset, task=wanted.task or None, space_id=wanted.space)
    return {"elements": len(made)}


@router.post("/api/campaign/export")
def export(studio: Here, wanted: Exporting) -> dict[str, Any]:
    """Write collected samples into a file to be fetched."""
    ending = studio.ending_of(wanted.form)
    written: list[Any] = []

    def write(to: Any) -> None:
        written.append(
            studio.campaigns.export(
                wanted.name, to, statuses=wanted.statuses, form=wanted.form, mark=wanted.mark
            )
        )

    key = studio.downloads.make(wanted.name, ending, write)
    studio.desk.decisions.forget(wanted.name)
    notes = list(written[0].warnings)
    link = f"/download?{urlencode({'key': key})}"
    return {"link": link, "samples": len(written[0]), "notes": notes}


@router.get("/download")
def download(studio: Here, key: Annotated[str, Query(min_length=1)]) -> Response:
    """A file that was exported."""
    path = studio.downloads.get(key)
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)
