"""The window under SDL's dummy driver: a real window's code, a screen nobody sees."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from realtime.control.channel import ControlChannel, Status
from realtime.control.commands import (
    Command,
    KeepFace,
    LearnRest,
    NextParameter,
    Quit,
    SaveSnapshot,
    SetInCalls,
    SetMirrored,
    SetPaused,
    SetRecording,
    StepEffect,
    StepParameter,
)
from realtime.core.errors import OutputError
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.sdl import pygame
from realtime.outputs import OutputRequest
from realtime.outputs.window import screens
from realtime.outputs.window.hud import rate_in_words
from realtime.outputs.window.panels import scale_of
from realtime.outputs.window.window import Fullscreen, Window

pytestmark = pytest.mark.skipif(
    os.environ.get("SDL_VIDEODRIVER") != "dummy", reason="these tests press keys: they need SDL_VIDEODRIVER=dummy"
)

STATUS = Status(
    effect="Mona Lisa",
    source="a camera with a name that is much longer than the panel is wide, and then some more",
    provider="CPU",
    fps=29.97,
    age_ms=31.0,
    stage_ms=(("capture", 1.0), ("detect", 200.0)),
    dropped=(("window", 3),),
    faces=1,
)


class Stage:
    """A window, what it tells the loop, and the pictures it puts on the screen."""

    def __init__(self, kind: type[Window], request: OutputRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        self.controls = request.controls
        self.flips = 0
        self.window = kind("", request)
        flip = pygame.display.flip

        def count() -> None:
            self.flips += 1
            flip()

        monkeypatch.setattr(pygame.display, "flip", count)

    def show(self, pixels: Pixels) -> None:
        self.window.show(Frame(pixels, 0.0, 0.0, 0))

    def press(self, *keys: int) -> None:
        for key in keys:
            pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key, mod=0, unicode="", scancode=0))
        self.window.poll()

    def screen(self) -> Pixels:
        """What is on the screen, BGR."""
        surface = pygame.display.get_surface()
        assert surface is not None
        rgb = pygame.surfarray.array3d(surface)
        return np.ascontiguousarray(rgb.transpose(1, 0, 2)[..., ::-1])

    def commands(self) -> list[Command]:
        found = []
        while (command := self.controls.next_command()) is not None:
            found.append(command)
        return found


Open = Callable[..., Stage]


@pytest.fixture
def open_stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    stages: list[Stage] = []

    def open_one(kind: type[Window] = Window, request: OutputRequest | None = None) -> Stage:
        stages.append(Stage(kind, request or OutputRequest(ControlChannel()), monkeypatch))
        return stages[-1]

    yield open_one
    for stage in stages:
        stage.window.close()


def noise(width: int, height: int) -> Pixels:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)


def plain(width: int, height: int, value: int = 180) -> Pixels:
    return np.full((height, width, 3), value, np.uint8)


def test_a_picture_that_fits_is_shown_bit_for_bit(open_stage: Open) -> None:
    stage = open_stage(request=OutputRequest(ControlChannel(), size=Size(320, 180)))
    picture = noise(320, 180)
    stage.show(picture)
    np.testing.assert_array_equal(stage.screen(), picture)


def test_another_shape_is_letterboxed_on_near_black(open_stage: Open) -> None:
    stage = open_stage(request=OutputRequest(ControlChannel(), size=Size(320, 180)))
    stage.show(plain(100, 100))
    screen = stage.screen()
    assert (screen[:, 70:250] == 180).all()
    assert (screen[:, :70] == 10).all()
    assert (screen[:, 250:] == 10).all()
    stage.show(plain(400, 100, 99))
    screen = stage.screen()
    assert (screen[50:130] == 99).all(), "the size may change at any time"
    assert (screen[:50] == 10).all()


@pytest.mark.parametrize(("degrees", "corner"), [(0, (0, 0)), (90, (0, -1)), (180, (-1, -1)), (270, (-1, 0))])
def test_a_screen_hung_on_its_side(open_stage: Open, degrees: int, corner: tuple[int, int]) -> None:
    picture = plain(80, 40, 20)
    picture[0, 0] = 255
    stage = open_stage(request=OutputRequest(ControlChannel(), size=Size(80, 40), rotate_degrees=degrees))
    stage.show(picture)
    screen = stage.screen()
    assert screen.shape == ((80, 40, 3) if degrees in (90, 270) else (40, 80, 3))
    assert (screen[corner] == 255).all()
    assert (screen == 255).sum() == 3


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_what_is_drawn_over_the_picture_turns_with_it(open_stage: Open, degrees: int) -> None:
    screens_seen = []
    for turned in (0, degrees):
        size = Size(800, 600)
        controls = ControlChannel()
        controls.status = dataclasses.replace(STATUS, recording="out.mp4", paused=True)
        controls.say("saved a.png")
        request = OutputRequest(controls, size=size, rotate_degrees=turned, hud=True)
        stage = open_stage(request=request)
        stage.show(plain(800, 600))
        screens_seen.append(stage.screen())
        stage.window.close()
        stage.window.close = lambda: None  # type: ignore[method-assign] # the fixture's turn to close has passed
    upright, turned_screen = screens_seen
    np.testing.assert_array_equal(np.rot90(turned_screen, degrees // 90), upright)


def test_the_same_picture_is_drawn_once(open_stage: Open) -> None:
    stage = open_stage()
    picture = noise(64, 48)
    for _ in range(5):
        stage.show(picture)
        stage.window.poll()
    drawn = stage.flips
    for _ in range(5):
        stage.show(picture)
        stage.window.poll()
    assert stage.flips == drawn
    stage.show(picture.copy())
    assert stage.flips == drawn + 1


KEYS = {
    pygame.K_m: SetMirrored(),
    pygame.K_SPACE: SetPaused(),
    pygame.K_p: SetPaused(),
    pygame.K_RIGHT: StepEffect(1),
    pygame.K_n: StepEffect(1),
    pygame.K_LEFT: StepEffect(-1),
    pygame.K_v: SetInCalls(),
    pygame.K_UP: StepParameter(1),
    pygame.K_DOWN: StepParameter(-1),
    pygame.K_d: NextParameter(),
    pygame.K_l: LearnRest(),
    pygame.K_s: SaveSnapshot(),
    pygame.K_k: KeepFace(),
    pygame.K_u: KeepFace("swap"),
    pygame.K_r: SetRecording(),
    pygame.K_q: Quit(),
    pygame.K_ESCAPE: Quit(),
}


def test_keys_become_commands(open_stage: Open) -> None:
    stage = open_stage()
    stage.show(noise(64, 48))
    stage.press(*KEYS)
    assert stage.commands() == list(KEYS.values())
    stage.press(pygame.K_x, pygame.K_F5, pygame.K_i, pygame.K_h)
    assert stage.commands() == []


def test_closing_the_window_quits(open_stage: Open) -> None:
    stage = open_stage()
    stage.show(noise(64, 48))
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    stage.window.poll()
    assert stage.commands() == [Quit()]


@pytest.mark.parametrize(
    ("shows", "hides"),
    [((pygame.K_i, pygame.K_i), pygame.K_i), ((pygame.K_h,), pygame.K_F1), ((pygame.K_h,), pygame.K_ESCAPE)],
)
def test_figures_and_help_come_and_go_over_the_picture_only(
    open_stage: Open, shows: tuple[int, ...], hides: int
) -> None:
    stage = open_stage(request=OutputRequest(ControlChannel(), size=Size(640, 360)))
    stage.controls.status = STATUS
    picture = plain(640, 360)
    stage.show(picture)
    stage.press(*shows)
    covered = (stage.screen() != picture).any(axis=-1).mean()
    assert 0.1 < covered < 0.8
    assert (picture == 180).all(), "never into the frame"
    stage.press(hides)
    np.testing.assert_array_equal(stage.screen(), picture)
    assert stage.commands() == []


def test_figures_are_rendered_four_times_a_second_at_most(open_stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now_s)
    stage = open_stage(request=OutputRequest(ControlChannel(), hud=True))
    stage.show(noise(64, 48))
    stage.window.poll()
    before = stage.flips
    for step in range(100):  # a second, in which the figures change all the time
        now_s = 100.0 + step / 100
        stage.controls.status = dataclasses.replace(STATUS, age_ms=float(step))
        stage.window.poll()
    assert 3 <= stage.flips - before <= 5


def test_messages_and_marks_are_shown(open_stage: Open) -> None:
    stage = open_stage(request=OutputRequest(ControlChannel(), size=Size(640, 360)))
    picture = plain(640, 360)
    stage.show(picture)

    def covered(part: Pixels) -> bool:
        return bool((part != 180).any())

    stage.controls.say("saved realtime.png")
    stage.window.poll()
    assert covered(stage.screen()[280:, 200:440])
    stage.controls.say("", 0.0)
    stage.controls.status = Status(recording="out.mp4")
    stage.window.poll()
    screen = stage.screen()
    assert not covered(screen[280:, 200:440])
    red = (screen[..., 2] > 200) & (screen[..., 1] < 130)
    assert red[:60, 540:].any(), "the recording mark"
    stage.controls.status = Status(paused=True)
    stage.window.poll()
    assert covered(stage.screen()[140:220, 280:360])
    assert not covered(stage.screen()[:60, 540:])


@pytest.mark.parametrize("size", [Size(16, 16), Size(120, 90), Size(3000, 100), Size(90, 2000)])
def test_panels_fit_any_window(open_stage: Open, size: Size) -> None:
    stage = open_stage(request=OutputRequest(ControlChannel(), size=size, hud=True))
    stage.controls.status = dataclasses.replace(STATUS, recording="out.mp4")
    stage.controls.say("a message that is longer than most of these windows are wide")
    stage.show(plain(64, 48))
    stage.press(pygame.K_h)
    for layer in stage.window.overlay.shown.layers:
        left, top = layer.position
        assert left + layer.surface.get_width() <= size.width + 1
        assert top + layer.surface.get_height() <= size.height + 1


@pytest.mark.parametrize(
    ("dropped", "counts"),
    [
        ((("realtime-2026-11-21-10-49-31.mp4", 128),), ["128 realtime", ".mp4"]),
        ((("before", 7), ("window", 31), ("realtime-2026-11-21-10-49-31.mp4", 12345)), ["7 ", " 31 ", " 12345 "]),
        (tuple((f"recording-number-{number}.mp4", 1000) for number in range(20)), ["20000 in all"]),
    ],
)
def test_a_long_name_never_cuts_off_how_many_were_dropped(
    open_stage: Open, dropped: tuple[tuple[str, int], ...], counts: list[str]
) -> None:
    stage = open_stage(request=OutputRequest(ControlChannel(), size=Size(1280, 720), hud=True))
    stage.controls.status = dataclasses.replace(STATUS, dropped=dropped)
    stage.show(plain(64, 48))
    value = facts_of(stage)["dropped"]
    assert all(part in value for part in counts), value


def test_the_figures_hold_what_effects_tell_of_themselves(open_stage: Open) -> None:
    stage = open_stage(request=OutputRequest(ControlChannel(), size=Size(1280, 720), hud=True))
    facts = (("style", "Starry night, 70%"), ("works at", "848x480 of 1280x720"))
    stage.controls.status = dataclasses.replace(STATUS, facts=facts)
    stage.show(plain(64, 48))
    shown = facts_of(stage)
    assert facts == tuple((label, shown[label]) for label, _ in facts)
    assert list(shown) == ["effect", "style", "works at", "source", "runs on", "faces", "mirrored", "dropped"]
    assert shown["source"].startswith("a camera with")
    assert "…" in shown["source"], "what is too long loses its middle"
    stage.press(pygame.K_i)
    assert facts_of(stage) == {}


def facts_of(stage: Stage) -> dict[str, str]:
    return {fact.label: fact.value for fact in stage.window.overlay.shown.facts}


def test_fullscreen_and_back(open_stage: Open) -> None:
    stage = open_stage(request=OutputRequest(ControlChannel(), size=Size(320, 180)))
    stage.show(plain(320, 180))
    stage.press(pygame.K_f)
    desktop = pygame.display.get_desktop_sizes()[0]
    surface = pygame.display.get_surface()
    assert surface is not None
    assert surface.get_size() == desktop
    assert not pygame.mouse.get_visible()
    assert not pygame.display.get_allow_screensaver()
    assert (stage.screen()[desktop[1] // 2] == 180).all(), "drawn again at once"
    stage.press(pygame.K_ESCAPE)
    assert stage.screen().shape == (180, 320, 3)
    assert pygame.mouse.get_visible()
    assert pygame.display.get_allow_screensaver()
    assert stage.commands() == []


def test_a_fullscreen_output_is_there_at_once(open_stage: Open) -> None:
    stage = open_stage(Fullscreen)
    assert (stage.screen() == 10).all()
    assert not pygame.mouse.get_visible()
    assert not pygame.display.get_allow_screensaver()


def tap() -> None:
    for kind in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP):
        pygame.event.post(pygame.event.Event(kind, button=1, pos=(5, 5), touch=True))


def test_what_was_asked_for_as_fullscreen_stays_so(open_stage: Open) -> None:
    """A visitor's double tap, and the keys that end or change a window: in a gallery nobody could bring it back."""
    stage = open_stage(Fullscreen)
    desktop = pygame.display.get_desktop_sizes()[0]
    stage.show(plain(320, 180))
    tap()
    tap()
    stage.press(pygame.K_f, pygame.K_ESCAPE, pygame.K_q)
    assert stage.commands() == []
    assert stage.screen().shape == (desktop[1], desktop[0], 3)
    assert not pygame.mouse.get_visible()
    assert "Ctrl+Q" in stage.controls.message, "whoever may end it learns how"
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_q, mod=pygame.KMOD_LCTRL, unicode="", scancode=0))
    stage.window.poll()
    assert stage.commands() == [Quit()]


