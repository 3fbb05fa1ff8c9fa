"""Checks of writers, on made-up samples."""

from __future__ import annotations

import inspect
import json
import re
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from selectlab import registry
from selectlab.errors import DataError, SelectlabError
from selectlab.exports.items import Item
from selectlab.exports.writer import Writer
from selectlab.testing.example_items import TASKS, ExampleItems
from selectlab.testing.spec_checks import instances, require, some
from selectlab.types import type_name

__all__ = ["WRITER_CHECKS"]

_MANY, _MOST_HELD = 4000, 3000


def check_writer_name(cls: type[Writer], *examples: Writer) -> None:
    """The name of the format is lower case, and no other installed writer has it."""
    name = type_name(cls)
    require(
        re.fullmatch(r"[a-z][a-z0-9_]*", name) is not None,
        f"{cls.__name__}: type {name!r} is not lower case with underscores",
    )
    installed = registry.writers()
    other = installed[name].cls if name in installed else cls
    require(other is cls, f"{cls.__name__}: type {name!r} is taken by {other!r}")


def check_writer_is_explained(cls: type[Writer], *examples: Writer) -> None:
    """The docstring has a summary line and names every option; all options have defaults."""
    text = inspect.cleandoc(cls.__doc__ or "")
    require(len(text.split("\n")[0]) > 9, f"{cls.__name__}: its docstring has no summary line")
    for name, field in cls.model_fields.items():
        if name == "type":
            continue
        require(f"    {name}: " in text, f"{cls.__name__}: option {name!r} is not in Attributes")
        require(not field.is_required(), f"{cls.__name__}: option {name!r} has no default")
    ending = cls.ending
    require(
        not ending or ending[0] == ".", f"{cls.__name__}: ending {ending!r} does not begin with ."
    )


def check_writes_a_file_or_a_folder(cls: type[Writer], *examples: Writer) -> None:
    """What it makes is what its ending says, for any kind of shapes, sizes known or not.

    What a format cannot say is a ``DataError``. Nothing to write is none of its errors.
    """
    wrote = []
    for writer in instances(cls, examples):
        for items in (*_variants(cls), ExampleItems(3, sized=False, located=False)):
            with _folder() as folder:
                out = folder / f"out{cls.ending}"
                try:
                    notes = writer.write(items, out)
                except DataError as error:
                    require("\n" not in str(error), f"{writer!r}: an error of two lines: {error}")
                    continue
                kind = out.is_file() if cls.ending else out.is_dir()
                require(kind, f"{writer!r}: ending {cls.ending!r}, but did not make such a thing")
                lines = isinstance(notes, list) and all("\n" not in note for note in notes)
                require(lines, f"{writer!r}: notes must be a list of lines, got {notes!r}")
                wrote.append(items)
    some(wrote, f"{cls.__name__}: could write none of the examples")


def check_writes_only_there(cls: type[Writer], *examples: Writer) -> None:
    """Nothing but ``out`` is made, and nothing hidden or empty-handed is left beside it."""
    for writer, items in _examples(cls, examples):
        with _folder() as folder:
            writer.write(items, folder / "out")
            found = sorted(path.name for path in folder.iterdir())
            require(found == ["out"], f"{writer!r}: left {found} in the folder of its output")


def check_writes_the_same_again(cls: type[Writer], *examples: Writer) -> None:
    """The same samples give the same bytes, wherever they are written."""
    for writer, items in _examples(cls, examples):
        with _folder() as one, _folder() as other:
            writer.write(items, one / "out")
            writer.write(items, other / "out")
            first, second = _contents(one / "out"), _contents(other / "out")
            require(first.keys() == second.keys(), f"{writer!r}: other files the second time")
            changed = [name for name in first if first[name] != second[name]]
            require(not changed, f"{writer!r}: {changed} differ the second time")


