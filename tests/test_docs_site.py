"""The documentation site: builds without a warning, is whole, asks nobody, and describes all there is."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from browser import opened
from doc_pages import DOCS, PAGES, ROOT, blocks, named
from site_page import SitePage
from small_dataset import selectlab

from selectlab import registry
from selectlab.config import load

pytest.importorskip("mkdocs", reason="mkdocs is not installed")
pytest.importorskip("material", reason="mkdocs-material is not installed")
pytest.importorskip("mkdocstrings", reason="mkdocstrings is not installed")

CLASSES = [
    *(("strategies", name) for name in registry.strategies()),
    *(("inputs", name) for name in registry.inputs()),
]
SECTIONS = [
    *(("assertions", name) for name in registry.assertions()),
    *(("export-formats", name) for name in registry.writers()),
]
OPENED = ["index", "quickstart", "i-want-to", "studio", "reference/strategies/diversity"]
OPENED += [
    "reference/commands/selectlab-campaign",
    "reference/python/types",
    "benchmarks/index",
    "plugins",
]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, str]]:
    """Two sites, built at the same time under different hash seeds, and what was said."""
    folders = [tmp_path_factory.mktemp("site") / seed for seed in ("1", "2")]
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir"]
    running = [
        subprocess.Popen(
            [*command, str(folder)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": folder.name, "NO_MKDOCS_2_WARNING": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for folder in folders
    ]
    said = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    return list(zip(folders, said, strict=True))


@pytest.fixture(scope="session")
def site(built: list[tuple[Path, str]]) -> Path:
    return built[0][0]


@cache
def page_of(file: Path) -> SitePage:
    return SitePage(file)


def html_files(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_it_builds_without_a_warning(built: list[tuple[Path, str]]) -> None:
    for _, said in built:
        assert "WARNING" not in said, said


def test_two_builds_are_the_same(built: list[tuple[Path, str]]) -> None:
    one, other = (
        {
            str(path.relative_to(site)): path.read_bytes()
            for path in site.rglob("*")
            if path.is_file()
        }
        for site, _ in built
    )
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []
    assert not [name for name in one if "sitemap" in name], "it holds the day of the build"


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for file in html_files(site):
        for target in page_of(file).loaded:
            assert not re.match(r"[a-z]+:|//", target), f"{file.name} loads {target}"
    for file in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:|//)", file.read_text(encoding="utf-8")), file


def test_every_link_and_anchor_leads_somewhere(site: Path) -> None:
    for file in html_files(site):
        if file.name == "404.html":
            continue
        for link in page_of(file).links:
            target, _, anchor = link.partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            place = (file.parent / unquote(target)).resolve() if target else file
            place = place / "index.html" if place.is_dir() else place
            assert place.is_file(), f"{file.relative_to(site)}: {link}"
            assert place.is_relative_to(site.resolve()), f"{file.relative_to(site)}: {link}"
            if anchor and place.suffix == ".html":
                assert unquote(anchor) in page_of(place).ids, f"{file.relative_to(site)}: {link}"


@pytest.mark.parametrize(("folder", "name"), CLASSES)
def test_a_class_has_a_page_that_says_what_its_docstring_and_fields_say(
    site: Path, folder: str, name: str
) -> None:
    cls = getattr(registry, folder)()[name].cls
    page = page_of(site / "reference" / folder / f"{name.lower().replace('_', '-')}.html")
    first = re.sub(r"[`*\s]+", " ", cls.__doc__.strip().split("\n\n")[0]).split()
    assert all(word in page.text for word in first)
    for field, about in cls.model_json_schema()["properties"].items():
        assert field == "type" or f" {field} " in page.text, field
        for value in about.get("enum", ()):
            assert json.dumps(value) in page.text, value
    assert f"import {cls.__name__}" in page.text
    if "Reference:" in cls.__doc__:
        assert {"reference", "cost"} <= page.ids


@pytest.mark.parametrize(("folder", "name"), CLASSES)
def test_the_config_on_the_page_of_a_class_is_valid_and_uses_it(
    site: Path, folder: str, name: str
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    page = page_of(site / "reference" / folder / f"{name.lower().replace('_', '-')}.html")
    [config] = page.configs()
    load(config)
    jsonschema.validate(config, json.loads((site / "reference/schema.json").read_text()))
    role = {"strategies": "strategy", "inputs": "input"}[folder]
    assert name in [entry[role]["type"] for entry in config["strategies"]]


def test_limits_and_defaults_are_told(site: Path) -> None:
    typicality = page_of(site / "reference/strategies/typicality.html").text
    assert "num_nearest_neighbors integer (at least 2) 20 K; at most the size" in typicality
    assert "number (at least 0, at most 1) or null null End when the best" in typicality
    threshold = page_of(site / "reference/strategies/threshold.html").text
    assert "threshold number required The number the input is compared with" in threshold
    weights = page_of(site / "reference/strategies/weights.html").text
    assert "object with min_sum: number or null; max_sum: number" in weights
    diversity = page_of(site / "reference/strategies/diversity.html")
    assert (
        "1.0 Exponent in the product of all strategies; negative seeks look-alikes"
        in diversity.text
    )
    assert "Inputs that give one of these: EMBEDDINGS, GRADIENTS." in diversity.text
    assert "../inputs/embeddings.html" in diversity.links


@pytest.mark.parametrize(("page", "name"), SECTIONS)
def test_an_assertion_and_a_format_has_a_section(site: Path, page: str, name: str) -> None:
    found = page_of(site / "reference" / f"{page}.html")
    assert name in found.ids
    cls = getattr(registry, {"export-formats": "writers"}.get(page, page))()[name].cls
    for field in cls.model_fields:
        assert field in ("type", "name") or f" {field} " in found.text, field


def test_every_label_format_is_listed(site: Path) -> None:
    text = page_of(site / "reference/label-formats.html").text
    for name in registry.label_readers():
        assert f" {name} " in text


def commands_of(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Each command of the command line with the words that call it."""
    for word, below in getattr(command, "commands", {}).items():
        yield f"{name} {word}".strip(), below
        yield from commands_of(below, f"{name} {word}".strip())


