"""A selection that was interrupted goes on, and gives what it would have given."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from problems import Problem
from random_problems import random_problem

import selectlab
from selectlab.checkpoint import NAME, opened
from selectlab.config import load
from selectlab.errors import DataError, SelectlabError
from selectlab.manifest import hash_signals
from selectlab.resolve import Resolved, resolve
from selectlab.selection import Selection

N, D = 30, 3
RNG = np.random.default_rng(3)
VECTORS = RNG.integers(-3, 4, (N, D)) / 2
WEIGHT = RNG.integers(1, 6, N) / 4
WEATHER = RNG.choice(["sun", "rain", "fog"], N).tolist()
IDS = [f"v{i // 15}-{i % 15:03d}-mp4.png" for i in range(N)]

WORK = {"created", "engine", "distances"}


def entry(given: dict[str, Any], kind: str, **fields: Any) -> dict[str, Any]:
    return {"input": given, "strategy": {"type": kind, **fields}}


DIVERSITY = entry({"type": "EMBEDDINGS", "normalize": False}, "DIVERSITY")
WEIGHTS = entry({"type": "METADATA", "key": "weight"}, "WEIGHTS")
BALANCE = entry({"type": "METADATA", "key": "weather"}, "BALANCE", distribution="UNIFORM")
LIGHT = entry(
    {"type": "METADATA", "key": "weight"}, "THRESHOLD", threshold=1.0, operation="SMALLER"
)
CONFIGS: dict[str, dict[str, Any]] = {
    "diversity": {"strategies": [DIVERSITY]},
    "joint": {"strategies": [DIVERSITY, WEIGHTS, BALANCE]},
    "threshold": {"strategies": [DIVERSITY, LIGHT]},
    "sequences": {"strategies": [DIVERSITY, WEIGHTS], "selected_sequence_length": 3},
    "frame gap": {"strategies": [DIVERSITY, BALANCE], "min_frame_gap": 2},
    "distance": {
        "strategies": [
            {**DIVERSITY, "strategy": {**DIVERSITY["strategy"], "stopping_condition_minimum_distance": 1.2}},
            WEIGHTS,
        ]
    },
    "random": {"strategies": [entry({"type": "RANDOM", "random_seed": 4}, "WEIGHTS"), BALANCE]},
}  # fmt: skip


def data(**columns: Any) -> selectlab.Dataset:
    known = {
        "embeddings": VECTORS,
        "metadata": {"weight": WEIGHT, "weather": WEATHER},
        **columns,
    }
    return selectlab.Dataset(known.pop("ids", IDS), **known)


def told(chosen: Selection) -> dict[str, str]:
    """Everything about a selection to the last digit, but when it was made and with what work."""
    manifest = dict(chosen.manifest)
    for key in WORK:
        manifest.pop(key, None)
    manifest["strategies"] = [
        {key: value for key, value in part.items() if key not in WORK}
        for part in manifest["strategies"]
    ]
    return {key: repr(value) for key, value in {**vars(chosen), "manifest": manifest}.items()}


def leave(config: Any, dataset: selectlab.Dataset, path: Path, n: int, **more: Any) -> None:
    """Leave the checkpoint of a run that was stopped after ``n`` picks."""
    with opened(path) as checkpoint:
        selectlab.select(config, dataset, n_samples=n, checkpoint=checkpoint, **more)
    assert path.exists()


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("preselected", [(), (IDS[7], IDS[3], IDS[22])], ids=["first", "later"])
def test_going_on_gives_what_was_to_come(
    name: str, preselected: tuple[str, ...], tmp_path: Path
) -> None:
    path, config, n = tmp_path / "c.json", CONFIGS[name], 12
    whole = selectlab.select(config, data(), n_samples=n, preselected=preselected)
    for k in (3, 9, 12):
        leave(config, data(), path, k, preselected=preselected)
        assert json.loads(path.read_text())["picked"] == [
            pick.sample_id
            for pick in whole.picks[:k]
            if pick.sequence is None or pick.rank % 3 == 1
        ]
        again = selectlab.select(
            config, data(), n_samples=n, preselected=preselected, checkpoint=path
        )
        assert told(again) == told(whole)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seed", range(16))
def test_any_problem_goes_on(seed: int, tmp_path: Path) -> None:
    problem = random_problem(seed)
    whole = run(problem)
    if whole is None:
        return
    rng = np.random.default_rng(seed)
    for k in {1, int(rng.integers(1, len(whole) + 1))}:
        with opened(tmp_path / "c") as checkpoint:
            run(replace(problem, n=k), checkpoint=checkpoint)
        again = run(problem, checkpoint=tmp_path / "c")
        assert again is not None
        assert told(again) == told(whole)


def run(problem: Problem, **more: Any) -> Selection | None:
    config = {"n_samples": problem.n, "strategies": list(problem.entries)}
    try:
        return selectlab.select(
            config, problem.dataset(), preselected=list(problem.preselected) or None, **more
        )
    except SelectlabError:
        return None


def test_an_interrupt_saves_what_was_picked(tmp_path: Path) -> None:
    """Whatever ends a run too soon, even a bug in somebody's callback."""
    path = tmp_path / "c.json"
    whole = selectlab.select(CONFIGS["joint"], data(), n_samples=20)
    seen: list[int] = []

    def stop_at(k: int) -> Callable[[int], None]:
        def on_pick(done: int) -> None:
            seen.append(done)
            if done == k:
                raise KeyboardInterrupt

        return on_pick

    for k in (4, 11):
        with pytest.raises(KeyboardInterrupt):
            selectlab.select(
                CONFIGS["joint"], data(), n_samples=20, checkpoint=path, on_pick=stop_at(k)
            )
        picked = json.loads(path.read_text())["picked"]
        assert len(picked) >= k
        assert tuple(picked) == whole.ids[: len(picked)]
        if len(picked) == 20:
            break
    last = selectlab.select(CONFIGS["joint"], data(), n_samples=20, checkpoint=path)
    assert told(last) == told(whole)
    assert seen[:4] == [1, 2, 3, 4]
    assert len(set(seen)) == len(seen), "picks that were taken over are not told again"


