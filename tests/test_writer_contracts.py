"""Every installed writer, ours or a plug-in's, against every public check of writers.

The second half breaks a writer in one way each and expects exactly the check that is there for it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from selectlab import registry
from selectlab.exports.items import Items
from selectlab.exports.writer import Writer
from selectlab.testing import Check, checks_for


def _all_pairs() -> Iterator[Any]:
    for name, found in registry.writers().items():
        for check in checks_for(found.cls):
            yield pytest.param(check, found.cls, id=f"{name}-{check.__name__}")


@pytest.mark.parametrize(("check", "cls"), list(_all_pairs()))
def test_contract(check: Check, cls: type[Any]) -> None:
    check(cls)


WRITE_ALL = """
import hashlib, sys, tempfile
from pathlib import Path
from selectlab import registry
from selectlab.testing import ExampleItems
for name, found in registry.writers().items():
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        found.cls().write(ExampleItems(tasks=["boxes"]), out)
        for path in sorted(path for path in [out, *out.rglob("*")] if path.is_file()):
            print(name, path.name, hashlib.sha256(path.read_bytes()).hexdigest())
"""


def test_another_process_writes_the_same(tmp_path: Path) -> None:
    """With another hash seed, so that the order of a set would show."""
    said = []
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", WRITE_ALL],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert said[0] == said[1]
    assert {line.split()[0] for line in said[0].splitlines()} == set(registry.writers())


class Good(Writer):
    """Lines with an id and a reason each.

    Attributes:
        divider: What stands between them.
    """

    type: Literal["good"] = "good"
    ending: ClassVar[str] = ".tsv"
    divider: str = "\t"

    def write(self, items: Items, out: Path) -> list[str]:
        with out.open("w", encoding="utf-8") as file:
            for item in items:
                file.write(f"{item.sample_id}{self.divider}{item.reason}\n")
        return []


class ShoutsItsName(Good):
    """Lines with an id and a reason each."""

    type: Literal["GOOD"] = "GOOD"  # type: ignore[assignment]


class TakesAnothersName(Good):
    """Lines with an id and a reason each."""

    type: Literal["csv"] = "csv"  # type: ignore[assignment]


class SaysNothing(Good):
    """Hm."""

    type: Literal["hm"] = "hm"  # type: ignore[assignment]


class KeepsAnOptionToItself(Good):
    """Lines with an id and a reason each.

    Attributes:
        divider: What stands between them.
    """

    type: Literal["quiet"] = "quiet"  # type: ignore[assignment]
    volume: int = 0


class MakesAFolder(Good):
    __doc__ = Good.__doc__
    type: Literal["folder"] = "folder"  # type: ignore[assignment]

    def write(self, items: Items, out: Path) -> list[str]:
        out.mkdir()
        return super().write(items, out / "in")


class SpeaksInParagraphs(Good):
    __doc__ = Good.__doc__
    type: Literal["wordy"] = "wordy"  # type: ignore[assignment]

    def write(self, items: Items, out: Path) -> list[str]:
        super().write(items, out)
        return ["one\ntwo"]


class LeavesACrumb(Good):
    __doc__ = Good.__doc__
    type: Literal["crumb"] = "crumb"  # type: ignore[assignment]

    def write(self, items: Items, out: Path) -> list[str]:
        (out.parent / ".index").write_text("1")
        return super().write(items, out)


class SignsWithItsPlace(Good):
    __doc__ = Good.__doc__
    type: Literal["place"] = "place"  # type: ignore[assignment]

    def write(self, items: Items, out: Path) -> list[str]:
        super().write(items, out)
        with out.open("a") as file:
            file.write(f"{out} {os.urandom(4).hex()}\n")
        return []


class ForgetsFolders(Good):
    __doc__ = Good.__doc__
    type: Literal["flat"] = "flat"  # type: ignore[assignment]

    def write(self, items: Items, out: Path) -> list[str]:
        names = [item.sample_id.rpartition("/")[2] for item in items]
        out.write_text("\n".join(names), encoding="utf-8")
        return []


class HoldsAll(Good):
    __doc__ = Good.__doc__
    type: Literal["greedy"] = "greedy"  # type: ignore[assignment]

    def write(self, items: Items, out: Path) -> list[str]:
        rows = [f"{item.sample_id}\t{item.reason}" for item in list(items)]
        out.write_text("\n".join(rows), encoding="utf-8")
        return []


class HoldsReasons(Good):
    __doc__ = Good.__doc__
    type: Literal["reasons"] = "reasons"  # type: ignore[assignment]

    def write(self, items: Items, out: Path) -> list[str]:
        rows = [(item.sample_id, item.reason) for item in items]
        out.write_text("\n".join(map(" ".join, rows)), encoding="utf-8")
        return []


def test_a_good_writer_passes() -> None:
    for check in checks_for(Good):
        check(Good)


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (ShoutsItsName, "check_writer_name"),
        (TakesAnothersName, "check_writer_name"),
        (SaysNothing, "check_writer_is_explained"),
        (KeepsAnOptionToItself, "check_writer_is_explained"),
        (MakesAFolder, "check_writes_a_file_or_a_folder"),
        (SpeaksInParagraphs, "check_writes_a_file_or_a_folder"),
        (LeavesACrumb, "check_writes_only_there"),
        (SignsWithItsPlace, "check_writes_the_same_again"),
        (ForgetsFolders, "check_ids_survive"),
        (HoldsAll, "check_streams"),
        (HoldsReasons, "check_streams"),
    ],
)
def test_a_broken_writer_is_noticed(cls: type[Writer], name: str) -> None:
    """The check that is there for it fails, and none of the others."""
    noticed = []
    for check in checks_for(cls):
        try:
            check(cls)
        except AssertionError:
            noticed.append(check.__name__)
    explained = (
        {"check_writer_is_explained"} if cls in (ShoutsItsName, TakesAnothersName) else set()
    )
    assert set(noticed) == {name, *explained}
