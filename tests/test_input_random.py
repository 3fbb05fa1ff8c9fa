"""RANDOM: hashes of seed and id."""

from __future__ import annotations

import subprocess
import sys
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_source import dataset_of

from selectlab.inputs import Random
from selectlab.inputs.random import uniform


def test_inside_the_open_interval_and_uniform() -> None:
    """10,000 numbers: mean 1/2 and variance 1/12 within 5 standard errors; each tenth full."""
    values = uniform(0, [f"{n}.png" for n in range(10_000)])
    assert values.min() > 0
    assert values.max() < 1
    assert abs(values.mean() - 0.5) < 5 * np.sqrt(1 / 12 / 10_000)
    assert abs(values.var() - 1 / 12) < 0.004
    assert np.histogram(values, bins=10, range=(0, 1))[0].min() > 850


def test_other_samples_and_their_order_change_nothing() -> None:
    few = Random(random_seed=3).load(dataset_of(["b", "a"])).values
    many = Random(random_seed=3).load(dataset_of(["c", "a", "aa", "b"])).values
    assert few.tolist() == [many[0], many[2]]


def test_seed() -> None:
    dataset = dataset_of(["a", "b", "c"])
    unset, zero, one = (Random(random_seed=s).load(dataset).values for s in (None, 0, 1))
    assert unset.tolist() == zero.tolist()
    assert not set(zero) & set(one)
    assert Random().describe() == "random number (seed 0)"


def test_numbers_never_change() -> None:
    """The hash of "0", a zero byte and the id: top 52 of 64 bits, plus one half."""
    bits = int.from_bytes(blake2b(b"0\0a.png", digest_size=8).digest(), "big") // 2**12
    assert uniform(0, ["a.png"]).tolist() == [(bits + 0.5) / 2**52]
    assert f"{uniform(0, ['a.png'])[0]:.6f}" == "0.998737"


def test_same_in_another_process() -> None:
    """Nothing depends on the hash seed of the interpreter."""
    code = "from selectlab.inputs.random import uniform; print(uniform(5, ['ü.png'])[0].hex())"
    output = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert output == {uniform(5, ["ü.png"])[0].hex()}


@given(st.integers(), st.text())
def test_any_seed_and_any_id(seed: int, sample_id: str) -> None:
    (value,) = uniform(seed, [sample_id])
    assert 0 < value < 1


def test_seed_is_a_whole_number() -> None:
    with pytest.raises(ValueError, match="random_seed"):
        Random(random_seed=1.5)  # type: ignore[arg-type]
