"""Which image a file name means, when predictions and images are not spelt alike."""

from __future__ import annotations

from collections.abc import Iterable

from selectlab.errors import DataError
from selectlab.inputs.sample_ids import is_frame, sample_id, stem_of


class ImageNames:
    """The images of a dataset, found by id, by stem or by the end of their path.

    Args:
        images: Sample ids of the images at hand.
    """

    def __init__(self, images: Iterable[str]) -> None:
        self.images = frozenset(images)
        self._stems: dict[str, list[str]] = {}
        for image in self.images:
            self._stems.setdefault(stem_of(image), []).append(image)
        self._endings: dict[str, list[str]] | None = None

    def of_stem(self, stem: str) -> str | None:
        """Return the one image with this stem; ``None`` when there is none, or several."""
        found = self._stems.get(stem, ())
        if len(found) == 1:
            return found[0]
        return f"{stem}.png" if not found and is_frame(stem) else None

    def resolve(self, name: object, where: str) -> str:
        """Return the id of a file name that may lack folders or the extension.

        Raises:
            DataError: Several images could be meant, or the name leads out of the dataset.
        """
        wanted = sample_id(name, where)
        if wanted in self.images:
            return wanted
        stem = stem_of(wanted)
        by_stem = self._stems.get(stem, []) if stem == wanted else []
        found = by_stem or [
            image
            for image in self._by_ending(stem)
            if f"/{image}".endswith(f"/{wanted}") or stem == wanted
        ]
        if len(found) > 1:
            first, second = sorted(found)[:2]
            raise DataError(f"{where}: {name!r} could be {first!r} or {second!r}")
        return found[0] if found else wanted

    def like(self, name: str) -> set[str]:
        """Return the images that a path may mean: those it ends like, or that end like it.

        The extension has to be the same, unless the path has none.

        Example:
            >>> sorted(ImageNames(["a/1.png", "b/1.png", "2.jpg"]).like("1.png"))
            ['a/1.png', 'b/1.png']
            >>> ImageNames(["a/1.png", "2.jpg"]).like("/data/set/a/1.png")
            {'a/1.png'}
            >>> ImageNames(["a/1.png", "2.jpg"]).like("2")
            {'2.jpg'}
        """
        wanted = f"/{name.lstrip('/')}"
        stem = stem_of(wanted)
        found = set()
        for image in self._same_name(stem):
            known = f"/{stem_of(image) if stem == wanted else image}"
            if known.endswith(wanted) or wanted.endswith(known):
                found.add(image)
        return found

    def _by_ending(self, stem: str) -> list[str]:
        """Return the images whose stem ends with these path parts."""
        same_name = self._same_name(stem)
        return [image for image in same_name if f"/{stem_of(image)}".endswith(f"/{stem}")]

    def _same_name(self, stem: str) -> list[str]:
        """Return the images whose stem ends with the last part of this one."""
        if self._endings is None:
            self._endings = {}
            for known, images in self._stems.items():
                self._endings.setdefault(known.rpartition("/")[2], []).extend(images)
        return self._endings.get(stem.rpartition("/")[2], [])
