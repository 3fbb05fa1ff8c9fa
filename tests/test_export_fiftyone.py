"""The dataset directory for FiftyOne: what is in it, and that FiftyOne's own importer reads it."""

from __future__ import annotations

import base64
import io
import json
import math
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from listed_items import DETECTION, ODD_IDS, POSE, SEGMENTS, WEATHER, ListedItems, ranked
from tool_python import python_with, told_by

from selectlab.errors import DataError
from selectlab.exports.fiftyone import FiftyOne
from selectlab.exports.items import Item
from selectlab.shapes import Mask, Shape


def written(
    items: ListedItems, out: Path, **options: Any
) -> tuple[list[dict[str, Any]], list[str]]:
    notes = FiftyOne(**options).write(items, out)
    content = json.loads((out / "samples.json").read_text(encoding="utf-8"))
    assert list(content) == ["samples"]
    return content["samples"], notes


def test_a_sample_says_what_it_is_and_why(tmp_path: Path) -> None:
    item = replace(
        ranked({})[0],
        location="/data/img1.png",
        reason="unlike all others",
        metadata={"weather.temp": 3, "sunny": True, "city": None},
    )
    (sample,), notes = written(ListedItems([item], name="run1"), tmp_path / "out")
    assert sample == {
        "filepath": "/data/img1.png",
        "_media_type": "image",
        "tags": ["run1"],
        "metadata": {"_cls": "ImageMetadata", "width": 100, "height": 80},
        "selectlab_id": "img1.png",
        "rank": 1,
        "selection_score": 1.0,
        "reason": "unlike all others",
        "run": "00c0ffee00c0ffee",
        "weather_temp": 3.0,
        "sunny": True,
    }
    assert isinstance(sample["weather_temp"], float)
    assert notes == []


def test_boxes_are_shares_of_the_image(tmp_path: Path) -> None:
    """The image is 100 x 80: 10 / 100 = 0.1, 20 / 80 = 0.25, 30 / 100 = 0.3, 40 / 80 = 0.5."""
    box = Shape("car", 0.75, (10, 20, 30, 40), origin="imputed", attributes={"label": 5.0})
    (sample,), _ = written(ListedItems(ranked({"det": [box]}), [DETECTION]), tmp_path / "out")
    assert sample["det"] == {
        "_cls": "Detections",
        "detections": [
            {
                "_cls": "Detection",
                "label": "car",
                "tags": ["imputed"],
                "confidence": 0.75,
                "label_2": 5.0,
                "bounding_box": [0.1, 0.25, 0.3, 0.5],
            }
        ],
    }


def test_a_mask_is_the_part_in_its_box(tmp_path: Path) -> None:
    """
    . . . .
    . . # .      the part is 2 x 2 at 1, 1 of 4 x 3
    . # # .
    """
    shape = Shape("car", 0.5, (0, 0, 4, 3), mask=Mask((6, 1, 2, 2, 1), 4, 3))
    items = ListedItems(ranked({"seg": [shape]}, size=(4, 3)), [SEGMENTS])
    (sample,), _ = written(items, tmp_path / "out")
    (found,) = sample["seg"]["detections"]
    assert found["bounding_box"] == [0.25, 1 / 3, 0.5, 2 / 3]
    packed = base64.b64decode(found["mask"]["$binary"]["base64"])
    assert np.load(io.BytesIO(zlib.decompress(packed))).tolist() == [[False, True], [True, True]]


def test_kinds_of_labels_have_fields_of_their_own(tmp_path: Path) -> None:
    """The image is 10 x 10. A keypoint that is not there has no place."""
    outline = Shape("road", polygons=((0, 0, 5, 0, 5, 5), (6, 6, 8, 6, 8, 8)))
    points = Shape("person", 0.5, (1, 1, 5, 5), keypoints=((1, 2, 0.75), (0, 0, 0), (3, 4, 1)))
    seen = {
        "seg": [outline, Shape("car", 0.25, (0, 0, 1, 1))],
        "pose": [points],
        "weather": [Shape("sunny", 0.875), Shape("rainy", 0.125)],
    }
    items = ListedItems(ranked(seen, size=(10, 10)), [SEGMENTS, POSE, WEATHER])
    (sample,), notes = written(items, tmp_path / "out")
    (polyline,) = sample["seg_outlines"]["polylines"]
    assert polyline["points"] == [
        [[0, 0], [0.5, 0], [0.5, 0.5]],
        [[0.6, 0.6], [0.8, 0.6], [0.8, 0.8]],
    ]
    assert (polyline["closed"], polyline["filled"]) == (True, True)
    assert [found["label"] for found in sample["seg"]["detections"]] == ["car"]
    (keypoint,) = sample["pose"]["keypoints"]
    assert keypoint["points"][0] == [0.1, 0.2]
    assert all(math.isnan(value) for value in keypoint["points"][1])
    assert keypoint["confidence"] == [0.75, 0, 1]
    assert keypoint["score"] == 0.5
    assert sample["pose_boxes"]["detections"][0]["bounding_box"] == [0.1, 0.1, 0.5, 0.5]
    assert sample["weather"]["label"] == "sunny"
    assert [c["label"] for c in sample["weather_more_classes"]["classifications"]] == ["rainy"]
    about = json.loads((tmp_path / "out" / "metadata.json").read_text(encoding="utf-8"))
    assert about["media_type"] == "image"
    assert about["info"]["classes"]["seg_outlines"] == ["car", "road"]
    assert about["info"]["skeletons"] == {
        "pose": {"labels": ["nose", "left eye", "tail"], "edges": [[0, 1], [0, 2]]}
    }
    assert "version" not in about
    assert [note for note in notes if "nobody knows" not in note] == []


