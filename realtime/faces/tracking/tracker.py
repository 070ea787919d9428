"""Faces from frame to frame: who is who, calmly placed, held while lost."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from realtime.faces.tracking.one_euro import OneEuroFilter
from realtime.faces.tracking.viewer_selection import Candidate, Liveness, LivenessWatch, ViewerSelection, occludes
from realtime.imaging.frame import Box, Face

HELD_S = 0.5
"""How long a face that is not seen any more keeps its place."""
REMEMBERED_S = 3.0
"""For how long after it was last seen a face that comes back to the same place is the same person."""

SURE_SCORE = 0.5
"""A detection below it makes nobody known; it only keeps whom it fits, and for a second at most."""

_SURE_WITHIN_S = 1.0
_CONFIRMED_WITHIN_S = 0.15
_LEAST_CUTOFF_HZ = 1.0
_CUTOFF_PER_SPEED = 7.0
# Hz for each face width per second. On clips of people who talk and turn, the eyes' midpoint shakes at rest by 0.39 %
# of the face's width instead of 0.97 % and follows 47 ms late (54 ms at 4.0, 40 ms and 0.44 % at 12.0); a steady walk
# of one width a second is followed 20 ms late.
_COAST_S = 0.3
# Motion is carried on for so long when looking for a hidden face: longer, and a turn on the way makes it wrong.
_REACH = 0.5
_REACH_PER_S = 2.5
_MOST_REACH = 1.2
_MOST_GROWTH = 1.7
# How far, in face widths, a face may be from where it was expected, at once and for each second it was
# hidden; and how many times larger or smaller. Walking past at arm's length makes about 3 widths a second,
# 0.1 between frames.


class _Track:
    """One person. Positions in pixels, `width` is the detected box's."""

    def __init__(self, identity: int, detection: Face, pts_s: float, *, confirmed: bool) -> None:
        self.identity = identity
        self.confirmed = confirmed
        self.is_counted = False
        self.hits = 0
        self.seen_at_s = pts_s
        self.sure_at_s = pts_s
        self.life_watch = LivenessWatch()
        self.calm = OneEuroFilter(least_cutoff_hz=_LEAST_CUTOFF_HZ, cutoff_per_speed=_CUTOFF_PER_SPEED)
        self.see(detection, pts_s)

    def see(self, detection: Face, pts_s: float) -> None:
        """Take in where it has just been detected."""
        if pts_s - self.seen_at_s > HELD_S:
            self.calm.reset()  # it was gone: appear in the new place, do not glide there
        left, top, width, height = detection.box
        self.x, self.y = left + width / 2, top + height / 2
        self.width = width
        values: NDArray[np.float64] = np.empty(16)
        values[:12] = detection.keypoints.reshape(12)
        values[12:] = self.x, self.y, width, height
        calmed = self.calm.update(values, pts_s, width)
        self.raw, self.calmed = values, calmed
        self.speed_x, self.speed_y = self.calm.speed[12:14].tolist()
        x, y, width, height = calmed[12:].tolist()
        box = Box(x - width / 2, y - height / 2, width, height)
        keypoints = calmed[:12].astype(np.float32).reshape(6, 2)
        self.face = Face(box, keypoints, detection.score, self.identity)
        self.seen_at_s = pts_s
        if detection.score >= SURE_SCORE:
            self.sure_at_s = pts_s
        self.hits += 1
        if self.hits >= 2:
            self.confirmed = True

    def cost(self, detection: Face, pts_s: float) -> float:
        """Return how unlikely it is that this detection is this person; infinite beyond what a head can do.

        The distance from where its motion would have taken it, in face widths, and the change in size.
        """
        left, top, width, height = detection.box
        hidden_s = pts_s - self.seen_at_s
        if detection.score < SURE_SCORE and (hidden_s > HELD_S or pts_s - self.sure_at_s > _SURE_WITHIN_S):
            return math.inf
        coast_s = min(hidden_s, _COAST_S) if hidden_s <= HELD_S else 0.0
        away_x = left + width / 2 - self.x - coast_s * self.speed_x
        away_y = top + height / 2 - self.y - coast_s * self.speed_y
        distance = math.hypot(away_x, away_y) / math.sqrt(width * self.width)
        growth = width / self.width if width > self.width else self.width / width
        if distance > min(_REACH + _REACH_PER_S * hidden_s, _MOST_REACH) or growth > _MOST_GROWTH:
            return math.inf
        return distance + 0.5 * (growth - 1.0)

    def held(self, pts_s: float) -> Face:
        """Return its last place, and for how long it has not been seen."""
        face = self.face
        return Face(face.box, face.keypoints, face.score, self.identity, pts_s - self.seen_at_s)


