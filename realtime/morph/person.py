"""One person before the camera: from the mesh to the picture, their face slid along and mixed with another's."""

from __future__ import annotations

import dataclasses

from realtime.face_compositing.compositor import Compositor, KeptFeatures
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.morph.face import MorphedFace
from realtime.morph.glasses.shapes import FrameShape
from realtime.morph.glasses.worn import WornGlasses
from realtime.morph.model import MorphModel
from realtime.swap.photo.photo_face import PhotoFace, PhotoLevels

_NOTHING_KEPT = KeptFeatures(eyes=False, mouth=False)
_PHOTO_AT_HALF = 0.7
"""How much of the photo's pixels is seen half way: the viewer's eyes, mouth and outline stay beside it, and say more of
who somebody is than half of a photo. A mix was nearer to both than to 95 % of strangers in 67 % of 150 pairs with 0.5,
in 74 % with 0.6, 81 % with 0.7, 80 % with 0.75."""
_OPENINGS_KEPT = KeptFeatures(eyes=True, mouth=True)
"""A photo looks one way and has one mouth: half of those over the viewer's would be seen twice."""


@dataclasses.dataclass(frozen=True, eq=False)
class Partner:
    """Who is mixed in."""

    title: str
    code: Floats | None = None
    """[Z]; None: everyone, each with the nearest other."""
    photo: PhotoLevels | None = None
    """The face's own pixels, which are worn in the code's place. A code of 200 numbers keeps too little of who it is:
    half and half, judged by a face recogniser, 14 % of mixes were nearer to both than to 95 % of strangers. Beneath the
    pixels it adds nothing (82 % of 100 pairs with it, 81 % without), but shades on foreheads and green teeth."""


@dataclasses.dataclass(frozen=True, eq=False)
class Change:
    """What is done to a face."""

    step: Floats
    """[Z], added to the code."""
    mix: float = 0.0
    """How much of the partner, 0..1."""
    shows_decoded: bool = False
    """The decoder's own picture in the viewer's light, not what it changed on the viewer's own pixels."""
    in_front: bool = True
    """Hands, hair and glasses before the face stay as they are."""
    glasses: float = 0.0
    """What pair is worn, 0..4 (`realtime.morph.glasses.shapes`): drawn, for a code of 200 numbers holds no frame."""
    frame: FrameShape = "panto"


def photo_share(mix: float) -> float:
    """Return how much of the photo's pixels lies over the viewer's at a mix: none at 0, all at 1, more between."""
    return mix + 4 * (_PHOTO_AT_HALF - 0.5) * mix * (1 - mix)


class MorphedPerson:
    """Used by one thread."""

    def __init__(self, model: MorphModel, partner: Partner | None, change: Change, *, waits: bool = False) -> None:
        """`waits`: as `MorphedFace` has it."""
        self._partner = partner
        self._face = MorphedFace(model, waits=waits)
        self._compositor = Compositor(self._face, _NOTHING_KEPT, light=0)
        self._glasses = WornGlasses()
        self._moves_code, self._photo_share = True, 0.0
        self._photo: Compositor | None = None
        if partner is not None and partner.photo is not None:
            self._photo = Compositor(PhotoFace(partner.photo), _OPENINGS_KEPT, light=1)
        self.adapt(change)

    @property
    def code(self) -> Floats | None:
        """[Z] of the last frame; None before the first."""
        return self._face.code

    def adapt(self, change: Change) -> None:
        """Do this from the next frame on."""
        wears_photo = self._photo is not None and not change.shows_decoded
        self._photo_share = photo_share(change.mix) if wears_photo else 0.0
        mix = 0.0 if wears_photo else change.mix
        self._face.adapt(change.step, mix, shows_decoded=change.shows_decoded)
        mixes_codes = self._partner is not None and not wears_photo
        self._moves_code = bool(change.step.any()) or change.shows_decoded or mixes_codes
        self._glasses.wear(change.glasses, change.frame)
        if self._partner is not None and self._partner.code is not None:
            self._face.partner = self._partner.code
        # What is carried onto the viewer's own pixels has their light already.
        self._compositor.adapt(_NOTHING_KEPT, light=float(change.shows_decoded), in_front=change.in_front)
        if self._photo is not None:
            self._photo.adapt(_OPENINGS_KEPT, light=1, in_front=change.in_front)

    def mix_with(self, code: Floats | None) -> None:
        """Take somebody's code as the partner's from now on, or nobody's."""
        self._face.partner = code

    def render(
        self,
        pixels: Pixels,
        mesh: FaceMesh,
        pts_s: float,
        out: Pixels,
        measured: FaceMesh | None,
        *,
        needs_code: bool = False,
    ) -> bool:
        """Draw the face into `out`, which holds the frame `pixels`; return whether it is another than the viewer's own.

        `measured`: the mesh before it was calmed; `needs_code`: `code` is wanted, even where nothing moves it.
        """
        is_another = self._moves_code or needs_code
        if is_another:
            self._face.pts_s = pts_s
            self._compositor.render(pixels, mesh, pts_s, 1.0, out, measured)
        elif self._glasses.are_worn:
            self._compositor.see(pixels, mesh, pts_s, measured)
        else:
            self._compositor.let_go()
        if self._photo is not None and self._photo_share:
            self._photo.render(pixels, mesh, pts_s, self._photo_share, out, measured)
            is_another = True
        if self._glasses.are_worn:
            seen = self._compositor.visible
            is_another |= self._glasses.render(pixels, self._compositor.geometry, pts_s, out, seen)
        return is_another

    def hold(self, frame: Size, out: Pixels) -> bool:
        """Draw the last face where it was; return whether there is one, of frames of this size."""
        worn = [self._compositor]
        if self._photo is not None and self._photo_share:
            worn.append(self._photo)
        held = [each for each in worn if each.can_hold(frame)]
        for each in held:
            each.hold(out)
        return self._glasses.hold(frame, out) or bool(held)
