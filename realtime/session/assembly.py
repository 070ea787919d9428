"""Putting a run together: the only file that joins concrete parts."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from realtime import cameras, effects, outputs
from realtime.cameras import Camera, CameraInfo, CameraRequest
from realtime.cameras.picture_folder import pictures_in
from realtime.control.channel import ControlChannel
from realtime.control.front_end import FrontEnd
from realtime.core.errors import FAULTS, CameraError, ModelError, OptionError, OutputError, RealtimeError, first_clause
from realtime.core.files import check_folder, unused_name
from realtime.core.language import _
from realtime.core.paths import user_path, user_pictures_folder, user_videos_folder
from realtime.core.settings import Value, parse_settings
from realtime.core.specs import EffectSpec
from realtime.core.stats import RunStats
from realtime.core.titles import effect_title
from realtime.disclosure.c2pa import Signer
from realtime.disclosure.label import Label
from realtime.effects import Effect, EffectContext
from realtime.faces import DETECTOR_MODELS, DETECTORS, FaceDetector
from realtime.faces.face_stage import FaceStage
from realtime.imaging.frame import Frame, Size
from realtime.imaging.provenance import stated_by
from realtime.outputs import Output, OutputRequest
from realtime.outputs.splitting import ENDLESS, NEVER
from realtime.pipeline.capture import Capture, CapturePolicy
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_menu import EffectMenu
from realtime.pipeline.effect_slot import EffectSlot, SceneEffect
from realtime.pipeline.output_worker import CLOSED_OUTPUT_WITHIN_S
from realtime.pipeline.pacing import DropPolicy, Mailbox
from realtime.pipeline.processing import Limits
from realtime.pipeline.render_loop import RenderLoop
from realtime.session import scene_files
from realtime.session.first_minute import DEMO_HINT, HINT, PORTRAIT_HINT, DemoTour, Hint
from realtime.session.in_calls import InCalls
from realtime.session.opening import OpeningWindow, both, still_of
from realtime.session.options import Options
from realtime.session.output_opener import OutputOpener
from realtime.session.scene_files import Scene, SceneFolder
from realtime.session.scenes import Scenes
from realtime.session.snapshots import Snapshots
from realtime.session.supervisor import Supervisor
from realtime.system.signals import graceful_shutdown
from realtime.system.watchdog import Watchdog

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from realtime.sound.front_end import Sound

Progress = Callable[[str, float], None]
MakeFrontEnd = Callable[[ControlChannel], FrontEnd]
"""Makes a front-end for a run. Raises a RealtimeError for what cannot work at all."""

SettingsOf = Mapping[str, Mapping[str, Value]]
"""Settings by an effect's spec."""

