"""What ApertureDB gets: tables that its own client makes queries of, row by row."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aperture_client
import aperture_peer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from listed_items import DETECTION, ODD_IDS, POSE, SEGMENTS, WEATHER, ListedItems

from selectlab.errors import ConfigError, DataError
from selectlab.exports.aperture_layout import Layout, is_read_as_text
from selectlab.exports.aperture_rows import region_rows, whole_box
from selectlab.exports.aperturedb import ApertureDb
from selectlab.exports.export import writer_of
from selectlab.exports.items import Item
from selectlab.masks import mask_of, pixels_of
from selectlab.shapes import Mask, Shape
from selectlab.tally import Tally

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


@dataclass
class Embedded(ListedItems):
    """Items of which some have an embedding, the best first."""

    n_embedded: int = 0

    def vectors(self, space: str | None = None) -> Iterator[tuple[list[str], Any]]:
        if not self.n_embedded or space == "none":
            raise DataError(f"data: no embeddings{'' if space is None else f' {space!r}'}")
        names = [item.sample_id for item in self.items[: self.n_embedded]]
        rows = np.arange(3 * len(names), dtype=np.float32).reshape(-1, 3) / 7
        for start in range(0, len(names), 2):
            yield names[start : start + 2], rows[start : start + 2]


def placed(*names: str, **fields: Any) -> list[Item]:
    return [
        Item(rank, name, 1 / rank, f"number {rank}", f"/data/{name}", (100, 80), **fields)
        for rank, name in enumerate(names, start=1)
    ]


def table(out: Path, name: str) -> list[dict[str, str]]:
    with (out / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def written(items: ListedItems, out: Path, **options: Any) -> list[str]:
    return ApertureDb(**options).write(items, out)


def test_images_have_a_place_an_id_metadata_and_a_condition(tmp_path: Path) -> None:
    """The second image has other metadata: the columns are those of both, in order."""
    items = placed("a/1.png", "b.png")
    metadata = ({"t.celsius": 1.5, "wet": True}, {"t.celsius": None, "place": "Köln"})
    items = [Item(**{**vars(i), "metadata": m}) for i, m in zip(items, metadata, strict=True)]
    out = tmp_path / "out"
    assert written(ListedItems(items), out) == ["no descriptors: there are no embeddings"]
    rows = table(out, "images.csv")
    assert list(rows[0]) == [
        "filename", "id", "metadata_t_celsius", "metadata_wet", "constraint_id", "metadata_place",
    ]  # fmt: skip
    assert [list(row.values()) for row in rows] == [
        ["/data/a/1.png", "a/1.png", "1.5", "True", "a/1.png", ""],
        ["/data/b.png", "b.png", "", "", "b.png", "Köln"],
    ]
    assert sorted(path.name for path in out.iterdir()) == ["images.csv", "selected.csv"]


def test_what_was_selected_is_an_update_with_rank_score_run_and_reason(tmp_path: Path) -> None:
    items = ListedItems(placed("a.png", "b.png"), run="0123456789012345")
    written(items, tmp_path / "out", mark="night", key="name", prefix="cam1/")
    assert table(tmp_path / "out", "selected.csv")[1] == {
        "filename": "/data/b.png",
        "name": "cam1/b.png",
        "night_rank": "2",
        "night_score": "0.5",
        "night_run": "run-0123456789012345",
        "night_reason": "number 2",
        "constraint_name": "cam1/b.png",
        "updateif_name": "cam1/b.png",
    }


def test_boxes_are_in_whole_pixels_inside_the_image(tmp_path: Path) -> None:
    """From 10.4 to 30.5 is 10 to 31. From 90 to 120 ends at 100. The third is outside."""
    shapes = [
        Shape("car", 0.75, (10.4, 20.0, 20.1, 40.0), origin="suspicious"),
        Shape("car", None, (90.0, 70.0, 30.0, 30.0), origin="imputed"),
        Shape("car", 0.5, (200.0, 0.0, 5.0, 5.0)),
    ]
    out = tmp_path / "out"
    notes = written(ListedItems(placed("a.png", shapes={"det": shapes}), [DETECTION]), out)
    assert notes[0] == "shapes outside of their image, left out: 1, first in 'a.png'"
    rows = table(out, "bounding_boxes.csv")
    assert list(rows[0]) == [
        "id", "x_pos", "y_pos", "width", "height", "box_id", "task", "score", "origin", "_label",
        "constraint_box_id",
    ]  # fmt: skip
    sides = [[row[side] for side in ("x_pos", "y_pos", "width", "height")] for row in rows]
    assert sides == [["10", "20", "21", "40"], ["90", "70", "10", "10"]]
    said = [(row["id"], row["task"], row["score"], row["origin"], row["_label"]) for row in rows]
    assert said == [
        ("a.png", "det", "0.75", "suspicious", "car"),
        ("a.png", "det", "", "imputed", "car"),
    ]
    assert all(row["box_id"] == row["constraint_box_id"] for row in rows)


@given(x=st.floats(0, 99), y=st.floats(0, 79), width=st.floats(0, 200), height=st.floats(0, 200))
def test_a_whole_box_is_never_empty_and_never_outside(
    x: float, y: float, width: float, height: float
) -> None:
    width, height = min(width, 100 - x), min(height, 80 - y)
    left, top, wide, high = whole_box((x, y, width, height), (100, 80))
    assert wide >= 1
    assert high >= 1
    assert 0 <= left <= left + wide <= 100
    assert 0 <= top <= top + high <= 80
    assert abs(left - x) <= 0.5
    assert abs(left + wide - (x + width)) <= (0.5 if width >= 1 else 1.5)


def ids_of(item: Item) -> list[str]:
    return [box["box_id"] for box, _ in region_rows(item, Layout(), Tally())]


def test_the_same_shape_has_the_same_id_and_a_moved_one_another() -> None:
    """Neither the score nor what comes before matters; equal ones are numbered."""
    one, other = Shape("car", 0.5, (1, 2, 3, 4)), Shape("car", 0.5, (1, 2, 3, 5))
    (first,) = ids_of(placed("a.png", shapes={"det": [one]})[0])
    assert first.startswith("a.png#")
    again = Shape("car", 0.9, (1, 2, 3, 4), origin="suspicious")
    found = ids_of(placed("a.png", shapes={"det": [other, again, one]})[0])
    assert found[1:] == [first, f"{first}#2"]
    assert found[0] != first
    elsewhere = ids_of(placed("b.png", shapes={"det": [one]})[0])
    as_road = ids_of(placed("a.png", shapes={"det": [Shape("road", 0.5, (1, 2, 3, 4))]})[0])
    as_task = ids_of(placed("a.png", shapes={"seg": [one]})[0])
    assert len({first, *elsewhere, *as_road, *as_task}) == 4


def test_outlines_come_last_and_a_box_goes_with_them(tmp_path: Path) -> None:
    """The corner at x 110 is cut off at 100. The second outline has no area."""
    shape = Shape("car", 0.5, polygons=((90, 10, 110, 10, 90, 30), (1, 1, 2, 2, 3, 3)))
    out = tmp_path / "out"
    notes = written(ListedItems(placed("a.png", shapes={"seg": [shape]}), [SEGMENTS]), out)
    (row,) = table(out, "polygons.csv")
    assert list(row)[-1] == "polygons"
    assert json.loads(row["polygons"]) == [[[90, 10], [100, 10], [100, 20], [90, 30]]]
    (box,) = table(out, "bounding_boxes.csv")
    assert box["box_id"] == row["polygon_id"] == row["constraint_polygon_id"]
    assert notes[0] == "outlines without an area, left out: 1, first in 'a.png'"


def test_a_mask_becomes_the_outline_along_its_pixels(tmp_path: Path) -> None:
    """A ring of 3 x 3 pixels: the outline goes around, and around the hole, and nothing crosses."""
    pixels = np.zeros((5, 6), dtype=bool)
    pixels[1:4, 2:5] = True
    pixels[2, 3] = False
    shape = Shape("road", 0.5, mask=mask_of(pixels))
    item = Item(1, "a.png", 1.0, location="/data/a.png", size=(6, 5), shapes={"seg": [shape]})
    written(ListedItems([item], [SEGMENTS]), tmp_path / "out")
    (row,) = table(tmp_path / "out", "polygons.csv")
    (points,) = json.loads(row["polygons"])
    area = sum(
        a[0] * b[1] - b[0] * a[1] for a, b in zip(points, [*points[1:], points[0]], strict=True)
    )
    assert abs(area) / 2 == 8 == pixels_of(mask_of(pixels)).sum()
    (box,) = table(tmp_path / "out", "bounding_boxes.csv")
    assert [box[side] for side in ("x_pos", "y_pos", "width", "height")] == ["2", "1", "3", "3"]


def test_what_has_no_place_is_counted(tmp_path: Path) -> None:
    empty = Shape("car", 0.5, mask=Mask((100 * 80,), 100, 80))
    pose = Shape("person", 0.5, (1, 1, 5, 5), keypoints=((1, 1, 1), (2, 2, 1), (0, 0, 0)))
    shapes = {"seg": [empty], "pose": [pose]}
    items = placed("a.png", shapes=shapes)
    items.append(Item(2, "b.png", None, shapes=shapes))
    items.append(Item(3, "c.png", None, location="ftp://host/c.png"))
    notes = written(ListedItems(items, [SEGMENTS, POSE]), tmp_path / "out", embeddings=False)
    assert notes == [
        "shapes without a place in their image, left out: 2, first in 'a.png'",
        "shapes whose keypoints are left out, as ApertureDB has no place for them: 2, first in "
        "'a.png'",
        "images that the client cannot find, only boxes and descriptors go along: 2, first in "
        "'b.png'",
    ]
    assert [row["id"] for row in table(tmp_path / "out", "images.csv")] == ["a.png"]
    assert [row["id"] for row in table(tmp_path / "out", "bounding_boxes.csv")] == [
        "a.png", "b.png",
    ]  # fmt: skip


def test_the_surest_class_of_an_image_is_its_property(tmp_path: Path) -> None:
    shapes = [Shape("sunny", 0.25), Shape("rainy", 0.5), Shape("sunny", 0.5)]
    items = ListedItems(placed("a.png", shapes={"weather": shapes}), [WEATHER])
    notes = written(items, tmp_path / "out", embeddings=False)
    (row,) = table(tmp_path / "out", "images.csv")
    assert (row["label_weather"], row["label_weather_score"]) == ("rainy", "0.5")
    assert notes == ["classes of whole images beside the surest one, left out: 2, first in 'a.png'"]
    assert not (tmp_path / "out" / "bounding_boxes.csv").exists()


def test_descriptors_are_rows_of_one_array(tmp_path: Path) -> None:
    items = Embedded(placed("a.png", "b.png", "c.png", "d.png"), n_embedded=3)
    notes = written(items, tmp_path / "out", descriptor_set="faces", metric="CS", prefix="x/")
    assert notes == ["1 of 4 samples have no embedding"]
    vectors = np.load(tmp_path / "out" / "descriptors.npy")
    np.testing.assert_array_equal(vectors, np.arange(9, dtype=np.float32).reshape(3, 3) / 7)
    assert table(tmp_path / "out", "descriptor_set.csv") == [
        {"name": "faces", "dimensions": "3", "engine": "HNSW", "metric": "CS"}
    ]
    assert table(tmp_path / "out", "descriptors.csv")[2] == {
        "filename": "descriptors.npy",
        "index": "2",
        "set": "faces",
        "id": "x/c.png",
        "descriptor_id": "x/c.png#faces",
        "constraint_descriptor_id": "x/c.png#faces",
    }
    assert table(tmp_path / "out", "connections.csv")[0] == {
        "ConnectionClass": "image_descriptor",
        "_Image@id": "x/a.png",
        "_Descriptor@descriptor_id": "x/a.png#faces",
        "descriptor_id": "x/a.png#faces",
        "constraint_descriptor_id": "x/a.png#faces",
    }


def test_embeddings_that_were_named_have_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^data: no embeddings 'none'$"):
        written(Embedded(placed("a.png"), n_embedded=1), tmp_path / "out", space="none")


def test_places_of_several_kinds_go_into_several_files(tmp_path: Path) -> None:
    places = ["s3://b/1.png", "https://h/2.png", "s3://b/3.png", "gcs://b/4.png"]
    items = [Item(n, f"{n}.png", None, location=where) for n, where in enumerate(places, start=1)]
    written(ListedItems(items), tmp_path / "out", embeddings=False)
    found = {
        path.name: [row["id"] for row in table(tmp_path / "out", path.name)]
        for path in (tmp_path / "out").iterdir()
    }
    assert found == {
        "images.csv": ["1.png", "3.png"],
        "images_url.csv": ["2.png"],
        "images_gs_url.csv": ["4.png"],
        "selected.csv": ["1.png", "3.png"],
        "selected_url.csv": ["2.png"],
        "selected_gs_url.csv": ["4.png"],
    }
    assert table(tmp_path / "out", "images_gs_url.csv")[0]["gs_url"] == "gs://b/4.png"


@pytest.mark.parametrize("name", ["0042", "1e5", "NA", " nan ", "inf", "true"])
def test_an_id_that_is_no_text_to_the_client_is_refused_and_a_prefix_helps(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        written(ListedItems(placed(name)), tmp_path / "one")
    assert str(caught.value) == (
        f"{name!r}: the client would not read {name!r} as text; give the ids a prefix, such as "
        "prefix=mine/"
    )
    written(ListedItems(placed(name)), tmp_path / "other", prefix="mine/")
    assert table(tmp_path / "other", "images.csv")[0]["id"] == f"mine/{name}"


def test_a_category_that_is_no_text_to_the_client_is_refused(tmp_path: Path) -> None:
    items = ListedItems(placed("a.png", shapes={"det": [Shape("7", 0.5, (1, 1, 2, 2))]}))
    with pytest.raises(DataError) as caught:
        written(items, tmp_path / "out")
    assert str(caught.value) == (
        "'a.png': the client would not read '7' as text; 'selectlab aperturedb push' does without "
        "CSV"
    )


def test_metadata_that_the_client_reads_otherwise_is_counted(tmp_path: Path) -> None:
    items = placed("a.png", "b.png", metadata={"drive": "0042", "note": "none", "t": "warm"})
    notes = written(ListedItems(items), tmp_path / "out", embeddings=False)
    assert notes == ["texts that the client reads as numbers, or as nothing: 4, first in 'a.png'"]


def test_two_properties_of_one_name_are_refused(tmp_path: Path) -> None:
    items = ListedItems(placed("a.png", metadata={"a.b": 1, "a_b": 2}))
    with pytest.raises(DataError) as caught:
        written(items, tmp_path / "out")
    assert str(caught.value) == "'a.png': two of its properties would be called 'metadata_a_b'"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"key": "a b"},
            "format aperturedb.key: 'a b' is no name for properties; expected a letter, then "
            "letters, digits and _",
        ),
        (
            {"key": "box_id"},
            "format aperturedb.key: 'box_id' means something else already; choose another property",
        ),
        (
            {"mark": "label"},
            "format aperturedb.mark: 'label' begins other properties already; choose another word",
        ),
        (
            {"metric": "L3"},
            "format aperturedb.metric: nothing is called 'L3'; known: CS, IP, L2",
        ),
    ],
)
def test_options_that_mean_nothing(options: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        writer_of("aperturedb", options)
    assert str(caught.value) == message


@pytest.fixture(scope="module", params=[aperture_client.NEWEST, aperture_client.OLDEST])
def client(request: pytest.FixtureRequest) -> Iterator[aperture_client.Client]:
    with aperture_client.running(request.param) as found:
        yield found


READ = """
import base64, importlib, pathlib
def table(kind, *more):
    return getattr(importlib.import_module(f'aperturedb.{kind.partition(":")[0]}'), kind.rpartition(':')[2])
