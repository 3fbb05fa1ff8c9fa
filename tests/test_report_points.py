"""The embedding plot of a report: points, colours and projections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folder_builder import build, parquet
from report_page import (
    MISSED,
    PLAIN,
    flickering_folder,
    frame_id,
    line_data,
    ran,
    reported,
)
from small_dataset import (
    DIVERSITY,
    EMBEDDINGS,
    WEIGHTS,
    config,
    metadata,
)

from selectlab.report.projection import project
from selectlab.report.record import read_run


def test_the_points_of_the_plot(tmp_path: Path) -> None:
    """Others, then preselected, then selected ones; the first axis is the line they lie on."""
    data = line_data(kind=["even", "odd"] * 20)
    before = ["000.png", "007.png"]
    asked = config((PLAIN, DIVERSITY), (metadata("x"), WEIGHTS), n_samples=5)
    run = ran(asked, data, tmp_path / "run", preselected=before)
    picks = read_run(run).picks
    points = reported(run, data).points
    assert points["sizes"] == [33, 2, 5]
    text = reported(run, data).text
    assert text.count("The 2 selected before count on both sides.") == 2  # coverage, diversity
    assert points["ids"][33:] == [*before, *(pick.sample_id for pick in picks)]
    assert points["ranks"] == [1, 2, 3, 4, 5]
    assert points["reasons"] == [[part.reason for part in pick.because] for pick in picks]
    where = data.metadata().frame["x"]  # type: ignore[union-attr]
    x = np.array([where[name] for name in points["ids"]])
    assert abs(np.corrcoef(x, points["x"])[0, 1]) > 0.999999
    assert np.ptp(points["y"]) < 1e-6
    named = {one["name"]: one for one in points["colourings"]}
    assert [*named] == ["selected or not", "rank of the pick", "x", "minus_x", "kind"]
    assert named["x"]["values"] == pytest.approx(x, rel=1e-3)
    odd = [int(name[2]) % 2 for name in points["ids"]]
    assert [named["kind"]["names"][at] for at in named["kind"]["values"]] == [
        ("even", "odd")[one] for one in odd
    ]


def test_principal_components_by_definition() -> None:
    vectors = np.random.default_rng(0).normal(size=(60, 7)) * np.arange(1, 8)
    centred = vectors - vectors.mean(axis=0)
    _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    true = centred @ axes[:2].T
    found = project(vectors.astype(np.float32), np.arange(60), "pca")
    for mine, theirs in ((found.x, true[:, 0]), (found.y, true[:, 1])):
        assert np.minimum(np.abs(mine - theirs), np.abs(mine + theirs)).max() < 1e-3
    share = 100 * lengths[0] ** 2 / (lengths**2).sum()
    assert found.x_title == f"principal component 1, {share:.3g}\u00a0% of the variance"


@pytest.mark.parametrize("vectors", [np.ones((1, 3)), np.ones((5, 4)), np.arange(6.0)[:, None]])
def test_principal_components_of_next_to_nothing(vectors: Any) -> None:
    found = project(vectors.astype(np.float32), np.arange(len(vectors)), "pca")
    assert np.isfinite(found.x).all()
    assert np.abs(found.y).max() == 0


@pytest.mark.slow
def test_umap_is_repeatable_and_keeps_groups_together(tmp_path: Path) -> None:
    pytest.importorskip("numba", reason="umap-learn is not installed")
    groups = np.repeat(np.eye(3) * 30, 20, axis=0)
    vectors = (groups + np.random.default_rng(0).normal(size=(60, 3))).astype(np.float32)
    one, two = (project(vectors, np.arange(60), "umap") for _ in range(2))
    assert np.array_equal(one.x, two.x)
    places = np.stack([one.x, one.y], axis=1)
    centres = places.reshape(3, 20, 2).mean(axis=1)
    nearest = np.linalg.norm(places[:, None] - centres, axis=2).argmin(axis=1)
    assert np.array_equal(nearest, np.repeat(np.arange(3), 20))


def test_every_score_of_the_predictions_is_a_colouring(tmp_path: Path) -> None:
    """Also those that no strategy looks at; a score that cannot be computed is left out."""
    data = flickering_folder(tmp_path / "data")
    rng = np.random.default_rng(0)
    ids = [frame_id(number) for number in range(16)]
    table = {"sample_id": ids, "embedding": rng.normal(size=(16, 3)).tolist()}
    build(data, {"embeddings.parquet": parquet(table)})
    asked = config((EMBEDDINGS, DIVERSITY), n_samples=3)
    points = reported(ran(asked, data, tmp_path / "run"), data).points
    named = {one["name"]: one for one in points["colourings"]}
    assert {"flickering", "object_frequency of det", "objectness_least_confidence of det"} <= {
        *named
    }
    held = dict(zip(points["ids"], named["object_frequency of det"]["values"], strict=True))
    assert held[frame_id(MISSED[0])] < held[frame_id(0)]  # one object of two is missing
