"""An ultralytics model that says all it knows. The one module that touches ultralytics.

ultralytics is licensed under AGPL-3.0. It is imported when a model is loaded, and not before.
"""

from __future__ import annotations

import hashlib
import logging
import os
import warnings
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlab.errors import ConfigError, MissingExtraError, did_you_mean
from selectlab.video.found import Found, box, classified, exact, keypoints, run_lengths, shares
from selectlab.video.operators import import_torchvision
from selectlab.video.recording import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectlab.columns import TaskType
    from selectlab.video.decoding import Pixels

TASK_TYPES: dict[str, TaskType] = {
    "detect": "object-detection",
    "pose": "keypoint-detection",
    "segment": "instance-segmentation",
    "classify": "classification",
}
"""What ultralytics calls a task, and what the Lightly format calls it."""

_WEIGHTS = (".pt", ".pth")
_SAME_SCORE = 1e-3


class Detector:
    """A model, ready to predict batches of images.

    Args:
        model: Path or name of weights such as ``yolov8n.pt``, or of a ``.yaml`` that describes a
            model (which then has random weights).
        confidence: Boxes below this score are left out, 0 to 1.
        classes: Names of the classes to keep; all by default.
        image_size_px: Longer side of the network's input; ``None`` takes the model's own.
        device: Such as ``cpu`` or ``cuda:0``; ``None`` lets ultralytics choose.
        embed: Return features of images and boxes too.

    Raises:
        ConfigError: There is no such model, class or device.
        MissingExtraError: ultralytics is not installed.
    """

    def __init__(
        self,
        model: str,
        *,
        confidence: float,
        classes: Sequence[str] | None = None,
        image_size_px: int | None = None,
        device: str | None = None,
        embed: bool = False,
    ) -> None:
        self.name = Path(model).stem
        yolo = _load(model)
        if yolo.task not in TASK_TYPES:
            raise ConfigError(
                f"--model {model}: its task {yolo.task!r} has no place in the Lightly format; "
                f"possible: {', '.join(TASK_TYPES)}"
            )
        self.task_type = TASK_TYPES[yolo.task]
        self.names = _names(yolo.names)
        self._keep = None if classes is None else _class_ids(classes, self.names)
        self._embed = embed
        overrides = {
            **yolo.overrides,
            "conf": confidence,
            "classes": self._keep,
            "device": device,
            "mode": "predict",
            "save": False,
            "verbose": False,
            "rect": True,
            **({} if image_size_px is None else {"imgsz": image_size_px}),
            "retina_masks": True,
        }
        self.sha256 = _fingerprint(model, yolo)
        self._predictor, self._recorder = _predictor(yolo, overrides, embed)
        self.image_size_px = self._predictor.args.imgsz

    @property
    def space(self) -> str:
        """Name of the space of image embeddings: the model and the hash of its weights."""
        return f"{self.name}@sha256:{self.sha256}"

    def schema(self) -> dict[str, Any]:
        """Return what ``schema.json`` says: the task type and all classes of the model."""
        categories = [{"id": number, "name": name} for number, name in self.names.items()]
        return {"task_type": self.task_type, "categories": categories}

    def predict(self, batch: Sequence[Pixels]) -> list[Found]:
        """Return what the model finds in images of one size, as ultralytics' own ``predict``.

        Raises:
            ConfigError: So many boxes pass the confidence that some would be lost.
        """
        with _quiet(), _watching() as lost:
            results = self._predictor(source=list(batch), stream=False)
        if lost:
            raise ConfigError(
                "--conf: so many boxes pass that ultralytics gives up suppressing doubles in time "
                "and would lose some; raise it, or lower --batch"
            )
        images = self._recorder.image_features() if self._recorder and self._embed else None
        found = []
        for number, result in enumerate(results):
            objects = [classified(result.probs.data.cpu().numpy())] if result.probs else None
            features = None
            if objects is None:
                result, scores = self._surviving(result)
                objects = self._objects(result, scores)
                features = self._features(number, result) if self._embed else None
            found.append(Found(objects, None if images is None else images[number], features))
        return found

    @property
    def embeds(self) -> bool:
        """Whether it returns features too."""
        return self._embed

    @property
    def lacks_probabilities(self) -> bool:
        """Whether a box came without the scores of all classes so far."""
        return bool(self._predictor.lacks_scores)

    def _surviving(self, result: Any) -> tuple[Any, Any]:
        """Return the boxes as ultralytics reports them, without those whose mask is empty."""
        scores = getattr(result, "scores", None)
        if result.masks is None:
            return result, scores
        kept = (result.masks.data > 0).flatten(1).any(dim=1)
        return result[kept], None if scores is None else scores[kept]

    def _objects(self, result: Any, scores: Any) -> list[dict[str, Any]]:
        table = result.boxes.data.cpu().numpy()
        several = len(self.names) > 1  # of a single class the score says it all
        known = None if scores is None or not several else scores.cpu().numpy()
        objects = []
        for row, values in enumerate(table):
            made: dict[str, Any] = {"category_id": int(values[-1]), "bbox": box(values[:4])}
            made["score"] = exact(values[-2])
            if known is not None:
                made["probabilities"] = shares(known[row])
            if result.keypoints is not None:
                made["keypoints"] = keypoints(result.keypoints.data[row].cpu().numpy())
            if result.masks is not None:
                made["segmentation"] = run_lengths(result.masks.data[row].cpu().numpy() > 0)
            objects.append(made)
        return objects

    def _features(self, number: int, result: Any) -> Any:
        if self._recorder is None or not self._recorder.box_dimension:
            return None
        size = self._predictor.input_size
        boxes = _to_input(result.boxes.xyxy, result.orig_shape, size)
        return self._recorder.box_features(number, boxes, size)


