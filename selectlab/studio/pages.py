"""Templates of the pages, and what all of them are given."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

HERE = Path(__file__).parent
STATIC = HERE / "static"


def page(request: Request, name: str, status: int = 200, /, **given: Any) -> HTMLResponse:
    """Return a page made from a template.

    Args:
        request: Who asks.
        name: Name of the template, without its suffix.
        status: HTTP status.
        given: What the template shows.
    """
    state = request.app.state
    text = (
        _templates()
        .get_template(f"{name}.html")
        .render(
            studio=state.studio,
            csrf=state.access.csrf,
            page=name,
            mark=_mark(),
            **given,
        )
    )
    return HTMLResponse(text, status)


@cache
def _templates() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _mark() -> str:
    """Return what goes into addresses of static files, so that new ones are taken."""
    import selectlab

    return selectlab.__version__
