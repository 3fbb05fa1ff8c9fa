"""Sending a ranking to a project: every sample once, whatever happens on the way."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlab.errors import ConfigError, DataError
from selectlab.exports.items import Item, Items
from selectlab.exports.label_studio import task_of
from selectlab.exports.label_studio_config import IMAGE, label_config
from selectlab.label_studio.arrivals import (
    SETTLE_S,
    Settled,
    remove_doubles,
    settle,
    tasks_by_sample,
)
from selectlab.label_studio.client import Client, TooLargeError, UncertainError
from selectlab.label_studio.images import LocalFiles, Storages
from selectlab.label_studio.listing import n_tasks, tasks_of
from selectlab.label_studio.projects import (
    TOOL,
    Project,
    check_tools,
    find_project,
    make_project,
)
from selectlab.locks import held
from selectlab.rounds.ledger import Ledger
from selectlab.tally import Tally

if TYPE_CHECKING:
    from selectlab.dataset import Dataset

BATCH = 100
"""Tasks that are sent at a time."""
_TRIES = 3
_PAUSE_S = 5.0
_SENT_AGAIN = "samples sent again, as the project has no task of them any more"
_GONE = "samples sent before whose tasks are gone; --resend-missing sends them again"

TaskJson = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """Which project to send to.

    Attributes:
        title: What it is called; it is made where no project is.
        number: Its id; goes before the title.

    Raises:
        ConfigError: Neither is given.
    """

    title: str | None = None
    number: int | None = None

    def __post_init__(self) -> None:
        if not self.title and self.number is None:
            raise ConfigError("--project: say what the project is called, or give --project-id")


@dataclass(frozen=True)
class Pushed:
    """What a push has done, in samples.

    Attributes:
        project: Where they are; ``None`` if a dry run found no project of that title.
        made: Whether the project is new.
        n_samples: In the ranking.
        n_before: Sent before, so not again.
        n_found: Found there, of an earlier push that was cut off or whose ledger is gone.
        n_sent: Sent now; with a dry run, those that would be.
        n_doubles: Tasks that were there twice and are removed.
        notes: What the user should know, one line each.
        too_large: Samples whose task alone is larger than the server takes; they were not sent,
            and a later push tries them again.
    """

    project: Project | None
    made: bool
    n_samples: int
    n_before: int
    n_found: int
    n_sent: int
    n_doubles: int
    notes: tuple[str, ...]
    too_large: tuple[str, ...] = ()


def push(
    items: Items,
    dataset: Dataset,
    ledger: Ledger,
    client: Client,
    target: Target,
    *,
    files: LocalFiles | None = None,
    batch: int = BATCH,
    settle_s: float = SETTLE_S,
    resend_missing: bool = False,
    dry_run: bool = False,
) -> Pushed:
    """Send what a project does not have yet.

    The ledger notes every batch before it goes out and after it has arrived. A push that was cut
    off anywhere is finished by the next one, which looks first what has arrived.

    Args:
        items: The ranking.
        dataset: What it ranks.
        ledger: What was sent before.
        client: The server.
        target: The project.
        files: Images that the server reads from its disk; ``None`` if they have URLs.
        batch: Tasks to send at a time.
        settle_s: How long to wait for what a server may still be working on, s.
        resend_missing: Send samples of the ranking again that were sent before and whose tasks
            the project no longer has.
        dry_run: Look, and change nothing, neither there nor in the ledger.

    Raises:
        DataError: The server cannot be reached, refuses or fails, or another push is at work; the
            message says how much was sent.
    """
    label_config(items.tasks)
    if dry_run:
        project = _found(client, target, items)
        return _looked(items, ledger, client, project, files, resend_missing=resend_missing)
    with _alone(dataset, client):
        project = _found(client, target, items)
        made = project is None
        if project is None:
            assert target.title is not None
            project = make_project(client, target.title, items.tasks)
        sending = _Push(items, ledger, client, project, files, batch, settle_s)
        return sending.done(made=made, resend_missing=resend_missing)


def _alone(dataset: Dataset, client: Client) -> AbstractContextManager[None]:
    """Keep other pushes of a dataset to a server waiting outside."""
    folder = dataset.source.cache_folder() or tempfile.gettempdir()
    about = f"{dataset.source.where}\n{client.address}".encode()
    place = Path(folder, f"label-studio-{blake2b(about, digest_size=8).hexdigest()}.lock")
    return held(
        place,
        lambda pid: DataError(
            f"{dataset.source.where}: process {pid} is pushing to {client.address}; let it finish"
        ),
    )


def _found(client: Client, target: Target, items: Items) -> Project | None:
    """Return the project, if it is there, and has the tools for all shapes."""
    project = find_project(client, target.title, target.number)
    if project is not None:
        check_tools(project, items.tasks)
    return project


def _looked(
    items: Items,
    ledger: Ledger,
    client: Client,
    project: Project | None,
    files: LocalFiles | None,
    *,
    resend_missing: bool,
) -> Pushed:
    """Return what a push would do."""
    sent, gone, n_before, n_new = set[str](), set[str](), 0, 0
    tally = Tally()
    if project is not None:
        sent = {*ledger.sent_ids(TOOL, project.key)}
        there = tasks_by_sample(client, project) if sent else {}
        gone = sent.difference(there)
        resend_missing = resend_missing or not there
        for one in ledger.pending(TOOL, project.key):
            what = "samples of an earlier push that may have arrived"
            tally.add(what, repr(one.sample_ids[0]), len(one.sample_ids))
    for item in items:
        if item.sample_id in gone:
            tally.add(_SENT_AGAIN if resend_missing else _GONE, repr(item.sample_id))
        if item.sample_id in sent and not (resend_missing and item.sample_id in gone):
            n_before += 1
        elif _task_json(item, items, files, tally) is not None:
            n_new += 1
    notes = (*tally.lines(), *getattr(items, "notes", ()))
    return Pushed(project, False, len(items), n_before, 0, n_new, 0, notes)


def _task_json(item: Item, items: Items, files: LocalFiles | None, tally: Tally) -> TaskJson | None:
    """Return a sample as a task; ``None`` if nobody knows where its image is."""
    if not item.location:
        tally.add("samples left out as nobody knows where their image is", repr(item.sample_id))
        return None
    task = task_of(item, items.tasks, items.run, tally)
    if files is not None:
        task["data"][IMAGE] = files.address(item.location)
    return task


class _Push:
    """One push to a project that is there."""

    def __init__(
        self,
        items: Items,
        ledger: Ledger,
        client: Client,
        project: Project,
        files: LocalFiles | None,
        batch: int,
        settle_s: float,
    ) -> None:
        self._items, self._ledger, self._client = items, ledger, client
        self._project, self._files = project, files
        self._storages = Storages(client, project.id, files) if files is not None else None
        self._size, self._largest, self._grows = batch, batch, False
        self._settle_s = settle_s
        self._tally = Tally()
        self._gone = set[str]()
        self._before: list[str] = []
        self._too_large: list[str] = []
        self._n_found = self._n_sent = self._n_blind = 0

    def done(self, *, made: bool, resend_missing: bool) -> Pushed:
        """Send everything and say what was done."""
        try:
            if self._ledger.pending(TOOL, self._project.key):
                self._n_found += self._settled().n_arrived
            self._forget_what_is_gone()
            if resend_missing:
                self._gone = self._missing(tasks_by_sample(self._client, self._project))
            waiting: list[TaskJson] = []
            for task in self._new_tasks():
                waiting.append(task)
                if len(waiting) >= self._size:
                    self._deliver(waiting)
                    waiting = []
            self._deliver(waiting)
            self._refuse_if_blind()
            there = tasks_by_sample(self._client, self._project)
            n_doubles, notes = remove_doubles(self._client, self._ledger, self._project, there)
            self._count_the_gone(there)
        except DataError as error:
            raise DataError(
                f"{error}; {self._n_sent} tasks were sent to {self._project.title!r}, the same "
                "command goes on from there"
            ) from None
        return Pushed(
            project=self._project,
            made=made,
            n_samples=len(self._items),
            n_before=len(self._before),
            n_found=self._n_found,
            n_sent=self._n_sent,
            n_doubles=n_doubles,
            notes=(*self._tally.lines(), *notes, *getattr(self._items, "notes", ())),
            too_large=tuple(self._too_large),
        )

    def _forget_what_is_gone(self) -> None:
        """Let everything be sent anew if the project is empty: the server was set up anew."""
        sent = self._ledger.sent_ids(TOOL, self._project.key)
        if sent and not n_tasks(self._client, self._project.id):
            self._ledger.lost(TOOL, self._project.key, sent)
            self._tally.add(
                "samples sent again, as the project has no task any more", repr(sent[0]), len(sent)
            )

    def _missing(self, there: Iterable[str]) -> set[str]:
        """Return what the ledger has as sent, and the project no longer has."""
        return {*self._ledger.sent_ids(TOOL, self._project.key)}.difference(there)

    def _count_the_gone(self, there: Iterable[str]) -> None:
        """Count samples of the ranking that stay as they are, and whose tasks are gone."""
        gone = self._missing(there)
        for sample in self._before:
            if sample in gone:
                self._tally.add(_GONE, repr(sample))

    def _new_tasks(self) -> Iterator[TaskJson]:
        """Yield the tasks of samples that the project does not have."""
        sent = {*self._ledger.sent_ids(TOOL, self._project.key)}
        there = {} if sent else self._there()
        for item in self._items:
            if item.sample_id in sent and item.sample_id not in self._gone:
                self._before.append(item.sample_id)
                continue
            task = _task_json(item, self._items, self._files, self._tally)
            if task is None:
                self._n_blind += 1
                continue
            known = there.get((item.sample_id, task["data"][IMAGE]))
            if known is not None:
                batch = self._ledger.begin_sending(TOOL, self._project.key, [item.sample_id])
                self._ledger.sent(batch, {item.sample_id: known})
                self._n_found += 1
                continue
            if self._storages is not None:
                self._storages.serve(str(item.location))
            yield task

    def _refuse_if_blind(self) -> None:
        """Refuse a ranking of which no image can be shown."""
        seen = self._n_sent or self._n_found or self._before or self._too_large
        if self._n_blind and not seen:
            raise DataError(
                f"{self._items.name}: nobody knows where the images of its {self._n_blind} samples "
                "are; give a dataset that has them, or --image-url"
            )

    def _there(self) -> dict[tuple[str, str], int]:
        """Return tasks by sample and image, of a project that the ledger knows nothing of."""
        return {
            (task.sample_id, task.whole["data"].get(IMAGE)): task.id
            for task in tasks_of(self._client, self._project.id)
            if task.sample_id is not None
        }

    def _deliver(self, tasks: Sequence[TaskJson]) -> None:
        """Send tasks, in parts that are not too large for the server.

        A task that is too large alone is left out. Behind it the parts grow again: it may have
        been the only one.
        """
        while tasks:
            part = tasks[: self._size]
            try:
                self._deliver_part(part)
                if self._grows:
                    self._size = min(2 * self._size, self._largest)
            except TooLargeError:
                self._grows = len(part) == 1
                if not self._grows:
                    self._size = len(part) // 2
                    continue
                self._too_large.append(part[0]["data"]["sample_id"])
            tasks = tasks[len(part) :]

    def _deliver_part(self, part: Sequence[TaskJson]) -> None:
        """Send tasks; after a failure those that have not arrived, a few times."""
        for attempt in range(1, _TRIES + 1):
            try:
                self._import(part)
                return
            except UncertainError as error:
                settled = self._settled()
                self._n_sent += settled.n_arrived
                part = [task for task in part if task["data"]["sample_id"] in settled.missing]
                if not part:
                    return
                if attempt == _TRIES:
                    raise DataError(str(error)) from None
                self._client.pause(_PAUSE_S * attempt)

    def _settled(self) -> Settled:
        return settle(self._client, self._ledger, self._project, self._settle_s)

    def _import(self, part: Sequence[TaskJson]) -> None:
        """Send tasks once.

        Raises:
            UncertainError: Nobody knows whether they have arrived; the ledger has them as pending.
            TooLargeError: They are too large together.
            DataError: The server does not take them.
        """
        samples = [task["data"]["sample_id"] for task in part]
        again = self._gone.intersection(samples)
        if again:
            self._ledger.lost(TOOL, self._project.key, again)
            self._gone -= again
            self._tally.add(_SENT_AGAIN, repr(min(again, key=samples.index)), len(again))
        batch = self._ledger.begin_sending(TOOL, self._project.key, samples)
        where = f"/api/projects/{self._project.id}/import"
        try:
            told = self._client.send("POST", where, part, {"return_task_ids": "true"})
        except UncertainError:
            raise
        except DataError:
            self._ledger.withdraw(batch)
            raise
        ids = told.get("task_ids") if isinstance(told, dict) else None
        if not isinstance(ids, list) or len(ids) != len(samples):
            raise UncertainError(f"{self._client.address}: does not say which tasks it has made")
        self._ledger.sent(batch, dict(zip(samples, ids, strict=True)))
        self._n_sent += len(samples)
