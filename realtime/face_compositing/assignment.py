"""Who wears which face, and who has earned to be seen as they are.

Hidden is the beginning. Whoever comes while every wearer is in view, alive and at another place is somebody else, and
is left as they are. Whoever comes while one of them is not in view may be that one: they wear the face, too, and do so
for as long as they are known. From the first time a wearer was lost and not known again, and from every break in what
the source shows, that holds for everybody who comes.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence, Set
from typing import NamedTuple

from realtime.face_compositing.compositor import Compositor
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.faces.tracking.liveness import MeshLiveness
from realtime.faces.tracking.mesh_tracker import WornMeshTracker
from realtime.faces.tracking.tracker import REMEMBERED_S
from realtime.imaging.frame import Box, Face

_FITS_WITHIN_S = 0.5
_ALIVE_BEFORE_S = 2.0
"""A wearer who moved so long before somebody came is no picture: one that first moves as somebody comes may have been
brushed past, or the camera with it."""
_SURELY_ALIVE_S = 3.0
"""A picture that somebody brushed past seems to move, for a moment."""
_WATCHED_S = 3.0
"""A face that has not blinked or spoken for so long is taken for a picture where somebody comes who moves: they wear
the face, too. 10 people who talk or just look on all had within four seconds."""
_GONE_S = 30.0
"""Whoever was not found for so long is not looked for where they were last, if somebody else wears the face."""
_SEAT_S = 600.0
"""For so long more their seat stays hidden, no larger than a head: they may turn back and be found late."""
_NEAR = 0.6
"""Face widths from where a wearer was lost: whoever is found there is that one."""
_CONFUSED = 2.5
"""Face widths: two people nearer to one another than this may be taken for one another as one hides the other."""
_CROSSES = 1.5
"""Face widths: whoever is missed so near to another's face may be behind it, and come forth at its other side."""
_MOST_SPARE = 6
"""Faces made for people who may be a wearer; more of them are hidden instead."""


@dataclasses.dataclass
class AssignedFace:
    """One face to wear, and who wears it."""

    number: int
    """Which of the faces that were named."""
    compositor: Compositor
    mesh_tracker: WornMeshTracker
    track_id: int | None = None
    face: Face | None = None
    """Where the person is, or was last seen by detector or mesh. None: nobody wears it."""
    mesh: FaceMesh | None = None
    """Of this frame: where it is drawn."""
    came_at_s: float = -math.inf
    worn_at_s: float = -math.inf
    seen_at_s: float = -math.inf
    unseen_at_s: float = -math.inf
    """When the detector last saw and last missed the person."""
    behind: int | None = None
    """Whose face hides the person, by `track_id`."""
    alive_since_s: float = math.inf
    liveliness: MeshLiveness = dataclasses.field(default_factory=MeshLiveness)

    def take(self, face: Face, pts_s: float) -> None:
        """Give it to a person."""
        self.let_go()
        self.track_id, self.face, self.came_at_s = face.track_id, face, pts_s
        self.alive_since_s = -math.inf if face.alive else math.inf
        self.compositor.forget()

    def let_go(self) -> None:
        """Nobody wears it."""
        self.track_id = self.face = self.mesh = self.behind = None
        self.came_at_s = self.worn_at_s = self.seen_at_s = self.unseen_at_s = -math.inf
        self.alive_since_s = math.inf
        self.liveliness = MeshLiveness()
        self.mesh_tracker.forget()

    def missing_s(self, pts_s: float) -> float:
        """For how long neither detector nor mesh has seen the person."""
        return pts_s - max(self.worn_at_s, self.seen_at_s, self.came_at_s)

    def is_proven_alive(self, pts_s: float) -> bool:
        """Whether its wearer is surely no picture."""
        return self.liveliness.is_alive or pts_s - self.alive_since_s >= _SURELY_ALIVE_S

    @property
    def is_detected(self) -> bool:
        """Whether the detector sees the person in this frame."""
        return self.face is not None and self.face.lost_for_s == 0

    @property
    def is_in_view(self) -> bool:
        """Whether it is known where the person is in this frame."""
        return self.face is not None and (self.mesh is not None or self.face.lost_for_s == 0)

    def is_certain(self, first_seen_s: float, pts_s: float) -> bool:
        """Whether its wearer is surely not the one who was first seen then."""
        if self.face is None or self.face.lost_for_s > 0 or pts_s - self.worn_at_s > _FITS_WITHIN_S:
            return False
        return self.alive_since_s <= first_seen_s - _ALIVE_BEFORE_S or self.liveliness.is_alive


