"""The example of the labelling loop, with a real server and a small detector."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import label_studio_server
import pytest
from label_studio_server import Server
from video_builder import HEIGHT, NAMES, WIDTH, scene, trained_model, write_image

from selectlab.rounds import Rounds

LOOP = Path(__file__).resolve().parent.parent / "examples" / "labelling-loop" / "loop.sh"
N_IMAGES, BUDGET, SEED, PROJECT = 24, 6, 3, "Night & day"

weights = pytest.fixture(scope="session")(trained_model)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with label_studio_server.running() as running:
        yield running


def truth(number: int, tool: str) -> list[dict[str, Any]]:
    """What a careful person marks in an image, as the browser sends it."""
    return [
        {
            "from_name": tool,
            "to_name": "image",
            "type": "rectanglelabels",
            "original_width": WIDTH,
            "original_height": HEIGHT,
            "value": {
                "x": 100 * (x - size / 2) / WIDTH,
                "y": 100 * (y - size / 2) / HEIGHT,
                "width": 100 * size / WIDTH,
                "height": 100 * size / HEIGHT,
                "rotation": 0,
                "rectanglelabels": [NAMES[kind]],
            },
        }
        for kind, x, y, size in scene(number, SEED)
    ]


def label_what_is_open(server: Server) -> None:
    """Sit down at the server and label."""
    for project in server.ask("GET", "/api/projects")["results"]:
        [tool] = re.findall(r'<RectangleLabels name="([^"]+)"', project["label_config"])
        for task in server.tasks(project["id"]):
            if not task["total_annotations"]:
                assert task["predictions"], "the model finds these shapes"
                number = int(Path(task["data"]["sample_id"]).stem)
                server.annotate(task["id"], truth(number, tool))


@contextmanager
def a_person_at(server: Server) -> Iterator[None]:
    """Have somebody label whatever comes in, until the block ends."""
    done = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while not done.wait(1):
                label_what_is_open(server)
        except BaseException as error:
            failures.append(error)

    person = threading.Thread(target=work)
    person.start()
    try:
        yield
    finally:
        done.set()
        person.join()
        assert not failures, failures


def run_round(server: Server, data: Path, model: Path, run: Path) -> list[str]:
    """Run the script as a user would, and return what it selected."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "SELECTLAB_LABEL_STUDIO_URL": server.url,
        "SELECTLAB_LABEL_STUDIO_TOKEN": server.token,
        "PROJECT": PROJECT,
        "BUDGET": str(BUDGET),
        "EPOCHS": "1",
        "IMGSZ": "160",
        "LOOK": "1",
    }
    done = subprocess.run(
        ["bash", LOOP, data, model, run],
        env=environment, capture_output=True, text=True, timeout=1500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return (run / "selection" / "selection.txt").read_text().split()


@pytest.mark.slow
def test_two_rounds_with_people_in_between(server: Server, weights: Path, tmp_path: Path) -> None:
    """Every round selects what no round has had, and trains on all that was labelled."""
    data = server.root / "night"
    for number in range(N_IMAGES):
        write_image(data / f"{number:03d}.png", number, SEED)
    with a_person_at(server):
        first = run_round(server, data, weights, tmp_path / "round1")
        second = run_round(server, data, tmp_path / "round1" / "model.pt", tmp_path / "round2")
    assert len(first) == len(second) == BUDGET
    assert not set(first) & set(second)

    labels = {label.sample_id: label for label in Rounds(data).labels()}
    assert set(labels) == {*first, *second}
    for sample_id, label in labels.items():
        wanted = scene(int(Path(sample_id).stem), SEED)
        assert [shape.category for shape in label.shapes] == [NAMES[kind] for kind, *_ in wanted]
        for shape, (_, x, y, size) in zip(label.shapes, wanted, strict=True):
            assert shape.box == pytest.approx((x - size / 2, y - size / 2, size, size), abs=1e-3)

    written = {path.stem for path in (tmp_path / "round2" / "labels" / "labels").rglob("*.txt")}
    assert written == {Path(sample_id).stem for sample_id in labels}
    manifest = json.loads((tmp_path / "round2" / "selection" / "manifest.json").read_text())
    assert manifest["counts"]["preselected"] == BUDGET
