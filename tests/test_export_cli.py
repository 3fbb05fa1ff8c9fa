"""``selectlab export`` and ``selectlab campaign export``: what is printed, written and refused."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from campaign_lines import line_folder
from folder_builder import build, detection_files, npy, shared_data
from small_dataset import Ran, selectlab

from selectlab import registry, select
from selectlab.campaigns import Campaigns
from selectlab.campaigns.exports import COLUMNS
from selectlab.corpus import Corpus
from selectlab.errors import ConfigError, DataError
from selectlab.exports.export import export
from selectlab.exports.sources import items_of
from selectlab.inputs.folder import open_dataset

OBJECTS = {"type": "PREDICTIONS", "task": "det", "name": "CATEGORY_COUNT"}
CONFIG = {"n_samples": 3, "strategies": [{"input": OBJECTS, "strategy": {"type": "WEIGHTS"}}]}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a dataset ``data`` and a run ``run``."""
    monkeypatch.chdir(tmp_path)
    build(Path("data"), detection_files())
    select(CONFIG, "data").save("run")
    return tmp_path


def done(*arguments: object) -> str:
    ran = selectlab("export", *arguments)
    assert (ran.code, ran.err) == (0, ""), ran
    return ran.out


def refused(ran: Ran) -> str:
    assert (ran.code, ran.out) == (2, ""), ran
    assert ran.err.count("\n") == 1
    return ran.err.removeprefix("error: ").rstrip("\n")


def test_help_teaches() -> None:
    shown = selectlab("export", "--help").out
    assert "Usage: selectlab export [OPTIONS] [run]" in shown
    for option in ("--format", "--task", "--imputed", "--image-url", "--set", "--overwrite"):
        assert option in shown
    for example in ("selectlab export --list", "--format coco --to ./todo", "--image-url 'https"):
        assert example in " ".join(shown.split())


def test_formats_are_listed() -> None:
    listed = done("--list")
    for name in registry.writers():
        assert f"\n{name} " in listed
    told = json.loads(done("--list", "--json"))
    assert told["csv"] == {
        "summary": "A table with rank, id, score, reasons and metadata, as ``selection.csv`` of a run.",
        "writes": ".csv", "predictions": False, "options": {}, "package": "selectlab",
    }  # fmt: skip
    assert (told["coco"]["writes"], told["coco"]["options"]) == ("a folder", {"images": "none"})
    page = done("--list", "--format", "coco")
    assert "options, for --set" in page
    assert "images  'none', 'copy', 'link'  'none'" in page
    assert list(json.loads(done("--list", "--format", "yolo", "--json"))) == ["yolo"]
    assert refused(selectlab("export", "--list", "--format", "coca")) == (
        "format: nothing is called 'coca'; did you mean 'coco'?"
    )


def test_a_table_needs_no_dataset(place: Path) -> None:
    (place / "data").rename(place / "gone")
    assert done("run", "--to", "out.csv") == "3 samples written as csv: out.csv\n"
    assert (place / "out.csv").read_bytes() == (place / "run" / "selection.csv").read_bytes()
    told = json.loads(done("run", "--format", "list", "--to", "out", "--json"))
    run = items_of("run").run
    assert told == {"format": "list", "run": run, "samples": 3, "out": "out", "notes": []}


def test_predictions_go_along(place: Path) -> None:
    """The dataset is the one that the run names; its box below .25 stays at home unless asked."""
    assert done("run", "--format", "coco", "--to", "out") == "3 samples written as coco: out\n"
    content = json.loads((place / "out" / "annotations.json").read_text(encoding="utf-8"))
    assert [image["sample_id"] for image in content["images"]] == ["a/1.png", "a/2.png", "b/3.jpg"]
    assert len(content["annotations"]) == 2
    done("run", "-f", "coco", "--to", "fewer", "--min-score", 0.5, "--set", "images=copy")
    fewer = json.loads((place / "fewer" / "annotations.json").read_text(encoding="utf-8"))
    assert [annotation["score"] for annotation in fewer["annotations"]] == [1.0]
    assert (place / "fewer" / "images" / "a" / "1.png").is_file()


