"""Films in which a face that asked to be hidden is easily seen: leaning out at an edge, a poster found first, another
size, a clock that leaps, a neighbour who comes while nobody looks, a cut to another scene.

They are put together from real faces, so that where every face is, is known and not detected. The program's own finder
looks at them; what it shall miss is written in the film.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.core.stats import RunStats
from realtime.faces import FaceDetector
from realtime.faces.face_stage import FaceStage
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Face, Frame, Pixels, Size
from realtime.imaging.numerics import eased
from realtime.imaging.pixels import Place
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_slot import EffectSlot
from tools.swap_figures.material import read_clip, to_and_fro
from tools.swap_figures.people import face_only
from tools.swap_figures.talking import grain
from tools.swap_figures.wearing import open_detector, open_swap

FPS = 25.0
SIZE = Size(640, 360)
_SIDE_PX = 300
_GROUND = (96, 104, 112)
_CHANGED = 2
_HIDDEN = 0.12
"""As in `multi_person.py`: grey levels of a pixel that is not the camera's; grain of a hidden face over the
camera's."""
_BARE = 0.5
"""A face is bare where less of its skin in view than this is not the camera's."""
_IN_VIEW = 0.25
"""Less of a face than this is a cheek at the picture's edge."""
_CLIP_FRAMES = 40

Mask = NDArray[np.uint8]


class Actor:
    """Somebody who plays in films: a clip's or a picture's face, cut square."""

    def __init__(self, path: Path, meter: FaceMeasurer, detector: FaceDetector) -> None:
        """Raises a RealtimeError; SystemExit where no face is found."""
        self.name = path.stem
        self.squares: list[Pixels] = []
        self.points: list[NDArray[np.float32]] = []
        """Of the mesh, in the square."""
        for frame in read_clip(str(path), _CLIP_FRAMES).frames():
            faces = detector.find(frame)
            if faces:
                self._take(frame.pixels, meter.meshes.measure(frame.pixels, faces[0]))
        if not self.squares:
            raise SystemExit(f"{path}: nobody to be seen")

    def _take(self, pixels: Pixels, mesh: FaceMesh) -> None:
        height, width = pixels.shape[:2]
        side = min(height, width, round(2.6 * mesh.box.width))
        x, y = mesh.box.centre
        left, top = (round(min(max(0, middle - side / 2), size - side)) for middle, size in ((x, width), (y, height)))
        scale = np.float32(_SIDE_PX / side)
        square = cv2.resize(pixels[top : top + side, left : left + side], (_SIDE_PX, _SIDE_PX))
        self.squares.append(np.asarray(square, np.uint8))
        self.points.append((mesh.points - (left, top, 0)).astype(np.float32) * scale)


class Spot(NamedTuple):
    """One actor in one frame. Those who come later stand in front."""

    actor: Actor
    x: float
    y: float
    """The square's middle, 0..1 of the picture; may lie outside."""
    scale: float = 1.0
    asked: bool = True
    """Whether it counts as bare where it is seen as it is."""
    turned: bool = False
    """Turned away: nothing of the face is to be seen."""
    still: bool = False


class Moment(NamedTuple):
    """One frame of a film, and the truth about it."""

    pixels: Pixels
    pts_s: float
    skins: Sequence[Mask]
    """Where the skin of each face in view is that is to be hidden: (height, width), 255."""
    others: Sequence[Mask]
    """The same of those who were not asked."""
    missed: Sequence[Place] = ()
    """The detector misses whoever has their middle there."""
    mirrored: bool = False
    exchange: bool = False
    """Whether the effect is exchanged for the same one, opened anew, before this frame."""


