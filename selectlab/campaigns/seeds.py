"""The seeds of a campaign: the elements that it looks for more of."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from selectlab.corpus.spaces import Element, Space
from selectlab.errors import DataError, repeated


@dataclass(frozen=True, eq=False)
class Seeds:
    """Elements and their vectors, by sample id and number whatever the order they are given in.

    Attributes:
        space: What the vectors are of.
        elements: (S,) sorted, each once; S may be 0.
        vectors: (S, D) float32.

    Raises:
        DataError: An element occurs twice, the vectors are not S times D, or one is not finite.

    Example:
        >>> space = Space("resnet18", 2, "frame")
        >>> seeds = Seeds(space, (Element("b"), Element("a")), np.eye(2))
        >>> seeds.elements[0].sample_id, seeds.vectors[0]
        ('a', array([0., 1.], dtype=float32))
    """

    space: Space
    elements: tuple[Element, ...]
    vectors: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        vectors = np.asarray(self.vectors, dtype=np.float32)
        expected = (len(self.elements), self.space.dimension)
        if vectors.shape != expected:
            raise DataError(f"seeds: expected vectors of shape {expected}, got {vectors.shape}")
        order = sorted(range(len(self.elements)), key=self.elements.__getitem__)
        elements, vectors = tuple(self.elements[at] for at in order), vectors[order]
        told = [f"{element.sample_id!r}, number {element.number}" for element in elements]
        for twice in repeated(told):
            raise DataError(f"seeds: {twice} occurs more than once")
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if len(bad):
            raise DataError(f"seeds: the vector of {told[bad[0]]} has NaN or infinity in it")
        vectors.setflags(write=False)
        object.__setattr__(self, "elements", elements)
        object.__setattr__(self, "vectors", vectors)

    def __len__(self) -> int:
        return len(self.elements)

    @cached_property
    def digest(self) -> str:
        """sha256 of the space, the elements and the vectors, in hexadecimal digits."""
        names = [[element.sample_id, element.number] for element in self.elements]
        told = json.dumps([asdict(self.space), names], sort_keys=True)
        total = hashlib.sha256(told.encode())
        total.update(np.ascontiguousarray(self.vectors, dtype="<f4").tobytes())
        return total.hexdigest()
