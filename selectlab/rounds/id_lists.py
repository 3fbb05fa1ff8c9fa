"""Lists of sample ids, packed: a million of them take a few MB."""

from __future__ import annotations

import zlib
from hashlib import blake2b

import numpy as np

from selectlab.errors import DataError
from selectlab.ids import Ids, IdsBuilder

_END = b"\0"


def pack(ids: Ids) -> tuple[str, bytes]:
    """Return the digest of ids and their packed form.

    Raises:
        DataError: An id holds a NUL, which ends an id here.
    """
    digest, packer, packed = blake2b(digest_size=16), zlib.compressobj(), bytearray()
    n_ends = 0
    for block in ids.blocks(end=_END):
        digest.update(block)
        packed += packer.compress(block)
        n_ends += block.count(_END)
    if n_ends > len(ids):
        broken = next(name for name in ids if "\0" in name)
        raise DataError(f"sample id {broken!r}: holds a NUL character, which no file name has")
    return digest.hexdigest(), bytes(packed + packer.flush())


def unpack(packed: bytes) -> Ids:
    """Return ids that were packed.

    Example:
        >>> unpack(pack(Ids.of(["a/1.png", "", "ü"]))[1])
        ('a/1.png', '', 'ü')
    """
    raw = np.frombuffer(zlib.decompress(packed), dtype=np.uint8)
    ends = np.flatnonzero(raw == 0)
    builder = IdsBuilder()
    builder.add(raw[raw != 0].data, np.diff(ends, prepend=-1) - 1)
    return builder.ids()
