"""The loop: select, label, retrain, evaluate."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np

from selectlab import progress
from selectlab.api import select
from selectlab.config import Config, load
from selectlab.dataset import Dataset
from selectlab.earlier import Earlier, read_earlier
from selectlab.errors import ConfigError, DataError, SelectlabError, did_you_mean, repeated
from selectlab.selection import Selection
from selectlab.simulate.curve import FACTS, Curve, Step
from selectlab.simulate.methods import Method, methods
from selectlab.simulate.rounds import Learner, Round, seed_of_round
from selectlab.validation import shortened


def simulate(
    method: Any,
    learner: Learner,
    budgets: Iterable[int],
    *,
    seed: int = 0,
    start: Iterable[str] | None = None,
) -> Curve:
    """Simulate active learning: one round of selecting, labelling and retraining per budget.

    What is labelled counts as selected. The seed and the number of the round decide every random
    draw of the selection, so the same call gives the same curve (if the learner does), and more
    budgets afterwards leave the rounds before them as they are.

    Args:
        method: What selects: a name of :func:`methods`; a selection config (dict, path, or list
            of (input, strategy) pairs), whose size is replaced by that of the round; or a
            callable that takes a :class:`Round` and returns a config or ids.
        learner: What learns.
        budgets: Numbers of labels after each round, rising.
        seed: Another seed gives other draws.
        start: Ids that are labelled before the first round; they make the first step of the
            curve. ``None``: a config that asks for predictions, which nobody can make before
            there are labels, leaves the first round to ``random``; the others select it.

    Returns:
        The curve, one step per budget, and one for ``start`` if that is fewer than the first
        budget. A config that stops early leaves a step with fewer labels than its budget.

    Raises:
        ConfigError: Method, learner, budgets, seed or start mean nothing.
        DataError: Config and pool do not go together, or ids are unknown; the message says in
            which round.

    Cost:
        That of the learner, and of one :func:`selectlab.select` per round.

    Example:
        >>> import numpy as np
        >>> from selectlab.simulate import Classification
        >>> x = np.array([[0.0], [10.0], [1.0], [9.0]])
        >>> learner = Classification(x, [0, 1, 0, 1], x, [0, 1, 0, 1])
        >>> simulate("k_center", learner, [1, 2]).frame()[["labels", "accuracy"]]
           labels  accuracy
        0       1       0.5
        1       2       1.0
    """
    limits, whole = checked_budgets(budgets), checked_seed(seed, "seed")
    simulation = _Simulation(method_of(method), checked_learner(learner), whole, limits[-1])
    if start is not None:
        simulation.begin(start, limits[0])
    name = f"simulating {simulation.method.name}"
    for budget in progress.followed(limits, len(limits), name, "rounds"):
        if budget > len(simulation.labelled):
            with progress.watched():
                simulation.go_on(budget)
    return Curve(simulation.method.name, whole, tuple(simulation.steps))


class _Simulation:
    """A simulation and how far it is."""

    def __init__(self, method: Method, learner: Learner, seed: int, most: int) -> None:
        self.method = method
        self.labelled: list[str] = []
        self.steps: list[Step] = []
        self._learner, self._seed, self._most = learner, seed, most
        self._states: Mapping[str, Mapping[str, Any]] = {}
        self._n_rounds = 0
        getattr(learner, "forget", lambda: None)()

    def begin(self, start: Iterable[str], first: int) -> None:
        """Label what is given."""
        if isinstance(start, str) or not isinstance(start, Iterable):
            hint = f"; write [{start!r}]" if isinstance(start, str) else ""
            raise ConfigError(f"start: expected a list of ids, got {start!r}{hint}")
        ids = _checked_ids(list(start), self._pool(), (), "start")
        if not ids:
            raise ConfigError("start: no ids; None lets the method select the first samples")
        if len(ids) > first:
            raise ConfigError(f"start: {len(ids)} ids, but the first budget is {first} labels")
        self._learn(0, ids, {})

    def go_on(self, budget: int) -> None:
        """Do a round, up to so many labels."""
        self._n_rounds += 1
        asked = Round(
            n_samples=budget - len(self.labelled),
            dataset=self._pool(),
            labelled=tuple(self.labelled),
            number=self._n_rounds,
            seed=seed_of_round(self._seed, self._n_rounds),
            classes=tuple(getattr(self._learner, "classes", ())),
        )
        try:
            picked, manifest = self._picked(asked)
        except SelectlabError as error:
            where = f"{self.method.name}, round {asked.number}"
            raise type(error)(f"{where}: {error}") from error
        self._learn(asked.number, picked, manifest)

    def _pool(self) -> Dataset:
        pool = self._learner.pool()
        if self._most > len(pool):
            raise ConfigError(f"budgets: {self._most} labels, but the pool has {len(pool)} samples")
        return pool

    def _picked(self, asked: Round) -> tuple[Sequence[str], Mapping[str, Any]]:
        """Return what the method labels in a round, and the facts of the selection."""
        answer = self.method.config(asked)
        ids = _as_ids(answer)
        if ids is not None:
            _checked_ids(ids, asked.dataset, asked.labelled, "ids")
            if len(ids) != asked.n_samples:
                raise DataError(f"ids: expected {asked.n_samples}, got {len(ids)}")
            return ids, {}
        chosen = self._selected(load(answer, n_samples=asked.n_samples), asked)
        return chosen.ids, {fact: chosen.manifest[fact] for fact in FACTS}

    def _selected(self, config: Config, asked: Round) -> Selection:
        if not asked.labelled and _asks_a_model(config, asked.dataset):
            config = load(methods()["random"].config(asked))
        before = Earlier(asked.labelled, self._states)
        chosen = select(config, asked.dataset, preselected=before)
        if self.method.continues:
            self._states = read_earlier(chosen).states
        return chosen

    def _learn(self, number: int, picked: Sequence[str], manifest: Mapping[str, Any]) -> None:
        self.labelled += picked
        self._learner.learn(tuple(self.labelled))
        metrics = {name: float(value) for name, value in self._learner.evaluate().items()}
        self.steps.append(Step(number, len(self.labelled), tuple(picked), metrics, manifest))


def method_of(given: Any) -> Method:
    """Return whatever says what to select as a method.

    Raises:
        ConfigError: Nothing is called like that, or the config means nothing.
    """
    named = methods()
    match given:
        case Method():
            return given
        case str() if given in named:
            return named[given]
        case str() if Path(given).suffix != ".json":
            raise ConfigError(f"method: nothing is called {given!r}{did_you_mean(given, named)}")
        case _ if callable(given):
            name = getattr(given, "__name__", type(given).__name__)
            return Method(name, "a callable", "", given)
    load(given, n_samples=1)
    name = Path(given).stem if isinstance(given, str | os.PathLike) else "config"
    return Method(name, "a config", "", lambda _: given)


def checked_learner(learner: Any) -> Learner:
    """Refuse what cannot learn, before any work.

    Raises:
        ConfigError: It lacks a method.
    """
    if not isinstance(learner, Learner):
        lacking = [name for name in ("learn", "pool", "evaluate") if not hasattr(learner, name)]
        raise ConfigError(
            f"learner: {type(learner).__name__} has no {lacking[0]}(); "
            "a learner has learn(ids), pool() and evaluate()"
        )
    return learner


def checked_budgets(budgets: Any) -> list[int]:
    """Return the budgets as integers.

    Raises:
        ConfigError: They do not rise, or are no numbers of labels.
    """
    given = list(budgets) if isinstance(budgets, Iterable) else [budgets]
    whole = all(_is_whole(n) for n in given)
    found = [operator.index(n) for n in given] if whole else []
    if not found or found != sorted(set(found)) or found[0] < 1:
        raise ConfigError(f"budgets: expected rising numbers of labels, got {budgets!r}")
    return found


def checked_seed(seed: Any, where: str) -> int:
    """Return a seed as an integer.

    Raises:
        ConfigError: It is none.
    """
    if not _is_whole(seed):
        raise ConfigError(f"{where}: expected a whole number, got {shortened(seed)}")
    return operator.index(seed)


def _is_whole(number: Any) -> bool:
    return isinstance(number, SupportsIndex) and not isinstance(number, bool | np.ndarray)


def _as_ids(answer: Any) -> list[str] | None:
    """Return the answer of a method if it is ids, not a config."""
    if isinstance(answer, str | os.PathLike | Mapping | Config | Selection):
        return None
    if not isinstance(answer, Iterable):
        return None
    members = list(answer)
    return [str(each) for each in members] if all(isinstance(m, str) for m in members) else None


def _checked_ids(ids: list[str], pool: Dataset, labelled: Sequence[str], where: str) -> list[str]:
    """Return ids that can be labelled.

    Raises:
        DataError: One is unknown, occurs twice or is labelled already.
    """
    pool.rows_of(ids, where)
    again = repeated([*labelled, *ids])
    if again:
        what = "is labelled already" if again[0] in set(labelled) else "occurs twice"
        raise DataError(f"{where}: {again[0]!r} {what}")
    return ids


def _asks_a_model(config: Config, pool: Dataset) -> bool:
    """Whether a config reads predictions that the pool does not have."""
    source = pool.source
    known = {None, *source.tasks(), *(task.name for task in config.tasks)}
    asked = {getattr(entry.input, "task", None) for entry in config.entries} - known
    return any(source.object_embeddings(str(task)) is None for task in asked)