class FaceTracker:
    """Gives faces identity, calm and a memory. Used by one thread.

    A detection belongs to the known person whose motion and size explain it best, the best match first. A new
    face counts once it was found twice in a row or within 0.15 s, so that a single false detection is nobody;
    only the first face of a run appears at once. A person who is not found keeps the last place for 0.5 s
    (`lost_for_s` grows), and whoever comes back to it within 3 s is the same person.
    """

    def __init__(self) -> None:
        self._choice = ViewerSelection()
        self._tracks: list[_Track] = []
        self._next_identity = 0
        self._nobody_yet = True
        self._pts_s = -math.inf
        self.people = 0
        """How many different people have been seen since the start: faces that moved by themselves, so that no poster
        is one of them. Whoever comes back after `REMEMBERED_S`, or after a cut, is another one."""

    def update(self, detections: Sequence[Face], pts_s: float) -> list[Face]:
        """Take the faces found in the picture of this moment; return the calmed ones.

        The viewer to follow comes first, then the others by size. A moment before the last one means that the
        source has started over: everybody is forgotten.
        """
        if pts_s < self._pts_s:
            self.reset()
        self._pts_s = pts_s
        unexplained = self._match(detections, pts_s)
        self._tracks = [track for track in self._tracks if self._is_remembered(track, pts_s)]
        for detection in unexplained:
            self._tracks.append(_Track(self._next_identity, detection, pts_s, confirmed=self._nobody_yet))
            self._next_identity += 1
        if unexplained:
            self._nobody_yet = False
        visible = [track for track in self._tracks if track.confirmed and pts_s - track.seen_at_s <= HELD_S]
        candidates = []
        for track in visible:
            face = track.face
            if track.seen_at_s == pts_s:
                shadowed = any(occludes(other.face.box, face.box) for other in visible)
                width = face.box.width
                track.life_watch.watch(track.raw[:8], track.calmed[:8], width, pts_s, shadowed=shadowed)
            else:
                face = track.held(pts_s)
            if track.life_watch.life is Liveness.ALIVE:
                self.people += not track.is_counted
                track.is_counted = True
            else:
                face = dataclasses.replace(face, alive=False)
            speed = math.hypot(track.speed_x, track.speed_y) / face.box.width
            candidates.append(Candidate(face, track.life_watch.life, speed))
        viewer = self._choice.choose(candidates, pts_s)
        faces = [candidate.face for candidate in candidates]
        if len(faces) > 1:
            faces.sort(key=lambda face: (face.track_id != viewer, -face.box.width))
        return faces

    @property
    def unconfirmed(self) -> list[Face]:
        """Who was found in the newest picture and is not known yet: somebody who comes, or a false detection."""
        tracks = (track for track in self._tracks if not track.confirmed and track.seen_at_s == self._pts_s)
        return [dataclasses.replace(track.face, alive=False, confirmed=False) for track in tracks]

    def reset(self) -> None:
        """Forget everybody. Identities are not given a second time."""
        self._tracks.clear()
        self._choice.reset()
        self._nobody_yet = True
        self._pts_s = -math.inf

    def _match(self, detections: Sequence[Face], pts_s: float) -> list[Face]:
        """Let each track see its detection; return the detections nobody explains."""
        pairs = []
        for track in self._tracks:
            for position, detection in enumerate(detections):
                cost = track.cost(detection, pts_s)
                if cost < math.inf:
                    pairs.append((cost, track.identity, position, track))
        pairs.sort(key=lambda pair: pair[:3])
        explained: set[int] = set()
        matched: set[int] = set()
        for _, identity, position, track in pairs:
            if identity not in matched and position not in explained:
                matched.add(identity)
                explained.add(position)
                track.see(detections[position], pts_s)
        return [
            detection
            for position, detection in enumerate(detections)
            if position not in explained and detection.score >= SURE_SCORE
        ]

    def _is_remembered(self, track: _Track, pts_s: float) -> bool:
        hidden_s = pts_s - track.seen_at_s
        return hidden_s <= (REMEMBERED_S if track.confirmed else _CONFIRMED_WITHIN_S)
