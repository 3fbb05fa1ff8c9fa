"""Metadata values as typed columns: numbers as float64, categories as they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from selectlab.columns import MetadataField
from selectlab.errors import DataError, did_you_mean
from selectlab.inputs.numbers import is_number
from selectlab.inputs.prediction_checks import shown

if TYPE_CHECKING:
    import pandas as pd

_KINDS: Mapping[str, Literal["numeric", "categorical"]] = {
    "NUMERIC_INT": "numeric",
    "NUMERIC_FLOAT": "numeric",
    "NUMERICAL_INT": "numeric",
    "NUMERICAL_FLOAT": "numeric",
    "CATEGORICAL_INT": "categorical",
    "CATEGORICAL_STRING": "categorical",
    "CATEGORICAL_BOOLEAN": "categorical",
    "DATETIME": "numeric",
    "TIMESTAMP": "numeric",
}


@dataclass(frozen=True)
class Declared:
    """One entry of a metadata schema.json.

    Attributes:
        value_type: ``valueDataType``, one of Lightly's names.
        default: Value of samples that have none; date-times as seconds since 1970.
    """

    value_type: str
    default: Any = None

    @property
    def kind(self) -> Literal["numeric", "categorical"]:
        """Whether values are numbers or categories."""
        return _KINDS[self.value_type]

    @property
    def field(self) -> MetadataField:
        """The entry as a dataset knows it."""
        return MetadataField(self.kind, self.default)


def parse_metadata_schema(content: Any, where: str) -> dict[str, Declared]:
    """Return what a metadata schema.json declares, by dotted path.

    Raises:
        DataError: An entry lacks its path, is of an unknown type, or its default does not fit.
    """
    if not isinstance(content, list):
        raise DataError(f"{where}: must be a list of entries with path and valueDataType")
    declared: dict[str, Declared] = {}
    for position, entry in enumerate(content):
        at = f"{where}: [{position}]"
        path = entry.get("path") if isinstance(entry, dict) else None
        if not isinstance(path, str) or not path:
            raise DataError(f"{at} must have a path, such as 'weather.temperature'")
        if path in declared:
            raise DataError(f"{at}.path {path!r} occurs twice")
        value_type = entry.get("valueDataType")
        if value_type not in _KINDS:
            hint = did_you_mean(value_type, _KINDS)
            raise DataError(f"{at}.valueDataType {value_type!r} of {path!r} is not known{hint}")
        found = Declared(value_type)
        default = typed_values(
            [entry.get("defaultValue")], found, partial("{0}.defaultValue".format, at), path
        )[0]
        declared[path] = Declared(value_type, None if is_missing(default) else default)
    return declared


def is_missing(value: object) -> bool:
    """Return whether a value stands for none."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def typed_values(
    values: Sequence[Any],
    declared: Declared | None,
    where: Callable[[int], str],
    key: str,
) -> np.ndarray[Any, Any]:
    """Return values as one column; None is missing.

    Args:
        values: One per sample, as the file holds them.
        declared: What the schema says of the key; without it the values decide.
        where: Names the place of a value, by its index.
        key: Dotted key, for messages.

    Returns:
        float64 with NaN for missing ones, or an object array with None.

    Raises:
        DataError: A value is not of the declared kind, or is NaN or infinite.
    """
    if declared is None:
        numeric = all(v is None or type(v) in (int, float) for v in values)
        check, wanted = (_number, "a finite number") if numeric else (_category, _CATEGORY)
    elif declared.value_type == "DATETIME":
        check, wanted = _epoch_s, "an ISO 8601 date and time, or seconds since 1970"
    elif declared.kind == "numeric":
        check, wanted = _number, f"a finite number ({declared.value_type})"
    else:
        check, wanted = _category, f"{_CATEGORY} ({declared.value_type})"
    found = [None if value is None else check(value) for value in values]
    for row, (value, result) in enumerate(zip(values, found, strict=True)):
        if result is None and value is not None:
            raise DataError(f"{where(row)}: {key!r} must be {wanted}, got {shown(value)}")
    if check is _category:
        column = np.empty(len(found), dtype=object)
        column[:] = found
        return column
    return np.array([math.nan if v is None else v for v in found], dtype=np.float64)


_CATEGORY = "text, a whole number, true or false"


def _number(value: Any) -> float | None:
    """Return a finite number, or ``None``; text and booleans are none."""
    number = isinstance(value, np.number) and math.isfinite(value)
    return float(value) if number or is_number(value) else None


def _category(value: Any) -> Any:
    """Return a value that can name a category, or ``None``."""
    finite = not isinstance(value, float) or math.isfinite(value)
    return value if isinstance(value, str | bool | int | float) and finite else None


def _epoch_s(value: Any) -> float | None:
    """Return seconds since 1970 (UTC where no zone is given), or ``None``."""
    if not isinstance(value, str):
        return _number(value)
    import pandas as pd

    if not value[:4].isdecimal():
        return None
    try:
        moment = pd.Timestamp(value)
    except ValueError:
        return None
    if moment is pd.NaT:
        return None
    moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment
    return float(moment.timestamp())


def typed_frame(frame: pd.DataFrame, declared: Mapping[str, Declared], where: str) -> pd.DataFrame:
    """Return a table, indexed by sample id, with its columns checked and typed.

    Empty cells and NaN are missing here: tables know no other sign for it. Date-times become
    seconds since 1970.
    """
    import pandas as pd

    def place(row: int) -> str:
        return f"{where}: {frame.index[row]!r}"

    typed: dict[str, Any] = {}
    for name in frame.columns:
        key, column = str(name), frame[name]
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            utc = pd.to_datetime(column, utc=True)
            column = (utc - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
        entry = declared.get(key)
        plain = pd.api.types.is_numeric_dtype(column.dtype) and column.dtype != bool
        if plain and (entry is None or entry.kind == "numeric"):
            typed[key] = _finite(column, where)
            continue
        values = column.astype(object).where(column.notna(), None).tolist()
        found = typed_values(values, entry, place, key)
        typed[key] = pd.Series(found, index=frame.index, dtype=found.dtype)
        if isinstance(column.dtype, pd.CategoricalDtype):
            typed[key] = column
    out: pd.DataFrame = pd.DataFrame(typed, index=frame.index)
    return out


def _finite(column: pd.Series[Any], where: str) -> Any:
    """Return a numeric column as it is, or float64 when it has gaps; refuse infinite values."""
    if column.isna().any() or column.dtype.kind == "f":
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        infinite = np.isinf(values)
        if infinite.any():
            row = int(np.argmax(infinite))
            raise DataError(
                f"{where}: {column.name!r} of {column.index[row]!r} is {values[row]}; "
                "expected a finite number"
            )
        return values
    return column.to_numpy()
