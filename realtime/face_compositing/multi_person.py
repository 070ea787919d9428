"""Everybody in a frame: dressed, hidden, or left as they are.

Who is what is told by `assignment.py`. Somebody who is to wear a face is never shown without: for half a second the
last face stays over a hidden head, then the head is hidden, and the longer it was not seen, the more around it; while
nobody is there, everything. What was measured in another size, before a leap of the clock or in another scene is
forgotten, and the picture hidden until those are found who are in it now.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.anonymization import anonymize, anonymize_all, anonymize_face, restore
from realtime.face_compositing.assignment import AssignedFace, Assignment, Known
from realtime.face_compositing.compositor import Compositor
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.faces.tracking.mesh_tracker import WornMeshTracker
from realtime.faces.tracking.scene_continuity import SceneContinuity
from realtime.faces.tracking.tracker import HELD_S, REMEMBERED_S
from realtime.imaging.frame import Box, Face, Frame, Pixels, Size

_SLIPPED = 0.3
"""Overlap of a mesh that nobody detected with somebody else's box."""
_MAY_COVER = 2.5
"""Face widths: nearer than this somebody may cover a part of a face."""
_RIGHT_BEHIND = 0.03
"""Widths of the face in front from its middle."""
_MOST_LOST_DRIFT_S = 0.5
_COMES_FORTH_S = 0.5
"""What is hidden about a face behind which somebody is: as much as about one that was missed for so long."""
_SETTLED_S = 0.25
"""For so long after a break the picture stays hidden, at least: others are found later than the first."""
_LATER, _LATER_S = 2.0, 0.1
"""The later the first is found, the later are others: by so many times as long, and seconds more."""
_STIRS, _STIRRED = 0.6, 0.01
"""Deviations of the picture by which a point of its small copy changes, and how many points must. A face of a quarter
of the picture's width that comes in by a fifth of it is 0.02."""
_RESTS_FOR_S = 0.4
_BESIDE, _ABOVE, _BELOW = 1.2, 1.2, 1.8
"""Sides of a face's box from its middle: what stirs nearer is the wearer's own."""


class _Settling:
    """Tells when, after a break, all who are there have had time to be found."""

    def __init__(self, since_s: float) -> None:
        self._since_s = since_s
        self._over_at_s = math.inf

    def is_over(self, found: int, pts_s: float) -> bool:
        if found and self._over_at_s == math.inf:
            late_s = pts_s - self._since_s
            self._over_at_s = self._since_s + max(_SETTLED_S, _LATER * late_s + _LATER_S)
        return pts_s >= self._over_at_s


class _Newcomers:
    """Sees that somebody may be coming before any detector does: something stirs beside the faces that are worn."""

    def __init__(self) -> None:
        self.may_be_there = False
        self._before: NDArray[np.float32] | None = None

    def look(self, scene: NDArray[np.float32] | None, size: Size, faces: Sequence[Box]) -> None:
        """Take the next picture's small copy (`SceneContinuity.scene`); `faces` are worn in it."""
        if scene is None or self.may_be_there:
            return
        if self._before is None or self._before.shape != scene.shape:
            self._before = scene
            return
        rows, columns = scene.shape
        stirs = np.abs(scene - self._before) > _STIRS
        for box in faces:
            x, y = box.centre
            left, right = ((x + side * _BESIDE * box.width) * columns / size.width for side in (-1, 1))
            top, bottom = ((y + side * box.height) * rows / size.height for side in (-_ABOVE, _BELOW))
            stirs[max(0, int(top)) : max(0, int(bottom) + 1), max(0, int(left)) : max(0, int(right) + 1)] = False
        self.may_be_there = float(stirs.mean()) > _STIRRED


class KnownPeople(NamedTuple):
    """What is known of those in the picture, without the faces they wear."""

    assignment: Known
    continuity: SceneContinuity
    settling: _Settling | None
    newcomers: _Newcomers | None
    mirrored: bool


