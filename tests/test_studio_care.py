"""No decision is lost unsaid, and nobody wonders at a number: campaigns when people are in a hurry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import bad_toasts, toast, watched
from studio_dataset import (
    NAMES,
    Client,
    served,
    studio_folder,
    wait_for,
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
    page.clock.fast_forward(3_000)  # and as long as the machine took
    assert page.locator("#job").is_visible()
    page.clock.fast_forward(13_000)
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
    wait_for(lambda: counts(campaigns, "hurry")["discarded"] == n)


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


def heard(page: Any, said: list[Any], n: int) -> None:
    """Wait until the page has said so much."""

    def reached() -> bool:
        page.wait_for_timeout(20)  # what it says is heard meanwhile
        return len(said) >= n

    wait_for(reached)


def test_unsent_decisions_go_out_together(page: Any, client: Client) -> None:
    """The server is slow to answer: all that waits is sent when the page goes, in one go, with
    what has no answer yet; and what was taken back before it was sent is not sent at all."""
    campaigns = collected(client, "slow")
    opened(page, "slow")
    sent: list[dict[str, Any]] = []

    def hold(route: Any) -> None:
        sent.append(json.loads(route.request.post_data))

    for path in ("judge", "undo", "decide"):
        page.route(f"**/api/campaign/{path}", hold)
    for key in "adadu":
        page.keyboard.press(key)
    heard(page, sent, 1)
    page.wait_for_timeout(200)
    assert [len(one["ids"]) for one in sent] == [1]  # one after the other
    page.evaluate("() => dispatchEvent(new Event('pagehide'))")
    heard(page, sent, 2)
    steps = sent[1]["steps"]
    assert [one["status"] for one in steps] == ["accepted", "discarded", "accepted"]
    assert [one["number"] for one in steps] == [1, 2, 3]
    assert sent[0]["turn"] == [sent[1]["tab"], 1]
    assert len({one["ids"][0] for one in steps}) == 3
    assert counts(campaigns, "slow")["accepted"] == 0
    page.unroute_all(behavior="ignoreErrors")


def test_what_is_sent_on_leaving_overtakes_nothing(page: Any, client: Client) -> None:
    """A decision is under way, its undo and another one wait: whichever request comes first, the
    first sample ends as it was and the second one discarded."""
    campaigns = collected(client, "late")
    opened(page, "late")
    held: list[Any] = []
    page.route("**/api/campaign/judge", lambda route: held.append(route))
    first, second = (page.locator("#hits .cell").nth(k).get_attribute("title") for k in range(2))
    for key in "aud":
        page.keyboard.press(key)
    heard(page, held, 1)
    with page.expect_response("**/api/campaign/decide") as answer:
        page.evaluate("() => dispatchEvent(new Event('pagehide'))")
    assert answer.value.json() == {"problems": []}
    with page.expect_response("**/api/campaign/judge"):
        held[0].continue_()
    assert held[1:] == []
    standings = {one.sample_id: one.status for one in campaigns.hits("late")}
    assert (standings[first], standings[second]) == ("new", "discarded")
    page.unroute_all(behavior="ignoreErrors")


def test_more_than_a_browser_sends_for_a_page_that_goes_is_asked_about(
    page: Any, client: Client
) -> None:
    """It sends 64 KiB; letters beyond ASCII are several bytes."""
    collected(client, "large")
    opened(page, "large")
    answers: list[Any] = []
    page.route("**/api/campaign/judge", lambda route: answers.append(route))
    page.keyboard.press("a")
    heard(page, answers, 1)
    asks = "() => !dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    grow = "(long) => { document.querySelector('#hits .cell:focus').item.id = long; }"
    for length, asked in ((13_000, False), (3_000, True)):
        page.keyboard.press("ArrowRight")
        page.wait_for_selector("#hits .cell:focus")
        page.evaluate(grow, "é" * length)
        page.keyboard.press("a")
        assert page.evaluate(asks) is asked
    page.unroute_all(behavior="ignoreErrors")


def test_a_decision_over_that_of_another_tab_says_so(page: Any, client: Client) -> None:
    collected(client, "both")
    opened(page, "both")
    first = page.locator("#hits .cell").first.get_attribute("title")
    client.post("/api/campaign/judge", name="both", ids=[first], status="accepted")
    page.keyboard.press("d")
    toast(page, "was accepted elsewhere meanwhile; it is discarded now")
    page.keyboard.press("d")
    page.keyboard.press("u")
    page.keyboard.press("u")
    cell = page.locator(f'#hits .cell[title="{first}"]')
    playwright.expect(cell).to_contain_text("accepted")
    assert bad_toasts(page) == 1  # nothing is said of one's own decisions


def test_without_a_server_nothing_is_taken_for_saved(page: Any, client: Client) -> None:
    campaigns = collected(client, "gone")
    opened(page, "gone")
    page.route("**/api/campaign/judge", lambda route: route.abort())
    first, second = (page.locator("#hits .cell").nth(k) for k in range(2))
    page.keyboard.press("d")
    playwright.expect(first).to_contain_text("not saved")
    playwright.expect(first).to_be_focused()
    toast(page, "1 decision not saved")
    page.keyboard.press("d")
    page.wait_for_timeout(300)
    playwright.expect(first).to_be_focused()
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.evaluate("() => { location.href = '/'; }")
    heard(page, asked, 1)
    assert asked == ["beforeunload"]
    page.unroute("**/api/campaign/judge")
    page.keyboard.press("d")
    playwright.expect(second).to_be_focused()
    playwright.expect(first).to_contain_text("discarded")
    assert counts(campaigns, "gone")["discarded"] == 1


def test_what_reads_decisions_waits_for_them(page: Any, client: Client) -> None:
    """The server is slow: an export, and another list, have all that was decided before."""
    campaigns = collected(client, "wait")
    opened(page, "wait")
    held: list[Any] = []
    page.route("**/api/campaign/judge", lambda route: held.append(route))
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    for _ in range(3):
        page.keyboard.press("a")
    heard(page, held, 1)
    page.locator("#filter label.tab", has_text="Accepted").click()
    page.click("#export")
    button = page.locator("#export-form button.main")
    button.click()
    playwright.expect(button).to_have_attribute("aria-busy", "true")
    button.click()  # once is enough
    page.wait_for_timeout(200)
    assert not [url for url in asked if "/export" in url or "status=accepted" in url]
    with page.expect_download() as fetched:
        for k in range(3):
            heard(page, held, k + 1)
            held[k].continue_()
    assert len(fetched.value.path().read_text().splitlines()) == 1 + 3
    playwright.expect(button).not_to_have_attribute("aria-busy", "true")
    assert len([url for url in asked if "/export" in url]) == 1
    assert [url for url in asked if "status=accepted" in url]
    assert counts(campaigns, "wait")["exported"] == 3
    page.unroute_all(behavior="ignoreErrors")


# Decisions about what is marked


def mark(page: Any, names: list[str]) -> None:
    page.evaluate(
        "(names) => import('/static/studio.js').then((own) => own.marks.set(names, true))", names
    )


def test_what_is_marked_and_not_listed_is_decided_too(page: Any, client: Client) -> None:
    """Marked on another page, or farther down the list; what is no hit stays marked."""
    campaigns = collected(client, "marked")
    names = [hit.sample_id for hit in campaigns.hits("marked")]
    campaigns.discard("marked", names[-2:])
    opened(page, "marked")
    mark(page, [*names[:2], names[-1], NAMES[0], NAMES[2]])
    page.keyboard.press("a")
    toast(page, "3 accepted; 2 marked ones are no hits of this campaign: still marked")
    standings = {one.sample_id: one.status for one in campaigns.hits("marked")}
    accepted = [one for one in names if standings[one] == "accepted"]
    assert accepted == [*names[:2], names[-1]]
    playwright.expect(page.locator("#marks")).to_contain_text("2 marked")
    page.keyboard.press("d")
    toast(page, "nothing that is marked is a hit of this campaign: nothing is decided")
    playwright.expect(page.locator("#marks")).to_contain_text("2 marked")
    assert counts(campaigns, "marked")["discarded"] == 1
    page.keyboard.press("u")
    toast(page, "the last decision had changed nothing")
    assert counts(campaigns, "marked")["accepted"] == 3
    page.keyboard.press("u")
    toast(page, "3 taken back")
    assert counts(campaigns, "marked")["discarded"] == 2


def test_what_was_marked_and_not_saved_is_marked_again(page: Any, client: Client) -> None:
    campaigns = collected(client, "remarked")
    names = [hit.sample_id for hit in campaigns.hits("remarked")][:3]
    opened(page, "remarked")
    page.route("**/api/campaign/judge", lambda route: route.abort())
    mark(page, names)
    page.keyboard.press("a")
    toast(page, "3 decisions not saved")
    playwright.expect(page.locator("#marks")).to_contain_text("3 marked")
    page.unroute("**/api/campaign/judge")
    page.keyboard.press("a")
    playwright.expect(page.locator("#marks")).to_be_hidden()
    assert counts(campaigns, "remarked")["accepted"] == 3


def test_one_undo_takes_back_one_decision_of_any_size(page: Any, client: Client) -> None:
    """Many samples go out in several steps; so do those that wait when the page is left."""
    campaigns = collected(client, "many")
    names = [hit.sample_id for hit in campaigns.hits("many")]
    opened(page, "many")
    mark(page, [*names[:1], *(f"none {k}" for k in range(1100)), *names[1:4]])
    page.keyboard.press("a")
    toast(page, "4 accepted; 1,100 marked ones are no hits of this campaign: still marked")
    page.keyboard.press("u")
    toast(page, "4 taken back")
    assert counts(campaigns, "many")["accepted"] == 0
    page.get_by_role("button", name="Unmark all").click()
    sent: list[dict[str, Any]] = []

    def hold(route: Any) -> None:
        sent.append(json.loads(route.request.post_data))

    page.route("**/api/campaign/*", lambda route: hold(route) if route.request.post_data else None)
    mark(page, [str(k) for k in range(1200)])
    for key in "ad":
        page.keyboard.press(key)
    page.locator("#hits .cell").first.focus()
    for key in "uu":
        page.keyboard.press(key)
    heard(page, sent, 1)
    page.evaluate("() => dispatchEvent(new Event('pagehide'))")
    heard(page, sent, 2)
    steps = sent[1]["steps"]
    assert [(one.get("status"), len(one.get("ids", []))) for one in steps] == [
        ("accepted", 500),
        (None, 0),
    ]
    page.unroute_all(behavior="ignoreErrors")


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
    told = page.locator("#would").inner_text()
    page.reload()
    playwright.expect(page.locator("#would")).to_have_text(told)
    playwright.expect(page.locator("#why-fewer")).to_be_visible()
    page.evaluate("""() => {
      const key = Object.keys(sessionStorage).find((one) => one.startsWith("earlier"));
      const held = JSON.parse(sessionStorage.getItem(key));
      sessionStorage.setItem(key, JSON.stringify({ ...held, made: "2020-01-01 00:00:00 UTC" }));
    }""")
    page.reload()  # that was of another campaign of this name
    playwright.expect(page.locator("#would")).to_contain_text("reach")
    playwright.expect(page.locator("#why-fewer")).to_be_hidden()
    assert "did with" not in page.locator("#would").inner_text()


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


# Messages, and what is marked


def stop_the_clock(page: Any) -> None:
    """Let messages stay, however long the machine takes."""
    page.clock.install(time=0)
    page.clock.pause_at(3_600_000)


def say(page: Any, *lines: str) -> None:
    page.evaluate(
        "(lines) => import('/static/studio.js').then((own) => lines.forEach((line) => own.say(line)))",
        list(lines),
    )


def test_of_many_messages_the_last_three_are_shown(page: Any) -> None:
    page.goto("/runs")
    place = page.get_by_role("status").and_(page.locator("#toasts"))
    assert place.get_attribute("aria-live") == "polite"
    assert place.get_attribute("aria-atomic") == "false"  # only what is new is read out
    stop_the_clock(page)
    say(page, "one", "two", "three", "four", "five")
    assert place.locator(".toast").all_inner_texts() == ["three", "four", "five"]
    page.clock.run_for(4_000)
    playwright.expect(place.locator(".toast")).to_have_count(0)


def test_messages_cover_neither_marks_nor_dialogs(page: Any) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto("/")
    page.wait_for_selector(".cell img")
    page.locator(".cell").first.focus()
    page.keyboard.press("x")
    stop_the_clock(page)
    say(page, "one", "two, which is so long that it takes more than a line of a narrow window")
    boxes = [one.bounding_box() for one in (page.locator("#toasts"), page.locator("#marks"))]
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]
    page.keyboard.press("t")
    say(page, "over the dialog")
    assert page.locator("#tag-dialog .toast", has_text="over").evaluate(ON_TOP)
    page.keyboard.press("Escape")
    assert page.locator("#dock .toast", has_text="over").evaluate(ON_TOP)
    say(page, "below")
    assert page.locator("#dock .toast", has_text="below").evaluate(ON_TOP)


ON_TOP = """(one) => {
  const at = one.getBoundingClientRect();
  return document.elementFromPoint(at.x + at.width / 2, at.y + at.height / 2) === one;
}"""


def test_what_is_marked_takes_one_line_of_a_narrow_window(page: Any) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto("/")
    page.wait_for_selector(".cell img")
    page.locator(".cell").first.focus()
    page.keyboard.press("x")
    bar, more = page.locator("#marks"), page.get_by_role("button", name="More", exact=True)
    assert bar.bounding_box()["height"] < 56
    assert page.get_by_role("button", name="Find more like these").is_visible()
    assert page.locator("#write-tag").is_hidden()
    more.press("Enter")
    less = page.get_by_role("button", name="Less")
    playwright.expect(less).to_be_focused()
    assert less.get_attribute("aria-expanded") == "true"
    assert bar.bounding_box()["x"] + bar.bounding_box()["width"] <= 400
    for name in ("Write as tag ...", "Copy ids", "Add to campaign ...", "Unmark all"):
        assert bar.get_by_role("button", name=name).is_visible()
    bar.get_by_role("button", name="Unmark all").click()
    playwright.expect(bar).to_be_hidden()
    page.set_viewport_size({"width": 1000, "height": 800})
    page.locator(".cell").first.focus()
    page.keyboard.press("x")
    playwright.expect(more).to_be_hidden()
    assert page.locator("#write-tag").is_visible()
    assert bar.bounding_box()["height"] < 56
