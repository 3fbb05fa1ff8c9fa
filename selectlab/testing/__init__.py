"""The checks that every input and every strategy passes; run them on your own.

In the tests of a plug-in, with pytest::

    import pytest
    from selectlab.testing import checks_for

    @pytest.mark.parametrize("check", checks_for(Novelty), ids=lambda check: check.__name__)
    def test_contract(check):
        check(Novelty)

A check makes its own instances (:func:`examples_of`) and runs them on made-up signals, or on
:func:`example_dataset`. Give instances of your own for fields it cannot guess:
``check(Novelty, Novelty(half_life=3.0))``. Classes in made-up signals are called bike, bus and
car. A check that fails raises ``AssertionError`` with one line that says what was seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selectlab.testing.input_checks import INPUT_CHECKS
from selectlab.testing.spec_checks import SPEC_CHECKS
from selectlab.testing.specimens import example_dataset, examples_of
from selectlab.testing.strategy_checks import STRATEGY_CHECKS
from selectlab.types import Spec, Strategy

__all__ = ["CHECKS", "Check", "checks_for", "example_dataset", "examples_of"]

Check = Callable[..., None]
"""``check(cls, *examples)``: raises ``AssertionError`` when ``cls`` breaks a promise."""

CHECKS: tuple[Check, ...] = (*SPEC_CHECKS, *STRATEGY_CHECKS, *INPUT_CHECKS)
"""All checks: those for both, those for strategies, those for inputs."""


def checks_for(cls: type[Spec]) -> tuple[Check, ...]:
    """Return the checks that say something about a class.

    Example:
        >>> from selectlab.inputs import Random
        >>> [check.__name__ for check in checks_for(Random)][-1]
        'check_leaves_the_dataset_alone'
    """
    other: tuple[Any, ...] = INPUT_CHECKS if issubclass(cls, Strategy) else STRATEGY_CHECKS
    return tuple(check for check in CHECKS if check not in other)
