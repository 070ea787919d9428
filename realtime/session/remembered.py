"""What was chosen in the window the last time: the look with all its values, the source, the size of the window.

The look is a scene's file in the user's folder of settings, which can be read and mended like any other; no picture of
anybody is kept, only the name of a photo's file. What is written on the command line goes first, and is not remembered:
only what somebody chose by hand is.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
import time
from pathlib import Path
from typing import NamedTuple

from realtime import cameras
from realtime.cameras import listing
from realtime.control.channel import ControlChannel
from realtime.control.front_end import FrontEnd
from realtime.core.errors import FAULTS, OnceLogger, OptionError, RealtimeError, in_one_line
from realtime.core.files import atomic_write
from realtime.core.language import _
from realtime.core.paths import user_config_folder
from realtime.core.stats import RunStats
from realtime.imaging.frame import Size
from realtime.pipeline.effect_slot import SceneEffect
from realtime.session.assembly import Run, build
from realtime.session.beside import MakeFrontEnd
from realtime.session.effect_opening import Progress
from realtime.session.options import Options
from realtime.session.scenes import files as scene_files
from realtime.session.scenes.files import Scene
from realtime.session.scenes.live import as_scene_effect

log = logging.getLogger(__name__)

_WRITTEN_AFTER_S = 2.0
"""After the last change: a slider that is drawn along is no forty files."""
_ENDS_WITHIN_S = 0.8
"""All the writing at the end: a front-end has a second to close in."""
_LARGEST_BYTES = 100
_NAME = "as it was left"
_DEFAULT_LOOK = "portrait"


class Left(NamedTuple):
    """How a window was left."""

    scene: Scene | None = None
    """The look; with the source, where one was chosen."""
    window: Size | None = None


def folder() -> Path:
    """Return where it lies. Raises OptionError where nobody's home is known."""
    return user_config_folder() / "remembered"


def opened(options: Options, progress: Progress, stats: RunStats) -> Run:
    """Open a run as its window was left, where the options leave that open; else as `session.assembly.build` does.

    What cannot be used any more, a camera that is not there, a photo that has gone, is said and laid aside. Raises a
    RealtimeError.
    """
    if not is_by_hand(options):
        return build(options, progress, stats)
    try:
        place = folder()
    except OptionError as error:
        log.debug("nothing can be remembered: %s", error)
        return build(options, progress, stats)
    if options.fresh:
        forget(place)
    left = recalled(place)
    memory: list[Memory] = []

    def remember(controls: ControlChannel) -> FrontEnd:
        memory.append(Memory(controls, place, left.scene, says_look=_says_look(options)))
        return memory[-1]

    beside: list[MakeFrontEnd] = [remember]
    asked = with_left(options, left, place)
    try:
        run = build(asked, progress, stats, beside, window_size=left.window)
    except RealtimeError as error:
        if asked == options:
            raise
        log.warning(_("%s; so it begins afresh"), error)
        set_aside(look_file(place))
        run = build(options, progress, stats, beside, window_size=left.window)
    memory[-1].attend(run)
    return run


def is_by_hand(options: Options) -> bool:
    """Whether somebody sits before a window and says little: not a run that is measured, nor one for others."""
    limited = options.frames is not None or options.seconds is not None or options.stats is not None
    return options.output in ((), ("window",)) and not (limited or options.every_frame)


def with_left(options: Options, left: Left, place: Path) -> Options:
    """Return the options with what was left in the place of what they leave open."""
    scene = left.scene
    if scene is None:
        return options
    says_look = _says_look(options)
    if not says_look:
        options = dataclasses.replace(options, scene=str(look_file(place)))
    if options.source is None and scene.source is not None:
        live = _is_live(scene.source)
        if live is None:
            log.warning(_("%s is not there now; another source is taken"), scene.source)
            return options if says_look else dataclasses.replace(options, source=_what_there_is())
        # A film that was chosen in a window begins again at its end.
        options = dataclasses.replace(options, source=scene.source, loop=options.loop or not live)
    return options


def _says_look(options: Options) -> bool:
    return bool(options.effect or options.scene or options.set)


def _what_there_is() -> str:
    """Return a source to begin with: the look's file names the one that is not there."""
    found = listing.list_cameras(with_modes=False)
    return str(found[0].number) if found else "demo"


def _is_live(source: str) -> bool | None:
    """Whether a source is live; None: it is not there."""
    try:
        kind = cameras.kind_of(source)
        if kind == "webcam" and not source.startswith("/dev/") and not source.isdecimal():
            listing.named(source, listing.list_cameras(with_modes=False))
    except RealtimeError:
        return None
    return kind in ("webcam", "stream", "shared")


# Files ----------------------------------------------------------------------------------------------------------


def look_file(place: Path) -> Path:
    """Return the file of the look."""
    return place / "look.toml"


def _window_file(place: Path) -> Path:
    return place / "window.txt"


def recalled(place: Path) -> Left:
    """Read how a window was left. A file that says nothing is named and laid aside. Raises nothing."""
    scene = window = None
    path = look_file(place)
    if path.is_file():
        try:
            scene = scene_files.read_scene(path)
        except RealtimeError as error:
            log.warning(_("%s; it is laid aside, and all begins afresh"), error)
            set_aside(path)
    with contextlib.suppress(OSError, UnicodeDecodeError, RealtimeError):
        data = _window_file(place).read_bytes()[:_LARGEST_BYTES]
        window = Size.parse(data.decode("ascii").strip())
    return Left(scene, window)


