"""Who wears which face, from frame to frame, and what is shown while one of them cannot be followed.

A face belongs to a person, not to a place: the tracker's identities hold it. Somebody who is to wear one is never shown
without: for half a second the last face stays, then the head is hidden, and the longer it was not seen, the more around
it; while nobody is there, everything. Who walked out of the picture is gone after a while, and is given the face again
when they come back. Whoever was not asked, because all faces were worn when they came, stays as they are.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence

from realtime.faces.mesh import FaceMesh
from realtime.faces.tracker import HELD_S, REMEMBERED_S
from realtime.frame import Box, Face, Frame, Pixels, Size
from realtime.swap.follower import MeshFollower
from realtime.swap.hiding import hide, hide_all, spare
from realtime.swap.wearing import Wearing

_FITS_WITHIN_S = 0.5
_GONE_S = 30.0
"""Whoever was not found for so long, wherever they were, is not there any more."""
_EDGE = 0.35
"""A face that was last seen nearer to the picture's edge than this share of its width may have walked out."""


@dataclasses.dataclass
class _Part:
    """One face to wear, and who wears it."""

    wearing: Wearing
    follower: MeshFollower
    track_id: int | None = None
    face: Face | None = None
    """Where the tracker last had the person."""
    came_at_s: float = -math.inf
    worn_at_s: float = -math.inf

    def is_lost(self, here: Mapping[int, Face]) -> bool:
        """Whether nobody is known to wear it at this moment. Somebody new may be the one who wore it, moved quickly."""
        return self.track_id is None or self.track_id not in here or here[self.track_id].lost_for_s > 0

    def never_fitted(self, pts_s: float) -> bool:
        """Whether the detector's face was none to the mesh model, all the time: a blurred back, a picture."""
        return self.came_at_s > self.worn_at_s and pts_s - self.came_at_s > _FITS_WITHIN_S

    def take(self, face: Face, pts_s: float) -> None:
        """Give it to a person."""
        self.track_id, self.came_at_s = face.track_id, pts_s
        self.follower.forget()
        self.wearing.forget()


