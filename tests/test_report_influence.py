"""Reports of runs whose selection is not made again: the page says so, and why."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from report_page import PLAIN, line_data, ran, reported
from small_dataset import DIVERSITY, WEIGHTS, config, metadata

from selectlab.dataset import Dataset


@pytest.mark.parametrize(
    ("n_candidates", "n_picks", "why"),
    [
        (100_001, 1, "100,001 candidates are too many for that (up to 100,000 it is done)"),
        (
            15_001,
            13_333,
            "15,001 candidates times 13,333 picks are too many for that (up to 200 million it is "
            "done)",
        ),
        (15_000, 3, None),
    ],
)
def test_where_influence_is_not_measured_the_page_says_so(
    tmp_path: Path, n_candidates: int, n_picks: int, why: str | None
) -> None:
    """15,001 times 13,333 is 200,008,333."""
    x = np.arange(n_candidates, dtype=float)
    ids = [f"{k}.png" for k in range(n_candidates)]
    data = Dataset(ids, metadata={"x": x.tolist(), "y": (x % 7).tolist()})
    asked = config((metadata("x"), WEIGHTS), (metadata("y"), WEIGHTS), n_samples=n_picks)
    text = reported(ran(asked, data, tmp_path / "run"), data).text
    assert (": the mean is " in text) == (why is not None)
    assert ("picks would be others without it" in text) == (why is None)
    told = "Influence was not measured by selecting again without each strategy: "
    assert text.count(told) == (why is not None)
    assert why is None or f"{told}{why}. Instead" in text


def test_without_the_data_influence_is_not_measured(tmp_path: Path) -> None:
    """A strategy alone needs no such words: it chose all."""
    data = line_data()
    told = "without each strategy: the dataset is not at hand. Instead the numbers of the picks"
    both = config((PLAIN, DIVERSITY), (metadata("x"), WEIGHTS))
    assert told in reported(ran(both, data, tmp_path / "both")).text
    alone = config((metadata("x"), WEIGHTS))
    assert "Influence was not measured" not in reported(ran(alone, data, tmp_path / "alone")).text


def test_an_approximate_run_is_not_selected_again(tmp_path: Path) -> None:
    data = line_data()
    run = ran(config((PLAIN, DIVERSITY), (metadata("x"), WEIGHTS)), data, tmp_path / "run")
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["engine"]["approximate"] = {"greedi": 2}
    (run / "manifest.json").write_text(json.dumps(manifest))
    text = reported(run, data).text
    assert "without each strategy: the run was approximate. Instead" in text
    assert "picks would be others" not in text
