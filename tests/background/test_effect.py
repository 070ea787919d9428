"""The room is replaced, people are not, and it is never seen when it is asked to be hidden."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.background import BackgroundSettings
from realtime.core.errors import ModelError
from realtime.core.stats import RunStats
from realtime.effects import Effect, EffectContext
from realtime.effects.background import BackgroundEffect
from realtime.effects.plain import Plain
from realtime.effects.scene import Scene
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.person.finder import PersonFinder
from realtime.person.mask import PersonMask
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_slot import EffectSlot

FACE = slice(150, 280), slice(200, 330)
WALL = slice(0, 300), slice(440, 512)
RED = (0, 0, 255)


@pytest.fixture(scope="module")
def photo(navy_photo: Path) -> Pixels:
    pixels = cv2.imread(str(navy_photo))
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def opened(argument: str, **settings: object) -> Effect:
    how = dataclasses.replace(BackgroundSettings(), **settings)  # type: ignore[arg-type]
    return BackgroundEffect.open(argument, how, EffectContext(frame=Size(512, 600)))


def moment(pixels: Pixels, index: int = 0) -> Frame:
    return Frame(pixels, 500 + index / 30, index / 30, index)


def chain_of(*effects: Effect) -> EffectChain:
    return EffectChain([EffectSlot(f"part:{number}", one) for number, one in enumerate(effects)], RunStats())


def test_the_wall_is_replaced_and_the_face_is_not(photo: Pixels) -> None:
    effect = opened("#ff0000")
    made = effect.make(Scene(moment(photo))).pixels
    effect.close()
    assert np.array_equal(made[FACE], photo[FACE])
    assert (made[WALL] == RED).all()


def test_already_the_first_picture_is_without_the_room(photo: Pixels) -> None:
    chain = chain_of(opened("#ff0000"))
    assert (chain.make(moment(photo), []).pixels[WALL] == RED).all()
    chain.close()


def test_with_nobody_there_all_is_background() -> None:
    effect = opened("#ff0000")
    assert (effect.make(Scene(moment(np.full((600, 512, 3), 128, np.uint8)))).pixels == RED).all()
    effect.close()


@pytest.mark.parametrize("failing", ["hide", "show"])
def test_where_people_cannot_be_told_the_room_stays_hidden(
    photo: Pixels, failing: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(finder: PersonFinder, frame: Frame) -> PersonMask:
        raise ModelError("the network is broken")

    effect = opened("#ff0000", failing=failing)
    monkeypatch.setattr(PersonFinder, "find", fail)
    chain = chain_of(effect)
    for index in range(3):
        made = chain.make(moment(photo, index), []).pixels
        assert (made == RED).all() if failing == "hide" else np.array_equal(made, photo)
    chain.close()
    assert caplog.text.count("people cannot be told from the background: the network is broken") == 1
    assert effect.report()["frames_without_people"] == 3


def test_a_background_that_fails_does_not_bare_the_room(photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    effect = opened("blur")
    assert isinstance(effect, BackgroundEffect)
    monkeypatch.setattr(effect._background, "draw", lambda *arguments: 1 / 0)
    chain = chain_of(effect)
    made = chain.make(moment(photo), []).pixels
    assert not np.array_equal(made[WALL], photo[WALL])
    assert made.std() == pytest.approx(np.array((38, 34, 32)).std()), "resting grey"
    chain.close()


def test_it_does_not_fade_in_over_the_bare_room(photo: Pixels) -> None:
    chain = chain_of(Plain())
    chain.make(moment(photo), [])
    chain.replace(EffectSlot("background:#ff0000", opened("#ff0000")), fade_s=1.0)
    for index in (1, 2):
        assert (chain.make(moment(photo, index), []).pixels[WALL] == RED).all()
    chain.close()


def test_from_one_background_to_another_it_fades(photo: Pixels) -> None:
    chain = chain_of(opened("#ff0000"))
    chain.make(moment(photo), [])
    chain.replace(EffectSlot("background:#0000ff", opened("#0000ff")), fade_s=1.0)
    chain.make(moment(photo, 1), [])
    blue, _, red = chain.make(moment(photo, 15), []).pixels[100, 500]
    assert blue > 50
    assert red > 50
    chain.close()


def test_none_is_the_room_itself_and_looks_for_nobody(photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REALTIME_MODELS", "/nowhere")
    effect = opened("none")
    assert effect.make(Scene(moment(photo))).pixels is photo
    assert not effect.hides_surroundings
    assert len(effect.parameters) == 0


def test_behind_another_effect_it_keeps_that_ones_people(photo: Pixels) -> None:
    class Negative(Plain):
        def make(self, scene: Scene) -> Frame:
            return scene.frame.with_pixels(255 - scene.frame.pixels)

    chain = chain_of(Negative(), opened("#ff0000"))
    made = chain.make(moment(photo), []).pixels
    assert np.array_equal(made[FACE], 255 - photo[FACE])
    assert (made[WALL] == RED).all()
    chain.close()


def test_only_what_changes_it_can_be_set() -> None:
    for argument, names in (
        ("blur", ["amount", "softness", "failing"]),
        ("#ff0000", ["softness", "failing"]),
    ):
        effect = opened(argument)
        assert [one.name for one in effect.parameters] == names
        assert all(one.live for one in effect.parameters)
        effect.close()


def test_a_missing_network_is_refused_when_it_is_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REALTIME_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="is missing"):
        opened("blur")
