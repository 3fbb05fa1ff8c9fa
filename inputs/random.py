"""RANDOM: a random number per sample."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from selectlab.types import Input, Kinds, Scalars

if TYPE_CHECKING:
    from selectlab.dataset import Dataset
    from selectlab.types import FloatArray


class Random(Input):
    """A uniform random number in (0, 1) per sample; a baseline for every other input.

    The number is a hash of the seed and the sample id: the same on every machine and in every
    file order, and it stays when other samples come or go.

    Attributes:
        random_seed: Another seed gives other numbers; 0 when not given.

    Cost:
        About 1 microsecond per sample.

    Example:
        >>> from selectlab.inputs import Random
        >>> Random(random_seed=7).describe()
        'random number (seed 7)'
    """

    kinds: ClassVar[Kinds] = (Scalars,)
    type: Literal["RANDOM"] = "RANDOM"
    random_seed: int | None = None

    def load(self, dataset: Dataset) -> Scalars:
        """Return the random number of each sample."""
        values = uniform(self.random_seed or 0, dataset.ids)
        return Scalars(values=values, name=self.describe())

    def describe(self) -> str:
        """Return the seed in words."""
        return f"random number (seed {self.random_seed or 0})"


def uniform(seed: int, ids: Iterable[str]) -> FloatArray:
    """Return a number in the open interval (0, 1) for each id.

    The top 52 bits of a 64-bit hash, plus one half, over 2^52: neither 0 nor 1 can come out.
    """
    start = blake2b(f"{seed}\0".encode(), digest_size=8)
    digests = bytearray()
    for sample_id in ids:
        keyed = start.copy()
        keyed.update(sample_id.encode("utf-8", "surrogatepass"))
        digests += keyed.digest()
    bits = np.frombuffer(bytes(digests), dtype=">u8") >> np.uint64(12)
    values: FloatArray = (bits.astype(np.float64) + 0.5) / 2.0**52
    return values
