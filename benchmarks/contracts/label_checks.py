"""Given labels, out-of-sample class probabilities, and which labels people found to be wrong.

The layout is that of github.com/cleanlab/label-errors: ``NAME..._pyx.npy`` (N, K) probabilities,
``NAME..._original_labels.npy`` (N,) labels, ``NAME_mturk.json`` what five workers said of some
candidates. N samples, K classes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

ENOUGH_VOTES = 3
"""A label stands when so many of the five workers chose it."""
_MOST_VALUES = 30_000_000
_FLIPPED = 0.05
_STEM = re.compile(r"(_(test|val|train)(_set)?)?_pyx$")


class UnusableSetError(Exception):
    """A data set cannot be judged; the message says why."""


@dataclass(frozen=True)
class LabelledSet:
    """Labels under suspicion.

    Attributes:
        name: What it is called.
        probabilities: (N, K), out of sample.
        given: (N,) the labels as they were given, 0 to K - 1.
        wrong: Rows whose label is known to be wrong.
        sha256: Start of the hash of the files, or "" where there are none.
    """

    name: str
    probabilities: FloatArray
    given: IntArray
    wrong: IntArray
    sha256: str = ""

    def __len__(self) -> int:
        return len(self.given)

    @property
    def self_confidence(self) -> FloatArray:
        """(N,) the probability of the given label."""
        found: FloatArray = self.probabilities[np.arange(len(self)), self.given]
        return found


@dataclass(frozen=True)
class Files:
    """The three files of a data set."""

    probabilities: Path
    labels: Path
    answers: Path


def names(folder: Path) -> list[str]:
    """Return the data sets that have probabilities."""
    return sorted(_STEM.sub("", path.stem) for path in folder.glob("*/*_pyx.npy"))


def read(folder: Path, name: str) -> LabelledSet:
    """Return a data set.

    Raises:
        UnusableSetError: A file is missing, or they do not fit together.
    """
    files = Files(
        _one(path for path in folder.glob("*/*_pyx.npy") if _STEM.sub("", path.stem) == name),
        _one(folder.glob(f"*/{name}*_original_labels.npy")),
        _one(folder.glob(f"*/{name}_*mturk.json")),
    )
    probabilities, given = _arrays(files)
    answers = json.loads(files.answers.read_text(encoding="utf-8"))
    wrong = verified_errors(answers, len(given))
    return LabelledSet(name, probabilities, given, wrong, _hash(files))


def verified_errors(answers: Any, n_rows: int) -> IntArray:
    """Return the rows whose given label fewer than 3 of 5 workers chose.

    Raises:
        UnusableSetError: The answers do not say which row they are about, or who chose the
            given label.
    """
    rows = []
    for answer in answers:
        row, votes = answer.get("id"), answer.get("mturk")
        if not isinstance(row, int) or not 0 <= row < n_rows:
            raise UnusableSetError(f"an answer is about row {row!r} of {n_rows}")
        if not isinstance(votes, dict) or "given" not in votes:
            raise UnusableSetError("its answers do not count who chose the given label")
        if votes["given"] < ENOUGH_VOTES:
            rows.append(row)
    return np.unique(np.array(rows, dtype=np.intp))


def flipped_digits(seed: int, most: int | None) -> LabelledSet:
    """Return digits of which 5 % have another label, with out-of-sample probabilities."""
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    rng = np.random.default_rng(seed)
    x, y = load_digits(return_X_y=True)
    rows = rng.permutation(len(y))[:most]
    x, given = x[rows] / 16, y[rows].astype(np.intp)
    wrong = np.sort(rng.permutation(len(given))[: round(_FLIPPED * len(given))])
    given[wrong] = (given[wrong] + rng.integers(1, 10, len(wrong))) % 10
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    model = LogisticRegression(max_iter=1000)
    probabilities = cross_val_predict(model, x, given, cv=folds, method="predict_proba")
    return LabelledSet("digits", probabilities, given, wrong)


def precision(ranks: Sequence[int], k: int) -> float:
    """Return the share of errors among the first ``k``, given the ranks of errors, from 1.

    Example:
        >>> precision([1, 4], 4)
        0.5
    """
    return sum(rank <= k for rank in ranks) / k


def _one(paths: Any) -> Path:
    found = sorted(paths)
    if len(found) != 1:
        raise UnusableSetError(f"{len(found)} files where one is needed")
    path: Path = found[0]
    return path


def _arrays(files: Files) -> tuple[FloatArray, IntArray]:
    stored = np.load(files.probabilities, mmap_mode="r", allow_pickle=False)
    if stored.ndim != 2 or stored.size > _MOST_VALUES:
        raise UnusableSetError(f"probabilities of shape {stored.shape} are not read here")
    labels = np.load(files.labels, allow_pickle=False)
    if labels.shape != stored.shape[:1] or labels.dtype.kind not in "iu":
        raise UnusableSetError(f"{labels.dtype} labels of shape {labels.shape}")
    if labels.min() < 0 or labels.max() >= stored.shape[1]:
        raise UnusableSetError(
            f"labels {labels.min()} to {labels.max()}, {stored.shape[1]} classes"
        )
    return np.array(stored, dtype=np.float64), labels.astype(np.intp)


def _hash(files: Files) -> str:
    total = hashlib.sha256()
    for path in (files.probabilities, files.labels, files.answers):
        total.update(path.read_bytes())
    return total.hexdigest()[:16]
