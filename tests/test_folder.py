"""Datasets in folders: which samples there are, their predictions, tags and links."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folder_builder import build, detection_files, parquet, png, shared_data

from selectlab.errors import DataError, MissingExtraError
from selectlab.inputs.files import open_folder
from selectlab.inputs.folder import open_dataset
from selectlab.inputs.sample_ids import frame_of, id_lines, sample_id, video_of


def task(task_type: str, n: int = 2) -> dict[str, Any]:
    return {"task_type": task_type, "categories": [{"id": i, "name": f"c{i}"} for i in range(n)]}


def one_task(task_type: str, predictions: Any, n: int = 2) -> dict[str, Any]:
    """A plain dataset with a single prediction file, without its image."""
    return {
        "predictions/tasks.json": ["t"],
        "predictions/t/schema.json": task(task_type, n),
        "predictions/t/x.json": {"file_name": "x.png", "predictions": predictions},
    }


@pytest.mark.parametrize("base", [".lightly/", ""])
def test_detections_of_a_bucket_and_of_a_plain_folder(tmp_path: Path, base: str) -> None:
    """1.png has two objects, 2.png an empty file, 3.jpg none; class index is not class id."""
    data = open_dataset(build(tmp_path, detection_files(base)))
    assert data.ids == ("a/1.png", "a/2.png", "b/3.jpg")
    found = data.predictions("det")
    assert found.task_type == "object-detection"
    assert (found.category_ids, found.names) == ((0, 5), ("car", "bus"))
    assert found.offsets.tolist() == [0, 2, 2, 2]
    assert found.listed.tolist() == [True, True, False]
    assert found.category.tolist() == [1, 0]
    assert found.score.tolist() == [0.25, 1.0]
    assert found.boxes is not None
    assert found.boxes.tolist() == [[1, 2, 3, 4.5], [0, 0, 1, 1]]
    assert found.probabilities is not None
    assert found.probabilities[0].tolist() == [0.25, 0.75]
    assert np.isnan(found.probabilities[1]).all()
    assert found.area is None
    assert found.keypoint_confidence is None


def test_images_are_found_in_folders_and_not_in_reserved_or_hidden_ones(tmp_path: Path) -> None:
    build(
        tmp_path,
        {
            "top.PNG": png(),
            "deep/er/x.jpeg": png(),
            "notes.txt": "x",
            "tags/no.png": png(),
            "embeddings/no.png": png(),
            ".hidden/no.png": png(),
            ".selectlab/no.png": png(),
            "deep/._x.jpeg": b"",
        },
    )
    assert open_dataset(tmp_path).ids == ("deep/er/x.jpeg", "top.PNG")


def test_a_folder_called_metadata_is_data_when_the_bucket_has_its_own(tmp_path: Path) -> None:
    build(tmp_path, {"metadata/x.png": png(), ".lightly/metadata/schema.json": []})
    assert open_dataset(tmp_path).ids == ("metadata/x.png",)


def test_without_images_the_files_say_their_names(tmp_path: Path) -> None:
    data = open_dataset(build(tmp_path, one_task("object-detection", [])))
    assert data.ids == ("x.png",)
    assert data.source.uri("x.png") is None
    with pytest.raises(DataError, match=r"no image 'x.png'"):
        data.source.open_image("x.png")


def test_ids_are_the_union_of_everything(tmp_path: Path) -> None:
    files = detection_files() | {
        "embeddings.parquet": parquet({"sample_id": ["e.png"], "embedding": [[1, 2]]}),
        "embeddings/det.parquet": parquet(
            {"sample_id": ["o.png", "o.png"], "object": [0, 1], "embedding": [[1, 2], [3, 4]]}
        ),
        "metadata.csv": "sample_id,k\nm.png,1\n",
        ".lightly/metadata/n.json": {"file_name": "n.png", "type": "image", "metadata": {}},
    }
    data = open_dataset(build(tmp_path, files))
    assert data.ids == (
        "a/1.png", "a/2.png", "b/3.jpg", "e.png", "m.png", "n.png", "o.png",
    )  # fmt: skip


def test_a_file_name_may_lack_folders_and_take_the_images_extension(tmp_path: Path) -> None:
    """Images b/7.jpg; the file b/7.json says '7.png': the place decides, the image is 7.jpg."""
    files = one_task("object-detection", [])
    files["predictions/t/b/7.json"] = {"file_name": "7.png", "predictions": []}
    data = open_dataset(build(tmp_path, files | {"b/7.jpg": png()}))
    assert data.ids == ("b/7.jpg", "x.png")
    assert data.predictions("t").listed.tolist() == [True, True]


def test_two_images_with_one_stem_are_told_apart_by_file_name(tmp_path: Path) -> None:
    """x.json is about x.png, although x.jpg would fit the path too."""
    files = one_task("object-detection", [{"category_id": 0, "bbox": [0, 0, 1, 1]}])
    data = open_dataset(build(tmp_path, files | {"x.jpg": png(), "x.png": png()}))
    assert data.ids == ("x.jpg", "x.png")
    assert data.predictions("t").counts().tolist() == [0, 1]


def test_frames_are_spelt_one_way(tmp_path: Path) -> None:
    files = one_task("object-detection", [])
    for number, name in ((1, "v-01-mp4"), (2, "v-02-mp4.png")):
        at = f"predictions/t/d/v-0{number}-mp4.json"
        files[at] = {"file_name": f"d/{name}", "predictions": []}
    files["relevant_filenames.txt"] = "d/v.mp4\n"
    data = open_dataset(build(tmp_path, files))
    assert data.ids == ("d/v-01-mp4.png", "d/v-02-mp4.png")
    assert frame_of(data.ids[1]) == ("d/v.mp4", 2)
    assert video_of("plain-1.png") is None


def test_relevant_filenames_are_paths_or_patterns(tmp_path: Path) -> None:
    """Byte order mark, Windows line ends and blank lines do no harm; unknown lines neither."""
    files = {f"{folder}/{i}.png": png() for folder in "ab" for i in range(2)}
    lines = "\ufeffa/1.png\r\n\r\nb/*\r\ngone.png\r\n"
    build(tmp_path, files | {"relevant_filenames.txt": lines.encode()})
    assert open_dataset(tmp_path).ids == ("a/1.png", "b/0.png", "b/1.png")
    (tmp_path / "relevant_filenames.txt").write_text("c/*\n")
    expected = (
        "relevant_filenames.txt: none of its 1 lines matches one of 4 samples, such as 'a/0.png'"
    )
    with pytest.raises(DataError) as caught:
        open_dataset(tmp_path)
    assert str(caught.value) == expected


def test_classification_keypoints_and_segmentation(tmp_path: Path) -> None:
    """Keypoint confidence (0.5 + 0.1) / 2; mask [[0, 1], [1, 1]] -> [1, 3], area 3."""
    points = [{"category_id": 1, "keypoints": [1, 2, 0.5, 3, 4, 0.1]}]
    found = open_dataset(build(tmp_path / "k", one_task("keypoint-detection", points)))
    held = found.predictions("t")
    assert held.keypoint_confidence is not None
    assert held.keypoint_confidence.tolist() == pytest.approx([0.3])
    assert held.boxes is None
    mask = [{"category_id": 1, "segmentation": [1, 3], "bbox": [0, 0, 2, 2]}]
    for kind in ("instance-segmentation", "semantic-segmentation"):
        held = open_dataset(build(tmp_path / kind, one_task(kind, mask))).predictions("t")
        assert held.area is not None
        assert held.area.tolist() == [3]
    probable = [{"category_id": 1, "probabilities": [0.4, 0.6]}]
    held = open_dataset(build(tmp_path / "c", one_task("classification", probable))).predictions(
        "t"
    )
    assert held.boxes is None
    assert np.isnan(held.score).all()
    assert held.probabilities is not None
    assert held.probabilities.shape == (1, 2)


BOX = {"category_id": 1, "bbox": [0, 0, 1, 1], "score": 0.5}


@pytest.mark.parametrize(
    ("prediction", "message"),
    [
        ({"category_id": 7}, "category_id 7 is not in the schema of task 't'; known ids: 0, 1"),
        ({"category_id": "1"}, "category_id '1' is not in the schema of task 't'; known ids: 0, 1"),
        ({"bbox": None}, "bbox is missing; the task needs it"),
        (
            {"bbox": [0, 0, -1, 1]},
            "bbox must be 4 finite numbers x, y, width, height with width and height >= 0, "
            "got [0, 0, -1, 1]",
        ),
        (
            {"bbox": [0, 0, 1]},
            "bbox must be 4 finite numbers x, y, width, height with width and height >= 0, "
            "got [0, 0, 1]",
        ),
        ({"score": 1.01}, "score must be a number from 0 to 1, got 1.01"),
        ({"score": "high"}, "score must be a number from 0 to 1, got 'high'"),
        ({"score": float("nan")}, "score must be a number from 0 to 1, got nan"),
        ({"probabilities": [0.5, 0.51]}, "probabilities must sum to 1, they sum to 1.01"),
        ({"probabilities": [1.5, -0.5]}, "probabilities must be numbers >= 0, got [1.5, -0.5]"),
        (
            {"probabilities": [1.0]},
            "probabilities must be 2 finite numbers, one per category of the schema, got [1.0]",
        ),
    ],
)
def test_bad_predictions(tmp_path: Path, prediction: Any, message: str) -> None:
    """The second object is at fault, and the message says so."""
    files = one_task("object-detection", [BOX, BOX | prediction])
    with pytest.raises(DataError) as caught:
        open_dataset(build(tmp_path, files)).predictions("t")
    assert str(caught.value) == f"predictions/t/x.json: predictions[1].{message}"


def test_probabilities_may_be_off_by_a_thousandth(tmp_path: Path) -> None:
    files = one_task("object-detection", [BOX | {"probabilities": [0.5, 0.5009]}])
    assert len(open_dataset(build(tmp_path, files)).predictions("t").category) == 1


@pytest.mark.parametrize(
    ("task_type", "prediction", "message"),
    [
        ("keypoint-detection", {"keypoints": [1, 2]}, "numbers x, y, s for every keypoint"),
        ("keypoint-detection", {"keypoints": [1, 2, 2]}, "with s from 0 to 1"),
        ("instance-segmentation", {"segmentation": [1, -3]}, "whole numbers >= 0, got [1, -3]"),
        ("instance-segmentation", {"segmentation": [1, 3.5]}, "whole numbers >= 0, got [1, 3.5]"),
        ("instance-segmentation", {}, "segmentation is missing"),
    ],
)
def test_bad_keypoints_and_masks(
    tmp_path: Path, task_type: str, prediction: Any, message: str
) -> None:
    files = one_task(task_type, [{"category_id": 0} | prediction])
    with pytest.raises(DataError) as caught:
        open_dataset(build(tmp_path, files)).predictions("t")
    assert message in str(caught.value)
    assert str(caught.value).startswith("predictions/t/x.json: predictions[0].")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"predictions/tasks.json": None, "predictions/t/schema.json": None},
            'predictions: no tasks.json; it lists the names of the task folders, such as ["t"]',
        ),
        (
            {"predictions/t/schema.json": None},
            "predictions/tasks.json: task 't' has no predictions/t/schema.json, and is no COCO "
            "file predictions/t.json and no folder of YOLO .txt files",
        ),
        (
            {"predictions/t/schema.json": {"task_type": "object-detektion", "categories": []}},
            "predictions/t/schema.json: task_type 'object-detektion' is not known; "
            "did you mean 'object-detection'?",
        ),
        (
            {
                "predictions/t/schema.json": {
                    "task_type": "classification",
                    "categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}],
                }
            },
            "predictions/t/schema.json: category id 1 occurs twice",
        ),
        (
            {"predictions/t/x.json": {"file_name": "../x.png", "predictions": []}},
            "predictions/t/x.json: file_name: '../x.png' leads out of the dataset; "
            "ids are paths relative to its folder",
        ),
        (
            {"predictions/t/x.json": {"file_name": "/x.png", "predictions": []}},
            "predictions/t/x.json: file_name: '/x.png' leads out of the dataset; "
            "ids are paths relative to its folder",
        ),
        (
            {"predictions/t/x.json": {"file_name": "y.png", "predictions": []}},
            "predictions/t/x.json: file_name 'y.png' belongs to another place; "
            "expected 'x' and an extension",
        ),
        (
            {"predictions/t/x.json": '{"file_name": "x.png",\n "predictions": [}'},
            "predictions/t/x.json: malformed JSON, expected value at line 2 column 18",
        ),
        (
            {"predictions/t/x.json": {"predictions": []}},
            "predictions/t/x.json: has no file_name, and no single image is called 'x'",
        ),
        (
            {"predictions/t/x.json": {"file_name": "x.png"}},
            "predictions/t/x.json: must be an object with file_name and predictions",
        ),
        (
            {"predictions/t/x.png.json": {"file_name": "x.png", "predictions": []}},
            "predictions/t/x.png.json: 'x.png' has predictions in predictions/t/x.json too",
        ),
    ],
)
def test_bad_prediction_folders(tmp_path: Path, files: dict[str, Any], message: str) -> None:
    kept = {
        path: content
        for path, content in (one_task("object-detection", []) | files).items()
        if content is not None
    }
    with pytest.raises(DataError) as caught:
        open_dataset(build(tmp_path, kept))
    assert str(caught.value) == message


def test_a_task_that_is_not_listed_is_ignored(tmp_path: Path) -> None:
    files = detection_files() | {".lightly/predictions/old/a/1.json": "not even JSON"}
    assert list(open_dataset(build(tmp_path, files)).source.tasks()) == ["det"]


def test_a_classification_has_one_prediction(tmp_path: Path) -> None:
    twice = [{"category_id": 0}, {"category_id": 1}]
    with pytest.raises(DataError, match="2 predictions for one sample"):
        open_dataset(build(tmp_path, one_task("classification", twice))).predictions("t")


def test_tags_links_images_and_cache(tmp_path: Path) -> None:
    files = detection_files() | {
        "tags/night.txt": "b/3.jpg\n\na/1.png\n",
        "datasets.json": {"other": "../else", "url": "s3://b/x", "abs": "/data/x"},
    }
    source = open_dataset(build(tmp_path, files)).source
    assert source.tag("night") == ["b/3.jpg", "a/1.png"]
    assert list(source.tag("initial-tag") or ()) == ["a/1.png", "a/2.png", "b/3.jpg"]
    assert source.tag("day") is None
    assert source.tag("../datasets") is None
    assert source.linked("other") == os.path.join(os.path.realpath(tmp_path.parent), "else")
    assert source.linked("url") == "s3://b/x"
    assert source.linked("abs") == "/data/x"
    assert source.linked("none") is None
    assert source.uri("b/3.jpg") == os.path.join(os.path.realpath(tmp_path), "b", "3.jpg")
    with source.open_image("b/3.jpg") as file:
        assert file.read() == png()
    assert source.cache_folder() == os.path.join(os.path.realpath(tmp_path), ".selectlab")


def test_a_folder_that_cannot_be_written_is_cached_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file stands where the cache folder would be: making it fails for root, too."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    build(tmp_path / "data", {"x.png": png(), ".selectlab": "a file"})
    found = open_dataset(tmp_path / "data").source.cache_folder()
    assert found is not None
    assert Path(found).parent == tmp_path / "cache" / "selectlab"
    assert not (tmp_path / "cache").exists()  # whoever writes makes it


def test_links_that_lead_out_are_refused(tmp_path: Path) -> None:
    build(tmp_path, {"data/x.png": png(), "secret.png": png()})
    (tmp_path / "data" / "inside.png").symlink_to(tmp_path / "data" / "x.png")
    assert open_dataset(tmp_path / "data").ids == ("inside.png", "x.png")
    (tmp_path / "data" / "out.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(DataError) as caught:
        open_dataset(tmp_path / "data")
    assert str(caught.value).startswith(
        "out.png: a symbolic link that leads out of the dataset, to "
    )


@pytest.mark.parametrize(
    "name", ["../a", "a/../b", "/a", "C:/a", "", " ", 3, "\\\\x\\a", "a\udc80"]
)
def test_ids_that_are_refused(name: object) -> None:
    with pytest.raises(DataError, match=r"ids.txt"):
        sample_id(name, "ids.txt")


@pytest.mark.parametrize("name", ["a..b.png", "c", "ü/é.png", "a b.png", "x:y.png"])
def test_ids_that_are_fine(name: str) -> None:
    assert sample_id(name, "ids.txt") == name


def test_id_lists_keep_repeats_and_refuse_other_encodings() -> None:
    assert id_lines(b"\xef\xbb\xbfb\r\n\r\n a \r\nb", "ids.txt") == ["b", "a", "b"]
    with pytest.raises(DataError) as caught:
        id_lines(b"ab\xff", "ids.txt")
    assert str(caught.value) == "ids.txt: not UTF-8 text, byte 2 cannot be read"


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        open_dataset(tmp_path / "none")
    with pytest.raises(DataError, match="no samples"):
        open_dataset(build(tmp_path / "empty", {"readme.txt": "x"}))
    with pytest.raises(DataError, match="not a folder"):
        open_dataset(tmp_path / "empty" / "readme.txt")


def test_protocols_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without s3fs the message names the extra; an unknown protocol is said so."""
    registry = importlib.import_module("fsspec.registry")
    monkeypatch.setattr(registry, "_registry", {})
    known = registry.known_implementations
    gone = {"class": "not_installed_module.Driver", "err": "Install gone to access it"}
    monkeypatch.setitem(known, "s3", gone)
    monkeypatch.setitem(known, "gs", gone)
    with pytest.raises(MissingExtraError) as caught:
        open_folder("s3://bucket/data")
    assert str(caught.value) == (
        "s3://bucket/data: the driver for s3:// is not installed; pip install 'selectlab[s3]'"
    )
    with pytest.raises(MissingExtraError, match="Install gone to access it"):
        open_folder("gs://bucket/data")
    with pytest.raises(DataError, match="nothing://x: cannot be opened, Protocol not known"):
        open_folder("nothing://x")


