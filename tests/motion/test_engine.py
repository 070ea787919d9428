"""A motion model as a portrait's engine: what it draws is laid where it changed something, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from realtime.__main__ import main
from realtime.core.errors import ModelError, OptionError
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Pixels
from realtime.models import library
from realtime.picture_files.painting import read_picture
from realtime.portrait.building.moving_faces import usable_faces
from realtime.portrait.engines import DrivingFace, Engine, Source, engine_maker, engine_names
from realtime.portrait.pack import Portrait
from realtime.portrait.quality.sharpness import sharpness
from tests.tiny_models import copying_motion, negative_style

SPOT_PX = 12


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copying_motion(tmp_path_factory.mktemp("models") / "copying.onnx", 192)


def measured(picture: Pixels) -> Source:
    meter = FaceMeasurer()
    seen = meter.find(picture, usable_faces(picture, meter)[0])
    return Source(picture, seen.mesh, seen.eyes)


@pytest.fixture(scope="module")
def navy(navy_photo: Path) -> Source:
    return measured(read_picture(navy_photo)[0])


@pytest.fixture(scope="module")
def leaning(navy: Source) -> Source:
    """The same head, leaning by 15 degrees: its crop is a square that stands on a corner."""
    height, width = navy.picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 15, 1.0)
    return measured(np.asarray(cv2.warpAffine(navy.picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)))


def own_pixels(engine: Engine, source: Source) -> Pixels:
    left, top, width, height = (int(side) for side in engine.region)
    return source.picture[top : top + height, left : left + width]


def with_a_spot(source: Source) -> tuple[Source, tuple[int, int]]:
    """The same face with a bright spot on its nose, and where that is."""
    x, y = (round(float(value)) for value in source.mesh.points[1, :2])
    picture = source.picture.copy()
    cv2.circle(picture, (x, y), SPOT_PX, (0, 255, 0), -1)
    return Source(picture, source.mesh, source.eyes), (x, y)


@pytest.mark.parametrize("which", ["navy", "leaning"])
def test_what_a_driving_face_changes_appears_and_nothing_else(
    which: str, model: Path, request: pytest.FixtureRequest
) -> None:
    source: Source = request.getfixturevalue(which)
    engine = engine_maker(str(model))(source)
    own = own_pixels(engine, source)
    now, (x, y) = with_a_spot(source)
    assert np.array_equal(engine.drive(DrivingFace(source, source), Motion()), own)
    moved = engine.drive(DrivingFace(now, source), Motion())
    changed = (moved != own).any(axis=2)
    rows, columns = np.nonzero(changed)
    middle = columns.mean() + engine.region.left, rows.mean() + engine.region.top
    assert middle == pytest.approx((x, y), abs=1.5)
    assert moved[round(y - engine.region.top), round(x - engine.region.left)].tolist() == pytest.approx(
        [0, 255, 0], abs=6
    )
    assert np.hypot(columns - columns.mean(), rows - rows.mean()).max() < SPOT_PX + 25
    assert np.array_equal(moved[~changed], own[~changed])


def test_rest_is_taken_anew_when_it_changes(model: Path, navy: Source) -> None:
    """Somebody with a spot at rest has none to show: a live puppet learns its viewer's rest again."""
    engine = engine_maker(str(model))(navy)
    now, _ = with_a_spot(navy)
    assert (engine.drive(DrivingFace(now, navy), Motion()) != own_pixels(engine, navy)).any()
    assert np.array_equal(engine.drive(DrivingFace(now, now), Motion()), own_pixels(engine, navy))