def rows(data):
    def plain(thing):
        if isinstance(thing, bytes):
            return base64.b64encode(thing).decode()
        return [plain(one) for one in thing] if isinstance(thing, (list, tuple)) else thing
    return [plain(data[at]) for at in range(len(data))]
classes = {
    'images': 'ImageDataCSV', 'selected': 'ImageDataCSV:ImageUpdateDataCSV',
    'bounding_boxes': 'BBoxDataCSV', 'polygons': 'PolygonDataCSV',
    'descriptor_set': 'DescriptorSetDataCSV', 'descriptors': 'DescriptorDataCSV',
    'connections': 'ConnectionDataCSV',
}
folder = pathlib.Path(given)
def opened(name):
    return table(classes[name])(str(folder / f'{name}.csv'), blobs_relative_to_csv=True)
found = {name: rows(opened(name)) for name in classes if (folder / f'{name}.csv').exists()}
"""
LOAD = (
    """
import os
os.environ['APERTUREDB_JSON'] = given[1]
given = given[0]
"""
    + READ.rpartition("found =")[0]
    + """
from aperturedb.CommonLibrary import create_connector
from aperturedb.ParallelLoader import ParallelLoader
from aperturedb.ParallelQuerySet import ParallelQuerySet
client = create_connector()
found = []
for name in classes:
    if (folder / f'{name}.csv').exists():
        loader = (ParallelQuerySet if name == 'selected' else ParallelLoader)(client)
        data = opened(name)
        # several threads would share the command that the client's class of updates is making
        loader.query(data, batchsize=3, numthreads=1 if name == 'selected' else 2)
        found.append([name, loader.error_counter, len(data)])
