"""Selection runs: the list, single ones with their report, two side by side."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel

from selectlab.errors import DataError
from selectlab.studio.jobs import Job
from selectlab.studio.pages import page
from selectlab.studio.requests import Here, Limit, Offset
from selectlab.studio.run_reports import check_report, made_at, policy_of, report_of
from selectlab.studio.runs import Run, compared
from selectlab.studio.studio import Studio

router = APIRouter()

Name = Annotated[str, Query(min_length=1)]


class Named(BaseModel):
    """A run."""

    name: str


class Exporting(BaseModel):
    """A run that shall leave, and how.

    Attributes:
        task: Whose predictions go along; "" for none.
    """

    name: str
    form: str
    task: str = ""


@router.get("/runs")
def runs(request: Request, studio: Here) -> Response:
    """The list of runs."""
    return page(request, "runs", runs=studio.runs.listed(), damaged=studio.runs.damaged())


@router.get("/run")
def run(request: Request, studio: Here, name: Name) -> Response:
    """The page of a run."""
    found = studio.runs.get(name)
    about = {"formats": studio.formats, "tasks": list(studio.dataset.source.tasks())}
    return page(request, "run", run=found, report=made_at(found), **about)


@router.get("/run/report")
def report(studio: Here, name: Name) -> Response:
    """The report of a run, shut off from everything else."""
    found = report_of(studio.runs.get(name))
    if found is None:
        raise DataError(f"run {name!r}: there is no report of it yet")
    headers = {"content-security-policy": policy_of(found), "x-frame-options": "SAMEORIGIN"}
    return FileResponse(found, media_type="text/html; charset=utf-8", headers=headers)


@router.get("/api/run/report")
def report_state(studio: Here, name: Name) -> dict[str, Any]:
    """When the report of a run was made, if it was."""
    return {"made": made_at(studio.runs.get(name))}


@router.post("/api/run/report")
def make_report(studio: Here, named: Named) -> dict[str, Any]:
    """Make the report of a run, in the background."""
    found = studio.runs.get(named.name)
    check_report(found)
    work = partial(_report, studio, found)
    return {"job": studio.jobs.start(f"report of {found.name}", work).to_json()}


def _report(studio: Studio, found: Run, job: Job) -> dict[str, Any]:
    from selectlab.report import write_report

    written = write_report(found.folder, studio.dataset, videos=studio.videos)
    link = f"/run?{urlencode({'name': found.name})}#report"
    return {"bytes": written.n_bytes, "link": link}


@router.post("/api/run/export")
def export(studio: Here, wanted: Exporting) -> dict[str, Any]:
    """Write what a run selected into a file to be fetched."""
    from selectlab.exports.export import export as write
    from selectlab.exports.export import writer_of
    from selectlab.exports.sources import items_of

    found, ending = studio.runs.get(wanted.name), studio.ending_of(wanted.form)
    writer = writer_of(wanted.form, {})
    tasks = [wanted.task] if wanted.task else ()
    shapes = writer.takes_shapes
    items = items_of(found.folder, studio.dataset, tasks=tasks if shapes else None, shapes=shapes)
    notes: list[str] = []
    key = studio.downloads.make(
        found.name, ending, lambda to: notes.extend(write(items, to, writer).notes)
    )
    link = f"/download?{urlencode({'key': key})}"
    return {"link": link, "samples": len(items), "notes": notes}


@router.get("/api/run/config")
def config(studio: Here, name: Name) -> dict[str, Any]:
    """The config of a run, to go on from."""
    return {"config": studio.runs.get(name).manifest["config"]}


@router.get("/api/run/picks")
def picks(studio: Here, name: Name, offset: Offset = 0, limit: Limit = 200) -> dict[str, Any]:
    """A page of what a run selected."""
    found = studio.runs.get(name)
    shown = found.picks[offset : offset + limit]
    keys = ("rank", "score", "reason")
    items = [{"id": pick["sample_id"], **{key: pick.get(key) for key in keys}} for pick in shown]
    return {"total": len(found.picks), "offset": offset, "items": items}


@router.get("/compare")
def compare(request: Request, studio: Here, one: Name, other: Name) -> Response:
    """Two runs side by side."""
    first, second = studio.runs.get(one), studio.runs.get(other)
    return page(request, "compare", one=first, other=second, found=compared(first, second))


@router.get("/api/compare")
def differing(
    studio: Here, one: Name, other: Name, part: Name, offset: Offset = 0, limit: Limit = 200
) -> dict[str, Any]:
    """A page of what both runs selected, or one of them alone."""
    first, second = studio.runs.get(one), studio.runs.get(other)
    ids = compared(first, second).get(part, [])
    ranks = [{name: at for at, name in enumerate(ran.ids, 1)} for ran in (first, second)]
    shown = [name for name in ids[offset : offset + limit] if isinstance(name, str)]
    items = [{"id": name, "ranks": [rank.get(name) for rank in ranks]} for name in shown]
    return {"total": len(ids), "offset": offset, "items": items}
