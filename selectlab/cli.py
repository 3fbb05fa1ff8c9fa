"""The command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from selectlab.commands import aperturedb, campaign, imports, label_studio, labels, rounds
from selectlab.commands.assertions import assert_
from selectlab.commands.demo import demo
from selectlab.commands.embed import embed
from selectlab.commands.export import export
from selectlab.commands.frames import frames
from selectlab.commands.index import index
from selectlab.commands.installed import schema, strategies
from selectlab.commands.metrics import metrics
from selectlab.commands.options import InPanels
from selectlab.commands.predict import predict
from selectlab.commands.report import report
from selectlab.commands.select import select, validate
from selectlab.commands.studio import studio
from selectlab.errors import SelectlabError

app = typer.Typer(
    name="selectlab",
    help="Choose what to label next: a ranked selection that explains itself.",
    epilog="Start with 'selectlab demo', or 'selectlab select --help'.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line; what the user can fix is one line and exit code 2."""
    try:
        app(prog_name="selectlab")
    except SelectlabError as error:
        _refuse(str(error))
    except MemoryError as error:
        _refuse(_out_of_memory(error, sys.argv[1:]))


def _refuse(line: str) -> NoReturn:
    line = line.replace("\r", "\\r").replace("\n", "\\n")
    typer.echo(f"error: {line}", err=True)
    sys.exit(2)


def _out_of_memory(error: MemoryError, given: Sequence[str]) -> str:
    """Say what did not fit, and what a user of the command can do."""
    what = str(error).partition(" for an array")[0]
    line = f"out of memory: {what[0].lower()}{what[1:]}" if what else "out of memory"
    if "select" not in given[:1]:
        return line
    if any(word.partition("=")[0] == "--memory" for word in given):
        return f"{line}; give a smaller --memory, or free some: the machine has less than that"
    return f"{line}; --memory SIZE keeps embeddings on the disk"


def _print_version(wanted: bool) -> None:
    if wanted:
        import selectlab

        typer.echo(selectlab.__version__)
        raise typer.Exit


Version = typer.Option(
    "--version", help="Print the version.", callback=_print_version, is_eager=True
)


@app.callback()
def _options(version: Annotated[bool, Version] = False) -> None:
    pass


app.command()(predict)
app.command()(embed)
app.command("assert")(assert_)
app.add_typer(imports.app)
app.command()(frames)
app.command(cls=InPanels)(select)
app.command()(report)
app.command()(export)
app.command()(studio)
app.command()(index)
app.add_typer(campaign.app)
app.add_typer(rounds.app)
app.add_typer(labels.app)
app.add_typer(label_studio.app)
app.add_typer(aperturedb.app)
app.command(cls=InPanels)(validate)
for command in (schema, strategies, metrics, demo):
    app.command()(command)
