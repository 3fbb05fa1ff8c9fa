"""What the README and the docs show runs as shown."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from selectlab.config import load
from selectlab.demo import run_demo

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ELSEWHERE = {"video.md", "label-studio.md", "aperturedb.md"}
"""What these show needs a model or a server: the tests of those run it."""
HERE = [page for page in PAGES if page.name not in ELSEWHERE]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[str]:
    lines = [line for block in blocks(page, "bash") for line in block.splitlines()]
    return [line.split(" #")[0].strip() for line in lines if line.strip()]


@pytest.fixture(scope="module")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `make demo` leaves it, with the README's config beside it."""
    folder = tmp_path_factory.mktemp("readme")
    run_demo(folder / "demo", 20)
    shown = [block for block in blocks(ROOT / "README.md", "json") if "n_samples" in block]
    (folder / "config.json").write_text(shown[0])
    return folder


def test_the_pages_show_something() -> None:
    assert sum(len(commands(page)) for page in PAGES) >= 8
    assert sum(len(blocks(page, "json")) for page in PAGES) >= 4
    assert blocks(ROOT / "README.md", "python")


@pytest.mark.parametrize("page", HERE, ids=lambda page: page.name)
def test_selectlab_commands_run_in_order(page: Path, playground: Path) -> None:
    program = [sys.executable, "-c", "from selectlab.cli import main; main()"]
    for command in commands(page):
        if not command.startswith("selectlab "):
            continue
        words, _, target = command.partition(" > ")
        found = subprocess.run(
            [*program, *shlex.split(words)[1:]], cwd=playground, capture_output=True, text=True
        )
        assert found.returncode == 0, f"{command}\n{found.stderr}"
        if target:
            (playground / target.strip()).write_text(found.stdout)


def test_other_commands_are_ones_that_exist() -> None:
    """make targets exist; pip lines install this project with the constraints."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        for command in commands(page):
            if page.name in ELSEWHERE and not command.startswith("selectlab "):
                continue
            program, *rest = shlex.split(command.split("&&")[-1])
            if program == "make":
                assert set(rest) <= targets, command
            elif program == "pip":
                assert "constraints.txt" in rest, command
            else:
                assert program in {"selectlab", "cd", "export"}, command


def test_python_block_runs(playground: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(playground)
    for page in HERE:
        for block in blocks(page, "python"):
            exec(compile(block, str(page), "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_json_configs_are_valid(page: Path) -> None:
    for block in blocks(page, "json"):
        data = json.loads(block)
        if "strategies" in data:
            load(data)
        elif "auto_tasks" in data:
            minimal = {"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}}
            load({"n_samples": 1, "strategies": [minimal], **data})


def test_relative_links_lead_somewhere() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
