"""EMBEDDINGS: vectors of samples or of their objects, and the query set to be similar to."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import model_validator
from typing_extensions import Self

from selectlab.dataset import Dataset
from selectlab.errors import DataError, did_you_mean, first_of
from selectlab.ids import Ids, narrow
from selectlab.types import Input, Kinds, Objects, Vectors
from selectlab.vector_tables import fill, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from selectlab.columns import EmbeddingTable
    from selectlab.ids import Index
    from selectlab.stored import Float32Rows
    from selectlab.types import BoolArray

EVERYTHING = "initial-tag"
"""The tag that every dataset has: all of its samples."""

CAMPAIGN = "campaign:"
"""What the tag of a campaign's seeds begins with: ``campaign:NAME`` or ``campaign:NAME@VERSION``.

Without a version it is the newest one."""


class Embeddings(Input):
    """One vector per sample, or one per object with ``task``; with ``tag_name`` also a query.

    Attributes:
        task: Take the embeddings of this task's objects instead of the samples'. A sample
            without objects has none; one whose predicted objects were not embedded is missing.
        dataset_id: Dataset the query set lies in, named in ``datasets.json`` or
            ``Dataset(datasets=...)``. An id that is named nowhere means this dataset.
        tag_name: Tag of the query samples, for SIMILARITY; ``initial-tag`` is all of them,
            ``campaign:NAME`` or ``campaign:NAME@VERSION`` the seeds of a collection campaign.
        space: A further embedding space of the samples, ``embeddings/SPACE.parquet``.
        normalize: Scale vectors to unit length.

    Cost:
        One float32 copy of the vectors, read block by block; none in memory where the run has a
        memory limit that it would burst.

    Example:
        >>> from selectlab.inputs import Embeddings
        >>> Embeddings(tag_name="queries").describe()
        "embeddings, query tag 'queries'"
    """

    kinds: ClassVar[Kinds] = (Vectors, Objects)
    type: Literal["EMBEDDINGS"] = "EMBEDDINGS"
    task: str | None = None
    dataset_id: str | None = None
    tag_name: str | None = None
    space: str | None = None
    normalize: bool = True

    @model_validator(mode="after")
    def _fields_go_together(self) -> Self:
        if self.task is not None and self.space is not None:
            raise ValueError("'task' and 'space' exclude each other: a space is one of samples")
        if self.dataset_id is not None and self.tag_name is None:
            raise ValueError("'dataset_id' needs 'tag_name', the tag of the query samples in it")
        return self

    def load(self, dataset: Dataset) -> Vectors | Objects:
        """Return the vectors of all samples, and of the query set if there is a tag.

        Raises:
            DataError: No such embeddings; values that are not finite; object indices that
                repeat or do not exist; an unknown tag, an empty query, or a query of another
                dimension or embedding space.
        """
        table = self.table(dataset)
        query, query_ids, name = self._query_set(dataset, table)
        if self.task is not None:
            vectors, offsets, missing = _objects(dataset, table, self.task, self.normalize)
            return Objects(
                vectors=vectors,
                offsets=offsets,
                missing=missing,
                query=query,
                query_ids=query_ids,
                name=name,
            )
        values, missing = dataset.vectors(table, normalize=self.normalize)
        return Vectors(
            vectors=values,
            missing=missing,
            query=query,
            query_ids=query_ids,
            name=name,
        )

    def describe(self) -> str:
        """Return whose vectors these are, in words."""
        if self.task is not None:
            text = f"embeddings of {self.task} objects"
        else:
            text = "embeddings" + (f" {self.space}" if self.space else "")
        return text + (f", query tag {self.tag_name!r}" if self.tag_name else "")

    def table(self, dataset: Dataset) -> EmbeddingTable:
        """Return the table of this input's space or task.

        Raises:
            DataError: The dataset has no such embeddings.
        """
        where = dataset.source.where
        if self.task is not None:
            table = dataset.source.object_embeddings(self.task)
            missing = (
                f"{where}: no embeddings for task {self.task!r}; expected "
                f"embeddings/{self.task}.parquet (columns sample_id, object, embedding) or "
                f"embeddings/{self.task}.npy with embeddings/{self.task}.csv"
            )
        elif self.space is not None:
            table = dataset.source.embeddings(self.space)
            missing = (
                f"{where}: no embedding space {self.space!r}; expected "
                f"embeddings/{self.space}.parquet (columns sample_id, embedding)"
            )
        else:
            table = dataset.source.embeddings(None)
            missing = (
                f"{where}: no embeddings; expected embeddings.parquet (columns sample_id, "
                "embedding) or embeddings.npy with ids.txt (one id a line); 'selectlab embed' "
                "makes some without a model"
            )
        if table is None:
            raise DataError(missing)
        return table

    def _query_set(
        self, dataset: Dataset, table: EmbeddingTable
    ) -> tuple[npt.NDArray[np.float32] | None, tuple[str, ...], str]:
        """Return query vectors (Q, D), the name of each, and what this input is called."""
        if self.tag_name is None:
            return None, (), self.describe()
        if not self.tag_name.startswith(CAMPAIGN):
            return *self._query(dataset, table), self.describe()
        from selectlab.campaigns.queries import campaign_query

        seeds = campaign_query(self, self._query_dataset(dataset), dataset, table)
        return seeds.vectors, seeds.ids, f"{self.describe()}, version {seeds.version}"

    def _query(
        self, dataset: Dataset, table: EmbeddingTable
    ) -> tuple[npt.NDArray[np.float32], tuple[str, ...]]:
        """Return the query vectors (Q, D), sorted by sample id, and the id of each."""
        other = self._query_dataset(dataset)
        here = (
            f"; dataset_id {self.dataset_id!r} is not in datasets.json, so it was looked for here"
        )
        wanted = self._query_ids(other, here if self.dataset_id and other is dataset else "")
        if self.dataset_id and other is dataset:
            warnings.warn(
                f"dataset_id {self.dataset_id!r} is named nowhere, so the query {self.tag_name!r} "
                f"is taken from this dataset; {self._name_it()}",
                stacklevel=2,
            )
        found = table if other is dataset else self.table(other)
        _same_space(table, found)
        target, owners = _sorted_targets(found, wanted.positions(found.ids))
        if self.task is None:
            _one_each(found, owners, wanted)
        if not len(owners):
            raise DataError(
                f"{found.where}: the query is empty; none of the {len(wanted)} samples of tag "
                f"{self.tag_name!r} has objects"
            )
        query = fill(found, target, len(owners), normalize=self.normalize)
        return query, tuple(wanted.take(owners))

    def _query_dataset(self, dataset: Dataset) -> Dataset:
        """Return the dataset the query set lies in."""
        if self.dataset_id is None:
            return dataset
        linked = dataset.datasets.get(self.dataset_id)
        if linked is None:
            linked = dataset.source.linked(self.dataset_id)
        if linked is None and self.tag_name == EVERYTHING and dataset.datasets:
            hint = did_you_mean(self.dataset_id, dataset.datasets)
            raise DataError(
                f"EMBEDDINGS dataset_id: {self.dataset_id!r} is not known{hint}; {self._name_it()}"
            )
        if linked is None:
            return dataset
        if isinstance(linked, Dataset):
            return linked
        from selectlab.inputs.folder import open_dataset

        return open_dataset(linked)

    def _name_it(self) -> str:
        return f"name its folder in datasets.json or with --dataset {self.dataset_id}=PATH"

    def _query_ids(self, other: Dataset, hint: str) -> Ids:
        """Return the ids of the tag, sorted, each once."""
        tag = str(self.tag_name)
        ids: Sequence[str] | None = other.source.tag(tag)
        if ids is None and tag == EVERYTHING:
            ids = other.ids
        if ids is None:
            raise DataError(f"{other.source.where}: no tag {tag!r}{_tag_hint(other, tag)}{hint}")
        wanted = Ids.of(ids).sorted_unique()
        if not wanted:
            raise DataError(f"{other.source.where}: the query is empty; tag {tag!r} has no ids")
        other.rows_of(wanted, f"{other.source.where}: tag {tag!r}")
        return wanted


def _tag_hint(dataset: Dataset, tag: str) -> str:
    """Return a near-miss hint, from the source's list of tags where it keeps one."""
    known = dataset.source.tags()
    return did_you_mean(tag, [*known, EVERYTHING]) + f" (expected tags/{tag}.txt, one id a line)"


