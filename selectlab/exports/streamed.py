"""Items that are put together a few at a time, as a writer goes through them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import IO, Any

from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.exports.image_sizes import ImageSizes
from selectlab.exports.image_urls import UrlTemplate
from selectlab.exports.items import Item
from selectlab.exports.ranked_vectors import ranked_vectors
from selectlab.exports.rankings import Ranked, Ranking, plain
from selectlab.exports.shaped import Shapes
from selectlab.inputs.image_sizes import Size
from selectlab.progress import followed
from selectlab.shapes import Task
from selectlab.tally import Tally

DOING = "exporting"
"""What is shown while samples are gone through."""
_AT_ONCE = 512


class StreamedItems:
    """Ranked samples with what a dataset knows of them; see :class:`selectlab.exports.items.Items`.

    Args:
        ranking: The samples in order.
        dataset: What is known of them; ``None`` where nothing is asked for.
        tasks: What tells their shapes.
        template: Makes the addresses of images.
        shapes: Whether image sizes, and metadata that the ranking lacks, are to be read.
        doing: What is done with them, as it is shown while it lasts.
    """

    def __init__(
        self,
        ranking: Ranking,
        dataset: Dataset | None,
        tasks: Sequence[Shapes],
        template: UrlTemplate | None = None,
        *,
        shapes: bool = True,
        doing: str = DOING,
    ) -> None:
        self._ranking, self._dataset, self._tasks = ranking, dataset, tasks
        self._doing = doing
        self._template, self._shapes = template, shapes
        self._notes: list[str] = []

    @property
    def run(self) -> str:
        """Id of the run."""
        return self._ranking.run

    @property
    def name(self) -> str:
        """What people call it."""
        return self._ranking.name

    @property
    def tasks(self) -> Sequence[Task]:
        """The tasks whose shapes go along."""
        return [shapes.task for shapes in self._tasks]

    @property
    def columns(self) -> Sequence[str]:
        """The names in the rows, in order."""
        return self._ranking.columns

    @property
    def ids(self) -> Sequence[str]:
        """The samples, best first."""
        return self._ranking.ids

    @property
    def notes(self) -> Sequence[str]:
        """What was left out when the items were last gone through, a line each."""
        return self._notes

    def __len__(self) -> int:
        return len(self._ranking.ids)

    def __iter__(self) -> Iterator[Item]:
        return followed(self._items(), len(self), self._doing, "samples")

    def _items(self) -> Iterator[Item]:
        tally, sizes = Tally(), self._sizes()
        ranked = iter(self._ranking)
        while some := list(islice(ranked, _AT_ONCE)):
            ids = [one.sample_id for one in some]
            measured = dict.fromkeys(ids) if sizes is None else sizes.of(ids)
            told = {shapes.task.name: shapes.of(measured, tally) for shapes in self._tasks}
            for one in some:
                shapes = {task: by_id.get(one.sample_id, ()) for task, by_id in told.items()}
                yield self._item(one, measured[one.sample_id], shapes)
        self._notes = tally.lines()
        if sizes is not None and sizes.unreadable:
            n, first = len(sizes.unreadable), sizes.unreadable[0]
            self._notes.append(f"images that cannot be read: {n}, first {first}")

    def _sizes(self) -> ImageSizes | None:
        wanted = self._dataset is not None and self._shapes
        return ImageSizes(self._dataset) if wanted and self._dataset is not None else None

    def _item(self, one: Ranked, size: Size | None, shapes: Mapping[str, Any]) -> Item:
        return Item(
            rank=one.rank,
            sample_id=one.sample_id,
            score=one.score,
            reason=one.reason,
            location=self._location(one),
            size=size,
            shapes=shapes,
            row=one.row,
            metadata=self._metadata(one),
        )

    def _location(self, one: Ranked) -> str | None:
        if self._template is not None:
            return self._template.of(one.sample_id)
        if self._dataset is not None:
            return self._dataset.source.uri(one.sample_id)
        uri = one.row.get("uri")
        return None if uri is None else str(uri)

    def _metadata(self, one: Ranked) -> Mapping[str, Any]:
        if one.metadata is not None:
            return one.metadata
        frame = self._frame
        if frame is None or one.sample_id not in frame.index:
            return {}

        return {str(key): plain(frame.at[one.sample_id, key]) for key in frame.columns}

    @cached_property
    def _frame(self) -> Any:
        """The metadata of samples that come without."""
        if self._dataset is None or not self._shapes:
            return None
        table = self._dataset.some_metadata(self._ranking.ids)
        return None if table is None else table.frame

    def open_image(self, sample_id: str) -> IO[bytes]:
        """Open the image of a sample.

        Raises:
            DataError: There is none, or it cannot be read.
        """
        if self._dataset is None:
            raise DataError(f"{self._ranking.where}: no image {sample_id!r} without a dataset")
        return self._dataset.source.open_image(sample_id)

    def vectors(self, space: str | None = None) -> Iterator[tuple[Sequence[str], Any]]:
        """Go through embeddings of the samples, in the order of ranks; some may have none.

        Raises:
            DataError: There are none.
        """
        if self._dataset is None:
            raise DataError(f"{self._ranking.where}: no embeddings without a dataset")
        return ranked_vectors(self._dataset, self._ranking.ids, space)
