"""A selection config, put together by form: checked, run, and looked at."""

from __future__ import annotations

import re
from dataclasses import asdict
from functools import partial
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel

from selectlab import progress
from selectlab.errors import ConfigError, DataError
from selectlab.studio.jobs import Job
from selectlab.studio.pages import page
from selectlab.studio.requests import Here
from selectlab.studio.studio import Studio

router = APIRouter()

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")


class Asked(BaseModel):
    """A config."""

    config: dict[str, Any]


class Running(BaseModel):
    """A config to run, and what to call the run."""

    config: dict[str, Any]
    name: str


@router.get("/compose")
def compose(request: Request) -> Response:
    """The page of the form."""
    return page(request, "compose")


@router.get("/api/schema")
def schema(studio: Here) -> dict[str, Any]:
    """What a config may be, and what the dataset has for it."""
    from selectlab.schema import json_schema

    facts = studio.facts
    tasks = list(facts["tasks"])
    choices = {"task": tasks, "other": tasks, "key": facts["metadata"], "tag_name": facts["tags"]}
    return {"schema": json_schema(), "choices": choices}


@router.get("/api/compose/name")
def free_name(studio: Here) -> dict[str, Any]:
    """A name that no run has yet."""
    own, number = studio.runs.own, 1
    while own is not None and (own / _numbered(number)).exists():
        number += 1
    return {"name": _numbered(number)}


def _numbered(number: int) -> str:
    return "run" if number == 1 else f"run {number}"


@router.post("/api/compose/check")
def check(studio: Here, asked: Asked) -> dict[str, Any]:
    """Load all inputs, and count what could be selected."""
    from selectlab import api

    ready = api.check(asked.config, studio.dataset)
    entries = ready.resolved.config.entries
    told = [f"{one.strategy.describe()} on {one.input.describe()}" for one in entries]
    return {"counts": asdict(ready.resolved.counts), "notes": ready.notes, "strategies": told}


@router.post("/api/compose/run")
def run(studio: Here, asked: Running) -> dict[str, Any]:
    """Select, in the background."""
    from selectlab.config import load
    from selectlab.writers import check_target

    name = asked.name.strip()
    if not _PLAIN.fullmatch(name) or name.endswith("."):
        raise ConfigError(
            f"name: expected letters, digits, blanks and . _ - with a letter first, got {name!r}"
        )
    if studio.runs.own is None:
        raise DataError("runs: the dataset is in memory; --runs FOLDER says where to keep them")
    load(asked.config)
    if (studio.runs.own / name).exists():
        raise ConfigError(f"name: there is a run {name!r} already; choose another name")
    check_target(studio.runs.own / name)
    work = partial(_select, studio, asked.config, name)
    return {"job": studio.jobs.start(f"selecting {name}", work).to_json()}


def _select(studio: Studio, config: dict[str, Any], name: str, job: Job) -> dict[str, Any]:
    from selectlab import api

    assert studio.runs.own is not None
    chosen = api.select(config, studio.dataset, on_pick=job.check)
    target = studio.runs.own / name
    progress.stage("writing files")
    chosen.save(target)
    made = next(run.name for run in studio.runs.listed() if run.folder == target)
    return {"selected": len(chosen), "link": f"/run?{urlencode({'name': made})}"}
