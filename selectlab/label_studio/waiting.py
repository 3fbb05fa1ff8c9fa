"""Waiting until people have labelled what was sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from selectlab.errors import DataError
from selectlab.label_studio.client import Client, NotNowError, NotThereError, UncertainError
from selectlab.label_studio.projects import Project
from selectlab.label_studio.standing import standing
from selectlab.rounds.ledger import Ledger

Answer = TypeVar("Answer")


class Patience:
    """Looks at a server again and again, and says in a line what is new.

    A server that is down, or has other things to do, is waited for; one that refuses is not.

    Args:
        client: The server.
        every_s: Time between two looks, s.
        say: Takes a line.
    """

    def __init__(self, client: Client, every_s: float, say: Callable[[str], None]) -> None:
        self._client, self._every_s, self._say = client, every_s, say
        self._said = ""

    def answer(self, question: Callable[[], Answer]) -> Answer:
        """Return what a question is answered with, once the server answers.

        Args:
            question: Asks the server; may be asked several times.

        Raises:
            DataError: The server refuses.
        """
        silent = False
        while True:
            try:
                return question()
            except (NotNowError, UncertainError) as error:
                if not silent:
                    self._tell(f"{error}; looking again every {self._every_s:g} s")
                silent = True
                asked_s = error.wait_s if isinstance(error, NotNowError) else 0.0
                self._client.pause(max(self._every_s, asked_s))

    def until_none_is_open(self, ledger: Ledger, project: Project) -> None:
        """Wait until no task is open that was sent to a project.

        Args:
            ledger: What was sent.
            project: The project.

        Raises:
            DataError: The server refuses, or the project is not there any more.
        """
        while n_open := self.answer(lambda: _n_open(ledger, self._client, project)):
            tasks, them = ("task is", "it") if n_open == 1 else ("tasks are", "them")
            self._tell(f"{n_open:,} {tasks} open; label {them} at {project.key}")
            self._client.pause(self._every_s)

    def _tell(self, line: str) -> None:
        if line != self._said:
            self._say(line)
        self._said = line


def _n_open(ledger: Ledger, client: Client, project: Project) -> int:
    """Return how many tasks of a project that is there are open."""
    try:
        client.get(f"/api/projects/{project.id}")
    except NotThereError:
        raise DataError(
            f"{client.address}: project {project.title!r}, number {project.id}, is not there any "
            "more"
        ) from None
    return standing(ledger, client, project).n_open
