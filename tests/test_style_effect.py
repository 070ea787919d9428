from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import platformdirs
import pytest

from realtime.core.errors import EffectError, ModelError, OptionError
from realtime.core.stats import RunStats
from realtime.effects import Effect, EffectContext
from realtime.effects.scene import Scene
from realtime.effects.style import StyleEffect, StyleSettings
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.models.card import ModelKind
from realtime.models.library import find_model
from realtime.models.runtime.onnx_model import SessionPolicy
from realtime.models.runtime.providers import Provider
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_menu import EffectMenu
from realtime.pipeline.effect_slot import EffectSlot
from realtime.style.background_loader import BackgroundLoader, LoadRequest
from realtime.style.loader import Opener
from realtime.style.renderer import SizedModel, StyleRenderer
from realtime.style.throttle import Throttle
from tests.tiny_models import brighter_style, negative_style

FRAME = Size(640, 360)


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two styles of the user's own, and none that is shipped."""
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name: tmp_path / name)
    monkeypatch.setattr("realtime.models.library.shipped_folder", lambda: tmp_path / "nothing here")
    folder = tmp_path / "realtime" / "models"
    negative_style(folder / "negative.onnx")
    brighter_style(folder / "brighter.onnx", step=40)
    return folder


@pytest.fixture
def picture(navy_photo: Path) -> Pixels:
    pixels = cv2.imread(str(navy_photo))
    assert pixels is not None
    return np.asarray(cv2.resize(pixels, FRAME), np.uint8)


def context(**changes: object) -> EffectContext:
    return EffectContext(**{"frame": FRAME, "fps": 30.0, "provider": "cpu", **changes})  # type: ignore[arg-type]


def negative_opener() -> Opener:
    return Opener(find_model("negative", ModelKind.STYLE), SessionPolicy(provider="cpu"), steady=True)


def moment(pixels: Pixels, index: int) -> Frame:
    return Frame(pixels, 100 + index / 30, index / 30, index)


def sizes_of(effect: StyleEffect) -> dict[str, int]:
    counted: dict[str, int] = effect.report()["frames_by_working_size"]
    return counted


Open = Callable[..., StyleEffect]


