"""Where the label files of YOLO datasets lie."""

from __future__ import annotations

IMAGES, LABELS = "images", "labels"


def label_of(image: str) -> str:
    """Return where ultralytics looks for the labels of an image.

    The last folder called ``images`` is called ``labels``.

    Example:
        >>> label_of("images/a/1.jpg"), label_of("images/a/images/1.jpg")
        ('labels/a/1.txt', 'images/a/labels/1.txt')
    """
    before, found, after = f"/{split_ending(image)[0]}".rpartition(f"/{IMAGES}/")
    return f"{before}/{LABELS}/{after}.txt"[1:] if found else f"{after}.txt"[1:]


def split_ending(path: str) -> tuple[str, str]:
    """Return a path without the ending of its file, and the ending with its dot.

    Example:
        >>> split_ending("v1.2/a.b.jpg"), split_ending("v1.2/a")
        (('v1.2/a.b', '.jpg'), ('v1.2/a', ''))
    """
    folder, slash, name = path.rpartition("/")
    stem, dot, ending = name.rpartition(".")
    return (folder + slash + stem, dot + ending) if stem else (path, "")
