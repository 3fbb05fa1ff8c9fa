"""scikit-activeml's CoreSet."""

from __future__ import annotations

from typing import Any

import numpy as np

NAME = "scikit-activeml"
WHAT = "scikit-activeml's CoreSet query strategy, row 0 labelled"
REQUIREMENTS = (
    "scikit-activeml==1.0.1",
    "numpy==2.2.6; python_version < '3.11'",
    "numpy==2.4.6; python_version >= '3.11'",
    "scikit-learn==1.7.2; python_version < '3.11'",
    "scikit-learn==1.9.1; python_version >= '3.11'",
)
PACKAGES = ("scikit-activeml", "scikit-learn", "numpy")


def diversity(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    from skactiveml.pool import CoreSet

    labels = np.full(len(arrays["vectors"]), np.nan)
    labels[0] = 0.0
    query = CoreSet(random_state=0).query(
        arrays["vectors"], labels, batch_size=parameters["n_samples"] - 1
    )
    return np.concatenate([[0], query])
