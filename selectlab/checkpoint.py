"""Checkpoints: what a long selection has picked so far, so that it can go on where it was."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from selectlab.atomic import replace_file
from selectlab.config import Config
from selectlab.errors import DataError
from selectlab.locks import held
from selectlab.manifest import hash_ids
from selectlab.resolve import Resolved
from selectlab.validation import shortened

EVERY_S = 10.0
"""A checkpoint is written this often, s."""
NAME = "selectlab-checkpoint.json"
"""The file, where a folder is given."""

_FORMAT = 1
_MOST_SHARE = 0.02
"""Most of the time that may go into writing: a large file is written less often."""
_SIZES = {"n_samples", "proportion_samples"}


@dataclass(frozen=True)
class _Origin:
    """What the picks follow from. The size does not count: the first k of many are the k of few."""

    selectlab: str
    config: Mapping[str, Any]
    n_input: int
    sample_ids_blake2b: str
    n_preselected: int
    preselected_blake2b: str
    inputs: Sequence[Mapping[str, str]]

    @classmethod
    def of(cls, resolved: Resolved, hashes: Sequence[str]) -> _Origin:
        """Return where the picks of a run come from; ``hashes`` are those of the inputs."""
        config, ids = resolved.config, resolved.dataset.ids
        before = [ids[row] for row in resolved.preselected]
        return cls(
            selectlab=_version(),
            config=_told(config),
            n_input=len(ids),
            sample_ids_blake2b=hash_ids(ids),
            n_preselected=len(before),
            preselected_blake2b=hash_ids(before),
            inputs=[
                {"entry": entry.path, "input": entry.input.describe(), "blake2b": digest}
                for entry, digest in zip(config.entries, hashes, strict=True)
            ],
        )

    def rules_change(self, version: str, config: Mapping[str, Any]) -> str | None:
        """Say what of version and config is not as it was; ``None`` where both are."""
        if self.selectlab != version:
            return f"selectlab {self.selectlab} wrote it, and this is {version}"
        difference = _difference(self.config, config)
        return None if difference is None else f"the config has changed: {difference}"

    def change(self, now: _Origin) -> str | None:
        """Say what is not as it was; ``None`` where everything is."""
        rules = self.rules_change(now.selectlab, now.config)
        if rules is not None:
            return rules
        if self.n_input != now.n_input:
            return f"the dataset has {now.n_input} samples, and had {self.n_input}"
        if self.sample_ids_blake2b != now.sample_ids_blake2b:
            return "the dataset has other sample ids"
        if self.n_preselected != now.n_preselected:
            return f"{now.n_preselected} samples are preselected, and {self.n_preselected} were"
        if self.preselected_blake2b != now.preselected_blake2b:
            return "other samples are preselected, or in another order"
        then = {given["entry"]: given["blake2b"] for given in self.inputs}
        for given in now.inputs:
            if then.get(given["entry"]) != given["blake2b"]:
                return f"{given['entry']}.input: {given['input']} has other values"
        return None


def _version() -> str:
    import selectlab

    return selectlab.__version__


def _told(config: Config) -> Any:
    """Return a config as JSON gives it back, without its size."""
    told = {key: value for key, value in config.to_json().items() if key not in _SIZES}
    return json.loads(json.dumps(told))


class Checkpoint:
    """A file that lets an interrupted selection go on; made by :func:`opened`.

    Attributes:
        path: The file.
        n_saved: How many picks it holds.
        n_resumed: How many picks of an earlier run this one has taken over.
    """

    def __init__(self, path: Path, every_s: float | None = None) -> None:
        self.path = path
        self._every_s = EVERY_S if every_s is None else every_s
        self._due = monotonic() + self._every_s
        self._before = _read(path)
        self.n_saved = 0 if self._before is None else len(self._before[1])
        self.n_resumed = 0
        self._complained = False
        self._origin: _Origin | None = None
        self._resolved: Resolved | None = None
        self._rows: Sequence[int] = ()

    def begin(self, resolved: Resolved, hashes: Sequence[str]) -> list[int]:
        """Take note of a run and return the rows of its plan that were picked before, in order.

        Args:
            resolved: The run.
            hashes: Of the values of each input.

        Raises:
            DataError: The picks come from another config or other data.
        """
        self._resolved, self._origin = resolved, _Origin.of(resolved, hashes)
        if self._before is None:
            return []
        then, picked = self._before
        self._refuse(then.change(self._origin))
        rows = self._rows_of(picked, resolved)[: resolved.plan.n_picks]
        self._rows, self.n_resumed = rows, len(rows)
        return rows

    def check(self, config: Config) -> None:
        """Refuse what can be refused before any input is read.

        Args:
            config: That of the run, with what strategies take over from the last round.

        Raises:
            DataError: The picks come from another config or version.
        """
        if self._before is not None:
            then = self._before[0]
            self._refuse(then.rules_change(_version(), _told(config)))

    def _refuse(self, change: str | None) -> None:
        if change is not None:
            raise DataError(
                f"{self.path}: cannot go on: {change}; undo that, or remove the file to start "
                "afresh"
            )

    def _rows_of(self, picked: Sequence[str], resolved: Resolved) -> list[int]:
        """Return the rows of the plan behind ids; a sequence goes by its first frame."""
        place = np.full(len(resolved.dataset), -1, dtype=np.intp)
        place[resolved.rows[:, 0]] = np.arange(len(resolved.rows))
        rows = place[resolved.dataset.rows_of(picked, str(self.path))]
        if (rows < 0).any() or not resolved.plan.candidates[rows].all():
            raise _damaged(self.path, "it holds picks that this run cannot make")
        found: list[int] = rows.tolist()
        return found

    def watch(self, rows: Sequence[int]) -> None:
        """Take note of all rows picked so far, and write them when it is time."""
        self._rows = rows
        if monotonic() >= self._due:
            self.write()

    def write(self) -> None:
        """Write what was picked, unless the file holds it already.

        A selection is worth more than its checkpoint: when it cannot be written there is a
        warning, the file stays as it was, and the selection goes on.
        """
        if self._resolved is None or self._origin is None or len(self._rows) <= self.n_saved:
            return
        begin = monotonic()
        ids, firsts = self._resolved.dataset.ids, self._resolved.rows[:, 0]
        picked = [ids[firsts[row]] for row in self._rows]
        content = {
            "selectlab_checkpoint": _FORMAT,
            **asdict(self._origin),
            "picked_blake2b": hash_ids(picked),
            "picked": picked,
        }
        try:
            replace_file(self.path, lambda to: _write_through(to, json.dumps(content)))
        except OSError as error:
            self._complain(f"cannot be written: {error.strerror or error}")
        else:
            self.n_saved = len(picked)
        end = monotonic()
        self._due = end + max(self._every_s, (end - begin) / _MOST_SHARE)

    def _complain(self, what: str) -> None:
        """Warn, once: the next time is in seconds."""
        if not self._complained:
            warnings.warn(f"{self.path}: {what}; the selection goes on", stacklevel=3)
        self._complained = True

    def remove(self) -> None:
        """Remove the file: what it was for is done."""
        self.path.unlink(missing_ok=True)
        self.n_saved = 0


@contextmanager
def opened(path: str | os.PathLike[str], every_s: float | None = None) -> Iterator[Checkpoint]:
    """Hold a checkpoint; nobody else can as long as this lasts.

    Args:
        path: The file, which need not be there, or a folder to put it in.
        every_s: How often it is written, s; :data:`EVERY_S` where ``None``.

    Raises:
        DataError: Somebody else has it, it is no checkpoint or damaged, or nothing can be
            written there.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, opened(folder) as checkpoint:
        ...     checkpoint.path.name, checkpoint.n_saved
        ('selectlab-checkpoint.json', 0)
    """
    file = _file(path)
    lock = file.with_name(f"{file.name}.lock")
    with ExitStack() as holding:
        try:
            holding.enter_context(held(lock, lambda pid: _taken(file, pid)))
            _remove_leftovers(file)
        except OSError as error:
            raise DataError(f"{file}: cannot be written: {error.strerror or error}") from error
        yield Checkpoint(file, every_s)


def _file(path: str | os.PathLike[str]) -> Path:
    text = os.fspath(path)
    if not text:
        raise DataError("checkpoint: expected a file or a folder, got nothing")
    if "://" in text:
        raise DataError(f"checkpoint: expected a file on this machine, got {text!r}")
    is_folder = text.endswith(("/", os.sep)) or Path(text).is_dir()
    return Path(text) / NAME if is_folder else Path(text)


def _taken(path: Path, pid: str) -> DataError:
    return DataError(f"{path}: process {pid} is using it; wait for it, or choose another file")


def _damaged(path: Path, why: str) -> DataError:
    return DataError(f"{path}: damaged, or no checkpoint: {why}; remove it to start afresh")


def _remove_leftovers(path: Path) -> None:
    """Remove what a process that died while it wrote has left beside the file."""
    name = re.compile(rf"\.{re.escape(path.stem)}-\d+{re.escape(path.suffix)}")
    for other in path.parent.iterdir():
        if name.fullmatch(other.name):
            other.unlink(missing_ok=True)


def _write_through(path: Path, text: str) -> None:
    """Write a file that is on the disk when this returns."""
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> tuple[_Origin, list[str]] | None:
    """Return where the picks of a file come from, and the picks; ``None`` where there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise _damaged(path, "not valid JSON") from error
    if not isinstance(content, dict) or "selectlab_checkpoint" not in content:
        raise DataError(f"{path}: a file, but no checkpoint; choose another name")
    if content["selectlab_checkpoint"] != _FORMAT:
        raise DataError(
            f"{path}: a checkpoint of selectlab {content.get('selectlab')}, which this one cannot "
            "read; go on with that, or remove the file to start afresh"
        )
    try:
        origin = _Origin(**{field.name: content[field.name] for field in fields(_Origin)})
        picked: list[str] = content["picked"]
        whole = hash_ids(picked) == content["picked_blake2b"]
    except (KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, "parts of it are missing") from error
    if not whole:
        raise _damaged(path, "the picks are not as they were written")
    return origin, picked


def _difference(then: Any, now: Any, path: str = "") -> str | None:
    """Return the first place where two JSON values differ, and how."""
    if isinstance(then, dict) and isinstance(now, dict):
        places = [(f"{path}.{key}".lstrip("."), key) for key in sorted({*then, *now})]
        found = (_difference(then.get(key), now.get(key), name) for name, key in places)
        return next((difference for difference in found if difference), None)
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        pairs = enumerate(zip(then, now, strict=True))
        found = (_difference(a, b, f"{path}[{i}]") for i, (a, b) in pairs)
        return next((difference for difference in found if difference), None)
    if isinstance(then, list) and isinstance(now, list):
        return f"{path}: {len(now)} now, {len(then)} then"
    return None if then == now else f"{path}: {_shown(now)} now, {_shown(then)} then"


def _shown(value: Any) -> str:
    return "not set" if value is None else shortened(value)
