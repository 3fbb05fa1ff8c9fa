"""What an index holds, in one small file that is replaced in one step."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from selectlab.atomic import replace_file
from selectlab.corpus.spaces import Space
from selectlab.errors import DataError

MANIFEST = "manifest.json"


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PartEntry(_Frozen):
    """A part: what one build or append brought.

    Attributes:
        name: Its folder.
        n_elements: Elements in it.
    """

    name: str
    n_elements: int


class ListsEntry(_Frozen):
    """An approximate index of the first elements.

    Attributes:
        file: Its file.
        n_elements: How many elements it covers, from the first on.
        index: What faiss would call it.
        n_probes: Lists that a search looks into.
        k: How many neighbours the recall is about.
        recall: Share of the ``k`` true nearest elements that it found, measured.
        measured_on: Elements of the corpus that neighbours were looked for, evenly spread.
    """

    file: str
    n_elements: int
    index: str
    n_probes: int
    k: int
    recall: float
    measured_on: int


class Manifest(_Frozen):
    """What an index holds.

    Attributes:
        format: What the file is.
        identity: Made anew with every build; as long as it stays, so do the rows.
        generation: Counts the changes.
        space: The space of the vectors.
        embeddings: Which further embeddings of the dataset they are; ``None`` for the main ones.
        declared: Datasets whose files do not name their space, so that the user did.
        n_samples: Samples that have an element.
        parts: In order of arrival.
        lists: The approximate index, if there is one.
    """

    format: Literal["selectlab corpus 1"] = "selectlab corpus 1"
    identity: str
    generation: int
    space: Space
    embeddings: str | None
    declared: tuple[str, ...]
    n_samples: int
    parts: tuple[PartEntry, ...]
    lists: ListsEntry | None = None

    @property
    def n_elements(self) -> int:
        """Elements in all parts."""
        return sum(part.n_elements for part in self.parts)

    def write(self, folder: Path) -> None:
        """Make this what the index in a folder holds; everything it names is there already."""
        text = self.model_dump_json(indent=2)

        def put(path: Path) -> None:
            with path.open("w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())

        replace_file(folder / MANIFEST, put)


def read_manifest(folder: Path) -> Manifest | None:
    """Return what the index in a folder holds; ``None`` where there is none.

    Raises:
        DataError: The file is something else, or of another version.
    """
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"{path}: cannot be read, {error.strerror}") from None
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"])) or "content"
        raise DataError(
            f"{path}: not the manifest of an index of this version ({at}: {first['msg']}); choose "
            "another folder, or remove this one"
        ) from None
