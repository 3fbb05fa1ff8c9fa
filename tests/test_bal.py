"""BAL: draws among assertions, and the round after."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from selectlab import Dataset, select
from selectlab.earlier import read_earlier
from selectlab.engine import greedy
from selectlab.strategies import Bal
from selectlab.types import Severities

NAMES = ("flicker", "appear", "multibox")


def severities(values: np.ndarray) -> Severities:
    return Severities(values=np.asarray(values, dtype=np.float64), names=NAMES[: values.shape[1]])


def picks(bal: Bal, values: np.ndarray, n: int) -> list[int]:
    objective = bal.start(severities(values))
    plan = greedy.Plan(
        [greedy.Part(0, "0_bal", 1.0, objective)], np.ones(len(values), dtype=bool), n
    )
    return [pick.row for pick in greedy.run(plan).picks]


def thirds(n: int) -> np.ndarray:
    """n rows for each of three assertions, and n that none of them flags."""
    values = np.zeros((4 * n, 3))
    for column in range(3):
        values[column * n : (column + 1) * n, column] = np.arange(1, n + 1)
    return values


def shares(chosen: list[int], n: int) -> np.ndarray:
    return np.bincount(np.array(chosen) // n, minlength=4) / len(chosen)


def test_first_round_is_uniform_over_assertions_and_flagged_only() -> None:
    """600 picks over three assertions: a third each, 3.5 standard deviations are .067."""
    chosen = picks(Bal(), thirds(1000), 600)
    assert len(set(chosen)) == 600
    assert shares(chosen, 1000) == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0], abs=0.067)
    severity = np.array(chosen) % 1000
    assert severity.mean() == pytest.approx(500, abs=3.5 * 289 / 600**0.5)


def test_later_rounds_follow_the_drop() -> None:
    """Firings 1000 each, before 2000 / 1000 / 1250: drops 1/2, 0, 1/5. A quarter of the picks is
    uniform: .25/3 + .75 * (.5/.7) = .619, .083, .083 + .75 * (.2/.7) = .298.
    """
    state = {"round": 1, "firings": {"flicker": 2000, "appear": 1000, "multibox": 1250}}
    chosen = picks(Bal().continued(state), thirds(1000), 600)
    assert shares(chosen, 1000) == pytest.approx([0.619, 0.083, 0.298, 0], abs=0.07)


def test_severe_samples_come_more_often_later() -> None:
    """In proportion to the rank 1..1000: few picks have the mean 2/3 * 1000, sd 236."""
    state = {"round": 1, "firings": {"flicker": 2000}}
    chosen = picks(Bal(explore=0.0).continued(state), thirds(1000)[:1000, :1], 60)
    assert np.mean(chosen) == pytest.approx(667, abs=3.5 * 236 / 60**0.5)


def test_without_response_the_baseline_takes_the_round() -> None:
    """Drops below 1 %: 1000 of 1005 before. A quarter of the rows is flagged by none."""
    state = {"round": 1, "firings": dict.fromkeys(NAMES, 1005)}
    chosen = picks(Bal().continued(state), thirds(1000), 600)
    assert shares(chosen, 1000) == pytest.approx([0.25] * 4, abs=0.065)
    others = Bal(baseline="OTHERS").continued(state).start(severities(thirds(1000)))
    assert set(others.exact(np.arange(4000))) == {1.0}


def test_everything_flagged_is_used_up_before_the_rest() -> None:
    chosen = picks(Bal(), thirds(5), 20)
    assert sorted(chosen[:15]) == list(range(15))
    assert sorted(chosen[15:]) == list(range(15, 20))


def test_same_seed_same_draws_other_round_other_draws() -> None:
    values = thirds(50)
    assert picks(Bal(), values, 30) == picks(Bal(), values, 30)
    assert picks(Bal(), values, 30) != picks(Bal(random_seed=1), values, 30)
    state = {"round": 1, "firings": {}}
    assert picks(Bal(), values, 30) != picks(Bal().continued(state), values, 30)


def test_reasons_and_state() -> None:
    objective = Bal().start(severities(thirds(2)[:, :1]))
    assert objective.reason(1).text == "drawn for 'flicker', severity 2"
    assert objective.state() == {"round": 1, "firings": {"flicker": 2}}
    objective.add(np.array([0, 1]))
    assert objective.reason(5).text == "nothing flagged is left: baseline"
    state = {"round": 1, "firings": {"flicker": 2}}
    later = Bal().continued(state).start(severities(thirds(2)[:, :1]))
    assert later.reason(1).text == "no assertion responds to labels: baseline"


def test_state_travels_in_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "selection.json").write_text(
        json.dumps({"preselected": ["a"], "selected": [{"sample_id": "b"}]})
    )
    state = {"round": 2, "firings": {"flicker": 7}}
    listed = [{"label": "0_bal", "state": state}, {"label": "1_diversity", "state": None}]
    (tmp_path / "manifest.json").write_text(json.dumps({"strategies": listed}))
    found = read_earlier([tmp_path])
    assert found.ids == ("a", "b")
    assert found.states == {"0_bal": state}


def video(n_frames: int, gaps: set[int]) -> Dataset:
    """A standing box that is missing in some frames."""
    ids = [f"v-{i:03d}-mp4.png" for i in range(n_frames)]
    box = {"category_id": 0, "bbox": [10, 10, 40, 40], "score": 0.9}
    listed = {sample_id: [] if i in gaps else [box] for i, sample_id in enumerate(ids)}
    found = {"task_type": "object-detection", "categories": ["car"], "predictions": listed}
    return Dataset(ids, predictions={"det": found})


def test_two_rounds_through_a_config() -> None:
    """Six flickering frames, two left after labelling: a drop of 2/3 that the second round sees."""
    config = {
        "n_samples": 2,
        "strategies": [
            {
                "input": {"type": "ASSERTIONS", "task": "det", "names": ["flicker", "multibox"]},
                "strategy": {"type": "BAL"},
            }
        ],
    }
    flickering = {f"v-{i:03d}-mp4.png" for i in (5, 10, 15, 20, 25, 30)}
    first = select(config, video(40, {5, 10, 15, 20, 25, 30}))
    assert set(first.ids) <= flickering
    assert first.manifest["strategies"][0]["state"] == {
        "round": 1,
        "firings": {"flicker": 6, "multibox": 0},
    }
    left = sorted(flickering - set(first.ids))[:2]
    second = select(config, video(40, {int(name[2:5]) for name in left}), preselected=first)
    assert sorted(second.ids) == left
    previous = second.manifest["config"]["strategies"][0]["strategy"]["previous"]
    assert previous["round"] == 1
    assert second.manifest["strategies"][0]["state"]["round"] == 2
    assert "drawn for 'flicker'" in second.picks[0].reason
