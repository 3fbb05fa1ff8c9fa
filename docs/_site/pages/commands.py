"""The commands, described from what ``--help`` knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pages.words import code, plain

ASIDE = re.compile(r"([^:]{1,60}): (selectlab .*)", re.DOTALL)


@dataclass(frozen=True)
class Command:
    """A command or a group of commands.

    Attributes:
        name: What is typed behind ``selectlab``.
        depth: How many words that is.
        summary: Its first line.
        text: The rest of its help, in Markdown.
        usage: How it is called.
        panels: Names and meanings of arguments and options, by title.
    """

    name: str
    depth: int
    summary: str
    text: str
    usage: str
    panels: Mapping[str, list[tuple[str, str]]]

    @property
    def page(self) -> str:
        """The name of its page; one command is called index, as the page about all is."""
        return f"selectlab-{self.name.split()[0]}.md"

    @property
    def anchor(self) -> str:
        """Where it stands on that page."""
        return self.name.replace(" ", "-")


def command_trees() -> list[list[Command]]:
    """Return each command of the command line, with the commands below it behind it."""
    import typer

    from selectlab.cli import app

    top: Any = typer.main.get_command(app)
    context = top.make_context("selectlab", [], resilient_parsing=True)
    names = top.list_commands(context)
    return [list(_walk(top.commands[name], name, name, context, 1)) for name in names]


def _walk(command: Any, word: str, name: str, above: Any, depth: int) -> Iterator[Command]:
    """Describe a command, then those below it."""
    context = command.make_context(word, [], parent=above, resilient_parsing=True)
    summary, _, rest = (command.help or "").partition("\n\n")
    yield Command(
        name=name,
        depth=depth,
        summary=plain(" ".join(summary.split())),
        text=_paragraphs("\n\n".join(filter(None, [rest, command.epilog]))),
        usage=" ".join(command.get_usage(context).removeprefix("Usage:").split()),
        panels=_panels(command, context),
    )
    for below in command.list_commands(context) if hasattr(command, "commands") else ():
        yield from _walk(command.commands[below], below, f"{name} {below}", context, depth + 1)


def _panels(command: Any, context: Any) -> dict[str, list[tuple[str, str]]]:
    """Return arguments first, then options without a title, then those with one."""
    found: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for param in command.get_params(context):
        record = param.get_help_record(context)
        if record is None or param.name == "help":
            continue
        usual = "Arguments" if param.param_type_name == "argument" else "Options"
        title = getattr(param, "rich_help_panel", None) or usual
        found.setdefault(title, []).append((code(record[0]), plain(" ".join(record[1].split()))))
    return {title: rows for title, rows in found.items() if rows}


def _paragraphs(text: str) -> str:
    """Return help as Markdown; a command behind a colon stands in a block of its own."""
    found = []
    for paragraph in filter(str.strip, text.split("\n\n")):
        aside = ASIDE.fullmatch(paragraph.strip())
        if aside:
            found.append(f"{plain(aside[1])}:\n\n```text\n{' '.join(aside[2].split())}\n```")
        else:
            found.append(plain(paragraph))
    return "\n\n".join(found)
