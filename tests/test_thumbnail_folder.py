"""What is kept has a bound: what was used last stays, nothing else is touched, nobody is hindered."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import selectlab.thumbnail_folder as thumbnail_folder
from selectlab.thumbnail_folder import ThumbnailFolder

SHARE = 1600
"""Bytes of one of the 256 folders; it is looked through after 100 more, and holds 1,500 then."""
HOUR = 3600


def one_shelf(kept: ThumbnailFolder, n: int) -> list[Path]:
    """The first places that lie in the folder of the first one."""
    shelf = kept.place("0").parent
    found: list[Path] = []
    number = 0
    while len(found) < n:
        place = kept.place(str(number))
        if place.parent == shelf:
            found.append(place)
        number += 1
    return found


def age(place: Path, hours: float) -> None:
    at = time.time() - hours * HOUR
    os.utime(place, (at, at))


def names(places: Iterable[Path]) -> set[str]:
    return {place.name for place in places}


@pytest.fixture
def kept(tmp_path: Path) -> ThumbnailFolder:
    return ThumbnailFolder(tmp_path / "thumbnails", most_bytes=256 * SHARE)


def test_what_was_not_used_for_longest_goes(kept: ThumbnailFolder) -> None:
    """Of 4 x 400 bytes 1,500 fit: the three that were written or read last."""
    oldest, old, older, new = one_shelf(kept, 4)
    for place, hours in ((oldest, 50), (old, 30), (older, 40)):
        kept.keep(place, b"x" * 400)
        age(place, hours)
    assert kept.read(oldest) == b"x" * 400  # used now
    kept.keep(new, b"x" * 400)
    assert names(new.parent.iterdir()) == names([oldest, old, new])


def test_reading_leaves_no_trace_within_the_hour(kept: ThumbnailFolder) -> None:
    [place] = one_shelf(kept, 1)
    kept.keep(place, b"x")
    for hours, touched in ((0.9, False), (1.1, True)):
        age(place, hours)
        before = place.stat().st_mtime
        assert kept.read(place) == b"x"
        assert (place.stat().st_mtime != before) is touched


def test_any_number_of_files_stays_within_the_bound(kept: ThumbnailFolder) -> None:
    for number in range(4_000):
        kept.keep(kept.place(str(number)), b"x" * 300)
    shelves = list((kept.place("0").parent.parent).iterdir())
    held = [sum(one.stat().st_size for one in shelf.iterdir()) for shelf in shelves]
    assert len(shelves) == 256
    assert SHARE / 2 < min(held) <= max(held) <= SHARE


def test_what_an_earlier_process_left_is_bounded_too(tmp_path: Path) -> None:
    before = ThumbnailFolder(tmp_path, most_bytes=10**9)
    places = one_shelf(before, 30)
    for place in places:
        before.keep(place, b"x" * 100)
        age(place, 2)
    kept = ThumbnailFolder(tmp_path, most_bytes=256 * SHARE)
    kept.keep(places[0], b"x" * 100)
    assert len(list(places[0].parent.iterdir())) == 15
    assert places[0].exists()


def test_a_folder_is_looked_through_now_and_then(
    kept: ThumbnailFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first time, and after each 100 bytes more; the other folders never."""
    looked: list[str] = []
    scandir = os.scandir

    def seen(path: str) -> object:
        looked.append(str(path))
        return scandir(path)

    monkeypatch.setattr(thumbnail_folder.os, "scandir", seen)
    places = one_shelf(kept, 41)
    for place in places:
        kept.keep(place, b"x" * 10)
        kept.read(place)
    assert looked == [str(places[0].parent)] * (1 + 40 // 11)


def test_nothing_else_is_removed(kept: ThumbnailFolder) -> None:
    """Whatever came with a dataset stays; what is being written is let be."""
    *places, last = one_shelf(kept, 2)
    shelf = last.parent
    shelf.mkdir(parents=True)
    for name in ("a.jpg", "b.txt", f".{places[0].stem}-1.jpg", f"{places[0].stem}-1.jpg"):
        (shelf / name).write_bytes(b"x" * SHARE)
    abandoned = shelf / f".{places[0].stem}-2.jpg"
    abandoned.write_bytes(b"x" * SHARE)
    for one in shelf.iterdir():
        age(one, 0.5 if one.name.endswith("-1.jpg") else 2)
    kept.keep(last, b"x")
    assert names(shelf.iterdir()) == {
        *("a.jpg", "b.txt", last.name),
        *(f".{places[0].stem}-1.jpg", f"{places[0].stem}-1.jpg"),
    }


def test_links_in_the_folder_lead_nowhere(kept: ThumbnailFolder, tmp_path: Path) -> None:
    """Neither one for a shelf, to read or to write through, nor one for a file; it is replaced."""
    place, *_ = one_shelf(kept, 1)
    elsewhere = tmp_path / "photos"
    elsewhere.mkdir()
    (elsewhere / place.name).write_bytes(b"theirs")
    place.parent.parent.mkdir()
    place.parent.symlink_to(elsewhere)
    kept.keep(place, b"ours")
    assert kept.read(place) is None
    assert [one.read_bytes() for one in elsewhere.iterdir()] == [b"theirs"]
    place.parent.unlink()
    place.parent.mkdir()
    place.symlink_to(elsewhere / place.name)
    assert kept.read(place) is None
    kept.keep(place, b"ours")
    assert (kept.read(place), (elsewhere / place.name).read_bytes()) == (b"ours", b"theirs")


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "roomy").mkdir()
    (tmp_path / "thumbnails").symlink_to(tmp_path / "roomy")
    kept = ThumbnailFolder(tmp_path / "thumbnails")
    place = kept.place("a")
    kept.keep(place, b"x")
    assert kept.read(place) == b"x"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_a_place_is_not_waited_for(kept: ThumbnailFolder) -> None:
    place = kept.place("a")
    place.parent.mkdir(parents=True)
    os.mkfifo(place)
    found: list[bytes | None] = []
    reader = threading.Thread(target=lambda: found.append(kept.read(place)), daemon=True)
    reader.start()
    reader.join(20)
    assert found == [None]
    kept.keep(place, b"x")
    assert kept.read(place) == b"x"


def test_many_who_write_and_read_at_once_get_in_nobodys_way(tmp_path: Path) -> None:
    """Whatever is read is whole or gone, and nobody sees an error."""
    folders = [ThumbnailFolder(tmp_path, most_bytes=256 * 300) for _ in range(4)]
    places = one_shelf(folders[0], 5)

    def work(number: int) -> bool:
        kept, place = folders[number % 4], places[number // 8 % 5]
        kept.keep(place, b"x" * 100)
        return kept.read(place) in (None, b"x" * 100)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(4000)))
    assert names(places[0].parent.iterdir()) <= names(places)
    assert sum(one.stat().st_size for one in places[0].parent.iterdir()) <= 4 * 300


def test_what_cannot_be_kept_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    kept = ThumbnailFolder(tmp_path / "file")
    place = kept.place("a")
    kept.keep(place, b"x")
    assert kept.read(place) is None
