"""Scoring a million rows against a hundred seeds."""

from benchmarks.speed.case import Case, Faster
from benchmarks.speed.task import Shape
from benchmarks.speed.tasks.campaign_scoring import CampaignScoring

CASE = Case(
    name="campaign_scoring",
    title="Campaign, 1M x 128 against 100 seeds, all rows above the threshold",
    task=CampaignScoring(),
    sizes={
        "small": Shape(3_000, 32, 50),
        "medium": Shape(100_000, 128, 1_000),
        "full": Shape(1_000_000, 128, 10_000),
    },
    peers=("faiss_flat", "numpy_loop"),
    targets=(Faster("faiss_flat", 2), Faster("numpy_loop", 1)),
)
