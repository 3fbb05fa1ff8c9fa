"""The course of a selection in a report: every chart can be read as numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from report_page import HOSTILE_CONFIG, PLAIN, hostile_folder, line_data, ran, reported
from small_dataset import DIVERSITY, WEIGHTS, config, metadata

from selectlab.dataset import Dataset
from selectlab.report.record import read_run

PARTS, SCORE = "What each strategy adds to the score", "Score by rank"
DISTANCES = "embeddings: the number behind each reason (0_diversity)"


def test_what_the_charts_show_stands_in_tables(tmp_path: Path) -> None:
    """The first pick has no distance: nothing is selected before it."""
    data = line_data()
    pairs = [(PLAIN, DIVERSITY), (metadata("x"), WEIGHTS)]
    run = ran(config(*pairs, n_samples=6), data, tmp_path / "run")
    picks = read_run(run).picks
    page = reported(run, data)
    assert page.tables[PARTS] == [
        ["rank", "0_diversity (embeddings)", "1_weights (metadata x)"],
        *([f"{pick.rank}", *(f"{one.part:.4g}" for one in pick.because)] for pick in picks),
    ]
    assert page.tables[SCORE] == [
        ["rank", "score"],
        *([f"{pick.rank}", f"{pick.score:.4g}"] for pick in picks),
    ]
    where = data.metadata().frame["x"]  # type: ignore[union-attr]
    x = [float(where[pick.sample_id]) for pick in picks]
    [head, *rows] = page.tables[DISTANCES]
    assert head == ["rank", "embeddings"]
    assert [row[0] for row in rows] == ["2", "3", "4", "5", "6"]
    nearest = [min(abs(x[k] - one) for one in x[:k]) for k in range(1, 6)]
    assert [float(row[1]) for row in rows] == pytest.approx(nearest, rel=1e-3)
    assert "n = 6 picks. 1 pick without such a number.\n" in page.text
    assert "evenly spread" not in page.text


def test_every_chart_has_its_numbers_in_a_table(tmp_path: Path) -> None:
    data = hostile_folder(tmp_path / "data")
    page = reported(ran(HOSTILE_CONFIG, data, tmp_path / "run"), data)
    assert len(page.charts) >= 10
    assert page.charts.keys() <= page.tables.keys()
    assert all(len(page.tables[title]) >= 2 for title in page.charts)


@pytest.mark.parametrize(("n_picks", "n_rows"), [(60, 60), (61, 25), (700, 25)])
def test_of_many_ranks_some_stand_in_the_table(tmp_path: Path, n_picks: int, n_rows: int) -> None:
    """The first and the last among them; of more than 500 picks 500 are drawn."""
    x = np.arange(800.0)
    data = Dataset([f"{k:03d}.png" for k in range(800)], metadata={"x": x.tolist()})
    run = ran(config((metadata("x"), WEIGHTS), n_samples=n_picks), data, tmp_path / "run")
    page = reported(run, data)
    title = "metadata x: the number behind each reason (0_weights)"
    ranks = [int(row[0]) for row in page.tables[title][1:]]
    assert len(ranks) == n_rows
    assert (ranks[0], ranks[-1]) == (1, n_picks)
    steps = np.diff(ranks)
    assert steps.max() - steps.min() <= 2
    told = f"25 of the {min(n_picks, 500)} ranks drawn, evenly spread.\n"
    assert page.text.count(told) == (2 if n_rows == 25 else 0)
    values = [float(row[1]) for row in page.tables[title][1:]]
    assert values == [800.0 - rank for rank in ranks]
