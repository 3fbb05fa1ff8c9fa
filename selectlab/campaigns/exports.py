"""Collected samples as a selection, and as a stream for the writers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlab.campaigns.element_names import named
from selectlab.campaigns.records import Campaign, Hit
from selectlab.corpus.spaces import Element
from selectlab.errors import ConfigError, DataError
from selectlab.exports import run_ids
from selectlab.exports.export import check_place, export, format_called, format_named, writer_of
from selectlab.exports.rankings import Ranked, collected_reason
from selectlab.exports.sources import fields_for, items_of
from selectlab.exports.writer import Writer
from selectlab.ids import Ids
from selectlab.selection import Because, Pick, Selection
from selectlab.store_place import store_place
from selectlab.writers import check_target

if TYPE_CHECKING:
    import pandas as pd

    from selectlab.campaigns.store import Store
    from selectlab.dataset import Dataset

FOLDER = "folder"
COLUMNS = [
    *("rank", "sample_id", "score", "campaign", "version", "element", "nearest_seed"),
    *("status", "accepted", "uri"),
]
HELD = ("new", "accepted", "exported")
"""The samples of a campaign: all that it has collected and nobody discarded."""


@dataclass(frozen=True)
class Membership(Because):
    """What a campaign says of a sample that it collected.

    Attributes:
        version: The version that found it.
        element: Its best element, ``ID#NUMBER`` for an object.
        nearest_seed: The seed that it is most like.
        status: What became of it.
        accepted: Whether a person accepted it.
    """

    version: int
    element: str
    nearest_seed: str
    status: str
    accepted: bool


@dataclass(frozen=True)
class CollectedPick(Pick):
    """A collected sample; its row in a table says which campaign, version and seed, and status."""

    def to_row(self) -> dict[str, Any]:
        """Return the pick as a flat row, for tables."""
        [told] = self.because
        assert isinstance(told, Membership)
        return {
            "rank": self.rank,
            "sample_id": self.sample_id,
            "score": self.score,
            "campaign": told.strategy,
            "version": told.version,
            "element": told.element,
            "nearest_seed": told.nearest_seed,
            "status": told.status,
            "accepted": told.accepted,
            "uri": self.uri,
        }


@dataclass(frozen=True, repr=False)
class Collection(Selection):
    """Collected samples; a table of none has its columns too."""

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per sample."""
        import pandas as pd

        frame: pd.DataFrame = pd.DataFrame([pick.to_row() for pick in self.picks], columns=COLUMNS)
        return frame


class CollectedRanking:
    """What a campaign has collected, read from the store page by page.

    Args:
        dataset: Tells where the images lie.
        named: The campaign, or ``NAME@VERSION`` for what this version has found; by default each
            sample as the newest one found it.
        place: The store.

    Raises:
        DataError: There is no such campaign or version.
    """

    columns = COLUMNS

    def __init__(self, dataset: Dataset, named: str, place: str | Path) -> None:
        self._dataset, self._place = dataset, place
        with self._opened() as store:
            self._campaign, self._version = store.meant(named)
            self.name = self._campaign.name
            self.where = f"campaign {self.name!r}"
            self.ids = Ids.of(hit.sample_id for hit in self._hits(store))
        version = self._version or self._campaign.version
        self.run = run_ids.of_campaign(self.name, version, self.ids)

    def __iter__(self) -> Iterator[Ranked]:
        with self._opened() as store:
            pairs = zip_longest(self.ids, self._hits(store))
            for rank, (sample_id, hit) in enumerate(pairs, start=1):
                if hit is None or hit.sample_id != sample_id:
                    raise DataError(f"{self.where}: was changed while it was exported; try again")
                pick = _pick(self._campaign, hit, rank, self._dataset)
                yield Ranked(rank, sample_id, hit.score, pick.reason, pick.to_row())

    def _opened(self) -> Store:
        from selectlab.campaigns.store import Store

        return Store.open(self._place, read_only=True)

    def _hits(self, store: Store) -> Iterator[Hit]:
        return store.hits(self.name, version=self._version, statuses=HELD)


def collected(
    dataset: Dataset, named: str, store: str | os.PathLike[str] | None = None
) -> CollectedRanking:
    """Return what a campaign of a dataset has collected and nobody discarded, as a stream.

    Args:
        dataset: The dataset.
        named: The campaign, or ``NAME@VERSION`` for what this version has found.
        store: Where it is kept, if not with the dataset.

    Raises:
        DataError: There is no such campaign or version, or no store.
    """
    return CollectedRanking(dataset, named, store_place(dataset, store))


