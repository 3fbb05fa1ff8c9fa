"""A report taken apart again, and datasets to report on."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import video_builder as videos
from folder_builder import build, parquet
from small_dataset import picture

from selectlab import api
from selectlab.assertion_run import run_assertion, write_run
from selectlab.assertions.flicker import Flicker
from selectlab.dataset import Dataset
from selectlab.inputs.folder import open_dataset
from selectlab.report.html import render

HOSTILE = "</script><script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'>"
"""Text that is harmless only where it is escaped."""


class Page(HTMLParser):
    """What a page consists of.

    ``tags`` are names with attributes; ``charts`` are the figures by section and title, ``tables``
    the rows of the tables that stand below them; ``scripts`` those that a browser would run.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.charts: dict[str, Any] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self.scripts: list[str] = []
        self.points: Any = None
        self._texts: list[str] = []
        self._script: tuple[str, str] | None = None
        self._heads = {"h3": "", "h4": ""}
        self._open, self._in_cell = "", False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        self.tags.append((tag, held))
        if tag in ("script", "style"):
            self._script = (held.get("type") or tag, held.get("id") or "")
        if tag in self._heads:
            self._open, self._heads[tag] = tag, ""
        if tag == "tr":
            self.tables.setdefault(self._place, []).append([])
        if tag in ("td", "th"):
            self.tables[self._place][-1].append("")
            self._in_cell = True
        if tag in ("h2", "h3"):
            self._heads |= {"h4": ""} if tag == "h3" else {"h3": "", "h4": ""}

    def handle_endtag(self, tag: str) -> None:
        self._script, self._open, self._in_cell = None, "", False
        ends = "\n" if tag in ("p", "li", "tr", "h2", "h3", "h4", "figcaption") else " "
        self._texts.append("" if tag in ("a", "b", "span") else ends)

    def handle_data(self, data: str) -> None:
        kind, name = self._script or ("", "")
        if kind == "script":
            self.scripts.append(data)
        elif kind == "application/json" and name:
            self.points = json.loads(data)
        elif kind == "application/json":
            self.charts[self._place] = json.loads(data)
        elif not kind:
            self._texts.append(data)
            if self._in_cell:
                self.tables[self._place][-1][-1] += data
            if self._open:
                self._heads[self._open] += data

    @property
    def _place(self) -> str:
        return ": ".join(filter(None, self._heads.values()))

    @property
    def text(self) -> str:
        """Everything to be read, in single spaces; lines stay lines."""
        lines = "".join(self._texts).splitlines()
        return "\n".join(line for raw in lines if (line := " ".join(raw.split())))

    def attributes(self, name: str) -> list[str]:
        """The values of an attribute wherever it is."""
        return [value for _, held in self.tags if (value := held.get(name)) is not None]

    def count(self, tag: str, cls: str) -> int:
        """How many elements have a class."""
        return sum(t == tag and cls in (held.get("class") or "").split() for t, held in self.tags)

    def series(self, title: str, name: str) -> Any:
        """One series of a chart."""
        [found] = [one for one in self.charts[title]["data"] if one["name"] == name]
        return found


def reported(run: Path, data: Any = None, **how: Any) -> Page:
    """The report of a run."""
    dataset = data if isinstance(data, Dataset) or data is None else open_dataset(data)
    return Page(render(run, dataset, **how))


def ran(config: Any, dataset: Any, out: Path, **how: Any) -> Path:
    """Select and save."""
    api.select(config, dataset, **how).save(out)
    return out


