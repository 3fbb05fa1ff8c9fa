"""Videos with moving shapes, and a small detector that was trained on such shapes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import yaml
from filelock import FileLock
from PIL import Image

WIDTH, HEIGHT = 160, 128
NAMES = ("disc", "square")
COLOURS = ((40, 60, 220), (220, 120, 30))  # blue, green, red

Scene = list[tuple[int, float, float, float]]
"""Class, centre x, centre y, and size in px of each object."""


def scene(number: int, seed: int = 0) -> Scene:
    """Two objects that move, at frame ``number``."""
    rng = np.random.default_rng(seed)
    objects: Scene = []
    for kind in (0, 1):
        x, y, size = rng.uniform(25, 135), rng.uniform(25, 103), rng.uniform(22, 34)
        vx, vy = rng.uniform(-2, 2, 2)
        objects.append(
            (kind, bounce(x + vx * number, WIDTH), bounce(y + vy * number, HEIGHT), size)
        )
    return objects


def bounce(at: float, length: int, margin: int = 18) -> float:
    """Return a place that turns round at the ends."""
    span = length - 2 * margin
    phase = (at - margin) % (2 * span)
    return margin + (phase if phase < span else 2 * span - phase)


def picture(objects: Scene, seed: int = 0) -> Any:
    """Draw a scene, (height, width, 3) blue, green, red."""
    rng = np.random.default_rng(seed)
    ground = np.linspace(60, 180, WIDTH)[None, :, None] + rng.uniform(-12, 12, (HEIGHT, WIDTH, 3))
    pixels = np.clip(ground, 0, 255).astype(np.uint8)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    for kind, x, y, size in objects:
        dx, dy = np.abs(columns - x), np.abs(rows - y)
        inside = dx**2 + dy**2 < (size / 2) ** 2 if kind == 0 else np.maximum(dx, dy) < size / 2
        pixels[inside] = COLOURS[kind]
    return pixels


def write_video(
    path: Path,
    n_frames: int,
    seed: int = 0,
    times: Sequence[int] | None = None,
    empty: Sequence[int] = (),
) -> Path:
    """Write a video at 10 frames/s, or at ``times`` in ms; frames of ``empty`` show no objects."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "12", "preset": "fast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(n_frames):
            objects = [] if number in empty else scene(number, seed)
            frame = av.VideoFrame.from_ndarray(picture(objects, number), format="bgr24")
            frame.pts = number * 100 if times is None else times[number]
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_image(path: Path, number: int, seed: int = 0) -> Path:
    """Write a frame as a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(scene(number, seed), number)[..., ::-1].copy()).save(path)
    return path


def _training_set(root: Path, n_images: int) -> Path:
    """Write images of random scenes with their boxes, as ultralytics trains with."""
    for number in range(n_images):
        both = scene(0, 10_000 + number)
        objects = [both[:1], both[1:], both][number % 3]
        image = root / "images" / f"{number:03d}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(objects, number)[..., ::-1].copy()).save(image)
        lines = [
            f"{kind} {x / WIDTH:.6f} {y / HEIGHT:.6f} {size / WIDTH:.6f} {size / HEIGHT:.6f}\n"
            for kind, x, y, size in objects
        ]
        label = root / "labels" / f"{number:03d}.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text("".join(lines))
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(NAMES))
    (root / "data.yaml").write_text(f"path: {root}\ntrain: images\nval: images\nnames:\n{names}")
    return root / "data.yaml"


def train(folder: Path) -> Path:
    """Train YOLOv8n at an eighth of its width and return the weights."""
    from selectlab.video.detector import import_ultralytics

    ultralytics = import_ultralytics()
    data = _training_set(folder / "data", 120)
    shipped = Path(ultralytics.__file__).parent / "cfg" / "models" / "v8" / "yolov8.yaml"
    description = yaml.safe_load(shipped.read_text())
    description |= {"nc": len(NAMES), "scales": {"n": [0.33, 0.125, 1024]}}
    model = folder / "yolov8n-tiny.yaml"
    model.write_text(yaml.safe_dump(description))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ultralytics.YOLO(str(model), task="detect").train(
            data=str(data), epochs=EPOCHS, imgsz=160, batch=8, workers=0, plots=False, val=False,
            mosaic=0.0, device="cpu", seed=0, project=str(folder / "runs"), verbose=False,
            optimizer="AdamW", lr0=0.005, scale=0.1, hsv_h=0.0, warmup_epochs=1, amp=False,
        )  # fmt: skip
    return folder / "runs" / "train" / "weights" / "last.pt"


EPOCHS = 15


def trained_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a detector of discs and squares, trained once for all test processes."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    weights = shared / "shapes" / "shapes.pt"
    with FileLock(str(shared / "shapes.lock")):
        if not weights.exists():
            weights.parent.mkdir(parents=True, exist_ok=True)
            train(shared / "shapes").replace(weights)
    return weights