def test_a_double_click_makes_a_window_fullscreen_and_back(open_stage: Open) -> None:
    stage = open_stage(request=OutputRequest(ControlChannel(), size=Size(320, 180)))
    stage.show(plain(320, 180))
    for size in (pygame.display.get_desktop_sizes()[0], (320, 180)):
        tap()
        tap()
        stage.window.poll()
        surface = pygame.display.get_surface()
        assert surface is not None
        assert surface.get_size() == size


def test_the_cursor_rests_after_two_seconds(open_stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now_s)
    stage = open_stage(Fullscreen)
    moved = pygame.event.Event(pygame.MOUSEMOTION, pos=(5, 5), rel=(1, 1), buttons=(0, 0, 0))
    pygame.event.post(moved)
    stage.window.poll()
    assert pygame.mouse.get_visible()
    now_s = 101.9
    stage.window.poll()
    assert pygame.mouse.get_visible()
    now_s = 102.1
    stage.window.poll()
    assert not pygame.mouse.get_visible()


def test_the_title_stays_the_same_so_that_it_is_found_again(open_stage: Open) -> None:
    stage = open_stage(request=OutputRequest(ControlChannel(), title="Starry Night"))
    stage.show(noise(64, 48))
    assert pygame.display.get_caption()[0] == "realtime"
    stage.controls.status = STATUS
    stage.window.poll()
    assert pygame.display.get_caption()[0] == "realtime"


