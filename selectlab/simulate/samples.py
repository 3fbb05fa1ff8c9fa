"""Samples to learn from: arrays, tables, sparse matrices, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab.errors import DataError

_NUMBERS = "biuf"


def samples_of(x: Any, where: str) -> Any:
    """Return samples as something that rows can be taken of.

    Args:
        x: An array, a table, a sparse matrix, a list.
        where: What they are called in messages.

    Raises:
        DataError: They are no samples, or there are none.
    """
    if hasattr(x, "tocsr"):
        found = x.tocsr()
    elif hasattr(x, "iloc"):
        found = x
    else:
        try:
            found = np.asarray(x)
        except ValueError:
            raise DataError(
                f"{where}: expected samples of one shape; their lengths differ"
            ) from None
    if not found.shape:
        raise DataError(f"{where}: expected one row per sample, got {type(x).__name__}")
    if not found.shape[0]:
        raise DataError(f"{where}: no samples; expected at least one")
    return found


def taken(x: Any, rows: npt.NDArray[np.intp]) -> Any:
    """Return some of the samples."""
    return x.iloc[rows] if hasattr(x, "iloc") else x[rows]


def refuse_other_width(x: Any, x_test: Any) -> None:
    """Refuse test samples of other features than those to learn from.

    Raises:
        DataError: Both are tables, and one is wider.
    """
    if len(x.shape) == len(x_test.shape) == 2 and x.shape[1] != x_test.shape[1]:
        raise DataError(
            f"x_test: {x_test.shape[1]} features a sample, but x has {x.shape[1]}; "
            "both need the same"
        )


def refuse_for_regression(x: Any, where: str) -> None:
    """Refuse what logistic regression cannot take.

    Raises:
        DataError: They are not (N, D) finite numbers.
    """
    lacking = "give a model that takes it"
    if hasattr(x, "dtypes") and len(x.shape) == 2:
        words = _columns_without_numbers(x)
        if words:
            raise DataError(f"{where}: column {words[0]!r} holds no numbers; {lacking}")
    elif x.dtype.kind not in _NUMBERS and not _holds_numbers(x):
        raise DataError(f"{where}: expected (N, D) numbers, got {x.dtype}; {lacking}")
    if len(x.shape) == 1:
        hint = f"write {where}.reshape(-1, 1) if a sample is one number"
        raise DataError(f"{where}: expected (N, D) numbers, got shape {x.shape}; {hint}")
    if len(x.shape) > 2:
        hint = f"flatten it, {where}.reshape(len({where}), -1), or give a model and embeddings"
        raise DataError(f"{where}: expected (N, D) numbers, got shape {x.shape}; {hint}")
    bad = _rows_not_finite(x)
    if len(bad):
        given = f"{len(bad)} of {x.shape[0]} samples, first row {bad[0]}"
        hint = "fill them, or give a model that takes them"
        raise DataError(f"{where}: NaN or infinite values in {given}; {hint}")


def own_embeddings(x: Any) -> tuple[npt.NDArray[Any] | None, str]:
    """Return (N, D) numbers that samples are by themselves, or ``None`` and why not."""
    if hasattr(x, "tocsr"):
        return None, "x is a sparse matrix"
    if hasattr(x, "columns"):
        words = _columns_without_numbers(x)
        if words:
            return None, f"column {words[0]!r} of x holds no numbers"
        return x.to_numpy(dtype=np.float64, na_value=np.nan), ""
    if not isinstance(x, np.ndarray) or x.dtype.kind not in _NUMBERS or x.ndim < 2:
        return None, f"x is {x.dtype} of shape {x.shape}, no (N, D) numbers"
    flat = x.reshape(len(x), -1)
    return flat.astype(np.uint8) if flat.dtype.kind == "b" else flat, ""


def _columns_without_numbers(table: Any) -> list[str]:
    from pandas.api.types import is_numeric_dtype

    return [str(n) for n, dtype in table.dtypes.items() if not is_numeric_dtype(dtype)]


def _rows_not_finite(x: Any) -> npt.NDArray[np.intp]:
    if hasattr(x, "tocsr"):
        entries = x.tocoo()
        rows: npt.NDArray[np.intp] = np.unique(entries.row[~np.isfinite(entries.data)])
        return rows
    values = x.to_numpy(np.float64, na_value=np.nan) if hasattr(x, "columns") else x
    return np.flatnonzero(~np.isfinite(values.astype(np.float64, copy=False)).all(axis=1))


def _holds_numbers(x: Any) -> bool:
    """Whether an array of objects is one of numbers."""
    try:
        x.astype(np.float64)
    except (TypeError, ValueError):
        return False
    return bool(x.dtype == object)