def keep(place: Path, left: Left) -> None:
    """Write down how a window is left, each file whole or not at all. Raises OutputError."""
    with contextlib.suppress(OSError):  # said when it is written to
        place.mkdir(parents=True, exist_ok=True)
    if left.scene is not None:
        with atomic_write(look_file(place)) as unfinished:
            unfinished.write_text(scene_files.scene_text(left.scene), encoding="utf-8")
    if left.window is not None:
        with atomic_write(_window_file(place)) as unfinished:
            unfinished.write_text(f"{left.window}\n", encoding="ascii")


def forget(place: Path) -> None:
    """Remove all of it. Raises nothing."""
    for path in (look_file(place), _window_file(place)):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def set_aside(path: Path) -> None:
    """Rename a file that cannot be used, for whoever wants to mend it. Raises nothing."""
    with contextlib.suppress(OSError):
        path.replace(path.with_name(f"{path.name}.aside"))


# The front-end --------------------------------------------------------------------------------------------------


class Memory(FrontEnd):
    """Writes down what is chosen by hand, a moment later. Main thread, but for the writing."""

    def __init__(
        self, controls: ControlChannel, place: Path, before: Scene | None = None, *, says_look: bool = False
    ) -> None:
        """`before`: what is remembered until now; it stays where nobody chooses something else. `says_look`: the look
        that the run begins with was asked for elsewhere.
        """
        self._controls, self._place = controls, place
        self._before, self._says_look = before, says_look
        self._run: Run | None = None
        self._first = self._seen = self._kept = Left()
        self._changed_at_s = 0.0
        self._writer: threading.Thread | None = None
        self._faults = OnceLogger(log)

    def attend(self, run: Run) -> None:
        """Take note of how a run begins: that was not chosen by hand."""
        self._run = run
        self._first = self._seen = self._kept = self._now()

    def start(self) -> None:
        """There is nothing to begin."""

    def look_after(self) -> None:
        now, now_s = self._now(), time.monotonic()
        if self._controls.touched_at_s is None:  # what changes by itself, or from afar, nobody has chosen here
            self._first = self._seen = self._kept = now
            return
        if now != self._seen:
            self._seen, self._changed_at_s = now, now_s
        if self._seen != self._kept and now_s - self._changed_at_s > _WRITTEN_AFTER_S and not self._is_writing:
            self._write()

    def close(self) -> None:
        """Write what was chosen last, unless an earlier write does not end: two at once might end in either order."""
        ends_at_s = time.monotonic() + _ENDS_WITHIN_S
        self._wait_for_writer(ends_at_s)
        if self._seen != self._kept and not self._is_writing:
            self._write()
            self._wait_for_writer(ends_at_s)
        if self._is_writing:
            log.warning(_("what was chosen last is not remembered: the disk does not answer"))

    @property
    def _is_writing(self) -> bool:
        return self._writer is not None and self._writer.is_alive()

    def _wait_for_writer(self, until_s: float) -> None:
        if self._writer is not None:
            self._writer.join(max(0.0, until_s - time.monotonic()))

    def _now(self) -> Left:
        run = self._run
        if run is None or not run.loop.chain.slots:  # it is being closed: what was seen last counts
            return self._seen
        source = run.supervisor.source or None
        effects = tuple(as_scene_effect(slot) for slot in list(run.loop.chain.slots))
        windows = [worker.output for worker in run.loop.output_workers if worker.output.on_main_thread]
        window = windows[0].chosen_size if windows else self._seen.window
        return Left(Scene(_NAME, None, effects, source if _may_be_kept(source) else None), window)

    def _chosen(self, left: Left, first: Left) -> Scene | None:
        """Return what is to be written: what was chosen since the beginning, and else what was there before."""
        now, then, before = left.scene, first.scene, self._before
        if now is None or then is None or now == then:
            return None
        effects, source = now.effects, now.source
        if effects == then.effects and self._says_look:
            effects = (SceneEffect(_DEFAULT_LOOK, {}),) if before is None else before.effects
        if source == then.source:
            source = None if before is None else before.source
        return dataclasses.replace(now, effects=effects, source=source)

    def _write(self) -> None:
        left, first = self._seen, self._first
        self._kept = left
        changed = Left(self._chosen(left, first), left.window if left.window != first.window else None)
        if changed == Left():
            return

        def write() -> None:
            try:
                keep(self._place, changed)
            except FAULTS as error:  # a full disk, a folder that is read-only: nothing that the picture waits for
                self._faults.failure(
                    _("what is chosen cannot be remembered: {reason}", reason=in_one_line(error)), error
                )

        try:
            self._writer = threading.Thread(target=write, name="remembering", daemon=True)
            self._writer.start()
        except RuntimeError as error:  # no further thread now
            self._faults.failure(_("what is chosen cannot be remembered now"), error)


def _may_be_kept(source: str | None) -> bool:
    """Whether a source may be written down: an address may hold a password, and what another process shares is gone."""
    return source is not None and "://" not in source and not source.startswith("shared:")
