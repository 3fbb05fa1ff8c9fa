"""Metadata from per-image files, videos, schemas and tables."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from folder_builder import build, parquet, png

from selectlab.columns import MetadataTable
from selectlab.errors import DataError
from selectlab.inputs import metadata_rows
from selectlab.inputs.folder import open_dataset


def entry(path: str, kind: str, default: Any = None) -> dict[str, Any]:
    return {"name": path.title(), "path": path, "defaultValue": default, "valueDataType": kind}


def record(name: str, metadata: dict[str, Any], kind: str = "image") -> dict[str, Any]:
    return {"file_name": name, "type": kind, "metadata": metadata}


def read(root: Path, files: dict[str, Any]) -> MetadataTable:
    data = open_dataset(build(root, files))
    found = data.metadata()
    assert found is not None
    return found


def table_bytes(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def test_nested_values_and_types(tmp_path: Path) -> None:
    """Numbers of declared numeric keys are float64, categories stay as they are."""
    found = read(
        tmp_path,
        {
            "a.png": png(),
            "b.png": png(),
            "c.png": png(),
            "metadata/schema.json": [
                entry("weather.temperature", "NUMERICAL_FLOAT", 20),
                entry("camera", "CATEGORICAL_INT"),
                entry("wet", "CATEGORICAL_BOOLEAN", False),
                entry("at", "DATETIME"),
                entry("since", "TIMESTAMP"),
                entry("never", "NUMERIC_INT"),
            ],
            "metadata/a.json": record(
                "a.png",
                {
                    "weather": {"temperature": 3, "name": "snow"},
                    "camera": 7,
                    "wet": True,
                    "at": "1970-01-02T00:00:01Z",
                    "since": 12.5,
                    "list": [1, 2],
                },
            ),
            "metadata/b.json": record("b.png", {"camera": 8, "at": "1970-01-01T02:00:00+01:00"}),
        },
    )
    frame = found.frame
    assert found.where == "metadata"
    assert list(frame.index) == ["a.png", "b.png"]
    assert sorted(frame) == [
        "at", "camera", "never", "since", "weather.name", "weather.temperature", "wet",
    ]  # fmt: skip
    assert frame["weather.temperature"].tolist()[0] == 3.0
    assert frame["weather.temperature"].isna().tolist() == [False, True]
    assert frame["camera"].tolist() == [7, 8]
    assert frame["wet"].tolist() == [True, None]
    assert frame["at"].tolist() == [86401.0, 3600.0]
    assert frame["weather.name"].tolist() == ["snow", None]
    assert frame["never"].isna().all()
    kinds = {key: (held.kind, held.default) for key, held in found.declared.items()}
    assert kinds["weather.temperature"] == ("numeric", 20.0)
    assert kinds["camera"] == ("categorical", None)
    assert kinds["wet"] == ("categorical", False)
    assert kinds["at"] == kinds["since"] == kinds["never"] == ("numeric", None)


def test_a_video_speaks_for_its_frames_and_a_frame_for_itself(tmp_path: Path) -> None:
    """Both frames are by night; the second says itself that it is day. x.png is no frame."""
    found = read(
        tmp_path,
        {
            "d/v-1-mp4.png": png(),
            "d/v-2-mp4.png": png(),
            "x.png": png(),
            "metadata/d/v.json": record("d/v.mp4", {"time": "night", "speed": 3}, "video"),
            "metadata/d/v-2-mp4.json": record("d/v-2-mp4", {"time": "day"}, "frame"),
        },
    )
    assert found.frame.index.tolist() == ["d/v-1-mp4.png", "d/v-2-mp4.png"]
    assert found.frame["time"].tolist() == ["night", "day"]
    assert found.frame["speed"].tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"metadata/a.json": record("a.png", {"t": "hot"})},
            "metadata/a.json: 't' must be a finite number (NUMERIC_FLOAT), got 'hot'",
        ),
        (
            {"metadata/a.json": record("a.png", {"t": True})},
            "metadata/a.json: 't' must be a finite number (NUMERIC_FLOAT), got True",
        ),
        (
            {"metadata/a.json": record("a.png", {"t": float("nan")})},
            "metadata/a.json: 't' must be a finite number (NUMERIC_FLOAT), got nan",
        ),
        (
            {"metadata/a.json": record("a.png", {"free": float("inf")})},
            "metadata/a.json: 'free' must be a finite number, got inf",
        ),
        (
            {"metadata/a.json": record("a.png", {"when": "noon"})},
            "metadata/a.json: 'when' must be an ISO 8601 date and time, or seconds since 1970, "
            "got 'noon'",
        ),
        (
            {"metadata/a.json": record("a.png", {}, "film")},
            "metadata/a.json: type must be image, video or frame, got 'film'",
        ),
        (
            {"metadata/a.json": {"file_name": "a.png"}},
            "metadata/a.json: must be an object with file_name, type and metadata",
        ),
        (
            {"metadata/schema.json": [entry("t", "NUMERIC_FLOT")]},
            "metadata/schema.json: [0].valueDataType 'NUMERIC_FLOT' of 't' is not known; "
            "did you mean 'NUMERIC_FLOAT'?",
        ),
        (
            {"metadata/schema.json": [entry("t", "NUMERIC_INT", "none")]},
            "metadata/schema.json: [0].defaultValue: 't' must be a finite number (NUMERIC_INT), "
            "got 'none'",
        ),
        (
            {"metadata/schema.json": [{"name": "t"}]},
            "metadata/schema.json: [0] must have a path, such as 'weather.temperature'",
        ),
        (
            {"metadata.csv": "sample_id,t\na.png,1\nb.png,hot\n"},
            "metadata.csv: 'b.png': 't' must be a finite number (NUMERIC_FLOAT), got 'hot'",
        ),
        (
            {"metadata.csv": "sample_id,t\na.png,1\nb.png,inf\n"},
            "metadata.csv: 't' of 'b.png' is inf; expected a finite number",
        ),
        (
            {"metadata.csv": "sample,t\na.png,1\n"},
            "metadata.csv: no column 'sample_id'; did you mean 'sample'?",
        ),
        (
            {"metadata.csv": "sample_id,t\na.png,1\na.png,2\n"},
            "metadata.csv: duplicate ids, 1 of 2 samples, first 'a.png'",
        ),
    ],
)
def test_bad_metadata(tmp_path: Path, files: dict[str, Any], message: str) -> None:
    schema = [entry("t", "NUMERIC_FLOAT"), entry("when", "DATETIME")]
    build(tmp_path, {"a.png": png(), "metadata/schema.json": schema} | files)
    with pytest.raises(DataError) as caught:
        open_dataset(tmp_path).metadata()
    assert str(caught.value) == message


def test_tables_fill_what_files_leave_open(tmp_path: Path) -> None:
    """Files first, then metadata.parquet, then metadata.csv, then columns beside embeddings."""
    embedded = parquet(
        {"sample_id": ["a.png", "d.png"], "embedding": [[1], [2]], "k": [40.0, 41.0],
         "site": ["x", "y"]}
    )  # fmt: skip
    found = read(
        tmp_path,
        {
            "metadata/a.json": record("a.png", {"k": 10}),
            "metadata.parquet": table_bytes(
                pd.DataFrame({"sample_id": ["a.png", "b.png"], "k": [20.0, 21.0]})
            ),
            "metadata.csv": "sample_id,k,n\nb.png,30,NA\nc.png,31,\n",
            "embeddings.parquet": embedded,
        },
    )
    assert found.frame["k"].to_dict() == {"a.png": 10, "b.png": 21, "c.png": 31, "d.png": 41}
    assert found.frame["n"].tolist()[1] == "NA"
    assert found.frame["n"].isna().tolist() == [True, False, True, True]
    assert found.frame["site"].tolist()[0] == "x"
    assert "embedding" not in found.frame


def test_a_table_column_declared_as_text_keeps_its_zeros(tmp_path: Path) -> None:
    """Game '0042' is not the number 42 when the schema says it is text."""
    found = read(
        tmp_path,
        {
            "metadata/schema.json": [entry("game", "CATEGORICAL_STRING")],
            "metadata.csv": "sample_id,game,n\na.png,0042,1\n7,0043,2\n",
        },
    )
    assert found.frame.index.tolist() == ["7", "a.png"]
    assert found.frame["game"].tolist() == ["0043", "0042"]


def test_table_types(tmp_path: Path) -> None:
    columns = {
        "sample_id": ["a", "b"],
        "flag": [True, False],
        "when": pd.to_datetime(["1970-01-01T00:01:00", None]),
        "kind": pd.Categorical(["x", "y"]),
        "gap": pd.array([1, None], dtype="Int64"),
        "text": ["u", None],
        "nested": [[1], [2]],
    }
    frame = read(tmp_path, {"metadata.parquet": table_bytes(pd.DataFrame(columns))}).frame
    assert frame["flag"].tolist() == [True, False]
    assert frame["when"].tolist()[0] == 60.0
    assert np.isnan(frame["when"].iloc[1])
    assert frame["kind"].tolist() == ["x", "y"]
    assert frame["gap"].dtype == np.float64
    assert frame["text"].tolist() == ["u", None]
    assert "nested" not in frame


def test_no_metadata_at_all(tmp_path: Path) -> None:
    assert open_dataset(build(tmp_path, {"a.png": png()})).metadata() is None


def test_rows_longer_than_the_header(tmp_path: Path) -> None:
    """pandas would take the first cell of such a table for an index."""
    (tmp_path / "metadata.csv").write_text("sample_id,w\na.png,1,2,3\nb.png,2\n")
    with pytest.raises(DataError) as caught:
        open_dataset(tmp_path).metadata()
    assert str(caught.value) == "metadata.csv: a row has more cells than the header has names"


SOME_IDS = [f"{i:03d}.png" for i in range(40)]


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_some_rows_are_as_in_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    """Types too, which gaps far away from the rows decide."""
    monkeypatch.setattr(metadata_rows, "_ROWS", chunk)
    gap = [None if i == 39 else i for i in range(40)]
    frame = pd.DataFrame(
        {
            "whole": range(40),
            "gaps": pd.array(gap, dtype="Int64"),
            "flag": [None if i < 30 else True for i in range(40)],
            "word": [None if i < 5 else f"w{i % 3}" for i in range(40)],
            "kind": pd.Categorical([f"k{i % 4}" for i in range(40)]),
            "taken": pd.date_range("2024-01-01", periods=40),
            "sample_id": SOME_IDS,
        }
    )
    build(tmp_path, {"metadata.parquet": table_bytes(frame)})
    wanted = ["002.png", "017.png"]
    some = open_dataset(tmp_path).some_metadata(wanted)
    whole = open_dataset(tmp_path).metadata()
    assert some is not None
    assert whole is not None
    assert len(some.frame) < 20
    assert (some.where, some.declared) == (whole.where, whole.declared)
    assert repr(some.frame.reindex(wanted).to_dict("records")) == repr(
        whole.frame.reindex(wanted).to_dict("records")
    )


@pytest.mark.parametrize(
    ("column", "ids", "message"),
    [
        ([1.0, 2.0, np.inf], ["a.png", "b.png", "c.png"], "is inf; expected a finite number"),
        ([1.0, 2.0, 3.0], ["a.png", "b.png", "b.png"], "duplicate ids"),
    ],
)
def test_some_rows_of_a_bad_table(
    tmp_path: Path, column: list[float], ids: list[str], message: str
) -> None:
    """What is wrong elsewhere in the table is told all the same."""
    frame = pd.DataFrame({"sample_id": ids, "x": column})
    build(tmp_path, {"metadata.parquet": table_bytes(frame)})
    with pytest.raises(DataError, match=message):
        open_dataset(tmp_path).some_metadata(["a.png"])
