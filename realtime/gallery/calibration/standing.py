"""Where the people are whom a gallery's portraits look at: an installer stands left, in the middle, right and near,
once, and this watches. Faces and times in, signs out; no pictures, no camera.

From left and right come the directions of the first and the last column; the middle and the near place tell what is
straight ahead, and how far the portrait hangs below the camera where nobody has measured it: somebody who comes nearer
moves in the picture of a camera that hangs higher, and not in the eyes of a portrait at eye level.
"""

from __future__ import annotations

import enum
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from realtime.core.errors import OptionError
from realtime.core.language import _
from realtime.effects.portrait import eyes_apart, eyes_in_picture
from realtime.effects.viewpoint import ADULTS_EYES_CM, CameraPose, Seen, standing_at
from realtime.gallery.calibration.views import Calibration, Place
from realtime.imaging.frame import Face, Size

STILL_S = 2.0
LEAD_S = 3.0
"""Before anything is taken: nobody walks to a place and has read a sign sooner."""
FIRST_LEAD_S = 8.0
"""The first time longer: the installer has just started the program and stands before the keyboard."""
TAKEN_S = 1.5
"""How long a sign says that a place has been taken."""
PATIENCE_S = 90.0
"""For one place; nobody needs longer who is there."""

_STILL = 0.012
"""Of the picture's width or height: people who stand still sway by a centimetre or two, half of that at 2 m."""
_STILL_DISTANCE = 0.08  # the distance of two eyes is 20 to 60 pixels, measured to one or two
_APART = 0.07
"""Of the picture's width, between two places: at 2 m, 20 cm."""
_NEARER = 1.25
_CLEARLY_FARTHER = 0.7
"""By the distance of the eyes in the picture: who is half as far away again as the installer only looks on."""
_GONE_S = 0.5  # a detector misses a face now and then
_ROWS_SHARE = 0.6
"""Heads and eyes of portraits look up and down by so much of what they look to the sides."""
_LEAST_HALF_VIEW = 0.06
_LEAST_ASIDE_CM = 50.0
"""Who stands 20 cm beside where they were asked to makes a portrait seem to hang 45 cm beside its camera."""
_MOST_CM = 300.0
_WITHIN = (-3.0, 4.0)  # what the settings take


class Spot(enum.Enum):
    """Where the installer is asked to stand, in this order."""

    LEFT = "left"
    MIDDLE = "middle"
    RIGHT = "right"
    NEAR = "near"


class Sighting(NamedTuple):
    """A face as the camera saw it. Shares of the mirrored picture, from its left and top."""

    across: float
    down: float
    eyes: float
    """Distance of the eyes, as a share of the picture's width."""


def sighting_of(face: Face, size: Size, *, mirrored: bool) -> Sighting:
    """Return a face as the camera saw it; `mirrored`: whether left and right of the picture are exchanged already."""
    x, y = face.eye_midpoint
    across = x / size.width
    return Sighting(across if mirrored else 1 - across, y / size.height, eyes_apart(face, size))


class Hint(enum.Enum):
    """What is missing before a place can be taken."""

    WALK = "walk"
    HOLD_STILL = "hold still"
    NOBODY = "nobody"
    SEVERAL = "several"
    FARTHER_RIGHT = "farther right"
    NEARER = "nearer"
    TAKEN = "taken"
    DONE = "done"
    GIVEN_UP = "given up"


class Sign(NamedTuple):
    """What the screen says."""

    spot: Spot
    hint: Hint
    still: float = 0.0
    """0..1, how much of the time of standing still is over."""


