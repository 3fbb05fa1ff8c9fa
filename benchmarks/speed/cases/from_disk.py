"""DIVERSITY on ten million rows that lie on disk, in 1 GB of memory."""

from benchmarks.speed.case import Case, Result, Target, Verdict
from benchmarks.speed.task import Shape
from benchmarks.speed.tasks.from_disk import MEMORY, FromDisk


class Finishes(Target):
    """Done in the memory allowed, in at most three times what reading takes for every pass."""

    def text(self) -> str:
        return "finishes in 1 GB; within 3x of its passes over the file at the disk's rate"

    def verdict(self, result: Result) -> Verdict:
        mine = result["contestants"][result["ours"]]
        if mine.get("median_s") is None:
            return Verdict(mine["status"], False)
        rate = result["file"]["disk_read_gb_per_s"]
        passes = mine["read_mb"] / result["file"]["mb"]
        once = result["file"]["mb"] / 1e3 / rate
        told = (
            f"{passes:.1f} passes, {mine['median_s'] / (once * max(passes, 1)):.2f}x their reading"
        )
        fits = mine["resident_mb"] * 1e6 <= MEMORY
        return Verdict(told, fits and mine["median_s"] <= 3 * once * max(passes, 1))


CASE = Case(
    name="from_disk",
    title="DIVERSITY, 10M x 128 from disk (5 GB) in 1 GB of memory, 1,000 picks",
    task=FromDisk(),
    sizes={
        "small": Shape(4_000, 32, 40),
        "medium": Shape(1_000_000, 128, 300),
        "full": Shape(10_000_000, 128, 1_000),
    },
    peers=(),
    targets=(Finishes(),),
    patience_s=300,
)
