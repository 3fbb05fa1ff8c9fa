"""What a run has left in its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selectlab.config import Config, Entry, load, read_json
from selectlab.errors import ConfigError, DataError
from selectlab.report.layout import check_manifest, check_selection
from selectlab.selection import Because, Pick
from selectlab.writers import MANIFEST, PICKS

_NEEDED = ("config", "counts", "inputs", "statistics", "stop_reason", "warnings")


@dataclass(frozen=True)
class RunRecord:
    """A run as its files tell it.

    Attributes:
        folder: Where it lies.
        name: What people call it.
        manifest: Everything that says how it came about.
        config: Its config.
        picks: Best first.
        preselected: What was selected before.
    """

    folder: Path
    name: str
    manifest: Mapping[str, Any]
    config: Config
    picks: Sequence[Pick]
    preselected: Sequence[str]

    @property
    def dataset(self) -> str:
        """Where the dataset lay."""
        return str(self.manifest.get("dataset") or "")

    @property
    def counts(self) -> Mapping[str, Any]:
        """How many samples were left after each step."""
        found: Mapping[str, Any] = self.manifest["counts"]
        return found

    @property
    def statistics(self) -> Sequence[Mapping[str, Any]]:
        """The inputs over candidates, picks and a random subset."""
        found: Sequence[Mapping[str, Any]] = self.manifest["statistics"]
        return found

    def told_of(self, entry: Entry) -> Mapping[str, Any] | None:
        """Return the statistics of the input that an entry of the config looks at."""
        name = entry.input.describe()
        named = [part for part in self.statistics if part["values"] == name]
        own = [part for part in named if part.get("entry") == entry.path]
        return next(iter([*own, *named]), None)


def read_run(folder: Path) -> RunRecord:
    """Read the files of a run.

    Raises:
        ConfigError: Its config is none of this version.
        DataError: It is no folder of a run, or its files are not those of one.
    """
    if not (folder / PICKS).is_file() or not (folder / MANIFEST).is_file():
        raise DataError(
            f"{folder}: no {PICKS} and {MANIFEST}; expected the folder of a run, as "
            "'selectlab select' makes it"
        )
    try:
        manifest, run = read_json(folder / MANIFEST), read_json(folder / PICKS)
    except OSError as error:
        raise DataError(f"{folder}: cannot be read: {error.strerror or error}") from None
    lacking = [key for key in _NEEDED if key not in manifest]
    if lacking:
        raise DataError(f"{folder / MANIFEST}: no {lacking[0]!r}; it is not that of a selection")
    check_manifest(folder / MANIFEST, manifest)
    check_selection(folder / PICKS, run)
    picks = tuple(_pick(one) for one in run["selected"])
    before = tuple(run["preselected"])
    if not picks:
        raise DataError(f"{folder}: has selected nothing, so that there is nothing to show")
    try:
        config = load(manifest["config"])
    except ConfigError as error:
        raise ConfigError(f"{folder / MANIFEST}: config: {error}") from None
    return RunRecord(folder, folder.absolute().name, manifest, config, picks, before)


def _pick(content: Mapping[str, Any]) -> Pick:
    return Pick(
        rank=content["rank"],
        sample_id=content["sample_id"],
        score=content["score"],
        because=tuple(Because(**part) for part in content["strategies"]),
        nearest_selected=content.get("nearest_selected"),
        nearest_distance=content.get("nearest_distance"),
        uri=content.get("uri"),
        metadata=content.get("metadata") or {},
        sequence=content.get("sequence"),
    )
