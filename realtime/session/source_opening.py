"""What is read: a camera, a file, the built-in viewer; opened, waited for, and exchanged while it runs."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence, Set

from realtime import cameras, outputs
from realtime.cameras import Camera, CameraInfo, CameraRequest
from realtime.core.errors import CameraError, first_clause
from realtime.core.language import _
from realtime.core.stats import RunStats
from realtime.outputs import Output
from realtime.pipeline.render_loop import RenderLoop
from realtime.session.options import Options
from realtime.session.output_planning import is_mirrored
from realtime.session.source_facts import facts_of, source_type_of

log = logging.getLogger(__name__)

_WAITS = frozenset({"fullscreen", "kiosk", "camera"})
"""Outputs that are there for others, and often without anybody who could start the program again."""


def open_source(
    options: Options, stats: RunStats, opened: Sequence[Output], is_closed: bool, tell: Callable[[str], None]
) -> tuple[Camera, Callable[[], Camera]]:
    """Open the source named, or the first camera, or the demo where there is none; return how to open it again too.

    Again means the same one: a camera that is unplugged must not become the demo. Where others look on, on a gallery's
    screen or in a call, the demo is nothing to show unasked: a camera that is not there is waited for, a named one too.
    `opened`: the outputs, once they are; a virtual camera of ours is no source. `tell`: what is worth a line once all
    else has been opened.
    """
    request = CameraRequest(options.size, options.fps)
    waits = any(outputs.split_spec(spec)[0] in _WAITS for spec in options.output)
    if options.source is not None:
        source = options.source
        open_source: Callable[[], Camera] = functools.partial(cameras.open_camera, source, request)
        kind = cameras.kind_of(source)
        if not waits or kind not in ("webcam", "stream", "shared"):
            return open_source(), open_source
        from realtime.cameras.same import SameCamera
        from realtime.cameras.stream import without_password

        open_source = SameCamera(open_source, request) if kind == "webcam" else open_source

        name = _("camera {source}", source=source) if source.isdecimal() else without_password(source)
        return _opened_or_awaited(name, open_source, request, stats, is_closed)
    if waits:
        from realtime.cameras.same import SameCamera

        planned = _planned_devices(options.output)
        open_first = SameCamera(lambda: _open_first(request, opened, planned), request)
        return _opened_or_awaited(_("the camera"), open_first, request, stats, is_closed)
    from realtime.cameras.listing import first_camera

    first = first_camera()
    try:
        return cameras.open_camera(first, request), lambda: cameras.open_camera(first, request)
    except CameraError as error:
        tell(_("{reason}; showing the built-in demo viewer instead", reason=first_clause(error)))
        return cameras.open_camera("demo", request), lambda: cameras.open_camera("demo", request)


def _opened_or_awaited(
    name: str, open_source: Callable[[], Camera], request: CameraRequest, stats: RunStats, is_closed: bool
) -> tuple[Camera, Callable[[], Camera]]:
    from realtime.cameras.awaited import LOOK_EVERY_S, AwaitedCamera

    try:
        if not is_closed:
            return open_source(), open_source
    except CameraError as error:
        log.warning(_("%s; looking for it every %g s, its picture comes as soon as it is there"), error, LOOK_EVERY_S)

    def found(info: CameraInfo) -> None:
        stats.source.update(facts_of(info))

    return AwaitedCamera(name, open_source, request, found=found), open_source


def _planned_devices(specs: Sequence[str]) -> set[str]:
    """Return the virtual cameras that outputs are going to send to, as far as can be told before they are opened."""
    arguments = [argument for name, argument in map(outputs.split_spec, specs) if name == "camera"]
    if not arguments:
        return set()
    from realtime.outputs.virtual_camera import planned_device

    return set(map(planned_device, arguments))


def _open_first(request: CameraRequest, opened: Sequence[Output], planned: Set[str] = frozenset()) -> Camera:
    """Open the first camera that is not a virtual one we send to ourselves, or are going to (`planned`). Raises
    CameraError.
    """
    from realtime.cameras.listing import list_cameras

    # An output without a device, and a camera without a path (macOS tells none), have nothing in common.
    ours = {output.device for output in opened}.union(planned) - {""}
    found = [camera for camera in list_cameras(with_modes=False) if not {camera.path, camera.name} & ours]
    if not found:
        raise CameraError(_("no camera is plugged in"))
    return cameras.open_camera(str(found[0].number), request)


class Sources:
    """Sources that are chosen while it runs, and what follows from them."""

    def __init__(self, options: Options, loop: RenderLoop, stats: RunStats) -> None:
        self._options, self._loop, self._stats = options, loop, stats
        self._types: dict[str, str] = {}

    def open(self, spec: str) -> Camera:
        """[any thread] Open one. Raises CameraError."""
        camera = cameras.open_camera(spec, CameraRequest(self._options.size, self._options.fps))
        self._types[spec] = source_type_of(spec)  # here: a file is looked into
        return camera

    def taken(self, spec: str, info: CameraInfo) -> None:
        """[main thread] Another one is read: what is told of the source, and how its pictures are marked and turned."""
        loop, source_type = self._loop, self._types.get(spec, "")
        self._stats.source.update(facts_of(info) | {"says_synthetic": bool(source_type)})
        loop.chain.tell_source(source_type)
        if self._options.mirror is None:
            is_seen = any(worker.output.shows_in_calls for worker in loop.output_workers)
            loop.maker.mirrored = is_mirrored(self._options, info) and not is_seen
