"""A painting whose eyes and head follow the viewer, from frames made beforehand.

The midpoint of the viewer's eyes across the mirrored picture chooses the frame, so that someone who walks to their
own right is followed to the right edge of the screen. What it looks at and when it blinks is decided in
`realtime.portrait.gaze_controller`; what the frames are, in `realtime.portrait.pack`; how those between which it looks
become one picture, in `realtime.portrait.head_blending`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path

import cv2
import numpy as np

from realtime.control.parameters import Parameters
from realtime.core.errors import OptionError
from realtime.core.language import N_, _
from realtime.core.settings import setting
from realtime.effects import Effect, EffectContext, Placing
from realtime.effects.mouth import MouthMover, MouthSource
from realtime.effects.scene import Scene
from realtime.effects.viewpoint import USUAL_LENS_DEGREES, CameraPose, Seen, seen_from, standing_at
from realtime.faces.landmarks.exact_eyes import ExactEyes
from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import Face, Frame, Pixels, Size
from realtime.imaging.pixels import Place, place_inside, scale_into
from realtime.imaging.provenance import stated_by
from realtime.portrait.canvas import Fit, RegionResampler, draw_painting, painting_area
from realtime.portrait.frame_cache import FrameCache
from realtime.portrait.gaze_controller import GazeController, GazeOptions
from realtime.portrait.head_blending import HeadBlender, ShownHead
from realtime.portrait.pack import Portrait, find_pack, kept_packs

_FOCAL_LENGTH = 0.71  # of a lens of 70 degrees, in picture widths
_INSET_LINE_BGR = (214, 220, 224)


@dataclasses.dataclass(frozen=True)
class PortraitSettings:
    """How the portrait behaves and how it lies on the screen."""

    painting: Path | None = field(
        default=None, metadata=setting(N_("the painting that a folder of numbered head pictures belongs to"))
    )
    view_left: float = field(
        default=0.0,
        metadata=setting(
            N_(
                "where the view that counts begins, as a share of the mirrored camera picture; with view_right, "
                "moves and widens the gaze where camera and screen are apart"
            ),
            least=-3,
            most=4,
            live=True,
        ),
    )
    view_right: float = field(default=1.0, metadata=setting(N_("where it ends"), least=-3, most=4, live=True))
    view_top: float = field(
        default=0.0,
        metadata=setting(N_("the same from above, for portraits that look up and down"), least=-3, most=4, live=True),
    )
    view_bottom: float = field(default=1.0, metadata=setting(N_("and below"), least=-3, most=4, live=True))
    right_cm: float = field(
        default=0.0,
        metadata=setting(
            N_("how far right of the camera the portrait's eyes hang, seen from before the screen"),
            least=-2000,
            most=2000,
            unit="cm",
            live=True,
        ),
    )
    below_cm: float = field(
        default=0.0,
        metadata=setting(
            N_("how far below the camera the portrait's eyes hang"), least=-2000, most=2000, unit="cm", live=True
        ),
    )
    turned_degrees: float = field(
        default=0.0,
        metadata=setting(
            N_("how far the camera is turned to the right, seen from before the screen"),
            least=-60,
            most=60,
            unit="°",
            live=True,
        ),
    )
    tilted_degrees: float = field(
        default=0.0,
        metadata=setting(N_("how far the camera is tilted downwards"), least=-60, most=60, unit="°", live=True),
    )
    rolled_degrees: float = field(
        default=0.0,
        metadata=setting(
            N_("how far the camera hangs crooked, clockwise as seen from before the screen"),
            least=-60,
            most=60,
            unit="°",
            live=True,
        ),
    )
    lens_degrees: float = field(
        default=USUAL_LENS_DEGREES,
        metadata=setting(N_("how much the camera sees from left to right"), least=20, most=150, unit="°", live=True),
    )
    lens_distortion: float = field(
        default=0.0,
        metadata=setting(
            N_("how the camera's lens bends straight lines: k1 of its radial distortion, negative for a barrel"),
            least=-0.3,
            most=0.3,
            live=True,
        ),
    )
    smoothing_s: float = field(
        default=0.3,
        metadata=setting(N_("how long the gaze takes to reach the viewer"), least=0, most=5, unit="s", live=True),
    )
    rest: float = field(
        default=0.01,
        metadata=setting(
            N_("movements smaller than this share of the view are not followed"), least=0, most=0.2, live=True
        ),
    )
    wander: bool = field(default=True, metadata=setting(N_("look about when nobody is there"), live=True))
    wander_after_s: float = field(
        default=2.0, metadata=setting(N_("how long after the last viewer"), least=0, most=3600, unit="s", live=True)
    )
    blink: bool = field(default=True, metadata=setting(N_("blink, where the portrait can")))
    mouth: MouthSource = field(
        default="still",
        metadata=setting(
            N_(
                "what moves the mouth, where the portrait has pictures of it; sound: what --sound listens to; "
                "viewer: the viewer's mouth"
            ),
            live=True,
        ),
    )
    mouth_open: float = field(
        default=1.0, metadata=setting(N_("how far the mouth opens at its loudest"), least=0, most=1, live=True)
    )
    idle: bool = field(default=True, metadata=setting(N_("breathe when nobody is there, where the portrait can")))
    fit: Fit = field(
        default="contain",
        metadata=setting(N_("contain: the whole painting; cover: no margins, the head in view")),
    )
    inset: float = field(
        default=0.0,
        metadata=setting(
            N_("width of a small camera picture in the corner, as a share of the picture's; 0: none"), least=0, most=0.5
        ),
    )


class PortraitEffect(Effect):
    """Shows one portrait."""

    Settings = PortraitSettings
    placing = Placing("Portraits", takes=frozenset({"pack", "folder"}))
    uses_faces = True
    # With an inset it does look at the picture, but that is small and is mirrored here: still nobody need flip the
    # large one, and a failure must not put the camera's picture on a gallery's wall.
    uses_pixels = False

    def __init__(self, portrait: Portrait, settings: PortraitSettings, context: EffectContext) -> None:
        """Takes the portrait over. Raises PortraitError when it needs more memory than there should be."""
        self.title = portrait.title
        canvas = context.canvas or _own_size(portrait.size, context.largest)
        area = painting_area(portrait.size, portrait.place, canvas, settings.fit)
        scaler = RegionResampler(portrait.size, area, canvas)
        self._frames = FrameCache(portrait, scaler, with_lids=settings.blink, with_idle=settings.idle)
        self._background = draw_painting(portrait.painting, scaler, canvas)
        self._blender = HeadBlender(portrait, self._frames)
        self._mouth = MouthMover(has_pictures=self._blender.has_mouths)
        self._is_of_nobody = False
        self.synthetic = settings.mouth != "still"
        self._exact_eyes = ExactEyes()
        self.parameters = Parameters(settings)
        self._behaves_by = settings
        self._gaze_options = GazeOptions(
            columns=portrait.columns,
            rows=portrait.rows,
            blinks=self._frames.lids_part is not None,
            idle_count=self._frames.idle_count,
            idle_fps=portrait.idle_fps or 1.0,
        )
        self._gaze = GazeController(self._gaze_options_for(settings))
        inset = settings.inset or context.viewer_inset
        self._inset = _Inset(canvas, inset) if inset else None
        self._pool = FramePool(canvas, prepare=self._prepare)
        self._shown: ShownHead | None = None
        self._picture = self._background

    @classmethod
    def choices(cls) -> list[str]:
        return ["", *(pack.stem for pack in kept_packs())]

    @classmethod
    def open(cls, argument: str, settings: PortraitSettings, context: EffectContext) -> PortraitEffect:
        """Open `portrait` (the default one) or `portrait:PACK`: a folder, a file, the name of a kept pack, or a picture
        with a face in it, of which the portrait is made then.
        """
        for begin, end in (("view_left", "view_right"), ("view_top", "view_bottom")):
            if getattr(settings, begin) >= getattr(settings, end):
                raise OptionError(_("portrait.{begin} must be less than portrait.{end}", begin=begin, end=end))
        if argument:
            portrait = _open_asked_for(find_pack(argument), settings.painting, context)
        elif settings.painting is not None:
            raise OptionError(_("a painting goes with a folder of head pictures: name it, --effect portrait:FOLDER"))
        else:
            from realtime.portrait.building.default import open_default_portrait

            portrait = open_default_portrait(context.progress)
        try:
            effect = cls(portrait, settings, context)
        except BaseException:
            portrait.close()
            raise
        effect._is_of_nobody = bool(argument) and _says_it_is_nobody(find_pack(argument))
        effect.synthetic = effect.synthetic or effect._is_of_nobody
        return effect

    def make(self, scene: Scene) -> Frame:
        frame, faces, settings = scene.frame, scene.faces, self.parameters.values
        if settings is not self._behaves_by:
            self._behaves_by = settings
            self.synthetic = self._is_of_nobody or settings.mouth != "still"
            if _has_a_view(settings):  # else one end of it has been set, and the other is going to be
                self._gaze.adapt(self._gaze_options_for(settings))
        look = self._gaze.update(frame.pts_s, self._viewer(scene, settings) if faces else None)
        opening = self._mouth.opening(scene, settings.mouth) * settings.mouth_open
        shown = self._blender.choose(look, opening)
        if shown != self._shown or self._inset is not None:
            picture = self._pool.take()
            if self._inset is not None:  # cameras come back with pictures of another shape
                self._inset.around.of(picture)[:] = self._inset.around.of(self._background)
            self._blender.draw(shown, self._frames.part.of(picture))
            if self._inset is not None:
                self._inset.draw(frame, picture)
            self._picture, self._shown = picture, shown
        return frame.with_pixels(self._picture)

    def notices(self) -> Sequence[str]:
        return (self._mouth.notice,) if self._mouth.notice else ()

    def close(self) -> None:
        self._frames.close()

    def _viewer(self, scene: Scene, settings: PortraitSettings) -> tuple[float, float]:
        """Where the viewer's eyes are in the mirrored picture, 0..1 across and down, as a camera would see them that
        hangs straight where the portrait hangs.
        """
        face, captured = scene.faces[0], scene.captured
        pose = CameraPose(
            settings.turned_degrees,
            settings.tilted_degrees,
            settings.rolled_degrees,
            settings.lens_degrees,
            settings.lens_distortion,
        )
        is_beside = bool(settings.right_cm or settings.below_cm or any(pose[:3]) or pose.distortion)
        if is_beside:
            face = self._exact_eyes.of(captured.pixels, face)
        seen = eyes_seen(face, captured.size, mirrored=captured.mirrored)
        if not is_beside:  # wherever somebody stands on a ray, it is the same ray
            return seen.across, seen.down
        width, height = captured.size
        at = standing_at(seen, width / height, pose, settings.right_cm)
        return seen_from(at, width / height, pose, settings.right_cm, settings.below_cm)

    def _gaze_options_for(self, settings: PortraitSettings) -> GazeOptions:
        return dataclasses.replace(
            self._gaze_options,
            view_left=settings.view_left,
            view_right=settings.view_right,
            view_top=settings.view_top,
            view_bottom=settings.view_bottom,
            smoothing_s=settings.smoothing_s,
            rest=settings.rest,
            wander_after_s=settings.wander_after_s if settings.wander else None,
        )

    def _prepare(self, picture: Pixels) -> None:
        picture[:] = self._background  # every picture after it changes the head's part only


class _Inset:
    """A small looking glass in the corner: what the camera sees, mirrored, with a thin frame."""

    def __init__(self, canvas: Size, share: float) -> None:
        width = max(16, round(canvas.width * share))
        height = min(width, round(canvas.height * 0.6))
        margin = max(4, round(canvas.height * 0.03))
        self._box = Place(canvas.width - width - margin, canvas.height - height - margin, width, height)
        self._line_px = line = max(1, round(canvas.height / 540))
        self.around = Place(self._box.left - line, self._box.top - line, width + 2 * line, height + 2 * line)
        """The part of the canvas it may draw on."""
        self._pool: FramePool | None = None

    def draw(self, frame: Frame, out: Pixels) -> None:
        """Draw it into a picture."""
        inside = place_inside(frame.size, self._box.size)
        if self._pool is None or self._pool.size != inside.size:
            self._pool = FramePool(inside.size)
        small = self._pool.take()
        # Linear to twice the size, then averaged: 0.5 ms for a 720p picture, where averaging at once takes 2.3.
        twice = Size(min(frame.size.width, 2 * inside.width), min(frame.size.height, 2 * inside.height))
        rough = cv2.resize(frame.pixels, twice, interpolation=cv2.INTER_LINEAR)
        scale_into(np.asarray(rough, np.uint8), small)
        left, top = self._box.right - inside.width, self._box.bottom - inside.height
        place = Place(left, top, inside.width, inside.height)
        line = self._line_px
        framed = Place(left - line, top - line, inside.width + 2 * line, inside.height + 2 * line)
        framed.of(out)[:] = _INSET_LINE_BGR
        if frame.mirrored:
            np.copyto(place.of(out), small)
        else:
            cv2.flip(small, 1, dst=place.of(out))


def _open_asked_for(path: Path, painting: Path | None, context: EffectContext) -> Portrait:
    from realtime.portrait.building.from_picture import is_picture, open_portrait_of

    if is_picture(path):
        return open_portrait_of(path, context.progress)
    return Portrait.open(path, painting=painting)


def _says_it_is_nobody(path: Path) -> bool:
    """Whether a portrait's picture says of itself that no camera saw it: a face that a walk has made."""
    from realtime.portrait.building.from_picture import is_picture

    return is_picture(path) and bool(stated_by(path))