def shoot(
    at_s: float,
    spots: Sequence[Spot],
    *,
    size: Size = SIZE,
    ground: tuple[int, int, int] = _GROUND,
    missed: Sequence[Spot] = (),
    mirrored: bool = False,
    exchange: bool = False,
) -> Moment:
    """Draw one frame of a film."""
    index = round(at_s * FPS)
    noise = np.random.default_rng(index).integers(-3, 4, (size.height, size.width, 1), np.int8)
    pixels = np.full((size.height, size.width, 3), ground, np.uint8)
    skins: list[Mask] = []
    for spot in spots:
        place = _paste(pixels, spot, index)
        for skin in skins:
            place.of(skin)[:] = 0
        skins.append(_skin(spot, index, size))
    pixels = np.clip(pixels.astype(np.int16) + noise, 0, 255).astype(np.uint8)
    asked = [skin for skin, spot in zip(skins, spots, strict=True) if spot.asked and not spot.turned]
    others = [skin for skin, spot in zip(skins, spots, strict=True) if not spot.asked]
    places = [_place(spot, size) for spot in missed]
    return Moment(pixels, at_s, asked, others, places, mirrored, exchange)


def _place(spot: Spot, size: Size) -> Place:
    side = round(_SIDE_PX * spot.scale)
    return Place(round(spot.x * size.width - side / 2), round(spot.y * size.height - side / 2), side, side)


def _paste(pixels: Pixels, spot: Spot, index: int) -> Place:
    """Draw one actor; return the part of the picture that was drawn."""
    whole = _place(spot, Size.of(pixels))
    part = whole.shared_with(Place(0, 0, *Size.of(pixels)))
    if part.width and part.height:
        number = 0 if spot.still else to_and_fro(index, len(spot.actor.squares))
        square = spot.actor.squares[number]
        if spot.turned:  # the back of a head: its colours and no face
            coarse = cv2.resize(square, (3, 3), interpolation=cv2.INTER_AREA)
            square = np.asarray(cv2.resize(coarse, (_SIDE_PX, _SIDE_PX)), np.uint8)
        scaled = np.asarray(cv2.resize(square, (whole.width, whole.height), interpolation=cv2.INTER_LINEAR), np.uint8)
        part.of(pixels)[:] = Place(part.left - whole.left, part.top - whole.top, part.width, part.height).of(scaled)
    return part


def _skin(spot: Spot, index: int, size: Size) -> Mask:
    whole = _place(spot, size)
    number = 0 if spot.still else to_and_fro(index, len(spot.actor.points))
    margin = 2 * whole.width  # the mask is drawn on a larger ground: what is outside must count as outside
    corner = np.array([whole.left + margin, whole.top + margin, 0], np.float32)
    shifted = FaceMesh(spot.actor.points[number] * np.float32(spot.scale) + corner, 1.0)
    skin = face_only(shifted, (size.height + 2 * margin, size.width + 2 * margin))
    inside = skin[margin:-margin, margin:-margin].copy()
    if int((inside > 0).sum()) < _IN_VIEW * int((skin > 0).sum()):
        inside[:] = 0
    return inside


# The films ----------------------------------------------------------------------------------------------------


class Cast(NamedTuple):
    """Who plays: the one who asked to be hidden, another person, a picture on the wall."""

    lead: Actor
    other: Actor
    poster: Actor


Play = Callable[[Cast], Iterator[Moment]]


class Film(NamedTuple):
    """A film anybody can play in."""

    kind: str
    name: str
    play: Play
    faces: int = 1
    """How many people are asked to wear a face."""


def _times(seconds: float, from_s: float = 0.0) -> Iterator[float]:
    for index in range(round(seconds * FPS)):
        yield from_s + index / FPS


def _between(at_s: float, start_s: float, end_s: float) -> float:
    """0 before, 1 after, smooth on the way."""
    return eased((at_s - start_s) / (end_s - start_s))


