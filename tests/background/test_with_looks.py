"""A background stays when the look changes, and the look when the background does: the room is seen in no frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from realtime.core.specs import EffectSpec
from realtime.core.stats import RunStats
from realtime.effects import Effect, EffectContext, background_spec, shows_surroundings
from realtime.effects.plain import Plain
from realtime.effects.scene import Scene
from realtime.imaging.frame import Frame, Pixels
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_menu import EffectMenu, WantedScene
from realtime.pipeline.effect_slot import EffectSlot, SceneEffect
from tests.background.test_effect import WALL, moment, opened, photo

__all__ = ["photo"]

GREEN = (0, 255, 0)
LOOKS = ("none", "negative", "painting", "mask")
ROOM_ASKED = "press again: the room behind you will be seen"


class Negative(Plain):
    def make(self, scene: Scene) -> Frame:
        return scene.frame.with_pixels(255 - scene.frame.pixels)


class Painting(Plain):
    """Draws a picture of its own."""

    uses_pixels = False

    def make(self, scene: Scene) -> Frame:
        return scene.frame.with_pixels(np.full_like(scene.frame.pixels, 77))


class Mask(Plain):
    hides_identity = True


class Failing(Plain):
    def make(self, scene: Scene) -> Frame:
        raise ValueError("a look that fails")


KINDS: dict[str, type[Plain]] = {
    "none": Plain,
    "negative": Negative,
    "painting": Painting,
    "mask": Mask,
    "failing": Failing,
}


class Stage:
    """A chain and its menu before one photo, and every picture that was shown."""

    def __init__(self, photo: Pixels, *specs: str) -> None:
        self._photo = photo
        self.said: list[str] = []
        self.shown: list[Pixels] = []
        self.chain = EffectChain([EffectSlot(spec, self.open(spec)) for spec in specs], RunStats())
        current = self.chain.look_spec or "none"
        self.menu = EffectMenu(lambda: LOOKS, current, self.open, self.chain, self.said.append)
        self.menu.open_scene_effect = lambda one: self.open(one.spec)
        self.look()

    def open(self, spec: str) -> Effect:
        asked = EffectSpec.parse(spec)
        if asked.name == "background":
            return opened(asked.argument)
        return KINDS[spec].open("", Plain.Settings(), EffectContext())

    def look(self, pictures: int = 5) -> Pixels:
        """Wait for what is being opened, and show some pictures; return the last."""
        self.menu.close()
        for _ in range(pictures):
            at = len(self.shown)
            self.shown.append(self.chain.make(moment(self._photo, at), []).pixels)
        return self.shown[-1]

    def choose(self, look: str, fade_s: float = 0.0) -> Pixels:
        self.menu.choose(look, fade_s)
        return self.look()

    def before(self, background: str, fade_s: float = 0.0) -> Pixels:
        self.menu.choose_background(background, fade_s)
        return self.look()

    @property
    def specs(self) -> Sequence[str]:
        return [slot.spec for slot in self.chain.slots]

    def is_bare(self, pixels: Pixels) -> bool:
        """Whether the wall is the room's, as it is or through the look."""
        return bool(np.array_equal(pixels[WALL], self._photo[WALL])) or bool(
            np.array_equal(pixels[WALL], 255 - self._photo[WALL])
        )

    def close(self) -> None:
        self.menu.close()
        self.chain.close()


def test_each_stays_when_the_other_changes(photo: Pixels) -> None:
    stage = Stage(photo, "none")
    assert stage.is_bare(stage.shown[-1])
    assert (stage.before("#00ff00")[WALL] == GREEN).all()
    stage.shown.clear()
    assert (stage.choose("negative", 0.1)[WALL] == GREEN).all(), "a colour that is keyed out is not painted over"
    assert (stage.before("blue", 0.1)[WALL] == (255, 0, 0)).all()
    assert stage.specs == ["negative", "background:blue"]
    stage.before("blur", 0.1)
    assert stage.specs == ["background:blur", "negative"], "the look paints the room that is out of focus"
    stage.menu.step(-1)
    stage.look()
    assert stage.specs == ["background:blur", "none"]
    assert not any(map(stage.is_bare, stage.shown))
    stage.close()


