"""The sound of a recording, written beside its pictures, each sample at the time of the picture that belongs to it."""

from __future__ import annotations

import numpy as np

from realtime.imaging.frame import Frame
from realtime.outputs.live_sound import SoundTrack
from realtime.video.encoding import SOUND_BLOCK, SOUND_RATE, FilmWriter

_BEHIND_S = 0.5
"""Written so much later than its picture: a microphone gives its sound late, some servers half a second."""
_SHIFT_FOLLOWS = 0.02
"""Of the way between the two clocks of a frame, each frame: a source of recorded pictures hands them out unevenly."""


class FilmSound:
    """Brings the sound of one film up to its pictures. The recording's thread."""

    def __init__(self, track: SoundTrack) -> None:
        self.channels = track.channels
        self._track = track
        self._block = np.zeros((SOUND_BLOCK, track.channels), np.float32)
        self._first_pts_s: float | None = None
        self._shift_s = 0.0
        self._reached_s = 0.0

    def follow(self, film: FilmWriter, frame: Frame) -> None:
        """Write what belongs before a frame that has just been written, as far as it must be there by now."""
        shift_s = frame.captured_at_s - frame.pts_s
        if self._first_pts_s is None:
            self._first_pts_s, self._shift_s = frame.pts_s, shift_s
        self._shift_s += _SHIFT_FOLLOWS * (shift_s - self._shift_s)
        self._reached_s = film.seconds_to(frame)
        self._write(film, self._reached_s - _BEHIND_S)

    def finish(self, film: FilmWriter) -> None:
        """Write what there is up to the last frame."""
        self._write(film, self._reached_s)

    def _write(self, film: FilmWriter, end_s: float) -> None:
        begins_at_s = (self._first_pts_s or 0.0) + self._shift_s
        while film.sound_s + SOUND_BLOCK / SOUND_RATE <= end_s:
            self._track.read(self._block, begins_at_s + film.sound_s)
            film.add_sound(self._block)
