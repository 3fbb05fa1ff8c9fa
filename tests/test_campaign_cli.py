"""``selectlab campaign``: every command, what it prints, and its errors in one line."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from campaign_lines import SPACE, line_folder
from small_dataset import Ran, selectlab

from selectlab.campaigns import Campaigns

COMMANDS = (
    *("create", "list", "show", "threshold", "activate", "deactivate", "commit", "collect"),
    *("hits", "accept", "discard", "refine", "export"),
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return line_folder(tmp_path)


def campaign(data: Path, *arguments: object) -> Ran:
    return selectlab("campaign", *arguments, "--data", data)


def done(data: Path, *arguments: object) -> str:
    ran = campaign(data, *arguments)
    assert (ran.code, ran.err) == (0, ""), ran
    return ran.out


def told(data: Path, *arguments: object) -> Any:
    return json.loads(done(data, *arguments, "--json"))


def refused(data: Path, *arguments: object) -> str:
    ran = campaign(data, *arguments)
    assert (ran.code, ran.out) == (2, ""), ran
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    return ran.err.removeprefix("error: ").rstrip("\n")


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("command", [*COMMANDS, "seeds", "seeds add", "seeds remove", "seeds list"])
def test_help_teaches(command: str) -> None:
    ran = selectlab("campaign", *command.split(), "--help")
    assert ran.code == 0
    assert "Usage: selectlab campaign" in ran.out


def test_help_lists_the_commands() -> None:
    listed = selectlab("campaign", "--help").out
    assert all(f"\n  {command}" in listed for command in (*COMMANDS, "seeds"))


def test_from_seeds_to_labelling(data: Path, tmp_path: Path) -> None:
    """The way of a user, command by command."""
    assert done(data, "list") == "no campaigns; 'selectlab campaign create' starts one\n"
    assert done(data, "create", "c", "low.png", "high.png") == (
        "campaign 'c': 2 seeds (frames), version 1, threshold 0.5\n"
    )
    assert rows(done(data, "list"))[1] == ["c", "active", "frames", "2", "1", "0.5"]

    dry = rows(done(data, "collect", "--dry-run"))
    assert dry[1] == ["c", "1", "0.5", "7", "3", "3", "42.86%"]
    assert ["0.5", "3"] in dry
    assert ["0.4", "4"] in dry
    assert ["1", "1.000", "mid.png", "high.png"] in dry
    assert told(data, "show", "c")["runs"] == []

    assert rows(done(data, "collect"))[1] == ["c", "1", "0.5", "7", "3", "3", "42.86%"]
    assert rows(done(data, "collect"))[1] == ["c", "1", "0.5", "0", "0", "3", "42.86%"]
    assert rows(done(data, "hits", "c")) == [
        ["score", "sample", "nearest", "seed", "version", "status"],
        ["1", "1.000", "mid.png", "high.png", "1", "new"],
        ["2", "0.750", "near.png", "high.png", "1", "new"],
        ["3", "0.500", "edge.png", "high.png", "1", "new"],
    ]
    assert done(data, "hits", "c", "--ids", "-n", 2) == "mid.png\nnear.png\n"

    assert done(data, "accept", "c", "near.png") == "campaign 'c': 1 accepted\n"
    assert done(data, "discard", "c", "edge.png") == "campaign 'c': 1 discarded\n"
    assert done(data, "refine", "c") == "campaign 'c': 1 seed joined; version 2 of 3 seeds\n"
    assert done(data, "refine", "c") == (
        "campaign 'c': 0 seeds joined; version 2 of 3 seeds; the seeds have not changed, so there "
        "is no new version\n"
    )
    done(data, "collect")
    shown = done(data, "show", "c")
    assert "3: 1 new, 1 accepted, 1 discarded, 0 exported" in shown
    assert done(data, "hits", "c", "--status", "discarded", "--ids") == "edge.png\n"

    out = tmp_path / "todo.csv"
    assert done(data, "export", "c", out) == f"2 samples written: {out}\n"
    assert out.read_text().startswith("rank,sample_id,score,campaign,version,element,")
    assert told(data, "show", "c")["counts"]["exported"] == 2


def test_settings(data: Path) -> None:
    done(data, "create", "c", "--where", "weather=rainy", "--threshold", 0.75)
    assert done(data, "threshold", "c", 0.4) == "campaign 'c': threshold 0.4\n"
    assert told(data, "collect")[0]["n_new"] == 4
    assert told(data, "collect", "c", "--threshold", 0.9, "--again")[0]["threshold"] == 0.9
    assert done(data, "deactivate", "c") == "campaign 'c': inactive\n"
    assert rows(done(data, "list"))[1][1] == "inactive"
    assert done(data, "activate", "c") == "campaign 'c': active\n"
    assert told(data, "list")[0]["active"] is True


def test_the_best_n(data: Path) -> None:
    done(data, "create", "c", "low.png", "high.png")
    found = rows(done(data, "collect", "c", "--target", 2))
    assert found[1][:5] == ["c", "1", "0.5,", "best", "2"]
    assert done(data, "hits", "c", "--ids") == "mid.png\nnear.png\n"


def test_seeds(data: Path, tmp_path: Path) -> None:
    done(data, "create", "c", "low.png")
    assert done(data, "seeds", "add", "c", "high.png", "far.png") == (
        "campaign 'c': 2 seeds added; 'commit' makes them a version\n"
    )
    assert "changed since, 'commit' makes them a version" in done(data, "show", "c")
    assert done(data, "seeds", "remove", "c", "far.png") == (
        "campaign 'c': 1 seed removed; 'commit' makes that a version\n"
    )
    assert done(data, "seeds", "list", "c") == "high.png\nlow.png\n"
    assert told(data, "seeds", "list", "c", "--version", 1) == ["low.png"]
    assert done(data, "commit", "c") == "campaign 'c': version 2 of 2 seeds\n"
    assert done(data, "commit", "c") == (
        "campaign 'c': version 2 of 2 seeds, as before: the seeds have not changed\n"
    )
    np.save(tmp_path / "queries.npy", np.array([[1.0]]))
    done(data, "seeds", "add", "c", "--vectors", tmp_path / "queries.npy", "--space-id", SPACE)
    assert told(data, "seeds", "list", "c") == ["high.png", "low.png", "queries.npy[0]"]


def test_ids_from_files_and_stdin(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "seeds.txt").write_text("low.png\n")
    done(data, "create", "c", "high.png", "--from", tmp_path / "seeds.txt")
    done(data, "collect")
    typed = io.TextIOWrapper(io.BytesIO(b"mid.png\nnear.png\n\n"))
    monkeypatch.setattr(sys, "stdin", typed)
    assert done(data, "accept", "c", "--from", "-") == "campaign 'c': 2 accepted\n"
    (tmp_path / "empty.txt").write_text("\n")
    assert refused(data, "accept", "c", "--from", tmp_path / "empty.txt") == (
        f"{tmp_path / 'empty.txt'}: names no samples"
    )


def test_nothing_found_is_no_error(data: Path) -> None:
    done(data, "create", "c", "far.png", "--threshold", 1)
    assert rows(done(data, "collect"))[1] == ["c", "1", "1", "7", "0", "0", "0.00%"]
    assert done(data, "hits", "c") == "campaign 'c': no such samples\n"
    assert told(data, "hits", "c") == []


def test_a_store_elsewhere_and_an_index_elsewhere(data: Path, tmp_path: Path) -> None:
    place = ["--store", tmp_path / "team.db", "--index", data / ".selectlab/corpus/default"]
    done(data, "create", "c", "low.png", "high.png", *place)
    assert json.loads(done(data, "collect", *place, "--json"))[0]["n_new"] == 3
    assert done(data, "list") == "no campaigns; 'selectlab campaign create' starts one\n"
    assert [one.name for one in Campaigns(data, store=tmp_path / "team.db").list()] == ["c"]


def test_the_environment_may_name_the_store(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELECTLAB_STORE", str(tmp_path / "team.db"))
    done(data, "create", "c", "low.png")
    assert (tmp_path / "team.db").exists()
    assert [one.name for one in Campaigns(data).list()] == ["c"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("create d", "seeds: expected one of ids, selection, where, vectors, images; got none"),
        (
            "create d low.png --where weather=rainy",
            "seeds: expected one of ids, selection, where, vectors, images; got ids and where",
        ),
        ("create c low.png", "campaign 'c': there is one of this name already"),
        (
            "create d lo.png",
            "INDEX: 1 of 1 elements are not in the index, first 'lo.png'",
        ),
        (
            "create d low.png --task det",
            "PLACE/corpus/det: no index; 'selectlab index DATASET' (Corpus.build) makes one",
        ),
        (
            "create d low.png --threshold 2",
            "campaign 'd': threshold: expected a number from 0 to 1, got 2.0",
        ),
        ("create d --from gone.txt", "gone.txt: cannot be read: No such file or directory"),
        (
            "create d --where weather=rain",
            "where 'weather=rain': no sample has 'weather' 'rain'; did you mean 'rainy'?",
        ),
        ("show d", "campaign 'd': there is none of this name; known: c"),
        ("threshold c 7", "campaign 'c': threshold: expected a number from 0 to 1, got 7.0"),
        ("collect d", "campaign 'd': there is none of this name; known: c"),
        ("collect --threshold 7", "threshold: expected a number from 0 to 1, got 7.0"),
        ("collect --target 0", "target_sample_count: expected at least 1, got 0"),
        ("hits c --status old", "status: nothing is called 'old'; known: accepted"),
        ("hits c --version 9", "campaign 'c': no version 9; there are 1 to 1"),
        (
            "hits c --classifier",
            "classifier: 2 different accepted examples, expected at least 5; judge more, or "
            "refine without it",
        ),
        (
            "hits c --classifier --version 1",
            "--classifier: ranks what all versions found; leave --version out",
        ),
        ("accept c far.png", "campaign 'c': not collected: 1 of 1 samples, first 'far.png'"),
        ("accept c", "ids: expected sample ids, or --from FILE with one a line"),
        ("discard d mid.png", "campaign 'd': there is none of this name; known: c"),
        ("seeds remove c far.png", "campaign 'c': 'far.png', object 0, is none of its seeds"),
        ("seeds add c", "seeds: expected one of ids, selection, where, vectors, images; got none"),
        (
            "export c out.csv --format xml",
            "format: nothing is called 'xml'; known: aperturedb, coco, csv",
        ),
        ("collect --store mysql://x", "store: expected a file, sqlite:///FILE or postgresql://"),
    ],
)
def test_errors_are_one_line(arguments: str, said: str, data: Path) -> None:
    done(data, "create", "c", "low.png", "high.png")
    done(data, "collect")
    place = data / ".selectlab"
    line = refused(data, *arguments.split()).replace(str(place / "corpus" / "default"), "INDEX")
    assert line.replace(str(place), "PLACE").startswith(said)


def test_an_inactive_campaign_is_not_collected_for(data: Path) -> None:
    done(data, "create", "c", "low.png")
    done(data, "deactivate", "c")
    assert refused(data, "collect", "c") == (
        "campaign 'c': is not active; 'selectlab campaign activate' lets it collect again"
    )
    assert refused(data, "collect") == "campaigns: nothing to collect for, none of 1 is active"


def test_what_is_missing_is_said(data: Path, tmp_path: Path) -> None:
    assert refused(data, "show", "c") == (
        "campaign 'c': there is none of this name; there are no campaigns yet"
    )
    assert not (data / ".selectlab" / "campaigns.db").exists()
    assert refused(data, "collect") == "campaigns: nothing to collect for, there are none yet"
    assert "no such folder" in refused(tmp_path / "gone", "list")
    bare = selectlab("campaign", "list")
    assert bare.code == 2
    assert "--data" in bare.err


def test_commands_and_python_see_the_same(data: Path) -> None:
    campaigns = Campaigns(data)
    campaigns.create("c", ids=["low.png", "high.png"])
    assert told(data, "collect")[0]["n_new"] == 3
    assert [hit["sample_id"] for hit in told(data, "hits", "c")] == [
        hit.sample_id for hit in campaigns.hits("c")
    ]
    found = told(data, "show", "c")
    assert found["campaign"]["space"]["name"] == SPACE
    assert [run["state"] for run in found["runs"]] == ["finished"]
    assert found["rate"] == campaigns.rate("c") == 3 / 7