def test_the_room_is_bared_by_whoever_asks_twice(photo: Pixels) -> None:
    stage = Stage(photo, "background:#00ff00", "negative")
    assert (stage.before("none")[WALL] != GREEN).any()
    assert stage.specs == ["background:#00ff00", "negative"]
    assert stage.said == [ROOM_ASKED]
    stage.before("none")
    assert stage.specs == ["negative"]
    assert stage.said[1:] == ["the room behind you is seen"]
    stage.before("")
    assert stage.said[2:] == ["the room behind you is seen"], "and asked no more where nothing is hidden"
    stage.close()


def test_a_background_alone_has_every_look_before_it(photo: Pixels) -> None:
    stage = Stage(photo, "background:blur")
    assert (stage.chain.look_spec, stage.chain.background_spec) == ("", "background:blur")
    stage.choose("negative")
    assert stage.specs == ["background:blur", "negative"]
    stage.close()
    stage = Stage(photo, "background:#00ff00")
    stage.choose("negative")
    assert stage.specs == ["negative", "background:#00ff00"]
    assert ROOM_ASKED not in stage.said
    stage.close()


def test_where_somebody_has_put_it_it_stays(photo: Pixels) -> None:
    stage = Stage(photo, "negative", "background:blur")
    stage.before("background:blur:x")
    assert stage.specs == ["negative", "background:blur"], "it does not open, and what runs goes on"
    stage.choose("mask")
    assert stage.specs == ["mask", "background:blur"]
    stage.close()


@pytest.mark.parametrize("background", ["#00ff00", "blur"])
def test_a_look_that_fails_does_not_bare_the_room(photo: Pixels, background: str) -> None:
    stage = Stage(photo, "none")
    stage.before(background)
    stage.shown.clear()
    stage.choose("failing")
    assert not any(map(stage.is_bare, stage.shown))
    stage.close()


def test_a_painting_covers_it_and_it_is_there_again_with_the_next_look(photo: Pixels) -> None:
    def is_covered() -> bool:
        return stage.chain.background_is_covered

    stage = Stage(photo, "none")
    stage.before("blur")
    assert not is_covered()
    stage.shown.clear()
    assert (stage.choose("painting", 0.1) == 77).all()
    assert is_covered()
    stage.choose("none", 0.1)
    assert not is_covered()
    assert not any(map(stage.is_bare, stage.shown))
    stage.close()


def test_both_chosen_between_two_pictures_are_there_in_the_next(photo: Pixels) -> None:
    stage = Stage(photo, "none")
    stage.menu.choose("negative")
    stage.menu.close()
    stage.menu.choose_background("green")
    stage.menu.close()
    assert (stage.look(1)[WALL] == GREEN).all()
    assert stage.specs == ["negative", "background:green"]
    stage.close()


def test_a_scene_brings_both_and_each_can_be_changed_then(photo: Pixels) -> None:
    stage = Stage(photo, "none")
    stage.menu.show(WantedScene("Evening", (SceneEffect("mask"), SceneEffect("background:green"))))
    stage.look()
    assert stage.menu.scene == "Evening"
    stage.choose("negative")
    stage.choose("negative")  # the face would be seen, and is asked about
    assert stage.specs == ["negative", "background:green"]
    assert not stage.menu.scene
    stage.before("blur")
    assert stage.specs == ["background:blur", "negative"]
    stage.close()


def test_a_background_that_is_an_effect_s_name_is_one(photo: Pixels) -> None:
    stage = Stage(photo, "negative")
    stage.choose("background:green")
    assert stage.specs == ["negative", "background:green"]
    stage.menu.choose("painting", planned=True)
    stage.look()
    assert stage.specs == ["painting"], "what a programme shows is shown alone"
    stage.menu.choose("background:green", planned=True)
    assert (stage.look(1)[WALL] == GREEN).all()
    assert stage.specs == ["none", "background:green"]
    stage.close()


def test_which_background_a_text_means() -> None:
    assert background_spec("blur") == "background:blur"
    assert background_spec("background:beach.jpg") == "background:beach.jpg"
    assert background_spec("#00ff00") == "background:#00ff00"
    assert background_spec(" none ") == background_spec("background:none") == background_spec("") == ""
    assert shows_surroundings("background:none")
    assert not shows_surroundings("background:blur")
