"""Scenes as files: a preset with a name, a number and a small picture beside it, and a folder of them."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli_w

from realtime.control.channel import ListedScene
from realtime.core.errors import UNREADABLE, OptionError, OutputError, nearest, why_unreadable
from realtime.core.files import atomic_write, put_in_free_place
from realtime.core.language import _
from realtime.core.paths import user_data_folder
from realtime.core.specs import EffectSpec
from realtime.core.text_limits import abbreviated
from realtime.pipeline.effect_slot import SceneEffect
from realtime.session import preset_paths
from realtime.session.option_reading import from_table
from realtime.session.options import Options

SCENE = "scene"
"""The preset's table in which a scene's own words stand."""
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
_REPLACED = "replaced"
_LARGEST_BYTES = 64 * 1024
_MOST_SCENES = 200
_MOST_EFFECTS = 20
"""One after the other; a file that was given away must not open thousands."""
_LONGEST_NAME = 60
_LARGEST_NUMBER = 999
_LONGEST_FADE_S = 60.0
_ABOUT = frozenset({"name", "number", "fade_s"})
_NUMBERED_TABLE = re.compile(r"(.*?)([2-9]|[1-9][0-9])")
_NO_FILE_NAME = re.compile(r"[^\w-]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """What a scene's file says."""

    name: str
    number: int | None
    """None: the file says none."""
    effects: tuple[SceneEffect, ...]
    """At least one; files are named in full."""
    source: str | None = None
    """As `--source` takes it; None: the one in use stays."""
    mirror: bool | None = None
    fade_s: float | None = None
    """How long it takes to come; None: as the run says."""


def read_scene(path: Path) -> Scene:
    """Read a scene's file, or a preset as one: what cannot change while a run lasts is left out. Raises OptionError and
    its like.
    """
    from realtime.effects import spec_within

    content = _read_table(path)
    where = _("scene {path}", path=path)
    about = content.pop(SCENE, {})
    if not isinstance(about, dict):
        raise OptionError(
            _(
                "{where}: '{scene}' is a table; write [{scene}], then name = and number = below it",
                where=where,
                scene=SCENE,
            )
        )
    asked = content.get("effect", ())
    asked = [asked] if isinstance(asked, str) else asked
    if isinstance(asked, list) and len(asked) > _MOST_EFFECTS:
        raise OptionError(
            _(
                "{where} names {count} effects; {most_effects} are taken at most",
                where=where,
                count=len(asked),
                most_effects=_MOST_EFFECTS,
            )
        )
    owners = _owners([str(spec) for spec in asked] if isinstance(asked, list) else [])
    numbered = {owner: content.pop(owner) for owner in owners if _is_numbered(owner) and owner in content}
    options = Options(**from_table(content, where, path.parent))
    if not options.effect:
        raise OptionError(_('{where} names no effect; write effect = ["style:night"], for example', where=where))
    settings = options.effect_settings()
    effects = []
    for owner, spec in zip(_owners(options.effect), options.effect, strict=True):
        values: dict[str, object] = {**settings.get(EffectSpec.parse(spec).name, {})}
        values |= _settings_in(numbered.get(owner, {}), f"{where}: {owner}", path.parent)
        if within := EffectSpec.parse(spec_within(spec)).name:
            values |= {f"{within}.{name}": value for name, value in settings.get(within, {}).items()}
        effects.append(SceneEffect(spec, values))
    return Scene(
        _name_in(about, where) or path.stem,
        _number_in(about, where),
        tuple(effects),
        options.source,
        options.mirror,
        _fade_in(about, where),
    )


def scene_text(scene: Scene) -> str:
    """Return a scene as its file's text."""
    about = {"name": scene.name, "number": scene.number, "fade_s": scene.fade_s}
    content: dict[str, Any] = {"effect": [one.spec for one in scene.effects]}
    if scene.source is not None:
        content["source"] = scene.source
    if scene.mirror is not None:
        content["mirror"] = scene.mirror
    for owner, one in zip(_owners([one.spec for one in scene.effects]), scene.effects, strict=True):
        for name, value in one.settings.items():
            within, dot, rest = name.rpartition(".")
            content.setdefault(within if dot else owner, {}).setdefault(rest, _toml_value(value))
    content[SCENE] = {key: value for key, value in about.items() if value is not None}
    return tomli_w.dumps(content)


