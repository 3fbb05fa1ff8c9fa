"""The files of YOLO labels: which there are, which images they are of, what their classes are."""

from __future__ import annotations

import csv
import os
from collections.abc import Container, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from selectlab.errors import DataError
from selectlab.inputs.files import Folder, open_folder
from selectlab.inputs.image_sizes import Size
from selectlab.inputs.sample_ids import is_image
from selectlab.inputs.yolo import NAME_FILES, class_names, image_size
from selectlab.inputs.yolo_layout import IMAGES, LABELS, label_of, split_ending

SAMPLES = "samples.csv"

_NAMES = (*NAME_FILES, "obj.names")
_NO_LABELS = ("classes.txt", "notes.txt", "readme.txt", "train.txt", "val.txt", "test.txt")


@dataclass(frozen=True)
class YoloSchema:
    """What the file with class names says.

    Attributes:
        where: The file.
        root: Folder of labels and images.
        names: Class names by class number.
        about: All that it says; nothing for a list of names.
    """

    where: str
    root: Path
    names: Mapping[int, str]
    about: Mapping[str, Any]

    @classmethod
    def near(cls, path: Path) -> YoloSchema:
        """Return what a file says, or the one in a folder or in one of the two above it.

        Raises:
            DataError: There is none, or it is malformed.
        """
        file = _name_file(path) if path.is_dir() else path
        if file.suffix not in (".yaml", ".yml") and file.name not in _NAMES:
            raise DataError(f"{path}: expected data.yaml, or a folder with labels in it")
        if file.suffix not in (".yaml", ".yml"):
            lines = [line.strip() for line in _text(file).splitlines() if line.strip()]
            names = _names_of(lines, file)
            return cls(str(file), path if path.is_dir() else path.parent, names, {})
        yaml: Any = import_module("yaml")
        names = _names_of(file, file)
        about = yaml.safe_load(_text(file))
        home = about.get("path")
        root = path if path.is_dir() else path.parent
        if not path.is_dir() and isinstance(home, str) and (root / home).is_dir():
            root = root / home
        return cls(str(file), root, names, about)

    @property
    def lists(self) -> Sequence[str]:
        """Names of the files that list images."""
        given = [self.about.get(key) for key in ("train", "val", "test")]
        flat = [name for held in given for name in (held if isinstance(held, list) else [held])]
        return [name.removeprefix("./") for name in flat if isinstance(name, str)]

    @property
    def categories(self) -> Mapping[int, str]:
        """Class names by category id: what an export noted, or else the class number."""
        ours = self.about.get("selectlab")
        ids = ours.get("category_ids") if isinstance(ours, dict) else None
        listed = ids if isinstance(ids, list) else []
        if not all(type(number) is int for number in listed):
            return self.names
        if not len(set(listed)) == len(listed) == len(self.names):
            return self.names
        return {
            number: self.names[at] for at, number in zip(sorted(self.names), listed, strict=True)
        }

    @property
    def keypoints(self) -> tuple[str, ...]:
        """Names of the keypoints, where the file has them."""
        named = self.about.get("kpt_names")
        first = next(iter(named.values()), None) if isinstance(named, dict) else None
        return tuple(map(str, first)) if isinstance(first, list) else ()


