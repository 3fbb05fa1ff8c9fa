"""Datasets pushed, and selections marked, through the real client to a peer that keeps all."""

from __future__ import annotations

import json
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aperture_client
import aperture_peer
import numpy as np
import pytest
from PIL import Image

from selectlab import Dataset, select

ODD = (
    *("a/b c.png", "Straße/車 1.png", "100%.png", 'it\'s "so".png', "$0.png", "#N&A<1>.png"),
    "0042.png",
)
"""Sample ids."""


@pytest.fixture(scope="module")
def client() -> Iterator[aperture_client.Client]:
    with aperture_client.running() as found:
        yield found


@pytest.fixture
def peer() -> Iterator[aperture_peer.Peer]:
    with aperture_peer.running() as found:
        yield found


def dataset(folder: Path, names: tuple[str, ...] = ODD, *, dimension: int = 4) -> Path:
    """Images that all differ, embeddings, and detections and outlines of every other image."""
    for at, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 48), (at % 256, at // 256, 7)).save(path)
    np.save(folder / "embeddings.npy", vectors(len(names), dimension))
    (folder / "ids.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    (folder / "predictions").mkdir()
    images = [
        {"id": n, "file_name": name, "width": 64, "height": 48} for n, name in enumerate(names)
    ]
    found = [
        {
            "id": n, "image_id": n, "category_id": 7 * (n % 4 // 2), "score": 0.5 + n / 10_000,
            "bbox": [1.4, 2, 10, 12], "segmentation": [[1, 1, 9, 1, 9, 9]],
        }
        for n in range(0, len(names), 2)
    ]  # fmt: skip
    categories = [{"id": 0, "name": "car"}, {"id": 7, "name": "7"}]
    content = {"images": images, "categories": categories, "annotations": found}
    (folder / "predictions" / "det.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def vectors(n: int, dimension: int = 4) -> Any:
    return np.arange(n * dimension, dtype=np.float32).reshape(n, dimension) / 3 + 1


def env(peer: aperture_peer.Peer) -> dict[str, str]:
    return {"APERTUREDB_JSON": peer.config}


def check_everything(peer: aperture_peer.Peer, folder: Path, names: tuple[str, ...] = ODD) -> None:
    """All of a dataset is there, once."""
    images = peer.by("Image", "id")
    assert set(images) == set(names)
    for name, image in images.items():
        assert image.blob == (folder / name).read_bytes()
    boxes = peer.by("BoundingBox", "box_id").values()
    assert sorted(box.about["image"].properties["id"] for box in boxes) == sorted(names[::2])
    areas = peer.by("Polygon", "polygon_id").values()
    assert sorted(area.about["image"].properties["id"] for area in areas) == sorted(names[::2])
    descriptors = peer.by("Descriptor", "id")
    for at, row in enumerate(vectors(len(names))):
        assert (
            np.frombuffer(descriptors[names[at]].blob or b"", np.float32).tolist() == row.tolist()
        )
    assert len(peer.connections) == len(names)
    for _, image, descriptor, _ in peer.connections:
        assert image.properties["id"] == descriptor.properties["id"]


@pytest.mark.parametrize("version", [aperture_client.NEWEST, aperture_client.OLDEST])
def test_a_dataset_arrives_and_a_repeat_sends_no_image_again(
    version: str, peer: aperture_peer.Peer, tmp_path: Path
) -> None:
    folder = dataset(tmp_path / "data")
    half = (len(ODD) + 1) // 2
    with aperture_client.running(version) as client:
        first = client.selectlab("aperturedb", "push", folder, "--json", **env(peer))
        assert first.told == {
            "images": {"added": len(ODD), "there": 0},
            "boxes": {"added": half, "there": 0},
            "outlines": {"added": half, "there": 0},
            "descriptors": {"added": len(ODD), "there": 0},
            "connections": {"added": len(ODD), "there": 0},
            "refused": [],
            "notes": [],
        }
        assert (first.code, first.err) == (0, "")
        check_everything(peer, folder)
        n_sent = len(peer.sent("AddImage")), len(peer.sent("AddDescriptor"))
        again = client.selectlab("aperturedb", "push", folder, "--json", **env(peer))
        assert again.told["images"] == {"added": 0, "there": len(ODD)}
        assert again.told["outlines"] == {"added": 0, "there": half}
        assert again.told["connections"] == {"added": 0, "there": len(ODD)}
        assert (len(peer.sent("AddImage")), len(peer.sent("AddDescriptor"))) == n_sent
        check_everything(peer, folder)
        assert not list(client.home.glob("*.log"))
    (box,) = [b for b in peer.of("BoundingBox") if b.about["image"].properties["id"] == "100%.png"]
    assert box.about["_label"] == "7"
    assert box.about["rectangle"] == {"x": 1, "y": 2, "width": 10, "height": 12}
    assert box.properties["score"] == 0.5002
    assert peer.indexes >= {("entity", "_Image", "id"), ("entity", "_BoundingBox", "box_id")}


def test_texts_stay_texts_and_numbers_numbers(
    client: aperture_client.Client, peer: aperture_peer.Peer, tmp_path: Path
) -> None:
    """No guess is made of a drive called 0042 or a category called 7; what is missing is not set."""
    import pandas as pd

    names = ("0001.png", "0002.png", "0003.png")
    folder = dataset(tmp_path / "data", names)
    told = folder / "predictions" / "det.json"
    told.write_text(told.read_text().replace('"category_id": 0', '"category_id": 7'))
    metadata = {"drive": ["0042", "0043", "1e5"], "n": [1, None, 3], "wet": [True, False, True]}
    table = pd.DataFrame({"sample_id": names, **metadata}).astype({"n": "Int64"})
    table.to_parquet(folder / "metadata.parquet")
    done = client.selectlab("aperturedb", "push", folder, **env(peer))
    assert done.code == 0, done
    images = peer.by("Image", "id")
    assert [images[name].properties for name in names] == [
        {"id": "0001.png", "metadata_drive": "0042", "metadata_n": 1, "metadata_wet": True},
        {"id": "0002.png", "metadata_drive": "0043", "metadata_wet": False},
        {"id": "0003.png", "metadata_drive": "1e5", "metadata_n": 3, "metadata_wet": True},
    ]
    regions = peer.of("BoundingBox") + peer.of("Polygon")
    assert [region.about["_label"] for region in regions] == ["7"] * 4


def test_a_part_of_a_dataset_under_other_names(
    client: aperture_client.Client, peer: aperture_peer.Peer, tmp_path: Path
) -> None:
    folder, chosen = dataset(tmp_path / "data"), tmp_path / "some.txt"
    chosen.write_text(f"{ODD[2]}\n{ODD[0]}\n", encoding="utf-8")
    words = ["--prefix", "cam1:", "--key", "name", "--descriptor-set", "faces", "--metric", "CS"]
    command = ("aperturedb", "push", folder, "--run", chosen, *words)
    done = client.selectlab(*command, "--no-predictions", **env(peer))
    assert done.code == 0, done
    assert list(peer.by("Image", "name")) == [f"cam1:{ODD[2]}", f"cam1:{ODD[0]}"]
    assert not peer.of("BoundingBox")
    (made,) = peer.of("DescriptorSet")
    assert made.about == {
        "_name": "faces", "_dimensions": 4, "_engines": ["HNSW"], "_metrics": ["CS"],
    }  # fmt: skip
    done = client.selectlab(*command, "--no-embeddings", "--json", **env(peer))
    assert done.told == {
        "images": {"added": 0, "there": 2},
        "boxes": {"added": 2, "there": 0},
        "outlines": {"added": 2, "there": 0},
        "refused": [],
        "notes": [],
    }


def run_of(folder: Path, n: int) -> Path:
    """A real selection of a dataset."""
    config = {
        "n_samples": n,
        "strategies": [{"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}],
    }
    names = (folder / "ids.txt").read_text(encoding="utf-8").splitlines()
    chosen = select(config, Dataset(names, embeddings=vectors(len(names))))
    chosen.save(folder.parent / f"run{n}")
    return folder.parent / f"run{n}"


def test_a_selection_is_marked_on_its_images(
    client: aperture_client.Client, peer: aperture_peer.Peer, tmp_path: Path
) -> None:
    folder = dataset(tmp_path / "data")
    run = run_of(folder, 3)
    assert client.selectlab("aperturedb", "push", folder, "--no-embeddings", **env(peer)).code == 0
    done = client.selectlab("aperturedb", "mark", run, **env(peer))
    picks = json.loads((run / "selection.json").read_text(encoding="utf-8"))["selected"]
    images = peer.by("Image", "id")
    names = {
        image.properties["selectlab_run"] for image in images.values() if len(image.properties) > 1
    }
    assert len(names) == 1
    assert done.out == (
        f"3 of 3 images marked, selectlab_run = {names.pop()}: 127.0.0.1:{peer.port}\n"
    )
    for pick in picks:
        properties = images[pick["sample_id"]].properties
        assert properties["selectlab_rank"] == pick["rank"]
        assert properties["selectlab_score"] == pick["score"]
        assert properties["selectlab_reason"] == pick["reason"]
    chosen = {pick["sample_id"] for pick in picks}
    for name, image in images.items():
        assert ("selectlab_rank" in image.properties) == (name in chosen)
    before = {name: dict(image.properties) for name, image in images.items()}
    again = client.selectlab("aperturedb", "mark", run, "--mark", "night", "--json", **env(peer))
    assert again.told["marked"] == 3
    for name, image in peer.by("Image", "id").items():
        assert {**image.properties, **before[name]} == image.properties
        assert ("night_rank" in image.properties) == (name in chosen)


def test_samples_without_an_image_are_not_passed_over(
    client: aperture_client.Client, peer: aperture_peer.Peer, tmp_path: Path
) -> None:
    folder, wanted = dataset(tmp_path / "data", ODD[:2]), tmp_path / "wanted.txt"
    client.selectlab("aperturedb", "push", folder, **env(peer))
    wanted.write_text(f"nobody.png\n{ODD[0]}\nnothing.png\n", encoding="utf-8")
    done = client.selectlab("aperturedb", "mark", wanted, **env(peer))
    assert done.code == 2
    assert done.out.startswith("1 of 3 images marked")
    assert done.err == (
        "error: samples without an image in the database: 2, first in 'nobody.png'\n"
    )
    assert peer.by("Image", "id")[ODD[0]].properties["selectlab_rank"] == 2


def test_what_the_server_refuses_spoils_nothing_else(
    client: aperture_client.Client, peer: aperture_peer.Peer, tmp_path: Path
) -> None:
    """Of 7 images one is none to the server and one cannot be read; both were in one batch."""
    folder = dataset(tmp_path / "data")
    bad = (folder / ODD[1]).read_bytes()
    peer.image_check = lambda blob: blob != bad
    (folder / ODD[3]).unlink()
    places = ("--image-url", f"{folder}/{{id_raw}}")
    done = client.selectlab("aperturedb", "push", folder, *places, "--json", **env(peer))
    assert done.code == 2
    assert done.told["images"] == {"added": 5, "there": 0}
    assert done.told["refused"] == [
        f"images refused (the blob is no image): 1, first in {ODD[1]!r}",
        f"images refused (Error loading image: {folder / ODD[3]}): 1, first in {ODD[3]!r}",
    ]
    assert set(peer.by("Image", "id")) == set(ODD) - {ODD[1], ODD[3]}
    assert done.told["descriptors"] == {"added": 7, "there": 0}
    assert done.told["connections"] == {"added": 5, "there": 0}
    assert done.told["notes"][0].startswith(
        "descriptors of samples without an image in the database: 2"
    )


def test_a_server_that_takes_nothing_is_not_asked_for_ever(
    client: aperture_client.Client, peer: aperture_peer.Peer, tmp_path: Path
) -> None:
    names = tuple(f"{at:03d}.png" for at in range(60))
    folder = dataset(tmp_path / "data", names)
    peer.before = refuse("AddImage", "the disk is full")
    done = client.selectlab("aperturedb", "push", folder, **env(peer))
    assert (done.code, done.out) == (2, "")
    assert (
        done.err == f"error: ApertureDB at 127.0.0.1:{peer.port} takes nothing: the disk is full\n"
    )
    assert len(peer.sent("AddImage")) < 60 + 30


def refuse(command: str, why: str) -> Any:
    def before(query: list[dict[str, Any]]) -> None:
        if any(command in one for one in query):
            raise aperture_peer.RefusedError(why)

    return before


def test_an_error_of_the_server_is_a_line(
    client: aperture_client.Client, peer: aperture_peer.Peer, tmp_path: Path
) -> None:
    folder = dataset(tmp_path / "data")
    peer.before = refuse("FindImage", "the license\nhas expired")
    done = client.selectlab("aperturedb", "push", folder, **env(peer))
    assert (done.code, done.out) == (2, "")
    assert done.err == f"error: ApertureDB at 127.0.0.1:{peer.port} says: the license\n"


def test_a_set_of_another_dimension_is_refused(
    client: aperture_client.Client, peer: aperture_peer.Peer, tmp_path: Path
) -> None:
    one, other = (
        dataset(tmp_path / "one", ODD[:2]),
        dataset(tmp_path / "other", ODD[:2], dimension=3),
    )
    assert client.selectlab("aperturedb", "push", one, **env(peer)).code == 0
    done = client.selectlab("aperturedb", "push", other, **env(peer))
    assert done.code == 2
    assert done.err == (
        "error: descriptor set 'embeddings' has 4 dimensions, these embeddings 3; choose another "
        "one: --descriptor-set\n"
    )


def test_two_images_with_one_id_are_told(
    client: aperture_client.Client, peer: aperture_peer.Peer, tmp_path: Path
) -> None:
    folder = dataset(tmp_path / "data", ODD[:2])
    for _ in range(2):
        peer.entities.append(aperture_peer.Entity("Image", {"id": ODD[0]}))
    done = client.selectlab("aperturedb", "push", folder, "--no-embeddings", "--json", **env(peer))
    assert done.told["notes"] == [
        f"samples that several images in the database have as their id: 1, first in {ODD[0]!r}"
    ]
    assert done.told["refused"] == [
        f"boxes refused (2 objects where one is expected): 1, first in {ODD[0]!r}",
        f"outlines refused (the reference points to several images): 1, first in {ODD[0]!r}",
    ]


def test_nobody_there(client: aperture_client.Client, tmp_path: Path) -> None:
    folder = dataset(tmp_path / "data", ODD[:1])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nobody = aperture_peer.Peer(port)
    done = client.selectlab("aperturedb", "push", folder, **env(nobody))
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"error: ApertureDB at 127.0.0.1:{port} cannot be reached: Connection refused\n"
    )


def test_somebody_else_there(client: aperture_client.Client, tmp_path: Path) -> None:
    """A server that hangs up on the hello."""
    folder = dataset(tmp_path / "data", ODD[:1])
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def hang_up() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=hang_up, daemon=True).start()
        done = client.selectlab("aperturedb", "push", folder, **env(aperture_peer.Peer(port)))
        server.shutdown(socket.SHUT_RDWR)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: ApertureDB at 127.0.0.1:{port} cannot be reached: ")
    assert done.err.count("\n") == 1


def test_a_wrong_password(
    client: aperture_client.Client, peer: aperture_peer.Peer, tmp_path: Path
) -> None:
    folder = dataset(tmp_path / "data", ODD[:1])
    wrong = json.dumps({**json.loads(peer.config), "password": "guess"})
    done = client.selectlab("aperturedb", "push", folder, APERTUREDB_JSON=wrong)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"error: ApertureDB at 127.0.0.1:{peer.port} refuses 'tester': Wrong username or password\n"
    )


def test_no_configuration(client: aperture_client.Client, tmp_path: Path) -> None:
    folder = dataset(tmp_path / "data", ODD[:1])
    done = client.selectlab("aperturedb", "push", folder)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: the ApertureDB client: No configuration found; make one with 'adb config create', "
        "or set APERTUREDB_KEY\n"
    )
    done = client.selectlab("aperturedb", "mark", folder / "ids.txt", "--config", "mine")
    assert done.err == (
        "error: --config: the ApertureDB client has no 'mine'; 'adb config ls' lists them\n"
    )
    broken = '{"host": "h", "username": "u", "token": "adbp_secret"}'
    done = client.selectlab("aperturedb", "push", folder, APERTUREDB_JSON=broken)
    assert done.err == (
        "error: the ApertureDB client: password is required in the configuration; make one with "
        "'adb config create', or set APERTUREDB_KEY\n"
    )


def test_a_configuration_of_the_client_is_found(
    client: aperture_client.Client, peer: aperture_peer.Peer, tmp_path: Path
) -> None:
    """Made by the client's own command, in the user's home."""
    folder = dataset(tmp_path / "data", ODD[:2])
    program = f"""
from aperturedb.cli.configure import create
create(name='lab', host='127.0.0.1', port={peer.port}, username='tester', password={aperture_peer.PASSWORD!r},
       use_ssl=False, use_rest=False, interactive=False, overwrite=True, active=False, as_global=True)
found = None
"""
    client.evaluate(program)
    done = client.selectlab("aperturedb", "push", folder, "--config", "lab")
    assert done.code == 0, done
    assert len(peer.of("Image")) == 2


def test_a_server_that_does_not_answer(
    client: aperture_client.Client, peer: aperture_peer.Peer, tmp_path: Path
) -> None:
    """The client asks three times, a second each here; then no more batches go out."""
    folder = dataset(tmp_path / "data", tuple(f"{at:03d}.png" for at in range(20)))
    over = threading.Event()

    def before(query: list[dict[str, Any]]) -> None:
        if "AddImage" in query[0]:
            over.wait(240)
            raise ConnectionError

    peer.before = before
    words = ("--timeout", 1, "--batch", 2, "--threads", 2)
    done = client.selectlab("aperturedb", "push", folder, *words, **env(peer))
    over.set()
    assert sum("AddImage" in query[0] for query in peer.messages) <= 2 * 3
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"error: ApertureDB at 127.0.0.1:{peer.port}: the connection is lost, timed out; what has "
        "arrived stays, the same command goes on from there\n"
    )


def test_a_connection_that_breaks_is_made_again(
    client: aperture_client.Client, peer: aperture_peer.Peer, tmp_path: Path
) -> None:
    """The server hangs up after it has carried out a batch: the answer is lost, not the images."""
    names = tuple(f"{at:03d}.png" for at in range(30))
    folder = dataset(tmp_path / "data", names)
    answer, once = peer.answer, threading.Lock()

    def hangs_up(query: list[dict[str, Any]], blobs: list[bytes], token: str) -> Any:
        found = answer(query, blobs, token)
        if "AddImage" in query[0] and once.acquire(blocking=False):
            raise ConnectionError
        return found

    peer.answer = hangs_up  # type: ignore[method-assign]
    done = client.selectlab(
        "aperturedb", "push", folder, "--batch", 5, "--threads", 2, "--json", **env(peer)
    )
    assert done.code == 0, done
    assert sum(done.told["images"].values()) == 30
    check_everything(peer, folder, names)


@pytest.mark.slow
def test_killed_again_and_again_nothing_is_lost_and_nothing_doubled(
    client: aperture_client.Client, peer: aperture_peer.Peer, tmp_path: Path
) -> None:
    """SIGKILL when so many queries have come; the number is drawn."""
    names = tuple(f"{at:03d}.png" for at in range(120))
    folder = dataset(tmp_path / "data", names)
    draw = random.Random(0)
    command = ("aperturedb", "push", folder, "--batch", 2, "--threads", 2)
    for _ in range(5):
        limit = len(peer.messages) + draw.randrange(8, 60)
        process = client.start(*command, **env(peer))
        while process.poll() is None and len(peer.messages) < limit:
            time.sleep(0.002)
        process.kill()
        process.communicate()
    done = client.selectlab(*command, **env(peer))
    assert done.code == 0, done
    check_everything(peer, folder, names)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_stopped_it_says_so_and_the_same_command_goes_on(
    client: aperture_client.Client,
    peer: aperture_peer.Peer,
    tmp_path: Path,
    number: signal.Signals,
    code: int,
    word: str,
) -> None:
    names = tuple(f"{at:03d}.png" for at in range(60))
    folder = dataset(tmp_path / "data", names)
    begun, told = threading.Event(), threading.Event()

    def before(query: list[dict[str, Any]]) -> None:
        if "AddImage" in query[0] and len(peer.of("Image")) >= 2:
            begun.set()
            told.wait(240)
            time.sleep(0.2)

    peer.before = before
    process = client.start("aperturedb", "push", folder, "--batch", 2, **env(peer))
    assert begun.wait(240)
    process.send_signal(number)
    told.set()
    out, err = process.communicate(timeout=240)
    assert (process.returncode, out) == (code, "")
    assert err == (
        f"{word} while sending; what has arrived stays, the same command goes on from there\n"
    )
    assert 0 < len(peer.of("Image")) < 60
    peer.before = lambda query: None
    assert client.selectlab("aperturedb", "push", folder, **env(peer)).code == 0
    check_everything(peer, folder, names)


def test_without_the_client_a_line_says_what_to_install(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "data", ODD[:1])
    program = "import sys; sys.modules['aperturedb'] = None; from selectlab.cli import main; main()"
    command = [sys.executable, "-c", program, "aperturedb", "push", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: the ApertureDB client is not installed; pip install 'selectlab[aperturedb]'\n"
    )


def test_a_protobuf_that_the_client_does_not_go_with_is_a_line(
    client: aperture_client.Client, peer: aperture_peer.Peer, tmp_path: Path
) -> None:
    """It knows those up to 6."""
    folder = dataset(tmp_path / "data", ODD[:1])
    newer = aperture_client.site_of("protobuf", "protobuf==7.36.2")
    process = client.start("aperturedb", "push", folder, first=newer, **env(peer))
    _, err = process.communicate(timeout=240)
    assert process.returncode == 2, err
    assert err == (
        "error: the ApertureDB client cannot be loaded: aperturedb not compatible with 7.36.2; "
        "pip install 'selectlab[aperturedb]'\n"
    )


def page(language: str) -> list[str]:
    """The blocks of a language in the page about ApertureDB."""
    text = (Path(__file__).parent.parent / "docs" / "aperturedb.md").read_text(encoding="utf-8")
    return [part.partition("```")[0] for part in text.split(f"```{language}\n")[1:]]


@pytest.mark.slow
def test_what_the_page_says_works(
    client: aperture_client.Client, peer: aperture_peer.Peer, tmp_path: Path
) -> None:
    """Its commands and programs, but those that install."""
    folder = dataset(client.home / "dataset")
    run_of(folder, 3).rename(client.home / "run1")
    *_, export, loads = page("bash")
    update, ours = page("python")
    _, *words = export.split()
    assert client.selectlab(*words, **env(peer)).code == 0
    load = (
        """
import os
os.environ['APERTUREDB_JSON'] = given[1]
os.chdir(given[0])
from aperturedb.cli.adb import app
for line in given[2]:
    app(line.split()[1:], standalone_mode=False)
"""
        + update
        + "found = None"
    )
    where = str(client.home / "aperturedb")
    client.evaluate(load, [where, peer.config, loads.splitlines()])
    chosen = [image.properties["selectlab_rank"] for image in peer.of("Image")]
    assert sorted(chosen) == [1, 2, 3]
    assert len(peer.of("Descriptor")) == len(peer.connections) == 3
    program = "import os; os.environ['APERTUREDB_JSON'] = given[1]; os.chdir(given[0])\n"
    program += ours.replace("print(", "found = (")
    added, marked = client.evaluate(program, [str(client.home), peer.config])
    assert (added, marked) == (len(ODD), 3)
    assert [len(json.loads(text)) for text in page("json")] == [1, 1]
