from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.core.errors import ModelError
from realtime.faces.detection.blazeface import BlazeFace, SmallCopy, open_full_range, open_short_range, open_still
from realtime.faces.tracking.tracker import SURE_SCORE, FaceTracker
from realtime.imaging.frame import Face, Frame, Pixels, Size

SIZE = Size(1280, 720)
MARGIN_PX = 64


@pytest.fixture(scope="module")
def photo(navy_photo: Path) -> Pixels:
    return np.asarray(cv2.imread(str(navy_photo)), np.uint8)


@pytest.fixture
def detect() -> Iterator[Callable[[Callable[[], BlazeFace]], BlazeFace]]:
    opened: list[BlazeFace] = []

    def open_it(open_detector: Callable[[], BlazeFace]) -> BlazeFace:
        opened.append(open_detector())
        return opened[-1]

    yield open_it
    for detector in opened:
        detector.close()


def paste(picture: Pixels, photo: Pixels, face_width: float, centre: tuple[float, float]) -> None:
    """Draw the photo into the picture so that its face (194 px at 268, 243) is so wide and there."""
    scale = face_width / 194
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    left, top = round(centre[0] - 268 * scale), round(centre[1] - 243 * scale)
    part = small[max(0, -top) : SIZE.height - top, max(0, -left) : SIZE.width - left]
    left, top = max(0, left), max(0, top)
    picture[top : top + part.shape[0], left : left + part.shape[1]] = part


def grey() -> Pixels:
    return np.full((SIZE.height, SIZE.width, 3), 90, np.uint8)


@functools.cache
def grain(sigma: float) -> NDArray[np.int16]:
    """Noise, larger than a picture: drawing it anew for each takes longer than all that is tried with it."""
    noise = np.random.default_rng(1).normal(0, sigma, (SIZE.height + MARGIN_PX, SIZE.width + MARGIN_PX, 3))
    return np.rint(noise).astype(np.int16)


def noisy(picture: Pixels, rng: np.random.Generator, sigma: float = 4.0) -> Pixels:
    """Return the picture with a camera's noise: a piece of it from anywhere."""
    top, left = rng.integers(0, MARGIN_PX, 2)
    noise = grain(sigma)[top : top + picture.shape[0], left : left + picture.shape[1]]
    return np.asarray(np.clip(picture + noise, 0, 255), np.uint8)


@pytest.mark.parametrize(
    ("size", "copy"),
    [
        ((1280, 720), (320, 180)),
        ((1920, 1080), (240, 135)),
        ((640, 480), (320, 240)),
        ((853, 480), (426, 240)),
        ((720, 1280), (180, 320)),
        ((3840, 2160), (240, 135)),
        ((300, 200), (300, 200)),
        ((4001, 17), (250, 1)),
    ],
)
def test_the_copy_is_small_but_no_smaller_than_the_networks_input(size: tuple[int, int], copy: tuple[int, int]) -> None:
    small_copy = SmallCopy()
    rgb = small_copy.make(np.zeros((size[1], size[0], 3), np.uint8))
    assert Size.of(rgb) == copy
    assert small_copy.covered == (copy[0] * small_copy.scale, copy[1] * small_copy.scale)
    assert all(0 <= side - covered < small_copy.scale for side, covered in zip(size, small_copy.covered, strict=True))


def test_the_copy_is_the_mean_of_squares_in_rgb_and_its_buffer_is_used_again() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (721, 1283, 3), np.uint8)
    small_copy = SmallCopy()
    rgb = small_copy.make(picture)
    squares = picture[:720, :1280].reshape(180, 4, 320, 4, 3).mean(axis=(1, 3))
    assert np.abs(rgb.astype(float) - squares[..., ::-1]).max() <= 1.0
    assert small_copy.make(picture) is rgb


