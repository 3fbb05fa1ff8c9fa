"""An index of embeddings: open it, read it, look elements up, let it grow."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab.corpus import writing
from selectlab.corpus.blocks import Block, Rows
from selectlab.corpus.manifest import MANIFEST, ListsEntry, Manifest, read_manifest
from selectlab.corpus.spaces import Element, Space
from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.ids import Ids
from selectlab.inputs.files import kept_path
from selectlab.read_ahead import read_ahead
from selectlab.stored import Float32, Float64

Rows64 = npt.NDArray[np.int64]
FOLDER = "corpus"
_PLAIN = "default"


def place_of(
    dataset: Dataset,
    *,
    task: str | None = None,
    space: str | None = None,
    name: str | None = None,
) -> Path:
    """Return where the index of a dataset lies unless told otherwise, whether it is there or not.

    ``DATASET/.selectlab/corpus/NAME``, or in the user's cache where it is not there and cannot be
    written there; the name is that of the task or the further embedding space, ``default`` for the
    main embeddings.

    Raises:
        DataError: The dataset is not on this machine, or the name is no folder name.
    """
    named = name or task or space or _PLAIN
    if named.startswith(".") or set(named) & set("/\\:"):
        raise DataError(f"index name {named!r}: expected a plain folder name")
    where = dataset.source.where
    there = f"{FOLDER}/{named}/{MANIFEST}"
    manifest = None if "://" in where else kept_path(dataset.source, there)
    if manifest is None:
        raise DataError(
            f"{where}: not a folder on this machine; say where its index lies with --index DIR "
            "(folder=...)"
        )
    return Path(manifest).parent


class Corpus:
    """The vectors of many elements in one space, on the disk, with their sample ids.

    Rows are numbered in order of arrival and keep their numbers for as long as the
    :attr:`identity` stays, that is until the index is built anew. What was opened stays as it was
    when others append or rebuild meanwhile.

    Attributes:
        folder: Where it lies.

    Example:
        >>> import tempfile
        >>> data = Dataset(["b.png", "a.png"], embeddings=np.array([[0.0, 2.0], [3.0, 4.0]]))
        >>> corpus = Corpus.build(data, tempfile.mkdtemp(), space_id="by hand")
        >>> corpus.vectors_of([Element("a.png")])
        array([[0.6, 0.8]], dtype=float32)
        >>> corpus.append(Dataset(["c.png"], embeddings=np.eye(1, 2)))
        1
        >>> [element.sample_id for element in corpus.elements_at([0, 1, 2])]
        ['a.png', 'b.png', 'c.png']
    """

    def __init__(self, folder: Path, manifest: Manifest, rows: Rows) -> None:
        self.folder = folder
        self._manifest, self._rows = manifest, rows
        self._lists: Any = None

    @classmethod
    def build(
        cls,
        dataset: Dataset,
        folder: str | os.PathLike[str] | None = None,
        *,
        task: str | None = None,
        space: str | None = None,
        space_id: str | None = None,
        name: str | None = None,
        normalise: bool = True,
        rebuild: bool = False,
    ) -> Corpus:
        """Index the embeddings of a dataset, block by block.

        Args:
            dataset: Whose embeddings.
            folder: Where the index shall lie; see :func:`place_of` for the default.
            task: Index the objects of this task; ``None`` for samples as a whole.
            space: Index these further embeddings of the samples.
            space_id: Which model made the vectors, where their file does not say.
            name: Name of the index in the dataset, where no folder is given.
            normalise: Scale vectors to unit length (a zero vector stays zero).
            rebuild: Replace an index that is there. Its rows are numbered anew.

        Raises:
            DataError: Nothing says which space it is; values are NaN or infinite, ids or object
                numbers repeat; an index is there; another process writes it.
        """
        place = (
            Path(folder)
            if folder is not None
            else place_of(dataset, task=task, space=space, name=name)
        )
        writing.build(
            place,
            dataset,
            task=task,
            embeddings=space,
            space_id=space_id,
            normalise=normalise,
            rebuild=rebuild,
        )
        return cls.open(place)

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Corpus:
        """Open an index as it is now.

        Raises:
            DataError: There is none, or it is damaged.
        """
        place = Path(folder)
        while True:
            manifest = read_manifest(place)
            if manifest is None:
                raise DataError(
                    f"{place}: no index; 'selectlab index DATASET' (Corpus.build) makes one"
                )
            try:
                return cls(place, manifest, Rows.open(manifest, place))
            except DataError:
                if read_manifest(place) == manifest:
                    raise  # else it was built anew meanwhile

    def __repr__(self) -> str:
        return f"Corpus({str(self.folder)!r}, {self.n_elements} elements)"

    def __len__(self) -> int:
        return self.n_elements

    @property
    def space(self) -> Space:
        """The space of the vectors."""
        return self._manifest.space

    @property
    def embeddings(self) -> str | None:
        """Which further embeddings of the dataset are indexed; ``None`` for the main ones."""
        return self._manifest.embeddings

    @property
    def n_elements(self) -> int:
        """Number of rows."""
        return len(self._rows)

    @property
    def n_samples(self) -> int:
        """Number of samples that have an element."""
        return self._manifest.n_samples

    @property
    def n_parts(self) -> int:
        """Number of builds and appends that brought something."""
        return len(self._manifest.parts)

    @property
    def part_stops(self) -> Rows64:
        """One behind the last row of each part, (n_parts,)."""
        return np.cumsum([part.n_elements for part in self._manifest.parts], dtype=np.int64)

    def part_samples(self) -> list[Ids]:
        """Return the samples that have an element in each part, sorted."""
        return [part.ids for part in self._rows.parts]

    @property
    def generation(self) -> int:
        """Grows by one with every change."""
        return self._manifest.generation

    @property
    def identity(self) -> str:
        """Stays as long as rows keep their numbers; every build makes a new one."""
        return self._manifest.identity

    @property
    def approximate(self) -> ListsEntry | None:
        """What is known of the approximate index, its recall among it; ``None`` without one."""
        return self._manifest.lists

    def append(self, dataset: Dataset, *, space_id: str | None = None) -> int:
        """Add the elements of a dataset that are not there yet, and return their number.

        Known elements keep their rows and vectors, also when the dataset has other vectors for
        them by now, or has lost some of them; a warning tells how many.

        Args:
            dataset: The dataset that was indexed, or another one with the same embeddings.
            space_id: Which model made the vectors, where their file does not say and this was
                not said of the same dataset before.

        Raises:
            DataError: The vectors are of another space, dimension or task; otherwise as
                :meth:`build`.
        """
        added = writing.append(self.folder, dataset, space_id)
        self.refresh()
        return added

    def refresh(self) -> None:
        """See the index as it is now."""
        now = Corpus.open(self.folder)
        self._manifest, self._rows, self._lists = now._manifest, now._rows, None

    def blocks(
        self, start: int = 0, stop: int | None = None, *, n_rows: int | None = None
    ) -> Iterator[Block]:
        """Yield rows in order; the next block is read while one is worked on.

        Elements of one sample that arrived together are in one block, unless ``start`` or
        ``stop`` parts them.

        Args:
            start: First row.
            stop: One behind the last; ``None`` for all.
            n_rows: About so many rows each; 4 MB of vectors unless told otherwise.

        Raises:
            DataError: There are no such rows, or the index cannot be read.
        """
        end = self.n_elements if stop is None else stop
        if not 0 <= start <= end <= self.n_elements:
            raise DataError(f"{self.folder}: rows {start} to {end} of {self.n_elements}")
        return read_ahead(self._rows.blocks(start, end, n_rows))

    def rows_of(self, elements: Iterable[Element]) -> Rows64:
        """Return the row of each element, -1 for those that are not here."""
        wanted = list(elements)
        ids = Ids.of([element.sample_id for element in wanted])
        numbers = np.array([element.number for element in wanted], dtype=np.int64)
        return self._rows.find(ids, np.arange(len(wanted)), numbers)

    def vectors_of(self, elements: Iterable[Element]) -> Float32:
        """Return the vectors of some elements, in their order, (len, D).

        Raises:
            DataError: An element is not here; the message names the first.
        """
        wanted = list(elements)
        rows = self.rows_of(wanted)
        unknown = np.flatnonzero(rows < 0)
        if len(unknown):
            first = wanted[int(unknown[0])]
            number = f"object {first.number} of " if self.space.level == "object" else ""
            raise DataError(
                f"{self.folder}: {len(unknown)} of {len(wanted)} elements are not in the index, "
                f"first {number}{first.sample_id!r}"
            )
        return self.vectors_at(rows)

    def vectors_at(self, rows: npt.ArrayLike) -> Float32:
        """Return the vectors of some rows, in any order, (len, D)."""
        return self._rows[self._checked(rows)]

    def elements_at(self, rows: npt.ArrayLike) -> list[Element]:
        """Return the elements of some rows, in any order."""
        return [Element(*found) for found in self._rows.elements(self._checked(rows))]

    def add_approximate(self) -> None:
        """Make an approximate index of all elements; its recall is measured.

        Elements that arrive later are searched exactly until it is made again.

        Raises:
            DataError: There are fewer than 1000 elements, or another process writes the index.
            MissingExtraError: faiss is not installed.
        """
        from selectlab.corpus.lists import add_lists

        add_lists(self.folder)
        self.refresh()

    def near(self, vectors: Float32, k: int) -> tuple[Float64, Rows64]:
        """Return about the ``k`` nearest rows of each vector, by the approximate index.

        Args:
            vectors: (Q, D) float32, in the space of the index.
            k: How many.

        Returns:
            Distances (Q, k), each one exact, nearest first, ties to the lowest row, infinite where
            there is none; and rows (Q, k), -1 where there is none. How many of the true nearest are
            found is in :attr:`approximate`.

        Raises:
            DataError: There is no approximate index, or vectors are of another dimension.
            MissingExtraError: faiss is not installed.
        """
        from selectlab.corpus.lists import near, open_lists

        entry = self.approximate
        if entry is None:
            raise DataError(
                f"{self.folder}: no approximate index; 'selectlab index DATASET --approximate' "
                "(add_approximate) makes one"
            )
        queries = np.ascontiguousarray(vectors, dtype=np.float32)
        if queries.ndim != 2 or queries.shape[1] != self.space.dimension or k < 1:
            raise DataError(
                f"{self.folder}: {k} rows near vectors of shape {queries.shape}, expected 1 or "
                f"more and shape (Q, {self.space.dimension})"
            )
        if self._lists is None:
            self._lists = open_lists(self.folder / entry.file, self._rows, entry.n_probes)
        dists, rows = near(self._lists, self._rows, entry.n_elements, queries, k)
        return dists, rows.astype(np.int64)

    def _checked(self, rows: npt.ArrayLike) -> Rows64:
        index = np.asarray(rows, dtype=np.int64).reshape(-1)
        if len(index) and (index.min() < 0 or index.max() >= self.n_elements):
            raise DataError(f"{self.folder}: rows {index.min()} to {index.max()} are not all there")
        return index
