"""Assertions: what must hold in a model's output on video unless the model is wrong.

An assertion takes the boxes of one video in plain arrays and says how much is wrong in each
frame, which boxes are suspicious, and which boxes should have been there.

Example:
    >>> from selectlab.assertions import Frames
    >>> from selectlab.assertions.flicker import Flicker
    >>> video = Frames.of({0: [[0, 0, 9, 9]], 1: [], 2: [[0, 0, 9, 9]]})
    >>> Flicker().check(video).flagged
    array([False,  True, False])
"""

from __future__ import annotations

from selectlab.assertions.frames import Findings, Frames, Imputed
from selectlab.assertions.protocol import Assertion

__all__ = ["Assertion", "Findings", "Frames", "Imputed"]
