"""Another face in place of the viewer's: the contract of what draws one, and how the parts join.

One face, one frame: `multi_person.py` says who wears what, `mesh_tracker.py` where the mesh lies, `face_geometry.py`
what that means for every pixel, a `FaceSource` (below) draws the new face there, `relighting.py` gives it the viewer's
light, `detector.py` says what stands in front of it, `compositor.py` joins them and blends. Whoever cannot be followed
is hidden (`anonymization.py`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.face_geometry import FaceGeometry
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats


class FaceSource(ABC):
    """A face that somebody wears: from a photo, or made by a network. Used by one thread, for one person."""

    keeps_openings: ClassVar[bool]
    """True: eyes and inside of the mouth are the viewer's own, unless the user wants otherwise."""
    corners: Floats
    """(504, 2): where the corners of a face (`face_geometry.with_rim`) lie in the picture it draws from."""
    lips: NDArray[np.float32] | None = None
    """(3,) BGR: `draw` has no mouth of its own, and the viewer's own lips are worn in this colour. None: it has one."""
    lips_worn: float = 0.0
    """How far lips that `draw` has cover the viewer's all the same, 0..1."""

    own_mouth: float = 0.0
    """How far `draw` had the inside of a mouth, 0..1: so far the viewer's own is not seen."""

    def begin(self, pixels: Pixels, mesh: FaceMesh) -> None:  # noqa: B027 - a photo has nothing to wait for
        """Start what takes long and needs no more than the whole frame and the mesh; `draw` waits for it."""

    def moves_px(self, viewer: FaceMesh) -> Floats | None:  # noqa: ARG002 - a network has no other proportions
        """Return (468, 2) by how many pixels each point of the viewer's mesh is to be moved, and the picture with it,
        that the new face has its own proportions; None: nowhere. Once a frame.
        """
        return None

    def look(self, pixels: Pixels, mesh: FaceMesh, pts_s: float, *, eyes: bool) -> None:  # noqa: B027 - a network does
        """See what the viewer does in the whole frame, in which `mesh` lies. `eyes`: `paint_eyes` may draw eyes of its
        own between the viewer's lids, which look where theirs do.
        """

    def paint_eyes(self, out: Pixels, geometry: FaceGeometry, *, lit: bool) -> None:  # noqa: B027 - a network has none
        """Draw them into a new face over the geometry's rectangle, (height, width, 3), in place. `lit`: in the viewer's
        light, as that face is.
        """

    def cover_eyes(self, alpha: NDArray[np.uint8], face: NDArray[np.uint8]) -> None:  # noqa: B027 - a network has none
        """Raise `alpha`, where it leaves the viewer's eyes open, over the eyes that `paint_eyes` drew between their
        lids, to `face` at most; both (height, width) 0..255 of the geometry's rectangle, in place.
        """

    @abstractmethod
    def draw(self, geometry: FaceGeometry) -> Pixels:
        """Return the new face over the field's rectangle, (height, width, 3) uint8 BGR, in its own light; in fewer
        pixels than the rectangle has where the face has nothing finer to show. The caller may write into it until the
        next call. After `begin` with the same frame.
        """

    def draw_with_mouth(self, geometry: FaceGeometry) -> Pixels:
        """Return the same with a mouth, where `draw` has none."""
        return self.draw(geometry)

    @abstractmethod
    def alpha(self, geometry: FaceGeometry) -> Floats:
        """Return how far it is to show on the field's grid, (grid height, grid width) 0..1. After `draw`."""

    def keep_own_light(self, *, keeps: bool) -> None:  # noqa: B027 - a network has none that could be taken out
        """Whether the light in which a photo was taken stays on the face: nothing of the viewer's is put on it."""

    def forget(self) -> None:  # noqa: B027 - a network knows nothing of who wears its face
        """Somebody else is going to wear it."""

    provider: str = "CPU (OpenCV)"
    """What computes it, for the HUD."""

    def close(self) -> None:  # noqa: B027 - a photo holds nothing
        """Free what it holds."""
