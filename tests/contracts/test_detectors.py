"""What every face detector promises, tried on a real photo with its real model."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.core.errors import ModelError
from realtime.faces import DETECTOR_MODELS, DETECTORS, FaceDetector
from realtime.faces.tracking.tracker import SURE_SCORE
from realtime.imaging.frame import Box, Face, Frame, Pixels
from tests.offline import python_without_network

OURS, MEDIAPIPES = ("short", "full"), ("mediapipe-short", "mediapipe-full")
TESTED = tuple(os.environ.get("REALTIME_TESTED_DETECTORS", ",".join(OURS)).split(","))
"""MediaPipe's own are tested by the same file in a process without a network, for its library reports to Google."""

EYES = ((222, 190), (305, 186))
"""Where the right and the left eye are in grace_hopper.jpg (512×600), the pupils read off the picture by eye, px."""


def open_detector(name: str) -> FaceDetector:
    detector = DETECTORS[name].load()()
    assert isinstance(detector, FaceDetector)
    return detector


@pytest.fixture(params=TESTED)
def detector(request: pytest.FixtureRequest) -> Iterator[FaceDetector]:
    opened = open_detector(request.param)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def photo(navy_photo: Path) -> Pixels:
    return np.asarray(cv2.imread(str(navy_photo)), np.uint8)


def frame(pixels: Pixels, number: int = 0) -> Frame:
    return Frame(pixels, captured_at_s=100.0 + number / 30, pts_s=number / 30, index=number)


def test_every_detector_is_tested() -> None:
    assert {*OURS, *MEDIAPIPES} == set(DETECTORS) == set(DETECTOR_MODELS)


@pytest.mark.skipif(TESTED != OURS, reason="this is the process that it starts")
def test_mediapipes_own_detectors_keep_the_contract_too() -> None:
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    told = python_without_network(words, REALTIME_TESTED_DETECTORS=",".join(MEDIAPIPES))
    assert " passed" in told
    assert "failed" not in told


def test_it_says_what_computes_it(detector: FaceDetector) -> None:
    assert detector.provider


def test_nobody(detector: FaceDetector) -> None:
    assert detector.find(frame(np.full((480, 640, 3), 90, np.uint8))) == []


def test_a_face_is_found_where_it_is(detector: FaceDetector, photo: Pixels) -> None:
    (face,) = detector.find(frame(photo))
    assert face.keypoints.shape == (6, 2)
    assert face.keypoints.dtype == np.float32
    assert 0.5 <= face.score <= 1.0
    assert (face.track_id, face.lost_for_s) == (-1, 0.0)
    right_eye, left_eye, nose, mouth, right_ear, left_ear = face.keypoints
    assert np.allclose(right_eye, EYES[0], atol=10)
    assert np.allclose(left_eye, EYES[1], atol=10)
    assert right_ear[0] < right_eye[0] < nose[0] < left_eye[0] < left_ear[0], "sides are the person's own"
    assert max(right_eye[1], left_eye[1]) < nose[1] < mouth[1]
    left, top, width, height = face.box
    assert left < right_eye[0] < left_eye[0] < left + width
    assert top < right_eye[1] < mouth[1] < top + height
    assert all(isinstance(side, float) for side in face.box)


def test_coordinates_are_the_frames_own_at_every_size(detector: FaceDetector, photo: Pixels) -> None:
    expected = np.array(EYES) / (512, 600)
    for width, height in ((240, 281), (512, 600), (853, 999), (1280, 1500)):
        (face,) = detector.find(
            frame(cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8))
        )
        assert np.allclose(face.keypoints[:2] / (width, height), expected, atol=0.02)


def test_the_largest_face_comes_first(detector: FaceDetector, photo: Pixels) -> None:
    picture: Pixels = np.full((600, 1012, 3), 90, np.uint8)
    picture[:, 500:] = photo
    picture[100:450, 100:400] = cv2.resize(photo, (300, 350), interpolation=cv2.INTER_AREA)
    faces = detector.find(frame(picture))
    assert len(faces) == 2
    assert faces[0].box.area > faces[1].box.area
    assert faces[0].box.centre[0] > 500 > faces[1].box.centre[0]


def test_the_frame_is_only_looked_at(detector: FaceDetector, photo: Pixels) -> None:
    pixels = photo.copy()
    pixels.flags.writeable = False
    detector.find(frame(pixels))
    assert np.array_equal(pixels, photo)


def test_what_was_found_stays_when_the_next_frame_comes(detector: FaceDetector, photo: Pixels) -> None:
    (face,) = detector.find(frame(photo))
    kept = face.keypoints.copy()
    detector.find(frame(np.ascontiguousarray(photo[:, ::-1]), 1))
    assert np.array_equal(face.keypoints, kept)


def test_equal_times_and_a_source_that_starts_over(detector: FaceDetector, photo: Pixels) -> None:
    for number in (0, 0, 300, 301, 0, 1, 300):
        assert len(detector.find(frame(photo, number))) == 1


