"""What moves a portrait's mouth: what is heard, or the mouth of whoever is before the camera."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal, TypeAlias

from realtime.core.language import N_, _
from realtime.effects.scene import Scene

if TYPE_CHECKING:
    from realtime.puppet.driver import ViewerDriver

log = logging.getLogger(__name__)

MouthSource: TypeAlias = Literal["still", "sound", "viewer"]

_NO_PICTURES = N_(
    "the mouth stays still: this portrait has no pictures of it; make it anew: realtime portrait build PICTURE -o PACK"
)
_NO_SOUND = N_("the mouth stays still: no sound is listened to; start with --sound default, or with a file of sound")

_VIEWERS_MOST = 0.06
"""Heights of the face: lips that are so far apart open the portrait's mouth wholly."""
_VIEWERS_LEAST = 0.006
"""Less is nothing: a mesh of closed lips trembles by about that much."""


class MouthMover:
    """How far a mouth is open. Processing thread, but for `notice`."""

    def __init__(self, *, has_pictures: bool) -> None:
        self._has_pictures = has_pictures
        self.notice = ""
        """Why it does not move though it is asked to, and what to do; empty: it does. Any thread."""
        self._told: set[str] = set()
        self._viewer: ViewerDriver | None = None

    def opening(self, scene: Scene, source: MouthSource) -> float:
        """Return how far it is open in this moment, 0 to 1."""
        self._notice(source, scene)
        if self.notice or source == "still":
            return 0.0
        return (scene.speech or 0.0) if source == "sound" else self._viewers(scene)

    def _notice(self, source: MouthSource, scene: Scene) -> None:
        notice = ""
        if source != "still" and not self._has_pictures:
            notice = _(_NO_PICTURES)
        elif source == "sound" and scene.speech is None:
            notice = _(_NO_SOUND)
        if notice and notice not in self._told:  # for those who see no window
            self._told.add(notice)
            log.warning("%s", notice)
        self.notice = notice

    def _viewers(self, scene: Scene) -> float:
        """Return how far the viewer's mouth is open, beyond how it is at rest."""
        from realtime.puppet.driver import Strengths, ViewerDriver

        if self._viewer is None:
            self._viewer = ViewerDriver()
        captured = scene.captured
        face = scene.faces[0] if scene.faces else None
        pose = self._viewer.pose(captured.pixels, face, captured.pts_s, Strengths(), flipped=False)
        return min(1.0, max(0.0, (pose.mouth_open - _VIEWERS_LEAST) / (_VIEWERS_MOST - _VIEWERS_LEAST)))
