"""The newest frame through each look. Everything here runs in a process of its own (`core.helper_process`)."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np

from realtime import effects
from realtime.control.offers import Category
from realtime.core.helper_process import Progress, step_back
from realtime.core.specs import EffectSpec
from realtime.effects import Effect, EffectContext
from realtime.effects.scene import Scene
from realtime.faces import DETECTORS, FaceDetector
from realtime.imaging.frame import Face, Frame, Pixels, Size
from realtime.imaging.pixels import place_inside
from realtime.session.offers import listing
from realtime.session.options import Options

SIZE = Size(480, 270)
"""What a look is shown on: strokes are as fine as that lets them be, and a face of a person at a desk is found."""
_KEPT = 12
"""Effects that stay open, some 20 MB each: as many as a category shows at once. Others are opened anew."""
_SURE_SCORE = 0.5
_LOOKS = 4
"""At a face, before it is drawn: effects that hide people do so until they know where the new face must lie."""
_LOOK_S = 1 / 30


class Thumbnails:
    """Lists what there is, and shows frames through it."""

    def __init__(self, options: Options) -> None:
        """`options`: what effects are opened with."""
        cv2.setNumThreads(1)
        self._options = options
        self._open: collections.OrderedDict[str, Effect] = collections.OrderedDict()
        self._detector: FaceDetector | None = None
        self._has_stepped_back = False

    def categories(self, progress: Progress) -> Sequence[Category]:  # noqa: ARG002 - of every method of a helper
        """Return everything there is, by tab. What follows is done with what the machine can spare."""
        categories = listing.categories()
        if not self._has_stepped_back:
            self._has_stepped_back = True
            step_back()
        return categories

    def shown_through(self, spec: str, frame: Frame, progress: Progress) -> Pixels:
        """Return a frame through an effect, no larger than `SIZE`. Raises a RealtimeError where it does not open."""
        effect = self._effect(spec, progress)
        faces = self._faces(frame) if effect.uses_faces else []
        picture = frame
        for look in range(_LOOKS if faces and effect.uses_pixels else 1):
            seen = dataclasses.replace(frame, pts_s=frame.pts_s + look * _LOOK_S)
            picture = effect.make(Scene(seen, faces))
        place = place_inside(picture.size, SIZE)
        if place.width >= picture.size.width:
            return np.array(picture.pixels)
        return np.asarray(cv2.resize(picture.pixels, place.size, interpolation=cv2.INTER_AREA), np.uint8)

    def _effect(self, spec: str, progress: Progress) -> Effect:
        if spec in self._open:
            self._open.move_to_end(spec)
            return self._open[spec]
        while len(self._open) >= _KEPT:
            self._open.popitem(last=False)[1].close()
        from realtime.session.effect_opening import open_effect

        context = EffectContext(
            largest=SIZE, frame=SIZE, every_frame=True, alongside=True, provider="cpu", progress=progress
        )
        name = EffectSpec.parse(spec).name
        effects.effect_class(name)
        self._open[spec] = open_effect(spec, self._options, context)
        return self._open[spec]

    def _faces(self, frame: Frame) -> list[Face]:
        if self._detector is None:
            detector = DETECTORS["full"].load()()
            assert isinstance(detector, FaceDetector)  # noqa: S101 - the table is ours
            self._detector = detector
        found = [face for face in self._detector.find(frame) if face.score >= _SURE_SCORE]
        return [dataclasses.replace(face, track_id=number + 1) for number, face in enumerate(found)]


def small(frame: Frame) -> Frame:
    """Return a frame as small as thumbnails are made of; a copy."""
    place = place_inside(frame.size, SIZE)
    pixels = np.asarray(cv2.resize(frame.pixels, place.size, interpolation=cv2.INTER_AREA), np.uint8)
    return dataclasses.replace(frame, pixels=pixels, provenance=None)