@cache
def all_commands() -> dict[str, Any]:
    import typer

    from selectlab.cli import app

    return dict(commands_of(typer.main.get_command(app)))


def test_every_command_and_option_has_its_place(site: Path) -> None:
    assert len(all_commands()) > 40
    for name, command in all_commands().items():
        page = page_of(site / f"reference/commands/selectlab-{name.split()[0]}.html")
        assert name.replace(" ", "-") in page.ids
        for param in command.params:
            for option in (opt for opt in param.opts if opt.startswith("-")):
                assert option in page.text, f"{name} {option}"
        listed = page_of(site / "reference/commands/index.html")
        assert f" {name} " in listed.text


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=named)
def test_commands_on_a_page_have_these_options(page: Path) -> None:
    """Also where they are only shown, for lack of a server or a model."""
    lines = [line.strip() for block in blocks(page) for line in block.text.splitlines()]
    for line in (line for line in lines if line.startswith("selectlab ")):
        words = shlex.split(line.partition(" #")[0].partition(" > ")[0])[1:]
        name = next(
            (n for k in (3, 2, 1) if (n := " ".join(words[:k])) in all_commands()), words[0]
        )
        assert name in all_commands(), f"{page.name}: {line}"
        known = {opt for param in all_commands()[name].params for opt in param.opts}
        for word in words:
            if re.fullmatch(r"--?[a-z][a-z-]*", word) and word != "--help":
                assert word in known, f"{page.name}: {line}: no option {word}"


def test_the_schema_can_be_downloaded(site: Path) -> None:
    assert (site / "reference/schema.json").read_text(encoding="utf-8") == selectlab("schema").out
    assert "schema.json" in page_of(site / "reference/schema.html").links


def imported(page: Path) -> Iterator[tuple[str, str]]:
    """What the Python of a page imports of selectlab, by module and name."""
    for block in blocks(page, "python"):
        if not block.title:
            for node in ast.walk(ast.parse(block.text)):
                if isinstance(node, ast.ImportFrom) and str(node.module).startswith("selectlab."):
                    yield from ((str(node.module), alias.name) for alias in node.names)