def _same_space(table: EmbeddingTable, query: EmbeddingTable) -> None:
    """Refuse a query that cannot be compared with the pool."""
    if query.dimension != table.dimension:
        raise DataError(
            f"{query.where}: query vectors have {query.dimension} dimensions, those of "
            f"{table.where} have {table.dimension}"
        )
    if query.space and table.space and query.space != table.space:
        raise DataError(
            f"{query.where}: the query lies in embedding space {query.space!r}, "
            f"{table.where} in {table.space!r}; embed both with the same model"
        )


def _sorted_targets(table: EmbeddingTable, owner: Index) -> tuple[Index, Index]:
    """Return where each vector of a table goes when sorted by owner, then object index.

    Args:
        table: The vectors.
        owner: New row of the sample of each vector; -1 leaves it out.

    Returns:
        The target of each vector (-1 left out), and the owner of each target.
    """
    used = np.flatnonzero(owner >= 0)
    if table.objects is None:
        used = used[np.argsort(owner[used], kind="stable")]
    else:
        used = used[np.lexsort((table.objects[used], owner[used]))]
    target = narrow(np.full(len(owner), -1), len(owner))
    target[used] = np.arange(len(used))
    return target, owner[used]


def _one_each(table: EmbeddingTable, owners: Index, wanted: Sequence[str]) -> None:
    """Refuse a query in which a sample has no vector, or several."""
    times = np.bincount(owners, minlength=len(wanted))
    none = [wanted[int(at)] for at in np.flatnonzero(times == 0)]
    if none:
        raise DataError(
            f"{table.where}: no row for {len(none)} of {len(wanted)} query samples, "
            f"first {none[0]!r}"
        )
    again = [wanted[int(at)] for at in np.flatnonzero(times > 1)]
    if again:
        raise DataError(
            f"{table.where}: duplicate ids, {first_of(again, len(wanted))} of the query"
        )