def test_a_window_that_nobody_has_sized_follows_the_picture(open_stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pygame.display, "get_desktop_sizes", lambda: [(1920, 1080)])
    stage = open_stage()
    stage.show(plain(1280, 720))
    stage.window.poll()
    stage.show(plain(640, 640))
    stage.window.poll()
    assert Size.of(stage.screen()) == Size(864, 864), "the same area, where the screen has room for it"
    stage.show(plain(1281, 1280))
    assert Size.of(stage.screen()) == Size(864, 864), "for a line's difference nothing moves"
    stage.show(plain(640, 360))
    stage.window.poll()
    assert Size.of(stage.screen()) == Size(1152, 648)
    pygame.display.set_mode((700, 700), pygame.RESIZABLE)  # by hand
    pygame.event.post(pygame.event.Event(pygame.WINDOWSIZECHANGED, x=700, y=700))
    stage.window.poll()
    stage.show(plain(320, 640))
    stage.window.poll()
    assert Size.of(stage.screen()) == Size(700, 700)


def test_the_key_brings_words_then_figures_then_nothing(open_stage: Open) -> None:
    stage = open_stage(request=OutputRequest(ControlChannel(), size=Size(580, 864)))
    status = dataclasses.replace(STATUS, titles=("Night",), notices=("nobody is seen",))
    stage.controls.status = status
    stage.show(plain(580, 864))
    stage.press(pygame.K_h)
    stage.press(pygame.K_i)
    assert not stage.window.overlay.help, "it is not dead while the help is open"
    assert rate_in_words(status) == "30 pictures a second, 0.03 s behind you"
    (words,) = stage.window.overlay.shown.layers
    assert words.surface.get_height() < 864 / 5
    assert facts_of(stage) == {}
    stage.press(pygame.K_i)
    assert facts_of(stage)["effect"] == "Night"
    (figures,) = stage.window.overlay.shown.layers
    assert figures.position[1] > 864 / 3, "in an upright picture it leaves the face free"
    stage.press(pygame.K_i)
    assert stage.window.overlay.shown.layers == ()


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (Status(blank=True), "black is shown, and the camera is closed"),
        (Status(paused=True, fps=30), "the picture is held"),
        (Status(), "no picture yet"),
        (Status(fps=59.7, age_ms=149), "60 pictures a second, 0.15 s behind you"),
    ],
)
def test_how_it_goes_is_said_in_words(status: Status, says: str) -> None:
    assert rate_in_words(status) == says