_DEMO_SECONDS = 10.0
_INSET = 0.3  # of the picture's width
_DEMO_FILE = Path("realtime-demo.mp4")
_WAITS = frozenset({"fullscreen", "kiosk", "camera"})
"""Outputs that are there for others, and often without anybody who could start the program again."""
_SEEN_BY_OTHERS = frozenset({"camera", "file", "gif", "picture", "folder", "pipe"})


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
    scene_folder = _scene_folder(options)
    scene = _scene(options, scene_folder)
    if scene is not None:
        options = _with_scene(options, scene)
    requested, options = options, _with_output(options)
    label = None if options.no_label else Label(options.label_style)
    stats.label = label.text if label else None
    signer = Signer(options.sign) if options.sign else None
    _keep_source_whole(options)
    if options.keep_in is not None:  # now, not at the key
        check_folder(options.keep_in)
    controls = ControlChannel()
    if label is not None:
        controls.parameters.hold("label", label.parameters)
    with contextlib.ExitStack() as opened:
        opened_outputs: list[Output] = []
        to_be_told: list[str] = []
        camera, open_again = (
            (source(), source) if source else _open_source(options, stats, opened_outputs, is_closed, to_be_told.append)
        )
        opened.callback(_closing(camera))
        info = camera.info
        for note in info.notes:
            log.warning("%s", note)
        _check_settings(options)  # before anything is shown
        sound = _sound(options, info, controls)
        request = _output_request(options, info, controls, signer, sound)
        request = dataclasses.replace(request, window_size=window_size)
        opener = OutputOpener(request)
        window = _open_window(options, opener, opened)
        opening = None if window is None else OpeningWindow(window, controls, *still_of(options.effect))
        if opening is not None:
            progress = both(progress, opening.progress)
        context = dataclasses.replace(
            _effect_context(options, progress, info), viewer_inset=_viewer_inset(options, requested, info)
        )
        open_at_start = functools.partial(open_scene_effect, options=options, context=context)
        slots = (
            _open_scene(scene, open_at_start, opened)
            if scene is not None
            else _open_effects(options, context, opened, settings_of, camera_may_be_seen=_may_be_seen(options, info))
        )
        for line in to_be_told:  # now that something is going to be shown
            log.warning("%s", line)
        if opening is not None:
            opening.end()
        for spec in options.output:
            if window is not None and outputs.split_spec(spec)[0] == "window" and window not in opened_outputs:
                opened_outputs.append(window)
                continue
            opened_outputs.append(opener.open(spec))
            opened.callback(_closing(opened_outputs[-1]))
        if sum(output.on_main_thread for output in opened_outputs) > 1:
            raise OutputError(_("only one window at a time: choose one of window, fullscreen and kiosk"))
        source_type = _source_type(options.source)
        stats.source = _source_facts(info) | {"says_synthetic": bool(source_type)}
        chain = EffectChain(slots, stats, label, source_type=source_type, parameters=controls.parameters)
        every_frame = context.every_frame
        captured: Mailbox[Frame] = Mailbox(DropPolicy.EVERY if every_frame else DropPolicy.NEWEST)
        loop = RenderLoop(
            capture=Capture(camera, open_again, captured, stats, CapturePolicy(every_frame, options.loop)),
            captured=captured,
            face_stage=_face_stage(options, chain, stats),
            chain=chain,
            outputs=opened_outputs,
            stats=stats,
            limits=Limits(options.frames, options.seconds),
            every_frame=every_frame,
            mirrored=_mirrored(options, info),
            reopening=opener,
        )
        alongside = functools.partial(_alongside, context, loop.capture)
        open_alongside = _opening_alongside(options, alongside, settings_of)
        chain.exchange.open_again = open_alongside
        menu = EffectMenu(_effect_specs, slots[-1].spec, open_alongside, chain, controls.say)
        menu.on_failed = functools.partial(_tell_programme, controls)
        menu.title_of = effect_title
        menu.open_scene_effect = chain.exchange.open_scene_effect = lambda one: open_scene_effect(
            one, options, alongside()
        )
        open_output = functools.partial(outputs.open_output, request=request)
        snapshots = Snapshots(
            options.keep_in or user_pictures_folder(),
            lambda path: open_output(str(path)),
            controls.say,
            signer,
            films=options.keep_in or user_videos_folder(),
        )
        controls.newest_picture = lambda: loop.newest
        controls.untouched_picture = lambda: loop.maker.untouched
        sources = _Sources(options, loop, stats)
        front_ends = [make(controls) for make in (*_front_ends(options), *beside)]
        if "window" in _output_names(options):
            front_ends += [_catalogue(options, controls, loop), *_first_minute(options, requested, info, controls)]
        if sound is not None:
            sound.picture_age_s = functools.partial(_age_for_others, loop)
            chain.speech_at = sound.speech_at
            front_ends.append(sound)
        for front_end in front_ends:
            opened.callback(front_end.close)
            front_end.start()
        in_calls = None
        if not every_frame:
            mirrors = options.mirror is None
            in_calls = InCalls(loop, functools.partial(opener.open, "camera"), controls.say, mirrors=mirrors)
        supervisor = Supervisor(loop, controls, menu, snapshots, sources.open, front_ends, in_calls)
        supervisor.source, supervisor.on_source = options.source or "", sources.taken
        if scene_folder is not None:
            supervisor.scenes = Scenes(
                scene_folder, chain, menu, controls, lambda: loop.newest, options.scene_fade, effect_title
            )
            controls.scenes = supervisor.scenes.listed
        run = Run(loop, supervisor)
        opened.pop_all()  # from here on the loop closes them
    return run


