"""The arithmetic of `tools.measure_swap`, on real pictures whose answer is known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Frame, Pixels
from realtime.picture_files.samples import sample_photo
from realtime.swap.photo.loading import read_source
from tools.swap_figures import faces, motion, people, seam
from tools.swap_figures.in_front import THINGS, Kept, drawn, keep_things
from tools.swap_figures.material import LIGHTS, Clip, darkened, held, shifted
from tools.swap_figures.people import SCENES, SIZE, Scenario, Spot, face_only, play
from tools.swap_figures.sheets import spread_by_yaw, tile, write_sheet
from tools.swap_figures.speed import write_film, write_model
from tools.swap_figures.tables import in_front_table
from tools.swap_figures.talking import is_all_hidden
from tools.swap_figures.wearing import Seen, outline, region


@pytest.fixture(scope="module")
def photo() -> tuple[Pixels, FaceMesh]:
    """The Navy photo and the face in it."""
    source = read_source(sample_photo(), FaceMeasurer())
    return source.photo, source.mesh


def placed(mesh: FaceMesh, scale: float = 1.0, degrees: float = 0.0, moved: tuple[float, float] = (0, 0)) -> FaceMesh:
    """The mesh as a whole enlarged, turned on the screen and moved."""
    turn = np.deg2rad(degrees)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    points = mesh.points @ matrix.T + (*moved, 0)
    return FaceMesh(points.astype(np.float32), mesh.score)


def test_an_expression_is_not_a_place_nor_a_size(photo: tuple[Pixels, FaceMesh]) -> None:
    _, mesh = photo
    assert faces.differences(placed(mesh, 1.7, 25, (300, -40)), mesh).max() < 1e-4


def test_a_difference_is_counted_in_eye_distances(photo: tuple[Pixels, FaceMesh]) -> None:
    _, mesh = photo
    other = FaceMesh(mesh.points.copy(), mesh.score)
    other.points[[13, 14]] += (0, 0.1 * faces.eye_distance_px(mesh), 0)
    found = faces.differences(other, mesh)
    assert found[[13, 14]] == pytest.approx(0.1, abs=0.003)
    assert np.median(found) < 0.002


def test_openings_follow_lips_and_lids(photo: tuple[Pixels, FaceMesh]) -> None:
    _, mesh = photo
    wider = FaceMesh(mesh.points.copy(), mesh.score)
    wider.points[14, 1] += 0.2 * faces.eye_distance_px(mesh)
    assert faces.mouth_opening(wider) - faces.mouth_opening(mesh) == pytest.approx(0.2, abs=0.02)
    shut = FaceMesh(mesh.points.copy(), mesh.score)
    shut.points[[159, 386]] = shut.points[[145, 374]]
    assert faces.eye_opening(shut) == pytest.approx(0, abs=1e-6)
    assert faces.eye_opening(mesh) > 0.2


def test_an_opening_that_rests_tells_no_correlation() -> None:
    moving = [0.1, 0.3, 0.2, 0.4]
    assert faces.correlation([0.2, 0.6, 0.4, 0.8], moving) == pytest.approx(1)
    assert np.isnan(faces.correlation(moving, [0.1, 0.101, 0.1, 0.102]))


def test_the_eye_distance_of_a_turned_head_stays(photo: tuple[Pixels, FaceMesh]) -> None:
    _, mesh = photo
    turn = np.deg2rad(35)
    points = mesh.points @ np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    turned = FaceMesh(points.astype(np.float32), mesh.score)
    assert faces.eye_distance_px(turned) == pytest.approx(faces.eye_distance_px(mesh), rel=1e-4)


@pytest.mark.parametrize("late", [0.0, 0.5, 1.0, 2.0])
def test_a_face_that_is_late_is_found_late(late: float) -> None:
    path = np.array(motion.sine(30, 25, 1.0, 90), np.float64)[motion.REST :]
    times = np.arange(len(path))
    followed = np.interp(times - late, times, path[:, 0])
    off = np.stack([followed - path[:, 0], np.zeros(len(path))], axis=1)
    assert motion.lag_frames(off, path) == pytest.approx(late, abs=0.12)  # speed is read over two frames


@pytest.mark.parametrize("off_px", [(0.0, 0.0), (0.6, -0.4), (-5.0, 3.0)])
def test_a_shift_of_the_photo_is_read_to_a_tenth_of_a_pixel(
    photo: tuple[Pixels, FaceMesh], off_px: tuple[float, float]
) -> None:
    pixels, mesh = photo
    mesh_tracker = motion.Follower.on([pixels], mesh)
    # Moved by the motion and a little more, in another light.
    late = cv2.convertScaleAbs(shifted(shifted(pixels, 30, 0), *off_px), alpha=0.9, beta=12)
    assert mesh_tracker.off_px(np.asarray(late, np.uint8), (30, 0)) == pytest.approx(off_px, abs=0.1)


def test_a_jump_made_half_a_frame_late_has_arrived_by_half() -> None:
    off = np.zeros((40, 2))
    off[motion.REST, 1] = -10
    assert motion.arrived(off, 20) == pytest.approx([0.5, 1, 1, 1])


def test_the_stillest_second_leaves_out_frames_nobody_was_seen_in() -> None:
    moved = [0.1, 0.5, 0.2, 0.2, float("nan"), 0.0, 0.0, 0.3]
    assert motion.stillest(moved, 2) == slice(5, 7)
    assert motion.stillest(moved[:5], 2) == slice(2, 4)


def test_change_is_counted_inside_the_mask_only(photo: tuple[Pixels, FaceMesh]) -> None:
    pixels, mesh = photo
    mask = region(mesh, pixels.shape)
    brighter = pixels // 2
    after = brighter.copy()
    after[mask > 0] += 7
    after[mask == 0] += 50
    assert motion.change(brighter, after, mask) == pytest.approx(7)


def test_held_pictures_differ_by_the_noise_that_was_asked_for(photo: tuple[Pixels, FaceMesh]) -> None:
    film = held(Clip("navy", 30, [photo[0]]), 0, 4, sigma=2.5)
    middle = [pixels[200:300, 200:300].astype(np.float64) for pixels in film.pictures]
    assert np.std(middle[1] - middle[0]) / np.sqrt(2) == pytest.approx(2.5, rel=0.05)


# The seam --------------------------------------------------------------------------------------------------------


def test_a_face_that_was_left_alone_has_no_seam(photo: tuple[Pixels, FaceMesh]) -> None:
    pixels, mesh = photo
    assert seam.seam(pixels, pixels, mesh).step == 0


def test_an_edge_of_twenty_levels_is_a_seam_of_twenty(photo: tuple[Pixels, FaceMesh]) -> None:
    pixels, mesh = photo
    darker = pixels.copy()
    darker[region(mesh, pixels.shape, 0.93) > 0] -= np.minimum(20, darker[region(mesh, pixels.shape, 0.93) > 0])
    soft = cv2.addWeighted(pixels, 0.5, darker, 0.5, 0)
    assert seam.seam(darker, pixels, mesh).step == pytest.approx(20, abs=5)
    assert seam.seam(np.asarray(soft, np.uint8), pixels, mesh).step == pytest.approx(10, abs=4)


def test_a_seam_is_told_where_it_is(photo: tuple[Pixels, FaceMesh]) -> None:
    pixels, mesh = photo
    inside = region(mesh, pixels.shape, 0.93) > 0
    chin_y = outline(mesh)[:, 1].max()
    inside[: int(chin_y - 0.2 * mesh.width_px)] = False
    patched = pixels.copy()
    patched[inside] = 255 - patched[inside]
    assert "chin" in seam.seam(patched, pixels, mesh).place
    right = region(mesh, pixels.shape, 0.93) > 0
    right[:, : int(outline(mesh)[:, 0].max() - 0.2 * mesh.width_px)] = False
    patched = pixels.copy()
    patched[right] = 255 - patched[right]
    assert "right" in seam.seam(patched, pixels, mesh).place


# People ----------------------------------------------------------------------------------------------------------


def seen(pixels: Pixels, mesh: FaceMesh) -> Seen:
    return Seen(Frame(pixels, 0.0, 0.0, 0), [], mesh, mesh)


def test_a_scene_knows_where_its_people_are(photo: tuple[Pixels, FaceMesh]) -> None:
    pixels, mesh = photo
    shots = list(play(SCENES[0], [[seen(pixels, mesh)]] * 2, fps=10, seconds=0.2))
    shot = shots[0]
    assert shot.pixels.shape == (SIZE.height, SIZE.width, 3)
    for found in shot.meshes:
        assert found is not None
        assert FaceMeasurer().meshes.again(shot.pixels, found).points[:, :2] == pytest.approx(
            found.points[:, :2], abs=6
        )


def test_nobody_is_to_be_seen_behind_another_or_out_of_the_picture(photo: tuple[Pixels, FaceMesh]) -> None:
    cast = [[seen(*photo)]] * 2
    behind = Scenario("behind", lambda at_s: (Spot(300), Spot(320, in_front=True)))
    outside = Scenario("outside", lambda at_s: (Spot(60), Spot(1100)))
    assert [mesh is None for mesh in next(play(behind, cast, 10, 1)).meshes] == [True, False]
    assert [mesh is None for mesh in next(play(outside, cast, 10, 1)).meshes] == [False, True]


def test_a_hand_covers_the_first_face_half_way(photo: tuple[Pixels, FaceMesh]) -> None:
    cast = [[seen(*photo)]] * 2
    open_ = next(play(SCENES[0], cast, 10, 1))
    covered = next(play(Scenario("hand", SCENES[0].spots, hand=lambda at_s: 0.0), cast, 10, 1))
    first, second = (face_only(mesh, open_.pixels.shape) > 0 for mesh in open_.meshes if mesh is not None)
    difference = cv2.absdiff(open_.pixels, covered.pixels).max(axis=2)
    assert (difference[first] > 10).mean() > 0.5
    assert difference[second].max() == 0
    assert difference[covered.hand == 0].max() == 0
    assert open_.hand.max() == 0


def test_a_face_that_was_not_swapped_is_bare_and_a_blurred_one_is_hidden(photo: tuple[Pixels, FaceMesh]) -> None:
    pixels, mesh = photo
    mask = face_only(mesh, pixels.shape)
    nobody = people.note_of(pixels, pixels, mesh, mask, (), None)  # type: ignore[arg-type]  # likeness is not asked for
    assert nobody.changed == 0
    assert not nobody.hidden
    blurred = np.asarray(cv2.blur(pixels, (61, 61)), np.uint8)
    assert is_all_hidden(blurred, pixels, mesh)
    assert not is_all_hidden(pixels, pixels, mesh)
    gone = people.note_of(blurred, pixels, mesh, mask, (), None)  # type: ignore[arg-type]
    assert gone.hidden
    assert gone.changed > 0.5


def test_faces_that_trade_places_are_counted() -> None:
    def note(own: float, other: float) -> people.Note:
        return people.Note(1.0, False, (own, other), 0.2)

    notes = [note(0.5, 0.1)] * 20 + [note(0.1, 0.5)] * 3
    verdict = people.verdict_of("scene", "person", notes, asked=True)
    assert (verdict.traded, verdict.wrong, verdict.hidden, verdict.frames) == (3, 0, 0, 23)


@pytest.mark.parametrize(("asked", "wrong", "covered"), [(True, 2, 0.0), (False, 3, 1.0)])
def test_what_is_wrong_depends_on_who_asked(asked: bool, wrong: int, covered: float) -> None:
    shares = ((0.5, False), (0.0, False), (0.7, True), (1.0, False))
    notes = [people.Note(share, hidden, (), 0.0) for share, hidden in shares]
    verdict = people.verdict_of("scene", "person", notes, asked=asked)
    assert (verdict.wrong, verdict.covered, verdict.hidden) == (wrong, covered, 1)


# Pictures to measure on ----------------------------------------------------------------------------------------------


def test_bad_light_is_bad_and_the_face_still_there(photo: tuple[Pixels, FaceMesh]) -> None:
    pixels, mesh = photo
    face = region(mesh, pixels.shape) > 0
    assert darkened(pixels)[face].mean() < 0.55 * pixels[face].mean()
    left, right = face.copy(), face.copy()
    middle = int(mesh.points[1, 0])
    left[:, middle:], right[:, :middle] = False, False
    side = LIGHTS["lit from the side"](pixels)
    assert side[left].mean() / side[right].mean() > 1.2 * pixels[left].mean() / pixels[right].mean()
    blue, _, red = LIGHTS["warm"](pixels)[face].mean(axis=0) / pixels[face].mean(axis=0)
    assert blue < 0.75 * red


def test_a_sheet_shows_both_extremes_at_full_size(photo: tuple[Pixels, FaceMesh], tmp_path: Path) -> None:
    pixels, mesh = photo

    def turned(degrees: float) -> FaceMesh:
        turn = np.deg2rad(degrees)
        matrix = np.array([[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]])
        return FaceMesh((mesh.points @ matrix.T).astype(np.float32), 1.0)

    meshes = [None, *(turned(degrees) for degrees in (5, -30, 0, 28, 10, -12))]
    chosen = spread_by_yaw(meshes, 3)
    assert len(chosen) == 3
    assert {chosen[0], chosen[-1]} == {2, 4}
    pair = tile(255 - pixels, pixels, mesh, "x")
    side = pair.shape[1] // 2
    assert (pair[30:, :side] == 255 - pair[30:, side:]).all()
    write_sheet(tmp_path / "sheets" / "one.png", [pair, pair, pair], columns=2)
    sheet = cv2.imread(str(tmp_path / "sheets" / "one.png"))
    assert sheet is not None
    assert (sheet[: pair.shape[0], : pair.shape[1]] == pair).all()


def test_the_film_for_speed_holds_both_people_at_60_fps(photo: tuple[Pixels, FaceMesh], tmp_path: Path) -> None:
    clip = Clip("navy", 30, [photo[0]])
    film = cv2.VideoCapture(str(write_film(tmp_path / "two.mp4", [clip, clip], seconds=0.1)))
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(60)
    there, pixels = film.read()
    film.release()
    assert there
    assert pixels.shape == (720, 1280, 3)
    assert np.abs(pixels[:, :640].astype(int) - pixels[:, 640:]).mean() < 4


def test_the_model_for_speed_keeps_the_contract(tmp_path: Path) -> None:
    from realtime.models.runtime.onnx_model import OnnxModel, SessionPolicy

    model = OnnxModel.open(write_model(tmp_path / "model.onnx"), SessionPolicy(provider="cpu", threads=1))
    assert tuple(model.input_shapes["face"]) == (1, 128, 128, 3)
    model.close()


@pytest.mark.parametrize("thing", THINGS)
def test_a_thing_before_a_face_is_drawn_where_it_is_counted(photo: tuple[Pixels, FaceMesh], thing: str) -> None:
    pixels, mesh = photo
    picture, mask = drawn(thing, 11, 2.0, [pixels] * 12, [(mesh, mesh)] * 12)  # after 5.5 s it is half way
    assert mask is not None
    differs = (picture != pixels).any(axis=2)
    assert differs[mask == 255].mean() > 0.9
    assert not differs[cv2.dilate(mask, np.ones((9, 9))) == 0].any()
    assert (mask[region(mesh, pixels.shape) > 0] > 127).mean() > 0.03


def test_things_before_a_face_are_seen_and_a_face_alone_has_no_holes(photo: tuple[Pixels, FaceMesh]) -> None:
    pictures = [shifted(photo[0], 3 * np.sin(index / 3), 0.0) for index in range(12)]
    things = ("a fist at the chin, a quarter darker", "one finger")
    kept = {each.thing: each for each in keep_things(Clip("navy", 6.0, pictures), things)}
    assert list(kept) == ["", *things]
    assert (kept[""].frames, kept[""].holes) == (0, 0)
    fist = kept["a fist at the chin, a quarter darker"]
    assert fist.frames >= 8
    assert fist.found > 0.5
    assert fist.beside < 0.1


def test_a_thing_seen_too_shortly_has_no_line() -> None:
    kept = [Kept("a", "cup", 40, 0.5, 0.02, 1), Kept("b", "cup", 9, 0.0, 0.0, 2), Kept("b", "", 0, 0.0, 0.0, 3)]
    table = in_front_table(kept)
    assert "| cup | 1 | 40 | 50% (50%) | 2.0% (2.0%) |" in table
    assert "a hole in it: 3; after a thing: 3" in table
