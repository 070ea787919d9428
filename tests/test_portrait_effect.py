from __future__ import annotations

import gc
import itertools
import threading
import weakref
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.core.errors import OptionError, PortraitError
from realtime.core.settings import parse_settings
from realtime.effects import EffectContext
from realtime.effects.portrait import PortraitEffect, PortraitSettings
from realtime.effects.scene import Scene
from realtime.imaging.frame import Face, Pixels, Size
from realtime.imaging.pixels import Place
from realtime.portrait.canvas import RegionResampler, draw_painting, painting_area
from realtime.portrait.pack import PackWriter, Portrait
from tests.portrait_packs import (
    EYES,
    HEAD,
    IDLE_GREEN,
    MOUTH,
    PAINTING,
    camera_frame,
    filled,
    head_colour,
    paint,
    seen_column,
    seen_mouth,
    seen_row,
    seen_stage,
    viewer_at,
    write_pack,
)
from tests.process import open_things

FPS = 30


def open_effect(pack: Path, canvas: Size | None = None, **settings: object) -> PortraitEffect:
    values = parse_settings(PortraitEffect.Settings, settings, "portrait")
    return PortraitEffect.open(str(pack), values, EffectContext(canvas=canvas))


def watch(
    effect: PortraitEffect, faces: list[Face], frames: int, start: int = 0, mirrored: bool = False
) -> list[Pixels]:
    """Copies of what is shown to someone who stands still."""
    moments = [camera_frame((start + i) / FPS, mirrored=mirrored) for i in range(frames)]
    return [effect.make(Scene(moment, faces)).pixels.copy() for moment in moments]


@pytest.mark.parametrize(("across", "column"), [(0.0, 32), (0.25, 24), (0.5, 16), (0.75, 8), (1.0, 0)])
def test_who_walks_to_their_right_is_followed_to_the_right_of_the_screen(
    tmp_path: Path, across: float, column: int
) -> None:
    # The camera sees somebody who has walked to their own right at its left.
    effect = open_effect(write_pack(tmp_path / "p"))
    assert seen_column(watch(effect, [viewer_at(across)], 60)[-1]) == column
    effect.close()


def test_a_mirrored_frame_is_not_mirrored_again(tmp_path: Path) -> None:
    effect = open_effect(write_pack(tmp_path / "p"))
    assert seen_column(watch(effect, [viewer_at(0.25)], 60, mirrored=True)[-1]) == 8
    effect.close()


def test_the_resting_picture_is_the_frame_itself(tmp_path: Path) -> None:
    effect = open_effect(write_pack(tmp_path / "p.portrait"))
    picture = watch(effect, [viewer_at(0.75)], 60)[-1]
    expected = paint()
    HEAD.of(expected)[:] = head_colour(8)
    assert np.array_equal(picture, expected)
    effect.close()


def test_the_same_picture_is_the_same_array(tmp_path: Path) -> None:
    effect = open_effect(write_pack(tmp_path / "p"))
    watch(effect, [viewer_at(0.3)], 60)
    pictures = {id(effect.make(Scene(camera_frame(2 + i / FPS), [viewer_at(0.3)])).pixels) for i in range(100)}
    assert len(pictures) == 1
    effect.close()


def test_frames_fade_into_each_other_while_it_moves(tmp_path: Path) -> None:
    effect = open_effect(write_pack(tmp_path / "p", columns=5))
    watch(effect, [viewer_at(1.0)], 60)
    shown = [seen_column(picture) for picture in watch(effect, [viewer_at(0.5)], 30, start=60)]
    assert shown[-1] == 2
    assert len({round(column, 1) for column in shown if not column.is_integer()}) >= 5
    assert all(after >= before - 0.2 for before, after in itertools.pairwise(shown))
    effect.close()


def test_a_picture_that_is_still_shown_is_not_drawn_into(tmp_path: Path) -> None:
    effect = open_effect(write_pack(tmp_path / "p"))
    held = [effect.make(Scene(camera_frame(i / FPS), [viewer_at(i / 30)])).pixels for i in range(30)]
    copies = [picture.copy() for picture in held]
    watch(effect, [viewer_at(0.1)], 60, start=30)
    assert all(np.array_equal(picture, copy) for picture, copy in zip(held, copies, strict=True))
    effect.close()


def test_rows_follow_up_and_down(tmp_path: Path) -> None:
    effect = open_effect(write_pack(tmp_path / "p", columns=7, rows=5))
    for start, (across, down) in enumerate([(0.5, 0.0), (0.0, 1.0), (1.0, 0.5)]):
        picture = watch(effect, [viewer_at(across, down)], 90, start=90 * start)[-1]
        assert (seen_column(picture), seen_row(picture)) == (6 - 6 * across, 4 * down)
    effect.close()


