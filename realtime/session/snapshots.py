"""Snapshots and recordings made with a key while the picture runs."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from pathlib import Path

import cv2

from realtime.core.errors import OutputError, RealtimeError
from realtime.core.files import unused_name, write_new
from realtime.core.finishing_threads import FinishingThread
from realtime.core.language import _
from realtime.core.paths import in_words
from realtime.disclosure.c2pa import Signer
from realtime.imaging.frame import Frame, Pixels
from realtime.imaging.provenance import Provenance
from realtime.outputs import Output
from realtime.outputs.picture_folder import encoded_png

log = logging.getLogger(__name__)


class Snapshots:
    """Saves under names that carry the time and never replace a file. Main thread."""

    def __init__(
        self,
        folder: Path,
        open_recorder: Callable[[Path], Output],
        say: Callable[[str], None],
        signer: Signer | None = None,
        *,
        films: Path | None = None,
    ) -> None:
        """`folder`: for pictures, and for `films` where they have none of their own; made when something is saved."""
        self._folder = folder
        self._films = folder if films is None else films
        self._signer = signer
        self._open_recorder = open_recorder
        self._say = say
        self._savers: list[FinishingThread] = []
        self.recorder: Output | None = None
        self.recording = ""
        """The name of the file being recorded, or empty."""

    def save_picture(self, frame: Frame) -> None:
        """Save a frame as PNG, on a thread of its own: compressing 720p takes 30 ms, a whole frame time."""
        self._begin(frame, self._folder / _named_by_time(".png"), lambda path: None)

    def save_face(self, face: Pixels, provenance: Provenance, then: Callable[[Path], None]) -> None:
        """Save a face that an effect has made, likewise, without a label: it is material. `then` is called with its
        file, on that thread.
        """
        path = self._folder / f"realtime-face-{time.strftime('%Y%m%d-%H%M%S')}.png"
        self._begin(Frame(face, 0.0, 0.0, 0, provenance=provenance), path, then)

    def _begin(self, frame: Frame, path: Path, then: Callable[[Path], None]) -> None:
        saver = FinishingThread(functools.partial(self._save, frame, path, then), path.name)
        self._savers = [*(old for old in self._savers if old.is_alive()), saver]
        saver.start()

    def start_recording(self, *, is_seen_through: bool = False) -> Output:
        """Open a recorder for a new file; of a kind that keeps it, where pictures are seen through. Raises
        OutputError.
        """
        _make_folder(self._films)
        path = unused_name(
            self._films / _named_by_time(".mov" if is_seen_through else ".mp4")
        )  # which the recorder does not replace
        self.recorder = self._open_recorder(path)
        self.recording = path.name
        self._say(_("recording {name}", name=path.name))
        return self.recorder

    def recording_stopped(self) -> None:
        """Say where the recording lies, after its output has been closed."""
        more = 0 if self.recorder is None else len(self.recorder.paths) - 1
        if more > 0:
            parts = _("1 more part") if more == 1 else _("{more} more parts", more=more)
            self._say(
                _(
                    "saved {recording} and {parts} in {films}",
                    recording=self.recording,
                    parts=parts,
                    films=in_words(self._films),
                )
            )
            log.info(_("saved %s and %s"), self._films / self.recording, parts)
        else:
            self._say(_("saved {recording} in {films}", recording=self.recording, films=in_words(self._films)))
            log.info(_("saved %s"), self._films / self.recording)
        self.recorder, self.recording = None, ""

    def recording_failed(self, reason: str) -> None:
        """Say that the recording has ended by itself, after its output has been closed."""
        self._say(reason)
        self.recorder, self.recording = None, ""

    def close(self) -> None:
        """Wait for pictures still being saved, and say where a recording lies that has ended with the run."""
        if self.recorder is not None:
            self.recording_stopped()
        for saver in self._savers:
            saver.join()

    def _save(self, frame: Frame, path: Path, then: Callable[[Path], None]) -> None:
        try:
            # The name is given at the end: of two in one second neither may replace the other.
            _make_folder(path.parent)
            path = write_new(path, encoded_png(frame, frame.pixels, signer=self._signer))
        except (RealtimeError, cv2.error) as error:
            log.warning("%s", error)
            self._say(str(error))
        else:
            self._say(_("saved {name} in {folder}", name=path.name, folder=in_words(path.parent)))
            log.info(_("saved %s"), path)
            then(path)


def _named_by_time(suffix: str) -> str:
    return f"realtime-{time.strftime('%Y%m%d-%H%M%S')}{suffix}"


def _make_folder(folder: Path) -> None:
    """Make the folder where it is missing: a fresh account has none for pictures yet. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            _(
                "the folder {folder} cannot be made: {reason}; choose another: --keep-in FOLDER",
                folder=folder,
                reason=error.strerror or error,
            )
        ) from error