def test_the_size_may_change(tmp_path: Path) -> None:
    """The first k of many are the k of few, so that picks count for any size."""
    path, config = tmp_path / "c.json", CONFIGS["joint"]
    for n in (4, 20):
        leave(config, data(), path, 10)
        again = selectlab.select(config, data(), n_samples=n, checkpoint=path)
        assert told(again) == told(selectlab.select(config, data(), n_samples=n))
    leave(config, data(), path, 10)
    with opened(path) as checkpoint:
        assert len(checkpoint.begin(*a_run())) == checkpoint.n_resumed == 9, "the run wants 9"
    share = selectlab.select(config, data(), proportion_samples=0.5, checkpoint=path)
    assert len(share) == 15


def test_a_shorter_run_that_fails_takes_nothing_away(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    leave(CONFIGS["joint"], data(), path, 10)
    leave(CONFIGS["joint"], data(), path, 4)
    assert len(json.loads(path.read_text())["picked"]) == 10


def test_other_memory_may_be_used(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    leave(CONFIGS["joint"], data(), path, 5, memory="1GB")
    chosen = selectlab.select(CONFIGS["joint"], data(), n_samples=6, memory="2GB", checkpoint=path)
    assert len(chosen) == 6


FEWER = {
    "ids": IDS[1:],
    "embeddings": VECTORS[1:],
    "metadata": {"weight": WEIGHT[1:], "weather": WEATHER[1:]},
}
UNDO = "; undo that, or remove the file to start afresh"


def changed(position: int, **fields: Any) -> dict[str, Any]:
    """Return the joint config with something else in one strategy."""
    strategies = list(CONFIGS["joint"]["strategies"])
    there = strategies[position]
    strategies[position] = {**there, "strategy": {**there["strategy"], **fields}}
    return {"strategies": strategies}


@pytest.mark.parametrize(
    ("config", "columns", "line"),
    [
        (changed(1, strength=2.0), {}, "the config has changed: strategies[1].strategy.strength: 2.0 now, not set then"),
        ({"strategies": [DIVERSITY]}, {}, "the config has changed: strategies: 1 now, 3 then"),
        ({**CONFIGS["joint"], "min_frame_gap": 2}, {}, "the config has changed: min_frame_gap: 2 now, not set then"),
        (CONFIGS["joint"], {"ids": [*IDS[:-1], "other.png"]}, "the dataset has other sample ids"),
        (CONFIGS["joint"], FEWER, "the dataset has 29 samples, and had 30"),
        (CONFIGS["joint"], {"embeddings": VECTORS + 1}, "strategies[0].input: embeddings has other values"),
        (CONFIGS["joint"], {"metadata": {"weight": WEIGHT, "weather": WEATHER[::-1]}}, "strategies[2].input: metadata weather has other values"),
    ],
)  # fmt: skip
def test_with_something_else_it_does_not_go_on(
    config: Any, columns: dict[str, Any], line: str, tmp_path: Path
) -> None:
    path = tmp_path / "c.json"
    leave(CONFIGS["joint"], data(), path, 5)
    before = path.read_bytes()
    with pytest.raises(DataError) as caught:
        selectlab.select(config, data(**columns), n_samples=9, checkpoint=path)
    assert str(caught.value) == f"{path}: cannot go on: {line}{UNDO}"
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("now", "line"),
    [
        (IDS[:3], "3 samples are preselected, and 2 were"),
        (IDS[1:3], "other samples are preselected, or in another order"),
        (IDS[1::-1], "other samples are preselected, or in another order"),
    ],
)
def test_with_others_preselected_it_does_not_go_on(
    now: list[str], line: str, tmp_path: Path
) -> None:
    path = tmp_path / "c.json"
    leave(CONFIGS["joint"], data(), path, 5, preselected=IDS[:2])
    with pytest.raises(DataError) as caught:
        selectlab.select(CONFIGS["joint"], data(), n_samples=9, preselected=now, checkpoint=path)
    assert str(caught.value) == f"{path}: cannot go on: {line}{UNDO}"


def test_another_version_does_not_go_on(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    leave(CONFIGS["joint"], data(), path, 5)
    rewrite(path, selectlab="0.0.1")
    with pytest.raises(DataError) as caught:
        selectlab.select(CONFIGS["joint"], data(), n_samples=9, checkpoint=path)
    assert str(caught.value) == (
        f"{path}: cannot go on: selectlab 0.0.1 wrote it, and this is {selectlab.__version__}{UNDO}"
    )


def rewrite(path: Path, **more: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def empty(path: Path) -> None:
    path.write_text("")


def binary(path: Path) -> None:
    path.write_bytes(b"\x80\x00\xff")


def without_picks(path: Path) -> None:
    content = json.loads(path.read_text())
    del content["picked"]
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (cut_off, "not valid JSON"),
        (empty, "not valid JSON"),
        (binary, "not valid JSON"),
        (without_picks, "parts of it are missing"),
        (lambda path: rewrite(path, picked=IDS[:3]), "the picks are not as they were written"),
        (lambda path: rewrite(path, picked=3), "parts of it are missing"),
    ],
)
def test_a_damaged_file_is_one_line(
    damage: Callable[[Path], None], why: str, tmp_path: Path
) -> None:
    path = tmp_path / "c.json"
    leave(CONFIGS["joint"], data(), path, 5)
    damage(path)
    before = path.read_bytes()
    with pytest.raises(DataError) as caught:
        selectlab.select(CONFIGS["joint"], data(), n_samples=9, checkpoint=path)
    assert str(caught.value) == (
        f"{path}: damaged, or no checkpoint: {why}; remove it to start afresh"
    )
    assert path.read_bytes() == before
    assert [other.name for other in tmp_path.iterdir()] == ["c.json"]


def test_nothing_else_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"n_samples": 3}')
    with pytest.raises(DataError) as caught:
        selectlab.select(CONFIGS["joint"], data(), n_samples=9, checkpoint=path)
    assert str(caught.value) == f"{path}: a file, but no checkpoint; choose another name"
    assert path.read_text() == '{"n_samples": 3}'


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("", "checkpoint: expected a file or a folder, got nothing"),
        ("s3://b/c", "checkpoint: expected a file on this machine, got 's3://b/c'"),
        ("/dev/null/c", "/dev/null/c: cannot be written: "),
    ],
)
def test_a_place_that_cannot_be_is_one_line(path: str, line: str) -> None:
    with pytest.raises(DataError) as caught:
        selectlab.select(CONFIGS["joint"], data(), n_samples=9, checkpoint=path)
    assert str(caught.value).startswith(line)