def test_all_python_that_the_pages_use_is_described(site: Path) -> None:
    ids = {
        name for file in (site / "reference/python").glob("*.html") for name in page_of(file).ids
    }
    classes = {found.cls for _, name in CLASSES for found in [by_name(name)]}
    names = [(page, *pair) for page in PAGES for pair in imported(page)]
    assert len(names) > 20
    for page, module, name in names:
        if "example" in module or getattr(importlib.import_module(module), name) in classes:
            continue
        assert f"{module}.{name}" in ids, f"{page.name} imports {name} from {module}"


def by_name(name: str) -> Any:
    return {**registry.inputs(), **registry.strategies()}[name]


def test_code_of_the_plug_in_guide_is_that_of_the_example(site: Path) -> None:
    shown = "\n".join(page_of(site / "plugins.html").codes)
    folder = ROOT / "examples/selectlab-plugin"
    for file in ("apart.py", "filename_number.py", "markdown.py"):
        assert (folder / "selectlab_plugin" / file).read_text().strip() in shown
    assert (folder / "tests/test_selectlab_plugin.py").read_text().strip() in shown


def test_tables_and_plots_of_the_benchmarks_are_there(site: Path) -> None:
    for folder in ("benchmarks", "benchmarks/speed"):
        page = page_of(site / folder / "index.html")
        plots = {path.name for path in (ROOT / folder / "plots").glob("*.png")}
        assert plots == {Path(target).name for target in page.loaded if "plots/" in target}
        cells = (ROOT / folder / "README.md").read_text().count("\n| ")
        assert cells > 20
    assert "not reproduced" in page_of(site / "benchmarks/index.html").text


def test_a_plug_in_has_its_pages(tmp_path: Path) -> None:
    """Installed as a user would; nothing of the docs names it."""
    left_out = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", ".*_cache")
    copy = shutil.copytree(ROOT / "examples/selectlab-plugin", tmp_path / "source", ignore=left_out)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    target = tmp_path / "target"
    subprocess.run([*pip, "--target", str(target), str(copy)], check=True, capture_output=True)
    program = (
        "import json, sys; from pathlib import Path; from pages.site import Site\n"
        "print(json.dumps(dict(Site.of(Path(sys.argv[1])).generated)))"
    )
    path = os.pathsep.join([str(target), str(DOCS / "_site")])
    done = subprocess.run(
        [sys.executable, "-c", program, str(ROOT)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    pages = json.loads(done.stdout)
    apart = pages["reference/strategies/apart.md"]
    assert "Gonzalez 1985" in apart
    assert "From the package `selectlab-plugin`." in apart
    number = pages["reference/inputs/filename-number.md"]
    assert "<code>pattern</code>" in number
    config = json.loads(number.split("```json\n")[1].split("```")[0])
    assert config["strategies"][0]["input"] == {"type": "FILENAME_NUMBER"}
    assert "## markdown" in pages["reference/export-formats.md"]
    assert '"APART"' in pages["reference/schema.json"]
    assert "[FILENAME_NUMBER](../inputs/filename-number.md)" in apart


@pytest.mark.parametrize("name", OPENED)
def test_a_page_opens_from_disk(chromium: Any, site: Path, name: str) -> None:
    """Also in a narrow window: only tables and code scroll sideways."""
    for width in (1300, 400):
        with opened(chromium, site / f"{name}.html", width=width) as page:
            page.wait_for_selector("h1")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            images = "all => all.filter(one => !one.complete || !one.naturalWidth).length"
            page.wait_for_load_state("load")
            assert page.eval_on_selector_all("img:not([loading=lazy])", images) == 0


def test_search_works_from_disk(chromium: Any, site: Path) -> None:
    with opened(chromium, site / "quickstart.html") as page:
        page.get_by_placeholder("Search").first.click()
        page.keyboard.type("farthest from everything")
        page.locator('.md-search-result__link[href*="strategies/diversity.html"]').first.click()
        page.wait_for_url("**/reference/strategies/diversity.html*")
        assert page.locator("h1").inner_text().startswith("DIVERSITY")
