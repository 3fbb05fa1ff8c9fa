"""Bodies and files that nobody would write by hand: no traceback, always one line."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_dataset import DIVERSITY, EMBEDDINGS
from studio_dataset import NAMES, Client, served, studio_folder, with_index, with_runs

from selectlab.errors import DataError
from selectlab.inputs.folder import open_dataset
from selectlab.report.report import FILE, MARK
from selectlab.studio.app import ROUTES
from selectlab.studio.downloads import Downloads
from selectlab.studio.requests import LONGEST
from selectlab.studio.run_reports import policy_of
from selectlab.studio.studio import Studio

ODD_VALUES = (None, 5, -1, "x", "", "9" * 5000, "../../x", "\n", [], [None], {}, {"a": 1}, True)
NO_TEXTS = ("\0", "a\0b", "\ud800", "a\udfff")
NO_JSON = ("NaN", "-Infinity", "9" * 5000, "[" * 20_000, "{", "")
VALID: dict[str, Any] = {
    "name": "seen",
    "ids": [NAMES[1]],
    "task": "",
    "threshold": 0.5,
    "active": True,
    "target": 5,
    "space": "by hand",
    "form": "csv",
    "statuses": ["new"],
    "mark": False,
    "status": "accepted",
    "config": {"n_samples": 3, "strategies": [{"input": EMBEDDINGS, "strategy": DIVERSITY}]},
    "number": 1,
    "rows": [1, 2],
    "how": "add",
    "seen": {NAMES[1]: "new"},
    "after": "fast",
    "turn": ["x", 1],
    "marked": True,
    "first": 1,
    "tab": "x",
    "steps": [{"number": 2, "status": "accepted", "ids": [NAMES[1]]}, {"number": 3}],
}
"""What each field of a request may hold."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    data = with_index(with_runs(studio_folder(tmp_path_factory.mktemp("hostile"))))
    with served(Studio(open_dataset(data))) as client:
        client.post("/api/campaigns/new", name="seen", ids=[NAMES[0]])
        client.post("/api/campaign/collect", name="seen", threshold=0.05)
        client.finished()
        yield client


# Bodies


def changes() -> dict[str, list[str]]:
    """The routes that change something, and the fields of their bodies."""
    found = {}
    for routes in ROUTES:
        for route in routes.router.routes:
            if "POST" in route.methods:  # type: ignore[attr-defined]
                hints = typing.get_type_hints(route.endpoint)  # type: ignore[attr-defined]
                models = [one for one in hints.values() if hasattr(one, "model_fields")]
                found[route.path] = [name for one in models for name in one.model_fields]  # type: ignore[attr-defined]
    return found


def asked(client: Client, path: str, content: str) -> None:
    """Send a change; whatever comes back is an answer of a line, and dressed."""
    headers = {"x-csrf-token": client.access.csrf, "content-type": "application/json"}
    answer = client.http.post(path, content=content, headers=headers)
    said = (path, content[:80], answer.text[:200])
    assert answer.status_code in (200, 400), said
    assert "content-security-policy" in answer.headers
    told = answer.json()
    if answer.status_code == 400 or "problem" in told:
        line = told["error" if answer.status_code == 400 else "problem"]
        assert line, said
        assert "\n" not in line, said
        assert len(line) <= LONGEST + 4, said


@pytest.mark.parametrize("path", changes())
def test_a_change_with_any_odd_field_is_refused_in_a_line(client: Client, path: str) -> None:
    fields = changes()[path]
    body = {name: VALID[name] for name in fields}
    for content in ("", "null", "5", "[]", "{", "[" * 20_000, '"\\u0000"', "{}"):
        asked(client, path, content)
    for name in fields:
        for value in ODD_VALUES:
            asked(client, path, json.dumps({**body, name: value}))
            asked(client, path, json.dumps({**body, name: [value]}))
        for raw in NO_JSON:
            asked(client, path, json.dumps({**body, name: "@"}).replace('"@"', raw))


