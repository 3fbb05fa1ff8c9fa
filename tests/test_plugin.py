"""The example plug-in, installed as a user would, is there everywhere and passes every check."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PLUGIN = ROOT / "examples" / "selectlab-plugin"


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the plug-in's source, so that building leaves nothing behind."""
    left_out = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", ".*_cache")
    copy = tmp_path_factory.mktemp("plugin") / "source"
    return Path(shutil.copytree(PLUGIN, copy, ignore=left_out))


@pytest.fixture(scope="session")
def site(source: Path) -> Path:
    """A folder that the plug-in is installed in."""
    target = source.parent / "site"
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--target", str(target)]
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *options]
    subprocess.run([*command, str(source)], check=True, capture_output=True)
    return target


def python(site: Path, *arguments: object, cwd: Path) -> str:
    """Run this Python with the plug-in installed."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def cli(site: Path, *arguments: object, cwd: Path) -> str:
    """Run the command line with the plug-in installed."""
    return python(site, "-c", "from selectlab.cli import main; main()", *arguments, cwd=cwd)


def test_it_is_listed(site: Path, tmp_path: Path) -> None:
    listed = json.loads(cli(site, "strategies", "--json", cwd=tmp_path))
    assert listed["strategies"]["APART"] == {
        "summary": "Pick samples whose number is far from that of everything picked so far.",
        "package": "selectlab-plugin",
    }
    assert listed["inputs"]["FILENAME_NUMBER"]["package"] == "selectlab-plugin"
    assert listed["strategies"]["DIVERSITY"]["package"] == "selectlab"
    assert listed["goes_with"]["FILENAME_NUMBER"] == ["APART", "THRESHOLD", "WEIGHTS"]
    assert "APART" in listed["goes_with"]["METADATA"]
    assert "APART" in cli(site, "strategies", cwd=tmp_path)


def test_it_is_in_the_schema(site: Path, tmp_path: Path) -> None:
    """Editors complete the plug-in's types and fields, and know which pairs go together."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(cli(site, "schema", cwd=tmp_path))
    number = {"type": "FILENAME_NUMBER", "pattern": "(\\d+)"}

    def accepts(source: dict[str, Any], strategy: str) -> bool:
        entry = {"input": source, "strategy": {"type": strategy}}
        config = {"n_samples": 2, "strategies": [entry]}
        return bool(jsonschema.Draft202012Validator(schema).is_valid(config))

    assert accepts(number, "APART")
    assert not accepts({**number, "patern": "(\\d+)"}, "APART")
    assert not accepts(number, "DIVERSITY")


def test_a_config_uses_it(site: Path, tmp_path: Path) -> None:
    """Of frames 0 to 8, the first by id, the farthest, and the one in the middle."""
    (tmp_path / "data").mkdir()
    rows = "".join(f"video/frame-{i}.png,{i % 2}\n" for i in range(9))
    (tmp_path / "data" / "metadata.csv").write_text(f"sample_id,night\n{rows}", encoding="utf-8")
    entry = {
        "input": {"type": "FILENAME_NUMBER", "pattern": "frame-(\\d+)"},
        "strategy": {"type": "APART"},
    }
    config = {"n_samples": 3, "strategies": [entry]}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    said = cli(
        site, "select", "config.json", "--data", "data", "--out", "run", "--json", cwd=tmp_path
    )
    frames = [f"video/frame-{i}.png" for i in (0, 8, 4)]
    assert json.loads(said)["selected"] == frames
    assert (tmp_path / "run" / "selection.txt").read_text(encoding="utf-8").split() == frames


def test_our_contract_tests_take_it_in(site: Path) -> None:
    chosen = ("-k", "APART or FILENAME_NUMBER", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    command = ("-m", "pytest", *chosen, "tests/test_contracts.py")
    assert "23 passed" in python(site, *command, cwd=ROOT)
    chosen = ("-k", "markdown", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    command = ("-m", "pytest", *chosen, "tests/test_writer_contracts.py")
    assert "7 passed" in python(site, *command, cwd=ROOT)


def test_its_format_is_one_of_ours(site: Path, tmp_path: Path) -> None:
    """Listed, with its options, and written by name or by campaigns alike."""
    listed = json.loads(cli(site, "export", "--list", "--json", cwd=tmp_path))
    assert listed["markdown"]["package"] == "selectlab-plugin"
    assert listed["markdown"]["options"] == {"title": None, "images": False}
    build = tmp_path / "data" / "metadata.csv"
    build.parent.mkdir()
    build.write_text("sample_id,night\na b.png,1\n", encoding="utf-8")
    (tmp_path / "ids.txt").write_text("a b.png\n", encoding="utf-8")
    said = cli(
        *(site, "export", "ids.txt", "--data", "data", "--format", "markdown", "--to", "todo.md"),
        *("--set", "title=To do", "--set", "images=yes", "--image-url", "https://host/{id}"),
        cwd=tmp_path,
    )  # fmt: skip
    assert said == "1 sample written as markdown: todo.md\n"
    text = (tmp_path / "todo.md").read_text(encoding="utf-8")
    assert text.startswith("# To do\n")
    assert "![1](<https://host/a%20b.png>)" in text


def test_its_own_tests_pass(site: Path, source: Path) -> None:
    python(site, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", cwd=source)
