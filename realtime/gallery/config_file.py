"""gallery.toml, read and checked as a whole before anything runs.

The tables are declared as dataclasses, as every effect's settings are; from them come ranges, messages and names.
"""

from __future__ import annotations

import dataclasses
import datetime
import tomllib
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from realtime import effects
from realtime.core.errors import UNREADABLE, OptionError, nearest, why_unreadable
from realtime.core.language import N_, _
from realtime.core.paths import user_path
from realtime.core.settings import Parameter, Value, parameters_of, setting
from realtime.core.specs import EffectSpec
from realtime.core.text_limits import abbreviated
from realtime.gallery.calibration.views import Calibration, Place
from realtime.gallery.config import Gallery, Item, Order, Screen
from realtime.gallery.programme.durations import parse_duration
from realtime.gallery.programme.hours import Hours, parse_hours
from realtime.remote.address import Address
from realtime.session import preset_paths
from realtime.session.option_reading import from_table

S = TypeVar("S")

_LARGEST_BYTES = 256_000
_MOST_ITEMS = 200
_MOST_SCREENS = 16
_LONGEST_NAME = 60
_SHORTEST_S = 5.0  # a programme that changes faster is a fault in the file, and wears out whatever opens effects
_OWN_OPTIONS = {
    "source": N_("write camera = … under [gallery]"),
    "effect": N_("write an [[item]]"),
    "output": N_("write a [[screen]]"),
    "screen": N_("write a [[screen]]"),
    "rotate": N_("write rotate = … under [[screen]]"),
    "hud": N_("no figures are ever shown on a gallery's wall"),
    "frames": N_("write hours = … under [gallery]"),
    "seconds": N_("write hours = … under [gallery]"),
    "every_frame": N_("a wall shows what is now"),
}
"""Options of a run that a gallery decides itself, and where."""
_PLACE = tuple(one.name for one in dataclasses.fields(Calibration))
"""What portraits are told of where they hang, as far as they take it: `[view]` for all, `[[screen]]` for one."""


@dataclasses.dataclass(frozen=True)
class GallerySettings:
    """`[gallery]`"""

    name: str = field(default="gallery", metadata=setting(N_("what the place is called, in log and status")))
    camera: str | None = field(
        default=None,
        metadata=setting(N_("number or name of the camera, or any other source of a run; left out: the first camera")),
    )
    lens_degrees: float | None = field(
        default=None,
        metadata=setting(
            N_(
                "how much the camera sees from left to right, as its data sheet says; left out: --calibrate "
                "finds it out"
            ),
            least=20,
            most=150,
            unit="°",
        ),
    )
    hours: str = field(default="", metadata=setting(N_("opening hours: Tue-Sun 10:00-18:00; Fri 20:00-02:00")))
    zone: str = field(default="", metadata=setting(N_("time zone, Europe/Berlin; left out: this computer's")))
    order: Order = field(default="in turn", metadata=setting(N_("how one item follows another")))
    fade_s: float = field(
        default=2.0,
        metadata=setting(N_("how long an item takes to fade into the next"), least=0.0, most=60.0, unit="s"),
    )
    pause_s: float = field(
        default=0.0,
        metadata=setting(
            N_("how long the last picture of an item stands still before that"), least=0.0, most=600.0, unit="s"
        ),
    )
    standby: bool = field(
        default=True, metadata=setting(N_("whether screens are put to sleep outside the opening hours"))
    )


@dataclasses.dataclass(frozen=True)
class ItemSettings:
    """`[[item]]`"""

    name: str = field(default="", metadata=setting(N_("what it is called; left out: its effect")))
    effect: str = field(default="", metadata=setting(N_("as --effect of a run takes it; files lie beside this file")))
    hangs: str = field(
        default="30 min", metadata=setting(N_("how long it hangs: 20 min, 1 h, 90 s; a number: minutes"))
    )
    hours: str = field(default="", metadata=setting(N_("when it may hang, written as opening hours; left out: always")))
    waits_for_nobody: bool = field(
        default=False, metadata=setting(N_("whether it stays while somebody is looking at it"))
    )
    waits_at_most: str = field(default="10 min", metadata=setting(N_("how long it waits for nobody, at most")))


@dataclasses.dataclass(frozen=True)
class ScreenSettings:
    """`[[screen]]`"""

    name: str = field(default="", metadata=setting(N_("what it is called; left out: screen and its number")))
    screen: str = field(default="0", metadata=setting(N_("number or name, as 'realtime devices' lists it")))
    rotate: int = field(default=0, metadata=setting(N_("degrees clockwise, of a screen hung on its side")))


