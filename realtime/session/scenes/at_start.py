"""The scene that a run begins with."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path

from realtime.core.errors import OptionError
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.effects import Effect
from realtime.pipeline.effect_slot import EffectSlot, SceneEffect
from realtime.session.closing import closing
from realtime.session.options import Options
from realtime.session.scenes import files as scene_files
from realtime.session.scenes.files import Scene, SceneFolder

log = logging.getLogger(__name__)


def scene_folder_of(options: Options) -> SceneFolder | None:
    """Return where scenes lie; None: nobody's home is known, and none was named."""
    try:
        return SceneFolder(options.scenes or scene_files.default_folder())
    except OptionError as error:
        log.debug("no folder for scenes: %s", error)
        return None


def scene_asked_for(options: Options, folder: SceneFolder | None) -> Scene | None:
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


def with_scene(options: Options, scene: Scene) -> Options:
    """Return the options with a scene's effects, and its source and mirror where they leave those open."""
    return dataclasses.replace(
        options,
        effect=tuple(one.spec for one in scene.effects),
        source=options.source if options.source is not None else scene.source,
        mirror=options.mirror if options.mirror is not None else scene.mirror,
    )


def open_scene(
    scene: Scene, open_one: Callable[[SceneEffect], Effect], opened: contextlib.ExitStack
) -> list[EffectSlot]:
    """Open a scene's effects in turn; `opened` closes them. Raises a RealtimeError."""
    slots = []
    for one in scene.effects:
        slots.append(EffectSlot(one.spec, open_one(one), scene=one))
        opened.callback(closing(slots[-1].effect))
    return slots