def test_nothing_seen_is_told_from_not_looked(tmp_path: Path) -> None:
    items = ListedItems(ranked({"det": []}, {}), [DETECTION])
    (seen, other), _ = written(items, tmp_path / "out")
    assert seen["det"] == {"_cls": "Detections", "detections": []}
    assert "det" not in other


def test_what_cannot_be_told_is_counted(tmp_path: Path) -> None:
    box, outside = Shape("car", box=(0, 0, 5, 5)), Shape("car", box=(200, 0, 5, 5))
    turned = Shape("car", box=(0, 0, 5, 5), attributes={"rotation": 10.0})
    unsized = ranked({"det": [box, box], "weather": [Shape("sunny")]}, size=None)[0]
    unsized = replace(unsized, location="/data/img1.png")
    sized = replace(ranked({"det": [outside, turned]})[0], sample_id="b.png", location=None)
    other = replace(sized, sample_id="c.png", location="s3://bucket/c.png", shapes={})
    samples, notes = written(
        ListedItems([unsized, sized, other], [DETECTION, WEATHER]), tmp_path / "out"
    )
    assert "det" not in samples[0]
    assert samples[0]["weather"]["label"] == "sunny"
    assert samples[0]["metadata"] is None
    assert [sample["filepath"] for sample in samples[1:]] == ["b.png", "s3://bucket/c.png"]
    assert notes == [
        "shapes left out as the size of their image is not known: 2, first in 'img1.png'",
        "images of which nobody knows where they are, named by their sample ids: give from_dir "
        "their folder as rel_dir: 1, first in 'b.png'",
        "shapes left out as nothing of them is inside the image: 1, first in 'b.png'",
        "boxes that are turned, shown as they were before turning: 1, first in 'b.png'",
        "images named by URL; FiftyOne shows files alone: 1, first in 'c.png'",
    ]


def test_a_mask_that_does_not_fill_its_image_is_an_error(tmp_path: Path) -> None:
    items = ListedItems(ranked({"seg": [Shape("car", mask=Mask((5, 3), 100, 80))]}), [SEGMENTS])
    with pytest.raises(DataError, match=r"'img1\.png': a mask of 8 px does not fit"):
        written(items, tmp_path / "out")


def test_a_field_has_values_of_one_kind_and_a_name_of_its_own(tmp_path: Path) -> None:
    """Numbers are all floating point; what is called like a task or like one of ours gives way."""
    values = [{"x": 1, "det": 2, "rank": "a", "a.b": 1, "a b": 2}, {"x": 2.5}, {"x": "much"}]
    values.append({"x": math.nan})
    items = [replace(item, metadata=m) for item, m in zip(ranked({}, {}, {}, {}), values,
             strict=True)]  # fmt: skip
    samples, notes = written(ListedItems(items, [DETECTION]), tmp_path / "out")
    assert [sample.get("x") for sample in samples] == [1.0, 2.5, None, None]
    first = samples[0]
    assert (first["det_2"], first["rank"], first["rank_2"]) == (2.0, 1, "a")
    assert (first["a_b"], first["a_b_2"]) == (1.0, 2.0)
    assert notes[-1:] == [
        "values of metadata 'x' left out, of another kind than the first: 1, first in 'img3.png'"
    ]


def test_images_go_along(tmp_path: Path) -> None:
    name = "ü/a b.png"
    items = ListedItems([Item(1, name, None)], images={name: b"pixels"})
    (sample,), _ = written(items, tmp_path / "out", images="copy")
    assert sample["filepath"] == f"data/{name}"
    assert (tmp_path / "out" / "data" / name).read_bytes() == b"pixels"
    assert "selection_score" not in sample


