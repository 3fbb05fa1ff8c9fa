"""The page in a real browser beside other sites: the way in, links that lead here, cookies."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from browser import WAIT_MS
from studio_dataset import Client, served, studio_folder

from selectlab.inputs.folder import open_dataset
from selectlab.studio.access import Access
from selectlab.studio.serving import way_in
from selectlab.studio.studio import Studio


class OtherSite(BaseHTTPRequestHandler):
    """A page that leads wherever its address says, and sets a cookie that no parser expects."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("set-cookie", 'prefs={"a":1}; path=/')
        self.end_headers()
        self.wfile.write(f'<a href="{self.path[1:]}">go</a>'.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), OtherSite)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    data = studio_folder(tmp_path_factory.mktemp("sites"))
    with served(Studio(open_dataset(data)), Access.to("127.0.0.1", 0, token=True)) as client:
        yield client


@pytest.fixture
def page(chromium: Any, client: Client) -> Iterator[Any]:
    """A page that came in the way a browser is started with."""
    context = chromium.new_context()
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    port = int(client.address.rpartition(":")[2])
    with way_in(replace(client.access, port=port)) as address:
        page.goto(address)
        page.wait_for_url(f"{client.address}/")
    page.wait_for_selector(".cell")
    yield page
    context.close()


def test_a_page_that_leads_on_lets_a_browser_in(page: Any, client: Client) -> None:
    assert "token" not in page.url
    assert client.access.token not in page.content()
    assert not page.evaluate("document.cookie")  # scripts do not see it
    page.reload()
    page.wait_for_selector(".cell")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_link_leads_to_pages_alone(page: Any, client: Client, elsewhere: str, host: str) -> None:
    """From the same site at another port, and from another site."""
    other = f"http://{host}:{elsewhere}"
    page.goto(f"{other}/{client.address}/runs")
    page.click("a")
    page.wait_for_url(f"{client.address}/runs")
    if host == "127.0.0.1":  # its cookies come along, and ours does: it is the same site
        assert page.text_content("h1") == "Selection runs"
    for part in ("api/facts", "picture?id=b/00.png"):
        page.goto(f"{other}/{client.address}/{part}")
        with page.expect_navigation() as went:
            page.click("a")
        assert went.value.status == 403
    page.goto(f"{client.address}/runs")
    assert page.text_content("h1") == "Selection runs"


def test_what_another_site_embeds_stays_empty(page: Any, client: Client, elsewhere: str) -> None:
    page.goto(f"http://localhost:{elsewhere}/x")
    loaded = """(address) => new Promise((done) => {
      const image = new Image();
      image.onload = () => done("loaded"), image.onerror = () => done("refused");
      image.src = address;
    })"""
    assert page.evaluate(loaded, f"{client.address}/picture?id=b/00.png") == "refused"
