"""BAL: the bandit that spends the budget on the assertions that respond to labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from selectlab.types import (
    FloatArray,
    Kinds,
    Objective,
    Reason,
    Rows,
    Severities,
    Side,
    Signal,
    Spec,
    Strategy,
)

__all__ = ["Bal"]

_LEAST_KEY = 0.01
_UNTOUCHED = 1e-9
"""Objective of a sample that the drawn assertion does not flag: after all that it does."""


class BalState(Spec):
    """What one round leaves for the next.

    Attributes:
        round: Number of rounds done.
        firings: Number of samples each assertion flagged, by its name.
    """

    round: Annotated[int, Field(ge=0)] = 0
    firings: dict[str, int] = Field(default_factory=dict)


class Bal(Strategy):
    """Pick among flagged samples, mostly from the assertions whose firings fell since last round.

    Each pick draws an assertion and then a sample that it flags. In the first round both draws
    are uniform. Later, with r the relative drop of an assertion's firings since the last round,
    an assertion is drawn uniformly in a quarter of the picks and in proportion to r otherwise,
    and a sample in proportion to the rank of its severity. Where no assertion fell by 1 %, the
    baseline takes the round. Draws are without replacement, and the same under the same seed.

    Attributes:
        strength: Exponent in the product of all strategies.
        random_seed: Seed of the draws; each round draws anew.
        explore: Share of the picks whose assertion is drawn uniformly.
        minimum_drop: Smallest relative drop that counts as a response.
        baseline: What takes a round without response: ``RANDOM`` samples, or the ``OTHERS``
            strategies of the config alone.
        previous: State of the last round; filled in from the manifest of the run that is given
            as preselected.

    Objective:
        A random key in (0, 1) of the samples flagged by the assertion drawn for this pick.

    Cost:
        O(N * A) once for A assertions, O(N) per pick.

    Reference:
        Kang et al., MLSys 2020, algorithm 1.
        Differs from the paper: draws use keys u^(1/weight) (Efraimidis & Spirakis 2006), so that
        BAL multiplies with other strategies.

    Example:
        >>> import numpy as np
        >>> from selectlab.types import Severities
        >>> flagged = Severities(values=np.array([[0.0], [2.0]]), names=("flicker",))
        >>> objective = Bal().start(flagged)
        >>> int(objective.exact(np.array([0, 1])).argmax())
        1
    """

    type: Literal["BAL"] = "BAL"
    accepts: ClassVar[Kinds] = (Severities,)
    draws_at_random: ClassVar[bool] = True
    random_seed: int = 0
    explore: Annotated[float, Field(ge=0, le=1)] = 0.25
    minimum_drop: Annotated[float, Field(ge=0, le=1)] = 0.01
    baseline: Literal["RANDOM", "OTHERS"] = "RANDOM"
    previous: BalState = BalState()

    def continued(self, state: Mapping[str, Any]) -> Bal:
        """Return the strategy of the next round."""
        return self.model_copy(update={"previous": BalState.model_validate(dict(state))})

    def start(self, signal: Signal) -> Objective:
        """Return the draws of this round."""
        assert isinstance(signal, Severities)
        return _Draws(self, signal, self._drops(signal))

    def _drops(self, signal: Severities) -> FloatArray | None:
        """Relative drop of each assertion's firings; ``None`` in the first round."""
        if self.previous.round == 0:
            return None
        before = np.array([self.previous.firings.get(name, 0) for name in signal.names])
        drops = (before - signal.firings()) / np.maximum(before, 1)
        return np.where(drops >= self.minimum_drop, drops, 0.0)


class _Draws(Objective):
    def __init__(self, rules: Bal, signal: Severities, drops: FloatArray | None) -> None:
        self._rules = rules
        self._signal = signal
        self._drops = drops
        self._random = np.random.default_rng([abs(rules.random_seed), rules.previous.round])
        self._plain = self._random.uniform(_LEAST_KEY, 1.0, size=len(signal))
        self._keys = self._random_keys()
        self._left = (signal.values > 0).sum(axis=0)
        self._fallback = drops is not None and not drops.any()
        self._drawn = self._draw()

    def exact(self, rows: Rows) -> FloatArray:
        return self._row_keys()[rows]

    def bound(self, block: slice, side: Side) -> FloatArray:
        return self._row_keys()[block]

    def add(self, rows: Rows) -> None:
        self._left = self._left - (self._signal.values[rows] > 0).sum(axis=0)
        for _ in rows:
            self._drawn = self._draw()

    def state(self) -> dict[str, Any]:
        """Return what the next round needs to know."""
        firings = dict(zip(self._signal.names, self._signal.firings().tolist(), strict=True))
        return {"round": self._rules.previous.round + 1, "firings": firings}

    def reason(self, row: int) -> Reason:
        if self._drawn is None:
            why = "no assertion responds to labels" if self._fallback else "nothing flagged is left"
            return Reason(f"{why}: baseline")
        name = self._signal.names[self._drawn]
        severity = float(self._signal.values[row, self._drawn])
        if severity == 0:
            return Reason(f"nothing left that {name!r} flags", value=0.0)
        return Reason(f"drawn for {name!r}, severity {severity:g}", value=severity)

    def _random_keys(self) -> FloatArray:
        """Keys whose order is a draw without replacement in proportion to the weights, (N, A)."""
        values = self._signal.values
        weights = np.ones_like(values)
        if self._drops is not None:
            for column in range(values.shape[1]):
                weights[:, column] = _severity_rank(values[:, column])
        keys: FloatArray = self._random.uniform(_LEAST_KEY, 1.0, size=values.shape)
        return keys ** (1.0 / weights)

    def _row_keys(self) -> FloatArray:
        if self._drawn is not None:
            flagged = self._signal.values[:, self._drawn] > 0
            return np.where(flagged, self._keys[:, self._drawn], _UNTOUCHED)
        if self._fallback and self._rules.baseline == "OTHERS":
            return np.ones(len(self._plain))
        return self._plain

    def _draw(self) -> int | None:
        """Draw the assertion of the next pick among those that flag something yet."""
        uniform, choice = self._random.uniform(), self._random.uniform()
        chances = (self._left > 0).astype(np.float64)
        if self._fallback or not chances.any():
            return None
        if self._drops is not None and uniform >= self._rules.explore:
            responding = chances * self._drops
            chances = responding if responding.any() else chances
        cumulated = np.cumsum(chances)
        return int(np.searchsorted(cumulated, choice * cumulated[-1], side="right"))


def _severity_rank(values: FloatArray) -> npt.NDArray[np.float64]:
    """Rank of each severity among the different ones, 1 for the lowest; 1 where not flagged."""
    _, ranks = np.unique(values, return_inverse=True)
    return np.maximum(ranks.reshape(-1), 1).astype(np.float64)
