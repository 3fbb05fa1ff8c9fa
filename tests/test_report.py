"""Reports: what was asked and what came out, and every input side by side, checked by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
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
    sky,
)
from small_dataset import (
    DIVERSITY,
    EMBEDDINGS,
    MARGIN,
    UNIFORM,
    WEIGHTS,
    config,
    metadata,
    small_dataset,
)
from video_builder import write_image

from selectlab.dataset import Dataset
from selectlab.report.evidence import part_of
from selectlab.report.record import read_run
from selectlab.statistics import RANDOM_SEED


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
        "−1 removed by the filter metadata t > 0.5",
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


def drawn_at_random(n: int, size: int) -> list[int]:
    """The rows that stand for a random selection, as the manifest says how."""
    found: list[int] = (
        np.random.default_rng(RANDOM_SEED).choice(n, size=size, replace=False).tolist()
    )
    return found


def test_near_duplicates_by_hand(tmp_path: Path) -> None:
    """On a line at 0, .5, 10, 20, 20.1: the ends and the middle are picked, two lie beside them.

    To their nearest others it is .5, .5, 9.5, .1, .1: the nearest tenth of them is .1 away.
    """
    data = Dataset([*"abcde"], embeddings=np.array([[0, 0], [0.5, 0], [10, 0], [20, 0], [20.1, 0]]))
    run = ran(config((PLAIN, DIVERSITY), n_samples=3), data, tmp_path / "run")
    assert {pick.sample_id for pick in read_run(run).picks} == {"a", "c", "e"}
    page = reported(run, data)
    assert (
        "Near-duplicates are here samples no farther apart than 0.1: 40 % of the candidates have "
        "another sample that near. 1 of 2 candidates that were not selected is a near-duplicate of "
        "something selected. Of 3 selected samples 0 have one among what is selected; of 3 random "
        "ones 2."
    ) in page.text
    assert sorted(drawn_at_random(5, 3)) == [2, 3, 4]  # d and e are among them
    assert "samples with a near-duplicate beside them 40 % 0 % 66.7 %" in page.text
    diversity = "embeddings (DIVERSITY): Diversity: from a selected sample to the nearest other"
    [chart] = [page.charts[name] for name in page.charts if name.startswith(diversity)]
    assert [one["name"] for one in chart["data"]] == ["candidates", "selected", "random"]
    assert "n = 5 candidates, 3 selected, 3 random." in page.text
    rows = page.text[page.text.index("selected left aside distance") :].splitlines()
    assert rows[1:3] == ["e d 0.1", "a b 0.5"]
    coverage = "embeddings (DIVERSITY): Coverage: from a candidate to the nearest selected sample"
    assert page.series(coverage, "selected")["x"][-1] == 0.5  # the coverage radius
    assert page.series(coverage, "selected")["y"][-1] == 100


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
    assert "Counted are objects, of which a sample may have many." in page.text
    assert "The run picks sequences of 2 frames: inputs count each sequence once" in page.text
    assert re.search(r"\d of 2 picked sequences would be others without it", page.text)
    assert "Shown are all 2 selected sequences, all 6 other candidates. A sequence is" in page.text
    assert "Near-duplicates are here sequences no farther apart" in page.text
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
    assert "Without a value: candidates 1." in page.text


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
    assert f"The page holds pictures of {len(page.points['pictures'])} of them." in page.text
    assert (
        "all 5,000 selected samples, 4,000 of 95,000 other candidates, drawn at random" in page.text
    )
    assert len(page.html.encode()) < 10_000_000
    assert "Distances are of 50,000 of 100,000 candidates, drawn at random." in page.text
    assert (
        "n = 20,000 candidates measured, drawn at random from 100,000; the distances at the top "
        "of the page are of another part of them."
    ) in page.text
    assert "Measured for a part of the candidates, drawn at random." in page.text


def test_what_is_measured_is_drawn_apart_from_the_random_samples() -> None:
    """With one seed for both, every random sample would be among those measured."""
    rows = np.arange(30_000)
    drawn = np.random.default_rng(RANDOM_SEED).choice(rows, 2000, replace=False)
    measured = part_of(rows, 6000)
    assert len(set(measured.tolist())) == 6000
    assert 300 < len(set(drawn.tolist()) & set(measured.tolist())) < 500  # a fifth
    assert np.array_equal(part_of(rows, 30_000), rows)


def test_settings_of_inputs_are_told(tmp_path: Path) -> None:
    """What an input is called does not say all that was set of it."""
    data = line_data()
    page = reported(
        ran(config((PLAIN, DIVERSITY), (metadata("x"), WEIGHTS)), data, tmp_path / "run"), data
    )
    assert "(greedy k-center). normalize: no." in page.text
    assert "key: x" not in page.text


def test_two_inputs_of_one_name_keep_their_own_numbers(tmp_path: Path) -> None:
    """EMBEDDINGS as they are and of length 1 are both called embeddings."""
    data = line_data()
    asked = config((EMBEDDINGS, DIVERSITY), (PLAIN, DIVERSITY), n_samples=5)
    run = ran(asked, data, tmp_path / "run")
    told = [
        part["selected"]["mean_distance_to_nearest_selected"]
        for part in json.loads((run / "manifest.json").read_text())["statistics"]
    ]
    assert told[0] < 1e-6 < told[1]
    text = reported(run).text
    for mean in told:
        assert f"mean distance to nearest selected is {mean:.4g}, of a random selection" in text


def test_classes_without_a_share_of_their_own(tmp_path: Path) -> None:
    """A quarter is wanted of a, so three quarters of all others together; 21 classes are many."""
    kinds = ["a"] * 8 + [f"k{number:02d}" for number in range(24)]
    data = Dataset([f"{k:02d}.png" for k in range(32)], metadata={"kind": kinds})
    asked = config((metadata("kind"), {"type": "BALANCE", "target": {"a": 0.25}}), n_samples=8)
    page = reported(ran(asked, data, tmp_path / "run"), data)
    assert (
        "Shown are the most wanted and the most frequent, 20 of 25. Classes without a share of "
        "their own, together: wanted 75 %, candidates 75 %, selected 75 %, random "
    ) in page.text


def test_numbers_that_are_the_same_for_every_pick_are_not_drawn(tmp_path: Path) -> None:
    """Each pick brings one of its class."""
    data = sky({"sunny": 6, "snowy": 4})
    asked = config((metadata("x"), WEIGHTS), (metadata("sky"), UNIFORM), n_samples=4)
    page = reported(ran(asked, data, tmp_path / "run"), data)
    assert [name for name in page.charts if "the number behind each reason" in name] == [
        "metadata x: the number behind each reason (0_weights)"
    ]


def test_numbers_as_large_as_they_can_be(tmp_path: Path) -> None:
    """Their differences do not fit into a float."""
    huge = [1e308, -1e308, None, *np.linspace(0, 1, 37)]
    data = line_data(huge=huge)
    page = reported(ran(config((PLAIN, DIVERSITY), n_samples=5), data, tmp_path / "run"), data)
    drawn = page.series("Other metadata: huge", "candidates")
    assert np.isfinite(drawn["x"]).all()
    assert "Without a value: candidates 1." in page.text
    [colouring] = [one for one in page.points["colourings"] if one["name"] == "huge"]
    assert np.isfinite([colouring["low"], colouring["high"]]).all()


def test_texts_that_nobody_reads_to_the_end_are_shortened(tmp_path: Path) -> None:
    long = "x" * 5000
    data = line_data(kind=[long, "odd"] * 20)
    asked = config((PLAIN, DIVERSITY), (metadata("kind"), UNIFORM), n_samples=5)
    page = reported(ran(asked, data, tmp_path / "run"), data)
    assert "x" * 200 not in page.text
    assert "x" * 70 + "…" + "x" * 70 in page.text
    [kind] = [one for one in page.points["colourings"] if one["name"] == "kind"]
    assert max(map(len, kind["names"])) < 200


def test_distances_of_changed_data_are_those_of_now(tmp_path: Path) -> None:
    """Caption and curve agree; the table at the top stays what the run has written down."""
    data = line_data()
    run = ran(config((PLAIN, DIVERSITY), n_samples=5), data, tmp_path / "run")
    then = json.loads((run / "manifest.json").read_text())["statistics"][0]["selected"]
    vectors = np.stack([np.arange(40.0) * 3, np.zeros(40)], axis=1)
    now = Dataset([f"{k:03d}.png" for k in range(40)], embeddings=vectors)
    page = reported(run, now)
    coverage = "embeddings (DIVERSITY): Coverage: from a candidate to the nearest selected sample"
    farthest = page.series(coverage, "selected")["x"][-1]
    assert farthest != pytest.approx(then["coverage_radius"], rel=0.01)
    assert f"farthest {farthest:.4g} (coverage radius); random" in page.text
    assert f"{then['coverage_radius']:.4g}" in page.text
    assert "values have changed since: embeddings" in page.text
