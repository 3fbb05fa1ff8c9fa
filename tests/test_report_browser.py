"""Reports in a real browser, opened from disk: they draw, answer, print, and run nothing else."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser import found_browser, opened
from report_page import HOSTILE, HOSTILE_CONFIG, flickering_folder, hostile_folder, ran
from small_dataset import DIVERSITY, EMBEDDINGS, UNIFORM, WEIGHTS, config, metadata, selectlab

from selectlab.dataset import Dataset
from selectlab.report import write_report
from selectlab.report.record import read_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a dataset in which every name is an attack, with its report."""
    root = tmp_path_factory.mktemp("hostile")
    data = hostile_folder(root / "data")
    made = ran(HOSTILE_CONFIG, data, root / "run")
    write_report(made, data)
    return made


@pytest.fixture
def page(chromium: Any, run: Path) -> Any:
    with opened(chromium, run / "report.html") as page:
        yield page


def test_every_chart_is_drawn(page: Any) -> None:
    n = page.locator(".plot").count()
    assert n >= 10
    assert page.locator(".plot > .plot-container").count() == n
    assert page.locator(".plot .errorbars, .plot .main-svg").count() >= n
    for box in (page.locator(".plot").nth(k).bounding_box() for k in range(n)):
        assert box["width"] > 250
        assert box["height"] > 120
    assert page.locator("#points .points path").count() == 12


def test_nothing_of_the_data_runs(page: Any) -> None:
    """Names stand in the page as text, in charts too, and nothing that is put in later can run."""
    assert page.evaluate("window.pwned") is None
    assert page.locator("main img").count() == 0
    page.locator("#points").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    for at in range(page.locator("#colour-by option").count()):
        page.select_option("#colour-by", index=at)
    page.select_option("#colour-by", label=HOSTILE)
    assert HOSTILE in page.locator("#colour-legend").inner_text()
    page.wait_for_timeout(100)
    assert page.evaluate("window.pwned") is None
    assert page.locator("main img[src=x], main script[src], main u, main i").count() == 0


def test_what_is_put_in_later_cannot_run(chromium: Any, run: Path) -> None:
    """The browser itself refuses, and says so."""
    page = chromium.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text))
    page.goto((run / "report.html").as_uri())
    page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.pwned = 4';"
        "document.body.append(s); document.body.insertAdjacentHTML('beforeend',"
        "`<img src='https://example.invalid/x.png' onerror='window.pwned = 5'>`)"
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.pwned") is None
    assert len([text for text in refused if "Content Security Policy" in text]) >= 3
    page.close()


def test_the_arrow_keys_go_through_the_picks(page: Any, run: Path) -> None:
    picks = read_run(run).picks
    shown = page.locator("#point")
    page.locator("#points").focus()
    for key, pick in (("ArrowRight", 0), ("ArrowRight", 1), ("ArrowLeft", 0), ("ArrowLeft", -1)):
        page.keyboard.press(key)
        text = shown.inner_text()
        assert picks[pick].sample_id in text
        assert f"selected, rank {picks[pick].rank}" in text
        assert all(reason in text for reason in picks[pick].reason.split("; ")[:1])
    assert shown.locator("img").get_attribute("src").startswith("data:image/jpeg")
    assert page.locator("#points .hoverlayer text").first.inner_html()


def test_pointing_at_a_sample_shows_it_and_a_click_keeps_it(page: Any) -> None:
    page.locator("#points").scroll_into_view_if_needed()
    ids = page.evaluate("JSON.parse(document.getElementById('points-data').textContent).ids")
    shown = page.locator("#point")
    marks = page.locator("#points .points path")

    def at(number: int) -> tuple[float, float]:
        box = marks.nth(number).bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def wait_for(text: str) -> None:
        page.wait_for_function(
            "text => document.getElementById('point').innerText.includes(text)", arg=text
        )

    page.mouse.move(*at(11))
    wait_for(ids[11])
    page.mouse.click(*at(11))
    wait_for("Kept")
    page.mouse.move(*at(0))
    page.wait_for_timeout(150)
    assert ids[11] in shown.inner_text()


def test_colours_follow_the_choice(page: Any) -> None:
    def colours() -> list[str]:
        found: list[str] = page.eval_on_selector_all(
            "#points .points path", "all => all.map(one => one.style.fill)"
        )
        return found

    before = colours()
    assert len(set(before)) == 2
    page.select_option("#colour-by", label="<i>speed</i>")
    assert len(set(colours())) == 12
    assert page.locator("#colour-legend").inner_text() == "0.1110.89"  # with the ramp between
    page.select_option("#colour-by", label="rank of the pick")
    assert "no value" in page.locator("#colour-legend").inner_text()
    assert len(set(colours())) == 6  # five ranks, and grey
    shapes = page.eval_on_selector_all(
        "#points .points path", "all => all.map(one => one.getAttribute('d').includes('A'))"
    )
    assert shapes == [True] * 7 + [False] * 5  # circles, then diamonds: told apart without colour


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_no_width_cuts_anything_off(chromium: Any, run: Path, width: int) -> None:
    with opened(chromium, run / "report.html", width=width) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        wide = page.evaluate(
            "w => [...document.querySelectorAll('main *')].filter(one => "
            "one.getBoundingClientRect().right > w + 1 && !one.closest('.scroll, svg, pre'))"
            ".map(one => one.outerHTML.slice(0, 80))",
            width,
        )
        assert wide == []


