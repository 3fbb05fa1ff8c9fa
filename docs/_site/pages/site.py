"""All pages that are not written by hand, and where they stand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pages.classes import described, summary_of
from pages.commands import command_trees
from pages.configs import Shown, example_for, shown_in
from pages.python import PAGES
from pages.words import type_in_words
from selectlab import registry
from selectlab.errors import repeated
from selectlab.schema import json_schema
from selectlab.types import Signal

TAKEN_OVER = ("CHANGELOG.md", "benchmarks/README.md", "benchmarks/speed/README.md")
PLOTS = ("benchmarks/plots", "benchmarks/speed/plots")
PLUGIN = "selectlab-plugin"
LANGUAGES = {".py": "python", ".sh": "bash", ".json": "json", ".toml": "toml"}
PACKAGES = {
    "selectlab.strategies": "reference/strategies/index.md",
    "selectlab.inputs": "reference/inputs/index.md",
    "selectlab.assertions": "reference/assertions.md",
    "selectlab.exports": "reference/export-formats.md",
    "selectlab.labels": "reference/label-formats.md",
    "selectlab.commands": "reference/commands/index.md",
    "selectlab.schema": "reference/schema.md",
}
"""Where a link to a package leads, if not to a page about Python."""


@dataclass(frozen=True)
class Site:
    """What is added to the pages of ``docs``.

    Attributes:
        generated: Text of each generated file, by its place in the site.
        copied: Files that are copied as they are, by their place in the site.
        modules: The page that describes a module.
    """

    generated: Mapping[str, str]
    copied: Mapping[str, Path]
    modules: Mapping[str, str]

    @classmethod
    def of(cls, root: Path) -> Site:
        """Make the pages of what is installed.

        Args:
            root: The repository.
        """
        shown = shown_in(root / "docs")
        pages = _each_once([*_reference(shown), *_python(), *_taken_over(root)])
        schema = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
        plots = [path for folder in PLOTS for path in sorted((root / folder).glob("*.png"))]
        return cls(
            pages | {"reference/schema.json": schema},
            {path.relative_to(root).as_posix(): path for path in plots},
            dict(_module_pages()),
        )


def _each_once(pages: list[tuple[str, str]]) -> dict[str, str]:
    """Return pages by their place; two in one place would hide one another."""
    found = dict(pages)
    if len(found) < len(pages):
        places = [place for place, _ in pages]
        raise ValueError(f"two pages stand in one place: {sorted(repeated(places))}")
    return found


def _rendered(template: str, **values: object) -> str:
    """Fill in a template."""
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    jinja = Environment(
        loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return jinja.get_template(f"{template}.md").render(values)


def _reference(shown: list[Shown]) -> Iterator[tuple[str, str]]:
    """Pages about strategies, inputs, assertions, formats, commands and the schema."""
    yield from _strategies(shown)
    yield from _inputs(shown)
    assertions = [described(name, found, {"name"}) for name, found in registry.assertions().items()]
    yield "reference/assertions.md", _rendered("assertions", assertions=assertions)
    writers = [described(name, found) for name, found in registry.writers().items()]
    yield "reference/export-formats.md", _rendered("export-formats", writers=writers)
    readers = [
        (name, found.package, summary_of(found.read))
        for name, found in registry.label_readers().items()
    ]
    yield "reference/label-formats.md", _rendered("label-formats", readers=readers)
    trees = command_trees()
    yield "reference/commands/index.md", _rendered("commands", trees=trees)
    for tree in trees:
        yield f"reference/commands/{tree[0].page}", _rendered("command", tree=tree)
    schema = json_schema()
    keys = {
        name: (type_in_words(field, schema["$defs"]), field.get("description", ""))
        for name, field in schema["properties"].items()
        if name not in ("strategies", "auto_tasks", "$schema")
    }
    yield "reference/schema.md", _rendered("schema", keys=keys)


def _strategies(shown: list[Shown]) -> Iterator[tuple[str, str]]:
    inputs = {name: found.cls for name, found in registry.inputs().items()}
    pages = [described(name, found) for name, found in registry.strategies().items()]
    yield "reference/strategies/index.md", _rendered("strategies", strategies=pages)
    for page in pages:
        cls = registry.strategies()[page.name].cls
        goes_with = [name for name, source in inputs.items() if registry.fits(source.kinds, cls)]
        yield (
            f"reference/strategies/{page.slug}.md",
            _rendered(
                "class",
                page=page,
                role="strategy",
                kinds=_kinds(cls.accepts),
                goes_with=[(name, f"../inputs/{_slug(name)}.md") for name in goes_with],
                **_examples("strategy", page.name, shown),
            ),
        )


def _inputs(shown: list[Shown]) -> Iterator[tuple[str, str]]:
    strategies = {name: found.cls for name, found in registry.strategies().items()}
    pages = [described(name, found) for name, found in registry.inputs().items()]
    yield "reference/inputs/index.md", _rendered("inputs", inputs=pages)
    for page in pages:
        kinds = registry.inputs()[page.name].cls.kinds
        goes_with = [name for name, cls in strategies.items() if registry.fits(kinds, cls)]
        yield (
            f"reference/inputs/{page.slug}.md",
            _rendered(
                "class",
                page=page,
                role="input",
                kinds=_kinds(kinds),
                goes_with=[(name, f"../strategies/{_slug(name)}.md") for name in goes_with],
                **_examples("input", page.name, shown),
            ),
        )


def _slug(name: str) -> str:
    return name.lower().replace("_", "-")


def _kinds(kinds: tuple[type[Signal], ...]) -> list[tuple[str, str]]:
    """Return kinds of signals with what they are."""
    return [(kind.__name__, summary_of(kind)) for kind in kinds]


def _examples(role: str, name: str, shown: list[Shown]) -> dict[str, object]:
    """Return a config to show, where it is from, and other guides that use the class."""
    text, source = example_for(role, name, shown)
    others: dict[str, Shown] = {}
    for one in shown:
        if one.uses(role, name) and (source is None or one.page != source.page):
            others.setdefault(one.page, one)
    return {"config": text, "source": source, "others": list(others.values())}


def _python() -> Iterator[tuple[str, str]]:
    yield "reference/python/index.md", _rendered("python", pages=PAGES)
    for page in PAGES:
        names = list(page.names())
        yield f"reference/python/{page.slug}.md", _rendered("python-page", page=page, names=names)


def _module_pages() -> Iterator[tuple[str, str]]:
    """Give each module with the page that says most of it; later ones count."""
    for page in PAGES:
        for member in page.members:
            yield member.partition(":")[0], f"reference/python/{page.slug}.md"
    for folder, found in {"strategies": registry.strategies(), "inputs": registry.inputs()}.items():
        for name, installed in found.items():
            yield installed.cls.__module__, f"reference/{folder}/{_slug(name)}.md"
    yield from PACKAGES.items()


def _taken_over(root: Path) -> Iterator[tuple[str, str]]:
    """Pages of the repository outside of docs; examples with their files below them."""
    for uri in TAKEN_OVER:
        yield uri, (root / uri).read_text(encoding="utf-8")
    for readme in sorted((root / "examples").glob("*/README.md")):
        text = readme.read_text(encoding="utf-8")
        files = [path for path in sorted(readme.parent.iterdir()) if path.suffix in LANGUAGES]
        if readme.parent.name != PLUGIN:
            text += "".join(_block(path) for path in files)
        yield readme.relative_to(root).as_posix(), text


def _block(path: Path) -> str:
    """Return a file as a section with its code."""
    body = path.read_text(encoding="utf-8")
    return f"\n## {path.name}\n\n````{LANGUAGES[path.suffix]}\n{body}````\n"
