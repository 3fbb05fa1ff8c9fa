"""Embeddings without a model: what they are, where they go, and what is left alone."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import video_builder as videos
from doc_pages import DOCS, blocks
from folder_builder import build, parquet
from PIL import Image
from small_dataset import DIVERSITY, EMBEDDINGS, Ran, config, picture, selectlab

from selectlab import api, pixel_embeddings
from selectlab.inputs.embedding_files import read_embeddings
from selectlab.inputs.folder import open_dataset
from selectlab.pixel_embeddings import SPACE, pixel_embedding, write_pixel_embeddings


def encoded(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=95)
    return buffer.getvalue()


def halves(left: tuple[int, int, int], right: tuple[int, int, int], kind: str = "PNG") -> bytes:
    image = Image.new("RGB", (64, 48), left)
    image.paste(right, (32, 0, 64, 48))
    return encoded(image, kind)


RED, BLUE = (255, 0, 0), (0, 0, 255)
FILES = {
    "a/red.png": halves(RED, BLUE),
    "a/red again.jpg": halves((250, 5, 5), (4, 4, 250), "JPEG"),
    "b.png": halves(BLUE, RED),
    "broken.png": b"no image",
    "c.png": picture(3, 40, 30),
}
READABLE = ["a/red again.jpg", "a/red.png", "b.png", "c.png"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return build(tmp_path / "data", FILES)


def vectors(data: Path, name: str = "embeddings.parquet") -> dict[str, np.ndarray]:
    table = pq.read_table(data / name)
    rows = (np.array(row) for row in table["embedding"].to_pylist())
    return dict(zip(table["sample_id"].to_pylist(), rows, strict=True))


def test_the_values_are_mean_colours_in_imagenets_measure() -> None:
    """Four columns of red, four of blue; (1 - 0.485) / 0.229 = 2.249 is full red."""
    found = pixel_embedding(halves(RED, BLUE, "JPEG")).reshape(8, 8, 3)
    red = np.array([1 - 0.485, -0.456, -0.406]) / [0.229, 0.224, 0.225]
    blue = np.array([-0.485, -0.456, 1 - 0.406]) / [0.229, 0.224, 0.225]
    assert np.abs(found[:, :4] - red).max() < 0.2  # JPEG smears colours at the border
    assert np.abs(found[:, 4:] - blue).max() < 0.2


def test_a_folder_of_images_can_be_selected_from(data: Path) -> None:
    ran = selectlab("embed", data)
    assert (ran.code, ran.err) == (0, "")
    table = data / "embeddings.parquet"
    assert ran.out.splitlines()[0] == f"4 of 5 samples embedded ({SPACE}): {table}"
    assert ran.out.splitlines()[1].startswith("  unreadable: broken.png: cannot identify")
    assert read_embeddings(table).space == SPACE
    found = vectors(data)
    assert list(found) == READABLE
    alike = np.linalg.norm(found["a/red.png"] - found["a/red again.jpg"])
    assert 0 < alike < 0.1 * np.linalg.norm(found["a/red.png"] - found["b.png"])
    chosen = api.select(config((EMBEDDINGS, DIVERSITY), n_samples=3), data)
    assert len({"a/red.png", "a/red again.jpg"} & {*chosen.ids}) == 1
    assert selectlab("index", data).code == 0


def test_more_images_change_nothing_of_those_that_are_there(data: Path) -> None:
    """Nor does a second run, which finds the thumbnails made."""
    assert selectlab("embed", data).code == 0
    before, file = vectors(data), (data / "embeddings.parquet").read_bytes()
    assert selectlab("embed", data).code == 0
    assert (data / "embeddings.parquet").read_bytes() == file
    build(data, {"0.png": halves((9, 9, 9), (200, 200, 9))})
    assert selectlab("embed", data).code == 0
    after = vectors(data)
    assert list(after) == ["0.png", *READABLE]
    assert all(np.array_equal(after[name], before[name]) for name in before)


def test_frames_of_videos(tmp_path: Path) -> None:
    videos.write_video(tmp_path / "videos" / "clip.mp4", 3)
    rows = "".join(f"clip-{number}-mp4.png,1\n" for number in range(4))
    data = build(tmp_path / "data", {"metadata.csv": f"sample_id,x\n{rows}"})
    ran = selectlab("embed", data, "--videos", tmp_path / "videos", "--json")
    assert json.loads(ran.out) == {
        "samples": 4, "embedded": 3, "space": SPACE, "without": ["clip-3-mp4.png"],
        "unreadable": {}, "out": str(data / "embeddings.parquet"),
    }  # fmt: skip
    found = list(vectors(data).values())
    assert 0 < np.linalg.norm(found[0] - found[1]) < 0.5 * np.linalg.norm(found[0])


def refused(ran: Ran) -> str:
    assert (ran.code, ran.out) == (2, "")
    return ran.err.removeprefix("error: ").strip()


@pytest.mark.parametrize(
    "name", ["embeddings.parquet", "embeddings.npz", ".lightly/embeddings.parquet"]
)
def test_other_embeddings_are_left_alone(data: Path, name: str) -> None:
    table = parquet({"sample_id": ["b.png"], "embedding": [[1.0, 2.0]]})
    if name.endswith(".npz"):
        buffer = io.BytesIO()
        np.savez(buffer, ids=np.array(["b.png"]), embeddings=np.ones((1, 2)))
        table = buffer.getvalue()
    build(data, {name: table})
    assert refused(selectlab("embed", data)) == (
        f"{data / name}: holds other embeddings; put these elsewhere with --out, such as "
        "DATASET/embeddings/pixels.parquet, the space 'pixels'"
    )
    assert (data / name).read_bytes() == table
    assert not (data / "embeddings.json").exists()
    ran = selectlab("embed", data, "--out", data / "embeddings" / "pixels.parquet")
    assert ran.code == 0
    if name == "embeddings.parquet":
        opened = open_dataset(data)
        found = opened.source.embeddings("pixels")
        assert found is not None
        assert (found.space, list(found.ids)) == (SPACE, READABLE)


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    assert refused(selectlab("embed", "s3://bucket/x")).startswith("--out: say where to write")
    out = tmp_path / "x.npy"
    assert refused(selectlab("embed", tmp_path, "--out", out)) == (
        f"--out: embeddings are written to a .parquet file, got {out}"
    )
    build(tmp_path / "data", {"broken.png": b"no image"})
    line = refused(selectlab("embed", tmp_path / "data"))
    assert line.startswith(f"{tmp_path / 'data'}: no picture to embed (broken.png: cannot ident")
    assert not (tmp_path / "data" / "embeddings.parquet").exists()


def test_an_interruption_leaves_what_was_there(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert selectlab("embed", data).code == 0
    before = (data / "embeddings.parquet").read_bytes()

    def stop(jpeg: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pixel_embeddings, "pixel_embedding", stop)
    ran = selectlab("embed", data)
    assert (ran.code, ran.err) == (130, "interrupted while embedding; nothing was written\n")
    assert (data / "embeddings.parquet").read_bytes() == before
    assert not [name for name in os.listdir(data) if name.startswith(".embeddings")]


def test_the_script_of_the_docs_embeds_with_any_model(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/dataset.md, on pictures that can be read, with a model that averages 56 x 56 fields."""
    torch = pytest.importorskip("torch")
    (data / "broken.png").unlink()
    data.rename(data.parent / "dataset")
    model = torch.export.export(torch.nn.AvgPool2d(56), (torch.zeros(1, 3, 224, 224),))
    torch.export.save(model, data.parent / "model.pt2")
    (script,) = [block for block in blocks(DOCS / "dataset.md") if block.title == "embed.py"]
    monkeypatch.chdir(data.parent)
    exec(script.text, {})
    opened = open_dataset("dataset")
    table = opened.source.embeddings(None)
    assert table is not None
    assert (table.dimension, list(table.ids)) == (3 * 4 * 4, READABLE)
    assert table.space == "my model, version 1"
    assert len(api.select(config((EMBEDDINGS, DIVERSITY), n_samples=3), opened)) == 3


def test_in_python_too(data: Path) -> None:
    made = write_pixel_embeddings(open_dataset(data), data / "embeddings.parquet")
    assert (made.n_samples, made.without) == (4, ("broken.png",))
    assert list(made.unreadable) == ["broken.png"]
