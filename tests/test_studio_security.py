"""The page turns away strangers, other sites, paths and floods, and escapes what it shows."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from studio_dataset import (
    NAMES,
    ODD,
    WAIT_S,
    WEATHER,
    Client,
    exposed_to_others,
    served,
    studio_folder,
    with_index,
    with_runs,
)

from selectlab.errors import DataError
from selectlab.inputs.folder import open_dataset
from selectlab.studio.access import Access, is_loopback
from selectlab.studio.guard import HEADERS, MOST_BYTES
from selectlab.studio.serving import bound
from selectlab.studio.studio import Studio

PAGES = [
    "/",
    "/overview",
    "/map",
    "/flickering",
    "/runs",
    "/campaigns",
    "/campaigns/new",
    f"/sample?{urlencode({'id': ODD})}",
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_index(with_runs(studio_folder(tmp_path_factory.mktemp("security"))))


@pytest.fixture(scope="module")
def client(data: Path) -> Iterator[Client]:
    with served(Studio(open_dataset(data))) as client:
        yield client


@pytest.fixture
def exposed(data: Path) -> Iterator[Client]:
    with exposed_to_others(data) as client:
        yield client


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8384", "127.0.0.1.evil.example", ""]
)
def test_a_name_that_is_not_ours_is_refused(client: Client, host: str) -> None:
    """A foreign page that lets its own name lead here (DNS rebinding) comes with that name."""
    assert client.http.get("/api/facts", headers={"host": host}).status_code == 400


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8384", "localhost:9", "LOCALHOST", "[::1]:8384", "127.0.0.9"]
)
def test_loopback_names_are_ours(client: Client, host: str) -> None:
    assert client.http.get("/", headers={"host": host}).status_code == 200


def test_exposed_it_answers_to_addresses_and_its_own_name_only() -> None:
    exposed = Access.to("0.0.0.0", 8384)
    assert exposed.knows_host("192.168.1.5:8384")
    assert exposed.knows_host(f"{socket.gethostname()}:8384")
    assert not exposed.knows_host("evil.example")
    assert not Access().knows_host("192.168.1.5:8384")


def test_a_token_is_asked_for_where_others_can_come() -> None:
    assert Access.to("127.0.0.1", 1).token is None
    assert Access.to("localhost", 1).token is None
    assert Access.to("127.0.0.1", 1, token=True).token
    first, second = Access.to("0.0.0.0", 1), Access.to("::", 1)
    assert first.token != second.token
    assert len(first.token or "") >= 43  # 256 bits
    assert f"?token={first.token}" in first.url
    assert not is_loopback("example.org")


def test_the_token_lets_in_once_and_leaves_the_address(exposed: Client) -> None:
    client, access = exposed, exposed.access
    assert access.token
    for path in ("/", "/api/facts", "/picture?id=b/00.png", "/static/studio.js", "/?token=wrong"):
        answer = client.http.get(path)
        assert answer.status_code == 401
        assert "b/00.png" not in answer.text
    entry = client.http.get("/run", params={"name": "fast", "token": access.token})
    cookie = entry.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert 'content="0;url=/run?name=fast"' in entry.text
    assert access.token not in entry.text
    assert client.http.get("/run?name=fast").status_code == 200  # the cookie is enough
    assert client.http.post("/api/job/cancel", json={"number": 1}).status_code == 403


def test_the_way_in_leads_nowhere_else(exposed: Client) -> None:
    there = f"{exposed.address}//evil.example/?token={exposed.access.token}"
    page = exposed.http.get(there).text
    assert 'url=/evil.example/"' in page


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1234"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
)
def test_other_sites_change_nothing(client: Client, headers: dict[str, str]) -> None:
    """Even with the secret of our pages, which they cannot know."""
    given = {"x-csrf-token": client.access.csrf, **headers}
    answer = client.http.post("/api/job/cancel", json={"number": 1}, headers=given)
    assert answer.status_code == 403


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_a_change_needs_what_stands_in_our_pages(client: Client, token: str | None) -> None:
    headers = {"origin": client.address}
    headers |= {} if token is None else {"x-csrf-token": token}
    ours = ("/api/tags", "/api/reload", "/api/pictures")
    for path in (*ours, "/api/campaigns/new", "/api/campaign/judge", "/api/job/cancel"):
        assert client.http.post(path, json={}, headers=headers).status_code == 403


def test_pages_that_tell_of_errors_hold_no_secret(data: Path) -> None:
    """Whoever is shown one can do nothing with it but go on."""
    with served(Studio(open_dataset(data))) as client:
        del client.studio.samples
        for path, status in {"/nothing": 404, "/run?name=no": 400, "/sample?id=x": 500}.items():
            answer = client.http.get(path)
            assert (answer.status_code, answer.headers["content-type"][:9]) == (status, "text/html")
            assert "csrf" not in answer.text
            assert client.access.csrf not in answer.text
        assert client.access.csrf in client.http.get("/runs").text


def test_forms_of_other_sites_are_no_json(client: Client) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        headers = {"x-csrf-token": client.access.csrf, "content-type": kind}
        answer = client.http.post("/api/job/cancel", content=b'{"number": 1}', headers=headers)
        assert answer.status_code == 415


def test_other_sites_read_nothing_but_may_link(client: Client) -> None:
    asked = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    assert client.http.get("/picture?id=b/00.png", headers=asked).status_code == 403
    framed = {
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "iframe",
    }
    assert client.http.get("/", headers=framed).status_code == 403
    link = {**framed, "sec-fetch-dest": "document"}
    assert client.http.get("/", headers=link).status_code == 200


def test_every_answer_is_dressed(client: Client) -> None:
    for path in [*PAGES, "/nothing", "/static/studio.js", "/api/facts", "/picture?id=b/00.png"]:
        answer = client.http.get(path)
        for name in set(HEADERS) - {"cache-control"}:
            assert answer.headers[name] == HEADERS[name], path
    refused = client.http.get("/", headers={"host": "evil.example"})
    assert refused.headers["content-security-policy"] == HEADERS["content-security-policy"]


def test_the_policy_allows_no_script_in_pages(client: Client) -> None:
    policy = HEADERS["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    for path in PAGES:
        page = client.http.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)", page), path
        assert not re.search(r"\s(on\w+|style)=", page), path
        assert "http://" not in page.replace("http://www.w3.org", "")
        assert "https://" not in page


def test_names_and_values_are_escaped(client: Client) -> None:
    page = client.http.get("/sample", params={"id": ODD}).text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    other = client.http.get("/sample", params={"id": NAMES[1]}).text
    assert WEATHER not in other
    assert "&lt;img src=x" in other
    missing = client.http.get("/run", params={"name": "<script>alert(3)</script>"})
    assert missing.status_code == 400
    assert "<script>alert(3)" not in missing.text


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "b/../../secret.png",
        "..%2f..%2fetc%2fpasswd",
        "b/00.png\0.txt",
        "metadata.csv",
        ".lightly/predictions/det/schema.json",
        "file:///etc/passwd",
    ],
)
def test_only_samples_are_shown_never_files(client: Client, data: Path, name: str) -> None:
    (data.parent / "secret.png").write_bytes((data / NAMES[1]).read_bytes())
    assert client.http.get("/picture", params={"id": name}).status_code in (400, 404)
    for path in ("/sample", "/api/sample", "/api/near", "/api/objects", "/crop"):
        query = {"id": name, "task": "det", "number": 0}
        assert client.http.get(path, params=query).status_code == 400
    assert client.http.get("/run", params={"name": name}).status_code == 400
    assert client.http.get("/run/report", params={"name": name}).status_code == 400
    assert client.http.get("/download", params={"key": name}).status_code == 400


@pytest.mark.parametrize(
    "path",
    ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd"],
)
def test_static_files_are_those_of_the_package(client: Client, path: str) -> None:
    answer = client.http.get(f"{client.address}{path}")
    assert answer.status_code == 404
    assert "FastAPI" not in answer.text


def test_a_picture_is_made_here_and_no_file_is_sent(client: Client) -> None:
    answer = client.http.get("/picture", params={"id": ODD})
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content[:2] == b"\xff\xd8"


def test_a_flood_is_turned_away(client: Client) -> None:
    headers = {"x-csrf-token": client.access.csrf, "content-type": "application/json"}
    much = b" " * (MOST_BYTES + 1)
    assert client.http.post("/api/job/cancel", content=much, headers=headers).status_code == 413
    chunks = (b" " * 65536 for _ in range(MOST_BYTES // 65536 + 32))
    answer = client.http.post("/api/job/cancel", content=chunks, headers=headers)
    assert answer.status_code == 413
    assert client.http.get("/").status_code == 200


def test_two_gigabytes_are_refused_before_they_are_read(client: Client) -> None:
    """The announcement alone is answered."""
    host, port = client.address.removeprefix("http://").split(":")
    lines = [
        *("POST /api/job/cancel HTTP/1.1", f"Host: {host}:{port}"),
        *(f"Content-Length: {2 << 30}", "Content-Type: application/json"),
        *(f"X-CSRF-Token: {client.access.csrf}", "", ""),
    ]
    with socket.create_connection((host, int(port)), timeout=WAIT_S) as line:
        line.sendall("\r\n".join(lines).encode())
        assert line.recv(4096).startswith(b"HTTP/1.1 413 ")
    assert client.get("/api/job") == {"job": None}


def test_a_taken_port_is_one_line() -> None:
    with bound("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DataError) as error:
            bound("127.0.0.1", port)
        assert str(error.value).startswith(f"--port: 127.0.0.1:{port} is not to be had: ")
