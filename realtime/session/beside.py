"""What stands beside the loop: remote controls, sound, what a window offers, help in the first minute."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from realtime.cameras import CameraInfo
from realtime.control.channel import ControlChannel
from realtime.control.front_end import FrontEnd
from realtime.core.errors import OptionError
from realtime.core.language import _
from realtime.pipeline.render_loop import RenderLoop
from realtime.session.effect_opening import effect_specs
from realtime.session.first_minute import DEMO_HINT, HINT, PORTRAIT_HINT, DemoTour, Hint
from realtime.session.options import Options
from realtime.session.source_facts import shows_demo

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from realtime.sound.front_end import Sound

MakeFrontEnd = Callable[[ControlChannel], FrontEnd]
"""Makes a front-end for a run. Raises a RealtimeError for what cannot work at all."""


def front_ends_of(options: Options) -> list[MakeFrontEnd]:
    """Return how to make what was asked for beside the picture."""
    wanted: list[MakeFrontEnd] = []
    if options.remote is not None:
        from realtime.remote.http.control import HttpControl

        wanted.append(functools.partial(HttpControl, address=options.remote, find_effects=effect_specs))
    if options.osc is not None or options.osc_to:
        from realtime.remote.osc.control import OscControl

        wanted.append(functools.partial(OscControl, listen=options.osc, tell=options.osc_to))
    if options.midi is not None or options.midi_learn is not None:
        wanted.append(_midi(options))
    return wanted


def catalogue(options: Options, controls: ControlChannel, loop: RenderLoop) -> FrontEnd:
    """Return what a window asks what can be chosen."""
    from realtime.session.offers.catalogue import Catalogue

    def our_devices() -> set[str]:
        return {worker.output.device for worker in loop.output_workers}

    return Catalogue(controls, options, our_devices)


def _midi(options: Options) -> MakeFrontEnd:
    """Return how to make what knobs change. Raises OptionError where no device is named."""
    if options.midi is None:
        raise OptionError(
            _("--midi-learn needs a device to learn from: add --midi NAME; 'realtime devices' lists them")
        )
    from realtime.remote.midi.control import MidiControl

    return functools.partial(
        MidiControl,
        device=options.midi,
        bindings=options.midi_bind,
        learn_into=options.midi_learn,
        soft=options.midi_takeover,
    )


def sound_of(options: Options, info: CameraInfo, controls: ControlChannel) -> Sound | None:
    """Return the sound asked for; None: none was, or nobody can hear it. Raises OptionError."""
    if options.drive and options.sound is None:
        raise OptionError(_("--drive needs a sound that moves it: add --sound MIC, default for example, or a file"))
    if options.sound is None:
        return None
    if options.every_frame and not info.live:
        log.warning(_("--sound has no effect with --every-frame: pictures come faster or slower than sound"))
        return None
    from realtime.sound import drive
    from realtime.sound.front_end import Sound

    for spec in options.drive:
        drive.check(spec)
    return Sound(controls, options.sound, options.sound_offset / 1e3, options.drive)


def age_for_others(loop: RenderLoop) -> float | None:
    """Return how old the picture is now where others see it, in seconds: in a call, else before the room's eyes, else
    where it is written. None: none was shown yet.
    """
    workers = [worker for worker in loop.output_workers if worker.stats.shown]
    if not workers:
        return None
    seen = min(workers, key=lambda worker: (not worker.output.repeat_fps, not worker.output.on_main_thread))
    return seen.stats.age.recent_ms() / 1e3


def first_minute(options: Options, requested: Options, info: CameraInfo, controls: ControlChannel) -> list[FrontEnd]:
    """Return what helps whoever sees the program for the first time."""
    if options.every_frame:
        return []
    is_demo = shows_demo(options, info)
    begins_with_portrait = not requested.effect
    words = _(PORTRAIT_HINT if begins_with_portrait else HINT)
    if is_demo and options.source is None:
        words = _(DEMO_HINT)
    front_ends: list[FrontEnd] = [Hint(controls, words)]
    return [*front_ends, DemoTour(controls)] if is_demo and begins_with_portrait else front_ends
