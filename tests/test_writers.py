"""The files of a run: all of them or none, and they agree with each other."""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from folder_builder import build, npy, parquet
from small_dataset import (
    CLASSES,
    DIVERSITY,
    EMBEDDINGS,
    IDS,
    MARGIN,
    UNIFORM,
    WEIGHTS,
    config,
    metadata,
    small_dataset,
    vectors,
)

import selectlab
from selectlab import Dataset, Selection, select, writers
from selectlab.atomic import replace_file
from selectlab.errors import SelectlabError
from selectlab.inputs import Embeddings, Metadata
from selectlab.strategies import Balance, Diversity, Weights

NAMES = {
    "selection.csv", "selection.parquet", "selection.json", "selection.txt", "manifest.json",
}  # fmt: skip
JOINT = config((EMBEDDINGS, DIVERSITY), (MARGIN, WEIGHTS), (CLASSES, UNIFORM), n_samples=5)


@pytest.fixture
def run(tmp_path: Path) -> Selection:
    return select(JOINT, small_dataset(tmp_path), preselected=["a/3.png"])


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_threads_that_write_one_file_at_once_leave_a_whole_one(tmp_path: Path) -> None:
    """Each has a temporary file of its own."""
    both = threading.Barrier(2, timeout=60)

    def write(to: Path) -> None:
        both.wait()
        to.write_text(to.name)
        both.wait()

    with ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(replace_file, tmp_path / "c.json", write) for _ in range(2)]:
            one.result()
    assert [left.name for left in tmp_path.iterdir()] == ["c.json"]


def test_all_files_say_the_same(run: Selection, tmp_path: Path) -> None:
    out = tmp_path / "runs" / "first"
    run.save(out)
    assert names(out) == NAMES
    csv = pd.read_csv(out / "selection.csv")
    table = pd.read_parquet(out / "selection.parquet")
    picks = json.loads((out / "selection.json").read_text())
    manifest = json.loads((out / "manifest.json").read_text())
    ids = list(run.ids)
    assert len(ids) == 5
    assert (out / "selection.txt").read_text().splitlines() == ids
    for frame in (csv, table):
        assert frame["sample_id"].tolist() == ids
        assert frame["rank"].tolist() == [1, 2, 3, 4, 5]
        assert list(frame.columns) == list(run.to_pandas().columns)
        assert np.allclose(frame["score"], [pick.score for pick in run], rtol=1e-12)
        assert frame["reason"].tolist() == [pick.reason for pick in run]
    assert picks["preselected"] == ["a/3.png"]
    assert picks["stop_reason"] == manifest["stop_reason"] == run.stop_reason
    assert picks["warnings"] == manifest["warnings"] == []
    for at, pick in enumerate(picks["selected"]):
        assert pick["rank"] == at + 1
        assert pick["sample_id"] == ids[at]
        assert pick["uri"] == csv["uri"][at]
        assert pick["nearest_selected"] == csv["nearest_selected"][at]
        assert pick["metadata"] == {"sky": csv["metadata.sky"][at], "t": csv["metadata.t"][at]}
        for part in pick["strategies"]:
            label = part["strategy"]
            assert part["objective"] == pytest.approx(csv[f"{label}_objective"][at])
            assert part["part"] == pytest.approx(csv[f"{label}_part"][at])
        assert pick["score"] == pytest.approx(sum(part["part"] for part in pick["strategies"]))