@pytest.mark.parametrize("text", NO_TEXTS)
def test_what_no_file_can_be_called_is_refused_everywhere(client: Client, text: str) -> None:
    line = "is no text, there is a NUL or half a letter in it"
    config = copy.deepcopy(VALID["config"])
    config["strategies"][0]["input"] = {"type": "METADATA", "key": text}
    for path, body in {
        "/api/campaigns/new": {"name": text, "ids": ["x"]},
        "/api/campaign/judge": {"name": "seen", "ids": [NAMES[1], text], "status": "accepted"},
        "/api/index": {"space": "x", "task": text},
        "/api/compose/check": {"config": config},
        "/api/tags": {"name": "t", "ids": [NAMES[1]], text: 1},
    }.items():
        headers = {"x-csrf-token": client.access.csrf, "content-type": "application/json"}
        answer = client.http.post(path, content=json.dumps(body), headers=headers)
        assert answer.status_code == 400
        assert answer.json()["error"] == f"{text!r}: {line}"
    answer = client.http.get("/api/samples?tag=%00")
    assert (answer.status_code, answer.json()["error"]) == (400, rf"'\x00': {line}")


def test_an_unknown_format_is_told_from_the_known_ones(client: Client) -> None:
    wanted = {"name": "seen", "form": "cvs", "statuses": ["new"]}
    line = client.refused("/api/campaign/export", **wanted)
    assert line == "form: no format is called 'cvs'; did you mean 'csv'?"


# Exports


def test_an_export_that_is_refused_leaves_nothing() -> None:
    downloads = Downloads()

    def write(to: Path) -> None:
        to.write_text("half")
        raise DataError("no")

    key = downloads.make("a" * 500, ".csv", lambda to: to.write_text("whole"))
    kept = downloads.get(key)
    with pytest.raises(DataError, match="no"):
        downloads.make("b", ".csv", write)
    assert [room.name for room in kept.parent.parent.iterdir()] == [key]
    downloads.close()
    assert not kept.parent.parent.exists()


# Runs


@pytest.fixture
def other(client: Client) -> Iterator[Path]:
    """A copy of a run, to be spoilt."""
    runs = Path(client.studio.runs.own or "")
    shutil.copytree(runs / "fast", runs / "other")
    yield runs / "other"
    shutil.rmtree(runs / "other")


