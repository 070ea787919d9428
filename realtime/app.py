"""Putting a run together: the only file that joins concrete parts."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from realtime import cameras, effects, outputs
from realtime.cameras import Camera, CameraInfo, CameraRequest
from realtime.cameras.picture_folder import pictures_in
from realtime.capture import Capture, CapturePolicy
from realtime.controls import Controls
from realtime.desk import Desk
from realtime.effects import Effect, EffectContext
from realtime.effects.chain import EffectChain, EffectMenu, Link
from realtime.errors import CameraError, ModelError, OptionError, OutputError, RealtimeError
from realtime.faces import DETECTOR_MODELS, DETECTORS, FaceDetector
from realtime.faces.finder import FaceFinder
from realtime.files import unused_name
from realtime.frame import Frame, Size
from realtime.keepsakes import Keepsakes
from realtime.label import Label
from realtime.loop import Limits, RenderLoop
from realtime.options import Options
from realtime.outputs import Output, OutputRequest
from realtime.pacing import Keep, Slot
from realtime.paths import user_path
from realtime.provenance import public_name, stated_by
from realtime.settings import parse_settings
from realtime.signals import ending_in_order
from realtime.signing import Signer
from realtime.stats import RunStats

log = logging.getLogger(__name__)

Progress = Callable[[str, float], None]

_DEMO_SECONDS = 10.0
_DEMO_FILE = Path("realtime-demo.mp4")
_SEEN_BY_OTHERS = frozenset({"camera", "file", "folder", "pipe"})


class Run(NamedTuple):
    """A loop ready to run, and the desk that attends to it."""

    loop: RenderLoop
    desk: Desk

    def go(self) -> None:
        """Run to the end. Main thread. Raises the RealtimeError that ended it, after everything has been closed."""
        try:
            with ending_in_order(self.loop.stop):
                self.loop.run(self.desk.attend)
        finally:
            self.desk.close()


def build(options: Options, progress: Progress, stats: RunStats) -> Run:
    """Open everything the options name and join it. Raises a RealtimeError; what was opened is closed again then."""
    options = _with_output(options)
    label = None if options.no_label else Label(options.label_style)
    stats.label = label.text if label else None
    signer = Signer(options.sign) if options.sign else None
    _keep_source_whole(options)
    controls = Controls()
    camera, open_again = _open_source(options)
    info = camera.info
    every_frame = options.every_frame and not info.live
    if options.every_frame and info.live:
        log.warning("--every-frame has no effect: %s is live and does not wait", info.name)
    captured: Slot[Frame] = Slot(Keep.EVERY if every_frame else Keep.NEWEST)
    policy = CapturePolicy(every_frame=every_frame, loop=options.loop)
    capture = Capture(camera, open_again, captured, stats, policy)
    opened: list[Output] = []
    links: list[Link] = []
    try:
        for note in info.notes:
            log.warning("%s", note)
        context = dataclasses.replace(
            _effect_context(options, progress),
            frame=info.size,
            fps=options.fps or info.fps,
            every_frame=every_frame,
            provider=options.provider,
        )
        links = _open_effects(options, context)
        source_type = _source_type(options.source)
        names = [outputs.split_spec(spec)[0] for spec in options.output]
        request = OutputRequest(
            controls=controls,
            size=options.size,
            fps=options.fps or (info.fps if not info.live else 30.0),
            screen=options.screen,
            rotate_degrees=options.rotate,
            hud=options.hud,
            every_frame=every_frame,
            overwrite=options.overwrite,
            signer=signer,
            title=" + ".join(public_name(link.spec) for link in links),
        )
        for spec in options.output:
            opened.append(outputs.open_output(spec, request))  # noqa: PERF401 - those opened before a failure are closed
        if sum(output.on_main_thread for output in opened) > 1:
            raise OutputError("only one window at a time: choose one of window and fullscreen")
        stats.source = {
            "name": info.name,
            "size": list(info.size),
            "fps": round(info.fps, 3),
            "live": info.live,
            "says_synthetic": bool(source_type),
        }
        chain = EffectChain(links, stats, label, source_type=source_type)
        loop = RenderLoop(
            capture=capture,
            captured=captured,
            finder=_finder(options, chain, stats, progress),
            chain=chain,
            outputs=opened,
            stats=stats,
            limits=Limits(options.frames, options.seconds),
            every_frame=every_frame,
            mirrored=_mirrored(options, info, names),
        )
        keepsakes = Keepsakes(
            options.keep_in, lambda path: outputs.open_output(str(path), request), controls.say, signer
        )
        return Run(loop, Desk(loop, controls, _menu(options, context, links, chain, controls), keepsakes))
    except BaseException:
        camera.close()
        for link in links:
            link.effect.close()
        for output in opened:
            output.close()
        raise


def _open_source(options: Options) -> tuple[Camera, Callable[[], Camera]]:
    """Open the source named, or the first camera, or the demo where there is none; return how to open it again too.

    Again means the same one: a camera that is unplugged must not become the demo.
    """
    request = CameraRequest(options.size, options.fps)
    if options.source is not None:
        source = options.source
        return cameras.open_camera(source, request), lambda: cameras.open_camera(source, request)
    from realtime.cameras.listing import first_camera

    first = first_camera()
    try:
        return cameras.open_camera(first, request), lambda: cameras.open_camera(first, request)
    except CameraError as error:
        log.warning("%s; showing the built-in demo viewer instead", str(error).split(";")[0])
        return cameras.open_camera("demo", request), lambda: cameras.open_camera("demo", request)


def _source_type(source: str | None) -> str:
    """What recorded material says of how it was made: it stays true of whatever is made of it."""
    kind = cameras.kind_of(source) if source else ""
    if source is None or kind not in ("video", "still", "folder"):
        return ""
    path = user_path(source)
    return stated_by(pictures_in(path)[0] if kind == "folder" else path)


def _with_output(options: Options) -> Options:
    """Fill in the output nobody named: a window, or a file where there is no screen."""
    if options.output:
        return options
    from realtime.outputs.screens import has_screen

    if has_screen():
        return dataclasses.replace(options, output=("window",))
    path = unused_name(_DEMO_FILE)
    log.warning(
        "no screen here: %g seconds go into %s instead; choose with --output camera, out.mp4, - (a pipe) or none",
        options.seconds or _DEMO_SECONDS,
        path,
    )
    inset = () if options.effect else ("portrait.inset=0.3",)  # a file shows no viewer beside the screen
    return dataclasses.replace(
        options,
        output=(str(path),),
        seconds=options.seconds or (None if options.frames else _DEMO_SECONDS),
        every_frame=True,
        set=(*inset, *options.set),
    )


def _keep_source_whole(options: Options) -> None:
    """Refuse to write over what is being read. Raises OutputError."""
    source = user_path(options.source or "")
    for spec in options.output:
        if options.source and source.exists() and user_path(spec).resolve() == source.resolve():
            raise OutputError(f"{spec} is the source itself; give the output another name")


def _effect_context(options: Options, progress: Progress) -> EffectContext:
    """Say what size pictures should have: one that all outputs want, and the largest that any can show."""
    names = [outputs.split_spec(spec)[0] for spec in options.output]
    if options.size:
        return EffectContext(canvas=options.size, largest=options.size, progress=progress)
    if set(names) == {"camera"}:
        return EffectContext(canvas=Size(1280, 720), largest=Size(1280, 720), progress=progress)
    if set(names) & {"window", "fullscreen"}:
        from realtime.outputs.screens import list_screens

        sides = [max(screen.size) for screen in list_screens()]
        largest = max(sides, default=3840)
        return EffectContext(largest=Size(largest, largest), progress=progress)
    return EffectContext(progress=progress)


def open_effect(spec: str, options: Options, context: EffectContext) -> Effect:
    """Open one effect with its settings. Raises a RealtimeError."""
    name, argument = effects.split_spec(spec)
    cls = effects.effect_class(name)
    settings = parse_settings(cls.Settings, options.effect_settings().get(name, {}), name)
    return cls.open(argument, settings, context)


def _open_effects(options: Options, context: EffectContext) -> list[Link]:
    specs: Sequence[str] = options.effect or ("portrait",)
    # --quality names no effect, as --provider does not: it is for whatever style comes, also later, by a key.
    of_named = dataclasses.replace(options, quality=None).effect_settings()
    unused = set(of_named) - {effects.split_spec(spec)[0] for spec in specs}
    if unused:
        chosen = " and ".join(specs)
        raise OptionError(f"settings for {', '.join(sorted(unused))}, but the effect is {chosen}; add --effect")
    if not options.effect:
        try:
            return [Link("portrait", open_effect("portrait", options, context))]
        except OptionError:
            raise
        except RealtimeError as error:  # nobody asked for it by name: pictures come first
            log.warning("no portrait: %s; showing the source as it is", error)
            specs = ("none",)
    links: list[Link] = []
    try:
        for spec in specs:
            links.append(Link(spec, open_effect(spec, options, context)))  # noqa: PERF401 - closed on failure
    except BaseException:
        for link in links:
            link.effect.close()
        raise
    return links


def _menu(
    options: Options, context: EffectContext, links: Sequence[Link], chain: EffectChain, controls: Controls
) -> EffectMenu:
    """What the keys for next and previous effect walk through: every effect, and every pack or model kept for it."""

    def specs() -> list[str]:
        names = effects.effect_names()
        return [f"{name}:{choice}" if choice else name for name in names for choice in _choices(name)]

    alongside = dataclasses.replace(context, alongside=True, progress=lambda what, share: None)
    return EffectMenu(
        specs,
        links[-1].spec,
        lambda spec: open_effect(spec, options, alongside),
        chain,
        controls.say,
    )


def _choices(name: str) -> Sequence[str]:
    """What can be chosen of one effect; only itself of one that does not load: the show must not end for a key."""
    try:
        return effects.effect_class(name).choices()
    except Exception as error:  # it may be anybody's code
        log.warning("effect %s cannot be chosen: %s", name, error)
        return ("",)


def _finder(options: Options, chain: EffectChain, stats: RunStats, progress: Progress) -> FaceFinder:
    """Make the face finder; where the first effect needs it, see now that its model file is there."""
    name = options.detector

    def open_detector() -> FaceDetector:
        detector = DETECTORS[name].load()()
        assert isinstance(detector, FaceDetector)  # noqa: S101 - the table is ours
        return detector

    if chain.uses_faces:
        from realtime.model_store import model_file

        try:
            model_file(DETECTOR_MODELS[name], progress)
        except ModelError:
            if options.effect:
                raise  # else pictures come first: the finder will say that nobody is looked for
    return FaceFinder(open_detector, stats)


def _mirrored(options: Options, info: CameraInfo, output_names: Sequence[str]) -> bool:
    if options.mirror is not None:
        return options.mirror
    return info.live and not _SEEN_BY_OTHERS & set(output_names)
