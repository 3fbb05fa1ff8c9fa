"""The application: who answers what, behind the guard."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from selectlab.errors import SelectlabError
from selectlab.studio import (
    campaign_routes,
    campaign_work_routes,
    compose_routes,
    job_routes,
    look_routes,
    run_routes,
    sample_routes,
)
from selectlab.studio.access import Access
from selectlab.studio.guard import Guard
from selectlab.studio.pages import STATIC, page
from selectlab.studio.studio import Studio

logger = logging.getLogger(__name__)

ROUTES = (
    sample_routes,
    run_routes,
    campaign_routes,
    campaign_work_routes,
    look_routes,
    compose_routes,
    job_routes,
)


def make_app(studio: Studio, access: Access) -> FastAPI:
    """Return the application.

    Args:
        studio: What it shows.
        access: Who may ask.
    """
    app = FastAPI(title="selectlab studio", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.studio, app.state.access = studio, access
    for routes in ROUTES:
        app.include_router(routes.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(SelectlabError, _told)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _missing)
    app.add_exception_handler(Exception, _broken)
    app.add_middleware(Guard, access=access)
    return app


def _told(request: Request, error: Exception) -> Response:
    return _answer(request, 400, str(error))


def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = next(iter(error.errors()), {"loc": (), "msg": "malformed"})
    where = ".".join(str(part) for part in first["loc"][1:])
    return _answer(request, 400, f"{where}: {first['msg']}".lstrip(": "))


def _missing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _answer(request, error.status_code, str(error.detail))


def _broken(request: Request, error: Exception) -> Response:
    logger.error("%s", request.url.path, exc_info=error)
    return _answer(request, 500, f"{type(error).__name__}; the terminal says more")


def _answer(request: Request, status: int, line: str) -> Response:
    """Answer a person with a page, a script with JSON."""
    if request.url.path.startswith("/api/") or request.method != "GET":
        return JSONResponse({"error": line}, status)
    return page(request, "error", status, line=line)
