"""METADATA: numbers, categories, defaults, and what cannot be used."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_source import dataset_of

from selectlab.columns import MetadataField, MetadataTable
from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.inputs import Metadata
from selectlab.types import Categories, Scalars

IDS = ["a", "b", "c"]


def dataset(
    values: Any, *, declared: MetadataField | None = None, index: list[str] | None = None
) -> Dataset:
    frame = pd.DataFrame({"w.t": values}, index=index or IDS)
    fields = {} if declared is None else {"w.t": declared}
    return dataset_of(IDS, table=MetadataTable("metadata.csv", frame, fields))


def numbers(*args: Any, **fields: Any) -> Scalars:
    signal = Metadata(key="w.t").load(dataset(*args, **fields))
    assert isinstance(signal, Scalars)
    return signal


def classes(*args: Any, **fields: Any) -> Categories:
    signal = Metadata(key="w.t").load(dataset(*args, **fields))
    assert isinstance(signal, Categories)
    return signal


def texts(signal: Categories) -> list[str]:
    return [signal.names[code] for code in signal.codes]


def test_numbers_follow_the_dataset() -> None:
    signal = numbers([3, 1, 2], index=["c", "a", "b"])
    assert signal.values.tolist() == [1, 2, 3]
    assert signal.missing is None
    assert signal.name == "metadata w.t"


def test_missing_numbers_are_marked() -> None:
    for values in ([1.5, math.nan, 2], [1.5, None, 2], pd.array([1, None, 2], dtype="Int64")):
        signal = numbers(values)
        assert signal.missing is not None
        assert signal.missing.tolist() == [False, True, False]
        assert np.isfinite(signal.values).all()
    absent = numbers([1.0, 2.0], index=["c", "a"])
    assert absent.missing is not None
    assert absent.missing.tolist() == [False, True, False]


def test_default_of_the_schema_fills_in() -> None:
    signal = numbers([2.5, math.nan, None], declared=MetadataField("numeric", 0.5))
    assert signal.values.tolist() == [2.5, 0.5, 0.5]
    assert signal.missing is None
    named = classes(["day", None, None], declared=MetadataField("categorical", "night"))
    assert texts(named) == ["day", "night", "night"]
    assert named.names == ("day", "night")


def test_declared_key_without_any_value_has_its_default_everywhere() -> None:
    table = MetadataTable("m", pd.DataFrame(index=IDS), {"k": MetadataField("numeric", 2)})
    signal = Metadata(key="k").load(dataset_of(IDS, table=table))
    assert isinstance(signal, Scalars)
    assert signal.values.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["x", "y", "x"], ["x", "y", "x"]),
        ([True, False, True], ["true", "false", "true"]),
        ([True, None, False], ["true", None, "false"]),
        (["1", 2, 2.5], ["1", "2", "2.5"]),
        (["", "x", None], ["", "x", None]),
    ],
)
def test_undeclared_text_and_booleans_are_categories(values: Any, names: list[Any]) -> None:
    signal = classes(values)
    gone = signal.missing if signal.missing is not None else [False] * 3
    assert [None if g else t for g, t in zip(gone, texts(signal), strict=True)] == names
    assert list(signal.names) == sorted(set(names) - {None})


def test_declaration_decides() -> None:
    """Whole numbers may be categories; a gap makes pandas read them as floats: 5.0 is "5"."""
    signal = classes([5, math.nan, 12], declared=MetadataField("categorical"))
    assert signal.names == ("12", "5")
    assert signal.codes[[0, 2]].tolist() == [1, 0]
    assert signal.missing is not None
    assert signal.missing.tolist() == [False, True, False]


def test_category_column_keeps_names_no_sample_has() -> None:
    values = pd.Categorical(["sunny", "rainy", "sunny"], categories=["sunny", "rainy", "foggy"])
    signal = classes(values)
    assert signal.names == ("foggy", "rainy", "sunny")
    assert texts(signal) == ["sunny", "rainy", "sunny"]


@pytest.mark.parametrize(
    ("values", "declared", "message"),
    [
        (
            [1, "hot", 3],
            MetadataField("numeric"),
            "metadata.csv: 'w.t' of 'b' is 'hot'; it is numeric, so expected a number",
        ),
        (
            ["1", "2", "3"],
            MetadataField("numeric"),
            "metadata.csv: 'w.t' of 'a' is '1'; it is numeric, so expected a number",
        ),
        ([1, 2, math.inf], None, "metadata.csv: 'w.t' of 'c' is inf"),
        ([1, None, -math.inf], MetadataField("numeric"), "metadata.csv: 'w.t' of 'c' is -inf"),
        ([None, None, math.nan], None, "metadata.csv: 'w.t' has no value in any of 3 samples"),
        (
            ["x", ["y"], "z"],
            None,
            "metadata.csv: 'w.t' of 'b' is ['y']; expected text, a whole number, true or false",
        ),
        (
            [datetime.datetime(2026, 1, day) for day in (1, 2, 3)],
            None,
            "metadata.csv: 'w.t' holds datetime64 values; a metadata key holds numbers, text or "
            "booleans",
        ),
    ],
)
def test_bad_values(values: Any, declared: MetadataField | None, message: str) -> None:
    with pytest.raises(DataError) as caught:
        Metadata(key="w.t").load(dataset(values, declared=declared))
    assert str(caught.value) == message


def test_unknown_key_and_no_metadata() -> None:
    with pytest.raises(DataError) as caught:
        Metadata(key="w.tt").load(dataset([1, 2, 3]))
    assert str(caught.value) == "metadata.csv: no metadata key 'w.tt'; did you mean 'w.t'?"
    with pytest.raises(DataError) as caught:
        Metadata(key="w").load(dataset_of(IDS))
    assert str(caught.value) == (
        "plain: no metadata, so no key 'w'; expected metadata.parquet or metadata.csv "
        "(column sample_id), or a folder 'metadata'"
    )


def test_the_frame_is_not_changed() -> None:
    data = dataset([1.0, math.nan, 3.0], declared=MetadataField("numeric", 9.0))
    Metadata(key="w.t").load(data)
    table = data.metadata()
    assert table is not None
    assert table.frame["w.t"].isna().tolist() == [False, True, False]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.sampled_from("xyz"), st.booleans()), min_size=3, max_size=3),
    st.permutations(range(3)),
)
def test_order_of_the_table_changes_nothing(values: list[Any], order: list[int]) -> None:
    if all(value is None for value in values):
        return
    one = classes(pd.Series(values, index=IDS, dtype=object))
    index = [IDS[at] for at in order]
    other = classes(pd.Series([values[at] for at in order], index=index, dtype=object), index=index)
    assert one.names == other.names
    assert one.codes.tolist() == other.codes.tolist()


# Computed keys -------------------------------------------------------------------------------


def test_computed_key_needs_images_and_a_known_name() -> None:
    with pytest.raises(DataError) as caught:
        Metadata(key="lightly.sharpnes").load(dataset_of(IDS))
    assert str(caught.value) == (
        "METADATA key: nothing is computed as 'lightly.sharpnes'; did you mean 'lightly.sharpness'?"
    )
    with pytest.raises(DataError) as caught:
        Metadata(key="lightly.sharpness").load(dataset_of(IDS))
    assert str(caught.value) == (
        "plain: no images to compute 'lightly.sharpness' from; put them beside the metadata, or "
        "add a column of that name to metadata.csv"
    )


def test_a_column_of_a_computed_name_is_used_as_it_is() -> None:
    frame = pd.DataFrame({"lightly.sharpness": [7.0, 8.0, 9.0]}, index=IDS)
    data = dataset_of(IDS, table=MetadataTable("m", frame))
    signal = Metadata(key="lightly.sharpness").load(data)
    assert isinstance(signal, Scalars)
    assert signal.values.tolist() == [7, 8, 9]
