"""``selectlab strategies`` and ``selectlab schema``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from selectlab.commands.options import AsJson, print_json
from selectlab.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    pass


def schema() -> None:
    """Print the JSON Schema of a config, for editors."""
    from selectlab.schema import json_schema

    print_json(json_schema())


def strategies(
    name: Annotated[
        str | None, typer.Argument(help="Strategy or input to explain, such as DIVERSITY.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List strategies and inputs, or explain one.

    Plug-ins are listed too, and which inputs go with which strategies.
    """
    from selectlab import registry

    inputs, installed = registry.inputs(), registry.strategies()
    if name is not None:
        from selectlab.console import print_page

        everything = {**inputs, **installed}
        if name.upper() not in everything:
            raise ConfigError(f"nothing is called {name!r}{did_you_mean(name, everything)}")
        print_page(everything[name.upper()])
        return
    goes_with = {
        name: [
            s for s, strategy in installed.items() if registry.fits(found.cls.kinds, strategy.cls)
        ]
        for name, found in inputs.items()
    }
    if as_json:
        groups = {"inputs": inputs, "strategies": installed}
        listed: dict[str, Any] = {
            group: {
                name: {"summary": found.summary, "package": found.package}
                for name, found in members.items()
            }
            for group, members in groups.items()
        }
        print_json({**listed, "goes_with": goes_with})
        return
    from selectlab.console import table

    rows = [(name, found.package, found.summary) for name, found in installed.items()]
    table(["strategy", "from", "what it picks"], rows)
    sources = [
        (name, found.package, found.summary, ", ".join(goes_with[name]))
        for name, found in inputs.items()
    ]
    table(["input", "from", "what it gives", "goes with"], sources)
