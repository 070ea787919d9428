"""Scenes that travel: a folder of them with the files they need, and taking such a folder in."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

from realtime.control.channel import ListedScene
from realtime.core.errors import OptionError, OutputError
from realtime.core.files import atomic_write, names_beside, put_in_place, temporary_name
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.core.specs import EffectSpec, joined_files, model_and_rest, names_in
from realtime.pipeline.effect_slot import SceneEffect
from realtime.session.scenes.files import Scene, SceneFolder, free_number, read_scene, scene_text

_MATERIAL = "files"


def pack(scenes: Sequence[ListedScene], target: Path) -> None:
    """Write scenes into a new folder, with every file they name beside them; models are named only. Raises OutputError;
    nothing is left then.
    """
    unfinished = temporary_name(target)
    try:
        unfinished.mkdir(parents=True)
        _fill(unfinished, scenes)
        if target.is_dir():
            target.rmdir()
        put_in_place(unfinished, target)
    except OSError as error:
        raise OutputError(
            _("cannot write {target}: {reason}; choose another folder", target=target, reason=error.strerror or error)
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def bring(scenes: Sequence[ListedScene], folder: SceneFolder) -> Sequence[ListedScene]:
    """Take scenes into a folder, with their files; those whose numbers are taken get other ones. Raises OutputError."""
    brought, carrier = [], _Carrier(folder.folder)
    taken = [one.number for one in folder.list()]
    try:
        folder.folder.mkdir(parents=True, exist_ok=True)
        for one in scenes:
            number = one.number if one.number not in taken else free_number(taken)
            taken.append(number)
            scene = carrier.carried(dataclasses.replace(read_scene(one.file), number=number))
            brought.append(folder.keep(scene, None if one.picture is None else one.picture.read_bytes()))
    except OSError as error:
        raise OutputError(
            _(
                "cannot write to {folder}: {reason}; choose another",
                folder=folder.folder,
                reason=error.strerror or error,
            )
        ) from error
    return brought


def _fill(folder: Path, scenes: Sequence[ListedScene]) -> None:
    carrier = _Carrier(folder)
    for one in scenes:
        scene = carrier.carried(dataclasses.replace(read_scene(one.file), number=one.number))
        with atomic_write(folder / one.file.name) as unfinished:
            unfinished.write_text(scene_text(scene), encoding="utf-8")
        if one.picture is not None:
            shutil.copyfile(one.picture, folder / one.picture.name)


class _Carrier:
    """Copies what scenes name into one folder, each file once, and names it from there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copied: dict[Path, str] = {}

    def carried(self, scene: Scene) -> Scene:
        effects = tuple(SceneEffect(self._spec(one.spec), self._settings(one)) for one in scene.effects)
        source = scene.source
        if source is not None and (path := _there(source)) is not None:
            source = self._copy(path)
        return dataclasses.replace(scene, effects=effects, source=source)

    def _spec(self, spec: str) -> str:
        asked = EffectSpec.parse(spec)
        names = [self._name(name) for name in names_in(asked.argument)]
        return f"{asked.name}:{','.join(names)}" if names else spec

    def _name(self, name: str) -> str:
        files = joined_files(name)
        if len(files) > 1:
            return "+".join(self._name(file) for file in files)
        first, rest = model_and_rest(name)
        path = _there(first)
        first = first if path is None else self._copy(path)
        return f"{first}:{self._name(rest)}" if rest else first

    def _settings(self, one: SceneEffect) -> dict[str, object]:
        return {
            name: self._copy(path) if isinstance(value, str) and (path := _there(value)) is not None else value
            for name, value in one.settings.items()
        }

    def _copy(self, path: Path) -> str:
        path = path.resolve()
        if path not in self._copied:
            material = self._folder / _MATERIAL
            material.mkdir(exist_ok=True)
            place = next(name for name in names_beside(material / path.name) if not name.exists())
            if path.is_dir():
                shutil.copytree(path, place)
            else:
                shutil.copyfile(path, place)
            self._copied[path] = f"{_MATERIAL}/{place.name}"
        return self._copied[path]


def _there(text: str) -> Path | None:
    """Return the file or folder that a text names in full; None: it names none."""
    try:
        path = user_path(text)
        return path if path.is_absolute() and path.exists() else None
    except (OptionError, OSError):
        return None
