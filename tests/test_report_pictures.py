"""Pictures in a report: the gallery, boxes, and frames between their neighbours."""

from __future__ import annotations

import re
from pathlib import Path

from report_page import (
    MISSED,
    flickering_folder,
    frame_id,
    line_data,
    ran,
    reported,
)
from small_dataset import (
    CLASSES,
    UNIFORM,
    WEIGHTS,
    config,
    metadata,
    small_dataset,
)


def test_the_gallery_shows_the_first_and_some_others(tmp_path: Path) -> None:
    data = line_data()
    run = ran(config((metadata("x"), WEIGHTS), n_samples=30), data, tmp_path / "run")
    text = reported(run, data).text
    [first, drawn] = re.findall(r"rank sample score why\n((?:.*\.png.*\n)+)", text)
    ranks = [[int(line.split()[0]) for line in part.splitlines()] for part in (first, drawn)]
    assert ranks[0] == list(range(1, 13))
    assert len(set(ranks[1])) == 12
    assert ranks[1] == sorted(ranks[1])
    assert min(ranks[1]) > 12


def test_boxes_are_drawn_where_they_are(tmp_path: Path) -> None:
    """a/5.png is 16 x 12 px with five boxes of 4 x 4 at its corner; a/0.png has none."""
    data = small_dataset(tmp_path)
    page = reported(ran(config((CLASSES, UNIFORM), n_samples=6), data, tmp_path / "run"), data)
    assert page.count("article", "card") == 6
    boxes = [held for tag, held in page.tags if tag == "rect"]
    lines = {(b["x"], b["y"], b["width"], b["height"]) for b in boxes}
    assert lines == {("0.0", "0.0", "4.0", "4.0")}
    assert len(boxes) == 2 * (0 + 1 + 2 + 3 + 4 + 5)  # each with a rim
    sizes = {held["viewbox"] for _, held in page.tags if "picture" in (held.get("class") or "")}
    assert sizes == {"0.0 0.0 16.0 12.0"}
    tags = [held for tag, held in page.tags if tag == "text" and held.get("fill")]
    assert tags
    assert {(tag["x"], tag["y"]) for tag in tags} == {
        ("0.0", "0.8")
    }  # just inside, above there is no room


def test_flickering_frames_stand_between_their_neighbours(tmp_path: Path) -> None:
    data = flickering_folder(tmp_path / "data")
    asked = config((metadata("flickering"), WEIGHTS), n_samples=3)
    page = reported(ran(asked, data, tmp_path / "run"), data)
    for rank, number in enumerate(MISSED, 1):
        assert f"#{rank} {frame_id(number)}: flicker of det, severity" in page.text
        words = (f"previous: frame {number - 1}", f"selected: frame {number}")
        for word in (*words, f"next: frame {number + 1}"):
            assert word in page.text
    assert page.count("figure", "strip") == 2
    assert "expected and not found: square" in page.text
    dashed = [held for tag, held in page.tags if tag == "g" and held.get("stroke-dasharray")]
    assert len(dashed) == 2 + 2  # in the gallery and in the strips
    plot = page.charts["metadata flickering (WEIGHTS): Distribution"]
    assert plot["layout"]["yaxis"]["ticktext"] == ["0.5", "1"]


def test_without_pictures_it_says_so(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    run = ran(config((CLASSES, UNIFORM)), data, tmp_path / "run")
    assert "Drawn are the predictions of det" in reported(run, data).text
    text = reported(run).text
    assert "No pictures of these samples are at hand." in text
    assert "Drawn are" not in text


def test_pictures_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    run = ran(config((metadata("t"), WEIGHTS)), data, tmp_path / "run")
    (data / "a/5.png").write_bytes(b"no picture")
    assert "the data: 1 picture cannot be shown: a/5.png: " in reported(run, data).text
    (data / "a/4.png").write_bytes(b"no picture")
    assert "the data: 2 pictures cannot be shown, such as" not in reported(run, data).text
    assert "the data: 2 pictures cannot be shown: such as a/" in reported(run, data).text
