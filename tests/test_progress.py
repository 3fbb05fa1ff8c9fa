"""How far a run is: estimates under bursts, what a terminal shows, and nothing on stdout."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import slow_plugin
from folder_builder import build
from rich.console import Console

import selectlab
from selectlab import progress
from selectlab.checkpoint import opened
from selectlab.console import progress_line
from selectlab.inputs import Random
from selectlab.inputs.progress import track
from selectlab.progress import Pace, Stage, in_words
from selectlab.strategies import Weights


def pace_after(done: Iterable[tuple[float, int]], start: int = 0) -> Pace:
    pace = Pace(start, 0.0)
    for now, count in done:
        pace.note(count, now)
    return pace


def test_pace_of_steady_work() -> None:
    """5 a second for 10 s."""
    assert pace_after((t, 5 * t) for t in range(1, 11)).per_s(10.0) == pytest.approx(5.0)


def test_pace_is_that_of_the_recent_past() -> None:
    """100 a second for 100 s, then 10 a second: after 40 s of that nothing else is in view."""
    slow = [(100.0 + t, 10_000 + 10 * t) for t in range(1, 41)]
    pace = pace_after([*((float(t), 100 * t) for t in range(1, 101)), *slow])
    assert pace.per_s(140.0) == pytest.approx(10.0, rel=0.05)


def test_pace_of_bursts() -> None:
    """Every 8 s 80 picks at once: 10 a second, seen just before or after a burst."""
    pace = pace_after((8.0 * k, 80 * k) for k in range(1, 41))
    assert pace.per_s(320.1) == pytest.approx(10.0, rel=0.1)
    assert pace.per_s(327.9) == pytest.approx(10.0, rel=0.1)


def test_pace_of_bursts_that_are_far_apart() -> None:
    """One of 100 in 100 s, the last one long ago: the mean since the start is all there is."""
    pace = pace_after([(100.0, 100)])
    assert pace.per_s(150.0) == pytest.approx(100 / 150)


def test_what_was_done_before_says_nothing_of_the_pace() -> None:
    assert Pace(1000, 0.0).per_s(5.0) is None
    assert pace_after([(2.0, 1010)], start=1000).per_s(2.0) == pytest.approx(5.0)


def test_a_stage_in_words() -> None:
    now = 0.0
    stage = Stage("selecting", 5000, done=1000, unit="picks", clock=lambda: now)
    now = 3.0
    assert stage.line == "selecting: 1,000 of 5,000 picks, 3 s"
    now = 10.0
    stage.reach(1200)
    assert stage.line == "selecting: 1,200 of 5,000 picks, 20 a second, about 3 min 10 s left"
    stage.reach(1100)
    assert stage.count == "1,200 of 5,000 picks", "it never falls"
    assert Stage("reading embeddings", clock=lambda: now).line == "reading embeddings: 0 s"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.6, "1 min 0 s"),
        (3599.7, "1 h 0 min"),
        (86399.0, "23 h 59 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_times_in_words(seconds: float, text: str) -> None:
    assert in_words(seconds) == text


def test_saying_is_free_when_nobody_watches() -> None:
    progress.stage("selecting", 3)
    progress.reach(2)
    assert progress.current() is None
    assert list(progress.followed("abc", 3, "x")) == ["a", "b", "c"]


def test_a_stage_within_a_stage() -> None:
    with progress.watched() as seen:
        progress.stage("reading")
        lines = [seen.now.count for _ in track("abc", 3, "image metrics")]
        assert lines == ["0 of 3", "1 of 3", "2 of 3"]
        assert seen.now.name == "reading"
        names = [seen.now.name for _ in track("a", 1, "image metrics")]
        assert names == ["computing image metrics"]


def test_what_was_picked_before_is_no_speed(tmp_path: Path) -> None:
    """A run that goes on counts from where it was; taking over is a stage of its own."""
    data = selectlab.Dataset([f"{k:02d}" for k in range(50)])
    given = [(Random(), Weights())]
    with opened(tmp_path / "c") as checkpoint:
        selectlab.select(given, data, n_samples=30, checkpoint=checkpoint)
    with progress.watched() as seen:
        stages: list[Stage] = []
        selectlab.select(
            given,
            data,
            n_samples=40,
            checkpoint=tmp_path / "c",
            on_pick=lambda done: stages.append(seen.now),
        )
    assert len(stages) == 10
    assert {stage.name for stage in stages} == {"selecting"}
    assert stages[-1].count == "40 of 40 picks"
    assert "a second" not in stages[-1].outlook


MAIN = (
    "import sys; from selectlab.commands import waiting;"
    "waiting.SHOWN_AFTER_S, waiting.LINE_EVERY_S = 0.2, 0.2;"
    "sys.argv[0] = 'selectlab'; from selectlab.cli import main; main()"
)


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """A selection of 100 that takes a second or two."""
    slow = {"type": "SLOW", "seconds": 0.015}
    weights = {"input": {"type": "METADATA", "key": "w"}, "strategy": slow}
    rows = "".join(f"{k:03d}.png,{k}\n" for k in range(200))
    build(tmp_path, {"data/metadata.csv": f"sample_id,w\n{rows}"})
    build(tmp_path, {"config.json": {"n_samples": 100, "strategies": [weights]}})
    words = ["select", "config.json", "--data", "data", "--out", "run", "--json"]
    return [sys.executable, "-c", MAIN, *words]


def test_lines_where_there_is_no_terminal(command: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=slow_plugin.install(tmp_path / "site"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(json.loads(done.stdout)["selected"]) == 100
    lines = done.stderr.splitlines()
    told = [line for line in lines if line.startswith("selecting: ")]
    assert len(told) >= 3
    pattern = r"selecting: \d+ of 100 picks, [\d.]+ a second, about \d+ s left"
    assert any(re.fullmatch(pattern, line) for line in told)
    assert all(re.match(r"[a-zA-Z ]+: ", line) for line in lines)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_bar_on_a_terminal(command: list[str], tmp_path: Path) -> None:
    """Time left is shown and taken away again; stdout holds the result alone."""
    import pty

    ours, theirs = pty.openpty()
    env = {**slow_plugin.install(tmp_path / "site"), "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=theirs
    ) as child:
        os.close(theirs)
        seen = _read_all(ours)
        assert child.stdout is not None
        out = child.stdout.read()
    os.close(ours)
    assert child.returncode == 0, seen
    assert len(json.loads(out)["selected"]) == 100
    assert re.search(r"selecting .*\d+ of 100 picks, [\d.]+ a second, about \d+ s left", seen)
    assert seen.endswith("\x1b[2K"), "the line is removed"
    assert "\x1b[?25h" in seen, "the cursor is shown again"


def _read_all(handle: int) -> str:
    found = b""
    while True:
        try:
            block = os.read(handle, 65_536)
        except OSError:  # the other end is closed
            block = b""
        if not block:
            return found.decode()
        found += block


def test_short_runs_show_nothing(command: list[str], tmp_path: Path) -> None:
    command[2] = MAIN.replace("0.2, 0.2", "600.0, 600.0")
    env = slow_plugin.install(tmp_path / "site")
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("total", [None, 100, 1_000_000])
def test_a_bar_fits_the_terminal(width: int, total: int | None) -> None:
    """Name and time left are read at any width; what else fits is there too."""
    now = 0.0
    name = "selecting" if width < 60 else "taking over the embeddings"
    stage = Stage(name, total, unit="picks", clock=lambda: now)
    now = 10.0
    stage.reach(10)
    screen = Console(file=io.StringIO(), width=width, force_terminal=False)
    with screen.capture() as seen:
        screen.print(progress_line(stage, width))
    (line,) = seen.get().splitlines()
    assert line.startswith(f"{name} ")
    assert line.rstrip().endswith(stage.left)
    assert "\N{HORIZONTAL ELLIPSIS}" not in line
    assert width < 120 or stage.outlook in line
    assert width < 80 or stage.count in line
