"""Effects as the options ask for them: opened at the start, and again beside one that makes the pictures."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
from collections.abc import Callable, Mapping, Sequence

from realtime import effects
from realtime.cameras import CameraInfo
from realtime.core.errors import ModelError, OptionError, RealtimeError
from realtime.core.language import _
from realtime.core.settings import Value, parse_settings
from realtime.core.specs import EffectSpec
from realtime.core.stats import RunStats
from realtime.effects import Effect, EffectContext
from realtime.faces import DETECTOR_MODELS, DETECTORS, FaceDetector
from realtime.faces.face_stage import FaceStage
from realtime.imaging.frame import Size
from realtime.pipeline.capture import Capture
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_slot import EffectSlot, SceneEffect
from realtime.session.closing import closing
from realtime.session.options import Options
from realtime.session.output_planning import output_names

log = logging.getLogger(__name__)

Progress = Callable[[str, float], None]
SettingsOf = Mapping[str, Mapping[str, Value]]
"""Settings by an effect's spec."""


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


def check_settings(options: Options) -> None:
    """Refuse now what an effect that a key may bring later could not be opened with. Raises OptionError."""
    for name, settings in options.effect_settings().items():
        parse_settings(effects.effect_class(name).Settings, settings, name)


def open_effects(
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
        opened.callback(closing(slots[-1].effect))
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
    opened.callback(closing(slot.effect))
    return slot


def opening_alongside(
    options: Options, alongside: Callable[[], EffectContext], settings_of: SettingsOf
) -> Callable[[str], Effect]:
    """Return what opens an effect by its spec while another makes the pictures."""
    return lambda spec: open_effect(spec, with_settings(options, spec, settings_of.get(spec, {})), alongside())


def context_alongside(context: EffectContext, capture: Capture) -> EffectContext:
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


def effect_context(options: Options, progress: Progress, info: CameraInfo) -> EffectContext:
    """Say what pictures should be like: of one size that all outputs want, and no larger than any can show."""
    if options.every_frame and info.live:
        log.warning(_("--every-frame has no effect: %s is live and does not wait"), info.name)
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
    names = set(output_names(options))
    if options.size:
        return options.size, options.size
    if names == {"camera"}:
        return Size(1280, 720), Size(1280, 720)
    if names & {"window", "fullscreen", "kiosk"}:
        from realtime.outputs.window.screens import list_screens

        largest = max((max(screen.size) for screen in list_screens()), default=3840)
        return None, Size(largest, largest)
    return None, EffectContext().largest


def effect_specs() -> list[str]:
    """Every effect that can be chosen while it runs, and every pack or model kept for it, as `--effect` writes it."""
    return [f"{name}:{choice}" if choice else name for name in effects.effect_names() for choice in _choices(name)]


def _choices(name: str) -> Sequence[str]:
    """What can be chosen of one effect; only itself of one that does not load: the show must not end for a key."""
    try:
        return effects.effect_class(name).choices()
    except Exception as error:  # it may be anybody's code
        log.warning(_("effect %s cannot be chosen: %s"), name, error)
        return ("",)


def face_stage_for(options: Options, chain: EffectChain, stats: RunStats) -> FaceStage:
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
