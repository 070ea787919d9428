"""What people do while the picture runs, and what they are told: between front-ends and the loop."""

from __future__ import annotations

import dataclasses
import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from realtime.control.commands import Command
from realtime.control.offers import Offers
from realtime.control.parameters import ParameterTree
from realtime.imaging.frame import Frame


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """A glance at the running loop, for the HUD. Figures are of about the last second."""

    effect: str = ""
    spec: str = ""
    """The look in use, as `--effect` writes it: the last effect that is no background, or one that is alone."""
    background: str = ""
    """The same of what is seen behind people; empty: the room, or what the look shows."""
    titles: tuple[str, ...] = ()
    """The effects in use, as people call them."""
    source: str = ""
    source_spec: str = ""
    """What is read, as `--source` writes it; empty: what a run without `--source` takes, or a network's stream, whose
    address may hold a password."""
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
    looks_for_faces: bool = True
    """Whether anything in use looks for them."""
    notices: tuple[str, ...] = ()
    """What whoever sits before the picture ought to know now, in sentences."""
    mirrored: bool = False
    paused: bool = False
    blank: bool = False
    """Whether black is shown and the camera closed."""
    synthetic: bool = False
    """Whether faces are shown that are not the camera's, so that the pictures carry a label."""
    recording: str = ""
    """The file a recording goes to, or empty."""
    virtual_camera: str = ""
    """The virtual camera that calls take the picture from, or empty."""
    hides_people: bool = False
    """Whether the effects in use hide who is before the camera."""
    hides_surroundings: bool = False
    """Whether they hide the room behind people."""
    frames: int = 0
    """Pictures made since the start."""
    shown_at_s: float | None = None
    """When an output has shown a new picture for the last time, on `time.monotonic`'s clock; None: not yet. Whether a
    run goes on is seen from this, not from its process being alive: the picture may stand where the process does not.
    It stands rightly while `blank`, `paused` or `source_lost`."""
    source_lost: bool = False
    """Whether a live source gives nothing now, though it is wanted; it is being opened again."""
    restarts: tuple[tuple[str, int], ...] = ()
    """How often something was begun anew since the start, by what: `camera`, `detector`, `effect`, `processing`, an
    output's name."""
    viewers_by_hour: tuple[tuple[str, int], ...] = ()
    """How many people came into view, by local hour (`2026-05-01T18:00+02:00`), the last 24 hours, oldest first."""
    notice: str = ""
    """What whoever looks after the run ought to know, in a line; empty: nothing."""
    programme: ProgrammeStatus | None = None
    """What hangs now and what comes next, where a programme runs."""
    scene: str = ""
    """The scene that was chosen last, by its name; empty: none, or something else was chosen since."""


@dataclasses.dataclass(frozen=True, slots=True)
class ListedScene:
    """A scene that can be chosen, as a panel shows it."""

    number: int
    """What its key is: 0 to 9; from 10 on there is none."""
    name: str
    file: Path
    picture: Path | None
    """A small picture of it, PNG or JPEG; None: there is none yet."""
    effects: tuple[str, ...]
    """As `--effect` writes them."""


@dataclasses.dataclass(frozen=True, slots=True)
class ProgrammeStatus:
    """Where a programme is."""

    items: tuple[str, ...]
    """Names of all items, in turn."""
    current: str
    """The item shown; empty: none, the opening hours are over."""
    following: str
    """The item that comes next, or empty where that is not known yet."""
    changes_at: str
    """When it comes, local time as `18:30`, or empty where that is not known yet."""


class Programme(Protocol):
    """Decides what is shown when. All methods: main thread."""

    @property
    def status(self) -> ProgrammeStatus:
        """Where it is."""

    def choose(self, name: str) -> None:
        """Show an item now; empty: the next one. Raises OptionError for one that there is not, or not now."""

    def failed(self, spec: str, reason: str) -> None:
        """[any thread] An effect that was asked for could not be opened; the one before it is still shown."""


class ControlChannel:
    """Carries commands to the loop, and status and messages back. Any thread."""

    def __init__(self) -> None:
        self.parameters = ParameterTree()
        """What can be set about everything that runs. A front-end may set a value here at once, without a command."""
        self.newest_picture: Callable[[], Frame | None] = lambda: None
        """[any] The last picture made, marked as it must be; nobody writes into it."""
        self.untouched_picture: Callable[[], Frame | None] = lambda: None
        """[any] The newest picture as the camera gave it, mirrored where what is shown is; nobody writes into it."""
        self.offers: Offers | None = None
        """What knows what can be chosen, where somebody may choose with a mouse."""
        self.programme: Programme | None = None
        """What decides which item is shown, where something does."""
        self.scenes: Callable[[], Sequence[ListedScene]] = lambda: ()
        """[any] The scenes there are, by number: reads their folder, so not on the way of a frame."""
        self.progress: tuple[str, float] | None = None
        """[any] What is being waited for, and the share of it that is done; None: nothing."""
        self.inset = 0.0
        """[any] How wide, as a share of the picture, the viewer is shown in its lower right corner: words keep away."""
        self.touched_at_s: float | None = None
        """[window] When somebody last used a key or the mouse, on `time.monotonic`'s clock; None: nobody has."""
        self.notice = ""
        """Becomes the status's."""
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
