"""Every case of the benchmark suite at its smallest size, through the command line."""
# ruff: noqa: E402 - the folder of the benchmarks has to be found first

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from benchmark_suite import command

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # `pytest` alone does not look in the folder it runs in

from benchmarks import case as case_files
from benchmarks.case import Setting, cases
from benchmarks.outside_data import OutsideData
from benchmarks.results import read_json


@pytest.fixture(scope="module")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Results of all cases at their smallest size, without outside data, and the process."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "empty").mkdir()
    words = ["run", "--size", "small", "--seeds", "2", "--check", "--no-peers"]
    given = [*words, "--data", folder / "empty", "--out", folder / "results"]
    done = command(ROOT, *given, check=False, XDG_CACHE_HOME=str(folder / "cache"))
    return folder / "results", done


@pytest.fixture(scope="module")
def small(small_run: tuple[Path, Any]) -> Path:
    """The folder of these results."""
    return small_run[0]


def test_all_cases_run_and_what_they_claim_of_a_small_run_holds(
    small_run: tuple[Path, Any],
) -> None:
    done = small_run[1]
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", case_files.names())
def test_no_claim_is_left_out(name: str, small: Path) -> None:
    """What is meant for this size and needs no data is judged: else it could not fail."""
    result = read_json(small / f"{name}.json")
    labels = {told["key"]: told["label"] for told in result["claims"]}
    for claim in cases()[name].claims:
        if "small" not in claim.sizes:
            assert labels[claim.key] == "not run"
        elif not claim.needs:
            assert labels[claim.key] == claim.label, claim.key
    assert any(label != "not run" for label in labels.values())


@pytest.mark.parametrize("name", case_files.names())
def test_tables_and_plots_come_from_the_results(name: str, small: Path, tmp_path: Path) -> None:
    case, units = cases()[name], read_json(small / f"{name}.json")["units"]
    tables = case.tables(units)
    assert any(table.rows for table in tables)
    for table in tables:
        assert table.columns
        assert {len(row) for row in table.rows} <= {len(table.columns)}, table.title
        assert all(isinstance(cell, str) for row in table.rows for cell in row), table.title
    for path in case.draw(units, tmp_path) if case.draw else ():
        assert path.parent == tmp_path
        assert re.fullmatch(rf"{name}(-[\w-]+)?\.png", path.name)
        assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", case_files.names())
def test_units_are_planned_without_outside_data(name: str, tmp_path: Path) -> None:
    case = cases()[name]
    units = case.units(Setting("full", 2, OutsideData(tmp_path), first_seed=7))
    assert len({unit.name for unit in units}) == len(units)
    assert all(re.fullmatch(r"[\w.-]+", unit.name) for unit in units)
    assert len({claim.key for claim in case.claims}) == len(case.claims)


def test_the_page_of_small_results(small: Path, tmp_path: Path) -> None:
    command(ROOT, "report", "--results", small, "--out", tmp_path / "README.md")
    text = (tmp_path / "README.md").read_text()
    for name in case_files.names():
        assert f"### {name}\n" in text
    for plot in re.findall(r"!\[.*\]\((.*)\)", text):
        assert (tmp_path / plot).exists()


def test_all_cases_are_listed() -> None:
    text = command(ROOT, "list").stdout
    for name in case_files.names():
        assert f"\n{name}: " in f"\n{text}"
    assert "\nspeed/similarity: SIMILARITY" in text
