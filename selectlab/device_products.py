"""The products of :mod:`selectlab.crossing` on a torch device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from selectlab.space import Float32, Floats, Index

if TYPE_CHECKING:
    import torch

Found = tuple[Index, Index, Floats]


@contextmanager
def full_precision() -> Iterator[None]:
    """Hold torch's float32 products at float32; rounded inputs (TF32) would break the bounds."""
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def crossing_on(
    device: str, left: Floats, right: Floats, low: Floats, other_low: Floats | None
) -> tuple[Found, Found | None]:
    """Multiply two blocks on a device and return the products that reach thresholds."""
    products = _sent(left, device) @ _sent(right, device).T
    found = _where(products, products >= _sent(low, device)[:, None])
    if other_low is None:
        return found, None
    return found, _where(products, products >= _sent(other_low, device))


def best_columns_on(
    device: str, left: Float32, right: Float32, less: Float32 | None
) -> tuple[Index, Callable[[np.float32], Index]]:
    """Return the column of the largest product of each row, and who is within a width of it."""
    products = _sent(left, device) @ _sent(right, device)
    if less is not None:
        products -= _sent(less, device)
    best, column = products.max(dim=1)

    def contested(width: np.float32) -> Index:
        near = (products >= (best - float(width))[:, None]).sum(dim=1) > 1
        rows: Index = near.nonzero()[:, 0].cpu().numpy()
        return rows

    return column.cpu().numpy(), contested


def _sent(values: Floats, device: str) -> torch.Tensor:
    import torch

    there = "cpu" if device == "torch" else device
    return torch.from_numpy(np.require(values, requirements="W")).to(there)


def _where(products: torch.Tensor, reached: torch.Tensor) -> Found:
    row, column = reached.nonzero(as_tuple=True)
    values: Any = products[row, column]
    return row.cpu().numpy(), column.cpu().numpy(), values.cpu().numpy()