class _Sources:
    """Sources that are chosen while it runs, and what follows from them."""

    def __init__(self, options: Options, loop: RenderLoop, stats: RunStats) -> None:
        self._options, self._loop, self._stats = options, loop, stats
        self._types: dict[str, str] = {}

    def open(self, spec: str) -> Camera:
        """[any thread] Open one. Raises CameraError."""
        camera = cameras.open_camera(spec, CameraRequest(self._options.size, self._options.fps))
        self._types[spec] = _source_type(spec)  # here: a file is looked into
        return camera

    def taken(self, spec: str, info: CameraInfo) -> None:
        """[main thread] Another one is read: what is told of the source, and how its pictures are marked and turned."""
        loop, source_type = self._loop, self._types.get(spec, "")
        self._stats.source.update(_source_facts(info) | {"says_synthetic": bool(source_type)})
        loop.chain.tell_source(source_type)
        if self._options.mirror is None:
            is_seen = any(worker.output.shows_in_calls for worker in loop.output_workers)
            loop.maker.mirrored = _mirrored(self._options, info) and not is_seen


def _front_ends(options: Options) -> list[MakeFrontEnd]:
    """Return how to make what was asked for beside the picture."""
    wanted: list[MakeFrontEnd] = []
    if options.remote is not None:
        from realtime.remote.http_control import HttpControl

        wanted.append(functools.partial(HttpControl, address=options.remote, find_effects=_effect_specs))
    if options.osc is not None or options.osc_to:
        from realtime.remote.osc import OscControl

        wanted.append(functools.partial(OscControl, listen=options.osc, tell=options.osc_to))
    if options.midi is not None or options.midi_learn is not None:
        wanted.append(_midi(options))
    return wanted


def _catalogue(options: Options, controls: ControlChannel, loop: RenderLoop) -> FrontEnd:
    """Return what a window asks what can be chosen."""
    from realtime.session.offers.catalogue import Catalogue

    def our_devices() -> set[str]:
        return {str(getattr(worker.output, "device", "")) for worker in loop.output_workers}

    return Catalogue(controls, options, our_devices)


def _midi(options: Options) -> MakeFrontEnd:
    """Return how to make what knobs change. Raises OptionError where no device is named."""
    if options.midi is None:
        raise OptionError(
            _("--midi-learn needs a device to learn from: add --midi NAME; 'realtime devices' lists them")
        )
    from realtime.remote.midi import MidiControl

    return functools.partial(
        MidiControl,
        device=options.midi,
        bindings=options.midi_bind,
        learn_into=options.midi_learn,
        soft=options.midi_takeover,
    )


def _sound(options: Options, info: CameraInfo, controls: ControlChannel) -> Sound | None:
    """Return the sound asked for; None: none was, or nobody can hear it. Raises OptionError."""
    if options.drive and options.sound is None:
        raise OptionError(_("--drive needs a sound that moves it: add --sound MIC, default for example, or a file"))
    if options.sound is None:
        return None
    if options.every_frame and not info.live:
        log.warning("--sound has no effect with --every-frame: pictures come faster or slower than sound")
        return None
    from realtime.sound import drive
    from realtime.sound.front_end import Sound

    for spec in options.drive:
        drive.check(spec)
    return Sound(controls, options.sound, options.sound_offset / 1e3, options.drive)


def _age_for_others(loop: RenderLoop) -> float | None:
    """Return how old the picture is now where others see it, in seconds: in a call, else before the room's eyes, else
    where it is written. None: none was shown yet.
    """
    workers = [worker for worker in loop.output_workers if worker.stats.shown]
    if not workers:
        return None
    seen = min(workers, key=lambda worker: (not worker.output.repeat_fps, not worker.output.on_main_thread))
    return seen.stats.age.recent_ms() / 1e3


def _tell_programme(controls: ControlChannel, spec: str, reason: str) -> None:
    if controls.programme is not None:
        controls.programme.failed(spec, reason)


def _closing(part: Camera | Effect | Output) -> Callable[[], None]:
    """Return what closes a part, whatever it raises: the others are closed all the same, and what went wrong before is
    told.
    """

    def close() -> None:
        try:
            part.close()
        except FAULTS as error:
            log.debug("closing what was opened", exc_info=error)

    return close


