"""What effects say of themselves, as categories to choose from. Imports every effect: not on the way of a frame."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

from realtime import effects
from realtime.cameras import PICTURE_SUFFIXES
from realtime.control.commands import ChooseBackground, ChooseEffect, Command
from realtime.control.offers import Category, Offer
from realtime.core.errors import OptionError
from realtime.core.language import N_, _
from realtime.core.paths import user_data_folder
from realtime.core.specs import EffectSpec, split_files
from realtime.core.titles import argument_title, effect_title
from realtime.effects import Effect, Placing

log = logging.getLogger(__name__)

ORDER = (N_("Looks"), N_("Faces"), N_("Portraits"), N_("Morphs"), N_("Background"))
"""Of the tabs; those of other people's effects come behind them."""
FADE_S = 0.25
_TAKES = {
    "Faces": N_("a photo of a face"),
    "Portraits": N_("a picture of a face"),
    "Morphs": N_("a photo to mix with"),
    "Background": N_("a picture or a film"),
    "Looks": N_("a style's .onnx file"),
}
"""In people's words."""
_MOST_FILES = 200
_NOT_TOLD = frozenset({*PICTURE_SUFFIXES, ".onnx", ".mp4", ".portrait", ".face"})
"""Endings of names that people need not read."""


def categories() -> list[Category]:
    """Return everything there is, by tab. An effect that does not load is passed over: the show must not end for it."""
    found: dict[str, list[Offer]] = {name: [] for name in ORDER}
    takes: dict[str, str] = {name: takes_of(name) for name in ORDER}
    for name in effects.effect_names():
        try:
            cls = effects.effect_class(name)
            placing = cls.placing
            found.setdefault(placing.category, []).extend(_offers_of(name, cls, placing))
        except Exception as error:  # it may be anybody's code
            log.warning(_("effect %s cannot be offered: %s"), name, error)
            continue
        if placing.takes and not takes.get(placing.category):
            takes[placing.category] = _("a file")
    found["Faces"] += [offer("swap", str(path), Placing("Faces")) for path in kept_faces(faces_folder())]
    found["Background"] += [
        offer("background", str(path), Placing("Background")) for path in kept_pictures(backgrounds_folder())
    ]
    return [
        Category(name, _unlike(offers), takes.get(name, ""), folder_of(name), is_background=_are_backgrounds(offers))
        for name, offers in found.items()
    ]


def _are_backgrounds(offers: Sequence[Offer]) -> bool:
    return any(isinstance(offer.command, ChooseBackground) for offer in offers)


def offer(effect: str, argument: str, placing: Placing, *, title: str = "") -> Offer:
    """Return one tile: an effect with an argument, or alone."""
    spec = f"{effect}:{argument}" if argument else effect
    is_bare = effects.shows_people(spec) and not argument.startswith("#")
    choose: Command = ChooseEffect(spec, FADE_S)
    if effects.is_background(spec):
        choose = ChooseBackground(spec, FADE_S)
    return Offer(
        spec,
        title or title_of(effect, argument, placing),
        choose,
        is_bare=is_bare,
        bares_room=effects.shows_surroundings(spec),
    )


def title_of(effect: str, argument: str, placing: Placing) -> str:
    """Return what people read below a tile: `Night`, `Anna`, `Camera`."""
    if not argument:
        return _(placing.title) or effect_title(effect)
    words = _(placing.also.get(argument, "")) or argument_title(effect, argument)
    if words == argument:
        last = EffectSpec.parse(f"{effect}:{argument}").title.partition(":")[2]
        stem = Path(last).stem if Path(last).suffix.lower() in _NOT_TOLD else last
        words = _of_several(stem).replace("_", " ").replace("-", " ").strip() or last
    return words[:1].upper() + words[1:]


def _of_several(name: str) -> str:
    """Return `anna.jpg+anna2.jpg` as people read it: `anna and 1 more`."""
    first, *more = split_files(name, lambda part: Path(part).suffix.lower() in PICTURE_SUFFIXES and "+" not in part)
    return _("{stem} and {count} more", stem=Path(first).stem, count=len(more)) if more else name


def portrait(pack: Path) -> Offer:
    """Return the tile of a pack that lies in the user's folder."""
    return offer("portrait", pack.stem, Placing("Portraits"))


def takes_of(category: str) -> str:
    """Return what may be dropped on a category, in words; empty: nothing."""
    return _(_TAKES.get(category, ""))


def faces_folder() -> Path | None:
    """Return where people may lay photos of faces; None where nobody's home is known."""
    return _data_folder("faces")


def backgrounds_folder() -> Path | None:
    """Return where people may lay backgrounds."""
    return _data_folder("backgrounds")


def folder_of(category: str) -> Path | None:
    """Return the folder in which what lies on a category is kept."""
    names = {"Looks": "models", "Faces": "faces", "Portraits": "portraits", "Morphs": "models"}
    names["Background"] = "backgrounds"
    return _data_folder(names[category]) if category in names else None


def kept_pictures(folder: Path | None) -> Sequence[Path]:
    """Return the pictures in a folder, by name; none where there is no such folder."""
    return _kept(folder, PICTURE_SUFFIXES)


def kept_faces(folder: Path | None) -> Sequence[Path]:
    """Return the photos in a folder, and the faces that were built of several."""
    return _kept(folder, PICTURE_SUFFIXES | {".face"})


def _kept(folder: Path | None, suffixes: frozenset[str]) -> Sequence[Path]:
    if folder is None:
        return []
    try:
        found = [path for path in folder.iterdir() if path.suffix.lower() in suffixes and path.is_file()]
    except OSError:
        return []
    return sorted(path for path in found if not path.name.startswith("."))[:_MOST_FILES]


def _data_folder(name: str) -> Path | None:
    try:
        return user_data_folder() / name
    except OptionError:
        return None


def _offers_of(name: str, cls: type[Effect], placing: Placing) -> list[Offer]:
    arguments = [*cls.choices(), *placing.also]
    if cls.is_background:  # what takes it off is the first, as the camera is among the looks
        arguments.sort(key=lambda argument: argument != effects.NO_BACKGROUND)
    return [offer(name, argument, placing) for argument in arguments]


def _unlike(offers: Sequence[Offer]) -> tuple[Offer, ...]:
    """Return the offers, those that would read alike with their effect's name as well."""
    titles = [one.title for one in offers]
    return tuple(
        one
        if titles.count(one.title) == 1 or titles.index(one.title) == place
        else dataclasses.replace(one, title=f"{one.title}, {one.spec.partition(':')[0]}")
        for place, one in enumerate(offers)
    )
