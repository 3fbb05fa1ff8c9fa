"""What every assertion is: a name, parameters, and a check of one video."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar

from pydantic import Field

from selectlab.assertions.frames import Findings, Frames
from selectlab.types import Spec

Share = Annotated[float, Field(ge=0, le=1)]
"""A number from 0 to 1, such as an IoU or a confidence."""


class Assertion(Spec, ABC):
    """A statement about a model's output that holds unless the model is wrong somewhere.

    A frozen pydantic model whose fields are its parameters in JSON. Give a subclass a ``name``
    (``name: Literal["shadow"] = "shadow"``) and register it by entry point, in the group
    ``selectlab.assertions``: the command line and the ASSERTION input then know it.

    Attributes:
        name: Its name in JSON and on the command line.
        min_score: Least confidence of a box that counts as predicted.
    """

    name: str
    min_score: Share = 0.1
    needs_video: ClassVar[bool] = True
    """Whether it compares frames with each other, so that single images say nothing."""

    @abstractmethod
    def check(self, frames: Frames, *others: Frames) -> Findings:
        """Return what is wrong in one video.

        Args:
            frames: The video.
            others: The same video as the tasks of :meth:`other_tasks` see it: same frame
                numbers, classes numbered alike.
        """

    def other_tasks(self) -> tuple[str, ...]:
        """Return the names of further prediction tasks it needs."""
        return ()

    @property
    def key(self) -> str:
        """The metadata key that its result is written under."""
        return self.name

    def describe(self) -> str:
        """Return the assertion in a few words, for messages."""
        return self.name
