"""The pictures of the docs can be taken of what there is now, and the docs show those there are.

``make pictures`` takes them anew: it names a folder in SELECTLAB_PICTURES, and they are written there.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doc_pages import PAGES
from pictures import HEIGHT, PICTURES, WIDTH, Stage, set_up
from PIL import Image

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"
SHOWN = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
KB = 1000


@pytest.fixture(scope="module")
def stage(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    for needed in ("av", "plotly", "fastapi", "uvicorn"):
        pytest.importorskip(needed, reason=f"{needed} is not installed")
    folder = tmp_path_factory.mktemp("pictures")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with set_up(chromium, folder) as stage:
            yield stage


def is_picture(png: bytes) -> None:
    """It has the size of the window, is small enough, and shows more than a heading."""
    assert len(png) < 200 * KB
    with Image.open(io.BytesIO(png)) as opened:
        assert opened.size == (WIDTH, HEIGHT)
        grey = opened.convert("L")
    most = max(grey.histogram())
    assert most < 0.93 * WIDTH * HEIGHT, "nearly all of it is of one colour"
    rows = [grey.crop((0, y, WIDTH, y + 100)).getextrema() for y in range(0, HEIGHT, 100)]
    filled = sum(high - low > 60 for low, high in rows)
    assert filled >= 5, f"something is to be seen in {filled} of 8 stripes only"


@pytest.mark.parametrize("name", PICTURES)
def test_it_can_be_taken(stage: Stage, name: str) -> None:
    png = PICTURES[name](stage)
    is_picture(png)
    wanted = os.environ.get("SELECTLAB_PICTURES")
    if wanted:
        (ROOT / wanted).mkdir(parents=True, exist_ok=True)
        (ROOT / wanted / f"{name}.png").write_bytes(png)


@pytest.mark.parametrize("name", PICTURES)
def test_there_is_one_in_the_docs(name: str) -> None:
    is_picture((FOLDER / f"{name}.png").read_bytes())


def test_every_picture_is_taken_by_a_test_and_shown_on_a_page() -> None:
    there = {path.name for path in FOLDER.iterdir()}
    assert there == {f"{name}.png" for name in PICTURES}
    links = {link for page in PAGES for _, link in SHOWN.findall(page.read_text())}
    assert there == {Path(link).name for link in links if "pictures/" in link}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1500 * KB


def test_every_picture_is_described_in_words() -> None:
    for page in PAGES:
        for alt, link in SHOWN.findall(page.read_text()):
            assert len(alt.split()) >= 5, f"{page.name}: {link}: what is to be seen?"
            assert (page.parent / link).is_file(), f"{page.name}: {link}"