def hostile_folder(root: Path) -> Path:
    """A dataset whose file names, metadata, classes and embeddings' names are an attack."""
    names = [f"{k}<script>window.pwned = 3</script>&'\".png" for k in range(12)]
    files: dict[str, Any] = {
        name.replace("/", "∕"): picture(k, 48, 36) for k, name in enumerate(names)
    }
    names = sorted(files)
    base = ".lightly/predictions/det"
    files[".lightly/predictions/tasks.json"] = ["det"]
    categories = [{"id": 0, "name": HOSTILE}, {"id": 1, "name": "<b>bold</b>"}]
    files[f"{base}/schema.json"] = {"task_type": "object-detection", "categories": categories}
    for k, name in enumerate(names):
        boxes = [{"category_id": k % 2, "bbox": [4, 5, 20, 15], "score": 0.5 + k / 40}]
        content = {"file_name": name, "predictions": boxes}
        files[f"{base}/{name.removesuffix('.png')}.json"] = content
    vectors = np.random.default_rng(0).normal(size=(12, 5))
    files["embeddings.parquet"] = parquet({"sample_id": names, "embedding": vectors.tolist()})
    columns = {
        "sample_id": names,
        "<i>speed</i>": np.arange(12.0).tolist(),
        HOSTILE: [HOSTILE if k % 3 else "<u>calm</u>" for k in range(12)],
    }
    files["metadata.parquet"] = parquet(columns)
    return build(root, files)


HOSTILE_CONFIG = {
    "n_samples": 5,
    "strategies": [
        {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}},
        {"input": {"type": "METADATA", "key": "<i>speed</i>"}, "strategy": {"type": "WEIGHTS"}},
        {
            "input": {"type": "METADATA", "key": HOSTILE},
            "strategy": {"type": "BALANCE", "target": {HOSTILE: 0.01, "<u>calm</u>": 0.99}},
        },
        {
            "input": {"type": "PREDICTIONS", "task": "det", "name": "CLASS_DISTRIBUTION"},
            "strategy": {"type": "BALANCE", "distribution": "UNIFORM"},
        },
    ],
}

MISSED = (5, 11)
"""Frames in which the square is not among the predictions."""


def flickering_folder(root: Path, n_frames: int = 16) -> Path:
    """A video with predictions in which an object is missing twice, and what flicker says."""
    videos.write_video(root / "a" / "clip.mp4", n_frames, seed=3)
    categories = [{"id": 4, "name": "disc"}, {"id": 7, "name": "square"}]
    base = ".lightly/predictions/det"
    files: dict[str, Any] = {
        ".lightly/predictions/tasks.json": ["det"],
        f"{base}/schema.json": {"task_type": "object-detection", "categories": categories},
    }
    for number in range(n_frames):
        boxes = []
        for kind, x, y, size in videos.scene(number, seed=3):
            if kind == 0 or number not in MISSED:
                box = [float(x - size / 2), float(y - size / 2), float(size), float(size)]
                found = {"category_id": (4, 7)[kind], "bbox": box, "score": (0.6, 0.9)[kind]}
                boxes.append(found)
        name = frame_id(number)
        content = {"file_name": name, "predictions": boxes}
        files[f"{base}/{name.removesuffix('.png')}.json"] = content
    dataset = open_dataset(build(root, files))
    write_run(run_assertion(Flicker(), dataset, "det"))
    return root


def frame_id(number: int) -> str:
    return f"a/clip-{number:02d}-mp4.png"


def line_data(n: int = 40, **more: Any) -> Dataset:
    """Samples on a line of unequal steps, and metadata that follow it."""
    x = np.cumsum(np.random.default_rng(2).uniform(0.1, 1.0, n))
    ids = [f"{k:03d}.png" for k in range(n)]
    columns = {"x": x.tolist(), "minus_x": (-x).tolist(), "same": [3.0] * n, **more}
    return Dataset(ids, embeddings=np.stack([x, np.zeros(n)], axis=1), metadata=columns)


PLAIN = {"type": "EMBEDDINGS", "normalize": False}


def sky(counts: dict[str, int]) -> Dataset:
    names = [name for name, n in counts.items() for _ in range(n)]
    ids = [f"{k:02d}.png" for k in range(len(names))]
    return Dataset(ids, metadata={"sky": names, "x": [float(k) for k in range(len(names))]})
