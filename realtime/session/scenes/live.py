"""Scenes while a run lasts: chosen, walked through and kept beside the picture."""

from __future__ import annotations

import functools
import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from realtime.control.channel import ControlChannel, ListedScene
from realtime.control.commands import ChooseSource, SetMirrored
from realtime.core.errors import FAULTS, OptionError, RealtimeError, in_one_line
from realtime.core.language import _
from realtime.core.specs import EffectSpec
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.outputs.picture_folder import encoded_png
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_menu import EffectMenu, WantedScene
from realtime.pipeline.effect_slot import EffectSlot, SceneEffect
from realtime.session import preset_paths
from realtime.session.scenes.files import Scene, SceneFolder, read_scene, scene_asked

log = logging.getLogger(__name__)

_PICTURE_WIDTH = 320  # a tile's, on a screen of 4K
_ENDS_WITHIN_S = 3.0


class Scenes:
    """What keys and front-ends do with scenes. Main thread; files are read and written on one of its own, in turn."""

    def __init__(
        self,
        folder: SceneFolder,
        chain: EffectChain,
        menu: EffectMenu,
        controls: ControlChannel,
        newest: Callable[[], Frame | None],
        fade_s: float,
        title_of: Callable[[str], str],
    ) -> None:
        """`fade_s`: how long a scene takes to come that says nothing of it. `newest`: the picture that is shown.
        `title_of`: names an effect for people, by its spec.
        """
        self._folder, self._chain, self._menu, self._controls = folder, chain, menu, controls
        self._newest, self._fade_s, self._title_of = newest, fade_s, title_of
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._last = ""  # the scene that was chosen last, on the thread

    @property
    def current(self) -> str:
        """The scene that is shown, by its name; empty: none."""
        return self._menu.scene

    def choose(self, name: str, fade_s: float | None) -> None:
        """Show a scene, by number, name or file."""
        self._begin(functools.partial(self._choose, name, fade_s))

    def step(self, by: int) -> None:
        """Show the next or the previous one."""
        self._begin(functools.partial(self._step, by))

    def keep(self, name: str, source: str | None) -> None:
        """Keep what is shown now. `source`: is kept with it, as `--source` writes it."""
        effects = tuple(as_scene_effect(slot) for slot in list(self._chain.slots))
        self._begin(functools.partial(self._keep, name, effects, source, self._newest()))

    def close(self) -> None:
        """Let what is being written come to its end."""
        if self._thread is not None:
            self._work.put(None)
            self._thread.join(_ENDS_WITHIN_S)

    def _begin(self, work: Callable[[], None]) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="scenes", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # no further thread now; the next key tries again
                self._controls.say(_("no scene can be opened now: {reason}", reason=error))
                return
            self._thread = thread
        self._work.put(work)

    def _run(self) -> None:
        """[scenes' thread]"""
        while (work := self._work.get()) is not None:
            try:
                work()
            except RealtimeError as error:
                self._say(str(error))
            except FAULTS as error:
                log.debug("a scene", exc_info=error)
                self._say(_("the scene fails: {reason}", reason=in_one_line(error)))

    def _say(self, line: str) -> None:
        log.warning("%s", line)
        self._controls.say(line)

    def _choose(self, name: str, fade_s: float | None) -> None:
        path = Path(name).expanduser()
        if path.suffix == ".toml" and path.is_file():
            self._show(read_scene(path), fade_s)
        else:
            self._show(read_scene(self._folder.find(name).file), fade_s)

    def _step(self, by: int) -> None:
        scenes = self._folder.list()
        if not scenes:
            raise OptionError(_("there are no scenes yet; keep one with Shift and a digit"))
        names = [one.name for one in scenes]
        at = names.index(self._last) + by if self._last in names else min(0, by)
        self._show(read_scene(scenes[at % len(scenes)].file), None)

    def _show(self, scene: Scene, fade_s: float | None) -> None:
        wanted = [one for one in (fade_s, scene.fade_s, self._fade_s) if one is not None]
        if not self._menu.show(WantedScene(scene.name, scene.effects), wanted[0]):
            return
        self._last = scene.name
        if scene.source is not None:
            self._controls.send(ChooseSource(scene.source))
        if scene.mirror is not None:
            self._controls.send(SetMirrored(scene.mirror))

    def _keep(self, name: str, effects: tuple[SceneEffect, ...], source: str | None, shown: Frame | None) -> None:
        number, title = scene_asked(name)
        if number is None and title:
            number = next((one.number for one in self._folder.list() if one.name.casefold() == title.casefold()), None)
        title = title or " + ".join(self._title_of(one.spec) for one in effects)[:60]
        picture = None if shown is None else encoded_png(shown, _small(shown))
        kept = self._folder.keep(Scene(title, number, effects, source), picture)
        self._last = kept.name
        log.info(_("kept scene %d, %s"), kept.number, kept.file)
        self._controls.say(_("kept as scene {number}: {name}", number=kept.number, name=kept.name))

    def listed(self) -> tuple[ListedScene, ...]:
        """[any] Return the scenes there are."""
        return tuple(self._folder.list())


def as_scene_effect(slot: EffectSlot) -> SceneEffect:
    """Return what runs, as a scene keeps it: files named in full, and all that is set."""
    here = Path.cwd()
    spec = EffectSpec.parse(slot.spec).beside(here).text
    settings: dict[str, object] = {}
    for prefix, parameters in (("", slot.parameters), *((f"{name}.", one) for name, one in slot.within.items())):
        settings |= {f"{prefix}{one.name}": _lasting(getattr(parameters.values, one.name), here) for one in parameters}
    return SceneEffect(spec, settings)


def _lasting(value: object, here: Path) -> object:
    if isinstance(value, Path):
        return str(here / value)
    return preset_paths.setting_from(value, here) if isinstance(value, str) else value


def _small(frame: Frame) -> Pixels:
    size = frame.size
    width = min(_PICTURE_WIDTH, size.width)
    small = Size(width, max(1, round(size.height * width / size.width)))
    return np.asarray(cv2.resize(frame.pixels, small, interpolation=cv2.INTER_AREA), np.uint8)
