"""Selection runs: where they lie, what they hold, how two of them differ."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlab.config import read_json
from selectlab.errors import DataError, SelectlabError, did_you_mean
from selectlab.inputs.files import parse_json
from selectlab.statistics import summary_lines
from selectlab.studio.run_records import check_manifest, check_selection
from selectlab.writers import MANIFEST, PICKS

if TYPE_CHECKING:
    from selectlab.dataset import Dataset

OWN = "runs"
"""Folder of runs that are made here, in the cache folder of the dataset."""
_DEPTH = 3
_SIGNS = (MANIFEST, PICKS, "selection.csv", "selection.parquet")
"""A folder with any of these looks like a run."""


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
        check_selection(held, str(where))
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


@dataclass(frozen=True)
class Damaged:
    """A folder that looks like a run and cannot be shown.

    Attributes:
        name: What it is called here.
        folder: The folder.
        manifest: What of its manifest could be read.
        why: What is wrong, one line.
    """

    name: str
    folder: Path
    manifest: Mapping[str, Any]
    why: str


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
        self._held: dict[Path, tuple[tuple[object, ...], Run | Damaged]] = {}
        self._busy = threading.Lock()

    def listed(self) -> list[Run]:
        """Return all runs, the newest first."""
        runs = (run for run in self._found().values() if isinstance(run, Run))
        by_name = sorted(runs, key=lambda run: run.name)
        return sorted(by_name, key=lambda run: run.created, reverse=True)

    def damaged(self) -> list[Damaged]:
        """Return what looks like a run and cannot be shown."""
        return [run for run in self._found().values() if isinstance(run, Damaged)]

    def get(self, name: str) -> Run:
        """Return a run by its name.

        Raises:
            DataError: There is none, or it cannot be shown.
        """
        found = self._found()
        if name not in found:
            raise DataError(f"{name!r}: no such run{did_you_mean(name, found)}")
        run = found[name]
        if isinstance(run, Damaged):
            raise DataError(f"run {name!r}: {run.why}")
        return run

    def _found(self) -> dict[str, Run | Damaged]:
        """Return all that look like runs, by name."""
        found: dict[str, Run | Damaged] = {}
        with self._busy:
            for root, depth, checked in self._roots:
                for folder in _folders(root, depth):
                    run = self._read(folder, _name(folder, root, found))
                    if not checked or self._is_ours(run):
                        found[run.name] = run
        return found

    def _read(self, folder: Path, name: str) -> Run | Damaged:
        mark = tuple(_mark(folder / file) for file in (MANIFEST, PICKS))
        held = self._held.get(folder)
        if held is None or held[0] != mark:
            held = mark, _opened(folder, name)
            self._held[folder] = held
        return held[1]

    def _is_ours(self, run: Run | Damaged) -> bool:
        where = str(run.manifest.get("dataset", ""))
        if self._data is None or not where or "://" in where:
            return False
        try:
            return self._leads_here(where, run)
        except (OSError, ValueError, RuntimeError):  # "~nobody", a NUL, links in a circle
            return False

    def _leads_here(self, where: str, run: Run | Damaged) -> bool:
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


def _opened(folder: Path, name: str) -> Run | Damaged:
    """Read a run, or say why it cannot be shown."""
    manifest: Mapping[str, Any] = {}
    try:
        _check_file(folder / MANIFEST)
        manifest = read_json(folder / MANIFEST)
        check_manifest(manifest)
        _check_file(folder / PICKS)
        if not is_text(str(folder)):
            raise DataError("the name of its folder is not UTF-8")
    except SelectlabError as error:
        return Damaged(name, folder, manifest, str(error))
    return Run(name, folder, manifest)


def _check_file(path: Path) -> None:
    """Refuse what is no file to read, before it is opened: opening a pipe may never end.

    Raises:
        DataError: It is missing, a link, or no file.
    """
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        raise DataError(f"{path.name}: cannot be read: {error.strerror or error}") from error
    if stat.S_ISLNK(mode):
        raise DataError(f"{path.name} is a link; links are not followed")
    if not stat.S_ISREG(mode):
        raise DataError(f"{path.name} is no file")


def _mark(path: Path) -> tuple[int, ...] | None:
    """Return what changes when a file does, ``None`` where there is none."""
    try:
        about = path.lstat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_ino, about.st_mode


def is_text(name: str) -> bool:
    """Return whether a name of the file system is UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _folders(root: Path, depth: int) -> Iterator[Path]:
    """Yield the folders up to some depth that look like a run; links are not followed.

    No runs are looked for in a run that has its files.
    """
    signs = [name for name in _SIGNS if os.path.lexists(root / name)]
    if signs:
        yield root
    if not depth or {MANIFEST, PICKS} <= set(signs):
        return
    try:
        inside = sorted(path for path in root.iterdir() if not path.name.startswith("."))
    except OSError:
        return
    for path in inside:
        if path.is_dir() and not path.is_symlink():
            yield from _folders(path, depth - 1)


def _name(folder: Path, root: Path, taken: Container[str]) -> str:
    """Return what to call a run: its path in the root, with a number where that is taken."""
    plain = folder.name if folder == root else folder.relative_to(root).as_posix()
    plain = os.fsencode(plain).decode(errors="replace")
    name, number = plain, 1
    while name in taken:
        number += 1
        name = f"{plain} ({number})"
    return name
