"""lightly-mundig, the Rust engine that LightlyOne configs run on."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

NAME = "lightly-mundig"
WHAT = "lightly-mundig (Rust), the library's own calls"
REQUIREMENTS = (
    "lightly-mundig==0.1.16",
    "numpy==2.2.6; python_version < '3.11'",
    "numpy==2.4.6; python_version >= '3.11'",
)
PACKAGES = ("lightly-mundig", "numpy")


def diversity(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    from lightly_mundig import Selection

    selection = Selection()
    selection.add_diversifying_strategy(arrays["vectors"], 1.0)
    return selection.run_selection([], len(arrays["vectors"]), parameters["n_samples"])


def prepared_joint(arrays: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    shares = np.eye(parameters["n_classes"], dtype=np.float32)[arrays["codes"]]
    weights = arrays["weights"].astype(np.float32)
    return {"vectors": arrays["vectors"], "weights": weights, "shares": shares}


def joint(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    from lightly_mundig import Selection

    target = [1 / parameters["n_classes"]] * parameters["n_classes"]
    selection = Selection()
    selection.add_diversifying_strategy(arrays["vectors"], 1.0)
    selection.add_weighting_strategy(arrays["weights"], 1.0)
    selection.add_balancing_strategy(arrays["shares"], target, 1.0)
    return selection.run_selection([], len(arrays["vectors"]), parameters["n_samples"])


def similarity(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    from lightly_mundig import Similarity

    values = Similarity(arrays["vectors"]).calculate_similarity(arrays["query"])
    return highest(np.asarray(values), parameters["n_samples"])


def typicality(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    from lightly_mundig import Typicality

    values = Typicality(arrays["vectors"]).calculate_typicality(parameters["n_neighbours"])
    return highest(np.asarray(values), parameters["n_samples"])


def near_duplicates(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    from lightly_mundig import Selection

    selection = Selection()
    selection.add_diversifying_strategy(
        arrays["vectors"], 1.0, stopping_condition_minimum_distance=parameters["minimum_distance"]
    )
    return selection.run_selection([], len(arrays["vectors"]), parameters["n_samples"])


def prepared_object_diversity(arrays: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    offsets = arrays["offsets"].tolist()
    objects = [list(range(*pair)) for pair in pairwise(offsets)]
    return {"vectors": arrays["vectors"], "objects": objects}


def object_diversity(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    from lightly_mundig import Selection

    selection = Selection()
    selection.add_subpart_diversifying_strategy(arrays["vectors"], arrays["objects"], 1.0)
    return selection.run_selection([], len(arrays["objects"]), parameters["n_samples"])


def highest(values: Any, k: int) -> Any:
    """Return the rows with the highest values, best first."""
    top = np.argpartition(values, len(values) - k)[len(values) - k :]
    return top[np.argsort(-values[top], kind="stable")]
