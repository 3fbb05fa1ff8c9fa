"""Three strategies on a million rows, ten thousand picks."""

from benchmarks.speed.case import Case, Within
from benchmarks.speed.task import Shape
from benchmarks.speed.tasks.joint import Joint

CASE = Case(
    name="joint_1m_10k",
    title="DIVERSITY + WEIGHTS + BALANCE (10 classes), 1M x 128, 10,000 picks",
    task=Joint(),
    sizes={
        "small": Shape(3_000, 16, 300),
        "medium": Shape(100_000, 128, 3_000),
        "full": Shape(1_000_000, 128, 10_000),
    },
    peers=("mundig", "numpy_loop"),
    targets=(Within(60),),
)