def test_charts_follow_a_changed_width(chromium: Any, run: Path) -> None:
    with opened(chromium, run / "report.html", width=1300) as page:
        before = page.locator(".chart.wide .main-svg").first.bounding_box()["width"]
        page.set_viewport_size({"width": 500, "height": 900})
        page.wait_for_function(
            "() => document.querySelector('.wide .main-svg').getBoundingClientRect().width < 480"
        )
        assert before > 1000


def test_everything_has_a_text_and_headings_are_in_order(page: Any) -> None:
    """Pictures and charts have alternative texts; no level of headings is left out."""
    bare = page.eval_on_selector_all(
        "img, [role=img]", "all => all.filter(one => !(one.alt || one.ariaLabel)).length"
    )
    assert bare == 0
    levels = page.eval_on_selector_all(
        "h1, h2, h3, h4", "all => all.map(one => Number(one.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    for link in page.eval_on_selector_all("nav a", "all => all.map(one => one.hash)"):
        assert page.locator(link).count() == 1


def test_it_can_be_printed(chromium: Any, run: Path) -> None:
    """On paper the charts shrink with the page: none is wider than it, and all are there."""
    with opened(chromium, run / "report.html") as page:
        n = page.locator(".plot .main-svg").count()
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 700, "height": 990})
        boxes = [page.locator(".plot .main-svg").nth(k).bounding_box() for k in range(n)]
        assert max(box["x"] + box["width"] for box in boxes) <= 700
        assert page.locator("nav").is_hidden()
        assert page.locator("#coloured-by").is_visible()
        beside = page.locator(".beside table").bounding_box()
        assert beside["x"] + beside["width"] <= 700
        printed = page.pdf(format="A4")
    assert printed.startswith(b"%PDF-")
    assert 4 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 15


def test_numbers_that_are_open_are_printed_whole(chromium: Any, run: Path) -> None:
    """All rows and columns, on the pages they need, and no number goes on in the next line."""
    with opened(chromium, run / "report.html") as page:
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 700, "height": 990})
        tables = page.locator("details table")
        assert tables.count() >= 5
        for k in range(tables.count()):
            table, around = tables.nth(k).bounding_box(), tables.nth(k).locator("..").bounding_box()
            assert table["x"] + table["width"] <= 700
            assert table["height"] <= around["height"] + 1  # nothing is left to scroll to
        heights = page.eval_on_selector_all(
            "details tbody tr", "all => all.map(one => one.getBoundingClientRect().height)"
        )
        assert max(heights) < 1.5 * min(heights)
        inside = page.eval_on_selector_all(
            ".group:has(details)", "all => all.map(one => getComputedStyle(one).display)"
        )
        assert set(inside) == {"block"}  # others cannot go on on the next page