def _output_names(options: Options) -> list[str]:
    return [outputs.split_spec(spec)[0] for spec in options.output]


def _viewer_inset(options: Options, requested: Options, info: CameraInfo) -> float:
    """Return how wide the viewer is shown in a corner. A file shows no viewer beside the screen, and the built-in one
    stands nowhere, so she is; a camera's picture is not.
    """
    is_made_for = options.output not in (requested.output, ("window",))
    is_demo_window = options.output == ("window",) and _is_demo(options, info)
    is_settled = requested.effect or "inset" in options.effect_settings().get("portrait", {})
    return 0.0 if info.live or is_settled or not (is_made_for or is_demo_window) else _INSET


def _is_demo(options: Options, info: CameraInfo) -> bool:
    """Whether the built-in viewer is seen, asked for or because there is no camera."""
    return not info.live and (options.source is None or cameras.kind_of(options.source) == "demo")


def _open_window(options: Options, opener: OutputOpener, opened: contextlib.ExitStack) -> Output | None:
    """Open the window that is to be there before anything else is; None: none is asked for. Raises OutputError."""
    spec = next((spec for spec in options.output if outputs.split_spec(spec)[0] == "window"), None)
    if spec is None:
        return None
    window = opener.open(spec)
    opened.callback(_closing(window))
    return window


def _first_minute(options: Options, requested: Options, info: CameraInfo, controls: ControlChannel) -> list[FrontEnd]:
    """Return what helps whoever sees the program for the first time."""
    if options.every_frame:
        return []
    is_demo = _is_demo(options, info)
    begins_with_portrait = not requested.effect
    words = _(PORTRAIT_HINT if begins_with_portrait else HINT)
    if is_demo and options.source is None:
        words = _(DEMO_HINT)
    front_ends: list[FrontEnd] = [Hint(controls, words)]
    return [*front_ends, DemoTour(controls)] if is_demo and begins_with_portrait else front_ends


def _may_be_seen(options: Options, info: CameraInfo) -> bool:
    """Whether the source's own picture may be shown where the effect asked for cannot be."""
    return not info.live or set(_output_names(options)) <= {"window", "none"}


def _output_request(
    options: Options,
    info: CameraInfo,
    controls: ControlChannel,
    signer: Signer | None,
    sound: Sound | None,
) -> OutputRequest:
    return OutputRequest(
        controls=controls,
        size=options.size,
        fps=options.fps or (info.fps if not info.live else 30.0),
        screen=options.screen,
        rotate_degrees=options.rotate,
        hud=options.hud,
        every_frame=options.every_frame and not info.live,
        overwrite=options.overwrite,
        split=options.split or (ENDLESS if _is_endless(options, info) else NEVER),
        signer=signer,
        sound=sound,
        title=" + ".join(EffectSpec.parse(spec).public_name for spec in options.effect or ("portrait",)),
    )


def _open_source(
    options: Options, stats: RunStats, opened: Sequence[Output], is_closed: bool, tell: Callable[[str], None]
) -> tuple[Camera, Callable[[], Camera]]:
    """Open the source named, or the first camera, or the demo where there is none; return how to open it again too.

    Again means the same one: a camera that is unplugged must not become the demo. Where others look on, on a gallery's
    screen or in a call, the demo is nothing to show unasked: a camera that is not there is waited for, a named one too.
    `opened`: the outputs, once they are; a virtual camera of ours is no source. `tell`: what is worth a line once all
    else has been opened.
    """
    request = CameraRequest(options.size, options.fps)
    waits = any(outputs.split_spec(spec)[0] in _WAITS for spec in options.output)
    if options.source is not None:
        source = options.source
        open_source: Callable[[], Camera] = functools.partial(cameras.open_camera, source, request)
        kind = cameras.kind_of(source)
        if not waits or kind not in ("webcam", "stream", "shared"):
            return open_source(), open_source
        from realtime.cameras.same import SameCamera
        from realtime.cameras.stream import without_password

        open_source = SameCamera(open_source, request) if kind == "webcam" else open_source

        name = _("camera {source}", source=source) if source.isdecimal() else without_password(source)
        return _opened_or_awaited(name, open_source, request, stats, is_closed)
    if waits:
        from realtime.cameras.same import SameCamera

        planned = _planned_devices(options.output)
        open_first = SameCamera(lambda: _open_first(request, opened, planned), request)
        return _opened_or_awaited(_("the camera"), open_first, request, stats, is_closed)
    from realtime.cameras.listing import first_camera

    first = first_camera()
    try:
        return cameras.open_camera(first, request), lambda: cameras.open_camera(first, request)
    except CameraError as error:
        tell(_("{reason}; showing the built-in demo viewer instead", reason=first_clause(error)))
        return cameras.open_camera("demo", request), lambda: cameras.open_camera("demo", request)


