"""What the loop is given and what it returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from selectlab.objective import BoolArray, Guard, Objective, Reason, Rows

TINY = 1e-300
"""Objectives are clamped to this before the logarithm."""


@dataclass(frozen=True)
class Part:
    """One strategy of a plan.

    Attributes:
        entry: Its place in the config.
        label: Its name in the output.
        strength: Exponent of its objective; not 0.
        objective: Its state.
    """

    entry: int
    label: str
    strength: float
    objective: Objective


@dataclass(frozen=True)
class Plan:
    """What the loop needs: objectives that know the preselected rows, and what may be picked.

    Attributes:
        parts: In an order that does not depend on the config's.
        candidates: (N,) rows that may be picked.
        n_picks: Number of rows wanted, at most.
        guards: Promises that hold whatever the strategies; they know the preselected rows too.
        size: What was asked for, in words, for the stop reason.
    """

    parts: Sequence[Part]
    candidates: BoolArray
    n_picks: int
    guards: Sequence[Guard] = ()
    size: str = ""


@dataclass(frozen=True)
class Pick:
    """One pick, and why.

    Attributes:
        row: What was picked.
        score: Sum of ``contributions``.
        objectives: Objective of each part of the plan, this pick included.
        contributions: Strength times logarithm of each objective.
        reasons: What each part has to say.
    """

    row: int
    score: float
    objectives: tuple[float, ...]
    contributions: tuple[float, ...]
    reasons: tuple[Reason, ...]


@dataclass
class Outcome:
    """The rows in rank order, and why there are not more.

    Attributes:
        rows: What was picked, best first.
        picks: The same with reasons, unless only rows were asked for.
        stop_reason: Why there are not more.
        shortfalls: What the user should know, a line each.
        engine: How the rows were found, as JSON data.
    """

    rows: list[int] = field(default_factory=list)
    picks: list[Pick] = field(default_factory=list)
    stop_reason: str = ""
    shortfalls: list[str] = field(default_factory=list)
    engine: dict[str, Any] = field(default_factory=dict)


def count_unranked(parts: Sequence[Part]) -> Rows | None:
    """In how many parts each row has nothing to be judged by; None when nowhere."""
    masks = [p.objective.unranked for p in parts if p.objective.unranked is not None]
    if not masks:
        return None
    tiers: Rows = np.sum(masks, axis=0, dtype=np.intp)
    return tiers
