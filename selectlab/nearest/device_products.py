"""Products on a torch device: those of the crossing module, and what all of them need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from selectlab.nearest.space import Float32, Floats, Index

if TYPE_CHECKING:
    import torch

Found = tuple[Index, Index, Floats]

_ROUNDING = {"tf32", "bf16"}


@contextmanager
def full_precision() -> Iterator[None]:
    """Hold float32 products of torch at float32, whatever the caller asked torch for.

    Inputs rounded to TF32 or bfloat16 would break the bounds. What the caller set is there
    again afterwards, and left untouched where it asks for float32 already.
    """
    import torch

    held = [_get(matmul) for matmul in _matmuls()]
    before = _legacy_precision()
    with torch.autocast("cuda", enabled=False), torch.autocast("cpu", enabled=False):
        if before == "highest" and not set(held) & _ROUNDING:
            yield
            return
        torch.set_float32_matmul_precision("highest")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)
            for matmul, precision in zip(_matmuls(), held, strict=True):
                if precision != _get(matmul):
                    matmul.fp32_precision = precision


def _matmuls() -> list[Any]:
    """Return what holds the precision of each backend; torch before 2.9 has nothing of it."""
    import torch

    backends: list[Any] = [
        torch.backends.cuda.matmul,
        getattr(torch.backends.mkldnn, "matmul", None),
    ]
    return [matmul for matmul in backends if _get(matmul)]


def _get(matmul: Any) -> str:
    try:
        return str(matmul.fp32_precision)
    except AttributeError:
        return ""


def _legacy_precision() -> str:
    """Return the precision of all backends; that of none where the newer settings rule."""
    import torch

    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:
        return "highest"


def crossing_on(
    device: str, left: Floats, right: Floats, low: Floats, other_low: Floats | None
) -> tuple[Found, Found | None]:
    """Multiply two blocks on a device and return the products that reach thresholds."""
    products = sent(left, device) @ sent(right, device).T
    found = _where(products, products >= sent(low, device)[:, None])
    if other_low is None:
        return found, None
    return found, _where(products, products >= sent(other_low, device))


def best_columns_on(
    device: str, left: Float32, right: Float32, less: Float32 | None
) -> tuple[Index, Callable[[np.float32], Index]]:
    """Return the column of the largest product of each row, and who is within a width of it."""
    products = sent(left, device) @ sent(right, device)
    if less is not None:
        products -= sent(less, device)
    best, column = products.max(dim=1)

    def contested(width: np.float32) -> Index:
        near = (products >= (best - float(width))[:, None]).sum(dim=1) > 1
        rows: Index = near.nonzero()[:, 0].cpu().numpy()
        return rows

    return column.cpu().numpy(), contested


def sent(values: npt.NDArray[Any], device: str) -> torch.Tensor:
    """Return an array as a tensor on a device; on torch's CPU it may share the memory."""
    import torch

    return torch.from_numpy(np.require(values, requirements=["C", "W"])).to(torch_name(device))


def torch_name(device: str) -> str:
    """Return what torch calls a device."""
    return "cpu" if device == "torch" else device


def _where(products: torch.Tensor, reached: torch.Tensor) -> Found:
    row, column = reached.nonzero(as_tuple=True)
    values: Any = products[row, column]
    return row.cpu().numpy(), column.cpu().numpy(), values.cpu().numpy()