def test_far_faces_are_found_by_the_full_range(
    detect: Callable[[Callable[[], BlazeFace]], BlazeFace], photo: Pixels
) -> None:
    """A face 90 px wide, 7 % of a 1280 px picture: about 2 m from a usual webcam."""
    picture = grey()
    paste(picture, photo, 90, (500, 300))
    frame = Frame(picture, 0.0, 0.0, 0)
    (face,) = detect(open_full_range).find(frame)
    assert face.score >= SURE_SCORE
    assert face.box.centre == pytest.approx((500, 300), abs=20)
    assert [found for found in detect(open_short_range).find(frame) if found.score >= SURE_SCORE] == []


@pytest.mark.parametrize("kind", ["short", "full"])
def test_still_pictures(kind: str, photo: Pixels) -> None:
    detector = open_still(kind)
    try:
        faces = [detector.find(photo), detector.find(grey()), detector.find(photo)]
    finally:
        detector.close()
    assert [len(found) for found in faces] == [1, 0, 1]
    assert np.array_equal(faces[0][0].keypoints, faces[2][0].keypoints)


def test_an_unknown_kind_is_said_in_one_line() -> None:
    with pytest.raises(ModelError, match="short, full"):
        open_still("middle")


def test_a_photo_on_the_wall_yields_to_the_same_photo_walking(
    detect: Callable[[Callable[[], BlazeFace]], BlazeFace], photo: Pixels
) -> None:
    """Real detections: a poster, larger, with camera noise; after 4 s somebody smaller comes and moves."""
    detector, tracker = detect(open_full_range), FaceTracker()
    rng = np.random.default_rng(2)
    followed: list[Face] = []
    fps = 12
    for number in range(9 * fps):
        pts_s = number / fps
        picture = grey()
        paste(picture, photo, 220, (950, 330))
        if pts_s >= 4.0:
            paste(picture, photo, 130, (300 + 30 * np.sin(3 * pts_s), 400))
        faces = tracker.update(detector.find(Frame(noisy(picture, rng), pts_s, pts_s, number)), pts_s)
        followed.append(faces[0])
    assert all(face.box.centre[0] > 640 for face in followed[: 4 * fps]), "alone, the poster is followed"
    assert all(face.box.centre[0] < 640 for face in followed[6 * fps :]), "then whoever moves, and for good"
    assert len({face.track_id for face in followed}) == 2


def test_a_still_face_is_made_calmer(detect: Callable[[Callable[[], BlazeFace]], BlazeFace], photo: Pixels) -> None:
    detector, tracker = detect(open_full_range), FaceTracker()
    rng = np.random.default_rng(3)
    picture = grey()
    paste(picture, photo, 120, (600, 350))
    raw, calm = [], []
    for number in range(45):
        (found,) = detector.find(Frame(noisy(picture, rng, 8.0), 0.0, number / 30, number))
        (face,) = tracker.update([found], number / 30)
        raw.append(found.eye_midpoint)
        calm.append(face.eye_midpoint)
    shaking = np.abs(np.diff(np.array(raw)[10:], axis=0)).mean()
    assert np.abs(np.diff(np.array(calm)[10:], axis=0)).mean() < 0.45 * shaking
    assert np.abs(np.mean(np.array(raw)[10:] - np.array(calm)[10:], axis=0)).max() < 2.0


@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "share"), [("talking_3.mp4", 0.99), ("two_people_head_pose.gif", 0.99)])
def test_people_in_real_clips_are_found_and_keep_their_identities(
    detect: Callable[[Callable[[], BlazeFace]], BlazeFace], shared_data: Path, name: str, share: float
) -> None:
    capture = cv2.VideoCapture(str(shared_data / "videos" / name))
    detector, tracker = detect(open_full_range), FaceTracker()
    fps = capture.get(cv2.CAP_PROP_FPS)
    expected = {0, 1} if name.startswith("two") else {0}
    seen = 0
    for number in range(56):
        is_there, picture = capture.read()
        assert is_there
        frame = Frame(np.asarray(picture, np.uint8), 0.0, number / fps, number)
        faces = tracker.update(detector.find(frame), frame.pts_s)
        assert {face.track_id for face in faces} <= expected
        assert faces[0].track_id == 0
        seen += len([face for face in faces if face.lost_for_s == 0.0])
    capture.release()
    assert seen >= share * len(expected) * 55