def test_it_blinks(tmp_path: Path) -> None:
    effect = open_effect(write_pack(tmp_path / "p", stages=3))
    pictures = watch(effect, [viewer_at(0.5)], 10 * FPS)
    stages = [seen_stage(picture) for picture in pictures]
    assert 3 in stages
    assert stages.count(0) > 0.85 * len(stages)
    closed = pictures[stages.index(3)]
    expected = paint()
    HEAD.of(expected)[:] = head_colour(16)
    EYES.of(expected)[:] = (*head_colour(16)[:2], 180)
    assert np.array_equal(closed, expected)
    effect.close()

    effect = open_effect(tmp_path / "p", blink=False)
    assert {seen_stage(picture) for picture in watch(effect, [viewer_at(0.5)], 10 * FPS)} == {0}
    effect.close()


def said(effect: PortraitEffect, speech: float | None, start: int, faces: list[Face]) -> Pixels:
    """A copy of what is shown when a mouth that says what is heard is so far open."""
    return effect.make(Scene(camera_frame(start / FPS), faces, speech=speech)).pixels.copy()


def test_its_mouth_moves_with_what_is_heard(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "p", columns=7, rows=3, stages=2, mouths=4)
    effect = open_effect(pack, mouth="sound", blink=False)
    there = [viewer_at(0.5)]
    watch(effect, there, 30)
    heard = [0.0, 1.0, 0.5, 0.625, 0.1, 0.0]
    shown = [said(effect, speech, 30 + number, there) for number, speech in enumerate(heard)]
    assert [seen_mouth(picture) for picture in shown] == pytest.approx([0, 4, 2, 2.5, 0.4, 0], abs=0.03)
    expected = paint()
    HEAD.of(expected)[:] = head_colour(3, 1)
    assert np.array_equal(shown[0], expected), "silence changes nothing"
    MOUTH.of(expected)[:] = (*head_colour(3, 1)[:2], 240)
    assert np.array_equal(shown[1], expected), "nor does a mouth change anything else"
    still = {id(effect.make(Scene(camera_frame(2 + i / FPS), there, speech=0.0)).pixels) for i in range(30)}
    assert len(still) == 1
    effect.parameters.set("mouth_open", 0.5)
    assert seen_mouth(said(effect, 1.0, 100, there)) == 2
    effect.parameters.set("mouth", "still")
    assert seen_mouth(said(effect, 1.0, 101, there)) == 0
    effect.close()


def test_a_mouth_goes_along_while_the_gaze_moves(tmp_path: Path) -> None:
    effect = open_effect(write_pack(tmp_path / "p", columns=5, rows=3, mouths=4), mouth="sound", blink=False)
    watch(effect, [viewer_at(0.5)], 30)
    shown = [said(effect, 0.75, 30 + number, [viewer_at(0.1, 0.9)]) for number in range(20)]
    for picture in shown:
        assert seen_mouth(picture) == 3
        blue, green = (int(picture[MOUTH.top, MOUTH.left, channel]) for channel in (0, 1))
        assert (blue - 20) / 6 == pytest.approx(seen_column(picture), abs=0.2)
        assert (green - 20) / 40 == pytest.approx(seen_row(picture), abs=0.1)
    assert len({seen_column(picture) for picture in shown}) > 5
    effect.close()


@pytest.mark.parametrize(
    ("mouths", "speech", "told"),
    [
        (0, 0.5, "this portrait has no pictures of it; make it anew: realtime portrait build PICTURE -o PACK"),
        (4, None, "no sound is listened to; start with --sound default, or with a file of sound"),
    ],
)
def test_why_a_mouth_stays_still_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mouths: int, speech: float | None, told: str
) -> None:
    effect = open_effect(write_pack(tmp_path / "p", mouths=mouths), mouth="sound")
    assert {seen_mouth(said(effect, speech, number, [])) for number in range(5)} == {0}
    assert effect.notices() == (f"the mouth stays still: {told}",)
    assert [record.message for record in caplog.records] == [f"the mouth stays still: {told}"]
    effect.parameters.set("mouth", "still")
    said(effect, speech, 6, [])
    assert effect.notices() == ()
    effect.close()


