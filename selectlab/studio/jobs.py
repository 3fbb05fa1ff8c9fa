"""Long work in the background: one thing at a time, watched, and stopped when asked."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from selectlab.errors import DataError, SelectlabError
from selectlab.progress import Progress, watched

logger = logging.getLogger(__name__)

Work = Callable[["Job"], Any]


class CancelledError(BaseException):
    """The work was told to stop; as Ctrl-C it is none of the errors that work may catch."""


class Job:
    """One thing that is done in the background.

    Args:
        number: Tells it from others.
        title: What is done, in words.

    Attributes:
        state: ``running``, ``done``, ``failed`` or ``cancelled``.
        result: What came of it, as JSON.
        error: Why it failed, one line.
    """

    def __init__(self, number: int, title: str) -> None:
        self.number, self.title = number, title
        self.state, self.result, self.error = "running", None, ""
        self._progress = Progress()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def check(self, *_: object) -> None:
        """Stop here if that was asked for; takes whatever those who report progress say.

        Raises:
            CancelledError: It was.
        """
        if self._stop.is_set():
            raise CancelledError

    def cancel(self) -> None:
        """Ask the work to stop; it does when it next says how far it is, some times a second."""
        self._stop.set()

    def start(self, work: Work) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for its end, and return whether it came."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self.state != "running"

    def to_json(self) -> dict[str, Any]:
        """Return how far it is."""
        stage = self._progress.now
        return {
            "number": self.number,
            "title": self.title,
            "state": self.state,
            "stage": stage.name,
            "line": stage.line,
            "done": stage.done,
            "total": stage.total,
            "stopping": self._stop.is_set() and self.state == "running",
            "result": self.result,
            "error": self.error,
        }

    def _run(self, work: Work) -> None:
        state = "failed"
        try:
            with watched(self.check) as self._progress:
                self.result = work(self)
            state = "done"
        except CancelledError:
            state = "cancelled"
        except SelectlabError as error:
            self.error = str(error)
        except BaseException as error:
            logger.error("%s: %s", self.title, traceback.format_exc())
            line = (str(error).splitlines() or [""])[0]
            self.error = f"{type(error).__name__}: {line}"
        finally:
            self.state = state


class Jobs:
    """The work in hand: one job at a time."""

    def __init__(self) -> None:
        self._busy = threading.Lock()
        self._job: Job | None = None
        self._next = time.time_ns() // 1_000_000
        """Numbers of jobs: a page that outlives the server does not take new ones for old ones."""

    @property
    def current(self) -> Job | None:
        """The last job, whatever became of it."""
        return self._job

    def start(self, title: str, work: Work) -> Job:
        """Begin a job.

        Raises:
            DataError: Another one is running.
        """
        with self._busy:
            if self._job is not None and self._job.state == "running":
                raise DataError(f"{self._job.title} is still running; wait for it or cancel it")
            self._job = Job(self._next, title)
            self._next += 1
            self._job.start(work)
            return self._job

    def cancel(self, number: int) -> None:
        """Ask a job to stop, if it is the one that is running."""
        if self._job is not None and self._job.number == number:
            self._job.cancel()

    def stop(self, seconds: float = 5.0) -> None:
        """Ask whatever is running to stop, and wait a little for that."""
        if self._job is not None:
            self._job.cancel()
            self._job.wait(seconds)
