"""The application: who answers what, behind the guard."""

from __future__ import annotations

import logging

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from selectlab.errors import SelectlabError
from selectlab.studio import (
    campaign_routes,
    campaign_work_routes,
    compose_routes,
    job_routes,
    look_routes,
    overview_routes,
    run_routes,
    sample_routes,
)
from selectlab.studio.access import Access
from selectlab.studio.guard import Guard
from selectlab.studio.pages import STATIC, page
from selectlab.studio.requests import check_texts, line_of
from selectlab.studio.studio import Studio

logger = logging.getLogger(__name__)

ROUTES = (
    overview_routes,
    sample_routes,
    run_routes,
    campaign_routes,
    campaign_work_routes,
    look_routes,
    compose_routes,
    job_routes,
)


def make_app(studio: Studio, access: Access) -> ASGIApp:
    """Return the application. The guard stands before all of it, what tells of errors included.

    Args:
        studio: What it shows.
        access: Who may ask.
    """
    app = FastAPI(
        title="selectlab studio",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(check_texts)],
    )
    app.state.studio, app.state.access = studio, access
    for routes in ROUTES:
        app.include_router(routes.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(SelectlabError, _told)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _missing)
    for kind in (OSError, ValueError, LookupError):
        app.add_exception_handler(kind, _shifted)
    app.add_exception_handler(Exception, _broken)
    return Guard(app, access)


def _told(request: Request, error: Exception) -> Response:
    return _answer(request, 400, line_of(error))


def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = next(iter(error.errors()), {"loc": (), "msg": "malformed"})
    where = ".".join(str(part) for part in first["loc"][1:])
    return _answer(request, 400, f"{where}: {first['msg']}".lstrip(": "))


def _missing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    line = "there is nothing at this address" if error.status_code == 404 else str(error.detail)
    return _answer(request, error.status_code, line)


def _shifted(request: Request, error: Exception) -> Response:
    """Tell files that changed while they were read from what is wrong with the program."""
    if not request.app.state.studio.changed:
        raise error
    return _answer(request, 409, "the dataset has changed on disk; reload it")


def _broken(request: Request, error: Exception) -> Response:
    """Answer, and say that the connection ends: the server cuts it once an error has passed it."""
    logger.error("%s", request.url.path, exc_info=error)
    answer = _answer(request, 500, f"{type(error).__name__}; the terminal says more")
    answer.headers["connection"] = "close"
    return answer


def _answer(request: Request, status: int, line: str) -> Response:
    """Answer a person with a page, a script with JSON."""
    if request.url.path.startswith("/api/") or request.method != "GET":
        return JSONResponse({"error": line}, status)
    return page(request, "error", status, line=line)
