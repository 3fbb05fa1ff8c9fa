"""What a format has to bring: one class with its options, found by entry point."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from selectlab.exports.items import Items
from selectlab.types import Spec


class Writer(Spec, ABC):
    """Writes ranked samples in the format of some tool.

    A subclass is one format: its fields are its options, its docstring its help. It says its name
    in a field with a default, ``type: Literal["coco"] = "coco"``.

    Attributes:
        ending: Ending of the file it writes, such as ``".csv"``; ``""`` for a folder of files.
        takes_shapes: Whether predictions are of any use to it.
    """

    type: str
    ending: ClassVar[str] = ""
    takes_shapes: ClassVar[bool] = False

    @abstractmethod
    def write(self, items: Items, out: Path) -> list[str]:
        """Write everything to ``out``, which is not there yet: a file, or a folder to make.

        ``out`` is temporary; it takes its place once everything is written. Items are to be gone
        through as a stream: a million of them must not be held.

        Args:
            items: What to write.
            out: File or folder to make.

        Returns:
            What the user should know, one line each, such as samples that lack a size.

        Raises:
            DataError: Something cannot be said in this format.
        """