def test_what_the_mask_says_is_not_new_stays(tmp_path: Path, navy: Source) -> None:
    path = copying_motion(tmp_path / "copying.onnx", 96)
    loaded = onnx.load(path)
    mask = next(tensor for tensor in loaded.graph.initializer if tensor.name == "everywhere")
    half = numpy_helper.to_array(mask).copy()
    half[:, :, :48] = 0
    mask.CopyFrom(numpy_helper.from_array(half, "everywhere"))
    path.write_bytes(loaded.SerializeToString())
    engine = engine_maker(str(path))(navy)
    changed = (engine.render(Motion(yaw_degrees=8)) != own_pixels(engine, navy)).any(axis=2)
    middle = navy.mesh.points[168, 0] - engine.region.left  # between the eyes, not far from the crop's middle
    assert changed[:, : int(middle) - 40].sum() == 0
    assert changed[:, int(middle) + 40 :].any()


def test_motions_are_shown_to_it_as_a_moved_face(model: Path, navy: Source) -> None:
    """The picture itself, turned by the mesh, drives it: the nose goes where the motion says."""
    engine = engine_maker(str(model))(navy)
    meter = FaceMeasurer()
    turned = []
    for yaw in (-8.0, 8.0):
        whole = navy.picture.copy()
        own_pixels(engine, Source(whole, navy.mesh, navy.eyes))[:] = engine.render(Motion(yaw_degrees=yaw))
        turned.append(meter.meshes.again(whole, navy.mesh).yaw_degrees)
    assert turned[1] - turned[0] > 6


def test_the_paintings_detail_goes_where_its_face_goes(model: Path, navy: Source) -> None:
    """The crop is smaller than its place; a mouth that opens must not leave the rest of the face soft."""
    coarse = engine_maker(str(copying_motion(model.parent / "coarse.onnx", 128)))(navy)
    own = own_pixels(coarse, navy)
    box = navy.mesh.box
    left, top = round(box.left - coarse.region.left), round(box.top - coarse.region.top)
    face = np.s_[top : top + round(box.height), left : left + round(box.width)]
    frame = coarse.render(Motion(yaw_degrees=4))
    assert (frame[face] != own[face]).any(axis=2).mean() > 0.5, "most of the face has moved"
    small = cv2.resize(own, (128, 128), interpolation=cv2.INTER_AREA)
    soft = np.asarray(cv2.resize(small, own.shape[1::-1], interpolation=cv2.INTER_CUBIC), np.uint8)
    kept, without = (sharpness(np.ascontiguousarray(picture[face])) for picture in (frame, soft))
    assert kept > 3 * without


def test_models_are_engines_by_name(tmp_path: Path, navy: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "user_folder", lambda: tmp_path)
    copying_motion(tmp_path / "vox.onnx", 64)
    copying_motion(tmp_path / "mesh.onnx", 64)
    negative_style(tmp_path / "negative.onnx")
    assert engine_names() == ["mesh", "vox"], "ours go first"
    assert engine_maker("vox")(navy).is_driven_by_faces
    assert not engine_maker("mesh")(navy).is_driven_by_faces
    with pytest.raises(OptionError, match=r"no engine 'fox'.*there are: mesh, vox"):
        engine_maker("fox")
    with pytest.raises(ModelError, match="is of kind 'style'"):
        engine_maker(str(tmp_path / "negative.onnx"))


def test_a_portrait_built_by_a_model(
    tmp_path: Path, navy_photo: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(library, "user_folder", lambda: tmp_path)
    copying_motion(tmp_path / "vox.onnx", 192)
    pack = tmp_path / "vox.portrait"
    asked = [
        "portrait",
        "build",
        str(navy_photo),
        "-o",
        str(pack),
        "--frames",
        "3",
        "--no-blink",
        "--no-mouth",
        "--no-idle",
    ]
    assert main([*asked, "--engine", "vox"]) == 0
    told = capfd.readouterr().err
    assert told.index("s for each picture, by CPU") < told.index("finding even steps"), "said before the work"
    with Portrait.open(pack) as portrait:
        left, middle, right = (portrait.frame(number) for number in range(3))
        assert np.array_equal(middle, portrait.place.of(portrait.painting))
        assert (left != right).any()
    assert main([*asked, "--engine", "fox"]) == 2
    assert "no engine 'fox'" in capfd.readouterr().err