def _load(model: str) -> Any:
    """Return the ultralytics model of a path or name."""
    ultralytics = import_ultralytics()
    import torch

    torch.manual_seed(0)  # a model from a .yaml has random weights: always the same ones
    try:
        with _quiet():
            yolo = ultralytics.YOLO(model)
            _ = yolo.names  # a format other than PyTorch is looked at only now
            return yolo
    except (FileNotFoundError, ConnectionError) as error:
        hint = (
            "; ultralytics is kept offline, YOLO_OFFLINE=0 lets it download its own models"
            if isinstance(error, ConnectionError)
            else ""
        )
        raise ConfigError(f"--model {model}: no such file, and not to be had{hint}") from None
    except Exception as error:  # whatever a broken file provokes in torch or a parser
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        reason = reason.removeprefix("ERROR ❌️ ").split(". ")[0]  # the rest advertises
        raise ConfigError(f"--model {model}: cannot be loaded ({reason})") from error


def import_ultralytics() -> Any:
    """Return ultralytics, quiet and offline, its marks on threads and printing undone.

    Raises:
        MissingExtraError: It is not installed.
    """
    import numpy as np

    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "selectlab")
    config = Path(os.environ.setdefault("YOLO_CONFIG_DIR", str(cache / "ultralytics")))
    config.mkdir(parents=True, exist_ok=True)
    for name, value in (("OFFLINE", "1"), ("AUTOINSTALL", "false"), ("VERBOSE", "false")):
        os.environ.setdefault(f"YOLO_{name}", value)
    threads, printing = os.environ.get("OMP_NUM_THREADS"), np.get_printoptions()
    try:
        import ultralytics
        from ultralytics.utils.nms import TorchNMS
    except ImportError:
        raise MissingExtraError(
            "predicting needs ultralytics; install it with: pip install 'selectlab[yolo]'"
        ) from None
    finally:
        if threads is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        np.set_printoptions(**printing)
    import_torchvision(TorchNMS.nms)
    return ultralytics


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the warnings of torch and ultralytics about their own insides from the user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _watching() -> Iterator[list[str]]:
    """Catch that non-maximum suppression stopped early: ultralytics only logs it."""
    from ultralytics.utils import LOGGER

    lost: list[str] = []

    def note(record: logging.LogRecord) -> bool:
        if "NMS time limit" in record.getMessage():
            lost.append(record.getMessage())
        return int(record.levelno) >= level

    level: int = LOGGER.level
    LOGGER.setLevel(min(level, logging.WARNING))
    LOGGER.addFilter(note)
    try:
        yield lost
    finally:
        LOGGER.removeFilter(note)
        LOGGER.setLevel(level)


