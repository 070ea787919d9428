"""What a screen shows that has failed too often: a still of its portrait, with no camera, model or network in use."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

import numpy as np

from realtime.cameras import Camera, CameraInfo
from realtime.core.errors import FAULTS
from realtime.core.language import _
from realtime.core.settings import parse_settings
from realtime.core.specs import EffectSpec
from realtime.effects import EffectContext, effect_class
from realtime.effects.fallback import Fallback
from realtime.effects.scene import Scene
from realtime.gallery.config import Item
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.pixels import RESTING_BGR

log = logging.getLogger(__name__)

_FPS = 4.0  # nothing moves; this is how soon a window is drawn again that something has covered


class RestingPicture(Camera):
    """One picture, again and again, at a leisurely rate."""

    def __init__(self, picture: Pixels) -> None:
        height, width = picture.shape[:2]
        self.info = CameraInfo(_("a still of the portrait"), Size(width, height), _FPS, live=False)
        self._picture = picture
        self._count = 0

    def read(self) -> Frame:
        index, self._count = self._count, self._count + 1
        return Frame(self._picture, time.monotonic(), index / _FPS, index)

    def close(self) -> None:
        """Nothing to give back."""


def still_of(items: Iterable[Item]) -> Pixels:
    """Return a picture of the first portrait among the items, as it looks when nobody is there; the default portrait's
    photo where there is none or it cannot be opened. Never raises.
    """
    nobody = Frame(np.full((360, 640, 3), RESTING_BGR, np.uint8), time.monotonic(), 0.0, 0)
    scene = Scene(nobody, ())
    for item in items:
        spec = EffectSpec.parse(item.spec)
        if spec.name != "portrait":
            continue
        try:
            cls = effect_class(spec.name)
            effect = cls.open(spec.argument, parse_settings(cls.Settings, item.settings, spec.name), EffectContext())
            picture = np.array(effect.make(scene).pixels)
            effect.close()
        except FAULTS as error:  # it may be what failed so often
            log.debug("no still of %s", item.name, exc_info=error)
        else:
            return picture
    return Fallback.open("", Fallback.Settings(), EffectContext()).make(scene).pixels