class MultiPersonCompositor:
    """Dresses everybody in a frame. Used by one thread."""

    def __init__(
        self,
        makers: Sequence[Callable[[], Compositor]],
        new_mesh_tracker: Callable[[], WornMeshTracker],
        *,
        everyone: bool,
    ) -> None:
        """`makers` make the faces to wear, one of each to begin with. `everyone`: all others wear the last of them."""

        def new_part(number: int) -> AssignedFace:
            return AssignedFace(number, makers[number](), new_mesh_tracker())

        named = [AssignedFace(number, maker(), new_mesh_tracker()) for number, maker in enumerate(makers)]
        self._assignment = Assignment(named, new_part, everyone=everyone)
        self._continuity = SceneContinuity()
        self._settling: _Settling | None = None
        self._newcomers: _Newcomers | None = None
        """While nobody who wears a face is surely alive: it may be a picture that does, and its owner comes."""
        self._mirrored = False
        self.worn = 0
        """How many faces were swapped in the last frame."""
        self.hidden = 0
        """How many were hidden."""

    @property
    def compositors(self) -> list[Compositor]:
        return [part.compositor for part in self._assignment.parts]

    def known(self) -> KnownPeople:
        """Return who is known, for others who dress the same people."""
        return KnownPeople(self._assignment.known(), self._continuity, self._settling, self._newcomers, self._mirrored)

    def take_over(self, known: KnownPeople) -> None:
        """Know everybody whom others knew, whose faces are taken off now."""
        assignment, self._continuity, self._settling, self._newcomers, self._mirrored = known
        self._assignment.take_over(assignment)

    def render(self, frame: Frame, faces: Sequence[Face], strength: float, out: Pixels) -> None:
        """Swap the faces in `out`, which holds the frame's picture."""
        assignment, detected = self._assignment, faces
        faces = [face for face in detected if face.confirmed]
        if self._continuity.breaks(frame) and not assignment.knows_any(
            faces
        ):  # at a break the finder forgets everybody
            assignment.begin_again(frame.pts_s, stays_in_part=self._continuity.stays_in_part)
            self._settling = _Settling(frame.pts_s)
            self._newcomers = None
        elif frame.mirrored != self._mirrored:
            self._mirror(frame.size.width)
        self._mirrored = frame.mirrored
        assignment.see(faces, frame.pts_s)
        follow = functools.partial(self._follow, frame, faces)
        for part in assignment.parts:
            if part.face is not None:
                follow(part)
        assignment.admit(detected, follow)
        self.worn = sum(part.mesh is not None for part in assignment.parts)
        self.hidden = 0
        found = sum(part.is_in_view for part in assignment.parts)
        if self._settling is not None and self._settling.is_over(found, frame.pts_s):
            self._settling = None
        self._look_for_newcomers(frame)
        hides_all = self._settling is not None or (self._newcomers is not None and self._newcomers.may_be_there)
        if hides_all or all(part.face is None for part in assignment.parts):
            self.hidden += 1
            anonymize_all(out)
        else:
            self._hide(frame, detected, strength, out)
        for part in assignment.parts:
            if part.is_detected or hides_all:
                self._draw(part, frame, strength, out)

    def _follow(self, frame: Frame, faces: Sequence[Face], part: AssignedFace) -> None:
        """Look where the face of somebody who wears one lies in this frame."""
        face = part.face
        if face is None or self._is_behind(part, faces):
            return
        mesh = part.mesh_tracker.follow(frame.pixels, face, frame.pts_s)
        others = [other.box for other in faces if other.track_id != part.track_id and other.lost_for_s == 0]
        if mesh is not None and face.lost_for_s > 0 and any(mesh.box.overlap(other) > _SLIPPED for other in others):
            part.mesh_tracker.forget()
            mesh = None
        if mesh is None:
            return
        part.mesh, part.worn_at_s = mesh, frame.pts_s
        if face.lost_for_s > 0:
            part.face = _moved(face, mesh)
        elif part.mesh_tracker.measured is not None:
            near = any(_is_near(face.box, other) for other in others)
            part.liveliness.watch(part.mesh_tracker.measured, frame.pts_s, near_others=near)

    def _look_for_newcomers(self, frame: Frame) -> None:
        parts = self._assignment.parts
        if any(part.is_proven_alive(frame.pts_s) for part in parts):
            self._newcomers = None
            return
        rests = all(
            frame.pts_s - part.liveliness.rests_since_s > _RESTS_FOR_S for part in parts if part.face is not None
        )
        if self._newcomers is None or not (rests or self._newcomers.may_be_there):
            self._newcomers = _Newcomers()  # a person who moves stirs the picture, and is no picture
        if self.worn:
            faces = [part.face.box for part in parts if part.face is not None]
            self._newcomers.look(self._continuity.scene, frame.size, faces)

    def _hide(self, frame: Frame, faces: Sequence[Face], strength: float, out: Pixels) -> None:
        """Hide whoever must be and is not dressed; draw what is held or unsure. It must cover no bystander."""
        assignment, pts_s = self._assignment, frame.pts_s
        doubtful = [face for face in faces if face.track_id in assignment.doubtful]
        faces = [face for face in faces if face.confirmed]
        unseen = [part for part in assignment.parts if part.mesh is None and not self._is_right_behind(part, faces)]
        unsure = [part for part in assignment.parts if part.mesh is not None and not part.is_detected]
        missing = [(part, part.face) for part in unseen if part.face is not None]
        # First all around, then the faces themselves.
        for part, face in missing:
            missing_s = part.missing_s(pts_s) if face.lost_for_s > 0 else 0.0
            anonymize(out, face.box, missing_s, bounded=self.worn > 0)
        for lost in assignment.lost:
            anonymize(out, lost.box, min(pts_s - lost.since_s, _MOST_LOST_DRIFT_S))
        covering = {part.behind for part, _ in missing if part.missing_s(pts_s) < REMEMBERED_S}
        covering |= {lost.behind for lost in assignment.lost if pts_s - lost.since_s < REMEMBERED_S}
        for face in faces:
            if face.track_id in covering:
                anonymize(out, face.box, _COMES_FORTH_S)
        for face in doubtful:
            anonymize(out, face.box, face.lost_for_s)
        self.hidden += len(assignment.lost) + len(doubtful)
        for part, face in missing:
            anonymize_face(out, face.box)
            if pts_s - part.worn_at_s <= HELD_S and part.compositor.can_hold(frame.size):
                part.compositor.hold(out)
                self.worn += 1
            else:
                self.hidden += 1
        for part in unsure:  # the mesh alone still has it, and may be about to slip to a bystander
            self._draw(part, frame, strength, out)
        hidden = [face.box for _, face in missing] + [lost.box for lost in assignment.lost]
        hidden += [face.box for face in doubtful] + [part.face.box for part in unsure if part.face is not None]
        if hidden:
            for face in faces:
                if face.track_id in assignment.bystanders and face.lost_for_s == 0:
                    restore(out, frame.pixels, face.box, hidden)

    def _draw(self, part: AssignedFace, frame: Frame, strength: float, out: Pixels) -> None:
        if part.mesh is not None:
            part.compositor.render(frame.pixels, part.mesh, frame.pts_s, strength, out, part.mesh_tracker.measured)

    def _is_behind(self, part: AssignedFace, faces: Sequence[Face]) -> bool:
        """Whether another's face is seen where this one should be, who is not seen."""
        if part.face is None or part.face.lost_for_s == 0:
            return False
        hidden = part.face.box
        return any(_covers(face, hidden) for face in faces if face.track_id != part.track_id)

    def _is_right_behind(self, part: AssignedFace, faces: Sequence[Face]) -> bool:
        """Whether nothing of somebody who is not seen can come forth beside the one who hides them."""
        if part.face is None or part.face.lost_for_s == 0:
            return False
        x, y = part.face.box.centre
        in_front = [face.box for face in faces if face.track_id != part.track_id and face.lost_for_s == 0]
        return any(math.dist((x, y), box.centre) < _RIGHT_BEHIND * box.width for box in in_front)

    def _mirror(self, width: int) -> None:
        """Exchange left and right of all that is known."""
        for part in self._assignment.parts:
            if part.face is not None:
                part.face = part.face.mirrored(width)
            part.mesh_tracker.forget()
            part.compositor.let_go()
        for lost in self._assignment.lost:
            lost.box = lost.box._replace(left=width - lost.box.left - lost.box.width)


def _covers(face: Face, hidden: Box) -> bool:
    x, y = hidden.centre
    box = face.box
    inside = box.left < x < box.left + box.width and box.top < y < box.top + box.height
    return inside and face.lost_for_s == 0


def _is_near(box: Box, other: Box) -> bool:
    (x, y), (other_x, other_y) = box.centre, other.centre
    return math.hypot(x - other_x, y - other_y) < _MAY_COVER * (box.width + other.width) / 2


def _moved(face: Face, mesh: FaceMesh) -> Face:
    """Return the face where the mesh has it: the detector does not see it."""
    box = mesh.box
    x, y = box.centre
    side = max(face.box.width, face.box.height)
    return dataclasses.replace(face, box=Box(x - side / 2, y - side / 2, side, side))
