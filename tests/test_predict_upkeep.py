"""Bad folders and models, changed videos, stale results, and two predictions at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import video_builder as videos

from selectlab.errors import ConfigError, DataError
from selectlab.inputs.folder import open_dataset
from selectlab.video.prediction import predict
from selectlab.video.upkeep import STALE_ASSERTIONS, locked


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return videos.trained_model(tmp_path_factory)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return videos.write_video(tmp_path / "in" / "v.mp4", 6)


@pytest.mark.parametrize("name", ["README.md", "text.pt", "empty.pt", "x.yaml", "folder"])
def test_a_file_that_is_no_model_is_one_line(name: str, video: Path, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    else:
        path.write_text("" if name == "empty.pt" else "a: 1\n")
    with pytest.raises(ConfigError) as caught:
        predict([video], model=str(path), out=tmp_path / "out")
    assert str(caught.value).startswith(f"--model {path}: cannot be loaded (")
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_one_line(
    weights: Path, video: Path, tmp_path: Path
) -> None:
    taken = tmp_path / "taken.pt"
    taken.write_text("precious")
    for out, line in (
        (taken, f"--out {taken}: exists and is no folder"),
        (taken / "x", f"{taken}/x: cannot be written: Not a directory"),
    ):
        with pytest.raises(DataError) as caught:
            predict([video], model=str(weights), out=out)
        assert str(caught.value) == line
    assert taken.read_text() == "precious"


@pytest.mark.skipif(sys.platform != "linux", reason="no /proc")
def test_proc_cannot_be_written(weights: Path, video: Path) -> None:
    with pytest.raises(DataError, match=r"^/proc/x: cannot be written: "):
        predict([video], model=str(weights), out="/proc/x")


@pytest.mark.parametrize("overwrite", [False, True])
def test_frames_that_are_gone_leave_the_metadata(
    overwrite: bool, weights: Path, video: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options: dict[str, Any] = {"model": str(weights), "out": out, "task": "det", "embed": True}
    predict([video], **options)
    table = out / "metadata.parquet"
    frame = pd.read_parquet(table)
    frame["weather"] = "wet"
    other = pd.DataFrame([{"sample_id": "other-5-mp4.png", "weather": "dry"}])
    pd.concat([frame, other]).to_parquet(table, index=False)
    videos.write_video(video, 4, seed=5)
    predict([video], **options, overwrite=overwrite)
    assert list(open_dataset(out).ids) == ["other-5-mp4.png", *(f"v-{n}-mp4.png" for n in range(4))]
    held = pd.read_parquet(table).set_index("sample_id")["weather"].to_dict()
    assert held == {"other-5-mp4.png": "dry", **{f"v-{n}-mp4.png": "wet" for n in range(4)}}
    assert len(pd.read_parquet(out / "embeddings.parquet")) == 4


def test_a_failure_in_between_does_not_forget_earlier_frames(
    weights: Path, video: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options: dict[str, Any] = {"model": str(weights), "out": out, "task": "det"}
    predict([video], **options)
    video.write_bytes(b"no video")
    assert predict([video], **options).failed
    videos.write_video(video, 4, seed=5)
    predict([video], **options)
    assert list(open_dataset(out).ids) == [f"v-{n}-mp4.png" for n in range(4)]


@pytest.mark.parametrize("overwrite", [False, True])
def test_results_of_assertions_go_with_the_predictions(
    overwrite: bool, weights: Path, video: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options: dict[str, Any] = {"model": str(weights), "out": out, "task": "det"}
    predict([video], **options)
    said = [out / ".lightly" / "imputed" / task / "flicker.json" for task in ("det", "other")]
    for path in said:
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    assert predict([video], **options).notes == []
    assert said[0].exists()
    if not overwrite:
        videos.write_video(video, 6, seed=5)
    assert predict([video], **options, overwrite=overwrite).notes == [STALE_ASSERTIONS]
    assert [path.exists() for path in said] == [False, True]


def test_a_video_that_is_cut_off_is_named(weights: Path, tmp_path: Path) -> None:
    """Its index, at the start, counts 40 frames; the last third of the file is missing."""
    import av

    video = videos.write_video(tmp_path / "clip.mp4", 40)
    front = tmp_path / "in" / "front.mp4"
    front.parent.mkdir()
    with (
        av.open(str(video)) as source,
        av.open(str(front), "w", options={"movflags": "faststart"}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    data = front.read_bytes()
    front.write_bytes(data[: len(data) * 2 // 3])
    outcome = predict([front], model=str(weights), out=tmp_path / "out")
    decoded = outcome.predicted["front.mp4"]
    assert 5 < decoded < 38
    assert outcome.notes == [
        f"front.mp4: says it has 40 frames, {decoded} could be decoded; is it cut off?"
    ]


def test_two_at_once_are_refused(weights: Path, video: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    spool = out / ".selectlab" / "predict" / "det"
    options: dict[str, Any] = {"model": str(weights), "out": out, "task": "det"}
    with locked(spool), pytest.raises(DataError, match=r"process \d+ is predicting this task"):
        predict([video], **options)
    assert not spool.exists()
    predict([video], **options)
    assert not (spool / "lock").exists()


def test_the_lock_of_a_dead_process_does_not_count(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from selectlab.locks import seize; "
        "seize(Path(sys.argv[1]), OSError); os._exit(9)"
    )
    lock = tmp_path / "spool" / "lock"
    subprocess.run([sys.executable, "-c", code, str(lock)], check=False)
    assert lock.exists()
    with locked(lock.parent):
        assert json.loads(lock.read_text()) > 0


def test_the_next_model_takes_the_place_of_the_last_with_its_embeddings(
    weights: Path, video: Path, tmp_path: Path
) -> None:
    """Round after round a model is trained on; its embeddings are of another space each time."""
    out = tmp_path / "out"
    options: dict[str, Any] = {"out": out, "task": "det", "embed": True, "image_size_px": 96}
    predict([video], model=str(weights), **options)
    predict([video], model="yolov8n.yaml", **options, overwrite=True)
    table = open_dataset(out).source.embeddings(None)
    assert table is not None
    assert (table.space or "").startswith("yolov8n@")
    assert len(table.ids) == len(open_dataset(out).ids)


def test_embeddings_of_other_samples_are_not_forgotten(
    weights: Path, video: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options: dict[str, Any] = {"out": out, "task": "det", "embed": True, "image_size_px": 96}
    predict([video], model=str(weights), **options)
    table = out / "embeddings.parquet"
    held = pd.read_parquet(table)
    other = held[:1].assign(sample_id="other.png")
    pd.concat([held, other]).to_parquet(table, index=False)
    before = {path: path.read_bytes() for path in out.rglob("*.*") if path.is_file()}
    with pytest.raises(DataError, match=r"embeddings\.parquet: holds embeddings of the space"):
        predict([video], model="yolov8n.yaml", **options, overwrite=True)
    assert {path: path.read_bytes() for path in out.rglob("*.*") if path.is_file()} == before