def test_alone_it_looks_about_and_breathes_and_comes_back(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "p", idles=30)
    effect = open_effect(pack)
    watch(effect, [viewer_at(0.5)], 30)
    alone = watch(effect, [], 60 * FPS, start=30)
    greens = [int(picture[HEAD.bottom - 5, HEAD.left + 5, 1]) for picture in alone]
    assert IDLE_GREEN in greens
    assert len({round(seen_column(picture)) for picture in alone}) > 8
    assert seen_column(watch(effect, [viewer_at(0.0)], 60, start=61 * FPS)[-1]) == 32
    effect.close()

    effect = open_effect(pack, wander=False, idle=False)
    watch(effect, [viewer_at(0.2)], 60)
    assert {seen_column(picture) for picture in watch(effect, [], 300, start=60)[200:]} == {16}
    effect.close()


def test_the_same_times_give_the_same_pictures(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "p", stages=3, idles=20)
    runs = []
    for _ in range(2):
        effect = open_effect(pack, Size(160, 90))
        runs.append([*watch(effect, [viewer_at(0.9)], 20), *watch(effect, [], 20 * FPS, start=20)])
        effect.close()
    assert all(np.array_equal(one, other) for one, other in zip(*runs, strict=True))


@pytest.mark.parametrize("fit", ["contain", "cover"])
@pytest.mark.parametrize("canvas", [None, Size(1280, 720), Size(720, 1280), Size(64, 64), PAINTING])
def test_any_canvas_is_filled(tmp_path: Path, canvas: Size | None, fit: str) -> None:
    effect = open_effect(write_pack(tmp_path / "p", stages=2, idles=2), canvas, fit=fit)
    for faces in ([viewer_at(0.2)], []):
        picture = effect.make(Scene(camera_frame(0), faces)).pixels
        assert Size.of(picture) == (canvas or PAINTING)
        assert picture.dtype == np.uint8
        assert picture.flags.c_contiguous
    effect.close()


def test_a_painting_larger_than_any_output_is_scaled_down(tmp_path: Path) -> None:
    values = parse_settings(PortraitEffect.Settings, {}, "portrait")
    effect = PortraitEffect.open(str(write_pack(tmp_path / "p")), values, EffectContext(largest=Size(100, 100)))
    assert effect.make(Scene(camera_frame(0), [])).size == Size(75, 100)
    effect.close()


CANVASES = [Size(1280, 720), Size(333, 777), Size(512, 600), Size(1023, 1200), Size(97, 61)]


@pytest.mark.parametrize("fit", ["contain", "cover"])
@pytest.mark.parametrize("canvas", CANVASES)
def test_no_seam_around_the_head_of_a_real_picture(tmp_path: Path, navy_photo: Path, canvas: Size, fit: str) -> None:
    read = cv2.imread(str(navy_photo))
    assert read is not None
    photo = np.asarray(read, np.uint8)
    place = Place(137, 61, 251, 243)
    moved = photo.copy()
    place.of(moved)[40:-40, 40:-40] = place.of(photo)[40:-40, 42:-38]  # the face, two pixels aside
    with PackWriter(tmp_path / "p", title="", columns=2, place=place) as pack:
        pack.add_painting(photo)
        pack.add_frame(0, place.of(photo))
        pack.add_frame(1, place.of(moved))
    for frame, whole in ((0, photo), (1, moved)):
        effect = open_effect(tmp_path / "p", canvas, fit=fit, smoothing_s=0)
        picture = watch(effect, [viewer_at(1 - frame)], 30)[-1]
        area = painting_area(Size.of(photo), place, canvas, "cover" if fit == "cover" else "contain")
        scaler = RegionResampler(Size.of(photo), area, canvas)
        expected = scaler.visible.of(draw_painting(whole, scaler, canvas))  # the whole picture, scaled at once
        assert np.array_equal(scaler.visible.of(picture), expected)
        effect.close()


@pytest.mark.parametrize("size", [Size(200, 232), Size(363, 421), Size(511, 600)])
def test_scaling_keeps_place_and_light(navy_photo: Path, size: Size) -> None:
    read = cv2.imread(str(navy_photo))
    assert read is not None
    photo = np.asarray(read, np.uint8)
    scaler = RegionResampler(Size.of(photo), Place(0, 0, *size), size)
    drawn = draw_painting(photo, scaler, size).astype(float)
    reference = cv2.resize(photo, size, interpolation=cv2.INTER_AREA).astype(float)
    assert abs(drawn.mean() - reference.mean()) < 0.3
    assert np.abs(drawn - reference).mean() < 3
    # Where it lies, to a hundredth of a pixel: the shift that explains most of the difference (Lucas and Kanade).
    grey = reference.mean(axis=2)
    slopes = np.stack([np.gradient(grey, axis=axis)[4:-4, 4:-4].ravel() for axis in (1, 0)], axis=1)
    shift, *_ = np.linalg.lstsq(slopes, (grey - drawn.mean(axis=2))[4:-4, 4:-4].ravel())
    assert np.abs(shift).max() < 0.02, "it lies beside its place"


