"""What another effect draws stands behind people, and the room is never seen for it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.background import BackgroundSettings
from realtime.core.errors import ModelError, OptionError
from realtime.core.stats import RunStats
from realtime.effects import Effect, EffectContext, spec_within
from realtime.effects.background import BackgroundEffect
from realtime.effects.plain import Plain
from realtime.effects.scene import Scene
from realtime.effects.walk import WalkEffect, WalkSettings
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.pixels import RESTING_BGR
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_slot import EffectSlot, SceneEffect
from realtime.session.effect_opening import open_scene_effect
from realtime.session.options import Options
from realtime.session.scenes.files import Scene as KeptScene
from realtime.session.scenes.files import read_scene, scene_text
from tests.tiny_models import shaded_morph

FACE = slice(150, 280), slice(200, 330)
WALL = slice(0, 300), slice(440, 512)
CONTEXT = EffectContext(frame=Size(512, 600), every_frame=True)


@pytest.fixture(scope="module")
def photo(navy_photo: Path) -> Pixels:
    pixels = cv2.imread(str(navy_photo))
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shaded_morph(tmp_path_factory.mktemp("models") / "shaded.onnx")


def opened(argument: str, context: EffectContext = CONTEXT) -> BackgroundEffect:
    effect = BackgroundEffect.open(argument, BackgroundSettings(), context)
    assert isinstance(effect, BackgroundEffect)
    return effect


def moment(pixels: Pixels, index: int = 0) -> Frame:
    return Frame(pixels, 500 + index / 30, index / 30, index)


def walked(model: Path, count: int) -> list[Pixels]:
    """The walk alone."""
    walk = WalkEffect.open(str(model), WalkSettings(), dataclasses.replace(CONTEXT, canvas=CONTEXT.frame))
    nothing = np.zeros((600, 512, 3), np.uint8)
    pictures = [walk.make(Scene(moment(nothing, index))).pixels for index in range(count)]
    walk.close()
    return pictures


def test_a_walk_goes_on_behind_people_from_the_first_picture_on(photo: Pixels, model: Path) -> None:
    class Negative(Plain):
        def make(self, scene: Scene) -> Frame:
            return scene.frame.with_pixels(255 - scene.frame.pixels)

    walk = walked(model, 10)
    assert np.abs(walk[9][WALL].astype(int) - walk[0][WALL]).max() > 0, "it moves"
    for effects, person in (([], photo), ([EffectSlot("swap:x", Negative())], 255 - photo)):
        chain = EffectChain([*effects, EffectSlot("background:walk", opened(f"walk:{model}"))], RunStats())
        for index, behind in enumerate(walk):
            made = chain.make(moment(photo, index), []).pixels
            assert np.array_equal(made[WALL], behind[WALL])
            assert np.array_equal(made[FACE], person[FACE])
        chain.close()


def test_where_it_fails_its_last_picture_stays_behind_people_who_move(
    photo: Pixels, model: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(scene: Scene) -> Frame:
        raise ModelError("no memory")

    for good in (0, 1):
        effect = opened(f"walk:{model}")
        pictures = [effect.make(Scene(moment(photo, index))).pixels for index in range(good)]
        monkeypatch.setattr(effect.within["walk"], "make", fail)
        brighter = np.asarray(photo // 2 + 100, np.uint8)
        made = [effect.make(Scene(moment(brighter, good + index))).pixels for index in range(2)][-1]
        assert np.array_equal(made[FACE], brighter[FACE])
        assert np.array_equal(made[WALL], pictures[0][WALL]) if good else (made[WALL] == RESTING_BGR).all()
        effect.close()
    assert caplog.text.count("behind people fails: no memory") == 2, "each says so once"


def test_what_stands_behind_is_never_given_the_room(photo: Pixels) -> None:
    class Corner(Plain):
        """An effect that shows what it sees."""

        uses_pixels = False

    effect = opened("walk", dataclasses.replace(CONTEXT, open_effect=lambda spec, context: Corner()))
    assert (effect.make(Scene(moment(photo))).pixels[WALL] == RESTING_BGR).all()


def test_it_is_set_by_its_own_name_and_comes_back_as_it_was(photo: Pixels, model: Path) -> None:
    spec = f"background:walk:{model}"
    chain = EffectChain([EffectSlot(spec, opened(f"walk:{model}"))], RunStats())
    assert (chain.is_synthetic, chain.hides_surroundings) == (True, True), "its pictures carry the label"
    assert {"background.softness", "walk.speed"} <= set(chain.stepped)
    chain.parameters.set("walk.speed", 60)
    first = chain.make(moment(photo), []).pixels.copy()
    last = chain.make(moment(photo, 60), []).pixels
    slow = walked(model, 61)
    assert (
        np.abs(last[WALL].astype(int) - first[WALL]).mean()
        > 3 * np.abs(slow[60][WALL].astype(int) - slow[0][WALL]).mean()
    )
    assert chain.still_picture() is not None
    chain.remove_background()
    chain.make(moment(photo, 61), [])
    assert (chain.is_synthetic, chain.hides_surroundings) == (False, False)
    assert "walk.speed" not in {path for path, _, _ in chain.parameters.list()}
    chain.replace(EffectSlot(spec, opened(f"walk:{model}")))
    chain.make(moment(photo, 62), [])
    assert chain.parameters.get("walk.speed") == 60
    chain.close()


def test_a_scene_keeps_what_is_set_about_it(tmp_path: Path, model: Path) -> None:
    spec = f"background:walk:{model}"
    kept = KeptScene("Walk", 1, (SceneEffect(spec, {"softness": 0.2, "walk.speed": 20.0, "walk.seed": 3}),))
    path = tmp_path / "walk.toml"
    path.write_text(scene_text(kept), encoding="utf-8")
    (one,) = read_scene(path).effects
    effect = open_scene_effect(one, Options(), CONTEXT)
    assert effect.parameters.get("softness") == 0.2
    assert (effect.within["walk"].parameters.get("speed"), effect.within["walk"].parameters.get("seed")) == (20, 3)
    effect.close()


def test_only_effects_with_a_picture_of_their_own_stand_behind_people(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spec_within("background:walk:cats") == "walk:cats"
    assert [spec_within(spec) for spec in ("background:none", "background:#fff", "background:a.jpg", "walk:x")] == [
        ""
    ] * 4
    monkeypatch.setattr("realtime.effects.behind.effect_names", lambda: ["walk", "grey", "blur"])
    assert [spec_within(f"background:{name}") for name in ("walk", "grey", "blur")] == ["walk", "", ""]
    monkeypatch.undo()
    with pytest.raises(OptionError, match="'style' changes the camera's picture and has none of its own"):
        opened("style:night")
    with pytest.raises(OptionError, match="did you mean 'walk'"):
        opened("wlak")


def test_what_it_holds_is_closed_with_it(model: Path) -> None:
    closed: list[str] = []

    class Behind(Plain):
        uses_pixels = False

        def close(self) -> None:
            closed.append("behind")

    def opens(spec: str, context: EffectContext) -> Effect:
        assert (context.canvas, context.viewer_inset) == (Size(512, 600), 0)
        return Behind()

    opened("walk", dataclasses.replace(CONTEXT, viewer_inset=0.3, open_effect=opens)).close()
    assert closed == ["behind"]