def default_folder() -> Path:
    """Return where a user's scenes lie. Raises OptionError where nobody's home is known."""
    return user_data_folder() / "scenes"


class SceneFolder:
    """The scenes of one folder. Any thread; two must not write at the same time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def list(self) -> Sequence[ListedScene]:
        """Return the scenes by number. Those whose file gives none have the next free ones, by file name; a file that
        is none is left out.
        """
        return self.look()[0]

    def look(self) -> tuple[Sequence[ListedScene], Sequence[str]]:
        """Return the scenes as `list` does, and what is wrong with the files that are none."""
        read: list[tuple[Path, Scene]] = []
        wrong: list[str] = []
        for path in self._files():
            try:
                read.append((path, read_scene(path)))
            except (OptionError, OutputError) as error:
                wrong.append(str(error))
        numbers: dict[Path, int] = {}
        for path, scene in read:
            if scene.number is not None and scene.number not in numbers.values():
                numbers[path] = scene.number
        for path, _unused in read:
            numbers.setdefault(path, free_number(numbers.values()))
        listed = [
            ListedScene(numbers[path], scene.name, path, picture_of(path), tuple(one.spec for one in scene.effects))
            for path, scene in read
        ]
        return sorted(listed, key=lambda one: one.number), wrong

    def find(self, name: str) -> ListedScene:
        """Return a scene by its number or name. Raises OptionError."""
        scenes = self.list()
        wanted = name.strip()
        number = int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 6 else None
        for one in scenes:
            if one.number == number or one.name.casefold() == wanted.casefold() or one.file.stem == wanted:
                return one
        if not scenes:
            raise OptionError(
                _("there are no scenes in {folder} yet; keep one first, with Shift and a digit", folder=self.folder)
            )
        names = [one.name for one in scenes]
        hint = nearest(wanted, names) or _(
            "; there are: {scenes}", scenes=", ".join(f"{one.number} {one.name}" for one in scenes)
        )
        raise OptionError(_("no scene '{wanted}'{hint}", wanted=abbreviated(wanted), hint=hint))

    def keep(self, scene: Scene, picture_png: bytes | memoryview | None) -> ListedScene:
        """Write a scene; one that has its number is put aside, into the folder `replaced`. Without a number it has the
        next free one. Raises OutputError.
        """
        listed = self.list()
        number = free_number(one.number for one in listed) if scene.number is None else scene.number
        scene = dataclasses.replace(scene, number=number)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for one in listed:
                if one.number == number:
                    self._put_aside(one)
        except OSError as error:
            raise OutputError(
                _(
                    "a scene cannot be kept in {folder}: {reason}; choose another: --scenes FOLDER",
                    folder=self.folder,
                    reason=error.strerror or error,
                )
            ) from error
        path = self.folder / f"{number}-{_file_name(scene.name)}.toml"
        picture = path.with_suffix(".png")
        if picture_png is not None:
            with atomic_write(picture) as unfinished:
                unfinished.write_bytes(picture_png)
        with atomic_write(path) as unfinished:
            unfinished.write_text(scene_text(scene), encoding="utf-8")
        return ListedScene(number, scene.name, path, picture_of(path), tuple(one.spec for one in scene.effects))

    def _files(self) -> Sequence[Path]:
        try:
            return sorted(path for path in self.folder.iterdir() if path.suffix == ".toml" and path.name[0] != ".")[
                :_MOST_SCENES
            ]
        except OSError:  # there is none yet
            return ()

    def _put_aside(self, one: ListedScene) -> None:
        aside = self.folder / _REPLACED
        aside.mkdir(exist_ok=True)
        for path in (one.file, one.picture):
            if path is not None:
                put_in_free_place(path, aside / path.name)


def scene_asked(text: str) -> tuple[int | None, str]:
    """Split what a scene shall be kept as, `3 Evening`, into number and name. Raises OptionError."""
    match = re.match(r"\s*(?:(\d+)(?:\s+|$))?(.*)", text, re.DOTALL)
    assert match is not None  # noqa: S101 - every text does
    number = int(match[1][:9]) if match[1] else None
    if number is not None and number > _LARGEST_NUMBER:
        raise OptionError(
            _("a scene's number goes from 0 to {largest_number}, and 0 to 9 have keys", largest_number=_LARGEST_NUMBER)
        )
    return number, _checked_name(match[2].strip(), "keep-scene")


def picture_of(path: Path) -> Path | None:
    """Return the picture beside a scene's file; None: there is none."""
    return next((picture for suffix in PICTURES if (picture := path.with_suffix(suffix)).is_file()), None)


