"""Where seeds come from: ids, an earlier selection, a filter, vectors, or a folder of images."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from selectlab.campaigns.conditions import Condition, samples_where
from selectlab.campaigns.element_names import parsed
from selectlab.campaigns.seeds import Seeds
from selectlab.columns import EmbeddingTable
from selectlab.corpus import Corpus, place_of
from selectlab.corpus.manifest import MANIFEST
from selectlab.corpus.spaces import Element, Space
from selectlab.errors import ConfigError, DataError
from selectlab.selection import Selection
from selectlab.vector_tables import fill

if TYPE_CHECKING:
    from selectlab.dataset import Dataset

_WEIGHTS = "@sha256:"


@dataclass(frozen=True)
class Pool:
    """A dataset and its index: what seeds can be named in.

    Attributes:
        dataset: What is known of its samples.
        corpus: Their vectors.
    """

    dataset: Dataset
    corpus: Corpus

    def named(self, ids: Iterable[Any]) -> Seeds:
        """Return the seeds of some ids: sample ids, ``ID#NUMBER`` or ``(id, number)`` of objects.

        Raises:
            ConfigError: One is none of these.
            DataError: One is not in the index; there are none.
        """
        elements, samples = parsed(ids, self.corpus.space.level)
        return self._seeds([*elements, *self._elements(samples)])

    def selected(self, selection: Selection | str | os.PathLike[str]) -> Seeds:
        """Return the seeds of what an earlier run selected: the run, its folder, or a list.

        Raises:
            DataError: It cannot be read, names nothing, or names what is not in the index.
        """
        if isinstance(selection, Selection):
            return self.named(selection.ids)
        return self.named(_picks(Path(selection)))

    def where(self, conditions: Sequence[str]) -> Seeds:
        """Return the seeds of the samples that all conditions hold for.

        Of the objects of the index' own task those count that a condition asks for: ``det:car``
        gives the cars.

        Raises:
            ConfigError: A condition is none, or does not fit the dataset.
            DataError: They hold for no sample; a sample is not in the index.
        """
        read = [Condition.parse(text) for text in conditions]
        holds = samples_where(self.dataset, read)
        if not holds.any():
            told = " and ".join(repr(text) for text in conditions)
            raise DataError(f"where: none of {len(self.dataset)} samples has {told}")
        task = self.corpus.space.task
        names = [name for one in read if task for name in one.categories(self.dataset, task)]
        found = list(self.dataset.ids.take(np.flatnonzero(holds)))
        return self._seeds(self._elements(found, names))

    def everything(self) -> Seeds:
        """Return all elements as seeds."""
        return self._seeds(self.corpus.elements_at(range(len(self.corpus))))

    def _elements(self, samples: Sequence[str], names: Sequence[str] = ()) -> list[Element]:
        """Return the elements of samples: themselves, or their objects in the index.

        Args:
            samples: Sample ids.
            names: Only objects of these categories; of all, where there are none.
        """
        space = self.corpus.space
        if space.level == "frame" or not samples:
            return [Element(sample_id) for sample_id in samples]
        where = self.dataset.source.where
        if space.task not in self.dataset.source.tasks():
            raise DataError(
                f"{where}: no predictions of task {space.task!r} to find the objects of "
                f"{samples[0]!r} in; name them as {samples[0]}#0, {samples[0]}#1, ..."
            )
        task = self.dataset.predictions(space.task)
        wanted = {task.names.index(name) for name in names}
        elements = []
        for sample_id, row in zip(samples, self.dataset.rows_of(samples, "seeds"), strict=True):
            first, stop = task.offsets[row], task.offsets[row + 1]
            for number, category in enumerate(task.category[first:stop].tolist()):
                if not wanted or category in wanted:
                    elements.append(Element(sample_id, number))
        there = self.corpus.rows_of(elements) >= 0
        return [element for element, known in zip(elements, there, strict=True) if known]

    def _seeds(self, elements: Iterable[Element]) -> Seeds:
        wanted = sorted(set(elements))
        if not wanted:
            raise DataError(f"{self.corpus.folder}: no seeds; expected at least one element of it")
        return Seeds(self.corpus.space, tuple(wanted), self.corpus.vectors_of(wanted))


@dataclass(frozen=True)
class SeedSource:
    """What a user gives as seeds: exactly one of the first five.

    Attributes:
        ids: Sample ids; of objects ``ID#NUMBER``, ``(id, number)``, or the id for all of them.
        selection: An earlier run, its folder, or a text file with one id a line.
        where: Conditions, all of which have to hold.
        vectors: (S, D) array, or an ``.npy`` file.
        images: Folder of images.
        other: The dataset that ids, selection or where are about, if it is another one.
        space_id: The space of the vectors, or of the embeddings of the other dataset.
        model: Weights to embed images with.
    """

    ids: Iterable[Any] | None = None
    selection: Selection | str | os.PathLike[str] | None = None
    where: str | Sequence[str] | None = None
    vectors: Any = None
    images: str | os.PathLike[str] | None = None
    other: Dataset | str | os.PathLike[str] | None = None
    space_id: str | None = None
    model: str | None = None

    def seeds(self, dataset: Dataset, corpus: Corpus) -> Seeds:
        """Return them.

        Args:
            dataset: What they are about, unless there is another one.
            corpus: What they are to be compared with.

        Raises:
            ConfigError: It is not exactly one source; one is not as it should be.
            DataError: They are not to be had, or of another space.
        """
        self._check_one()
        if self.vectors is not None:
            return of_vectors(self.vectors, corpus.space, space_id=self.space_id)
        if self.images is not None:
            with images_pool(Path(self.images), corpus.space, self.model) as pool:
                return pool.everything()
        with self._pool(dataset, corpus) as pool:
            if self.selection is not None:
                return pool.selected(self.selection)
            if self.ids is not None:
                return pool.named([self.ids] if isinstance(self.ids, str) else self.ids)
            where = self.where or ()
            return pool.where([where] if isinstance(where, str) else where)

    def _check_one(self) -> None:
        kinds = ("ids", "selection", "where", "vectors", "images")
        given = [kind for kind in kinds if getattr(self, kind) is not None]
        if len(given) != 1:
            told = " and ".join(given) or "none"
            raise ConfigError(f"seeds: expected one of {', '.join(kinds)}; got {told}")
        goes_with = {
            "other": ("seeds_from", ("ids", "selection", "where")),
            "model": ("model", ("images",)),
        }
        for name, (said, partners) in goes_with.items():
            if getattr(self, name) is not None and given[0] not in partners:
                raise ConfigError(f"{said}: goes with {', '.join(partners)}, not with {given[0]}")

    @contextmanager
    def _pool(self, dataset: Dataset, corpus: Corpus) -> Iterator[Pool]:
        """Give the dataset that the seeds are in, with its index."""
        if self.other is None:
            yield Pool(dataset, corpus)
            return
        from selectlab.inputs.folder import open_dataset

        given = self.other
        other = open_dataset(given) if isinstance(given, str | os.PathLike) else given
        where = other.source.where
        with dataset_pool(other, corpus.space, where, space_id=self.space_id) as pool:
            yield pool


def of_vectors(
    vectors: Any, space: Space, where: str = "vectors", *, space_id: str | None
) -> Seeds:
    """Return vectors as seeds, named by their place: ``queries.npy[0]``.

    Args:
        vectors: (S, D) array, or the path of an ``.npy`` file.
        space: What they are to be compared with.
        where: What they are called, if they are no file.
        space_id: The space they are in; never guessed.

    Raises:
        ConfigError: It is not said which space they are in.
        DataError: They are no matrix, of another space or dimension, or not finite; a file
            cannot be read.
    """
    if isinstance(vectors, str | os.PathLike):
        where = Path(vectors).name
        vectors = _read(Path(vectors))
    if space_id is None:
        raise ConfigError(
            f"{where}: say which embedding space the vectors are in: --space-id (space_id=...); "
            f"the index has {space.name!r}"
        )
    values = np.asarray(vectors)
    if values.ndim != 2 or values.dtype.kind not in "fiu" or not len(values):
        raise DataError(
            f"{where}: expected a matrix of numbers, a row for each seed, got {values.dtype} of "
            f"shape {values.shape}"
        )
    given = Space(space_id, values.shape[1], space.level, space.task, space.normalised)
    space.check(given, where)
    names = [f"{where}[{row}]" for row in range(len(values))]
    table = EmbeddingTable(where, names, space.dimension, lambda: [(0, values)])
    scaled = fill(table, np.arange(len(values)), len(values), normalize=space.normalised)
    return Seeds(space, tuple(map(Element, names)), scaled)


@contextmanager
def images_pool(folder: Path, space: Space, model: str | None) -> Iterator[Pool]:
    """Embed the images and videos of a folder as ``selectlab predict --embed`` does.

    Args:
        folder: Images, videos, or one of them.
        space: What they are to be compared with.
        model: Weights; ``None`` for those that the name of the space tells.

    Raises:
        ConfigError: The model is not known or not to be had, or is another than the index'.
        DataError: The index holds objects; a file cannot be read.
        MissingExtraError: ultralytics is not installed.
    """
    if space.level != "frame":
        raise DataError(
            f"{folder}: images give embeddings of whole frames, the index holds {space.elements}"
        )
    weights = model if model is not None else _model_of(space)
    from selectlab.inputs.folder import open_dataset
    from selectlab.video.prediction import predict

    with TemporaryDirectory(prefix="selectlab-seeds-") as place:
        outcome = predict([folder], out=place, model=weights, embed=True)
        if outcome.failed:
            raise DataError(f"{folder}: {next(iter(outcome.failed.values()))}")
        with dataset_pool(open_dataset(place), space, str(folder)) as pool:
            yield pool


@contextmanager
def dataset_pool(
    dataset: Dataset, space: Space, where: str, *, space_id: str | None = None
) -> Iterator[Pool]:
    """Give another dataset, indexed for the time being where it has no index of its own.

    Args:
        dataset: The seeds are among its samples.
        space: What they are to be compared with.
        where: What the dataset is called, for messages.
        space_id: The space of its embeddings, where no file of it tells.

    Raises:
        DataError: Its embeddings are of another space.
    """
    task = space.task or None
    own = None if dataset.source.cache_folder() is None else place_of(dataset, task=task)
    if own is not None and os.path.exists(own / MANIFEST):
        corpus = Corpus.open(own)
        space.check(corpus.space, where)
        yield Pool(dataset, corpus)
        return
    with TemporaryDirectory(prefix="selectlab-seeds-") as place:
        corpus = Corpus.build(
            dataset, place, task=task, space_id=space_id, normalise=space.normalised
        )
        space.check(corpus.space, where)
        yield Pool(dataset, corpus)


def _model_of(space: Space) -> str:
    """Return the weights that a space is named after, as ``selectlab predict`` names spaces."""
    name, weights, _ = space.name.partition(_WEIGHTS)
    if not weights:
        raise ConfigError(
            f"images: the embedding space {space.name!r} does not tell which model made it; name "
            "its weights with --model (model=...)"
        )
    return f"{name}.pt"


def _picks(path: Path) -> Sequence[str]:
    """Return the ids that a run selected, or those of a text file."""
    from selectlab.config import read_json
    from selectlab.inputs.sample_ids import unique_id_lines
    from selectlab.writers import PICKS

    try:
        if not path.is_dir():
            return unique_id_lines(path.read_bytes(), str(path))
        return [pick["sample_id"] for pick in read_json(path / PICKS)["selected"]]
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (KeyError, TypeError) as error:
        raise DataError(f"{path}: its {PICKS} is not one that a run has written") from error


def _read(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False, mmap_mode="r")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, EOFError) as error:
        raise DataError(f"{path}: no .npy file of numbers ({error})") from error
