"""Looking in a real browser: places that are found again, rings, crops, what is missing in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import watched
from studio_dataset import NAMES, Client, flickering_folder, served, studio_folder

from selectlab import Dataset
from selectlab.assertion_run import run_assertion, write_run
from selectlab.assertions.flicker import Flicker
from selectlab.inputs.folder import open_dataset
from selectlab.studio.studio import Studio

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with served(Studio(open_dataset(studio_folder(tmp_path_factory.mktemp("looking"))))) as client:
        yield client


@pytest.fixture
def page(chromium: Any, client: Client) -> Iterator[Any]:
    with watched(chromium, client.address, viewport={"width": 1200, "height": 900}) as page:
        yield page


def flickering(root: Path) -> Path:
    """A video in which the disc is not found in frames 3 and 8."""
    data = flickering_folder(root)
    folder = data / ".lightly" / "predictions" / "det"
    for number in (3, 8):
        file = folder / f"clip-{number:03d}-mp4.json"
        content = json.loads(file.read_text())
        content["predictions"] = [one for one in content["predictions"] if one["category_id"]]
        file.write_text(json.dumps(content))
    other = folder / "clip-005-mp4.json"
    missing = json.loads((folder / "clip-004-mp4.json").read_text())
    other.write_text(json.dumps({**missing, "file_name": "clip-005-mp4.png"}))
    write_run(run_assertion(Flicker(), open_dataset(data), "det"))
    return data


def test_somebody_who_comes_back_finds_the_place(chromium: Any) -> None:
    """With Back, and with the link above a sample; a link of the head begins at the top."""
    ids = [f"{k:04d}.png" for k in range(600)]
    data = Dataset(ids, metadata={"speed": list(range(600))})
    with served(Studio(data)) as client, watched(chromium, client.address) as page:
        page.goto("/")
        page.wait_for_selector('.cell[title="0000.png"]')
        page.evaluate("scrollTo(0, 6000)")
        name = page.wait_for_function(IN_SIGHT).json_value()
        assert int(name[:4]) > 100
        cell = f'.cell[title="{name}"]'
        page.locator(cell).click()
        page.wait_for_url(f"**/sample?id={name}")
        page.wait_for_selector("#after:visible")
        page.go_back()
        page.wait_for_selector(f"{cell} .name")
        assert abs(page.evaluate("scrollY") - 6000) < 200
        assert page.locator('.cell[tabindex="0"]').get_attribute("title") == name
        page.locator(cell).click()
        page.wait_for_selector("#after:visible")
        page.click("#back")
        page.wait_for_selector(f"{cell} .name")
        assert abs(page.evaluate("scrollY") - 6000) < 200
        page.get_by_role("link", name="Samples", exact=True).click()
        page.wait_for_selector('.cell[title="0000.png"]')
        assert page.evaluate("scrollY") == 0


IN_SIGHT = """() => {
  const cell = document.elementFromPoint(innerWidth / 2 - 60, innerHeight / 2)?.closest(".cell");
  return scrollY > 5000 && cell?.title;
}"""


def test_shift_and_click_marks_a_range(page: Any) -> None:
    page.goto("/")
    page.wait_for_selector(f'.cell[title="{NAMES[3]}"] img')
    first = page.locator(f'.cell[title="{NAMES[3]}"]')
    first.hover()
    tick = first.locator(".tick")
    assert tick.evaluate(COLOUR) == "rgba(0, 0, 0, 0)"  # nothing is ticked yet
    tick.click()
    assert tick.evaluate(COLOUR) != "rgba(0, 0, 0, 0)"
    page.locator(f'.cell[title="{NAMES[8]}"]').click(modifiers=["Shift"])
    playwright.expect(page.locator("#marks")).to_contain_text("6 marked")
    marked = page.locator('.cell[aria-selected="true"]').evaluate_all(
        "all => all.map(c => c.title)"
    )
    assert sorted(marked) == NAMES[3:9]


COLOUR = "one => getComputedStyle(one).color"


def test_small_pictures_show_what_is_found(page: Any) -> None:
    """Sample 3 has three boxes, of two cars and a bus."""
    page.goto("/")
    page.wait_for_selector("#over-label:visible")
    assert page.locator(".over").count() == 0
    page.keyboard.press("b")
    cell = page.locator(f'.cell[title="{NAMES[3]}"]')
    playwright.expect(cell.locator(".over .shape")).to_have_count(3)
    playwright.expect(cell.locator(".found")).to_have_text("2 car, <b>bus</b>")
    places = "all => all.map((one) => one.getBoundingClientRect().toJSON())"
    box, image = cell.locator(".over svg, img").evaluate_all(places)
    assert box == image  # the boxes lie where the picture does
    page.reload()
    playwright.expect(cell.locator(".over .shape")).to_have_count(3)
    page.keyboard.press("b")
    playwright.expect(page.locator(".over")).to_have_count(0)


def spot(page: Any, client: Client, name: str) -> tuple[float, float]:
    """Where the map draws a sample, px of the page."""
    import base64

    told = client.get("/api/map")
    rows = np.frombuffer(base64.b64decode(told["rows"]), "<u4").tolist()
    x, y = (np.frombuffer(base64.b64decode(told[axis]), "<u2") / 65534 for axis in "xy")
    at = rows.index(client.studio.dataset.rows[name])
    box = page.locator("#map").bounding_box()
    scale = 0.92 * min(box["width"], box["height"])
    left = box["x"] + box["width"] / 2 + (x[at] - x.max() / 2) * scale
    top = box["y"] + box["height"] / 2 - (y[at] - y.max() / 2) * scale
    return float(left), float(top)


def test_all_marks_are_ringed_on_the_map_and_a_click_takes_one(page: Any, client: Client) -> None:
    page.goto("/")
    for name in (NAMES[2], NAMES[5]):
        page.locator(f'.cell[title="{name}"]').focus()
        page.keyboard.press("x")
    page.goto("/map")
    page.wait_for_load_state("networkidle")  # what comes late moves the map
    legend = page.locator("#legend")
    playwright.expect(legend).to_contain_text("marked: 2")
    await_rings(page, client, {NAMES[2], NAMES[5]})
    page.mouse.click(*spot(page, client, NAMES[9]))
    playwright.expect(legend).to_contain_text("marked: 3")
    await_rings(page, client, {NAMES[2], NAMES[5], NAMES[9]})
    page.mouse.click(*spot(page, client, NAMES[9]))
    playwright.expect(legend).to_contain_text("marked: 2")
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + 3, box["y"] + 3)  # beside all points: nothing is lost
    playwright.expect(page.locator("#marks")).to_contain_text("2 marked")
    page.goto("/runs")
    page.go_back()
    playwright.expect(legend).to_contain_text("marked: 2")
    page.get_by_role("button", name="Unmark all").click()
    playwright.expect(legend).not_to_contain_text("marked")


def await_rings(page: Any, client: Client, names: set[str]) -> None:
    """Wait until these samples have a dark ring on the map, and no others."""
    box = page.locator("#map").bounding_box()
    places = {name: spot(page, client, name) for name in NAMES}
    at = {name: [x - box["x"], y - box["y"]] for name, (x, y) in places.items()}
    page.wait_for_function(RINGED, arg=[at, sorted(names)])


RINGED = """([places, wanted]) => {
  const map = document.getElementById("map");
  const copy = Object.assign(document.createElement("canvas"), { width: map.width, height: map.height });
  const pen = copy.getContext("2d", { willReadFrequently: true });
  pen.drawImage(map, 0, 0);
  const dark = (x, y) => {
    const [r, g, b, a] = pen.getImageData(Math.round(x), Math.round(y), 1, 1).data;
    return a > 120 && r + g + b < 240;
  };
  const found = [];
  for (const [name, [x, y]] of Object.entries(places)) {
    let n = 0;
    for (let k = 0; k < 24; k++) {
      const [dx, dy] = [Math.cos(k * Math.PI / 12), Math.sin(k * Math.PI / 12)];
      n += [6, 6.5, 7].some((r) => dark(x + r * dx, y + r * dy));
    }
    if (n >= 22) found.push(name);
  }
  return found.sort().join() === wanted.join();
}"""


def test_colours_of_classes_and_one_alone(page: Any) -> None:
    page.goto("/map?colour=class:det")
    rows = page.locator("#legend button")
    playwright.expect(rows).to_have_count(1)  # of as many cars and buses, cars are surer
    playwright.expect(rows.first).to_contain_text("car")
    playwright.expect(page.locator("#legend")).to_contain_text("no value")


def test_a_strip_shows_the_part_with_what_was_found(chromium: Any, tmp_path: Path) -> None:
    data = flickering(tmp_path)
    with served(Studio(open_dataset(data))) as client, watched(chromium, client.address) as page:
        page.goto("/flickering")
        selected = page.locator("#panels figure.selected")
        playwright.expect(selected.locator(".shape.imputed")).to_have_count(1)
        views = page.locator("#panels svg").evaluate_all(VIEWS)
        assert len(set(views)) == 1  # the same part of all three frames
        wide, high = map(float, views[0].split()[2:])
        assert (wide, high) != (160.0, 128.0)
        assert wide >= 0.4 * 160
        assert selected.locator(".label").evaluate(INSIDE) is True
        assert selected.locator(".label").evaluate(COVERS) is False
        first = selected.locator("figcaption").inner_text()
        page.keyboard.press("ArrowRight")  # nothing was clicked before
        playwright.expect(selected.locator("figcaption")).not_to_have_text(first)
        page.keyboard.press("w")
        playwright.expect(selected.locator("svg")).to_have_attribute("viewBox", "0 0 160 128")
        page.set_viewport_size({"width": 380, "height": 800})
        page.keyboard.press("w")
        playwright.expect(selected.locator("svg")).not_to_have_attribute("viewBox", "0 0 160 128")
        label = "document.querySelector('#panels figure.selected .label')"
        page.wait_for_function(f"() => ({INSIDE})({label})")  # once it is drawn for that width


VIEWS = "all => all.map((one) => one.getAttribute('viewBox'))"
INSIDE = """(one) => {
  const [label, svg] = [one.getBoundingClientRect(), one.ownerSVGElement.getBoundingClientRect()];
  return label.left >= svg.left - 1 && label.right <= svg.right + 1 && label.top >= svg.top - 1
    && label.bottom <= svg.bottom + 1;
}"""
COVERS = """(one) => {
  const label = one.getBoundingClientRect();
  return [...one.ownerSVGElement.querySelectorAll(".shape")].some((shape) => {
    const box = shape.getBoundingClientRect();
    const across = Math.min(box.right, label.right) - Math.max(box.left, label.left);
    return across > 4 && Math.min(box.bottom, label.bottom) - Math.max(box.top, label.top) > 4;
  });
}"""


@pytest.fixture(scope="module")
def restless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A video in which the disc is not found in every fourth frame."""
    data = flickering_folder(tmp_path_factory.mktemp("restless"), 160, range(2, 158, 4))
    write_run(run_assertion(Flicker(), open_dataset(data), "det"))
    with served(Studio(open_dataset(data))) as client:
        yield client


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("width", "height"), [(1280, 800), (1280, 900), (1920, 1080), (820, 900), (400, 800)]
)
def test_the_strip_stays_in_sight_of_the_cells(
    chromium: Any, restless: Client, width: int, height: int, scheme: str
) -> None:
    """With one and a half rows of them below it, and none that has the focus beneath it."""
    size = {"width": width, "height": height}
    with watched(chromium, restless.address, viewport=size, color_scheme=scheme) as page:
        page.goto("/flickering")
        page.wait_for_selector(".cell img")
        told = page.locator("#panels figure.selected figcaption")
        for key in ["ArrowDown"] * 5 + ["ArrowUp"] * 3:
            page.keyboard.press(key)
            name = page.locator(".cell:focus").get_attribute("title")
            playwright.expect(told).to_contain_text(name)
            page.wait_for_function(STRIP_IN_SIGHT)
        page.keyboard.press("p")
        page.wait_for_selector("#panels.playing svg")
        page.wait_for_function(STRIP_IN_SIGHT)
        back = page.evaluate("getComputedStyle(document.getElementById('panels')).backgroundColor")
        assert back == page.evaluate("getComputedStyle(document.body).backgroundColor")


