"""Image metrics: by hand on tiny images, in every mode, cached, and on broken files."""

from __future__ import annotations

import io
import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from plain_source import PlainSource, dataset_of

from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.inputs import Metadata
from selectlab.inputs.image_metrics import (
    METRICS,
    UnreadableImagesWarning,
    compute_metrics,
    laplacian,
    measure,
    uniform_row_ratio,
    write_metrics,
)
from selectlab.types import Scalars


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(pixels: Any) -> bytes:
    return encoded(Image.fromarray(np.asarray(pixels, dtype=np.uint8)))


def metrics(data: bytes) -> dict[str, float]:
    return dict(zip(METRICS, measure(io.BytesIO(data)), strict=True))


# By hand -------------------------------------------------------------------------------------


def test_black_and_white_halves() -> None:
    """2 rows of 0 0 255 255. Mean 127.5 = standard deviation, so snr 1 and contrast 1/2.

    The Laplacian of a row is 0 255 -255 0 (mirrored, nothing above or below changes): standard
    deviation sqrt(2 * 255^2 / 4) = 255 / sqrt 2. Both rows have half their pixels flat.
    """
    found = metrics(png([[0, 0, 255, 255]] * 2))
    assert found["sharpness"] == pytest.approx(255 / math.sqrt(2))
    assert found["snr"] == pytest.approx(1.0)
    assert found["contrast"] == pytest.approx(0.5)
    assert found["uniformRowRatio"] == 0.0
    assert (found["width"], found["height"]) == (4, 2)
    assert found["meanRed"] == found["meanGreen"] == found["meanBlue"] == 0.5


def test_one_colour() -> None:
    """Pure red has L* 53.24. Its values 255 0 0 have mean 85 and deviation 85 sqrt 2."""
    found = metrics(png(np.full((3, 5, 3), [255, 0, 0])))
    assert found["luminance"] == pytest.approx(53.24, abs=0.01)
    assert found["snr"] == pytest.approx(1 / math.sqrt(2))
    assert (found["meanRed"], found["meanGreen"], found["meanBlue"]) == (1, 0, 0)
    assert found["sharpness"] == found["contrast"] == 0
    assert found["uniformRowRatio"] == 1
    assert (found["width"], found["height"]) == (5, 3)


def test_a_single_value_has_no_snr() -> None:
    for value, luminance in ((0, 0), (255, 100), (128, 53.585)):
        found = metrics(png(np.full((2, 3), value)))
        assert math.isnan(found["snr"])
        assert found["luminance"] == pytest.approx(luminance, abs=1e-3)
        assert found["contrast"] == 0


def test_one_pixel() -> None:
    found = metrics(png([[7]]))
    assert found["sharpness"] == 0
    assert found["uniformRowRatio"] == 1