class People:
    """Dresses everybody in a frame. Used by one thread."""

    def __init__(
        self,
        wearings: Sequence[Wearing],
        new_follower: Callable[[], MeshFollower],
        another: Callable[[], Wearing] | None,
    ) -> None:
        """`another` makes one more face to wear, where everybody shall; None: there are only these."""
        self._new_follower = new_follower
        self._another = another
        self._parts = [_Part(wearing, new_follower()) for wearing in wearings]
        self._bystanders: set[int] = set()
        self._owners: dict[
            int, _Part
        ] = {}  # everybody who ever wore something, in order: it is theirs when they are back
        self._pts_s = -math.inf
        self.worn = 0
        """How many faces were swapped in the last frame."""
        self.hidden = 0
        """How many were hidden."""

    @property
    def wearings(self) -> list[Wearing]:
        return [part.wearing for part in self._parts]

    def dress(self, frame: Frame, faces: Sequence[Face], strength: float, out: Pixels) -> None:
        """Swap the faces in `out`, which holds the frame's picture."""
        if frame.pts_s < self._pts_s:  # the source began again
            for part in self._parts:
                part.track_id, part.face, part.worn_at_s = None, None, -math.inf
            self._bystanders.clear()
            self._owners.clear()
        self._pts_s = frame.pts_s
        self._cast(faces, frame.pts_s)
        self.worn = self.hidden = 0
        if all(part.face is None for part in self._parts):
            if not faces:  # else they are bystanders: a newcomer would have been given a face
                hide_all(out)
            return
        # What is hidden, held or unsure comes first: it must cover neither a face that is worn nor a bystander's.
        draw: list[Callable[[], object]] = []
        for part in self._parts:
            if part.face is not None:
                behind = any(_covers(face, part.face) for face in faces if face.track_id != part.track_id)
                draw += self._show(part, part.face, frame, strength, out, behind=behind)
        if self.hidden or self.worn:
            for face in faces:
                if face.track_id in self._bystanders and face.lost_for_s == 0:
                    spare(out, frame.pixels, face.box)
        for step in draw:
            step()
        self.worn += len(draw)

    def _show(
        self, part: _Part, face: Face, frame: Frame, strength: float, out: Pixels, *, behind: bool
    ) -> Sequence[Callable[[], object]]:
        """Hide or hold what must be, and return what draws the face, if one is to be drawn.

        `behind`: where this face should be, another's is seen.
        """
        if behind and face.lost_for_s > 0:
            return ()  # what is seen there is somebody who has a track of their own
        mesh = part.follower.follow(frame.pixels, face, frame.pts_s)
        if mesh is not None:
            part.face = face if face.lost_for_s == 0 else _moved(face, mesh)
            part.worn_at_s = frame.pts_s
            if part.track_id is not None:
                self._owners.setdefault(part.track_id, part)
            measured = part.follower.measured
            draw = functools.partial(part.wearing.put_on, frame.pixels, mesh, frame.pts_s, strength, out, measured)
            if face.lost_for_s == 0:
                return (draw,)
            draw()  # the mesh alone still has it, and may be about to slip to a bystander
            self.worn += 1
            return ()
        missing_s = frame.pts_s - max(part.worn_at_s, part.came_at_s)
        if face.lost_for_s > (REMEMBERED_S if _walked_out(face.box, frame.size) else _GONE_S):
            part.track_id = part.face = None
        elif frame.pts_s - part.worn_at_s <= HELD_S and part.wearing.can_hold(frame.size):
            part.wearing.hold(out)
            self.worn += 1
        else:
            hide(out, face.box, missing_s if face.lost_for_s > 0 else 0.0)
            self.hidden += 1
        return ()

    def _cast(self, faces: Sequence[Face], pts_s: float) -> None:
        """Say who wears what: whoever wore it before; somebody new, where it is free or its wearer is missing."""
        here = {face.track_id: face for face in faces}
        for part in self._parts:
            if part.track_id in here:
                part.face = here[part.track_id]
            elif part.face is not None:
                lost_for_s = pts_s - max(part.worn_at_s, part.came_at_s)
                part.face = dataclasses.replace(part.face, lost_for_s=max(lost_for_s, 1e-3))
        self._give_back(here)
        worn = {part.track_id for part in self._parts}
        for face in faces:
            if face.track_id in worn or face.lost_for_s > 0:
                continue
            free = self._free(here, face, pts_s)
            if free is None:
                self._bystanders.add(face.track_id)
                continue
            self._bystanders.discard(face.track_id)
            free.take(face, pts_s)
            free.face = face

    def _give_back(self, here: Mapping[int, Face]) -> None:
        """Let those who are back wear again what somebody new was given while they were away."""
        for track_id, part in list(self._owners.items()):  # whoever wore it first comes first
            back = here.get(track_id)
            if track_id not in self._owners or back is None or back.lost_for_s > 0:
                continue
            for other, worn in list(self._owners.items()):
                if worn is part and other != track_id:
                    del self._owners[other]
                    self._bystanders.add(other)
            if part.track_id != track_id:
                part.take(back, self._pts_s)
                part.face = back

    def _free(self, here: Mapping[int, Face], face: Face, pts_s: float) -> _Part | None:
        """Return what somebody who wears nothing is to wear, None where all is worn.

        A newcomer takes what was lost near here, then what nobody wears, then what somebody far away cannot be seen
        with. Whoever was left as they are before stays so, but for a face that nobody could ever wear.
        """
        if face.track_id in self._bystanders:
            free = [part for part in self._parts if part.never_fitted(pts_s)]
        else:
            free = [part for part in self._parts if part.is_lost(here) or part.never_fitted(pts_s)]
        if free:
            return min(free, key=lambda part: _distance(part.face, face))
        if self._another is None:
            return None
        self._parts.append(_Part(self._another(), self._new_follower()))
        return self._parts[-1]


def _distance(one: Face | None, other: Face) -> tuple[bool, float]:
    """How far apart two faces are; somebody nowhere is farther than anybody near, and nearer than anybody far."""
    if one is None:
        return True, 0.0
    (x, y), (other_x, other_y) = one.box.centre, other.box.centre
    widths = math.hypot(x - other_x, y - other_y) / max(1.0, other.box.width)
    return widths > 2.0, widths


def _covers(face: Face, hidden: Face) -> bool:
    """Whether a face is seen where another should be."""
    x, y = hidden.box.centre
    box = face.box
    inside = box.left < x < box.left + box.width and box.top < y < box.top + box.height
    return inside and face.lost_for_s == 0


def _moved(face: Face, mesh: FaceMesh) -> Face:
    """Return the face where the mesh has it: the detector does not see it."""
    box = mesh.box
    x, y = box.centre
    side = max(face.box.width, face.box.height)
    return dataclasses.replace(face, box=Box(x - side / 2, y - side / 2, side, side), lost_for_s=0.0)


def _walked_out(box: Box, frame: Size) -> bool:
    x, y = box.centre
    near = _EDGE * box.width + box.width / 2
    return x < near or y < near or x > frame.width - near or y > frame.height - near
