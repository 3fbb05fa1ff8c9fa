"""A campaign as the query set of a selection config: ``"tag_name": "campaign:NAME@VERSION"``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selectlab.campaigns.element_names import named
from selectlab.campaigns.places import corpora
from selectlab.corpus.spaces import Level, Space
from selectlab.errors import DataError
from selectlab.inputs.embeddings import CAMPAIGN, Embeddings
from selectlab.store_place import store_place

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from selectlab.columns import EmbeddingTable
    from selectlab.dataset import Dataset


@dataclass(frozen=True)
class CampaignQuery:
    """The seeds of a version of a campaign, to be similar to.

    Attributes:
        version: Number of the version.
        vectors: (Q, D) float32.
        ids: (Q,) what each seed is called.
    """

    version: int
    vectors: npt.NDArray[np.float32]
    ids: tuple[str, ...]


def campaign_query(
    wanted: Embeddings, home: Dataset, dataset: Dataset, table: EmbeddingTable
) -> CampaignQuery:
    """Return the seeds that a tag means: those of the newest version, unless it names one.

    Args:
        wanted: The input, its tag ``campaign:NAME`` or ``campaign:NAME@VERSION``.
        home: The dataset whose store the campaign is in.
        dataset: The dataset that is selected from.
        table: The embeddings that the seeds are compared with.

    Raises:
        DataError: There is no such campaign or version; its seeds are of another embedding space,
            dimension, task or scale.
        MissingExtraError: SQLAlchemy or alembic are not installed.
    """
    from selectlab.campaigns.store import Store

    with Store.open(store_place(home), read_only=True) as store:
        campaign, number = store.meant(str(wanted.tag_name).removeprefix(CAMPAIGN))
        version = store.version(campaign.name, number)
        seeds, _ = store.snapshot(version)
    space = campaign.space
    level: Level = "frame" if wanted.task is None else "object"
    held = table.space or _indexed_as(wanted, dataset, table)
    found = Space(held, table.dimension, level, wanted.task or "", wanted.normalize)
    space.check(found, f"campaign {campaign.name!r}, to be compared with {table.where}")
    ids = tuple(named(element, space.level) for element in seeds.elements)
    return CampaignQuery(version.number, seeds.vectors, ids)


def _indexed_as(wanted: Embeddings, dataset: Dataset, table: EmbeddingTable) -> str:
    """Return the name of the space that an index of these embeddings has.

    Raises:
        DataError: There is none, so that nobody knows which model made them.
    """
    for corpus in corpora(dataset):
        if (corpus.space.task, corpus.embeddings) == (wanted.task or "", wanted.space):
            return corpus.space.name
    raise DataError(
        f"{table.where}: nothing says which embedding space it is, so that no campaign can be "
        'compared with it; write {"space": ID} into the .json beside it, or index the dataset'
    )
