"""What a dataset brings to an index: its elements, sorted, and where their vectors are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab import progress
from selectlab.columns import EmbeddingTable
from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.ids import Ids, Index, narrow
from selectlab.inputs.embeddings import Embeddings, object_order
from selectlab.stored import row_hashes
from selectlab.vector_tables import split_blocks

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Arrivals:
    """Elements of a dataset, sorted by sample id and number.

    Attributes:
        table: Their vectors, and maybe others.
        ids: The ids of the dataset, sorted.
        owners: (n,) which of them each element belongs to.
        numbers: (n,) which object of its sample it is; ``None`` for samples as a whole.
        rows: (n,) the row of the table that holds its vector.
    """

    table: EmbeddingTable
    ids: Ids
    owners: Index
    numbers: Index | None
    rows: Index

    @classmethod
    def of(cls, dataset: Dataset, task: str | None, embeddings: str | None) -> Arrivals:
        """Return what EMBEDDINGS would take from a dataset, with the same checks.

        Args:
            dataset: Where from.
            task: Take the objects of this task; ``None`` for samples as a whole.
            embeddings: Take these further embeddings of the samples.

        Raises:
            DataError: There are no such embeddings, none is of a sample of the dataset, ids or
                object numbers repeat, or object numbers do not exist.
        """
        if task is not None and embeddings is not None:
            raise DataError(
                f"{dataset.source.where}: task {task!r} and space {embeddings!r} exclude each "
                "other; further spaces are those of whole samples"
            )
        table = Embeddings(task=task, space=embeddings).table(dataset)
        if task is None:
            target, _ = dataset.targets(table)
            used = np.flatnonzero(target >= 0)
            used = used[np.argsort(target[used], kind="stable")]
            rows = narrow(used, len(target))
            return cls(table, dataset.ids, target[used], None, rows)
        order = object_order(dataset, table, task)
        rows = narrow(np.empty(len(order.owners), dtype=np.intp), len(order.target))
        used = np.flatnonzero(order.target >= 0)
        rows[order.target[used]] = used
        numbers = narrow(order.numbers, int(order.numbers.max()) + 1)
        return cls(table, dataset.ids, order.owners, numbers, rows)

    def __len__(self) -> int:
        return len(self.owners)

    def take(self, which: Index) -> Arrivals:
        """Return some of the elements, in ascending order."""
        numbers = None if self.numbers is None else self.numbers[which]
        return replace(self, owners=self.owners[which], numbers=numbers, rows=self.rows[which])

    def samples(self) -> tuple[Ids, Index]:
        """Return the samples that have an element, sorted, and where their elements begin.

        The beginnings are one more than the samples; the last is the number of elements.
        """
        starts = np.flatnonzero(np.diff(self.owners, prepend=-1))
        ids = self.ids.take(self.owners[starts])
        return ids, narrow(np.append(starts, len(self)), len(self) + 1)

    def without(self) -> Ids:
        """Return the samples of the dataset that have no element."""
        lacking = np.ones(len(self.ids), dtype=np.bool_)
        lacking[self.owners] = False
        return self.ids.take(np.flatnonzero(lacking))

    def targets(self) -> Index:
        """Return the place of each vector of the table among the elements, -1 for the others."""
        target = narrow(np.full(len(self.table.ids), -1), len(self.table.ids))
        target[self.rows] = np.arange(len(self))
        return target


def hashed(table: EmbeddingTable) -> tuple[EmbeddingTable, Hashes]:
    """Return a table that notes a hash of each vector, as the file has it, while it is read.

    Returns:
        The table, and the hashes (rows of the table,), filled by a pass over its blocks.
    """
    hashes = np.zeros(len(table.ids), dtype=np.uint64)

    def blocks() -> Iterator[tuple[int, npt.NDArray[Any]]]:
        for start, block in split_blocks(table.blocks()):
            with np.errstate(over="ignore"):
                values = np.asarray(block, dtype=np.float32)
            hashes[start : start + len(block)] = row_hashes(values)
            progress.reach(start + len(block))
            yield start, block

    return replace(table, blocks=blocks), hashes
