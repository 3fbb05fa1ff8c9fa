"""Names under which images lie beside YOLO label files, so that each has one of its own."""

from __future__ import annotations

from hashlib import blake2b

from selectlab.inputs.yolo_layout import IMAGES, label_of, split_ending


class PlacedNames:
    """Gives images names, one after the other; almost always their sample ids.

    ``a.jpg`` and ``a.png`` would both be labelled in ``a.txt``: the second one becomes
    ``a.png.png``. Eight bytes of each name are remembered.
    """

    def __init__(self) -> None:
        self._taken: set[bytes] = set()
        self.n_renamed = 0

    def place(self, sample_id: str) -> str:
        """Return the name of the next image."""
        _, ending = split_ending(sample_id)
        name = sample_id
        while (key := _digest(label_of(f"{IMAGES}/{name}"))) in self._taken:
            name += ending or "_"
        self._taken.add(key)
        self.n_renamed += name != sample_id
        return name


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
