"""A prediction that is killed, taken up again, and the memory it takes."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import video_builder as videos

PREDICT = "from selectlab.cli import main; import sys; sys.argv[0] = 'selectlab'; main()"


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return videos.trained_model(tmp_path_factory)


def command(footage: Path, weights: Path, out: Path) -> list[str]:
    options = ["--model", str(weights), "--task", "det", "--embed", "--metrics", "--batch", "4"]
    return [sys.executable, "-c", PREDICT, "predict", str(footage), *options, "--out", str(out)]


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def markers(out: Path) -> list[Path]:
    return list((out / ".selectlab").glob("predict/det/*/done.json"))


@pytest.mark.slow
def test_killed_and_resumed_is_as_never_interrupted(weights: Path, tmp_path: Path) -> None:
    """SIGKILL in the middle of the second video; then in the third; every byte is the same."""
    footage = tmp_path / "in"
    for number in range(3):
        videos.write_video(footage / f"{number}.mp4", 40, seed=number)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    subprocess.run(command(footage, weights, whole), check=True, capture_output=True)
    for done_before_the_kill in (1, 2):
        process = subprocess.Popen(
            command(footage, weights, broken), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        wait_for_work(process, broken, done_before_the_kill)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert len(markers(broken)) == done_before_the_kill
        assert not (broken / "embeddings.parquet").exists()
    last = subprocess.run(
        [*command(footage, weights, broken), "--json"], check=True, capture_output=True, text=True
    )
    summary = json.loads(last.stdout)
    assert summary["predicted"] == {"2.mp4": 40}
    assert summary["finished_before"] == ["0.mp4", "1.mp4"]
    assert tree(broken) == tree(whole)
    assert len(tree(whole)) > 120


def wait_for_work(process: subprocess.Popen[bytes], out: Path, done: int) -> None:
    """Wait until so many videos are done and the next is being worked on."""
    deadline = time.monotonic() + 480
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        begun = (out / ".selectlab").glob("predict/det/*.part/frames.jsonl")
        if len(markers(out)) == done and any(begun):
            return
        time.sleep(0.002)
    raise AssertionError("nothing happened in eight minutes")


MEMORY = """
import resource, sys
from selectlab.video.prediction import predict
predict([sys.argv[1]], model=sys.argv[2], out=sys.argv[3], task="det", embed=True, metrics=True)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts in other units")
def test_memory_does_not_grow_with_the_length(weights: Path, tmp_path: Path) -> None:
    """Three times the frames (74 MB of pixels more), beyond what blocks and allocators take at first."""
    peaks = []
    for n_frames in (600, 1800):
        video = videos.write_video(tmp_path / f"{n_frames}.mp4", n_frames)
        out = tmp_path / f"out{n_frames}"
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, str(video), str(weights), str(out)],
            capture_output=True, text=True, check=True, env=dict(os.environ),
        )  # fmt: skip
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 50, peaks
