"""Checks of inputs, on the example dataset."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from selectlab.errors import SelectlabError
from selectlab.testing.spec_checks import instances, require, some
from selectlab.testing.specimens import NAMES, example_dataset
from selectlab.types import Input, Signal

__all__ = ["INPUT_CHECKS"]


def check_loads_a_row_per_sample(cls: type[Input], *examples: Input) -> None:
    """``load`` gives one finite value per sample, of a declared kind and with a name."""
    for example, signal in _signals(cls, examples):
        n = len(example_dataset())
        require(isinstance(signal, cls.kinds), f"{example!r}: gave {type(signal).__name__}")
        require(len(signal) == n, f"{example!r}: gave {len(signal)} rows for {n} samples")
        require(bool(signal.name), f"{example!r}: the signal has no name")
        for array in signal.arrays():
            finite = array.dtype.kind not in "fc" or bool(np.isfinite(array).all())
            require(finite, f"{example!r}: NaN or infinite; mark rows without value as missing")
        missing = signal.missing
        require(
            missing is None or (missing.shape == (n,) and missing.dtype == np.bool_),
            f"{example!r}: 'missing' is not one bool per sample",
        )


def check_loads_the_same_again(cls: type[Input], *examples: Input) -> None:
    """Loading twice, or with the samples handed over in another order, gives the same."""
    backwards = range(len(example_dataset()))[::-1]
    for example, signal in _signals(cls, examples):
        for again in (example.load(example_dataset()), example.load(example_dataset(backwards))):
            require(_same(signal, again), f"{example!r}: another value the second time")


def check_leaves_the_dataset_alone(cls: type[Input], *examples: Input) -> None:
    """Loading changes nothing that another input will read."""
    for example, signal in _signals(cls, examples):
        dataset = example_dataset()
        for array in example.load(dataset).arrays():
            if isinstance(array, np.ndarray) and array.flags.writeable and array.dtype.kind == "f":
                array.fill(0)
        require(_same(signal, example.load(dataset)), f"{example!r}: hands out the data itself")


INPUT_CHECKS = (
    check_loads_a_row_per_sample,
    check_loads_the_same_again,
    check_leaves_the_dataset_alone,
)


def _signals(cls: type[Input], examples: Sequence[Input]) -> list[tuple[Input, Signal]]:
    """Return what each example makes of the example dataset; made-up examples may not fit it."""
    if examples:
        return [(example, example.load(example_dataset())) for example in examples]
    found, refused = [], ""
    for example in instances(cls, examples):
        try:
            found.append((example, example.load(example_dataset())))
        except SelectlabError as error:
            refused = str(error)
    return some(
        found,
        f"{cls.__name__}: loads nothing of the example dataset ({', '.join(NAMES)}): {refused}",
    )


def _same(one: Signal, other: Signal) -> bool:
    pairs = zip(one.arrays(), other.arrays(), strict=True)
    if not all(np.array_equal(a, b) for a, b in pairs):
        return False
    masks = [np.zeros(len(s), bool) if s.missing is None else s.missing for s in (one, other)]
    return np.array_equal(masks[0], masks[1])