@dataclasses.dataclass(slots=True)
class Lost:
    """Where somebody was last seen whose face is worn by another now."""

    number: int
    box: Box
    since_s: float
    behind: int | None = None
    """Whose face may hide them, by `track_id`."""
    for_s: float = _GONE_S


class Wearer(NamedTuple):
    """Somebody who wears a face, without that face."""

    number: int
    track_id: int | None
    face: Face
    came_at_s: float
    worn_at_s: float
    seen_at_s: float
    alive_since_s: float
    liveliness: MeshLiveness


class Known(NamedTuple):
    """What one casting tells another. It holds no face to wear: those of one photo take 27 MB."""

    wearers: Sequence[Wearer]
    bystanders: Set[int]
    lost: Sequence[Lost]
    confused: Set[int]
    first_seen_s: Mapping[int, float]
    dressed: Mapping[int, int]
    anybody_may_be_a_wearer: bool


class Assignment:
    """Gives faces to people. Used by one thread."""

    def __init__(
        self, parts: Sequence[AssignedFace], new_part: Callable[[int], AssignedFace], *, everyone: bool
    ) -> None:
        """`new_part` makes one more of a face that was named. `everyone`: whoever comes wears the last of them."""
        self.parts = list(parts)
        self.bystanders: set[int] = set()
        self.doubtful: set[int] = set()
        """Who is hidden until it is known whether they are a wearer."""
        self.lost: list[Lost] = []
        self._named = len(self.parts)
        self._new_part = new_part
        self._everyone = everyone
        self._anybody_may_be_a_wearer = False
        self._confused: set[int] = set()
        self._first_seen_s: dict[int, float] = {}
        self._dressed: dict[int, int] = {}  # who ever wore something, and what
        self._pts_s = 0.0

    def knows_any(self, faces: Sequence[Face]) -> bool:
        """Whether the tracker sees anybody of whom it is known what they are."""
        known = self.bystanders | {part.track_id for part in self.parts if part.face is not None}
        return any(face.track_id in known and face.lost_for_s == 0 for face in faces)

    def begin_again(self, pts_s: float, *, stays_in_part: bool) -> None:
        """Forget where everybody is: the source does not go on from what it showed. Where a part of the picture stays
        as it was, a wearer's place stays hidden: they may be there, and be found late.
        """
        places = [(part.number, part.face.box) for part in self.parts if part.face is not None]
        places += [(lost.number, lost.box) for lost in self.lost]
        self.lost = [Lost(number, box, pts_s, for_s=_SEAT_S) for number, box in places if stays_in_part]
        self._anybody_may_be_a_wearer |= any(part.worn_at_s > -math.inf for part in self.parts)
        for part in self.parts:
            part.let_go()
            part.compositor.forget()
        self.bystanders.clear()
        self.doubtful.clear()
        self._confused.clear()
        self._first_seen_s.clear()
        self._dressed.clear()

    def known(self) -> Known:
        """Return who is known, for another casting."""
        wearers = [
            Wearer(
                part.number,
                part.track_id,
                part.face,
                part.came_at_s,
                part.worn_at_s,
                part.seen_at_s,
                part.alive_since_s,
                part.liveliness,
            )
            for part in self.parts
            if part.face is not None
        ]
        return Known(
            wearers,
            set(self.bystanders),
            list(self.lost),
            set(self._confused),
            dict(self._first_seen_s),
            dict(self._dressed),
            self._anybody_may_be_a_wearer,
        )

    def take_over(self, known: Known) -> None:
        """Know everybody whom another casting knew, and nobody else: a person who was taken over before would wear the
        face twice.
        """
        for part in self.parts:
            part.let_go()
        self._anybody_may_be_a_wearer = known.anybody_may_be_a_wearer
        self.bystanders, self.lost = set(known.bystanders), list(known.lost)
        self._confused, self._first_seen_s = set(known.confused), dict(known.first_seen_s)
        self._dressed = {track_id: min(number, self._named - 1) for track_id, number in known.dressed.items()}
        for wearer in known.wearers:
            own = self._spare(min(wearer.number, self._named - 1))
            if own is None:
                continue
            own.take(wearer.face, wearer.came_at_s)
            own.track_id, own.worn_at_s, own.seen_at_s = wearer.track_id, wearer.worn_at_s, wearer.seen_at_s
            own.alive_since_s, own.liveliness = wearer.alive_since_s, wearer.liveliness

    def see(self, faces: Sequence[Face], pts_s: float) -> None:
        """Take in where those are who are known."""
        self._pts_s = pts_s
        by_track = {face.track_id: face for face in faces}
        for part in self.parts:
            part.mesh = None
            if part.face is None:
                continue
            face = by_track.get(part.track_id) if part.track_id is not None else None
            if face is not None and face.lost_for_s == 0:
                part.face, part.seen_at_s, part.behind = face, pts_s, None
                if face.alive and part.alive_since_s == math.inf:
                    part.alive_since_s = pts_s
            else:
                part.unseen_at_s = pts_s
                part.face = dataclasses.replace(part.face, lost_for_s=max(part.missing_s(pts_s), 1e-3))
                part.behind = _who_hides(part, faces)
        self._doubt_bystanders(by_track)

    def admit(self, faces: Sequence[Face], follow: Callable[[AssignedFace], object]) -> None:
        """Say what those are who wear nothing yet. `follow` looks whether a face fits who was just given it.

        Who is not confirmed is given nothing, and is doubtful unless they are surely somebody else.
        """
        self._release()
        self.doubtful.intersection_update([face.track_id for face in faces])
        dressed = {part.track_id for part in self.parts}
        for face in faces:
            identity = face.track_id
            if identity in dressed or identity in self.bystanders or face.lost_for_s > 0:
                continue
            first_seen_s = self._first_seen_s.setdefault(identity, self._pts_s)
            if not face.confirmed:
                if self._everyone or not self._is_somebody_else(first_seen_s):
                    self.doubtful.add(identity)
                continue
            part = self._part_for(face, first_seen_s)
            if part is not None:
                self._give(part, face)
                dressed.add(identity)
                follow(part)
            elif self._is_somebody_else(first_seen_s):
                self.bystanders.add(identity)
                self.doubtful.discard(identity)
            else:
                self.doubtful.add(identity)
        self._find_lost()

    def _give(self, part: AssignedFace, face: Face) -> None:
        if part.face is not None:  # whoever had it may be this one, or still be there
            behind = face.track_id if _widths(part.face.box, face.box) < _CROSSES else part.behind
            self.lost.append(Lost(part.number, part.face.box, self._pts_s, behind))
            self._anybody_may_be_a_wearer = True
        part.take(face, self._pts_s)
        self._dressed[face.track_id] = part.number
        self.doubtful.discard(face.track_id)

    def _part_for(self, face: Face, first_seen_s: float) -> AssignedFace | None:
        """Return what somebody is to wear, None where nothing is free and they may be anybody."""
        number = self._dressed.get(face.track_id)
        if number is not None:
            return self._spare(number)
        named = self.parts[: self._named]
        free = [part for part in named if not part.is_in_view]
        if free:
            part = min(free, key=lambda part: _distance(part.face, face))
            # Whoever was seen beside the wearer is not the one: the wearer keeps their own.
            was_beside = part.face is not None and first_seen_s <= max(part.worn_at_s, part.seen_at_s)
            return self._spare(part.number) if was_beside else part
        if self._everyone:
            return self._spare(self._named - 1)
        if self._anybody_may_be_a_wearer or face.track_id in self._confused:
            return self._spare(min(named, key=lambda part: _distance(part.face, face)).number)
        if not face.alive:
            return None
        for part in named:
            if not part.is_certain(first_seen_s, self._pts_s) and self._pts_s - part.came_at_s > _WATCHED_S:
                return self._spare(part.number)
        return None

    def _is_somebody_else(self, first_seen_s: float) -> bool:
        named = self.parts[: self._named]
        return not self._anybody_may_be_a_wearer and all(part.is_certain(first_seen_s, self._pts_s) for part in named)

    def _spare(self, number: int) -> AssignedFace | None:
        """Return one more of a face that was named; None where there are too many already."""
        for part in self.parts:
            if part.face is None and part.number == number:
                return part
        if len(self.parts) >= self._named + _MOST_SPARE and not self._everyone:
            return None
        self.parts.append(self._new_part(number))
        return self.parts[-1]

    def _release(self) -> None:
        """Let those go who are not there any more. While nobody else wears a face, nobody is given up."""
        others_wear = any(part.mesh is not None for part in self.parts)
        for part in self.parts:
            if part.face is None or part.is_in_view:
                continue
            never_worn = part.worn_at_s == -math.inf
            missing_s = part.missing_s(self._pts_s)
            if (never_worn and missing_s > REMEMBERED_S) or (others_wear and missing_s > _GONE_S):
                if not never_worn:
                    self._anybody_may_be_a_wearer = True
                    self.lost.append(Lost(part.number, part.face.box, self._pts_s, for_s=_SEAT_S))
                part.let_go()
        self.lost = [lost for lost in self.lost if self._pts_s - lost.since_s <= lost.for_s]

    def _find_lost(self) -> None:
        """Forget the places of those who are found again."""
        seen = [part.face.box for part in self.parts if part.face is not None and part.face.lost_for_s == 0]
        self.lost = [lost for lost in self.lost if not any(_widths(lost.box, box) < _NEAR for box in seen)]

    def _doubt_bystanders(self, by_track: Mapping[int, Face]) -> None:
        """Trust no bystander's identity that may have been taken over by a wearer whom they hid, or who hid them."""
        for identity in list(self.bystanders):
            face = by_track.get(identity)
            if face is not None and face.lost_for_s == 0:
                continue
            if any(self._may_be_confused(part, face) for part in self.parts):
                self.bystanders.discard(identity)
                self._confused.add(identity)

    def _may_be_confused(self, part: AssignedFace, bystander: Face | None) -> bool:
        if part.face is None or self._pts_s - part.unseen_at_s > REMEMBERED_S:
            return False
        return bystander is None or _widths(part.face.box, bystander.box) < _CONFUSED


def _who_hides(part: AssignedFace, faces: Sequence[Face]) -> int | None:
    """Return by whose face somebody who is missed is hidden, as long as it is seen."""
    seen = {face.track_id: face.box for face in faces if face.lost_for_s == 0 and face.track_id != part.track_id}
    if part.behind in seen or part.face is None:
        return part.behind
    place = part.face.box
    return next((identity for identity, box in seen.items() if _widths(place, box) < _CROSSES), None)


def _distance(one: Face | None, other: Face) -> tuple[bool, float]:
    """How far apart two faces are; somebody nowhere is farther than anybody near, and nearer than anybody far."""
    if one is None:
        return True, 0.0
    widths = _widths(one.box, other.box)
    return widths > 2.0, widths


def _widths(one: Box, other: Box) -> float:
    (x, y), (other_x, other_y) = one.centre, other.centre
    return math.hypot(x - other_x, y - other_y) / max(1.0, other.width)