def spots(held: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where values stand in JSON; of a list the first one."""
    if before:
        yield before
    inside = (
        list(held) if isinstance(held, dict) else [0] if isinstance(held, list) and held else []
    )
    for key in inside:
        yield from spots(held[key], (*before, key))


def spoilt(held: Any, spot: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value there; without it where that is ``...``."""
    made = place = copy.deepcopy(held)
    for key in spot[:-1]:
        place = place[key]
    if value is ...:
        del place[spot[-1]]
    else:
        place[spot[-1]] = value
    return made


def shown(client: Client, file: Path, content: str) -> bool:
    """Write a file of a run and look at all pages; returns whether it is shown as a run."""
    file.write_text(content)
    os.utime(file.parent / "manifest.json")
    listed = client.http.get("/runs")
    assert listed.status_code == 200, content[:200]
    whole = 'href="/run?name=other"' in listed.text
    assert whole != ("<strong>other</strong>: " in listed.text)
    assert 'href="/run?name=classes"' in listed.text
    for path in ("/run?name=other", "/api/run/picks?name=other", "/compare?one=other&other=fast"):
        assert client.http.get(path).status_code in (200, 400), (path, content[:200])
    return whole


@pytest.mark.parametrize("value", [5, None, [], {}, "x", [5], ..., "~nobody/x", 1e308, -1])
@pytest.mark.parametrize("name", ["manifest.json", "selection.json"])
def test_one_bad_run_takes_no_page_down(client: Client, other: Path, name: str, value: Any) -> None:
    held = json.loads((other / name).read_bytes())
    whole = [shown(client, other / name, json.dumps(spoilt(held, spot, value)))
             for spot in spots(held)]  # fmt: skip
    assert any(whole)
    assert name == "selection.json" or value == {} or not all(whole)


@pytest.mark.parametrize("content", ["", "[", "5", "[" * 20_000, '{"selected": [{"score": NaN}]}'])
@pytest.mark.parametrize("name", ["manifest.json", "selection.json"])
def test_a_run_of_broken_files_is_shown_with_what_is_wrong(
    client: Client, other: Path, name: str, content: str
) -> None:
    assert shown(client, other / name, content) == (name == "selection.json")


@pytest.mark.parametrize("where", ["~nobody-of-this-name/x", "a\0b", "circle/x", "s3://x", 5])
def test_a_run_beside_the_dataset_may_name_any_dataset(
    client: Client, other: Path, where: object
) -> None:
    """It is none of ours."""
    root = client.studio.runs.own.parent.parent.parent  # type: ignore[union-attr]
    beside = shutil.copytree(other, root / "beside")
    circle = beside / "circle"
    circle.symlink_to(circle)
    manifest = json.loads((other / "manifest.json").read_bytes())
    (beside / "manifest.json").write_text(json.dumps({**manifest, "dataset": where}))
    try:
        page = client.http.get("/runs")
        assert page.status_code == 200
        assert "beside" not in re.findall(r'run\?name=([^"&]*)', page.text)
    finally:
        shutil.rmtree(beside)


def test_what_is_wrong_with_a_run_is_one_line(client: Client, other: Path) -> None:
    held = json.loads((other / "manifest.json").read_bytes())
    shown(client, other / "manifest.json", json.dumps(spoilt(held, ("config", "strategies"), 5)))
    why = "manifest.json: is not one that a run has written; config.strategies: should be a valid"
    assert f"<strong>other</strong>: {why} list, got 5" in client.http.get("/runs").text
    answer = client.http.get("/api/run/picks?name=other")
    assert answer.json()["error"] == f"run 'other': {why} list, got 5"


def test_a_folder_whose_name_is_no_text_is_listed_as_such(client: Client, other: Path) -> None:
    odd = os.path.join(os.fsencode(other.parent), b"\xff\xfe")
    shutil.copytree(os.fsencode(other), odd)
    try:
        page = client.http.get("/runs").text
        assert "<strong>\ufffd\ufffd</strong>: the name of its folder is not UTF-8" in page
        assert client.http.get("/api/map/layers").status_code == 200
    finally:
        shutil.rmtree(odd)


def test_a_run_is_read_in_its_own_folder_only(client: Client, other: Path) -> None:
    outside = client.studio.runs.own.parent / "secret.json"  # type: ignore[union-attr]
    (other / "selection.json").rename(outside)
    (other / "selection.json").symlink_to(outside)
    page = client.http.get("/runs").text
    assert "<strong>other</strong>: selection.json is a link; links are not followed" in page
    assert client.http.get("/api/run/picks?name=other").status_code == 400


def test_of_the_scripts_of_a_report_only_those_run_that_it_names(
    client: Client, other: Path
) -> None:
    one, two = (f"sha256-{letter * 43}=" for letter in "ab")
    head = f'<meta name="generator" content="{MARK}"><meta content="{one}">{" " * 2000}{two}'
    (other / FILE).write_text(head)
    answer = client.http.get("/run/report?name=other")
    policy = answer.headers["content-security-policy"]
    assert f"script-src '{one}'; " in policy
    assert policy.startswith("sandbox allow-scripts; default-src 'none'; ")
    assert "unsafe-eval" not in policy
    (other / FILE).write_text(f'<meta name="generator" content="{MARK}"><script>1</script>')
    assert "script-src 'none'; " in policy_of(other / FILE)