STRIP_IN_SIGHT = """() => {
  const head = document.querySelector(".top");
  const under = getComputedStyle(head).position === "sticky" ? head.offsetHeight : 0;
  const strip = document.getElementById("panels");
  const cell = document.querySelector(".cell:focus").getBoundingClientRect();
  const [top, end] = [strip.getBoundingClientRect().top, strip.getBoundingClientRect().bottom];
  return top >= under - 1 && strip.scrollHeight <= strip.clientHeight + 1 && cell.top >= end - 1
    && cell.bottom <= innerHeight && innerHeight - end >= 1.5 * cell.height;
}"""


def test_a_step_is_called_as_it_is_while_playing(chromium: Any, restless: Client) -> None:
    with watched(chromium, restless.address) as page:
        page.goto("/flickering")
        told = page.locator("#panels figure.selected figcaption strong")
        playwright.expect(told).to_have_text("selected")
        for key, words in [
            (",", "1 before"),
            (".", "selected"),
            (".", "1 after"),
            (".", "2 after"),
        ]:
            page.keyboard.press(key)
            playwright.expect(told).to_have_text(words)


def test_names_of_boxes_make_way_for_each_other(page: Any) -> None:
    """Above their three boxes, 8 px of the picture apart, the names would cover one another."""
    page.set_viewport_size({"width": 380, "height": 800})
    page.goto(f"/sample?id={NAMES[3]}")
    names = page.locator("#view .label")
    playwright.expect(names).to_have_count(3)
    boxes = names.evaluate_all("all => all.map((one) => one.getBoundingClientRect().toJSON())")
    for k, one in enumerate(boxes):
        for other in boxes[:k]:
            across = min(b["x"] + b["width"] for b in (one, other)) - max(one["x"], other["x"])
            down = min(b["y"] + b["height"] for b in (one, other)) - max(one["y"], other["y"])
            assert across < 1 or down < 1


