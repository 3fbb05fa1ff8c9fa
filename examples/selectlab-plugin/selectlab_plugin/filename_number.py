"""FILENAME_NUMBER: the number in a file name."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, Field

from selectlab.errors import DataError
from selectlab.types import Input, Kinds, Scalars

if TYPE_CHECKING:
    from selectlab import Dataset

__all__ = ["FilenameNumber"]


def _one_group(pattern: str) -> str:
    """Refuse what is no regular expression, or has not exactly one group."""
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    if groups != 1:
        raise ValueError(f"expected one group around the number, such as '(\\d+)', got {groups}")
    return pattern


class FilenameNumber(Input):
    """A number that stands in the name of a sample: a frame, a time, an altitude.

    The pattern is searched in the file name without folder and extension. A sample whose name
    has no such number has no value.

    Attributes:
        pattern: Regular expression with one group, which holds the number. Default: the last
            digits of the name.

    Cost:
        One regular expression per sample.

    Example:
        >>> from selectlab import Dataset
        >>> data = Dataset(["cam2/frame-007.mp4", "cam2/frame-012.mp4"])
        >>> FilenameNumber().load(data).values
        array([ 7., 12.])
    """

    type: Literal["FILENAME_NUMBER"] = "FILENAME_NUMBER"
    kinds: ClassVar[Kinds] = (Scalars,)
    pattern: Annotated[
        str, AfterValidator(_one_group), Field(examples=[r"(\d+)\D*$", r"frame-(\d+)"])
    ] = r"(\d+)\D*$"

    def load(self, dataset: Dataset) -> Scalars:
        """Return the number of each sample.

        Raises:
            DataError: No name has such a number, or what was found is not one.
        """
        values = np.zeros(len(dataset))
        missing = np.zeros(len(dataset), dtype=np.bool_)
        for row, sample_id in enumerate(dataset.ids):
            found = re.search(self.pattern, PurePosixPath(sample_id).stem)
            if found is None or found[1] is None:
                missing[row] = True
                continue
            values[row] = _number(found[1], sample_id)
        if missing.all():
            raise DataError(
                f"FILENAME_NUMBER: pattern {self.pattern!r} finds nothing in any of "
                f"{len(dataset)} names, first {dataset.ids[0]!r}"
            )
        return Scalars(
            values=values, missing=missing if missing.any() else None, name=self.describe()
        )

    def describe(self) -> str:
        """Return the pattern in words."""
        return f"number {self.pattern} of the file name"


def _number(text: str, sample_id: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise DataError(f"FILENAME_NUMBER: {text!r} in {sample_id!r} is no number")
    return value