def _opened_or_awaited(
    name: str, open_source: Callable[[], Camera], request: CameraRequest, stats: RunStats, is_closed: bool
) -> tuple[Camera, Callable[[], Camera]]:
    from realtime.cameras.awaited import LOOK_EVERY_S, AwaitedCamera

    try:
        if not is_closed:
            return open_source(), open_source
    except CameraError as error:
        log.warning(_("%s; looking for it every %g s, its picture comes as soon as it is there"), error, LOOK_EVERY_S)

    def found(info: CameraInfo) -> None:
        stats.source.update(_source_facts(info))

    return AwaitedCamera(name, open_source, request, found=found), open_source


def _planned_devices(specs: Sequence[str]) -> set[str]:
    """Return the virtual cameras that outputs are going to send to, as far as can be told before they are opened."""
    arguments = [argument for name, argument in map(outputs.split_spec, specs) if name == "camera"]
    if not arguments:
        return set()
    from realtime.outputs.virtual_camera import planned_device

    return set(map(planned_device, arguments))


def _open_first(request: CameraRequest, opened: Sequence[Output], planned: Set[str] = frozenset()) -> Camera:
    """Open the first camera that is not a virtual one we send to ourselves, or are going to (`planned`). Raises
    CameraError.
    """
    from realtime.cameras.listing import list_cameras

    # An output without a device, and a camera without a path (macOS tells none), have nothing in common.
    ours = {getattr(output, "device", "") for output in opened}.union(planned) - {""}
    found = [camera for camera in list_cameras(with_modes=False) if not {camera.path, camera.name} & ours]
    if not found:
        raise CameraError(_("no camera is plugged in"))
    return cameras.open_camera(str(found[0].number), request)


def _source_facts(info: CameraInfo) -> dict[str, Any]:
    """What the statistics tell of a source."""
    return {"name": info.name, "size": list(info.size), "fps": round(info.fps, 3), "live": info.live}


def _source_type(source: str | None) -> str:
    """What recorded material says of how it was made: it stays true of whatever is made of it."""
    kind = cameras.kind_of(source) if source else ""
    if source is None or kind not in ("video", "still", "folder"):
        return ""
    path = user_path(source)
    return stated_by(pictures_in(path)[0] if kind == "folder" else path)


def _is_endless(options: Options, info: CameraInfo) -> bool:
    """Whether nobody can know how long a recording of the source becomes."""
    return info.live or options.loop or options.source is None or cameras.kind_of(options.source) in ("still", "demo")


def _with_output(options: Options) -> Options:
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


def _keep_source_whole(options: Options) -> None:
    """Refuse to write over what is being read. Raises OutputError."""
    source = user_path(options.source or "")
    for spec in options.output:
        if options.source and source.exists() and user_path(spec).resolve() == source.resolve():
            raise OutputError(_("{spec} is the source itself; give the output another name", spec=spec))


def _effect_context(options: Options, progress: Progress, info: CameraInfo) -> EffectContext:
    """Say what pictures should be like: of one size that all outputs want, and no larger than any can show."""
    if options.every_frame and info.live:
        log.warning("--every-frame has no effect: %s is live and does not wait", info.name)
    canvas, largest = _sizes_wanted(options)
    return EffectContext(
        canvas=canvas,
        largest=largest,
        frame=info.size,
        fps=options.fps or info.fps,
        every_frame=options.every_frame and not info.live,
        provider=options.provider,
        progress=progress,
    )