@pytest.fixture
def idle_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A style opens at its full size, however busy the machine is that runs the tests."""
    monkeypatch.setattr("realtime.style.loader.first_step", lambda sizes, s_per_px, rest_s, period_s: 0)


@pytest.fixture
def open_style() -> Iterator[Open]:
    opened: list[StyleEffect] = []

    def open_one(
        argument: str = "negative", settings: StyleSettings | None = None, in_context: EffectContext | None = None
    ) -> StyleEffect:
        effect = StyleEffect.open(argument, settings or StyleSettings(), in_context or context())
        opened.append(effect)
        return effect

    yield open_one
    for effect in opened:
        effect.close()


def test_the_model_paints_the_very_frame(open_style: Open, picture: Pixels) -> None:
    effect = open_style(settings=StyleSettings(quality="fixed"))
    assert np.array_equal(effect.make(Scene(moment(picture, 0), [])).pixels, 255 - picture)
    assert effect.title == "Negative"
    assert effect.provider == "CPU"


def test_the_same_picture_again_costs_nothing(open_style: Open, picture: Pixels) -> None:
    effect = open_style()
    first = effect.make(Scene(moment(picture, 0), [])).pixels
    assert effect.make(Scene(moment(picture, 1), [])).pixels is first
    effect.parameters.step("strength", -1)
    assert effect.make(Scene(moment(picture, 2), [])).pixels is not first


@pytest.mark.parametrize(("argument", "strength"), [("negative:0.25", 0.25), ("negative:1", 1.0), ("negative:0", 0.0)])
def test_strength_mixes_the_frame_in(open_style: Open, picture: Pixels, argument: str, strength: float) -> None:
    made = open_style(argument, StyleSettings(quality="fixed")).make(Scene(moment(picture, 0), [])).pixels
    expected = (1 - strength) * picture + strength * (255 - picture.astype(np.float64))
    assert np.abs(made - expected).max() <= 1


def test_strength_is_turned_live(open_style: Open, picture: Pixels) -> None:
    effect = open_style(settings=StyleSettings(strength=0.9))
    assert effect.parameters.step("strength", 1) == 1
    assert effect.parameters.step("strength", 1) == 1
    for _ in range(10):
        strength = effect.parameters.step("strength", -1)
    assert strength == 0
    assert effect.make(Scene(moment(picture, 0), [])).pixels is picture
    assert effect.facts()["style"] == "Negative"


def test_the_next_style_keeps_the_strength_set_by_keys(open_style: Open) -> None:
    former = open_style()
    former.parameters.step("strength", -3)
    following, told = open_style("brighter"), open_style("brighter:0.2")
    following.inherit_state(former)
    told.inherit_state(former)
    assert following.parameters.get("strength") == 0.7
    assert told.parameters.get("strength") == 0.2


def test_without_a_name_it_is_the_first(open_style: Open) -> None:
    assert StyleEffect.choices() == ["brighter", "negative"]
    assert open_style("").title == "Brighter"


@pytest.mark.parametrize(
    ("argument", "error", "said"),
    [
        ("negativ", ModelError, "did you mean 'negative'"),
        ("negative:1.5", OptionError, "from 0 to 1, for example style:negative:0.7"),
        ("negative:much", OptionError, "from 0 to 1"),
        ("no/such.onnx", ModelError, "no/such.onnx"),
    ],
)
def test_what_cannot_be_is_said(argument: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said.replace(".", r"\.")) as caught:
        StyleEffect.open(argument, StyleSettings(), context())
    assert "\n" not in str(caught.value)


def test_no_styles_at_all(models_folder: Path) -> None:
    for path in models_folder.iterdir():
        path.unlink()
    with pytest.raises(EffectError, match="there are no styles here; `realtime models add"):
        StyleEffect.open("", StyleSettings(), context())


def slow_down(monkeypatch: pytest.MonkeyPatch, ns_per_px: float) -> None:
    """Make every model take so long for each pixel."""
    paint = SizedModel.paint

    def slowly(self: SizedModel, pixels: Pixels, into: Pixels) -> None:
        paint(self, pixels, into)
        time.sleep(ns_per_px * 1e-9 * self.size.width * self.size.height)

    monkeypatch.setattr(SizedModel, "paint", slowly)


def test_a_slow_model_begins_at_a_size_that_holds_the_rate(
    open_style: Open, picture: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_down(monkeypatch, ns_per_px=200)  # 46 ms at the full size
    effect = open_style()
    made = effect.make(Scene(moment(picture, 0), [])).pixels
    (size,) = sizes_of(effect)
    assert Size.parse(size).width < 0.75 * FRAME.width
    assert effect.facts()["works at"] == f"{size} of 640x360"
    assert Size.of(made) == FRAME
    assert np.abs(made.astype(np.int16) - (255 - picture)).mean() < 6, "still the same painting"


def test_a_model_whose_trial_fails_is_closed(
    open_style: Open, picture: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[SizedModel] = []
    close = SizedModel.close

    def counted(model: SizedModel) -> None:
        closed.append(model)
        close(model)

    def paint(model: SizedModel, pixels: Pixels, into: Pixels) -> None:
        raise ModelError("out of memory")

    monkeypatch.setattr(SizedModel, "close", counted)
    monkeypatch.setattr(SizedModel, "paint", paint)
    with pytest.raises(ModelError, match="out of memory"):
        open_style()
    assert len(closed) == 1


@pytest.mark.parametrize(
    ("provider", "gpu", "sizes"), [("", True, 1), ("", False, 2), ("cpu", True, 2), ("cpu", False, 2)]
)
def test_no_engine_is_built_for_a_trial_where_there_is_a_gpu(
    open_style: Open, monkeypatch: pytest.MonkeyPatch, provider: str, gpu: bool, sizes: int
) -> None:
    chosen = [Provider.CUDA, Provider.CPU] if gpu else [Provider.CPU]
    monkeypatch.setattr("realtime.style.loader.choose", lambda wanted, machine, fixed_sizes: (chosen, []))
    opened: list[Size] = []
    begin = SizedModel.__init__

    def note(self: SizedModel, path: Path, policy: SessionPolicy, size: Size) -> None:
        opened.append(size)
        begin(self, path, policy, size)

    monkeypatch.setattr(SizedModel, "__init__", note)
    open_style(in_context=context(provider=provider))
    assert len(opened) == sizes
    assert opened[-1] == FRAME


@pytest.mark.parametrize(
    ("settings", "every_frame"), [(StyleSettings(quality="fixed"), False), (StyleSettings(), True)]
)
def test_the_full_size_where_it_was_asked_for(
    open_style: Open, picture: Pixels, monkeypatch: pytest.MonkeyPatch, settings: StyleSettings, every_frame: bool
) -> None:
    slow_down(monkeypatch, ns_per_px=200)
    effect = open_style(settings=settings, in_context=context(every_frame=every_frame))
    for index in range(20):
        effect.make(Scene(moment(picture.copy(), index), []))
    assert sizes_of(effect) == {"640x360": 20}


@pytest.mark.usefixtures("idle_machine")
def test_the_size_is_lowered_beside_the_picture_that_goes_on(
    open_style: Open, picture: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    effect = open_style()
    slow_down(monkeypatch, ns_per_px=150)  # 35 ms at the full size
    opening = threading.Event()
    warm = StyleRenderer.warm

    def dawdle(self: StyleRenderer, throttle: Throttle) -> None:
        assert threading.current_thread().name == "style-opening"
        opening.wait(10)
        warm(self, throttle)

    monkeypatch.setattr(StyleRenderer, "warm", dawdle)
    pictures = [picture, picture.copy()]
    for index in range(40):
        effect.make(Scene(moment(pictures[index % 2], index), []))
    assert sizes_of(effect) == {"640x360": 40}, "nothing waits for what is being opened"
    opening.set()
    index = 40
    give_up_s = time.monotonic() + 10
    while len(sizes_of(effect)) == 1 and time.monotonic() < give_up_s:
        effect.make(Scene(moment(pictures[index % 2], index), []))
        index += 1
    assert Size.parse(list(sizes_of(effect))[-1]).width < FRAME.width


def test_a_camera_that_comes_back_at_another_size(open_style: Open, picture: Pixels) -> None:
    effect = open_style()
    effect.make(Scene(moment(picture, 0), []))
    other = np.ascontiguousarray(picture[:240, :320])
    bridged = effect.make(Scene(moment(other, 1), [])).pixels
    assert Size.of(bridged) == Size(320, 240)
    assert np.abs(bridged.astype(np.int16) - (255 - other)).mean() < 8
    pictures = [other, other.copy()]
    give_up_s = time.monotonic() + 10
    index = 2
    while "320x240" not in sizes_of(effect) and time.monotonic() < give_up_s:
        made = effect.make(Scene(moment(pictures[index % 2], index), [])).pixels
        index += 1
    assert np.array_equal(made, 255 - other)


def test_recorded_pictures_of_several_sizes_are_each_made_at_their_own(open_style: Open, picture: Pixels) -> None:
    effect = open_style(in_context=context(every_frame=True))
    for index, size in enumerate([FRAME, Size(100, 77), Size(333, 40), FRAME]):
        pixels = np.asarray(cv2.resize(picture, size), np.uint8)
        assert np.array_equal(effect.make(Scene(moment(pixels, index), [])).pixels, 255 - pixels)


@pytest.mark.usefixtures("idle_machine")
def test_a_size_that_does_not_open_leaves_the_one_in_use(
    open_style: Open, picture: Pixels, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    effect = open_style()
    slow_down(monkeypatch, ns_per_px=150)

    def fail(self: StyleRenderer, throttle: Throttle) -> None:
        raise ModelError("out of memory")

    monkeypatch.setattr(StyleRenderer, "warm", fail)
    with caplog.at_level(logging.WARNING):
        for index in range(40):
            effect.make(Scene(moment(picture.copy(), index), []))
    assert sizes_of(effect) == {"640x360": 40}
    assert 1 <= sum("out of memory" in line for line in caplog.messages) <= 3


def test_a_model_that_fails_is_bridged_by_the_frame(
    open_style: Open, picture: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    stats = RunStats()
    chain = EffectChain([EffectSlot("style:negative", open_style())], stats)

    def fail(self: SizedModel, pixels: Pixels, into: Pixels) -> None:
        raise ModelError("the GPU is gone")

    monkeypatch.setattr(SizedModel, "paint", fail)
    assert chain.make(moment(picture, 0), []).pixels is picture
    assert stats.effect_failures == 1


def test_closing_waits_for_nothing(picture: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    opening, closed = threading.Event(), threading.Event()
    close = StyleRenderer.close

    def open_slowly(wish: LoadRequest) -> StyleRenderer:
        opening.wait(10)
        return made

    def note(self: StyleRenderer) -> None:
        close(self)
        closed.set()

    made = negative_opener().open(FRAME, FRAME, Throttle())
    monkeypatch.setattr(StyleRenderer, "close", note)
    exchange = BackgroundLoader(open_slowly, quick=True)
    exchange.ask(LoadRequest(FRAME, FRAME))
    exchange.close()
    assert not closed.is_set()
    opening.set()
    assert closed.wait(10), "what was opened too late is closed by who opened it"


def test_what_is_opened_for_nobody_any_more_is_left_and_may_be_wished_for_again() -> None:
    opener = negative_opener()
    hints: list[LoadRequest] = []
    left, opened = threading.Event(), threading.Event()

    def open_beside(wish: LoadRequest) -> StyleRenderer:
        hints.append(wish)
        throttle = Throttle(0.0, lambda: exchange.is_dropped(wish))
        if len(hints) == 1:
            left.wait(10)
            throttle.rest()
        opened.set()
        return opener.open(wish.frame, wish.working, throttle)

    exchange = BackgroundLoader(open_beside, quick=True)
    first, second = LoadRequest(FRAME, FRAME), LoadRequest(FRAME, Size(32, 32))
    exchange.ask(first)
    exchange.ask(second)
    left.set()
    exchange.ask(first)
    assert opened.wait(10)
    exchange.close()


def test_pythons_end_waits_for_sessions_that_are_closed(open_style: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are closed from the processing thread, which is a daemon, and threads inherit that."""
    seen: list[bool] = []
    own_frame = Size(52, 36)
    effect = open_style(in_context=context(frame=own_frame))

    def note(self: StyleRenderer) -> None:
        if self.frame == own_frame:  # another test's may be closed meanwhile
            seen.append(threading.current_thread().daemon)

    monkeypatch.setattr(StyleRenderer, "close", note)
    processing = threading.Thread(target=effect.close, daemon=True)
    processing.start()
    processing.join()
    give_up_s = time.monotonic() + 10
    while not seen and time.monotonic() < give_up_s:
        time.sleep(0.01)
    assert seen[:1] == [False]


