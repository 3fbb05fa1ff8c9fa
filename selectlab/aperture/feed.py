"""Rows on their way through the client's loader, and what became of each."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from selectlab.aperture.logs import first_line

OK, EXISTS = 0, 2
"""Statuses of a command: done; there already."""


class Rows(Protocol):
    """A table of the client: rows as queries and blobs."""

    def __len__(self) -> int:
        """Return the number of rows."""
        ...

    def __getitem__(self, row: int) -> Any:
        """Return commands and blobs of a row."""
        ...


class StoppedError(Exception):
    """The loader is to do no more; it takes an error for that, batch by batch."""


class Feed:
    """Gives rows to the client's loader, batch by batch, and listens to the answers.

    The loader logs errors and goes on, batch after batch. Here it gets nothing more once a batch
    went out and no answer came. A batch that the server refused is noted: one bad row spoils all
    others in it, so that each is worth another try alone.

    Args:
        data: The rows.
        rows: Which of them.
        indexed: Whether the loader is to make indexes for the properties that ids are found by.
        patience: Refusals after which to give up, as long as no row was accepted.

    Attributes:
        added: Rows that the database took.
        existed: Rows that it had already.
        refused: Why it did not take a row, by row.
        again: Rows to be tried alone.
    """

    def __init__(
        self, data: Rows, rows: Iterable[int], *, indexed: bool = False, patience: int | None = None
    ) -> None:
        self._data, self._rows = data, list(rows)
        self._indexed, self._patience = indexed, patience
        self._thread, self._lock = threading.local(), threading.Lock()
        self._stopped = False
        self.added: set[int] = set()
        self.existed: set[int] = set()
        self.refused: dict[int, str] = {}
        self.again: list[int] = []

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, which: int | slice) -> Any:
        """Return a row that shows how a query looks, or a batch."""
        return self._batch(which) if isinstance(which, slice) else self._example()

    def get_indices(self) -> Mapping[str, Any]:
        """Return the indexes that the loader is to make."""
        found: Mapping[str, Any] = self._data.get_indices() if self._indexed else {}  # type: ignore[attr-defined]
        return found

    def stop(self) -> None:
        """Give out no more batches."""
        self._stopped = True

    @property
    def is_complete(self) -> bool:
        """Whether something became of every row."""
        n_done = len(self.added) + len(self.existed) + len(self.refused) + len(self.again)
        return n_done == len(self._rows)

    @property
    def is_hopeless(self) -> bool:
        """Whether the server refused row after row and took none."""
        if self._patience is None or self.added or self.existed:
            return False
        return len(self.refused) >= self._patience

    def _example(self) -> Any:
        """Return a row that can be read."""
        for row in self._rows:
            try:
                return self._data[row]
            except Exception as error:
                self._refuse([row], first_line(error))
        raise StoppedError

    def _batch(self, which: slice) -> list[Any]:
        waiting = getattr(self._thread, "waiting", None)
        if waiting:
            self._stopped = True
        if self._stopped or self.is_hopeless:
            raise StoppedError
        batch, sent = [], []
        for row in self._rows[which]:
            if row in self.refused:
                continue
            try:
                batch.append(self._data[row])
            except Exception as error:
                self._refuse([row], first_line(error))
            else:
                sent.append(row)
        if not batch:
            raise StoppedError
        self._thread.waiting = deque(sent)
        return batch

    def response_handler(
        self, query: Any, blobs: Any, response: Sequence[Mapping[str, Any]], found: Any
    ) -> None:
        """Take note of the answer to a row of a batch that was carried out."""
        row = self._thread.waiting.popleft()
        answers = [answer for command in response for answer in command.values()]
        status = answers[-1].get("status")
        with self._lock:
            if status == OK:
                self.added.add(row)
            elif status == EXISTS:
                self.existed.add(row)
            else:
                self.refused[row] = reason_in(response)

    def error_handler(self, query: Any, response: Any, blobs: Any) -> None:
        """Take note of a batch that was refused as a whole."""
        rows, self._thread.waiting = list(self._thread.waiting), deque()
        if len(rows) == 1:
            self._refuse(rows, reason_in(response))
        else:
            with self._lock:
                self.again += rows

    def _refuse(self, rows: Iterable[int], why: str) -> None:
        with self._lock:
            self.refused.update(dict.fromkeys(rows, why))


def reason_in(response: Any) -> str:
    """Return what the server says of a command that failed, in a line.

    Example:
        >>> reason_in([{"FindImage": {"status": 0}}, {"AddImage": {"status": -1, "info": "bad"}}])
        'bad'
    """
    for answer in answers_in(response):
        status = answer.get("status")
        if status not in (OK, EXISTS):
            info = str(answer.get("info") or "").strip().splitlines()
            return info[0] if info else f"status {status}"
    return "an answer that makes no sense"


def answers_in(response: Any) -> list[Mapping[str, Any]]:
    """Return the answers to commands, or the one to all of them."""
    if isinstance(response, Mapping):
        if "status" in response:
            return [response]
        return [answer for answer in response.values() if isinstance(answer, Mapping)]
    if isinstance(response, Sequence) and not isinstance(response, str):
        return [answer for command in response for answer in answers_in(command)]
    return []
