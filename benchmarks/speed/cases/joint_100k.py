"""Three strategies on a hundred thousand rows."""

from benchmarks.speed.case import Case, Faster
from benchmarks.speed.task import Shape
from benchmarks.speed.tasks.joint import Joint

CASE = Case(
    name="joint_100k",
    title="DIVERSITY + WEIGHTS + BALANCE (10 classes), 100k x 128, 1,000 picks",
    task=Joint(),
    sizes={
        "small": Shape(2_000, 32, 50),
        "medium": Shape(20_000, 128, 500),
        "full": Shape(100_000, 128, 1_000),
    },
    peers=("mundig", "numpy_loop", "torch_loop"),
    targets=(Faster("mundig", 30),),
)
