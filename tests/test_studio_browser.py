"""The page in a real browser: every flow by mouse and keyboard, no errors, nothing asked elsewhere."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import bad_toasts, toast, watched
from small_dataset import picture
from studio_dataset import (
    NAMES,
    ODD,
    WAIT_S,
    Client,
    flickering_folder,
    served,
    studio_folder,
    wait_for,
    with_index,
    with_objects,
    with_runs,
)

import selectlab.studio.freshness as freshness
from selectlab import Dataset, progress
from selectlab.inputs.folder import open_dataset
from selectlab.studio.access import Access
from selectlab.studio.jobs import Job
from selectlab.studio.studio import Studio

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

PAGES = ["/", "/runs", "/run?name=fast", "/compare?one=fast&other=classes", "/campaigns"]
PAGES += [
    "/campaigns/new",
    "/flickering",
    "/overview",
    "/map",
    "/compose",
    "/sample?id=b/05.png",
    "/run?name=no",
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    data = with_index(with_runs(studio_folder(tmp_path_factory.mktemp("browser"))))
    with_objects(data)
    with served(Studio(open_dataset(data))) as client:
        yield client


@pytest.fixture
def page(chromium: Any, client: Client) -> Iterator[Any]:
    with watched(chromium, client.address) as page:
        yield page


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
    page.keyboard.press("x")
    playwright.expect(page.locator("#marks")).to_contain_text("1 marked")
    page.keyboard.press("End")
    page.wait_for_selector(f'.cell:focus[title="{NAMES[-1]}"]')
    page.keyboard.press("Home")
    page.wait_for_selector(".cell:focus")
    page.keyboard.press("Enter")
    page.wait_for_selector("#view svg image")
    assert page.locator("strong.id").inner_text() == ODD
    page.wait_for_selector("#after:visible")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/sample?id=b*")
    page.wait_for_selector("#shapes li")
    playwright.expect(page.locator("#near li")).to_have_count(12)


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
    playwright.expect(page.locator("#wrong")).to_contain_text("did you mean 'speed'?")
    playwright.expect(page.locator("#count")).to_have_text("Below are the samples of before.")
    assert page.locator("#gallery.stale").count() == 1
    assert bad_toasts(page) == 0  # they would pile up while somebody types
    page.fill('input[name="where"]', "speed<10")
    playwright.expect(page.locator("#count")).to_have_text("10 samples")
    playwright.expect(page.locator("#wrong")).to_be_hidden()
    assert page.locator("#gallery.stale").count() == 0


def created(page: Any, client: Client) -> None:
    """Create the campaign that was filled in; its page shows by itself what it collected.

    Opened anew it is not drawn again while keys are pressed.
    """
    page.click("#create")
    page.wait_for_selector("#hits .cell img")
    assert client.finished()["state"] == "done"
    name = page.locator("#campaign").get_attribute("data-name")
    until(page, "new", str(client.studio.campaigns.get(name).counts["new"]))
    page.reload()
    page.wait_for_selector("#hits .cell img")


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
    created(page, client)
    page.wait_for_selector("#why .strip img")
    found = int(numbers(page)["new"])
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#hits .cell:focus")
    page.keyboard.press("a")
    page.wait_for_selector("#hits .cell.accepted")
    page.keyboard.press("d")
    page.keyboard.press("d")
    until(page, "discarded", "2")
    page.keyboard.press("u")
    until(page, "discarded", "1")
    until(page, "new", str(found - 2))
    page.click("#refine")
    until(page, "version", "2")
    page.click("#collect")
    toast(page, "looked at")
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


def commit_says(page: Any, line: str, *, commit: bool, refine: bool) -> None:
    """What the page says of the seeds, and which of the two buttons can be pressed."""
    playwright.expect(page.locator("#next")).to_contain_text(line)
    assert page.locator("#commit").is_enabled() is commit
    assert page.locator("#refine").is_enabled() is refine


def test_add_to_a_campaign_and_commit(page: Any, client: Client) -> None:
    client.studio.campaigns.create("dusk", ids=NAMES[0:6:2], threshold=0.05)
    page.goto("/campaign?name=dusk")
    commit_says(page, "Version 1 has not looked yet", commit=False, refine=False)
    assert "Nothing to commit" in page.locator("#commit").get_attribute("title")
    page.click("#collect")
    page.wait_for_selector("#hits .cell img")
    commit_says(page, "Nothing to commit", commit=False, refine=False)
    page.keyboard.press("a")
    commit_says(page, "1 accepted sample joins", commit=False, refine=True)
    page.goto("/")
    page.locator(f'.cell[title="{NAMES[8]}"]').focus()
    page.keyboard.press("x")
    page.goto(f"/sample?id={NAMES[3]}")
    page.get_by_role("button", name="mark", exact=True).first.click()
    page.get_by_role("button", name="Add to campaign ...").click()
    dialog = page.locator("#add-dialog")
    dialog.get_by_label("dusk").check()
    playwright.expect(dialog).to_contain_text("1 picture and 1 object marked.")
    playwright.expect(dialog).to_contain_text("An object stands for its whole picture.")
    dialog.get_by_role("button", name="Add", exact=True).click()
    toast(page, "2 new seeds")
    assert page.locator("#marks").is_hidden()
    page.locator(".toast a").click()
    commit_says(page, "The seeds have changed since version 1", commit=True, refine=True)
    page.click("#commit")
    until(page, "version", "2")
    commit_says(page, "1 accepted sample joins", commit=False, refine=True)
    page.click("#refine")
    until(page, "version", "3")
    until(page, "seeds", "6")
    commit_says(page, "Version 3 has not looked yet", commit=False, refine=False)
    page.locator("summary", has_text="Versions and seeds").click()
    page.locator("#seeds li", has_text=NAMES[8]).get_by_role("button").click()
    until(page, "seeds", "5")
    commit_says(page, "The seeds have changed since version 3", commit=True, refine=False)


def test_collect_objects_and_mark_them(page: Any, client: Client) -> None:
    page.goto(f"/sample?id={NAMES[3]}")
    for number in range(2):
        page.locator("#shapes li").nth(number).get_by_role("button").click()
    page.get_by_role("button", name="Find more like these").click()
    playwright.expect(page.locator('input[name="task"][value="det"]')).to_be_checked()
    page.fill("#name", "wheels")
    page.locator("#threshold").focus()
    page.keyboard.press("Home")
    created(page, client)
    playwright.expect(page.locator("#why .strip li")).to_have_count(2)
    cell = page.locator("#hits .cell").first
    playwright.expect(cell).to_contain_text("object")
    cell.focus()
    page.keyboard.press("x")
    marked = page.evaluate("() => Object.values(sessionStorage).join()")
    assert "#" in marked
    page.keyboard.press("a")
    until(page, "accepted", "1")
    playwright.expect(page.locator("#marks")).to_be_hidden()


def test_objects_of_another_task_are_left_out(page: Any, client: Client) -> None:
    """An object's name does not say its task; the same number means another box there."""
    client.studio.campaigns.create("wheels only", ids=[f"{NAMES[3]}#0"], task="det")
    page.goto(f"/sample?id={NAMES[3]}")
    page.locator("#shapes li").nth(1).get_by_role("button").click()
    key = page.evaluate("() => Object.keys(sessionStorage).find((one) => one.startsWith('object'))")
    other = json.dumps({f"{NAMES[3]}#1": "other"})
    page.evaluate("([key, held]) => sessionStorage.setItem(key, held)", [key, other])
    page.reload()
    page.get_by_role("button", name="Add to campaign ...").click()
    dialog = page.locator("#add-dialog")
    dialog.get_by_label("wheels only").check()
    playwright.expect(dialog).to_contain_text("1 object of another task is left out.")
    assert dialog.get_by_role("button", name="Add", exact=True).is_disabled()


