"""What the README and the docs show runs as shown, page by page from top to bottom."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from doc_pages import PAGES, ROOT, Block, blocks, commands, named

from selectlab.config import load
from selectlab.demo import run_demo

ELSEWHERE = {"video.md", "label-studio.md", "aperturedb.md"}
"""What these show needs a model or a server: the tests of those run it."""
HERE = [page for page in PAGES if page.name not in ELSEWHERE and blocks(page)]
PROGRAM = [sys.executable, "-c", "from selectlab.cli import main; main()"]


@pytest.fixture(scope="module")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `make demo` leaves it, with the README's config beside it."""
    folder = tmp_path_factory.mktemp("readme")
    run_demo(folder / "demo", 20)
    shown = [block.text for block in blocks(ROOT / "README.md", "json")]
    (folder / "config.json").write_text(next(text for text in shown if "n_samples" in text))
    return folder


def test_the_pages_show_something() -> None:
    assert sum(len(commands(page)) for page in PAGES) >= 8
    assert sum(len(blocks(page, "json")) for page in PAGES) >= 4
    assert blocks(ROOT / "README.md", "python")
    assert any(block.title for page in PAGES for block in blocks(page, "json"))


@pytest.mark.parametrize("page", HERE, ids=named)
def test_a_page_runs_from_top_to_bottom(
    page: Path, playground: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands, Python, and JSON that is to be saved; Python with a title is a file elsewhere."""
    monkeypatch.chdir(playground)
    names: dict[str, object] = {}
    for block in blocks(page):
        for command in block.commands:
            if command.startswith("selectlab "):
                run(command)
        if block.language == "python" and not block.title:
            exec(compile(block.text, str(page), "exec"), names)
        if block.language == "json" and block.title:
            Path(block.title).write_text(block.text)


def run(command: str) -> None:
    words, _, target = command.partition(" > ")
    found = subprocess.run([*PROGRAM, *shlex.split(words)[1:]], capture_output=True, text=True)
    assert found.returncode == 0, f"{command}\n{found.stderr}"
    if target:
        Path(target.strip()).write_text(found.stdout)


def test_other_commands_are_ones_that_exist() -> None:
    """make targets exist; pip lines install this project with the constraints."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
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


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_json_configs_are_valid(page: Path) -> None:
    for block in blocks(page, "json"):
        data = json.loads(block.text)
        if "strategies" in data:
            load(data)
        elif "auto_tasks" in data:
            minimal = {"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}}
            load({"n_samples": 1, "strategies": [minimal], **data})


def test_relative_links_lead_somewhere() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_a_block_is_read_as_it_stands(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('text\n```bash\nmake demo  # x\n\nls\n```\n```json title="a.json"\n{}\n```\n')
    first, second = blocks(page)
    assert first.commands == ["make demo", "ls"]
    assert second == Block("json", "a.json", "{}\n")
    assert second.commands == []