def _objects(
    dataset: Dataset, table: EmbeddingTable, task: str, normalize: bool
) -> tuple[Float32Rows, npt.NDArray[np.int64], BoolArray | None]:
    """Return the object vectors in row order, their offsets, and the rows that lack them."""
    order = object_order(dataset, table, task)
    embedded = np.bincount(order.owners, minlength=len(dataset))
    vectors = load(table, order.target, len(order.owners), normalize=normalize)
    offsets = np.concatenate([[0], np.cumsum(embedded)]).astype(np.int64)
    missing = None if order.predicted is None else (embedded == 0) & (order.predicted > 0)
    return vectors, offsets, missing if missing is not None and missing.any() else None


@dataclass(frozen=True)
class ObjectOrder:
    """The embedded objects of a task, sorted by sample and object index.

    Attributes:
        target: Where each vector of the table goes; -1: its sample is not in the dataset.
        owners: (M,) the row of each object's sample.
        numbers: (M,) its object index.
        predicted: (N,) the number of objects predicted of each sample; ``None`` if not known.
    """

    target: Index
    owners: Index
    numbers: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.int64] | None


def object_order(dataset: Dataset, table: EmbeddingTable, task: str) -> ObjectOrder:
    """Return the order of a table of objects.

    Raises:
        DataError: There are no object indices; some are negative, repeat or do not exist; no
            sample is in the dataset.
    """
    if table.objects is None:
        raise DataError(f"{table.where}: no column 'object' (index into the predictions)")
    owner = dataset.ids.positions(table.ids)
    target, owners = _sorted_targets(table, owner)
    if not len(owners):
        raise DataError(
            f"{table.where}: none of its {len(owner)} ids is in the dataset; "
            f"it has {table.ids[0]!r}, the dataset {dataset.ids[0]!r}"
            if len(owner)
            else f"{table.where}: no rows"
        )
    objects = np.empty(len(owners), dtype=np.int64)
    objects[target[target >= 0]] = table.objects[target >= 0]
    predicted = dataset.predictions(task).counts() if task in dataset.source.tasks() else None
    _check_indices(dataset, table, owners, objects, predicted)
    return ObjectOrder(target, owners, objects, predicted)


def _check_indices(
    dataset: Dataset,
    table: EmbeddingTable,
    owners: Index,
    objects: npt.NDArray[np.int64],
    predicted: npt.NDArray[np.int64] | None,
) -> None:
    """Refuse object indices that are negative, repeat, or lie beyond the predictions."""
    negative = objects < 0
    if negative.any():
        at = int(np.argmax(negative))
        raise DataError(
            f"{table.where}: object {objects[at]} of {dataset.ids[owners[at]]!r} is negative"
        )
    again = (owners[1:] == owners[:-1]) & (objects[1:] == objects[:-1])
    if again.any():
        at = int(np.argmax(again))
        raise DataError(
            f"{table.where}: object {objects[at]} of {dataset.ids[owners[at]]!r} occurs twice"
        )
    beyond = objects >= predicted[owners] if predicted is not None else np.zeros(1, dtype=bool)
    if predicted is not None and beyond.any():
        at = int(np.argmax(beyond))
        raise DataError(
            f"{table.where}: object {objects[at]} of {dataset.ids[owners[at]]!r} does not exist; "
            f"its predictions have {predicted[owners[at]]} objects, counted from 0"
        )
