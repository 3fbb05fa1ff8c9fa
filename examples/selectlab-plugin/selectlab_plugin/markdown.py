"""markdown: a table for an issue, a wiki or a chat."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import ClassVar, Literal

from selectlab.exports.items import Item, Items
from selectlab.exports.writer import Writer

__all__ = ["Markdown"]


class Markdown(Writer):
    """A table in Markdown: rank, sample, why it was picked, and what the model saw in it.

    Attributes:
        title: The heading; by default the name of the run.
        images: Show the images; they have to lie where whoever reads it can load them
            (``--image-url``).
    """

    type: Literal["markdown"] = "markdown"
    ending: ClassVar[str] = ".md"
    takes_shapes: ClassVar[bool] = True
    title: str | None = None
    images: bool = False

    def write(self, items: Items, out: Path) -> list[str]:
        """Write the file, sample by sample."""
        lacking = 0
        with out.open("w", encoding="utf-8", newline="\n") as file:
            file.write(f"# {_cell(self.title or items.name)}\n\n")
            file.write(f"{len(items)} samples of run `{items.run}`.\n\n")
            file.write("| rank | sample | why | seen |\n|---:|---|---|---|\n")
            for item in items:
                cells = (str(item.rank), self._sample(item), _cell(item.reason), _seen(item))
                file.write(f"| {' | '.join(cells)} |\n")
                lacking += self.images and item.location is None
        return [f"{lacking} images are shown nowhere: give --image-url"] if lacking else []

    def _sample(self, item: Item) -> str:
        name = _cell(item.sample_id)
        if not self.images or item.location is None:
            return name
        return f"{name}<br>![{item.rank}](<{_cell(item.location)}>)"


def _seen(item: Item) -> str:
    """Return how many objects of each category there are, the most frequent first."""
    found = Counter(shape.category for shapes in item.shapes.values() for shape in shapes)
    return ", ".join(f"{n} {_cell(category)}" for category, n in found.most_common())


def _cell(text: str) -> str:
    """Return text that stays within a cell."""
    return " ".join(text.split()).replace("|", "\\|")
