"""Images as files that the server gives out: where they lie, and the storage that lets it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from selectlab.errors import ConfigError, DataError
from selectlab.label_studio.client import Client

SERVING = "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED"
ROOT = "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT"
"""Environment variables with which a server gives out files."""
STORAGES = "/api/storages/localfiles"


class LocalFiles:
    """Images that the server reads from a disk that it shares with us.

    It gives out what lies below its document root in a folder that the project has a storage for;
    the document root itself it refuses.

    Args:
        data: Folder of the dataset.
        root: The document root, as this machine sees it. Default: the folder that the dataset
            lies in.
        server_root: The document root, as the server sees it. Default: the same.

    Raises:
        ConfigError: There is no such folder.
    """

    def __init__(self, data: Path, root: Path | None = None, server_root: str | None = None):
        self._data = Path(os.path.realpath(data))
        self._root = Path(os.path.realpath(root)) if root is not None else self._data.parent
        if not self._root.is_dir():
            raise ConfigError(f"--local-files: {str(root)!r} is no folder of this machine")
        self._server_root = PurePosixPath(server_root or self._root.as_posix())

    @classmethod
    def of(cls, given: str, data: Path) -> LocalFiles:
        """Read ``ROOT`` or ``ROOT=SERVER_ROOT``.

        Raises:
            ConfigError: There is no such folder.
        """
        root, _, server_root = given.partition("=")
        return cls(data, Path(root), server_root or None)

    @property
    def needs(self) -> str:
        """What the server has to be started with."""
        return f"{SERVING}=true and {ROOT}={self._server_root}"

    def address(self, location: str) -> str:
        """Return the URL of an image, without the host.

        Raises:
            DataError: The image does not lie below the document root.
        """
        return f"/data/local-files/?d={quote(self._below(location).as_posix(), safe='/')}"

    def folder(self, location: str) -> str:
        """Return the folder that needs a storage for an image, as the server sees it.

        That is the dataset, or the topmost folder below the document root.

        Raises:
            DataError: The image lies in the document root itself.
        """
        below = self._below(location)
        if self._data != self._root and Path(self._root, below).is_relative_to(self._data):
            below = PurePosixPath(self._data.relative_to(self._root).as_posix(), "image")
        elif len(below.parts) > 1:
            below = PurePosixPath(below.parts[0], "image")
        else:
            raise DataError(
                f"{location}: lies in the document root itself, which Label Studio does not give "
                f"out; start the server with {ROOT}={self._server_root.parent} and say "
                f"--local-files {self._root.parent}"
            )
        return str(self._server_root / below.parent)

    def _below(self, location: str) -> PurePosixPath:
        path = Path(os.path.abspath(location))
        if not path.is_relative_to(self._root):
            raise DataError(
                f"{location}: does not lie below the document root {self._root}; name a folder "
                "above all images with --local-files, or give --image-url"
            )
        return PurePosixPath(path.relative_to(self._root).as_posix())


class Storages:
    """The storages of a project, made where they are missing.

    Args:
        client: The server.
        project: The project's id.
        files: The images.
    """

    def __init__(self, client: Client, project: int, files: LocalFiles) -> None:
        self._client, self._project, self._files = client, project, files
        self._folders: list[PurePosixPath] | None = None

    def serve(self, location: str) -> None:
        """See to it that the server gives out an image, and the others of its folder.

        Raises:
            DataError: It does not; the message says what it needs.
        """
        folder = PurePosixPath(self._files.folder(location))
        if self._folders is None:
            self._folders = [PurePosixPath(path) for path in map(_path, self._listed()) if path]
        elif folder in self._folders:
            return
        if not any(folder.is_relative_to(served) for served in self._folders):
            self._make(str(folder))
        self._folders.append(folder)
        address = self._files.address(location)
        status = self._client.status_of(address)
        if status != 200:
            raise DataError(
                f"{self._client.address}: does not give out {address} ({status}); it "
                f"has to be started with {self._files.needs}, and to see the files there"
            )

    def _listed(self) -> list[Mapping[str, Any]]:
        told = self._client.get(STORAGES, {"project": self._project})
        if not isinstance(told, list):
            raise DataError(f"{self._client.address}: does not list the storages of its projects")
        return told

    def _make(self, folder: str) -> None:
        body = {
            "project": self._project,
            "path": folder,
            "title": "selectlab",
            "use_blob_urls": True,
        }
        try:
            self._client.send("POST", STORAGES, body)
        except DataError as error:
            raise DataError(
                f"{error}; to give out files it has to be started with "
                f"{self._files.needs}, or give --image-url"
            ) from None


def _path(storage: Mapping[str, Any]) -> str:
    return str(storage.get("path") or "")