def test_two_tabs_decide_on_the_same_hits(chromium: Any, client: Client) -> None:
    campaigns = client.studio.campaigns
    campaigns.create("shared", ids=NAMES[0:6:2], threshold=0.05)
    campaigns.collect("shared")
    with (
        watched(chromium, client.address) as one,
        watched(chromium, client.address) as other,
    ):
        for tab in (one, other):
            tab.goto("/campaign?name=shared")
            tab.wait_for_selector("#hits .cell img")
            tab.locator("#hits .cell").first.focus()
        first = one.locator("#hits .cell").first.get_attribute("title")
        one.keyboard.press("a")
        until(one, "accepted", "1")
        other.keyboard.press("d")
        until(other, "discarded", "1")
        one.evaluate("() => window.dispatchEvent(new Event('focus'))")
        cell = one.locator(f'#hits .cell[title="{first}"]')
        playwright.expect(cell).to_contain_text("discarded")
        until(one, "accepted", "0")
    assert campaigns.get("shared").counts["discarded"] == 1


def test_look_at_runs_and_compare_them(page: Any) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed")
    page.goto("/runs")
    for tick in page.locator('input[name="run"]').all()[:2]:
        tick.check()
    page.click("#compare-button")
    page.wait_for_selector("text=selected by both")
    page.goto("/run?name=fast")
    page.wait_for_selector("#picks .cell img")
    playwright.expect(page.locator("#show-report")).to_be_hidden()
    page.click("#make-report")
    inside = page.frame_locator("#report iframe")
    inside.locator("h1").first.wait_for(timeout=1000 * WAIT_S)
    assert inside.locator("h1").first.inner_text() == "fast"
    playwright.expect(page.locator("#report-made")).to_contain_text("UTC")
    page.reload()
    page.click("#show-report")  # it is there now
    inside.locator("h1").first.wait_for()
    assert page.get_by_role("button", name="Make it anew").is_enabled()


