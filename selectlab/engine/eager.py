"""The search that looks at all rows at every pick: for plans of which nothing is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from selectlab import threads
from selectlab.engine.plan import TINY, Plan
from selectlab.engine.scores import exact_scores, exact_terms, silence, slack_of
from selectlab.engine.search import Search
from selectlab.forms import Falling
from selectlab.objective import BoolArray, Rows, Side

_BLOCK_ROWS = 32_768


class Eager(Search):
    """Bounds of all rows give the few that can be best; those are compared exactly.

    Args:
        plan: What to search.
        because: Why nothing faster suits the plan, for the manifest.
    """

    def __init__(self, plan: Plan, because: str) -> None:
        super().__init__(plan)
        self._because = because
        self._score = np.full(len(self.open), -np.inf)

    def next(self, most: int) -> list[int] | str:
        """Return the best row, or why there is none."""
        allowed = self.allowed()
        if isinstance(allowed, str):
            return allowed
        self._bound_scores(allowed)
        top = np.array([np.argmax(self._score)], dtype=np.intp)
        at_least = float(sum(term[0] for term in exact_terms(self.parts, top)[1]))
        slack = slack_of(self.parts, at_least)
        rivals: Rows = np.flatnonzero(self._score >= at_least - slack)
        row = int(rivals[int(np.argmax(exact_scores(self.parts, rivals)))])
        return self.stopped_by(row) or [row]

    def _bound_scores(self, allowed: BoolArray) -> None:
        """Write an upper bound of every row's score."""
        for part in self.parts:
            form = part.objective.form()
            if isinstance(form, Falling):
                form.refresh(slice(0, len(allowed)))
        for block in threads.cut(len(allowed), _BLOCK_ROWS):
            score = self._score[block]
            np.copyto(score, 0.0)
            for part in self.parts:
                side: Side = "upper" if part.strength > 0 else "lower"
                term = np.maximum(part.objective.bound(block, side), TINY)
                np.log(term, out=term)
                if part.strength != 1.0:
                    term *= part.strength
                silence(term, part, block)
                score += term
            np.copyto(score, -np.inf, where=~allowed[block])

    def facts(self) -> dict[str, Any]:
        """Say that every row was looked at at every pick, and why."""
        return {"search": "eager", "because": self._because}
