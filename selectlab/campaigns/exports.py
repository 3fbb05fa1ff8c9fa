"""Collected samples as a selection, written by the writers of selections."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlab.campaigns.element_names import named
from selectlab.campaigns.records import Campaign, Hit
from selectlab.corpus.spaces import Element
from selectlab.errors import ConfigError, did_you_mean
from selectlab.selection import Because, Pick, Selection
from selectlab.writers import FORMATS, check_target, write_file

if TYPE_CHECKING:
    import pandas as pd

    from selectlab.dataset import Dataset

FOLDER = "folder"
COLUMNS = [
    *("rank", "sample_id", "score", "campaign", "version", "element", "nearest_seed"),
    *("status", "accepted", "uri"),
]


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


def as_selection(campaign: Campaign, hits: Iterable[Hit], dataset: Dataset | None) -> Selection:
    """Return collected samples in their order as a selection.

    Args:
        campaign: Whose they are.
        hits: Best first.
        dataset: Tells where the images lie.
    """
    level = campaign.space.level
    picks: list[Pick] = []
    for hit in hits:
        seed = named(hit.seed, level)
        told = Membership(
            strategy=campaign.name,
            value=hit.score,
            objective=hit.score,
            part=hit.score,
            reason=f"{hit.score:.3f} like seed {seed} of {campaign.name!r} version {hit.version}",
            version=hit.version,
            element=named(Element(hit.sample_id, hit.number), level),
            nearest_seed=seed,
            status=hit.status,
            accepted=hit.accepted,
        )
        known = dataset is not None and hit.sample_id in dataset.rows
        uri = dataset.source.uri(hit.sample_id) if known and dataset is not None else None
        picks.append(CollectedPick(len(picks) + 1, hit.sample_id, hit.score, (told,), uri=uri))
    return Collection(
        picks=tuple(picks),
        preselected=(),
        stop_reason=f"{len(picks)} samples that campaign {campaign.name!r} collected",
        warnings=(),
        manifest=_manifest(campaign, picks),
    )


def checked_place(to: str | os.PathLike[str], form: str | None, *, overwrite: bool) -> str:
    """Return the format to write, after a look at the place.

    Args:
        to: A folder, or a file whose ending tells the format.
        form: A format, if the ending is not to tell; ``"folder"`` for all of them.
        overwrite: Whether something may be there.

    Raises:
        ConfigError: There is no such format; a file is there.
        SelectlabError: A folder holds something, or cannot be written.
    """
    path = Path(to)
    known = [FOLDER, *(suffix[1:] for suffix in FORMATS), "list"]
    if form is not None and form not in known:
        raise ConfigError(f"format: nothing is called {form!r}{did_you_mean(form, known)}")
    if form is None:
        form = path.suffix[1:] if path.suffix in FORMATS and not path.is_dir() else FOLDER
    if form == FOLDER:
        check_target(path, overwrite=overwrite)
    elif path.exists() and not overwrite:
        raise ConfigError(f"{path}: is there already; choose another name, or --overwrite")
    return "txt" if form == "list" else form


def write(selection: Selection, to: str | os.PathLike[str], form: str, *, overwrite: bool) -> None:
    """Write a selection as :func:`checked_place` has said, whole or not at all.

    Raises:
        SelectlabError: The place cannot be written.
    """
    if form == FOLDER:
        selection.save(to, overwrite=overwrite)
    else:
        write_file(selection, Path(to), f".{form}")


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
