"""A torchvision that does not fit its torch, made usable for prediction."""

from __future__ import annotations

import importlib
import re
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_MISSING = re.compile(r"operator torchvision::(\w+) does not exist")
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_MOST = 20
_libraries: list[Any] = []


def import_torchvision(suppress: Callable[..., Any]) -> None:
    """Import torchvision; where its compiled operators do not load, replace what is needed.

    A torchvision built for another torch fails at import with "operator torchvision::nms does
    not exist" (pytorch issue 122494, vision issue 9077). On exactly that error the operators
    are declared, so that the import succeeds, and non-maximum suppression is taken from
    ``suppress``. With a healthy torchvision this is a plain import.

    Args:
        suppress: ``(boxes, scores, iou_threshold) -> kept rows``, in plain torch.
    """
    for _ in range(_MOST):
        try:
            torchvision = importlib.import_module("torchvision")
            break
        except RuntimeError as error:
            missing = _MISSING.search(str(error))
            if missing is None:
                raise
            _declare(missing[1])
    if _libraries:
        torchvision.ops.nms = suppress


def _declare(operator: str) -> None:
    import torch

    library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    library.define(f"{operator}{_SCHEMA}")
    _libraries.append(library)  # an operator lives as long as its library object
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