def _lean(cast: Cast, edge: str, depth: float, quick_s: float) -> Iterator[Moment]:
    out_x = {"left": -0.26, "right": 0.26}.get(edge, 0.0) * depth * 2
    out_y = {"top": -0.42, "bottom": 0.42}.get(edge, 0.0) * depth * 2
    for at_s in _times(1.6 + 2 * quick_s):
        turned_away = _between(at_s, 0.5, 0.5 + quick_s) - _between(at_s, 1.1 + quick_s, 1.1 + 2 * quick_s)
        x = {"left": 0.25, "right": 0.75}.get(edge, 0.5)
        yield shoot(at_s, [Spot(cast.lead, x + out_x * turned_away, 0.5 + out_y * turned_away)])


def _poster(cast: Cast, alone_s: float, scale: float, how: str) -> Iterator[Moment]:
    poster = Spot(cast.poster, 0.25, 0.42, 0.8, asked=False, still=True)
    for at_s in _times(alone_s + 3.5):
        spots = [poster]
        if how == "is there" or at_s >= alone_s:
            came = _between(at_s, alone_s, alone_s + 0.8) if how == "slides" else 1.0
            spots.append(Spot(cast.lead, 0.72 + (1 - came) * 0.6, 0.5, scale))
        yield shoot(at_s, spots)


def _sizes(cast: Cast, sizes: Sequence[Size], with_other: bool) -> Iterator[Moment]:
    for number, size in enumerate(sizes):
        for at_s in _times(0.9, number * 0.9):
            x = (0.3, 0.65, 0.4)[number % 3]
            spots = [Spot(cast.lead, x, 0.5, 0.8)]
            if with_other and at_s > 0.3:
                spots.append(Spot(cast.other, x + 0.45, 0.5, 0.7, asked=False))
            yield shoot(at_s, spots, size=size)


def _clock(cast: Cast, then_s: float, with_other: bool) -> Iterator[Moment]:
    for number, start_s in enumerate((0.0, then_s)):
        for at_s in _times(1.2):
            x = (0.25, 0.7)[number]
            spots = [Spot(cast.lead, x, 0.5)]
            if with_other and (number or at_s > 0.4):
                spots.append(Spot(cast.other, 0.95 - x, 0.5, 1.1, asked=False))
            yield shoot(at_s, spots)._replace(pts_s=start_s + at_s)


def _newcomer(cast: Cast, missed_s: float, turned: bool, leaves: bool) -> Iterator[Moment]:
    lead = Spot(cast.lead, 0.27, 0.5)
    for at_s in _times(3.6):
        missed = 1.0 <= at_s < 1.0 + missed_s
        spots = [lead._replace(turned=turned and missed)]
        if 1.0 + missed_s / 4 <= at_s and not (leaves and at_s >= 2.6):
            spots.append(Spot(cast.other, 0.75, 0.5, asked=False))
        yield shoot(at_s, spots, missed=[lead] if missed else ())


def _turned(cast: Cast, x: float, away_s: float, late_frames: int, other: str) -> Iterator[Moment]:
    """The lead turns to a neighbour and back, and is found again late."""
    frames_away = min(away_s, 3.0) * FPS
    lead = Spot(cast.lead, x, 0.5, 0.9)
    neighbour = Spot(cast.other, x + (0.45 if x < 0.5 else -0.45), 0.5, 0.9, asked=False)
    at_s = 0.0
    for index in range(round(2.2 * FPS + frames_away)):
        is_away = 1.0 * FPS <= index < 1.0 * FPS + frames_away
        late = index < 1.0 * FPS + frames_away + late_frames
        missed = index >= 1.0 * FPS and late
        is_there = {"was there": index > 10, "comes then": index > 1.3 * FPS, "nobody": False}[other]
        moment = shoot(index / FPS, [lead._replace(turned=is_away), *([neighbour] if is_there else [])],
                       missed=[lead] if missed else ())  # fmt: skip
        yield moment._replace(pts_s=at_s)
        at_s += max(away_s, 3.0) / 3.0 / FPS if is_away else 1 / FPS


