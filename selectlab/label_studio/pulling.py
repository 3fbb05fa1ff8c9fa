"""Fetching what people labelled since the last time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import TYPE_CHECKING

from selectlab import progress
from selectlab.errors import DataError
from selectlab.label_studio.client import Client
from selectlab.label_studio.listing import ListedTask, filtered, newest_change, tasks_of
from selectlab.label_studio.parts import Part, PartLabels, parts_of, place_of_task
from selectlab.label_studio.projects import TOOL, Project, changed_categories
from selectlab.labels.label import Label
from selectlab.labels.label_studio import label_of
from selectlab.labels.matching import Mismatch, match
from selectlab.labels.placement import note_outside
from selectlab.rounds.ledger import Ledger
from selectlab.rounds.records import Counts
from selectlab.shapes import Task
from selectlab.tally import Tally

if TYPE_CHECKING:
    from selectlab.dataset import Dataset

OVERLAP = timedelta(minutes=10)
"""What changed this long before the last pull is looked at again: a change is seen only after the
moment that it bears."""
_AT_ONCE = 100


@dataclass(frozen=True)
class Pulled:
    """What a pull has brought.

    Attributes:
        project: Where it comes from.
        n_tasks: Tasks that changed since the last time, and were looked at.
        labels: What became of the labels.
        n_deleted: Labels that are gone: all annotations of their task were deleted or skipped.
        mismatches: Labels of which nobody can say what sample they are about.
        notes: What the user should know, one line each.
    """

    project: Project
    n_tasks: int
    labels: Counts
    n_deleted: int
    mismatches: tuple[Mismatch, ...]
    notes: tuple[str, ...]


def pull(
    ledger: Ledger,
    client: Client,
    project: Project,
    dataset: Dataset,
    *,
    task: str = "",
    again: bool = False,
) -> Pulled:
    """Bring what was labelled since the last pull into the ledger.

    The server tells what changed since, page by page, by its own clock. The moment up to where
    that goes is noted together with the last labels: a pull that breaks off is made up for by the
    next one.

    Args:
        ledger: Takes the labels.
        client: The server.
        project: The project.
        dataset: The samples.
        task: The prediction task that the labels are about. Default: all that they fit, or in a
            project for several tasks the one that their tool is for.
        again: Look at everything, not only at what changed.

    Raises:
        ConfigError: The dataset has no such task, or it is of another kind than the labels.
        DataError: The server cannot be reached, refuses or fails.
    """
    since = None if again else ledger.watermark(TOOL, project.key)
    until = _up_to(client, project)
    filters = [filtered("total_annotations", "greater", "Number", 0)]
    if since is not None:
        moment = _text(_moment(since, client) - OVERLAP)
        filters = [filtered("updated_at", "greater", "Datetime", moment)]
    elif again:
        filters = []
    progress.stage("looking at tasks")
    known = tasks_in(dataset)
    taken = _Taken(ledger, project, dataset, parts_of(project, known, task))
    listed = tasks_of(client, project.id, filters, whole=True)
    while page := list(islice(listed, _AT_ONCE)):
        taken.take(page)
        progress.reach(taken.n_tasks)
    if until is not None:
        ledger.add_labels(project.key, (), TOOL, project.key, until)
    changed = changed_categories(project, known)
    return Pulled(
        project, taken.n_tasks, taken.counts, taken.n_deleted, tuple(taken.mismatches),
        (*taken.tally.lines(), *changed),
    )  # fmt: skip


def tasks_in(dataset: Dataset) -> list[Task]:
    """Return the prediction tasks of a dataset, with their categories."""
    from selectlab.exports.shaped import TaskShapes

    return [TaskShapes(dataset, name, None, 0.0).task for name in dataset.source.tasks()]


def _up_to(client: Client, project: Project) -> str | None:
    """Return the moment up to which what is listed from now on is complete.

    That is the newest change, by the clock that stamps changes, unless its moment is still to
    come: one wrong stamp must not hide what happens until then.
    """
    newest = newest_change(client, project.id)
    if newest is None or client.time is None:
        return newest
    return _text(min(_moment(newest, client), client.time))


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _moment(text: str, client: Client) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise DataError(f"{client.address}: {text!r} is no time") from None
    return moment.astimezone(timezone.utc)


class _Taken:
    """Takes pages of tasks into the ledger, and counts."""

    def __init__(
        self, ledger: Ledger, project: Project, dataset: Dataset, parts: Sequence[Part]
    ) -> None:
        self._ledger, self._project, self._dataset, self._parts = ledger, project, dataset, parts
        self.n_tasks = self.n_deleted = 0
        self.counts, self.tally = Counts(), Tally()
        self.mismatches: list[Mismatch] = []

    def take(self, page: Sequence[ListedTask]) -> None:
        """Take the labels of a page, and remove those that are gone."""
        annotated = [task for task in page if task.n_annotations]
        labels = self._labels_of(annotated)
        note_outside(labels, self.tally)
        bare = {task.sample_id for task in page if task.sample_id and not task.n_annotations}
        gone = sorted(bare - {label.sample_id for label in labels})
        if gone:
            self.n_deleted += self._ledger.remove_labels(gone, TOOL, self._project.key)
        key, outdated = self._project.key, self._outdated(labels)
        self._count(self._ledger.add_labels(key, labels, TOOL, key, instead_of=outdated))
        self.n_tasks += len(page)
        for task in annotated:
            label_of(task.whole, place_of_task(self._project, task), self.tally)

    def _labels_of(self, tasks: Sequence[ListedTask]) -> list[Label]:
        """Return the labels of all parts; what matches no sample is listed once."""
        labels, mismatches = list[Label](), dict[Mismatch, None]()
        for part in self._parts:
            given = PartLabels(self._project, part, tasks, alone=len(self._parts) == 1)
            matched = match(given, self._dataset, part.name)
            labels += matched.labels
            mismatches.update(dict.fromkeys(matched.mismatches))
        self.mismatches += mismatches
        return labels

    def _outdated(self, labels: Sequence[Label]) -> set[str]:
        """Return samples with labels of this project whose annotations are gone, beside others.

        They are newer than what is there now, or about something that nobody says any more.
        """
        fresh = {_key(label): label.labelled_at for label in labels}
        outdated = set[str]()
        for label in self._ledger.labels({label.sample_id for label in labels}):
            if label.source != self._project.key:
                continue
            now = fresh.get(_key(label))
            if now is None or (label.labelled_at is not None and label.labelled_at > now):
                outdated.add(label.sample_id)
        return outdated

    def _count(self, counts: Counts) -> None:
        held = self.counts
        self.counts = replace(
            held,
            new=held.new + counts.new,
            replaced=held.replaced + counts.replaced,
            unchanged=held.unchanged + counts.unchanged,
            older=held.older + counts.older,
        )


def _key(label: Label) -> tuple[str, str, str]:
    """Return what a newer label replaces."""
    return label.sample_id, label.task, label.kind
