"""Three strategies on a million rows."""

from benchmarks.speed.case import Case, Faster
from benchmarks.speed.task import Shape
from benchmarks.speed.tasks.joint import Joint

CASE = Case(
    name="joint_1m",
    title="DIVERSITY + WEIGHTS + BALANCE (10 classes), 1M x 128, 1,000 picks",
    task=Joint(),
    sizes={
        "small": Shape(5_000, 16, 40),
        "medium": Shape(100_000, 128, 1_000),
        "full": Shape(1_000_000, 128, 1_000),
    },
    peers=("mundig", "numpy_loop"),
    targets=(Faster("mundig", 40),),
    patience_s=180,
)