def test_a_folder_holds_one_file(tmp_path: Path) -> None:
    with opened(tmp_path) as checkpoint:
        assert checkpoint.path == tmp_path / NAME
    with opened(f"{tmp_path}/new/") as checkpoint:
        assert checkpoint.path == tmp_path / "new" / NAME


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    with opened(path), pytest.raises(DataError) as caught:
        selectlab.select(CONFIGS["joint"], data(), n_samples=9, checkpoint=path)
    assert f"{path}: process " in str(caught.value)
    assert str(caught.value).endswith(" is using it; wait for it, or choose another file")
    assert list(tmp_path.iterdir()) == []


def test_what_a_dead_process_left_is_removed(tmp_path: Path) -> None:
    """Of this checkpoint only: run-2.json is another one, somebody may be writing it."""
    for name in (".run-123.json", ".run-2-123.json", "run-123.json", ".run-x.json"):
        (tmp_path / name).touch()
    with opened(tmp_path / "run.json"):
        left = {path.name for path in tmp_path.iterdir()}
    assert left == {".run-2-123.json", "run-123.json", ".run-x.json", "run.json.lock"}


def test_a_disk_that_is_full_does_not_stop_the_selection(tmp_path: Path) -> None:
    """Something in the way of the file stands for a full disk."""
    whole = selectlab.select(CONFIGS["joint"], data(), n_samples=9)
    with opened(tmp_path / "c.json", every_s=0.0) as checkpoint:
        (tmp_path / "c.json").mkdir()
        with pytest.warns(UserWarning, match=r"c.json: cannot be written: .*; the selection goes"):
            again = selectlab.select(CONFIGS["joint"], data(), n_samples=9, checkpoint=checkpoint)
        (tmp_path / "c.json").rmdir()
    assert told(again) == told(whole)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("takes_s", "written_at"), [(0.0, [10, 20, 30, 40]), (0.4, [10, 31])])