class CalibrationWatch:
    """Watches one installer. One thread."""

    def __init__(self) -> None:
        self.taken: dict[Spot, Sighting] = {}
        """Where the installer stood, once it is known."""
        self._began_s: float | None = None
        self._lead_s = FIRST_LEAD_S
        self._taken_at_s: float | None = None
        self._seen_at_s = 0.0
        self._stood: list[tuple[float, Sighting]] = []
        self._installer: int | None = None
        """By the number that the tracker gives; known once a place is."""
        self._candidate = -1

    @property
    def is_over(self) -> bool:
        """Whether every place is known."""
        return len(self.taken) == len(Spot)

    def update(self, now_s: float, seen: Sequence[Sighting], people: Sequence[int] = ()) -> Sign:
        """Take in who is in view at a moment, in seconds of a clock that never goes back; return what to show.
        `people`: numbers that tell one of them from another while they stay in view; empty: that is not known.
        """
        if self._began_s is None:
            self._began_s = self._seen_at_s = now_s
        if self._taken_at_s is not None:
            if now_s - self._taken_at_s < TAKEN_S:
                return Sign(list(self.taken)[-1], Hint.TAKEN, 1.0)
            self._begin_next(now_s)
        if self.is_over:
            return Sign(Spot.NEAR, Hint.DONE, 1.0)
        spot = self._spot
        if now_s - self._began_s > PATIENCE_S:
            return Sign(spot, Hint.GIVEN_UP)
        chosen = self._chosen(seen, people)
        if chosen is not None:
            self._seen_at_s = now_s
            return self._watch(spot, now_s, chosen)
        if seen or now_s - self._seen_at_s > _GONE_S:
            self._stood.clear()
        if seen:
            return Sign(spot, Hint.SEVERAL)
        if self._stood:
            return Sign(spot, Hint.HOLD_STILL, self._still(now_s))
        return Sign(spot, Hint.WALK if now_s - self._began_s < self._lead_s else Hint.NOBODY)

    def _chosen(self, seen: Sequence[Sighting], people: Sequence[int]) -> Sighting | None:
        """Return who is to be watched: who stood at the place before, else who is clearly nearest. None: nobody is."""
        if not seen:
            return None
        if self._installer is not None and self._installer in people:
            self._candidate = self._installer
            return seen[people.index(self._installer)]
        nearest = max(range(len(seen)), key=lambda number: seen[number].eyes)
        farther = _CLEARLY_FARTHER * seen[nearest].eyes
        if any(one.eyes > farther for number, one in enumerate(seen) if number != nearest):
            return None
        self._candidate = people[nearest] if people else -1
        return seen[nearest]

    def _still(self, now_s: float) -> float:
        return min(1.0, (now_s - self._stood[0][0]) / STILL_S) if self._stood else 0.0

    def _watch(self, spot: Spot, now_s: float, sighting: Sighting) -> Sign:
        assert self._began_s is not None  # noqa: S101 - update has set it
        if not _is_same(sighting, [one for _, one in self._stood]):
            self._stood.clear()
        self._stood.append((now_s, sighting))
        if now_s - self._began_s < self._lead_s:
            self._stood = self._stood[-1:]
            return Sign(spot, Hint.WALK)
        still = self._still(now_s)
        wrong = self._what_is_wrong(spot, sighting)
        if wrong is not None and not (still == 1.0 and self._is_better_left(spot, sighting)):
            return Sign(spot, wrong)
        if still < 1.0:
            return Sign(spot, Hint.HOLD_STILL, still)
        if wrong is not None:  # farther left than whoever was taken for left: that was still on the way
            spot = Spot.LEFT
        self.taken[spot] = _median([one for _, one in self._stood])
        self._installer = None if self._candidate < 0 else self._candidate
        self._taken_at_s = now_s
        return Sign(spot, Hint.TAKEN, 1.0)

    def _begin_next(self, now_s: float) -> None:
        self._taken_at_s = None
        self._stood.clear()
        self._began_s = self._seen_at_s = now_s
        self._lead_s = LEAD_S

    @property
    def _spot(self) -> Spot:
        return next(spot for spot in Spot if spot not in self.taken)

    def _what_is_wrong(self, spot: Spot, sighting: Sighting) -> Hint | None:
        if spot in (Spot.MIDDLE, Spot.RIGHT):
            before = self.taken[Spot.LEFT if spot is Spot.MIDDLE else Spot.MIDDLE]
            return Hint.FARTHER_RIGHT if sighting.across < before.across + _APART else None
        if spot is Spot.NEAR:
            return Hint.NEARER if sighting.eyes < _NEARER * self.taken[Spot.MIDDLE].eyes else None
        return None

    def _is_better_left(self, spot: Spot, sighting: Sighting) -> bool:
        return spot is Spot.MIDDLE and sighting.across < self.taken[Spot.LEFT].across - _APART


def _is_same(sighting: Sighting, stood: Sequence[Sighting]) -> bool:
    """Whether somebody who stood there has not moved."""
    if not stood:
        return True
    middle = _median(stood)
    return (
        abs(sighting.across - middle.across) <= _STILL
        and abs(sighting.down - middle.down) <= 2 * _STILL  # the same length: pictures are wider than high
        and abs(sighting.eyes - middle.eyes) <= _STILL_DISTANCE * middle.eyes
    )


