"""Neighbours by an inverted file of faiss: candidates only, distances are recomputed elsewhere.

faiss decides who is looked at, so everything that decides is run with one thread of faiss's own
on fixed blocks, in threads of ours: the result is the same however many there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from selectlab import threads
from selectlab.errors import MissingExtraError
from selectlab.nearest.space import Float32, Index, blocks_of, read, spread

_SEED = 1234
_POINTS_PER_LIST = 64
_SEARCH_ROWS = 4096


def installed() -> bool:
    """Return whether faiss is there, without importing it."""
    return find_spec("faiss") is not None


class InvertedFile:
    """Vectors in lists around centroids; a search looks into the nearest lists.

    Args:
        vectors: (N, D) float32, read by blocks.
        memory: Most bytes the index should take, if that matters: above, vectors are kept in
            8 bits a number.

    Attributes:
        n_lists: Number of lists.
        n_probes: Number of lists a search looks into; may be changed.

    Raises:
        MissingExtraError: faiss is not installed.

    Cost:
        One copy of the vectors, or a quarter of one.
    """

    def __init__(self, vectors: Any, memory: int | None = None) -> None:
        if not installed():
            raise MissingExtraError(
                "TYPICALITY: approximate neighbours need faiss, which is not installed; "
                "pip install 'selectlab[faiss]'"
            )
        faiss: Any = import_module("faiss")
        n_vectors, dimension = vectors.shape
        self._vectors = vectors
        self.n_lists: int = 2 ** round(math.log2(max(2.0, 2 * math.sqrt(n_vectors))))
        while self.n_lists * 2 > n_vectors:
            self.n_lists //= 2
        fits = memory is None or vectors.shape[0] * dimension * 4 <= memory // 2
        self._kind = "Flat" if fits else "SQ8"
        self._index: Any = faiss.index_factory(dimension, f"IVF{self.n_lists},{self._kind}")
        self._index.cp.seed = _SEED
        self._index.cp.max_points_per_centroid = _POINTS_PER_LIST
        self._index.cp.min_points_per_centroid = 1
        self.n_probes = 8
        with _one_thread():
            wanted = min(n_vectors, self.n_lists * _POINTS_PER_LIST)
            self._index.train(read(vectors, spread(n_vectors, wanted)))
        self._fill()

    @property
    def name(self) -> str:
        """The index as faiss would call it, and how many lists are looked into."""
        return f"IVF{self.n_lists},{self._kind},nprobe={self.n_probes}"

    @property
    def most_probes(self) -> int:
        """Number of lists a search may look into before it had better be exact."""
        return min(self.n_lists, max(16, self.n_lists // 32))

    def search(self, rows: Index, k: int) -> Index:
        """Return the numbers of about the ``k`` nearest of some of the vectors, (R, k).

        Fewer than that were found where there is -1.
        """
        return self._search(len(rows), lambda part: read(self._vectors, rows[part]), k)

    def near(self, queries: Float32, k: int) -> Index:
        """Return the numbers of about the ``k`` vectors nearest to some others, (Q, k).

        Fewer than that were found where there is -1.
        """
        return self._search(len(queries), lambda part: read(queries, part), k)

    def save(self, path: str) -> None:
        """Write the index to a file, for :meth:`open`."""
        faiss: Any = import_module("faiss")
        faiss.write_index(self._index, path)

    @classmethod
    def open(cls, path: str, vectors: Any, n_probes: int) -> InvertedFile:
        """Return an index that was saved; its lists are mapped into memory, not read."""
        faiss: Any = import_module("faiss")
        found = cls.__new__(cls)
        found._index = faiss.read_index(path, faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
        found._vectors, found.n_probes = vectors, n_probes
        found.n_lists = found._index.nlist
        found._kind = "Flat" if isinstance(found._index, faiss.IndexIVFFlat) else "SQ8"
        return found

    def _search(self, n_rows: int, values: Callable[[slice], Float32], k: int) -> Index:
        found = np.empty((n_rows, k), dtype=np.intp)
        self._index.nprobe = self.n_probes

        def work(part: slice) -> None:
            with _one_thread():
                found[part] = self._index.search(values(part), k)[1]

        threads.over(threads.cut(n_rows, _SEARCH_ROWS), work)
        return found

    def _fill(self) -> None:
        """Put all vectors into their lists, in order."""
        tools: Any = import_module("faiss.contrib.ivf_tools")

        def assign(part: slice) -> Any:
            with _one_thread():
                return self._index.quantizer.search(read(self._vectors, part), 1)[1][:, 0]

        blocks = blocks_of(self._vectors)
        for part, lists in zip(blocks, threads.over(blocks, assign), strict=True):
            with _one_thread():
                tools.add_preassigned(self._index, read(self._vectors, part), lists)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Hold faiss at one thread in this thread of ours."""
    faiss: Any = import_module("faiss")
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
