"""The command line on a dataset of parquet files: reading, selecting and writing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.speed.task import Problem, Shape
from benchmarks.speed.tasks.diversity import Diversity

SHARDS = 8
ENTRY = {"input": {"type": "EMBEDDINGS", "normalize": False}, "strategy": {"type": "DIVERSITY"}}


class CommandLine(Diversity):
    """``selectlab select`` with DIVERSITY; wall clock of the command, from start to exit."""

    name = "command_line"

    def make(self, folder: Path, shape: Shape, kind: str, seed: int) -> Problem:
        problem = super().make(folder, shape, kind, seed)
        dataset = folder / "dataset"
        dataset.mkdir()
        write_parquet(dataset / "embeddings.parquet", np.load(problem.files["vectors"]))
        config = {"n_samples": problem.shape.k, "strategies": [ENTRY]}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        told = {"config": str(folder / "config.json"), "dataset": str(dataset), "workers": 4}
        return replace(problem, parameters={**problem.parameters, **told, "on_disk": ["vectors"]})

    def warm_up(self, shape: Shape) -> Shape:
        return Shape(1000, shape.d, 10)


def write_parquet(path: Path, vectors: np.ndarray) -> None:
    """Write vectors with the row as id, in as many row groups as there are to be shards."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    n, d = vectors.shape
    flat = pa.array(vectors.reshape(-1))
    table = pa.table(
        {
            "sample_id": [f"{row:09d}" for row in range(n)],
            "embedding": pa.FixedSizeListArray.from_arrays(flat, d),
        }
    )
    pq.write_table(table, path, row_group_size=-(-n // SHARDS), compression="none")
