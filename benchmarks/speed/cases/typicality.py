"""TYPICALITY with all pairs compared."""

from benchmarks.speed.case import Case, Faster
from benchmarks.speed.task import Shape
from benchmarks.speed.tasks.typicality import Typicality

CASE = Case(
    name="typicality",
    title="TYPICALITY, 20 neighbours, 20k x 128, the 1,000 most typical rows",
    task=Typicality(),
    sizes={
        "small": Shape(1_500, 32, 50),
        "medium": Shape(10_000, 128, 1_000),
        "full": Shape(20_000, 128, 1_000),
    },
    peers=("mundig", "scikit_learn", "faiss_flat", "numpy_loop", "torch_loop"),
    targets=(Faster("mundig", 15),),
)