def read_gallery(path: Path, data: bytes | None = None) -> Gallery:
    """Read a gallery.toml; `data`: what was read there before, and is to count whatever lies there now. Raises
    OptionError, one line that names the place in the file, for whatever cannot be.
    """
    data = _bytes_of(path) if data is None else data
    content = _read(path, data)
    where = str(path)
    _known(content, ("gallery", "view", "options", "item", "screen"), where)
    about, _ = _table(GallerySettings, _one(content, "gallery", where), f"{where}: [gallery]")
    zone = _zone(about.zone, f"{where}: [gallery] zone")
    hours = _hours(about.hours, zone, f"{where}: [gallery] hours")
    folder = path.absolute().parent
    options = _options(_one(content, "options", where), f"{where}: [options]", folder)
    items = _items(_many(content, "item", where, _MOST_ITEMS), where, folder, zone)
    calibrated = _one(content, "view", where)
    common = _Common(folder, items, options, calibrated)
    _view(calibrated, f"{where}: [view]")
    screens = _screens(_many(content, "screen", where, _MOST_SCREENS), where, common)
    camera = None if about.camera is None else preset_paths.source_from(about.camera, folder)
    return Gallery(
        path=path.absolute(),
        text=data.decode(),
        name=_name(about.name, f"{where}: [gallery] name"),
        camera=camera,
        lens_degrees=about.lens_degrees,
        hours=hours,
        order=about.order,
        fade_s=about.fade_s,
        pause_s=about.pause_s,
        standby=about.standby,
        screens=screens,
    )


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise OptionError(
            _("no such file: {path}; 'realtime gallery --example > {name}' writes one", path=path, name=path.name)
        ) from None
    except OSError as error:
        raise OptionError(
            _("{path} cannot be read: {reason}; check the path", path=path, reason=error.strerror or error)
        ) from error


