"""Where unfinished and finished work of a prediction lies, so that it can be taken up again.

``DATASET/.selectlab/predict/TASK/`` holds ``settings.json`` and a folder per unit (a video, or
some images). A unit is worked on in ``NAME.part``, which is renamed to ``NAME`` when everything
of it is written: the folder's name is the marker that it is done.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from selectlab.atomic import write_atomically
from selectlab.errors import DataError
from selectlab.video.plan import Unit

DONE, BEFORE, LINES, SETTINGS = "done.json", "before.json", "frames.jsonl", "settings.json"


@dataclass(frozen=True)
class Record:
    """What is known of a finished unit.

    Attributes:
        name: The video, or the first of the images.
        samples: Ids of its samples, in order.
        stamp: Sizes and times of its files: changed files are predicted again.
        unreadable: What was wrong with the images that could not be read, by id.
        superseded: Ids of samples that an earlier version of the files had, and that are gone.
    """

    name: str
    samples: list[str]
    stamp: str
    unreadable: dict[str, str] = field(default_factory=dict)
    superseded: list[str] = field(default_factory=list)


class Spool:
    """The work of one task.

    Args:
        folder: Where it lies.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def settle(self, settings: Mapping[str, Any], target: Path) -> None:
        """Note with which settings the task is predicted.

        Args:
            settings: Everything that decides what is predicted.
            target: The predictions, for the message.

        Raises:
            DataError: The task was predicted otherwise, or by someone else.
        """
        path = self.folder / SETTINGS
        if path.is_file():
            before = json.loads(path.read_text(encoding="utf-8"))
            changed = [key for key in settings if before.get(key) != settings[key]]
            if not changed:
                return
            key = changed[0]
            raise DataError(
                f"{target}: was predicted with {key} {before.get(key)}, now {settings[key]}; "
                "choose another --task, or --overwrite to predict it again"
            )
        if target.exists():
            raise DataError(
                f"{target}: holds predictions of another origin; choose another --task, or "
                "--overwrite to replace them"
            )
        write_atomically(path, json.dumps(settings, indent=2, sort_keys=True) + "\n")

    def model(self) -> str | None:
        """Return what the task was predicted with; ``None`` if it was not."""
        path = self.folder / SETTINGS
        if not path.is_file():
            return None
        told: str | None = json.loads(path.read_text(encoding="utf-8")).get("model")
        return told

    def samples(self) -> set[str]:
        """Return the samples that finished units have, or had before they were changed."""
        return {
            name for record, _ in self.records() for name in (*record.samples, *record.superseded)
        }

    def clear(self) -> None:
        """Forget everything but which samples there were."""
        (self.folder / SETTINGS).unlink(missing_ok=True)
        for record, folder in list(self.records()):
            _remember(folder.with_suffix(".part"), record)
            shutil.rmtree(folder)

    def finished(self, unit: Unit) -> Record | None:
        """Return the record of a unit if it is done and its files have not changed."""
        record = _record(self.place(unit.name) / DONE)
        if record is None or unit.sample_ids(len(record.samples)) != record.samples:
            return None
        return record if record.stamp == stamp(unit) else None

    def records(self) -> Iterator[tuple[Record, Path]]:
        """Yield all finished units and their folders, by name."""
        paths = (path for path in self.folder.glob(f"*/{DONE}") if path.parent.suffix != ".part")
        found = [(_record(path), path.parent) for path in paths]
        known = [(record, folder) for record, folder in found if record is not None]
        yield from sorted(known, key=lambda pair: pair[0].name)

    def begin(self, unit: Unit) -> Path:
        """Return a folder to work in, empty but for what is known of an earlier version."""
        place = self.place(unit.name)
        part = place.with_suffix(".part")
        before = _record(place / DONE) or _record(part / BEFORE)
        _remember(part, before)
        shutil.rmtree(place, ignore_errors=True)
        return part

    def rewrites(self, unit: Unit) -> bool:
        """Return whether a unit in work was predicted before."""
        return (self.place(unit.name).with_suffix(".part") / BEFORE).is_file()

    def superseded(self, unit: Unit, samples: Iterable[str]) -> list[str]:
        """Return the samples of an earlier version of a unit in work that are gone."""
        before = _record(self.place(unit.name).with_suffix(".part") / BEFORE)
        if before is None:
            return []
        return sorted({*before.samples, *before.superseded} - set(samples))

    def finish(self, record: Record) -> None:
        """Mark a unit as done, in one step."""
        place = self.place(record.name)
        part = place.with_suffix(".part")
        for name in (LINES, BEFORE):
            (part / name).unlink(missing_ok=True)
        text = json.dumps(asdict(record), ensure_ascii=False)
        (part / DONE).write_text(text, encoding="utf-8")
        part.rename(place)

    def forget(self, folder: Path) -> None:
        """Forget a finished unit."""
        shutil.rmtree(folder)

    def abandon(self, unit: Unit) -> None:
        """Throw away what was begun, but for what is known of an earlier version."""
        part = self.place(unit.name).with_suffix(".part")
        before = _record(part / BEFORE)
        if before is None:
            shutil.rmtree(part, ignore_errors=True)
        else:
            _remember(part, before)

    def place(self, name: str) -> Path:
        """Return the folder of a finished unit."""
        digest = hashlib.blake2b(name.encode("utf-8"), digest_size=12)
        return self.folder / digest.hexdigest()


def stamp(unit: Unit) -> str:
    """Return what tells a unit's files from changed ones: their sizes and times."""
    digest = hashlib.blake2b(digest_size=16)
    for path in unit.paths:
        found = path.stat()
        digest.update(f"{path.name}:{found.st_size}:{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _record(path: Path) -> Record | None:
    if not path.is_file():
        return None
    return Record(**json.loads(path.read_text(encoding="utf-8")))


def _remember(part: Path, before: Record | None) -> None:
    """Make a folder to work in anew, with nothing but the record of an earlier version."""
    fresh = part.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    if before is not None:
        write_atomically(fresh / BEFORE, json.dumps(asdict(before)))
    shutil.rmtree(part, ignore_errors=True)
    fresh.rename(part)