def check_ids_survive(cls: type[Writer], *examples: Writer) -> None:
    """Every sample id can be read in what was written, in some spelling of the format."""
    for writer, items in _examples(cls, examples):
        with _folder() as folder:
            writer.write(items, folder / "out")
            text = "\n".join(_texts(folder / "out"))
            for name in items.ids:
                found = any(spelt in text for spelt in _spellings(name))
                require(found, f"{writer!r}: sample id {name!r} is nowhere to be found")


def check_streams(cls: type[Writer], *examples: Writer) -> None:
    """Samples are let go of while it writes: a million of them must not be held."""
    writer = instances(cls, examples)[0]
    items = _Counted(_MANY, ["boxes"] if cls.takes_shapes else [])
    with _folder() as folder:
        writer.write(items, folder / "out")
    require(items.most <= _MOST_HELD, f"{writer!r}: held {items.most} of {_MANY} samples at once")


WRITER_CHECKS = (
    check_writer_name,
    check_writer_is_explained,
    check_writes_a_file_or_a_folder,
    check_writes_only_there,
    check_writes_the_same_again,
    check_ids_survive,
    check_streams,
)


class _Text(str):
    """Text that can be counted while somebody holds it."""


class _Counted(ExampleItems):
    """Samples that count how many of them, or of their reasons, are held at once."""

    held = most = 0

    def __iter__(self) -> Iterator[Item]:
        for at in range(len(self)):
            made = self.item(at)
            reason = _Text(made.reason)
            item = Item(**{**vars(made), "reason": reason, "row": {**made.row, "reason": reason}})
            self.held += 1
            weakref.finalize(reason, self._let_go)
            self.most = max(self.most, self.held)
            del made, reason
            yield item
            del item

    def _let_go(self) -> None:
        self.held -= 1


def _variants(cls: type[Writer]) -> Iterator[ExampleItems]:
    """Yield samples without shapes, with those of each task, of all, and no samples at all."""
    yield ExampleItems()
    yield ExampleItems(0)
    if cls.takes_shapes:
        for name in TASKS:
            yield ExampleItems(tasks=[name])
        yield ExampleItems(tasks=list(TASKS))
        yield ExampleItems(tasks=["boxes"], sized=False)
        yield ExampleItems(tasks=["boxes"], located=False)


def _examples(
    cls: type[Writer], examples: Sequence[Writer]
) -> Iterator[tuple[Writer, ExampleItems]]:
    """Yield writers with samples that each can write; made-up options may not mean anything."""
    found = []
    for writer in instances(cls, examples):
        for items in (ExampleItems(tasks=["boxes"] if cls.takes_shapes else []), ExampleItems()):
            with _folder() as folder:
                try:
                    writer.write(items, folder / "out")
                except SelectlabError:
                    continue
            found.append((writer, items))
            break
    yield from some(found, f"{cls.__name__}: could write none of the examples")


class _folder(tempfile.TemporaryDirectory[str]):  # noqa: N801 - reads like a function
    def __enter__(self) -> Path:  # type: ignore[override]
        return Path(super().__enter__())


def _contents(out: Path) -> dict[str, bytes]:
    """Return the bytes of a file, or of all files in a folder."""
    if out.is_file():
        return {"": out.read_bytes()}
    files = (path for path in sorted(out.rglob("*")) if path.is_file())
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def _texts(out: Path) -> Iterator[str]:
    """Yield the names and contents of what was written, as text."""
    for name, content in _contents(out).items():
        yield name
        if content[:4] == b"PAR1":
            import pyarrow.parquet as pq

            path = out / name if name else out
            yield json.dumps(pq.read_table(path).to_pylist(), ensure_ascii=False, default=str)
        else:
            yield content.decode("utf-8", "replace")


def _spellings(name: str) -> set[str]:
    """Return how formats may write an id."""
    plain = {name, quote(name), quote(name, safe="")}
    in_json = {json.dumps(name)[1:-1], json.dumps(name, ensure_ascii=False)[1:-1]}
    in_xml = {escape(name), escape(name, {'"': "&quot;"}), quoteattr(name)[1:-1]}
    return {*plain, *in_json, *in_xml, name.replace('"', '""')}