def _read(path: Path, data: bytes) -> dict[str, Any]:
    if len(data) > _LARGEST_BYTES:
        raise OptionError(
            _("{path} is larger than {most_kb} kB; is it a gallery.toml?", path=path, most_kb=_LARGEST_BYTES // 1000)
        )
    try:
        return tomllib.loads(data.decode())
    except UNREADABLE as error:
        raise OptionError(
            _("{path} cannot be read: {reason}; mend it as TOML", path=path, reason=why_unreadable(error))
        ) from error


def _one(content: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    table = content.get(name, {})
    if not isinstance(table, dict):
        raise OptionError(_("{where}: {name} is a table; write [{name}] on a line of its own", where=where, name=name))
    return table


def _many(content: Mapping[str, Any], name: str, where: str, most: int) -> Sequence[Mapping[str, Any]]:
    tables = content.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise OptionError(
            _("{where}: there may be several of {name}; write [[{name}]], in double brackets", where=where, name=name)
        )
    if len(tables) > most:
        raise OptionError(
            _(
                "{where}: {count} of [[{name}]] are too many; {most} may be given",
                where=where,
                count=len(tables),
                name=name,
                most=most,
            )
        )
    return tables


def _known(table: Mapping[str, Any], names: Sequence[str], where: str) -> None:
    for key in table:
        if key not in names:
            hint = nearest(key, names) or _("; there are: {names}", names=", ".join(names))
            raise OptionError(
                _("{where}: nothing is called '{key}' here{hint}", where=where, key=abbreviated(key), hint=hint)
            )


def _table(
    settings_class: type[S], table: Mapping[str, Any], where: str, inner: Sequence[str] = ()
) -> tuple[S, dict[str, Any]]:
    """Read a table as the dataclass that declares it; return it, and those of `inner` that are tables within it."""
    parameters = {one.name: one for one in parameters_of(settings_class)}
    _known(table, [*parameters, *inner], where)
    chosen = {name: _value(parameters[name], value, where) for name, value in table.items() if name in parameters}
    return settings_class(**chosen), {name: table[name] for name in inner if name in table}


def _value(parameter: Parameter, value: object, where: str) -> Value:
    if isinstance(parameter.default, str | None) and isinstance(value, list):  # hours = ["Tue-Fri 10-18", "Sat 12-20"]
        value = "; ".join(str(one) for one in value[:100])
    elif parameter.kind.value == "text" and isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)  # camera = 0, hangs = 20
    try:
        return parameter.read(value)
    except OptionError as error:
        raise OptionError(f"{where} {error}") from None
    except UNREADABLE as error:
        raise OptionError(f"{where} {parameter.name}: {why_unreadable(error)}") from None


def _name(text: str, where: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise OptionError(
            _(
                "{where}: give a name of 1 to {most} letters, not '{name}'",
                where=where,
                most=_LONGEST_NAME,
                name=abbreviated(name),
            )
        )
    return name


def _zone(name: str, where: str) -> datetime.tzinfo | None:
    if not name:
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = nearest(name, zoneinfo.available_timezones())
        raise OptionError(
            _(
                "{where}: no time zone '{name}'{hint}; write it as Europe/Berlin",
                where=where,
                name=abbreviated(name),
                hint=hint,
            )
        ) from None


def _hours(text: str, zone: datetime.tzinfo | None, where: str) -> Hours:
    try:
        return parse_hours(text, zone)
    except OptionError as error:
        raise OptionError(f"{where}: {error}") from None


def _options(table: Mapping[str, Any], where: str, folder: Path) -> dict[str, Any]:
    for key in table:
        if (instead := _OWN_OPTIONS.get(key.replace("-", "_"))) is not None:
            raise OptionError(
                _("{where}: {key} is the gallery's own; {instead}", where=where, key=key, instead=_(instead))
            )
    try:
        return from_table(table, where, folder)
    except UNREADABLE as error:
        raise OptionError(f"{where}: {why_unreadable(error)}") from None


def _items(
    tables: Sequence[Mapping[str, Any]], where: str, folder: Path, zone: datetime.tzinfo | None
) -> tuple[Item, ...]:
    items = tuple(_item(table, f"{where}: [[item]] {number}", folder, zone) for number, table in enumerate(tables, 1))
    if not items:
        raise OptionError(_('{where}: nothing hangs; write an [[item]] with effect = "portrait"', where=where))
    for number, item in enumerate(items, 1):
        for other in items[: number - 1]:
            at = f"{where}: [[item]] {number}"
            if other.name == item.name:
                raise OptionError(_("{at}: two items are called '{name}'; give it another name", at=at, name=item.name))
            if other.spec == item.spec and _fixed(other) != _fixed(item):
                raise OptionError(
                    _(
                        "{at}: '{name}' and '{item_name}' show the same effect with other settings of a "
                        "kind that cannot change while it runs; let them agree, or leave one out",
                        at=at,
                        name=other.name,
                        item_name=item.name,
                    )
                )
    return items


def _fixed(item: Item) -> dict[str, Value]:
    """Settings that are taken when its effect is opened, and never again."""
    live = {path.partition(".")[2] for path in item.live_settings}
    return {name: value for name, value in item.settings.items() if name not in live}


def _item(table: Mapping[str, Any], where: str, folder: Path, zone: datetime.tzinfo | None) -> Item:
    about, inner = _table(ItemSettings, table, where, ("set",))
    if not about.effect:
        raise OptionError(
            _("{where}: no effect; write effect = \"portrait\", or what 'realtime effects' lists", where=where)
        )
    spec = EffectSpec.parse(about.effect).beside(folder)
    try:
        effect = effects.effect_class(spec.name)
        parameters = {one.name: one for one in parameters_of(effect.Settings)}
    except OptionError:
        raise
    except Exception as error:  # no such effect, or somebody else's that does not load
        raise OptionError(f"{where}: {error}") from error
    given = inner.get("set", {})
    if not isinstance(given, dict):
        raise OptionError(
            _("{where} set: write [item.set] on a line of its own, and below it wander = false", where=where)
        )
    _known(given, list(parameters), f"{where} set")
    settings = {key: _item_setting(parameters[key], value, f"{where} set:", folder) for key, value in given.items()}
    return Item(
        name=_name(about.name or EffectSpec.parse(about.effect).title[:_LONGEST_NAME], f"{where} name"),
        spec=spec.text,
        hangs_s=parse_duration(about.hangs, f"{where} hangs", least_s=_SHORTEST_S),
        hours=_hours(about.hours, zone, f"{where} hours"),
        waits_for_nobody=about.waits_for_nobody,
        waits_at_most_s=parse_duration(about.waits_at_most, f"{where} waits_at_most"),
        settings=settings,
        live_settings={f"{spec.name}.{name}": value for name, value in settings.items() if parameters[name].live},
    )


def _item_setting(parameter: Parameter, value: object, where: str, folder: Path) -> Value:
    if isinstance(value, str):
        value = preset_paths.setting_from(value, folder)
    try:
        return parameter.read(value)
    except OptionError as error:
        raise OptionError(f"{where} {error}") from None


class _Common(NamedTuple):
    """What all screens share."""

    folder: Path
    items: Sequence[Item]
    options: Mapping[str, Any]
    calibrated: Mapping[str, Any]


def _screens(tables: Sequence[Mapping[str, Any]], where: str, common: _Common) -> tuple[Screen, ...]:
    screens: list[Screen] = []
    for number, table in enumerate(tables or [{}], 1):
        own = common._replace(options=_numbered(common.options, number - 1))
        screen = _screen(table, f"{where}: [[screen]] {number}", own)
        for other in screens:
            if other.name == screen.name or other.screen == screen.screen:
                what = _("are both called") if other.name == screen.name else _("both hang on screen")
                name = screen.name if other.name == screen.name else screen.screen
                raise OptionError(
                    _(
                        "{where}: [[screen]] {number}: two screens {what} '{name}'; give it another",
                        where=where,
                        number=number,
                        what=what,
                        name=name,
                    )
                )
        screens.append(screen)
    return tuple(screens)


def _screen(table: Mapping[str, Any], where: str, common: _Common) -> Screen:
    about, inner = _table(ScreenSettings, table, where, ("items", "options", *_PLACE))
    options = common.options
    if about.rotate not in (0, 90, 180, 270):
        raise OptionError(_("{where}: rotate is 0, 90, 180 or 270, not {rotate}", where=where, rotate=about.rotate))
    own = inner.get("options", {})
    if not isinstance(own, dict):
        raise OptionError(_("{where} options: write [screen.options] on a line of its own", where=where))
    own = _options(own, f"{where} options", common.folder)
    together = {**options, **own, "set": (*options.get("set", ()), *own.get("set", ()))}
    placed = {name: inner[name] for name in _PLACE if name in inner}
    return Screen(
        name=_name(about.name or f"screen {about.screen}", f"{where} name"),
        screen=about.screen.strip() or "0",
        rotate_degrees=about.rotate,
        items=_chosen(inner.get("items"), common.items, where),
        options=together,
        view=(view := _view({**common.calibrated, **placed}, where)),
        place=_place(view) if {"right_cm", "below_cm"} & placed.keys() else None,
    )


def _place(view: Mapping[str, float]) -> Place:
    return Place(view.get("right_cm", 0.0), view.get("below_cm", 0.0))


def _chosen(names: object, items: Sequence[Item], where: str) -> tuple[Item, ...]:
    if names is None:
        return tuple(items)
    if not isinstance(names, list) or not names:
        raise OptionError(
            _(
                '{where} items: write a list of names, items = ["{name}"], or leave it out for all',
                where=where,
                name=items[0].name,
            )
        )
    by_name = {item.name: item for item in items}
    for name in names:
        if not isinstance(name, str) or name not in by_name:
            hint = nearest(str(name)[:100], by_name) or _("; there are: {by_name}", by_name=", ".join(by_name))
            raise OptionError(
                _("{where} items: no item '{name}'{hint}", where=where, name=abbreviated(str(name)[:100]), hint=hint)
            )
    return tuple(by_name[name] for name in dict.fromkeys(names))


def _view(values: Mapping[str, Any], where: str) -> dict[str, float]:
    """Read what portraits are told of where they hang, by what they say themselves that they take."""
    declared = {one.name: one for one in parameters_of(effects.effect_class("portrait").Settings)}
    _known(values, [name for name in _PLACE if name in declared], where)
    view = {name: float(str(_value(declared[name], value, where))) for name, value in values.items()}
    for begin, end in (("view_left", "view_right"), ("view_top", "view_bottom")):
        first, last = view.get(begin, declared[begin].default), view.get(end, declared[end].default)
        if isinstance(first, float) and isinstance(last, float) and first >= last:
            raise OptionError(_("{where}: {begin} must be less than {end}", where=where, begin=begin, end=end))
    return view


def _numbered(options: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return the options that all screens share as the one of this number (from 0) has them: ports count up, because
    two processes cannot listen at one.
    """
    return {
        name: value._replace(port=value.port + number) if isinstance(value, Address) and value.port else value
        for name, value in options.items()
    }


def gallery_path(text: str) -> Path:
    """Return the path of a gallery's file. Raises OptionError for a text that is none."""
    return user_path(text)
