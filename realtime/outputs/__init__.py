"""Where pictures go: the contract every output keeps, and the table of outputs.

`realtime.pipeline.render_loop` gives each output a mailbox for the newest frame and, except for a window, a thread of
its own, paces it and counts what it shows and drops. So an output needs three things: open in `__init__`, `show`,
`close`. The smallest one is `null.py`: copy it.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from realtime.core.errors import OutputError, nearest
from realtime.core.language import N_, _
from realtime.core.paths import user_path
from realtime.core.registry import RegistryEntry
from realtime.imaging.frame import Frame, Size
from realtime.imaging.provenance import Provenance
from realtime.outputs.splitting import NEVER, Split

if TYPE_CHECKING:
    from realtime.control.channel import ControlChannel
    from realtime.disclosure.c2pa import Signer
    from realtime.outputs.live_sound import LiveSound


@dataclasses.dataclass(frozen=True, slots=True)
class OutputRequest:
    """What the user asks of an output, and what it may need to know of the run."""

    controls: ControlChannel
    """How a window tells the loop what the user pressed, and what it shows on its HUD."""
    size: Size | None = None
    """`--size`; None: the pictures' own size (1280×720 for a virtual camera)."""
    window_size: Size | None = None
    """Of a window whose size was chosen by hand before; None: the picture's shape says it. `size` goes first."""
    fps: float = 30.0
    """The rate asked for, or the source's own."""
    screen: int = 0
    """Which screen, counted from 0, a window or a fullscreen picture opens on."""
    rotate_degrees: int = 0
    """0, 90, 180 or 270, clockwise: a screen hung on its side."""
    hud: bool = False
    """Whether a window starts with its HUD shown."""
    every_frame: bool = False
    """True: recorded material without hurry; nothing may be dropped."""
    overwrite: bool = False
    """True: a file that exists may be replaced."""
    split: Split = NEVER
    """When a recording goes on in another file."""
    signer: Signer | None = None
    """Signs what is kept on a disk (`--sign`); None: nobody does."""
    sound: LiveSound | None = None
    """What a recording of a live picture sounds like (`--sound`); None: it is silent."""
    title: str = "realtime"
    """The effect in words, for a window's title and a recording's metadata."""


class OutputFinished(Exception):  # noqa: N818 - not an error: the output has ended as it should
    """Raised by `show` when an output has come to its normal end: the program that read the pipe has left. The loop
    closes that output and says nothing; when it was the last one, the run ends with code 0. (A window that is closed
    asks for the end of the whole run instead: `control.commands.Quit`.)
    """


class Output(ABC):
    """An opened output.

    The caller promises: `show`, `poll` and `close` come from one thread, a window's from the main thread; `close`
    comes once and last, also after `show` raised. An output promises: it fits the picture to its own size (pictures
    may change size at any time), never writes into a frame, and holds no frame longer than it shows it.
    """

    name: str
    """For people and the statistics: `window`, `camera OBS Virtual Camera`, `out.mp4`."""
    on_main_thread: ClassVar[bool] = False
    """True for windows: most systems allow them on the main thread only."""
    takes_every_frame: ClassVar[bool] = False
    """True: with `--every-frame` the loop waits for it rather than drop a frame (files, pipes)."""
    shows_in_calls: ClassVar[bool] = False
    """True: programs for calls take the picture from it."""
    whole_screen: Size | None = None
    """Not None: a screen, as whoever looks at it sees it, on which pictures of any shape lie whole and on black. Read
    by any thread."""
    repeat_fps: float | None = None
    """Not None: `show` is called at this steady rate, with the newest frame again when there is no newer one."""
    device: str = ""
    """The camera that others see it as, its path or name: what must not be read from. Empty: none."""

    @property
    def paths(self) -> Sequence[Path]:
        """The films it has begun, the first one first; none where it writes no film."""
        return ()

    @property
    def provenance(self) -> Provenance | None:
        """How all that is in its film was made; None where it writes no film, or no frame has come."""
        return None

    @property
    def chosen_size(self) -> Size | None:
        """The size that somebody has given its window by hand; None: nobody has, or it is no window."""
        return None

    @abstractmethod
    def show(self, frame: Frame) -> None:
        """Show, send or write one frame. Raises OutputError when that can no longer work (the disk is full, the
        device is gone); the loop then reports it once, closes this output, and goes on with the others. Raises
        OutputFinished when the output has come to its normal end.
        """

    def poll(self) -> None:  # noqa: B027 - only windows have events
        """Handle what the user did. Called at least every 10 ms, between frames too."""

    @abstractmethod
    def close(self) -> None:
        """Finish: what was written is whole and playable afterwards."""