def _median(sightings: Sequence[Sighting]) -> Sighting:
    return Sighting(*(statistics.median(values) for values in zip(*sightings, strict=True)))


def as_seen(sighting: Sighting) -> Seen:
    """Return a sighting with the distance of the eyes as it was in the picture."""
    return Seen(sighting.across, sighting.down, eyes_in_picture(sighting.eyes, sighting.across))


def levelled(sighting: Sighting, aspect: float, pose: CameraPose, right_cm: float) -> Sighting:
    """Return what a camera with this lens would have seen that hangs straight, of somebody who looks at a portrait
    `right_cm` from it.
    """
    right, down, away = standing_at(as_seen(sighting), aspect, pose, right_cm)
    focal = pose.focal_length
    return Sighting(0.5 + focal * right / away, 0.5 + focal * down / away * aspect, focal * ADULTS_EYES_CM / away)


def hangs_aside_cm(middle: Sighting, near: Sighting) -> float:
    """Return how far right of the camera a portrait hangs that nobody has measured, where that is far; else 0: above
    or below it. Told by how somebody moves aside in the picture who comes nearer to it.
    """
    right_cm = (near.across - middle.across) / (near.eyes - middle.eyes) * ADULTS_EYES_CM
    return right_cm if abs(right_cm) > _LEAST_ASIDE_CM else 0.0


def solve(
    taken: Mapping[Spot, Sighting], aspect: float, place: Place | None = None, pose: CameraPose | None = None
) -> Calibration:
    """Return what the places tell: the directions, and where the portrait hangs that the installer stood before.

    `aspect`: width of the camera's picture over its height. `place`: where that portrait's eyes hang, where it has been
    measured; None: found from the middle and the near place, to the side taken for 0 where it is little, as the camera
    is then above the middle of the screen, and no place is told so exactly. `pose`: how the camera hangs; None: that
    is not known, and taken for straight. Raises OptionError for places that tell nothing.
    """
    right_cm = hangs_aside_cm(taken[Spot.MIDDLE], taken[Spot.NEAR]) if place is None else place.right_cm
    if pose is not None:
        taken = {spot: levelled(one, aspect, pose, right_cm) for spot, one in taken.items()}
    middle, near = taken[Spot.MIDDLE], taken[Spot.NEAR]
    nearer = (near.eyes - middle.eyes) / ADULTS_EYES_CM
    # Where somebody would be seen who went away for ever: what the camera's own height has nothing to do with, nor the
    # installer's.
    eyes_below_cm = (near.down - middle.down) / (nearer * aspect)
    level = middle.down - eyes_below_cm * middle.eyes / ADULTS_EYES_CM * aspect
    if pose is not None:
        level = 0.5
        eyes_below_cm = statistics.fmean((one.down - level) / (one.eyes * aspect) for one in taken.values())
        eyes_below_cm *= ADULTS_EYES_CM
    if place is None:
        place = Place(_rounded(right_cm), _rounded(eyes_below_cm))
    across = {spot: one.across - place.right_cm * one.eyes / ADULTS_EYES_CM for spot, one in taken.items()}
    # Where it is known how the camera hangs, straight ahead is straight away from the wall, though the installer may
    # have stood a little beside it.
    ahead = (across[Spot.MIDDLE] + across[Spot.NEAR]) / 2 if pose is None else 0.5
    # As far to one side as to the other, or who stands before the portrait would not be looked at straight.
    half = max(ahead - across[Spot.LEFT], across[Spot.RIGHT] - ahead)
    if not _LEAST_HALF_VIEW <= half <= _WITHIN[1]:
        raise OptionError(_("left, middle and right were too near to each other; run --calibrate again"))
    half_down = half * aspect * _ROWS_SHARE
    ends = [round(value, 4) for value in (ahead - half, ahead + half, level - half_down, level + half_down)]
    if min(ends) < _WITHIN[0] or max(ends) > _WITHIN[1]:
        raise OptionError(_("the places do not fit together; measure right_cm and below_cm, and run --calibrate again"))
    hangs = CameraPose() if pose is None else pose
    return Calibration(ends[0], ends[1], ends[2], ends[3], place.right_cm, place.below_cm, *hangs)


def _rounded(place_cm: float) -> float:
    return round(min(max(place_cm, -_MOST_CM), _MOST_CM), 1)
