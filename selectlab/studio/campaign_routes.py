"""Campaigns: look at what they found, say yes or no, look for more."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from selectlab.campaigns.statuses import Status
from selectlab.errors import SelectlabError
from selectlab.studio.crops import crop, objects_of
from selectlab.studio.decisions import Turn
from selectlab.studio.hit_orders import Wanted
from selectlab.studio.pages import page
from selectlab.studio.requests import Here, Limit, Offset, SampleId, line_of
from selectlab.studio.studio import SIZES

router = APIRouter()

Name = Annotated[str, Query(min_length=1)]
Task = Annotated[str, Query(min_length=1)]
Judged = Literal["accepted", "discarded"]
Tab = Annotated[str, Field(min_length=1, max_length=40)]
Number = Annotated[int, Field(ge=1)]


class Judgement(BaseModel):
    """What somebody says of collected samples, and what they were where somebody looked.

    Of what is ``marked`` that is said which was collected. ``first`` is the number of the first of
    several steps of one decision.
    """

    name: str
    ids: list[str] = Field(min_length=1, max_length=500)
    marked: bool = False
    status: Judged
    seen: dict[str, Status] | None = None
    turn: tuple[Tab, Number] | None = None
    first: Number | None = None


class Undoing(BaseModel):
    """A campaign of which the last decision is taken back."""

    name: str
    turn: tuple[Tab, Number] | None = None


class Step(BaseModel):
    """A decision, or without a status the last one taken back."""

    number: Number
    status: Judged | None = None
    ids: list[str] = Field(default=[], max_length=500)
    marked: bool = False
    first: Number | None = None


class Steps(BaseModel):
    """What a tab that is gone has decided, one after the other."""

    name: str
    tab: Tab
    steps: list[Step] = Field(max_length=1000)


@router.get("/campaigns")
def campaigns(request: Request, studio: Here) -> Response:
    """The list of campaigns."""
    return page(request, "campaigns", campaigns=studio.desk.listed())


@router.get("/campaigns/new")
def new_campaign(request: Request, studio: Here) -> Response:
    """Where a campaign is started from marked pictures."""
    return page(request, "campaign_new", levels=studio.desk.levels())


@router.get("/campaign")
def campaign(request: Request, studio: Here, name: Name) -> Response:
    """The page of a campaign."""
    from selectlab.campaigns.classifier import MIN_EXAMPLES

    found = studio.desk.details(name)
    least = MIN_EXAMPLES
    return page(request, "campaign", campaign=found, formats=studio.formats, least=least)


@router.get("/api/campaign")
def details(studio: Here, name: Name) -> dict[str, Any]:
    """All about a campaign."""
    return studio.desk.details(name)


@router.get("/api/campaign/hits")
def hits(
    studio: Here,
    name: Name,
    status: Annotated[list[str], Query(max_length=4)] = [],  # noqa: B006 - never changed
    classifier: bool = False,
    view: Annotated[str, Query(max_length=40)] = "",
    offset: Offset = 0,
    limit: Limit = 200,
) -> dict[str, Any]:
    """A page of what a campaign collected."""
    wanted = Wanted(name, tuple(sorted(set(status))), classifier, view)
    return studio.desk.orders.page(wanted, offset, limit)


@router.get("/api/campaign/why")
def why(studio: Here, name: Name, sample_id: SampleId) -> dict[str, Any]:
    """The seeds that a collected sample is like."""
    return studio.desk.why(name, sample_id)


@router.get("/api/campaign/seeds")
def seeds(studio: Here, name: Name, offset: Offset = 0, limit: Limit = 200) -> dict[str, Any]:
    """A page of the seeds of a campaign."""
    found = studio.desk.seeds(name)
    return {"total": len(found), "offset": offset, "items": found[offset : offset + limit]}


@router.get("/api/campaign/curve")
def curve(studio: Here, name: Name) -> dict[str, Any]:
    """How many samples reach each threshold."""
    return {"counts": studio.desk.curve(name)}


@router.post("/api/campaign/judge")
def judge(studio: Here, said: Judgement) -> dict[str, Any]:
    """Accept or discard collected samples."""
    decisions = studio.desk.decisions
    turn = _turn(said.turn, said.first)
    made = decisions.make(said.name, said.ids, said.status, said.seen, turn, marked=said.marked)
    return {**_standings(made.standings), "overruled": made.overruled, "left": made.left}


@router.post("/api/campaign/undo")
def undo(studio: Here, said: Undoing) -> dict[str, Any]:
    """Take back the last decision."""
    return _standings(studio.desk.decisions.undo(said.name, _turn(said.turn)))


@router.post("/api/campaign/decide")
def decide(studio: Here, said: Steps) -> dict[str, Any]:
    """Do what was decided and not answered when a page was left, in that order."""
    decisions, problems = studio.desk.decisions, []
    for step in said.steps:
        turn = Turn(said.tab, step.number, step.first)
        try:
            if step.status is None:
                decisions.undo(said.name, turn)
            else:
                decisions.make(said.name, step.ids, step.status, turn=turn, marked=step.marked)
        except SelectlabError as error:
            problems.append(line_of(error))
    return {"problems": problems}


def _turn(given: tuple[str, int] | None, first: int | None = None) -> Turn | None:
    return None if given is None else Turn(*given, first)


@router.get("/api/objects")
def objects(studio: Here, sample_id: SampleId, task: Task) -> dict[str, Any]:
    """The objects of a sample, with their numbers."""
    row = studio.samples.row(sample_id)
    return {"items": objects_of(studio.dataset.predictions(task), row)}


@router.get("/crop")
def crop_picture(
    studio: Here, sample_id: SampleId, task: Task, number: Annotated[int, Query(ge=0)]
) -> Response:
    """A picture of an object; of its whole sample where nobody knows its box."""
    found = objects_of(studio.dataset.predictions(task), studio.samples.row(sample_id))
    picture = studio.thumbnail(sample_id, SIZES[-1])
    box = found[number]["box"] if number < len(found) else None
    if picture is None or box is None:
        from selectlab.studio.sample_routes import picture as whole

        return whole(studio, sample_id)
    headers = {"cache-control": "private, max-age=300"}
    return Response(crop(picture, box), media_type="image/jpeg", headers=headers)


def _standings(found: Any) -> dict[str, Any]:
    return {
        "standings": {
            name: {"status": held.status, "accepted": held.accepted} for name, held in found.items()
        }
    }
