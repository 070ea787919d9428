"""The whole job on a real photo: the pack, its figures, and what becomes of it when something fails."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.__main__ import main
from realtime.core.errors import PortraitError
from realtime.faces.detection.still_pictures import face_at, find_faces
from realtime.faces.landmarks.measurement import FaceMeasurement, FaceMeasurer, gaze_from, turn
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Face, Pixels
from realtime.portrait.building.builder import BuildOptions, BuildResult, breath, build
from realtime.portrait.building.moving_faces import usable_faces
from realtime.portrait.pack import PackWriter, Portrait
from realtime.portrait.quality.report import rank_correlation, step_ratio

Pack = tuple[BuildResult, Portrait, list[tuple[str, float]]]

QUICK = BuildOptions(columns=3, blink_stages=0, mouth_stages=0, idle_seconds=0.0)


@pytest.fixture(scope="module")
def navy_pack(navy_picture: Pixels, meter: FaceMeasurer, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """The whole job, once: 33 frames with blinks and a breath; and what the progress said."""
    path = tmp_path_factory.mktemp("pack") / "navy.portrait"
    said: list[tuple[str, float]] = []
    faces = usable_faces(navy_picture, meter)
    built = build(
        navy_picture,
        faces,
        path,
        meter,
        title="Grace Hopper",
        credit="US Navy",
        progress=lambda what, share: said.append((what, share)),
    )
    return built, Portrait.open(path), said


def test_the_pack_holds_what_it_says(navy_pack: Pack, navy_picture: Pixels) -> None:
    built, portrait, _ = navy_pack
    assert (portrait.columns, portrait.rows, portrait.title, portrait.credit) == (33, 1, "Grace Hopper", "US Navy")
    assert np.array_equal(portrait.painting, navy_picture)
    assert portrait.place == built.place
    assert portrait.blink_stages == 3
    assert portrait.mouth_stages == 4
    assert portrait.idle_count == len(breath(4.0))
    assert built.path.stat().st_size < 25_000_000


def test_the_middle_frame_is_the_picture(navy_pack: Pack, navy_picture: Pixels) -> None:
    _, portrait, _ = navy_pack
    assert np.array_equal(portrait.frame(portrait.middle), portrait.place.of(navy_picture))
    assert np.array_equal(portrait.idle(0), portrait.place.of(navy_picture))


def test_the_eyes_go_from_left_to_right_evenly(navy_pack: Pack) -> None:
    (report,) = navy_pack[0].reports
    assert rank_correlation(report.gaze) >= 0.99
    assert np.all(np.diff(report.gaze) > 0)
    assert report.gaze[0] <= -0.12
    assert report.gaze[-1] >= 0.12
    assert step_ratio(report.gaze) <= 1.5
    for side in (report.gaze[:17], report.gaze[16:]):
        assert step_ratio(side) <= 1.1


def test_the_head_goes_along(navy_pack: Pack) -> None:
    (report,) = navy_pack[0].reports
    assert rank_correlation(report.yaw_degrees) >= 0.99
    assert step_ratio(report.yaw_degrees) <= 1.5
    assert report.yaw_degrees[0] < -4
    assert report.yaw_degrees[-1] > 4


def test_the_figures_are_good(navy_pack: Pack) -> None:
    figures = {name: figure.value for name, figure in navy_pack[0].reports[0].figures.items()}
    assert figures["faces_found"] == 1
    assert figures["sharpness"] >= 0.85
    assert figures["middle_difference"] < 1
    assert figures["outside_difference"] == 0
    assert figures["least_area"] > 0
    assert figures["seam"] <= 1.02
    assert figures["iris_colour"] <= 0.05


def test_the_figures_are_those_of_the_frames(navy_pack: Pack, navy: FaceMeasurement, meter: FaceMeasurer) -> None:
    """Measured again from the pack, not believed."""
    built, portrait, _ = navy_pack
    for index in (0, 9, 32):
        whole = portrait.painting.copy()
        portrait.place.of(whole)[:] = portrait.frame(index)
        seen = meter.measure(whole, navy.mesh)
        assert gaze_from(seen, navy) == pytest.approx(built.reports[0].gaze[index], abs=1e-4)
        assert turn(seen, navy).yaw_degrees == pytest.approx(built.reports[0].yaw_degrees[index], abs=0.01)
    assert portrait.report["gaze_left"] == pytest.approx(built.reports[0].gaze[0], abs=1e-3)
    assert len(portrait.report["yaw_degrees"]) == 33


def test_blinks_close_the_eyes_of_their_own_frame(navy_pack: Pack, navy: FaceMeasurement, meter: FaceMeasurer) -> None:
    _, portrait, _ = navy_pack
    assert portrait.blink_place is not None
    for index in (0, 16, 32):
        openness = []
        for stage in (None, 0, 1, 2):
            whole = portrait.painting.copy()
            portrait.place.of(whole)[:] = portrait.frame(index)
            if stage is not None:
                before = portrait.blink_place.of(whole).copy()
                portrait.blink_place.of(whole)[:] = portrait.blink(index, stage)
                rim = np.ones(before.shape[:2], np.bool_)
                rim[1:-1, 1:-1] = False
                assert np.array_equal(portrait.blink_place.of(whole)[rim], before[rim]), "no seam around the band"
            openness.append(meter.measure(whole, navy.mesh).eyes.openness)
        assert openness[0] > openness[1] > openness[3]


def test_mouths_open_in_their_own_frame(navy_pack: Pack, navy: FaceMeasurement, meter: FaceMeasurer) -> None:
    _, portrait, _ = navy_pack
    assert portrait.mouth_place is not None
    for index in (0, 16, 32):
        gaps = []
        for stage in (None, 0, 1, 2, 3):
            whole = portrait.painting.copy()
            portrait.place.of(whole)[:] = portrait.frame(index)
            if stage is not None:
                before = portrait.mouth_place.of(whole).copy()
                portrait.mouth_place.of(whole)[:] = portrait.mouth(index, stage)
                rim = np.ones(before.shape[:2], np.bool_)
                rim[1:-1, 1:-1] = False
                assert np.array_equal(portrait.mouth_place.of(whole)[rim], before[rim]), "no seam around it"
            lips = meter.measure(whole, navy.mesh).mesh.points[[13, 14]]
            gaps.append(float(np.linalg.norm(lips[0] - lips[1])) / navy.mesh.box.height)
        assert gaps == sorted(gaps)
        assert gaps[4] - gaps[0] > 0.02


def test_blinks_of_a_nodding_clip_lie_within_their_band(
    navy_picture: Pixels, navy_face: Face, meter: FaceMeasurer, tmp_path: Path
) -> None:
    nods = (0.0, 14.0, 0.0, -14.0, 0.0)
    clip = [
        Motion(yaw_degrees=4.0 * place, gaze_x_degrees=10.0 * place, pitch_degrees=nod)
        for place, nod in zip(range(-2, 3), nods, strict=True)
    ]
    options = dataclasses.replace(QUICK, blink_stages=1)
    build(navy_picture, [navy_face], tmp_path / "p", meter, title="Nodding", options=options, driven=clip)
    with Portrait.open(tmp_path / "p") as portrait:
        assert portrait.blink_place is not None
        for index in range(portrait.count):
            whole = portrait.painting.copy()
            portrait.place.of(whole)[:] = portrait.frame(index)
            difference = cv2.absdiff(portrait.blink(index, 0), portrait.blink_place.of(whole)).max(axis=2)
            assert difference.max() > 20
            rim = (difference[0], difference[-1], difference[:, 0], difference[:, -1])
            assert max(int(side.max()) for side in rim) == 0, f"frame {index} blinks beyond the band"


def test_progress_never_goes_back(navy_pack: Pack) -> None:
    said = navy_pack[2]
    assert {what for what, _ in said} >= {"learning how the eyes turn", "finding even steps", "painting the frames"}
    for what in {what for what, _ in said}:
        shares = [share for said_what, share in said if said_what == what]
        assert shares == sorted(shares)
        assert shares[-1] == pytest.approx(1)


@pytest.mark.parametrize("suffix", [".html", ".jpg", ".png", ".mp4"])
def test_previews(navy_pack: Pack, tmp_path: Path, suffix: str) -> None:
    built, _, _ = navy_pack
    path = tmp_path / f"preview{suffix}"
    assert main(["portrait", "show", str(built.path), "--preview", str(path)]) == 0
    content = path.read_bytes()
    if suffix == ".html":
        text = content.decode()
        assert text.count("data:image/jpeg;base64") == 33 + 2
        assert "<svg" in text
        # Base64 may spell anything.
        assert "http" not in re.sub(r"base64,[\w+/=]+", "", text), "the page needs nothing from anywhere"
    elif suffix == ".mp4":
        video = cv2.VideoCapture(str(path))
        assert video.get(cv2.CAP_PROP_FRAME_COUNT) > 200
        video.release()
    else:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape[1] == 1600
        assert picture.std() > 30
    assert main(["portrait", "show", str(built.path), "--preview", str(path)]) == 2, "it exists"


def test_rows_look_up_and_down(
    navy_picture: Pixels, navy_face: Face, navy: FaceMeasurement, meter: FaceMeasurer, tmp_path: Path
) -> None:
    options = dataclasses.replace(QUICK, rows=3)
    built = build(navy_picture, [navy_face], tmp_path / "rows", meter, title="Rows", options=options)
    with Portrait.open(built.path) as portrait:
        assert (portrait.columns, portrait.rows) == (3, 3)
        seen = []
        for row in range(3):
            whole = portrait.painting.copy()
            portrait.place.of(whole)[:] = portrait.frame(row * 3 + 1)
            seen.append(meter.measure(whole, navy.mesh))
    pitches = [turn(one, navy).pitch_degrees for one in seen]
    assert pitches[0] > pitches[1] > pitches[2], "the first row looks up"
    assert seen[0].gaze[1] < seen[2].gaze[1]


def test_a_face_can_be_pointed_at(navy_picture: Pixels, navy_face: Face, meter: FaceMeasurer) -> None:
    pointed = face_at(navy_picture, navy_face.box, meter)
    assert pointed.box.overlap(navy_face.box) > 0.7
    with pytest.raises(PortraitError, match="no face where --face points"):
        face_at(navy_picture, navy_face.box._replace(left=5, top=430, width=90, height=90), meter)
    with pytest.raises(PortraitError, match="outside the picture"):
        face_at(navy_picture, navy_face.box._replace(left=5000), meter)


@pytest.mark.parametrize("place", ["corner", "filling"])
def test_faces_are_found_where_a_webcam_would_not_have_them(
    navy_picture: Pixels, meter: FaceMeasurer, place: str
) -> None:
    if place == "corner":  # a small face in a large painting
        canvas = np.full((2400, 3200, 3), 90, np.uint8)
        canvas[1700:2300, 2600:3112] = navy_picture
        expected = (2600 + 262, 1700 + 215)
    else:
        canvas = np.ascontiguousarray(navy_picture[120:330, 175:350])
        expected = (262 - 175, 215 - 120)
    faces = find_faces(canvas, meter)
    x, y = faces[0].box.centre
    assert abs(x - expected[0]) < 40
    assert abs(y - expected[1]) < 60


def test_all_of_a_row_are_found_the_largest_first(navy_picture: Pixels, meter: FaceMeasurer) -> None:
    """In the whole of it the smaller ones are too small for the detector."""
    canvas = np.full((600, 2400, 3), 90, np.uint8)
    for left, scale in ((100, 0.6), (800, 1.0), (1800, 0.7)):
        one = cv2.resize(navy_picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        canvas[600 - one.shape[0] :, left : left + one.shape[1]] = one
    faces = find_faces(canvas, meter)
    assert [round(face.box.centre[0] / 100) for face in faces] == [11, 20, 3]
    assert len(usable_faces(canvas, meter)) == 3


def test_a_small_face_is_refused(navy_picture: Pixels, meter: FaceMeasurer, tmp_path: Path) -> None:
    small = np.asarray(cv2.resize(navy_picture, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA), np.uint8)
    with pytest.raises(PortraitError, match=r"only 4[0-9] pixels wide and 60 are needed"):
        build(small, usable_faces(small, meter), tmp_path / "p.portrait", meter, title="Small", options=QUICK)
    assert list(tmp_path.iterdir()) == []


def test_no_face_is_said_so(meter: FaceMeasurer) -> None:
    noise = np.random.default_rng(0).integers(90, 120, (400, 400, 3), np.uint8)
    with pytest.raises(PortraitError, match="point at it with --face"):
        find_faces(noise, meter)


@pytest.mark.parametrize("name", ["p.portrait", "folder"])
def test_a_disk_that_fills_up_leaves_nothing(
    navy_picture: Pixels,
    navy_face: Face,
    meter: FaceMeasurer,
    tmp_path: Path,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = PackWriter.add_frame

    def full(self: PackWriter, index: int, pixels: Pixels) -> None:
        if index == 2:
            raise PortraitError("cannot write p.portrait: No space left on device")
        write(self, index, pixels)

    monkeypatch.setattr(PackWriter, "add_frame", full)
    with pytest.raises(PortraitError, match="No space left"):
        build(navy_picture, [navy_face], tmp_path / name, meter, title="Full", options=QUICK)
    assert list(tmp_path.iterdir()) == []


def test_what_exists_is_kept_unless_told(
    navy_picture: Pixels, navy_face: Face, meter: FaceMeasurer, tmp_path: Path
) -> None:
    path = tmp_path / "p.portrait"
    path.write_bytes(b"mine")
    with pytest.raises(PortraitError, match="exists"):
        build(navy_picture, [navy_face], path, meter, title="Kept", options=QUICK)
    assert path.read_bytes() == b"mine"


def test_a_breath_begins_and_ends_at_rest() -> None:
    motions = breath(4.0)
    assert motions[0].rise == 0
    assert motions[0].yaw_degrees == 0
    assert max(motion.rise for motion in motions) == pytest.approx(0.004, rel=0.1)
    steps = np.diff([motion.rise for motion in [*motions, motions[0]]])
    assert np.abs(steps).max() < 0.002


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["mona_lisa.jpg", "raphael_la_velata.jpg", "bouguereau_girl.jpg"])
def test_paintings(shared_data: Path, meter: FaceMeasurer, tmp_path: Path, name: str) -> None:
    from realtime.picture_files.painting import read_picture

    picture, _ = read_picture(shared_data / "portraits" / name)
    options = BuildOptions(blink_stages=0, mouth_stages=0, idle_seconds=0.0)
    built = build(picture, usable_faces(picture, meter)[:1], tmp_path / "p", meter, title=name, options=options)
    (report,) = built.reports
    figures = {key: figure.value for key, figure in report.figures.items()}
    assert figures["faces_found"] == 1
    assert figures["gaze_left"] <= -0.12
    assert figures["gaze_right"] >= 0.12
    assert figures["gaze_rank"] >= 0.99
    assert figures["yaw_rank"] >= 0.99
    assert figures["gaze_step"] <= 1.5
    for side in (report.gaze[:17], report.gaze[16:]):
        assert step_ratio(side) <= 1.15, "far from the bound, whatever a processor's last bits are"
    assert figures["yaw_step"] <= 1.5
    assert figures["sharpness"] >= 0.85
    assert figures["seam"] <= 1.02
    assert figures["outside_difference"] == 0
    assert figures["iris_colour"] <= 0.05
