from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from realtime.cameras import CameraRequest
from realtime.cameras.demo import Demo, pose_at
from realtime.core.errors import RealtimeError
from realtime.imaging.frame import Size
from realtime.picture_files.samples import draw_room

TIMES_S = [number / 30 for number in range(4 * 40 * 30)]


def test_her_way_is_smooth_and_takes_in_the_whole_room() -> None:
    poses = [pose_at(pts_s) for pts_s in TIMES_S]
    here = [pose for pose in poses if 0 <= pose.x <= 1]
    assert min(pose.x for pose in here) < 0.2
    assert max(pose.x for pose in here) > 0.8
    assert max(pose.scale for pose in poses) / min(pose.scale for pose in poses) > 1.3
    for before, after in itertools.pairwise(poses):
        assert abs(after.x - before.x) < 0.035  # a brisk walk: under one picture width a second
        assert abs(after.scale - before.scale) < 0.01
    accelerations = np.abs(np.diff([pose.x for pose in poses], 2))
    assert accelerations.max() < 0.006


def test_she_goes_out_for_about_three_seconds_and_comes_back() -> None:
    absent = [not -0.2 < pose_at(pts_s).x < 1.2 for pts_s in TIMES_S]
    lengths_s = [len(list(group)) / 30 for away, group in itertools.groupby(absent) if away]
    assert len(lengths_s) == 4
    assert all(3.0 <= length_s <= 4.5 for length_s in lengths_s)
    sides = {pose_at(pts_s).x > 0.5 for pts_s, away in zip(TIMES_S, absent, strict=True) if away}
    assert sides == {True, False}


def test_a_frame_is_a_function_of_its_time_alone() -> None:
    slow, fast = Demo("demo", CameraRequest(fps=10)), Demo("demo", CameraRequest(fps=20))
    for _ in range(5):
        left = slow.read()
        right = fast.read()
        fast.read()
        assert left is not None
        assert right is not None
        assert left.pts_s == right.pts_s
        assert np.array_equal(left.pixels, right.pixels)


@pytest.mark.parametrize("size", [Size(1280, 720), Size(640, 480), Size(720, 1280), Size(333, 127), Size(16, 16)])
def test_it_has_the_size_asked_for(size: Size) -> None:
    demo = Demo("demo", CameraRequest(size, 15))
    frame = demo.read()
    assert frame is not None
    assert frame.size == demo.info.size == size
    assert demo.info.fps == 15


def test_the_picture_is_empty_while_she_is_out() -> None:
    size = Size(320, 180)
    demo = Demo("demo", CameraRequest(size, 1))
    room = draw_room(size)
    for second in range(40):
        frame = demo.read()
        assert frame is not None
        x = pose_at(second).x
        if not -0.1 < x < 1.1:
            her_face = frame.pixels[: size.height // 2]
            assert np.array_equal(her_face, room[: size.height // 2])
        if not -0.3 < x < 1.3:
            assert np.array_equal(frame.pixels, room)
        if 0 < x < 1:
            assert not np.array_equal(frame.pixels, room)


def test_blazeface_finds_her_and_nobody_else() -> None:
    """The real detector, where its model is at hand: in every frame, her eyes where they were drawn."""
    try:
        from realtime.faces.detection.blazeface import open_short_range

        detector = open_short_range()
    except (ImportError, RealtimeError) as error:
        pytest.skip(f"no face detector here: {error}")
    demo = Demo("demo", CameraRequest(fps=3))
    seen = 0
    for _ in range(120):
        frame = demo.read()
        assert frame is not None
        faces = detector.find(frame)
        pose = pose_at(frame.pts_s)
        if 0.08 < pose.x < 0.92:
            assert faces, f"not found at {frame.pts_s:.2f} s"
            x, y = faces[0].eye_midpoint
            assert x / 1280 == pytest.approx(pose.x, abs=0.03)
            assert y / 720 == pytest.approx(pose.y, abs=0.05)
            assert len(faces) == 1
            seen += 1
        elif not -0.1 < pose.x < 1.1:
            assert not faces, f"somebody else found at {frame.pts_s:.2f} s"
    detector.close()
    assert seen > 80


def test_the_photo_is_cut_out_without_its_background() -> None:
    """The photo's bright blue background must not show as a rim round her."""
    demo = Demo("demo", CameraRequest())
    frame = demo.read()
    assert frame is not None
    hsv = cv2.cvtColor(frame.pixels, cv2.COLOR_BGR2HSV)
    her = hsv[100:600, 400:900]
    blue = (np.abs(her[..., 0].astype(int) - 106) < 6) & (her[..., 1] > 130) & (her[..., 2] > 150)
    assert blue.mean() < 0.002
