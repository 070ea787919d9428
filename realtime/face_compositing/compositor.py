"""One person who wears another face: from the mesh to the picture."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing import FaceSource
from realtime.face_compositing.face_geometry import FaceGeometry
from realtime.face_compositing.folds import ViewerFolds
from realtime.face_compositing.lips import LipColour, clear_lips, mouth_box
from realtime.face_compositing.occlusion.detector import OcclusionDetector
from realtime.face_compositing.occlusion.glasses import GlassesDetector, taken_off
from realtime.face_compositing.occlusion.uv_view import UVView, unwrap
from realtime.face_compositing.relighting import Relighting
from realtime.faces.landmarks.mesh import EYES, LIDS, MOUTH, FaceMesh
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats

_SUBPIXEL_BITS = 4
_LOOKS_EVERY_S = 0.03
"""Of what stands in front: a third of what a face costs, so at 60 frames a second in every other one."""
_QUICK = 0.12
"""Face widths from frame to frame: 3.6 a second, as somebody jumps up. People who talk make 1 at most."""
_LID = 0.3
"""How far from the lid's edge to its crease the lids are the viewer's own: a photo's, closed over them, are a smear."""
_SOFT = 0.014
"""Half the width of the way from the viewer's own to the new face, as a share of the face's width."""


Glasses = Literal["keep", "remove"] | None


class KeptFeatures(NamedTuple):
    """What stays the viewer's own."""

    eyes: bool
    mouth: bool
    irises: bool = True
    """And what lies between the lids; False: it is the new face's, where that has eyes which look where theirs do."""


@dataclasses.dataclass
class _Held:
    """The last face, for moments in which nobody can be followed."""

    frame: Size
    strength: float
    new: Pixels
    alpha: Pixels | None = None
    """Made when it is needed."""