def test_frames_of_another_size_on_the_way(detector: FaceDetector, photo: Pixels) -> None:
    for number, pixels in enumerate((photo, np.ascontiguousarray(photo[:500]), np.zeros((16, 16, 3), np.uint8), photo)):
        assert len(detector.find(frame(pixels, number))) == (0 if pixels.shape[0] == 16 else 1)


@pytest.mark.parametrize("name", TESTED)
def test_opening_and_closing_five_times(name: str, photo: Pixels) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(5):
            detector = open_detector(name)
            assert len(detector.find(frame(photo))) == 1
            detector.close()


@pytest.mark.parametrize("name", TESTED)
def test_a_missing_model_file_is_said_in_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REALTIME_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match=DETECTOR_MODELS[name]) as error:
        DETECTORS[name].load()()
    assert "\n" not in str(error.value)


MEDIAPIPES_ANSWERS = """
import json, sys
import numpy as np
from realtime.faces import DETECTORS
from realtime.imaging.frame import Frame
pictures = np.load(sys.argv[2])
detector = DETECTORS[sys.argv[1]].load()()
for number, name in enumerate(pictures.files):
    found = detector.find(Frame(pictures[name], 0.0, number / 30, number))
    print(json.dumps([[*face.box, face.score, *face.keypoints.ravel().tolist()] for face in found]))
detector.close()
"""


def compare(kind: str, pictures: list[Pixels], folder: Path) -> NDArray[np.float64]:
    """Hold our answers against MediaPipe's; return the distances of all points, in percent of the face's width."""
    np.savez(folder / "pictures.npz", *pictures)
    told = python_without_network(["-c", MEDIAPIPES_ANSWERS, f"mediapipe-{kind}", str(folder / "pictures.npz")])
    detector = open_detector(kind)
    distances = []
    for number, (pixels, line) in enumerate(zip(pictures, told.splitlines()[-len(pictures) :], strict=True)):
        found = detector.find(frame(pixels, number))
        expected = [Face(Box(*row[:4]), np.reshape(row[5:], (6, 2)), row[4]) for row in json.loads(line)]
        # From left to right: which of two alike is the larger, MediaPipe's rounding decides.
        sure = [
            sorted((face for face in faces if face.score >= SURE_SCORE + 0.02), key=lambda face: face.box.centre)
            for faces in (found, expected)
        ]
        assert len(sure[0]) == len(sure[1]), number
        for ours, theirs in zip(*sure, strict=True):
            assert ours.score == pytest.approx(theirs.score, abs=0.02)
            # Boxes of MediaPipe's are cut to whole pixels of the small copy, of which each stands for at most 8 here.
            assert np.allclose(ours.box, theirs.box, atol=4 + 0.02 * theirs.box.width)
            distances.append(np.linalg.norm(ours.keypoints - theirs.keypoints, axis=1) / theirs.box.width * 100)
    detector.close()
    return np.concatenate(distances)


@pytest.mark.skipif(TESTED != OURS, reason="compared once, by the process that has both")
@pytest.mark.parametrize("kind", OURS)
def test_its_answers_are_mediapipes(kind: str, photo: Pixels, tmp_path: Path) -> None:
    """Turned, mirrored, dark, noisy, of many sizes and shapes, two at once."""
    rng = np.random.default_rng(1)
    pictures = [photo, np.ascontiguousarray(photo[:, ::-1]), (photo // 4).astype(np.uint8)]
    pictures += [
        np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
        for size in ((240, 281), (853, 999), (1280, 1500), (1000, 700), (333, 600))
    ]
    for angle in (-20, 10, 25):
        turn = cv2.getRotationMatrix2D((256, 250), angle, 1.0)
        pictures.append(np.asarray(cv2.warpAffine(photo, turn, (512, 600)), np.uint8))
    two = np.full((720, 1280, 3), 90, np.uint8)
    two[60:660, 60:572] = photo
    two[100:450, 800:1100] = cv2.resize(photo, (300, 350), interpolation=cv2.INTER_AREA)
    noise = rng.normal(0, 8, two.shape)
    pictures += [two, np.clip(two + noise, 0, 255).astype(np.uint8), np.ascontiguousarray(two[:, 200:1160])]
    distances = compare(kind, pictures, tmp_path)
    assert distances.size >= 6 * len(pictures)
    assert distances.mean() < 0.05
    assert distances.max() < 1.0


@pytest.mark.shared_data
@pytest.mark.skipif(TESTED != OURS, reason="compared once, by the process that has both")
@pytest.mark.parametrize("kind", OURS)
def test_its_answers_are_mediapipes_for_people_who_talk(kind: str, shared_data: Path, tmp_path: Path) -> None:
    pictures = []
    for name in ("talking_3.mp4", "two_people_head_pose.gif"):
        capture = cv2.VideoCapture(str(shared_data / "videos" / name))
        for number in range(60):
            is_there, picture = capture.read()
            if is_there and number % 6 == 0:
                pictures.append(np.asarray(picture, np.uint8))
        capture.release()
    distances = compare(kind, pictures, tmp_path)
    assert distances.mean() < 0.05
    assert distances.max() < 1.0
