"""What a network computes on the way to its boxes: class scores and features, in the same pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

Float32 = npt.NDArray[np.float32]

_GRID = 7
"""Points per side at which features are read inside a box."""


class Recorder:
    """Listens to a network's last two layers.

    Axis letters: B images, C channels, K classes, A anchors, n boxes of an image.

    Args:
        layers: The layers of the network, in order; the last one is the head.
        features: Keep feature maps too, for embeddings.
    """

    def __init__(self, layers: Sequence[Any], features: bool) -> None:
        self._head: Any = layers[-1]
        self._output: Any = None
        self._pyramid: list[torch.Tensor] = []
        self._deepest: torch.Tensor | None = None
        self._features = features
        self._head.register_forward_hook(self._hear_head)
        if features:
            layers[-2].register_forward_hook(self._hear_deepest)

    def _hear_head(self, _: Any, inputs: tuple[Any, ...], output: Any) -> None:
        self._output = output
        maps = inputs[0] if isinstance(inputs[0], (list, tuple)) else []
        self._pyramid = [found for found in maps if found.ndim == 4] if self._features else []

    def _hear_deepest(self, _: Any, __: Any, output: Any) -> None:
        self._deepest = output

    def class_scores(self, kept: Sequence[torch.Tensor]) -> list[torch.Tensor] | None:
        """Return the scores of all classes of the boxes that survived suppression.

        Args:
            kept: Rows of the suppression's input, one tensor per image.

        Returns:
            (n, K) per image; ``None`` when the head does not give them.
        """
        raw = self._raw()
        if raw is None or "scores" not in raw:
            return None
        scores = raw["scores"].sigmoid().transpose(1, 2)
        anchors = self._anchors(scores)
        return [
            found[rows.long() if anchors is None else anchors[image][rows.long()]]
            for image, (found, rows) in enumerate(zip(scores, kept, strict=True))
        ]

    def _raw(self) -> Any:
        """Return the head's logits by name, those of the branch that made the boxes."""
        parts = self._output if isinstance(self._output, tuple) else ()
        raw = next((part for part in parts if isinstance(part, dict)), None)
        if raw is not None and "one2one" in raw:
            raw = raw["one2one" if getattr(self._head, "end2end", False) else "one2many"]
        return raw

    def _anchors(self, scores: torch.Tensor) -> torch.Tensor | None:
        """Return which anchor is in which row of an end-to-end head's output, (B, rows)."""
        if not getattr(self._head, "end2end", False):
            return None
        anchors: torch.Tensor = self._head.get_topk_index(scores, self._head.max_det)[2]
        return anchors

    def image_features(self) -> Float32 | None:
        """Return the mean of the deepest feature map, (B, C), as ultralytics' ``embed``."""
        if self._deepest is None or self._deepest.ndim != 4:
            return None
        return _float32(self._deepest.mean(dim=(2, 3)))

    def box_features(self, image: int, boxes: torch.Tensor, size: tuple[int, int]) -> Float32:
        """Return the features of boxes: the mean over each box, on every level of the pyramid.

        Each level is scaled to unit length, so that all count alike, then they are joined.

        Args:
            image: Which image of the batch.
            boxes: (n, 4) x1, y1, x2, y2 in px of the network's input.
            size: Height and width of the network's input, px.
        """
        import torch
        from torch.nn import functional

        corner, extent = boxes[:, :2], boxes[:, 2:] - boxes[:, :2]
        steps = (torch.arange(_GRID, device=boxes.device, dtype=boxes.dtype) + 0.5) / _GRID
        unit = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), dim=-1).reshape(-1, 2)
        points = corner[:, None] + extent[:, None] * unit
        scale = torch.tensor([size[1], size[0]], device=boxes.device, dtype=boxes.dtype)
        grid = (2 * points / scale - 1)[None]
        levels = []
        for found in self._pyramid:
            level = found[image : image + 1].to(boxes.dtype)
            read = functional.grid_sample(level, grid, padding_mode="border", align_corners=False)
            levels.append(functional.normalize(read[0].mean(dim=-1).T, dim=1))
        return _float32(torch.cat(levels, dim=1))

    @property
    def box_dimension(self) -> int:
        """Length of what :meth:`box_features` returns; 0 when the head has no pyramid."""
        return sum(int(found.shape[1]) for found in self._pyramid)


def _float32(values: torch.Tensor) -> Float32:
    array: Float32 = values.detach().float().cpu().numpy()
    return array
