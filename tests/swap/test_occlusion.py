"""What stands in front of a face is found, and nothing else is: on real faces, with things whose place is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.core.errors import ModelError
from realtime.face_compositing.compositor import Compositor, KeptFeatures
from realtime.face_compositing.face_geometry import GRID, FaceGeometry, with_rim
from realtime.face_compositing.occlusion.detector import OcclusionDetector
from realtime.face_compositing.occlusion.network import OccluderNetwork
from realtime.faces.detection.still_pictures import find_faces
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import LEFT_BROW, RIGHT_BROW, FaceMesh
from realtime.faces.tracking.mesh_tracker import WornMeshTracker
from realtime.imaging.frame import Face, Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.swap.photo.photo_face import PhotoFace, PhotoLevels
from tools.swap_figures.hands import FilmedHand, filmed_hands, hands_table

_FPS = 30
_SIDE = 400


class Moment(NamedTuple):
    pixels: Pixels
    mesh: FaceMesh
    measured: FaceMesh | None = None


Change = Callable[[Pixels, int], Pixels]


@pytest.fixture(scope="module")
def clip(photo: Pixels, face: Face, meter: FaceMeasurer) -> list[Moment]:
    """Two seconds of somebody who sways, nods and comes nearer, before a camera with noise."""
    near = meter.meshes.measure(photo, face)
    x, y = near.points[:, :2].mean(axis=0)
    scale = 170 / near.width_px
    random = np.random.default_rng(5)
    moments = []
    for index in range(60):
        angle = 4 * math.sin(index / 9)
        matrix = cv2.getRotationMatrix2D((float(x), float(y)), angle, scale * (1 + 0.04 * math.sin(index / 13)))
        matrix[:, 2] += (_SIDE / 2 - x + 8 * math.sin(index / 7), _SIDE / 2 - y + 5 * math.sin(index / 5))
        pixels = cv2.warpAffine(photo, matrix, (_SIDE, _SIDE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
        pixels = np.clip(pixels + random.normal(0, 3, pixels.shape), 0, 255).astype(np.uint8)
        points = near.points.copy()
        points[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        points[:, 2] *= scale
        moments.append(Moment(pixels, meter.meshes.again(pixels, FaceMesh(points.astype(np.float32), 1.0))))
    return moments


def look(
    occlusion: OcclusionDetector, moments: list[Moment], change: Change | None = None, first: int = 0
) -> Iterator[Floats]:
    """Yield how much of the face is hidden at each moment, on the grid, as far as a new face would show there."""
    for index, (pixels, mesh, measured) in enumerate(moments, first):
        geometry = laid(mesh, pixels, measured)
        shown = pixels if change is None else change(pixels, index)
        visible = occlusion.visible(shown, geometry, index / _FPS)
        assert visible.shape == (GRID.height, GRID.width)
        assert visible.dtype == np.float32
        assert 0 <= visible.min() <= visible.max() <= 1
        yield (1 - visible) * geometry.alpha


def laid(mesh: FaceMesh, pixels: Pixels, measured: FaceMesh | None = None) -> FaceGeometry:
    geometry = FaceGeometry()
    geometry.update(mesh, Size.of(pixels), with_rim(mesh.points[:, :2]), measured)
    return geometry


def part_of(geometry: FaceGeometry) -> tuple[slice, slice]:
    place = geometry.place
    return slice(place.top, place.top + place.height), slice(place.left, place.left + place.width)


def below_brows(moment: Moment) -> NDArray[np.bool_]:
    """Where no cap and no hair is."""
    geometry = laid(moment.mesh, moment.pixels)
    return np.asarray((geometry.flat_map[..., 1] > 0.42) & (geometry.alpha > 0.99))


def hidden_share(hidden: Floats, moment: Moment) -> float:
    return float(hidden[below_brows(moment)].mean())


def held(kind: str, pixels: Pixels, mesh: FaceMesh) -> tuple[Pixels, Floats]:
    """Return a thing held before the lower left of a face, in a picture of its own, and where it is, 0..1."""
    height, width = pixels.shape[:2]
    unit = mesh.width_px
    x, y = (mesh.points[152, :2] + 0.35 * (mesh.points[50, :2] - mesh.points[152, :2])).tolist()
    share = np.zeros((height, width), np.uint8)
    across = np.broadcast_to(np.arange(width, dtype=np.float32), (height, width))
    if kind == "fingers":
        cheek_x, cheek_y = mesh.points[280, :2].astype(int)
        skin = pixels[cheek_y - 4 : cheek_y + 5, cheek_x - 4 : cheek_x + 5].reshape(-1, 3).mean(axis=0)
        shade = np.zeros((height, width), np.float32)
        for finger in range(4):
            begin = (round(x + (finger - 1.5) * 0.17 * unit), round(y + 0.6 * unit))
            end = (round(begin[0] + 0.05 * unit), round(y - (0.3 + 0.05 * (finger % 3)) * unit))
            one = cv2.line(np.zeros_like(share), begin, end, 255, round(0.15 * unit), cv2.LINE_AA)
            depth = cv2.distanceTransform(one, cv2.DIST_L2, 3) / (0.075 * unit)
            shade = np.maximum(shade, np.sqrt(np.clip(depth, 0, 1)))
            share = np.maximum(share, one)
        colour = skin * (0.3 + 0.4 * shade[..., None])  # turned from the light that is on the face
    else:
        corner = (round(x - 0.3 * unit), round(y - 0.25 * unit))
        cv2.rectangle(share, corner, (round(x + 0.3 * unit), round(y + 0.8 * unit)), 255, -1)
        round_light = 0.5 + 0.5 * np.cos((across - x) / (0.35 * unit))
        colour = np.array({"cup": (170, 90, 40), "phone": (34, 32, 32)}[kind]) * round_light[..., None]
    share_soft = cv2.GaussianBlur(share, (3, 3), 0).astype(np.float32) / 255
    return np.clip(colour, 0, 255).astype(np.uint8), np.asarray(share_soft, np.float32)


def with_thing(kind: str, moment: Moment) -> tuple[Pixels, Floats]:
    thing, share = held(kind, moment.pixels, moment.mesh)
    unit = round(0.04 * moment.mesh.width_px)
    shadow = 1 - 0.3 * cv2.blur(np.roll(share, (-unit, -unit), (0, 1)), (2 * unit + 1, 2 * unit + 1))[..., None]
    mixed = moment.pixels * shadow * (1 - share[..., None]) + thing * share[..., None]
    return mixed.astype(np.uint8), share


def test_a_face_alone_has_no_holes(clip: list[Moment]) -> None:
    for hidden, moment in zip(look(OcclusionDetector(), clip), clip, strict=True):
        assert hidden_share(hidden, moment) < 1e-3


@pytest.mark.parametrize("kind", ["cup", "phone", "fingers"])
def test_what_is_held_before_a_face_is_found_and_gone_with_it(
    clip: list[Moment], meter: FaceMeasurer, kind: str
) -> None:
    occlusion = OcclusionDetector()
    list(look(occlusion, clip[:45]))
    found, truths, elsewhere = [], [], []
    for index in range(45, 60):
        pixels, share = with_thing(kind, clip[index])
        moment = Moment(pixels, meter.meshes.again(pixels, clip[index].mesh))
        (hidden,) = look(occlusion, [moment], first=index)
        geometry = laid(moment.mesh, pixels)
        truth = cv2.resize(share[part_of(geometry)], GRID, interpolation=cv2.INTER_AREA) * geometry.alpha
        if index >= 48:
            found.append(float((hidden * truth).sum()))
            truths.append(float(np.square(truth).sum()))
            away = cv2.dilate(truth, np.ones((9, 9), np.uint8)) == 0
            elsewhere.append(float(hidden[away & below_brows(moment)].mean()))
    assert sum(found) > (0.6 if kind == "fingers" else 0.85) * sum(truths)
    assert np.mean(elsewhere) < 0.02
    after = list(look(occlusion, clip[:12], first=60))
    assert hidden_share(after[0], clip[0]) > 0
    assert all(hidden_share(hidden, moment) < 0.02 for hidden, moment in zip(after[8:], clip[8:12], strict=True))


def lamp_goes_out(pixels: Pixels, index: int) -> Pixels:
    return np.asarray(pixels * np.array([0.75, 0.65, 0.6]), np.uint8) if index > 20 else pixels


def window_to_the_side(pixels: Pixels, index: int) -> Pixels:
    gain = 0.75 + 0.25 * math.sin(index / 12) * np.linspace(-1, 1, pixels.shape[1])
    return np.asarray(pixels * gain[None, :, None], np.uint8)


def screen_that_changes(pixels: Pixels, index: int) -> Pixels:
    return np.asarray(pixels * 0.85 + np.array([20, 8, 0]) * (index // 8 % 2), np.uint8)


@pytest.mark.parametrize("change", [lamp_goes_out, window_to_the_side, screen_that_changes])
def test_changing_light_makes_no_holes(clip: list[Moment], change: Change) -> None:
    for hidden, moment in zip(look(OcclusionDetector(), clip, change), clip, strict=True):
        assert hidden_share(hidden, moment) < 0.002


def test_a_cup_held_up_from_the_start_leaves_no_hole_behind(clip: list[Moment]) -> None:
    occlusion = OcclusionDetector()
    for index in range(20):
        list(look(occlusion, [Moment(with_thing("cup", clip[index])[0], clip[index].mesh)], first=index))
    for hidden, moment in zip(look(occlusion, clip[20:], first=20), clip[20:], strict=True):
        assert hidden_share(hidden, moment) < 0.02


_FRINGE = (54, 103, 67, 109, 10, 338, 297, 332, 284, 333, 299, 337, 151, 108, 69, 104)
"""The outline of the forehead, and the way back through the middle of it."""


def with_fringe(moment: Moment) -> tuple[Pixels, Floats]:
    share = np.zeros(moment.pixels.shape[:2], np.uint8)
    cv2.fillPoly(share, [np.rint(moment.mesh.points[list(_FRINGE), :2]).astype(np.int32)], 255, cv2.LINE_AA)
    fringe = share.astype(np.float32) / 255
    mixed = moment.pixels * (1 - fringe[..., None]) + np.array([22, 30, 42]) * fringe[..., None]
    return mixed.astype(np.uint8), np.asarray(fringe, np.float32)


def test_a_fringe_stays_over_the_new_face_from_the_first_frame_on_and_does_not_flicker(clip: list[Moment]) -> None:
    occlusion = OcclusionDetector()
    before: Floats | None = None
    for index, moment in enumerate(clip):
        pixels, share = with_fringe(moment)
        (hidden,) = look(occlusion, [Moment(pixels, moment.mesh)], first=index)
        geometry = laid(moment.mesh, pixels)
        fringe = cv2.resize(share[part_of(geometry)], GRID, interpolation=cv2.INTER_AREA) * geometry.alpha
        assert (hidden * fringe).sum() > 0.65 * np.square(fringe).sum()
        assert hidden_share(hidden, moment) < 1e-3
        if before is not None:
            assert np.abs(hidden - before).mean() < 0.01
        before = hidden


def test_hair_takes_no_dark_brow_along(clip: list[Moment]) -> None:
    pixels, mesh, _ = clip[0]
    black = pixels.copy()
    temples = (21, 54, 103, 104, 63, 70, 139), (251, 284, 332, 333, 293, 300, 368)  # down to the brows' ends
    for part in (LEFT_BROW, RIGHT_BROW, *temples):
        hull = cv2.convexHull(np.rint(mesh.points[list(part), :2]).astype(np.int32))
        cv2.fillConvexPoly(black, hull, (25, 25, 30))
    (hidden,) = look(OcclusionDetector(), [Moment(black, mesh)])
    geometry = laid(mesh, black)
    at = {
        number: tuple(np.rint(geometry.in_place((number,))[0] * GRID / geometry.place.size).astype(int))
        for number in (68, 105)
    }
    (x, y), (brow_x, brow_y) = at[68], at[105]
    assert hidden[y, x] > 0.3
    assert hidden[brow_y : brow_y + 3, brow_x].max() < 0.12


def test_whoever_comes_next_is_looked_at_anew(clip: list[Moment]) -> None:
    occlusion = OcclusionDetector()
    list(look(occlusion, clip[:30]))
    occlusion.forget()
    darker = [Moment((moment.pixels * 0.4).astype(np.uint8)[:, ::-1].copy(), moment.mesh) for moment in clip[30:33]]
    for hidden, moment in zip(look(occlusion, darker, first=30), darker, strict=True):
        assert hidden_share(hidden, moment) < 1e-3


@pytest.mark.parametrize("in_front", [True, False])
def test_a_new_face_is_painted_over_a_cup_only_where_that_is_wanted(
    clip: list[Moment], photo: Pixels, mesh: FaceMesh, in_front: bool
) -> None:
    mask = PhotoFace(PhotoLevels.of(np.full_like(photo, (60, 220, 60)), mesh))
    compositor = Compositor(mask, KeptFeatures(eyes=True, mouth=True), light=0.0, in_front=in_front)
    for index in range(40):
        compositor.render(*clip[index][:2], index / _FPS, 1.0, clip[index].pixels.copy())
    for index in range(40, 48):
        pixels, share = with_thing("cup", clip[index])
        out = pixels.copy()
        compositor.render(pixels, clip[index].mesh, index / _FPS, 1.0, out)
    geometry = laid(clip[47].mesh, pixels)
    inside = cv2.erode((share > 0.99).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    cover = np.zeros(share.shape, np.float32)
    cover[part_of(geometry)] = cv2.resize(geometry.alpha, geometry.place.size)
    changed = np.abs(out.astype(np.int16) - pixels)[inside & (cover > 0.99)].mean()
    assert (changed < 8) if in_front else (changed > 30)


def test_a_face_that_is_held_has_no_hole(clip: list[Moment], photo: Pixels, mesh: FaceMesh) -> None:
    """Where a hand is while nobody can be followed, nobody knows; where it was, the wearer may be seen."""
    compositor = Compositor(
        PhotoFace(PhotoLevels.of(np.full_like(photo, (60, 220, 60)), mesh)),
        KeptFeatures(eyes=True, mouth=True),
        light=0.0,
    )
    for index in range(40):
        compositor.render(*clip[index][:2], index / _FPS, 1.0, clip[index].pixels.copy())
    for index in range(40, 48):
        with_cup, share = with_thing("cup", clip[index])
        compositor.render(with_cup, clip[index].mesh, index / _FPS, 1.0, with_cup.copy())
    out = clip[47].pixels.copy()
    compositor.hold(out)
    geometry = laid(clip[47].mesh, out)
    inside = cv2.erode((share > 0.99).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    cover = np.zeros(share.shape, np.float32)
    cover[part_of(geometry)] = cv2.resize(geometry.alpha, geometry.place.size)
    changed = np.abs(out.astype(np.int16) - clip[47].pixels).max(axis=2)[inside & (cover > 0.99)]
    assert (changed > 20).mean() > 0.95


def test_a_cup_does_not_colour_the_new_face(clip: list[Moment], photo: Pixels, mesh: FaceMesh) -> None:
    def worn_after(kind: str | None) -> NDArray[np.float64]:
        """Return the mean colour of the new face's cheek, clear of where the cup was, just after it has gone."""
        compositor = Compositor(PhotoFace(PhotoLevels.of(photo, mesh)), KeptFeatures(eyes=True, mouth=True), light=1.0)
        for index in range(60):
            moment = clip[index]
            pixels = with_thing(kind, moment)[0] if kind is not None and 40 <= index < 59 else moment.pixels
            out = pixels.copy()
            compositor.render(pixels, moment.mesh, index / _FPS, 1.0, out)
        geometry = laid(clip[59].mesh, out)
        cheek = (geometry.flat_map[..., 1] > 0.5) & (geometry.flat_map[..., 1] < 0.7) & (geometry.alpha > 0.99)
        cheek &= np.abs(geometry.flat_map[..., 0] - 0.4) < 0.1
        small = np.asarray(cv2.resize(out[part_of(geometry)], GRID, interpolation=cv2.INTER_AREA), np.float64)
        return np.asarray(small[cheek].mean(axis=0))

    assert np.abs(worn_after("cup") - worn_after(None)).max() < 12