def test_the_manifest(run: Selection, tmp_path: Path) -> None:
    run.save(tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["selectlab"] == selectlab.__version__
    assert manifest["config"] == JOINT
    assert manifest["dataset"] == str(tmp_path / "data")
    assert manifest["n_samples"] == 5
    counts = manifest["counts"]
    assert (counts["input"], counts["preselected"], counts["candidates"]) == (6, 1, 5)
    assert counts["selected"] == 5
    assert [part["input"] for part in manifest["inputs"]] == [
        "embeddings", "uncertainty_margin of cls", "class distribution of det",
    ]  # fmt: skip
    assert [part["label"] for part in manifest["strategies"]] == [
        "0_diversity", "1_weights", "2_balance",
    ]  # fmt: skip
    assert {"python", "numpy", "pandas", "pydantic"} <= set(manifest["versions"])
    assert len(manifest["config_sha256"]) == 64


def test_metadata_of_every_type_passes_through(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "number": [1.5, np.nan, 3.0],
            "whole": [1, 2, 3],
            "text": ["x", None, 'q"u,o"te\nline'],
            "flag": [True, False, True],
            "kind": pd.Categorical(["p", None, "q"]),
            "mixed": [1, "one", None],
            "when": pd.to_datetime(["2020-01-01", None, "2020-01-03"]),
        }
    )
    data = Dataset(["a", "b", "c"], embeddings=np.eye(3), metadata=frame)
    chosen = select([(Embeddings(), Diversity())], data, n_samples=3)
    assert chosen.ids == ("a", "b", "c")
    chosen.save(tmp_path / "out")
    picks = json.loads((tmp_path / "out" / "selection.json").read_text())["selected"]
    days = 18262.0 * 86400
    assert [pick["metadata"] for pick in picks] == [
        {"number": 1.5, "whole": 1, "text": "x", "flag": True, "kind": "p", "mixed": 1, "when": days},
        {"number": None, "whole": 2, "text": None, "flag": False, "kind": None, "mixed": "one", "when": None},
        {"number": 3.0, "whole": 3, "text": 'q"u,o"te\nline', "flag": True, "kind": "q", "mixed": None, "when": days + 2 * 86400},
    ]  # fmt: skip
    csv = pd.read_csv(tmp_path / "out" / "selection.csv")
    assert csv["metadata.text"].tolist()[2] == 'q"u,o"te\nline'
    table = pd.read_parquet(tmp_path / "out" / "selection.parquet")
    assert table["metadata.number"].tolist()[::2] == [1.5, 3.0]
    assert table["metadata.mixed"].tolist()[:2] == ["1", "one"]
    assert table["metadata.mixed"].isna().tolist() == [False, False, True]