def _sizes_wanted(options: Options) -> tuple[Size | None, Size]:
    """Return `EffectContext.canvas` and `largest`."""
    names = set(_output_names(options))
    if options.size:
        return options.size, options.size
    if names == {"camera"}:
        return Size(1280, 720), Size(1280, 720)
    if names & {"window", "fullscreen", "kiosk"}:
        from realtime.outputs.window.screens import list_screens

        largest = max((max(screen.size) for screen in list_screens()), default=3840)
        return None, Size(largest, largest)
    return None, EffectContext().largest


def open_effect(spec: str, options: Options, context: EffectContext) -> Effect:
    """Open one effect with its settings. Raises a RealtimeError."""
    asked = EffectSpec.parse(spec)
    cls = effects.effect_class(asked.name)
    settings = parse_settings(cls.Settings, options.effect_settings().get(asked.name, {}), asked.name)
    opens = functools.partial(_open_within, options)
    return cls.open(asked.argument, settings, dataclasses.replace(context, open_effect=opens))


def _open_within(options: Options, spec: str, context: EffectContext) -> Effect:
    return open_effect(spec, options, context)


def with_settings(options: Options, spec: str, settings: Mapping[str, Value]) -> Options:
    """Return the options with settings for the effect that a spec names, before those that are there for its name."""
    name = EffectSpec.parse(spec).name
    return dataclasses.replace(
        options, set=(*options.set, *(f"{name}.{key}={value}" for key, value in settings.items()))
    )


def _check_settings(options: Options) -> None:
    """Refuse now what an effect that a key may bring later could not be opened with. Raises OptionError."""
    for name, settings in options.effect_settings().items():
        parse_settings(effects.effect_class(name).Settings, settings, name)


def _open_effects(
    options: Options,
    context: EffectContext,
    opened: contextlib.ExitStack,
    settings_of: SettingsOf,
    *,
    camera_may_be_seen: bool,
) -> list[EffectSlot]:
    """Open the effects named, or the default portrait; `opened` closes them. Where that cannot be, nobody having asked
    for it by name, pictures come first: the source's own, unless it is a camera that others would see bare.
    """
    if not options.effect:
        return [_open_default(options, context, opened, camera_may_be_seen=camera_may_be_seen)]
    slots = []
    for spec in options.effect:
        slots.append(
            EffectSlot(spec, open_effect(spec, with_settings(options, spec, settings_of.get(spec, {})), context))
        )
        opened.callback(_closing(slots[-1].effect))
    return slots


def _open_default(
    options: Options, context: EffectContext, opened: contextlib.ExitStack, *, camera_may_be_seen: bool
) -> EffectSlot:
    try:
        slot = EffectSlot("portrait", open_effect("portrait", options, context))
    except OptionError:
        raise
    except RealtimeError as error:
        shown = _("the source as it is") if camera_may_be_seen else _("a still photo instead, and not the camera")
        log.warning(_("no portrait: %s; showing %s"), error, shown)
        if camera_may_be_seen:
            slot = EffectSlot("none", open_effect("none", options, context))
        else:
            from realtime.effects.fallback import Fallback

            slot = EffectSlot("portrait", Fallback.open("", Fallback.Settings(), context))
    opened.callback(_closing(slot.effect))
    return slot


def _opening_alongside(
    options: Options, alongside: Callable[[], EffectContext], settings_of: SettingsOf
) -> Callable[[str], Effect]:
    """Return what opens an effect by its spec while another makes the pictures."""
    return lambda spec: open_effect(spec, with_settings(options, spec, settings_of.get(spec, {})), alongside())


def _alongside(context: EffectContext, capture: Capture) -> EffectContext:
    """Return what an effect may know that is opened beside another: a camera may have taken the built-in viewer's
    place, and nobody wants to be shown in a corner unasked.
    """
    inset = 0.0 if capture.info.live else context.viewer_inset
    return dataclasses.replace(context, alongside=True, viewer_inset=inset, progress=lambda what, share: None)


