"""The one process of a wall that opens the camera, and publishes its pictures for the screens (`shared:NAME`).

The supervisor starts it as a child (`CameraProcess`) where several screens have one camera. It reads two words on its
standard input, `blank` and `open`: outside the opening hours the camera is closed and its light is off. When the input
ends, the supervisor is gone, and so is this. A camera that is not there is looked for until it comes; one that comes
back under another number is found by its name. A driver that hangs ends the process, which the supervisor starts again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from realtime import cameras
from realtime.cameras import Camera, CameraRequest
from realtime.cameras.listing import first_camera, list_cameras
from realtime.cameras.shared import BEAT_EVERY_S, FramePublisher, remove_left_behind
from realtime.core.errors import CameraError, RealtimeError
from realtime.core.language import _

log = logging.getLogger(__name__)

LOOK_EVERY_S = 3.0
HUNG_AFTER_S = 20.0
"""No camera that works needs longer to open (10 s for its first picture) or for a picture."""
HUNG_CODE = 3
_ENDS_WITHIN_S = 3.0
_LONGEST_WORD = 100
_LONGEST_PAUSE_S = 30.0

Open = Callable[[str], Camera]


class CameraKeeper:
    """Opens a camera again and again, and publishes what it gives, until it is stopped."""

    def __init__(self, source: str, publisher: FramePublisher, open_camera: Open) -> None:
        self._source = source
        self._publisher = publisher
        self._open_camera = open_camera
        self._name = ""  # of the camera that was found, as the system's list has it
        self._is_blank = True  # until it is told: it may be night
        self._is_stopping = False
        self._changed = threading.Event()
        self._busy_since_s: float | None = None
        self._is_told = False

    def tell(self, word: str) -> None:
        """Take in a word of the supervisor's: `blank`, `open`; empty: it is gone. Any thread."""
        if word == "":
            self._is_stopping = True
        elif word in ("blank", "open"):
            self._is_blank = word == "blank"
        self._changed.set()

    def is_hung(self) -> bool:
        """Whether the camera's driver has not come back for long. Any thread."""
        since_s = self._busy_since_s
        return since_s is not None and time.monotonic() - since_s > HUNG_AFTER_S

    def run(self) -> None:
        """Go on until it is told to stop."""
        while not self._is_stopping:
            self._changed.clear()
            if self._is_blank:
                self._changed.wait(1.0)
                continue
            try:
                self._show_one()
            except CameraError as error:
                self._tell_once(error)
                self._changed.wait(LOOK_EVERY_S)

    def _show_one(self) -> None:
        """Open the camera and publish its pictures until it is lost, closed or to be closed."""
        with self._busy():
            camera = self._opened()
        try:
            self._publisher.begin(camera.info)
            log.warning(_("%s is there"), camera.info.name)
            self._is_told = False
            while not (self._is_stopping or self._is_blank):
                with self._busy():
                    frame = camera.read()
                if frame is None:
                    raise CameraError(_("{name} has ended; name a camera", name=camera.info.name))
                self._publisher.publish(frame.pixels, frame.captured_at_s)
        finally:
            self._publisher.end()
            with self._busy():
                camera.close()

    def _opened(self) -> Camera:
        """Open the camera; by its name where it has been seen before, as it may have another number now."""
        if self._name:
            try:
                return self._open_camera(self._name)
            except CameraError as error:
                log.debug("not by its name", exc_info=error)
        camera = self._open_camera(self._source)
        self._name = _listed_name(self._source)
        return camera

    @contextlib.contextmanager
    def _busy(self) -> Iterator[None]:
        self._busy_since_s = time.monotonic()
        try:
            yield
        finally:
            self._busy_since_s = None

    def _tell_once(self, error: CameraError) -> None:
        if not self._is_told:
            log.warning(_("%s; looking for it every %g s"), error, LOOK_EVERY_S)
            self._is_told = True


def _listed_name(source: str) -> str:
    """Return the name of the camera of a number, where no other is called the same."""
    source = source or first_camera()
    if not source.isdecimal():
        return ""
    listed = list_cameras(with_modes=False)
    names = [camera.name for camera in listed if camera.number == int(source)]
    return names[0] if names and [camera.name for camera in listed].count(names[0]) == 1 else ""


