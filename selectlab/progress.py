"""How far a run is: what it does now, how much of that is done, how long the rest may take.

Those who work say so here, those who watch read it; nothing is printed here. Saying costs
nothing when nobody watches.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

_WINDOW_S = 30.0
_WINDOW_SHARE = 0.25
_SAMPLE_S = 0.25


class Pace:
    """Speed over the recent past: the last 30 s, or the last quarter of a longer time.

    Picks come in bursts and do not all cost the same, so neither the last burst nor the mean
    since the start tells what comes next.

    Args:
        done: How much was done before.
        now: When it begins, s.
    """

    def __init__(self, done: int, now: float) -> None:
        self._start, self._first = now, done
        self._seen: deque[tuple[float, int]] = deque([(now, done)])
        self._done = done

    def note(self, done: int, now: float) -> None:
        """Take note of how much is done."""
        self._done = done
        if now - self._seen[-1][0] >= _SAMPLE_S:
            self._seen.append((now, done))
        begin = now - max(_WINDOW_S, _WINDOW_SHARE * (now - self._start))
        while len(self._seen) > 1 and self._seen[1][0] <= begin:
            self._seen.popleft()

    def per_s(self, now: float) -> float | None:
        """Return the speed; ``None`` as long as nothing is done."""
        then, before = self._seen[0]
        if self._done == before or now <= then:
            before, then = self._first, self._start  # a burst ended long ago, the next is due
        if self._done <= before or now <= then:
            return None
        return (self._done - before) / (now - then)


class Stage:
    """One thing that a run does. One thread says how far it is, others may read.

    Args:
        name: What, as in "selecting".
        total: How much there is to do; ``None`` if that is not known.
        done: How much of it was done before; it says nothing of the speed.
        unit: What is counted, in the plural.
        clock: Returns the time, s.
    """

    def __init__(
        self,
        name: str,
        total: int | None = None,
        done: int = 0,
        unit: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.total, self.done, self.unit = name, total, done, unit
        self._clock, self._begin = clock, clock()
        self._pace = Pace(done, self._begin)

    def reach(self, done: int) -> None:
        """Say how much is done now."""
        if done > self.done:
            self.done = done
            self._pace.note(done, self._clock())

    @property
    def count(self) -> str:
        """How much is done, in words, such as ``1,200 of 5,000 picks``; maybe nothing."""
        if self.total is None:
            return ""
        return f"{self.done:,} of {self.total:,} {self.unit}".rstrip()

    @property
    def outlook(self) -> str:
        """Speed and estimated time left, or the time since it began."""
        speed, left = self._estimate()
        return f"{_rounded(speed)} a second, {left}" if speed else left

    @property
    def left(self) -> str:
        """Estimated time left alone, or the time since it began."""
        return self._estimate()[1]

    def _estimate(self) -> tuple[float | None, str]:
        """Return the speed, if it is known, and the time."""
        now = self._clock()
        speed = self._pace.per_s(now)
        if self.total is None or not speed:
            return None, in_words(now - self._begin)
        return speed, f"about {in_words((self.total - self.done) / speed)} left"

    @property
    def line(self) -> str:
        """All of it in one line."""
        told = ", ".join(part for part in (self.count, self.outlook) if part)
        return f"{self.name}: {told}"


class Progress:
    """What a run does now.

    Args:
        check: Called whenever those who work say something; it may raise, to stop them.

    Attributes:
        now: The stage it is in.
        check: As given.
    """

    def __init__(self, check: Callable[[], object] = lambda: None) -> None:
        self.now, self.check = Stage("starting"), check


_current: ContextVar[Progress | None] = ContextVar("selectlab_progress", default=None)


def current() -> Progress | None:
    """Return the progress that somebody watches, if somebody does."""
    return _current.get()


@contextmanager
def watched(check: Callable[[], object] = lambda: None) -> Iterator[Progress]:
    """Give a progress that those who work inside tell how far they are.

    Args:
        check: Called whenever they do; it may raise, to stop them.
    """
    progress = Progress(check)
    token = _current.set(progress)
    try:
        yield progress
    finally:
        _current.reset(token)


def stage(name: str, total: int | None = None, done: int = 0, unit: str = "") -> None:
    """Say what begins now; see :class:`Stage`."""
    progress = _current.get()
    if progress is not None:
        progress.now = Stage(name, total, done, unit)
        progress.check()


def reach(done: int) -> None:
    """Say how much of it is done."""
    progress = _current.get()
    if progress is not None:
        progress.now.reach(done)
        progress.check()


def alive() -> None:
    """Say that the work goes on, where there is nothing to count: it can be stopped here."""
    progress = _current.get()
    if progress is not None:
        progress.check()


def followed(items: Iterable[T], total: int, name: str, unit: str = "") -> Iterator[T]:
    """Yield items as a stage of its own, after which the stage before goes on."""
    progress = _current.get()
    if progress is None:
        yield from items
        return
    before, progress.now = progress.now, Stage(name, total, unit=unit)
    for done, item in enumerate(items, start=1):
        yield item
        progress.now.reach(done)
        progress.check()
    progress.now = before


def in_words(seconds: float) -> str:
    """Return a time as people say it.

    Example:
        >>> in_words(7.2), in_words(200), in_words(7500), in_words(200_000)
        ('7 s', '3 min 20 s', '2 h 5 min', '2 d 7 h')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _rounded(speed: float) -> str:
    return f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"
