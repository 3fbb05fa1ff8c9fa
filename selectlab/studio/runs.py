"""Selection runs: where they lie, what they hold, how two of them differ."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlab.config import read_json
from selectlab.errors import DataError, SelectlabError, did_you_mean
from selectlab.inputs.files import parse_json
from selectlab.statistics import summary_lines
from selectlab.writers import MANIFEST, PICKS

if TYPE_CHECKING:
    from selectlab.dataset import Dataset

OWN = "runs"
"""Folder of runs that are made here, in the cache folder of the dataset."""
_DEPTH = 3


@dataclass(frozen=True)
class Run:
    """A run in a folder.

    Attributes:
        name: What it is called here.
        folder: Where it lies.
        manifest: Its manifest.
    """

    name: str
    folder: Path
    manifest: Mapping[str, Any]

    @property
    def created(self) -> str:
        """When it was made, to the second."""
        return str(self.manifest.get("created", ""))

    @property
    def strategies(self) -> list[str]:
        """Its strategies, in words."""
        told = []
        for entry in self.manifest["config"].get("strategies", ()):
            source, strategy = entry.get("input", {}), entry.get("strategy", {})
            about = [str(value) for key, value in source.items() if key != "type"]
            of_it = " ".join([str(source.get("type", "?")).lower(), *about])
            told.append(f"{str(strategy.get('type', '?')).lower()} on {of_it}")
        return told

    @property
    def statistics(self) -> list[tuple[str, str, str, str]]:
        """Rows of what, input, selected, random."""
        return summary_lines(self.manifest.get("statistics", ()))

    @property
    def config_json(self) -> str:
        """Its config."""
        return json.dumps(self.manifest["config"], indent=2, ensure_ascii=False)

    @cached_property
    def content(self) -> Mapping[str, Any]:
        """What was selected.

        Raises:
            DataError: The file is damaged.
        """
        where = self.folder / PICKS
        try:
            held = parse_json(where.read_bytes(), str(where))
        except OSError as error:
            raise DataError(f"{where}: cannot be read: {error.strerror or error}") from error
        picks = held.get("selected") if isinstance(held, dict) else None
        if not isinstance(picks, list) or not all(_is_pick(pick) for pick in picks):
            raise DataError(f"{where}: is not one that a run has written")
        return dict(held)

    @property
    def picks(self) -> Sequence[Mapping[str, Any]]:
        """What was selected, best first."""
        found: Sequence[Mapping[str, Any]] = self.content["selected"]
        return found

    @property
    def ids(self) -> list[str]:
        """Ids of what was selected, best first."""
        return [str(pick["sample_id"]) for pick in self.picks]


class Runs:
    """The runs that belong to a dataset.

    Args:
        dataset: The dataset.
        folder: Where they lie; by default those beside the dataset that were made from it, and
            those that were made here.
    """

    def __init__(self, dataset: Dataset, folder: Path | None) -> None:
        where, cache = dataset.source.where, dataset.source.cache_folder()
        self._data = None if "://" in where else Path(where).expanduser().resolve()
        own = None if cache is None else Path(cache, OWN)
        self.own = folder or own
        self._roots: list[tuple[Path, int, bool]] = []
        if folder is not None:
            self._roots.append((folder, _DEPTH, False))
        elif self._data is not None and self._data.is_dir():
            self._roots.append((self._data.parent, 1, True))
        if own is not None:
            self._roots.append((own, _DEPTH, False))
        self._held: dict[Path, tuple[tuple[int, int], Run]] = {}
        self._busy = threading.Lock()

    def listed(self) -> list[Run]:
        """Return all runs, the newest first."""
        found: dict[str, Run] = {}
        with self._busy:
            for root, depth, checked in self._roots:
                for folder in _folders(root, depth):
                    run = self._read(folder, _name(folder, root, found))
                    if run is not None and (not checked or self._is_ours(run)):
                        found[run.name] = run
        by_name = sorted(found.values(), key=lambda run: run.name)
        return sorted(by_name, key=lambda run: run.created, reverse=True)

    def get(self, name: str) -> Run:
        """Return a run by its name.

        Raises:
            DataError: There is none.
        """
        found = {run.name: run for run in self.listed()}
        if name not in found:
            raise DataError(f"{name!r}: no such run{did_you_mean(name, found)}")
        return found[name]

    def _read(self, folder: Path, name: str) -> Run | None:
        try:
            stat = (folder / MANIFEST).stat()
            mark = stat.st_mtime_ns, stat.st_ino
            held = self._held.get(folder)
            if held is not None and held[0] == mark:
                return held[1]
            manifest = read_json(folder / MANIFEST)
        except (OSError, SelectlabError):
            return None
        if not isinstance(manifest, dict) or not isinstance(manifest.get("config"), dict):
            return None
        run = Run(name, folder, manifest)
        self._held[folder] = mark, run
        return run

    def _is_ours(self, run: Run) -> bool:
        where = str(run.manifest.get("dataset", ""))
        if self._data is None or "://" in where:
            return False
        given = Path(where).expanduser()
        bases = (Path.cwd(), run.folder.parent, run.folder)
        tried = [given] if given.is_absolute() else [base / given for base in bases]
        return any(place.resolve() == self._data for place in tried)


def compared(one: Run, other: Run) -> dict[str, Any]:
    """Return what two runs share and where they differ.

    Returns:
        ``both``, ``only_one`` and ``only_other``: ids, in the order of the ranking; ``jaccard``,
        the shared part of all; ``statistics``: rows of what, selected by one, by the other.
    """
    first, second = one.ids, other.ids
    here, there = set(first), set(second)
    both = [name for name in first if name in there]
    mine = {what: (inputs, mine) for what, inputs, mine, _ in one.statistics}
    theirs = {what: (inputs, theirs) for what, inputs, theirs, _ in other.statistics}
    rows = []
    for what in dict.fromkeys([*mine, *theirs]):
        inputs = mine.get(what, theirs.get(what, ("", "")))[0]
        rows.append((what, inputs, mine.get(what, ("", ""))[1], theirs.get(what, ("", ""))[1]))
    return {
        "both": both,
        "only_one": [name for name in first if name not in there],
        "only_other": [name for name in second if name not in here],
        "jaccard": len(both) / max(len(here | there), 1),
        "statistics": rows,
    }


def _folders(root: Path, depth: int) -> Iterator[Path]:
    """Yield the folders up to some depth that hold a run; links are not followed."""
    if (root / MANIFEST).is_file() and (root / PICKS).is_file():
        yield root
        return
    if not depth:
        return
    try:
        inside = sorted(path for path in root.iterdir() if not path.name.startswith("."))
    except OSError:
        return
    for path in inside:
        if path.is_dir() and not path.is_symlink():
            yield from _folders(path, depth - 1)


def _name(folder: Path, root: Path, taken: Mapping[str, Run]) -> str:
    """Return what to call a run: its path in the root, with a number where that is taken."""
    plain = folder.name if folder == root else folder.relative_to(root).as_posix()
    name, number = plain, 1
    while name in taken:
        number += 1
        name = f"{plain} ({number})"
    return name


def _is_pick(pick: Any) -> bool:
    return isinstance(pick, dict) and isinstance(pick.get("sample_id"), str)
