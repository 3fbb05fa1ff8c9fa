"""The best N samples of all that go by."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from selectlab.campaigns.records import Found


@dataclass(frozen=True)
class Candidate:
    """A sample that may be among the best.

    Attributes:
        found: Its best element so far.
        row: Of that element; -1 when it was collected before.
        batch: Number of the batch that brought it; -1 when it was collected before.
    """

    found: Found
    row: int = -1
    batch: int = -1

    @property
    def rank(self) -> tuple[float, str, int]:
        """Sorts the best first, equal ones by sample id."""
        return -self.found.score, self.found.sample_id, self.found.number


class Best:
    """The best N samples so far, each once.

    Args:
        target: N, at least 1.
        threshold: Samples below it do not count.
        before: Samples that were collected before.

    Example:
        >>> from selectlab.corpus.spaces import Element
        >>> best = Best(1, 0.5)
        >>> for name, score in (("b", 0.75), ("a", 0.75), ("c", 0.5)):
        ...     best.offer(Candidate(Found(name, score, 0, 0, Element("seed"))))
        >>> best.trim()
        >>> [candidate.found.sample_id for candidate in best.ranked()], best.floor
        (['a'], 0.75)
        >>> best.done_at
        0.7500000000000001
    """

    def __init__(self, target: int, threshold: float, before: Iterable[Found] = ()) -> None:
        self._target, self._threshold = target, threshold
        self._kept = {hit.sample_id: Candidate(hit) for hit in before if hit.score >= threshold}
        self._dropped = -math.inf

    @property
    def floor(self) -> float:
        """The score that a sample needs to be among them."""
        if len(self._kept) < self._target:
            return self._threshold
        return min(candidate.found.score for candidate in self._kept.values())

    @property
    def done_at(self) -> float:
        """The lowest threshold that nothing but the kept ones reaches.

        That is the floor, unless a sample with just that score was left out for its id.
        """
        floor = self.floor
        return min(1.0, math.nextafter(floor, math.inf)) if floor == self._dropped else floor

    def offer(self, candidate: Candidate) -> None:
        """Take a candidate; of one sample the best element counts."""
        known = self._kept.get(candidate.found.sample_id)
        if known is None or candidate.rank < known.rank:
            self._kept[candidate.found.sample_id] = candidate

    def trim(self) -> None:
        """Let go of all but the best N."""
        if len(self._kept) > self._target:
            ranked = self.ranked()
            self._dropped = max(self._dropped, ranked[self._target].found.score)
            self._kept = {one.found.sample_id: one for one in ranked[: self._target]}

    def ranked(self) -> list[Candidate]:
        """Return them, best first."""
        return sorted(self._kept.values(), key=lambda candidate: candidate.rank)

    def fresh(self) -> list[Candidate]:
        """Return those that were not collected before, best first."""
        return [candidate for candidate in self.ranked() if candidate.batch >= 0]
