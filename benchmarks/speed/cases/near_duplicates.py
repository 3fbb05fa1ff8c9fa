"""Near-duplicate removal on a million rows."""

from benchmarks.speed.case import Case, Within
from benchmarks.speed.task import Shape
from benchmarks.speed.tasks.near_duplicates import NearDuplicates

CASE = Case(
    name="near_duplicates",
    title="Near-duplicates out of 1M x 128 (DIVERSITY down to a distance of .2; one of 20 stays)",
    task=NearDuplicates(),
    sizes={
        "small": Shape(3_000, 32, 3_000),
        "medium": Shape(50_000, 128, 50_000),
        "full": Shape(1_000_000, 128, 1_000_000),
    },
    peers=("mundig", "numpy_loop"),
    targets=(Within(60),),
    data="frames",
    patience_s=180,
    fixed_data=True,
)