def test_imputed_boxes_and_urls(place: Path) -> None:
    """By an earlier assertion and under addresses; notes go to stderr, one line each."""
    frame = {"file_name": "b/3.jpg", "imputed": [{"category_id": 5, "bbox": [0, 0, 2, 2]}]}
    build(Path(), {"imputed.json": {"assertion": {}, "task": "det", "frames": [frame]}})
    done(
        *("run", "-f", "label-studio", "--to", "out", "--imputed", "imputed.json"),
        *("--image-url", "https://host/{id}", "--data", "data"),
    )
    tasks = json.loads((place / "out" / "tasks.json").read_text(encoding="utf-8"))
    assert [task["data"]["image"] for task in tasks] == [
        "https://host/a/1.png", "https://host/a/2.png", "https://host/b/3.jpg",
    ]  # fmt: skip
    assert [len(task["predictions"][0]["result"]) for task in tasks if "predictions" in task] == [
        2,
        1,
    ]
    noted = selectlab("export", "run", "-f", "label-studio", "--to", "here")
    assert noted.code == 0
    assert noted.err.startswith("note: images named by a path of this machine")
    assert noted.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "RUN: say what to write; 'selectlab export --help' has examples"),
        ("run", "--to: say where to write it; 'selectlab export --help' has examples"),
        ("run --to out", "--format: out does not tell; known: "),
        ("run --to out.csv --format cvs", "format: nothing is called 'cvs'; did you mean 'csv'?"),
        ("nowhere --to out.csv", "nowhere: cannot be read: No such file or directory"),
        ("nowhere --to out -f coco", "nowhere: no such run; expected its folder, a text file, or campaign:NAME"),
        ("data --to out.csv", "data: no selection.parquet; expected the folder of a run"),
        ("ids.txt --to out -f coco", "--data: 'coco' needs the dataset that the samples are from"),
        ("ids.txt --to out -f coco --data data", "ids.txt: 1 of 1 ids are not in the dataset, first 'x.png'"),
        ("run --to out.csv --task det", "task: 'csv' takes no predictions"),
        ("run --to out.csv --min-score 0", "task: 'csv' takes no predictions"),
        ("run --to out -f coco --task dte", "task: data has no predictions 'dte'; did you mean 'det'?"),
        ("run --to out -f coco --imputed no.json", "no.json: cannot be read, No such file or directory"),
        ("run --to out -f coco --set images", "--set: expected OPTION=VALUE, got 'images'"),
        ("run --to out -f coco --set images=none --set images=copy", "--set: 'images' is given twice"),
        ("run --to out -f coco --set images=al", "format coco.images: nothing is called 'al'; known: "),
        ("run --to out -f coco --set image=copy", "format coco.image: unknown key; did you mean 'images'?"),
        ("run --to out.csv --image-url https://host/{x}", "image_url: 'https://host/{x}' has a field {x}"),
        ("run --to data -f coco --overwrite", "data: holds files but no .selectlab-export.json"),
        ("campaign:c --to out.csv", "--data: say which dataset the campaign is about"),
        ("campaign:c --to out.csv --data data", "campaign 'c': there is none of this name"),
        ("run --to run/selection.csv", "run/selection.csv: is there already; choose another name"),
    ],
)  # fmt: skip
def test_errors_are_one_line(arguments: str, said: str, place: Path) -> None:
    (place / "ids.txt").write_text("x.png\n")
    before = sorted(path for path in place.rglob("*") if ".selectlab" not in str(path))
    line = refused(selectlab("export", *arguments.split()))
    if "--min-score" in arguments:
        said = said.replace("task", "min_score")
    assert line.startswith(said)
    assert sorted(path for path in place.rglob("*") if ".selectlab" not in str(path)) == before


