"""What all tests share: where real data lies, repeatable properties, one copy of the package."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import launched
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

BY_THE_CLOCK = [HealthCheck.too_slow]
settings.register_profile(
    "house", deadline=None, derandomize=True, suppress_health_check=BY_THE_CLOCK
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real data: ``$SELECTLAB_DATA``, or ``../shared/data`` beside the repository."""
    folder = Path(os.environ.get("SELECTLAB_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not there; name the folder in SELECTLAB_DATA")
    return folder


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser; the test is skipped where there is none."""
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session", autouse=True)
def _one_copy_of_every_class() -> Iterator[None]:
    """No test may load ``strategies/`` or ``inputs/`` a second time, as top-level packages."""
    yield
    twice = {name for name in sys.modules if name.split(".")[0] in ("strategies", "inputs")}
    assert not twice, f"imported from the wrong place: {sorted(twice)}"