def test_a_report_that_cannot_be_made_is_one_line(page: Any, client: Client) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed")
    (client.studio.runs.get("classes").folder / "report.html").write_text("notes")
    page.goto("/run?name=classes")
    page.click("#make-report")
    outcome = page.locator("#report-outcome")
    playwright.expect(outcome).to_contain_text("is no report; it is not overwritten")
    assert page.locator("#make-report").is_enabled()


def test_cancel_what_is_running(page: Any, client: Client) -> None:
    """The button says so at once, and the page when the work has stopped."""
    free = threading.Event()

    def work(job: Job) -> None:
        progress.stage("reading inputs")
        free.wait(WAIT_S)
        progress.alive()

    job = client.studio.jobs.start("selecting slowly", work)
    try:
        page.goto("/runs")
        bar = page.locator("#job")
        playwright.expect(bar).to_contain_text("reading inputs")
        bar.get_by_role("button", name="Cancel").click()
        playwright.expect(bar.get_by_role("button", name="Cancelling ...")).to_be_disabled()
        wait_for(lambda: bool(job.to_json()["stopping"]))  # the server has heard of it
    finally:
        free.set()
    playwright.expect(bar).to_contain_text("cancelled")


def test_the_button_that_cancels_stays_under_the_mouse(page: Any, client: Client) -> None:
    """The page asks how far it is while the button is down: the click counts all the same."""
    free = threading.Event()

    def work(job: Job) -> None:
        progress.stage("selecting", 9)
        free.wait(WAIT_S)
        progress.reach(1)

    job = client.studio.jobs.start("selecting slowly", work)
    try:
        page.goto("/runs")
        page.get_by_role("button", name="Cancel").hover()
        page.mouse.down()
        for _ in range(2):
            page.wait_for_event("requestfinished", lambda one: one.url.endswith("/api/job"))
        page.mouse.up()
        wait_for(lambda: bool(job.to_json()["stopping"]))
    finally:
        free.set()
    playwright.expect(page.locator("#job")).to_contain_text("cancelled")


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


