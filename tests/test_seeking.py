"""Frames from the middle of videos: the same that one gets by decoding from the start."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import video_builder as videos

from selectlab.errors import DataError, MissingExtraError
from selectlab.video.decoding import frames
from selectlab.video.seeking import chosen_frames

N = 60
KINDS: list[tuple[str, str, dict[str, str]]] = [
    ("libx264", "mp4", {"x264-params": "keyint=15:bframes=3:open-gop=1"}),
    ("libx264", "avi", {"g": "15", "bf": "2"}),
    ("libx264", "ts", {"g": "15", "bf": "2"}),
    ("mpeg4", "avi", {"g": "12"}),
    ("mpeg2video", "mpg", {"g": "12", "bf": "2"}),
    ("libvpx", "webm", {"g": "20", "auto-alt-ref": "1", "lag-in-frames": "10"}),
    ("libvpx-vp9", "webm", {"g": "20", "auto-alt-ref": "1", "lag-in-frames": "10"}),
]


def written(path: Path, codec: str, options: dict[str, str]) -> Path:
    if codec not in av.codecs_available:
        pytest.skip(f"no encoder {codec}")
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = videos.WIDTH, videos.HEIGHT, "yuv420p"
        for number in range(N):
            pixels = videos.picture(videos.scene(number), number)
            frame = av.VideoFrame.from_ndarray(pixels, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(("codec", "ending", "options"), KINDS)
def test_chosen_frames_are_those_of_decoding_from_the_start(
    tmp_path: Path, codec: str, ending: str, options: dict[str, str]
) -> None:
    video = written(tmp_path / f"clip.{ending}", codec, options)
    known = {frame.number: frame for frame in frames(video)}
    for seed in range(4):
        wanted = np.random.default_rng(seed).permutation(N + 3)[:6].tolist()
        found = list(chosen_frames(video, wanted))
        assert [frame.number for frame in found] == sorted(n for n in wanted if n < N)
        for frame in found:
            assert np.array_equal(frame.pixels, known[frame.number].pixels)
            assert frame.timestamp_s == pytest.approx(known[frame.number].timestamp_s)


def test_what_comes_before_the_key_frame_is_not_decoded(tmp_path: Path) -> None:
    """Frames 16 to 43 are spoilt, and with them what is decoded from there on."""
    video = written(tmp_path / "clip.mp4", "libx264", {"x264-params": "keyint=15:scenecut=0"})
    good = {frame.number: frame for frame in chosen_frames(video, [2, 50, N - 1])}
    with av.open(str(video)) as container:
        packets = [p for p in container.demux(video=0) if p.size][16:44]
        places = [(int(packet.pos or 0), packet.size) for packet in packets]
    with video.open("r+b") as file:
        for at, size in places:
            file.seek(at + size // 2)
            file.write(bytes(size - size // 2))
    for wanted in ([N - 1], [2, 50, N - 1]):
        for frame in chosen_frames(video, wanted):
            assert np.array_equal(frame.pixels, good[frame.number].pixels)


def test_frames_at_uneven_times_are_counted(tmp_path: Path) -> None:
    times = [0, 40, 50, 300, 310, 900, 905, 1000]
    video = videos.write_video(tmp_path / "clip.mp4", 8, times=times)
    found = list(chosen_frames(video, [6, 3]))
    assert [(frame.number, frame.timestamp_s) for frame in found] == [(3, 0.3), (6, 0.905)]


def test_nothing_is_decoded_past_the_end(tmp_path: Path) -> None:
    video = videos.write_video(tmp_path / "clip.mp4", 3)
    assert list(chosen_frames(video, [])) == []
    assert list(chosen_frames(video, [3, 99])) == []


def test_no_video_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with pytest.raises(DataError, match=r"clip\.mp4: cannot be read: No such file"):
        list(chosen_frames(path, [0]))
    path.write_bytes(b"no video")
    with pytest.raises(DataError, match=r"clip\.mp4: not a readable video"):
        list(chosen_frames(path, [0]))


def test_without_pyav_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = videos.write_video(tmp_path / "clip.mp4", 3)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"needs PyAV; install it with: pip install"):
        list(chosen_frames(video, [0]))
