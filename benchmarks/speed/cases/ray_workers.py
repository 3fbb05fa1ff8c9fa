"""Four Ray workers against one process."""

from benchmarks.speed.case import Case, Result, Target, Verdict
from benchmarks.speed.task import Shape
from benchmarks.speed.tasks.command_line import CommandLine


class SmallOverhead(Target):
    """The same picks, and less than twice the time once the workers have started."""

    def text(self) -> str:
        return "same picks; under twice the time of one process, beside the start-up"

    def verdict(self, result: Result) -> Verdict:
        many = result["contestants"][result["ours"]]
        one = result["contestants"].get("command_line", {})
        if many.get("median_s") is None or one.get("median_s") is None:
            return Verdict(many.get("why") or many["status"], None)
        start_up = many["warm_up_s"] - one["warm_up_s"]
        ratio = (many["median_s"] - start_up) / one["median_s"]
        same = one["same_rows"] == one["quality"]["picks"]
        return Verdict(
            f"{ratio:.2f}x after {start_up:.1f} s of start-up, "
            f"{one['same_rows']} of {one['quality']['picks']} picks the same",
            same and ratio < 2,
        )


CASE = Case(
    name="ray_workers",
    title="DIVERSITY from the command line, 200k x 128 in parquet, 1,000 picks, four Ray workers",
    task=CommandLine(),
    sizes={
        "small": Shape(2_000, 16, 20),
        "medium": Shape(50_000, 128, 300),
        "full": Shape(200_000, 128, 1_000),
    },
    peers=("command_line",),
    targets=(SmallOverhead(),),
    ours="ray_workers",
)
