"""The network that sees what stands before a face: from how it looks now, and how it is remembered.

It is small (0.4 MB; a U-Net on 64×64 points) and was trained on drawn hands, fingers, cups, phones and
the like before filmed faces (`tools/train_in_front.py`, docs/swap.md). It is never shown a picture, only a face laid
flat beside its memory, both against the face's mean colour: what it learnt is what does not belong there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from realtime.face_compositing.occlusion.appearance_model import AppearanceModel
from realtime.face_compositing.occlusion.uv_view import SIDE, UVView, on_face, plane
from realtime.imaging.numerics import Floats
from realtime.models.runtime.bundled_network import open_bundled

CHANNELS = 13
"""Now: L, a, b; usually: L, a, b; how far they stray; seen; known; the place across and down."""
_LEVELS, _STRAY_LEVELS, _MOST = 32.0, 16.0, 4.0
"""8-bit levels that count as 1, and the most that is told."""
_FILE = Path(__file__).with_name("in_front.onnx")


def describe(view: UVView, memory: AppearanceModel, out: Floats) -> None:
    """Write what the network is told of one frame into `out`, (CHANNELS, SIDE, SIDE)."""
    weight = view.seen * memory.known * on_face()
    level = np.einsum("yx,yxc->c", weight, memory.usual) / (float(weight.sum()) + 1e-6)
    out[0:3] = np.moveaxis((view.lab - level) / _LEVELS, 2, 0)
    out[3:6] = np.moveaxis((memory.usual - level) / _LEVELS, 2, 0)
    out[6:9] = np.moveaxis(np.sqrt(memory.strays) / _STRAY_LEVELS, 2, 0)
    np.clip(out[:9], -_MOST, _MOST, out=out[:9])
    out[9], out[10] = view.seen, memory.known
    out[11:13] = np.moveaxis(plane()[..., 1:], 2, 0)


class OccluderNetwork:
    """Used by one thread."""

    def __init__(self, model: bytes | None = None) -> None:
        """`model`: other weights than those that come with the program. Raises ModelError."""
        self._network = open_bundled(_FILE, model)  # 0.5 ms a run (OpenCV takes 1.9), and no less on two threads
        self._told = np.zeros((1, CHANNELS, SIDE, SIDE), np.float32)
        self._found = np.zeros((1, 1, SIDE, SIDE), np.float32)

    def find(self, view: UVView, memory: AppearanceModel) -> Floats:
        """Return (SIDE, SIDE), 0..1: how surely something stands in front of each point that is seen."""
        describe(view, memory, self._told[0])
        self._network.run({"told": self._told}, {"in_front": self._found})
        return np.asarray(self._found[0, 0] * (view.seen > 0), np.float32)