def as_selection(campaign: Campaign, hits: Sequence[Hit], dataset: Dataset | None) -> Selection:
    """Return collected samples in their order as a selection.

    A warning tells how many of them are of another index than the one collected from last.

    Args:
        campaign: Whose they are.
        hits: Best first.
        dataset: Tells where the images lie.
    """
    picks = [_pick(campaign, hit, rank, dataset) for rank, hit in enumerate(hits, start=1)]
    return Collection(
        picks=tuple(picks),
        preselected=(),
        stop_reason=f"{len(picks)} samples that campaign {campaign.name!r} collected",
        warnings=_of_other_indexes(campaign, hits),
        manifest=_manifest(campaign, picks),
    )


def _of_other_indexes(campaign: Campaign, hits: Sequence[Hit]) -> tuple[str, ...]:
    n_others = sum(not hit.current for hit in hits)
    if not n_others:
        return ()
    return (
        f"campaign {campaign.name!r}: {n_others} of {len(hits)} samples were found in another "
        "index than the one collected from last, or before that was built anew; their scores are "
        "as of then",
    )


def _pick(campaign: Campaign, hit: Hit, rank: int, dataset: Dataset | None) -> CollectedPick:
    level = campaign.space.level
    row = {"campaign": campaign.name, "version": hit.version, "score": hit.score}
    row["nearest_seed"] = named(hit.seed, level)
    told = Membership(
        strategy=campaign.name,
        value=hit.score,
        objective=hit.score,
        part=hit.score,
        reason=collected_reason(row),
        version=hit.version,
        element=named(Element(hit.sample_id, hit.number), level),
        nearest_seed=named(hit.seed, level),
        status=hit.status,
        accepted=hit.accepted,
    )
    known = dataset is not None and hit.sample_id in dataset.rows
    uri = dataset.source.uri(hit.sample_id) if known and dataset is not None else None
    return CollectedPick(rank, hit.sample_id, hit.score, (told,), uri=uri)


@dataclass(frozen=True)
class Export:
    """Where collected samples go and how.

    Args:
        to: File or folder.
        writer: The format; ``None`` for a folder like that of a selection.
        overwrite: Replace what is there.
        fields: For :func:`selectlab.exports.sources.items_of`.
    """

    to: Path
    writer: Writer | None
    overwrite: bool
    fields: Mapping[str, Any]

    @classmethod
    def checked(
        cls,
        to: str | os.PathLike[str],
        form: str | None,
        *,
        overwrite: bool,
        options: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> Export:
        """Look at place and format before any work is done.

        Args:
            to: File or folder.
            form: A format, or ``"folder"``, if the name does not tell.
            overwrite: Replace what is there.
            options: Of the format, as text.
            fields: Tasks and so on, see :func:`selectlab.exports.sources.fields_for`.

        Raises:
            ConfigError: There is no such format, or something is there.
            SelectlabError: The place cannot be written.
        """
        path = Path(to)
        form = form or (None if path.is_dir() else format_named(path)) or FOLDER
        if format_called(form, [FOLDER]) == FOLDER:
            given = [name for name, value in {"options": options, **fields}.items() if value]
            if given:
                raise ConfigError(f"{given[0]}: belongs to a format; name one, such as coco")
            check_target(path, overwrite=overwrite)
            return cls(path, None, overwrite, {})
        writer = writer_of(form, options)
        wanted = fields_for(writer, **fields)
        check_place(path, writer, overwrite=overwrite)
        return cls(path, writer, overwrite, wanted)

    def write(self, made: Selection, dataset: Dataset) -> Selection:
        """Write collected samples, whole or not at all, and return them with notes as warnings.

        Raises:
            SelectlabError: The place cannot be written, or the format cannot say it.
        """
        if self.writer is None:
            made.save(self.to, overwrite=self.overwrite)
            return made
        items = items_of(made, dataset if self.writer.takes_shapes else None, **self.fields)
        written = export(items, self.to, self.writer, overwrite=self.overwrite)
        return replace(made, warnings=(*made.warnings, *written.notes))


def _manifest(campaign: Campaign, picks: Sequence[Pick]) -> dict[str, Any]:
    import selectlab

    space = campaign.space
    return {
        "selectlab": selectlab.__version__,
        "campaign": campaign.name,
        "version": campaign.version,
        "threshold": campaign.threshold,
        "space": {"name": space.name, "dimension": space.dimension, "task": space.task},
        "counts": {"selected": len(picks)},
    }
