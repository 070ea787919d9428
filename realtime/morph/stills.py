"""Photos whose faces are slid through latent space: one at a time, and from one person to another.

Each is changed as a frame is, by the same face and compositor, so that a still is what the live picture would be.
"""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.compositor import Compositor, KeptFeatures
from realtime.faces.landmarks.alignment import cut_face, sample
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Doubles, Floats
from realtime.morph.face import MorphedFace
from realtime.morph.glasses.shapes import FrameShape
from realtime.morph.glasses.worn import WornGlasses
from realtime.morph.model import MorphModel
from realtime.swap.photo.loading import SourceFace

_SHOWN = 1.5
"""Sides of the model's crop: hair and chin are in it, and little else."""
_LEAST_SHOWN = 1.2
"""Before a photo's edge comes into the picture, it shows so much less."""
_NOTHING_KEPT = KeptFeatures(eyes=False, mouth=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """A square around a face, in sides of the model's crop, 0 being the crop's middle."""

    left: float
    top: float
    side: float


class StillFace:
    """The face in a photo, and what can be made of it. Used by one thread."""

    def __init__(self, source: SourceFace, model: MorphModel) -> None:
        """Raises ModelError."""
        self.photo = source.photo
        self.mesh = source.mesh
        self._alignment = model.alignment
        crop, to_picture = cut_face(self.photo, self.mesh, model.alignment, model.side_px)
        self.code = model.encode(crop)
        """[Z]"""
        matrix = to_picture.astype(np.float64)
        self._scale = math.hypot(*matrix[:, 0]) * model.side_px  # the photo's pixels in the crop's side
        self._middle: Doubles = matrix[:, :2] @ np.full(2, (model.side_px - 1) / 2) + matrix[:, 2]
        self._face = MorphedFace(model, waits=True)
        self._compositor = Compositor(self._face, _NOTHING_KEPT, light=0.0)
        self._glasses = WornGlasses()

    def changed(
        self,
        step: Floats | None = None,
        *,
        partner: Floats | None = None,
        mix: float = 0.0,
        shows_decoded: bool = False,
        glasses: float = 0.0,
        frame: FrameShape = "panto",
    ) -> Pixels:
        """Return the photo with its face's code moved by `step` [Z], or mixed with a `partner`'s [Z], 0..1.

        What the decoder changed is carried onto the photo's own pixels; `shows_decoded`: the decoder's picture itself
        is put into the photo, in its light. `glasses`: what pair is worn, 0..4.
        """
        face, compositor = self._face, self._compositor
        if shows_decoded:
            compositor.forget()  # the light that it found for another face
        compositor.adapt(_NOTHING_KEPT, light=float(shows_decoded), in_front=True)
        face.code = self.code
        face.partner = partner
        face.adapt(np.zeros_like(self.code) if step is None else step, mix, shows_decoded=shows_decoded)
        out = self.photo.copy()
        compositor.render(self.photo, self.mesh, 0.0, 1.0, out)
        self._glasses.wear(glasses, frame)
        self._glasses.render(self.photo, compositor.geometry, 0.0, out, compositor.visible)
        return out

    def cropped(self, side_px: int) -> Pixels:
        """Return the photo's part that the model sees, (side, side, 3)."""
        return sample(self.photo, self._alignment.to_picture(self.mesh, side_px), side_px)

    @property
    def room(self) -> tuple[float, float, float, float]:
        """How far the photo reaches from the crop's middle to the left, up, to the right and down, in its sides."""
        x, y = (self._middle + 0.5) / self._scale
        size = Size.of(self.photo)
        return x, y, size.width / self._scale - x, size.height / self._scale - y

    def cut(self, pixels: Pixels, window: Window, side_px: int) -> Pixels:
        """Return what a window shows of the photo, or of what was made of it, (side, side, 3)."""
        to_photo = self.to_photo(window, side_px)
        if to_photo[0, 0] >= 1:
            return sample(pixels, to_photo.astype(np.float32), side_px)
        interpolation = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        size = (side_px, side_px)
        return np.asarray(
            cv2.warpAffine(pixels, to_photo, size, flags=interpolation, borderMode=cv2.BORDER_REPLICATE), np.uint8
        )

    def points(self, mesh: FaceMesh, window: Window, side_px: int) -> Doubles:
        """Return (468, 3) where a mesh in the photo lies in what a window shows of it; depth in the same pixels."""
        to_photo = self.to_photo(window, side_px)
        points = mesh.points.astype(np.float64)
        points[:, :2] -= to_photo[:, 2]
        return np.asarray(points / to_photo[0, 0], np.float64)

    def to_photo(self, window: Window, side_px: int) -> NDArray[np.float64]:
        """Return the (2, 3) matrix from a window's pixels to the photo's: a change of size and a move."""
        scale = window.side * self._scale / side_px
        corner = self._middle + np.array([window.left, window.top]) * self._scale
        # Edges meet edges: half a pixel to each one's middle.
        return np.array([[scale, 0, corner[0]], [0, scale, corner[1]]]) + [[0, 0, scale / 2]] * 2


def window_on(*faces: StillFace) -> Window:
    """Return the window that shows most of faces and what is around them, the same for all: smaller, and out of the
    middle, where one of the photos ends nearby.
    """
    left, up, right, down = (min(room) for room in zip(*(face.room for face in faces), strict=True))
    side = min(_SHOWN, max(_LEAST_SHOWN, min(left + right, up + down)))
    return Window(_fitted(side, left, right), _fitted(side, up, down), side)


def _fitted(side: float, before: float, behind: float) -> float:
    """Return where a span of `side` begins that has its middle at 0, or as near to that as lies between the ends."""
    if before + behind <= side:
        return (behind - before - side) / 2
    return min(max(-side / 2, -before), behind - side)