class YoloFiles:
    """Label files in a folder, and the images they are of.

    Args:
        root: The folder.
        lists: Text files in it that are no labels.

    Attributes:
        paths: The label files below the folder, sorted.

    Raises:
        DataError: There are none.
    """

    def __init__(self, root: Path, lists: Sequence[str] = ()) -> None:
        self.root = root
        self._ids = _sample_ids(root / SAMPLES)
        self._folders: dict[Path, tuple[Folder, dict[str, list[str]]] | None] = {}
        self.paths = _label_paths(root, {*lists, *_NO_LABELS}, self._ids)
        if not self.paths and not self._ids:
            raise DataError(f"{root}: no label files; expected a .txt per image")

    @property
    def where_listed(self) -> str:
        """The file with our sample ids."""
        return str(self.root / SAMPLES)

    @cached_property
    def unlabelled(self) -> int:
        """How many images of ours have no label file."""
        return len(self._ids.keys() - set(self.paths))

    def full(self, path: str) -> str:
        """Return the whole path of a label file."""
        return str(self.root / path)

    def read(self, path: str) -> bytes:
        """Return the content of a label file."""
        try:
            return (self.root / path).read_bytes()
        except OSError as error:
            raise DataError(f"{self.full(path)}: cannot be read, {error.strerror}") from None

    def image_of(self, path: str) -> tuple[str, bool]:
        """Return the name of the image of a label file, and whether it is a sample id of ours.

        Folders called ``labels`` are taken as ``images``; the first one is left out.
        """
        if path in self._ids:
            return self._ids[path], True
        stem = path.removesuffix(".txt")
        before, found, after = f"/{stem}".rpartition(f"/{LABELS}/")
        name = f"{before}/{IMAGES}/{after}"[1:] if before else after if found else stem
        image = self._image(path)
        return name + (split_ending(image[1])[1] if image else ""), False

    def size(self, path: str) -> Size | None:
        """Return the size in px of the one image beside a label file; ``None`` without one."""
        image = self._image(path)
        if image is None:
            return None
        folder, name = image
        try:
            return image_size(folder, name)
        except DataError as error:
            raise DataError(_whole(str(error), name, folder.uri(name))) from None

    def _image(self, path: str) -> tuple[Folder, str] | None:
        """Return the one image that a label file can be of, and its folder."""
        place = Path(os.path.abspath(self.root), *path.removesuffix(".txt").split("/"))
        before, found, after = place.as_posix().rpartition(f"/{LABELS}/")
        for image in (Path(before, IMAGES, after), place) if found else (place,):
            folder = self._listed(image.parent)
            named = folder[1].get(image.name, []) if folder else []
            if folder and len(named) == 1:
                return folder[0], named[0]
        return None

    def _listed(self, place: Path) -> tuple[Folder, dict[str, list[str]]] | None:
        """Return a folder with its images by stem."""
        if place not in self._folders:
            self._folders[place] = None
            if place.is_dir():
                folder = open_folder(place, deep=False)
                stems: dict[str, list[str]] = {}
                for name in filter(is_image, folder.paths):
                    stems.setdefault(split_ending(name)[0], []).append(name)
                self._folders[place] = folder, stems
        return self._folders[place]


def _name_file(folder: Path) -> Path:
    """Return the file of class names in a folder, or in one of the two above it."""
    above = Path(os.path.abspath(folder))
    for place in (above, *above.parents[:2]):
        for name in _NAMES:
            if (place / name).is_file():
                return place / name
    raise DataError(f"{folder}: no class names; expected data.yaml with 'names', or classes.txt")


def _names_of(source: Path | Sequence[str], file: Path) -> dict[int, str]:
    """Return class names; complaints name the whole path of their file."""
    try:
        return class_names(source)
    except DataError as error:
        start = file.name if isinstance(source, Path) else "names"
        raise DataError(_whole(str(error), start, str(file))) from None


def _whole(complaint: str, name: str, path: str) -> str:
    """Return a complaint that begins with a whole path in the place of a file's name."""
    return f"{path}: {complaint.removeprefix(f'{name}: ')}"


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{file}: cannot be read, {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not UTF-8 text, byte {error.start} cannot be read") from None


def _label_paths(root: Path, no_labels: Set[str], ours: Container[str]) -> list[str]:
    """Return the text files in folders called ``labels``, or all where there is no such folder.

    Args:
        root: The folder.
        no_labels: Files in it that are something else.
        ours: Files that are labels, whatever they are called.
    """
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = Path(folder).relative_to(root).as_posix()
        found += [f"{below}/{name}".removeprefix("./") for name in names if name.endswith(".txt")]
    at = f"/{Path(os.path.abspath(root)).name}/"
    inside = [path for path in found if f"/{LABELS}/" in at + path]
    if inside:
        kept = [path for path in inside if not f"{at}{path}".endswith(f"/{LABELS}/classes.txt")]
    else:
        kept = [path for path in found if path not in no_labels and path.lower() not in no_labels]
    return sorted({*kept, *(path for path in found if path in ours)})


def _sample_ids(file: Path) -> dict[str, str]:
    """Return our sample ids by label file, from the table beside an export."""
    if not file.is_file():
        return {}
    rows = csv.DictReader(_text(file).split("\n"))
    if not {"image", "sample_id"} <= set(rows.fieldnames or ()):
        return {}
    return {label_of(row["image"]): row["sample_id"] for row in rows}
