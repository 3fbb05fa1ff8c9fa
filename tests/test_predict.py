"""``selectlab predict`` on the true path: real decoding, a real detector, the real folder."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import video_builder as videos
from typer.testing import CliRunner

from selectlab.cli import app
from selectlab.errors import ConfigError, DataError
from selectlab.inputs.embedding_files import read_embeddings
from selectlab.inputs.folder import open_dataset
from selectlab.video.decoding import frames
from selectlab.video.detector import Detector, _load, _predictor, import_ultralytics
from selectlab.video.frames_out import write_frames
from selectlab.video.prediction import predict


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return videos.trained_model(tmp_path_factory)


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two videos, one in a sub-folder; frame 4 of the first shows nothing."""
    folder = tmp_path_factory.mktemp("footage")
    videos.write_video(folder / "a" / "one.mp4", 12, seed=3, empty=[4])
    videos.write_video(folder / "two.MOV", 5, seed=2)
    return folder


@pytest.fixture(scope="session")
def predicted(weights: Path, footage: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("predicted") / "dataset"
    predict([footage], model=str(weights), out=out, task="det", embed=True, metrics=True, batch=4)
    return out


def own(model: str, source: Any, **options: Any) -> list[Any]:
    """What ultralytics itself says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yolo = import_ultralytics().YOLO(model)
        return list(yolo.predict(source, stream=True, verbose=False, device="cpu", **options))


def lines_of(out: Path, task: str, sample: str) -> list[dict[str, Any]]:
    path = out / ".lightly" / "predictions" / task / f"{sample.rpartition('.')[0]}.json"
    content = json.loads(path.read_text())
    assert content["file_name"] == sample
    return content["predictions"]


def test_the_folder_is_as_lightly_lays_it_out(predicted: Path) -> None:
    base = predicted / ".lightly" / "predictions"
    assert json.loads((base / "tasks.json").read_text()) == ["det"]
    assert json.loads((base / "det" / "schema.json").read_text()) == {
        "task_type": "object-detection",
        "categories": [{"id": 0, "name": "disc"}, {"id": 1, "name": "square"}],
    }
    written = sorted(str(path.relative_to(base / "det")) for path in base.rglob("*-*.json"))
    assert written == [f"a/one-{n:02d}-mp4.json" for n in range(12)] + [
        f"two-{n}-MOV.json" for n in range(5)
    ]
    assert lines_of(predicted, "det", "a/one-04-mp4.png") == []  # nothing to be seen, but a file
    dataset = open_dataset(predicted)
    assert len(dataset) == 17
    assert dataset.predictions("det").listed.all()


def test_it_finds_the_objects_where_they_are(predicted: Path) -> None:
    """Otherwise the tests below would compare nothing with nothing."""
    for number in (0, 6, 11):
        boxes = lines_of(predicted, "det", f"a/one-{number:02d}-mp4.png")
        found = {held["category_id"]: held["bbox"] for held in reversed(boxes)}
        for kind, x, y, size in videos.scene(number, seed=3):
            left, top, width, height = found[kind]
            assert abs(left + width / 2 - x) < 4
            assert abs(top + height / 2 - y) < 4
            assert abs(width - size) < 10


def test_boxes_and_pixels_are_those_of_ultralytics(
    weights: Path, footage: Path, predicted: Path
) -> None:
    """Exactly equal: the decoder's pixels, the order, every coordinate and every score."""
    theirs = own(str(weights), str(footage / "a" / "one.mp4"), conf=0.1)
    decoded = [frame.pixels for frame in frames(footage / "a" / "one.mp4")]
    assert len(theirs) == len(decoded) == 12
    compared = 0
    for number, (result, pixels) in enumerate(zip(theirs, decoded, strict=True)):
        assert np.array_equal(result.orig_img, pixels)
        ours = lines_of(predicted, "det", f"a/one-{number:02d}-mp4.png")
        table = result.boxes.data.numpy()
        corners = np.array([held["bbox"] for held in ours]).reshape(-1, 4)
        corners[:, 2:] += corners[:, :2]
        assert np.allclose(corners, table[:, :4], atol=1e-4)
        assert [held["score"] for held in ours] == pytest.approx(table[:, 4].tolist(), abs=1e-6)
        assert [held["category_id"] for held in ours] == table[:, 5].astype(int).tolist()
        compared += len(ours)
    assert compared > 15


def test_probabilities_are_the_scores_of_all_classes(
    weights: Path, footage: Path, predicted: Path
) -> None:
    """The raw output of the network at the anchor of each box, found by its coordinates."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = import_ultralytics().YOLO(str(weights)).model.eval().fuse(verbose=False)
    pixels = [frame.pixels for frame in frames(footage / "a" / "one.mp4")]
    for number in (0, 3, 11):
        image = torch.from_numpy(pixels[number][..., ::-1].copy()).permute(2, 0, 1)[None] / 255
        with torch.no_grad():
            raw = network(image)[0][0].numpy()
        held = lines_of(predicted, "det", f"a/one-{number:02d}-mp4.png")
        assert held
        for box in held:
            x, y, w, h = box["bbox"]
            centre = np.array([x + w / 2, y + h / 2, w, h])
            anchor = np.abs(raw[:4] - centre[:, None]).sum(axis=0).argmin()
            scores = raw[4:, anchor]
            assert box["score"] == pytest.approx(scores.max(), abs=1e-4)
            assert box["probabilities"] == pytest.approx((scores / scores.sum()).tolist(), abs=1e-4)
            assert sum(box["probabilities"]) == pytest.approx(1, abs=1e-5)
            assert int(np.argmax(box["probabilities"])) == box["category_id"]


@pytest.mark.parametrize(
    ("model", "kind", "several"),
    [
        ("yolov8n.yaml", "object-detection", True),
        ("yolo26n.yaml", "object-detection", True),
        ("yolov10n.yaml", "object-detection", True),
        ("yolov8n-seg.yaml", "instance-segmentation", True),
        ("yolo26n-seg.yaml", "instance-segmentation", True),
        ("yolov8n-pose.yaml", "keypoint-detection", False),
        ("yolov8n-cls.yaml", "classification", True),
    ],
)
def test_every_kind_of_model_says_what_ultralytics_says(
    model: str, kind: str, several: bool, footage: Path
) -> None:
    """Models with random weights; those of this seed find something at a tiny confidence."""
    import torch

    pixels = [frame.pixels for frame in frames(footage / "two.MOV")][:2]
    torch.manual_seed(0)
    options: dict[str, Any] = {} if kind == "classification" else {"retina_masks": True}
    theirs = own(model, pixels, conf=1e-5, imgsz=96, **options)
    detector = Detector(model, confidence=1e-5, image_size_px=96, device="cpu", embed=True)
    ours = detector.predict(pixels)
    assert detector.task_type == kind
    assert not detector.lacks_probabilities
    for result, found in zip(theirs, ours, strict=True):
        assert found.image_embedding is not None
        assert found.image_embedding.shape == (256,)
        if kind == "classification":
            [held] = found.objects
            assert held["category_id"] == result.probs.top1
            assert held["probabilities"] == pytest.approx(result.probs.data.tolist(), abs=1e-5)
            continue
        assert len(found.objects) == len(result.boxes) > 0
        assert found.object_embeddings is not None
        assert found.object_embeddings.shape == (len(found.objects), 448)
        for row, held in enumerate(found.objects):
            x, y, w, h = held["bbox"]
            assert [x, y, x + w, y + h] == pytest.approx(result.boxes.xyxy[row].tolist(), abs=1e-3)
            assert held["score"] == pytest.approx(float(result.boxes.conf[row]), abs=1e-6)
            assert held["category_id"] == int(result.boxes.cls[row])
            assert ("probabilities" in held) == several
            if several:
                top = max(held["probabilities"])
                assert held["probabilities"][held["category_id"]] == pytest.approx(top, abs=1e-4)
            if kind == "instance-segmentation":
                mask = result.masks.data[row].numpy() > 0
                assert np.array_equal(painted(held["segmentation"], mask.shape), mask)
            if kind == "keypoint-detection":
                points = result.keypoints.data[row].flatten().tolist()
                assert held["keypoints"] == pytest.approx(points, abs=1e-3)


def test_the_rows_of_an_end_to_end_head_are_found(footage: Path) -> None:
    """With random class weights the three levels of anchors differ; another's would not fit."""
    import torch

    detector = Detector("yolo26n.yaml", confidence=0.05, image_size_px=96, device="cpu")
    options = {**vars(detector._predictor.args), "nms": False}  # the end-to-end branch
    detector._predictor, detector._recorder = _predictor(_load("yolo26n.yaml"), options, False)
    head = detector._predictor.model.model.model[-1]
    assert head.end2end
    torch.manual_seed(1)
    for level in head.one2one_cv3:
        level[-1].weight.data.normal_(0, 1.5)
        level[-1].bias.data.normal_(0, 1)
    pixels = [frame.pixels for frame in frames(footage / "two.MOV")][:2]
    found = detector.predict(pixels)
    assert not detector.lacks_probabilities
    for held in (held for image in found for held in image.objects):
        at = held["probabilities"][held["category_id"]]
        assert at > np.median(held["probabilities"])
    assert len({tuple(held["probabilities"]) for held in found[0].objects}) == 3


def test_boxes_whose_mask_is_empty_are_left_out_as_ultralytics_does() -> None:
    import torch

    import_ultralytics()
    from ultralytics.engine.results import Results

    detector = Detector("yolov8n-seg.yaml", confidence=0.5, image_size_px=96, device="cpu")
    boxes = torch.tensor([[0, 0, 4, 4, 0.9, 1], [2, 2, 6, 6, 0.8, 2.0]])
    masks = torch.zeros(2, 8, 8, dtype=torch.uint8)
    masks[1, 3, 2:5] = 1
    result = Results(np.zeros((8, 8, 3), np.uint8), "", {}, boxes=boxes, masks=masks)
    result.scores = torch.tensor([[0.1, 0.9, 0], [0.2, 0, 0.8]])
    kept, scores = detector._surviving(result)
    assert kept.boxes.cls.tolist() == [2]
    assert scores.tolist() == [pytest.approx([0.2, 0, 0.8])]


def painted(runs: list[int], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flat.reshape(shape)


def test_image_embeddings_are_those_of_ultralytics(
    weights: Path, footage: Path, predicted: Path
) -> None:
    pixels = [frame.pixels for frame in frames(footage / "two.MOV")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = import_ultralytics().YOLO(str(weights)).embed(pixels, device="cpu")
    table = read_embeddings(predicted / "embeddings.parquet")
    assert list(table.ids) == [f"a/one-{n:02d}-mp4.png" for n in range(12)] + [
        f"two-{n}-MOV.png" for n in range(5)
    ]
    ours = np.concatenate([block for _, block in table.blocks()])[12:]
    assert np.allclose(ours, np.stack([vector.numpy() for vector in theirs]), atol=1e-4)
    about = json.loads((predicted / "embeddings.json").read_text())
    import hashlib

    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert about == {"space": f"shapes@sha256:{digest}", "normalised": False}


def test_every_object_has_an_embedding_that_tells_its_class(predicted: Path) -> None:
    """The two shapes look different, so the nearest other object is of the same class."""
    dataset = open_dataset(predicted)
    table = read_embeddings(predicted / "embeddings" / "det.parquet")
    held = dataset.predictions("det")
    assert table.objects is not None
    assert len(table.ids) == held.offsets[-1]
    first = {name: int(held.offsets[row]) for name, row in dataset.rows.items()}
    at = [first[name] + obj for name, obj in zip(table.ids, table.objects, strict=True)]
    assert at == list(range(held.offsets[-1]))
    vectors = np.concatenate([block for _, block in table.blocks()])
    sure = np.flatnonzero(held.score > 0.5)
    vectors = vectors[sure] / np.linalg.norm(vectors[sure], axis=1, keepdims=True)
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -1)
    kinds = held.category[sure]
    assert (kinds[alike.argmax(axis=1)] == kinds).mean() > 0.9


def test_box_features_look_at_the_box(weights: Path, footage: Path) -> None:
    """An object that appears elsewhere in the image changes nothing in the box's middle level."""
    pixels = next(iter(frames(footage / "two.MOV"))).pixels
    found = Detector(str(weights), confidence=0.1, embed=True).predict([pixels, pixels])
    assert found[0].object_embeddings is not None
    assert np.array_equal(found[0].object_embeddings, found[1].object_embeddings)
    lengths = np.linalg.norm(found[0].object_embeddings, axis=1)
    assert np.allclose(lengths, np.sqrt(3), atol=1e-3)  # three levels of unit length


@pytest.mark.parametrize("shape", [(120, 160), (97, 400), (333, 57)])
def test_boxes_map_to_the_network_input_and_back(shape: tuple[int, int]) -> None:
    import torch

    from selectlab.video.detector import _to_input

    import_ultralytics()
    from ultralytics.utils.ops import scale_boxes

    boxes = torch.tensor([[3.0, 5.0, 40.0, 60.0], [0.0, 0.0, float(shape[1]), float(shape[0])]])
    inside = _to_input(boxes, shape, (160, 192))
    assert torch.allclose(scale_boxes((160, 192), inside.clone(), shape), boxes, atol=1e-3)


def test_metadata_has_frame_numbers_times_and_metrics(predicted: Path, footage: Path) -> None:
    dataset = open_dataset(predicted)
    table = dataset.metadata()
    assert table is not None
    frame = table.frame
    assert frame["frame_index"].tolist() == [*range(12), *range(5)]
    assert frame["timestamp_s"].tolist() == pytest.approx([n / 10 for n in (*range(12), *range(5))])
    assert {key: held.kind for key, held in table.declared.items()} == {
        "frame_index": "numeric",
        "timestamp_s": "numeric",
    }
    assert (frame["lightly.width"] == videos.WIDTH).all()


def test_metrics_are_those_of_the_frames_written_as_images(
    predicted: Path, footage: Path, tmp_path: Path
) -> None:
    from selectlab.inputs.image_metrics import METRICS, compute_metrics

    dataset = open_dataset(predicted)
    write_frames(dataset.ids, dataset, footage, tmp_path / "out")
    measured = compute_metrics(open_dataset(tmp_path / "out" / "images"))
    table = dataset.metadata()
    assert table is not None
    for name in METRICS:
        assert table.frame[f"lightly.{name}"].tolist() == measured[name].tolist()


def test_the_dataset_goes_into_every_strategy(predicted: Path, tmp_path: Path) -> None:
    from selectlab.api import select

    chosen = select(
        {
            "n_samples": 4,
            "min_frame_gap": 2,
            "strategies": [
                {"input": {"type": "EMBEDDINGS", "task": "det"}, "strategy": {"type": "DIVERSITY"}},
                {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}},
                {"input": {"type": "SCORES", "task": "det",
                           "score": "objectness_least_confidence"},
                 "strategy": {"type": "WEIGHTS"}},
                {"input": {"type": "SCORES", "task": "det", "score": "uncertainty_entropy"},
                 "strategy": {"type": "WEIGHTS"}},
                {"input": {"type": "PREDICTIONS", "task": "det", "name": "CLASS_DISTRIBUTION"},
                 "strategy": {"type": "BALANCE", "distribution": "UNIFORM"}},
                {"input": {"type": "METADATA", "key": "lightly.sharpness"},
                 "strategy": {"type": "WEIGHTS"}},
                {"input": {"type": "METADATA", "key": "frame_index"},
                 "strategy": {"type": "THRESHOLD", "threshold": 9, "operation": "SMALLER"}},
            ],
        },
        predicted,
    )  # fmt: skip
    assert len(chosen) == 4
    sequences = select(
        {"n_samples": 4, "selected_sequence_length": 2,
         "strategies": [{"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}]},
        predicted,
    )  # fmt: skip
    assert sequences.sequence_information is not None
    for held in sequences.sequence_information:
        times = [number / 10 for number in held["frame_indices"]]
        assert held["frame_timestamps_s"] == pytest.approx(times)


def test_a_variable_frame_rate_keeps_its_times(weights: Path, tmp_path: Path) -> None:
    times = [0, 40, 400, 410, 1500]
    video = videos.write_video(tmp_path / "in" / "vary.mp4", 5, times=times)
    predict([video], model=str(weights), out=tmp_path / "out")
    table = open_dataset(tmp_path / "out").metadata()
    assert table is not None
    assert table.frame["timestamp_s"].tolist() == pytest.approx([t / 1000 for t in times], abs=1e-4)
    assert table.frame["frame_index"].tolist() == [0, 1, 2, 3, 4]


def test_a_video_that_was_filmed_upright_is_turned(tmp_path: Path) -> None:
    """The mp4 says "turn by 90 degrees" as a phone does; OpenCV turns it too."""
    import cv2

    plain = videos.write_video(tmp_path / "plain.mp4", 2)
    data = bytearray(plain.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 4 + 20 + 8 + 8
    one = (1 << 16).to_bytes(4, "big")
    data[matrix : matrix + 36] = b"".join(
        [bytes(4), one, bytes(4), ((1 << 32) - (1 << 16)).to_bytes(4, "big"), bytes(12)]
    ) + data[matrix + 28 : matrix + 36]  # fmt: skip
    (tmp_path / "turned.mp4").write_bytes(data)
    [first, _] = frames(tmp_path / "turned.mp4")
    assert first.pixels.shape == (videos.WIDTH, videos.HEIGHT, 3)
    _, theirs = cv2.VideoCapture(str(tmp_path / "turned.mp4")).read()
    assert np.array_equal(first.pixels, theirs)


def test_unreadable_videos_are_named_and_the_rest_goes_on(
    weights: Path, footage: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    videos.write_video(folder / "good.mp4", 3)
    (folder / "bad.mp4").write_bytes(b"no video" * 100)
    (folder / "cut.avi").write_bytes(b"")
    args = ["predict", str(folder), "--model", str(weights), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*args, "--task", "det"])
    assert isinstance(done.exception, DataError)
    assert str(done.exception) == (
        f"2 of the inputs could not be predicted: {folder}/bad.mp4: not a readable video "
        f"(Invalid data found when processing input); {folder}/cut.avi: not a readable video "
        "(Invalid data found when processing input)"
    )
    assert len(open_dataset(tmp_path / "out")) == 3
    assert "good.mp4: 3 frames" in done.stderr


def test_a_video_that_breaks_off_leaves_nothing_behind(weights: Path, tmp_path: Path) -> None:
    video = videos.write_video(tmp_path / "clip.mp4", 40)
    data = bytearray(video.read_bytes())
    start = data.index(b"mdat")
    data[start + 3000 : start + 3000 + len(data) // 2] = os.urandom(len(data) // 2)
    video.write_bytes(data)
    outcome = predict([video], model=str(weights), out=tmp_path / "out")
    if outcome.failed:  # decoders conceal some damage; what they refuse must not stay by halves
        assert not list((tmp_path / "out").rglob("clip-*.json"))
        assert not list((tmp_path / "out" / ".selectlab").rglob("*.part"))
    else:
        assert len(list((tmp_path / "out").rglob("clip-*.json"))) == outcome.predicted["clip.mp4"]


def test_images_lie_beside_their_predictions(weights: Path, tmp_path: Path) -> None:
    for number in range(5):
        videos.write_image(tmp_path / "data" / "a" / f"{number}.png", number)
    (tmp_path / "data" / "a" / "1b.jpg").write_bytes(b"no image")
    (tmp_path / "data" / "notes.txt").write_text("no image either")
    outcome = predict(
        [tmp_path / "data"], model=str(weights), out=tmp_path / "data", task="det", embed=True,
        metrics=True, classes=["square"],
    )  # fmt: skip
    assert outcome.predicted == {"a/0.png": 5}
    [(name, reason)] = outcome.failed.items()
    assert name == "a/1b.jpg"
    assert reason.startswith(f"{tmp_path}/data/a/1b.jpg: not a readable image (cannot identify")
    dataset = open_dataset(tmp_path / "data")
    held = dataset.predictions("det")
    assert held.names == ("disc", "square")
    assert set(held.category.tolist()) == {1}
    assert held.listed.tolist() == [True, True, False, True, True, True]
    assert dataset.source.uri("a/3.png") == str(tmp_path / "data" / "a" / "3.png")
    assert list(read_embeddings(tmp_path / "data" / "embeddings.parquet").ids) == [
        f"a/{number}.png" for number in range(5)
    ]
    again = predict(
        [tmp_path / "data"], model=str(weights), out=tmp_path / "data", task="det", embed=True,
        metrics=True, classes=["square"],
    )  # fmt: skip
    assert again.predicted == {}
    assert set(again.failed) == {"a/1b.jpg"}


def test_what_is_in_the_dataset_already_stays(weights: Path, tmp_path: Path) -> None:
    """Tasks, metadata columns, embeddings of other samples; and a second call adds to the first."""
    import pandas as pd

    out, footage = tmp_path / "out", tmp_path / "in"
    videos.write_video(footage / "b.mp4", 3, seed=3)
    base = out / ".lightly" / "predictions"
    (base / "old").mkdir(parents=True)
    (base / "tasks.json").write_text('["old"]')
    (base / "old" / "schema.json").write_text(
        '{"task_type": "object-detection", "categories": [{"id": 3, "name": "x"}]}'
    )
    held = {"sample_id": ["b-1-mp4.png", "z.png"], "weather": ["wet", "dry"]}
    pd.DataFrame({**held, "timestamp_s": [99.0, 7.5]}).to_parquet(
        out / "metadata.parquet", index=False
    )
    options: dict[str, Any] = {"model": str(weights), "out": out, "task": "det", "embed": True}
    predict([footage], **options)
    videos.write_video(footage / "a.mp4", 2, seed=4)
    outcome = predict([footage], **options)
    assert (outcome.predicted, outcome.finished) == ({"a.mp4": 2}, ["b.mp4"])
    dataset = open_dataset(out)
    assert dataset.source.tasks() == ["det", "old"]
    table = dataset.metadata()
    assert table is not None
    assert table.frame["weather"].dropna().to_dict() == {"b-1-mp4.png": "wet", "z.png": "dry"}
    assert table.frame["timestamp_s"].dropna().tolist() == pytest.approx([0, 0.1, 0, 0.1, 0.2, 7.5])
    assert list(read_embeddings(out / "embeddings.parquet").ids) == [
        *("a-0-mp4.png", "a-1-mp4.png", "b-0-mp4.png", "b-1-mp4.png", "b-2-mp4.png")
    ]


def test_a_changed_video_is_predicted_again(weights: Path, tmp_path: Path) -> None:
    """From 11 frames to 3: the old names (two digits) go, in files and tables."""
    video = videos.write_video(tmp_path / "clip.mp4", 11)
    options: dict[str, Any] = {"model": str(weights), "out": tmp_path / "out", "embed": True}
    predict([video], **options)
    videos.write_video(video, 3, seed=5)
    outcome = predict([video], **options)
    assert outcome.predicted == {"clip.mp4": 3}
    ids = ["clip-0-mp4.png", "clip-1-mp4.png", "clip-2-mp4.png"]
    assert list(read_embeddings(tmp_path / "out" / "embeddings.parquet").ids) == ids
    names = {path.name for path in (tmp_path / "out").rglob("clip-*.json")}
    assert names == {f"clip-{n}-mp4.json" for n in range(3)}


def test_other_settings_are_not_mixed_into_a_task(
    weights: Path, footage: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    video = footage / "two.MOV"
    predict([video], model=str(weights), out=out, task="det")
    with pytest.raises(DataError) as caught:
        predict([video], model=str(weights), out=out, task="det", confidence=0.5)
    assert str(caught.value) == (
        f"{out}/.lightly/predictions/det: was predicted with conf 0.1, now 0.5; choose another "
        "--task, or --overwrite to predict it again"
    )
    predict([video], model=str(weights), out=out, task="det", confidence=0.5, overwrite=True)
    held = open_dataset(out).predictions("det")
    assert held.score.min() >= 0.5


def test_embeddings_of_another_model_are_not_mixed(
    weights: Path, footage: Path, tmp_path: Path
) -> None:
    out, video = tmp_path / "out", footage / "two.MOV"
    predict([video], model=str(weights), out=out, task="det", embed=True)
    held = json.loads((out / "embeddings.json").read_text())["space"]
    with pytest.raises(DataError) as caught:
        predict([video], model="yolov8n.yaml", out=out, task="other", embed=True, image_size_px=96)
    line = str(caught.value)
    assert line.startswith(f"{out}/embeddings.parquet: holds embeddings of the space {held!r}, not")
    assert line.endswith("move it, such as to embeddings/NAME.parquet, or leave out --embed")


def test_errors_say_what_to_do(weights: Path, footage: Path, tmp_path: Path) -> None:
    video, out = footage / "two.MOV", tmp_path / "out"
    for arguments, line in (
        ({"model": "yolov8n.pt"},
         "--model yolov8n.pt: no such file, and not to be had; ultralytics is kept offline, "
         "YOLO_OFFLINE=0 lets it download its own models"),
        ({"model": str(tmp_path / "none.pt")},
         f"--model {tmp_path}/none.pt: no such file, and not to be had"),
        ({"model": "yolov8n-obb.yaml"},
         "--model yolov8n-obb.yaml: its task 'obb' has no place in the Lightly format; possible: "
         "detect, pose, segment, classify"),
        ({"classes": ["sqare"]},
         "--classes: the model knows no class 'sqare'; did you mean 'square'?"),
        ({"task": "a/b"}, "--task 'a/b': must be usable as the name of a folder"),
        ({"out": "s3://bucket/x"},
         "--out s3://bucket/x: predictions are written to a local folder"),
        ({"inputs": [tmp_path / "none.mp4"]}, f"{tmp_path}/none.mp4: no such file or folder"),
    ):  # fmt: skip
        given: dict[str, Any] = {"inputs": [video], "model": str(weights), "out": out, **arguments}
        with pytest.raises(ConfigError) as caught:
            predict(given.pop("inputs"), **given)
        assert str(caught.value) == line
        assert not out.exists()


def test_two_inputs_cannot_be_the_same_sample(tmp_path: Path) -> None:
    from selectlab.video.plan import plan

    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "clip.mp4").write_bytes(b"")
    with pytest.raises(ConfigError) as caught:
        plan([tmp_path / "x", tmp_path / "y"], tmp_path / "out")
    assert str(caught.value) == (
        f"{tmp_path}/y/clip.mp4: would be 'clip.mp4' in the dataset, as {tmp_path}/x/clip.mp4"
    )
    units = plan([tmp_path], tmp_path / "out")
    assert [unit.name for unit in units] == ["x/clip.mp4", "y/clip.mp4"]
    (tmp_path / "i.jpg").write_bytes(b"")
    (tmp_path / "i.png").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"^i.png: its predictions would lie in the same file"):
        plan([tmp_path], tmp_path / "out")


def test_boxes_are_not_lost_in_silence(weights: Path) -> None:
    """ultralytics stops suppressing after two seconds, logs that, and returns what it has."""
    from ultralytics.utils import LOGGER

    detector = Detector(str(weights), confidence=0.1)
    image = videos.picture(videos.scene(0))
    detector.predict([image])
    level, filters = LOGGER.level, list(LOGGER.filters)
    detector._predictor.add_callback(
        "on_predict_postprocess_end", lambda _: LOGGER.warning("NMS time limit 2.050s exceeded")
    )
    with pytest.raises(ConfigError, match=r"^--conf: so many boxes pass that ultralytics gives up"):
        detector.predict([image])
    assert (LOGGER.level, LOGGER.filters) == (level, filters)


def test_ultralytics_leaves_our_threads_alone() -> None:
    before = os.environ.get("OMP_NUM_THREADS")
    import_ultralytics()
    assert os.environ.get("OMP_NUM_THREADS") == before
    assert os.environ["YOLO_OFFLINE"] == "1"


def test_pretagging_sets_task_and_classes(weights: Path, footage: Path, tmp_path: Path) -> None:
    args = ["predict", str(footage / "two.MOV"), "--model", "yolov8n.yaml", "--pretagging"]
    done = CliRunner().invoke(app, [*args, "--out", str(tmp_path / "out")])
    assert isinstance(done.exception, ConfigError)  # a model without weights has no such names
    assert str(done.exception).startswith("--classes: the model knows no class 'bicycle'")


def test_the_command_prints_what_it_did(weights: Path, footage: Path, tmp_path: Path) -> None:
    args = ["predict", str(footage), "--model", str(weights), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*args, "--task", "det", "--json"])
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert summary.pop("seconds") > 0
    assert summary == {
        "task": "det",
        "samples": 17,
        "predicted": {"a/one.mp4": 12, "two.MOV": 5},
        "finished_before": [],
        "failed": {},
        "notes": [],
        "out": str(tmp_path / "out"),
    }
