"""The parts that make the site's pages: links, words for fields, docstrings, configs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from doc_pages import DOCS, ROOT, blocks
from folder_builder import build
from small_dataset import EMBEDDINGS, WEIGHTS, config, picture, selectlab

from selectlab.config import load
from selectlab.demo import run_demo

pytest.importorskip("mkdocs", reason="mkdocs is not installed")
pytest.importorskip("mkdocstrings", reason="mkdocstrings is not installed")

KNOWN = {"config.md", "index.md", "reference/schema.md", "benchmarks/README.md", "CHANGELOG.md"}
KNOWN |= {"benchmarks/a.png"}
KNOWN |= {"examples/learning-curves/README.md", "decisions/0001-combination-rule.md"}
MODULES = {"selectlab.types": "reference/python/types.md", "selectlab.inputs": "reference/i.md"}


@pytest.fixture(scope="module", autouse=True)
def _importable() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOCS / "_site"))
        yield


def links(markdown: str, uri: str) -> str:
    found: str = import_module("pages.links").Links(ROOT, KNOWN, MODULES).put_right(markdown, uri)
    return found


@pytest.mark.parametrize(
    ("uri", "link", "expected"),
    [
        ("config.md", "(index.md#a)", "[x](index.md#a)"),
        ("config.md", "(../benchmarks/README.md#c)", "[x](benchmarks/README.md#c)"),
        ("config.md", "(../examples/learning-curves)", "[x](examples/learning-curves/README.md)"),
        ("config.md", "(../selectlab/types.py#t)", "[x](reference/python/types.md#t)"),
        ("config.md", "(../inputs)", "[x](reference/i.md)"),
        ("config.md", "(../benchmarks/results)", "`x`"),
        ("config.md", "(../no/such/file)", "[x](../no/such/file)"),
        ("config.md", "(https://example.org)", "[x](https://example.org)"),
        ("config.md", "(#below)", "[x](#below)"),
        ("CHANGELOG.md", "(docs/config.md)", "[x](config.md)"),
        ("benchmarks/README.md", "(results)", "`x`"),
        ("benchmarks/README.md", "(../docs/config.md)", "[x](../config.md)"),
        ("examples/learning-curves/README.md", "(../../docs/config.md)", "[x](../../config.md)"),
        ("reference/schema.md", "(../config.md)", "[x](../config.md)"),
        ("decisions/0001-combination-rule.md", "(../../CHANGELOG.md)", "[x](../CHANGELOG.md)"),
    ],
)
def test_a_link_leads_to_the_same_thing_in_the_site(uri: str, link: str, expected: str) -> None:
    assert links(f"see [x]{link}.", uri) == f"see {expected}."


def test_code_is_left_alone_and_pictures_are_found() -> None:
    code = "```\n[x](../benchmarks/README.md)\n```\n"
    assert links(f"{code}![x](../benchmarks/a.png)", "config.md") == f"{code}![x](benchmarks/a.png)"
    assert links("![x](../benchmarks/results)", "config.md") == "![x](../benchmarks/results)"
    assert links("[a[0]](../inputs)", "config.md") == "[a[0]](reference/i.md)"


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ({"type": "number"}, "number"),
        ({"type": "integer", "minimum": 2, "maximum": 9}, "integer (at least 2, at most 9)"),
        (
            {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "null"}]},
            "number (above 0) or null",
        ),
        ({"enum": ["a|b", 1]}, '<code>"a&#124;b"</code>, <code>1</code>'),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1}, "list of text (at least 1 entries)"),
        ({"type": "object", "additionalProperties": {"type": "boolean"}}, "object, name to true or false"),
        ({"$ref": "#/$defs/Range"}, "object with <code>low</code>: number"),
        ({}, "anything"),
    ],
)  # fmt: skip
def test_types_in_words(field: dict[str, Any], words: str) -> None:
    definitions = {"Range": {"type": "object", "properties": {"low": {"type": "number"}}}}
    assert import_module("pages.words").type_in_words(field, definitions) == words


def test_text_of_the_code_is_shown_letter_by_letter() -> None:
    words = import_module("pages.words")
    assert words.plain("a_b* <x> `[1]|") == "a&#95;b&#42; &lt;x&gt; &#96;&#91;1]&#124;"
    assert words.default_in_words({"default": "x"}, False) == '<code>"x"</code>'
    assert words.default_in_words({"default": "x"}, True) == "*required*"
    assert words.default_in_words({}, False) == ""


def test_roles_become_code_and_doctests_are_told() -> None:
    as_markdown = import_module("pages.docstrings").as_markdown
    given = "See :class:`~a.B`.\n\nExample:\n    >>> 1\n    1\n\nExample: none\n"
    assert (
        as_markdown(given)
        == "See `a.B`.\n\nExamples:\n    >>> 1\n    1\n\nExample: none\n"
    )  # fmt: skip


def test_a_class_that_no_guide_uses_gets_a_config_made_up() -> None:
    configs = import_module("pages.configs")
    for name in ("PROTOTYPES", "SIMILARITY", "THRESHOLD"):
        text, source = configs.example_for("strategy", name, [])
        assert source is None
        chosen = json.loads(text)
        load(chosen)
        assert chosen["strategies"][0]["strategy"]["type"] == name
    text, source = configs.example_for("input", "METADATA", [])
    assert json.loads(text)["strategies"][0]["input"]["key"]


def test_configs_of_guides_are_found_with_the_heading_above(tmp_path: Path) -> None:
    block = '```json title="a.json"\n{"strategies": [{"input": {"type": "A"}, "strategy": {"type": "B"}}]}\n```\n'
    (tmp_path / "guide.md").write_text(f"# Guide\n\n## One, two\n\ntext\n\n{block}")
    (tmp_path / "other.md").write_text('# Other\n\n```json\n{"no": "config"}\n```\n')
    [shown] = import_module("pages.configs").shown_in(tmp_path)
    assert (shown.page, shown.title, shown.anchor) == ("guide.md", "One, two", "one-two")
    assert shown.uses("input", "A")
    assert not shown.uses("strategy", "A")


def test_two_pages_in_one_place_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"two pages stand in one place: \['a.md'\]"):
        import_module("pages.site")._each_once([("a.md", "1"), ("b.md", "2"), ("a.md", "3")])


def test_the_label_reader_of_the_guide_reads_labels(tmp_path: Path) -> None:
    """Installed as a plug-in, it brings classes into a dataset."""
    [block] = [b for b in blocks(DOCS / "plugins.md", "python") if "def read_labels" in b.text]
    package = build(tmp_path / "package", {
        "class_lines.py": block.text.partition("\n\n\nPath(")[0],
        "class_lines-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: class-lines\nVersion: 1\n",
        "class_lines-1.dist-info/entry_points.txt": "[selectlab.label_readers]\nclasses = class_lines:read_labels\n",
    })  # fmt: skip
    task = ".lightly/predictions/animal"
    categories = [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}]
    build(tmp_path / "data", {
        "a/1.png": picture(0, 8, 8),
        "a/2.png": picture(1, 8, 8),
        ".lightly/predictions/tasks.json": ["animal"],
        f"{task}/schema.json": {"task_type": "classification", "categories": categories},
    })  # fmt: skip
    build(tmp_path, {"some.classes": "cat;a/1.png\ndog;a/2.png\n"})
    command = [
        "labels",
        "import",
        "some.classes",
        "--format",
        "classes",
        "--data",
        "data",
        "--json",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "from selectlab.cli import main; main()", *command],
        env={**os.environ, "PYTHONPATH": str(package)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["counts"]["new"], found["mismatches"]) == (2, [])


def test_messages_on_the_page_about_errors_are_real(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_demo(Path("demo"), 5)
    counts = {"type": "PREDICTIONS", "task": "digits_classifier", "name": "CLASS_DISTRIBUTION"}
    margin = {"type": "SCORES", "task": "digit_classifier", "score": "uncertainty_margin"}
    wrong = [
        config((EMBEDDINGS, {"type": "DIVERSTY"})),
        config((margin, WEIGHTS)),
        config((counts, {"type": "BALANCE", "target": {"nine": 1.0}})),
    ]
    shown = blocks(DOCS / "errors.md", "text")[0].text.splitlines()
    for given, line in zip(wrong, shown, strict=True):
        Path("config.json").write_text(json.dumps(given))
        ended = selectlab("validate", "config.json", "--data", "demo/dataset")
        assert (ended.code, ended.err.strip()) == (2, line)