def test_what_is_wrong_with_a_config_stands_at_its_field(page: Any) -> None:
    page.goto("/compose")
    first = page.locator("fieldset.strategy").first
    first.get_by_label("Aim").select_option("BALANCE")
    first.get_by_label("Looks at").select_option("METADATA")
    page.click("#check")
    key = first.locator('[data-path="strategies[0].input.key"]')
    playwright.expect(key.locator(".field-error")).to_have_text("required, but missing")
    key.locator("select").select_option("weather")
    playwright.expect(first.locator(".field-error")).to_have_count(0)
    page.click("#check")
    target = first.locator('[data-path="strategies[0].strategy.target"]')
    playwright.expect(target.locator(".field-error")).to_contain_text("BALANCE needs a 'target'")
    for number, name in enumerate(("sunny", "rain")):
        target.get_by_role("button", name="Add").click()
        target.get_by_label("name").nth(number).fill(name)
        target.get_by_label("number").nth(number).fill("0.5")
    held = json.loads(page.locator("#json").input_value())["strategies"][0]["strategy"]
    assert held == {"type": "BALANCE", "target": {"sunny": 0.5, "rain": 0.5}}
    page.click("#check")
    playwright.expect(page.locator("#outcome")).to_contain_text("'rain'")
    target.get_by_role("button", name="Remove").nth(1).click()
    page.click("#check")
    playwright.expect(page.locator("#outcome")).to_contain_text("30 of 30 samples can be selected")


def test_json_and_form_follow_each_other(page: Any) -> None:
    """What the form does not know stays as it was typed, and what is no JSON is not run."""
    page.goto("/compose")
    page.wait_for_selector("fieldset.strategy")
    text, note = page.locator("#json"), page.locator("#json-note")
    text.fill('{"n_samples": 3, ')
    playwright.expect(note).to_contain_text("Not JSON yet")
    for button in ("#check", "#run"):
        assert page.locator(button).is_disabled()
    playwright.expect(page.locator("#blocked")).to_contain_text("The config is not JSON yet.")
    pair = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSTY", "strength": 2}}
    text.fill(json.dumps({"n_samples": 3, "strategies": [pair]}))
    playwright.expect(page.locator("#top input").first).to_have_value("3")
    playwright.expect(page.locator("fieldset.strategy")).to_contain_text('"DIVERSTY" is none')
    page.click("#check")
    playwright.expect(page.locator(".field-error")).to_contain_text("did you mean 'DIVERSITY'?")
    assert json.loads(text.input_value())["strategies"] == [pair]
    page.locator("fieldset.strategy").get_by_label("Aim").select_option("WEIGHTS")
    page.locator("fieldset.strategy summary").first.click()
    page.get_by_label("max_sum", exact=True).fill("7")
    held = json.loads(text.input_value())["strategies"][0]["strategy"]
    assert held == {"type": "WEIGHTS", "target_range": {"max_sum": 7}}


def test_every_strategy_and_input_has_its_form(page: Any) -> None:
    """With what each needs filled in, the config is refused in one line at most."""
    page.goto("/compose")
    page.wait_for_selector("fieldset.strategy")
    first = page.locator("fieldset.strategy").first
    aims = first.get_by_label("Aim").locator("option").all_inner_texts()
    assert len(aims) >= 10
    for aim in aims:
        first.get_by_label("Aim").select_option(aim)
        for source in first.get_by_label("Looks at").locator("option").all_inner_texts():
            first.get_by_label("Looks at").select_option(source)
            held = json.loads(page.locator("#json").input_value())["strategies"][0]
            assert (held["strategy"]["type"], held["input"]["type"]) == (aim, source)
            assert first.get_by_placeholder("JSON").count() <= 1  # free parameters only
    page.click("#check")
    playwright.expect(page.locator("#outcome p").first).to_be_visible()


def test_go_on_from_the_config_of_a_run(page: Any) -> None:
    page.goto("/run?name=fast")
    page.get_by_role("link", name="Change it and run again").click()
    playwright.expect(page.locator("fieldset.strategy")).to_have_count(2)
    playwright.expect(page.locator("#top input").first).to_have_value("8")


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


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A dataset of one's own, to write into, that is looked at all the time."""
    monkeypatch.setattr(freshness, "OFTEN_S", -1.0)
    data = with_runs(studio_folder(tmp_path))
    with served(Studio(open_dataset(data), reopen=lambda: open_dataset(data))) as client:
        yield client


