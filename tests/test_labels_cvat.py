"""Labels read back from CVAT: images and tracks, XML and zip, and files that mean harm."""

from __future__ import annotations

import sys
import zipfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listed_items import DETECTION, ODD_IDS, POSE, SEGMENTS, WEATHER, ListedItems, ranked

from selectlab.errors import DataError, MissingExtraError
from selectlab.exports.cvat import Cvat
from selectlab.exports.items import Item
from selectlab.labels.cvat import read_labels
from selectlab.labels.label import RawLabel
from selectlab.shapes import Mask, Shape, Task

LABELS = """
<labels>
  <label><name>car</name><type>rectangle</type><attributes>
    <attribute><name>parked</name><input_type>checkbox</input_type></attribute>
    <attribute><name>age</name><input_type>number</input_type></attribute>
    <attribute><name>make</name><input_type>text</input_type></attribute>
  </attributes></label>
  <label><name>bus</name><type>rectangle</type><attributes></attributes></label>
</labels>"""

TASK = f"""
<task><id>5</id><name>lot</name><mode>annotation</mode>
<updated>2018-09-25 11:38:27.301183+03:00</updated>
<assignee><username>ada</username><email></email></assignee>{LABELS}</task>"""

VIDEO = f"""
<task><id>5</id><name>lot</name><mode>interpolation</mode><source>clip.mp4</source>{LABELS}
<original_size><width>64</width><height>48</height></original_size></task>"""


def saved(path: Path, body: str, meta: str = TASK) -> Path:
    """Write an export around some images or tracks."""
    text = f"<annotations><version>1.1</version><meta>{meta}</meta>{body}</annotations>"
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n{text}', encoding="utf-8")
    return path


def image(*shapes: str, name: str = "a.jpg", size: str = 'width="64" height="48"') -> str:
    return f'<image id="3" name="{name}" {size}>{"".join(shapes)}</image>'


def read(path: Path) -> list[RawLabel]:
    return list(read_labels(path))


def box(label: str = "car", **attributes: str) -> str:
    held = {"xtl": "1.5", "ytl": "2", "xbr": "11.5", "ybr": "8", "occluded": "0"} | attributes
    pairs = " ".join(f'{name}="{value}"' for name, value in held.items())
    return f'<box label="{label}" source="manual" {pairs} z_order="0"></box>'


def test_a_box_is_read_as_corner_and_size(tmp_path: Path) -> None:
    """From 1.5 to 11.5 is 10 wide, from 2 to 8 is 6 high."""
    path = saved(tmp_path / "a.xml", image(box()))
    assert read(path) == [
        RawLabel(
            name="a.jpg",
            is_id=False,
            shapes=(Shape("car", box=(1.5, 2, 10, 6), origin="labelled"),),
            size=(64, 48),
            labelled_at=datetime(
                2018, 9, 25, 11, 38, 27, 301183, tzinfo=timezone(timedelta(hours=3))
            ),
            labelled_by="ada",
            where=f"{path}: 'a.jpg'",
        )
    ]
    assert read_labels(path).task == Task("", "object-detection", {0: "car", 1: "bus"})


