"""A photo's face changed as a live one is, and two photos' features laid on one another."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.effects import EffectContext
from realtime.effects.morph import MorphEffect, MorphSettings
from realtime.effects.scene import Scene
from realtime.faces.detection.still_pictures import find_faces
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import LEFT_EYE_OUTER, MOUTH_LEFT, NOSE_TIP, FaceMesh, MeshModel
from realtime.faces.tracking.mesh_tracker import WornMeshTracker
from realtime.imaging.frame import Frame, Pixels
from realtime.imaging.numerics import Doubles, Floats
from realtime.models.latent_space import Direction, LatentSpace
from realtime.models.runtime.onnx_model import ON_CPU
from realtime.morph.model import MorphModel
from realtime.morph.stills import StillFace, Window, window_on
from realtime.morph.way import Bending, Way
from realtime.swap.photo.loading import SourceFace, read_source
from tests import tiny_models

SMILE = np.array([0, 0, 0.15], np.float32)


@pytest.fixture(scope="module")
def meter() -> FaceMeasurer:
    return FaceMeasurer()


@pytest.fixture(scope="module")
def source(navy_photo: Path, meter: FaceMeasurer) -> SourceFace:
    return read_source(navy_photo, meter)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    space = LatentSpace.unknown(3)
    smile = Direction("smile", "smile", "hand", 1.0, SMILE)
    space = LatentSpace(0, space.mean, space.deviation, (smile,))
    return tiny_models.shaded_morph(tmp_path_factory.mktemp("morph") / "tiny.onnx", space.text())


@pytest.fixture(scope="module")
def model(file: Path) -> MorphModel:
    return MorphModel(file, ON_CPU)


@pytest.mark.parametrize("show", ["transfer", "decoded"])
def test_a_still_is_what_the_live_picture_would_be(
    show: str, source: SourceFace, file: Path, model: MorphModel, meter: FaceMeasurer
) -> None:
    settings = MorphSettings(smile=2, show=show)  # type: ignore[arg-type]
    effect = MorphEffect.open(str(file), settings, EffectContext(provider="cpu"))
    (seen,) = find_faces(source.photo, meter)
    live = effect.make(Scene(Frame(source.photo, 0.0, 0.0, 0), [seen])).pixels
    effect.close()
    # With a frame's mesh; a photo's is the mean of several looks.
    mesh = WornMeshTracker(MeshModel(step_px=2.0)).follow(source.photo, seen, 0.0)
    assert mesh is not None
    face = StillFace(SourceFace(source.photo, mesh), model)
    still = face.changed(2 * SMILE, shows_decoded=show == "decoded")
    assert np.abs(live.astype(int) - source.photo).mean() > 1
    assert np.abs(live.astype(int) - still).max() <= 1


def test_one_change_leaves_no_trace_in_the_next(source: SourceFace, model: MorphModel) -> None:
    before = source.photo.copy()
    face = StillFace(source, model)
    decoded = face.changed(SMILE, shows_decoded=True)
    brighter = face.changed(3 * SMILE)
    face.changed(-SMILE, partner=np.ones(3, np.float32), mix=0.5, shows_decoded=True)
    assert np.array_equal(face.changed(3 * SMILE), brighter)
    assert np.array_equal(face.changed(SMILE, shows_decoded=True), decoded)
    assert np.array_equal(source.photo, before)


def shown(still: StillFace) -> tuple[float, ...]:
    return tuple(round(float(room), 3) for room in still.room)


def test_a_window_shows_what_there_is_of_a_photo(source: SourceFace, model: MorphModel) -> None:
    """The crop is 314 px wide and has its middle at (266, 214) of 512 by 600."""
    face = StillFace(source, model)
    left, up, right, down = face.room
    assert (left + right, up + down) == pytest.approx((512 / 314, 600 / 314), abs=0.01)
    window = window_on(face)
    assert window.side == 1.5
    # In the middle across; above there is less than half of it, so that it begins at the photo's edge.
    assert (window.left, window.top) == pytest.approx((-0.75, -up), abs=1e-6)
    cut = face.cut(source.photo, window, 471)
    assert np.abs(cut[:300].astype(int) - source.photo[:300, 31:502]).mean() < 6, "its pixels are the photo's"

    tight = Window(-left, -up, left + right)
    narrow = StillFace(SourceFace(np.ascontiguousarray(source.photo[:, 90:440]), moved(source.mesh, -90)), model)
    both = window_on(face, narrow)
    assert both.side == 1.2 < tight.side
    # It reaches beyond both edges of the narrow photo alike, and the edge goes on there.
    beyond = narrow.cut(narrow.photo, both, 300)
    assert np.array_equal(beyond[:, 0], beyond[:, 3])
    assert np.array_equal(beyond[:, -1], beyond[:, -4])


def moved(mesh: FaceMesh, x: float) -> FaceMesh:
    return FaceMesh(mesh.points + np.array([x, 0, 0], np.float32), mesh.score)


def test_bending_lays_features_where_they_are_wanted(source: SourceFace, model: MorphModel) -> None:
    side = 300
    face = StillFace(source, model)
    window = window_on(face)
    points = face.points(source.mesh, window, side)
    dots = np.zeros((side, side, 3), np.uint8)
    for number in (NOSE_TIP, LEFT_EYE_OUTER, MOUTH_LEFT):
        cv2.circle(dots, tuple(np.rint(points[number, :2] * 16).astype(int).tolist()), 48, (255,) * 3, -1, 16, 4)
    dots[:3] = 255
    middle = points.mean(axis=0)
    target = middle + (points - middle) * (1.15, 0.95, 1) + (4, -6, 0)
    bending = Bending(side)
    bent = bending.apply(dots, points, target)
    for number in (NOSE_TIP, LEFT_EYE_OUTER, MOUTH_LEFT):
        assert spot(bent, target[number]) == pytest.approx(target[number, :2], abs=0.6)
    assert np.array_equal(bent[:2], dots[:2]), "the picture's edges stay"
    assert bending.face[tuple(np.rint(target[NOSE_TIP, 1::-1]).astype(int))] > 0.99
    assert bending.face[2, 2] == 0
    still = bending.apply(dots, points, points)
    assert np.abs(still.astype(int) - dots).max() <= 1


def spot(picture: Pixels, near: Doubles) -> Doubles:
    """Return the middle of what is bright within 12 px."""
    left, top = (np.rint(near[:2]) - 12).astype(int)
    part = picture[top : top + 25, left : left + 25, 0].astype(float)
    rows, columns = np.indices(part.shape)
    return np.array([left + (part * columns).sum() / part.sum(), top + (part * rows).sum() / part.sum()])


def test_features_lie_between_those_of_two_people(source: SourceFace, model: MorphModel, meter: FaceMeasurer) -> None:
    """A face and the same one drawn out to the side: half-way it is half as wide, and one face."""
    height, width = source.photo.shape[:2]
    wide_photo = np.asarray(cv2.resize(source.photo, (round(width * 1.2), height)), np.uint8)
    wide = SourceFace(wide_photo, meter.find(wide_photo, find_faces(wide_photo, meter)[0]).mesh)
    way = Way(StillFace(source, model), StillFace(wide, model), model, meter.meshes, 320)
    widths = [proportions(way.picture(share), meter) for share in (0, 0.5, 1)]
    assert widths[2] > widths[0] * 1.1
    assert widths[1] == pytest.approx((widths[0] + widths[2]) / 2, rel=0.02)


def proportions(picture: Pixels, meter: FaceMeasurer) -> float:
    mesh = meter.find(picture, find_faces(picture, meter)[0]).mesh
    return mesh.box.width / mesh.box.height


def test_what_the_decoder_draws_is_mixed_evenly(source: SourceFace, model: MorphModel, meter: FaceMeasurer) -> None:
    face = StillFace(source, model)
    other = StillFace(SourceFace(np.ascontiguousarray(255 - source.photo), source.mesh), model)
    way = Way(face, other, model, meter.meshes, 128)

    def colour(share: float) -> Floats:
        return np.asarray(way.decoded(share)[64, 1], np.float32)

    assert colour(0) == pytest.approx(face.code * 255, abs=3)
    assert colour(0.25) == pytest.approx(0.75 * colour(0) + 0.25 * colour(1), abs=1.5)