def _crossing(cast: Cast, in_front: bool, both: bool) -> Iterator[Moment]:
    for at_s in _times(3.2):
        walked = 0.5 * _between(at_s, 0.8, 2.2)
        first = Spot(cast.lead, 0.25 + walked, 0.5)
        second = Spot(cast.other, 0.75 - walked, 0.5, asked=both)
        spots = [first] if at_s < 0.2 and not both else [second, first] if in_front else [first, second]
        yield shoot(at_s, spots)


def _cut(cast: Cast, between: str, late_frames: int) -> Iterator[Moment]:
    for at_s in _times(1.0):
        yield shoot(at_s, [Spot(cast.lead, 0.3, 0.5)])
    start_s = 1.0
    if between:
        for at_s in _times(0.4, 1.0):
            moment = shoot(at_s, [])
            rng = np.random.default_rng(5)
            moment.pixels[:] = 0 if between == "black" else rng.integers(0, 255, moment.pixels.shape, np.uint8)
            yield moment
        start_s = 1.4
    for number, at_s in enumerate(_times(1.2, start_s)):
        spots = [Spot(cast.other, 0.72, 0.45, 1.1), Spot(cast.lead, 0.25, 0.6, 0.8)]
        missed = spots if number < late_frames else spots[1:] if number < 2 * late_frames else ()
        yield shoot(at_s, spots, ground=(40, 60, 150), missed=missed)


def _mirror(cast: Cast) -> Iterator[Moment]:
    for at_s in _times(2.0):
        spots = [Spot(cast.lead, 0.25, 0.5)] + ([Spot(cast.other, 0.72, 0.5, asked=False)] if at_s > 0.4 else [])
        missed = spots[:1] if 1.0 <= at_s < 1.3 else ()
        yield shoot(at_s, spots, missed=missed, mirrored=at_s >= 1.04)


def _pause(cast: Cast, gap_s: float) -> Iterator[Moment]:
    for at_s in _times(1.0):
        yield shoot(at_s, [Spot(cast.lead, 0.25, 0.5)])
    for number, at_s in enumerate(_times(1.0, 1.0 + gap_s)):
        spots = [Spot(cast.lead, 0.75, 0.5)]
        yield shoot(at_s, spots, missed=spots if number < 2 else ())


def _blind(cast: Cast, seconds: float, moves: float) -> Iterator[Moment]:
    for at_s in _times(2.6):
        spots = [Spot(cast.lead, 0.3 + moves * _between(at_s, 1.0, 1.0 + seconds), 0.5)]
        yield shoot(at_s, spots, missed=spots if at_s < 0.3 or 1.0 <= at_s < 1.0 + seconds else ())


def _exchange(cast: Cast) -> Iterator[Moment]:
    for at_s in _times(2.4):
        spots = [Spot(cast.lead, 0.25, 0.5, 0.8)]
        if at_s > 0.5:
            spots.append(Spot(cast.other, 0.72, 0.5, 1.2, asked=False))
        yield shoot(at_s, spots, exchange=round(at_s * FPS) == round(1.6 * FPS))


