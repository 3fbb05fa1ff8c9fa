"""The campaigns of a dataset: everything that the command line does, for Python."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlab.campaigns import exports, refining
from selectlab.campaigns.checks import checked_name, checked_target, checked_threshold
from selectlab.campaigns.clusters import Clusters
from selectlab.campaigns.collecting import Collected, OnBatch, collect
from selectlab.campaigns.element_names import parsed, sample_of
from selectlab.campaigns.places import corpus_in
from selectlab.campaigns.records import DEFAULT_THRESHOLD, Campaign, Counts, Hit, Run, Version
from selectlab.campaigns.refining import RankedHit, Refined
from selectlab.campaigns.seed_sources import SeedSource
from selectlab.campaigns.seeds import Seeds
from selectlab.campaigns.surveying import survey
from selectlab.campaigns.takers import Order
from selectlab.corpus import Corpus, place_of
from selectlab.corpus.spaces import Element, Space
from selectlab.dataset import Dataset
from selectlab.errors import ConfigError, DataError
from selectlab.store_place import store_place

if TYPE_CHECKING:
    from selectlab.campaigns.store import Store
    from selectlab.selection import Selection

UNSENT = ("new", "accepted")
"""What is exported unless somebody says otherwise: all that was neither discarded nor exported."""


@dataclass(frozen=True)
class Details:
    """All about a campaign.

    Attributes:
        campaign: Its settings.
        counts: Collected samples by status.
        versions: Oldest first.
        runs: Oldest first.
        rate: Collected share of what the newest version has looked at in the index that the
            campaign was collected from last, 0 to 1.
        uncommitted: The seeds are not those of the newest version.
    """

    campaign: Campaign
    counts: Counts
    versions: tuple[Version, ...]
    runs: tuple[Run, ...]
    rate: float
    uncommitted: bool


class Campaigns:
    """The collection campaigns of a dataset.

    Every call opens the store, does its work and closes it: any number of processes may use the
    same campaigns.

    Args:
        dataset: A :class:`~selectlab.dataset.Dataset`, or the folder of one.
        store: File or ``postgresql://`` URL. Default: ``$SELECTLAB_STORE``, else
            ``.selectlab/campaigns.db`` in the dataset.
        corpus: An index, or the folder of one. Default: those in the dataset's folder, each
            campaign using the one of its embedding space.

    Attributes:
        dataset: The dataset.
        store_place: Where the campaigns are kept; may hold a password.

    Raises:
        DataError: There is no such dataset or index, or the dataset is in memory and no store is
            given.

    Example:
        >>> import tempfile, numpy as np
        >>> folder = tempfile.mkdtemp()
        >>> line = np.array([[0.0], [2.0], [1.0], [9.0]])
        >>> data = Dataset(["a", "b", "c", "d"], embeddings=line)
        >>> index = Corpus.build(data, f"{folder}/index", space_id="line", normalise=False)
        >>> campaigns = Campaigns(data, store=f"{folder}/campaigns.db", corpus=index)
        >>> campaigns.create("low", ids=["a", "b"]).version
        1
        >>> [found] = campaigns.collect()
        >>> found.n_new, [hit.sample_id for hit in campaigns.hits("low")]
        (1, ['c'])
    """

    def __init__(
        self,
        dataset: Dataset | str | os.PathLike[str],
        store: str | os.PathLike[str] | None = None,
        corpus: Corpus | str | os.PathLike[str] | None = None,
    ) -> None:
        if not isinstance(dataset, Dataset):
            from selectlab.inputs.folder import open_dataset

            dataset = open_dataset(dataset)
        if corpus is not None and not isinstance(corpus, Corpus):
            corpus = Corpus.open(corpus)
        self.dataset = dataset
        self.store_place, self._corpus = store_place(dataset, store), corpus

    def create(
        self,
        name: str,
        *,
        ids: Iterable[Any] | None = None,
        selection: Selection | str | os.PathLike[str] | None = None,
        where: str | Sequence[str] | None = None,
        vectors: Any = None,
        images: str | os.PathLike[str] | None = None,
        seeds_from: Dataset | str | os.PathLike[str] | None = None,
        task: str | None = None,
        threshold: float = DEFAULT_THRESHOLD,
        space_id: str | None = None,
        model: str | None = None,
    ) -> Campaign:
        """Start a campaign and commit its seeds as version 1. Exactly one source of seeds is given.

        Args:
            name: What it shall be called.
            ids: Sample ids; of objects ``ID#NUMBER``, ``(id, number)``, or the id for all of them.
            selection: An earlier run, its folder, or a text file with one id a line.
            where: Conditions that all have to hold, such as ``"weather=rainy"``, ``"det:car>=2"``.
            vectors: (S, D) array or ``.npy`` file; needs ``space_id``.
            images: A folder of images, embedded as ``selectlab predict --embed`` does.
            seeds_from: The dataset that ids, selection or where are about, if it is another one.
            task: Collect objects of this task; ``None`` for whole samples.
            threshold: The lowest score to collect, 0 to 1.
            space_id: Which space ``vectors``, or the embeddings of ``seeds_from``, are in.
            model: Weights to embed images with. Default: those the space is named after.

        Raises:
            ConfigError: The name, a condition or the threshold is none; the name ends as a version
                does, in ``@`` and digits; not exactly one source.
            DataError: There is a campaign of this name; there is no index; seeds are not in it,
                or of another embedding space.
            MissingExtraError: Images need ultralytics.
        """
        checked_name(name)
        checked_threshold(threshold, f"campaign {name!r}")
        corpus = self._index(task)
        source = SeedSource(
            ids, selection, where, vectors, images, seeds_from, space_id=space_id, model=model
        )
        seeds = source.seeds(self.dataset, corpus)
        clusters = Clusters.of(seeds.vectors)
        with self.opened(read_only=False) as store:
            return store.create(name, seeds, clusters, threshold=threshold)

    def get(self, name: str) -> Details:
        """Return all about a campaign.

        Raises:
            DataError: There is none of this name.
        """
        with self._reading() as store:
            campaign, versions = store.campaign(name), store.versions(name)
            uncommitted = not versions or store.seeds(name).digest != versions[-1].digest
            rate = store.rate(versions[-1]) if versions else 0.0
            return Details(
                campaign, store.counts(name), tuple(versions), tuple(store.runs(name)), rate,
                uncommitted,
            )  # fmt: skip

    def set_threshold(self, name: str, threshold: float) -> Campaign:
        """Set from which score on a campaign collects, where a call does not say."""
        with self._changing(name) as store:
            return store.set_threshold(name, threshold)

    def activate(self, name: str) -> Campaign:
        """Let a campaign take part in ``collect`` again."""
        with self._changing(name) as store:
            return store.set_active(name, True)

    def deactivate(self, name: str) -> Campaign:
        """Leave a campaign out of ``collect``; nothing of it is lost."""
        with self._changing(name) as store:
            return store.set_active(name, False)

    def seeds(self, name: str, version: int | None = None) -> Seeds:
        """Return the seeds as they are now, or those of a version."""
        with self._reading() as store:
            if version is None:
                return store.seeds(name)
            return store.snapshot(store.version(name, version))[0]

    def add_seeds(
        self,
        name: str,
        *,
        ids: Iterable[Any] | None = None,
        selection: Selection | str | os.PathLike[str] | None = None,
        where: str | Sequence[str] | None = None,
        vectors: Any = None,
        images: str | os.PathLike[str] | None = None,
        seeds_from: Dataset | str | os.PathLike[str] | None = None,
        space_id: str | None = None,
        model: str | None = None,
    ) -> int:
        """Add seeds, from the same sources as :meth:`create`, and return how many are new.

        They count from the next :meth:`commit` on.
        """
        with self._reading() as store:
            space = store.campaign(name).space
        corpus = self._index_of(space, f"campaign {name!r}")
        source = SeedSource(
            ids, selection, where, vectors, images, seeds_from, space_id=space_id, model=model
        )
        seeds = source.seeds(self.dataset, corpus)
        with self._changing(name) as store:
            return store.add_seeds(name, seeds)

    def remove_seeds(self, name: str, ids: Iterable[Any]) -> int:
        """Take seeds out, and return how many; they count until the next :meth:`commit`.

        Args:
            name: The campaign.
            ids: Sample ids, or ``ID#NUMBER`` or ``(id, number)``; an id alone means all seeds of
                the sample.

        Raises:
            DataError: One is no seed; nothing has changed then.
        """
        with self._changing(name) as store:
            elements, samples = parsed(ids, "object")
            held = store.seeds(name).elements
            for sample_id in samples:
                of_it = [element for element in held if element.sample_id == sample_id]
                elements += of_it or [Element(sample_id)]
            exact = set(held)
            for at, element in enumerate(elements):
                whole = Element(f"{element.sample_id}#{element.number}")
                elements[at] = whole if element not in exact and whole in exact else element
            return store.remove_seeds(name, elements)

    def commit(self, name: str) -> Version:
        """Make the seeds the newest version; unchanged ones make no other.

        Raises:
            DataError: There are no seeds.
        """
        with self._changing(name) as store:
            return store.commit(name, Clusters.of)

    def versions(self, name: str) -> list[Version]:
        """Return the versions of a campaign, oldest first."""
        with self._reading() as store:
            return store.versions(name)

    def collect(
        self,
        names: str | Iterable[str] | None = None,
        *,
        threshold: float | None = None,
        target_sample_count: int | None = None,
        again: bool = False,
        dry_run: bool = False,
        on_batch: OnBatch | None = None,
        batch_rows: int | None = None,
    ) -> list[Collected]:
        """Compare what is new in the index with the newest version of each campaign.

        Args:
            names: The campaigns; ``None`` for all active ones.
            threshold: The lowest score to collect, for this call alone. Default: the campaign's.
            target_sample_count: Collect the best N of those that reach the threshold, equal ones by
                sample id.
            again: Look at everything, also at what is done. The outcome is the same.
            dry_run: Only say what would be collected, of the whole index. Nothing is written.
            on_batch: Called with the rows done and their total after each batch.
            batch_rows: About so many rows at a time; 16 MB of vectors unless told otherwise.

        Returns:
            What each campaign got, by name. Nothing found is a result like others.

        Raises:
            ConfigError: The threshold is no number from 0 to 1, or the target no whole number from
                1 on.
            DataError: There is no such campaign, or it is not active; there is no index of its
                embedding space.
        """
        if threshold is not None:
            threshold = checked_threshold(threshold)
        if target_sample_count is not None:
            target_sample_count = checked_target(target_sample_count)
        work = survey if dry_run else collect
        found: list[Collected] = []
        with self.opened(read_only=dry_run or not self._is_there()) as store:
            wanted = [
                Order(
                    campaign, store.version(campaign.name),
                    campaign.threshold if threshold is None else threshold,
                    target_sample_count, again,
                )
                for campaign in _taking_part(store, names)
            ]  # fmt: skip
            for corpus, orders in self._by_index(wanted):
                found += work(store, corpus, orders, on_batch=on_batch, batch_rows=batch_rows)
        return sorted(found, key=lambda one: one.campaign)

    def hits(
        self,
        name: str,
        *,
        version: int | None = None,
        statuses: Sequence[str] | None = None,
        current: bool = False,
        limit: int | None = None,
    ) -> list[Hit]:
        """Return collected samples by falling score, equal ones by sample id.

        Args:
            name: The campaign.
            version: Of this version; by default each sample as the newest version found it.
            statuses: Only these: ``new``, ``accepted``, ``discarded``, ``exported``.
            current: Only what was found in the index that the campaign was collected from last; by
                default also what was only found in others, or before it was built anew.
            limit: The most to return.
        """
        with self._reading() as store:
            found = store.hits(
                name, version=version, statuses=statuses, current=current, limit=limit
            )
            return list(found)

    def ranked(
        self, name: str, *, statuses: Sequence[str] = ("new",), limit: int | None = None
    ) -> list[RankedHit]:
        """Return collected samples by what a classifier thinks of them, the surest first.

        It learns from the seeds and the accepted samples against the discarded ones, anew at each
        call. Scores stay as they are. What the index has not got is left out; a warning tells how
        many.

        Raises:
            DataError: Too few samples have been accepted or discarded.
        """
        with self._reading() as store:
            corpus = self._index_of(store.campaign(name).space, f"campaign {name!r}")
            return refining.ranked(store, corpus, name, statuses)[:limit]

    def accept(self, name: str, ids: str | Iterable[str]) -> int:
        """Say yes to collected samples: they become seeds with :meth:`refine`.

        Returns:
            How many changed.

        Raises:
            DataError: One was not collected; nothing has changed then.
        """
        return self._set_status(name, ids, "accepted")

    def discard(self, name: str, ids: str | Iterable[str]) -> int:
        """Say no to collected samples: no version of the campaign collects them again."""
        return self._set_status(name, ids, "discarded")

    def refine(self, name: str, *, classifier: bool = False) -> Refined:
        """Make a new version: accepted samples join the seeds, discarded ones leave them.

        An accepted sample that the index has not got joins once it has it.

        Args:
            name: The campaign.
            classifier: Also check that there is enough to learn from for :meth:`ranked`.

        Raises:
            DataError: Too few samples have been accepted or discarded for a classifier. Nothing has
                changed then.
        """
        with self._changing(name) as store:
            corpus = self._index_of(store.campaign(name).space, f"campaign {name!r}")
            return refining.refine(store, corpus, name, classifier=classifier)

    def rate(self, name: str) -> float:
        """Return which share of what the newest version has looked at it has collected, 0 to 1.

        Both are counted in the index that the campaign was collected from last.
        """
        return self.get(name).rate

    def export(
        self,
        name: str,
        to: str | os.PathLike[str],
        *,
        statuses: Sequence[str] = UNSENT,
        version: int | None = None,
        form: str | None = None,
        overwrite: bool = False,
        mark: bool = True,
        options: Mapping[str, str] | None = None,
        tasks: Sequence[str] | None = None,
        imputed: str | os.PathLike[str] | None = None,
        min_score: float | None = None,
        image_url: str | None = None,
    ) -> Selection:
        """Write collected samples with score, version, nearest seed and status.

        Args:
            name: The campaign.
            to: A file that ends in .csv, .parquet, .json, .jsonl or .txt; or a folder, which gets
                the files of a selection and can be used like one.
            statuses: Which samples.
            version: Only those of this version.
            form: The name of a writer, such as ``coco``, or ``folder``, if the name does not tell.
            overwrite: Replace what is there.
            mark: Set their status to exported.
            options: Options of the writer, as text.
            tasks: Prediction tasks that go along, in formats that take them; by default the only
                one there is.
            imputed: File of imputed boxes, as ``selectlab assert`` writes it.
            min_score: Predictions below are left out; 0.25 by default.
            image_url: Template of the addresses of images, such as ``"https://host/{id}"``.

        Returns:
            What was written, best first; notes of the writer are its warnings.

        Raises:
            ConfigError: There is no such status, format or option.
            SelectlabError: The place cannot be written.
        """
        place = exports.Export.checked(
            to, form, overwrite=overwrite, options=options, tasks=tasks, imputed=imputed,
            min_score=min_score, image_url=image_url,
        )  # fmt: skip
        with self.opened(read_only=not (mark and self._is_there())) as store:
            hits = list(store.hits(name, version=version, statuses=statuses))
            made = exports.as_selection(store.campaign(name), hits, self.dataset)
            made = place.write(made, self.dataset)
            if mark:
                sent = [hit.sample_id for hit in hits if hit.status in UNSENT]
                store.set_status(name, sent, "exported")
        return made

    # What all of these need

    def _set_status(self, name: str, ids: str | Iterable[str], status: str) -> int:
        given = [ids] if isinstance(ids, str) else list(ids)
        with self._changing(name) as store:
            if store.campaign(name).space.level == "object":
                known = store.standings(name, given)
                given = [one if one in known else sample_of(one) for one in given]
            return store.set_status(name, given, status)

    def _index(self, task: str | None) -> Corpus:
        """Return the index that a new campaign is about."""
        if self._corpus is None:
            return Corpus.open(place_of(self.dataset, task=task))
        held = self._corpus.space
        if task is not None and held.task != task:
            raise ConfigError(f"task {task!r}: {self._corpus.folder} holds {held.elements}")
        return self._corpus

    def _index_of(self, space: Space, where: str) -> Corpus:
        """Return the index that holds a space."""
        if self._corpus is None:
            return corpus_in(self.dataset, space, where)
        space.check(self._corpus.space, f"{where}: {self._corpus.folder}")
        return self._corpus

    def _by_index(self, orders: Sequence[Order]) -> list[tuple[Corpus, list[Order]]]:
        """Return orders by the index that they are to go over; all are checked."""
        found: dict[Path, tuple[Corpus, list[Order]]] = {}
        for order in orders:
            corpus = self._index_of(order.campaign.space, f"campaign {order.campaign.name!r}")
            found.setdefault(corpus.folder, (corpus, []))[1].append(order)
        return list(found.values())

    @contextmanager
    def opened(self, *, read_only: bool) -> Iterator[Store]:
        """Give the store for a while; who runs for long may keep it open in between."""
        from selectlab.campaigns.store import Store

        with Store.open(self.store_place, read_only=read_only) as store:
            yield store

    def _reading(self) -> AbstractContextManager[Store]:
        return self.opened(read_only=True)

    @contextmanager
    def _changing(self, name: str) -> Iterator[Store]:
        """Open the store to change a campaign; where there is none, none is made."""
        with self.opened(read_only=not self._is_there()) as store:
            store.campaign(name)
            yield store

    def _is_there(self) -> bool:
        """Return whether there may be a store; on a server there always may."""
        from selectlab.store.places import Place

        file = Place.of(self.store_place).file
        return file is None or os.path.exists(file)

    # Last, since after it 'list' is no longer the type in here

    def list(self) -> list[Campaign]:
        """Return all campaigns by name."""
        with self._reading() as store:
            return store.campaigns()


def _taking_part(store: Store, names: str | Iterable[str] | None) -> list[Campaign]:
    """Return the campaigns of some names, or all active ones."""
    if names is None:
        campaigns = store.campaigns()
        active = [campaign for campaign in campaigns if campaign.active]
        if not active:
            there = f"none of {len(campaigns)} is active" if campaigns else "there are none yet"
            raise DataError(f"campaigns: nothing to collect for, {there}")
        return active
    wanted = dict.fromkeys([names] if isinstance(names, str) else names)
    chosen = [store.campaign(name) for name in wanted]
    for campaign in chosen:
        if not campaign.active:
            raise DataError(
                f"campaign {campaign.name!r}: is not active; 'selectlab campaign activate' lets it "
                "collect again"
            )
    return chosen
