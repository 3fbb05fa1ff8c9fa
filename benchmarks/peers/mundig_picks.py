"""Picks of lightly-mundig on joint problems, run in its own environment.

``python mundig_picks.py FOLDER`` reads ``problems.json`` there and writes ``picks.json``: for each
problem the rows picked after the preselected ones. It imports nothing of this repository.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from lightly_mundig import Selection


def main(folder: Path) -> None:
    problems = json.loads((folder / "problems.json").read_text("utf-8"))
    found = json.dumps([picks(problem) for problem in problems])
    (folder / "picks.json").write_text(found, "utf-8")


def picks(problem: dict[str, Any]) -> list[int]:
    selection = Selection()
    for entry in problem["entries"]:
        add(selection, entry)
    before = problem["preselected"]
    rows = selection.run_selection(before, problem["n"], len(before) + problem["n_picks"])
    assert rows[: len(before)] == before, "the preselected come first"
    return [int(row) for row in rows[len(before) :]]


def add(selection: Any, entry: dict[str, Any]) -> None:
    kind, strength = entry["kind"], entry["strength"]
    if kind == "WEIGHTS":
        selection.add_weighting_strategy(np.float32(entry["weights"]), strength)
    elif kind == "BALANCE":
        counts = np.array(entry["counts"], dtype=np.float32)
        selection.add_balancing_strategy(counts, entry["target"], strength)
    else:
        vectors = np.array(entry["vectors"], dtype=np.float32)
        if kind == "DIVERSITY":
            selection.add_subpart_diversifying_strategy(vectors, entry["parts"], strength)
        elif kind == "SIMILARITY":
            query = np.array(entry["query"], dtype=np.float32)
            selection.add_subpart_similarity_strategy(vectors, query, entry["parts"], strength)
        else:
            selection.add_subpart_typicality_strategy(
                vectors, entry["parts"], strength, entry["neighbours"]
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
