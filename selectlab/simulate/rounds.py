"""What a round of active learning starts from: who learns, and what is known so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol, runtime_checkable

from selectlab.dataset import Dataset


@runtime_checkable
class Learner(Protocol):
    """A model that is trained anew each round, and its data; it knows all labels.

    A learner may also have an attribute ``classes``, the names of all classes, for methods that
    need to know how many there are; and ``forget()``, which is called when a simulation begins and
    after which there is no present model, so that one learner can serve several simulations.
    """

    def learn(self, labelled: Sequence[str]) -> None:
        """Train anew on these samples, ids in the order in which they were labelled."""
        ...

    def pool(self) -> Dataset:
        """Return all samples, labelled or not, with what the present model says of them.

        Before the first :meth:`learn` there are no predictions. Sample ids stay the same.
        """
        ...

    def evaluate(self) -> Mapping[str, float]:
        """Return metrics of the present model on test data, by name."""
        ...


@dataclass(frozen=True)
class Round:
    """What a method is asked in one round.

    Attributes:
        n_samples: Number of samples to select.
        dataset: All samples, with what the present model says of them.
        labelled: Ids labelled so far, in the order of labelling.
        number: 1 for the first round.
        seed: What every random draw of this round depends on.
        classes: Names of all classes; empty where the learner does not tell.
    """

    n_samples: int
    dataset: Dataset
    labelled: tuple[str, ...] = ()
    number: int = 1
    seed: int = 0
    classes: tuple[str, ...] = ()


def seed_of_round(seed: int, number: int) -> int:
    """Return the seed of one round of a simulation, 0 to 2^31 - 1, alike for all methods."""
    digest = blake2b(f"{seed}\0{number}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") >> 1
