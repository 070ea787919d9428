"""Which thumbnail is made next, when there is time for it, and what it may show."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from realtime.control.channel import ControlChannel, ListedScene
from realtime.control.offers import Category, Offer, scene_spec
from realtime.core.errors import RealtimeError
from realtime.core.helper_process import HelperGoneError, HelperProcess
from realtime.imaging.frame import Frame, Pixels
from realtime.picture_files.reader import read_picture
from realtime.session.offers.thumbnails import small

log = logging.getLogger(__name__)

_GIVEN_UP_AFTER = 3
_OLDER = 1.05
_OLDER_FOR_FIRST = 1.25
_LITTLE_MS = 3.0
"""What drawing the tray takes, and what the age of pictures differs by from second to second."""
_LEARNT_SHARE = 0.1


class SpareTime:
    """Whether the machine has time for thumbnails: not while pictures are older than they were without the tray. A
    first one, of a tile that shows nothing yet, may cost a little.
    """

    def __init__(self) -> None:
        self._usual_ms: float | None = None
        self._age_ms: float | None = None  # while somebody looks

    def is_enough(self, *, for_first: bool) -> bool:
        """Whether one may be made now. Any thread."""
        usual_ms, age_ms = self._usual_ms, self._age_ms
        if usual_ms is None or age_ms is None:
            return True
        return age_ms <= usual_ms * (_OLDER_FOR_FIRST if for_first else _OLDER) + _LITTLE_MS

    def look(self, age_ms: float, *, is_watched: bool) -> None:
        """Take note of how old pictures are when they are shown, some four times a second. Main thread."""
        usual_ms = self._usual_ms
        if not is_watched:
            self._usual_ms = age_ms if usual_ms is None else usual_ms + _LEARNT_SHARE * (age_ms - usual_ms)
            self._age_ms = None
        else:
            self._age_ms = age_ms


class ThumbnailMaker:
    """Used by one thread, but for `get` and `spare`, which are any thread's."""

    def __init__(self, controls: ControlChannel, helper: Callable[[], HelperProcess]) -> None:
        """`helper` gives the process in which `Thumbnails` draws; raises HelperGoneError."""
        self._controls, self._helper = controls, helper
        self.spare = SpareTime()
        self._turn = 0
        self._failed: dict[str, int] = {}
        self._scene_pictures: dict[str, tuple[Path, int] | None] = {}  # which one was read
        self._thumbnails: dict[str, Pixels] = {}
        self._showing_room: set[str] = set()  # those of them in which the room behind people is seen

    def get(self, spec: str) -> Pixels | None:
        """Return the newest; None where there is none, or where it shows a room that is hidden now."""
        if spec in self._showing_room and self._controls.status.hides_surroundings:
            return None
        return self._thumbnails.get(spec)

    def show_scene(self, scene: ListedScene) -> None:
        """Let a scene's own picture be its thumbnail, read once for as long as it stays the same."""
        spec = scene_spec(scene.name)
        try:
            version = None if scene.picture is None else (scene.picture, scene.picture.stat().st_mtime_ns)
            if version == self._scene_pictures.get(spec):
                return
            self._scene_pictures[spec] = version
            if scene.picture is None:
                self._thumbnails.pop(spec, None)
            else:
                self._thumbnails[spec] = read_picture(scene.picture)
        except (OSError, RealtimeError) as error:  # a scene without a picture can be chosen as well
            log.debug("the picture of scene %s: %s", scene.name, error)

    def make_one(self, category: Category) -> bool:
        """Make the thumbnail whose turn it is in a category. Return whether others have none yet.

        Raises HelperGoneError where the process that makes them has ended.
        """
        frame = self._controls.untouched_picture()
        if frame is None:
            return False
        status = self._controls.status
        hidden = status.hides_people
        offers = [
            offer
            for offer in category.offers
            if offer.has_thumbnail
            and offer.made is None
            and not (offer.is_bare and hidden)
            and not (category.is_background and offer.bares_room and status.hides_surroundings)
            and self._failed.get(offer.spec, 0) < _GIVEN_UP_AFTER
        ]
        if not offers:
            return False
        fresh = [offer for offer in offers if self.get(offer.spec) is None]
        if not self.spare.is_enough(for_first=bool(fresh)):
            return False
        self._turn += 1
        offer = fresh[0] if fresh else offers[self._turn % len(offers)]
        background = "" if category.is_background or not offer.bares_room else status.background
        if offer.bares_room and not background:
            self._showing_room.add(offer.spec)
        self._show_through(offer, small(frame), background)
        if background and offer.spec in self._thumbnails:
            self._showing_room.discard(offer.spec)
        return len(fresh) > 1

    def _show_through(self, offer: Offer, frame: Frame, background: str) -> None:
        """`background`: what people stand before; empty: the room, or what the offer itself lays there."""
        if background:
            try:
                frame = frame.with_pixels(self._helper().ask("shown_through", background, frame))
            except HelperGoneError:
                raise
            except RealtimeError as error:  # the room is hidden, and so it stays
                log.debug("no thumbnail before %s: %s", background, error)
                return
        if offer.spec == "none":  # nobody need be asked what that looks like
            self._thumbnails[offer.spec] = frame.pixels
            return
        try:
            self._thumbnails[offer.spec] = self._helper().ask("shown_through", offer.spec, frame)
            self._failed.pop(offer.spec, None)
        except HelperGoneError:
            self._failed[offer.spec] = self._failed.get(offer.spec, 0) + 1  # it may be what ended it
            raise
        except RealtimeError as error:
            self._failed[offer.spec] = _GIVEN_UP_AFTER
            log.debug("no thumbnail of %s: %s", offer.spec, error)