def test_what_a_driver_says_of_a_place_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "x.zip"
    file.write_text("none")
    for where, why in {
        f"zip://a::{file}": "cannot be opened, File is not a zip file",
        "zip://a::memory://none": "cannot be opened, /none",
    }.items():
        with pytest.raises(DataError) as caught:
            open_folder(where)
        assert str(caught.value) == f"{where}: {why}"
    with pytest.raises(DataError) as caught:
        open_folder("a\0b")
    assert str(caught.value) == r"'a\x00b': no such folder, embedded null byte"


def test_a_url_reads_like_a_folder(tmp_path: Path) -> None:
    import fsspec

    build(tmp_path, detection_files())
    memory = fsspec.filesystem("memory")
    memory.put(f"{tmp_path}/", "/bucket/data", recursive=True)
    try:
        there, here = open_dataset("memory://bucket/data"), open_dataset(tmp_path)
        assert there.ids == here.ids
        assert there.predictions("det").score.tolist() == here.predictions("det").score.tolist()
        assert open_dataset(f"file://{tmp_path}").ids == here.ids
    finally:
        memory.rm("/bucket", recursive=True)


def test_progress_is_reported(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    build(tmp_path, detection_files())
    open_dataset(tmp_path, progress=lambda *done: seen.append(done)).predictions("det")
    assert seen == [(2, 2)]


def test_the_real_bucket() -> None:
    """39 lines name 95 of 101 samples: 37 files and two patterns; boxes stay as they are."""
    data = open_dataset(shared_data("lightly_example") / "lightly_bucket")
    assert len(data) == 95
    found = data.predictions("object_detection_sportradar")
    assert found.names == ("human",)
    assert len(found.category) == 9500
    assert found.listed.all()
    assert found.probabilities is None
    metadata = data.metadata()
    assert metadata is not None
    assert metadata.frame["court"].nunique() == 14
    assert metadata.declared["court"].kind == "categorical"
    assert metadata.declared["court"].default == "undefined"


def test_a_file_name_is_no_pattern() -> None:
    """The only prediction file behind a URL has brackets and a star in its name."""
    memory = importlib.import_module("fsspec").filesystem("memory")
    memory.pipe(
        {
            "/odd/predictions/tasks.json": b'["t"]',
            "/odd/predictions/t/schema.json": json.dumps(task("object-detection")).encode(),
            "/odd/predictions/t/x [1]*.json": b'{"file_name": "x [1]*.png", "predictions": []}',
        }
    )
    try:
        assert open_dataset("memory://odd").ids == ("x [1]*.png",)
    finally:
        memory.rm("/odd", recursive=True)
