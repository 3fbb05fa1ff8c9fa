"""A dataset on a real S3 server, on loopback, reads like the same folder on disk."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folder_builder import build, detection_files, npy, parquet, png
from workers import MAKE, grouped

from selectlab.cluster import clusters
from selectlab.errors import DataError
from selectlab.inputs import Embeddings
from selectlab.inputs.folder import open_dataset

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    moto = pytest.importorskip("moto.server", reason="needs selectlab[dev]: moto[server]")
    running = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty bucket, found as users would say it: through the environment."""
    s3fs = pytest.importorskip("s3fs", reason="needs selectlab[s3]")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    fs = s3fs.S3FileSystem()
    with warnings.catch_warnings():
        fs.mkdir("bucket")
        yield fs
        fs.rm("bucket", recursive=True)
    s3fs.S3FileSystem.clear_instance_cache()


def dataset_files() -> dict[str, Any]:
    vectors = {
        "sample_id": ["a/1.png", "a/2.png", "b/3.jpg"],
        "embedding": [[1, 2], [3, 4], [5, 6]],
    }
    objects = {"sample_id": ["a/1.png"] * 2, "object": [1, 0], "embedding": [[1], [2]]}
    return detection_files() | {
        "embeddings.parquet": parquet(vectors | {"site": ["x", "y", "z"]}),
        "embeddings/det.parquet": parquet(objects),
        "embeddings/other.npy": npy([[0.5], [1.5], [2.5]]),
        "embeddings/other.ids.txt": "b/3.jpg\na/1.png\na/2.png\n",
        "metadata.csv": "sample_id,score\na/1.png,0.5\n",
        ".lightly/metadata/a/1.json": {
            "file_name": "a/1.png", "type": "image", "metadata": {"wet": True},
        },
        "odd [1]*.png": png(),
        ".lightly/predictions/det/odd [1]*.json": {"file_name": "odd [1]*.png", "predictions": []},
        "tags/t.txt": "a/2.png\n",
        "datasets.json": {"q": "../query"},
        ".selectlab/metrics.png": png(),
    }  # fmt: skip


def test_a_bucket_reads_like_a_folder(bucket: Any, tmp_path: Path) -> None:
    build(tmp_path, dataset_files())
    bucket.put(f"{tmp_path}/", "bucket/ds/", recursive=True)
    here, there = open_dataset(tmp_path), open_dataset("s3://bucket/ds")
    assert there.ids == here.ids == ("a/1.png", "a/2.png", "b/3.jpg", "odd [1]*.png")
    mine, theirs = here.predictions("det"), there.predictions("det")
    for name in ("offsets", "category", "score", "boxes", "probabilities", "listed"):
        assert np.array_equal(
            getattr(mine, name), getattr(theirs, name), equal_nan=name != "listed"
        )
    for space in (None, "other"):
        mine_table, their_table = (d.source.embeddings(space) for d in (here, there))
        assert mine_table is not None
        assert their_table is not None
        found = there.vectors(their_table, normalize=True)
        assert np.array_equal(here.vectors(mine_table, normalize=True)[0], found[0])
    objects = there.source.object_embeddings("det")
    assert objects is not None
    assert objects.objects is not None
    assert objects.objects.tolist() == [1, 0]
    mine_data, their_data = here.metadata(), there.metadata()
    assert mine_data is not None
    assert their_data is not None
    assert their_data.frame.equals(mine_data.frame)


def test_links_images_and_cache(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    build(tmp_path / "data", dataset_files())
    bucket.put(f"{tmp_path}/data/", "bucket/ds/", recursive=True)
    source = open_dataset("s3://bucket/ds/").source
    assert source.uri("b/3.jpg") == "s3://bucket/ds/b/3.jpg"
    with source.open_image("b/3.jpg") as file:
        assert file.read() == png()
    assert source.tag("t") == ["a/2.png"]
    assert source.linked("q") == "s3://bucket/query"
    cache = source.cache_folder()
    assert cache is not None
    assert Path(cache).parent == tmp_path / "cache" / "selectlab"


def test_what_is_not_there(bucket: Any) -> None:
    with pytest.raises(DataError, match="no samples"):
        open_dataset("s3://bucket/none")
    with pytest.raises(DataError, match="s3://nobody/none"):
        open_dataset("s3://nobody/none")


@pytest.mark.parametrize("form", ["npy", "parquet"])
def test_workers_read_their_stretch_of_a_bucket(bucket: Any, tmp_path: Path, form: str) -> None:
    """Processes with nothing but the URL and the environment."""
    own = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    ids = [f"{i:03d}.png" for i in np.random.default_rng(1).permutation(200)]
    files: dict[str, Any] = {"embeddings.npy": npy(own), "ids.txt": "\n".join(ids)}
    if form == "parquet":
        files = {"embeddings.parquet": grouped(ids, own)}
    build(tmp_path, files)
    bucket.put(f"{tmp_path}/", "bucket/ds/", recursive=True)
    here = Embeddings().load(open_dataset(tmp_path))
    with clusters.running("process", 2, MAKE):
        there = Embeddings().load(open_dataset("s3://bucket/ds"))
        assert np.array_equal(here.vectors, there.vectors[:])
