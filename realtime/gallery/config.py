"""What hangs where and when, as a gallery.toml says it (`config_file.py` reads that)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

from realtime import cameras
from realtime.core.errors import OptionError, nearest
from realtime.core.language import _
from realtime.core.settings import Value
from realtime.core.text_limits import abbreviated
from realtime.gallery.calibration.views import Place
from realtime.gallery.programme.hours import Hours
from realtime.session.options import Options

Order = Literal["in turn", "random"]


@dataclasses.dataclass(frozen=True)
class Item:
    """Something that hangs."""

    name: str
    spec: str
    """As `--effect` takes it, files named in full."""
    hangs_s: float
    hours: Hours
    waits_for_nobody: bool
    waits_at_most_s: float
    settings: Mapping[str, Value]
    """Its parameters by name, checked: what its effect is opened with."""
    live_settings: Mapping[str, Value]
    """Those of them that may change while it hangs, by path: `portrait.wander`."""


@dataclasses.dataclass(frozen=True)
class Screen:
    """A place on the wall."""

    name: str
    screen: str
    """Number or name of the screen."""
    rotate_degrees: int
    items: tuple[Item, ...]
    options: Mapping[str, Any]
    """Fields of Options that the file gives for it, with all paths in full."""
    view: Mapping[str, float]
    """`view_left` … of every portrait that hangs here: where in the camera's picture its viewers are, and how far from
    the camera it hangs; empty: beside it, and the whole picture."""
    place: Place | None
    """How far from the camera it hangs, where its own table says so."""


@dataclasses.dataclass(frozen=True)
class Gallery:
    """All of a gallery.toml."""

    path: Path
    text: str = field(repr=False, compare=False)
    """The file, as it was read."""
    name: str
    camera: str | None
    lens_degrees: float | None
    hours: Hours
    order: Order
    fade_s: float
    pause_s: float
    standby: bool
    screens: tuple[Screen, ...]

    def screen(self, name: str) -> Screen:
        """Return a screen by its name. Raises OptionError for one that there is not."""
        for screen in self.screens:
            if screen.name == name:
                return screen
        names = [screen.name for screen in self.screens]
        hint = nearest(name, names) or _("; there are: {names}", names=", ".join(names))
        raise OptionError(_("{path}: no screen '{name}'{hint}", path=self.path, name=abbreviated(name), hint=hint))

    @property
    def shared_camera(self) -> str | None:
        """The name under which one process publishes the camera for all screens; None where each opens its own source:
        there is one screen, or the source is no device that only one process may open.
        """
        if len(self.screens) < 2 or (self.camera is not None and cameras.kind_of(self.camera) != "webcam"):
            return None
        return str(self.path)

    def run_options(self, screen: Screen, output: str, first: Item) -> Options:
        """Return what a run of one screen is asked to do, which shows `first` on `output`."""
        views = tuple(f"portrait.{name}={value!r}" for name, value in screen.view.items())
        options = dict(screen.options)
        options["set"] = (*options.get("set", ()), *views)
        return Options(
            **{**options, "loop": True},
            source=self.camera if self.shared_camera is None else f"shared:{self.shared_camera}",
            effect=(first.spec,),
            output=(output,),
            rotate=screen.rotate_degrees,
        )


def screens_of(gallery: Gallery, name: str | None) -> tuple[Screen, ...]:
    """Return its screens, or the one of that name alone. Raises OptionError for one that there is not."""
    return (gallery.screen(name),) if name else gallery.screens
