"""Where tokens are found, what is no token, and how addresses are spelt."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from unruly_label_studio import PERSONAL, TOKEN

from selectlab.errors import ConfigError, DataError, MissingExtraError
from selectlab.label_studio import Client, Token, address_of, find_token

HERE = "http://127.0.0.1:8080"


def users(folder: Path, content: str, mode: int = 0o600) -> dict[str, str]:
    """The environment of a user with a file of tokens."""
    place = folder / "selectlab" / "label-studio.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content, encoding="utf-8")
    place.chmod(mode)
    return {"XDG_CONFIG_HOME": str(folder)}


def test_a_file_goes_before_the_environment_before_the_users_file(tmp_path: Path) -> None:
    a, b, c, d = (letter * 40 for letter in "abcd")
    (tmp_path / "token").write_text(f"  {a}\n", encoding="utf-8")
    known = users(tmp_path, json.dumps({"http://127.0.0.1:8080/": d}))
    both = {**known, "LABEL_STUDIO_API_KEY": c, "SELECTLAB_LABEL_STUDIO_TOKEN": b}
    assert find_token(HERE, tmp_path / "token", both).secret == a
    assert find_token(HERE, None, both).secret == b
    del both["SELECTLAB_LABEL_STUDIO_TOKEN"]
    assert find_token(HERE, None, both).secret == c
    assert find_token(HERE, None, known).secret == d


def test_a_token_is_for_its_server_alone(tmp_path: Path) -> None:
    known = users(tmp_path, json.dumps({"https://labels.example.org": TOKEN}))
    with pytest.raises(ConfigError) as caught:
        find_token(HERE, None, known)
    place = tmp_path / "selectlab" / "label-studio.json"
    assert str(caught.value) == (
        f"{HERE}: no token; put it into the environment variable SELECTLAB_LABEL_STUDIO_TOKEN, or "
        f'into {place} as {{"{HERE}": TOKEN}}, or name a file with --token-file'
    )


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660])
def test_a_file_that_others_read_is_refused(tmp_path: Path, mode: int) -> None:
    known = users(tmp_path, json.dumps({HERE: TOKEN}), mode)
    with pytest.raises(ConfigError) as caught:
        find_token(HERE, None, known)
    place = tmp_path / "selectlab" / "label-studio.json"
    assert str(caught.value) == (
        f"{place}: others may read it (mode {mode:04o}), and it holds tokens; make it yours alone: "
        f"chmod 600 {place}"
    )


@pytest.mark.parametrize("content", ["", "[]", "7", '{"http://127.0.0.1:8080": 7}', TOKEN])
def test_a_file_of_something_else(tmp_path: Path, content: str) -> None:
    known = users(tmp_path, content)
    with pytest.raises(
        ConfigError, match=r"expected a JSON object of tokens by address$"
    ) as caught:
        find_token(HERE, None, known)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "x", "f" * 39, "f" * 41, "g" * 40, "a.b", "a.b.c.d", "f" * 40 + "\nf"]
)
def test_what_is_no_token(tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        find_token(HERE, tmp_path / "token", {})
    assert str(caught.value) == (
        f"--token-file {tmp_path / 'token'}: not a Label Studio token; expected 40 hexadecimal "
        "digits (legacy token), or three parts with dots between them (personal access token)"
    )


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"token: cannot be read: No such file or directory$"):
        find_token(HERE, tmp_path / "token", {})


def test_a_token_hides_itself() -> None:
    legacy, personal = Token(TOKEN, "here"), Token(PERSONAL, "there")
    assert (legacy.is_personal, personal.is_personal) == (False, True)
    assert [repr(token) for token in (legacy, personal)] == [
        "Token(from here)",
        "Token(from there)",
    ]
    assert TOKEN not in f"{legacy} {[legacy]}"


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("http://127.0.0.1:8080", HERE),
        (" http://127.0.0.1:8080/ ", HERE),
        ("HTTP://127.0.0.1:8080/projects/", HERE),
        ("http://127.0.0.1:8080/user/login/", HERE),
        ("https://Labels.Example.org:443/api", "https://labels.example.org"),
        ("https://example.org/label-studio", "https://example.org/label-studio"),
        ("http://[::1]:80/", "http://[::1]"),
        ("http://127.0.0.1:8080/projects/3", HERE),
        ("http://127.0.0.1:8080/projects/3/data?tab=1&task=5", HERE),
        ("http://127.0.0.1:8080/projects/?page=1", HERE),
        ("http://127.0.0.1:8080/user/login/?next=/projects/3/", HERE),
        ("http://127.0.0.1:8080/api/projects/3/", HERE),
        (
            "https://example.org/label-studio/projects/3/settings",
            "https://example.org/label-studio",
        ),
        ("https://example.org/projects/label-studio", "https://example.org/projects/label-studio"),
        ("https://example.org/my-projects", "https://example.org/my-projects"),
    ],
)
def test_one_server_has_one_address(given: str, address: str) -> None:
    assert address_of(given) == address


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("127.0.0.1:8080", "expected http://HOST:PORT or https://HOST, got '127.0.0.1:8080'"),
        ("ftp://x", "expected http://HOST:PORT or https://HOST, got 'ftp://x'"),
        ("", "expected http://HOST:PORT or https://HOST, got ''"),
        ("http://", "expected http://HOST:PORT or https://HOST, got 'http://'"),
        ("http://x:99999", "not an address: 'http://x:99999'"),
        ("http://[x", "not an address: 'http://[x'"),
        ("http://x/?a=1", "expected an address alone, without '?', got 'http://x/?a=1'"),
    ],
)
def test_what_is_no_address(given: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        address_of(given)
    assert str(caught.value) == f"--url: {said}"


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        address_of("https://me:s3cret@example.org")
    assert str(caught.value) == "--url: write the address without a name or a password in it"


def test_a_host_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match=r"^http://ü..org: no address of a server \(Invalid IDNA"):
        Client("http://ü..org", Token(TOKEN, "here"))


def test_httpx_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtraError) as caught:
        Client(HERE, Token(TOKEN, "here"))
    assert str(caught.value) == (
        "label-studio: needs httpx; install it with: pip install 'selectlab[label-studio]'"
    )
