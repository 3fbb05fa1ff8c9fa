"""Two blocks of vectors multiplied, and what is worth a closer look; on the CPU or a device."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from selectlab import resources
from selectlab.nearest.space import Float32, Floats, Index, buffer

Found = tuple[Index, Index, Floats]
"""Row in the left block, row in the right block, product."""


def crossing(
    left: Floats, right: Floats, low: Floats, other_low: Floats | None, device: str
) -> tuple[Found, Found | None]:
    """Multiply two blocks and return the products that reach thresholds.

    Args:
        left: (R, E).
        right: (C, E).
        low: (R,) thresholds of the left rows.
        other_low: (C,) thresholds of the right rows, if those look for neighbours too.
        device: Where to multiply.

    Returns:
        Where products reach the left row's threshold, and where they reach the right row's.
    """
    if device != "cpu":
        from selectlab.nearest.device_products import crossing_on

        return crossing_on(device, left, right, low, other_low)
    shape = (len(left), len(right))
    products = buffer("products", shape, left.dtype.type)
    np.matmul(left, right.T, out=products)
    reached = buffer("reached", shape, np.bool_)
    np.greater_equal(products, low[:, None], out=reached)
    found = _where(products, np.flatnonzero(reached))
    if other_low is None:
        return found, None
    np.greater_equal(products, other_low, out=reached)
    return found, _where(products, np.flatnonzero(reached))


def best_columns(
    left: Float32, right: Float32, less: Float32 | None, device: str
) -> tuple[Index, Callable[[np.float32], Index]]:
    """Return for each left row the right row whose product is largest.

    Args:
        left: (R, D).
        right: (D, C), columns.
        less: (C,) what to take off the products, if anything.
        device: Where to multiply.

    Returns:
        (R,) the best column, and a function that gives the left rows where another column is
        within a width of it; to be called before the next products of this thread.
    """
    if device != "cpu":
        from selectlab.nearest.device_products import best_columns_on

        return best_columns_on(device, left, right, less)
    shape = (len(left), right.shape[1])
    products = buffer("products", shape, np.float32)
    np.matmul(left, right, out=products)
    if less is not None:
        np.subtract(products, less, out=products)
    column = products.argmax(axis=1)

    def contested(width: np.float32) -> Index:
        low = products[np.arange(len(left)), column] - width
        reached = np.greater_equal(products, low[:, None], out=buffer("reached", shape, np.bool_))
        row: Index = np.flatnonzero(reached) // shape[1]
        twice: Index = row[1:][row[1:] == row[:-1]]
        return twice

    return column, contested


def device() -> str:
    """Return where the run in progress multiplies; ask before going into threads."""
    return resources.current().device


def precisely(name: str) -> AbstractContextManager[None]:
    """Hold products on a device at the precision that the error bounds are about."""
    if name == "cpu":
        return nullcontext()
    from selectlab.nearest.device_products import full_precision

    return full_precision()


def _where(products: Floats, flat: Index) -> Found:
    row, column = np.divmod(flat, products.shape[1])
    return row, column, products.reshape(-1)[flat]
