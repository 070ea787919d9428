"""Only people repainted, or only what is behind them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.effects import EffectContext
from realtime.effects.scene import Scene
from realtime.effects.style import StyleEffect, StyleSettings
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.person.finder import PersonFinder
from realtime.person.mask import PersonMask
from tests.tiny_models import negative_style


@pytest.fixture(scope="module")
def picture(navy_photo: Path) -> Pixels:
    pixels = cv2.imread(str(navy_photo))
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return negative_style(tmp_path / "negative.onnx")


def opened(model: Path, where: str, *, every_frame: bool = True) -> StyleEffect:
    settings = StyleSettings(where=where, quality="fixed", steady=False)  # type: ignore[arg-type]
    context = EffectContext(frame=Size(512, 600), provider="cpu", every_frame=every_frame)
    return StyleEffect.open(str(model), settings, context)


@pytest.fixture
def negative(model: Path) -> Iterator[StyleEffect]:
    effect = opened(model, "all")
    yield effect
    effect.close()


def scene(pixels: Pixels, index: int = 0) -> Scene:
    return Scene(Frame(pixels, 500 + index / 30, index / 30, index))


FACE = slice(150, 280), slice(200, 330)
WALL = slice(0, 300), slice(440, 512)


@pytest.mark.parametrize(("where", "painted", "kept"), [("person", FACE, WALL), ("background", WALL, FACE)])
def test_one_is_painted_and_the_other_is_the_cameras(
    model: Path, picture: Pixels, where: str, painted: tuple[slice, slice], kept: tuple[slice, slice]
) -> None:
    effect = opened(model, where)
    made = effect.make(scene(picture)).pixels
    effect.close()
    assert np.array_equal(made[painted], 255 - picture[painted])
    assert np.array_equal(made[kept], picture[kept])


def test_with_nobody_there_only_the_background_is_painted(model: Path) -> None:
    wall = np.full((600, 512, 3), 100, np.uint8)
    for where, value in (("person", 100), ("background", 155)):
        effect = opened(model, where)
        made = effect.make(scene(wall)).pixels
        effect.close()
        assert (made == value).all()


def test_it_can_be_changed_while_it_runs(negative: StyleEffect, picture: Pixels) -> None:
    assert np.array_equal(negative.make(scene(picture)).pixels, 255 - picture)
    negative.parameters.set("where", "person")
    made = negative.make(scene(picture)).pixels
    assert np.array_equal(made[WALL], picture[WALL])
    negative.parameters.set("where", "all")
    assert np.array_equal(negative.make(scene(picture)).pixels, 255 - picture)


def test_live_the_picture_does_not_wait_for_the_network(
    model: Path, picture: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is painted, as before, until people can be told from what is behind them."""
    effect = opened(model, "all", every_frame=False)
    monkeypatch.setattr(effect._finder, "get", lambda size, waits: None)
    effect.parameters.set("where", "background")
    assert np.array_equal(effect.make(scene(picture)).pixels, 255 - picture)
    monkeypatch.undo()
    made, index = picture, 0
    while not np.array_equal(made[FACE], picture[FACE]) or not index:
        index += 1
        made = effect.make(scene(picture.copy(), index)).pixels
    effect.close()
    assert np.array_equal(made[WALL], 255 - picture[WALL])


def test_people_are_looked_for_once_and_only_if_somebody_asks(
    model: Path, picture: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[Size] = []
    find = PersonFinder.find

    def find_counted(finder: PersonFinder, frame: Frame) -> PersonMask:
        counted.append(frame.size)
        return find(finder, frame)

    monkeypatch.setattr(PersonFinder, "find", find_counted)
    everything, people, background = (opened(model, where) for where in ("all", "person", "background"))
    moment = scene(picture)
    everything.make(moment)
    assert counted == []
    behind = moment.after(people.make(moment), ())
    made = background.make(behind).pixels
    assert counted == [Size(512, 600)]
    assert np.abs(made[FACE].astype(int) - (255 - picture[FACE])).max() <= 1
    assert np.array_equal(made[WALL], 255 - picture[WALL])
    for effect in (everything, people, background):
        effect.close()


def test_in_a_picture_drawn_in_front_people_are_looked_for_there(model: Path, picture: Pixels) -> None:
    effect = opened(model, "person")
    seen = scene(np.full((300, 400, 3), 100, np.uint8))
    made = effect.make(seen.after(seen.frame.with_pixels(picture), ())).pixels
    effect.close()
    assert np.array_equal(made[FACE], 255 - picture[FACE])
