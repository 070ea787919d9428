"""What people do while the picture runs, and what they are told: between a window and the loop."""

from __future__ import annotations

import dataclasses
import enum
import queue
import threading
import time


class Command(enum.Enum):
    """A wish of the user's that the loop carries out. (HUD, help and fullscreen stay within the window.)"""

    MIRROR = "mirror"
    PAUSE = "pause"
    NEXT_EFFECT = "next effect"
    PREVIOUS_EFFECT = "previous effect"
    STRONGER = "stronger"
    WEAKER = "weaker"
    NEXT_DIAL = "next dial"
    SNAPSHOT = "snapshot"
    RECORD = "record"
    QUIT = "quit"


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """A glance at the running loop, for the HUD. Figures are of about the last second."""

    effect: str = ""
    source: str = ""
    provider: str = ""
    fps: float = 0.0
    age_ms: float = 0.0
    """Capture to shown, of the window's own pictures where there is a window."""
    stage_ms: tuple[tuple[str, float], ...] = ()
    """Median milliseconds by stage, in the order of a frame's life."""
    dropped: tuple[tuple[str, int], ...] = ()
    """Frames dropped since the start, by whom."""
    facts: tuple[tuple[str, str], ...] = ()
    """What the effects tell of themselves: label and words."""
    faces: int = 0
    mirrored: bool = False
    paused: bool = False
    recording: str = ""
    """The file a recording goes to, or empty."""


class ControlChannel:
    """Carries commands to the loop, and status and messages back. Any thread."""

    def __init__(self) -> None:
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._status = Status()
        self._message = ""
        self._message_until_s = 0.0

    def send(self, command: Command) -> None:
        """[window] Ask the loop for something."""
        self._commands.put(command)

    def next_command(self) -> Command | None:
        """[loop] The oldest command not yet handled, or None.

        It does not wait: CPython 3.11's `SimpleQueue.get` with a timeout waits for ever when a signal arrives in the
        moment in which the timeout ends, and Ctrl-C would not end the program.
        """
        try:
            return self._commands.get_nowait()
        except queue.Empty:
            return None

    @property
    def status(self) -> Status:
        """[window] The newest status."""
        with self._lock:
            return self._status

    @status.setter
    def status(self, status: Status) -> None:
        with self._lock:
            self._status = status

    def say(self, message: str, for_s: float = 4.0) -> None:
        """[any] Show a short line on the window for a while (`saved …png`)."""
        with self._lock:
            self._message, self._message_until_s = message, time.monotonic() + for_s

    @property
    def message(self) -> str:
        """[window] The line to show now, or empty."""
        with self._lock:
            return self._message if time.monotonic() < self._message_until_s else ""
