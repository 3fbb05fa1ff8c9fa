"""A first look: real images, a real model, one config, and an honest comparison with random."""

from __future__ import annotations

import json
import shlex
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab.api import select
from selectlab.console import console, print_selection, table
from selectlab.inputs.folder import open_dataset
from selectlab.selection import Selection
from selectlab.writers import check_target

N_LABELLED = 100
N_TEST = 597
N_RANDOM = 20
_TASK = "digits_classifier"
_MADE_BY = {"made_by": "selectlab demo"}


def demo_config(n_samples: int) -> dict[str, Any]:
    """Return the config of the demo: diverse, uncertain and balanced."""
    distribution = {"type": "PREDICTIONS", "task": _TASK, "name": "CLASS_DISTRIBUTION"}
    balance = {"type": "BALANCE", "distribution": "UNIFORM", "strength": 10.0}
    return {
        "n_samples": n_samples,
        "strategies": [
            {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}},
            {
                "input": {"type": "SCORES", "task": _TASK, "score": "uncertainty_margin"},
                "strategy": {"type": "WEIGHTS"},
            },
            {"input": distribution, "strategy": balance},
        ],
    }


def run_demo(out: Path, n_samples: int = 50) -> Selection:
    """Write a dataset in the Lightly folder format, select from it, compare with random.

    The images are scikit-learn's 1,797 handwritten digits. A classifier trained on 100 of them
    gives the probabilities; 597 are kept aside to test what labelling the selection gains.

    Args:
        out: Folder to make: ``dataset/``, ``config.json`` and ``run/``.
        n_samples: How many to select from the 1,100 unlabelled ones.

    Raises:
        SelectlabError: The folder cannot be written or holds something else.
    """
    marker = out / "manifest.json"
    check_target(out, overwrite=_is_ours(marker))
    say = partial(console().print, markup=False, soft_wrap=True)
    from sklearn.datasets import load_digits

    digits = load_digits()
    images, labels = digits.images, digits.target
    order = np.random.default_rng(0).permutation(len(labels))
    test, labelled, pool = np.split(order, [N_TEST, N_TEST + N_LABELLED])
    model = _fit(images[labelled], labels[labelled])
    known = np.sort(np.concatenate([labelled, pool]))
    say(f"writing {len(known)} images and the predictions of a classifier: {out / 'dataset'}")
    write_dataset(out / "dataset", images[known], known, model, digits.target_names)
    ids = {int(i): _sample_id(int(i)) for i in known}
    _write(out / "dataset" / "preselected.txt", "".join(f"{ids[int(i)]}\n" for i in labelled))
    _write(out / "config.json", json.dumps(demo_config(n_samples), indent=2) + "\n")
    _write(marker, json.dumps(_MADE_BY) + "\n")
    config, data, run = (shlex.quote(str(out / name)) for name in ("config.json", "dataset", "run"))
    say(f"selectlab select {config} --data {data} --out {run} --overwrite\n")
    chosen = select(out / "config.json", open_dataset(out / "dataset"))
    chosen.save(out / "run", overwrite=True)
    print_selection(chosen)
    rows = {sample_id: i for i, sample_id in ids.items()}
    picked = np.array([rows[sample_id] for sample_id in chosen.ids])
    _compare(images, labels, labelled, pool, test, picked)
    return chosen


def _is_ours(marker: Path) -> bool:
    """Whether an earlier demo made the folder; other runs are left alone."""
    try:
        return bool(json.loads(marker.read_bytes()) == _MADE_BY)
    except (OSError, ValueError):
        return False


def write_dataset(
    folder: Path,
    images: npt.NDArray[np.float64],
    numbers: npt.NDArray[np.intp],
    model: Any,
    names: npt.NDArray[np.generic],
) -> None:
    """Write images, predictions and embeddings in the Lightly folder format.

    Args:
        folder: Dataset folder.
        images: (N, 8, 8) grey values, 0 to 16.
        numbers: (N,) number of each image.
        model: Fitted classifier with ``predict_proba``.
        names: (K,) class names, in the order of the classifier's classes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image

    ids = [_sample_id(int(number)) for number in numbers]
    flat = images.reshape(len(images), -1)
    probabilities = model.predict_proba(flat)
    task = folder / ".lightly" / "predictions" / _TASK
    categories = [{"id": i, "name": str(name)} for i, name in enumerate(names)]
    _write(task.parent / "tasks.json", json.dumps([_TASK]))
    _write(
        task / "schema.json",
        json.dumps({"task_type": "classification", "categories": categories}),
    )
    for sample_id, image, row in zip(ids, images, probabilities, strict=True):
        path = folder / sample_id
        path.parent.mkdir(parents=True, exist_ok=True)
        grey = np.kron(255 - image * (255 / 16), np.ones((8, 8))).astype(np.uint8)
        Image.fromarray(grey).save(path)
        prediction = {"category_id": int(row.argmax()), "probabilities": row.tolist()}
        content = {"file_name": sample_id, "predictions": [prediction]}
        _write((task / sample_id).with_suffix(".json"), json.dumps(content))
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(flat.astype(np.float32).ravel()), 64)
    pq.write_table(
        pa.table({"sample_id": ids, "embedding": vectors}), folder / "embeddings.parquet"
    )
    _write(folder / "embeddings.json", json.dumps({"space": "pixels"}) + "\n")


def _compare(
    images: npt.NDArray[np.float64],
    labels: npt.NDArray[np.intp],
    labelled: npt.NDArray[np.intp],
    pool: npt.NDArray[np.intp],
    test: npt.NDArray[np.intp],
    picked: npt.NDArray[np.intp],
) -> None:
    """Label the selection and as many random samples, retrain, and print both accuracies."""

    def accuracy(more: npt.NDArray[np.intp]) -> float:
        rows = np.concatenate([labelled, more])
        return float(_fit(images[rows], labels[rows]).score(_flat(images[test]), labels[test]))

    generator = np.random.default_rng(1)
    draws = [generator.choice(pool, len(picked), replace=False) for _ in range(N_RANDOM)]
    randomly = np.array([accuracy(draw) for draw in draws])
    error = randomly.std(ddof=1) / np.sqrt(N_RANDOM)
    table(
        [f"accuracy on {len(test)} test images after labelling", ""],
        [
            ("nothing more", f"{accuracy(picked[:0]):.1%}"),
            (
                f"{len(picked)} random samples",
                f"{randomly.mean():.1%} (mean of {N_RANDOM} draws, standard error {error:.1%})",
            ),
            (f"the {len(picked)} selected samples", f"{accuracy(picked):.1%}"),
        ],
    )


def _fit(images: npt.NDArray[np.float64], labels: npt.NDArray[np.intp]) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    return model.fit(_flat(images), labels)


def _flat(images: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return images.reshape(len(images), -1)


def _sample_id(number: int) -> str:
    return f"digits/{number:04d}.png"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
