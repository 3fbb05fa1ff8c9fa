"""Pictures of picks, of near-duplicates, and of frames between their neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from selectlab.dataset import Dataset
from selectlab.inputs.sample_ids import frame_of
from selectlab.report.drawing import Picture, picture, window_around
from selectlab.report.duplicates import Pair
from selectlab.report.record import RunRecord
from selectlab.report.seen import Said, said_of, shapes_of, tasks_shown
from selectlab.selection import Pick
from selectlab.shapes import Shape
from selectlab.thumbnails import Thumbnail, Thumbnails
from selectlab.video.frames_out import neighbour

N_FIRST, N_RANDOM = 12, 12
_SEED = 0
_CARD_PX, _PAIR_PX, _STRIP_PX = 320, 200, 480
_MOST_STRIPS, _MOST_CLASSES = 6, 4


@dataclass(frozen=True)
class Card:
    """A pick with its picture.

    Attributes:
        pick: The pick.
        picture: ``None`` where there is none.
        classes: Classes of the whole image that a model gives it, in words.
    """

    pick: Pick
    picture: Picture | None
    classes: Sequence[str] = ()


@dataclass(frozen=True)
class Gallery:
    """Picks to look at.

    Attributes:
        first: The best ones.
        drawn: Some of the others, drawn at random, by rank.
        tasks: Tasks whose predictions are drawn.
    """

    first: Sequence[Card]
    drawn: Sequence[Card]
    tasks: Sequence[str] = ()

    @property
    def cards(self) -> Sequence[Card]:
        """All of them."""
        return [*self.first, *self.drawn]


@dataclass(frozen=True)
class PairPictures:
    """Two samples that look alike."""

    pair: Pair
    kept: Picture | None
    dropped: Picture | None


@dataclass(frozen=True)
class Strip:
    """A selected frame that an assertion flagged, between its neighbours.

    Attributes:
        pick: The pick.
        assertion: What flagged it.
        severity: How badly.
        told: What is wrong, in words.
        frames: Previous, selected and next; ``None`` where there is no picture.
    """

    pick: Pick
    assertion: str
    severity: float
    told: str
    frames: Sequence[tuple[str, Picture | None]]


def gallery(record: RunRecord, dataset: Dataset | None, thumbnails: Thumbnails | None) -> Gallery:
    """Return the first picks and a few random ones, with what a model saw in them.

    Args:
        record: The run.
        dataset: Has the predictions; ``None`` where it is not at hand.
        thumbnails: Makes the pictures.
    """
    first, drawn = _looked_at(record.picks)
    if dataset is None or thumbnails is None:
        return Gallery([Card(pick, None) for pick in first], [Card(p, None) for p in drawn])
    ids = [pick.sample_id for pick in (*first, *drawn)]
    small = thumbnails.of(ids, _CARD_PX)
    sizes = {name: small[name].source_size if name in small else None for name in ids}
    tasks = tasks_shown(record.config, dataset)
    said = {one.task: one for one in reversed(said_of(dataset))}
    shapes: dict[str, list[Shape]] = {name: [] for name in ids}
    for task in tasks:
        for name, found in shapes_of(dataset, task, sizes, said.get(task)).items():
            shapes[name] += found
    cards = {
        name: (
            picture(name, small[name], shapes[name]) if name in small else None,
            _classes(shapes[name]),
        )
        for name in ids
    }
    shown = [[Card(pick, *cards[pick.sample_id]) for pick in part] for part in (first, drawn)]
    return Gallery(shown[0], shown[1], tasks)


def _looked_at(picks: Sequence[Pick]) -> tuple[Sequence[Pick], Sequence[Pick]]:
    first, rest = picks[:N_FIRST], picks[N_FIRST:]
    n = min(N_RANDOM, len(rest))
    at = np.sort(np.random.default_rng(_SEED).choice(len(rest), n, replace=False)) if n else ()
    return first, [rest[k] for k in at]


def _classes(shapes: Sequence[Shape]) -> list[str]:
    found = [shape for shape in shapes if shape.is_class]
    return [
        shape.category if shape.score is None else f"{shape.category} {shape.score:.2f}"
        for shape in found[:_MOST_CLASSES]
    ]


def pair_pictures(pairs: Sequence[Pair], thumbnails: Thumbnails) -> list[PairPictures]:
    """Return the pictures of near-duplicates."""
    ids = list(dict.fromkeys(name for pair in pairs for name in (pair.kept, pair.dropped)))
    small = thumbnails.of(ids, _PAIR_PX)
    drawn = {name: picture(name, thumbnail) for name, thumbnail in small.items()}
    return [PairPictures(p, drawn.get(p.kept), drawn.get(p.dropped)) for p in pairs]


def strips(record: RunRecord, dataset: Dataset, thumbnails: Thumbnails) -> tuple[list[Strip], int]:
    """Return the best picks that an assertion flagged, each frame between its neighbours.

    Returns:
        Some of them, and how many there are, those that several assertions flagged once for each.
    """
    every = said_of(dataset)
    each = _MOST_STRIPS // len(every) or 1 if every else 0
    found, n_flagged = [], 0
    for at, said in enumerate(every):
        flagged = [pick for pick in record.picks if pick.sample_id in said.severities]
        frames = [pick for pick in flagged if frame_of(pick.sample_id) is not None]
        n_flagged += len(frames)
        if at < _MOST_STRIPS:
            found += _of_assertion(frames[:each], said, dataset, thumbnails)
    return found, n_flagged


def _of_assertion(
    picks: Sequence[Pick], said: Said, dataset: Dataset, thumbnails: Thumbnails
) -> list[Strip]:
    near = {pick.sample_id: _neighbours(pick.sample_id) for pick in picks}
    ids = list(dict.fromkeys(name for names in near.values() for name in names.values() if name))
    small = thumbnails.of(ids, _STRIP_PX)
    sizes = {name: small[name].source_size if name in small else None for name in ids}
    shapes = shapes_of(dataset, said.task, sizes, said)
    strips = []
    for pick in picks:
        own = shapes.get(pick.sample_id, ())
        wrong = [shape for shape in own if shape.origin in ("imputed", "suspicious") and shape.box]
        size = sizes[pick.sample_id]
        window = window_around(wrong, size) if wrong and size is not None else None
        frames = [
            (_word(word, name), _drawn(name, small, shapes, window))
            for word, name in near[pick.sample_id].items()
        ]
        severity = said.severities[pick.sample_id]
        strips.append(Strip(pick, f"{said.name} of {said.task}", severity, _told(wrong), frames))
    return [strip for strip in strips if strip.frames[1][1] is not None]


def _neighbours(sample_id: str) -> dict[str, str | None]:
    frame = frame_of(sample_id)
    number = frame[1] if frame is not None else 0
    before = neighbour(sample_id, number - 1) if number else None
    return {"previous": before, "selected": sample_id, "next": neighbour(sample_id, number + 1)}


def _word(word: str, name: str | None) -> str:
    frame = None if name is None else frame_of(name)
    return f"{word}: none" if frame is None else f"{word}: frame {frame[1]}"


def _drawn(
    name: str | None,
    small: Mapping[str, Thumbnail],
    shapes: Mapping[str, Sequence[Shape]],
    window: tuple[float, float, float, float] | None,
) -> Picture | None:
    thumbnail = None if name is None else small.get(name)
    if name is None or thumbnail is None:
        return None
    return picture(name, thumbnail, shapes.get(name, ()), window)


def _told(wrong: Sequence[Shape]) -> str:
    missing = [shape.category for shape in wrong if shape.origin == "imputed"]
    odd = [shape.category for shape in wrong if shape.origin == "suspicious"]
    parts = [f"expected and not found: {', '.join(missing)}"] if missing else []
    parts += [f"found, but suspicious: {', '.join(odd)}"] if odd else []
    return "; ".join(parts)
