"""What was published, what we measure of it, and the tolerance fixed before the first run."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, Literal

Results = Sequence[Mapping[str, Any]]
"""What the units of a case measured, as in the result file, in the order of the units."""

Label = Literal["reproduced", "effect reproduced on other data", "not reproduced", "not run"]
Origin = Literal[
    "published", "read off a figure", "as we recall", "measured before", "by definition"
]
SURE = 2.0
"""Standard errors by which a mean of several seeds has to keep clear of the bound."""


class Tolerance(ABC):
    """What the mean has to be for the claim to hold."""

    @abstractmethod
    def text(self) -> str:
        """Return it in words."""

    @abstractmethod
    def room(self, value: float) -> float:
        """Return how far a value is on the right side; negative on the wrong one."""


@dataclass(frozen=True)
class AtLeast(Tolerance):
    """No smaller than a bound."""

    bound: float

    def text(self) -> str:
        return f"at least {self.bound:g}"

    def room(self, value: float) -> float:
        return value - self.bound


@dataclass(frozen=True)
class AtMost(Tolerance):
    """No larger than a bound."""

    bound: float

    def text(self) -> str:
        return f"at most {self.bound:g}"

    def room(self, value: float) -> float:
        return self.bound - value


@dataclass(frozen=True)
class Near(Tolerance):
    """So near to a number; 0 for exactly."""

    value: float
    by: float = 0.0

    def text(self) -> str:
        return f"{self.value:g} +- {self.by:g}" if self.by else f"exactly {self.value:g}"

    def room(self, value: float) -> float:
        return self.by - abs(value - self.value)


@dataclass(frozen=True)
class Estimate:
    """What was measured of a claim.

    Attributes:
        values: One a seed, or a single one where nothing is random.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def standard_error(self) -> float:
        """Return the standard error of the mean; 0 for a single value."""
        if len(self.values) < 2:
            return 0.0
        return stdev(self.values) / math.sqrt(len(self.values))


@dataclass(frozen=True)
class Claim:
    """One sentence that can turn out false.

    Attributes:
        key: Short name, unique in its case.
        text: The claim, in one sentence, with the direction of what is measured.
        published: The published figure in words, or "" where there is none.
        source: Who said so, where.
        origin: How we know the published figure.
        measure: The measured number of each seed from the results of the units, recomputed from
            raw data; empty where the data of this claim was not there. Differences are paired:
            both methods on the same seed.
        tolerance: Fixed before the first run; ``git log`` of the case's file shows it.
        label: What the claim is called where it holds.
        sizes: At which sizes it is meant to hold; tests check it at ``small``.
        unit: Of the measured number, such as "points" or "".
        needs: Folder of outside data it needs, "" for none; tells why it was not run.
    """

    key: str
    text: str
    published: str
    source: str
    origin: Origin
    measure: Callable[[Results], Sequence[float]]
    tolerance: Tolerance
    label: Literal["reproduced", "effect reproduced on other data"]
    sizes: tuple[str, ...] = ("small", "full")
    unit: str = ""
    needs: str = ""


@dataclass(frozen=True)
class Verdict:
    """What became of a claim.

    Attributes:
        claim: Which.
        estimate: ``None`` where it was not run, or no number came of it.
        label: What it is called in every table.
    """

    claim: Claim
    estimate: Estimate | None
    label: Label

    @property
    def holds(self) -> bool | None:
        """Return whether it holds; ``None`` where it was not run."""
        return None if self.label == "not run" else self.label == self.claim.label


def judge(claim: Claim, results: Results) -> Verdict:
    """Return what became of a claim.

    It holds when the mean keeps the tolerance, and with several seeds keeps it by two standard
    errors: what another set of seeds could turn over is not called reproduced.
    A number that is none, such as a ratio to nothing, is not reproduced.
    """
    values = tuple(float(value) for value in claim.measure(results))
    if not values:
        return Verdict(claim, None, "not run")
    if not all(map(math.isfinite, values)):
        return Verdict(claim, None, "not reproduced")
    estimate = Estimate(values)
    room = claim.tolerance.room(estimate.mean) - SURE * estimate.standard_error
    return Verdict(claim, estimate, claim.label if room >= 0 else "not reproduced")
