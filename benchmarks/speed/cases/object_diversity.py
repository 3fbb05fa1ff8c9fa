"""DIVERSITY on a million objects of a hundred thousand samples."""

from benchmarks.speed.case import Case, Faster
from benchmarks.speed.task import Shape
from benchmarks.speed.tasks.object_diversity import ObjectDiversity

CASE = Case(
    name="object_diversity",
    title="DIVERSITY on objects, 100k samples with 1M objects x 128, 1,000 picks",
    task=ObjectDiversity(),
    sizes={
        "small": Shape(400, 32, 40),
        "medium": Shape(10_000, 128, 300),
        "full": Shape(100_000, 128, 1_000),
    },
    peers=("mundig", "numpy_loop"),
    targets=(Faster("mundig", 15),),
    patience_s=180,
)
