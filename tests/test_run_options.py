"""What a run may use: options of the command line and keywords of ``select``, by the same names."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from small_dataset import RANDOM, WEIGHTS, Ran, config, metadata, small_dataset
from small_dataset import selectlab as command_line

import selectlab
from selectlab.errors import ConfigError
from selectlab.inputs import Random
from selectlab.resources import Resources, current
from selectlab.strategies import Weights
from selectlab.types import Input, Kinds, Scalars, Signal


class Asking(Input):
    """Takes note of what the run may use."""

    type: Literal["ASKING"] = "ASKING"
    seen: ClassVar[list[Resources]] = []

    @classmethod
    def gives(cls) -> Kinds:
        return (Scalars,)

    def load(self, dataset: selectlab.Dataset) -> Signal:
        self.seen.append(current())
        return Scalars(values=np.arange(len(dataset), dtype=np.float64))


def select(**options: Any) -> selectlab.Selection:
    data = selectlab.Dataset(["a", "b", "c"])
    return selectlab.select([(Asking(), Weights())], data, n_samples=1, **options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, Resources()),
        ({"memory": "2GB"}, Resources(memory=2_000_000_000)),
        ({"memory": 1_000_000, "device": "torch"}, Resources(memory=1_000_000, device="torch")),
    ],
)
def test_a_run_is_held_to_its_resources(options: dict[str, Any], expected: Resources) -> None:
    """While inputs are read; before and afterwards everything is free."""
    Asking.seen.clear()
    assert select(**options).ids == ("c",)
    assert Asking.seen == [expected]
    assert current() == Resources()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"memory": "lots"}, "memory: expected a size such as 2GB or 500MB, got 'lots'"),
        ({"memory": 0}, "memory: 0 bytes is no room to work in"),
        ({"memory": -5}, "memory: expected a size such as 2GB or 500MB, got '-5'"),
        ({"device": "gpu"}, "device: expected cpu, cuda, cuda:1 or torch, got 'gpu'"),
        ({"device": "cuda:x"}, "device: expected cpu, cuda, cuda:1 or torch, got 'cuda:x'"),
        ({"engine": "rey"}, "engine: nothing is called 'rey'; did you mean 'ray'?"),
        ({"engine": "process", "workers": 0}, "workers: must be at least 1, got 0"),
        (
            {"workers": 2},
            "workers: the local engine has threads, as many as OMP_NUM_THREADS says; workers go "
            "with engine 'process' or 'ray'",
        ),
    ],
)
def test_what_cannot_be_is_one_line(options: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        select(**options)
    assert str(caught.value) == line


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"^device: 'cuda:99' is not there; torch \S+ sees \d+ "):
        select(device="cuda:99")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = small_dataset(tmp_path)
    raw = config((RANDOM, WEIGHTS), (metadata("t"), WEIGHTS))
    (tmp_path / "config.json").write_text(json.dumps(raw))
    return data


def run(data: Path, *options: object) -> Ran:
    given = ["select", data.parent / "config.json", "--data", data, "--out", data.parent / "run"]
    return command_line(*given, *options)


def test_the_command_line_says_the_same(data: Path) -> None:
    for options, line in [
        (("--memory", "lots"), "memory: expected a size such as 2GB or 500MB, got 'lots'"),
        (("--device", "gpu"), "device: expected cpu, cuda, cuda:1 or torch, got 'gpu'"),
        (("--engine", "x"), "engine: nothing is called 'x'; known: local, process, ray"),
    ]:
        assert run(data, *options) == Ran(2, "", f"error: {line}\n")
    assert run(data, "--workers", 0).code == 2
    assert not (data.parent / "run").exists()
    assert run(data, "--memory", "1GB", "--device", "torch", "--engine", "local").code == 0


def test_the_help_gathers_them() -> None:
    """Lists of options, each under its title."""
    lines = command_line("select", "--help").out.splitlines()
    titles = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert titles == ["Arguments:", "Options:", "What a run may use:", "Long runs:", "Rounds:"]
    for name in ("--memory", "--device", "--engine", "--workers"):
        place = next(i for i, line in enumerate(lines) if line.startswith(f"  {name} "))
        assert lines.index(titles[2]) < place < lines.index(titles[3])
    assert any(line.startswith("  --checkpoint ") for line in lines[lines.index(titles[3]) :])


def test_torch_is_not_loaded_for_the_cpu() -> None:
    code = (
        "import sys; from selectlab.resources import checked_device; checked_device('cpu');"
        "checked_device('torch'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


class Huge(Input):
    """Asks for more memory than there is."""

    type: Literal["HUGE"] = "HUGE"

    @classmethod
    def gives(cls) -> Kinds:
        return (Scalars,)

    def load(self, dataset: selectlab.Dataset) -> Signal:
        return Scalars(values=np.ones((1 << 44, 1 << 10)))


def test_memory_that_is_not_there() -> None:
    with pytest.raises(MemoryError):
        selectlab.select([(Huge(), Weights())], selectlab.Dataset(["a", "b"]), n_samples=1)


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ((), "--memory SIZE keeps embeddings on the disk"),
        (("--memory", "9GB"), "give a smaller --memory, or free some"),
        (("--memory=9GB",), "give a smaller --memory, or free some"),
    ],
)
def test_memory_that_is_not_there_is_one_line(
    data: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], hint: str
) -> None:
    def load(self: object, dataset: selectlab.Dataset) -> Signal:
        return Scalars(values=np.ones((1 << 44, 1 << 10)))

    monkeypatch.setattr(Random, "load", load)
    ran = run(data, *options)
    assert ran.code == 2
    (line,) = ran.err.splitlines()
    assert line.startswith(f"error: out of memory: unable to allocate 128. PiB; {hint}")


def test_too_many_processes() -> None:
    with pytest.raises(ConfigError, match=r"workers: at most \d+ processes .* got 5000"):
        select(engine="process", workers=5000)