def free_number(taken: Collection[int] | Any) -> int:
    """Return the next number that is free: 1 to 9, 0, and from there on."""
    used = set(taken)
    order = [*range(1, 10), 0, *range(10, _LARGEST_NUMBER + 1)]
    return next((number for number in order if number not in used), _LARGEST_NUMBER)


def _read_table(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
        if len(data) > _LARGEST_BYTES:
            raise OptionError(
                _("scene {path} is larger than {most_kib} kB; it is none", path=path, most_kib=_LARGEST_BYTES // 1024)
            )
        return tomllib.loads(data.decode("utf-8-sig"))
    except OptionError:
        raise
    except OSError as error:
        raise OptionError(
            _("scene {path} cannot be read: {reason}; check the path", path=path, reason=error.strerror or error)
        ) from error
    except UNREADABLE as error:
        raise OptionError(
            _("scene {path} cannot be read: {reason}; mend it as TOML", path=path, reason=why_unreadable(error))
        ) from error


def _owners(specs: Sequence[str]) -> list[str]:
    """Return each effect's table: `style`, and `style2` of the second one of that name."""
    names = [EffectSpec.parse(spec).name for spec in specs]
    return [f"{name}{count}" if (count := names[: at + 1].count(name)) > 1 else name for at, name in enumerate(names)]


def _is_numbered(owner: str) -> bool:
    from realtime.effects import effect_names

    return owner not in effect_names() and _NUMBERED_TABLE.fullmatch(owner) is not None


def _settings_in(table: object, where: str, folder: Path) -> Mapping[str, object]:
    if not isinstance(table, dict):
        raise OptionError(
            _("{where} is a table of settings; write [{name}]", where=where, name=where.rpartition(" ")[2])
        )
    return {
        name: preset_paths.setting_from(value, folder) if isinstance(value, str) else value
        for name, value in table.items()
    }


def _name_in(about: Mapping[str, object], where: str) -> str:
    for key in about:
        if key not in _ABOUT:
            raise OptionError(
                _("{where}: a scene has no '{key}'{hint}", where=where, key=abbreviated(key), hint=nearest(key, _ABOUT))
            )
    name = about.get("name", "")
    if not isinstance(name, str):
        raise OptionError(_("{where}: name is a text", where=where))
    return _checked_name(name.strip(), where)


def _checked_name(name: str, where: str) -> str:
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise OptionError(
            _("{where}: a scene's name has {most} letters at most, on one line", where=where, most=_LONGEST_NAME)
        )
    return name


def _number_in(about: Mapping[str, object], where: str) -> int | None:
    number = about.get("number")
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= _LARGEST_NUMBER:
        raise OptionError(
            _(
                "{where}: number is a whole number from 0 to {largest_number}",
                where=where,
                largest_number=_LARGEST_NUMBER,
            )
        )
    return number


def _fade_in(about: Mapping[str, object], where: str) -> float | None:
    fade_s = about.get("fade_s")
    if fade_s is None:
        return None
    if isinstance(fade_s, bool) or not isinstance(fade_s, int | float) or not 0 <= fade_s <= _LONGEST_FADE_S:
        raise OptionError(
            _(
                "{where}: fade_s is a number of seconds from 0 to {longest_fade_s:g}",
                where=where,
                longest_fade_s=_LONGEST_FADE_S,
            )
        )
    return float(fade_s)


def _toml_value(value: object) -> object:
    if value is None:
        return "none"
    return value if isinstance(value, bool | int | float | str) else str(value)


def _file_name(name: str) -> str:
    return _NO_FILE_NAME.sub("-", name).strip("-_")[:40] or "scene"
