"""Several people: do faces stay with whom they are worn by, is a bystander left alone, is anybody ever seen bare.

Films with a known truth are put together from two clips: side by side, passing one another, one walking out and coming
back, a hand before a face, a picture of noise in between. Who is where in them is known, not detected.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.effects.scene import Scene
from realtime.effects.swap import SwapSettings
from realtime.faces.landmarks.mesh import EYES, MOUTH, FaceMesh
from realtime.faces.tracking.tracker import FaceTracker
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.numerics import eased
from realtime.imaging.pixels import Place
from tools.swap_figures.material import Clip, to_and_fro
from tools.swap_figures.talking import grain
from tools.swap_figures.wearing import Eyes, Seen, open_detector, open_swap, region, watch

SIZE = Size(1280, 720)
_SIDE_PX = 540
"""Of each person's picture."""
_TOP_PX = 90
_CHANGED = 2
"""Grey levels: a pixel that differs by more is not the camera's."""
_BARE = 0.8
"""A face is bare where less than this share of it has changed, eyes and mouth left out, which stay the wearer's own.
Of a whole swap it is 0.87 or more, of half a face left open 0.5."""
_TOUCHED = 0.02
"""And a bystander's is touched where more than that has."""
_HIDDEN = 0.12
"""Grain of a hidden face over the camera's."""
_HAND_MARGIN_PX = 8
"""Beside a hand the new face may fade for so far."""
_COVERED = 0.3
"""Whose face it is cannot be told where a hand hides more of it."""
_LEAST_FREE = 0.1
_EVERY = 3
"""Likeness is measured in every third frame; whether a face is bare in all of them."""
_SURE = 0.05
"""Likeness by which the other's face must be nearer to count as traded."""


class Spot(NamedTuple):
    """Where one person's picture lies in a frame."""

    left: int
    """The left edge of the square; it may lie beyond the frame."""
    in_front: bool = False
    shown: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Scenario:
    """A film of two people: where each is, frame by frame, and what passes before the first one's face."""

    name: str
    spots: Callable[[float], tuple[Spot, Spot]]
    """By time in seconds."""
    hand: Callable[[float], float | None] = lambda at_s: None
    """Where a hand is, from -1 (left of the first face) to 1; None: nowhere."""
    noise: Callable[[float], bool] = lambda at_s: False
    """Whether the camera shows nothing but noise."""

    @property
    def moves(self) -> bool:
        """Whether it is the people themselves that make it hard."""
        return self.spots is not _side_by_side or self.name == "side by side"


def _side_by_side(at_s: float) -> tuple[Spot, Spot]:  # noqa: ARG001 - nobody moves
    return Spot(60), Spot(680)


def _passing(at_s: float) -> tuple[Spot, Spot]:
    walked_px = round(620 * eased((at_s - 1.0) / 2.5))
    return Spot(60 + walked_px), Spot(680 - walked_px, in_front=True)


def _out_and_back(at_s: float) -> tuple[Spot, Spot]:
    turned_away = np.clip(at_s - 1.0, 0, 1) - np.clip(at_s - 3.0, 0, 1)
    return Spot(60), Spot(680 + round(640 * float(turned_away)), in_front=True)


def _between(at_s: float, start_s: float, seconds: float) -> float | None:
    share = (at_s - start_s) / seconds
    return 2 * share - 1 if 0 <= share <= 1 else None


SCENES = (
    Scenario("side by side", _side_by_side),
    Scenario("passing one another", _passing),
    Scenario("one out and back", _out_and_back),
    Scenario("a hand passes", _side_by_side, hand=lambda at_s: _between(at_s, 1.5, 1.2)),
    Scenario("noise for half a second", _side_by_side, noise=lambda at_s: 2.0 <= at_s < 2.5),
)


class Shot(NamedTuple):
    """One frame of a scene and the truth about it."""

    pixels: Pixels
    meshes: tuple[FaceMesh | None, FaceMesh | None]
    """Where both people's faces are; None: not to be seen."""
    hand: NDArray[np.uint8]
    """(height, width) 255 where a hand is before them."""