def folder_of(client: Client) -> Path:
    return Path(client.studio.dataset.source.where)


def test_marked_samples_become_a_tag(chromium: Any, own: Client) -> None:
    with watched(chromium, own.address) as page:
        page.goto("/")
        for name in NAMES[1:3]:
            page.locator(f'.cell[title="{name}"]').focus()
            page.keyboard.press("x")
        page.keyboard.press("t")
        page.wait_for_selector("#tag-dialog[open]")
        playwright.expect(page.locator("#tag-what")).to_have_text("2 pictures.")
        page.keyboard.type("../x")
        page.keyboard.press("Enter")
        toast(page, "bad: tag: expected letters")
        page.fill("#tag-name", "night")
        page.keyboard.press("Enter")
        toast(page, "tag night: 2 samples")
        playwright.expect(page.locator("#tag-dialog")).to_be_hidden()
        file = folder_of(own) / ".lightly" / "tags" / "night.txt"
        assert file.read_text().splitlines() == NAMES[1:3]
        page.select_option('select[name="tag"]', "night")
        playwright.expect(page.locator("#count")).to_have_text("2 samples")
        page.locator(".cell").first.focus()
        page.keyboard.press("x")  # one is left
        page.keyboard.press("t")
        page.fill("#tag-name", "night")
        playwright.expect(page.locator("#tag-how")).to_be_visible()
        page.get_by_label("replace it").check()
        page.locator("#tag-form button.main").click()
        toast(page, "tag night: 1 sample")
        assert file.read_text().splitlines() == NAMES[2:3]
        page.keyboard.press("t")
        page.keyboard.press("Escape")
        playwright.expect(page.locator("#tag-dialog")).to_be_hidden()


def test_catch_points_by_keyboard_with_a_run_on_top(chromium: Any, own: Client) -> None:
    """The frame is made as large as the map by its keys; Enter marks what is in it."""
    with watched(chromium, own.address) as page:
        page.goto("/map?on=run:fast&colour=metadata:weather")
        playwright.expect(page.locator("#legend")).to_contain_text("selected by fast: 8")
        first = page.locator("#legend button").first
        first.click()
        playwright.expect(page.locator("#legend button").first).to_have_attribute(
            "aria-pressed", "true"
        )
        page.keyboard.press("f")
        playwright.expect(page.locator("#caught")).to_contain_text(
            "in the frame; Enter marks them."
        )
        for key in ("ArrowLeft", "ArrowDown"):
            for _ in range(16):
                page.keyboard.press(key)
        for key in ("Shift+ArrowRight", "Shift+ArrowUp"):
            for _ in range(40):
                page.keyboard.press(key)
        playwright.expect(page.locator("#caught")).to_have_text(
            "30 in the frame; Enter marks them."
        )
        page.keyboard.press("Enter")
        playwright.expect(page.locator("#caught")).to_have_text("30 samples, marked.")
        page.get_by_role("button", name="Write these as tag").click()
        page.keyboard.type("everything here")
        page.keyboard.press("Enter")
        playwright.expect(page.locator('#on option[value="tag:everything here"]')).to_be_attached()
        page.get_by_role("button", name="Unmark these").click()
        playwright.expect(page.locator("#marks")).to_be_hidden()
        page.select_option("#on", "tag:everything here")
        playwright.expect(page.locator("#legend")).to_contain_text("tag everything here: 30")
        page.locator("#map").focus()
        page.keyboard.press("l")
        page.keyboard.press("Enter")  # without a frame: everything in sight
        playwright.expect(page.locator("#caught")).to_have_text("30 samples, marked.")
        page.keyboard.press("Escape")