def _has_a_view(settings: PortraitSettings) -> bool:
    return settings.view_left < settings.view_right and settings.view_top < settings.view_bottom


def eyes_seen(face: Face, size: Size, *, mirrored: bool) -> Seen:
    """Return a face's eyes as they are in the mirrored picture; `mirrored`: whether this one is mirrored already."""
    x, y = face.eye_midpoint
    across = x / size.width
    return Seen(across if mirrored else 1 - across, y / size.height, face.eye_distance / size.width)


def eyes_apart(face: Face, size: Size) -> float:
    """Return the distance of a face's eyes as a share of the picture's width, as it were in the middle of the picture.

    A lens stretches what is seen aside. By how much depends on it: 70 degrees, as most webcams have, are taken for it;
    of one with 90 degrees the mistake at the edge is 15 %.
    """
    return face.eye_distance / size.width / _stretched(face.eye_midpoint[0] / size.width)


def eyes_in_picture(apart: float, across: float) -> float:
    """Return the distance of a face's eyes as it is in the picture, where `eyes_apart` has made `apart` of it."""
    return apart * _stretched(across)


def _stretched(across: float) -> float:
    return math.hypot(1.0, (across - 0.5) / _FOCAL_LENGTH)


def _own_size(painting: Size, largest: Size) -> Size:
    if painting.width <= largest.width and painting.height <= largest.height:
        return painting
    return place_inside(painting, largest).size