def seen_where(mesh: FaceMesh, face: Face) -> Face:
    """The face as a detector would see it there: ears are where they were."""
    return Face(mesh.box, np.vstack([mesh.keypoints, face.keypoints[4:]]), face.score, face.track_id)


@pytest.mark.parametrize("name", ["talking_3.mp4", "talking_9.mp4", "talking_11.mp4"])
def test_people_who_talk_have_no_holes(shared_data: Path, meter: FaceMeasurer, name: str) -> None:
    video = cv2.VideoCapture(str(shared_data / "videos" / name))
    frames = [np.asarray(video.read()[1], np.uint8) for _ in range(90)]
    video.release()
    face = find_faces(frames[0], meter)[0]
    mesh_tracker, occlusion = WornMeshTracker(meter.meshes), OcclusionDetector()
    for index, pixels in enumerate(frames):
        mesh = mesh_tracker.follow(pixels, face, index / _FPS)
        assert mesh is not None
        (hidden,) = look(occlusion, [Moment(pixels, mesh, mesh_tracker.measured)], first=index)
        geometry = laid(mesh, pixels)
        middle = (
            (geometry.flat_map[..., 1] > 0.42)
            & (np.abs(geometry.flat_map[..., 0] - 0.5) < 0.25)
            & (geometry.alpha > 0.99)
        )
        assert hidden[middle].mean() < 1e-3
        face = seen_where(mesh, face)


