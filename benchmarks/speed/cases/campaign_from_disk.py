"""Scoring a million rows that lie on disk against a hundred seeds."""

from benchmarks.speed.case import Case, Faster, MemoryBelow
from benchmarks.speed.task import Shape
from benchmarks.speed.tasks.campaign_scoring import CampaignScoring

CASE = Case(
    name="campaign_from_disk",
    title="Campaign, 1M x 128 from a file (512 MB) against 100 seeds",
    task=CampaignScoring(on_disk=True),
    sizes={
        "small": Shape(3_000, 32, 50),
        "medium": Shape(100_000, 128, 1_000),
        "full": Shape(1_000_000, 128, 10_000),
    },
    peers=("faiss_flat", "numpy_loop"),
    targets=(Faster("faiss_flat", 2), MemoryBelow(128)),
)
