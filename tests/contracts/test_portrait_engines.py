"""What every engine that moves a face promises (realtime/portrait/engines/__init__.py), run over all of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Box, Frame, Pixels
from realtime.picture_files.painting import read_picture
from realtime.portrait.building.driving_clip import animate, motions_of
from realtime.portrait.building.moving_faces import MovingFaces, usable_faces
from realtime.portrait.engines import ENGINES, DrivingFace, Engine, Source, engine_maker
from realtime.portrait.preview.film import film
from tests.tiny_models import copying_motion

TESTED = ("mesh",)
A_MODEL = "a motion model"
"""One that draws the picture and what the driving face has changed: any model of that kind is an engine."""


@pytest.fixture(scope="module")
def source(navy_photo: Path) -> Source:
    picture, _ = read_picture(navy_photo)
    meter = FaceMeasurer()
    seen = meter.find(picture, usable_faces(picture, meter)[0])
    return Source(picture, seen.mesh, seen.eyes)


@pytest.fixture(scope="module", params=(*TESTED, A_MODEL))
def engine(request: pytest.FixtureRequest, source: Source, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    name = request.param
    if name == A_MODEL:
        name = str(copying_motion(tmp_path_factory.mktemp("models") / "copying.onnx", 128))
    return engine_maker(name)(source)


def own(engine: Engine, picture: Pixels) -> Pixels:
    left, top, width, height = (int(side) for side in engine.region)
    return picture[top : top + height, left : left + width]


def test_every_engine_is_tested() -> None:
    assert set(TESTED) == set(ENGINES), "an engine without a contract test: add its name to TESTED"


def test_what_claims_exact_pixels_is_held_to_it() -> None:
    """One that lost the claim by mistake would be blended at its rim, and looked at less closely here."""
    assert {name for name, entry in ENGINES.items() if entry.load().is_exact} == {"mesh"}


def test_every_engine_says_what_it_is() -> None:
    assert all(part.summary for part in ENGINES.values())


def test_the_region_lies_in_the_picture(engine: Engine, source: Source) -> None:
    left, top, width, height = engine.region
    assert all(float(side).is_integer() for side in engine.region)
    assert left >= 0
    assert top >= 0
    assert left + width <= source.picture.shape[1]
    assert top + height <= source.picture.shape[0]


def test_rest_is_the_picture_exactly(engine: Engine, source: Source) -> None:
    if engine.is_exact:
        assert np.array_equal(engine.render(Motion()), own(engine, source.picture))


@pytest.mark.parametrize(
    "motion",
    [
        Motion(yaw_degrees=8, gaze_x_degrees=25),
        Motion(pitch_degrees=-6, gaze_y_degrees=-12),
        Motion(closing=1),
        Motion(brows=0.03, mouth_open=0.05, mouth_wide=0.02),
        Motion(roll_degrees=4, rise=0.01),
        Motion(yaw_degrees=500, pitch_degrees=-500, gaze_x_degrees=900, closing=7, mouth_open=3),
    ],
)
def test_motions_move_something_and_leave_the_rim(engine: Engine, source: Source, motion: Motion) -> None:
    frame, before = engine.render(motion), own(engine, source.picture)
    assert frame.shape == before.shape
    assert frame.dtype == np.uint8
    assert frame.flags.c_contiguous
    assert (frame != before).any()
    shown = MovingFaces(source.picture, [engine]).render([motion])
    for rim in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        if engine.is_exact:
            assert np.array_equal(frame[rim], before[rim]), "the region's rim is the picture's, so no seam can show"
        assert np.abs(shown[rim].astype(int) - before[rim]).max() <= 5, "what others give is blended into it"


class Decoding(Engine):
    """As a learned engine: all its pixels are new, and it looks at the filmed face."""

    is_driven_by_faces = True

    def __init__(self, source: Source) -> None:
        left, top, width, height = (int(side) for side in source.mesh.box)
        self.region = Box(left, top, width, height)
        self.driven_by: list[DrivingFace] = []

    @classmethod
    def open(cls, source: Source) -> Decoding:
        return cls(source)

    def render(self, motion: Motion) -> Pixels:
        return np.full((int(self.region.height), int(self.region.width), 3), 255, np.uint8)

    def drive(self, face: DrivingFace, motion: Motion) -> Pixels:
        self.driven_by.append(face)
        return self.render(motion)


def test_the_rim_of_an_engine_that_decodes_is_blended_for_it(source: Source) -> None:
    engine = Decoding.open(source)
    moved = MovingFaces(source.picture, [engine]).render([Motion()])
    before = own(engine, source.picture)
    middle = moved.shape[0] // 2, moved.shape[1] // 2
    assert moved[middle].min() >= 250
    for rim in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        assert np.abs(moved[rim].astype(int) - before[rim]).max() <= 5


def test_an_engine_that_takes_faces_is_handed_the_filmed_one(tmp_path: Path, source: Source, navy_photo: Path) -> None:
    photo, _ = read_picture(navy_photo)
    clip = tmp_path / "clip.mp4"
    with film(clip, 25.0, "test") as recorder:
        for index in range(6):
            recorder.show(Frame(np.ascontiguousarray(np.roll(photo, 4 * index, axis=1)), 0.0, index / 25, index))
    filmed = motions_of(clip)
    engine = Decoding.open(source)
    animate(MovingFaces(source.picture, [engine]), filmed, tmp_path / "moved.mp4")
    assert len(engine.driven_by) == len(filmed.motions) == 6
    first, last = engine.driven_by[0], engine.driven_by[-1]
    assert first.now is first.rest is last.rest
    assert last.now.mesh.box.left - first.now.mesh.box.left == pytest.approx(20, abs=4)


def test_frames_are_made_from_the_picture_and_not_from_each_other(engine: Engine) -> None:
    motion = Motion(yaw_degrees=-5, gaze_x_degrees=-15)
    first = engine.render(motion)
    engine.render(Motion(yaw_degrees=7, closing=1))
    assert np.array_equal(engine.render(motion), first)


def test_nobody_writes_into_the_picture(engine: Engine, source: Source) -> None:
    before = source.picture.copy()
    engine.render(Motion(yaw_degrees=6, gaze_x_degrees=20, closing=0.5))[:] = 0
    assert np.array_equal(source.picture, before)


def test_nothing_folds(engine: Engine) -> None:
    assert not engine.least_area(Motion(yaw_degrees=10, pitch_degrees=5)) <= 0  # NaN: it does not warp