def test_inset_shows_the_camera_mirrored_and_leaves_the_rest(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "p")
    canvas = Size(640, 360)
    plain, with_inset = open_effect(pack, canvas), open_effect(pack, canvas, inset=0.25)
    frame = camera_frame(0, size=Size(320, 180))
    frame.pixels[:, :160] = (255, 0, 0)  # the camera's left
    for index, mirrored in enumerate((False, True)):
        moment = camera_frame(index / FPS, size=Size(320, 180), mirrored=mirrored).with_pixels(frame.pixels)
        picture = with_inset.make(Scene(moment, [])).pixels
        differs = np.argwhere((picture != plain.make(Scene(moment, [])).pixels).any(axis=2))
        top, left = differs.min(axis=0)
        bottom, right = differs.max(axis=0) + 1
        assert right - left == pytest.approx(160, abs=4)
        assert bottom - top == pytest.approx(90, abs=4)
        assert right < 640
        assert bottom < 360
        middle = (top + bottom) // 2
        blue_at_left = picture[middle, left + 20, 0] > 200
        assert blue_at_left == mirrored
    plain.close()
    with_inset.close()


def test_inset_of_a_camera_that_comes_back_with_another_shape(tmp_path: Path) -> None:
    effect = open_effect(write_pack(tmp_path / "p"), Size(640, 360), inset=0.25)
    for i in range(20):
        effect.make(Scene(camera_frame(i / FPS, size=Size(320, 180)), []))
    fresh = open_effect(tmp_path / "p", Size(640, 360), inset=0.25)
    tall = camera_frame(1.0, size=Size(90, 160))
    assert np.array_equal(effect.make(Scene(tall, [])).pixels, fresh.make(Scene(tall, [])).pixels)
    effect.close()
    fresh.close()


def test_closing_at_once_is_fine(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "p.portrait", columns=60, stages=2)
    before = open_things()
    for _ in range(5):
        open_effect(pack, Size(320, 180)).close()
    for thread in threading.enumerate():
        if thread.name.startswith("portrait-loading"):
            thread.join(timeout=10)  # nothing is left for it: it ends
    assert open_things() == before
    pack.rename(tmp_path / "q.portrait")


def test_heads_are_kept_and_the_painting_let_go(tmp_path: Path) -> None:
    portrait = Portrait.open(write_pack(tmp_path / "p.portrait"))
    painting = weakref.ref(portrait.painting)
    effect = PortraitEffect(portrait, PortraitSettings(), EffectContext(canvas=Size(320, 180)))
    del portrait
    for column in range(33):
        watch(effect, [viewer_at(column / 32)], 40, start=40 * column)
    gc.collect()
    assert painting() is None
    for column in (0, 16, 32):
        watch(effect, [viewer_at(column / 32)], 40, start=40 * (33 + column))
    effect.close()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"view_left": 0.6, "view_right": 0.4}, r"portrait.view_left must be less than portrait.view_right"),
        ({"view_top": 1}, r"portrait.view_top must be less than portrait.view_bottom"),
        ({"fit": "stretch"}, r"portrait.fit takes contain or cover"),
        ({"inset": 0.6}, r"portrait.inset takes a number from 0 to 0.5"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, settings: dict[str, object], message: str) -> None:
    pack = write_pack(tmp_path / "p", columns=1)
    with pytest.raises(OptionError, match=message):
        open_effect(pack, None, **settings)


def test_a_painting_alone_is_no_portrait(navy_photo: Path) -> None:
    values = parse_settings(PortraitEffect.Settings, {"painting": navy_photo}, "portrait")
    with pytest.raises(OptionError, match="name it, --effect portrait:FOLDER"):
        PortraitEffect.open("", values, EffectContext())


def test_a_pack_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.portrait.pack.library.packs_folder", lambda: tmp_path)
    write_pack(tmp_path / "mona_lisa.portrait", columns=1)
    with pytest.raises(PortraitError, match=r"did you mean 'mona_lisa'"):
        open_effect(Path("monalisa"))


def test_heads_that_would_fill_the_memory(tmp_path: Path) -> None:
    with PackWriter(tmp_path / "p", title="", columns=300, place=HEAD) as pack:
        pack.add_painting(paint())
        for index in range(300):
            pack.add_frame(index, filled(HEAD, (1, 1, 1)))
    with pytest.raises(PortraitError, match="GB of memory at this size; show it smaller"):
        open_effect(tmp_path / "p", Size(8000, 8000))
