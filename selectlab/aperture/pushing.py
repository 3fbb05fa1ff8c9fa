"""A dataset, or a part of it, into a database. What is there already is left as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from selectlab.aperture import rows as tables
from selectlab.aperture.database import Database, Fed
from selectlab.errors import DataError
from selectlab.exports.aperture_layout import DESCRIPTOR_ID, Layout, Row, source_of
from selectlab.exports.aperture_rows import (
    connection_row,
    descriptor_row,
    image_row,
    region_rows,
    set_row,
)
from selectlab.exports.items import Item, Items
from selectlab.progress import reach, stage
from selectlab.tally import Tally

_AT_ONCE = 5000
_SMALL = 10
"""How many times as many small things as images go into a transaction."""
_VECTORS = "vectors"

UNPLACED = "images that are not in the database, and that the client cannot find"
UNKNOWN = "descriptors of samples without an image in the database"
SEVERAL = "samples that several images in the database have as their id"


@dataclass
class Count:
    """How many objects of a kind are in the database now.

    Attributes:
        added: New ones.
        existed: That were there before.
    """

    added: int = 0
    existed: int = 0


@dataclass(frozen=True)
class Pushed:
    """What a push has done.

    Attributes:
        counts: By what it is: images, boxes, outlines, descriptors.
        refused: What the server did not take, or could not be read, a line each.
        notes: What else the user should know, a line each.
    """

    counts: dict[str, Count] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def push(
    items: Items, layout: Layout, database: Database, *, batch: int = 20, embeddings: bool = True
) -> Pushed:
    """Send images with their boxes and outlines, then descriptors.

    Everything has an id, and goes in on condition that it is not there. So a push that was cut
    off is just repeated, and images that are there are not even read again.

    Args:
        items: What to send.
        layout: How it lies in the database.
        database: Where to send it.
        batch: Images in one transaction; of smaller things there are ten times as many.
        embeddings: Whether embeddings go along, if there are any.

    Raises:
        DataError: The connection is lost, the server refuses everything, or a set of descriptors
            of that name has another dimension.
    """
    sender = _Sender(layout, database, batch)
    stream = iter(items)
    while some := list(islice(stream, _AT_ONCE)):
        sender.send(some)
    notes = sender.send_vectors(items) if embeddings else []
    more = getattr(items, "notes", ())
    return Pushed(
        sender.counts,
        tuple(sender.refused.lines()),
        (*sender.tally.lines(), *notes, *more),
    )


class _Sender:
    """Sends some samples at a time and counts."""

    def __init__(self, layout: Layout, database: Database, batch: int) -> None:
        self._layout, self._database, self._batch = layout, database, batch
        self._indexed: set[str] = set()
        self.counts: dict[str, Count] = {}
        self.tally, self.refused = Tally(), Tally()

    def send(self, items: Sequence[Item]) -> None:
        """Send images and what is in them."""
        there = self._images_of([item.sample_id for item in items])
        lacking = [item for item in items if item.sample_id not in there]
        self._count("images").existed += len(there)
        there |= self._send_images(lacking)
        regions: dict[str, tuple[list[Row], list[str]]] = {"boxes": ([], []), "outlines": ([], [])}
        for item in items:
            for found in region_rows(item, self._layout, self.tally):
                for kind, row in zip(regions, found, strict=True):
                    if row is not None and item.sample_id in there:
                        regions[kind][0].append(row)
                        regions[kind][1].append(item.sample_id)
        for kind, make in (("boxes", tables.boxes), ("outlines", tables.polygons)):
            rows, names = regions[kind]
            if rows:
                self._send(kind, make(rows), names, self._batch * _SMALL)

    def _images_of(self, ids: Sequence[str]) -> set[str]:
        """Return which samples have an image in the database."""
        names = {self._layout.id_of(sample_id): sample_id for sample_id in ids}
        seen: set[str] = set()
        for name in self._database.found("FindImage", self._layout.key, list(names)):
            if names[name] in seen:
                self.tally.add(SEVERAL, repr(names[name]))
            seen.add(names[name])
        return seen

    def _send_images(self, items: Sequence[Item]) -> set[str]:
        """Send images that are not there; return the samples that have one now."""
        rows: dict[str, tuple[list[Row], list[str]]] = {}
        for item in items:
            found = source_of(item.location)
            if found is None:
                self.tally.add(UNPLACED, repr(item.sample_id))
                continue
            source, place = found
            some = rows.setdefault(source, ([], []))
            some[0].append(image_row(item, self._layout, source, place, self.tally))
            some[1].append(item.sample_id)
        there: set[str] = set()
        for images, names in rows.values():
            fed = self._send("images", tables.images(images), names, self._batch)
            there |= {names[row] for row in fed.added | fed.existed}
        return there

    def send_vectors(self, items: Items) -> list[str]:
        """Send embeddings, and connect them to their images."""
        try:
            blocks = items.vectors(self._layout.space)
            first = next(blocks, None)
        except DataError as error:
            if self._layout.space is not None:
                raise
            return [f"no descriptors: {error}"]
        if first is None:
            return ["no descriptors: no sample has an embedding"]
        self._make_set(first[1].shape[1])
        stage("sending embeddings", len(items), unit="samples")
        n_sent = 0
        for ids, vectors in chain([first], blocks):
            for start in range(0, len(ids), _AT_ONCE):
                stop = start + _AT_ONCE
                self._send_some(list(ids[start:stop]), vectors[start:stop])
                reach(n_sent + min(stop, len(ids)))
            n_sent += len(ids)
        n_without = len(items) - n_sent
        return [f"{n_without:,} of {len(items):,} samples have no embedding"] if n_without else []

    def _make_set(self, dimension: int) -> None:
        """Make the set of descriptors if it is not there.

        Raises:
            DataError: It is there, with another dimension.
        """
        name = self._layout.descriptor_set
        about = {"with_name": name, "dimensions": True}
        for entity in self._database.ask("FindDescriptorSet", about).get("entities") or ():
            known = entity.get("_dimensions")
            if known != dimension:
                raise DataError(
                    f"descriptor set {name!r} has {known} dimensions, these embeddings "
                    f"{dimension}; choose another one: --descriptor-set"
                )
            return
        row = set_row(self._layout, dimension)
        fed = self._database.feed(tables.descriptor_sets([row]), 1)
        for why in fed.refused.values():
            raise DataError(f"descriptor set {name!r}: the server refuses it: {why}")

    def _send_some(self, ids: Sequence[str], vectors: Any) -> None:
        """Send descriptors that are not there, and connect all of them."""
        layout = self._layout
        names = [layout.descriptor_id(sample_id) for sample_id in ids]
        there = set(self._database.found("FindDescriptor", DESCRIPTOR_ID, names))
        lacking = [at for at, name in enumerate(names) if name not in there]
        self._count("descriptors").existed += len(ids) - len(lacking)
        rows = [descriptor_row(layout, ids[at], _VECTORS, at) for at in lacking]
        good = {sample_id for sample_id, name in zip(ids, names, strict=True) if name in there}
        if rows:
            sent = [ids[at] for at in lacking]
            data = tables.descriptors(rows, _VECTORS, vectors)
            fed = self._send("descriptors", data, sent, self._batch * _SMALL)
            good |= {sent[row] for row in fed.added | fed.existed}
        self._connect([sample_id for sample_id in ids if sample_id in good])

    def _connect(self, ids: Sequence[str]) -> None:
        """Connect images to their descriptors, where the images are there."""
        names = [self._layout.id_of(sample_id) for sample_id in ids]
        known = set(self._database.found("FindImage", self._layout.key, names))
        here = []
        for sample_id, name in zip(ids, names, strict=True):
            if name in known:
                here.append(sample_id)
            else:
                self.tally.add(UNKNOWN, repr(sample_id))
        if here:
            rows = [connection_row(self._layout, sample_id) for sample_id in here]
            self._send("connections", tables.connections(rows), here, self._batch * _SMALL)

    def _send(self, kind: str, data: Any, names: Sequence[str], batch: int) -> Fed:
        """Send rows and count what became of them; each kind makes its indexes once."""
        fed = self._database.feed(data, batch, indexed=kind not in self._indexed)
        self._indexed.add(kind)
        count = self._count(kind)
        count.added += len(fed.added)
        count.existed += len(fed.existed)
        for row, why in sorted(fed.refused.items()):
            self.refused.add(f"{kind} refused ({why})", repr(names[row]))
        return fed

    def _count(self, kind: str) -> Count:
        return self.counts.setdefault(kind, Count())
