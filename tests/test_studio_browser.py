"""The page in a real browser: every flow by mouse and keyboard, no errors, nothing asked elsewhere."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from studio_dataset import (
    NAMES,
    ODD,
    Client,
    flickering_folder,
    served,
    studio_folder,
    with_index,
    with_runs,
)

from selectlab.inputs.folder import open_dataset
from selectlab.studio.access import Access
from selectlab.studio.studio import Studio

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--no-first-run"),
]
PAGES = ["/", "/runs", "/run?name=fast", "/compare?one=fast&other=classes", "/campaigns"]
PAGES += [
    "/campaigns/new",
    "/flickering",
    "/map",
    "/compose",
    "/sample?id=b/05.png",
    "/run?name=no",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    data = with_index(with_runs(studio_folder(tmp_path_factory.mktemp("browser"))))
    with served(Studio(open_dataset(data))) as client:
        yield client


@pytest.fixture
def page(chromium: Any, client: Client) -> Iterator[Any]:
    with watched(chromium, client.address) as page:
        yield page


class watched:
    """A page of which every error, every dialog and every request elsewhere fails the test."""

    def __init__(self, chromium: Any, address: str, **how: Any) -> None:
        self._page = chromium.new_page(base_url=address, **how)
        self._wrong: list[str] = []
        own = (address, "data:", "blob:")
        self._page.on("console", lambda said: self._note(said.type, said.text))
        self._page.on("pageerror", lambda error: self._wrong.append(f"error: {error}"))
        self._page.on("dialog", lambda dialog: self._wrong.append(f"dialog: {dialog.message}"))
        self._page.on(
            "request",
            lambda asked: asked.url.startswith(own) or self._wrong.append(f"asked: {asked.url}"),
        )

    def _note(self, kind: str, text: str) -> None:
        refused = "status of 400" in text  # what the page was asked to do, and told the user
        if kind in ("error", "warning") and not refused:
            self._wrong.append(f"{kind}: {text}")

    def __enter__(self) -> Any:
        return self._page

    def __exit__(self, kind: Any, *_: object) -> None:
        self._page.close()
        if kind is None:
            assert self._wrong == []


def numbers(page: Any) -> dict[str, str]:
    """The numbers of a campaign as they are shown."""
    pairs = page.locator("#numbers > div").all()
    return {pair.locator("dt").inner_text(): pair.locator("dd").inner_text() for pair in pairs}


def until(page: Any, name: str, value: str) -> None:
    """Wait for a number of a campaign."""
    shown = page.locator("#numbers > div", has=page.get_by_text(name, exact=True))
    playwright.expect(shown.locator("dd")).to_have_text(value)


def test_look_through_the_gallery_by_keyboard(page: Any) -> None:
    page.goto("/")
    page.wait_for_selector(f'.cell[title="{NAMES[1]}"] img')
    first = page.locator(".cell").first
    assert first.get_attribute("title") == ODD
    first.focus()
    page.keyboard.press("x")
    playwright.expect(page.locator("#marks")).to_contain_text("1 marked")
    page.keyboard.press("End")
    page.wait_for_selector(f'.cell:focus[title="{NAMES[-1]}"]')
    page.keyboard.press("Home")
    page.wait_for_selector(".cell:focus")
    page.keyboard.press("Enter")
    page.wait_for_selector("#view svg image")
    assert page.locator("strong.id").inner_text() == ODD
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/sample?id=b*")
    page.wait_for_selector("#shapes li")
    assert page.locator("#near li").count() == 12


def test_filter_and_sort(page: Any) -> None:
    page.goto("/")
    page.wait_for_selector('#filter option[value="metadata:speed"]', state="attached")
    page.select_option('select[name="sort"]', "metadata:speed")
    page.check('input[name="descending"]')
    page.wait_for_selector(f'.cell[tabindex="0"][title="{NAMES[-1]}"]')
    page.keyboard.press("/")
    page.fill('input[name="where"]', "det:car>=2, speed<10")
    playwright.expect(page.locator("#count")).to_have_text("2 samples")
    page.reload()  # the address remembers
    playwright.expect(page.locator("#count")).to_have_text("2 samples")
    page.fill('input[name="where"]', "sped<10")
    playwright.expect(page.locator(".toast.bad")).to_contain_text("did you mean 'speed'?")


def test_find_more_like_three_pictures(page: Any, client: Client, tmp_path: Path) -> None:
    page.goto("/")
    page.wait_for_selector(f'.cell[title="{NAMES[4]}"] img')
    for name in NAMES[0:6:2]:
        page.locator(f'.cell[title="{name}"]').focus()
        page.keyboard.press("Space")
    page.get_by_role("button", name="Find more like these").click()
    playwright.expect(page.locator("#seeds li")).to_have_count(3)
    page.fill("#name", "<i>even</i>")
    slider = page.locator("#threshold")
    slider.focus()
    page.keyboard.press("Home")
    page.click("#create")
    page.wait_for_selector("#hits .cell img")
    page.wait_for_selector("#why .strip img")
    found = int(numbers(page)["new"])
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#hits .cell:focus")
    start = time.perf_counter()
    page.keyboard.press("a")
    page.wait_for_selector("#hits .cell.accepted")
    assert time.perf_counter() - start < 1  # of which the browser's driver takes most
    page.keyboard.press("d")
    page.keyboard.press("d")
    until(page, "discarded", "2")
    page.keyboard.press("u")
    until(page, "discarded", "1")
    until(page, "new", str(found - 2))
    page.click("#refine")
    until(page, "version", "2")
    page.click("#collect")
    playwright.expect(page.locator(".toast", has_text="looked at")).to_be_visible()
    page.click("#export")
    with page.expect_download() as fetched:
        page.locator("#export-form button.main").click()
    fetched.value.save_as(tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert len(lines) == 2
    assert "<i>even</i>" in lines[1]
    until(page, "exported", "1")
    page.goto("/campaigns")
    assert page.get_by_role("link", name="<i>even</i>").count() == 1


def test_look_at_runs_and_compare_them(page: Any) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed")
    page.goto("/runs")
    for tick in page.locator('input[name="run"]').all()[:2]:
        tick.check()
    page.click("#compare-button")
    page.wait_for_selector("text=selected by both")
    page.goto("/run?name=fast")
    page.wait_for_selector("#picks .cell img")
    page.click("#show-report")
    inside = page.frame_locator("#report iframe")
    inside.locator("h1").first.wait_for(timeout=60_000)
    assert inside.locator("h1").first.inner_text() == "fast"


def test_put_a_config_together_and_run_it(page: Any, client: Client) -> None:
    page.goto("/compose")
    page.wait_for_selector("fieldset.strategy")
    page.click("#add")
    second = page.locator("fieldset.strategy").nth(1)
    second.get_by_label("Looks at").select_option("METADATA")
    second.get_by_label("key *").select_option("speed")
    page.locator("#top input").first.fill("5")
    page.click("#check")
    playwright.expect(page.locator("#outcome")).to_contain_text("30 of 30 samples can be selected")
    page.fill("#name", "../out")
    page.click("#run")
    playwright.expect(page.locator("#outcome")).to_contain_text("expected letters")
    page.fill("#name", "from the form")
    page.click("#run")
    page.get_by_role("link", name="Open the run").click()
    page.wait_for_selector("#picks .cell img")
    run = client.studio.runs.get("from the form")
    assert len(run.ids) == 5
    assert run.strategies == ["diversity on embeddings", "weights on metadata speed"]


def test_catch_points_with_a_lasso(page: Any) -> None:
    page.goto("/map")
    page.wait_for_selector('#axes:has-text("30 samples")')
    page.wait_for_selector('#colour option[value="metadata:speed"]', state="attached")
    page.select_option("#colour", "metadata:weather")
    page.wait_for_selector('#legend:has-text("sunny")')
    box = page.locator("#map").bounding_box()
    left, top = box["x"] + 4, box["y"] + 4
    right, bottom = left + box["width"] - 8, top + box["height"] - 8
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom)):
        page.mouse.move(x, y, steps=3)
    page.mouse.up()
    playwright.expect(page.locator("#caught")).to_have_text("30 samples, marked.")
    playwright.expect(page.locator("#marks")).to_contain_text("30 marked")


def test_see_a_flickering_frame_between_its_neighbours(chromium: Any, tmp_path: Path) -> None:
    from selectlab.assertion_run import run_assertion, write_run
    from selectlab.assertions.flicker import Flicker

    data = flickering_folder(tmp_path)
    write_run(run_assertion(Flicker(), open_dataset(data), "det"))
    with (
        served(Studio(open_dataset(data))) as client,
        watched(chromium, client.address) as page,
    ):
        page.goto("/flickering")
        captions = page.locator("#panels figcaption")
        playwright.expect(captions).to_have_count(3)
        assert captions.all_inner_texts() == [
            "previous clip-004-mp4.png", "selected clip-005-mp4.png", "next clip-006-mp4.png",
        ]  # fmt: skip
        middle = page.locator("#panels figure.selected svg")
        assert middle.locator(".shape.imputed").count() == 1
        assert middle.locator("text=MISSING disc").count() == 1
        page.keyboard.press("p")
        page.wait_for_selector("#panels.playing figcaption:has-text('2 after')")
        page.keyboard.press("p")
        playwright.expect(page.locator("#panels figure")).to_have_count(3)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_fits_a_phone_in_the_dark(chromium: Any, client: Client, path: str) -> None:
    how = {"viewport": {"width": 380, "height": 720}, "color_scheme": "dark"}
    with watched(chromium, client.address, **how) as page:
        page.goto(path)
        page.wait_for_load_state("networkidle")
        wide = page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= 380
        page.keyboard.press("?")
        page.wait_for_selector("dialog[open]")
        page.get_by_role("button", name="Close").last.click()
        playwright.expect(page.locator("#help")).to_be_hidden()


def test_the_token_opens_the_page_in_a_browser(chromium: Any, tmp_path: Path) -> None:
    data = studio_folder(tmp_path)
    with served(Studio(open_dataset(data)), Access.to("0.0.0.0", 8384)) as client:
        page = chromium.new_page(base_url=client.address)
        page.goto("/")
        assert "private" in page.content()
        page.goto(f"/?token={client.access.token}")
        page.wait_for_selector(".cell img")
        assert "token" not in page.url
        page.close()
