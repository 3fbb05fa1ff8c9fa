"""The checks that every input, strategy and writer passes; run them on your own.

In the tests of a plug-in, with pytest::

    import pytest
    from selectlab.testing import checks_for

    @pytest.mark.parametrize("check", checks_for(Novelty), ids=lambda check: check.__name__)
    def test_contract(check):
        check(Novelty)

A check makes its own instances (:func:`examples_of`) and runs them on made-up signals, or on
:func:`example_dataset`; writers write :class:`ExampleItems`. Give instances of your own for fields
it cannot guess: ``check(Novelty, Novelty(half_life=3.0))``. Classes in made-up signals are called
bike, bus and car. A check that fails raises ``AssertionError`` with one line that says what was
seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selectlab.exports.writer import Writer
from selectlab.testing.example_items import ExampleItems
from selectlab.testing.input_checks import INPUT_CHECKS
from selectlab.testing.spec_checks import SPEC_CHECKS
from selectlab.testing.specimens import example_dataset, examples_of
from selectlab.testing.strategy_checks import STRATEGY_CHECKS
from selectlab.testing.writer_checks import WRITER_CHECKS
from selectlab.types import Spec, Strategy

__all__ = ["CHECKS", "Check", "ExampleItems", "checks_for", "example_dataset", "examples_of"]

Check = Callable[..., None]
"""``check(cls, *examples)``: raises ``AssertionError`` when ``cls`` breaks a promise."""

CHECKS: tuple[Check, ...] = (*SPEC_CHECKS, *STRATEGY_CHECKS, *INPUT_CHECKS, *WRITER_CHECKS)
"""All checks: for both strategies and inputs, for strategies, for inputs, for writers."""


def checks_for(cls: type[Spec]) -> tuple[Check, ...]:
    """Return the checks that say something about a class.

    Example:
        >>> from selectlab.inputs import Random
        >>> [check.__name__ for check in checks_for(Random)][-1]
        'check_leaves_the_dataset_alone'
    """
    if issubclass(cls, Writer):
        return WRITER_CHECKS
    own: tuple[Any, ...] = STRATEGY_CHECKS if issubclass(cls, Strategy) else INPUT_CHECKS
    return (*SPEC_CHECKS, *own)
