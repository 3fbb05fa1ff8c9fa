"""Pictures in a report: the gallery, boxes, and frames between their neighbours."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from report_page import (
    MISSED,
    PLAIN,
    flickering_folder,
    frame_id,
    line_data,
    ran,
    reported,
)
from small_dataset import (
    CLASSES,
    DIVERSITY,
    UNIFORM,
    WEIGHTS,
    config,
    metadata,
    small_dataset,
)

from selectlab.dataset import Dataset
from selectlab.report.drawing import picture
from selectlab.shapes import Shape
from selectlab.thumbnails import Thumbnail


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
    assert "The first 12\n" in text
    assert "12 of the other picks, drawn at random\n" in text


def test_where_all_other_picks_are_shown_none_is_drawn_at_random(tmp_path: Path) -> None:
    run = ran(config((metadata("x"), WEIGHTS), n_samples=24), line_data(), tmp_path / "run")
    text = reported(run, line_data()).text
    assert "The other 12\n" in text
    assert "of the other picks" not in text


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
    assert "the frame around what it found.\n" in page.text  # it has both
    plot = page.charts["metadata flickering (WEIGHTS): Distribution"]
    assert plot["layout"]["yaxis"]["ticktext"] == ["0.5", "1"]
    assert plot["layout"]["yaxis"]["range"] == [1.5, -0.5]  # from the top, no room left empty


def test_of_many_flagged_frames_some_are_shown(tmp_path: Path) -> None:
    data = flickering_folder(tmp_path / "data")
    said = data / ".lightly/imputed/det/flicker.json"
    content = json.loads(said.read_text())
    content["frames"] = [{**content["frames"][0], "file_name": frame_id(k)} for k in range(8)]
    said.write_text(json.dumps(content))
    run = ran(config((metadata("flickering"), WEIGHTS), n_samples=16), data, tmp_path / "run")
    page = reported(run, data)
    assert page.count("figure", "strip") == 6
    assert "around what it found, in 6 of 8 such frames, those of the best ranks.\n" in page.text


def test_tags_of_boxes_that_begin_above_a_part_stand_inside() -> None:
    """Shown are px 20 to 60 of a picture; the text is 1.68 px high, of 40 px width."""
    thumbnail = Thumbnail(b"", 100, 100, (100, 100))
    shape = Shape("car", 0.5, box=(30.0, 15.0, 10.0, 20.0))
    [mark] = picture("a.png", thumbnail, [shape], (20.0, 20.0, 40.0, 30.0)).marks
    assert mark.tag == "car .50"
    assert mark.y == 20.0 + 2.1


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


@pytest.mark.parametrize(
    ("places", "title", "told"),
    [
        ([0, 0.5, 10, 20, 20.5], " avoided", "The nearest are below, each selected sample once.\n"),
        ([0, 0.5, 10, 20, 20.1], " avoided", "the last is farther apart than that, to compare.\n"),
        ([0, 5, 5.1, 20, 30], "", "What comes nearest is below, each selected sample once.\n"),
    ],
)
def test_pairs_that_are_no_near_duplicates_are_not_called_so(
    tmp_path: Path, places: list[float], title: str, told: str
) -> None:
    """Of five on a line three are picked, the ends among them.

    In the first row both of the others lie 0.5 beside one of them, in the second one of them lies
    0.1 beside. In the last one the two that are 0.1 apart are both left aside.
    """
    vectors = np.array([[x, 0.0] for x in places])
    data = Dataset([*"abcde"], embeddings=vectors)
    run = ran(config((PLAIN, DIVERSITY), n_samples=3), data, tmp_path / "run")
    text = reported(run, data).text
    assert f"\nNear-duplicates{title}\n" in text
    assert told in text