READ = """
import json, sys
import fiftyone as fo
import fiftyone.core.odm as foo
import fiftyone.utils.data as foud
from fiftyone.utils.data.importers import _handle_legacy_formats

importer = _handle_legacy_formats(foud.FiftyOneDatasetImporter(sys.argv[1]))
found, fields = [], {}
with importer:
    for sample in importer:
        for name in sample.field_names:
            if sample[name] is not None and name not in ("id", "metadata"):
                kind = str(foo.create_implied_field(name, sample[name]))
                assert fields.setdefault(name, kind) == kind, (name, kind, fields[name])
                if isinstance(sample[name], fo.Label):
                    sample[name].validate()
        held = {name: sample[name] for name in sample.field_names}
        held["metadata"] = held["metadata"] and [held["metadata"].width, held["metadata"].height]
        for name, value in held.items():
            if isinstance(value, fo.Detections):
                held[name] = [
                    [d.label, d.tags, d.confidence, d.bounding_box,
                     None if d.mask is None else d.mask.astype(int).tolist()]
                    for d in value.detections
                ]
            elif isinstance(value, fo.Polylines):
                held[name] = [[p.label, p.points, p.closed, p.filled] for p in value.polylines]
            elif isinstance(value, fo.Keypoints):
                held[name] = [[k.label, k.points, k.confidence, k.score] for k in value.keypoints]
            elif isinstance(value, fo.Classification):
                held[name] = [value.label, value.confidence]
        found.append(held)
    info = importer.get_dataset_info()
skeletons = foo.DatasetDocument._fields["skeletons"].to_python(info["skeletons"])
print(json.dumps({"samples": found, "fields": fields,
                  "skeletons": {k: [v["labels"], v["edges"]] for k, v in skeletons.items()}}))
"""


def test_fiftyone_reads_it(tmp_path: Path) -> None:
    """With its own importer and label classes, as far as that goes without a database."""
    python = python_with("fiftyone")
    seen = {
        "det": [Shape("car", 0.75, (10, 20, 30, 40), origin="suspicious")],
        "seg": [
            Shape("road", polygons=((0, 0, 50, 0, 50, 40),)),
            Shape("car", 0.5, mask=Mask((101, 2, 98, 2, 7797), 100, 80)),
        ],
        "pose": [Shape("person", 0.5, keypoints=((10, 20, 0.75), (0, 0, 0), (30, 40, 1)))],
        "weather": [Shape("sunny", 0.875)],
    }
    items = ranked(seen, {"det": [], "weather": [Shape("rainy")]}, *[{}] * (len(ODD_IDS) - 2))
    items = [
        replace(item, sample_id=name, location=None, metadata={"t": rank / 2, "city": "Köln"})
        for rank, (item, name) in enumerate(zip(items, ODD_IDS, strict=True))
    ]
    tasks = [DETECTION, SEGMENTS, POSE, WEATHER]
    images = dict.fromkeys(ODD_IDS, b"pixels")
    FiftyOne(images="copy").write(ListedItems(items, tasks, images=images), tmp_path / "out")
    home = str(tmp_path / "home")
    told = told_by(python, READ, str(tmp_path / "out"), HOME=home, FIFTYONE_DO_NOT_TRACK="1")
    content = json.loads(told.splitlines()[-1])
    first = content["samples"][0]
    assert [sample["selectlab_id"] for sample in content["samples"]] == list(ODD_IDS)
    for sample in content["samples"]:
        assert Path(sample["filepath"]).read_bytes() == b"pixels"
        assert sample["metadata"] == [100, 80]
    assert first["det"] == [["car", ["suspicious"], 0.75, [0.1, 0.25, 0.3, 0.5], None]]
    assert first["seg"][0][3:] == [[0.01, 0.0125, 0.02, 0.025], [[1, 1], [1, 1]]]
    assert first["seg_outlines"] == [["road", [[[0, 0], [0.5, 0], [0.5, 0.5]]], True, True]]
    ((label, points, confidence, score),) = first["pose"]
    assert (label, confidence, score) == ("person", [0.75, 0, 1], 0.5)
    assert points[0] == [0.1, 0.25]
    assert all(math.isnan(value) for value in points[1])
    assert first["weather"] == ["sunny", 0.875]
    assert content["samples"][1]["det"] == []
    assert content["fields"]["t"].endswith("FloatField")
    assert content["fields"]["rank"].endswith("IntField")
    assert content["skeletons"] == {"pose": [list(POSE.keypoints), [[0, 1], [0, 2]]]}