def _names(names: dict[int, str]) -> dict[int, str]:
    """Return the class names by id; a name that occurs twice gets its id added."""
    taken = list(names.values())
    return {
        int(number): name if taken.count(name) == 1 and name else f"{name} ({number})".strip()
        for number, name in sorted(names.items())
    }


def _class_ids(wanted: Sequence[str], names: dict[int, str]) -> list[int]:
    ids = {name: number for number, name in names.items()}
    for name in wanted:
        if name not in ids:
            hint = did_you_mean(name, ids)
            raise ConfigError(f"--classes: the model knows no class {name!r}{hint}")
    return sorted(ids[name] for name in wanted)


def _fingerprint(model: str, yolo: Any) -> str:
    """Return the SHA-256 of the weights: of the file, or of the values made from a .yaml."""
    path = Path(str(getattr(yolo, "ckpt_path", None) or model))
    digest = hashlib.sha256()
    if path.suffix in _WEIGHTS and path.is_file():
        with path.open("rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
        return digest.hexdigest()
    for name, values in sorted(yolo.model.state_dict().items()):
        digest.update(name.encode() + values.detach().cpu().numpy().tobytes())
    return digest.hexdigest()


def _predictor(yolo: Any, overrides: dict[str, Any], embed: bool) -> tuple[Any, Recorder | None]:
    """Return ultralytics' predictor for the model, and what listens to the network."""

    class Telling(yolo.task_map[yolo.task]["predictor"]):  # type: ignore[misc]
        """The predictor of the task; its results carry the scores of all classes."""

        recorder: Recorder | None = None
        input_size = (0, 0)
        lacks_scores = False

        def postprocess(self, preds: Any, img: Any, orig_imgs: Any, **options: Any) -> Any:
            """Ask suppression for the rows it keeps, and pass the results on."""
            self.input_size = (int(img.shape[2]), int(img.shape[3]))
            self._feats = () if self.recorder is not None else None
            results = super().postprocess(preds, img, orig_imgs, **options)
            for result in results:
                self.lacks_scores |= not _with_scores(result)
            return results

        def get_obj_feats(self, _: Any, kept: Sequence[Any]) -> Iterable[Any]:
            """Return the class scores of the kept rows, where ultralytics takes features."""
            scores = self.recorder.class_scores(kept) if self.recorder else None
            return [None] * len(kept) if scores is None else scores

    try:
        with _quiet():
            made = Telling(overrides=overrides, _callbacks=yolo.callbacks)
            made.setup_model(model=yolo.model, verbose=False)
    except (ValueError, RuntimeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(f"--device {overrides['device']}: {reason}") from error
    layers = getattr(getattr(made.model, "model", None), "model", None)
    if layers is None and embed:
        raise ConfigError("--embed: only a PyTorch model gives embeddings, such as yolov8n.pt")
    if layers is not None:
        made.recorder = Recorder(list(layers), embed)
    return made, made.recorder


def _with_scores(result: Any) -> bool:
    """Attach the class scores as ``scores``, if they are those of the boxes; return whether."""
    if result.boxes is None or not len(result.boxes):
        return True
    scores = getattr(result, "feats", None)
    if scores is None or len(scores) != len(result.boxes):
        return False
    own = scores.gather(1, result.boxes.cls.long()[:, None])[:, 0]
    fits = bool(own.allclose(result.boxes.conf, atol=_SAME_SCORE))
    if fits:
        result.scores = scores
    return fits


def _to_input(boxes: Any, shape: tuple[int, int], size: tuple[int, int]) -> Any:
    """Return boxes in px of the image as px of the letterboxed network input."""
    gain = min(size[0] / shape[0], size[1] / shape[1])
    new_h, new_w = (max(round(side * gain), 1) for side in shape)
    left, top = round((size[1] - new_w) / 2 - 0.1), round((size[0] - new_h) / 2 - 0.1)
    scale = boxes.new_tensor([new_w / shape[1], new_h / shape[0]]).repeat(2)
    return boxes * scale + boxes.new_tensor([left, top]).repeat(2)