def test_a_head_that_turns_in_hard_light_has_no_holes(shared_data: Path, meter: FaceMeasurer) -> None:
    video = cv2.VideoCapture(str(shared_data / "videos" / "several_people.mp4"))
    frames = [np.asarray(video.read()[1], np.uint8) for _ in range(180)][90:]  # one shot of a singer
    video.release()
    face = find_faces(frames[0], meter)[0]
    mesh_tracker, occlusion = WornMeshTracker(meter.meshes), OcclusionDetector()
    yaws = []
    for index, pixels in enumerate(frames):
        found = find_faces(pixels, meter)
        if found:
            last = face.box
            face = max(found, key=lambda one: one.box.overlap(last))
        mesh = mesh_tracker.follow(pixels, face, index / _FPS)
        if mesh is None:
            continue
        yaws.append(mesh.yaw_degrees)
        (hidden,) = look(occlusion, [Moment(pixels, mesh, mesh_tracker.measured)], first=index)
        geometry = laid(mesh, pixels)
        flat = geometry.flat_map
        upper = (
            (flat[..., 1] > 0.42) & (flat[..., 1] < 0.6) & (np.abs(flat[..., 0] - 0.5) < 0.2) & (geometry.alpha > 0.99)
        )
        assert hidden[upper].mean() < 0.01
    assert len(yaws) > 60
    assert max(yaws) - min(yaws) > 25


def test_a_broken_network_is_a_line() -> None:
    with pytest.raises(ModelError, match=r"in_front\.onnx cannot be read .*; install the program again") as caught:
        OccluderNetwork(b"no network")
    assert "\n" not in str(caught.value)


def test_marked_hands_are_summed_up_by_clip(tmp_path: Path) -> None:
    assert list(filmed_hands(tmp_path)) == []  # no clips, no figures
    nobody = FilmedHand("a", 3, math.nan, math.nan, math.nan)
    table = hands_table([FilmedHand("a", 1, 0.2, 0.9, 0.01), FilmedHand("a", 2, 0.4, 0.5, 0.03), nobody])
    assert table.splitlines()[2] == "| a | 2 of 3 | 30% | 70% (50%) | 2.0% (3.0%) |"