def test_choose_what_samples_are_laid_out_by(page: Any) -> None:
    """Of 30 samples 22 have objects; of 8 that a run selected those that have none are said."""
    page.goto("/map?colour=metadata:weather&on=run:fast")
    axes, legend = page.locator("#axes"), page.locator("#legend")
    playwright.expect(axes).to_contain_text("30 samples; the first two principal components")
    playwright.expect(legend).to_contain_text("selected by fast: 8")
    page.locator("#map").focus()
    page.keyboard.press("Enter")
    playwright.expect(legend).to_contain_text("marked: 30")
    page.get_by_label("Laid out by").select_option("objects of det")
    playwright.expect(axes).to_contain_text("22 samples, each at the mean of its objects")
    playwright.expect(legend).to_contain_text("marked: 22")
    playwright.expect(legend).to_contain_text("not on the map")
    first = legend.locator("button").first
    playwright.expect(first).to_contain_text("15")  # of 20 on the other map
    page.reload()  # the address remembers
    playwright.expect(first).to_contain_text("15")
    playwright.expect(axes).to_contain_text("22 samples")
    page.get_by_label("Coloured by").select_option("nothing")
    page.get_by_label("Laid out by").select_option("samples")
    playwright.expect(axes).to_contain_text("30 samples")
    assert page.get_by_label("Coloured by").input_value() == ""
    page.wait_for_url("**/map?on=run%3Afast")