def run(source: str, name: str) -> int:
    """Publish a camera until standard input ends; return the exit code. Raises CameraError where the name is taken."""
    publisher = FramePublisher(name)
    keeper = CameraKeeper(source, publisher, lambda spec: cameras.open_camera(spec or first_camera(), CameraRequest()))
    threading.Thread(target=_listen, args=(keeper,), name="words", daemon=True).start()
    threading.Thread(target=_beat, args=(keeper, publisher), name="beat", daemon=True).start()
    try:
        keeper.run()
    finally:
        publisher.close()
    return 0


def _listen(keeper: CameraKeeper) -> None:
    """[thread of its own]"""
    while line := sys.stdin.readline(_LONGEST_WORD):
        keeper.tell(line.strip() or " ")
    keeper.tell("")


def _beat(keeper: CameraKeeper, publisher: FramePublisher) -> None:
    """[thread of its own]"""
    while True:
        if keeper.is_hung():
            log.error(_("the camera's driver does not come back; starting anew"))
            publisher.close()
            os._exit(HUNG_CODE)
        publisher.beat()
        time.sleep(BEAT_EVERY_S)


class CameraProcess:
    """The supervisor's end of it. One thread."""

    def __init__(self, source: str, name: str) -> None:
        """`source`: as `--source` takes it; empty: the first camera. `name`: what screens read, as `shared:name`."""
        self.source, self.name = source, name
        self._is_blank = False
        self._starts_at_s = 0.0
        self._pause_s = 0.0
        self._process: subprocess.Popen[str] | None = None

    @property
    def is_running(self) -> bool:
        """Whether it runs now; one that has ended may be started again."""
        return self._process is not None and self._process.poll() is None

    def look(self, at_s: float) -> str:
        """Start it where it does not run; later each time, where it ends again and again. Return what happened, in
        words; mostly nothing. Raises OSError where no process can be started.
        """
        if self.is_running:
            if at_s - self._starts_at_s > _LONGEST_PAUSE_S:
                self._pause_s = 0.0
            return ""
        self.ask_to_end()  # its pipe is given back
        ended, self._process = self._process, None
        if ended is not None:
            self._starts_at_s = at_s + self._pause_s
            self._pause_s = min(max(1.0, 2 * self._pause_s), _LONGEST_PAUSE_S)
            return _("ended with code {returncode}; started again", returncode=ended.returncode)
        if at_s >= self._starts_at_s:
            self.start()
        return ""

    def start(self) -> None:
        """Start it. Raises OSError where no process can be started."""
        command = [sys.executable, "-m", "realtime.gallery.processes.camera_process", self.source, self.name]
        # Ctrl-C in a terminal is for the supervisor, which ends this in order.
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=os.name != "nt")
        self._tell()

    def set_blank(self, on: bool) -> None:
        """Close the camera, so that its light is off, or open it again."""
        if on != self._is_blank:
            self._is_blank = on
            self._tell()

    def ask_to_end(self) -> None:
        """Cut its lifeline."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def end(self, within_s: float = _ENDS_WITHIN_S) -> None:
        """End it, by force where it does not; the camera's last pictures go with it."""
        self.ask_to_end()
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(max(0.1, within_s))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        remove_left_behind(self.name, process.pid)

    def _tell(self) -> None:
        if self._process is None or self._process.stdin is None:
            return
        with contextlib.suppress(OSError, ValueError):  # it has ended: the next start tells it
            self._process.stdin.write("blank\n" if self._is_blank else "open\n")
            self._process.stdin.flush()


def main(arguments: Sequence[str]) -> int:
    """`python -m realtime.gallery.processes.camera_process SOURCE NAME`"""
    if len(arguments) != 2:
        print(_("two words are needed: the source and the name that it is published under"), file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        return run(*arguments)
    except RealtimeError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # Ctrl-C goes to all of a terminal's processes; the supervisor ends this one
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
