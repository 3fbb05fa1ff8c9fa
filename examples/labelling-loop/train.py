"""Train a detector on the labels of a dataset, starting from weights that are there."""

from __future__ import annotations

import argparse
import shutil
import tempfile
import warnings
from pathlib import Path

from selectlab.video.detector import import_ultralytics


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="data.yaml, as 'selectlab labels export' writes it")
    parser.add_argument("--weights", required=True, help="weights to start from")
    parser.add_argument("--to", type=Path, required=True, help="where the new weights go")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--imgsz", type=int, default=640)
    parser.add_argument("--device", default=None)
    given = parser.parse_args()
    ultralytics = import_ultralytics()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = ultralytics.YOLO(given.weights).train(
            data=str(given.data.resolve()), epochs=given.epochs, imgsz=given.imgsz,
            device=given.device, project=folder, plots=False, workers=0, seed=0, amp=False,
        )  # fmt: skip
        weights = Path(done.save_dir if done else folder) / "weights" / "best.pt"
        part = given.to.with_name(f".{given.to.name}")
        shutil.copyfile(weights, part)
        part.replace(given.to)
    print(f"written: {given.to}")


if __name__ == "__main__":
    main()
