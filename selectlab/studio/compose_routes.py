"""A selection config, put together by form: checked, run, and looked at."""

from __future__ import annotations

import re
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel

from selectlab import progress
from selectlab.errors import ConfigError, DataError, SelectlabError
from selectlab.inputs.files import parse_json
from selectlab.studio.attributes import class_codes
from selectlab.studio.jobs import Job
from selectlab.studio.pages import page
from selectlab.studio.requests import Here, line_of, refuse_odd_texts
from selectlab.studio.studio import Studio

router = APIRouter()

_MOST_CLASSES = 1000
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")


class Asked(BaseModel):
    """A config: the text of its JSON, or what is in it.

    Attributes:
        after: The run that went before: what it selected, or found selected, is selected already.
            ``None`` for what the rounds and the dataset say.
    """

    config: dict[str, Any] | str
    after: str | None = None


class Running(Asked):
    """A config to run, and what to call the run."""

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
    told = {"schema": json_schema(), "choices": choices}
    return {**told, "runs": [one.name for one in studio.runs.listed()]}


@router.get("/api/compose/classes")
def classes(studio: Here, task: str = "", key: str = "") -> dict[str, Any]:
    """The classes of a task or of metadata with their shares, the largest first."""
    names, codes = class_codes(studio.dataset, task=task, key=key)
    counts = np.bincount(codes, minlength=len(names))
    order = np.argsort(-counts, kind="stable")[:_MOST_CLASSES].tolist()
    total = max(len(codes), 1)
    return {"items": [{"name": names[k], "share": float(counts[k] / total)} for k in order]}


@router.get("/api/compose/name")
def free_name(studio: Here) -> dict[str, Any]:
    """A name that no run has yet."""
    taken, number = _taken(studio), 1
    while _is_taken(studio, _numbered(number), taken):
        number += 1
    return {"name": _numbered(number)}


def _taken(studio: Studio) -> set[str]:
    """Return the names of all runs, those beside the dataset included."""
    shown = {run.name for run in studio.runs.listed()}
    return shown | {run.name for run in studio.runs.damaged()}


def _is_taken(studio: Studio, name: str, names: set[str]) -> bool:
    own = studio.runs.own
    return name in names or (own is not None and (own / name).exists())


def _numbered(number: int) -> str:
    return "run" if number == 1 else f"run {number}"


@router.post("/api/compose/check")
def check(studio: Here, asked: Asked) -> dict[str, Any]:
    """Load all inputs, and count what could be selected; or say what is wrong with the config.

    A config that is not right yet is what somebody wants to know, and no request gone wrong.
    """
    from selectlab import api

    config, before = _read(asked), _before(studio, asked)
    try:
        ready = api.check(config, studio.dataset, preselected=before)
    except SelectlabError as error:
        return {"problem": line_of(error)}
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
    config, before = _read(asked), _before(studio, asked)
    load(config)
    if _is_taken(studio, name, _taken(studio)):
        raise ConfigError(f"name: there is a run {name!r} already; choose another name")
    check_target(studio.runs.own / name)
    work = partial(_select, studio, config, before, name)
    return {"job": studio.jobs.start(f"selecting {name}", work).to_json()}


def _read(asked: Asked) -> dict[str, Any]:
    """Return what a config says, to the last digit of its text."""
    if not isinstance(asked.config, str):
        return asked.config
    config = parse_json(asked.config.encode(), "config")
    refuse_odd_texts(config)
    if not isinstance(config, dict):
        raise ConfigError("config: expected an object with a list 'strategies'")
    return config


def _before(studio: Studio, asked: Asked) -> Path | None:
    return None if asked.after is None else studio.runs.get(asked.after).folder


def _select(
    studio: Studio, config: dict[str, Any], before: Path | None, name: str, job: Job
) -> dict[str, Any]:
    from selectlab import api

    assert studio.runs.own is not None
    chosen = api.select(config, studio.dataset, preselected=before, on_pick=job.check)
    target = studio.runs.own / name
    progress.stage("writing files")
    chosen.save(target)
    made = next(run.name for run in studio.runs.listed() if run.folder == target)
    return {"selected": len(chosen), "link": f"/run?{urlencode({'name': made})}"}