OUTPUTS: dict[str, RegistryEntry] = {
    "window": RegistryEntry("realtime.outputs.window.window", "Window", N_("a window on the screen")),
    "fullscreen": RegistryEntry("realtime.outputs.window.window", "Fullscreen", N_("the whole screen, for a gallery")),
    "kiosk": RegistryEntry("realtime.outputs.window.kiosk", "Kiosk", N_("the whole screen, and nothing that ends it")),
    "camera": RegistryEntry(
        "realtime.outputs.virtual_camera", "VirtualCamera", N_("a virtual camera, for calls and OBS")
    ),
    "file": RegistryEntry("realtime.outputs.recorder", "Recorder", N_("a video file: out.mp4, .mkv, .mov, .webm")),
    "gif": RegistryEntry("realtime.outputs.moving_gif", "MovingGif", N_("a moving GIF: out.gif")),
    "picture": RegistryEntry(
        "realtime.outputs.still_picture", "StillPicture", N_("the last picture: out.png, out.jpg")
    ),
    "folder": RegistryEntry(
        "realtime.outputs.picture_folder", "PictureFolder", N_("numbered PNG pictures: a name ending in /")
    ),
    "pipe": RegistryEntry("realtime.outputs.pipe", "Pipe", N_("raw BGR frames on standard output: -")),
    "none": RegistryEntry("realtime.outputs.null", "NullOutput", N_("nothing is shown; for measuring")),
}
"""Each class is opened as `Class(argument, request)`: `window`/`fullscreen`/`kiosk`: screen number or empty, of
`kiosk` a name too; `camera`: backend, `backend:device` or empty; `file`, `gif`, `picture` and `folder`: the path;
others: empty."""

VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".mov", ".webm"})
_FILES = {**dict.fromkeys(VIDEO_SUFFIXES, "file"), ".gif": "gif", **dict.fromkeys((".png", ".jpg", ".jpeg"), "picture")}


def split_spec(spec: str) -> tuple[str, str]:
    """Return the name in OUTPUTS and the argument that an `--output` text means. Raises OutputError."""
    if spec == "-":
        return "pipe", ""
    head, _unused, argument = spec.partition(":")
    if head in ("window", "fullscreen", "kiosk", "camera", "none"):
        return head, argument
    path = user_path(spec)
    if spec.endswith(("/", "\\")) or path.is_dir():
        return "folder", spec
    suffix = Path(spec).suffix.lower()
    if suffix in _FILES:
        return _FILES[suffix], spec
    names = ["window", "fullscreen", "kiosk", "camera", "none", "-"]
    if suffix:
        films = ", ".join(sorted(VIDEO_SUFFIXES))
        raise OutputError(
            _(
                "cannot write '{spec}': a video file ends in {films} or .gif, a picture in .png or .jpg",
                spec=spec,
                films=films,
            )
        )
    raise OutputError(
        _(
            "no output '{spec}'{hint}; there are: {names}, out.mp4, folder/",
            spec=spec,
            hint=nearest(spec, names),
            names=", ".join(names),
        )
    )


def open_output(spec: str, request: OutputRequest) -> Output:
    """Open the output an `--output` text means. Raises OutputError, with the next step in its message."""
    name, argument = split_spec(spec)
    output = OUTPUTS[name].load()(argument, request)
    assert isinstance(output, Output)  # noqa: S101 - the table is ours
    return output
