"""Metadata of candidates, selected and random samples, key by key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from selectlab.report.charts import Chart
from selectlab.report.comparisons import classes, numbers
from selectlab.report.evidence import Evidence, part_of
from selectlab.report.record import RunRecord
from selectlab.report.sides import INPUT, RANDOM, SELECTED, Side
from selectlab.types import FloatArray, Rows

MOST_KEYS = 24
_NAMELIKE = 0.5
"""Share of different values among texts from which they are names rather than categories."""
_FEW = 30
_MOST_ROWS = 50_000
_LARGEST = 1e300
"""Larger numbers are drawn here: their differences would not fit into a float."""


@dataclass(frozen=True)
class Column:
    """A metadata key over some samples.

    Attributes:
        key: Its name.
        numbers: (n,) values, NaN where missing; ``None`` for categories.
        texts: (n,) values, ``None`` where missing; ``None`` for numbers.
    """

    key: str
    numbers: FloatArray | None = None
    texts: Sequence[str | None] | None = None

    def values(self) -> list[Any]:
        """Return the values that are there."""
        if self.numbers is not None:
            return [value for value in self.numbers.tolist() if value == value]
        return [value for value in self.texts or () if value is not None]

    def n_missing(self) -> int:
        """Return how many samples have none."""
        whole = self.numbers if self.numbers is not None else self.texts or ()
        return len(whole) - len(self.values())


def columns_of(
    table: Mapping[str, Sequence[Any]], categorical: Collection[str] = ()
) -> list[Column]:
    """Return columns by what they hold: numbers, or texts and booleans.

    Lists and other values that are neither are left out, and so are keys without a value.

    Args:
        table: Values by key.
        categorical: Keys whose numbers are names.
    """
    found = []
    for key, values in table.items():
        held = [value for value in values if value is not None and value == value]
        plain = held and all(isinstance(value, str | bool | int | float) for value in held)
        if plain and key not in categorical and not any(map(_is_word, held)):
            found.append(Column(key, numbers=_floats(values)))
        elif plain:
            found.append(Column(key, texts=[_text(value) for value in values]))
    return found


def _is_word(value: Any) -> bool:
    return isinstance(value, str | bool)


def _floats(values: Iterable[Any]) -> FloatArray:
    numbers = [float("nan") if value is None else float(value) for value in values]
    found = np.array(numbers, dtype=np.float64)
    found[~np.isfinite(found)] = np.nan
    return np.clip(found, -_LARGEST, _LARGEST)


def _text(value: Any) -> str | None:
    if value is None or value != value:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def dataset_columns(evidence: Evidence, rows: Rows) -> list[Column]:
    """Return the metadata of some rows of the dataset."""
    table = evidence.dataset.metadata()
    if table is None:
        return []
    frame = table.frame.reindex(list(evidence.dataset.ids.take(rows)))
    named = {key for key, field in table.declared.items() if field.kind == "categorical"}
    return columns_of({str(key): _plain(frame[key]) for key in frame.columns}, named)


def _plain(series: Any) -> list[Any]:
    """Return a column of a table as Python has it."""
    return [
        value.tolist() if isinstance(value, np.ndarray | np.generic) else value
        for value in series.tolist()
    ]


def metadata_charts(evidence: Evidence, done: Collection[str]) -> tuple[list[Chart], list[str]]:
    """Return a chart for each metadata key, and what was left out and why.

    Args:
        evidence: The run with its data.
        done: Keys that are shown as inputs already.
    """
    pool, about = evidence.samples(evidence.pool), ""
    if len(pool) > _MOST_ROWS:
        about = f"Candidates are a random part of {len(pool):,}."
        pool = part_of(pool, _MOST_ROWS)
    own = {SELECTED: evidence.samples(evidence.picked), RANDOM: evidence.samples(evidence.drawn)}
    parts = {side: dataset_columns(evidence, rows) for side, rows in {INPUT: pool, **own}.items()}
    kept, left_out = worth_showing([one for one in parts[INPUT] if one.key not in done])
    charts = []
    for column in kept:
        by_side = {
            side: next((one for one in held if one.key == column.key), None)
            for side, held in parts.items()
        }
        charts.append(_chart({s: one for s, one in by_side.items() if one is not None}, about))
    return charts, left_out


def picks_charts(record: RunRecord) -> tuple[list[Chart], list[str]]:
    """Return the same of the picks alone, for when the data is not at hand."""
    keys = dict.fromkeys(key for pick in record.picks for key in pick.metadata)
    table = {key: [pick.metadata.get(key) for pick in record.picks] for key in keys}
    kept, left_out = worth_showing(columns_of(table))
    return [_chart({SELECTED: column}) for column in kept], left_out


def worth_showing(columns: Sequence[Column]) -> tuple[list[Column], list[str]]:
    """Return the columns to show, and a line for each kind that is left out."""
    constant, names, kept = [], [], []
    for column in columns:
        values = column.values()
        n_different = len(set(values))
        if n_different < 2:
            constant.append(column.key)
        elif column.texts is not None and n_different > max(_FEW, _NAMELIKE * len(values)):
            names.append(column.key)
        else:
            kept.append(column)
    told = []
    if constant:
        told.append(f"the same everywhere: {', '.join(constant)}")
    if names:
        told.append(f"different nearly everywhere: {', '.join(names)}")
    if len(kept) > MOST_KEYS:
        rest = ", ".join(column.key for column in kept[MOST_KEYS:])
        told.append(f"more than {MOST_KEYS} keys, so without: {rest}")
    return kept[:MOST_KEYS], told


def _chart(sides: Mapping[Side, Column], about: str = "") -> Chart:
    lacking = [f"{side.word} {n:,}" for side, one in sides.items() if (n := one.n_missing())]
    told = [*([f"Without a value: {', '.join(lacking)}."] if lacking else []), about]
    values = {side: one.values() for side, one in sides.items()}
    key = next(iter(sides.values())).key
    if all(one.numbers is not None for one in sides.values()):
        sets = [(side, np.array(held)) for side, held in values.items() if held]
        return numbers(key, key, sets, " ".join(told))
    counts = {side: Counter(map(str, held)) for side, held in values.items()}
    names = sorted({name for held in counts.values() for name in held})
    shares = [
        (side, np.array([held[name] for name in names]) / max(held.total(), 1))
        for side, held in counts.items()
    ]
    sizes = {side: held.total() for side, held in counts.items()}
    return classes(key, names, shares, None, " ".join(told), sizes)