def test_the_keys_take_two_columns_where_one_would_be_made_too_small(open_stage: Open) -> None:
    stage = open_stage(request=OutputRequest(ControlChannel(), size=Size(640, 360)))
    stage.show(plain(640, 360))
    stage.press(pygame.K_h)
    (panel,) = stage.window.overlay.shown.layers
    assert panel.surface.get_width() > 450
    assert panel.surface.get_width() > panel.surface.get_height()


def test_texts_are_no_smaller_than_can_be_read_on_a_large_screen() -> None:
    small = Size(720, 720)
    assert scale_of(small, Size(1920, 1080)) == 1.0
    assert scale_of(small, Size(3840, 2160)) == 1.5
    assert scale_of(Size(640, 480), Size(1920, 1080)) == 0.75
    assert scale_of(Size(3840, 2160), Size(3840, 2160)) == 3.0


def test_what_is_waited_for_has_a_bar(open_stage: Open) -> None:
    stage = open_stage(request=OutputRequest(ControlChannel(), size=Size(640, 360)))
    stage.show(plain(640, 360))
    stage.controls.say("a message")
    stage.controls.progress = ("learning how the eyes turn", 0.5)
    stage.window.poll()
    (panel,) = stage.window.overlay.shown.layers
    top = panel.position[1]
    bar = stage.screen()[top + panel.surface.get_height() - 18]
    gilt = np.flatnonzero((bar[:, 2] > 200) & (bar[:, 0] < 140))
    assert 110 < len(gilt) < 130, "half of its 240 pixels"
    stage.controls.progress = None
    stage.window.poll()
    assert stage.window.overlay.shown.layers != (), "what was said before"


