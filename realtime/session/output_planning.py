"""Where pictures are to go, and what each output is told about it, before any is open."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from realtime import outputs
from realtime.cameras import CameraInfo
from realtime.control.channel import ControlChannel
from realtime.core.errors import OutputError
from realtime.core.files import unused_name
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.core.specs import EffectSpec
from realtime.disclosure.c2pa import Signer
from realtime.outputs import Output, OutputRequest
from realtime.outputs.splitting import ENDLESS, NEVER
from realtime.session.closing import closing
from realtime.session.options import Options
from realtime.session.output_opener import OutputOpener
from realtime.session.source_facts import is_endless, shows_demo

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from realtime.sound.front_end import Sound

_DEMO_SECONDS = 10.0
_INSET = 0.3  # of the picture's width
_DEMO_FILE = Path("realtime-demo.mp4")
_SEEN_BY_OTHERS = frozenset({"camera", "file", "gif", "picture", "folder", "pipe"})


def with_output(options: Options) -> Options:
    """Fill in the output nobody named: a window, or a file where there is no screen."""
    if options.output:
        return options
    from realtime.outputs.window.screens import has_screen

    if has_screen():
        return dataclasses.replace(options, output=("window",))
    path = unused_name(_DEMO_FILE)
    log.warning(
        _("no screen here: %g seconds go into %s instead; choose with --output camera, out.mp4, - (a pipe) or none"),
        options.seconds or _DEMO_SECONDS,
        path,
    )
    return dataclasses.replace(
        options,
        output=(str(path),),
        seconds=options.seconds or (None if options.frames else _DEMO_SECONDS),
        every_frame=True,
    )


def keep_source_whole(options: Options) -> None:
    """Refuse to write over what is being read. Raises OutputError."""
    source = user_path(options.source or "")
    for spec in options.output:
        if options.source and source.exists() and user_path(spec).resolve() == source.resolve():
            raise OutputError(_("{spec} is the source itself; give the output another name", spec=spec))


def output_request(
    options: Options,
    info: CameraInfo,
    controls: ControlChannel,
    signer: Signer | None,
    sound: Sound | None,
) -> OutputRequest:
    """Return what every output is told of the run: what the options ask for, and of recorded sources their own rate."""
    return OutputRequest(
        controls=controls,
        size=options.size,
        fps=options.fps or (info.fps if not info.live else 30.0),
        screen=options.screen,
        rotate_degrees=options.rotate,
        hud=options.hud,
        every_frame=options.every_frame and not info.live,
        overwrite=options.overwrite,
        split=options.split or (ENDLESS if is_endless(options, info) else NEVER),
        signer=signer,
        sound=sound,
        title=" + ".join(EffectSpec.parse(spec).public_name for spec in options.effect or ("portrait",)),
    )


def output_names(options: Options) -> list[str]:
    """Return the kinds of the outputs asked for, as `outputs.OUTPUTS` calls them, in order."""
    return [outputs.split_spec(spec)[0] for spec in options.output]


def viewer_inset(options: Options, requested: Options, info: CameraInfo) -> float:
    """Return how wide the viewer is shown in a corner. A file shows no viewer beside the screen, and the built-in one
    stands nowhere, so she is; a camera's picture is not.
    """
    is_made_for = options.output not in (requested.output, ("window",))
    is_demo_window = options.output == ("window",) and shows_demo(options, info)
    is_settled = requested.effect or "inset" in options.effect_settings().get("portrait", {})
    return 0.0 if info.live or is_settled or not (is_made_for or is_demo_window) else _INSET


def may_be_seen(options: Options, info: CameraInfo) -> bool:
    """Whether the source's own picture may be shown where the effect asked for cannot be."""
    return not info.live or set(output_names(options)) <= {"window", "none"}


def is_mirrored(options: Options, info: CameraInfo) -> bool:
    """Whether left and right are exchanged: by default for a live source that only its own viewer sees."""
    if options.mirror is not None:
        return options.mirror
    return info.live and not _SEEN_BY_OTHERS & set(output_names(options))


def open_window(options: Options, opener: OutputOpener, opened: contextlib.ExitStack) -> Output | None:
    """Open the window that is to be there before anything else is; None: none is asked for. Raises OutputError."""
    spec = next((spec for spec in options.output if outputs.split_spec(spec)[0] == "window"), None)
    if spec is None:
        return None
    window = opener.open(spec)
    opened.callback(closing(window))
    return window
