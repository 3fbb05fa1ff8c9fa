"""The work in hand: how far it is, and stopping it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from selectlab.studio.requests import Here

router = APIRouter()


class Stop(BaseModel):
    """Which job to stop."""

    number: int


@router.get("/api/job")
def job(studio: Here) -> dict[str, Any]:
    """The last job, if there was one."""
    current = studio.jobs.current
    return {"job": None if current is None else current.to_json()}


@router.post("/api/job/cancel")
def cancel(studio: Here, stop: Stop) -> dict[str, Any]:
    """Ask a job to stop."""
    studio.jobs.cancel(stop.number)
    return job(studio)
