"""What a window's tray asks: what there is to choose, and what it looks like."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from realtime.cameras.listing import ListedCamera, list_cameras
from realtime.control.channel import ControlChannel, ListedScene
from realtime.control.commands import ChooseEffect, ChooseScene, ChooseSource, KeepScene
from realtime.control.front_end import FrontEnd
from realtime.control.offers import Category, Offer, OfferedSource, Offers, scene_spec
from realtime.core.errors import FAULTS, OnceLogger, OptionError, RealtimeError, in_one_line
from realtime.core.helper_process import HelperGoneError, HelperProcess
from realtime.core.language import N_, _
from realtime.core.specs import EffectSpec
from realtime.effects import shows_people
from realtime.imaging.frame import Frame, Pixels
from realtime.picture_files.reader import read_picture
from realtime.session.offers import dialogue, files, listing, making
from realtime.session.offers.files import FileKind, Use, Way
from realtime.session.offers.thumbnails import Thumbnails, small
from realtime.session.options import Options
from realtime.session.scenes import files as scene_files

log = logging.getLogger(__name__)

_EVERY_S = 1.0
"""Between two thumbnails."""
_FIRST_EVERY_S = 0.2
"""Between those that have no picture yet."""
_HELPER_RESTS_S = 60.0
"""After the tray has gone: then what it needed goes, too."""
_GIVEN_UP_AFTER = 3
_OLDER = 1.05
_OLDER_FOR_FIRST = 1.25
_LITTLE_MS = 3.0
"""What drawing the tray takes, and what the age of pictures differs by from second to second."""
_LEARNT_SHARE = 0.1
_SAID_FOR_S = 8.0


class Catalogue(FrontEnd, Offers):
    """Begins nothing before somebody opens the tray."""

    def __init__(
        self, controls: ControlChannel, options: Options, our_devices: Callable[[], set[str]] = lambda: set()
    ) -> None:
        """`options`: what effects are opened with. `our_devices`: virtual cameras that we send to; any thread."""
        self._controls, self._options, self._our_devices = controls, options, our_devices
        self._changed = threading.Condition()
        # Guarded by _changed:
        self._listed: tuple[Category, ...] = ()
        self._scenes = Category(N_("Scenes"))
        self._added: tuple[tuple[str, Offer], ...] = ()  # category and offer, since the start
        self._categories: tuple[Category, ...] = ()
        self._sources: tuple[OfferedSource, ...] = ()
        self._watched: str | None = None
        self._must_list = False
        self._is_closed = False
        self._is_asking = False  # a file dialogue is open
        self._is_looking = False
        self._thread: threading.Thread | None = None
        # The catalogue's thread alone:
        self._helper: HelperProcess | None = None
        self._turn = 0
        self._spare = SpareTime()
        self._failed: dict[str, int] = {}
        self._scene_pictures: dict[str, tuple[Path, int] | None] = {}  # which one was read
        # Written by that thread; any may look:
        self._thumbnails: dict[str, Pixels] = {}
        self._showing_room: set[str] = set()  # those of them in which the room behind people is seen
        self._faults = OnceLogger(log)

    # The front-end ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._controls.offers = self

    def look_after(self) -> None:
        self._spare.look(self._controls.status.age_ms, is_watched=self._watched is not None)

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
        return self._categories

    @property
    def sources(self) -> tuple[OfferedSource, ...]:
        return self._sources

    def thumbnail(self, spec: str) -> Pixels | None:
        if spec in self._showing_room and self._controls.status.hides_surroundings:
            return None
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
        self._run("files-taking", lambda: self._take(paths, category))

    def choose_file(self, category: str) -> bool:
        title = f"realtime: {listing.takes_of(category)}" if category else f"realtime: {_('a film, a picture')}"
        return self._ask_for_files(title, lambda paths: self._take(paths, category))

    def choose_file_for(self, path: str) -> bool:
        return self._ask_for_files(f"realtime: {path}", lambda paths: self._set_file(path, paths))

    def open_folder(self, category: str) -> None:
        folder = next((one.folder for one in self._categories if one.name == category), None)
        if folder is None:
            self._controls.say(_("{category} has no folder", category=category))
            return
        try:
            dialogue.show_folder(folder)
        except OptionError as error:
            self._controls.say(str(error), _SAID_FOR_S)

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

    def _take(self, paths: Sequence[Path], category: str) -> None:
        """[thread of its own] Use what was dropped or chosen."""
        usable: list[tuple[Path, FileKind, Way]] = []
        for path in paths:
            found = files.look_at(path)
            if found.kind is FileKind.NOTHING:
                self._controls.say(found.why_not, _SAID_FOR_S)
            else:
                usable.append((path, found.kind, files.way_of(found.kind, category)))
        photos = [path for path, kind, _way in usable if kind is FileKind.PICTURE]
        is_first = not self._take_as_one_face(photos, category)
        for path, _kind, way in usable:
            match way.use:
                case Use.ADD_MODEL:
                    self._add_model(path)
                case Use.BUILD_PORTRAIT:
                    self._build_portrait(path, is_shown=is_first)
                case Use.SCENE:
                    self._controls.send(ChooseScene(str(path.absolute())))
                case Use.EFFECT:
                    self._take_for_effect(path, way.effect, is_shown=is_first)
                case Use.SOURCE if is_first:
                    self._controls.say(_("opening {name}", name=path.name))
                    self._controls.send(ChooseSource(str(path.absolute())))
                case Use.SOURCE:
                    self._controls.say(_("one film or folder plays at a time: {name} was left", name=path.name))
            is_first = False

    def _take_as_one_face(self, photos: Sequence[Path], category: str) -> bool:
        """Wear the one face of several photos that were laid among the faces together. Return whether there are."""
        if category != "Faces" or len(photos) < 2:
            return False
        self._controls.say(_("making one face of {count} photos", count=len(photos)), _SAID_FOR_S)
        self._offer_effect("swap", "+".join(str(photo.absolute()) for photo in photos), is_shown=True)
        return True

    def _take_for_effect(self, path: Path, effect: str, *, is_shown: bool) -> None:
        self._offer_effect(effect, str(path.absolute()), is_shown=is_shown)

    def _offer_effect(self, effect: str, argument: str, *, is_shown: bool) -> None:
        from realtime import effects

        placing = effects.effect_class(effect).placing
        offer = listing.offer(effect, argument, placing)
        self._add(placing.category, offer)
        if is_shown and offer.command is not None:
            self._controls.say(f"{offer.title} …")
            self._controls.send(offer.command)

    def _build_portrait(self, picture: Path, *, is_shown: bool) -> None:
        folder = listing.folder_of("Portraits")
        if folder is None:
            self._controls.say(_("no folder for portraits is known; set HOME"))
            return
        spec, before = f"portrait:{picture.absolute()}", self._controls.status.spec
        tile = Offer(spec, making.title_of(picture), None, made=0.0)
        self._add("Portraits", tile)
        self._controls.say(
            _("making a portrait of {name}; the picture goes on meanwhile", name=picture.name), _SAID_FOR_S
        )
        try:
            pack = making.build_portrait(
                picture,
                folder,
                lambda what, share: self._add("Portraits", dataclasses.replace(tile, made=share)),
            )
        except RealtimeError as error:
            self._remove(spec)
            self._controls.say(str(error), _SAID_FOR_S)
            return
        self._remove(spec)
        self._add("Portraits", listing.portrait(pack))
        self._list_again()
        self._controls.say(_("{title} hangs among the portraits now", title=making.title_of(picture)), _SAID_FOR_S)
        if is_shown and self._controls.status.spec == before:  # somebody who has gone on meanwhile is left alone
            self._controls.send(ChooseEffect(f"portrait:{pack.stem}", listing.FADE_S))

    def _add_model(self, path: Path) -> None:
        self._controls.say(_("looking at {name}: it is tried in a process of its own", name=path.name), _SAID_FOR_S)
        try:
            words = making.add_model(path)
        except RealtimeError as error:
            self._controls.say(str(error), _SAID_FOR_S)
            return
        self._controls.say(words, _SAID_FOR_S)
        self._list_again()

    def _set_file(self, path: str, chosen: Sequence[Path]) -> None:
        for file in chosen[:1]:
            try:
                self._controls.parameters.set(path, file)
            except OptionError as error:
                self._controls.say(str(error), _SAID_FOR_S)

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
                self._controls.say(str(error), _SAID_FOR_S)
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

    # Categories ----------------------------------------------------------------------------------------------------

    def _add(self, category: str, offer: Offer) -> None:
        """Put an offer on a category, in the place of one with its spec."""
        with self._changed:
            if any(one.spec == offer.spec for _, one in self._added):
                self._added = tuple((on, offer if one.spec == offer.spec else one) for on, one in self._added)
            else:
                self._added = (*self._added, (category, offer))
            self._put_together()

    def _remove(self, spec: str) -> None:
        with self._changed:
            self._added = tuple((on, one) for on, one in self._added if one.spec != spec)
            self._put_together()

    def _put_together(self) -> None:
        """[with _changed] Lay what was added beside what was listed."""
        listed = {offer.spec for category in self._listed for offer in category.offers}
        categories = []
        for category in self._listed:
            added = [offer for on, offer in self._added if on == category.name and offer.spec not in listed]
            categories.append(dataclasses.replace(category, offers=(*category.offers, *added)) if added else category)
        together = (*categories, self._scenes) if categories else ()
        if together != self._categories:
            self._categories = together

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
                is_new = watched is not None and self._make_one(watched)
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
        with self._changed:
            self._listed = listed
            self._put_together()
        self._add_what_is_shown()

    def _add_what_is_shown(self) -> None:
        """Put the effects in use on their categories where they are not there: a photo that was named at the start."""
        from realtime import effects
        from realtime.outputs.window.tray.state import chosen_of

        status = self._controls.status
        for spec in dict.fromkeys((status.spec, status.background)):
            if not spec or chosen_of(self._categories, spec):
                continue
            asked = EffectSpec.parse(spec)
            placing = effects.effect_class(asked.name).placing
            self._add(placing.category, listing.offer(asked.name, asked.argument, placing))

    def _list_scenes(self) -> None:
        """Look which scenes there are; some are kept, others laid into their folder, while the tray is open."""
        try:
            scenes = self._controls.scenes()
        except RealtimeError as error:
            self._faults.failure(_("the scenes cannot be listed"), error)
            return
        category = Category("Scenes", tuple(map(_scene_offer, scenes)), folder=self._scenes_folder(), keeps=KeepScene())
        for scene in scenes:
            self._show_picture(scene)
        with self._changed:
            if category != self._scenes:
                self._scenes = category
                self._put_together()

    def _scenes_folder(self) -> Path | None:
        try:
            return self._options.scenes or scene_files.default_folder()
        except OptionError:  # nobody's home is known: none can be kept
            return None

    def _show_picture(self, scene: ListedScene) -> None:
        """Let a scene's own picture be its thumbnail, read once for as long as it stays the same."""
        spec = scene_spec(scene.name)
        try:
            version = None if scene.picture is None else (scene.picture, scene.picture.stat().st_mtime_ns)
            if version == self._scene_pictures.get(spec):
                return
            self._scene_pictures[spec] = version
            if scene.picture is None:
                self._thumbnails.pop(spec, None)
            else:
                self._thumbnails[spec] = read_picture(scene.picture)
        except (OSError, RealtimeError) as error:  # a scene without a picture can be chosen as well
            log.debug("the picture of scene %s: %s", scene.name, error)

    def _make_one(self, watched: str) -> bool:
        """Make the thumbnail whose turn it is. Return whether others have none yet."""
        category = next((category for category in self._categories if category.name == watched), None)
        frame = self._controls.untouched_picture()
        if category is None or frame is None:
            return False
        status = self._controls.status
        hidden = status.hides_people
        offers = [
            offer
            for offer in category.offers
            if offer.has_thumbnail
            and offer.made is None
            and not (offer.is_bare and hidden)
            and not (category.is_background and offer.bares_room and status.hides_surroundings)
            and self._failed.get(offer.spec, 0) < _GIVEN_UP_AFTER
        ]
        if not offers:
            return False
        fresh = [offer for offer in offers if self.thumbnail(offer.spec) is None]
        if not self._spare.is_enough(for_first=bool(fresh)):
            return False
        self._turn += 1
        offer = fresh[0] if fresh else offers[self._turn % len(offers)]
        background = "" if category.is_background or not offer.bares_room else status.background
        if offer.bares_room and not background:
            self._showing_room.add(offer.spec)
        self._show_through(offer, small(frame), background)
        if background and offer.spec in self._thumbnails:
            self._showing_room.discard(offer.spec)
        return len(fresh) > 1

    def _show_through(self, offer: Offer, frame: Frame, background: str) -> None:
        """`background`: what people stand before; empty: the room, or what the offer itself lays there."""
        if background:
            try:
                frame = frame.with_pixels(self._get_helper().ask("shown_through", background, frame))
            except HelperGoneError:
                raise
            except RealtimeError as error:  # the room is hidden, and so it stays
                log.debug("no thumbnail before %s: %s", background, error)
                return
        if offer.spec == "none":  # nobody need be asked what that looks like
            self._thumbnails[offer.spec] = frame.pixels
            return
        try:
            self._thumbnails[offer.spec] = self._get_helper().ask("shown_through", offer.spec, frame)
            self._failed.pop(offer.spec, None)
        except HelperGoneError:
            self._failed[offer.spec] = self._failed.get(offer.spec, 0) + 1  # it may be what ended it
            raise
        except RealtimeError as error:
            self._failed[offer.spec] = _GIVEN_UP_AFTER
            log.debug("no thumbnail of %s: %s", offer.spec, error)

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


class SpareTime:
    """Whether the machine has time for thumbnails: not while pictures are older than they were without the tray. A
    first one, of a tile that shows nothing yet, may cost a little.
    """

    def __init__(self) -> None:
        self._usual_ms: float | None = None
        self._age_ms: float | None = None  # while somebody looks

    def is_enough(self, *, for_first: bool) -> bool:
        """Whether one may be made now. Any thread."""
        usual_ms, age_ms = self._usual_ms, self._age_ms
        if usual_ms is None or age_ms is None:
            return True
        return age_ms <= usual_ms * (_OLDER_FOR_FIRST if for_first else _OLDER) + _LITTLE_MS

    def look(self, age_ms: float, *, is_watched: bool) -> None:
        """Take note of how old pictures are when they are shown, some four times a second. Main thread."""
        usual_ms = self._usual_ms
        if not is_watched:
            self._usual_ms = age_ms if usual_ms is None else usual_ms + _LEARNT_SHARE * (age_ms - usual_ms)
            self._age_ms = None
        else:
            self._age_ms = age_ms


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