def open_scene_effect(one: SceneEffect, options: Options, context: EffectContext) -> Effect:
    """Open an effect of a scene, with the scene's values: also of what its spec says, a strength for example. Raises a
    RealtimeError.
    """
    specs = {"": one.spec}
    if within := effects.spec_within(one.spec):
        specs[EffectSpec.parse(within).name] = within
    asked = {name: _scene_settings(one, name, spec) for name, spec in specs.items()}
    for name, spec in specs.items():
        options = with_settings(options, spec, asked[name])
    effect = open_effect(one.spec, options, context)
    for name, part in (("", effect), *effect.within.items()):
        for described in part.parameters:
            if described.live and described.name in asked.get(name, {}):
                part.parameters.set(described.name, asked[name][described.name])
    return effect


def _scene_settings(one: SceneEffect, within: str, spec: str) -> dict[str, Value]:
    """Return what a scene sets about one of its effects, or about the one `within` it. Raises OptionError."""
    owner = EffectSpec.parse(spec).name
    places = {name: name.rpartition(".") for name in one.settings}
    texts = {place[2]: one.settings[name] for name, place in places.items() if place[0] == within}
    settings = dataclasses.asdict(parse_settings(effects.effect_class(owner).Settings, texts, owner))
    return {name: settings[name] for name in sorted(name.replace("-", "_") for name in texts)}


def _scene_folder(options: Options) -> SceneFolder | None:
    """Return where scenes lie; None: nobody's home is known, and none was named."""
    try:
        return SceneFolder(options.scenes or scene_files.default_folder())
    except OptionError as error:
        log.debug("no folder for scenes: %s", error)
        return None


def _scene(options: Options, folder: SceneFolder | None) -> Scene | None:
    """Return the scene to begin with. Raises OptionError."""
    if options.scene is None:
        return None
    if options.effect:
        raise OptionError(_("--scene brings its own effects; leave out --effect, or the scene"))
    path = Path(options.scene)
    if path.suffix == ".toml":
        return scene_files.read_scene(user_path(path))
    folder = folder or SceneFolder(scene_files.default_folder())
    return scene_files.read_scene(folder.find(options.scene).file)


def _with_scene(options: Options, scene: Scene) -> Options:
    return dataclasses.replace(
        options,
        effect=tuple(one.spec for one in scene.effects),
        source=options.source if options.source is not None else scene.source,
        mirror=options.mirror if options.mirror is not None else scene.mirror,
    )


def _open_scene(
    scene: Scene, open_one: Callable[[SceneEffect], Effect], opened: contextlib.ExitStack
) -> list[EffectSlot]:
    slots = []
    for one in scene.effects:
        slots.append(EffectSlot(one.spec, open_one(one), scene=one))
        opened.callback(_closing(slots[-1].effect))
    return slots


def _effect_specs() -> list[str]:
    """Every effect that can be chosen while it runs, and every pack or model kept for it, as `--effect` writes it."""
    return [f"{name}:{choice}" if choice else name for name in effects.effect_names() for choice in _choices(name)]


def _choices(name: str) -> Sequence[str]:
    """What can be chosen of one effect; only itself of one that does not load: the show must not end for a key."""
    try:
        return effects.effect_class(name).choices()
    except Exception as error:  # it may be anybody's code
        log.warning(_("effect %s cannot be chosen: %s"), name, error)
        return ("",)


def _face_stage(options: Options, chain: EffectChain, stats: RunStats) -> FaceStage:
    """Make the face finder; where the first effect needs it, see now that its model file is there."""
    name = options.detector

    def open_detector() -> FaceDetector:
        detector = DETECTORS[name].load()()
        assert isinstance(detector, FaceDetector)  # noqa: S101 - the table is ours
        return detector

    if chain.uses_faces:
        from realtime.models.weights import weights_file

        try:
            weights_file(DETECTOR_MODELS[name])
        except ModelError:
            if options.effect:
                raise  # else pictures come first: the finder will say that nobody is looked for
    return FaceStage(open_detector, stats)


def _mirrored(options: Options, info: CameraInfo) -> bool:
    if options.mirror is not None:
        return options.mirror
    return info.live and not _SEEN_BY_OTHERS & set(_output_names(options))
