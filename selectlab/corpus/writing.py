"""How an index comes to be and grows: parts first, then the manifest that names them, in one step.

Whoever is stopped in between leaves files that no manifest names; the next one to write removes
them. One process writes at a time, and nobody who reads has to wait.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from selectlab import progress
from selectlab.columns import EmbeddingTable
from selectlab.corpus.arrivals import Arrivals, Hashes, hashed
from selectlab.corpus.blocks import Rows
from selectlab.corpus.manifest import Manifest, PartEntry, read_manifest
from selectlab.corpus.parts import write_part
from selectlab.corpus.spaces import Space
from selectlab.dataset import Dataset
from selectlab.errors import DataError, first_of
from selectlab.ids import Ids
from selectlab.locks import held
from selectlab.memory import MemorySource
from selectlab.row_files import RowFile
from selectlab.vector_tables import copy_into

LOCK = "writer.lock"
_OURS = re.compile(r"part-\d+|lists-\d+\.faiss|\.manifest-\d+\.json")


@contextmanager
def writing(folder: Path) -> Iterator[Manifest | None]:
    """Hold an index alone, and give what it holds; ``None`` where there is none yet.

    Raises:
        DataError: Another process writes it, or the folder cannot be written.
    """

    def taken(pid: str) -> DataError:
        who = f"process {pid}" if pid else "another process"
        return DataError(f"{folder}: {who} is writing this index; run this again when it is done")

    new = not os.path.exists(folder)
    try:
        with held(folder / LOCK, taken):
            manifest = read_manifest(folder)
            _sweep(folder)
            try:
                yield manifest
            finally:
                _sweep(folder)
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be written, {error.strerror or error}; --index DIR (folder=...) "
            "names another place"
        ) from None
    finally:
        if new:
            with suppress(OSError):
                folder.rmdir()  # nothing came of it


def _sweep(folder: Path) -> None:
    """Remove files of ours that the manifest does not name."""
    manifest = read_manifest(folder)
    named = {part.name for part in manifest.parts} if manifest else set()
    if manifest and manifest.lists:
        named.add(manifest.lists.file)
    for path in folder.iterdir():
        if path.name in named or not _OURS.fullmatch(path.name):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def build(
    folder: Path,
    dataset: Dataset,
    *,
    task: str | None,
    embeddings: str | None,
    space_id: str | None,
    normalise: bool,
    rebuild: bool,
) -> None:
    """Index a dataset; see :meth:`selectlab.corpus.Corpus.build`."""
    arrivals = Arrivals.of(dataset, task, embeddings)
    space = _space(arrivals.table, task, _space_name(arrivals.table, space_id), normalise)
    with writing(folder) as before:
        if before is not None and not rebuild:
            raise DataError(
                f"{folder}: there is an index already; append to it, or build it anew with "
                "--rebuild (rebuild=True)"
            )
        generation = before.generation + 1 if before else 1
        table, hashes = _noted(arrivals.table)
        entry = _new_part(folder, generation, arrivals, table, hashes, normalise=normalise)
        manifest = Manifest(
            identity=uuid.uuid4().hex,
            generation=generation,
            space=space,
            embeddings=embeddings,
            declared=() if arrivals.table.space else (_name_of(dataset, folder),),
            n_samples=len(arrivals.samples()[0]),
            parts=(entry,),
        )
        manifest.write(folder)
    _tell_without(arrivals)


def append(folder: Path, dataset: Dataset, space_id: str | None) -> int:
    """Add what an index does not have yet; see :meth:`selectlab.corpus.Corpus.append`."""
    with writing(folder) as before:
        if before is None:
            raise DataError(f"{folder}: the index is gone; build it anew")
        space, name = before.space, _name_of(dataset, folder)
        arrivals = Arrivals.of(dataset, space.task or None, before.embeddings)
        table = arrivals.table
        known_as = space.name if name in before.declared else None
        found = _space_name(table, space_id or (known_as if not table.space else None))
        space.check(_space(table, space.task, found, space.normalised), table.where)
        rows = Rows.open(before, folder)
        place = rows.find(arrivals.ids, arrivals.owners, arrivals.numbers)
        new = arrivals.take(np.flatnonzero(place < 0))
        table, hashes = _noted(table)
        if len(new):
            generation = before.generation + 1
            part = _new_part(folder, generation, new, table, hashes, normalise=space.normalised)
            declared = before.declared if table.space else {*before.declared, name}
            update = {
                "generation": generation,
                "declared": tuple(sorted(declared)),
                "n_samples": before.n_samples + _n_unknown(rows, new.samples()[0]),
                "parts": (*before.parts, part),
            }
            before.model_copy(update=update).write(folder)
        else:
            for _ in table.blocks():
                pass  # only noted, to find what has changed
    known = np.flatnonzero(place >= 0)
    _tell_changed(folder, rows, place[known], hashes[arrivals.rows[known]])
    _tell_gone(folder, len(known), len(rows))
    _tell_without(arrivals)
    return len(new)


def _noted(table: EmbeddingTable) -> tuple[EmbeddingTable, Hashes]:
    progress.stage("reading embeddings", len(table.ids), unit="vectors")
    return hashed(table)


def _new_part(
    folder: Path,
    generation: int,
    arrivals: Arrivals,
    table: EmbeddingTable,
    hashes: Hashes,
    *,
    normalise: bool,
) -> PartEntry:
    """Write a part, and return what the manifest says of it."""

    def fill(file: RowFile) -> Hashes:
        copy_into(file, table, arrivals.targets(), normalize=normalise)
        progress.stage("writing the index")
        return hashes[arrivals.rows]

    name = f"part-{generation:06d}"
    write_part(folder / name, arrivals, fill)
    return PartEntry(name=name, n_elements=len(arrivals))


def _space(table: EmbeddingTable, task: str | None, name: str, normalise: bool) -> Space:
    return Space(name, table.dimension, "object" if task else "frame", task or "", normalise)


def _space_name(table: EmbeddingTable, given: str | None) -> str:
    """Return the space of a table: what its file says, or what the user says; never a guess."""
    if table.space and given and given != table.space:
        raise DataError(
            f"{table.where}: lies in embedding space {table.space!r}, as its .json says, not in "
            f"{given!r}"
        )
    if not (table.space or given):
        raise DataError(
            f"{table.where}: nothing says which embedding space it lies in; name the model and "
            "its weights with --space-id ID (space_id=...)"
        )
    return str(table.space or given)


def _name_of(dataset: Dataset, folder: Path) -> str:
    """Return what a dataset is called in the manifest: its path from the index, or its URL."""
    where = dataset.source.where
    if isinstance(dataset.source, MemorySource) or "://" in where:
        return where
    path = os.path.realpath(os.path.expanduser(where))
    try:
        return Path(os.path.relpath(path, os.path.realpath(folder))).as_posix()
    except ValueError:  # another drive
        return path


def _n_unknown(rows: Rows, ids: Ids) -> int:
    """Return how many samples have no element in an index."""
    unknown = np.ones(len(ids), dtype=np.bool_)
    for part in rows.parts:
        unknown &= part.ids.positions(ids) < 0
    return int(np.count_nonzero(unknown))


def _tell_changed(folder: Path, rows: Rows, known: npt.NDArray[np.int64], hashes: Hashes) -> None:
    """Say how many elements have other vectors than when they were indexed."""
    before = np.concatenate([part.hashes() for part in rows.parts])
    n_changed = np.count_nonzero(before[known] != hashes)
    if n_changed:
        warnings.warn(
            f"{folder}: {n_changed} of {len(known)} known elements have other vectors in the "
            "dataset by now; the index keeps its own, --rebuild takes the new ones",
            stacklevel=4,
        )


def _tell_gone(folder: Path, n_known: int, n_elements: int) -> None:
    """Say how many elements the dataset has lost; one that never had any has brought more."""
    n_gone = n_elements - n_known
    if n_known and n_gone:
        warnings.warn(
            f"{folder}: {n_gone} of {n_elements} elements are not in the dataset; they stay, "
            "--rebuild leaves them out",
            stacklevel=4,
        )


def _tell_without(arrivals: Arrivals) -> None:
    """Say how many samples have no embedding; those without objects need none."""
    lacking = arrivals.without() if arrivals.numbers is None else ()
    if lacking:
        warnings.warn(
            f"{arrivals.table.where}: no embedding for {first_of(lacking, len(arrivals.ids))}; "
            "they are not in the index",
            stacklevel=4,
        )