class Compositor:
    """Puts one face on one person. Used by one thread."""

    def __init__(
        self, source: FaceSource, keep: KeptFeatures, *, light: float, in_front: bool = True, glasses: Glasses = None
    ) -> None:
        """`light`: how far the viewer's colour and light are taken over, 0..1. `in_front`: what stands in front of the
        viewer's face, stands in front of the new one too. `glasses`: whether the viewer's own stay on or go; None: they
        are not looked for.
        """
        self.source = source
        self._keep = keep
        self._light = Relighting(light) if light > 0 else None
        source.keep_own_light(keeps=light <= 0)
        self._occlusion = OcclusionDetector() if in_front else None
        self._glasses_kept = glasses
        self._glasses = GlassesDetector() if glasses is not None else None
        self.visible: Floats | None = None
        """What of the face is seen in the last frame, on the geometry's grid, 0 where something stands in front to 1.
        None: all of it shall count as seen."""
        self._visible: Floats | None = None
        self._looked_at_s = -math.inf
        self._view: UVView | None = None
        self._middle: NDArray[np.float32] | None = None
        self._lips = LipColour()
        self._folds = ViewerFolds()
        self._geometry = FaceGeometry()
        self._held: _Held | None = None

    @property
    def geometry(self) -> FaceGeometry:
        """Where the face lies in the last frame."""
        return self._geometry

    def adapt(self, keep: KeptFeatures, *, light: float, in_front: bool, glasses: Glasses = None) -> None:
        """Do it so from the next frame on."""
        self._keep = keep
        self.source.keep_own_light(keeps=light <= 0)
        self._glasses_kept = glasses
        if (glasses is None) != (self._glasses is None):
            self._glasses = GlassesDetector() if glasses is not None else None
        if light <= 0:
            self._light = None
        elif self._light is None:
            self._light = Relighting(light)
        else:
            self._light.strength = light
        if in_front != (self._occlusion is not None):
            self._occlusion = OcclusionDetector() if in_front else None
            self._visible, self._looked_at_s = None, -math.inf

    def render(
        self,
        pixels: Pixels,
        mesh: FaceMesh,
        pts_s: float,
        strength: float,
        out: Pixels,
        measured: FaceMesh | None = None,
    ) -> None:
        """Draw the face into `out`, which holds the frame `pixels`. `measured`: the mesh before it was calmed."""
        geometry = self._geometry
        self.source.begin(pixels, mesh)
        moves_px = self.source.moves_px(mesh)
        if moves_px is not None and strength < 1:
            moves_px *= strength
        self.see(pixels, mesh, pts_s, measured, moves_px)
        if geometry.is_empty:
            return
        visible = self.visible
        worn = self._worn_glasses(pixels, pts_s)
        self.source.look(pixels, mesh, pts_s, eyes=self._keep.eyes and not self._keep.irises and worn is None)
        viewer = self._shaped(pixels, out)
        new = self.source.draw(geometry) if self._keep.mouth else self.source.draw_with_mouth(geometry)
        if self._light is not None:
            self._light.estimate(viewer, new, geometry, pts_s, visible)
            self._light.apply(new, geometry)
        new = geometry.in_full(new)
        if self.source.keeps_openings:
            self._folds.look(pixels, geometry, pts_s, self._view)
            self._folds.shade(new, geometry)
        if self._light is not None:
            self._light.add_grain(new, viewer, geometry)
        self.source.paint_eyes(new, geometry, lit=self._light is not None)
        shown = self.source.alpha(geometry)
        if visible is not None:
            shown = shown * visible
        if worn is not None and self._glasses_kept == "remove":
            taken_off(geometry.place.of(out), worn)
        elif worn is not None:
            _put_on(geometry, worn, viewer, new)
        alpha = self._cover(shown, strength)
        if self._keep.mouth and self.source.lips is not None:
            self._paint_lips(viewer, self.source.lips, alpha, pts_s, out)
        self._open(alpha, self._keep)
        self._held = _Held(Size.of(pixels), strength, new)
        _blend(geometry, new, alpha, geometry.place.of(out))

    def see(
        self,
        pixels: Pixels,
        mesh: FaceMesh,
        pts_s: float,
        measured: FaceMesh | None = None,
        moves_px: Floats | None = None,
    ) -> None:
        """Find where the face lies in a frame and what stands before it, and draw nothing. `moves_px`: as
        `FaceGeometry.update` takes it.
        """
        self._geometry.update(mesh, Size.of(pixels), self.source.corners, measured, moves_px)
        self._held = self.visible = None
        if self._geometry.is_empty:
            return
        self._view = None
        if not self._moves_quickly(measured or mesh):
            self.visible = self._look(pixels, pts_s)

    def _worn_glasses(self, pixels: Pixels, pts_s: float) -> NDArray[np.uint8] | None:
        if self._glasses is None:
            return None
        self._glasses.look(pixels, self._geometry, pts_s)
        return self._glasses.mask(self._geometry)

    def _shaped(self, pixels: Pixels, out: Pixels) -> Pixels:
        """Give the viewer, in `out`, the new face's proportions, and return them as they are then, over the rectangle.

        Their own picture is moved, not only the mesh: eyes and mouth are theirs, and so is the skin along the outline.
        """
        geometry, place = self._geometry, self._geometry.place
        seen, shown = place.of(pixels), place.of(out)
        if not geometry.is_moved:
            return seen
        if np.array_equal(seen, shown):
            geometry.move(shown)
            return shown
        viewer = geometry.bytes_like("viewer", 3)  # others are hidden in `out`, and must stay so
        np.copyto(viewer, seen)
        geometry.move(viewer, shown)
        return viewer

    def _paint_lips(
        self, viewer: Pixels, colour: NDArray[np.float32], cover: NDArray[np.uint8], pts_s: float, out: Pixels
    ) -> None:
        """Give the viewer's lips, which `out` holds, the colour of the new face's, as far as that covers them."""
        geometry = self._geometry
        if self._light is not None:
            middle = geometry.in_place(MOUTH).mean(axis=0) / geometry.place.size
            colour = self._light.lit(colour, float(middle[0]), float(middle[1]))
        self._lips.estimate(viewer, colour, geometry, pts_s)
        self._lips.paint(geometry.place.of(out), cover, geometry)

    def _moves_quickly(self, mesh: FaceMesh) -> bool:
        """Whether the mesh may be off by so much that the wearer's own face looks like something in front of it."""
        middle = mesh.points[:, :2].mean(axis=0)
        before, self._middle = self._middle, middle
        return before is not None and float(np.linalg.norm(middle - before)) > _QUICK * mesh.width_px

    def _look(self, pixels: Pixels, pts_s: float) -> Floats | None:
        """Return what of the viewer's face is seen, on the field's grid; None where all of it shall count as seen."""
        if self._occlusion is not None and not self._looked_at_s <= pts_s < self._looked_at_s + _LOOKS_EVERY_S:
            self._view = unwrap(pixels, self._geometry)
            self._visible = self._occlusion.visible(pixels, self._geometry, pts_s, self._view)
            self._looked_at_s = pts_s
        return self._visible

    def can_hold(self, frame: Size) -> bool:
        """Whether there is a last face, drawn in frames of this size."""
        return self._held is not None and self._held.frame == frame

    def hold(self, out: Pixels) -> None:
        """Draw the last face where it was, all of it: nobody knows where the wearer's eyes and mouth are now, and what
        stood before the face, and beside that the wearer would be seen.
        """
        held = self._held
        if held is None:
            return
        if held.alpha is None:
            held.alpha = self._cover(self.source.alpha(self._geometry), held.strength)
            if self.source.lips is not None:
                held.new = self._with_mouth()
        _blend(self._geometry, held.new, held.alpha, self._geometry.place.of(out))

    def _with_mouth(self) -> Pixels:
        """Return the last face with the new face's own mouth."""
        new = self.source.draw_with_mouth(self._geometry)
        if self._light is not None:
            self._light.apply(new, self._geometry)
        return self._geometry.in_full(new)

    def let_go(self) -> None:
        """Hold the last face no longer: it lay in another picture."""
        self._held = None

    def forget(self) -> None:
        """Somebody else is going to wear it."""
        self._held = self._middle = None
        self.source.forget()
        self._lips.forget()
        self._folds.forget()
        if self._glasses is not None:
            self._glasses.forget()
        if self._light is not None:
            self._light.forget()
        if self._occlusion is not None:
            self._occlusion.forget()
            self._looked_at_s = -math.inf

    def _cover(self, shown: Floats, strength: float) -> Pixels:
        """Return how much of each pixel is the new face, (height, width) uint8, eyes and mouth as the rest."""
        alpha = self._geometry.bytes_like("alpha")
        self._geometry.enlarge(np.rint(shown * (255 * strength)).astype(np.uint8), alpha)
        return alpha

    def _open(self, alpha: Pixels, keep: KeptFeatures) -> None:
        """Let eyes and mouth be seen, as far as they are the viewer's own, in place."""
        geometry = self._geometry
        openings = []
        covered = None
        face = self._geometry.bytes_like("face's alpha")
        face[:] = alpha
        if keep.mouth:
            mouth = mouth_box(geometry, alpha.shape).of(alpha)
            if self.source.own_mouth > 0 and mouth.size:
                covered = cv2.convertScaleAbs(mouth, alpha=self.source.own_mouth)
            openings.append(geometry.in_place(MOUTH))
            if self.source.lips is not None:
                clear_lips(alpha, geometry, self.source.lips_worn)
        if keep.eyes:
            for edge, behind in zip(EYES, LIDS, strict=True):
                openings.append(geometry.in_place(edge) * (1 - _LID) + geometry.in_place(behind) * _LID)
        for opening in openings:
            loop = np.rint(opening * 2**_SUBPIXEL_BITS).astype(np.int32)
            cv2.fillPoly(alpha, [loop], 0, cv2.LINE_AA, _SUBPIXEL_BITS)
            if covered is not None and opening is openings[0]:
                cv2.max(mouth, covered, dst=mouth)
        if openings:
            soft = max(1, round(geometry.place.width * _SOFT)) * 2 + 1
            cv2.blur(alpha, (soft, soft), dst=alpha)
        if keep.eyes:
            self.source.cover_eyes(alpha, face)


def _put_on(geometry: FaceGeometry, mask: NDArray[np.uint8], viewer: Pixels, new: Pixels) -> None:
    """Lay the viewer's glasses onto the new face: held for a moment, it still has them."""
    share, drawn = geometry.bytes_like("share", 3), geometry.bytes_like("mixed", 3)
    cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR, dst=share)
    cv2.multiply(viewer, share, dst=drawn, scale=1 / 255)
    cv2.bitwise_not(share, dst=share)
    cv2.multiply(new, share, dst=new, scale=1 / 255)
    cv2.add(new, drawn, dst=new)


def _blend(geometry: FaceGeometry, new: Pixels, alpha: Pixels, part: Pixels) -> None:
    """Mix the new face into part of a picture. In bytes: 0.1 ms for a face of 250 px, a fifth of what floats take."""
    share = geometry.bytes_like("share", 3)
    cv2.cvtColor(alpha, cv2.COLOR_GRAY2BGR, dst=share)
    drawn = geometry.bytes_like("mixed", 3)
    cv2.multiply(new, share, dst=drawn, scale=1 / 255)
    cv2.bitwise_not(share, dst=share)
    cv2.multiply(part, share, dst=part, scale=1 / 255)
    cv2.add(part, drawn, dst=part)