def test_many_points_are_dots_that_can_be_caught(chromium: Any, tmp_path: Path) -> None:
    """Above 20,000 points they are drawn into the pixels of the canvas: those of two groups that
    lie apart are where they should be, and the left one is caught alone."""
    n = 21_000
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(n, 4)) * [0.05, 0.05, 0.01, 0.01]
    vectors[: n // 3, 0] += 4
    dataset = Dataset([f"{k:05d}.png" for k in range(n)], embeddings=vectors)
    with served(Studio(dataset)) as client, watched(chromium, client.address) as page:
        page.goto("/map")
        page.wait_for_selector('#axes:has-text("21,000 samples")')
        page.wait_for_function(INKED)
        page.wait_for_load_state("networkidle")  # what comes late moves the map
        box = page.locator("#map").bounding_box()
        middle = box["x"] + box["width"] / 2
        page.mouse.move(box["x"] + 4, box["y"] + 4)
        page.mouse.down()
        for x, y in ((middle, 4), (middle, box["height"] - 4), (box["x"] + 4, box["height"] - 4)):
            page.mouse.move(x, box["y"] + y, steps=2)
        page.mouse.up()
        caught = page.locator("#caught")
        playwright.expect(caught).to_contain_text("samples, marked")
        many = int(caught.inner_text().split()[0].replace(",", ""))
        assert many in (n // 3, n - n // 3)  # the sign of a component says nothing


INKED = """() => {
  const canvas = document.getElementById("map");
  if (!canvas.width) return false;
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let inked = 0;
  for (let at = 3; at < data.length; at += 4) if (data[at] === 255) inked++;
  return inked > 200;
}"""


def test_from_the_overview_to_the_samples_of_a_bar(page: Any) -> None:
    page.goto("/overview")
    page.get_by_role("link", name="car").click()
    playwright.expect(page.locator("#count")).to_have_text("22 samples")
    page.go_back()
    page.locator(".histogram a").first.focus()
    assert page.locator(".histogram a:focus").get_attribute("aria-label") == "0 to 1: 2"
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#count")).to_have_text("2 samples")
    assert page.input_value('input[name="where"]') == "speed>=0, speed<=1"


def test_the_page_says_when_the_dataset_has_changed(chromium: Any, own: Client) -> None:
    with watched(chromium, own.address) as page:
        page.goto("/")
        playwright.expect(page.locator("#changed")).to_be_hidden()
        (folder_of(own) / "b" / "new.png").write_bytes(picture(40, 64, 48))
        page.evaluate("dispatchEvent(new Event('focus'))")  # somebody comes back to the window
        playwright.expect(page.locator("#changed")).to_be_visible()
        page.click("#reload")
        playwright.expect(page.locator("#count")).to_have_text("31 samples")
        playwright.expect(page.locator("#changed")).to_be_hidden()
        assert "v=1" in page.locator(".cell img").first.get_attribute("src")


def test_a_decision_can_be_taken_back_after_the_dataset_was_opened_anew(
    chromium: Any, own: Client
) -> None:
    with_index(folder_of(own))
    own.studio.campaigns.create("night", ids=NAMES[0:6:2], threshold=0.05)
    own.studio.campaigns.collect("night")
    with watched(chromium, own.address) as page:
        page.goto("/campaign?name=night")
        page.wait_for_selector("#hits .cell img")
        first = page.locator("#hits .cell").first.get_attribute("title")
        page.keyboard.press("d")
        until(page, "discarded", "1")
        (folder_of(own) / "b" / "new.png").write_bytes(picture(40, 64, 48))
        page.evaluate("dispatchEvent(new Event('focus'))")
        page.click("#reload")
        playwright.expect(page.locator("#changed")).to_be_hidden()
        page.wait_for_selector("#hits .cell img")
        assert page.locator(f'#hits .cell[title="{first}"]').count() == 0
        page.keyboard.press("u")
        until(page, "discarded", "0")
        page.wait_for_selector(f'#hits .cell[title="{first}"] img')  # it is listed again


def test_the_theme_is_changed_and_remembered(page: Any) -> None:
    """Scripts that were loaded twice would change it there and back."""
    page.goto("/")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert after != before
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == after


def test_every_script_is_loaded_once(page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url.partition("?")[0]))
    for path in ("/", "/map", "/overview", "/campaigns/new", "/compose"):
        asked.clear()
        page.goto(path)
        page.wait_for_load_state("networkidle")
        scripts = [url for url in asked if url.endswith(".js")]
        assert len(scripts) == len(set(scripts)) > 1


def test_play_the_frames_of_a_video_that_lies_elsewhere(chromium: Any, tmp_path: Path) -> None:
    from video_builder import write_video

    from selectlab.assertion_run import run_assertion, write_run
    from selectlab.assertions.appear import Appear
    from selectlab.assertions.flicker import Flicker

    data = flickering_folder(tmp_path)
    for image in data.glob("*.png"):
        image.unlink()
    write_video(tmp_path / "clips" / "clip.mp4", 12)
    for assertion in (Appear(), Flicker()):
        write_run(run_assertion(assertion, open_dataset(data), "det"))
    studio = Studio(open_dataset(data), videos=tmp_path / "clips")
    with served(studio) as client, watched(chromium, client.address) as page:
        page.goto("/flickering")
        assert page.locator("#file").input_value() == "det/flicker"
        middle = page.locator("#panels figure.selected svg")
        playwright.expect(middle.locator(".shape.imputed")).to_have_count(1)
        dashes = middle.locator(".shape.imputed").evaluate(
            "one => getComputedStyle(one).strokeDasharray"
        )
        assert dashes != "none"
        assert middle.locator("image").evaluate(DECODED) == [160, 128]
        page.select_option("#speed", "20")
        page.evaluate(NOTED)
        page.click("#play")
        page.wait_for_function(PLAYED)  # all frames of the clip, one after the other
        page.keyboard.press("p")
        playwright.expect(page.locator("#panels figure")).to_have_count(3)
        page.locator(".cell").first.focus()
        page.keyboard.press("x")
        playwright.expect(page.locator("#marks")).to_contain_text("1 marked")
        page.select_option("#file", "det/appear")
        page.wait_for_url("**/flickering?file=det%2Fappear")
        page.reload()
        assert page.locator("#file").input_value() == "det/appear"


DECODED = """async (one) => {
  const image = new Image();
  image.src = one.getAttribute("href");
  await image.decode();
  return [image.naturalWidth, image.naturalHeight];
}"""
NOTED = """() => {
  window.seen = new Set();
  new MutationObserver(() => {
    const said = document.querySelector("#panels.playing figcaption");
    if (said) seen.add(said.textContent);
  }).observe(document.getElementById("panels"), { childList: true });
}"""
PLAYED = "() => seen.size === 12"
