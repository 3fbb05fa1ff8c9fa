"""What is installed: a wheel and an sdist that hold everything and nothing else, and that run."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {
    "selectlab": "selectlab",
    "strategies": "selectlab/strategies",
    "inputs": "selectlab/inputs",
}
SUFFIXES = (".py", ".typed", ".html", ".css", ".js", ".svg")
CONSTRAINTS = ROOT / "constraints.txt"
LEFT_OUT = shutil.ignore_patterns(
    *(".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "*.egg-info", "build", "dist"),
    *("demo", "*.pyc"),
)


@pytest.fixture(scope="session")
def project() -> dict[str, Any]:
    loaded: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an sdist, made from a copy of the tree, and a wheel made from the sdist."""
    folder = tmp_path_factory.mktemp("built")
    copy = folder / "source"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=LEFT_OUT)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", cwd=copy)
    return folder / "dist"


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    [path] = built.glob("*.whl")
    return path


ASSERTIONS = "selectlab/assertions"


def run(*command: object, cwd: Path, **environment: str) -> str:
    """Run a command without what this process has in its environment for Python and pip."""
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("PYTHON") and key not in ("PIP_CONSTRAINT", "VIRTUAL_ENV")
    }
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def source_files() -> dict[str, Path]:
    """Where each file of the package is installed, and where it lies."""
    found = {}
    for folder, target in PACKAGES.items():
        for path in (ROOT / folder).rglob("*"):
            within = path.relative_to(ROOT / folder)
            linked = folder == "selectlab" and within.parts[0] in ("strategies", "inputs")
            if path.is_file() and not linked and path.suffix in SUFFIXES:
                found[f"{target}/{within.as_posix()}"] = path
    return found


def test_the_package_list_is_the_tree(project: dict[str, Any]) -> None:
    modules = [name for name in source_files() if name.endswith(".py")]
    folders = {str(Path(name).parent).replace("/", ".") for name in modules}
    assert sorted(project["tool"]["setuptools"]["packages"]) == sorted(folders)


def test_the_links_lead_to_the_folders() -> None:
    """mypy, editable installs and ``python -m`` from the repository see the same files."""
    for name in ("strategies", "inputs"):
        assert os.readlink(ROOT / "selectlab" / name) == f"../{name}"


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    info = {name for name in names if ".dist-info/" in name}
    assert names - info == set(source_files())
    assert any(name.endswith("/licenses/LICENSE") for name in info)


def test_the_wheel_says_what_it_brings(wheel: Path, project: dict[str, Any]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [points] = [n for n in archive.namelist() if n.endswith("/entry_points.txt")]
        [metadata] = [n for n in archive.namelist() if n.endswith("/METADATA")]
        entry_points, described = (archive.read(n).decode() for n in (points, metadata))
    assert "selectlab = selectlab.cli:main" in entry_points
    for group, folder in project["project"]["entry-points"].items():
        assert f"[{group}]" in entry_points
        for name, target in folder.items():
            assert f"{name} = {target}" in entry_points
    assert "License-Expression: Apache-2.0" in described
    assert "Requires-Python: >=3.10" in described


def test_the_sdist_holds_what_a_wheel_needs(built: Path) -> None:
    [path] = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    lying = {str(path.relative_to(ROOT)) for path in source_files().values()}
    assert lying | {"LICENSE", "README.md", "pyproject.toml"} <= names


def test_everything_that_is_found_by_name_has_an_entry_point(project: dict[str, Any]) -> None:
    """Adding a strategy is adding one file and one line; the line must not be forgotten."""
    declared = {
        value for group in project["project"]["entry-points"].values() for value in group.values()
    }
    found = set()
    named = [(folder, "type") for folder in ("strategies", "inputs", "selectlab/exports")]
    for folder, key in [*named, (ASSERTIONS, "name")]:
        for path in (ROOT / folder).glob("*.py"):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and _is_named(node, key):
                    package = folder.replace("/", ".").removeprefix("selectlab.")
                    found.add(f"selectlab.{package}.{path.stem}:{node.name}")
    for path in (ROOT / "selectlab/labels").glob("*.py"):
        if "\ndef read_labels(" in path.read_text(encoding="utf-8"):
            found.add(f"selectlab.labels.{path.stem}:read_labels")
    assert declared == found


def _is_named(node: ast.ClassDef, key: str) -> bool:
    """Whether a class gives its JSON name, ``key: Literal["..."] = "..."``."""
    return any(
        isinstance(field, ast.AnnAssign)
        and ast.unparse(field.target) == key
        and ast.unparse(field.annotation).startswith("Literal[")
        for field in node.body
    )


def requirements(project: dict[str, Any]) -> Iterator[Requirement]:
    yield from map(Requirement, project["project"]["dependencies"])
    for extra in project["project"]["optional-dependencies"].values():
        yield from map(Requirement, extra)


IMPORTED_AS = {
    "scikit-learn": "sklearn",
    "pillow": "PIL",
    "pyyaml": "yaml",
    "ultralytics-opencv-headless": "ultralytics",
    "umap-learn": "umap",
}
COMES_WITH = {"markupsafe": "jinja2", "pydantic_core": "pydantic", "starlette": "fastapi"}


def test_every_import_is_a_declared_dependency(project: dict[str, Any]) -> None:
    declared = {
        IMPORTED_AS.get(requirement.name, requirement.name.replace("-", "_"))
        for requirement in requirements(project)
    }
    for path in (path for path in source_files().values() if path.suffix == ".py"):
        others = _imported(path) - set(sys.stdlib_module_names) - {"selectlab"}
        for name in others:
            assert COMES_WITH.get(name, name) in declared, f"{path}: {name} is not declared"


def _imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).split(".")[0])
    return found


def test_dependencies_have_a_lower_end_and_no_upper_one(project: dict[str, Any]) -> None:
    for requirement in requirements(project):
        operators = [part.operator for part in requirement.specifier]
        assert operators == [">="], f"{requirement}: pins belong in constraints.txt"


def test_constraints_are_exact_public_and_within_the_ranges(project: dict[str, Any]) -> None:
    pins = [
        Requirement(line)
        for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    for pin in pins:
        assert pin.url is None
        assert re.fullmatch(r"==[0-9][\w.]*", str(pin.specifier)), str(pin)
    pinned = {canonicalize_name(pin.name): pin for pin in pins}
    for requirement in requirements(project):
        versions = [
            str(pin.specifier).removeprefix("==")
            for pin in pins
            if canonicalize_name(pin.name) == canonicalize_name(requirement.name)
        ]
        assert versions, f"{requirement.name} has no line in constraints.txt"
        for version in versions:
            assert requirement.specifier.contains(version), f"{requirement}: {version} is pinned"
    assert str(pinned[canonicalize_name("torch")].specifier) == "==2.13.0"
    assert str(pinned[canonicalize_name("torchvision")].specifier) == "==0.28.0"


@pytest.mark.slow
def test_the_wheel_alone_runs_the_demo_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """A fresh environment, nothing of the repository near it, and what the wheel asks for."""
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", environment, cwd=tmp_path)
    binaries = environment / ("Scripts" if os.name == "nt" else "bin")
    pip = (binaries / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--constraint", CONSTRAINTS, wheel, cwd=tmp_path)
    run(binaries / "selectlab", "demo", "--out", tmp_path / "out", cwd=tmp_path)
    assert list((tmp_path / "out").rglob("selection.csv"))
    where = "import selectlab.strategies.weights as w; print(w.__file__)"
    assert str(environment) in run(binaries / "python", "-c", where, cwd=tmp_path)