def test_somebody_who_touches_anything_is_noted(open_stage: Open) -> None:
    stage = open_stage()
    stage.show(plain(64, 48))
    stage.window.poll()
    assert stage.controls.touched_at_s is None
    stage.press(pygame.K_m)
    assert stage.controls.touched_at_s is not None


@pytest.mark.parametrize(
    ("picture", "desktop", "expected"),
    [
        (Size(1280, 720), Size(1920, 1080), Size(1280, 720)),
        (Size(1920, 1080), Size(1920, 1080), Size(1536, 864)),
        (Size(320, 180), Size(1920, 1080), Size(640, 360)),
        (Size(1024, 1526), Size(1920, 1080), Size(580, 864)),
        (Size(200, 300), Size(800, 600), Size(320, 480)),
        (Size(480, 480), Size(3840, 2160), Size(720, 720)),
    ],
)
def test_the_first_size(
    picture: Size, desktop: Size, expected: Size, open_stage: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pygame.display, "get_desktop_sizes", lambda: [tuple(desktop)])
    stage = open_stage()
    stage.show(plain(*picture))
    assert Size.of(stage.screen()) == expected


def test_one_window_at_a_time(open_stage: Open) -> None:
    open_stage().show(noise(64, 48))
    with pytest.raises(OutputError, match="one window or fullscreen picture at a time"):
        Window("", OutputRequest(ControlChannel()))
    open_stage_after_failure = pygame.display.get_surface()
    assert open_stage_after_failure is not None, "the first one stays"


