"""The query strategies of the field by name, each a selection config of the round."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from selectlab.errors import ConfigError
from selectlab.simulate.rounds import Round

TASK = "model"
"""Name of the prediction task in which a learner tells what its model says."""

MOST_CLUSTERS = 500
"""TypiClust does not cluster finer than this."""

Config = dict[str, Any]

EMBEDDINGS = {"type": "EMBEDDINGS", "normalize": False}
WEIGHTS = {"type": "WEIGHTS"}


@dataclass(frozen=True)
class Method:
    """A query strategy: for each round, a selection config.

    Attributes:
        name: Its name.
        summary: What it selects, in one line.
        source: Where it comes from.
        config: Makes the config of a round.
        continues: Strategies that learn from round to round (BAL) are given what they left at
            the end of the last.

    Example:
        >>> import numpy as np
        >>> from selectlab import Dataset
        >>> pool = Dataset(["a", "b"], embeddings=np.eye(2))
        >>> methods()["k_center"].config(Round(n_samples=1, dataset=pool))["strategies"]
        [{'input': {'type': 'EMBEDDINGS', 'normalize': False}, 'strategy': {'type': 'DIVERSITY'}}]
    """

    name: str
    summary: str
    source: str
    config: Callable[[Round], Any]
    continues: bool = True


def methods() -> Mapping[str, Method]:
    """Return all named methods by name."""
    return dict(_METHODS)


_METHODS: dict[str, Method] = {}


def _named(source: str, *, continues: bool = True) -> Callable[[Callable[[Round], Config]], None]:
    """Enter a function into the methods: its name, the first line of its docstring, its config."""

    def enter(function: Callable[[Round], Config]) -> None:
        name = function.__name__.removeprefix("_")
        summary = inspect.getdoc(function) or ""
        _METHODS[name] = Method(name, summary, source, function, continues)

    return enter


def _config(asked: Round, *pairs: tuple[Mapping[str, Any], Mapping[str, Any]]) -> Config:
    entries = [{"input": dict(source), "strategy": dict(strategy)} for source, strategy in pairs]
    return {"n_samples": asked.n_samples, "strategies": entries}


def _score(name: str) -> Config:
    return {"type": "SCORES", "task": TASK, "score": name}


def _random_numbers(asked: Round) -> Config:
    return {"type": "RANDOM", "random_seed": asked.seed}


@_named("baseline")
def _random(asked: Round) -> Config:
    """Samples drawn at random."""
    return _config(asked, (_random_numbers(asked), WEIGHTS))


@_named("Lewis & Gale, SIGIR 1994")
def _least_confidence(asked: Round) -> Config:
    """Samples whose most probable class is least probable."""
    return _config(asked, (_score("uncertainty_least_confidence"), WEIGHTS))


@_named("Scheffer, Decomain & Wrobel, IDA 2001")
def _margin(asked: Round) -> Config:
    """Samples whose two most probable classes are closest."""
    return _config(asked, (_score("uncertainty_margin"), WEIGHTS))


@_named("Settles, Active Learning Literature Survey, 2009")
def _entropy(asked: Round) -> Config:
    """Samples whose class probabilities have the highest entropy."""
    return _config(asked, (_score("uncertainty_entropy"), WEIGHTS))


@_named("Sener & Savarese, ICLR 2018, the greedy algorithm")
def _k_center(asked: Round) -> Config:
    """Samples farthest from everything labelled."""
    return _config(asked, (EMBEDDINGS, {"type": "DIVERSITY"}))


@_named("the typicality of Hacohen, Dekel & Weinshall, ICML 2022, without clusters")
def _typicality(asked: Round) -> Config:
    """Samples whose neighbours are near; nothing keeps them apart."""
    return _config(asked, (EMBEDDINGS, {"type": "TYPICALITY"}))


@_named("Hacohen, Dekel & Weinshall, ICML 2022")
def _typiclust(asked: Round) -> Config:
    """The most typical sample of each cluster that has no label; as many clusters as labels."""
    n_clusters = min(len(asked.labelled) + asked.n_samples, MOST_CLUSTERS)
    prototypes = {
        "type": "PROTOTYPES",
        "num_clusters": n_clusters,
        "random_seed": asked.seed,
    }
    return _config(asked, (EMBEDDINGS, prototypes))


@_named("Yehuda, Dekel, Hacohen & Weinshall, NeurIPS 2022")
def _probcover(asked: Round) -> Config:
    """Samples whose balls cover most samples not covered yet, the radius estimated by purity."""
    if not asked.classes:
        raise ConfigError(
            "the learner does not tell how many classes there are; give it an attribute 'classes'"
        )
    if len(asked.classes) < 2:
        raise ConfigError(
            f"the learner knows one class, {asked.classes[0]!r}; probcover needs two or more to "
            "estimate its radius"
        )
    coverage = {"type": "COVERAGE", "num_classes": len(asked.classes)}
    return _config(asked, (EMBEDDINGS, coverage))


@_named("Ash et al., ICLR 2020")
def _badge(asked: Round) -> Config:
    """Samples whose loss gradients are large and unlike each other, drawn as in k-means++."""
    gradients = {"type": "GRADIENTS", "task": TASK}
    draws = {"type": "SPREAD", "first": "LENGTH", "random_seed": asked.seed}
    return _config(asked, (gradients, draws))


@_named("the combination rule of selectlab")
def _diversity_x_margin(asked: Round) -> Config:
    """Samples both far from everything labelled and uncertain."""
    margin = _score("uncertainty_margin")
    return _config(asked, (EMBEDDINGS, {"type": "DIVERSITY"}), (margin, WEIGHTS))


_ASSERTIONS = {"type": "ASSERTIONS", "task": TASK, "names": ["flicker", "appear", "multibox"]}


@_named("Kang et al., MLSys 2020: one assertion, at random among what it flags")
def _flicker(asked: Round) -> Config:
    """Video frames that lack an object the frames around them have, in random order."""
    assertion = {"type": "ASSERTION", "task": TASK, "name": "flicker"}
    tie_breaker = {**WEIGHTS, "strength": 0.01}
    return _config(asked, (assertion, WEIGHTS), (_random_numbers(asked), tie_breaker))


@_named("Kang et al., MLSys 2020: uniform over assertions", continues=False)
def _uniform_assertions(asked: Round) -> Config:
    """Video frames flagged by flicker, appear or multibox, drawn uniformly from each in turn."""
    return _config(asked, (_ASSERTIONS, {"type": "BAL", "random_seed": asked.seed}))


@_named("Kang et al., MLSys 2020, algorithm 1")
def _bal(asked: Round) -> Config:
    """Video frames flagged by the assertions whose firings fell since the last round."""
    return _config(asked, (_ASSERTIONS, {"type": "BAL", "random_seed": asked.seed}))
