"""The public checks, and results that can be worked out by hand."""

from __future__ import annotations

import pytest
from selectlab_plugin.apart import Apart
from selectlab_plugin.filename_number import FilenameNumber
from selectlab_plugin.markdown import Markdown

from selectlab import Dataset, select
from selectlab.errors import ConfigError, DataError
from selectlab.exports.export import export
from selectlab.exports.sources import items_of
from selectlab.testing import checks_for

PAIRS = [(check, cls) for cls in (Apart, FilenameNumber, Markdown) for check in checks_for(cls)]


@pytest.mark.parametrize(("check", "cls"), PAIRS)
def test_contract(check, cls):
    check(cls)


def test_picks_halve_the_gaps():
    """From frame 0: 8 is farthest, then 4 in the middle (gap 4; 3 and 5 have 3), then 2 and 6.

    2 is 2 away from 0 and from 4, 6 from 4 and 8: a tie, and the lower id goes first.
    """
    data = Dataset([f"video-{i}.png" for i in range(9)])
    chosen = select([(FilenameNumber(), Apart())], data, n_samples=5)
    assert chosen.ids == tuple(f"video-{i}.png" for i in (0, 8, 4, 2, 6))


def test_says_why():
    data = Dataset(["a/1.png", "a/4.png"])
    chosen = select([(FilenameNumber(), Apart())], data, n_samples=2)
    reasons = [pick.because[0].reason for pick in chosen.picks]
    assert reasons == ["nothing selected before it", "4 is 3 away from a/1.png"]


def test_names_without_a_number_are_left_out():
    data = Dataset(["a/1.png", "a/4.png", "cover.png"])
    chosen = select([(FilenameNumber(), Apart())], data, n_samples=3)
    assert chosen.ids == ("a/1.png", "a/4.png")


def test_the_group_is_the_number():
    data = Dataset(["alt120m_17.png", "alt080m_99.png"])
    assert FilenameNumber(pattern=r"alt(\d+)m").load(data).values.tolist() == [80.0, 120.0]


def test_messages():
    data = Dataset(["a.png", "b.png"])
    with pytest.raises(DataError) as no_number:
        FilenameNumber(pattern="frame-([0-9]+)").load(data)
    assert str(no_number.value) == (
        "FILENAME_NUMBER: pattern 'frame-([0-9]+)' finds nothing in any of 2 names, first 'a.png'"
    )
    with pytest.raises(DataError, match=r"'a' in 'a\.png' is no number"):
        FilenameNumber(pattern="(.)").load(data)
    with pytest.raises(ConfigError, match="expected one group around the number"):
        FilenameNumber(pattern="[0-9]+")
    with pytest.raises(ConfigError, match="not a regular expression"):
        FilenameNumber(pattern="(")


def test_a_table_for_an_issue(tmp_path):
    """Two bikes and a bus; a bar in a name would end the cell."""
    detections = {
        "task_type": "object-detection",
        "categories": ["bike", "bus"],
        "predictions": {
            "a|b.png": [{"category_id": k, "bbox": [0, 0, 1, 1], "score": 0.9} for k in (1, 0, 0)]
        },
    }
    data = Dataset(["a|b.png", "c.png"], predictions={"det": detections})
    items = items_of(["c.png", "a|b.png"], data)
    written = export(items, tmp_path / "t.md", Markdown(title="To do"))
    assert written.notes == ()
    assert (tmp_path / "t.md").read_text(encoding="utf-8") == (
        f"# To do\n\n2 samples of run `{items.run}`.\n\n"
        "| rank | sample | why | seen |\n|---:|---|---|---|\n"
        "| 1 | c.png |  |  |\n| 2 | a\\|b.png |  | 2 bike, 1 bus |\n"
    )
    shown = export(items, tmp_path / "i.md", Markdown(images=True))
    assert shown.notes == ("2 images are shown nowhere: give --image-url",)
    linked = items_of(["c d.png"], image_url="https://host/{id}")
    export(linked, tmp_path / "l.md", Markdown(images=True))
    assert "c d.png<br>![1](<https://host/c%20d.png>)" in (tmp_path / "l.md").read_text()
