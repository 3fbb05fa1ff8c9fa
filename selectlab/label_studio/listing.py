"""The tasks of a project as the server lists them, page by page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selectlab.errors import DataError
from selectlab.label_studio.client import Client

PAGE = 500
"""Tasks that are listed at a time."""
WHOLE_PAGE = 100
"""Tasks that are listed at a time with all that belongs to them."""

Filter = Mapping[str, Any]


@dataclass(frozen=True)
class ListedTask:
    """What the list says of a task.

    Attributes:
        id: What the server calls it.
        sample_id: The sample that selectlab made it of; ``None`` for a task of others.
        n_annotations: Annotations, those that were skipped aside.
        n_skipped: How often it was skipped.
        updated_at: When anything about it changed last, in the server's words.
        whole: All that the server told.
    """

    id: int
    sample_id: str | None
    n_annotations: int
    n_skipped: int
    updated_at: str
    whole: Mapping[str, Any]


def filtered(column: str, operator: str, kind: str, value: Any) -> Filter:
    """Return a filter of the data manager on a column."""
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}


def tasks_of(
    client: Client,
    project: int,
    filters: Sequence[Filter] = (),
    *,
    after: int = 0,
    whole: bool = False,
) -> Iterator[ListedTask]:
    """Yield the tasks of a project by id, without holding more than a page.

    Pages begin behind the last id, so that tasks that come and go meanwhile shift nothing.

    Args:
        client: The server.
        project: The project's id.
        filters: All of these have to hold.
        after: Only tasks with a larger id.
        whole: With annotations, drafts and predictions.

    Raises:
        DataError: The list cannot be read.
    """
    size = WHOLE_PAGE if whole else PAGE
    while True:
        beyond = filtered("id", "greater", "Number", after)
        query = {
            "filters": {"conjunction": "and", "items": [*filters, beyond]},
            "ordering": ["tasks:id"],
        }
        tasks, total = _page(client, project, query, size, whole)
        for task in tasks:
            if task.id <= after:
                raise DataError(f"{client.address}: lists task {task.id} again; a page was lost")
            after = task.id
            yield task
        if len(tasks) >= total or not tasks:
            return


def n_tasks(client: Client, project: int) -> int:
    """Return how many tasks a project has."""
    return _page(client, project, {}, 1, False)[1]


def newest_change(client: Client, project: int) -> str | None:
    """Return when a task of the project changed last, in the server's words."""
    tasks, _ = _page(client, project, {"ordering": ["-tasks:updated_at"]}, 1, False)
    return tasks[0].updated_at if tasks else None


def _page(
    client: Client, project: int, query: Mapping[str, Any], size: int, whole: bool
) -> tuple[list[ListedTask], int]:
    """Return a page, and how many tasks there are from its first one on."""
    params: dict[str, Any] = {
        "project": project,
        "page": 1,
        "page_size": size,
        "resolve_uri": "false",
        "query": json.dumps(query),
    }
    if whole:
        params["fields"] = "all"
    answer = client.get("/api/tasks", params)
    try:
        return [_listed(task) for task in answer["tasks"]], int(answer["total"])
    except (KeyError, TypeError, ValueError):
        raise DataError(
            f"{client.address}: /api/tasks does not answer as Label Studio 1.8 and later do"
        ) from None


def _listed(task: Mapping[str, Any]) -> ListedTask:
    sample = task["data"].get("sample_id")
    return ListedTask(
        id=int(task["id"]),
        sample_id=sample if isinstance(sample, str) else None,
        n_annotations=int(task.get("total_annotations") or 0),
        n_skipped=int(task.get("cancelled_annotations") or 0),
        updated_at=str(task["updated_at"]),
        whole=task,
    )
