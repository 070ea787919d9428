"""What a window's tray asks: what there is to choose, and what it looks like."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from realtime.cameras.listing import ListedCamera, list_cameras
from realtime.control.channel import ControlChannel, ListedScene
from realtime.control.commands import ChooseScene, KeepScene
from realtime.control.front_end import FrontEnd
from realtime.control.offers import Category, Offer, OfferedSource, Offers, scene_spec
from realtime.core.errors import FAULTS, OnceLogger, OptionError, RealtimeError, in_one_line
from realtime.core.helper_process import HelperGoneError, HelperProcess
from realtime.core.language import _
from realtime.core.specs import EffectSpec
from realtime.effects import shows_people
from realtime.imaging.frame import Pixels
from realtime.session.offers import dialogue, listing
from realtime.session.offers.category_list import CategoryList
from realtime.session.offers.taking import SAID_FOR_S, FileTaker
from realtime.session.offers.thumbnail_maker import ThumbnailMaker
from realtime.session.offers.thumbnails import Thumbnails
from realtime.session.options import Options
from realtime.session.scenes import files as scene_files

log = logging.getLogger(__name__)

_EVERY_S = 1.0
"""Between two thumbnails."""
_FIRST_EVERY_S = 0.2
"""Between those that have no picture yet."""
_HELPER_RESTS_S = 60.0
"""After the tray has gone: then what it needed goes, too."""


class Catalogue(FrontEnd, Offers):
    """Begins nothing before somebody opens the tray."""

    def __init__(
        self, controls: ControlChannel, options: Options, our_devices: Callable[[], set[str]] = lambda: set()
    ) -> None:
        """`options`: what effects are opened with. `our_devices`: virtual cameras that we send to; any thread."""
        self._controls, self._options, self._our_devices = controls, options, our_devices
        self._changed = threading.Condition()
        # Guarded by _changed:
        self._sources: tuple[OfferedSource, ...] = ()
        self._watched: str | None = None
        self._must_list = False
        self._is_closed = False
        self._is_asking = False  # a file dialogue is open
        self._is_looking = False
        self._thread: threading.Thread | None = None
        self._helper: HelperProcess | None = None  # replaced by the catalogue's thread alone
        self._categories = CategoryList()
        self._thumbnails = ThumbnailMaker(controls, self._get_helper)
        self._taker = FileTaker(controls, self._categories, self._list_again)
        self._faults = OnceLogger(log)

    # The front-end ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._controls.offers = self

    def look_after(self) -> None:
        self._thumbnails.spare.look(self._controls.status.age_ms, is_watched=self._watched is not None)

    def close(self) -> None:
        self._controls.offers = None
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            helper = self._helper
        if helper is not None:
            helper.close()

    # What the window asks ---------------------------------------------------------------------------------------

    @property
    def categories(self) -> tuple[Category, ...]:
        return self._categories.categories

    @property
    def sources(self) -> tuple[OfferedSource, ...]:
        return self._sources

    def thumbnail(self, spec: str) -> Pixels | None:
        return self._thumbnails.get(spec)

    def watch(self, category: str | None) -> None:
        with self._changed:
            if category is not None and self._watched is None:
                self._must_list = True
            self._watched = category
            self._changed.notify_all()
        if category is not None:
            self._begin()

    def look_for_sources(self) -> None:
        with self._changed:
            if self._is_looking:
                return
            self._is_looking = True
        self._run("cameras-listing", self._look_for_sources)

    def take(self, paths: Sequence[Path], category: str) -> None:
        self._run("files-taking", lambda: self._taker.take(paths, category))

    def choose_file(self, category: str) -> bool:
        title = f"realtime: {listing.takes_of(category)}" if category else f"realtime: {_('a film, a picture')}"
        return self._ask_for_files(title, lambda paths: self._taker.take(paths, category))

    def choose_file_for(self, path: str) -> bool:
        return self._ask_for_files(f"realtime: {path}", lambda paths: self._taker.set_file(path, paths))

    def open_folder(self, category: str) -> None:
        found = self._categories.get(category)
        folder = None if found is None else found.folder
        if folder is None:
            self._controls.say(_("{category} has no folder", category=category))
            return
        try:
            dialogue.show_folder(folder)
        except OptionError as error:
            self._controls.say(str(error), SAID_FOR_S)

    # Cameras ----------------------------------------------------------------------------------------------------

    def _look_for_sources(self) -> None:
        try:
            ours = self._our_devices() - {""}
            cameras = [camera for camera in list_cameras() if not {camera.path, camera.name} & ours]
        except FAULTS as error:
            self._faults.failure(_("the cameras cannot be listed"), error)
            cameras = []
        names = [camera.name for camera in cameras]
        found = tuple(_offered(camera, is_alone=names.count(camera.name) == 1) for camera in cameras)
        with self._changed:
            self._sources = (*found, OfferedSource("demo", _("Demo"), _("a viewer who walks about, drawn")))
            self._is_looking = False

    # Files ------------------------------------------------------------------------------------------------------

    def _ask_for_files(self, title: str, use: Callable[[Sequence[Path]], None]) -> bool:
        command = dialogue.dialogue_command(title)
        if command is None:
            return False
        with self._changed:
            if self._is_asking:
                return True
            self._is_asking = True

        def ask() -> None:
            try:
                paths = dialogue.chosen_files(command, title)
            except OptionError as error:
                self._controls.say(str(error), SAID_FOR_S)
                return
            finally:
                with self._changed:
                    self._is_asking = False
            if paths:
                use(paths)

        return self._run("file-dialogue", ask)

    def _run(self, name: str, work: Callable[[], None]) -> bool:
        """Do something on a thread of its own. Return whether that began."""

        def guarded() -> None:
            try:
                work()
            except FAULTS as error:  # what is beside the picture must not end it
                self._faults.failure(_("{name} fails", name=name), error)
                self._controls.say(in_one_line(error))

        try:
            threading.Thread(target=guarded, name=name, daemon=True).start()
        except RuntimeError as error:  # no further thread now
            self._controls.say(_("that cannot be done now: {reason}", reason=error))
            return False
        return True

    # Listing ----------------------------------------------------------------------------------------------------

    def _list_again(self) -> None:
        with self._changed:
            self._must_list = True
            self._changed.notify_all()

    # The thread -------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        with self._changed:
            if self._thread is not None and self._thread.is_alive():
                return
            thread = threading.Thread(target=self._work, name="offers", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # no further thread now: the next look tries again
                self._faults.failure(_("nothing can be offered yet"), error)
                return
            self._thread = thread

    def _work(self) -> None:
        """[offers thread] List, and make thumbnails, until nobody has looked for a while."""
        next_at_s = 0.0
        while True:
            with self._changed:
                has_rested = not self._changed.wait_for(self._is_wanted, _HELPER_RESTS_S)
                if not self._must_list and not self._is_closed:
                    self._changed.wait(max(0.0, next_at_s - time.monotonic()))
                must_list, self._must_list = self._must_list, False
                watched = self._watched
                is_over = self._is_closed or has_rested
                if is_over:
                    helper, self._helper = self._helper, None
                    self._thread = None
            if is_over:
                if helper is not None:
                    helper.close()
                return
            began_s = time.monotonic()
            try:
                self._list_scenes()
                if must_list:
                    self._list()
                category = self._categories.get(watched)
                is_new = category is not None and self._thumbnails.make_one(category)
            except HelperGoneError as error:
                if self._is_closed:
                    continue
                self._faults.failure(_("what makes the thumbnails has ended"), error)
                self._drop_helper()
                is_new = False
                began_s += _EVERY_S * 5
            next_at_s = began_s + (_FIRST_EVERY_S if is_new else _EVERY_S)

    def _is_wanted(self) -> bool:
        """[with _changed]"""
        return self._is_closed or self._must_list or self._watched is not None

    def _list(self) -> None:
        helper = self._get_helper()
        try:
            listed = tuple(helper.ask("categories"))
        except HelperGoneError:
            raise
        except RealtimeError as error:
            self._faults.failure(_("what there is cannot be listed"), error)
            return
        self._categories.set_listed(listed)
        self._add_what_is_shown()

    def _add_what_is_shown(self) -> None:
        """Put the effects in use on their categories where they are not there: a photo that was named at the start."""
        from realtime import effects
        from realtime.outputs.window.tray.state import chosen_of

        status = self._controls.status
        for spec in dict.fromkeys((status.spec, status.background)):
            if not spec or chosen_of(self.categories, spec):
                continue
            asked = EffectSpec.parse(spec)
            placing = effects.effect_class(asked.name).placing
            self._categories.add(placing.category, listing.offer(asked.name, asked.argument, placing))

    def _list_scenes(self) -> None:
        """Look which scenes there are; some are kept, others laid into their folder, while the tray is open."""
        try:
            scenes = self._controls.scenes()
        except RealtimeError as error:
            self._faults.failure(_("the scenes cannot be listed"), error)
            return
        category = Category("Scenes", tuple(map(_scene_offer, scenes)), folder=self._scenes_folder(), keeps=KeepScene())
        for scene in scenes:
            self._thumbnails.show_scene(scene)
        self._categories.set_scenes(category)

    def _scenes_folder(self) -> Path | None:
        try:
            return self._options.scenes or scene_files.default_folder()
        except OptionError:  # nobody's home is known: none can be kept
            return None

    def _get_helper(self) -> HelperProcess:
        if self._helper is None:
            kept = Options(set=self._options.set, painting=self._options.painting)
            helper = HelperProcess(Thumbnails, kept)
            with self._changed:
                if not self._is_closed:
                    self._helper = helper
                    return helper
            helper.close()
            raise HelperGoneError("the run is ending")
        return self._helper

    def _drop_helper(self) -> None:
        with self._changed:
            helper, self._helper = self._helper, None
        if helper is not None:
            helper.close()


def _scene_offer(scene: ListedScene) -> Offer:
    number = scene.number if 0 <= scene.number <= 9 else None
    is_bare = bool(scene.effects) and all(shows_people(spec) for spec in scene.effects)
    return Offer(
        scene_spec(scene.name), scene.name, ChooseScene(scene.name), is_bare, number=number, has_thumbnail=False
    )


def _offered(camera: ListedCamera, *, is_alone: bool) -> OfferedSource:
    """Return a camera as it is offered: by its name, which stays the same when it is plugged in elsewhere."""
    sizes = list(dict.fromkeys(str(mode.size) for mode in reversed(camera.modes)))
    largest = sizes[:3]
    rates = max((rate for mode in camera.modes for rate in mode.rates_fps), default=0.0)
    detail = ", ".join(largest) + (_(" · up to {rates:g} fps", rates=rates) if rates else "")
    spec = camera.name if is_alone and not camera.name.isdecimal() else str(camera.number)
    title = camera.name if is_alone else camera.label
    return OfferedSource(spec, title, detail or _("camera {number}", number=camera.number), camera.label)
