"""Real signals at real processes: one line, nothing half-written, and going on afterwards."""

from __future__ import annotations

import filecmp
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import slow_plugin
import typer
from folder_builder import build
from small_dataset import selectlab

from selectlab.commands.waiting import LongRun, Terminated, ending_on_hangup, interruptible
from selectlab.errors import ConfigError
from selectlab.progress import Stage
from selectlab.writers import swap

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")

MAIN = (
    "import sys, selectlab.checkpoint as c; from selectlab.commands import waiting;"
    "c.EVERY_S, c._MOST_SHARE, waiting.LINE_EVERY_S = 0.0, float('inf'), 600.0;"
    "sys.argv[0] = 'selectlab'; from selectlab.cli import main; main()"
)
N = 120


class Workplace:
    """A folder with a dataset and a selection that takes three seconds."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "c.json"
        weights = {
            "input": {"type": "METADATA", "key": "w"},
            "strategy": {"type": "SLOW", "seconds": 0.025},
        }
        colours = {
            "input": {"type": "METADATA", "key": "colour"},
            "strategy": {"type": "BALANCE", "distribution": "UNIFORM"},
        }
        rows = "".join(f"{k:03d}.png,{k + 1},{'rgb'[k % 3]}\n" for k in range(3 * N))
        build(root, {"data/metadata.csv": f"sample_id,w,colour\n{rows}"})
        build(root, {"config.json": {"n_samples": N, "strategies": [weights, colours]}})
        self.env = slow_plugin.install(root / "site")

    def start(self, *options: str) -> subprocess.Popen[str]:
        words = ["select", "config.json", "--data", "data", "--out", "run", *options]
        ours = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup hands on that it is ignored
        try:
            return subprocess.Popen(
                [sys.executable, "-c", MAIN, *words],
                cwd=self.root,
                env=self.env,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        finally:
            signal.signal(signal.SIGHUP, ours)

    def saved(self) -> list[str]:
        """The picks in the checkpoint, which is always whole."""
        if not self.file.exists():
            return []
        picked: list[str] = json.loads(self.file.read_text())["picked"]
        return picked

    def wait_for(self, n: int, child: subprocess.Popen[str]) -> None:
        end = time.monotonic() + 240
        while len(self.saved()) < n:
            assert child.poll() is None, child.communicate()
            assert time.monotonic() < end
            time.sleep(0.005)

    def names(self) -> set[str]:
        return {path.name for path in self.root.iterdir()}


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


CLEAN = {"data", "config.json", "site"}


def finish(place: Workplace, *options: str) -> str:
    """Run to the end and return what stderr says."""
    out, err = place.start(*options, "--overwrite").communicate(timeout=240)
    assert "written: run/" in out, err
    return err


def same_run(one: Path, other: Path) -> bool:
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    plain = [name for name in names if name != "manifest.json"]
    manifests = [json.loads((run / "manifest.json").read_text()) for run in (one, other)]
    for manifest in manifests:
        del manifest["created"]
        manifest.pop("engine", None)
    different = filecmp.cmpfiles(one, other, plain, shallow=False)[1:]
    return different == ([], []) and manifests[0] == manifests[1]


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGHUP, 143, "terminated"),
    ],
)
def test_a_signal_saves_and_says_how_to_go_on(
    number: int, code: int, word: str, place: Workplace
) -> None:
    finish(place)
    (place.root / "run").rename(place.root / "whole")
    child = place.start("--checkpoint", "c.json")
    place.wait_for(10, child)
    child.send_signal(number)
    out, err = child.communicate(timeout=240)
    n = len(place.saved())
    assert (child.returncode, out) == (code, "")
    assert err == (
        f"{word} while selecting, {n} of {N} picks done; nothing was written to run/; to go on "
        f"from {n} picks, run it again with --checkpoint c.json\n"
    )
    assert 10 <= n < N
    assert place.names() == {*CLEAN, "whole", "c.json"}
    err = finish(place, "--checkpoint", "c.json")
    assert err == f"went on from {n} picks of c.json, which is removed\n"
    assert same_run(place.root / "run", place.root / "whole")
    assert place.names() == {*CLEAN, "whole", "run"}


def test_without_a_checkpoint_the_line_tells_of_it(place: Workplace) -> None:
    child = place.start()
    while not (place.root / "site" / "picking").exists():
        assert child.poll() is None, child.communicate()
        time.sleep(0.005)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=240)
    assert (child.returncode, out) == (130, "")
    assert re.fullmatch(
        rf"interrupted while selecting, \d+ of {N} picks done; nothing was written to run/; "
        "with --checkpoint FILE a selection can go on later\n",
        err,
    )
    assert place.names() == CLEAN


def test_killed_again_and_again(place: Workplace) -> None:
    """SIGKILL at any moment leaves a whole checkpoint, old or new, and no pick is lost twice."""
    before = 0
    for more in (7, 23, 40):
        child = place.start("--checkpoint", "c.json")
        place.wait_for(before + more, child)
        child.kill()
        child.communicate()
        before = len(place.saved())
    assert "run" not in place.names()
    err = finish(place, "--checkpoint", "c.json")
    assert err == f"went on from {before} picks of c.json, which is removed\n"
    (place.root / "run").rename(place.root / "resumed")
    assert place.names() == {*CLEAN, "resumed"}
    finish(place)
    assert same_run(place.root / "run", place.root / "resumed")


def test_two_runs_at_once(place: Workplace) -> None:
    first = place.start("--checkpoint", "c.json")
    place.wait_for(1, first)
    first.send_signal(signal.SIGSTOP)  # it is not through before the second one looks
    second = place.start("--checkpoint", "c.json")
    _, err = second.communicate(timeout=240)
    assert second.returncode == 2
    assert err == (
        f"error: c.json: process {first.pid} is using it; wait for it, or choose another file\n"
    )
    first.terminate()
    first.send_signal(signal.SIGCONT)
    first.communicate()
    assert first.returncode == 143


def test_the_checkpoint_stays_until_the_files_are_written(tmp_path: Path) -> None:
    """Here they cannot be written; what was picked is not lost."""
    ids = [f"{k}.png" for k in range(5)]
    rows = "".join(f"{name}\n" for name in ["sample_id", *ids])
    raw = {
        "n_samples": 3,
        "strategies": [{"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}}],
    }
    build(tmp_path, {"data/metadata.csv": rows, "config.json": raw})
    given = ["select", tmp_path / "config.json", "--data", tmp_path / "data"]
    given += ["--checkpoint", tmp_path / "c.json", "--out"]
    broken = build(tmp_path, {"data/metadata.csv": rows + '"a\nb"\n'})
    assert broken == tmp_path
    ran = selectlab(*given, tmp_path / "run", "-n", 6)
    assert ran.code == 2
    assert "breaks the line" in ran.err
    assert len(json.loads((tmp_path / "c.json").read_text())["picked"]) == 6


def test_a_checkpoint_in_the_results_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path / "run", tmp_path / "run" / "c.json"):
        with pytest.raises(ConfigError) as caught:
            LongRun(tmp_path / "run", place)
        assert str(caught.value) == (
            f"--checkpoint: {place} lies in --out, which is written at the end, as a whole; "
            "choose another place"
        )


def test_what_is_said_at_each_moment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def line(stage: Stage, *, written: bool = False, checkpoint: bool = False) -> str:
        out = tmp_path / "run"
        run = LongRun(out, tmp_path / "my file" if checkpoint else None)

        def end() -> None:
            with run.stoppable():
                run._progress.now = stage
                if written:
                    build(out, {"manifest.json": "{}"})
                raise Terminated

        with pytest.raises(typer.Exit) as caught:
            end()
        assert caught.value.exit_code == 143
        return capsys.readouterr().err.replace(str(tmp_path), "X")

    nothing = "nothing was written to X/run/; "
    assert line(Stage("reading embeddings")) == (
        f"terminated while reading embeddings; {nothing}"
        "with --checkpoint FILE a selection can go on later\n"
    )
    assert line(Stage("selecting", 9, 4, "picks"), checkpoint=True) == (
        f"terminated while selecting, 4 of 9 picks done; {nothing}"
        "--checkpoint 'X/my file' holds no pick yet\n"
    )
    assert line(Stage("writing files"), written=True) == (
        "terminated while writing files; the selection is in X/run/\n"
    )


def test_sigterm_is_as_it_was_afterwards() -> None:
    before = signal.signal(
        signal.SIGTERM, signal.SIG_DFL
    )  # another test's library may have its own
    try:
        with interruptible(lambda: ""):
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def test_who_ignores_sigterm_goes_on_ignoring_it() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with interruptible(lambda: ""):
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("before", [signal.SIG_IGN, signal.SIG_DFL])
def test_who_ignores_a_closed_terminal_goes_on_doing_so(before: signal.Handlers) -> None:
    """As nohup does; without that it ends the run, and only while there is one."""
    held = signal.signal(signal.SIGHUP, before)
    try:
        with ending_on_hangup():
            assert (signal.getsignal(signal.SIGHUP) == before) is (before == signal.SIG_IGN)
        assert signal.getsignal(signal.SIGHUP) == before
    finally:
        signal.signal(signal.SIGHUP, held)


def test_a_closed_terminal_is_told_once() -> None:
    """Shells send it once more, while everything is put away."""
    ends: list[int] = []
    held = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    before = signal.signal(signal.SIGTERM, lambda number, frame: ends.append(number))
    try:
        with ending_on_hangup():
            for _ in range(2):
                signal.raise_signal(signal.SIGHUP)
        assert ends == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # until the program has ended
    finally:
        signal.signal(signal.SIGHUP, held)
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("line", range(12))
def test_an_interrupt_between_any_two_lines_of_swap(line: int, tmp_path: Path) -> None:
    """The folder holds the old run or the new one, whole, never none."""
    fresh, target, old = (tmp_path / name for name in ("fresh", "target", "old"))
    for folder in (fresh, target):
        build(folder, {"a": folder.name, "b": folder.name})
    steps = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal steps
        if frame.f_code is not swap.__code__:
            return None
        if event == "line":
            steps += 1
            if steps == line:
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        swap(fresh, target, old)
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(None)
    assert {(target / name).read_text() for name in "ab"} in ({"fresh"}, {"target"})


def test_an_interrupt_while_it_is_written_leaves_the_old_one(tmp_path: Path) -> None:
    """At each line of what writes files in one step."""
    from selectlab import atomic

    path = tmp_path / "c.json"
    for line in range(1, 8):
        path.write_text("old")
        steps = 0

        def trace(frame: FrameType, event: str, argument: Any, line: int = line) -> Any:
            nonlocal steps
            if frame.f_code is not atomic.replace_file.__code__:
                return None
            if event == "line":
                steps += 1
                if steps == line:
                    raise KeyboardInterrupt
            return trace

        sys.settrace(trace)
        try:
            atomic.replace_file(path, lambda to: to.write_text("new"))
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        assert path.read_text() in ("old", "new")
        assert [left.name for left in tmp_path.iterdir()] == ["c.json"]
