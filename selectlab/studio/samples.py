"""The samples of a dataset as a gallery shows them: filtered, sorted, a page at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from selectlab.errors import ConfigError, DataError, did_you_mean
from selectlab.studio.attributes import Attributes

if TYPE_CHECKING:
    from selectlab.dataset import Dataset

MOST = 500
"""The longest page."""
_KEPT = 16


@dataclass(frozen=True)
class Query:
    """Which samples, in which order.

    Attributes:
        id: Part of the id, in upper or lower case.
        where: Conditions that all hold, as campaigns have them: ``weather=rainy``, ``det:car>=2``.
        tag: Only samples of this tag.
        sort: Key of :class:`~selectlab.studio.attributes.Attributes`; ids, where there is none.
        descending: Largest first.
    """

    id: str = ""
    where: tuple[str, ...] = ()
    tag: str = ""
    sort: str = ""
    descending: bool = False


class Samples:
    """All samples of a dataset, looked through.

    Args:
        dataset: The dataset.

    Attributes:
        attributes: What they can be sorted by.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self.attributes = Attributes(dataset)
        self._orders: OrderedDict[Query, npt.NDArray[np.intp]] = OrderedDict()
        self._guard, self._reading = threading.Lock(), threading.Lock()

    @cached_property
    def ids(self) -> list[str]:
        """All ids in the order of rows."""
        return list(self._dataset.ids)

    def rows(self, query: Query) -> npt.NDArray[np.intp]:
        """Return the rows that a query gives, in its order.

        Raises:
            ConfigError: A condition, tag or key means nothing.
        """
        with self._guard:
            if query in self._orders:
                self._orders.move_to_end(query)
                return self._orders[query]
        if not (query.where or query.sort):
            found = self._found(query)
        else:  # may read every file of predictions, once; what is known already need not wait
            with self._reading:
                found = self._found(query)
        if not query.tag:  # tags may be written at any time
            with self._guard:
                self._orders[query] = found
                while len(self._orders) > _KEPT:
                    self._orders.popitem(last=False)
        return found

    def page(self, query: Query, offset: int, limit: int) -> dict[str, Any]:
        """Return some of the samples that a query gives, and how many there are."""
        rows = self.rows(query)
        shown = rows[offset : offset + min(limit, MOST)].tolist()
        column = self.attributes.column(query.sort) if query.sort else None
        items = [
            {"id": self._dataset.ids[row], "value": None if column is None else column.at(row)}
            for row in shown
        ]
        return {"total": len(rows), "offset": offset, "items": items}

    def beside(self, query: Query, sample_id: str) -> tuple[str | None, str | None]:
        """Return the samples before and after one in the order of a query."""
        rows = self.rows(query)
        there = np.flatnonzero(rows == self.row(sample_id))
        if not len(there):
            return None, None
        at = int(there[0])
        before = self._dataset.ids[int(rows[at - 1])] if at else None
        after = self._dataset.ids[int(rows[at + 1])] if at + 1 < len(rows) else None
        return before, after

    def row(self, sample_id: str) -> int:
        """Return the row of a sample.

        Raises:
            DataError: The dataset has none of this id.
        """
        row = self._dataset.rows.get(sample_id)
        if row is None:
            raise DataError(f"{sample_id!r}: no such sample")
        return row

    def known(self, ids: Iterable[str]) -> list[str]:
        """Return those of some ids that are in the dataset."""
        return [one for one in ids if one in self._dataset.rows]

    def _found(self, query: Query) -> npt.NDArray[np.intp]:
        rows = np.arange(len(self._dataset), dtype=np.intp)
        if query.id:
            part = query.id.lower()
            rows = np.array(
                [row for row, name in enumerate(self.ids) if part in name.lower()], dtype=np.intp
            )
        if query.where:
            from selectlab.campaigns.conditions import Condition, samples_where

            read = [Condition.parse(text) for text in query.where]
            rows = rows[samples_where(self._dataset, read)[rows]]
        if query.tag:
            rows = rows[np.isin(rows, self._tagged(query.tag))]
        if query.sort:
            column = self.attributes.column(query.sort)
            return column.order(rows, descending=query.descending)
        return rows[::-1] if query.descending else rows

    def _tagged(self, name: str) -> npt.NDArray[np.intp]:
        known = self._dataset.source.tags()
        if name not in known:
            raise ConfigError(f"samples: no tag is called {name!r}{did_you_mean(name, known)}")
        found = self._dataset.ids.positions(list(self._dataset.source.tag(name) or ()))
        return np.asarray(found[found >= 0], dtype=np.intp)
