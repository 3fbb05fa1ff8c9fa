"""Data that others published: never copied, found by its path, skipped with a reason."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {
    "mnist": "github.com/rasbt/mnist-pngs as train.npz and test.npz (x [n, 28, 28], y)",
    "mot17_yolox": "github.com/corfyi/UCMCTrack det_results/mot17/yolox_x_ablation as "
    "MOT17-XX/det.txt, with gt.txt and seqinfo.ini of motchallenge.net beside it",
    "vtest_pets": "vtest.avi of the Debian package opencv-doc, with gt.txt and det.txt of "
    "MOT15 PETS09-S2L1",
    "label_errors": "github.com/cleanlab/label-errors",
    "lightly_example": "github.com/lightly-ai/object_detection_example_structure",
    "kitti_yolov8_seq0000": "github.com/Monisha-RK10/Proj3",
}
"""Where each folder can be had."""


class NoDataError(Exception):
    """Outside data is not here; the message says what is missing and where to get it."""


@dataclass(frozen=True)
class OutsideData:
    """A folder with a folder for each source inside.

    Attributes:
        root: The folder; it need not exist.
    """

    root: Path

    @classmethod
    def find(cls, given: Path | None = None) -> OutsideData:
        """Return the folder that was given, or that of ``SELECTLAB_DATA``, or the usual place."""
        named = given or os.environ.get("SELECTLAB_DATA") or ROOT.parent / "shared" / "data"
        return cls(Path(named))

    def folder(self, name: str) -> Path:
        """Return the folder of a source.

        Raises:
            NoDataError: It is not there.
        """
        path = self.root / name
        if not path.is_dir():
            raise NoDataError(
                f"{name} is not in {self.root}; get it from {SOURCES[name]}, and name the folder "
                "around it with --data or SELECTLAB_DATA"
            )
        return path

    def fingerprint(self, name: str) -> str:
        """Return a hash of the names and contents of all files of a source."""
        folder, total = self.folder(name), hashlib.sha256()
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            total.update(f"{path.relative_to(folder).as_posix()}\0".encode())
            with path.open("rb") as file:
                while chunk := file.read(1 << 20):
                    total.update(chunk)
        return total.hexdigest()[:16]