def play(scene: Scenario, people: Sequence[Sequence[Seen]], fps: float, seconds: float) -> Iterator[Shot]:
    """The scene's frames, played by two clips, each to and fro."""
    rng = np.random.default_rng(3)
    for index in range(round(seconds * fps)):
        at_s = index / fps
        hand = np.zeros((SIZE.height, SIZE.width), np.uint8)
        if scene.noise(at_s):
            yield Shot(rng.integers(0, 255, (SIZE.height, SIZE.width, 3), np.uint8), (None, None), hand)
            continue
        pixels = np.full((SIZE.height, SIZE.width, 3), (96, 104, 112), np.uint8)
        spots = scene.spots(at_s)
        sightings = [clip[to_and_fro(index, len(clip))] for clip in people]
        for spot, sighting in sorted(zip(spots, sightings, strict=True), key=lambda pair: pair[0].in_front):
            _paste(pixels, sighting.frame.pixels, spot)
        meshes = [_moved(sighting, spot) for spot, sighting in zip(spots, sightings, strict=True)]
        across = scene.hand(at_s)
        if across is not None and meshes[0] is not None:
            _draw_hand(pixels, meshes[0], across, hand)
        yield Shot(pixels, (_visible(meshes[0], spots[0], spots[1]), _visible(meshes[1], spots[1], spots[0])), hand)


