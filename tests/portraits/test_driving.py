from __future__ import annotations

import copy
import dataclasses
import errno
import itertools
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from realtime.control.channel import ControlChannel
from realtime.core.errors import OutputError, PortraitError
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Frame, Pixels
from realtime.outputs import OutputRequest
from realtime.outputs.recorder import Recorder
from realtime.portrait.building.driving_clip import FilmedMotion, animate, motions_of, smoothed
from realtime.portrait.building.moving_faces import MovingFaces, prepare, usable_faces
from realtime.portrait.building.options import BuildOptions
from realtime.portrait.engines.warp.engine import MeshEngine
from realtime.portrait.pack import Portrait
from tests.videos import write_video

FPS = 20.0
BLINKS = (14, 40)
"""Frames at which the made clip's eyes are shut."""


def made_motions(count: int = 56) -> list[Motion]:
    """What the made clip does: begins at rest, turns and nods, looks about, blinks twice."""
    motions = []
    for number in range(count):
        at_s = number / FPS
        blink = max(0.0, 1 - min(abs(number - blink) for blink in BLINKS) / 3)
        motions.append(
            Motion(
                yaw_degrees=9 * math.sin(2.2 * at_s),
                pitch_degrees=4 * math.sin(3.1 * at_s),
                roll_degrees=5 * math.sin(1.3 * at_s),
                gaze_x_degrees=22 * math.sin(5.1 * at_s),
                closing=min(1.0, 1.4 * blink),
            )
        )
    return motions


def filmed_as(motions: list[Motion]) -> FilmedMotion:
    return FilmedMotion(
        tuple(motions),
        tuple(number / FPS for number in range(len(motions))),
        FPS,
        Path("clip.mp4"),
        (None,) * len(motions),
        1.0,
        (),
    )


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, navy_picture: Pixels, engine: MeshEngine) -> Path:
    """A clip in which the face's every movement is known."""
    path = tmp_path_factory.mktemp("clip") / "face.mp4"
    animate(MovingFaces(navy_picture, [engine]), filmed_as(made_motions()), path)
    return path


@pytest.fixture(scope="module")
def filmed(clip: Path) -> FilmedMotion:
    return motions_of(clip)


def change(clip: Path, target: Path, edit: Callable[[int, Pixels], Pixels], *frames: int | None) -> Path:
    """Write a clip anew, each picture edited; `frames`: of it, as `range` takes them."""
    recorder = Recorder(str(target), OutputRequest(ControlChannel(), fps=FPS))
    with av.open(clip) as container:
        for number, decoded in enumerate(itertools.islice(container.decode(video=0), *(frames or (None,)))):
            recorder.show(
                Frame(edit(number, np.asarray(decoded.to_ndarray(format="bgr24"), np.uint8)), 0.0, number / FPS, number)
            )
    recorder.close()
    return target


