"""DIVERSITY on a million rows."""

from benchmarks.speed.case import Case, Faster, MemoryBelow
from benchmarks.speed.task import Shape
from benchmarks.speed.tasks.diversity import Diversity

CASE = Case(
    name="diversity_1m",
    title="DIVERSITY, 1M x 128, 1,000 picks",
    task=Diversity(),
    sizes={
        "small": Shape(5_000, 16, 40),
        "medium": Shape(100_000, 128, 1_000),
        "full": Shape(1_000_000, 128, 1_000),
    },
    peers=("mundig", "numpy_loop"),
    targets=(Faster("mundig", 40), MemoryBelow(100)),
)
