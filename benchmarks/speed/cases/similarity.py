"""SIMILARITY of a million rows to a hundred queries."""

from benchmarks.speed.case import Case, Faster
from benchmarks.speed.task import Shape
from benchmarks.speed.tasks.similarity import Similarity

CASE = Case(
    name="similarity",
    title="SIMILARITY, 1M x 128 against 100 queries, the 1,000 nearest rows",
    task=Similarity(),
    sizes={
        "small": Shape(3_000, 32, 50),
        "medium": Shape(100_000, 128, 1_000),
        "full": Shape(1_000_000, 128, 1_000),
    },
    peers=("faiss_flat", "scikit_learn", "numpy_loop", "torch_loop", "mundig"),
    targets=(Faster("faiss_flat", 4),),
)
