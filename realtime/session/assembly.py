"""Putting a run together: the only file that joins concrete parts."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from realtime import outputs
from realtime.cameras import Camera, CameraInfo
from realtime.control.channel import ControlChannel
from realtime.control.front_end import FrontEnd
from realtime.core.errors import OutputError
from realtime.core.files import check_folder
from realtime.core.language import _
from realtime.core.paths import user_pictures_folder, user_videos_folder
from realtime.core.stats import RunStats
from realtime.core.titles import effect_title
from realtime.disclosure.c2pa import Signer
from realtime.disclosure.label import Label
from realtime.effects import EffectContext
from realtime.imaging.frame import Frame, Size
from realtime.outputs import Output, OutputRequest
from realtime.pipeline.capture import Capture, CapturePolicy
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_menu import EffectMenu
from realtime.pipeline.output_worker import CLOSED_OUTPUT_WITHIN_S
from realtime.pipeline.pacing import DropPolicy, Mailbox
from realtime.pipeline.processing import Limits
from realtime.pipeline.render_loop import RenderLoop
from realtime.session.beside import (
    MakeFrontEnd,
    age_for_others,
    catalogue,
    first_minute,
    front_ends_of,
    sound_of,
)
from realtime.session.closing import closing
from realtime.session.effect_opening import (
    Progress,
    SettingsOf,
    check_settings,
    context_alongside,
    effect_context,
    effect_specs,
    face_stage_for,
    open_effects,
    open_scene_effect,
    opening_alongside,
)
from realtime.session.in_calls import InCalls
from realtime.session.opening import OpeningWindow, both, still_of
from realtime.session.options import Options
from realtime.session.output_opener import OutputOpener
from realtime.session.output_planning import (
    is_mirrored,
    keep_source_whole,
    may_be_seen,
    open_window,
    output_names,
    output_request,
    viewer_inset,
    with_output,
)
from realtime.session.scenes.at_start import (
    open_scene,
    scene_asked_for,
    scene_folder_of,
    with_scene,
)
from realtime.session.scenes.live import Scenes
from realtime.session.snapshots import Snapshots
from realtime.session.source_facts import facts_of, source_type_of
from realtime.session.source_opening import Sources, open_source
from realtime.session.supervisor import Supervisor
from realtime.system.signals import graceful_shutdown
from realtime.system.watchdog import Watchdog

if TYPE_CHECKING:
    from realtime.sound.front_end import Sound

log = logging.getLogger(__name__)


class Run(NamedTuple):
    """A loop ready to run, and the supervisor beside it."""

    loop: RenderLoop
    supervisor: Supervisor

    def go(self, last_resort: Callable[[int], None] = lambda code: None) -> None:
        """Run to the end. Main thread. Raises the RealtimeError that ended it, after everything has been closed.

        `last_resort` is called on another thread, with an exit code, where the main thread stands still and can end
        nothing any more; the outputs have been closed then, and it may end the process.
        """
        loop = self.loop
        watchdog = Watchdog(
            [loop.processing.pulse, loop.main_pulse],
            hung=loop.run_end.give_up,
            mend=loop.processing.mend,
            overdue=loop.run_end.is_overdue,
            last_resort=lambda: last_resort(loop.abandon()),
            hurried=not loop.every_frame,
        )
        watchdog.start()
        try:
            with graceful_shutdown(loop.stop, unheard=loop.stop):
                try:
                    self.supervisor.obey_waiting()
                    loop.run(self.supervisor.tick)
                finally:
                    loop.main_pulse.at("what is being saved", patience_s=2 * CLOSED_OUTPUT_WITHIN_S)
                    self.supervisor.close()
        finally:
            watchdog.stop()


def build(
    options: Options,
    progress: Progress,
    stats: RunStats,
    beside: Sequence[MakeFrontEnd] = (),
    *,
    source: Callable[[], Camera] | None = None,
    settings_of: SettingsOf = {},  # noqa: B006 - nobody writes into it
    is_closed: bool = False,
    window_size: Size | None = None,
) -> Run:
    """Open everything the options name and join it. Raises a RealtimeError; what was opened is closed again then.

    `beside`: make further front-ends, besides those that the options name. `source`: opens what is read, and again
    after a loss, in place of what the options name. `settings_of`: what an effect is opened with wherever it is
    asked for by this very spec, beyond the settings that all effects of its name have. `is_closed`: the run begins
    blank (a front-end's `start` asks for that), and a camera that is waited for is not opened now. `window_size`: of a
    window, where somebody has sized one before.
    """
    scene_folder = scene_folder_of(options)
    scene = scene_asked_for(options, scene_folder)
    if scene is not None:
        options = with_scene(options, scene)
    requested, options = options, with_output(options)
    label = None if options.no_label else Label(options.label_style)
    stats.label = label.text if label else None
    signer = Signer(options.sign) if options.sign else None
    keep_source_whole(options)
    if options.keep_in is not None:  # now, not at the key
        check_folder(options.keep_in)
    controls = ControlChannel()
    if label is not None:
        controls.parameters.hold("label", label.parameters)
    with contextlib.ExitStack() as opened:
        opened_outputs: list[Output] = []
        to_be_told: list[str] = []
        camera, open_again = (
            (source(), source) if source else open_source(options, stats, opened_outputs, is_closed, to_be_told.append)
        )
        opened.callback(closing(camera))
        info = camera.info
        for note in info.notes:
            log.warning("%s", note)
        check_settings(options)  # before anything is shown
        sound = sound_of(options, info, controls)
        request = output_request(options, info, controls, signer, sound)
        request = dataclasses.replace(request, window_size=window_size)
        opener = OutputOpener(request)
        window = open_window(options, opener, opened)
        opening = None if window is None else OpeningWindow(window, controls, *still_of(options.effect))
        if opening is not None:
            progress = both(progress, opening.progress)
        context = dataclasses.replace(
            effect_context(options, progress, info), viewer_inset=viewer_inset(options, requested, info)
        )
        controls.inset = context.viewer_inset
        open_at_start = functools.partial(open_scene_effect, options=options, context=context)
        slots = (
            open_scene(scene, open_at_start, opened)
            if scene is not None
            else open_effects(options, context, opened, settings_of, camera_may_be_seen=may_be_seen(options, info))
        )
        for line in to_be_told:  # now that something is going to be shown
            log.warning("%s", line)
        if opening is not None:
            opening.end()
        _open_outputs(options, opener, window, opened_outputs, opened)
        source_type = source_type_of(options.source)
        stats.source = facts_of(info) | {"says_synthetic": bool(source_type)}
        chain = EffectChain(slots, stats, label, source_type=source_type, parameters=controls.parameters)
        loop = _loop(options, camera, open_again, chain, opened_outputs, opener, stats, every_frame=context.every_frame)
        menu = _menu(options, context, settings_of, loop, controls)
        front_ends = _front_ends(options, requested, beside, loop, controls, sound, info)
        controls.newest_picture = lambda: loop.newest
        controls.untouched_picture = lambda: loop.maker.untouched
        for front_end in front_ends:
            opened.callback(front_end.close)
            front_end.start()
        supervisor = _supervisor(options, stats, loop, menu, opener, request, front_ends)
        if scene_folder is not None:
            supervisor.scenes = Scenes(
                scene_folder, chain, menu, controls, lambda: loop.newest, options.scene_fade, effect_title
            )
            controls.scenes = supervisor.scenes.listed
        run = Run(loop, supervisor)
        opened.pop_all()  # from here on the loop closes them
    return run


def _open_outputs(
    options: Options,
    opener: OutputOpener,
    window: Output | None,
    opened_outputs: list[Output],
    opened: contextlib.ExitStack,
) -> None:
    """Open what is not open yet into `opened_outputs`, in the order named; `opened` closes it. Raises OutputError."""
    for spec in options.output:
        if window is not None and outputs.split_spec(spec)[0] == "window" and window not in opened_outputs:
            opened_outputs.append(window)
            continue
        opened_outputs.append(opener.open(spec))
        opened.callback(closing(opened_outputs[-1]))
    if sum(output.on_main_thread for output in opened_outputs) > 1:
        raise OutputError(_("only one window at a time: choose one of window, fullscreen and kiosk"))


def _loop(
    options: Options,
    camera: Camera,
    open_again: Callable[[], Camera],
    chain: EffectChain,
    opened_outputs: Sequence[Output],
    opener: OutputOpener,
    stats: RunStats,
    *,
    every_frame: bool,
) -> RenderLoop:
    captured: Mailbox[Frame] = Mailbox(DropPolicy.EVERY if every_frame else DropPolicy.NEWEST)
    return RenderLoop(
        capture=Capture(camera, open_again, captured, stats, CapturePolicy(every_frame, options.loop)),
        captured=captured,
        face_stage=face_stage_for(options, chain, stats),
        chain=chain,
        outputs=opened_outputs,
        stats=stats,
        limits=Limits(options.frames, options.seconds),
        every_frame=every_frame,
        mirrored=is_mirrored(options, camera.info),
        reopening=opener,
    )


def _front_ends(
    options: Options,
    requested: Options,
    beside: Sequence[MakeFrontEnd],
    loop: RenderLoop,
    controls: ControlChannel,
    sound: Sound | None,
    info: CameraInfo,
) -> Sequence[FrontEnd]:
    """Make what speaks to people and machines beside the loop; none is started yet. Raises a RealtimeError."""
    front_ends = [make(controls) for make in (*front_ends_of(options), *beside)]
    if "window" in output_names(options):
        front_ends += [catalogue(options, controls, loop), *first_minute(options, requested, info, controls)]
    if sound is not None:
        sound.picture_age_s = functools.partial(age_for_others, loop)
        loop.chain.speech_at = sound.speech_at
        front_ends.append(sound)
    return front_ends


def _menu(
    options: Options, context: EffectContext, settings_of: SettingsOf, loop: RenderLoop, controls: ControlChannel
) -> EffectMenu:
    """Return what chooses among effects while the loop runs, each opened beside the one that makes the pictures."""
    chain = loop.chain
    alongside = functools.partial(context_alongside, context, loop.capture)
    open_alongside = opening_alongside(options, alongside, settings_of)
    menu = EffectMenu(effect_specs, chain.look_spec or "none", open_alongside, chain, controls.say)
    menu.on_failed = functools.partial(_tell_programme, controls)
    menu.title_of = effect_title
    menu.open_scene_effect = lambda one: open_scene_effect(one, options, alongside())
    chain.exchange.open_again, chain.exchange.open_scene_effect = open_alongside, menu.open_scene_effect
    return menu


def _supervisor(
    options: Options,
    stats: RunStats,
    loop: RenderLoop,
    menu: EffectMenu,
    opener: OutputOpener,
    request: OutputRequest,
    front_ends: Sequence[FrontEnd],
) -> Supervisor:
    """Return who obeys commands while the loop runs."""
    controls = request.controls
    snapshots = Snapshots(
        options.keep_in or user_pictures_folder(),
        lambda path: outputs.open_output(str(path), request),
        controls.say,
        request.signer,
        films=options.keep_in or user_videos_folder(),
    )
    in_calls = None
    if not loop.every_frame:
        mirrors = options.mirror is None
        in_calls = InCalls(loop, functools.partial(opener.open, "camera"), controls.say, mirrors=mirrors)
    sources = Sources(options, loop, stats)
    supervisor = Supervisor(loop, controls, menu, snapshots, sources.open, front_ends, in_calls)
    supervisor.source, supervisor.on_source = options.source or "", sources.taken
    return supervisor


def _tell_programme(controls: ControlChannel, spec: str, reason: str) -> None:
    if controls.programme is not None:
        controls.programme.failed(spec, reason)
