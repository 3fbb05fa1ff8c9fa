"""METADATA: a number or a category per sample that someone wrote down, or an image metric."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from selectlab.columns import MetadataField
from selectlab.errors import DataError, did_you_mean
from selectlab.inputs.image_metrics import METRICS, metrics_once
from selectlab.types import Categories, Input, Kinds, Scalars

if TYPE_CHECKING:
    import pandas as pd

    from selectlab.dataset import Dataset
    from selectlab.types import BoolArray

COMPUTED = "lightly."
"""Prefix of the keys that are computed from the images."""


class Metadata(Input):
    """The value of one metadata key.

    The metadata schema says whether a key is numeric or categorical. Without a declaration,
    numbers are numeric; text, booleans and ``category`` columns are categorical. Category
    names are text: booleans become ``true`` and ``false``, whole numbers lose their ``.0``.
    A sample without a value gets the schema's ``defaultValue``, if there is one. NaN counts
    as no value.

    Keys that begin with ``lightly.`` are computed from the images (sharpness, snr,
    uniformRowRatio, luminance, width, height, meanRed, meanGreen, meanBlue, contrast), unless
    the metadata has a column of that very name. Images that cannot be read have no value.

    Attributes:
        key: Dotted path of the key, such as ``weather.temperature``.

    Cost:
        O(N); computed keys read every image once.

    Example:
        >>> from selectlab.inputs import Metadata
        >>> Metadata(key="weather.temperature").describe()
        'metadata weather.temperature'
    """

    kinds: ClassVar[Kinds] = (Scalars, Categories)
    advice: ClassVar[str] = (
        "whole numbers are categories when the metadata schema says CATEGORICAL_INT, or a pandas "
        "column has dtype 'category'"
    )
    type: Literal["METADATA"] = "METADATA"
    key: str

    def load(self, dataset: Dataset) -> Scalars | Categories:
        """Return the numbers or categories of all samples.

        Raises:
            DataError: No such key; no sample has a value; text or infinity where a number
                should be; a value that is neither number nor category.
        """
        column, declared, where = self._column(dataset)
        missing = column.isna().to_numpy(dtype=bool)
        if missing.any() and declared is not None and declared.default is not None:
            column = column.astype(object).where(~missing, declared.default)
            missing = column.isna().to_numpy(dtype=bool)
        if missing.all():
            raise DataError(f"{where}: {self.key!r} has no value in any of {len(dataset)} samples")
        kind = declared.kind if declared is not None else _kind(column, where)
        if kind == "numeric":
            values = _numbers(column, missing, where)
            return Scalars(values=values, missing=_or_none(missing), name=self.describe())
        codes, names = _categories(column, missing, where)
        return Categories(codes=codes, names=names, missing=_or_none(missing), name=self.describe())

    def describe(self) -> str:
        """Return the key in words."""
        return f"metadata {self.key}"

    def _column(self, dataset: Dataset) -> tuple[pd.Series[Any], MetadataField | None, str]:
        """Return the values in row order, what is declared of them, and where they are from."""
        import pandas as pd

        table = dataset.metadata()
        if table is not None and self.key in table.frame.columns:
            column = table.frame[self.key].reindex(list(dataset.ids))
            return column, table.declared.get(self.key), table.where
        if self.key.startswith(COMPUTED):
            return self._computed(dataset)
        if table is None:
            raise DataError(
                f"{dataset.source.where}: no metadata, so no key {self.key!r}; expected "
                "metadata.parquet or metadata.csv (column sample_id), or a folder 'metadata'"
            )
        if self.key in table.declared:
            column = pd.Series(None, index=list(dataset.ids), dtype=object)
            return column, table.declared[self.key], table.where
        known = [str(name) for name in table.frame.columns] + list(table.declared)
        raise DataError(
            f"{table.where}: no metadata key {self.key!r}{did_you_mean(self.key, known)}"
        )

    def _computed(self, dataset: Dataset) -> tuple[pd.Series[Any], MetadataField | None, str]:
        """Return an image metric of all samples."""
        name = self.key.removeprefix(COMPUTED)
        if name not in METRICS:
            known = [COMPUTED + metric for metric in METRICS]
            raise DataError(
                f"METADATA key: nothing is computed as {self.key!r}{did_you_mean(self.key, known)}"
            )
        if all(dataset.source.uri(sample_id) is None for sample_id in dataset.ids):
            raise DataError(
                f"{dataset.source.where}: no images to compute {self.key!r} from; put them beside "
                "the metadata, or add a column of that name to metadata.csv"
            )
        return metrics_once(dataset)[name], MetadataField("numeric"), dataset.source.where


def _or_none(mask: BoolArray) -> BoolArray | None:
    return mask if mask.any() else None


def _kind(column: pd.Series[Any], where: str) -> Literal["numeric", "categorical"]:
    """Return what an undeclared column holds, by its type."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        return "categorical"
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    if inferred in {"integer", "floating", "mixed-integer-float", "decimal"}:
        return "numeric"
    if inferred in {"string", "boolean", "mixed-integer", "mixed", "empty"}:
        return "categorical"
    raise DataError(
        f"{where}: {column.name!r} holds {inferred} values; "
        "a metadata key holds numbers, text or booleans"
    )


def _numbers(
    column: pd.Series[Any], missing: BoolArray, where: str
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return a numeric column as float64, 0 where missing."""
    import pandas as pd

    values = np.zeros(len(column))
    if pd.api.types.is_numeric_dtype(column.dtype):
        values[~missing] = column[~missing].to_numpy(dtype=np.float64)
    else:
        for row, value in enumerate(column.tolist()):
            if missing[row]:
                continue
            if not isinstance(value, (int, float, np.number, np.bool_)):
                raise DataError(
                    f"{where}: {column.name!r} of {column.index[row]!r} is {value!r}; "
                    "it is numeric, so expected a number"
                )
            values[row] = float(value)
    infinite = ~np.isfinite(values)
    if infinite.any():
        row = int(np.argmax(infinite))
        raise DataError(f"{where}: {column.name!r} of {column.index[row]!r} is {values[row]}")
    return values


def _categories(
    column: pd.Series[Any], missing: BoolArray, where: str
) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], tuple[str, ...]]:
    """Return the code of each row (0 where missing) and the sorted names.

    A ``category`` column keeps the names that no sample has.
    """
    import pandas as pd

    texts = [
        "" if gone else _name(value, column, row, where)
        for row, (value, gone) in enumerate(zip(column.tolist(), missing, strict=True))
    ]
    names = {text for text, gone in zip(texts, missing, strict=True) if not gone}
    if isinstance(column.dtype, pd.CategoricalDtype):
        names |= {_name(value, column, 0, where) for value in column.dtype.categories}
    ordered = sorted(names)
    code = {name: at for at, name in enumerate(ordered)}
    codes = np.array([code.get(text, 0) for text in texts], dtype=np.intp)
    return codes, tuple(ordered)


def _name(value: object, column: pd.Series[Any], row: int, where: str) -> str:
    """Return the name of a category as JSON writes it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, int):
        return str(value)
    raise DataError(
        f"{where}: {column.name!r} of {column.index[row]!r} is {value!r}; "
        "expected text, a whole number, true or false"
    )
