"""Frames that many ask for at once are decoded by one of them, together."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import video_builder as videos

import selectlab.film as film
from selectlab.film import Film, Key
from selectlab.video.decoding import Frame


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return videos.write_video(tmp_path_factory.mktemp("film") / "clip.mp4", 10)


class Maker:
    """Notes who makes what, and waits when it is told to."""

    def __init__(self) -> None:
        self.made: Counter[Key] = Counter()
        self.by: dict[Key, int] = {}
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, video: Path, key: Key, frame: Frame) -> int:
        self.made[key] += 1
        self.by[key] = threading.get_ident()
        self.begun.set()
        assert self.go_on.wait(120)
        return frame.number


def test_what_was_made_is_kept_also_that_there_is_nothing(video: Path) -> None:
    known: Film[int] = Film()
    make = Maker()
    make.go_on.set()
    wanted = {("a", 40): 3, ("b", 40): 5, ("past", 40): 99}
    for _ in range(2):
        assert known.developed(video, wanted, make) == {("a", 40): 3, ("b", 40): 5}
    assert set(make.made.values()) == {1}
    assert known.developed(video, {("a", 80): 3}, make) == {("a", 80): 3}


def test_those_who_wait_are_served_in_one_go(video: Path) -> None:
    """While the first is at it, four more ask; the next one makes what all of them want."""
    known: Film[int] = Film()
    make = Maker()
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(known.developed, video, {("0", 40): 0}, make)
        assert make.begun.wait(120)
        others = [pool.submit(known.developed, video, {(str(k), 40): k}, make) for k in range(1, 5)]
        while len(known._waiting.get(video, ())) < 4:
            threading.Event().wait(0.01)
        make.go_on.set()
        assert first.result(120) == {("0", 40): 0}
        assert [other.result(120) for other in others] == [{(str(k), 40): k} for k in range(1, 5)]
    assert len({make.by[str(k), 40] for k in range(1, 5)}) == 1
    assert set(make.made.values()) == {1}


def test_little_is_kept_and_nothing_is_lost(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film, "_KEPT", 2)
    known: Film[int] = Film()
    make = Maker()
    make.go_on.set()
    wanted = {(str(k), 40): k for k in range(8)}
    for _ in range(2):
        assert known.developed(video, wanted, make) == wanted
    assert len(known._held) == 2