def test_an_image_without_shapes_is_a_label_too(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xml", image() + image(box(), name="b.jpg", size=""))
    empty, full = read(path)
    assert (empty.name, empty.shapes, empty.size) == ("a.jpg", (), (64, 48))
    assert (full.name, full.size) == ("b.jpg", None)


def test_attributes_have_the_type_they_were_entered_with(tmp_path: Path) -> None:
    inner = '<attribute name="parked">true</attribute><attribute name="age">7.5</attribute>'
    inner += '<attribute name="make">12</attribute>'
    drawn = box(occluded="1", rotation="30.00").replace("></box>", f">{inner}</box>")
    labels = read_labels(saved(tmp_path / "a.xml", image(drawn)))
    (label,) = labels
    assert label.shapes[0].attributes == {
        "occluded": True,
        "rotation": 30.0,
        "parked": True,
        "age": 7.5,
        "make": "12",
    }
    assert labels.notes == [
        "boxes that are turned, read as they were before turning: 1, first in 'a.jpg'"
    ]


def test_outlines_of_a_group_are_one_object(tmp_path: Path) -> None:
    def outline(label: str, at: int, group: str) -> str:
        points = f"{at},0;{at + 1},0;{at + 1},1"
        return f'<polygon label="{label}" points="{points}" occluded="0" {group}></polygon>'

    path = saved(
        tmp_path / "a.xml",
        image(
            outline("car", 0, 'group_id="1"'),
            outline("bus", 2, 'group_id="1"'),
            outline("car", 4, ""),
            outline("car", 6, 'group_id="1"'),
        ),
    )
    (label,) = read(path)
    assert [(s.category, [p[0] for p in s.polygons]) for s in label.shapes] == [
        ("car", [0, 6]),
        ("bus", [2]),
        ("car", [4]),
    ]


def test_a_mask_is_put_into_its_image(tmp_path: Path) -> None:
    """
    . . . .
    . . # .      the part at 1, 1:  . #     runs 1, 3
    . # # .                         # #
    """
    drawn = '<mask label="car" occluded="0" rle="1, 3" left="1" top="1" width="2" height="2"/>'
    path = saved(tmp_path / "a.xml", image(drawn, size='width="4" height="3"'))
    (label,) = read(path)
    assert label.shapes == (Shape("car", mask=Mask((6, 1, 2, 2, 1), 4, 3), origin="labelled"),)


def test_the_mask_in_cvats_documentation_is_a_blob(tmp_path: Path) -> None:
    """Set pixels hang together in every row; 195 = 13 x 15. Column by column they would not."""
    from selectlab.masks import pixels_of

    runs = "3, 5, 7, 7, 5, 9, 3, 11, 2, 11, 2, 12, 1, 12, 1, 26, 1, 12, 1, 12, 2, 11, 3, 9, 5, 7, "
    runs += "7, 5, 3"
    drawn = f'<mask label="car" source="manual" occluded="0" rle="{runs}" '
    drawn += 'left="707" top="888" width="13" height="15" z_order="0">\n    </mask>'
    (label,) = read(saved(tmp_path / "a.xml", image(drawn, size='width="1600" height="1200"')))
    mask = label.shapes[0].mask
    assert mask is not None
    part = pixels_of(mask)[888:903, 707:720]
    assert part.sum() == sum(int(run) for run in runs.split(", ")[1::2]) == sum(mask.counts[1::2])
    for row in part:
        assert "".join("01"[int(value)] for value in row).strip("0").count("0") == 0


@pytest.mark.parametrize(
    ("drawn", "size", "complaint"),
    [
        ('rle="1, 4" left="1" top="1" width="2" height="2"', (4, 3), "a mask of 5 px"),
        (
            'rle="1, 3" left="3" top="1" width="2" height="2"',
            (4, 3),
            "does not fit an image of 4 x 3",
        ),
        ('rle="1, 3" left="-1" top="1" width="2" height="2"', (4, 3), "does not fit an image"),
        ('rle="1, -1, 4" left="1" top="1" width="2" height="2"', (4, 3), "must be run lengths"),
        ('rle="" left="1" top="1" width="2" height="2"', (4, 3), "must be run lengths"),
        (
            'rle="1, 3" left="x" top="1" width="2" height="2"',
            (4, 3),
            "left of a mask must be a num",
        ),
        ('rle="1, 3" left="1" top="1" width="2" height="2"', None, "no width and height"),
        ('rle="4" left="0" top="0" width="2" height="2"', (99999999, 99999999), "does not fit"),
    ],
)
def test_masks_that_cannot_be(
    tmp_path: Path, drawn: str, size: tuple[int, int] | None, complaint: str
) -> None:
    about = "" if size is None else f'width="{size[0]}" height="{size[1]}"'
    body = image(f'<mask label="car" occluded="0" {drawn}/>', size=about)
    path = saved(tmp_path / "a.xml", body)
    with pytest.raises(DataError, match=complaint) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: 'a.jpg': ")


@pytest.mark.parametrize(
    ("drawn", "complaint"),
    [
        (box(xtl="x"), "xtl of a box must be a number, got 'x'"),
        (box(xtl="nan"), "xtl of a box must be a number, got 'nan'"),
        (box(xbr="1"), "a box ends before it begins"),
        (box("van"), "a box has label 'van', which is not among the labels of the file"),
        ('<polygon label="car" points="1,2;3,4"/>', "a polygon has 2 points, not three"),
        ('<polygon label="car" points="1,2;3"/>', "points must be x,y;x,y;... in px"),
        ('<points label="car" points=""/>', "points must be x,y;x,y;... in px"),
        ('<points label="car" points="1,inf"/>', "points must be x,y;x,y;... in px"),
    ],
)
def test_shapes_that_cannot_be(tmp_path: Path, drawn: str, complaint: str) -> None:
    path = saved(tmp_path / "a.xml", image(drawn))
    with pytest.raises(DataError, match=complaint) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: 'a.jpg': ")


def test_shapes_that_selectlab_has_not_are_counted(tmp_path: Path) -> None:
    ellipse = '<ellipse label="car" cx="5" cy="5" rx="2" ry="2" rotation="10" occluded="0"/>'
    line = '<polyline label="car" points="1,2;3,4" occluded="0"/>'
    labels = read_labels(
        saved(tmp_path / "a.xml", image(ellipse, box(), name="x.jpg") + image(line, ellipse))
    )
    assert [len(label.shapes) for label in labels] == [1, 0]
    assert labels.notes == [
        "ellipses left out as selectlab has no such shape: 2, first in 'x.jpg'",
        "polylines left out as selectlab has no such shape: 1, first in 'a.jpg'",
    ]
    list(labels)
    assert len(labels.notes) == 2
    assert labels.notes[0].startswith("ellipses left out as selectlab has no such shape: 2,")


SKELETON = """
<labels>
  <label><name>person</name><type>skeleton</type><attributes/>
    <svg>&lt;line data-type="edge" data-node-from="2" data-node-to="1"&gt;&lt;/line&gt;
         &lt;circle data-node-id="1" data-label-name="nose"&gt;&lt;/circle&gt;
         &lt;circle data-node-id="2" data-label-name="tail"&gt;&lt;/circle&gt;</svg></label>
  <label><name>nose</name><type>points</type><attributes/><parent>person</parent></label>
  <label><name>tail</name><type>points</type><attributes/><parent>person</parent></label>
</labels>"""


def test_a_skeleton_has_its_points_in_the_order_of_the_label(tmp_path: Path) -> None:
    points = '<points label="tail" outside="0" occluded="1" points="3,4"></points>'
    points += '<points label="nose" outside="1" occluded="0" points="1,2"></points>'
    path = saved(
        tmp_path / "a.xml",
        image(f'<skeleton label="person" z_order="0">{points}</skeleton>'),
        f"<task><id>1</id>{SKELETON}</task>",
    )
    labels = read_labels(path)
    (label,) = labels
    assert label.shapes[0].keypoints == ((0, 0, 0), (3, 4, 1))
    assert labels.task == Task("", "keypoint-detection", {0: "person"}, ("nose", "tail"), ((1, 0),))
    assert (label.labelled_at, label.labelled_by) == (None, None)


def test_a_skeleton_with_a_point_of_another_is_an_error(tmp_path: Path) -> None:
    points = '<points label="ear" outside="0" occluded="1" points="3,4"></points>'
    path = saved(
        tmp_path / "a.xml",
        image(f'<skeleton label="person" z_order="0">{points}</skeleton>'),
        f"<task><id>1</id>{SKELETON}</task>",
    )
    with pytest.raises(DataError, match="skeleton 'person' has no point 'ear'"):
        read(path)


@pytest.mark.parametrize(
    ("drawn", "type_"),
    [
        (box(), "object-detection"),
        ('<tag label="car"></tag>', "classification"),
        (box() + '<tag label="bus"></tag>', "object-detection"),
        ('<polygon label="car" points="1,2;3,4;5,5"/>', "instance-segmentation"),
        ('<points label="car" points="1,2"/>', "keypoint-detection"),
        ("", "object-detection"),
    ],
)
def test_labels_of_any_shape_are_what_they_are_used_for(
    tmp_path: Path, drawn: str, type_: str
) -> None:
    """Exports before CVAT 2 do not tell what a label is drawn with, newer ones may say "any"."""
    meta = TASK.replace("<type>rectangle</type>", "", 1).replace("rectangle", "any", 1)
    path = saved(tmp_path / "a.xml", image(drawn), meta)
    assert read_labels(path).task.type == type_


def test_tracks_are_read_frame_by_frame(tmp_path: Path) -> None:
    """Frame 9 has the bus alone: the car has left. Frame 12 has nothing, so nobody looked at it."""

    def at(frame: int, outside: int = 0) -> str:
        return box(frame=str(frame), outside=str(outside), keyframe="1", xtl=str(frame % 10))

    tracks = f'<track id="0" label="car" source="manual">{at(11)}{at(8)}{at(9, 1)}</track>'
    tracks += f'<track id="1" label="bus" source="manual">{at(9)}{at(8)}{at(12, 1)}</track>'
    tracks = tracks.replace('<box label="car"', "<box")
    labels = read(saved(tmp_path / "a.xml", tracks, VIDEO))
    seen = [(r.name, [(s.category, s.box and s.box[0]) for s in r.shapes], r.size) for r in labels]
    assert seen == [
        ("clip-8-mp4.png", [("car", 8), ("bus", 8)], (64, 48)),
        ("clip-9-mp4.png", [("bus", 9)], (64, 48)),
        ("clip-11-mp4.png", [("car", 1)], (64, 48)),
    ]


def test_images_of_a_video_task_are_its_frames(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xml", image(box(), name="frame_000042"), VIDEO)
    assert [label.name for label in read(path)] == ["clip-42-mp4.png"]


def test_a_frame_is_found_whatever_the_width_of_its_number(tmp_path: Path) -> None:
    import selectlab
    from selectlab.labels.matching import match

    path = saved(tmp_path / "a.xml", image(box(), name="frame_000042"), VIDEO)
    dataset = selectlab.Dataset(["v/clip-0042-mp4.png", "v/clip-0043-mp4.png"])
    matched = match(read_labels(path), dataset)
    assert [label.sample_id for label in matched.labels] == ["v/clip-0042-mp4.png"]
    assert matched.mismatches == []
    both = selectlab.Dataset(["v/clip-0042-mp4.png", "w/clip-0042-mp4.png"])
    matched = match(read_labels(path), both)
    assert matched.labels == []
    assert len(matched.mismatches) == 1


def test_tracks_of_images_name_no_images(tmp_path: Path) -> None:
    track = f'<track id="0" label="car">{box(frame="1", outside="0", keyframe="1")}</track>'
    path = saved(tmp_path / "a.xml", track)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == (
        f"{path}: has tracks of task 'lot', but names neither a video nor images; export it as "
        "'CVAT for images 1.1'"
    )


def test_a_project_has_several_tasks(tmp_path: Path) -> None:
    first = "<task><id>1</id><name>one</name><mode>annotation</mode></task>"
    second = "<task><id>2</id><name>two</name><mode>interpolation</mode>"
    second += "<source>b.avi</source><assignee><username>bob</username></assignee></task>"
    project = f"<project><id>9</id><name>p</name><tasks>{first}{second}</tasks>{LABELS}</project>"
    body = image(box(), name="frame_000001").replace("<image", '<image task_id="1"')
    body += image(box(), name="frame_000001").replace("<image", '<image task_id="2"')
    labels = read(saved(tmp_path / "a.xml", body, project))
    assert [(r.name, r.labelled_by) for r in labels] == [
        ("frame_000001", None),
        ("b-1-avi.png", "bob"),
    ]


def test_a_video_is_told_by_its_task_where_no_source_is_named(tmp_path: Path) -> None:
    """A task of images is none, whatever its name."""
    video = VIDEO.replace("<source>clip.mp4</source>", "").replace(">lot<", ">a b.MOV<")
    path = saved(tmp_path / "a.xml", image(box(), name="frame_000003.PNG"), video)
    assert [label.name for label in read(path)] == ["a b-3-MOV.png"]
    images = video.replace("interpolation", "annotation")
    path = saved(tmp_path / "b.xml", image(box(), name="frame_000003.PNG"), images)
    assert [label.name for label in read(path)] == ["frame_000003.PNG"]


def test_a_time_without_a_zone_is_no_time(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xml", image(), TASK.replace("+03:00", ""))
    assert read(path)[0].labelled_at is None
    path = saved(tmp_path / "a.xml", image(), TASK.replace("+03:00", "Z"))
    when = read(path)[0].labelled_at
    assert when is not None
    assert when.utcoffset() == timedelta(0)


def test_a_job_is_a_task(tmp_path: Path) -> None:
    job = VIDEO.replace("<task>", "<job>").replace("</task>", "</job>")
    path = saved(tmp_path / "a.xml", image(box(), name="frame_000003"), job)
    assert [label.name for label in read(path)] == ["clip-3-mp4.png"]


def test_a_zip_and_a_folder_are_read_like_the_file(tmp_path: Path) -> None:
    path = saved(tmp_path / "annotations.xml", image(box()))
    with zipfile.ZipFile(tmp_path / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "annotations.xml")
        archive.writestr("images/other.xml", "<x/>")
    shapes = [label.shapes for label in read(path)]
    assert [label.shapes for label in read(tmp_path / "export.zip")] == shapes
    assert [label.shapes for label in read(tmp_path)] == shapes
    with zipfile.ZipFile(tmp_path / "renamed.zip", "w") as archive:
        archive.write(path, "task 5/lot.xml")
    assert [label.shapes for label in read(tmp_path / "renamed.zip")] == shapes


@pytest.mark.parametrize("names", [(), ("1/annotations.xml", "2/annotations.xml"), ("a.txt",)])
def test_a_zip_without_its_one_file_is_an_error(tmp_path: Path, names: tuple[str, ...]) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "<annotations/>")
    with pytest.raises(DataError, match=r"expected one annotations\.xml in the zip, it has"):
        read_labels(tmp_path / "export.zip")


def test_a_broken_zip_is_an_error(tmp_path: Path) -> None:
    path = saved(tmp_path / "annotations.xml", image(box()) * 500)
    target = tmp_path / "export.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "annotations.xml")
    data = bytearray(target.read_bytes())
    data[60:90] = bytes(30)
    target.write_bytes(data)
    with pytest.raises(DataError, match=r"export\.zip: (cannot be read|malformed XML)"):
        read(target)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "malformed XML, no element found: line 1, column 0"),
        ("<annotations><meta></annotations>", "malformed XML, mismatched tag: line 1"),
        ("<annotation><object/></annotation>", "not from CVAT: begins with <annotation>"),
        ('<annotations><image id="0" name="a"/></annotations>', "does not begin with <meta>"),
        ("<annotations></annotations>", "does not begin with <meta>"),
        ("<annotations><meta><labels><label/></labels></meta></annotations>", "has no name"),
        ('<?xml version="1.0" encoding="no-such"?><annotations/>', "malformed XML, unknown enc"),
    ],
)
def test_other_files_are_told_apart(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=complaint) as caught:
        read_labels(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.xml: cannot be read, No such file or directory"):
        read_labels(tmp_path / "none.xml")
    with pytest.raises(DataError, match=r"annotations\.xml: cannot be read, No such file"):
        read_labels(tmp_path)


def test_a_missing_extra_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "a.xml", image())
    monkeypatch.setitem(sys.modules, "defusedxml", None)
    with pytest.raises(MissingExtraError) as caught:
        read_labels(path)
    assert str(caught.value) == (
        f"{path}: defusedxml is not installed; pip install 'selectlab[labels]'"
    )