def _paste(pixels: Pixels, picture: Pixels, spot: Spot) -> None:
    side = min(picture.shape[:2])
    square = picture[:side, (picture.shape[1] - side) // 2 :][:, :side]
    scaled = cv2.resize(square, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_LINEAR)
    whole = Place(spot.left, _TOP_PX, _SIDE_PX, _SIDE_PX)
    part = whole.shared_with(Place(0, 0, SIZE.width, SIZE.height))
    if part.width > 0:
        part.of(pixels)[:] = scaled[:, part.left - spot.left : part.left - spot.left + part.width]


def _moved(sighting: Seen, spot: Spot) -> FaceMesh | None:
    """The face where the scene has it."""
    if sighting.mesh is None:
        return None
    height, width = sighting.frame.pixels.shape[:2]
    side = min(height, width)
    scale = _SIDE_PX / side
    points = sighting.mesh.points * np.float32(scale)
    points[:, 0] += spot.left - scale * ((width - side) // 2)
    points[:, 1] += _TOP_PX
    return FaceMesh(points, sighting.mesh.score)


def _visible(mesh: FaceMesh | None, own: Spot, other: Spot) -> FaceMesh | None:
    """The face where nothing of it is out of the picture or behind the other one."""
    if mesh is None:
        return None
    box = mesh.box
    if box.left < 0 or box.left + box.width > SIZE.width:
        return None
    behind = other.in_front and not own.in_front
    if behind and box.left < other.left + _SIDE_PX and box.left + box.width > other.left:
        return None
    return mesh


def _draw_hand(pixels: Pixels, mesh: FaceMesh, across: float, hand: NDArray[np.uint8]) -> None:
    """Four fingers and the back of a hand, in a colour of skin; `hand` is where, with a margin."""
    box = mesh.box
    x, y = box.centre
    unit = box.width / 2
    middle = x + 1.8 * across * unit
    parts = [((middle + (finger - 1.5) * 0.3 * unit, y - 0.5 * unit), (0.14 * unit, 0.9 * unit)) for finger in range(4)]
    parts.append(((middle, y + 0.5 * unit), (0.62 * unit, 0.8 * unit)))
    for centre, axes in parts:
        at = round(centre[0]), round(centre[1])
        cv2.ellipse(pixels, at, (round(axes[0]), round(axes[1])), 0, 0, 360, (114, 146, 192), -1, cv2.LINE_AA)
        wider = round(axes[0] + _HAND_MARGIN_PX), round(axes[1] + _HAND_MARGIN_PX)
        cv2.ellipse(hand, at, wider, 0, 0, 360, 255, -1)


# What became of them ----------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What was seen of one person in one scene."""

    scene: str
    person: str
    asked: bool
    frames: int
    """In which the person's face was to be seen."""
    wrong: int
    """Of these. Asked: without the new face, or a part of it, and not hidden. Not asked: touched."""
    covered: float
    """The share of the face that was new or hidden, in the worst frame: asked the smallest, not asked the largest."""
    hidden: int
    traded: int
    """In which the face was more like the other's photo."""
    like_themselves: float
    """The largest likeness of the finished face and the person's own in that frame."""


class Player(NamedTuple):
    """A clip whose viewer plays in scenes."""

    clip: Clip
    seen: Sequence[Seen]

    @classmethod
    def of(cls, clip: Clip, eyes: Eyes) -> Player:
        """Watch a clip once, for all scenes."""
        return cls(clip, watch(clip, eyes))


def judge(
    scene: Scenario, players: tuple[Player, Player], seconds: float, photos: Sequence[Path], eyes: Eyes
) -> list[Verdict]:
    """Play a scene with so many photos to wear (one: the other person was not asked). Raises a RealtimeError."""
    fps = players[0].clip.fps
    targets = [eyes.photo(photo) for photo in photos]
    detector, tracker, effect = open_detector(), FaceTracker(), open_swap(",".join(map(str, photos)))
    notes: list[list[Note]] = [[], []]
    try:
        for index, shot in enumerate(play(scene, [player.seen for player in players], fps, seconds)):
            frame = Frame(shot.pixels, index / fps, index / fps, index)
            output = effect.make(Scene(frame, tracker.update(detector.find(frame), frame.pts_s))).pixels
            for mesh, person_notes in zip(shot.meshes, notes, strict=True):
                if mesh is not None:
                    compared_with = targets if index % _EVERY == 0 else ()
                    person_notes += _notes(output, shot, mesh, compared_with, eyes)
    finally:
        detector.close()
        effect.close()
    asked = [len(photos) > 1 or _changed_mostly(person_notes) for person_notes in notes]
    return [
        verdict_of(scene.name, player.clip.name, person_notes, is_asked)
        for player, person_notes, is_asked in zip(players, notes, asked, strict=True)
    ]


class Note(NamedTuple):
    changed: float
    """Share of the face that is not the camera's."""
    hidden: bool
    likeness: tuple[float, ...]
    """With each photo; empty where it is hidden or was not asked for."""
    like_self: float


def _notes(
    output: Pixels, shot: Shot, mesh: FaceMesh, targets: Sequence[NDArray[np.float32]], eyes: Eyes
) -> Sequence[Note]:
    """What is seen of one face, hands left out; nothing where a hand hides all of it."""
    mask = face_only(mesh, shot.pixels.shape)
    whole = int((mask > 0).sum())
    mask[shot.hand > 0] = 0
    free = int((mask > 0).sum()) / max(1, whole)
    if free < _LEAST_FREE:
        return ()
    return (note_of(output, shot.pixels, mesh, mask, targets if free > 1 - _COVERED else (), eyes),)


def note_of(
    output: Pixels,
    original: Pixels,
    mesh: FaceMesh,
    mask: NDArray[np.uint8],
    targets: Sequence[NDArray[np.float32]],
    eyes: Eyes,
) -> Note:
    difference = cv2.absdiff(output, original)[mask > 0]
    hidden = grain(output, mask) < _HIDDEN * grain(original, mask)
    changed = float((difference.max(axis=1) > _CHANGED).mean())
    if hidden or not targets:
        return Note(changed, hidden, (), 0.0)
    embedding = eyes.embedding.of(output, mesh)
    return Note(
        changed,
        False,
        tuple(float(embedding @ target) for target in targets),
        float(embedding @ eyes.embedding.of(original, mesh)),
    )


def face_only(mesh: FaceMesh, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """(height, width) uint8: 255 on the inner face without eyes and mouth."""
    mask = region(mesh, shape, 0.75)
    for numbers in (*EYES, MOUTH):
        cv2.fillPoly(mask, [np.rint(mesh.points[list(numbers), :2]).astype(np.int32)], 0)
    return mask


def _changed_mostly(notes: Sequence[Note]) -> bool:
    return float(np.median([note.changed for note in notes])) > _BARE


def verdict_of(scene: str, person: str, notes: Sequence[Note], asked: bool) -> Verdict:
    visible = [note for note in notes if not note.hidden]
    pairs = np.array([note.likeness for note in visible if len(note.likeness) == 2])
    traded = 0
    if len(pairs):
        lead = pairs[:, 0] - pairs[:, 1]
        lead *= np.sign(np.median(lead)) or 1.0
        traded = int((lead < -_SURE).sum())
    return Verdict(
        scene,
        person,
        asked,
        len(notes),
        sum(note.changed < _BARE and not note.hidden if asked else note.changed > _TOUCHED for note in notes),
        (min if asked else max)((note.changed for note in notes), default=float(asked)),
        len(notes) - len(visible),
        traded,
        max((note.like_self for note in visible), default=0.0),
    )


def everyone(clip: Clip, photo: Path, eyes: Eyes) -> Verdict:
    """A film of real people who come and go, all of whom were asked: whoever the detector surely sees must wear it."""
    detector, tracker = open_detector(), FaceTracker()
    effect = open_swap(str(photo), SwapSettings(everyone=True))
    notes = []
    targets = [eyes.photo(photo)]
    try:
        for frame in clip.frames():
            faces = detector.find(frame)
            output = effect.make(Scene(frame, tracker.update(faces, frame.pts_s))).pixels
            for face in faces:
                if face.score < 0.75 or face.box.width < 40:
                    continue
                mesh = eyes.meter.meshes.measure(frame.pixels, face)
                if mesh.score > 0.8 and mesh.box.overlap(face.box) > 0.3:
                    mask = face_only(mesh, frame.pixels.shape)
                    notes.append(note_of(output, frame.pixels, mesh, mask, targets, eyes))
    finally:
        detector.close()
        effect.close()
    return verdict_of("everyone asked", clip.name, notes, asked=True)