CONTRASTS = """() => {
  const channel = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) =>
    0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const ground = (one) => {
    for (; one; one = one.parentElement) {
      const found = parts(getComputedStyle(one).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const own = (one) => [...one.childNodes].some((k) => k.nodeType === 3 && k.data.trim());
  return [...document.querySelectorAll("body *")]
    .filter((one) => own(one) && one.getClientRects().length && !one.closest(".picture, script"))
    .map((one) => {
      const style = getComputedStyle(one);
      const ink = light(parts(one instanceof SVGElement ? style.fill : style.color));
      const paper = light(ground(one));
      const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
      return [ratio, one.outerHTML.slice(0, 120)];
    });
}"""
"""How far each text stands out from what is behind it: 1 is not at all, 21 black on white."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_on_light_and_dark_ground(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.locator("#points").focus()
    page.keyboard.press("ArrowRight")
    for details in page.locator("details").all():
        details.evaluate("one => one.open = true")
    found = page.evaluate(CONTRASTS)
    assert len(found) > 200
    assert [one for one in found if one[0] < 4.5] == []
    [shade] = {page.evaluate("getComputedStyle(document.body).backgroundColor")}
    assert (shade == "rgb(255, 255, 255)") == (scheme == "light")


def test_charts_stand_on_light_ground_in_the_dark(page: Any) -> None:
    """Their colours are chosen for it; nothing of them is darker, and nothing is drawn anew."""
    page.emulate_media(color_scheme="dark")
    grounds = page.eval_on_selector_all(
        ".plot, #points", "all => all.map(one => getComputedStyle(one).backgroundColor)"
    )
    assert len(grounds) > 10
    assert {*grounds} == {"rgb(228, 228, 223)"}
    covering = page.eval_on_selector_all(
        ".main-svg, .main-svg .bg",
        "all => all.map(one => one.matches('.bg') ? getComputedStyle(one).fill "
        ": getComputedStyle(one).backgroundColor)",
    )
    assert {*covering} <= {"none", "rgba(0, 0, 0, 0)"}


def test_it_is_printed_on_white_by_those_who_read_in_the_dark(page: Any) -> None:
    def looks() -> list[str]:
        found: list[str] = page.eval_on_selector_all(
            "body, h1, .caption, .plot, .main-svg, .gridlayer path, pre",
            "all => all.map(one => { const s = getComputedStyle(one);"
            " return [s.color, s.backgroundColor, s.stroke, s.colorScheme].join() })",
        )
        return found

    page.emulate_media(media="print", color_scheme="light")
    light = looks()
    page.emulate_media(media="print", color_scheme="dark")
    assert looks() == light
    assert "rgb(26, 26, 26),rgb(255, 255, 255)" in light[0]
    page.emulate_media(media="screen", color_scheme="dark")
    assert looks() != light


def test_the_command_prints(run: Path, tmp_path: Path) -> None:
    found_browser()
    out = tmp_path / "report.html"
    ended = selectlab("report", run, "--out", out, "--pdf")
    assert ended.code == 0, ended.err
    assert f"written: {tmp_path / 'report.pdf'}" in ended.out
    printed = (tmp_path / "report.pdf").read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) >= 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.pdf"]


def test_frames_and_a_run_without_data(chromium: Any, tmp_path: Path) -> None:
    data = flickering_folder(tmp_path / "data")
    asked = config((metadata("flickering"), WEIGHTS), n_samples=4)
    made = ran(asked, data, tmp_path / "run")
    with opened(chromium, write_report(made, data).html) as page:
        assert page.locator(".strip svg.picture").count() == 6
        dashed = page.locator(".strip .middle g[stroke-dasharray] rect").first.bounding_box()
        assert dashed["width"] > 40
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 700, "height": 990})
        tops = page.eval_on_selector_all(
            ".strip svg.picture", "all => all.map(one => one.getBoundingClientRect().top)"
        )
        assert len(tops) == 6
        assert len(set(tops[:3])) == 1  # side by side on paper too
    data.rename(tmp_path / "moved")
    with opened(chromium, write_report(made).html) as page:
        assert page.locator(".plot > .plot-container").count() == page.locator(".plot").count() > 0
        assert page.locator("#points").count() == 0


def test_balance_and_diversity_of_pictures(chromium: Any, tmp_path: Path) -> None:
    """A white margin of a chart would hide a series: every series has its marks."""
    data = hostile_folder(tmp_path / "data")
    pairs = [(EMBEDDINGS, DIVERSITY), (metadata(HOSTILE), UNIFORM)]
    made = ran(config(*pairs, n_samples=6), data, tmp_path / "run")
    with opened(chromium, write_report(made, data).html) as page:
        bars = page.locator(".plot").filter(has=page.locator(".barlayer")).first
        assert bars.locator(".barlayer .trace").count() == 3
        assert bars.locator(".scatterlayer .point").count() == 2


def test_inputs_with_one_chart_stand_side_by_side(chromium: Any, run: Path) -> None:
    """Where there is room; one below the other in a narrow window, and on paper in pairs."""
    for width, side_by_side in ((1200, True), (500, False)):
        with opened(chromium, run / "report.html", width=width) as page:
            first, second = page.eval_on_selector_all(
                ".group:not(.wide)",
                "all => all.slice(0, 2).map(one => one.getBoundingClientRect().toJSON())",
            )
            assert (first["y"] == second["y"]) == side_by_side
            assert (first["x"] < second["x"]) == side_by_side


def test_it_works_in_a_frame_that_is_shut_off(chromium: Any, run: Path, tmp_path: Path) -> None:
    """As somebody's page may show it: in an origin of its own, with scripts and nothing else."""
    frame = tmp_path / "frame.html"
    source = (run / "report.html").as_uri()
    frame.write_text(f'<iframe sandbox="allow-scripts" width="900" height="800" src="{source}">')
    with opened(chromium, frame) as page:
        inside = page.frame_locator("iframe")
        inside.locator(".plot > .plot-container").last.wait_for()
        inside.locator("#points").focus()
        inside.locator("#points").press("ArrowRight")
        assert "selected, rank 1" in inside.locator("#point").inner_text()


def test_numbers_in_narrow_tables_stay_whole(chromium: Any, tmp_path: Path) -> None:
    """A rank of four digits is no 176 above a 0, beside a name that takes all the room."""
    ids = [f"{'a_long_name/' * 9}{k:04d}.jpg" for k in range(2000)]
    data = Dataset(ids, metadata={"x": [float(k) for k in range(2000)]})
    run = ran(config((metadata("x"), WEIGHTS), n_samples=1800), data, tmp_path / "run")
    with opened(chromium, write_report(run, data).html, width=360) as page:
        lines = page.eval_on_selector_all(
            "th.number",
            "all => all.map(one => { const r = document.createRange(); r.selectNodeContents(one);"
            " return r.getClientRects().length })",
        )
        assert lines == [1] * 24
