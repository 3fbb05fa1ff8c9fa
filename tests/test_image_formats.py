"""Images are read in a few formats, whatever their files are called, and none is too large."""

from __future__ import annotations

import ast
import io
from pathlib import Path
from typing import Any

import pytest
from folder_builder import build
from PIL import Image, UnidentifiedImageError

from selectlab.errors import DataError
from selectlab.inputs.folder import open_dataset
from selectlab.inputs.image_formats import opened_image
from selectlab.inputs.image_metrics import measure
from selectlab.inputs.image_sizes import header_size
from selectlab.thumbnails import Thumbnails

ROOT = Path(__file__).resolve().parent.parent
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"
"""A picture that only another program can draw."""


def encoded(kind: str, **more: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (12, 10), (9, 8, 7)).save(buffer, kind, **more)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP"])
def test_what_samples_are_called_can_be_read(kind: str) -> None:
    with opened_image(io.BytesIO(encoded(kind))) as image:
        assert (image.format, image.size) == (kind, (12, 10))


def test_a_file_that_another_program_would_draw_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Ghostscript of ours notes that it was run; Pillow itself runs it."""
    program, ran = tmp_path / "bin" / "gs", tmp_path / "ran"
    build(tmp_path / "bin", {"gs": f"#!/bin/sh\necho ran >> {ran}\n"})
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    data = build(tmp_path / "data", {"a.png": EPS, "b.png": encoded("PNG")})
    thumbnails = Thumbnails(open_dataset(data))
    assert list(thumbnails.of(["a.png", "b.png"], 64)) == ["b.png"]
    assert "cannot identify image file" in str(thumbnails.why_not("a.png"))
    for read in (measure, opened_image):
        with pytest.raises(UnidentifiedImageError):
            read(io.BytesIO(EPS))
    with pytest.raises(DataError, match=r"^a\.png: not a readable image"):
        header_size(io.BytesIO(EPS), "a.png")
    assert not ran.exists()
    # once ultralytics is loaded, Pillow looks for a plug-in before it gives up
    with Image.open(io.BytesIO(EPS)) as image, pytest.raises((OSError, ImportError)):
        image.load()
    assert ran.exists()


def test_pillow_is_never_left_to_choose_the_format() -> None:
    for path in [*(ROOT / "selectlab").rglob("*.py"), *(ROOT / "inputs").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Image.open":
                assert "formats" in {word.arg for word in node.keywords}, path


def test_only_a_plain_jpeg_may_be_huge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made smaller as it is read; of a progressive one all has to be held."""
    files = {
        "plain.jpg": encoded("JPEG"),
        "progressive.jpg": encoded("JPEG", progressive=True),
        "whole.png": encoded("PNG"),
    }
    data = build(tmp_path, files)
    assert len(Thumbnails(open_dataset(data)).of(sorted(files), 5)) == 3
    monkeypatch.setattr("selectlab.thumbnails._MOST", 119)
    thumbnails = Thumbnails(open_dataset(data))
    assert list(thumbnails.of(sorted(files), 6)) == ["plain.jpg"]
    assert thumbnails.why_not("whole.png") == (
        "whole.png: 12 x 10 px, no picture is made of more than 0 million; "
        "a plain JPEG may have more"
    )
