"""A strategy that takes its time, installed as a plug-in for the processes that tests start."""

from __future__ import annotations

import os
from pathlib import Path

SOURCE = '''
"""A strategy that sleeps before each pick."""

import os
import time
from pathlib import Path
from typing import ClassVar, Literal

from selectlab.types import Objective, Scalars, Strategy


class Slow(Strategy):
    """Pick the largest number, slowly."""

    type: Literal["SLOW"] = "SLOW"
    accepts: ClassVar = (Scalars,)
    seconds: float = 0.01

    def start(self, signal):
        """Return the numbers."""
        return _Numbers(signal.values, self.seconds)


class _Numbers(Objective):
    def __init__(self, values, seconds):
        self._values, self._seconds = values, seconds

    def exact(self, rows):
        return self._values[rows]

    def add(self, rows):
        if len(rows):
            Path(os.environ["SLOW_PLUGIN_MARK"]).touch()
        time.sleep(self._seconds)
'''


def install(site: Path) -> dict[str, str]:
    """Install the plug-in into a folder; return the environment of processes that see it.

    The file ``picking`` in that folder appears with the first pick.
    """
    info = site / "slow_plugin_of_tests-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "slow_strategy_of_tests.py").write_text(SOURCE)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: slow-plugin-of-tests\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(
        "[selectlab.strategies]\nslow = slow_strategy_of_tests:Slow\n"
    )
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    mark = str(site / "picking")
    more = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "SLOW_PLUGIN_MARK": mark}
    return {**os.environ, **more}
