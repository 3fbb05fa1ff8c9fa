"""The result: a ranking in which every pick says why."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from selectlab.errors import SelectlabError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Because:
    """What one strategy says of one pick.

    Attributes:
        strategy: Label of the strategy, such as ``0_diversity``.
        value: The sample's own value (a weight, a distance), if the strategy has one.
        objective: The strategy's objective over everything selected up to this pick.
        part: Strength times logarithm of the objective: what it adds to the score.
        reason: In words.
    """

    strategy: str
    value: float | None
    objective: float
    part: float
    reason: str


@dataclass(frozen=True)
class Pick:
    """One selected sample.

    Attributes:
        rank: 1 for the first pick. Frames of one sequence have ranks that follow each other.
        sample_id: Its id.
        score: Sum of the parts of all strategies when it was picked.
        because: What each strategy says, in the order of the config.
        nearest_selected: Id of the nearest sample selected before it, if embeddings matter.
        nearest_distance: Distance to that, embedding units.
        uri: Where its image lies, if known.
        metadata: Its metadata, passed through.
        sequence: Number of its sequence, from 1, when sequences were selected.
    """

    rank: int
    sample_id: str
    score: float
    because: tuple[Because, ...]
    nearest_selected: str | None = None
    nearest_distance: float | None = None
    uri: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    sequence: int | None = None

    @property
    def reason(self) -> str:
        """Why it was picked, in words."""
        return "; ".join(part.reason for part in self.because if part.reason)

    def to_row(self) -> dict[str, Any]:
        """Return the pick as a flat row, for tables."""
        row: dict[str, Any] = {"rank": self.rank, "sample_id": self.sample_id, "score": self.score}
        if self.sequence is not None:
            row["sequence"] = self.sequence
        row["reason"] = self.reason
        row["nearest_selected"] = self.nearest_selected
        row["nearest_distance"] = self.nearest_distance
        row["uri"] = self.uri
        for part in self.because:
            row[f"{part.strategy}_value"] = part.value
            row[f"{part.strategy}_objective"] = part.objective
            row[f"{part.strategy}_part"] = part.part
        return row | {f"metadata.{key}": value for key, value in self.metadata.items()}


@dataclass(frozen=True)
class Selection:
    """A ranked selection.

    Iterating gives the picks; ``selection.ids`` is the ranking.

    Attributes:
        picks: Best first.
        preselected: Ids that were selected before this run; not among ``ids``.
        stop_reason: Why there are not more picks.
        warnings: What the user should know, one line each.
        manifest: Everything needed to tell how it came about; JSON data.
        sequence_information: Video, frames and timestamps of each selected sequence.
    """

    picks: tuple[Pick, ...]
    preselected: tuple[str, ...]
    stop_reason: str
    warnings: tuple[str, ...]
    manifest: Mapping[str, Any]
    sequence_information: Sequence[Mapping[str, Any]] | None = None

    def __len__(self) -> int:
        return len(self.picks)

    def __iter__(self) -> Iterator[Pick]:
        return iter(self.picks)

    def __repr__(self) -> str:
        first = f", first {self.ids[0]!r}" if self.picks else ""
        return f"Selection({len(self)} samples{first}; {self.stop_reason})"

    @property
    def ids(self) -> tuple[str, ...]:
        """The ranking: sample ids, best first."""
        return tuple(pick.sample_id for pick in self.picks)

    @property
    def all_ids(self) -> tuple[str, ...]:
        """Everything selected so far, preselected ones first: the start of the next round."""
        return self.preselected + self.ids

    def explain(self, sample_id: str) -> str:
        """Say in a few lines why a sample was picked.

        Raises:
            SelectlabError: It was not picked in this run.
        """
        for pick in self.picks:
            if pick.sample_id == sample_id:
                lines = [f"{sample_id}: rank {pick.rank} of {len(self)}, score {pick.score:.4f}"]
                lines += [
                    f"  {b.strategy}: {b.reason} (objective {b.objective:.4g}, part {b.part:+.4f})"
                    for b in pick.because
                ]
                return "\n".join(lines)
        where = "preselected" if sample_id in self.preselected else "not selected"
        hint = "" if where == "preselected" else did_you_mean(sample_id, self.ids)
        raise SelectlabError(f"{sample_id!r} is {where} in this run{hint}")

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per pick: rank, id, score, reason, per-strategy parts, metadata."""
        import pandas as pd

        frame: pd.DataFrame = pd.DataFrame([pick.to_row() for pick in self.picks])
        return frame

    def save(self, out: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the run into a folder, all files or none; see :mod:`selectlab.writers`.

        Raises:
            SelectlabError: The folder holds something already, or cannot be written.
        """
        from selectlab.writers import save

        save(self, out, overwrite=overwrite)
