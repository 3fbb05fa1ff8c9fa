"""Where seeds come from, and that they cannot be of another space than the index."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import video_builder as videos
from campaign_lines import LINE, SPACE, frames, line_folder, on_the_line
from folder_builder import build, parquet
from PIL import Image

from selectlab import select
from selectlab.campaigns import Campaigns
from selectlab.campaigns.conditions import GRAMMAR, Condition, samples_where
from selectlab.corpus import Corpus, Element
from selectlab.dataset import Dataset
from selectlab.errors import ConfigError, DataError
from selectlab.inputs import Metadata
from selectlab.inputs.folder import open_dataset
from selectlab.strategies import Weights

OBJECTS = {
    "a.png": [("car", 0.0), ("bus", 1.0)],
    "b.png": [("car", 2.0), ("car", 3.0), ("bus", 4.0)],
    "c.png": [],
    "d.png": [("bus", 5.0)],
}


def traffic(root: Path) -> Path:
    """Four images with cars and buses at some places on the line, embedded but for the last."""
    names = {"car": 0, "bus": 3}
    schema = {"task_type": "object-detection"}
    schema["categories"] = [{"id": k, "name": name} for name, k in names.items()]  # type: ignore[assignment]
    files: dict[str, Any] = {
        ".lightly/predictions/tasks.json": ["det"],
        ".lightly/predictions/det/schema.json": schema,
        "metadata.csv": "sample_id,weather,speed,night\n"
        "a.png,rainy,10,true\nb.png,sunny,20.5,false\nc.png,rainy,,true\n",
    }
    rows: dict[str, list[Any]] = {"sample_id": [], "object": [], "embedding": []}
    for image, held in OBJECTS.items():
        boxes = [
            {"category_id": names[kind], "bbox": [0, 0, 4, 4], "score": 0.5 + 0.1 * k}
            for k, (kind, _) in enumerate(held)
        ]
        content = {"file_name": image, "predictions": boxes}
        files[f".lightly/predictions/det/{Path(image).stem}.json"] = content
        for number, (_, place) in enumerate(held):
            if image != "d.png":
                rows["sample_id"].append(image)
                rows["object"].append(number)
                rows["embedding"].append([place])
    files["embeddings/det.parquet"] = parquet(rows)
    files["embeddings/det.json"] = {"space": SPACE}
    folder = build(root / "traffic", files)
    Corpus.build(open_dataset(folder), task="det", normalise=False)
    return folder


def names(campaigns: Campaigns, name: str = "c") -> list[Any]:
    found = campaigns.seeds(name)
    if found.space.level == "frame":
        return [element.sample_id for element in found.elements]
    return [(element.sample_id, element.number) for element in found.elements]


# Conditions


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (["weather=rainy"], "ac"),
        (["weather != rainy"], "b"),  # "d" has no weather: never
        (["speed>10"], "b"),
        (["speed>=10"], "ab"),
        (["speed=20.5"], "b"),
        (["speed<20.5"], "a"),
        (["speed<=1e9"], "ab"),
        (["night=true"], "ac"),
        (["det:car>=2"], "b"),
        (["det:car"], "ab"),
        (["det:car=0"], "cd"),
        (["det:*<3"], "acd"),
        (["det:*=0"], "c"),
        (["det:bus", "weather=rainy"], "a"),
        (["det:object_frequency>0.99"], "b"),
    ],
)
def test_conditions_hold_for_these(
    conditions: Sequence[str], expected: str, tmp_path: Path
) -> None:
    dataset = open_dataset(traffic(tmp_path))
    holds = samples_where(dataset, [Condition.parse(text) for text in conditions])
    assert "".join(dataset.ids[int(row)][0] for row in np.flatnonzero(holds)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "weather", "=rainy", " =rainy", "weather=", "det:", ":car>1", "det:=1", "<", "!=3", "a!b"],
)
def test_what_is_no_condition_gets_the_grammar(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Condition.parse(text)
    assert str(refused.value) == f"where {text!r}: {GRAMMAR}"


def test_a_condition_is_read_in_no_time() -> None:
    """A pattern that tries all ways to part blanks would take minutes for these."""
    start = time.process_time()
    for text in (" " * 1000, " " * 999 + "!", "a" + " " * 998 + "!", "a=" + " " * 998):
        with pytest.raises(ConfigError, match="expected KEY=VALUE"):
            Condition.parse(text)
    assert time.process_time() - start < 0.5
    with pytest.raises(ConfigError) as refused:
        Condition.parse("a" * 1001)
    assert str(refused.value) == (
        f"where '{'a' * 56}...: expected at most 1000 characters, got 1,001"
    )


def test_a_value_may_hold_anything() -> None:
    assert Condition.parse(" a <= b = c> ") == Condition(" a <= b = c> ", "", "a", "<=", "b = c>")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "weather=rain",
            "where 'weather=rain': no sample has 'weather' 'rain'; did you mean 'rainy'?",
        ),
        (
            "weather>rainy",
            "where 'weather>rainy': metadata 'weather' is categorical and has no order; "
            "compare with = or !=",
        ),
        ("speed>fast", "where 'speed>fast': expected a number, got 'fast'"),
        ("speed>nan", "where 'speed>nan': expected a number, got 'nan'"),
        ("wether=rainy", "metadata.csv: no metadata key 'wether'; did you mean 'weather'?"),
        (
            "det:cat",
            "where 'det:cat': task 'det' has no category or score 'cat'; did you mean 'car'?",
        ),
        ("speed>99", "where: none of 4 samples has 'speed>99'"),
    ],
)
def test_conditions_that_do_not_fit_the_data(text: str, said: str, tmp_path: Path) -> None:
    folder = traffic(tmp_path)
    campaigns = Campaigns(folder)
    with pytest.raises((ConfigError, DataError)) as refused:
        campaigns.create("c", where=text, task="det")
    assert str(refused.value) == said
    assert campaigns.list() == []


def test_an_unknown_task_is_named(tmp_path: Path) -> None:
    dataset = open_dataset(traffic(tmp_path))
    with pytest.raises(DataError, match="no prediction task 'dett'; did you mean 'det'"):
        Condition.parse("dett:car").holds(dataset)


# Objects


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"ids": ["b.png#1", ("a.png", 0)]}, [("a.png", 0), ("b.png", 1)]),
        ({"ids": ["a.png", Element("b.png", 2)]}, [("a.png", 0), ("a.png", 1), ("b.png", 2)]),
        ({"where": ["det:car"]}, [("a.png", 0), ("b.png", 0), ("b.png", 1)]),
        ({"where": ["weather=rainy"]}, [("a.png", 0), ("a.png", 1)]),
        ({"where": ["det:car<2", "det:bus"]}, [("a.png", 1)]),  # of the buses; "d" is not embedded
    ],
)
def test_seeds_among_objects(source: dict[str, Any], expected: list[Any], tmp_path: Path) -> None:
    campaigns = Campaigns(traffic(tmp_path))
    made = campaigns.create("c", task="det", **source)
    assert (made.space.level, made.space.task) == ("object", "det")
    assert names(campaigns) == expected
    vectors = campaigns.seeds("c").vectors[:, 0].tolist()
    assert vectors == [OBJECTS[image][number][1] for image, number in expected]


def test_objects_that_are_not_in_the_index(tmp_path: Path) -> None:
    campaigns = Campaigns(traffic(tmp_path))
    with pytest.raises(DataError, match=r"1 of 2 elements are not in the index, first object 7 of"):
        campaigns.create("c", ids=["a.png#1", "a.png#7"], task="det")
    with pytest.raises(DataError, match="no seeds; expected at least one element of it"):
        campaigns.create("c", ids=["d.png"], task="det")
    with pytest.raises(DataError, match="no index; 'selectlab index DATASET'"):
        campaigns.create("c", ids=["a.png"])


def test_without_predictions_objects_are_named_one_by_one(tmp_path: Path) -> None:
    dataset = Dataset(["a"], object_embeddings={"det": (np.eye(2, 1), ["a", "a"])})
    corpus = Corpus.build(dataset, tmp_path / "index", task="det", space_id="s")
    campaigns = Campaigns(dataset, store=tmp_path / "c.db", corpus=corpus)
    with pytest.raises(DataError, match=r"name them as a#0, a#1, \.\.\.$"):
        campaigns.create("c", ids=["a"])
    campaigns.create("c", ids=["a#1"])
    assert names(campaigns) == [("a", 1)]


# Frames


def test_seeds_of_a_selection_are_what_it_selected(tmp_path: Path) -> None:
    folder = line_folder(tmp_path)
    chosen = select(
        [(Metadata(key="place"), Weights())], folder, n_samples=2, preselected=["low.png"]
    )
    chosen.save(tmp_path / "run")
    (tmp_path / "list.txt").write_text("low.png\nhigh.png\n")
    campaigns = Campaigns(folder)
    for name, given in (("run", tmp_path / "run"), ("made", chosen)):
        campaigns.create(name, selection=given)
        assert names(campaigns, name) == ["far.png", "out.png"]  # the largest places
    campaigns.create("list", selection=tmp_path / "list.txt")
    assert names(campaigns, "list") == ["high.png", "low.png"]


def test_seeds_by_metadata_and_more_of_them_later(tmp_path: Path) -> None:
    campaigns = Campaigns(line_folder(tmp_path))
    campaigns.create("c", where="weather=rainy")
    assert names(campaigns) == ["high.png", "low.png"]
    assert campaigns.add_seeds("c", ids=["far.png", "low.png"]) == 1
    assert campaigns.remove_seeds("c", ["low.png"]) == 1
    assert names(campaigns) == ["far.png", "high.png"]
    with pytest.raises(DataError, match=r"'low.png', object 0, is none of its seeds"):
        campaigns.remove_seeds("c", ["far.png", "low.png"])
    assert names(campaigns) == ["far.png", "high.png"]


def test_a_sample_id_may_look_like_an_object(tmp_path: Path) -> None:
    campaigns = on_the_line(tmp_path, {"a#1": 0.0, "b": 2.0, "c#0": 1.0})
    campaigns.create("c", ids=["a#1", "b"])
    assert names(campaigns) == ["a#1", "b"]
    campaigns.collect()
    assert campaigns.accept("c", ["c#0"]) == 1
    assert campaigns.remove_seeds("c", ["a#1"]) == 1


def test_vectors_are_seeds_in_the_space_that_is_said(tmp_path: Path) -> None:
    campaigns = on_the_line(tmp_path)
    np.save(tmp_path / "queries.npy", np.array([[0], [2]]))
    campaigns.create("c", vectors=tmp_path / "queries.npy", space_id=SPACE)
    assert campaigns.seeds("c").elements == (Element("queries.npy[0]"), Element("queries.npy[1]"))
    campaigns.collect()
    found = {hit.sample_id: hit.score for hit in campaigns.hits("c")}
    assert found["low"] == found["high"] == pytest.approx(2 / 3)  # no seeds of this campaign
    campaigns.create("array", vectors=[[0.5]], space_id=SPACE)
    assert campaigns.remove_seeds("c", ["queries.npy[1]"]) == 1


def test_vectors_are_scaled_as_the_index_is(tmp_path: Path) -> None:
    dataset = Dataset(["a"], embeddings=np.array([[3.0, 4.0]]))
    corpus = Corpus.build(dataset, tmp_path / "index", space_id="s")
    campaigns = Campaigns(dataset, store=tmp_path / "c.db", corpus=corpus)
    campaigns.create("c", vectors=[[30.0, 40.0]], space_id="s")
    assert campaigns.seeds("c").vectors.tolist() == corpus.vectors_at([0]).tolist()


@pytest.mark.parametrize(
    ("vectors", "space_id", "said"),
    [
        ([[1.0]], None, "vectors: say which embedding space the vectors are in: --space-id "
         "(space_id=...); the index has 'the line'"),
        ([[1.0]], "resnet", "vectors: embedding space 'resnet', expected 'the line'; embed both "
         "with the same model"),
        ([[1.0, 2.0]], SPACE, "vectors: 2 dimensions, expected 1 in embedding space 'the line'"),
        ([1.0], SPACE, "vectors: expected a matrix of numbers, a row for each seed, got float64 of "
         "shape (1,)"),
        (np.zeros((0, 1)), SPACE, "vectors: expected a matrix of numbers, a row for each seed, got "
         "float64 of shape (0, 1)"),
        ([["x"]], SPACE, "vectors: expected a matrix of numbers, a row for each seed, got <U1 of "
         "shape (1, 1)"),
        ([[1.0], [np.nan]], SPACE, "vectors: embedding of 'vectors[1]' has NaN, infinite or "
         "overflowing values"),
        ([[1.0], [1e300]], SPACE, "vectors: embedding of 'vectors[1]' has NaN, infinite or "
         "overflowing values"),
        ("gone.npy", SPACE, "gone.npy: cannot be read: No such file or directory"),
    ],
)  # fmt: skip
def test_vectors_that_cannot_be_seeds(
    vectors: Any, space_id: str | None, said: str, tmp_path: Path
) -> None:
    with pytest.raises((ConfigError, DataError)) as refused:
        on_the_line(tmp_path).create("c", vectors=vectors, space_id=space_id)
    assert str(refused.value) == said


def test_a_file_that_is_no_matrix(tmp_path: Path) -> None:
    path = tmp_path / "notes.npy"
    path.write_text("hello")
    with pytest.raises(DataError, match=r"notes.npy: no .npy file of numbers"):
        on_the_line(tmp_path).create("c", vectors=path, space_id=SPACE)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "seeds: expected one of ids, selection, where, vectors, images; got none"),
        (
            {"ids": ["low"], "where": "a=1"},
            "seeds: expected one of ids, selection, where, vectors, images; got ids and where",
        ),
        (
            {"vectors": [[1.0]], "space_id": SPACE, "seeds_from": "elsewhere"},
            "seeds_from: goes with ids, selection, where, not with vectors",
        ),
        ({"ids": ["low"], "model": "yolo.pt"}, "model: goes with images, not with ids"),
        ({"ids": [3]}, "ids: expected sample ids, ID#NUMBER or (id, number), got 3"),
        ({"ids": []}, "no seeds; expected at least one element of it"),
        ({"ids": ["lo"]}, "1 of 1 elements are not in the index, first 'lo'"),
        ({"ids": ["low"], "task": "det"}, "task 'det': INDEX holds frames"),
        (
            {"ids": ["low"], "threshold": 2.0},
            "campaign 'c': threshold: expected a number from 0 to 1, got 2.0",
        ),
    ],
)
def test_sources_that_do_not_make_sense(given: dict[str, Any], said: str, tmp_path: Path) -> None:
    campaigns = on_the_line(tmp_path)
    with pytest.raises((ConfigError, DataError)) as refused:
        campaigns.create("c", **given)
    line = str(refused.value).replace(str(tmp_path / "index"), "INDEX").removeprefix("INDEX: ")
    assert line == said
    assert campaigns.list() == []


def test_names_are_taken_once(tmp_path: Path) -> None:
    campaigns = on_the_line(tmp_path)
    campaigns.create("c", ids=["low"])
    with pytest.raises(DataError, match="campaign 'c': there is one of this name already"):
        campaigns.create("c", ids=["high"])
    assert names(campaigns) == ["low"]


# Seeds of another dataset


def test_seeds_of_another_dataset_that_shares_the_space(tmp_path: Path) -> None:
    """The other one has no index of its own, or one."""
    campaigns = on_the_line(tmp_path)
    other = frames({"x": 0.0, "y": 2.0, "z": 8.0})
    campaigns.create("c", ids=["x", "y"], seeds_from=other, space_id=SPACE)
    assert names(campaigns) == ["x", "y"]
    campaigns.collect()
    assert campaigns.hits("c")[0].seed == Element("x")
    with_index = line_folder(tmp_path, {"low": 0.0, "high": 2.0})
    campaigns.create("d", where="weather=rainy", seeds_from=with_index)
    assert names(campaigns, "d") == ["high.png", "low.png"]


def test_seeds_of_another_space_are_refused(tmp_path: Path) -> None:
    campaigns = on_the_line(tmp_path)
    with pytest.raises(DataError, match="embedding space 'resnet', expected 'the line'"):
        campaigns.create("c", ids=["low"], seeds_from=frames(LINE), space_id="resnet")
    with pytest.raises(DataError, match=r"space"):
        campaigns.create("c", ids=["low"], seeds_from=frames(LINE))
    assert campaigns.list() == []


# Images


def images(folder: Path) -> Path:
    folder.mkdir()
    for k in range(3):
        pixels = videos.picture(videos.scene(k))[..., ::-1]
        Image.fromarray(pixels).save(folder / f"{k}.png")
    return folder


def test_images_are_embedded_with_the_model_of_the_index(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An image of the dataset given as a seed has the very vector that the index has."""
    from selectlab.video.prediction import predict

    weights = videos.trained_model(tmp_path_factory)
    data = images(tmp_path / "data")
    predict([data], out=data, model=str(weights), embed=True)
    corpus = Corpus.build(open_dataset(data))
    given = tmp_path / "given"
    given.mkdir()
    (given / "mine.png").write_bytes((data / "1.png").read_bytes())
    campaigns = Campaigns(data)
    campaigns.create("c", images=given, model=str(weights))
    seeds = campaigns.seeds("c")
    assert seeds.elements == (Element("mine.png"),)
    expected = corpus.vectors_of([Element("1.png")])
    np.testing.assert_allclose(seeds.vectors, expected, atol=1e-5)
    campaigns.collect()
    best = campaigns.hits("c")[0]
    assert (best.sample_id, round(best.score, 3)) == ("1.png", 1.0)
    with pytest.raises(ConfigError, match="no such file, and not to be had"):
        campaigns.create("d", images=given)  # the index is named after weights elsewhere


def test_images_need_a_model_of_whole_frames(tmp_path: Path) -> None:
    given = images(tmp_path / "given")
    with pytest.raises(ConfigError) as refused:
        on_the_line(tmp_path / "frames").create("c", images=given)
    assert str(refused.value) == (
        "images: the embedding space 'the line' does not tell which model made it; name its "
        "weights with --model (model=...)"
    )
    with pytest.raises(DataError, match="images give embeddings of whole frames, the index holds"):
        Campaigns(traffic(tmp_path)).create("c", images=given, task="det", model="x.pt")
