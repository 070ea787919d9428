"""Which of several faces is the viewer: the nearest one, but a gaze is not torn away, and pictures are not people."""

from __future__ import annotations

import math
from collections.abc import Sequence

from realtime.frame import Face

# How far a face must have been from where it rested, in face widths, and for how long in sum, to be a living one.
_ALIVE_DISTANCE = 0.12
_ALIVE_FOR_S = 0.3
_REST_S = 8.0
_SETTLE_S = 0.4
_LEAK = 0.02
_NEARER = 1.3
_NEARER_FOR_S = 1.0
_REMEMBERED_S = 3.0


class _Presence:
    """What is known of one face: where it rests, and whether it has ever moved by itself."""

    __slots__ = ("alive", "evidence_s", "nearer_since_s", "rest_width", "rest_x", "rest_y", "seen_at_s", "settles_at_s")

    def __init__(self, face: Face, pts_s: float) -> None:
        self.alive = False
        self.nearer_since_s = math.inf
        self.rest_at(face, pts_s)

    def rest_at(self, face: Face, pts_s: float) -> None:
        """Begin to watch for movement, from here."""
        self.rest_x, self.rest_y = face.box.centre
        self.rest_width = face.box.width
        self.evidence_s = 0.0
        self.settles_at_s = pts_s + _SETTLE_S
        self.seen_at_s = pts_s

    def watch(self, face: Face, pts_s: float) -> None:
        """Look for movement since the last picture."""
        step_s = pts_s - self.seen_at_s
        if step_s > _SETTLE_S:  # it was hidden: the detector's first guesses after that are no movement
            self.rest_at(face, pts_s)
            return
        self.seen_at_s = pts_s
        x, y = face.box.centre
        width = face.box.width
        settling = pts_s < self.settles_at_s
        share = min(1.0, step_s / (_SETTLE_S / 3 if settling else _REST_S))
        away_x, away_y, away_width = x - self.rest_x, y - self.rest_y, width - self.rest_width
        self.rest_x += share * away_x
        self.rest_y += share * away_y
        self.rest_width += share * away_width
        if settling:
            return
        if math.hypot(away_x, away_y) + abs(away_width) > _ALIVE_DISTANCE * width:
            self.evidence_s += step_s
            self.alive = self.evidence_s >= _ALIVE_FOR_S
        else:
            self.evidence_s = max(0.0, self.evidence_s - _LEAK * step_s)


class ViewerChoice:
    """Chooses whom to follow, picture after picture. Used by one thread.

    - Nobody is followed yet, or the one who was has left: people who move come first, then the nearest.
    - Somebody else takes over only when clearly nearer (`_NEARER` times as wide) for `_NEARER_FOR_S`.
    - A face that has never moved by itself (a painting, a poster, another portrait) takes over from nobody who has,
      and yields at once to anybody who has. Alone, it is followed all the same: it may be somebody sitting still.
    - Whoever has once moved stays a person for as long as the tracker knows them, however still they sit.
    """

    def __init__(self) -> None:
        self._presences: dict[int, _Presence] = {}
        self._viewer = -1
        self._pts_s = -math.inf

    @property
    def viewer(self) -> int:
        """The `track_id` of the face chosen last, or -1."""
        return self._viewer

    def is_alive(self, track_id: int) -> bool:
        """Return True for a face that has moved by itself."""
        presence = self._presences.get(track_id)
        return presence is not None and presence.alive

    def choose(self, faces: Sequence[Face], pts_s: float) -> int:
        """Return the `track_id` of the viewer among the calmed, tracked faces; -1 where there is none."""
        if pts_s < self._pts_s:  # the source has started over
            self.reset()
        self._pts_s = pts_s
        presences = self._presences
        holder = None
        for face in faces:
            presence = presences.get(face.track_id)
            if presence is None:
                presences[face.track_id] = _Presence(face, pts_s)
            elif face.lost_for_s == 0.0:
                presence.watch(face, pts_s)
            if face.track_id == self._viewer:
                holder = face
        if len(presences) > len(faces):
            self._forget(faces, pts_s)
        if len(faces) == 1:  # the usual case
            self._viewer = faces[0].track_id
        elif not faces:
            self._viewer = -1
        elif holder is None:
            self._viewer = max(faces, key=self._rank).track_id
        else:
            self._viewer = self._challenge(holder, faces, pts_s)
        return self._viewer

    def reset(self) -> None:
        """Forget everybody."""
        self._presences.clear()
        self._viewer = -1
        self._pts_s = -math.inf

    def _rank(self, face: Face) -> tuple[bool, bool, float]:
        return self._presences[face.track_id].alive, face.lost_for_s == 0.0, face.box.width

    def _challenge(self, holder: Face, faces: Sequence[Face], pts_s: float) -> int:
        """Return who holds the gaze now: the holder, or somebody with a better claim to it."""
        holder_alive = self._presences[holder.track_id].alive
        claims = []
        for face in faces:
            presence = self._presences[face.track_id]
            if face is holder or face.lost_for_s > 0.0 or (holder_alive and not presence.alive):
                presence.nearer_since_s = math.inf
            elif presence.alive and not holder_alive:
                claims.append(face)
            elif face.box.width < _NEARER * holder.box.width:
                presence.nearer_since_s = math.inf
            elif presence.nearer_since_s == math.inf:
                presence.nearer_since_s = pts_s
            elif pts_s - presence.nearer_since_s >= _NEARER_FOR_S:
                claims.append(face)
        if not claims:
            return holder.track_id
        for presence in self._presences.values():
            presence.nearer_since_s = math.inf
        return max(claims, key=self._rank).track_id

    def _forget(self, faces: Sequence[Face], pts_s: float) -> None:
        """Forget whom the tracker has forgotten."""
        present = {face.track_id for face in faces}
        for track_id, presence in list(self._presences.items()):
            if track_id not in present and pts_s - presence.seen_at_s > _REMEMBERED_S:
                del self._presences[track_id]
