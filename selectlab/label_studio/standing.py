"""Where a project stands: the ledger held against the server."""

from __future__ import annotations

from dataclasses import dataclass

from selectlab.label_studio.client import Client
from selectlab.label_studio.listing import tasks_of
from selectlab.label_studio.projects import TOOL, Project
from selectlab.rounds.ledger import Ledger


@dataclass(frozen=True)
class Standing:
    """How far a project is.

    Attributes:
        project: The project.
        n_sent: Samples that were sent, as the ledger says.
        n_pending: Samples that may have arrived.
        n_tasks: Tasks on the server.
        n_annotated: Samples that somebody has annotated there.
        n_skipped: Samples that were skipped there, and not annotated.
        n_open: Sent samples that are there, neither annotated nor skipped; tasks of others and
            doubles do not count.
        n_pulled: Sent samples that have labels in the ledger.
        n_foreign: Tasks that selectlab has not made.
        missing: Samples that were sent, and have no task any more.
        unknown: Samples with a task that the ledger knows nothing of.
        doubles: Samples with several tasks.
    """

    project: Project
    n_sent: int
    n_pending: int
    n_tasks: int
    n_annotated: int
    n_skipped: int
    n_open: int
    n_pulled: int
    n_foreign: int
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    doubles: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether ledger and server say the same."""
        return not (self.n_pending or self.missing or self.unknown or self.doubles)


def standing(ledger: Ledger, client: Client, project: Project) -> Standing:
    """Hold the ledger against the server, task by task; changes nothing.

    Raises:
        DataError: The tasks cannot be listed.
    """
    sent = {*ledger.sent_ids(TOOL, project.key)}
    pending = {name for one in ledger.pending(TOOL, project.key) for name in one.sample_ids}
    there, twice, annotated, skipped = set[str](), set[str](), set[str](), set[str]()
    n_tasks = n_foreign = 0
    for task in tasks_of(client, project.id):
        n_tasks += 1
        if task.sample_id is None:
            n_foreign += 1
            continue
        if task.sample_id in there:
            twice.add(task.sample_id)
        there.add(task.sample_id)
        if task.n_annotations:
            annotated.add(task.sample_id)
        if task.n_skipped:
            skipped.add(task.sample_id)
    return Standing(
        project=project,
        n_sent=len(sent),
        n_pending=len(pending),
        n_tasks=n_tasks,
        n_annotated=len(annotated),
        n_skipped=len(skipped - annotated),
        n_open=len((sent & there) - annotated - skipped),
        n_pulled=sum(name in sent for name in ledger.labelled_ids()),
        n_foreign=n_foreign,
        missing=tuple(sorted(sent - there)),
        unknown=tuple(sorted(there - sent - pending)),
        doubles=tuple(sorted(twice)),
    )