def test_it_is_written_now_and_then(
    takes_s: float, written_at: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every 10 s, and less often when that takes long: 0.4 s are a fiftieth of 20 s."""
    now = 0.0

    def write(path: Path, text: str) -> None:
        nonlocal now
        now += takes_s
        path.write_text(text)

    monkeypatch.setattr("selectlab.checkpoint.monotonic", lambda: now)
    monkeypatch.setattr("selectlab.checkpoint._write_through", write)
    path, seen = tmp_path / "c.json", []
    with opened(path) as checkpoint:
        checkpoint.begin(*a_run())
        for step in range(1, 45):
            now = max(now, float(step))
            before = checkpoint.n_saved
            checkpoint.watch([k % N for k in range(step)])
            if checkpoint.n_saved > before:
                seen.append(step)
    assert seen == written_at


def a_run() -> tuple[Resolved, list[str]]:
    resolved = resolve(load({**CONFIGS["joint"], "n_samples": 9}), data())
    return resolved, hash_signals(resolved.signals)


def test_ids_of_any_kind(tmp_path: Path) -> None:
    ids = ["a b", "ä\u2028ö", '"', "\udcff", "\\n"]
    dataset = selectlab.Dataset(ids, embeddings=VECTORS[:5])
    config = {"strategies": [DIVERSITY]}
    leave(config, dataset, tmp_path / "c", 3)
    again = selectlab.select(config, dataset, n_samples=5, checkpoint=tmp_path / "c")
    assert again.ids == selectlab.select(config, dataset, n_samples=5).ids


def test_another_config_is_refused_before_inputs_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading them may take minutes."""
    file = tmp_path / "held.json"
    with opened(file) as checkpoint:
        chosen = load(CONFIGS["diversity"], n_samples=3)
        selectlab.select(chosen, data(), checkpoint=checkpoint)

    def read(*_: object, **__: object) -> None:
        raise AssertionError("an input is read")

    monkeypatch.setattr("selectlab.preparation.resolve", read)
    with pytest.raises(DataError, match=r"cannot go on: the config has changed: strategies"):
        selectlab.select(CONFIGS["joint"], data(), n_samples=3, checkpoint=file)
