"""The project that tasks are sent to: found by its title, or made, with what it lets label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selectlab.errors import DataError
from selectlab.exports.label_studio_config import controls_of, label_config
from selectlab.label_studio.client import Client, NotThereError, UncertainError
from selectlab.shapes import Task

TOOL = "label-studio"
"""What the ledger calls Label Studio."""
MADE_BY = "Made by selectlab."
"""Description of projects that selectlab makes."""
_PAGE = 100
_LOOKS = 10
_LOOK_EVERY_S = 1.0

Offered = Mapping[str, tuple[str, frozenset[str]]]
"""Tools of a labelling interface by name: the type of their results, and the labels to choose."""


@dataclass(frozen=True)
class Project:
    """A project on a server.

    Attributes:
        id: What the server calls it.
        title: What people call it.
        key: What the ledger calls it: no other project of any server is meant.
        tools: What it lets label.
    """

    id: int
    title: str
    key: str
    tools: Offered


def find_project(client: Client, title: str | None, number: int | None = None) -> Project | None:
    """Return a project by its id, or the one of a title; ``None`` where no project has it.

    Raises:
        DataError: There is no project of this id, or several have the title.
    """
    if number is not None:
        try:
            return _project(client, client.get(f"/api/projects/{number}"))
        except NotThereError:
            raise DataError(f"--project-id: {client.address} has no project {number}") from None
    found = [entry for entry in _listed(client) if entry.get("title") == title]
    if len(found) > 1:
        found = [entry for entry in found if not _is_left_over(entry)] or found[:1]
    if len(found) > 1:
        numbers = ", ".join(str(entry["id"]) for entry in found)
        raise DataError(
            f"--project: {client.address} has {len(found)} projects called {title!r}; say which "
            f"one with --project-id: {numbers}"
        )
    return _project(client, client.get(f"/api/projects/{found[0]['id']}")) if found else None


def make_project(client: Client, title: str, tasks: Sequence[Task]) -> Project:
    """Make a project.

    Args:
        client: The server.
        title: What to call it.
        tasks: What it shall let label.

    Raises:
        DataError: The server refuses or fails.
    """
    body = {"title": title, "label_config": label_config(tasks), "description": MADE_BY}
    try:
        return _project(client, client.send("POST", "/api/projects", body))
    except UncertainError:
        for _ in range(_LOOKS):
            client.pause(_LOOK_EVERY_S)
            made = find_project(client, title)
            if made is not None:
                return made
        raise


def check_tools(project: Project, tasks: Sequence[Task]) -> None:
    """Refuse a project in which the shapes of some tasks cannot be shown.

    Raises:
        DataError: A tool or a category is missing.
    """
    where = f"project {project.title!r}"
    for tool in (tool for task in tasks for tool in controls_of(task).values()):
        kind, labels = project.tools.get(tool.name, ("", frozenset[str]()))
        if kind != tool.type:
            there = ", ".join(f"{name} ({what})" for name, (what, _) in project.tools.items())
            raise DataError(
                f"{where}: its labelling interface has no {tool.name!r} ({tool.type}), it has "
                f"{there or 'nothing'}; nothing was sent; push to a new project, or add it there"
            )
        missing = [label for label in tool.labels if label not in labels]
        if missing:
            raise DataError(
                f"{where}: {tool.name!r} of its labelling interface lacks {len(missing)} of "
                f"{len(tool.labels)} categories, first {missing[0]!r}; nothing was sent; add them "
                "there, or push to a new project"
            )


def changed_categories(project: Project, tasks: Sequence[Task]) -> list[str]:
    """Say which categories the project and the dataset do not share, a line for each tool.

    Tasks that the project has no tool for are not compared.
    """
    lines = []
    for tool in (tool for task in tasks for tool in controls_of(task).values()):
        kind, labels = project.tools.get(tool.name, ("", frozenset[str]()))
        if kind != tool.type:
            continue
        where = f"{tool.name!r} of project {project.title!r}"
        if added := sorted(labels - set(tool.labels)):
            lines.append(f"{where} has categories that the dataset lacks: {_listed_names(added)}")
        if removed := sorted(set(tool.labels) - labels):
            lines.append(f"{where} lacks categories of the dataset: {_listed_names(removed)}")
    return lines


def _listed_names(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:5]))
    return shown if len(names) <= 5 else f"{shown}, ... ({len(names)} in all)"


def _project(client: Client, told: Any) -> Project:
    try:
        number, title, parsed = int(told["id"]), str(told["title"]), told["parsed_label_config"]
        tools = {
            str(name): (str(tag["type"]).lower(), frozenset(map(str, tag.get("labels") or ())))
            for name, tag in (parsed or {}).items()
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _not_label_studio(client) from None
    return Project(number, title, f"{client.address}/projects/{number}", tools)


def _listed(client: Client) -> Iterator[Mapping[str, Any]]:
    """Yield all projects, those with the lowest ids first."""
    page, found = 1, list[Mapping[str, Any]]()
    while True:
        answer = client.get("/api/projects", {"page": page, "page_size": _PAGE})
        try:
            found += answer["results"]
            total = int(answer["count"])
        except (KeyError, TypeError, ValueError):
            raise _not_label_studio(client) from None
        if len(found) >= total or not answer["results"]:
            yield from sorted(found, key=lambda entry: int(entry["id"]))
            return
        page += 1


def _is_left_over(entry: Mapping[str, Any]) -> bool:
    """Whether a project is ours and empty: of a push that was cut off while it made one."""
    return entry.get("description") == MADE_BY and not entry.get("task_number")


def _not_label_studio(client: Client) -> DataError:
    return DataError(f"{client.address}: /api/projects does not answer as Label Studio does")