"""
)

HARD_IDS = (
    *ODD_IDS,
    "two\nlines.png",
    "back\r.png",
    "tab\t.png",
    " blank.png",
    "$0.png",
    "#N/A.png",
    "1.5",
)


def everything(folder: Path) -> Embedded:
    """Items with all there is, whose images lie in a folder."""
    shapes = {
        "det": [Shape("car", 0.5, (1, 2, 3, 4)), Shape("Fußgänger & <Rad>", None, (5, 6, 7, 8))],
        "seg": [Shape("road", 0.25, polygons=((1, 1, 9, 1, 9, 9), (20, 20, 30, 20, 30, 30)))],
        "weather": [Shape("sunny", 0.75)],
    }
    items = []
    for rank, name in enumerate(HARD_IDS, start=1):
        where = folder / "images" / f"{rank}.png"
        where.parent.mkdir(exist_ok=True)
        where.write_bytes(PNG + bytes([rank]))
        metadata = {"t": rank / 4, "wet": rank % 2 == 0, "place": f'Köln, "{rank}"'}
        items.append(
            Item(
                rank, name, 1 / rank, f'why, "{rank}"', str(where), (100, 80), shapes, {}, metadata
            )
        )
    return Embedded(items, [DETECTION, SEGMENTS, WEATHER], n_embedded=len(items))


def test_the_client_makes_a_query_of_every_row(
    client: aperture_client.Client, tmp_path: Path
) -> None:
    """All ids, texts, numbers and blobs arrive as they were; "1.5" has a prefix to be text."""
    items = everything(tmp_path)
    assert written(items, tmp_path / "out", prefix="p/") == []
    found = client.evaluate(READ, str(tmp_path / "out"))
    names = [f"p/{name}" for name in HARD_IDS]
    n = len(names)
    assert {name: len(rows) for name, rows in found.items()} == {
        "images": n, "selected": n, "bounding_boxes": 3 * n, "polygons": n, "descriptor_set": 1,
        "descriptors": n, "connections": n,
    }  # fmt: skip
    for rank, ((command,), (blob,)) in enumerate(found["images"], start=1):
        assert command["AddImage"]["properties"] == {
            "id": names[rank - 1],
            "metadata_t": rank / 4,
            "metadata_wet": rank % 2 == 0,
            "metadata_place": f'Köln, "{rank}"',
            "label_weather": "sunny",
            "label_weather_score": 0.75,
        }
        assert base64.b64decode(blob) == PNG + bytes([rank])
    for rank, ((add, (_, update)), _) in (
        (r, s) for r, ((s,), b) in enumerate(found["selected"]) for s in [(s, b)]
    ):
        marked = {
            "id": names[rank],
            "selectlab_rank": rank + 1,
            "selectlab_score": 1 / (rank + 1),
            "selectlab_run": "run-00c0ffee00c0ffee",
            "selectlab_reason": f'why, "{rank + 1}"',
        }
        assert add["AddImage"]["properties"] == update["UpdateImage"]["properties"] == marked
    boxes = [commands[1]["AddBoundingBox"] for commands, _ in found["bounding_boxes"]]
    assert boxes[1]["label"] == "Fußgänger & <Rad>"
    assert boxes[1]["rectangle"] == {"x": 5, "y": 6, "width": 7, "height": 8}
    assert "score" not in boxes[1]["properties"]
    assert len({box["properties"]["box_id"] for box in boxes}) == 3 * n
    areas = [commands[1]["AddPolygon"] for commands, _ in found["polygons"]]
    triangles = [[[1, 1], [9, 1], [9, 9]], [[20, 20], [30, 20], [30, 30]]]
    assert all(area["polygons"] == triangles for area in areas)
    vectors = [base64.b64decode(blob) for _, (blob,) in found["descriptors"]]
    wanted = np.arange(3 * n, dtype=np.float32).reshape(-1, 3) / 7
    np.testing.assert_array_equal([np.frombuffer(v, np.float32) for v in vectors], wanted)


def test_loaded_twice_there_are_no_doubles_and_what_was_selected_is_marked(
    client: aperture_client.Client, tmp_path: Path
) -> None:
    written(everything(tmp_path), tmp_path / "out", prefix="p/")
    n = len(HARD_IDS)
    with aperture_peer.running() as peer:
        for _ in range(2):
            loaded = client.evaluate(LOAD, [str(tmp_path / "out"), peer.config])
            assert all(errors == 0 for _, errors, _ in loaded)
            counts = {kind: len(peer.of(kind)) for kind in ("Image", "BoundingBox", "Polygon")}
            assert counts == {"Image": n, "BoundingBox": 3 * n, "Polygon": n}
            assert len(peer.of("Descriptor")) == len(peer.connections) == n
        images = peer.by("Image", "id")
        for rank, name in enumerate(HARD_IDS, start=1):
            image = images[f"p/{name}"]
            assert image.properties["selectlab_rank"] == rank
            assert image.properties["metadata_t"] == rank / 4
            assert image.blob == PNG + bytes([rank])
        for _, image, descriptor, _ in peer.connections:
            assert descriptor.properties["id"] == image.properties["id"]
        for box in peer.of("BoundingBox"):
            assert box.properties["box_id"].startswith(f"{box.about['image'].properties['id']}#")


def test_selected_alone_adds_the_images_that_are_not_there(
    client: aperture_client.Client, tmp_path: Path
) -> None:
    written(everything(tmp_path), tmp_path / "out", prefix="p/")
    for path in (tmp_path / "out").iterdir():
        if path.name != "selected.csv":
            path.unlink()
    with aperture_peer.running() as peer:
        client.evaluate(LOAD, [str(tmp_path / "out"), peer.config])
        ranks = [image.properties["selectlab_rank"] for image in peer.of("Image")]
    assert sorted(ranks) == list(range(1, len(HARD_IDS) + 1))


@given(st.text(min_size=1, max_size=8))
def test_what_pandas_reads_as_text_is_known(text: str) -> None:
    """If we say text, pandas reads text, and the same one."""
    import io

    import pandas as pd

    if not is_read_as_text(text):
        return
    file = io.StringIO()
    csv.writer(file).writerows([["id"], [text]])
    file.seek(0)
    try:
        file.getvalue().encode("utf-8")
    except UnicodeEncodeError:
        return
    assert pd.read_csv(file)["id"].tolist() == [text]
