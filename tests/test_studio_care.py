"""No decision is lost unsaid, and nobody wonders at a number: campaigns when people are in a hurry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import watched
from studio_dataset import (
    NAMES,
    Client,
    served,
    studio_folder,
    with_index,
    with_objects,
)

from selectlab.inputs.folder import open_dataset
from selectlab.studio.studio import Studio

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    data = with_index(studio_folder(tmp_path_factory.mktemp("care")))
    with served(Studio(open_dataset(data))) as client:
        yield client


@pytest.fixture
def page(chromium: Any, client: Client) -> Iterator[Any]:
    with watched(chromium, client.address, console=False) as page:
        page.set_default_timeout(10_000)
        yield page


def collected(client: Client, name: str) -> Any:
    campaigns = client.studio.campaigns
    campaigns.create(name, ids=NAMES[0:6:2], threshold=0.02)
    campaigns.collect(name)
    return campaigns


def counts(campaigns: Any, name: str) -> dict[str, int]:
    return dict(campaigns.get(name).counts)


def test_a_banner_of_what_is_done_goes_by_itself(page: Any, client: Client) -> None:
    page.clock.install()
    client.studio.jobs.start("something", lambda job: {"link": "/runs"})
    client.finished()
    page.goto("/runs")
    playwright.expect(page.locator("#job")).to_contain_text("done")
    page.clock.fast_forward(10_000)
    assert page.locator("#job").is_visible()
    page.clock.fast_forward(6_000)
    playwright.expect(page.locator("#job")).to_be_hidden()


# Decisions


def opened(page: Any, name: str) -> None:
    page.goto(f"/campaign?name={name}")
    page.wait_for_selector("#hits .cell img")
    page.locator("#hits .cell").first.focus()


def test_decisions_are_kept_when_the_page_is_left_at_once(page: Any, client: Client) -> None:
    campaigns = collected(client, "hurry")
    opened(page, "hurry")
    n = counts(campaigns, "hurry")["new"]
    assert n > 8
    for _ in range(n):
        page.keyboard.press("d")
    page.evaluate("() => { location.href = '/'; }")
    page.wait_for_url(f"{client.address}/")
    page.wait_for_selector(".cell")
    for _ in range(50):
        if counts(campaigns, "hurry")["discarded"] == n:
            break
        page.wait_for_timeout(100)
    assert counts(campaigns, "hurry")["discarded"] == n


def test_changes_outlive_the_page_unless_they_are_large(page: Any, client: Client) -> None:
    collected(client, "outlive")
    page.add_init_script(
        "const old = fetch; window.kept = [];"
        "window.fetch = (at, how) => { if (how?.body) kept.push([at, how.keepalive]); return old(at, how); };"
    )
    opened(page, "outlive")
    page.keyboard.press("d")
    until = "() => kept.length === 1 && kept[0][0] === '/api/campaign/judge' && kept[0][1]"
    page.wait_for_function(until)
    large = "import('/static/studio.js').then((own) => own.ask('/api/tags', { name: '?', ids: ['x'.repeat(70000)] }))"
    with pytest.raises(playwright.Error, match="tag: expected letters"):
        page.evaluate(large)
    assert page.evaluate("() => kept[1]") == ["/api/tags", False]


def test_unsent_decisions_go_out_together(page: Any, client: Client) -> None:
    """The server is slow to answer: all that waits is sent when the page goes."""
    campaigns = collected(client, "slow")
    opened(page, "slow")
    sent: list[dict[str, Any]] = []

    def hold(route: Any) -> None:
        sent.append(json.loads(route.request.post_data))

    page.route("**/api/campaign/judge", hold)
    for key in "adadu":
        page.keyboard.press(key)
    page.wait_for_timeout(200)
    assert [len(one["ids"]) for one in sent] == [1]  # one after the other
    page.evaluate("() => dispatchEvent(new Event('pagehide'))")
    page.wait_for_timeout(200)
    assert [(one["status"], len(one["ids"])) for one in sent] == [
        ("accepted", 1),
        ("accepted", 1),
        ("discarded", 1),
    ]
    assert len({one["ids"][0] for one in sent}) == 3
    assert counts(campaigns, "slow")["accepted"] == 0
    page.unroute_all(behavior="ignoreErrors")


def test_a_decision_over_that_of_another_tab_says_so(page: Any, client: Client) -> None:
    collected(client, "both")
    opened(page, "both")
    first = page.locator("#hits .cell").first.get_attribute("title")
    client.post("/api/campaign/judge", name="both", ids=[first], status="accepted")
    page.keyboard.press("d")
    toast = page.locator(".toast.bad")
    playwright.expect(toast).to_contain_text(
        "was accepted elsewhere meanwhile; it is discarded now"
    )
    page.keyboard.press("d")
    page.keyboard.press("u")
    page.keyboard.press("u")
    cell = page.locator(f'#hits .cell[title="{first}"]')
    playwright.expect(cell).to_contain_text("accepted")
    playwright.expect(toast).to_have_count(1)  # nothing is said of one's own decisions


def test_without_a_server_nothing_is_taken_for_saved(page: Any, client: Client) -> None:
    campaigns = collected(client, "gone")
    opened(page, "gone")
    page.route("**/api/campaign/judge", lambda route: route.abort())
    first, second = (page.locator("#hits .cell").nth(k) for k in range(2))
    page.keyboard.press("d")
    playwright.expect(first).to_contain_text("not saved")
    playwright.expect(first).to_be_focused()
    playwright.expect(page.locator(".toast.bad")).to_contain_text("1 decision not saved")
    page.keyboard.press("d")
    page.wait_for_timeout(300)
    playwright.expect(first).to_be_focused()
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.evaluate("() => { location.href = '/'; }")
    page.wait_for_timeout(500)
    assert asked == ["beforeunload"]
    page.unroute("**/api/campaign/judge")
    page.keyboard.press("d")
    playwright.expect(second).to_be_focused()
    playwright.expect(first).to_contain_text("discarded")
    assert counts(campaigns, "gone")["discarded"] == 1


def test_many_seeds_do_not_widen_the_page(page: Any, client: Client) -> None:
    client.studio.campaigns.create("wide", ids=NAMES[::1][:25])
    page.set_viewport_size({"width": 800, "height": 700})
    page.goto("/campaign?name=wide")
    page.locator("summary", has_text="Versions and seeds").click()
    playwright.expect(page.locator("#seeds li")).to_have_count(25)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 800


def test_an_order_that_cannot_be_had_is_not_offered(page: Any, client: Client) -> None:
    collected(client, "few")
    opened(page, "few")
    option = page.locator('option[value="classifier"]')
    playwright.expect(option).to_contain_text(
        "(needs 2 more accepted or a seed and 5 more discarded)"
    )
    assert option.is_disabled()


def test_fewer_matches_after_refining_are_explained(page: Any, client: Client) -> None:
    """A single seed takes in its whole group; a second one beside it tells how far to look."""
    campaigns = client.studio.campaigns
    campaigns.create("one", ids=[NAMES[0]], threshold=0.5)
    campaigns.collect("one")
    opened(page, "one")
    playwright.expect(page.locator("#would")).to_contain_text("reach it")
    page.keyboard.press("a")
    playwright.expect(page.locator("#next")).to_contain_text("1 accepted sample joins the seeds")
    page.click("#refine")
    playwright.expect(page.locator("#would")).to_contain_text("did with version 1")
    playwright.expect(page.locator("#why-fewer")).to_be_visible()


def test_samples_that_were_listed_are_not_counted_as_new(client: Client) -> None:
    campaigns = collected(client, "again")
    listed = sum(counts(campaigns, "again").values())
    campaigns.add_seeds("again", ids=NAMES[1:4:2])  # of the other group
    campaigns.commit("again")
    client.post("/api/campaign/collect", name="again", threshold=0.02)
    ended = client.finished()["result"]
    now = sum(counts(campaigns, "again").values())
    assert ended["new"] == now - listed > 0
    assert ended["new"] + ended["again"] == campaigns.get("again").runs[-1].n_collected
    assert ended["again"] > 0


# A campaign that begins


def test_what_a_campaign_would_find_is_counted_before_it_is_there(client: Client) -> None:
    told = client.post("/api/campaigns/preview", ids=NAMES[0:6:2])
    client.studio.campaigns.create("made", ids=NAMES[0:6:2])
    assert told["counts"] == client.get("/api/campaign/curve", name="made")["counts"]
    assert (told["seeds"], told["samples"]) == (3, 30)


def marked(page: Any, names: list[str]) -> None:
    page.goto("/campaigns/new")
    page.evaluate(
        "(names) => sessionStorage.setItem(`marks:${location.host}`, JSON.stringify(names))", names
    )
    page.reload()


def test_a_campaign_of_frames_says_what_an_object_means(page: Any, client: Client) -> None:
    marked(page, [f"{NAMES[3]}#0"])
    means = page.locator("#means")
    playwright.expect(means).to_contain_text("stands for the whole picture")
    playwright.expect(means).to_contain_text("selectlab predict --embed")
    playwright.expect(page.locator("#lone")).to_be_visible()
    page.locator("#threshold").focus()
    counts = client.post("/api/campaigns/preview", ids=[NAMES[3]])["counts"]
    for key, at in (("Home", 5), ("End", 100)):
        page.keyboard.press(key)
        line = f"{counts[at]} of 30 samples"
        playwright.expect(page.locator("#would")).to_contain_text(line)
    assert counts[5] != counts[100]


def test_objects_are_offered_where_they_have_embeddings(
    chromium: Any,
    tmp_path: Path,
) -> None:
    data = with_objects(with_index(studio_folder(tmp_path)))
    with served(Studio(open_dataset(data))) as client:
        page = chromium.new_page(base_url=client.address)
        marked(page, [f"{NAMES[3]}#{k}" for k in range(2)])
        playwright.expect(page.locator('input[name="task"][value="det"]')).to_be_checked()
        playwright.expect(page.locator("#means")).to_be_hidden()
        playwright.expect(page.locator("#would")).to_contain_text("samples")
        page.get_by_text("whole frames").click()
        playwright.expect(page.locator("#means")).to_contain_text('Choose "objects of det"')
        page.close()


def test_what_was_typed_stays_while_embeddings_are_indexed(chromium: Any, tmp_path: Path) -> None:
    data = studio_folder(tmp_path)
    with served(Studio(open_dataset(data))) as client, watched(chromium, client.address) as page:
        marked(page, NAMES[:3])
        page.fill("#name", "wet road")
        page.fill("#threshold", "0.3")
        page.fill("#space", "by hand")
        page.click("#index")
        playwright.expect(page.locator("form#new")).to_contain_text("30 indexed, by hand")
        playwright.expect(page.locator("#name")).to_have_value("wet road")
        playwright.expect(page.locator("#threshold")).to_have_value("0.3")
        page.reload()
        playwright.expect(page.locator("#name")).to_have_value("")