def films() -> list[Film]:
    """All of them, by kind."""
    partial = functools.partial
    turned, wide, small = Size(360, 640), Size(1280, 720), Size(320, 240)
    listed = [
        Film("leans out", f"{edge}, {depth:.0%}, {quick:g} s", partial(_lean, edge=edge, depth=depth, quick_s=quick))
        for edge in ("left", "right", "top", "bottom")
        for depth, quick in ((0.5, 0.6), (0.75, 0.2), (1.0, 0.4))
    ]
    listed += [
        Film(
            "a poster first",
            f"{how} after {alone:g} s, ×{scale:g}",
            partial(_poster, alone_s=alone, scale=scale, how=how),
        )
        for how, alone, scale in (
            ("slides", 3.5, 1.0),
            ("slides", 1.0, 0.7),
            ("appears", 4.0, 0.7),
            ("appears", 0.6, 1.0),
            ("is there", 0.0, 0.6),
            ("is there", 0.0, 1.0),
        )
    ]
    listed += [
        Film("another size", f"{name}{', with another' if two else ''}", partial(_sizes, sizes=sizes, with_other=two))
        for name, sizes in (("turned", (SIZE, turned, SIZE)), ("streams adapt", (SIZE, wide, small)))
        for two in (False, True)
    ]
    listed += [
        Film("another clock", f"{name}{', with another' if two else ''}", partial(_clock, then_s=then, with_other=two))
        for name, then in (("anew", 0.0), ("half a second back", 0.66), ("an hour on", 3600.0))
        for two in (False, True)
    ]
    listed += [
        Film("a newcomer while missed", f"{lasts_s:g} s{', turned' if away else ''}{', leaves' if leaves else ''}",
             partial(_newcomer, missed_s=lasts_s, turned=away, leaves=leaves))
        for lasts_s, away, leaves in (
            (0.2, False, False), (0.2, True, True), (0.6, True, False), (1.4, True, True), (1.4, False, False),
        )
    ]  # fmt: skip
    listed += [
        Film("turned to a neighbour", f"{'edge' if x < 0.3 else 'middle'}, {lasts_s:g} s, who {other}",
             partial(_turned, x=x, away_s=lasts_s, late_frames=5, other=other))
        for x, lasts_s, other in (
            (0.12, 3.5, "was there"), (0.12, 3.5, "comes then"), (0.45, 32.0, "was there"), (0.45, 32.0, "comes then"),
            (0.12, 40.0, "was there"), (0.45, 3.0, "nobody"),
        )
    ]  # fmt: skip
    listed += [
        Film("crossing", f"{'in front' if front else 'behind'}{', both' if both else ''}",
             partial(_crossing, in_front=front, both=both), 2 if both else 1)
        for front in (False, True) for both in (False, True)
    ]  # fmt: skip
    listed += [
        Film(
            "a cut", f"{between or 'hard'}, found {late} frames late", partial(_cut, between=between, late_frames=late)
        )
        for between, late in (("", 0), ("", 3), ("black", 2), ("noise", 2))
    ]
    listed.append(Film("mirrored", "while missed", _mirror))
    listed += [Film("a pause", f"{gap:g} s", partial(_pause, gap_s=gap)) for gap in (0.4, 0.8, 5.0)]
    listed += [
        Film("a blind detector", f"{lasts_s:g} s, moves {moves:g}", partial(_blind, seconds=lasts_s, moves=moves))
        for lasts_s, moves in ((0.3, 0.1), (0.3, 0.35), (1.0, 0.0), (1.0, 0.35))
    ]
    listed.append(Film("exchanged", "beside somebody larger", _exchange))
    return listed


# What became of them ------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of the faces of one film."""

    kind: str
    film: str
    lead: str
    frames: int
    """In which a face that is to be hidden was in view, counted for each face."""
    bare: int
    bare_at: tuple[int, ...]
    """Numbers of frames in which one was bare."""
    others: int
    """Frames in which somebody who was not asked was in view …"""
    others_covered: int
    """… and was covered, at least by half."""


class _Scripted(FaceDetector):
    """The real detector, that misses what the film says."""

    def __init__(self, real: FaceDetector) -> None:
        self._real = real
        self.provider = real.provider
        self.missed: Sequence[Place] = ()

    def find(self, frame: Frame) -> list[Face]:
        return [face for face in self._real.find(frame) if not any(_holds(place, face) for place in self.missed)]

    def close(self) -> None:
        """The real one is used for the next film."""


def _holds(place: Place, face: Face) -> bool:
    x, y = face.box.centre
    return place.left <= x < place.left + place.width and place.top <= y < place.top + place.height


