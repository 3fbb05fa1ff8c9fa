"""Tokens of a Label Studio server: where they are found, of which kind they are, how they go along.

A token is shown nowhere: not in messages, logs, manifests, the ledger or the list of processes.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from selectlab.errors import ConfigError, DataError
from selectlab.label_studio.addresses import address_of

VARIABLES = ("SELECTLAB_LABEL_STUDIO_TOKEN", "LABEL_STUDIO_API_KEY")
"""Environment variables that may hold a token; the first that is set counts."""

_LEGACY = re.compile(r"[0-9a-fA-F]{40}")
_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")


class Token:
    """A token, which hides itself wherever it is printed.

    Args:
        secret: The token.
        where: Where it was found, for messages.

    Raises:
        ConfigError: It is no token of Label Studio's.
    """

    def __init__(self, secret: str, where: str) -> None:
        self.secret, self.where = secret, where
        if not (_LEGACY.fullmatch(secret) or self.is_personal):
            raise ConfigError(
                f"{where}: not a Label Studio token; expected 40 hexadecimal digits (legacy "
                "token), or three parts with dots between them (personal access token)"
            )

    @property
    def is_personal(self) -> bool:
        """Whether it is a personal access token, which is only good for asking for others."""
        return _JWT.fullmatch(self.secret) is not None

    def __repr__(self) -> str:
        return f"Token(from {self.where})"


def users_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the user's file of tokens, whether it is there or not."""
    folder = environment.get("XDG_CONFIG_HOME")
    home = Path(folder) if folder else Path.home() / ".config"
    return home / "selectlab" / "label-studio.json"


def find_token(
    address: str, file: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Token:
    """Return the token for a server: of a file, of the environment, or of the user's file.

    Args:
        address: The server.
        file: A file that holds nothing but the token; goes before all else.
        environment: The environment variables.

    Raises:
        ConfigError: There is none, what is there is no token, or others can read the user's file.
        DataError: A file cannot be read.
    """
    if file is not None:
        return Token(_read(file).strip(), f"--token-file {file}")
    for name in VARIABLES:
        if environment.get(name):
            return Token(environment[name].strip(), name)
    place = users_file(environment)
    if place.exists():
        found = _tokens(place).get(address)
        if found is not None:
            return Token(found, f"{place}: {address}")
    raise ConfigError(
        f"{address}: no token; put it into the environment variable {VARIABLES[0]}, or into "
        f'{place} as {{"{address}": TOKEN}}, or name a file with --token-file'
    )


def _tokens(place: Path) -> dict[str, str]:
    """Return the tokens of the user's file by address."""
    mode = place.stat().st_mode & 0o777
    if os.name == "posix" and mode & 0o077:
        raise ConfigError(
            f"{place}: others may read it (mode {mode:04o}), and it holds tokens; "
            f"make it yours alone: chmod 600 {place}"
        )
    try:
        read = json.loads(_read(place))
    except ValueError:
        read = None
    if not isinstance(read, dict) or not all(isinstance(value, str) for value in read.values()):
        raise ConfigError(f"{place}: expected a JSON object of tokens by address")
    return {address_of(key, str(place)): value.strip() for key, value in read.items()}


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise DataError(f"{file}: not a text file") from None
