"""The way in: cookies, the token, links of other sites, the server, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from folder_builder import build
from studio_dataset import (
    WAIT_S,
    Client,
    exposed_to_others,
    served,
    studio_folder,
    wait_for,
    with_index,
    with_runs,
)

from selectlab.inputs.folder import open_dataset
from selectlab.studio.access import Access
from selectlab.studio.guard import HEADERS
from selectlab.studio.serving import server_of, way_in
from selectlab.studio.studio import Studio

HANGUP = getattr(signal, "SIGHUP", 0)  # Windows has none
LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_index(with_runs(studio_folder(tmp_path_factory.mktemp("entry"))))


@pytest.fixture
def client(data: Path) -> Iterator[Client]:
    with served(Studio(open_dataset(data))) as client:
        yield client


@pytest.fixture
def exposed(data: Path) -> Iterator[Client]:
    with exposed_to_others(data) as client:
        yield client


# Cookies and the token


@pytest.mark.parametrize(
    "other",
    ['prefs={"a":1}', "foo", "a=b c", "a/b=1", 'x="unterminated', "=x", "a,b=1", "$Path=/", ";;"],
)
def test_cookies_of_other_servers_lock_nobody_out(exposed: Client, other: str) -> None:
    """A browser sends those of all ports of this machine."""
    ours = f"{exposed.access.cookie}={exposed.access.token}"
    for cookies in (f"{other}; {ours}", f"{ours}; {other}", f"{ours}-not;{ours};{other}"):
        answer = exposed.http.get("/api/facts", headers={"cookie": cookies})
        assert answer.status_code == 200, cookies
    for cookies in (other, f"x{ours}", f"{ours}x", f'a="{ours}"'):
        assert exposed.http.get("/api/facts", headers={"cookie": cookies}).status_code == 401


def test_a_cookie_of_backslashes_is_read_in_no_time(exposed: Client) -> None:
    """The parser of the standard library takes 10 s and more for it."""
    start = time.process_time()
    cookie = f'a="{chr(92) * 60_000}"'
    assert exposed.http.get("/", headers={"cookie": cookie}).status_code == 401
    assert time.process_time() - start < 2


@pytest.mark.parametrize("way", ["%5Cevil.example:1/", "%09/evil.example/", "%2F%2Fevil.example/"])
def test_the_way_in_leads_to_no_other_site(exposed: Client, way: str) -> None:
    """A browser takes a backslash for a slash, and leaves tabs out."""
    token = exposed.access.token
    page = exposed.http.get(f"{exposed.address}/{way}?token={token}").text
    [target] = re.findall(r'content="0;url=([^"]*)"', page)
    assert re.fullmatch(r"/[A-Za-z%]\S*", target)
    assert not urlsplit(target).netloc
    assert "evil.example" in unquote(target)


def test_the_token_leaves_the_address_each_time(exposed: Client) -> None:
    token = exposed.access.token
    for _ in range(2):
        page = exposed.http.get(f"/run?name=fast&token={token}")
        assert 'content="0;url=/run?name=fast"' in page.text
    stale = exposed.http.get("/run?name=fast&token=of+yesterday")
    assert 'content="0;url=/run?name=fast"' in stale.text
    assert exposed.http.get("/run?name=fast").text.count("<h1>") == 1


def test_the_cookie_is_of_one_port() -> None:
    assert Access(port=8384).cookie != Access(port=8385).cookie


def test_a_browser_is_not_started_with_the_token() -> None:
    """Everybody on a machine can list what programs were started with."""
    assert Access.to("127.0.0.1", 1).token is None
    with way_in(Access.to("127.0.0.1", 1)) as address:
        assert address == "http://127.0.0.1:1/"
    access = Access.to("127.0.0.1", 1, token=True)
    with way_in(access) as address:
        assert access.token
        assert access.token not in address
        page = Path(unquote(urlsplit(address).path))
        assert f'content="0;url={access.url}"' in page.read_text(encoding="utf-8")
        assert page.stat().st_mode & 0o777 == 0o600
        assert page.parent.stat().st_mode & 0o777 == 0o700
    assert not page.parent.exists()


# What other sites may do


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_sites_may_link_to_pages_and_to_nothing_else(client: Client, site: str) -> None:
    link = {**LINK, "sec-fetch-site": site}
    own = {**LINK, "sec-fetch-site": "same-origin"}
    for page in ("/", "/runs", "/run?name=fast", "/campaigns", "/map", "/sample?id=b/00.png"):
        assert client.http.get(page, headers=link).status_code == 200
    for part in ("/api/samples", "/api/facts", "/picture?id=b/00.png", "/run/report?name=fast"):
        assert client.http.get(part, headers=link).status_code == 403
        assert client.http.get(part, headers=own).status_code in (200, 400)
    for part in ("/crop?id=b/01.png&task=det&number=0", "/download?key=x"):
        assert client.http.get(part, headers=link).status_code == 403


def test_a_page_that_broke_is_dressed_too(client: Client) -> None:
    del client.studio.overview
    for path in ("/api/overview?part=metadata", "/nothing", "/run?name=no"):
        answer = client.http.get(path)
        assert answer.status_code == {"/api": 500, "/not": 404}.get(path[:4], 400)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        # The server cuts the line after an error, which takes the next request along unless told.
        assert answer.headers.get("connection") == ("close" if answer.is_server_error else None)


# The server


def test_headers_have_an_end_whatever_is_installed(client: Client) -> None:
    assert server_of(client.studio.runs).config.http == "h11"  # type: ignore[arg-type]
    host, port = client.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=WAIT_S) as line:
        line.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n".encode())
        with pytest.raises(OSError, match=r"reset|[Bb]roken"):
            line.sendall(b"A: b\r\n" * 20_000_000)


def started(data: Path, place: Path, *options: str) -> tuple[subprocess.Popen[str], str]:
    """Start the command with a folder for temporary files and a browser that notes how."""
    build(place, {"browser": f'#!/bin/sh\necho "$@" > {place}/asked\n', "tmp/x": ""})
    (place / "tmp" / "x").unlink()
    (place / "browser").chmod(0o755)
    ours = signal.signal(HANGUP, signal.SIG_DFL)  # nohup hands on that it is ignored
    try:
        child = subprocess.Popen(
            [sys.executable, "-m", "selectlab", "studio", str(data), "--port", "0", *options],
            env={**os.environ, "TMPDIR": str(place / "tmp"), "BROWSER": f"{place}/browser %s"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(HANGUP, ours)
    assert child.stdout is not None
    child.stdout.readline()
    address = child.stdout.readline().split()[1]
    return child, address


def export(http: httpx.Client, name: str) -> None:
    """Let a campaign collect, and export what it found."""
    plain = {"name": name}
    for path, more in {
        "/api/campaigns/new": {"ids": ["b/00.png"]},
        "/api/campaign/collect": {"threshold": 0.05},
    }.items():
        assert http.post(path, json={**plain, **more}).status_code == 200
    wait_for(lambda: bool(http.get("/api/job").json()["job"]["state"] != "running"))
    wanted = {**plain, "form": "list", "statuses": ["new"], "mark": False}
    assert http.post("/api/campaign/export", json=wanted).status_code == 200


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    ("number", "code", "word"),
    [
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGINT, 130, "interrupted"),
        (HANGUP, 143, "terminated"),
    ],
)
def test_it_ends_without_a_trace(
    data: Path, tmp_path: Path, number: int, code: int, word: str
) -> None:
    """Exports that nobody fetched are gone, and the page that a browser was started with."""
    child, address = started(data, tmp_path, "--token")
    try:
        with httpx.Client(base_url=address.partition("?")[0], trust_env=False) as http:
            http.get(address)
            found = re.search(r'name="csrf" content="([^"]+)"', http.get("/").text)
            assert found is not None
            http.headers["x-csrf-token"] = found[1]
            export(http, f"by {number}")
        asked = tmp_path / "asked"
        wait_for(lambda: asked.exists() and asked.read_text().endswith("\n"))
        assert asked.read_text().startswith("file://")
        assert len(list((tmp_path / "tmp").glob("selectlab-studio-*/*"))) == 2
        for _ in range(3 if number == HANGUP else 1):  # shells send it once more
            child.send_signal(number)
        said = child.communicate(timeout=WAIT_S)[1]
        assert (child.returncode, said) == (code, f"{word} while the page was served\n")
        assert not list((tmp_path / "tmp").iterdir())
    finally:
        child.kill()