def watch(
    film: Film, cast: Cast, photo: Path, detector: FaceDetector, look: Callable[[int, Pixels, Moment], object]
) -> Seen:
    """Run a film through the program's finder and effect; `look` sees each finished frame. Raises a RealtimeError."""
    scripted, stats = _Scripted(detector), RunStats()
    face_stage = FaceStage(lambda: scripted, stats)
    face_stage.start()
    face_stage.wait_until_ready()
    argument = ",".join([str(photo)] * film.faces)
    chain = EffectChain([EffectSlot("swap", open_swap(argument))], stats)
    frames = others = covered = 0
    bare_at = []
    try:
        for number, moment in enumerate(film.play(cast)):
            if moment.exchange:
                chain.replace(EffectSlot("swap again", open_swap(argument)))
            scripted.missed = moment.missed
            frame = Frame(moment.pixels, moment.pts_s, moment.pts_s, number)
            faces = face_stage.find(frame)
            if moment.mirrored:
                moment = _mirrored(moment)
                faces = [face.mirrored(frame.size.width) for face in faces]
                frame = Frame(moment.pixels, moment.pts_s, moment.pts_s, number, mirrored=True)
            output = chain.make(frame, faces).pixels
            look(number, output, moment)
            shares = [covered_share(output, moment.pixels, skin) for skin in moment.skins if skin.any()]
            frames += len(shares)
            bare_at += [number] * sum(share < _BARE for share in shares)
            shares = [covered_share(output, moment.pixels, skin) for skin in moment.others if skin.any()]
            others += len(shares)
            covered += sum(share >= _BARE for share in shares)
    finally:
        face_stage.close()
        chain.close()
    return Seen(film.kind, film.name, cast.lead.name, frames, len(bare_at), tuple(bare_at), others, covered)


def _mirrored(moment: Moment) -> Moment:
    flipped = [[np.ascontiguousarray(skin[:, ::-1]) for skin in skins] for skins in (moment.skins, moment.others)]
    return moment._replace(pixels=np.ascontiguousarray(moment.pixels[:, ::-1]), skins=flipped[0], others=flipped[1])


def covered_share(output: Pixels, original: Pixels, skin: Mask) -> float:
    """How much of a face's skin in view is not the camera's; 1 where it lies under a blur."""
    if output.shape != original.shape:
        return 1.0  # another picture altogether
    if grain(output, skin) < _HIDDEN * grain(original, skin):
        return 1.0
    return float((cv2.absdiff(output, original)[skin > 0].max(axis=1) > _CHANGED).mean())


@dataclasses.dataclass(frozen=True, slots=True)
class Ordinary:
    """What an ordinary film lost by hiding."""

    film: str
    frames: int
    all_hidden: int
    """Frames in which more than half of the picture was blurred …"""
    part_hidden: int
    """… and in which more than a tenth of what is no worn face was."""
    worn: int
    """Frames with a face worn."""


def ordinary(path: Path, photo: Path, frames: int, detector: FaceDetector) -> Ordinary:
    """Run a film as it is and count what is hidden in it. Raises a RealtimeError."""
    stats = RunStats()
    face_stage = FaceStage(lambda: _Scripted(detector), stats)
    face_stage.start()
    face_stage.wait_until_ready()
    chain = EffectChain([EffectSlot("swap", effect := open_swap(str(photo)))], stats)
    clip = read_clip(str(path), frames)
    counts = np.zeros(3, int)
    try:
        for frame in clip.frames():
            faces = face_stage.find(frame)
            output = chain.make(frame, faces).pixels
            rest = np.full(output.shape[:2], True)
            for face in faces:
                x, y = face.box.centre
                side = 1.3 * face.box.width
                rest[max(0, round(y - side)) : round(y + side), max(0, round(x - side)) : round(x + side)] = False
            changed = cv2.absdiff(output, frame.pixels).max(axis=2) > _CHANGED
            share = float(changed[rest].mean()) if rest.any() else 0.0
            counts += (float(changed.mean()) > 0.5, share > 0.1, int(effect.facts()["swapped"]) > 0)
    finally:
        face_stage.close()
        chain.close()
    return Ordinary(path.stem, len(clip.pictures), *(int(count) for count in counts))


__all__ = ["Actor", "Cast", "Film", "Ordinary", "Seen", "covered_share", "films", "open_detector", "ordinary", "watch"]