def test_a_slow_style_is_not_taken_for_hung(open_style: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_style("negative").patience_s == Effect.patience_s
    monkeypatch.setattr(StyleRenderer, "warm", lambda self, throttle: setattr(self, "longest_s", 8.0))
    assert open_style("negative").patience_s == 40.0


def test_keys_walk_from_style_to_style_without_a_gap(open_style: Open, picture: Pixels) -> None:
    stats = RunStats()
    chain = EffectChain([EffectSlot("style:brighter:0.5", open_style("brighter:0.5"))], stats)
    specs = ["none", "portrait", "style:brighter", "style:negative"]
    said: list[str] = []
    menu = EffectMenu(
        lambda: specs,
        "style:brighter:0.5",
        lambda spec: StyleEffect.open(spec.partition(":")[2], StyleSettings(), context()),
        chain,
        said.append,
    )
    assert chain.stepped == ["style.strength"]
    chain.parameters.step("style.strength", -1)
    chain.make(moment(picture, 0), [])
    menu.step(1)
    give_up_s = time.monotonic() + 10
    while chain.titles != ["style:negative"] and time.monotonic() < give_up_s:
        made = chain.make(moment(picture.copy(), 1), []).pixels
        assert not np.array_equal(made, picture), "never bare"
    assert said == ["effect: style:negative"]
    assert chain.facts()[0] == ("style", "Negative")
    assert chain.parameters.get("style.strength") == 0.4
    menu.step(-1)
    assert said[-1] == "effect: style:brighter:0.5", "back where it began"
    menu.close()
    chain.make(moment(picture, 2), [])
    assert stats.effect_reports["style:negative"]["title"] == "Negative"
    chain.close()


def test_a_key_waits_for_nothing_and_every_one_pressed_meanwhile_counts() -> None:
    """What there is to choose may have to be imported first: the window's thread must not."""
    looking = threading.Event()
    lookers, said, opened = list[threading.Thread](), list[str](), list[str]()

    def look() -> list[str]:
        lookers.append(threading.current_thread())
        assert looking.wait(10)
        return ["none", "portrait", "style:brighter", "style:negative"]

    def refuse(spec: str) -> StyleEffect:
        opened.append(spec)
        raise EffectError("not now")

    menu = EffectMenu(look, "portrait", refuse, EffectChain([], RunStats()), said.append)
    for by in (1, 1, 1, -1):
        menu.step(by)
    assert said == [], "nothing is known yet"
    looking.set()
    menu.close()
    assert lookers
    assert threading.current_thread() not in lookers
    assert said == ["effect: style:negative", "not now"]
    assert opened == ["style:negative"], "only the last wish"
    menu.step(1)
    menu.close()
    assert said[2] == "effect: none"
    assert len(lookers) == 1


@pytest.mark.parametrize(
    ("current", "following"),
    [
        ("style", "style:negative"),
        ("style:brighter", "style:negative"),
        ("style:brighter:0.3", "style:negative"),
        ("style:/my/own.onnx", "style:brighter"),
        ("none", "portrait"),
        ("portrait:mona", "portrait"),
        ("other", "none"),
    ],
)
def test_the_key_goes_on_from_what_was_asked_for(current: str, following: str) -> None:
    specs = ["none", "portrait", "style:brighter", "style:negative"]
    said: list[str] = []
    chain = EffectChain([], RunStats())

    def refuse(spec: str) -> StyleEffect:
        raise EffectError("not now")

    menu = EffectMenu(lambda: specs, current, refuse, chain, said.append)
    menu.step(1)
    menu.close()
    assert said[0] == f"effect: {following}"


def test_who_is_painted_smaller_than_usual_is_told_why(open_style: Open) -> None:
    effect = open_style()
    assert effect.notices() == []
    effect._usual_px *= 4
    effect._is_governed = True
    effect._renderer.frame = Size(1280, 720)
    assert effect.notices() == ["your computer is busy: painting smaller"]
