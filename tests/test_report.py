"""Reports: what they say, checked by hand; that they hold everything and run nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from folder_builder import build, parquet, png
from report_page import (
    HOSTILE,
    HOSTILE_CONFIG,
    MISSED,
    Page,
    flickering_folder,
    frame_id,
    hostile_folder,
    ran,
    reported,
)
from small_dataset import (
    CLASSES,
    DIVERSITY,
    EMBEDDINGS,
    MARGIN,
    UNIFORM,
    WEIGHTS,
    config,
    metadata,
    selectlab,
    small_dataset,
)
from video_builder import write_image

from selectlab import api
from selectlab.dataset import Dataset
from selectlab.errors import ConfigError, DataError, MissingExtraError
from selectlab.inputs.folder import open_dataset
from selectlab.report import pdf, write_report
from selectlab.report.evidence import part_of
from selectlab.report.projection import project
from selectlab.report.record import read_run
from selectlab.report.targets import wanted_shares
from selectlab.rounds import Rounds
from selectlab.statistics import RANDOM_SEED
from selectlab.strategies import Balance, Weights


def line_data(n: int = 40, **more: Any) -> Dataset:
    """Samples on a line of unequal steps, and metadata that follow it."""
    x = np.cumsum(np.random.default_rng(2).uniform(0.1, 1.0, n))
    ids = [f"{k:03d}.png" for k in range(n)]
    columns = {"x": x.tolist(), "minus_x": (-x).tolist(), "same": [3.0] * n, **more}
    return Dataset(ids, embeddings=np.stack([x, np.zeros(n)], axis=1), metadata=columns)


PLAIN = {"type": "EMBEDDINGS", "normalize": False}


def test_it_says_what_was_asked_and_what_came_out(tmp_path: Path) -> None:
    """Of six samples one is filtered and one preselected; a/0 has no class probabilities to miss."""
    data = small_dataset(tmp_path)
    asked = config(
        (EMBEDDINGS, {**DIVERSITY, "strength": 0.5}),
        (metadata("t"), {"type": "THRESHOLD", "threshold": 0.5, "operation": "BIGGER"}),
        (MARGIN, {**WEIGHTS, "strength": -1}),
        n_samples=3,
    )
    page = reported(ran(asked, data, tmp_path / "run", preselected=["a/2.png"]), data)
    for line in (
        "3 of 4 candidates selected. Asked for: 3 samples. It ended because: n_samples 3 reached.",
        "DIVERSITY on embeddings",
        "Pick the sample farthest from everything picked so far (greedy k-center). strength 0.5.",
        "THRESHOLD on metadata t > 0.5",
        "Influence: removed 1 sample before the ranking.",
        "WEIGHTS on uncertainty_margin of cls",
        "6 in the dataset",
        "−1 removed by metadata t > 0.5",
        "−1 selected before this run",
        "4 candidates",
        "3 selected",
    ):
        assert line in page.text.splitlines(), line
    assert "turned around: strength -1" in page.text


def test_its_numbers_are_those_of_the_manifest(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    asked = config((metadata("t"), WEIGHTS), (metadata("sky"), UNIFORM))
    run = ran(asked, data, tmp_path / "run", preselected=["a/1.png"])
    page = reported(run, data)
    numbers, classes = json.loads((run / "manifest.json").read_text())["statistics"]
    for side in ("candidates", "selected", "random"):
        part = numbers[{"candidates": "input"}.get(side, side)]
        assert f"{side} {part['median']:.4g}" in page.text
    bars = page.charts["metadata sky (BALANCE): Balance of classes"]
    labels = bars["layout"]["yaxis"]["ticktext"]
    for side in ("selected", "random"):
        [found] = [one["x"] for one in bars["data"] if one["name"] == side]
        shares = dict(zip(labels, found, strict=True))
        assert shares == {
            name: pytest.approx(100 * share, rel=1e-3)
            for name, share in classes[side]["shares"].items()
        }
    [wanted] = [one for one in bars["data"] if one["name"] == "wanted"]
    assert wanted["x"] == [50.0, 50.0]


def test_a_histogram_by_hand(tmp_path: Path) -> None:
    """t is 0..5 for six samples and WEIGHTS takes 3, 4, 5: bins of one, a third of the selected."""
    data = small_dataset(tmp_path)
    page = reported(ran(config((metadata("t"), WEIGHTS)), data, tmp_path / "run"), data)
    selected = page.series("metadata t (WEIGHTS): Distribution", "selected")
    assert selected["x"] == [-0.5, -0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    assert selected["y"] == [0, 0, 0, 0, 33.33, 33.33, 33.33, 0]
    assert selected["line"]["shape"] == "hv"


def test_influence_is_what_would_have_been_picked_without_it(tmp_path: Path) -> None:
    """Against selecting again by the front door."""
    data = line_data(noise=np.random.default_rng(1).uniform(size=40).tolist())
    pairs = [(PLAIN, DIVERSITY), (metadata("noise"), WEIGHTS), (metadata("same"), WEIGHTS)]
    chosen = api.select(config(*pairs, n_samples=12), data)
    chosen.save(tmp_path / "run")
    page = reported(tmp_path / "run", data)
    for at, label in enumerate(("0_diversity", "1_weights", "2_weights")):
        rest = [pair for k, pair in enumerate(pairs) if k != at]
        others = 12 - len({*chosen.ids} & {*api.select(config(*rest, n_samples=12), data).ids})
        assert (others == 0) == (label == "2_weights")
        told = f"{others} of 12 picks would be others without it"
        weak = f"influence: {label}: none: the same samples would have been selected without it"
        assert (told if others else weak) in page.text


def test_a_strategy_alone_has_chosen_everything(tmp_path: Path) -> None:
    data = line_data()
    page = reported(ran(config((metadata("x"), WEIGHTS)), data, tmp_path / "run"), data)
    assert "Influence: the only strategy that ranks: it chose all." in page.text
    assert "Nothing to warn of" in page.text


def test_a_filter_that_filters_nothing_is_told(tmp_path: Path) -> None:
    data = line_data()
    nothing = {"type": "THRESHOLD", "threshold": -1, "operation": "BIGGER"}
    asked = config((metadata("x"), WEIGHTS), (metadata("x"), nothing))
    page = reported(ran(asked, data, tmp_path / "run"), data)
    assert "influence: 1_threshold: none: this filter removed no sample" in page.text


@pytest.mark.parametrize(
    ("key", "strength", "told"),
    [
        ("x_squared", 1, "rank the candidates alike (rank correlation 1.00)"),
        ("minus_x", 1, "pull against each other (rank correlation -1.00)"),
        ("minus_x", -1, "rank the candidates alike (rank correlation -1.00)"),
        ("noise", 1, None),
        ("same", 1, None),
    ],
)
def test_inputs_that_say_the_same(
    tmp_path: Path, key: str, strength: float, told: str | None
) -> None:
    x = np.cumsum(np.random.default_rng(2).uniform(0.1, 1.0, 40))
    noise = np.random.default_rng(1).uniform(size=40)
    data = line_data(x_squared=(x**2).tolist(), noise=noise.tolist())
    asked = config((metadata("x"), WEIGHTS), (metadata(key), {**WEIGHTS, "strength": strength}))
    page = reported(ran(asked, data, tmp_path / "run"), data)
    line = f"correlated inputs: metadata x and metadata {key} {told}"
    assert (line in page.text) == (told is not None)
    assert ("correlated inputs" in page.text) == (told is not None)


def sky(counts: dict[str, int]) -> Dataset:
    names = [name for name, n in counts.items() for _ in range(n)]
    ids = [f"{k:02d}.png" for k in range(len(names))]
    return Dataset(ids, metadata={"sky": names, "x": [float(k) for k in range(len(names))]})


def test_a_target_out_of_reach_is_told_with_what_there_is(tmp_path: Path) -> None:
    """Two of eight are snowy; six are picked, half of them were to be snowy: two are a third."""
    data = sky({"sunny": 6, "snowy": 2})
    half = {"type": "BALANCE", "target": {"sunny": 0.5, "snowy": 0.5}}
    page = reported(ran(config((metadata("sky"), half), n_samples=6), data, tmp_path / "run"), data)
    assert (
        "targets: metadata sky: 'snowy' was wanted at 50 % and has 33.3 %; out of reach: the data "
        "has only 2 of them, 33.3 % of a selection of this size"
    ) in page.text
    assert "'sunny' was wanted" not in page.text


def test_a_target_within_reach_is_told_as_such(tmp_path: Path) -> None:
    """The numbers win against a weak balance."""
    data = sky({"snowy": 4, "sunny": 10})
    weak = {"type": "BALANCE", "target": {"sunny": 0.5, "snowy": 0.5}, "strength": 0.001}
    asked = config((metadata("x"), WEIGHTS), (metadata("sky"), weak), n_samples=6)
    page = reported(ran(asked, data, tmp_path / "run"), data)
    assert "'snowy' was wanted at 50 % and has 0 %; the data has enough (4): other" in page.text


@pytest.mark.parametrize(
    ("strategy", "shares"),
    [
        (Balance(target={"a": 0.5, "b": 0.5}), [0.5, 0.5, None]),
        (Balance(target={"a": 3.0, "b": 1.0}), [0.75, 0.25, None]),
        (Balance(target={"a": 0.2, "b": 0.2, "c": 0.1}), [0.4, 0.4, 0.2]),
        (Balance(distribution="UNIFORM"), [0.5, 0.5, 0.0]),
        (Balance(distribution="INPUT"), [0.75, 0.25, 0.0]),
        (Weights(), None),
    ],
)
def test_wanted_shares(strategy: Any, shares: list[float | None] | None) -> None:
    """As docs/config.md says of BALANCE; the candidates have three a, one b and no c."""
    found = wanted_shares(strategy, ("a", "b", "c"), np.array([3.0, 1.0, 0.0]))
    if found is None or shares is None:
        assert (found, shares) == (None, None)
    else:
        assert [None if np.isnan(one) else one for one in found] == pytest.approx(shares)


def test_targets_without_the_data(tmp_path: Path) -> None:
    """A manifest names the 50 most frequent classes only; a wanted one may not be among them."""
    names = [f"class {k:02d}" for k in range(55) for _ in range(60 - k)]
    data = Dataset(
        [f"{k:04d}.png" for k in range(len(names))],
        metadata={"kind": names, "x": [float(9000 - k) for k in range(len(names))]},
    )
    goals = {"class 54": 0.9, "class 01": 0.1}
    weak = {"type": "BALANCE", "target": goals, "strength": 1e-9}
    even = {"type": "BALANCE", "distribution": "UNIFORM", "strength": 1e-9}
    asked = config((metadata("x"), WEIGHTS), (metadata("kind"), weak), (metadata("kind"), even))
    page = reported(ran(asked, data, tmp_path / "run"))
    told = "'class 54' was wanted at 90 % and has 0 %; among the candidates it has hardly any"
    assert told in page.text
    assert "'class 01' was wanted at 10 % and has 0 %; among the candidates it has 3." in page.text
    assert page.text.count("was wanted at") == 2
    bars = page.charts["metadata kind (BALANCE, BALANCE): Balance of classes"]
    assert "class 54" in bars["layout"]["yaxis"]["ticktext"]


def test_near_duplicates_by_hand(tmp_path: Path) -> None:
    """On a line at 0, .5, 10, 20, 20.1: the ends and the middle are picked, two lie beside them."""
    data = Dataset([*"abcde"], embeddings=np.array([[0, 0], [0.5, 0], [10, 0], [20, 0], [20.1, 0]]))
    run = ran(config((PLAIN, DIVERSITY), n_samples=3), data, tmp_path / "run")
    assert {pick.sample_id for pick in read_run(run).picks} == {"a", "c", "e"}
    page = reported(run, data)
    assert (
        "2 of 2 candidates that were not selected are nearer to something selected than any two "
        "selected samples are to each other (10)"
    ) in page.text
    rows = page.text[page.text.index("selected left aside distance") :].splitlines()
    assert rows[1:3] == ["e d 0.1", "a b 0.5"]
    coverage = "embeddings (DIVERSITY): Coverage: from a candidate to the nearest selected sample"
    assert page.series(coverage, "selected")["x"][-1] == 0.5  # the coverage radius
    assert page.series(coverage, "selected")["y"][-1] == 100


def test_a_run_without_its_data_shows_what_it_has_written_down(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    asked = config((metadata("t"), WEIGHTS), (CLASSES, UNIFORM), (EMBEDDINGS, DIVERSITY))
    run = ran(asked, data, tmp_path / "run")
    page = reported(run)
    assert f"the data: the dataset was not at hand ({data})" in page.text
    box = page.series("metadata t (WEIGHTS): Distribution", "selected")
    numbers = json.loads((run / "manifest.json").read_text())["statistics"][0]["selected"]
    assert (box["type"], box["median"]) == ("box", [numbers["median"]])
    assert "class distribution of det (BALANCE): Balance of classes" in page.charts
    assert "Other metadata: sky" in page.charts
    assert page.points is None
    assert "not measured; embeddings: mean distance to nearest selected is" in page.text


def test_weak_influence_without_the_data(tmp_path: Path) -> None:
    """From quartiles alone: constant numbers, and numbers of the picks like those of all."""
    noise = np.random.default_rng(4).uniform(size=40)
    data = line_data(noise=noise.tolist())
    pairs = [(metadata("x"), WEIGHTS), (metadata("same"), WEIGHTS)]
    asked = config(*pairs, (metadata("noise"), {**WEIGHTS, "strength": 1e-6}), n_samples=10)
    text = reported(ran(asked, data, tmp_path / "run")).text
    assert "influence: 1_weights: none: metadata same is 3 for all" in text
    assert "influence: 2_weights: none to be seen: the mean is" in text
    assert "influence: 0_weights" not in text


def test_changed_data_is_told(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    run = ran(config((metadata("t"), WEIGHTS)), data, tmp_path / "run")
    assert "the data:" not in reported(run, data).text
    content = json.loads((data / ".lightly/metadata/a/5.json").read_text())
    content["metadata"]["t"] = 4.5
    (data / ".lightly/metadata/a/5.json").write_text(json.dumps(content))
    assert "the data: values have changed since: metadata t" in reported(run, data).text
    (data / "new.png").write_bytes(png())
    assert "other samples now: 7, and 6 then" in reported(run, data).text
    for path in (*data.glob("a/5.*"), *data.rglob("5.json")):
        path.unlink()
    (data / "embeddings.parquet").unlink()
    text = reported(run, data).text
    assert "1 pick could not be picked from it any more" in text


def test_another_dataset_is_refused_or_left_aside(tmp_path: Path) -> None:
    run = ran(config((metadata("x"), WEIGHTS)), line_data(), tmp_path / "run")
    other = Dataset(["else.png", "b.png"], metadata={"x": [1.0, 2.0]})
    with pytest.raises(DataError, match=r"none of the samples that .*run has selected is among"):
        reported(run, other, strict=True)
    text = reported(run, other).text
    assert "the dataset could not be used, so that much is left out: dataset: none of" in text


def test_it_holds_everything_it_shows(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    page = reported(ran(config((EMBEDDINGS, DIVERSITY)), data, tmp_path / "run"), data)
    for name in ("src", "href", "srcset", "poster", "action", "data"):
        for value in page.attributes(name):
            assert value.startswith(("data:image/jpeg;base64,", "#")), value
    assert not re.search(
        r"url\(|@import", "".join(re.findall(r"<style>.*?</style>", page.html, re.S))
    )
    assert page.html.startswith("<!DOCTYPE html>\n")
    assert len(page.html.encode()) < 6_000_000


def test_only_its_own_two_scripts_may_run(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    page = reported(ran(config((EMBEDDINGS, DIVERSITY)), data, tmp_path / "run"), data)
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()) for s in page.scripts]
    allowed = " ".join(f"'sha256-{one.decode()}'" for one in hashes)
    [policy] = [text for text in page.attributes("content") if "default-src" in text]
    assert policy == (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: "
        "blob:; base-uri 'none'; form-action 'none'"
    )
    assert not [held for _, held in page.tags if any(name.startswith("on") for name in held)]


def test_names_are_escaped_everywhere(tmp_path: Path) -> None:
    """The same elements as with harmless names, and every name readable as it is."""
    data = hostile_folder(tmp_path / "data")
    page = reported(ran(HOSTILE_CONFIG, data, tmp_path / "run"), data)
    assert len(page.scripts) == 2
    assert {tag for tag, _ in page.tags} & {"img", "i", "u", "iframe", "object"} == set()
    assert page.text.count(HOSTILE) > 5
    [first, *_] = [pick.sample_id for pick in read_run(tmp_path / "run").picks]
    assert first in page.text
    assert first in page.points["ids"]
    shown = json.dumps(list(page.charts.values()))
    assert "<" not in shown  # plotly reads tags in labels


def test_plotly_knows_every_property(tmp_path: Path) -> None:
    graph_objects = pytest.importorskip("plotly.graph_objects")
    data = hostile_folder(tmp_path / "data")
    (data / "metrics.csv").write_text("round,metric,value\n1,map,0.3\n2,map,0.4\n")
    run = ran(HOSTILE_CONFIG, data, tmp_path / "run")
    charts = {**reported(run).charts, **reported(run, data).charts}
    assert len(charts) > 12
    for chart in charts.values():
        graph_objects.Figure(chart)


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    """Made anew, from kept thumbnails, and by another process with another hash seed."""
    data = hostile_folder(tmp_path / "data")
    run = ran(HOSTILE_CONFIG, data, tmp_path / "run")
    once, again = reported(run, data).html, reported(run, data).html
    assert once == again
    program = "import sys; from selectlab.report import write_report; write_report(*sys.argv[1:])"
    subprocess.run(
        [sys.executable, "-c", program, run, data, tmp_path / "other.html"],
        env={**os.environ, "PYTHONHASHSEED": "7"}, check=True,
    )  # fmt: skip
    assert (tmp_path / "other.html").read_text(encoding="utf-8") == once


def test_the_points_of_the_plot(tmp_path: Path) -> None:
    """Others, then preselected, then selected ones; the first axis is the line they lie on."""
    data = line_data(kind=["even", "odd"] * 20)
    before = ["000.png", "007.png"]
    asked = config((PLAIN, DIVERSITY), (metadata("x"), WEIGHTS), n_samples=5)
    run = ran(asked, data, tmp_path / "run", preselected=before)
    picks = read_run(run).picks
    points = reported(run, data).points
    assert points["sizes"] == [33, 2, 5]
    assert points["ids"][33:] == [*before, *(pick.sample_id for pick in picks)]
    assert points["ranks"] == [1, 2, 3, 4, 5]
    assert points["reasons"] == [pick.reason for pick in picks]
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
    assert found.x_title == f"principal component 1, {share:.3g} % of the variance"


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


def test_the_gallery_shows_the_first_and_some_others(tmp_path: Path) -> None:
    data = line_data()
    run = ran(config((metadata("x"), WEIGHTS), n_samples=30), data, tmp_path / "run")
    text = reported(run, data).text
    [first, drawn] = re.findall(r"rank sample score why\n((?:.*\.png.*\n)+)", text)
    ranks = [[int(line.split()[0]) for line in part.splitlines()] for part in (first, drawn)]
    assert ranks[0] == list(range(1, 13))
    assert len(set(ranks[1])) == 12
    assert ranks[1] == sorted(ranks[1])
    assert min(ranks[1]) > 12


def test_boxes_are_drawn_where_they_are(tmp_path: Path) -> None:
    """a/5.png is 16 x 12 px with five boxes of 4 x 4 at its corner; a/0.png has none."""
    data = small_dataset(tmp_path)
    page = reported(ran(config((CLASSES, UNIFORM), n_samples=6), data, tmp_path / "run"), data)
    assert page.count("article", "card") == 6
    boxes = [held for tag, held in page.tags if tag == "rect"]
    lines = {(b["x"], b["y"], b["width"], b["height"]) for b in boxes}
    assert lines == {("0.0", "0.0", "4.0", "4.0")}
    assert len(boxes) == 2 * (0 + 1 + 2 + 3 + 4 + 5)  # each with a rim
    sizes = {held["viewbox"] for _, held in page.tags if "picture" in (held.get("class") or "")}
    assert sizes == {"0.0 0.0 16.0 12.0"}
    tags = [held for tag, held in page.tags if tag == "text" and held.get("fill")]
    assert tags
    assert {(tag["x"], tag["y"]) for tag in tags} == {
        ("0.0", "0.8")
    }  # just inside, above there is no room


def test_flickering_frames_stand_between_their_neighbours(tmp_path: Path) -> None:
    data = flickering_folder(tmp_path / "data")
    asked = config((metadata("flickering"), WEIGHTS), n_samples=3)
    page = reported(ran(asked, data, tmp_path / "run"), data)
    for rank, number in enumerate(MISSED, 1):
        assert f"#{rank} {frame_id(number)}: flicker of det, severity" in page.text
        words = (f"previous: frame {number - 1}", f"selected: frame {number}")
        for word in (*words, f"next: frame {number + 1}"):
            assert word in page.text
    assert page.count("figure", "strip") == 2
    assert "expected and not found: square" in page.text
    dashed = [held for tag, held in page.tags if tag == "g" and held.get("stroke-dasharray")]
    assert len(dashed) == 2 + 2  # in the gallery and in the strips
    plot = page.charts["metadata flickering (WEIGHTS): Distribution"]
    assert plot["layout"]["yaxis"]["ticktext"] == ["0.5", "1"]


def test_sequences_objects_and_assertions(tmp_path: Path) -> None:
    """Every kind of input at once: sequences of frames, vectors of objects, severities."""
    data = flickering_folder(tmp_path / "data")
    rng = np.random.default_rng(0)
    n = [2 - (number in MISSED) for number in range(16)]
    ids = [frame_id(number) for number in range(16) for _ in range(n[number])]
    place = [k for number in range(16) for k in range(n[number])]
    vectors = rng.normal(size=(len(ids), 3)).tolist()
    columns = {"sample_id": ids, "object": place, "embedding": vectors}
    build(data, {"embeddings/det.parquet": parquet(columns)})
    severities = {"type": "ASSERTIONS", "task": "det", "names": ["flicker", "multibox"]}
    asked = config(
        ({"type": "EMBEDDINGS", "task": "det"}, DIVERSITY),
        (severities, {"type": "BAL"}),
        n_samples=4,
        selected_sequence_length=2,
    )
    page = reported(ran(asked, data, tmp_path / "run"), data)
    assert "Asked for: 4 samples, in sequences of 2 frames." in page.text
    assert "Vectors: mean of embeddings of det objects." in page.text
    flagged = "flicker, multibox of det (BAL): Flagged samples"
    assert page.series(flagged, "candidates")["x"] == [25.0, 0.0]  # 2 of 8 pairs of frames
    assert page.points["sizes"] == [6, 0, 2]


def test_a_query_set_is_shown(tmp_path: Path) -> None:
    data = small_dataset(tmp_path, {"tags/wanted.txt": "a/1.png\n"})
    asked = config(({**EMBEDDINGS, "tag_name": "wanted"}, {"type": "SIMILARITY"}))
    page = reported(ran(asked, data, tmp_path / "run"), data)
    name = "embeddings, query tag 'wanted' (SIMILARITY): Distance to the query set"
    assert name in page.charts
    assert "the run: 1 candidates are query samples themselves" in page.text


def test_embeddings_that_no_strategy_looked_at_are_shown_too(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    page = reported(ran(config((metadata("t"), WEIGHTS)), data, tmp_path / "run"), data)
    assert "Vectors: embeddings." in page.text
    assert "Near-duplicates avoided" not in page.text
    none = small_dataset(tmp_path / "none", without="embeddings")
    bare = reported(ran(config((metadata("t"), WEIGHTS)), none, tmp_path / "run2"), none)
    assert bare.points is None
    assert "#embedding" not in bare.attributes("href")


def test_rounds_and_classes_are_counted(tmp_path: Path) -> None:
    """Two rounds of two samples; two of the first and one of the second are labelled."""
    pytest.importorskip("sqlalchemy")
    data = small_dataset(tmp_path)
    rounds = Rounds(data)
    for name in ("pilot", "second"):
        rounds.start(name)
        asked = config((metadata("t"), WEIGHTS), n_samples=2)
        chosen = api.select(asked, data, ledger=rounds.starting_point())
        chosen.save(tmp_path / name)
        rounds.record(chosen, tmp_path / name)
    coco = {
        "images": [
            {"id": k, "file_name": f"a/{k}.png", "width": 16, "height": 12} for k in (5, 4, 3)
        ],
        "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "bus"}],
        "annotations": [
            {"id": at, "image_id": image, "category_id": kind, "bbox": [0, 0, 4, 4]}
            for at, (image, kind) in enumerate([(5, 1), (5, 2), (4, 1), (3, 2)])
        ],
    }
    (tmp_path / "labels.json").write_text(json.dumps(coco))
    rounds.import_labels(tmp_path / "labels.json", "coco")
    page = reported(tmp_path / "second", data)
    title = "Rounds: chosen, sent, labelled"
    told = {one["name"]: one["y"] for one in page.charts[title]["data"]}
    assert told == {"chosen": [2, 2], "sent": [0, 0], "labelled": [2, 1]}
    assert page.charts[title]["layout"]["xaxis"]["ticktext"] == ["pilot", "second"]
    classes = {
        one["name"]: one["y"] for one in page.charts["Labelled objects of each class"]["data"]
    }
    assert classes == {"bus": [1, 1], "car": [2, 0]}


@pytest.mark.parametrize(
    ("table", "title", "lines"),
    [
        (
            "round,metric,value\n1,mAP50,.5\n2,mAP50,.75\n",
            "Learning curve: mAP50",
            {"mAP50": ([1, 2], [0.5, 0.75])},
        ),
        (
            "round,metric,value\nfirst,mAP50,.5\nlast,mAP50,.75\n",
            "Learning curve: mAP50",
            {"mAP50": ([0, 1], [0.5, 0.75])},
        ),
        (
            "method,seed,round,labels,accuracy\nours,0,1,10,.4\nours,1,1,10,.6\nrandom,0,1,10,.3\n",
            "Learning curve: accuracy",
            {"ours": ([10], [0.5]), "random": ([10], [0.3])},
        ),
    ],
)
def test_learning_curves(
    tmp_path: Path, table: str, title: str, lines: dict[str, tuple[list[float], list[float]]]
) -> None:
    """As people write them down, and as ``selectlab.simulate`` gives them: ``frame().to_csv``."""
    data = line_data()
    run = ran(config((metadata("x"), WEIGHTS)), data, tmp_path / "run")
    (run / "metrics.csv").write_text(table)
    found = reported(run, data).charts[title]["data"]
    assert {one["name"]: (one["x"], one["y"]) for one in found} == lines


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("when,map\n1,2\n", "no column 'round' or 'labels'; expected round,metric,value"),
        ("round,metric,value\n1,map,good\n", "no numbers in column 'value'"),
        ("", "not readable as a table (No columns to parse from file)"),
    ],
)
def test_learning_curves_that_cannot_be_read(tmp_path: Path, table: str, told: str) -> None:
    data = line_data()
    run = ran(config((metadata("x"), WEIGHTS)), data, tmp_path / "run")
    (run / "metrics.csv").write_text(table)
    text = reported(run, data).text
    assert f"learning curves are left out: {run / 'metrics.csv'}: {told}" in text


def test_metadata_of_all_kinds(tmp_path: Path) -> None:
    """What is the same everywhere, or different everywhere, is named and not drawn."""
    n = 40
    data = line_data(
        n,
        kind=["even", "odd"] * 20,
        flag=[True, False] * 20,
        name=[f"file {k}" for k in range(n)],
        gaps=[None, 1.5] * 20,
    )
    page = reported(ran(config((metadata("x"), WEIGHTS)), data, tmp_path / "run"), data)
    drawn = {name.partition(": ")[2] for name in page.charts if name.startswith("Other metadata")}
    assert drawn == {"minus_x", "kind", "flag"}
    assert "the same everywhere: same, gaps; different nearly everywhere: name." in page.text


def test_a_column_with_gaps_says_how_many(tmp_path: Path) -> None:
    data = line_data(gaps=[None, *np.arange(39.0)])
    page = reported(ran(config((metadata("x"), WEIGHTS)), data, tmp_path / "run"), data)
    assert "Without a value: 1 candidates." in page.text


@pytest.mark.slow
def test_a_hundred_thousand_samples_in_ten_megabytes(tmp_path: Path) -> None:
    """With pictures for everything that the report wants to show, and 20 metadata keys."""
    n, rng = 100_000, np.random.default_rng(0)
    ids = [f"camera_{k % 7}/2024-05-{k % 28 + 1:02d}/image_{k:07d}.jpg" for k in range(n)]
    columns = {"sample_id": ids, "score": rng.uniform(size=n).tolist()}
    columns |= {f"number_{k}": rng.gamma(2, size=n).tolist() for k in range(12)}
    columns |= {f"kind_{k}": rng.choice([*"abcdefgh"], n).tolist() for k in range(8)}
    vectors = rng.normal(size=(n, 32)).astype(np.float32)
    data = tmp_path / "data"
    data.mkdir()
    pd.DataFrame(columns).to_parquet(data / "metadata.parquet", index=False)
    np.save(data / "embeddings.npy", vectors)
    (data / "ids.txt").write_text("".join(f"{name}\n" for name in ids))
    asked = config((EMBEDDINGS, DIVERSITY), (metadata("score"), WEIGHTS), n_samples=5000)
    run = ran(asked, data, tmp_path / "run")
    shown = [*(pick.sample_id for pick in read_run(run).picks), *reported(run, data).points["ids"]]
    for k, name in enumerate(list(dict.fromkeys(shown))[:400]):
        write_image(data / f"{name[:-4]}.png", k).rename(data / name)
    page = reported(run, data)
    assert page.count("article", "card") == 24
    assert len(page.points["pictures"]) > 100
    assert (
        "all 5,000 selected samples, 4,000 of 95,000 other candidates, drawn at random" in page.text
    )
    assert len(page.html.encode()) < 10_000_000


# The command line


def test_the_command_writes_beside_the_run(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    run = ran(config((EMBEDDINGS, DIVERSITY)), data, tmp_path / "run")
    ended = selectlab("report", run)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"written: {run / 'report.html'} (")
    text = (run / "report.html").read_text(encoding="utf-8")
    assert text == reported(run, data).html
    assert selectlab("report", run, "--data", data).code == 0  # a report may be replaced
    ended = selectlab("report", run, "--json", "--out", tmp_path / "new" / "r.html")
    told = json.loads(ended.out)
    assert told == {
        "html": str(tmp_path / "new" / "r.html"),
        "pdf": None,
        "bytes": len(text.encode()),
    }


def test_select_leaves_a_report(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    (tmp_path / "c.json").write_text(json.dumps(config((EMBEDDINGS, DIVERSITY))))
    words = ("select", tmp_path / "c.json", "--data", data, "--out", tmp_path / "run", "--report")
    ended = selectlab(*words)
    assert (ended.code, ended.err) == (0, f"report: {tmp_path / 'run' / 'report.html'}\n")
    assert "written: " in ended.out
    assert selectlab(*words, "--overwrite").code == 0


def test_without_the_data_a_note_says_so(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    run = ran(config((EMBEDDINGS, DIVERSITY)), data, tmp_path / "run")
    data.rename(tmp_path / "moved")
    ended = selectlab("report", run)
    assert ended.err == "note: the dataset is not at hand; --data says where it is\n"
    assert (run / "report.html").is_file()


def test_what_cannot_be_done_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = small_dataset(tmp_path)
    run = ran(config((EMBEDDINGS, DIVERSITY)), data, tmp_path / "run")
    (tmp_path / "mine.html").write_text("<p>mine</p>")
    words: list[tuple[tuple[object, ...], str]] = [
        ((tmp_path / "no",), f"{tmp_path / 'no'}: no selection.json and manifest.json; expected"),
        ((run, "--out", tmp_path / "mine.html"), "is there already and is no report; it is not"),
        ((run, "--out", tmp_path), "is a folder; say the file to write"),
        ((run, "--data", tmp_path / "no"), "no such folder"),
        ((run, "--projection", "tsne"), "projection: expected pca or umap, got 'tsne'"),
    ]
    for given, told in words:
        ended = selectlab("report", *given)
        assert ended.code == 2
        assert told in ended.err
        assert ended.err.count("\n") == 1
    assert (tmp_path / "mine.html").read_text() == "<p>mine</p>"
    assert not (run / "report.html").exists()
    monkeypatch.setattr(pdf, "BROWSERS", ())
    monkeypatch.setattr(pdf, "PLACES", ())
    ended = selectlab("report", run, "--pdf")
    assert ended.err == (
        "error: pdf: needs Chromium, Chrome or Edge to print with, and none is found; install one, "
        "or open the HTML file in any browser and print it\n"
    )
    assert not (run / "report.html").exists()


@pytest.mark.parametrize("name", ["jinja2", "plotly"])
def test_what_is_not_installed_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    data = small_dataset(tmp_path)
    (tmp_path / "c.json").write_text(json.dumps(config((EMBEDDINGS, DIVERSITY))))
    monkeypatch.setitem(sys.modules, name, None)
    words = ("select", tmp_path / "c.json", "--data", data, "--out", tmp_path / "run", "--report")
    ended = selectlab(*words)
    told = f"report: needs {name}, which is not installed; pip install 'selectlab[report]'"
    assert (ended.code, ended.err) == (2, f"error: {told}\n")
    assert not (tmp_path / "run").exists()
    with pytest.raises(MissingExtraError, match=re.escape(told)):
        write_report(tmp_path / "run")


def test_umap_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ran(config((metadata("x"), WEIGHTS)), line_data(), tmp_path / "run")
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'selectlab\[umap\]'"):
        write_report(run, line_data(), projection="umap")
    with pytest.raises(ConfigError, match="expected pca or umap"):
        write_report(run, line_data(), projection="")
    assert not (run / "report.html").exists()


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("manifest.json", "{", "manifest.json"),
        ("manifest.json", "{}", "no 'config'; it is not that of a selection"),
        ("selection.json", "{}", "its selection.json is not one that a run has written"),
        ("selection.json", '{"preselected": [], "selected": []}', "has selected nothing"),
    ],
)
def test_a_folder_that_is_no_run(tmp_path: Path, file: str, content: str, told: str) -> None:
    run = ran(config((metadata("x"), WEIGHTS)), line_data(), tmp_path / "run")
    (run / file).write_text(content)
    with pytest.raises((DataError, ConfigError), match=re.escape(told)):
        write_report(run)


def test_a_run_of_an_earlier_version_is_shown(tmp_path: Path) -> None:
    """Manifests grow; what later versions added is not asked for."""
    data = small_dataset(tmp_path)
    run = ran(config((metadata("t"), WEIGHTS)), data, tmp_path / "run")
    manifest = json.loads((run / "manifest.json").read_text())
    for key in ("engine", "versions", "statistics_random_seed"):
        del manifest[key]
    del manifest["counts"]["beside_preselected"]
    (run / "manifest.json").write_text(json.dumps(manifest))
    assert "3 of 6 candidates selected" in reported(run, data).text


def test_open_dataset_and_path_are_the_same(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    run = ran(config((EMBEDDINGS, DIVERSITY)), data, tmp_path / "run")
    pages = [
        write_report(run, given, memory="2GB").html.read_bytes()
        for given in (data, open_dataset(data))
    ]
    assert pages[0] == pages[1]
    assert Page(pages[0].decode()).points["sizes"] == [3, 0, 3]


def test_what_is_measured_is_drawn_apart_from_the_random_samples() -> None:
    """With one seed for both, every random sample would be among those measured."""
    rows = np.arange(30_000)
    drawn = np.random.default_rng(RANDOM_SEED).choice(rows, 2000, replace=False)
    measured = part_of(rows, 6000)
    assert len(set(measured.tolist())) == 6000
    assert 300 < len(set(drawn.tolist()) & set(measured.tolist())) < 500  # a fifth
    assert np.array_equal(part_of(rows, 30_000), rows)