def test_screens_that_are_not_there_are_told() -> None:
    with pytest.raises(OutputError, match="there is no screen 7; this system has only screen 0"):
        Window("", OutputRequest(ControlChannel(), screen=7))
    with pytest.raises(OutputError, match="'left' is no screen: give its number"):
        Fullscreen("left", OutputRequest(ControlChannel()))
    assert not pygame.display.get_init(), "nothing is left open"


def test_screens_are_listed() -> None:
    assert screens.has_screen()
    (screen,) = screens.list_screens()
    assert screen.number == 0
    assert screen.name
    assert min(screen.size) > 100
    assert screen.scale == 1.0
    assert not pygame.display.get_init()


ASK = """
import sys
from realtime.outputs.window import screens
print(screens.has_screen(), screens.list_screens())
from realtime.control.channel import ControlChannel
from realtime.core.errors import OutputError
from realtime.outputs import OutputRequest, open_output
try:
    open_output("window", OutputRequest(ControlChannel()))
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a screen")
@pytest.mark.parametrize("display", [None, ":9753"])
def test_without_a_screen_nothing_is_printed_and_another_output_is_named(display: str | None) -> None:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "SDL_VIDEODRIVER", "PYGAME_HIDE_SUPPORT_PROMPT")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    if display:
        environment["DISPLAY"] = display
    elif any(Path("/dev/dri").glob("card*")):
        pytest.skip("SDL may find a screen here without a desktop")
    command = [sys.executable, "-c", ASK]
    root = Path(__file__).parents[1]
    told = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, timeout=30, check=True)
    assert told.stderr == ""
    asked, refused = told.stdout.splitlines()
    assert asked == "False []"
    assert refused.startswith("there is no screen for a window (")
    assert "--output out.mp4" in refused


def test_full_means_the_screen_the_window_was_moved_to(open_stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = open_stage()
    stage.show(noise(64, 48))
    monkeypatch.setattr(pygame.display, "get_desktop_sizes", lambda: [(800, 600), (1024, 768)])
    opened: list[int] = []
    set_mode = pygame.display.set_mode

    def remember(size: tuple[int, int], flags: int = 0, display: int = 0) -> pygame.Surface:
        opened.append(display)
        return set_mode(size, flags)

    monkeypatch.setattr(pygame.display, "set_mode", remember)
    pygame.event.post(pygame.event.Event(pygame.WINDOWDISPLAYCHANGED, display_index=1))
    stage.press(pygame.K_f)
    assert opened == [1]
    pygame.event.post(pygame.event.Event(pygame.WINDOWDISPLAYCHANGED, display_index=7))
    stage.press(pygame.K_f)
    assert set(opened) == {1}, "a screen that is not there changes nothing"
