"""The pictures of the docs: the real report and the real studio, photographed by a real browser.

Everything shown is made here: scikit-learn's digits as ``selectlab demo`` writes them, and a video
of moving shapes. Each function of ``PICTURES`` brings a page into the state to be shown, by
mouse and keyboard as a user would.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from report_page import flickering_folder
from studio_dataset import served

from selectlab import api
from selectlab.corpus import Corpus
from selectlab.demo import demo_config, run_demo
from selectlab.inputs.folder import open_dataset
from selectlab.report import write_report
from selectlab.studio.studio import Studio

WIDTH, HEIGHT = 1200, 800
COLOURS = 256
DIVERSE = {
    "n_samples": 50,
    "strategies": [{"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}],
}


@dataclass(frozen=True)
class Stage:
    """What is photographed: a browser, and addresses of the things to show.

    Attributes:
        chromium: The browser.
        report: The report of the demo's run, an address.
        digits: Address of a studio on the digits.
        video: Address of a studio on the frames of a video.
    """

    chromium: Any
    report: str
    digits: str
    video: str

    @contextmanager
    def page(self, address: str) -> Iterator[Any]:
        """Open a page, and wait until nothing is loaded any more."""
        page = self.chromium.new_page(
            viewport={"width": WIDTH, "height": HEIGHT},
            color_scheme="light",
            reduced_motion="reduce",
        )
        try:
            page.goto(address)
            page.wait_for_load_state("networkidle")
            yield page
        finally:
            page.close()


@contextmanager
def set_up(chromium: Any, folder: Path) -> Iterator[Stage]:
    """Make the data, the runs, the report and the studios in a folder, the current one.

    Args:
        chromium: The browser.
        folder: An empty folder. Relative paths are shown in pages, its own is not.
    """
    run_demo(Path("demo"))
    data = "demo/dataset"
    for name, config in {"diverse": DIVERSE, "diverse-uncertain": demo_config(50)}.items():
        api.select(config, open_dataset(data)).save(Path("demo/runs") / name)
    Corpus.build(open_dataset(data), space_id="pixels")
    report = write_report(Path("demo/run"), data).html
    flickering_folder(Path("video"), 40)
    with (
        served(Studio(open_dataset(data), runs=Path("demo/runs"))) as digits,
        served(Studio(open_dataset("video"))) as video,
    ):
        yield Stage(chromium, (folder / report).as_uri(), digits.address, video.address)


def picture_of(page: Any, colours: int = COLOURS) -> bytes:
    """Return what the window shows from its top, as a PNG of few colours."""
    for close in page.locator("#job:visible button:has-text('Close')").all():
        close.click()
    page.wait_for_function(COMPLETE)
    page.wait_for_timeout(300)
    shown = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    held = io.BytesIO()
    few = shown.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(held, format="PNG", optimize=True)
    return held.getvalue()


COMPLETE = """async () => {
  const seen = [...document.images].filter((one) => {
    const box = one.getBoundingClientRect();
    return one.checkVisibility() && box.bottom > 0 && box.top < innerHeight && box.width > 0;
  });
  await Promise.all(seen.map((one) => one.decode()));
  return true;
}"""
"""All pictures in sight are there."""


def report_summary(stage: Stage) -> bytes:
    """The head of the report."""
    with stage.page(stage.report) as page:
        return picture_of(page)


def report_embedding(stage: Stage) -> bytes:
    """All samples as points, the first pick shown beside them."""
    with stage.page(stage.report) as page:
        page.locator("#points").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        to_the_top(page, "#embedding")
        return picture_of(page)


def report_pictures(stage: Stage) -> bytes:
    """The first picks with their reasons."""
    with stage.page(stage.report) as page:
        to_the_top(page, "#gallery")
        return picture_of(page)


def studio_samples(stage: Stage) -> bytes:
    """The gallery, some pictures marked."""
    with stage.page(stage.digits) as page:
        gallery_of(page, "digits_classifier:uncertainty_margin>0.9")
        mark(page, 3)
        return picture_of(page)


def studio_campaign(stage: Stage) -> bytes:
    """A campaign whose first hits were judged."""
    with stage.page(stage.digits) as page:
        gallery_of(page, "digits_classifier:0")
        mark(page, 6)
        page.get_by_role("button", name="Find more like these").click()
        page.wait_for_selector("#seeds li")
        page.fill("#name", "zeros")
        page.locator("#threshold").focus()
        for _ in range(20):
            page.keyboard.press("ArrowLeft")
        page.click("#create")
        page.wait_for_selector("#hits .cell img")
        page.wait_for_selector("#why .strip img")
        page.locator("#hits .cell").first.focus()
        for key in "aaada":
            page.keyboard.press(key)
        page.wait_for_selector("#numbers div:has-text('accepted') dd:text-is('4')")
        page.evaluate("scrollTo(0, 0)")
        return picture_of(page)


def studio_flickering(stage: Stage) -> bytes:
    """A frame between its neighbours, with the box that is missing."""
    with stage.page(f"{stage.video}/flickering") as page:
        page.wait_for_selector("#panels figcaption")
        return picture_of(page, colours=48)


def studio_map(stage: Stage) -> bytes:
    """The map, with a lasso around some points."""
    with stage.page(f"{stage.digits}/map") as page:
        page.wait_for_selector("#colour option:nth-child(2)", state="attached")
        colours = page.locator("#colour option", has_text="uncertainty_margin")
        page.select_option("#colour", value=colours.first.get_attribute("value"))
        page.wait_for_selector("#legend canvas.ramp")
        box = page.locator("#map").bounding_box()
        at = [(0.62, 0.1), (0.9, 0.15), (0.95, 0.45), (0.7, 0.5), (0.6, 0.3), (0.62, 0.1)]
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in at]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=5)
        page.mouse.up()
        page.wait_for_selector("#caught-list img")
        return picture_of(page)


def studio_compose(stage: Stage) -> bytes:
    """The form, with two strategies, and its JSON."""
    with stage.page(f"{stage.digits}/compose") as page:
        page.wait_for_selector("fieldset.strategy")
        page.fill("#json", json.dumps(demo_config(50), indent=2))
        page.locator("fieldset.strategy").nth(2).wait_for()
        page.click("#check")
        page.wait_for_selector("#outcome:has-text('can be selected')")
        page.locator("#json").evaluate("one => one.scrollTop = 0")
        page.evaluate("scrollTo(0, 0)")
        return picture_of(page)


def studio_compare(stage: Stage) -> bytes:
    """Two runs side by side."""
    with stage.page(f"{stage.digits}/compare?one=diverse&other=diverse-uncertain") as page:
        page.wait_for_selector("text=selected by both")
        return picture_of(page)


def gallery_of(page: Any, where: str) -> None:
    """Go to the samples for which a condition holds."""
    page.get_by_role("link", name="Samples", exact=True).click()
    page.wait_for_selector(".cell img")
    before = page.locator("#count").inner_text()
    page.fill('input[name="where"]', where)
    page.wait_for_function(
        "before => ![before, 'Looking ...'].includes(document.getElementById('count').innerText)",
        arg=before,
    )
    page.wait_for_selector(".cell img")


def to_the_top(page: Any, selector: str) -> None:
    """Scroll until an element is at the top of the window."""
    page.locator(selector).evaluate("one => scrollTo(0, one.getBoundingClientRect().top + scrollY)")


def mark(page: Any, n: int) -> None:
    """Mark the first pictures of a gallery."""
    for k in range(n):
        page.locator(".cell").nth(k).focus()
        page.keyboard.press("x")


PICTURES: dict[str, Callable[[Stage], bytes]] = {
    made.__name__.replace("_", "-"): made
    for made in (
        report_summary,
        report_embedding,
        report_pictures,
        studio_samples,
        studio_campaign,
        studio_flickering,
        studio_map,
        studio_compose,
        studio_compare,
    )
}
