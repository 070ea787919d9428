"""What becomes of files that are dropped on a window or chosen in a dialogue."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from realtime.control.channel import ControlChannel
from realtime.control.commands import ChooseEffect, ChooseScene, ChooseSource
from realtime.control.offers import Offer
from realtime.core.errors import OptionError, RealtimeError
from realtime.core.language import _
from realtime.session.offers import files, listing, making
from realtime.session.offers.category_list import CategoryList
from realtime.session.offers.files import FileKind, Use, Way

SAID_FOR_S = 8.0


class FileTaker:
    """Takes as long as it takes: each call on a thread of its own."""

    def __init__(self, controls: ControlChannel, categories: CategoryList, list_again: Callable[[], None]) -> None:
        """`list_again` is called when something has come into a folder that is listed."""
        self._controls, self._categories, self._list_again = controls, categories, list_again

    def take(self, paths: Sequence[Path], category: str) -> None:
        """Use them: wear, show, play, build or bring in, each as `files.way_of` has it. Tells what becomes of each."""
        usable: list[tuple[Path, FileKind, Way]] = []
        for path in paths:
            found = files.look_at(path)
            if found.kind is FileKind.NOTHING:
                self._controls.say(found.why_not, SAID_FOR_S)
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
                    self._offer_effect(way.effect, str(path.absolute()), is_shown=is_first)
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
        self._controls.say(_("making one face of {count} photos", count=len(photos)), SAID_FOR_S)
        self._offer_effect("swap", "+".join(str(photo.absolute()) for photo in photos), is_shown=True)
        return True

    def _offer_effect(self, effect: str, argument: str, *, is_shown: bool) -> None:
        from realtime import effects

        placing = effects.effect_class(effect).placing
        offer = listing.offer(effect, argument, placing)
        self._categories.add(placing.category, offer)
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
        self._categories.add("Portraits", tile)
        self._controls.say(
            _("making a portrait of {name}; the picture goes on meanwhile", name=picture.name), SAID_FOR_S
        )
        try:
            pack = making.build_portrait(
                picture,
                folder,
                lambda what, share: self._categories.add("Portraits", dataclasses.replace(tile, made=share)),
            )
        except RealtimeError as error:
            self._categories.remove(spec)
            self._controls.say(str(error), SAID_FOR_S)
            return
        self._categories.remove(spec)
        self._categories.add("Portraits", listing.portrait(pack))
        self._list_again()
        self._controls.say(_("{title} hangs among the portraits now", title=making.title_of(picture)), SAID_FOR_S)
        if is_shown and self._controls.status.spec == before:  # somebody who has gone on meanwhile is left alone
            self._controls.send(ChooseEffect(f"portrait:{pack.stem}", listing.FADE_S))

    def _add_model(self, path: Path) -> None:
        self._controls.say(_("looking at {name}: it is tried in a process of its own", name=path.name), SAID_FOR_S)
        try:
            words = making.add_model(path)
        except RealtimeError as error:
            self._controls.say(str(error), SAID_FOR_S)
            return
        self._controls.say(words, SAID_FOR_S)
        self._list_again()

    def set_file(self, path: str, chosen: Sequence[Path]) -> None:
        """Give the first of the files to the setting of that path."""
        for file in chosen[:1]:
            try:
                self._controls.parameters.set(path, file)
            except OptionError as error:
                self._controls.say(str(error), SAID_FOR_S)
