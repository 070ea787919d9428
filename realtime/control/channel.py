"""What people do while the picture runs, and what they are told: between a window and the loop."""

from __future__ import annotations

import dataclasses
import queue
import threading
import time

from realtime.control.parameters import ParameterTree


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """What the loop is asked to do: a value, from whatever front-end. (HUD, help and fullscreen stay in the window.)"""


@dataclasses.dataclass(frozen=True, slots=True)
class Quit(Command):
    """End the run in order."""


@dataclasses.dataclass(frozen=True, slots=True)
class SetMirrored(Command):
    """Exchange left and right of the camera's picture, or not; None: the other way from now."""

    on: bool | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class SetPaused(Command):
    """Hold the picture, or go on; None: the other way from now."""

    on: bool | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class StepEffect(Command):
    """Go to the next effect (1) or the previous one (-1) in the menu."""

    by: int


@dataclasses.dataclass(frozen=True, slots=True)
class ChooseEffect(Command):
    """Show this effect, as `--effect` writes it, in the place of the last one."""

    spec: str


@dataclasses.dataclass(frozen=True, slots=True)
class ChooseSource(Command):
    """Take pictures from this source, as `--source` writes it."""

    spec: str


@dataclasses.dataclass(frozen=True, slots=True)
class SetParameter(Command):
    """Set what `realtime.control.parameters` knows as `path`, for example `swap.strength`."""

    path: str
    value: object


@dataclasses.dataclass(frozen=True, slots=True)
class StepParameter(Command):
    """Change the parameter that the arrow keys have by so many of its steps."""

    steps: int


@dataclasses.dataclass(frozen=True, slots=True)
class NextParameter(Command):
    """Give the arrow keys the next parameter."""


@dataclasses.dataclass(frozen=True, slots=True)
class SaveSnapshot(Command):
    """Keep the picture that is shown."""


@dataclasses.dataclass(frozen=True, slots=True)
class SetRecording(Command):
    """Record, or end the recording; None: the other way from now."""

    on: bool | None = None


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
        self.parameters = ParameterTree()
        """What can be set about everything that runs. A front-end may set a value here at once, without a command."""
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._status = Status()
        self._message = ""
        self._message_until_s = 0.0

    def send(self, command: Command) -> None:
        """[any] Ask the loop for something."""
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
