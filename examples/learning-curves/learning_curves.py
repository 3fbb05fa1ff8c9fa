"""Learning curves of several methods on handwritten digits, with a progress bar."""

import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from selectlab.console import live_progress
from selectlab.progress import watched
from selectlab.simulate import Classification, compare, methods, plot

BUDGETS = [10, 20, 40, 100, 200, 400]
N_POOL = 1200


def learner_of_seed(seed: int) -> Classification:
    """Split the digits into a pool and test data, and take logistic regression as the model."""
    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.data))
    x, y = digits.data[order], digits.target[order]
    return Classification(x[:N_POOL], y[:N_POOL], x[N_POOL:], y[N_POOL:])


def main() -> None:
    """Compare the methods that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", nargs="+", default=["random", "margin"], choices=methods())
    parser.add_argument("--seeds", type=int, default=5, help="how many")
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS)
    parser.add_argument("--jobs", type=int, default=-1, help="processes; -1 for one a core")
    parser.add_argument("--out", type=Path, default=Path())
    given = parser.parse_args()

    with watched() as progress, live_progress(progress):
        found = compare(
            given.methods, learner_of_seed, given.budgets, range(given.seeds), n_jobs=given.jobs
        )

    table = found.table("accuracy")
    print(table.to_string(index=False, float_format="{:.3f}".format))
    table.to_csv(given.out / "curves.csv", index=False)
    plot(found).savefig(given.out / "curves.png")


if __name__ == "__main__":
    main()
