"""Selection runs: the list, single ones with their report, two side by side."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from selectlab.studio.pages import page
from selectlab.studio.requests import Here, Limit, Offset
from selectlab.studio.runs import compared

router = APIRouter()

Name = Annotated[str, Query(min_length=1)]
REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; frame-ancestors 'self'"
)
"""A report is a whole page of its own: it runs its scripts in an origin of its own, and can ask
nobody for anything."""


@router.get("/runs")
def runs(request: Request, studio: Here) -> Response:
    """The list of runs."""
    return page(request, "runs", runs=studio.runs.listed())


@router.get("/run")
def run(request: Request, studio: Here, name: Name) -> Response:
    """The page of a run."""
    return page(request, "run", run=studio.runs.get(name))


@router.get("/run/report")
def report(studio: Here, name: Name) -> Response:
    """The report of a run, shut off from everything else."""
    from selectlab.report.html import render

    headers = {"content-security-policy": REPORT_POLICY, "x-frame-options": "SAMEORIGIN"}
    return HTMLResponse(render(studio.runs.get(name).folder, studio.dataset), headers=headers)


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
