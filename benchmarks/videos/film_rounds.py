"""Rounds of labelling on a film: what each method is asked, and what the detector answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.videos.clips import IntArray
from benchmarks.videos.detection_truth import Detections, Ranked, ranked
from benchmarks.videos.films import Film
from benchmarks.videos.sliding_window import Seen, SlidingWindow
from selectlab import Dataset
from selectlab.columns import TaskPredictions
from selectlab.simulate import Method, Round, methods, simulate

SURE = 0.5
"""Probability from which on the detector says that something is there; assertions hold it to it."""
SUM = "summed_uncertainty"
BLIND = ("random", "uniform_in_time", "diversity")
"""Methods that do not look at what the model says."""


class FilmLearner:
    """A detector that is trained on the labelled frames of a film.

    Args:
        film: The film.
        seed: Of the training.
        looked_at: Whether the method looks at predictions of the pool, which take time.
    """

    def __init__(self, film: Film, seed: int, *, looked_at: bool = True) -> None:
        self._film, self._seed, self._looked_at = film, seed, looked_at
        self._row = {sample_id: row for row, sample_id in enumerate(film.ids)}
        self._detector: SlidingWindow | None = None
        self.hits: list[str] = []
        self.chance_hits = ""
        self.boxes: list[int] = []

    def learn(self, labelled: Sequence[str]) -> None:
        """Train anew on the labels of these frames."""
        film, frames = self._film, [self._row[sample_id] for sample_id in labelled]
        self._detector = SlidingWindow(film.grids, self._seed)
        truth = [film.pool[frame] for frame in frames]
        self._detector.fit(frames, truth, [film.ignored[frame] for frame in frames])
        self.boxes.append(sum(map(len, truth)))

    def pool(self) -> Dataset:
        """Return the frames of the pool with what the present detector sees there."""
        ids = self._film.ids
        if self._detector is None or not self._looked_at:
            return Dataset(ids, embeddings=self._film.vectors)
        seen = self._detector.detect(range(len(ids)))
        return Dataset(
            ids,
            embeddings=self._film.vectors,
            metadata={SUM: [float(uncertainty(one.scores).sum()) for one in seen]},
            predictions={"model": _task(seen)},
        )

    def evaluate(self) -> Mapping[str, float]:
        """Hold what is seen in the test frames against what is there."""
        assert self._detector is not None
        test, n_pool = self._film.test, len(self._film.ids)
        seen = self._detector.detect(range(n_pool, len(self._film.grids)))
        numbers = test.frames.numbers
        self.hits.append(_hits(ranked(test, _listed(numbers, seen))))
        elsewhere = np.roll(numbers, len(numbers) // 2)
        self.chance_hits = _hits(ranked(test, _listed(elsewhere, seen)))
        return {"detections": float(sum(len(one.scores) for one in seen))}


def uncertainty(scores: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
    """Return how unsure each detection is: 1 at probability 0.5, 0 at 0 and at 1."""
    return 1 - np.abs(2 * scores - 1)


def _task(seen: Sequence[Seen]) -> TaskPredictions:
    """Return detections as predictions of a task with one class."""
    counts = [len(one.scores) for one in seen]
    scores = np.concatenate([one.scores for one in seen])
    return TaskPredictions(
        task="model",
        task_type="object-detection",
        category_ids=(0,),
        names=("object",),
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        category=np.zeros(len(scores), dtype=np.int64),
        score=scores,
        listed=np.ones(len(seen), dtype=np.bool_),
        boxes=np.concatenate([one.boxes for one in seen]),
        probabilities=scores[:, None].astype(np.float32),
    )


def _listed(numbers: IntArray, seen: Sequence[Seen]) -> Detections:
    """Return detections of several frames in one list, by frame."""
    return Detections(
        np.repeat(numbers, [len(one.scores) for one in seen]),
        np.concatenate([one.boxes for one in seen]),
        np.concatenate([one.scores for one in seen]),
    )


def _hits(found: Ranked) -> str:
    """Return a letter per detection, surest first, up to the last one that is right."""
    order = np.argsort(-found.scores, kind="stable")
    return "".join("01"[int(right)] for right in found.right[order]).rstrip("0")


def run(film: Film, method: str, seed: int) -> dict[str, Any]:
    """Return a learning curve: what was labelled, and which detections on test frames were right.

    Args:
        film: The film.
        method: A name of :func:`film_methods`.
        seed: Decides the frames labelled at first, alike for all methods, and every draw.
    """
    learner = FilmLearner(film, seed, looked_at=method not in BLIND)
    drawn = np.random.default_rng([seed, 17]).choice(len(film.ids), film.start, replace=False)
    start = [film.ids[row] for row in sorted(drawn.tolist())]
    curve = simulate(film_methods()[method], learner, film.budgets, seed=seed, start=start)
    row = {sample_id: at for at, sample_id in enumerate(film.ids)}
    return {
        "labels": curve.labels,
        "boxes": learner.boxes,
        "goal": film.goal,
        "picked": [[row[sample_id] for sample_id in step.picked] for step in curve.steps],
        "n_truth": len(film.test.objects.numbers),
        "hits": learner.hits,
        "chance_hits": learner.chance_hits,
    }


def film_methods() -> dict[str, Method]:
    """Return the methods by name; assertions hold the detector to what it is sure of."""
    known = methods()
    weights = {"type": "WEIGHTS"}
    summed = [{"input": {"type": "METADATA", "key": SUM}, "strategy": weights}]
    return {
        "random": known["random"],
        "uniform_in_time": Method("uniform_in_time", "farthest in time", "", _farthest_in_time),
        "flicker": _sure(known["flicker"]),
        "uniform_over_assertions": _sure(known["uniform_assertions"]),
        "bal": _sure(known["bal"]),
        "diversity": known["k_center"],
        "least_confidence": known["least_confidence"],
        SUM: Method(SUM, "summed uncertainty", "", lambda _: {"strategies": summed}),
    }


def _sure(method: Method) -> Method:
    """Return the method with assertions that look at detections of at least ``SURE``."""

    def config(asked: Round) -> dict[str, Any]:
        made: dict[str, Any] = method.config(asked)
        source = made["strategies"][0]["input"]
        if source["type"] == "ASSERTION":
            source["min_score"] = SURE
        else:
            source["parameters"] = {name: {"min_score": SURE} for name in source["names"]}
        return made

    return Method(method.name, method.summary, method.source, config, method.continues)


def _farthest_in_time(asked: Round) -> list[str]:
    """Return frames farthest in time from those that are labelled, one after the other."""
    ids = list(asked.dataset.ids)
    place = {sample_id: at for at, sample_id in enumerate(ids)}
    labelled = [place[sample_id] for sample_id in asked.labelled]
    for _ in range(asked.n_samples):
        gaps = np.abs(np.arange(len(ids))[:, None] - np.array(labelled)[None]).min(axis=1)
        labelled.append(int(gaps.argmax()))
    return [ids[at] for at in labelled[len(asked.labelled) :]]
