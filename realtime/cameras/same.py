"""A camera that is found again: by its name, whatever number it has when it comes back.

Numbers are given in the order in which cameras are plugged in. One that is pulled out and put back may come back under
another, and another camera may have its number then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from realtime.cameras import Camera, CameraRequest, open_camera
from realtime.cameras.listing import ListedCamera, list_cameras
from realtime.core.errors import CameraError
from realtime.core.language import _

log = logging.getLogger(__name__)


class SameCamera:
    """Opens a camera, and the next time the one of that name. Called from one thread at a time."""

    def __init__(
        self,
        open_any: Callable[[], Camera],
        request: CameraRequest,
        *,
        list_them: Callable[[], Sequence[ListedCamera]] = lambda: list_cameras(with_modes=False),
        open_it: Callable[[str, CameraRequest], Camera] = open_camera,
    ) -> None:
        """`open_any` opens it the first time. Raises CameraError."""
        self._open_any, self._request = open_any, request
        self._list, self._open = list_them, open_it
        self._known: ListedCamera | None = None

    def __call__(self) -> Camera:
        """Open it. Raises CameraError where it is not there."""
        if self._known is None:
            camera = self._open_any()
            self._known = next((one for one in self._list() if one.label == camera.info.name), None)
            return camera
        known = self._known
        same = [one for one in self._list() if one.name == known.name]
        if not same:
            raise CameraError(_("{name} is not plugged in; plug it in again", name=known.name))
        found = next((one for one in same if one.number == known.number), same[0])
        camera = self._open(str(found.number), self._request)
        if found.number != known.number:
            log.warning(_("%s is camera %d now"), found.name, found.number)
        self._known = found
        return camera
