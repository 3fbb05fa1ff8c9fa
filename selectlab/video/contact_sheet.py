"""A sheet for people: each selected frame between its neighbours, with its boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from selectlab.inputs.image_formats import opened_image
from selectlab.inputs.sample_ids import frame_of

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

    from selectlab.video.frames_out import Written
    from selectlab.video.labels import Box

PANEL_PX, GAP_PX, TEXT_PX, ROWS = 460, 12, 15, 4
_AROUND, _LEAST_SHARE = 2.0, 0.4
"""How much of a frame is shown: what was found fills half of it, but no less than this share."""

Rectangle = tuple[float, float, float, float]
"""Left, top, right, bottom in px of a panel."""

_PAPER, _INK, _GREY = "#ffffff", "#111111", "#666666"


@dataclass(frozen=True)
class Style:
    """How a kind of box looks; kinds differ in line and word, not in colour alone.

    Attributes:
        word: What the legend says.
        tag: What stands before the class name at the box.
        colour: Of the line; told apart by colour-blind people too (Okabe and Ito).
        dash_px: Lengths of line and gap; ``None`` is solid.
        width_px: Of the line.
    """

    word: str
    tag: str
    colour: str
    dash_px: tuple[int, int] | None
    width_px: int


STYLES: Mapping[str, Style] = {
    "predicted": Style("predicted by the model", "", "#0072b2", None, 2),
    "suspicious": Style("predicted, but suspicious", "?", "#8f3f71", (2, 4), 3),
    "imputed": Style("imputed: expected, not found", "MISSING", "#d55e00", (9, 5), 3),
}


def draw_sheet(written: Written, titles: Mapping[str, str]) -> None:
    """Draw ``sheet.pdf``, and its first page as ``sheet.png``.

    Args:
        written: Images, neighbours and boxes.
        titles: What to say of a sample beside its name.
    """
    samples = list(written.sizes)
    pdf = written.out / "sheet.pdf"
    for start in range(0, len(samples), ROWS):
        page = _page(samples[start : start + ROWS], start, written, titles)
        if start == 0:
            page.save(written.out / "sheet.png")
        page.save(pdf, append=start > 0, resolution=110)


def _page(
    samples: Sequence[str], start: int, written: Written, titles: Mapping[str, str]
) -> Image.Image:
    from PIL import Image, ImageDraw

    rows = [_row(start + n, sample, written, titles) for n, sample in enumerate(samples, 1)]
    width = 3 * PANEL_PX + 4 * GAP_PX
    head = TEXT_PX + 2 * GAP_PX
    page = Image.new("RGB", (width, head + sum(row.height + GAP_PX for row in rows)), _PAPER)
    _legend(ImageDraw.Draw(page), written)
    top = head
    for row in rows:
        page.paste(row, (0, top))
        top += row.height + GAP_PX
    return page


def _legend(draw: ImageDraw.ImageDraw, written: Written) -> None:
    """Draw a piece of each kind of line and say what it means."""
    left, middle = GAP_PX, GAP_PX + TEXT_PX // 2 + 1
    boxes = written.labels.boxes.values() if written.labels else ()
    kinds = {box.kind for held in boxes for box in held}
    for kind, style in STYLES.items():
        if kind not in kinds:
            continue
        _line(draw, (left, middle), (left + 40, middle), style)
        draw.text((left + 48, GAP_PX - 2), style.word, fill=_INK, font=_font())
        left += 48 + int(draw.textlength(style.word, font=_font())) + 3 * GAP_PX
    names = list(written.labels.names.values()) if written.labels else []
    if len(names) == 1:
        draw.text((left, GAP_PX - 2), f"class: {names[0]}", fill=_INK, font=_font())


def _row(rank: int, sample: str, written: Written, titles: Mapping[str, str]) -> Image.Image:
    """Draw previous, selected and next frame side by side, with a line of text above."""
    from PIL import Image, ImageDraw

    near = written.neighbours.get(sample, {})
    shown = {"previous": near.get(-1), "selected": sample, "next": near.get(1)}
    window = _window(sample, written)
    panels = {word: _panel(name, window, written) for word, name in shown.items()}
    height = max(panel.height for panel in panels.values() if panel is not None)
    text = 2 * TEXT_PX + 12
    row = Image.new("RGB", (3 * PANEL_PX + 4 * GAP_PX, text + height + 4), _PAPER)
    draw = ImageDraw.Draw(row)
    title = f"{rank}.  {sample}   {titles.get(sample, '')}"
    _text(draw, (GAP_PX, 0), title, row.width - 2 * GAP_PX)
    part = "" if window == (0, 0, *written.sizes[sample]) else ", part of it"
    for place, (word, name) in enumerate(shown.items()):
        left = GAP_PX + place * (PANEL_PX + GAP_PX)
        draw.text((left, TEXT_PX + 4), _caption(word, name, part), fill=_GREY, font=_font())
        panel = panels[word]
        if panel is not None:
            row.paste(panel, (left, text))
        if word == "selected":
            frame = (left - 3, text - 3, left + PANEL_PX + 2, text + height + 2)
            draw.rectangle(frame, outline=_INK, width=3)
    return row


def _caption(word: str, name: str | None, part: str) -> str:
    found = None if name is None else frame_of(name)
    if found is None:
        return word if name else f"{word}: none"
    return f"{word}: frame {found[1]}{part}"


def _window(sample: str, written: Written) -> tuple[int, int, int, int]:
    """Return the part of the frame to show, px: around what an assertion found, else all."""
    width, height = written.sizes[sample]
    boxes = written.labels.of(sample, ("imputed", "suspicious")) if written.labels else []
    if not boxes:
        return (0, 0, width, height)
    left, top = (min(box.xywh[side] for box in boxes) for side in (0, 1))
    right, bottom = (max(box.xywh[side] + box.xywh[side + 2] for box in boxes) for side in (0, 1))
    share = max((right - left) / width, (bottom - top) / height) * _AROUND
    share = min(1.0, max(share, _LEAST_SHARE))
    wide, high = round(width * share), round(height * share)
    x = min(max(0, round((left + right - wide) / 2)), width - wide)
    y = min(max(0, round((top + bottom - high) / 2)), height - high)
    return (x, y, x + wide, y + high)


def _panel(
    name: str | None, window: tuple[int, int, int, int], written: Written
) -> Image.Image | None:
    """Draw a part of a frame with its boxes."""
    from PIL import Image, ImageDraw

    if name is None:
        return None
    scale = PANEL_PX / (window[2] - window[0])
    size = (PANEL_PX, max(1, round((window[3] - window[1]) * scale)))
    with opened_image(written.path(name)) as image:
        part = image.convert("RGB").crop(window)
    panel: Image.Image = part.resize(size, Image.Resampling.LANCZOS)
    if written.labels is None:
        return panel
    draw, order = ImageDraw.Draw(panel), list(STYLES)
    boxes = sorted(written.labels.of(name), key=lambda box: order.index(box.kind))
    placed = [(box, _placed(box.xywh, window, scale)) for box in boxes]
    inside = [(box, at) for box, at in placed if _touches(at, (0, 0, *size))]
    for box, at in inside:
        _draw_box(draw, at, STYLES[box.kind])
    taken: list[Rectangle] = []
    for box, at in reversed(inside):  # what an assertion found chooses its place first
        _draw_tag(draw, _tag(box, written), STYLES[box.kind], at, size, taken)
    return panel


def _placed(
    xywh: tuple[float, float, float, float], window: tuple[int, int, int, int], scale: float
) -> Rectangle:
    """Return a box as left, top, right, bottom in the panel."""
    x, y, w, h = xywh
    left, top = (x - window[0]) * scale, (y - window[1]) * scale
    return (left, top, left + w * scale, top + h * scale)


def _touches(one: Rectangle, other: Rectangle) -> bool:
    across = one[0] < other[2] and other[0] < one[2]
    return across and one[1] < other[3] and other[1] < one[3]


def _draw_box(draw: ImageDraw.ImageDraw, at: Rectangle, style: Style) -> None:
    left, top, right, bottom = at
    corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    for start, end in pairwise(corners):
        _line(draw, start, end, style)


def _tag(box: Box, written: Written) -> str:
    """Return what stands at a box; a class that all have is not repeated."""
    names = written.labels.names if written.labels else {}
    score = "" if box.score is None else f"{box.score:.2f}".replace("0.", ".")
    name = box.category if len(names) > 1 or box.kind == "imputed" else ""
    return " ".join(part for part in (STYLES[box.kind].tag, name, score) if part)


def _draw_tag(
    draw: ImageDraw.ImageDraw,
    text: str,
    style: Style,
    at: Rectangle,
    size: tuple[int, int],
    taken: list[Rectangle],
) -> None:
    """Write a tag above its box, or below, or in it, where no other tag is."""
    if not text:
        return
    font, high = _font(TEXT_PX - 3), TEXT_PX - 1
    wide = draw.textlength(text, font=font) + 4
    spots = [
        (x, y) for y in (at[1] - high - 1, at[3] + 2, at[1] + 2) for x in (at[0], at[2] - wide)
    ]
    tags = []
    for x, y in spots:
        left, top = min(max(x, 0), size[0] - wide), min(max(y, 0), size[1] - high)
        tags.append((left, top, left + wide, top + high))
    tag = next((tag for tag in tags if not any(_touches(tag, t) for t in taken)), tags[0])
    taken.append(tag)
    draw.rectangle(tag, fill=style.colour)
    draw.text((tag[0] + 2, tag[1]), text, fill=_PAPER, font=font)


def _line(
    draw: ImageDraw.ImageDraw, start: tuple[float, float], end: tuple[float, float], style: Style
) -> None:
    """Draw a straight line with a light rim, whole or in dashes."""
    for a, b in _dashes(start, end, style.dash_px):
        draw.line((*a, *b), fill=_PAPER, width=style.width_px + 2)
    for a, b in _dashes(start, end, style.dash_px):
        draw.line((*a, *b), fill=style.colour, width=style.width_px)


def _dashes(
    start: tuple[float, float], end: tuple[float, float], dash: tuple[int, int] | None
) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    length = abs(end[0] - start[0]) + abs(end[1] - start[1])
    if dash is None or not length:
        yield start, end
        return
    along = ((end[0] - start[0]) / length, (end[1] - start[1]) / length)
    at = 0.0
    while at < length:
        to = min(at + dash[0], length)
        yield (
            (start[0] + along[0] * at, start[1] + along[1] * at),
            (start[0] + along[0] * to, start[1] + along[1] * to),
        )
        at = to + dash[1]


def _text(draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, width: int) -> None:
    """Write a line, cut to a width."""
    while text and draw.textlength(text, font=_font()) > width:
        text = text[:-2].rstrip() + "…" if not text.endswith("…") else text[:-3].rstrip() + "…"
    draw.text(at, text, fill=_INK, font=_font())


def _font(size_px: int = TEXT_PX) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size_px)