def test_an_assertion_without_flags_says_so(chromium: Any, tmp_path: Path) -> None:
    file = flickering(tmp_path) / ".lightly" / "imputed" / "det" / "flicker.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "frames": []}))
    data = open_dataset(tmp_path / "video")
    with served(Studio(data)) as client, watched(chromium, client.address) as page:
        page.goto("/flickering")
        playwright.expect(page.locator("#panels")).to_contain_text(
            "flicker on det flagged no frame of this dataset"
        )
        assert page.locator("#play").is_disabled()


def test_boxes_are_drawn_without_the_video_too(chromium: Any, tmp_path: Path) -> None:
    data = flickering(tmp_path)
    for image in data.glob("*.png"):
        image.unlink()
    with served(Studio(open_dataset(data))) as client, watched(chromium, client.address) as page:
        page.goto("/")
        playwright.expect(page.locator("#absent")).to_contain_text("--videos FOLDER")
        page.keyboard.press("b")
        page.wait_for_selector(".cell .over.blank .shape")
        page.goto("/sample?id=clip-004-mp4.png")
        playwright.expect(page.locator("#view .shape")).to_have_count(2)
        assert page.locator("#view svg .blank").count() == 1
        assert page.locator("#view image").count() == 0
        playwright.expect(page.locator("#view figcaption")).to_contain_text("No picture.")
        page.goto("/flickering")
        playwright.expect(page.locator("#panels .shape.imputed")).to_have_count(1)
        playwright.expect(page.locator("#panels .absent")).to_have_count(1)
