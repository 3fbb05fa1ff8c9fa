"""The house rules of docs/design.md that a machine can check, read from the source itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {
    "selectlab": "selectlab",
    "strategies": "selectlab.strategies",
    "inputs": "selectlab.inputs",
}

LAYERS = [
    "engine nearest cluster errors atomic locks progress ids read_ahead",
    "threads",
    "store",
    "validation resources row_files executor",
    "process_executor ray_executor",
    "objective products stored space",
    "clusters sharded",
    "equal_rows device_products shortlist approximate balls",
    "crossing",
    "closest",
    "neighbours",
    "homes",
    "forms few_nearest findings groups",
    "running_sum signals",
    "nearest_selected vector_signals class_signals",
    "device_nearest sharded_nearest",
    "distances",
    "types",
    "assertions",
    "registry",
    "columns tally",
    "shapes",
    "masks",
    "brush",
    "vector_tables",
    "dataset",
    "strategies inputs",
    "memory",
    "corpus",
    "labels store_place",
    "auto_tasks sequences frame_gap plan",
    "scores frontier search",
    "terms",
    "core_rows phase",
    "eager lazy",
    "greedy",
    "shard",
    "config",
    "resolve",
    "statistics greedi",
    "manifest writers",
    "selection ranking",
    "earlier checkpoint",
    "rounds",
    "preparation",
    "api",
    "schema console simulate",
    "demo",
    "assertion_run prediction_files footage",
    "exports",
    "video",
    "film",
    "thumbnail_folder",
    "thumbnails",
    "pixel_embeddings",
    "report",
    "campaigns",
    "aperture label_studio testing",
    "studio",
    "commands",
    "cli",
    "__main__",
]
"""From the ground up. A module imports only from layers below its own."""

SPLIT = {"engine", "nearest", "cluster"}
"""Packages whose modules stand in layers of their own."""

UPWARDS = {
    ("dataset", "memory"): "Dataset(ids, embeddings=...) is the one way in for arrays at hand",
    ("inputs.embeddings", "campaigns.queries"): "a query set may be a campaign",
    ("rounds.rounds", "exports.run_ids"): "a run has one id, recorded or exported",
    ("registry", "exports.writer"): "writers are found as strategies are",
    ("exports.sources", "campaigns.exports"): "what is exported may be a campaign",
}
"""The imports that go up, lazily, and why."""

PUBLIC_TO_STRATEGIES = {"types", "errors", "distances", "groups", "neighbours"}
LIGHT = {"numpy", "pydantic", "pydantic_core", "typing_extensions"}
LIGHT_IN = {
    "cli": {"typer"},
    "commands": {"typer"},
    "console": {"rich"},
    "store": {"sqlalchemy", "alembic"},
    "campaigns.store": {"sqlalchemy"},
    "rounds.rows": {"sqlalchemy"},
    "studio": {"fastapi", "starlette", "sqlalchemy"},
}
"""What a package, and all in it, may import when it is loaded."""
HEAVY = {
    *("alembic", "faiss", "httpx", "psycopg", "ray", "sqlalchemy"),
    *("torch", "pandas", "scipy", "sklearn", "pyarrow", "PIL", "ultralytics", "matplotlib"),
    *("numpy", "pydantic", "fsspec", "s3fs"),
}

FILE_LINES = 300
FUNCTION_LINES = 40


@dataclass(frozen=True)
class Import:
    """One import: from which module, of what, and whether only when a function runs."""

    module: str
    target: str
    lazy: bool

    @property
    def ours(self) -> bool:
        return self.target.split(".")[0] == "selectlab"


@cache
def sources() -> dict[str, Path]:
    """Files of the package by dotted name, each once although two folders are linked."""
    found = {}
    for folder, package in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            linked = folder == "selectlab" and (ROOT / folder / parts[0]).is_symlink()
            if not linked:
                found[".".join((package, *parts)).removesuffix(".__init__")] = path
    return found


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(sources()[module].read_text(encoding="utf-8"))


def short(module: str) -> str:
    return module.removeprefix("selectlab.")


@cache
def imports() -> list[Import]:
    """Every import that happens at run time (those for type checkers do not)."""
    return [found for module in sources() for found in _imports(module, tree(module), False)]


def _imports(module: str, node: ast.AST, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        if isinstance(child, ast.Import):
            for name in child.names:
                yield Import(module, name.name, lazy)
        elif isinstance(child, ast.ImportFrom):
            assert child.module is not None, f"{module}: relative import"
            assert child.level == 0, f"{module}: relative import"
            for name in child.names:
                full = f"{child.module}.{name.name}"
                yield Import(module, full if full in sources() else child.module, lazy)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports(module, child, lazy or inside)


def layer(module: str) -> int:
    package, _, rest = short(module).partition(".")
    name = rest if package in SPLIT and rest else package
    for height, members in enumerate(LAYERS):
        if name in members.split():
            return height
    raise AssertionError(f"{module}: stands in no layer; give it a place in LAYERS")


def test_imports_go_down() -> None:
    for found in imports():
        if not found.ours or "selectlab" in (found.module, found.target):
            continue
        here, there = layer(found.module), layer(found.target)
        package = short(found.module).split(".")[0]
        same_package = package not in SPLIT and package == short(found.target).split(".")[0]
        if found.lazy and (short(found.module), short(found.target)) in UPWARDS:
            continue
        assert there < here or same_package, f"{found.module} imports {found.target}"


def test_the_ways_up_are_still_needed() -> None:
    lazy = {(short(found.module), short(found.target)) for found in imports() if found.lazy}
    assert set(UPWARDS) <= lazy


def test_modules_do_not_import_in_circles() -> None:
    """Among the imports that run when a module is loaded; packages re-export, so they stand out."""
    needs: dict[str, set[str]] = {module: set() for module in sources()}
    for found in imports():
        if found.ours and not found.lazy and not _is_package(found.target):
            needs[found.module].add(found.target)
    done: set[str] = set()
    while len(done) < len(needs):
        ready = {m for m in needs.keys() - done if needs[m] <= done}
        assert ready, f"in a circle, or above one: {sorted(needs.keys() - done)}"
        done |= ready


def _is_package(module: str) -> bool:
    return sources()[module].name == "__init__.py"


def test_strategies_see_only_the_public_surface() -> None:
    for found in imports():
        package = found.module.startswith("selectlab.strategies.")
        if package and found.ours:
            assert short(found.target) in PUBLIC_TO_STRATEGIES, f"{found.module}: {found.target}"


def test_no_module_knows_a_strategy_by_name() -> None:
    for found in imports():
        inside = found.module.startswith("selectlab.strategies")
        assert inside or not found.target.startswith("selectlab.strategies"), found


def test_the_loop_knows_nothing_but_objectives() -> None:
    loop = {module for module in sources() if module.startswith("selectlab.engine")}
    seen = {found.target for found in imports() if found.module in loop} - loop
    library = {name for name in seen if name.split(".")[0] in sys.stdlib_module_names}
    known = {"selectlab.objective", "selectlab.forms", "selectlab.threads", "selectlab.resources"}
    assert seen - library <= {*known, "selectlab", "numpy"}
    assert not library & {"json", "csv", "pathlib", "os", "logging"}


def test_heavy_packages_are_imported_when_they_are_used() -> None:
    for found in imports():
        top = found.target.split(".")[0]
        if found.ours or found.lazy or top in sys.stdlib_module_names:
            continue
        within = [LIGHT_IN[p] for p in LIGHT_IN if f"{short(found.module)}.".startswith(f"{p}.")]
        allowed = LIGHT.union(*within)
        assert top in allowed, f"{found.module} imports {found.target} when it is loaded"


def test_help_loads_no_heavy_package() -> None:
    program = (
        "import sys\n"
        "from selectlab.cli import main\n"
        "sys.argv = ['selectlab', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))\n"
    )
    done = _python(program)
    assert "demo" in done
    loaded = set(done.splitlines()[-1].split())
    assert not loaded & HEAVY


def test_everything_loads_under_its_own_name_only() -> None:
    """Two copies of a class break registries: a strategy would not be a ``Strategy``."""
    modules = [module for module in sources() if not module.endswith("__main__")]
    program = (
        "import sys, importlib\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "from selectlab import registry\n"
        "registry.strategies(), registry.inputs()\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))\n"
    )
    loaded = set(_python(program).splitlines()[-1].split())
    assert not loaded & {"strategies", "inputs"}


def _python(program: str) -> str:
    """Run a program outside the repository, so that only what is installed can be imported."""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def code_lines(node: ast.AST) -> set[int]:
    """Lines of a node that hold code: no docstrings, comments or blank lines."""
    found: set[int] = set()
    for child in ast.walk(node):
        docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        if isinstance(child, ast.stmt) and not docstring:
            body = getattr(child, "body", None)
            last = body[0].lineno - 1 if body else child.end_lineno or 0
            found |= {child.lineno, *range(child.lineno, last + 1)}
    return found


@pytest.mark.parametrize("module", list(sources()))
def test_a_file_is_short(module: str) -> None:
    lines = code_lines(tree(module))
    assert len(lines) <= FILE_LINES, f"{module}: {len(lines)} lines of code"


@pytest.mark.parametrize("module", list(sources()))
def test_functions_are_short(module: str) -> None:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.FunctionDef):
            n = sum(len(code_lines(statement)) for statement in node.body)
            assert n <= FUNCTION_LINES, f"{module}:{node.lineno} {node.name}: {n} lines"


def test_sorting_is_stable() -> None:
    for module in sources():
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                kinds = [ast.unparse(k.value) for k in node.keywords if k.arg == "kind"]
                if name in ("argsort", "sort_values"):
                    assert kinds == ["'stable'"], f"{module}:{node.lineno}: {name} without stable"


def test_class_variables_say_their_type() -> None:
    """On Python 3.10 pydantic cannot read a bare ``ClassVar`` and refuses to make the class."""
    for module in sources():
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.AnnAssign):
                bare = ast.unparse(node.annotation) == "ClassVar"
                assert not bare, f"{module}:{node.lineno}: write ClassVar[...]"


def test_everything_public_has_a_docstring() -> None:
    for module in sources():
        assert ast.get_docstring(tree(module)), f"{module}: no docstring"
        for node in tree(module).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_":
                assert ast.get_docstring(node), f"{module}:{node.lineno} {node.name}: no docstring"