def channel(motions: tuple[Motion, ...] | list[Motion], name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([getattr(motion, name) for motion in motions])


@pytest.mark.parametrize(
    ("name", "least"),
    [("yaw_degrees", 0.95), ("pitch_degrees", 0.9), ("roll_degrees", 0.95), ("gaze_x_degrees", 0.9), ("closing", 0.8)],
)
def test_what_the_face_did_is_read_back(filmed: FilmedMotion, name: str, least: float) -> None:
    made, seen = channel(made_motions(), name), channel(filmed.motions, name)
    assert np.corrcoef(made, seen)[0, 1] > least
    assert np.polyfit(made, seen, 1)[0] > 0.25, "in the same direction, and not by a trace only"


def test_it_is_read_without_delay(filmed: FilmedMotion) -> None:
    made, seen = channel(made_motions(), "gaze_x_degrees"), channel(filmed.motions, "gaze_x_degrees")
    likeness = {
        late: np.corrcoef(made[3 - late : len(made) - 3 - late], seen[3 : len(seen) - 3])[0, 1] for late in range(-3, 4)
    }
    assert max(likeness, key=lambda late: likeness[late]) == 0


def test_the_clip_begins_at_rest_and_keeps_its_times(filmed: FilmedMotion) -> None:
    first = filmed.motions[0]
    assert abs(first.yaw_degrees) < 1
    assert abs(first.gaze_x_degrees) < 3
    assert first.closing < 0.1
    assert filmed.times_s == pytest.approx([number / FPS for number in range(56)], abs=1e-3)
    assert filmed.fps == pytest.approx(FPS)
    assert filmed.faces_seen == 1.0
    assert filmed.warnings == ()


def test_both_blinks_are_found(filmed: FilmedMotion) -> None:
    closing = channel(filmed.motions, "closing")
    assert all(closing[blink] > 3 * max(0.05, float(np.median(closing))) for blink in BLINKS)


def test_a_hidden_face_moves_evenly_from_sight_to_sight(clip: Path, filmed: FilmedMotion, tmp_path: Path) -> None:
    def hide(number: int, pixels: Pixels) -> Pixels:
        return np.zeros_like(pixels) if number < 3 or 20 <= number < 36 else pixels

    gappy = motions_of(change(clip, tmp_path / "gappy.mp4", hide))
    assert len(gappy.motions) == 56
    assert gappy.faces_seen == pytest.approx(37 / 56)
    assert gappy.warnings[0].startswith("the face is seen in only 66% of the frames")
    roll = channel(gappy.motions, "roll_degrees")
    assert np.abs(np.diff(roll[22:34], 2)).max() < 0.05
    assert roll[:3] == pytest.approx(roll[3], abs=0.5), "it waits for the first sight"
    seen = channel(filmed.motions, "yaw_degrees")
    assert gappy.motions[-1].yaw_degrees == pytest.approx(seen[-1] - seen[3], abs=1.5)


def test_two_faces_are_refused_with_a_crop_that_works(clip: Path, tmp_path: Path) -> None:
    double = change(clip, tmp_path / "two.mp4", lambda number, pixels: np.hstack([pixels, pixels]), 12)
    with pytest.raises(PortraitError, match=r"two\.mp4 shows two faces; crop it .* crop=(\d+:){3}\d+ one\.mp4") as told:
        motions_of(double)
    width, height, left, top = (int(part) for part in str(told.value).split("crop=")[1].split()[0].split(":"))
    part = np.s_[top : top + height, left : left + width]
    one = change(double, tmp_path / "one.mp4", lambda number, pixels: np.ascontiguousarray(pixels[part]))
    assert motions_of(one).faces_seen == 1.0


def test_a_small_face_in_the_background_is_nobody(clip: Path, tmp_path: Path) -> None:
    def with_poster(number: int, pixels: Pixels) -> Pixels:
        poster = cv2.resize(pixels, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
        wide = cv2.copyMakeBorder(pixels, 0, 0, 0, 200, cv2.BORDER_REPLICATE)
        wide[20 : 20 + poster.shape[0], -poster.shape[1] - 10 : -10] = poster
        return np.asarray(wide[: wide.shape[0] // 2 * 2, : wide.shape[1] // 2 * 2], np.uint8)

    assert motions_of(change(clip, tmp_path / "poster.mp4", with_poster, 12)).faces_seen == 1.0


def test_clips_that_cannot_be_followed(tmp_path: Path, navy_photo: Path) -> None:
    text = tmp_path / "letter.mp4"
    text.write_text("Dear Sir or Madam", encoding="utf-8")
    for path, message in (
        (text, r"letter\.mp4 is no video"),
        (tmp_path / "missing.mp4", r"missing\.mp4: No such file"),
        (write_video(tmp_path / "numbers.mp4", 10), r"no face was found in numbers\.mp4; choose a clip"),
        (navy_photo, r"grace_hopper\.jpg holds a single picture; choose a clip"),
    ):
        with pytest.raises(PortraitError, match=message):
            motions_of(path)


def test_a_face_that_hardly_moves_is_said_to(navy_picture: Pixels, engine: MeshEngine, tmp_path: Path) -> None:
    still = tmp_path / "still.mp4"
    animate(MovingFaces(navy_picture, [engine]), filmed_as([Motion()] * 12), still)
    lasts, moves = motions_of(still).warnings
    assert lasts == "the clip lasts only 0.6 s; a longer one shows more"
    assert moves.startswith("the face hardly moves: it looks ")


def test_calm_takes_the_tremble_and_leaves_the_jump() -> None:
    times_s = np.arange(200) / 30
    true = np.where(times_s > 3, 1.0, 0.0)
    true[60:63] = 1.0  # a blink of three frames
    trembling = true + np.random.default_rng(1).normal(0, 0.02, 200)
    calmed = smoothed(times_s, trembling, 0.05)
    rest = np.r_[5:55, 100:195]
    assert np.std((calmed - true)[rest]) < 0.5 * np.std((trembling - true)[rest])
    assert np.abs(calmed - true).max() < 0.1, "neither the jump nor the blink is softened"


def test_calm_is_late_by_nothing() -> None:
    times_s = np.arange(120) / 25
    ramp = 4 * times_s
    for most in (0.1, math.inf):
        assert smoothed(times_s, ramp, most)[10:-10] == pytest.approx(ramp[10:-10], abs=1e-9)


def test_a_film_that_fails_leaves_what_was_there(navy_picture: Pixels, engine: MeshEngine, tmp_path: Path) -> None:
    class Failing(MeshEngine):
        def render(self, motion: Motion) -> Pixels:
            if motion.yaw_degrees > 1:
                raise MemoryError
            return super().render(motion)

    failing = copy.copy(engine)
    failing.__class__ = Failing
    target = tmp_path / "film.mp4"
    target.write_bytes(b"an older film")
    with pytest.raises(MemoryError):
        animate(MovingFaces(navy_picture, [failing]), filmed_as(made_motions(8)), target, overwrite=True)
    assert target.read_bytes() == b"an older film"
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_every_face_in_the_picture_moves(navy_picture: Pixels, meter: FaceMeasurer, tmp_path: Path) -> None:
    double = np.hstack([navy_picture, navy_picture])
    moving, _ = prepare(double, usable_faces(double, meter), meter, BuildOptions())
    assert len(moving.engines) == 2
    animate(moving, filmed_as([Motion(), Motion(yaw_degrees=8, mouth_open=0.05)]), tmp_path / "two.mp4")
    with av.open(tmp_path / "two.mp4") as container:
        still, moved = (frame.to_ndarray(format="bgr24") for frame in container.decode(video=0))
    for engine in moving.engines:
        left, top, width, height = (int(side) for side in engine.region)
        part = np.s_[top : top + height, left : left + width]
        assert cv2.absdiff(still[part], moved[part]).mean() > 2


def test_a_film_is_not_written_over_another(navy_picture: Pixels, engine: MeshEngine, tmp_path: Path) -> None:
    target = tmp_path / "film.mp4"
    target.touch()
    with pytest.raises(OutputError, match=r"film\.mp4 exists; choose another name, or add --overwrite"):
        animate(MovingFaces(navy_picture, [engine]), filmed_as(made_motions(2)), target)
    with pytest.raises(OutputError, match=r"the name must end in"):
        animate(MovingFaces(navy_picture, [engine]), filmed_as(made_motions(2)), tmp_path / "film.avi")
    with pytest.raises(OutputError, match=r"there is no folder .*nowhere; create it first"):
        animate(MovingFaces(navy_picture, [engine]), filmed_as(made_motions(2)), tmp_path / "nowhere" / "film.mp4")


def test_outside_the_head_a_film_shows_the_picture(clip: Path, navy_picture: Pixels, engine: MeshEngine) -> None:
    bottom = int(engine.region.top + engine.region.height)
    with av.open(clip) as container:
        pictures = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    assert len(pictures) == 56
    assert pictures[0].shape == navy_picture.shape
    for picture in pictures[::10]:
        difference = cv2.absdiff(picture[bottom + 8 :], navy_picture[bottom + 8 : picture.shape[0]])
        assert difference.mean() < 3, "compression only"


def test_a_full_disk_is_told_of_the_film_and_leaves_nothing(
    navy_picture: Pixels, engine: MeshEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Recorder, frame: Frame) -> None:
        raise OutputError("what was recorded until now is kept") from OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Recorder, "show", full)
    with pytest.raises(OutputError, match=r"cannot write .*film\.mp4: No space left on device") as told:
        animate(MovingFaces(navy_picture, [engine]), filmed_as(made_motions(2)), tmp_path / "film.mp4")
    assert "kept" not in str(told.value)
    assert not list(tmp_path.iterdir())


def build(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "realtime", "portrait", "build", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)


def test_the_command_writes_a_film_and_a_pack(clip: Path, navy_photo: Path, tmp_path: Path) -> None:
    film, pack, brief = tmp_path / "film.mp4", tmp_path / "navy.portrait", tmp_path / "brief.mp4"
    change(clip, brief, lambda number, pixels: pixels, 0, None, 3)
    made = build(navy_photo, "-o", film, "--driving", brief, "--all-frames")
    assert made.returncode == 0, made.stderr
    with av.open(film) as container:
        assert sum(1 for _ in container.decode(video=0)) == 19
    made = build(navy_photo, "-o", pack, "--driving", brief, "--frames", "7", "--no-blink", "--no-mouth", "--no-idle")
    assert made.returncode == 0, made.stderr
    with Portrait.open(pack) as portrait:
        assert portrait.columns == 7
        assert np.array_equal(portrait.place.of(portrait.painting), portrait.frame(3)), "at rest in the middle"
        gaze = portrait.report["gaze"]
        assert isinstance(gaze, list)
        assert gaze == sorted(gaze)


def test_the_command_says_in_a_line_what_is_wrong_with_a_clip(navy_photo: Path, tmp_path: Path) -> None:
    faceless = write_video(tmp_path / "numbers.mp4", 10)
    refused = build(navy_photo, "-o", tmp_path / "film.mp4", "--driving", faceless, "--all-frames")
    assert refused.returncode == 2
    assert "no face was found in numbers.mp4" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["numbers.mp4"]


def test_a_real_clip_is_followed(shared_data: Path) -> None:
    """Somebody who looks from corner to corner several times, smiles, and blinks once."""
    filmed = motions_of(shared_data / "videos" / "talking_0.mp4")
    gaze = channel(filmed.motions, "gaze_x_degrees")
    assert gaze.min() < -25
    assert gaze.max() > 25
    closing = channel(filmed.motions, "closing")
    shut = closing > 0.5
    assert int(np.count_nonzero(np.diff(shut.astype(int)) == 1)) == 1
    assert channel(filmed.motions, "mouth_wide").max() > 0.04
    assert max(abs(value) for value in dataclasses.astuple(filmed.motions[0])) < 1
