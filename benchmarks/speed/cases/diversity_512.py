"""DIVERSITY on long vectors, many picks."""

from benchmarks.speed.case import Case, Faster
from benchmarks.speed.task import Shape
from benchmarks.speed.tasks.diversity import Diversity

CASE = Case(
    name="diversity_512",
    title="DIVERSITY, 100k x 512, 5,000 picks",
    task=Diversity(),
    sizes={
        "small": Shape(1_500, 128, 100),
        "medium": Shape(20_000, 512, 1_000),
        "full": Shape(100_000, 512, 5_000),
    },
    peers=("mundig", "numpy_loop"),
    targets=(Faster("mundig", 45),),
)
