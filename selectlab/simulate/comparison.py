"""Several methods under several seeds, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from selectlab import progress
from selectlab.errors import ConfigError
from selectlab.simulate.curve import Curve
from selectlab.simulate.loop import checked_budgets, checked_seed, method_of, simulate
from selectlab.simulate.methods import Method
from selectlab.simulate.rounds import Learner
from selectlab.validation import shortened

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Comparison:
    """Learning curves of several methods, one per method and seed.

    Attributes:
        curves: In the order of the methods, then of the seeds.
    """

    curves: tuple[Curve, ...]

    def of(self, method: str) -> list[Curve]:
        """Return the curves of a method, in the order of the seeds."""
        return [curve for curve in self.curves if curve.method == method]

    @property
    def methods(self) -> list[str]:
        """Names of the methods."""
        return list(dict.fromkeys(curve.method for curve in self.curves))

    def frame(self) -> pd.DataFrame:
        """Return one row per step of every curve: method, seed, round, labels and metrics."""
        import pandas as pd

        return pd.concat([curve.frame() for curve in self.curves], ignore_index=True)

    def table(self, metric: str = "accuracy") -> pd.DataFrame:
        """Return one row per method and number of labels: mean, standard error and seeds.

        The standard error is NaN where there is a single seed.

        Raises:
            SelectlabError: Nothing of that name was measured.
        """
        for curve in self.curves:
            curve.values(metric)
        grouped = self.frame().groupby(["method", "labels"], sort=False)[metric]
        found = grouped.agg(mean="mean", standard_error="sem", seeds="count")
        return found.reset_index()


def compare(
    methods: Iterable[Any] | Mapping[str, Any],
    learner_of_seed: Callable[[int], Learner],
    budgets: Sequence[int],
    seeds: Iterable[int],
    *,
    start_of_seed: Callable[[int], Sequence[str]] | None = None,
    n_jobs: int = 1,
) -> Comparison:
    """Simulate several methods under several seeds.

    Every curve begins with a learner of its own, alike for all methods under the same seed. It
    is worked on by one thread, whatever ``n_jobs``, so the result does not depend on it.

    Args:
        methods: Methods as :func:`simulate` takes them; a mapping gives them names.
        learner_of_seed: Makes the learner of a seed: data, split, model.
        budgets: Numbers of labels after each round, rising.
        seeds: The seeds, each once.
        start_of_seed: Gives the ids labelled before the first round, if any.
        n_jobs: Number of processes; -1 for one a core.

    Returns:
        The curves, and tables of them.

    Raises:
        ConfigError: Methods, budgets, seeds or n_jobs mean nothing, or a seed occurs twice.
        DataError: As of :func:`simulate`.

    Example:
        >>> import numpy as np
        >>> from selectlab.simulate import Classification
        >>> def learner(seed):
        ...     x = np.random.default_rng(seed).normal(size=(30, 2))
        ...     return Classification(x[:20], x[:20, 0] > 0, x[20:], x[20:, 0] > 0)
        >>> found = compare(["random", "margin"], learner, budgets=[2, 8], seeds=range(3))
        >>> found.table("accuracy")[["method", "labels", "seeds"]]
           method  labels  seeds
        0  random       2      3
        1  random       8      3
        2  margin       2      3
        3  margin       8      3
    """
    from joblib import Parallel, delayed, parallel_config

    chosen = _named(methods)
    limits, listed = checked_budgets(budgets), _distinct(seeds)
    _refuse_no_function(learner_of_seed, "learner_of_seed", "makes a learner")
    if start_of_seed is not None:
        _refuse_no_function(start_of_seed, "start_of_seed", "gives ids")
    _refuse_no_number_of_processes(n_jobs)
    if not chosen or not listed:
        raise ConfigError(
            f"compare: {len(chosen)} methods and {len(listed)} seeds; give some of both"
        )
    work = (
        delayed(_curve)(method, learner_of_seed, limits, seed, start_of_seed)
        for method in chosen
        for seed in listed
    )
    with parallel_config(backend="loky", n_jobs=n_jobs, inner_max_num_threads=1):
        found: Iterator[Curve] = Parallel(return_as="generator")(work)
        total = len(chosen) * len(listed)
        return Comparison(tuple(progress.followed(found, total, "simulating", "curves")))


def _named(methods: Iterable[Any] | Mapping[str, Any]) -> list[Method]:
    """Return the methods, each under a name of its own."""
    if isinstance(methods, Mapping):
        return [replace(method_of(given), name=str(name)) for name, given in methods.items()]
    if isinstance(methods, str):
        raise ConfigError(f"methods: expected a list, got {methods!r}; write [{methods!r}]")
    if not isinstance(methods, Iterable):
        raise ConfigError(f"methods: expected a list, got {shortened(methods)}")
    found = [method_of(given) for given in methods]
    names = [method.name for method in found]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise ConfigError(f"methods: two are called {name!r}; give a mapping by name")
    return found


def _distinct(seeds: Any) -> list[int]:
    """Return the seeds, each of which must count once."""
    if isinstance(seeds, str) or not isinstance(seeds, Iterable):
        hint = f"; write [{seeds}] or range({seeds})" if isinstance(seeds, int) else ""
        raise ConfigError(f"seeds: expected a list of seeds, got {shortened(seeds)}{hint}")
    found = [checked_seed(seed, f"seeds[{at}]") for at, seed in enumerate(seeds)]
    for at, seed in enumerate(found):
        if seed in found[:at]:
            raise ConfigError(f"seeds: {seed} occurs twice; one run would count as two")
    return found


def _refuse_no_function(given: Any, where: str, what: str) -> None:
    if not callable(given):
        raise ConfigError(
            f"{where}: expected a function of the seed that {what}, got {type(given).__name__}"
        )


def _refuse_no_number_of_processes(n_jobs: Any) -> None:
    if not isinstance(n_jobs, int) or isinstance(n_jobs, bool) or n_jobs == 0:
        raise ConfigError(
            f"n_jobs: expected a number of processes, or -1 for one a core, got {shortened(n_jobs)}"
        )


def _curve(
    method: Method,
    learner_of_seed: Callable[[int], Learner],
    budgets: Sequence[int],
    seed: int,
    start_of_seed: Callable[[int], Sequence[str]] | None,
) -> Curve:
    from threadpoolctl import threadpool_limits

    start = None if start_of_seed is None else start_of_seed(seed)
    with progress.watched(), threadpool_limits(limits=1):
        return simulate(method, learner_of_seed(seed), budgets, seed=seed, start=start)
