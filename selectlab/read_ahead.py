"""Read the next block while this one is worked on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Block = TypeVar("Block")


def read_ahead(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield what ``blocks`` yields; the one after it is fetched by another thread meanwhile.

    Two are in memory at a time. An exception comes where it would have come.

    Example:
        >>> list(read_ahead("abc"))
        ['a', 'b', 'c']
    """
    source = iter(blocks)
    context = copy_context()

    def fetch() -> list[Block]:
        for block in source:
            return [block]
        return []

    with ThreadPoolExecutor(1, thread_name_prefix="selectlab-read") as reader:
        coming: Future[list[Block]] = reader.submit(context.run, fetch)
        while fetched := coming.result():
            coming = reader.submit(context.run, fetch)
            yield fetched.pop()