def test_a_run_is_not_overwritten_unless_asked(run: Selection, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run.save(out)
    before = contents(out)
    with pytest.raises(SelectlabError) as caught:
        run.save(out)
    assert str(caught.value) == (
        f"{out}: holds 5 files already, such as 'manifest.json'; choose another folder, or "
        "--overwrite to replace an earlier run"
    )
    assert contents(out) == before
    (out / "stale.txt").write_text("of the earlier run")
    run.save(out, overwrite=True)
    assert names(out) == NAMES
    assert names(tmp_path) == {"data", "out"}


def test_what_is_no_run_is_never_overwritten(run: Selection, tmp_path: Path) -> None:
    out = build(tmp_path / "out", {"thesis.tex": "ten years of work"})
    for overwrite, expected in [
        (False, "holds 1 files already, such as 'thesis.tex'; choose another folder, or "
         "--overwrite to replace an earlier run"),
        (True, "holds files but no manifest.json, so it is no earlier run; nothing is overwritten"),
    ]:  # fmt: skip
        with pytest.raises(SelectlabError) as caught:
            run.save(out, overwrite=overwrite)
        assert str(caught.value) == f"{out}: {expected}"
    assert names(out) == {"thesis.tex"}


def test_an_empty_folder_may_be_there(run: Selection, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    run.save(tmp_path / "out")
    assert names(tmp_path / "out") == NAMES


def failing(error: BaseException) -> Any:
    def write(selection: Selection, path: Path) -> None:
        path.write_text("half")
        raise error

    return write


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_in_the_middle_leaves_nothing(
    run: Selection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setitem(writers._WRITERS, "selection.json", failing(error))  # type: ignore[attr-defined]
    kind = SelectlabError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(kind) as caught:
        run.save(tmp_path / "out")
    if isinstance(error, OSError):
        assert str(caught.value) == (
            f"{tmp_path / 'out'}: cannot be written: No space left on device"
        )
    assert names(tmp_path) == {"data"}


def test_a_failure_in_the_middle_leaves_the_earlier_run(
    run: Selection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.save(tmp_path / "out")
    before = contents(tmp_path / "out")
    monkeypatch.setitem(
        writers._WRITERS, "manifest.json", failing(OSError(5, "Input/output error"))
    )  # type: ignore[attr-defined]
    with pytest.raises(SelectlabError):
        run.save(tmp_path / "out", overwrite=True)
    assert contents(tmp_path / "out") == before
    assert names(tmp_path) == {"data", "out"}


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_a_failure_while_replacing_brings_the_earlier_run_back(
    run: Selection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """The second of two renames fails: the new run cannot take its place."""
    out = tmp_path / "out"
    run.save(out)
    before = contents(out)
    rename = Path.rename

    def second_fails(self: Path, target: Path) -> Path:
        if self.name == "run":
            raise error
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", second_fails)
    with pytest.raises((SelectlabError, KeyboardInterrupt)):
        run.save(out, overwrite=True)
    assert contents(out) == before
    assert names(tmp_path) == {"data", "out"}


def test_files_can_be_read_by_others(run: Selection, tmp_path: Path) -> None:
    """The temporary folder is private; the run must not be."""
    mask = os.umask(0o022)
    try:
        run.save(tmp_path / "out")
    finally:
        os.umask(mask)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out" / "selection.csv").stat().st_mode & 0o777 == 0o644


def test_ids_that_break_the_line_are_refused(tmp_path: Path) -> None:
    """selection.txt has one id a line: the next round would read two."""
    data = Dataset(["a\nb", "c"], embeddings=np.eye(2))
    chosen = select([(Embeddings(), Diversity())], data, n_samples=2)
    with pytest.raises(SelectlabError) as caught:
        chosen.save(tmp_path / "out")
    assert str(caught.value) == (
        "sample id 'a\\nb' breaks the line; selection.txt holds one id a line"
    )
    assert names(tmp_path) == set()


def hashes(data: Any) -> list[str]:
    raw = config((EMBEDDINGS, DIVERSITY), (metadata("w"), WEIGHTS))
    return [part["blake2b"] for part in select(raw, data).manifest["inputs"]]


def ids_hash(data: Any) -> str:
    found: str = select(config((EMBEDDINGS, DIVERSITY)), data).manifest["sample_ids_blake2b"]
    return found


def test_hashes_tell_contents_not_formats(tmp_path: Path) -> None:
    """parquet, npy, csv, arrays, another file order: one content, one hash."""
    rows = np.array(vectors(), dtype=np.float32)
    w = [float(k) for k in range(6)]
    order = [3, 1, 5, 0, 2, 4]
    back = [IDS[k] for k in order]
    in_parquet = build(
        tmp_path / "parquet",
        {
            "embeddings.parquet": parquet({"sample_id": IDS, "embedding": rows}),
            "metadata.csv": "sample_id,w\n" + "".join(f"{i},{x}\n" for i, x in zip(IDS, w, strict=True)),
        },
    )  # fmt: skip
    in_npy = build(
        tmp_path / "npy",
        {
            "embeddings.npy": npy(rows[order]),
            "ids.txt": "\n".join(back),
            "metadata.parquet": parquet({"sample_id": back, "w": [w[k] for k in order]}),
        },
    )
    in_memory = Dataset(back, embeddings=rows[order], metadata={"w": [w[k] for k in order]})
    found = hashes(in_parquet)
    assert hashes(in_npy) == hashes(in_memory) == found
    changed = rows.copy()
    changed[4, 2] = np.nextafter(changed[4, 2], np.float32(9))
    other = Dataset(IDS, embeddings=changed, metadata={"w": w})
    assert hashes(other)[0] != found[0]
    assert hashes(other)[1] == found[1]
    renamed = Dataset([f"x/{name}" for name in IDS], embeddings=rows, metadata={"w": w})
    assert hashes(renamed) == found
    assert ids_hash(renamed) != ids_hash(in_memory) == ids_hash(in_parquet) == ids_hash(in_npy)


def test_config_hashes_tell_contents_not_spelling(tmp_path: Path) -> None:
    def digest(raw: Any) -> str:
        found: str = select(raw, small_dataset(tmp_path)).manifest["config_sha256"]
        return found

    plain = config((EMBEDDINGS, DIVERSITY))
    camel = {"strategies": plain["strategies"], "nSamples": 3}
    spelt = config((EMBEDDINGS, {**DIVERSITY, "strength": 1.0}))
    assert digest(plain) == digest(camel) == digest(spelt)
    assert digest(config((EMBEDDINGS, DIVERSITY), n_samples=4)) != digest(plain)


def statistics(n: int = 2, preselected: list[str] | None = None) -> list[dict[str, Any]]:
    """Five samples at 0, 1, 4, 10, 11 in sun, sun, rain, snow, sun; three inputs."""
    data = Dataset(
        list("abcde"),
        embeddings=np.array([[0.0], [1.0], [4.0], [10.0], [11.0]]),
        metadata={"sky": ["sun", "sun", "rain", "snow", "sun"], "w": [1.0, 2.0, 3.0, 4.0, 10.0]},
    )
    given = [
        (Embeddings(normalize=False), Diversity()),
        (Metadata(key="sky"), Balance(distribution="UNIFORM", strength=0.0)),
        (Metadata(key="w"), Weights(strength=0.0)),
    ]
    chosen = select(given, data, n_samples=n, preselected=preselected)
    found: list[dict[str, Any]] = chosen.manifest["statistics"]
    return found


def test_statistics_by_hand() -> None:
    """a and e are picked: distances 0, 1, 4, 1, 0; both are sunny; weights 1 and 10."""
    distances, classes, numbers = statistics()
    assert distances["selected"] == {
        "mean_distance_to_nearest_selected": 6 / 5,
        "coverage_radius": 4.0,
    }
    assert distances["measured_on"] == 5
    log = np.log
    pool = -(0.6 * log(0.6) + 0.4 * log(0.2)) / log(3)
    assert classes["input"]["entropy"] == pytest.approx(pool)
    assert classes["input"]["shares"] == {"sun": 0.6, "rain": 0.2, "snow": 0.2}
    assert classes["selected"] == {"entropy": 0.0, "shares": {"sun": 1.0, "rain": 0, "snow": 0}}
    assert numbers["input"] == {
        "mean": 4.0, "min": 1.0, "quartile_1": 2.0, "median": 3.0, "quartile_3": 4.0, "max": 10.0,
    }  # fmt: skip
    assert numbers["selected"]["mean"] == 5.5
    assert (numbers["selected"]["min"], numbers["selected"]["max"]) == (1.0, 10.0)


def test_statistics_count_preselected_samples_as_selected() -> None:
    """c was selected before, a or e (7 away) follows: e. Candidates a, b, d, e: 4, 3, 1, 0."""
    distances, classes, numbers = statistics(1, preselected=["c"])
    assert distances["selected"] == {
        "mean_distance_to_nearest_selected": 2.0,
        "coverage_radius": 4.0,
    }
    assert classes["selected"]["shares"] == {"rain": 0.5, "sun": 0.5, "snow": 0.0}
    assert numbers["selected"]["mean"] == 10.0


def test_the_random_subset_is_as_large_and_the_same_every_time() -> None:
    """Drawn from the candidates with a fixed seed; the whole pool leaves no choice."""
    assert statistics() == statistics()
    distances, classes, numbers = statistics(5)
    for part in (distances, classes, numbers):
        assert part["random"] == part["selected"]
    assert statistics(4)[2]["random"]["mean"] in {(20 - w) / 4 for w in (1, 2, 3, 4, 10)}
