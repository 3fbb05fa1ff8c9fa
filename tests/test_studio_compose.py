"""The form of a selection: nothing is checked or run but what is shown, and nothing of it is lost."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from browser import watched
from small_dataset import DIVERSITY, EMBEDDINGS, config
from studio_dataset import (
    Client,
    served,
    studio_folder,
    with_runs,
)

from selectlab import Dataset
from selectlab.inputs.folder import open_dataset
from selectlab.studio.attributes import class_codes
from selectlab.studio.requests import LONGEST
from selectlab.studio.studio import Studio

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
PLAIN = config((EMBEDDINGS, DIVERSITY), n_samples=4)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    data = with_runs(studio_folder(tmp_path_factory.mktemp("compose")))
    with served(Studio(open_dataset(data))) as client:
        yield client


@pytest.fixture
def page(chromium: Any, client: Client) -> Iterator[Any]:
    with watched(chromium, client.address) as page:
        yield page


def refused(page: Any, line: str) -> None:
    playwright.expect(page.locator("#blocked")).to_contain_text(line)
    assert page.locator("#check").is_disabled()
    assert page.locator("#run").is_disabled()


def free(page: Any) -> None:
    playwright.expect(page.locator("#blocked")).to_have_text("")
    playwright.expect(page.locator("#check")).to_be_enabled()
    playwright.expect(page.locator("#run")).to_be_enabled()


def test_text_that_is_no_json_is_neither_checked_nor_run(page: Any) -> None:
    page.goto("/compose")
    page.wait_for_selector("fieldset.strategy")
    text = page.locator("#json")
    whole = text.input_value()
    text.fill(whole.rstrip()[:-1])
    refused(page, "The config is not JSON yet.")
    text.fill("[]")
    refused(page, "The config is not JSON yet.")
    text.fill(whole)
    free(page)


def test_what_is_shown_is_what_is_checked(page: Any, client: Client) -> None:
    """To the last digit: a script would make 2 ** 63 + 1 another number."""
    page.goto("/compose")
    page.wait_for_selector("fieldset.strategy")
    source = {"type": "RANDOMM"}
    pair = {"input": source, "strategy": {"type": "WEIGHTS"}}
    page.locator("#json").fill(json.dumps({"n_samples": 3, "strategies": [pair]}))
    page.click("#check")
    outcome = page.locator("#outcome")
    playwright.expect(outcome).to_contain_text("Strategy 1, type: nothing is called 'RANDOMM'")
    seed = {"type": "RANDOM", "random_seed": 2**63 + 1}
    given = json.dumps(
        {"n_samples": 3, "strategies": [{"input": seed, "strategy": {"type": "WEIGHTS"}}]}
    )
    page.locator("#json").fill(given)
    playwright.expect(outcome).to_have_text("")  # it was about another config
    with page.expect_request("**/api/compose/check") as asked:
        page.click("#check")
    assert json.loads(asked.value.post_data)["config"] == given
    assert str(2**63 + 1) in given


def test_a_field_that_holds_no_value_is_neither_checked_nor_run(page: Any) -> None:
    page.goto("/compose")
    page.wait_for_selector("fieldset.strategy")
    size = page.locator("#top input").first
    size.fill("")
    size.press_sequentially("5e")
    refused(page, "n_samples: no number")
    size.fill("5")
    free(page)
    first = page.locator("fieldset.strategy").first
    first.get_by_label("Aim").select_option("BALANCE")
    first.get_by_label("Looks at").select_option("PREDICTIONS")
    target = first.locator('[data-path="strategies[0].strategy.target"]')
    target.get_by_role("button", name="Add").click()
    target.get_by_label("name").fill("car")
    refused(page, "Strategy 1, target: how much of car?")
    target.get_by_label("number").fill("0.3")
    free(page)
    target.get_by_role("button", name="Add").click()
    target.get_by_label("name").nth(1).fill("car")
    refused(page, "Strategy 1, target: car stands there twice")


def test_classes_are_offered_with_their_shares(page: Any) -> None:
    """45 objects, k % 4 in sample k, the first and third of them cars: 30 of 44."""
    page.goto("/compose")
    page.wait_for_selector("fieldset.strategy")
    first = page.locator("fieldset.strategy").first
    first.get_by_label("Aim").select_option("BALANCE")
    first.get_by_label("Looks at").select_option("PREDICTIONS")
    first.locator('[data-path="strategies[0].input.task"] select').select_option("det")
    target = first.locator('[data-path="strategies[0].strategy.target"]')
    target.get_by_role("button", name="All classes, as they are now").click()
    names = [one.input_value() for one in target.get_by_label("name").all()]
    assert names == ["car", "<b>bus</b>"]
    shares = [float(one.input_value()) for one in target.get_by_label("number").all()]
    counted = [sum((k % 4 + 1) // 2 for k in range(30)), sum(k % 4 // 2 for k in range(30))]
    assert shares == pytest.approx([n / sum(counted) for n in counted], abs=5e-4)
    playwright.expect(target.locator(".sum")).to_have_text("Sum 1.")
    target.get_by_label("number").first.fill("0.4")
    target.get_by_label("number").nth(1).fill("0.2")
    playwright.expect(target.locator(".sum")).to_contain_text("Sum 0.6; the other 0.4 is for")
    target.get_by_label("number").nth(1).fill("0.9")
    playwright.expect(target.locator(".sum")).to_have_text("Sum 1.3: more than 1, scaled down.")
    held = json.loads(page.locator("#json").input_value())["strategies"][0]["strategy"]["target"]
    assert held == {"car": 0.4, "<b>bus</b>": 0.9}
    assert page.locator("#classes-0 option").count() == 2


def test_a_config_is_there_after_leaving_the_page(page: Any) -> None:
    page.goto("/compose")
    page.wait_for_selector("fieldset.strategy")
    page.locator("#top input").first.fill("7")
    page.locator("#after").select_option("fast")
    page.goto("/runs")
    page.goto("/compose")
    playwright.expect(page.locator("#top input").first).to_have_value("7")
    playwright.expect(page.locator("#after")).to_have_value("fast")
    page.locator("#json").fill('{"n_samples": 3,')
    page.reload()
    playwright.expect(page.locator("#json")).to_have_value('{"n_samples": 3,')
    refused(page, "The config is not JSON yet.")
    page.get_by_role("button", name="Begin anew").click()
    playwright.expect(page.locator("#top input").first).to_have_value("20")
    free(page)


def test_a_run_goes_on_from_another_one(client: Client) -> None:
    told = client.post("/api/compose/check", config=json.dumps(PLAIN), after="fast")
    assert (told["counts"]["candidates"], told["counts"]["preselected"]) == (22, 8)
    client.post("/api/compose/run", config=PLAIN, name="second", after="fast")
    assert client.finished()["result"]["selected"] == 4
    before, made = (client.studio.runs.get(name) for name in ("fast", "second"))
    assert made.content["preselected"] == before.ids
    assert "'no': no such run" in client.refused("/api/compose/check", config=PLAIN, after="no")


def test_text_of_a_config_is_read_with_care(client: Client) -> None:
    for text in ('{"n_samples": 4,', "", "[" * 20_000, "nul"):
        line = client.refused("/api/compose/check", config=text)
        assert line.startswith("config: malformed JSON, ")
    line = client.refused("/api/compose/check", config="[]")
    assert line == "config: expected an object with a list 'strategies'"
    odd = json.dumps({**PLAIN, "lightly_path_regex": "\0"})
    assert "there is a NUL" in client.refused("/api/compose/check", config=odd)


def test_a_check_answers_also_where_the_config_is_wrong(client: Client) -> None:
    """It is a question: only what is no config at all is refused."""
    told = client.post("/api/compose/check", config=json.dumps({"n_samples": 4}))
    assert told == {"problem": "strategies: required, but missing"}
    odd = {**PLAIN, "lightly_path_regex": "x\n" * 2000}
    problem = client.post("/api/compose/check", config=odd)["problem"]
    assert "\n" not in problem
    assert len(problem) <= LONGEST + 4
    assert client.refused("/api/compose/run", config={"n_samples": 4}, name="wrong")


def test_a_check_of_a_wrong_config_is_no_error_of_the_page(page: Any) -> None:
    said: list[str] = []
    page.on("console", lambda one: said.append(one.text))
    page.goto("/compose")
    first = page.locator("fieldset.strategy").first
    first.get_by_label("Aim").select_option("BALANCE")
    first.get_by_label("Looks at").select_option("METADATA")
    page.click("#check")
    key = first.locator('[data-path="strategies[0].input.key"]')
    playwright.expect(key.locator(".field-error")).to_have_text("required, but missing")
    playwright.expect(page.locator("#outcome")).to_contain_text("It is shown at the field too.")
    assert said == []


def test_runs_beside_the_dataset_take_names_too(tmp_path: Path) -> None:
    data = studio_folder(tmp_path)
    from selectlab import api

    api.select(PLAIN, data).save(tmp_path / "run")
    with served(Studio(open_dataset(data))) as client:
        assert client.get("/api/compose/name") == {"name": "run 2"}
        line = client.refused("/api/compose/run", config=PLAIN, name="run")
        assert line == "name: there is a run 'run' already; choose another name"


def test_classes_of_metadata_and_what_has_none(client: Client) -> None:
    items = client.get("/api/compose/classes", key="weather")["items"]
    assert [round(one["share"], 3) for one in items] == [0.667, 0.333]
    assert items[1]["name"] == "sunny"
    assert client.get("/api/compose/classes", key="speed") == {"items": []}
    sky = pd.DataFrame({"sky": ["rain", None, "sun", "sun"]}, index=list("abcd"))
    names, codes = class_codes(Dataset(list("abcd"), metadata=sky), key="sky")
    assert [names[code] for code in codes] == ["rain", "sun", "sun"]


def test_a_run_is_exported(page: Any, client: Client, tmp_path: Path) -> None:
    page.goto("/run?name=fast")
    page.click("#export")
    with page.expect_download() as fetched:
        page.locator("#export-form button.main").click()
    fetched.value.save_as(tmp_path / "fast.csv")
    lines = (tmp_path / "fast.csv").read_text().splitlines()
    assert len(lines) == 1 + 8
    assert fetched.value.suggested_filename == "fast.csv"
    made = client.post("/api/run/export", name="fast", form="coco", task="det")
    packed = zipfile.ZipFile(io.BytesIO(client.http.get(made["link"]).content))
    content = json.loads(packed.read("annotations.json"))
    assert {one["name"] for one in content["categories"]} == {"car", "<b>bus</b>"}
    assert "no format is called 'cocoo'" in client.refused(
        "/api/run/export", name="fast", form="cocoo"
    )
