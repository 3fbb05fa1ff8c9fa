"""A small dataset with pictures, odd names, embeddings, an index and runs, and the page on it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from folder_builder import build, parquet
from small_dataset import (
    CLASSES,
    DIVERSITY,
    EMBEDDINGS,
    UNIFORM,
    WEIGHTS,
    config,
    metadata,
    picture,
)

from selectlab import api
from selectlab.corpus import Corpus
from selectlab.inputs.folder import open_dataset
from selectlab.studio.access import Access
from selectlab.studio.app import make_app
from selectlab.studio.serving import bound, server_of
from selectlab.studio.studio import Studio

ODD = "a/<script>alert(1)</script> & 'x' #1?.png"
"""A file name that is harmless only if it is escaped everywhere, in pages and in addresses."""
NAMES = [ODD, *(f"b/{k:02d}.png" for k in range(29))]
SEEDS = NAMES[0:6:2]
WAIT_S = 120
"""How long anything may take that has to come: no measure of its speed."""
WEATHER = "<img src=x onerror=alert(2)>"


def studio_folder(root: Path) -> Path:
    """Write 30 samples in two groups that lie apart, with boxes and metadata."""
    files: dict[str, Any] = {name: picture(k, 64, 48) for k, name in enumerate(NAMES)}
    names = {0: "car", 1: "<b>bus</b>"}
    task = ".lightly/predictions/det"
    files[".lightly/predictions/tasks.json"] = ["det"]
    files[f"{task}/schema.json"] = {
        "task_type": "object-detection",
        "categories": [{"id": number, "name": name} for number, name in names.items()],
    }
    for k, name in enumerate(NAMES):
        boxes = [
            {"category_id": j % 2, "bbox": [4 + 8 * j, 6, 12, 20], "score": 0.9 - 0.2 * j}
            for j in range(k % 4)
        ]
        stem = name.removesuffix(".png")
        files[f"{task}/{stem}.json"] = {"file_name": name, "predictions": boxes}
    rows = ["sample_id,speed,weather"]
    rows += [f'"{name}",{k},{WEATHER if k % 3 else "sunny"}' for k, name in enumerate(NAMES)]
    files["metadata.csv"] = "\n".join(rows) + "\n"
    files["embeddings.parquet"] = parquet({"sample_id": NAMES, "embedding": vectors()})
    return build(root / "data", files)


def vectors() -> list[list[float]]:
    """Two groups of unit vectors: even rows about the first axis, odd rows about the second."""
    noise = np.random.default_rng(5).normal(size=(len(NAMES), 5)) * 0.05
    noise[np.arange(len(NAMES)), np.arange(len(NAMES)) % 2] += 1
    found: list[list[float]] = (noise / np.linalg.norm(noise, axis=1, keepdims=True)).tolist()
    return found


def with_runs(data: Path) -> Path:
    """Add two runs: one by diversity and speed, one by classes."""
    pairs = {"fast": (metadata("speed"), WEIGHTS), "classes": (CLASSES, UNIFORM)}
    for name, pair in pairs.items():
        chosen = api.select(config((EMBEDDINGS, DIVERSITY), pair, n_samples=8), data)
        chosen.save(data / ".selectlab" / "runs" / name)
    return data


def with_index(data: Path) -> Path:
    """Add an index of the samples."""
    Corpus.build(open_dataset(data), space_id="by hand")
    return data


def with_objects(data: Path) -> Path:
    """Add embeddings of the objects, and an index of them; they lie where their pictures do."""
    owners = [(k, number) for k in range(len(NAMES)) for number in range(k % 4)]
    places = np.random.default_rng(6).normal(size=(len(owners), 5)) * 0.05
    places[np.arange(len(owners)), [k % 2 for k, _ in owners]] += 1
    table = {
        "sample_id": [NAMES[k] for k, _ in owners],
        "object": [number for _, number in owners],
        "embedding": places.tolist(),
    }
    build(data, {"embeddings/det.parquet": parquet(table)})
    Corpus.build(open_dataset(data), task="det", space_id="by hand, objects")
    return data


def wait_for(reached: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + WAIT_S
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.02)


class Client:
    """Asks the served page as a browser does."""

    def __init__(self, studio: Studio, access: Access, address: str) -> None:
        self.studio, self.access, self.address = studio, access, address
        # The server cuts a line that was idle for 5 s: none is used anew at that moment.
        kept = httpx.Limits(keepalive_expiry=1)
        self.http = httpx.Client(base_url=address, timeout=WAIT_S, trust_env=False, limits=kept)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, **body: Any) -> Any:
        answer = self.http.post(path, json=body, headers={"x-csrf-token": self.access.csrf})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, path: str, **body: Any) -> str:
        answer = self.http.post(path, json=body, headers={"x-csrf-token": self.access.csrf})
        assert answer.status_code == 400, answer.text
        line: str = answer.json()["error"]
        return line

    def finished(self) -> dict[str, Any]:
        """Wait for the job, and return how it ended."""
        job = self.studio.jobs.current
        assert job is not None
        assert job.wait(WAIT_S)
        return job.to_json()

    def collected(self) -> str:
        """Return the name of a new campaign that has collected what is like three even rows."""
        name = f"night {len(self.studio.campaigns.list())}"
        self.post("/api/campaigns/new", name=name, ids=SEEDS, threshold=0.05)
        self.post("/api/campaign/collect", name=name)
        assert self.finished()["state"] == "done"
        return name


@contextmanager
def exposed_to_others(data: Path) -> Iterator[Client]:
    """Serve the page of a folder as on an address that others reach: with a token."""
    with served(Studio(open_dataset(data)), Access.to("0.0.0.0", 8384)) as client:
        yield client


@contextmanager
def served(studio: Studio, access: Access | None = None) -> Iterator[Client]:
    """Serve the page on a free port of the loopback address."""
    with studio, bound("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        given = access or Access(port=port)
        server = server_of(make_app(studio, given), log_level="critical")
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        wait_for(lambda: bool(server.started))
        studio._fresh._first.join(WAIT_S)  # what changes from now on is a change
        client = Client(studio, given, f"http://127.0.0.1:{port}")
        try:
            yield client
        finally:
            client.http.close()
            server.should_exit = True
            thread.join(WAIT_S)


def flickering_folder(root: Path, n_frames: int = 12, missing: Container[int] = (5,)) -> Path:
    """Write frames of a video whose first object is not found in some."""
    from video_builder import scene, write_image

    names = [f"clip-{k:03d}-mp4.png" for k in range(n_frames)]
    task = ".lightly/predictions/det"
    files: dict[str, Any] = {
        ".lightly/predictions/tasks.json": ["det"],
        f"{task}/schema.json": {
            "task_type": "object-detection",
            "categories": [{"id": 0, "name": "disc"}, {"id": 1, "name": "square"}],
        },
    }
    for k, name in enumerate(names):
        found = [
            {
                "category_id": kind,
                "bbox": [x - size / 2, y - size / 2, size, size],
                "score": 0.9,
            }
            for kind, x, y, size in scene(k)
            if not (k in missing and kind == 0)
        ]
        content = {"file_name": name, "predictions": found}
        files[f"{task}/{name.removesuffix('.png')}.json"] = content
    data = build(root / "video", files)
    for k, name in enumerate(names):
        write_image(data / name, k)
    return data
