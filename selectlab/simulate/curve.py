"""What a simulation returns: metrics over the number of labels, and what was labelled when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from selectlab.errors import SelectlabError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

FACTS = ("config", "counts", "stop_reason", "warnings", "strategies", "engine")
"""The parts of a selection's manifest that a step keeps."""


@dataclass(frozen=True)
class Step:
    """One round: what was labelled, and how good the model is that learned from all labels so far.

    Attributes:
        number: Of the round, from 1; 0 for the samples that were labelled at the start.
        n_labelled: Number of labels after it.
        picked: Ids labelled in it, in the order of the selection.
        metrics: What the learner measured after it, by name.
        manifest: Of the selection: config, counts, stop reason, warnings, states of strategies
            and what they tell (``engine``). Empty where ids were given.
    """

    number: int
    n_labelled: int
    picked: tuple[str, ...]
    metrics: Mapping[str, float]
    manifest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Curve:
    """The learning curve of one method under one seed.

    Attributes:
        method: Its name.
        seed: The seed.
        steps: One a round.
    """

    method: str
    seed: int
    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        return f"Curve({self.method!r}, seed {self.seed}, labels {self.labels})"

    @property
    def labels(self) -> list[int]:
        """Number of labels after each step."""
        return [step.n_labelled for step in self.steps]

    @property
    def order(self) -> tuple[str, ...]:
        """All labelled ids, in the order of labelling."""
        return tuple(sample_id for step in self.steps for sample_id in step.picked)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of what was measured."""
        return tuple(self.steps[0].metrics)

    def values(self, metric: str) -> list[float]:
        """Return a metric after each step.

        Raises:
            SelectlabError: Nothing of that name was measured.
        """
        if metric not in self.metrics:
            raise SelectlabError(
                f"metric: nothing is called {metric!r}{did_you_mean(metric, self.metrics)}"
            )
        return [step.metrics[metric] for step in self.steps]

    def frame(self) -> pd.DataFrame:
        """Return one row per step: method, seed, round, labels and metrics."""
        import pandas as pd

        named = {"method": self.method, "seed": self.seed}
        rows = [
            {**named, "round": step.number, "labels": step.n_labelled, **step.metrics}
            for step in self.steps
        ]
        frame: pd.DataFrame = pd.DataFrame(rows)
        return frame
