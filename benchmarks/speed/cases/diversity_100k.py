"""DIVERSITY on a hundred thousand rows."""

from benchmarks.speed.case import Case, Faster
from benchmarks.speed.task import Shape
from benchmarks.speed.tasks.diversity import Diversity

CASE = Case(
    name="diversity_100k",
    title="DIVERSITY (greedy k-center), 100k x 128, 1,000 picks",
    task=Diversity(),
    sizes={
        "small": Shape(2_000, 32, 50),
        "medium": Shape(20_000, 128, 500),
        "full": Shape(100_000, 128, 1_000),
    },
    peers=("mundig", "numpy_loop", "torch_loop", "activeml"),
    targets=(Faster("mundig", 25),),
)
