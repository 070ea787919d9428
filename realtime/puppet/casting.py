"""Who moves which of several heads."""

from __future__ import annotations

from collections.abc import Sequence

from realtime.imaging.frame import Face

_FREE_AFTER_S = 2.0
"""A head waits so long for whoever moved it, then it is anybody's: as long as a driver remembers a face at rest."""


class Casting:
    """Gives every viewer a head of their own, and lets them keep it. Used by one thread."""

    def __init__(self, count: int) -> None:
        """`count` heads stand side by side, from left to right."""
        self._track_ids: list[int | None] = [None] * count
        self._seen_at_s = [0.0] * count

    def cast(self, faces: Sequence[Face], width: int, pts_s: float, *, flipped: bool) -> list[Face | None]:
        """Return the face that moves each head, None for those that nobody moves.

        `faces`: those in a frame, with the largest or the one that counts most first; `width` of that frame. Who is new
        takes the free head nearest to their own place, seen as in a looking glass where it is `flipped`. One head alone
        follows the first face, whoever that is.
        """
        if len(self._track_ids) == 1:
            return [faces[0] if faces else None]
        by_id = {face.track_id: face for face in faces}
        for head, track_id in enumerate(self._track_ids):
            if track_id in by_id:
                self._seen_at_s[head] = pts_s
            elif pts_s - self._seen_at_s[head] > _FREE_AFTER_S:
                self._track_ids[head] = None
        free = [head for head, track_id in enumerate(self._track_ids) if track_id is None]
        new = [face for face in faces if face.track_id not in self._track_ids][: len(free)]
        for face, head in zip(new, self._nearest(new, free, width, flipped=flipped), strict=True):
            self._track_ids[head], self._seen_at_s[head] = face.track_id, pts_s
        return [None if track_id is None else by_id.get(track_id) for track_id in self._track_ids]

    def _nearest(self, faces: Sequence[Face], free: Sequence[int], width: int, *, flipped: bool) -> list[int]:
        """Return a free head for each of no more faces than that, so that two do not cross over."""
        shares = [face.box.centre[0] / width for face in faces]
        shares = [1 - share for share in shares] if flipped else shares
        from_left = sorted(range(len(faces)), key=lambda number: shares[number])
        taken: dict[int, int] = {}
        begin = 0
        for place, number in enumerate(from_left):
            # As many heads must be left as there are faces further to the right.
            may_be = free[begin : len(free) - (len(faces) - place - 1)]
            wanted = shares[number] * len(self._track_ids) - 0.5
            head = min(may_be, key=lambda one: abs(one - wanted))
            taken[number] = head
            begin = free.index(head) + 1
        return [taken[number] for number in range(len(faces))]
