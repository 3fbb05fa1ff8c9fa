"""FiftyOne: a dataset directory that ``fo.Dataset.from_dir`` loads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

from selectlab.exports.fiftyone_labels import FieldNames, FiftyOneLabels
from selectlab.exports.image_files import ImageFiles, Images
from selectlab.exports.items import Item, Items
from selectlab.exports.writer import Writer
from selectlab.tally import Tally

METADATA, SAMPLES, DATA = "metadata.json", "samples.json", "data"

_OURS = ("selectlab_id", "rank", "selection_score", "reason", "run")
_TAKEN = (
    "add_labels clear_field compute_metadata copy created_at dataset dataset_id field_names "
    "filename filepath frames from_dict from_doc from_frame from_json get_field get_media_key "
    "group groups has_field id in_dataset iter_fields last_modified_at media_reference media_type "
    "merge metadata pk reload sample_id save set_field tags to_dict to_json to_mongo_dict "
    "update_fields"
)
"""Names that FiftyOne's samples have a meaning for."""


class FiftyOne(Writer):
    """A dataset directory for FiftyOne, with predictions and why each sample was selected.

    Makes a folder that ``fo.Dataset.from_dir(FOLDER, dataset_type=fo.types.FiftyOneDataset)``
    loads: ``metadata.json`` and ``samples.json``. Each task is a field: boxes and masks are
    Detections, outlines Polylines, keypoints Keypoints, classes Classification; the origin of a
    label is its tag. ``rank``, ``selection_score``, ``reason``, ``run``, ``selectlab_id`` and the
    metadata are fields of the samples. Coordinates are shares of the image, so images whose size
    is not known have no labels but classes.

    Attributes:
        images: Whether the images go along in ``data/``: ``none``, ``copy`` or ``link``.
            Without, samples name them where they lie.
    """

    type: Literal["fiftyone"] = "fiftyone"
    takes_shapes: ClassVar[bool] = True
    images: Images = "none"

    def write(self, items: Items, out: Path) -> list[str]:
        """Make the folder; see :meth:`Writer.write`."""
        out.mkdir()
        tally = Tally()
        names = FieldNames((*_OURS, *_TAKEN.split()))
        labels = FiftyOneLabels(items.tasks, names, tally)
        metadata = _Metadata(names, tally)
        with (
            ImageFiles(items, out / DATA, self.images) as files,
            (out / SAMPLES).open("w", encoding="utf-8", newline="\n") as file,
        ):
            file.write('{"samples": [')
            for position, item in enumerate(items):
                files.place(item.sample_id, item.sample_id)
                sample = {"filepath": self._place(item, tally), **_about(item, items)}
                sample |= dict(metadata.fields(item))
                for task in items.tasks:
                    if task.name in item.shapes:
                        shapes, where = item.shapes[task.name], repr(item.sample_id)
                        sample |= labels.of(task, shapes, item.size, where)
                file.write(f"{',' if position else ''}\n{json.dumps(sample, ensure_ascii=False)}")
            file.write("\n]}\n")
        _write_metadata(items, labels, out / METADATA)
        return [*tally.lines(), *files.notes()]

    def _place(self, item: Item, tally: Tally) -> str:
        """Return where FiftyOne finds the image of a sample."""
        if self.images != "none":
            return f"{DATA}/{item.sample_id}"
        if item.location is None:
            tally.add(
                "images of which nobody knows where they are, named by their sample ids: give "
                "from_dir their folder as rel_dir",
                repr(item.sample_id),
            )
        elif "://" in item.location:
            tally.add("images named by URL; FiftyOne shows files alone", repr(item.sample_id))
        return item.location or item.sample_id


def _about(item: Item, items: Items) -> dict[str, Any]:
    """Return what a sample has in any case."""
    found: dict[str, Any] = {"_media_type": "image", "tags": [items.name], "metadata": None}
    if item.size is not None:
        width, height = item.size
        found["metadata"] = {"_cls": "ImageMetadata", "width": width, "height": height}
    found |= {"selectlab_id": item.sample_id, "rank": item.rank}
    if item.score is not None:
        found["selection_score"] = float(item.score)
    return {**found, "reason": item.reason, "run": items.run}


class _Metadata:
    """Turns metadata into fields; all values of a field are of one kind."""

    def __init__(self, names: FieldNames, tally: Tally) -> None:
        self._names, self._tally = names, tally
        self._kinds: dict[str, type[Any]] = {}

    def fields(self, item: Item) -> Iterator[tuple[str, Any]]:
        """Yield fields with their values; what is missing is left out."""
        for key, value in item.metadata.items():
            held = value.item() if hasattr(value, "item") else value
            if held is None or held != held:
                continue
            plain = _plain(held)
            if self._kinds.setdefault(key, type(plain)) is type(plain):
                yield self._names.of("metadata", key), plain
            else:
                self._tally.add(
                    f"values of metadata {key!r} left out, of another kind than the first",
                    repr(item.sample_id),
                )


def _plain(value: Any) -> bool | float | str:
    """Return a value as FiftyOne has it: all numbers of a field are of one type."""
    if isinstance(value, bool | str):
        return value
    return float(value) if isinstance(value, int | float) else str(value)


def _write_metadata(items: Items, labels: FiftyOneLabels, path: Path) -> None:
    info = {
        "description": f"selected by selectlab, run {items.run}",
        "classes": labels.classes,
        "skeletons": labels.skeletons,
        "selectlab": {"run": items.run, "name": items.name},
    }
    content = {"name": items.name, "media_type": "image", "info": info}
    text = json.dumps(content, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
