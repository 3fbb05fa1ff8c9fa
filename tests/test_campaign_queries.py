"""A campaign as the query set of a selection config, and its samples as a selection."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from campaign_lines import LINE, SPACE, line_folder, of_objects, on_the_line
from folder_builder import build, parquet

from selectlab import Dataset, Selection, select
from selectlab.campaigns import Campaigns
from selectlab.corpus import Corpus
from selectlab.errors import ConfigError, DataError, SelectlabError
from selectlab.exports.sources import items_of
from selectlab.inputs import Embeddings
from selectlab.inputs.folder import open_dataset
from selectlab.strategies import Similarity

COLUMNS = [
    *("rank", "sample_id", "score", "campaign", "version", "element", "nearest_seed"),
    *("status", "accepted", "uri"),
]


def unit_folder(root: Path, n: int = 30, space: str | None = "unit") -> Path:
    """A dataset of unit vectors; tags/rain.txt holds the first three of them, or two."""
    vectors = np.random.default_rng(0).normal(size=(n, 4))
    ids = [f"{k:02d}.png" for k in range(n)]
    files: dict[str, Any] = {
        "embeddings.parquet": parquet({"sample_id": ids, "embedding": vectors}),
        "tags/three.txt": "".join(f"{name}\n" for name in ids[:3]),
        "tags/two.txt": "".join(f"{name}\n" for name in ids[:2]),
    }
    if space is not None:
        files["embeddings.json"] = {"space": space}
    return build(root / "unit", files)


def similar(tag: str, **more: Any) -> dict[str, Any]:
    source = {"type": "EMBEDDINGS", "tag_name": tag, **more}
    return {
        "n_samples": 5,
        "strategies": [
            {"input": source, "strategy": {"type": "SIMILARITY"}},
            {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY", "strength": 0.5}},
        ],
    }


def test_a_config_may_ask_for_what_is_like_a_campaign(tmp_path: Path) -> None:
    """The same picks as by a tag of the same samples; the newest version, or the one named."""
    folder = unit_folder(tmp_path)
    Corpus.build(open_dataset(folder))
    campaigns = Campaigns(folder)
    campaigns.create("rain", ids=["00.png", "01.png"])
    campaigns.add_seeds("rain", ids=["02.png"])
    assert campaigns.commit("rain").number == 2
    three, two = (select(similar(tag), folder) for tag in ("three", "two"))
    newest = select(similar("campaign:rain"), folder)
    assert newest.ids == select(similar("campaign:rain@2"), folder).ids == three.ids
    assert select(similar("campaign:rain@1"), folder).ids == two.ids
    assert [p.because[0].reason for p in newest] == [p.because[0].reason for p in three]
    again = select([(Embeddings(tag_name="campaign:rain"), Similarity())], folder, n_samples=2)
    assert "campaign:rain" in json.dumps(again.manifest["config"])


def test_an_exact_name_comes_before_a_version(tmp_path: Path) -> None:
    """Campaign "rain@1" is of before such names were refused; it is what its name says."""
    folder = unit_folder(tmp_path)
    Corpus.build(open_dataset(folder))
    campaigns = Campaigns(folder)
    campaigns.create("rain", ids=["00.png", "01.png", "02.png"])
    campaigns.create("other", ids=["00.png", "01.png"])
    with closing(sqlite3.connect(campaigns.store_place)) as connection:
        connection.execute("UPDATE campaigns SET name = 'rain@1' WHERE name = 'other'")
        connection.commit()
    three, two = (select(similar(tag), folder) for tag in ("three", "two"))
    assert select(similar("campaign:rain@1"), folder).ids == two.ids
    assert select(similar("campaign:rain@1@1"), folder).ids == two.ids
    assert select(similar("campaign:rain"), folder).ids == three.ids
    campaigns.collect("rain@1", threshold=0.0)
    assert items_of("campaign:rain@1", campaigns.dataset, shapes=False).name == "rain@1"


def test_a_query_may_lie_in_another_dataset(tmp_path: Path) -> None:
    folder = unit_folder(tmp_path)
    Corpus.build(open_dataset(folder))
    Campaigns(folder).create("rain", ids=["00.png", "01.png"])
    other = unit_folder(tmp_path / "other")
    (other / "datasets.json").write_text(json.dumps({"home": str(folder)}))
    picked = select(similar("campaign:rain", dataset_id="home"), other)
    assert picked.ids == select(similar("two"), other).ids
    with pytest.raises(DataError, match="campaign 'rain': there is none of this name"):
        select(similar("campaign:rain"), other)


@pytest.mark.parametrize(
    ("tag", "more", "said"),
    [
        ("campaign:rian", {}, "campaign 'rian': there is none of this name; did you mean 'rain'?"),
        ("campaign:rain@7", {}, "campaign 'rain': no version 7; there are 1 to 1"),
        (
            "campaign:rain",
            {"normalize": False},
            "campaign 'rain', to be compared with embeddings.parquet: raw vectors, expected "
            "vectors of unit length; distances of the two cannot be compared",
        ),
    ],
)
def test_a_query_that_is_not_there(
    tag: str, more: dict[str, Any], said: str, tmp_path: Path
) -> None:
    folder = unit_folder(tmp_path)
    Corpus.build(open_dataset(folder))
    Campaigns(folder).create("rain", ids=["00.png", "01.png"])
    with pytest.raises(DataError) as refused:
        select(similar(tag, **more), folder)
    assert str(refused.value) == f"strategies[0].input: {said}"


def test_a_query_of_another_space_is_refused(tmp_path: Path) -> None:
    home = unit_folder(tmp_path)
    Corpus.build(open_dataset(home))
    Campaigns(home).create("rain", ids=["00.png"])
    where = "campaign 'rain', to be compared with embeddings.parquet: "
    for at, space, said in (
        ("named", "resnet", f"{where}embedding space 'resnet', expected 'unit'"),
        ("nameless", None, "embeddings.parquet: nothing says which embedding space it is"),
    ):
        other = unit_folder(tmp_path / at, space=space)
        (other / "datasets.json").write_text(json.dumps({"home": str(home)}))
        with pytest.raises(DataError) as refused:
            select(similar("campaign:rain", dataset_id="home"), other)
        assert str(refused.value).removeprefix("strategies[0].input: ").startswith(said)
    Corpus.build(open_dataset(other), space_id="unit")  # now the index says which space it is
    assert len(select(similar("campaign:rain", dataset_id="home"), other)) == 5


def test_frames_and_objects_are_not_mixed(tmp_path: Path) -> None:
    folder = unit_folder(tmp_path)
    Corpus.build(open_dataset(folder))
    Campaigns(folder).create("rain", ids=["00.png"])
    vectors = np.eye(2, 4)
    objects = Dataset(
        ["a", "b"],
        object_embeddings={"det": (vectors, ["a", "b"])},
        datasets={"home": folder},
    )
    Corpus.build(objects, tmp_path / "index", task="det", space_id="unit")
    source = Embeddings(task="det", dataset_id="home", tag_name="campaign:rain")
    with pytest.raises(DataError, match="nothing says which embedding space"):
        source.load(objects)
    described = build(
        tmp_path / "described",
        {
            "embeddings/det.parquet": parquet(
                {"sample_id": ["a", "b"], "object": [0, 0], "embedding": vectors}
            ),
            "embeddings/det.json": {"space": "unit"},
            "datasets.json": {"home": str(folder)},
        },
    )
    with pytest.raises(DataError, match="objects of task 'det' where frames are expected"):
        source.load(open_dataset(described))


# Exports


@pytest.fixture
def line(tmp_path: Path) -> Campaigns:
    campaigns = Campaigns(line_folder(tmp_path))
    campaigns.create("c", where="weather=rainy")
    campaigns.collect()
    campaigns.accept("c", ["near.png"])
    campaigns.discard("c", ["edge.png"])
    return campaigns


def test_what_is_exported_comes_back(line: Campaigns, tmp_path: Path) -> None:
    made = line.export("c", tmp_path / "all.csv", mark=False)
    csv = pd.read_csv(tmp_path / "all.csv")
    assert list(csv.columns) == COLUMNS
    assert csv["sample_id"].tolist() == list(made.ids) == ["mid.png", "near.png"]
    assert csv["score"].tolist() == [1.0, 0.75]
    assert csv["version"].tolist() == [1, 1]
    assert csv["status"].tolist() == ["new", "accepted"]
    assert csv["nearest_seed"].tolist() == ["high.png", "high.png"]
    line.export("c", tmp_path / "all.parquet", mark=False)
    read = pd.read_parquet(tmp_path / "all.parquet")
    assert read["score"].tolist() == [hit.score for hit in line.hits("c")[:2]]
    line.export("c", tmp_path / "all.json", mark=False)
    picks = json.loads((tmp_path / "all.json").read_text())["selected"]
    assert [pick["nearest_seed"] for pick in picks] == ["high.png"] * 2
    assert picks[1]["reason"] == "0.750 like seed high.png of 'c' version 1"
    line.export("c", tmp_path / "all.txt", mark=False)
    assert (tmp_path / "all.txt").read_text() == "mid.png\nnear.png\n"
    line.export("c", tmp_path / "named", form="list", mark=False)
    assert (tmp_path / "named").read_text() == "mid.png\nnear.png\n"
    assert line.get("c").counts == {"new": 1, "accepted": 1, "discarded": 1, "exported": 0}


def test_exported_samples_are_marked_and_not_exported_again(
    line: Campaigns, tmp_path: Path
) -> None:
    assert line.export("c", tmp_path / "yes.txt", statuses=["accepted"]).ids == ("near.png",)
    assert line.get("c").counts == {"new": 1, "accepted": 0, "discarded": 1, "exported": 1}
    assert line.export("c", tmp_path / "rest.txt").ids == ("mid.png",)
    assert len(line.export("c", tmp_path / "none.csv")) == 0
    assert list(pd.read_csv(tmp_path / "none.csv").columns) == COLUMNS
    accepted = {hit.sample_id: hit.accepted for hit in line.hits("c")}
    assert accepted == {"mid.png": False, "near.png": True, "edge.png": False}
    everything = line.export("c", tmp_path / "all.csv", statuses=["exported", "discarded"])
    assert len(everything) == 3
    assert line.get("c").counts["discarded"] == 1


def test_a_folder_is_used_like_that_of_a_selection(line: Campaigns, tmp_path: Path) -> None:
    line.export("c", tmp_path / "run", mark=False)
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"selection.csv", "selection.parquet", "selection.json", "manifest.json"} <= names
    rest = select(similar("initial-tag"), line.dataset, n_samples=9, preselected=tmp_path / "run")
    assert rest.preselected == ("mid.png", "near.png")
    line.create("again", selection=tmp_path / "run")
    assert [e.sample_id for e in line.seeds("again").elements] == ["mid.png", "near.png"]


def test_what_lies_there_is_not_overwritten_unasked(line: Campaigns, tmp_path: Path) -> None:
    place = tmp_path / "todo.csv"
    place.write_text("mine")
    with pytest.raises(ConfigError) as refused:
        line.export("c", place)
    assert str(refused.value) == f"{place}: is there already; choose another name, or --overwrite"
    assert place.read_text() == "mine"
    line.export("c", tmp_path / "run", mark=False)
    with pytest.raises(SelectlabError, match="holds 5 files already"):
        line.export("c", tmp_path / "run")
    with pytest.raises(ConfigError, match="format: nothing is called 'xml'"):
        line.export("c", tmp_path / "x", form="xml")
    assert line.get("c").counts["exported"] == 0
    line.export("c", place, overwrite=True)
    assert line.get("c").counts["exported"] == 2


def test_objects_are_named_with_their_number(tmp_path: Path) -> None:
    campaigns = of_objects(tmp_path, [("a", 0.0), ("a", 2.0), ("b", 9.0), ("b", 1.0)])
    campaigns.create("c", ids=["a#0", "a#1"])
    campaigns.collect()
    campaigns.export("c", tmp_path / "c.csv")
    [row] = pd.read_csv(tmp_path / "c.csv").to_dict("records")
    assert (row["sample_id"], row["element"], row["nearest_seed"]) == ("b", "b#1", "a#0")


def test_an_export_is_a_selection(tmp_path: Path) -> None:
    campaigns = on_the_line(tmp_path, LINE)
    campaigns.create("c", ids=["low", "high"])
    campaigns.collect()
    made = campaigns.export("c", tmp_path / "c.csv")
    assert isinstance(made, Selection)
    assert made.explain("mid").startswith("mid: rank 1 of 3, score 1.0000")
    assert made.manifest["space"]["name"] == SPACE