def test_an_image_without_a_name_is_an_error(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xml", '<image id="7"/>')
    with pytest.raises(DataError, match="image '7' has no name"):
        read(path)


def test_entities_do_not_grow(tmp_path: Path) -> None:
    """A billion laughs: ten entities, each ten times the one before."""
    laughs = '<!ENTITY l0 "ha">' + "".join(
        f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)
    )
    path = tmp_path / "a.xml"
    path.write_text(
        f'<?xml version="1.0"?><!DOCTYPE x [{laughs}]><annotations><meta>&l9;</meta></annotations>'
    )
    with pytest.raises(DataError, match="not read, as CVAT writes no such XML"):
        read_labels(path)


def test_entities_read_no_other_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    path = saved(tmp_path / "a.xml", image(box(), name="&other;"))
    text = path.read_text(encoding="utf-8")
    doctype = f'<!DOCTYPE x [<!ENTITY other SYSTEM "{secret.as_uri()}">]><annotations>'
    path.write_text(text.replace("<annotations>", doctype), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_labels(path)
    assert "not read, as CVAT writes no such XML" in str(caught.value)
    assert "secret" not in str(caught.value).replace(str(tmp_path), "")


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """3,000 images are 0.8 MB of text; read one after the other they take a fraction of that."""
    import tracemalloc

    path = tmp_path / "a.xml"
    with path.open("w", encoding="utf-8") as file:
        file.write(f"<annotations><version>1.1</version><meta>{TASK}</meta>")
        for number in range(3_000):
            file.write(image(box(), box("bus"), name=f"{number}.jpg"))
        file.write("</annotations>")
    assert path.stat().st_size > 750_000
    labels = iter(read_labels(path))
    next(labels)
    tracemalloc.start()
    try:
        assert sum(1 for _ in labels) == 2_999
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 300_000


FLAT = st.floats(0, 99, allow_nan=False).map(lambda value: round(value, 4))
BOXES = st.tuples(FLAT, FLAT, st.floats(0.01, 90), st.floats(0.01, 90))


@settings(max_examples=25)
@given(boxes=st.lists(BOXES, max_size=5), names=st.permutations(ODD_IDS))
def test_what_was_written_is_read(
    boxes: list[tuple[float, float, float, float]],
    names: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Ids, categories and boxes come back, to a millionth of a pixel; sizes as well."""
    out = tmp_path_factory.mktemp("cvat") / "out"
    categories = list(DETECTION.categories.values())
    shapes = [
        Shape(categories[at % 2], box=found, origin="labelled") for at, found in enumerate(boxes)
    ]
    items = [Item(rank, name, None, size=(200, 200), shapes={"det": shapes}) for rank, name in
             enumerate(names, start=1)]  # fmt: skip
    Cvat().write(ListedItems(items, [DETECTION]), out)
    labels = list(read_labels(out))
    assert [label.name for label in labels] == names
    for label in labels:
        assert [shape.category for shape in label.shapes] == [s.category for s in shapes]
        assert label.size == (200, 200)
        for shape, before in zip(label.shapes, boxes, strict=True):
            assert shape.box == pytest.approx(before, abs=3e-6)


def test_all_kinds_of_shapes_come_back(tmp_path: Path) -> None:
    attributes = {"occluded": True, "parked": False, "make": "Škoda & <co>"}
    seen = {
        "weather": (Shape("rainy", origin="labelled"),),
        "pose": (Shape("person", origin="labelled", keypoints=((1, 2, 1), (0, 0, 0), (5, 6, 1))),),
        "seg": (
            Shape("car", origin="labelled", polygons=((0, 0, 2, 0, 2, 2), (5, 5, 7, 5, 7, 7))),
            Shape("road", origin="labelled", mask=Mask((16, 1, 8, 2, 53), 10, 8)),
            Shape("car", origin="labelled", box=(0, 0, 1, 1), attributes=attributes),
        ),
    }
    tasks = [WEATHER, POSE, SEGMENTS]
    Cvat().write(ListedItems(ranked(seen, size=(10, 8)), tasks), tmp_path / "out")
    labels = read_labels(tmp_path / "out")
    (label,) = labels
    assert label.shapes[:1] == seen["weather"]
    assert label.shapes[1].keypoints == seen["pose"][0].keypoints
    assert label.shapes[2].polygons == seen["seg"][0].polygons
    assert label.shapes[3].mask == seen["seg"][1].mask
    assert labels.task.keypoints == POSE.keypoints
    assert labels.task.skeleton == POSE.skeleton
    assert list(labels.task.categories.values()) == ["sunny", "rainy", "person", "car", "road"]
    assert label.shapes[4].attributes == attributes


def test_labels_come_in_by_the_registry() -> None:
    from selectlab import registry

    assert registry.label_readers()["cvat"].read is read_labels
    assert registry.writers()["cvat"].cls is Cvat