def test_what_is_there_stays_unless_asked(place: Path) -> None:
    done("run", "-f", "coco", "--to", "out")
    again = selectlab("export", "run", "-f", "coco", "--to", "out")
    assert refused(again) == (
        "out: holds an earlier export; choose another folder, or --overwrite it"
    )
    done("run", "-f", "coco", "--to", "out", "--overwrite", "--min-score", 0.5)
    content = json.loads((place / "out" / "annotations.json").read_text(encoding="utf-8"))
    assert len(content["annotations"]) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_export_leaves_nothing(number: int, code: int, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("".join(f"{at:07d}.png\n" for at in range(400_000)))
    program = "import sys; from selectlab.cli import main; main()"
    command = [sys.executable, "-c", program, "export", "ids.txt", "--to", "out.parquet"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None and not any(tmp_path.glob(".out.parquet-*/*")):
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=240)
    word = "interrupted" if number == signal.SIGINT else "terminated"
    assert (process.returncode, out) == (code, "")
    assert err == f"{word} while exporting; nothing was written\n"
    assert [path.name for path in tmp_path.iterdir()] == ["ids.txt"]


# Campaigns


@pytest.fixture
def line(tmp_path: Path) -> Campaigns:
    """A campaign ``c`` that has collected near (accepted), mid, edge (discarded)."""
    files: dict[str, Any] = {
        "predictions/tasks.json": ["det"],
        "predictions/det/schema.json": {
            "task_type": "object-detection",
            "categories": [{"id": 0, "name": "car"}],
        },
        "predictions/det/near.json": {
            "file_name": "near.png",
            "predictions": [{"category_id": 0, "bbox": [0, 0, 2, 2], "score": 0.5}],
        },
    }
    campaigns = Campaigns(line_folder(tmp_path, **files))
    campaigns.create("c", where="weather=rainy")
    campaigns.collect()
    campaigns.accept("c", ["near.png"])
    campaigns.discard("c", ["edge.png"])
    return campaigns


def test_a_campaign_is_a_source(line: Campaigns, tmp_path: Path) -> None:
    """All that nobody discarded, read from the store page by page; nothing is marked."""
    data = line.dataset.source.where
    out = tmp_path / "out.csv"
    assert done("campaign:c", "--data", data, "--to", out) == f"2 samples written as csv: {out}\n"
    table = pd.read_csv(out)
    assert list(table.columns) == COLUMNS
    assert table["sample_id"].tolist() == ["mid.png", "near.png"]
    assert table["nearest_seed"].tolist() == ["high.png", "high.png"]
    assert line.get("c").counts["exported"] == 0
    line.export("c", tmp_path / "marked.csv")
    done("campaign:c", "--data", data, "--to", out, "--overwrite")
    assert pd.read_csv(out)["status"].tolist() == ["exported", "exported"]


def test_versions_and_ids_of_campaigns(line: Campaigns) -> None:
    data = line.dataset
    first = items_of("campaign:c", data)
    [mid, _] = first
    assert (mid.rank, mid.sample_id, mid.score) == (1, "mid.png", 1.0)
    assert mid.reason == "1.000 like seed high.png of 'c' version 1"
    assert mid.metadata == {"weather": "sunny", "place": mid.metadata["place"]}
    assert items_of("campaign:c@1", data).run == first.run
    line.refine("c")
    line.collect()
    second = items_of("campaign:c", data)
    assert second.run != first.run
    assert items_of("campaign:c@1", data).run == first.run
    assert [item.sample_id for item in items_of("campaign:c@1", data)] == ["mid.png", "near.png"]
    with pytest.raises(DataError, match="version 7"):
        items_of("campaign:c@7", data)
    with pytest.raises(ConfigError, match="a campaign lies with its dataset; say which one"):
        items_of("campaign:c")


def test_a_campaign_that_changes_meanwhile_is_noticed(line: Campaigns) -> None:
    items = items_of("campaign:c", line.dataset)
    line.discard("c", ["mid.png"])
    line.accept("c", ["edge.png"])
    with pytest.raises(DataError) as caught:
        list(items)
    assert str(caught.value) == "campaign 'c': was changed while it was exported; try again"


def test_campaign_export_takes_every_format(line: Campaigns, tmp_path: Path) -> None:
    data, out = line.dataset.source.where, tmp_path / "out"
    command = ("campaign", "export", "c", out, "--data", data)
    options = ("--format", "coco", "--task", "det", "--set", "images=none", "--keep-status")
    ran = selectlab(*command, *options)
    assert (ran.code, ran.out) == (0, f"2 samples written: {out}\n")
    assert ran.err.startswith("note: images without width and height")
    content = json.loads((out / "annotations.json").read_text(encoding="utf-8"))
    assert [image["sample_id"] for image in content["images"]] == ["mid.png", "near.png"]
    assert [note["bbox"] for note in content["annotations"]] == [[0.0, 0.0, 2.0, 2.0]]
    assert line.get("c").counts["exported"] == 0
    assert content["info"]["run"] == items_of("campaign:c", line.dataset).run
    for more, said in [
        (("--format", "folder", "--task", "det"), "tasks: belongs to a format; name one, such as coco"),
        (("--format", "csv", "--task", "det"), "task: 'csv' takes no predictions"),
        (("--format", "coca"), "format: nothing is called 'coca'; did you mean 'coco'?"),
        (("--format", "coco"), f"{out}: holds an earlier export"),
    ]:  # fmt: skip
        assert refused(selectlab(*command, *more)).startswith(said)
    made = line.export("c", tmp_path / "lines.jsonl", image_url="x://{id_raw}")
    rows = [json.loads(row) for row in (tmp_path / "lines.jsonl").read_text().splitlines()]
    assert [row["uri"] for row in rows] == [f"x://{name}" for name in made.ids]
    assert line.get("c").counts["exported"] == 2


def test_a_campaigns_folder_is_a_run(line: Campaigns, tmp_path: Path) -> None:
    """Its manifest and tables tell the same as the store."""
    line.export("c", tmp_path / "run", mark=False)
    there, stored = items_of(tmp_path / "run", line.dataset), items_of("campaign:c", line.dataset)
    assert there.run == stored.run
    assert [vars(item) for item in there] == [vars(item) for item in stored]


# The page


PAGE = Path(__file__).parents[1] / "docs" / "export.md"


def commands(made_up: bool) -> list[str]:
    """Commands on the page: those about a made-up dataset, or those about the demo's.

    The latter run with those of all pages.
    """
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    found = [line for line in lines if line.startswith("selectlab export ")]
    return [line for line in found if ("demo/run" not in line) == made_up]


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands of docs/export.md find: a dataset, a run, a campaign, imputed boxes."""
    root = tmp_path_factory.mktemp("page")
    frame = {"file_name": "b/3.jpg", "imputed": [{"category_id": 5, "bbox": [0, 0, 2, 2]}]}
    told = {"assertion": {}, "task": "det", "frames": [frame]}
    names = ["a/1.png", "a/2.png", "b/3.jpg"]
    more = {
        "imputed/det/flicker.json": told,
        "embeddings.npy": npy([[0.0, 1], [0, 2], [0, 3]]),
        "ids.txt": "\n".join(names),
        "embeddings.json": {"space": "line"},
    }
    data = open_dataset(build(root / "dataset", {**detection_files(""), **more}))
    select(CONFIG, data).save(root / "run1")
    Corpus.build(data, normalise=False)
    campaigns = Campaigns(data)
    campaigns.create("night", ids=names[:2])
    campaigns.collect(threshold=0.0)
    return root


def test_the_page_has_an_example_of_every_format() -> None:
    text = " ".join([*commands(True), *commands(False)]).replace("-", "_")
    ours = {name for name, found in registry.writers().items() if found.package == "selectlab"}
    shown = {name for name in ours if f"__format {name} " in text}
    ending = {name for name in ours if f"{registry.writers()[name].cls.ending} " in f"{text} "}
    assert ours <= shown | ending


@pytest.mark.parametrize("command", commands(made_up=True))
def test_the_commands_of_the_page_run(
    command: str, described: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(described)
    ran = selectlab(*shlex.split(command)[1:], "--overwrite")
    assert ran.code == 0, ran.err
    assert "written as" in ran.out


def test_the_format_on_the_page_works(tmp_path: Path) -> None:
    blocks = PAGE.read_text(encoding="utf-8").split("```python\n")[1:]
    [own] = [code for block in blocks if "Writer" in (code := block.split("```")[0])]
    space: dict[str, Any] = {"__name__": "own"}
    exec(compile(own, "own", "exec", dont_inherit=True), space)
    export(items_of(["a/b.png", "c.png"]), tmp_path / "x.names", space["Names"]())
    assert (tmp_path / "x.names").read_text() == "b.png\nc.png\n"


# Real data


def test_real_detections_go_out_and_come_back(tmp_path: Path) -> None:
    """Lightly's own example bucket: the COCO file of ten samples is a task of a new dataset."""
    data = open_dataset(shared_data("lightly_example") / "lightly_bucket")
    task = "object_detection_sportradar"
    ids = list(data.ids[:10])
    (tmp_path / "ids.txt").write_text("\n".join(ids), encoding="utf-8")
    ran = selectlab(
        *("export", tmp_path / "ids.txt", "--data", data.source.where, "--format", "coco"),
        *("--to", tmp_path / "out", "--min-score", 0),
    )
    assert ran.code == 0
    assert ran.err.startswith("note: images without width and height, which are not known")
    coco = (tmp_path / "out" / "annotations.json").read_text(encoding="utf-8")
    again = open_dataset(build(tmp_path / "again", {f"predictions/{task}.json": coco}))
    assert again.ids == tuple(sorted(ids))
    before, after = data.predictions(task), again.predictions(task)
    for name in ids:
        rows = [
            slice(*t.offsets[r : r + 2])
            for t, r in ((before, data.rows[name]), (after, again.rows[name]))
        ]
        assert before.boxes is not None
        assert after.boxes is not None
        assert (before.boxes[rows[0]] == after.boxes[rows[1]]).all()
        assert (before.score[rows[0]] == after.score[rows[1]]).all()