def test_uniform_rows_of_a_half_transmitted_image() -> None:
    """1000 x 400 noise, the lower 300 rows grey: reduced to 256 x 102, about 3/4 of the rows."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (400, 1000), dtype=np.uint8)
    pixels[100:] = 128
    assert uniform_row_ratio(Image.fromarray(pixels)) == pytest.approx(0.75, abs=0.02)
    assert uniform_row_ratio(Image.fromarray(pixels[:100])) == 0


def test_laplacian_against_plain_loops() -> None:
    grey = np.random.default_rng(1).integers(0, 256, (4, 6), dtype=np.uint8)
    kernel = {(0, 0): -4, (0, 1): 1, (0, -1): 1, (1, 0): 1, (-1, 0): 1}

    def mirrored(at: int, size: int) -> int:
        return -at if at < 0 else 2 * (size - 1) - at if at >= size else at

    for y in range(4):
        for x in range(6):
            expected = sum(
                weight * int(grey[mirrored(y + dy, 4), mirrored(x + dx, 6)])
                for (dy, dx), weight in kernel.items()
            )
            assert laplacian(grey)[y, x] == expected


def test_against_numpy_on_random_colours() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (7, 11, 3), dtype=np.uint8)
    grey = np.rint(pixels @ np.array([0.299, 0.587, 0.114]))
    found = metrics(png(pixels))
    assert found["snr"] == pytest.approx(pixels.mean() / pixels.std())
    assert found["meanGreen"] == pytest.approx(pixels[..., 1].mean() / 255)
    assert found["contrast"] == pytest.approx(grey.std() / 255)
    assert found["sharpness"] == pytest.approx(laplacian(grey.astype(np.uint8)).std())


# Modes ---------------------------------------------------------------------------------------

GREY = np.array([[0, 64, 128], [192, 255, 32]], dtype=np.uint8)


def test_modes_of_the_same_picture_agree() -> None:
    grey = Image.fromarray(GREY)
    clear = Image.merge("LA", (grey, Image.fromarray(GREY[::-1].copy())))
    palette = grey.convert("P")
    palette.info["transparency"] = bytes(range(256))
    images = {
        "grey": encoded(grey),
        "rgb": encoded(grey.convert("RGB")),
        "transparent": encoded(clear),
        "rgba": encoded(grey.convert("RGBA")),
        "palette": encoded(grey.convert("P")),
        "palette with alpha": encoded(palette),
        "16 bit": encoded(Image.fromarray(GREY.astype(np.uint16) * 257)),
        "32 bit": encoded(Image.fromarray(GREY.astype(np.int32) * 257), "TIFF"),
        "float": encoded(Image.fromarray(GREY.astype(np.float32)), "TIFF"),
        "cmyk": encoded(grey.convert("RGB").convert("CMYK"), "TIFF"),
    }
    expected = metrics(images["grey"])
    for name, data in images.items():
        assert metrics(data) == pytest.approx(expected), name


def test_black_and_white_bitmap() -> None:
    bits = Image.fromarray(np.array([[True, False], [False, True]]))
    assert bits.mode == "1"
    assert metrics(encoded(bits))["meanRed"] == 0.5


def test_rotation_in_exif_is_ignored() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    found = metrics(encoded(Image.new("RGB", (5, 3)), "JPEG", exif=exif))
    assert (found["width"], found["height"]) == (5, 3)


# A dataset -----------------------------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path: Path) -> Dataset:
    """Three images of 2, 3 and 4 columns, a sample without image, and a cache."""
    images = {}
    for width in (2, 3, 4):
        path = tmp_path / f"{width}.png"
        path.write_bytes(png(np.arange(2 * width).reshape(2, width)))
        images[path.name] = path
    return dataset_of([*images, "none.png"], images=images, cache=str(tmp_path / "cache"))


def source_of(dataset: Dataset) -> PlainSource:
    assert isinstance(dataset.source, PlainSource)
    return dataset.source


def test_rows_and_columns(pictures: Dataset) -> None:
    frame = compute_metrics(pictures)
    assert list(frame.columns) == list(METRICS)
    assert frame.index.tolist() == list(pictures.ids)
    assert frame["width"].tolist()[:3] == [2, 3, 4]
    assert frame.loc["none.png"].isna().all()
    assert frame.attrs["unreadable"] == {}
    assert compute_metrics(pictures, np.array([2, 0]))["width"].tolist() == [4, 2]


def test_workers_change_nothing(pictures: Dataset) -> None:
    source_of(pictures).cache = None
    pd.testing.assert_frame_equal(
        compute_metrics(pictures, workers=1), compute_metrics(pictures, workers=3)
    )


def test_cache_measures_only_what_changed(
    pictures: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a change only the changed file is decoded: any other would be found unreadable."""
    first = compute_metrics(pictures)
    changed = tmp_path / "3.png"
    changed.write_bytes(png(np.zeros((9, 9))))
    os.utime(changed, (1, 1))
    for name in ("2.png", "4.png"):  # broken, but of the same size and time: the cache answers
        stat = (tmp_path / name).stat()
        (tmp_path / name).write_bytes(b"\0" * stat.st_size)
        os.utime(tmp_path / name, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    second = compute_metrics(pictures)
    assert second.attrs["unreadable"] == {}
    assert second["width"].tolist()[:3] == [2, 9, 4]
    pd.testing.assert_series_equal(second.loc["2.png"], first.loc["2.png"])
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["metrics.parquet"]


def test_cache_of_another_version_or_broken_is_measured_anew(
    pictures: Dataset, tmp_path: Path
) -> None:
    first = compute_metrics(pictures)
    cache = tmp_path / "cache" / "metrics.parquet"
    stale = pd.read_parquet(cache).assign(version=0, width=99.0)
    stale.to_parquet(cache)
    pd.testing.assert_frame_equal(compute_metrics(pictures), first)
    cache.write_bytes(b"no parquet")
    pd.testing.assert_frame_equal(compute_metrics(pictures), first)
    assert len(pd.read_parquet(cache)) == 3


def test_cache_keeps_the_entries_of_other_rows(pictures: Dataset, tmp_path: Path) -> None:
    compute_metrics(pictures, np.array([0]))
    compute_metrics(pictures, np.array([1]))
    cache = pd.read_parquet(tmp_path / "cache" / "metrics.parquet")
    assert cache["sample_id"].tolist() == ["2.png", "3.png"]


def test_cache_that_cannot_be_written_is_not_fatal(pictures: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    source_of(pictures).cache = str(tmp_path / "file" / "cache")
    assert compute_metrics(pictures)["width"].tolist()[:3] == [2, 3, 4]


def test_unreadable_images_are_listed_and_skipped(pictures: Dataset) -> None:
    whole = encoded(Image.effect_noise((64, 64), 50), "JPEG")
    images = source_of(pictures).images
    images["2.png"] = b"no image"
    images["3.png"] = whole[: len(whole) // 2]
    images["4.png"] = Path("/nowhere/4.png")
    images["none.png"] = whole
    with pytest.warns(UnreadableImagesWarning) as caught:
        frame = compute_metrics(pictures)
    assert list(frame.attrs["unreadable"]) == ["2.png", "3.png", "4.png"]
    assert frame["width"].isna().tolist() == [True, True, True, False]
    assert str(caught[0].message).startswith(
        "plain: cannot read 3 of 4 samples, first '2.png' (UnidentifiedImageError: cannot identify"
    )


def test_metadata_reads_them_as_missing_values(pictures: Dataset) -> None:
    source_of(pictures).images["3.png"] = b"no image"
    with pytest.warns(UnreadableImagesWarning):
        signal = Metadata(key="lightly.width").load(pictures)
    assert isinstance(signal, Scalars)
    assert signal.missing is not None
    assert signal.missing.tolist() == [False, True, False, True]
    assert signal.values[[0, 2]].tolist() == [2, 4]
    assert signal.name == "metadata lightly.width"
    opened = len(source_of(pictures).opened)
    height = Metadata(key="lightly.height").load(pictures)
    assert isinstance(height, Scalars)
    assert height.values[[0, 2]].tolist() == [2, 2]
    assert len(source_of(pictures).opened) == opened, "images are measured once"


def test_progress_is_drawn_only_when_asked(
    pictures: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    compute_metrics(pictures)
    quiet = capsys.readouterr()
    assert quiet.out + quiet.err == ""
    compute_metrics(pictures, progress=True)
    assert capsys.readouterr().out == ""


# Writing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_written_table(pictures: Dataset, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"metadata.{suffix}"
    frame = write_metrics(pictures, out)
    table = pd.read_csv(out) if suffix == "csv" else pd.read_parquet(out)
    assert table["sample_id"].tolist() == ["2.png", "3.png", "4.png"]
    assert table.columns.tolist() == ["sample_id", *(f"lightly.{name}" for name in METRICS)]
    assert table["lightly.sharpness"].to_numpy() == pytest.approx(frame["sharpness"].to_numpy()[:3])
    before = out.read_bytes()
    write_metrics(pictures, out)
    assert out.read_bytes() == before


def test_written_table_keeps_what_is_there(pictures: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "metadata.csv"
    out.write_text('sample_id,code,lightly.width\n3.png,007,-1\nother.png,"a,b",-1\n')
    write_metrics(pictures, out)
    table = pd.read_csv(out, dtype=str, keep_default_na=False).set_index("sample_id")
    assert table.index.tolist() == ["2.png", "3.png", "4.png", "other.png"]
    assert table["code"].tolist() == ["", "007", "", "a,b"]
    assert table["lightly.width"].tolist() == ["2.0", "3.0", "4.0", ""]


def test_refused_files(pictures: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        write_metrics(pictures, "metrics.xlsx")
    assert str(caught.value) == "metrics.xlsx: metrics are written to a .parquet or .csv file"
    (tmp_path / "m.csv").write_text("id\n1\n")
    with pytest.raises(DataError, match="no column 'sample_id', so nothing can be put in"):
        write_metrics(pictures, tmp_path / "m.csv")
    with pytest.raises(DataError) as caught:
        write_metrics(pictures, tmp_path / "nowhere" / "m.csv")
    assert str(caught.value).endswith(
        f"cannot be written; there is no folder {str(tmp_path / 'nowhere')!r}"
    )
    with pytest.raises(DataError, match="plain: no readable images to measure"):
        write_metrics(dataset_of(["a"]), tmp_path / "n.csv")
    assert not (tmp_path / "n.csv").exists()


# Real data -----------------------------------------------------------------------------------

DATA = Path(os.environ.get("SELECTLAB_DATA", Path(__file__).parents[2] / "shared" / "data"))
COCO = DATA / "coco128" / "images" / "val2017"


@pytest.mark.skipif(not COCO.exists(), reason=f"no {COCO}; set SELECTLAB_DATA")
def test_coco128(tmp_path: Path) -> None:
    """Real photographs: hardly a uniform row, all metrics in range; the second run is cached."""
    images = {path.name: path for path in sorted(COCO.glob("*.jpg"))}
    dataset = dataset_of(list(images), images=images, cache=str(tmp_path))
    frame = compute_metrics(dataset)
    assert len(frame) == 128
    assert not frame.isna().to_numpy().any()
    assert frame["uniformRowRatio"].max() < 0.3
    assert frame["sharpness"].between(5, 200).all()
    assert frame["luminance"].between(0, 100).all()
    assert frame[["meanRed", "meanGreen", "meanBlue", "contrast"]].max().max() <= 1
    again = time.process_time()
    pd.testing.assert_frame_equal(compute_metrics(dataset), frame)
    assert time.process_time() - again < 5
