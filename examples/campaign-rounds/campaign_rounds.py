"""A collection campaign on handwritten digits, judged by their labels, round by round."""

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from selectlab import Dataset
from selectlab.campaigns import Campaigns
from selectlab.corpus import Corpus


def embedded_digits() -> tuple[Dataset, Mapping[str, int]]:
    """Return the digits, their pixels as embeddings, and the label of each."""
    digits = load_digits()
    ids = [f"{number:04d}.png" for number in range(len(digits.data))]
    return Dataset(ids, embeddings=digits.data), dict(zip(ids, digits.target, strict=True))


def main() -> None:
    """Play a person who looks for more of a digit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--digit", type=int, default=8, choices=range(10))
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="draws the seeds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--judged", type=int, default=20, help="samples a round")
    parser.add_argument("--threshold", type=float, default=0.3, help="the lowest score, 0 to 1")
    given = parser.parse_args()

    data, labels = embedded_digits()
    of_class = [name for name, label in labels.items() if label == given.digit]
    seeds = np.random.default_rng(given.seed).choice(of_class, given.seeds, replace=False)

    with tempfile.TemporaryDirectory() as folder:
        index = Corpus.build(data, Path(folder, "index"), space_id="pixels")
        campaigns = Campaigns(data, store=Path(folder, "campaigns.db"), corpus=index)
        campaigns.create("more", ids=seeds.tolist(), threshold=given.threshold)
        for _ in range(given.rounds + 1):
            [found] = campaigns.collect("more", target_sample_count=given.judged)
            hits = campaigns.hits("more", version=found.version)
            is_right = {hit.sample_id: labels[hit.sample_id] == given.digit for hit in hits}
            print(
                f"version {found.version}: {found.n_new} new, "
                f"{sum(is_right.values())} of {len(hits)} are right"
            )
            campaigns.accept("more", [name for name, right in is_right.items() if right])
            campaigns.discard("more", [name for name, right in is_right.items() if not right])
            campaigns.refine("more")
        counts = campaigns.get("more").counts
        print(f"{counts['accepted']} accepted, {counts['discarded']} discarded")


if __name__ == "__main__":
    main()
