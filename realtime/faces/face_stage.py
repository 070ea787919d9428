"""From a frame to the faces in it: detector and tracker as one step of the loop."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable

import numpy as np

from realtime.core.errors import FAULTS, OnceLogger, in_one_line
from realtime.core.language import _
from realtime.core.stats import RunStats
from realtime.faces import FaceDetector
from realtime.faces.tracking.scene_continuity import SceneContinuity
from realtime.faces.tracking.tracker import FaceTracker
from realtime.imaging.frame import Face, Frame

log = logging.getLogger(__name__)

MOST_FACES = 32
"""More than a camera sees of people whose faces are wide enough for anything. The tracker compares all with all."""

_SLOW_OPENING_S = 30.0  # on a busy machine with a slow disk MediaPipe has taken 15
_AGAIN_AFTER_S = 1.0


class FaceStage:
    """Opens a detector in the background (a tenth of a second, in which pictures are shown already) and
    answers without faces until it is ready. Processing thread, except `start` and `when_ready`.
    """

    def __init__(self, open_detector: Callable[[], FaceDetector], stats: RunStats) -> None:
        self._open_detector = open_detector
        self._stats = stats
        self._detect_times = stats.stage("detect")
        self._track_times = stats.stage("track")
        self._tracker = FaceTracker()
        self._continuity = SceneContinuity()
        self._people = 0
        self._detector: FaceDetector | None = None
        self._ready = threading.Event()
        self._failures = OnceLogger(log)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._generation = 0  # a detector that was opened for an older one is not wanted any more
        self._is_being_replaced = False
        self._call_when_ready: Callable[[], None] = lambda: None
        self._opening_since_s = 0.0
        self._is_slowness_told = False
        self.detect_s = 0.0
        """What the detector took of the last `find`."""

    def start(self, when_ready: Callable[[], None] = lambda: None) -> None:
        """Begin to open the detector; `when_ready` is called once, from another thread, also after a failure. Raises
        RuntimeError where no thread can be started.
        """
        self._call_when_ready = when_ready
        self._begin_to_open()

    def _begin_to_open(self) -> None:
        self._opening_since_s = time.monotonic()
        with self._lock:
            arguments = self._generation, self._ready
        thread = threading.Thread(target=self._open, args=arguments, name="detector-opening", daemon=True)
        thread.start()
        self._thread = thread

    def restart(self) -> None:
        """Leave the detector behind, because it hangs, and open another; the thread that is left in it closes it when
        it wakes. Who is followed stays known. Any thread. Raises RuntimeError where no thread can be started.
        """
        with self._lock:
            self._generation += 1
            self._is_being_replaced = True
            self._detector = None
            self._ready = threading.Event()
        self._begin_to_open()

    @property
    def is_being_replaced(self) -> bool:
        """Whether a detector was left behind and no other is there yet: nobody can be found. Any thread."""
        return self._is_being_replaced

    @property
    def must_restart(self) -> bool:
        """Whether the detector that was to take another's place did not open, or has not for long. Any thread."""
        took_s = time.monotonic() - self._opening_since_s
        return self._is_being_replaced and took_s >= (_AGAIN_AFTER_S if self._ready.is_set() else _SLOW_OPENING_S)

    def wait_until_ready(self) -> None:
        """Wait for the detector, for runs in which the first frame counts as much as any other."""
        self._ready.wait()

    def find(self, frame: Frame, came_back: Callable[[], None] = lambda: None) -> list[Face]:
        """Return the faces, the viewer to follow first, those who are not confirmed last; nobody where the detector
        fails, which is reported once.

        `came_back` is called first of all when the detector has returned. Where another has taken its place meanwhile
        (`restart`) it must raise what is no fault, and that goes on.
        """
        self.detect_s = 0.0
        detector = self._detector
        if detector is None:
            if self._thread is None:  # an effect that looks at faces was chosen while the loop ran
                self._start_late()
            self._tell_of_slow_opening()
            return []
        began_s = time.perf_counter()
        try:
            found = self._found_by(detector, frame, came_back)
        except FAULTS as error:  # whatever a native library raises, the picture goes on
            self._failures.failure(_("the face detector fails"), error)
            found = []
        detected_s = time.perf_counter()
        try:
            if self._continuity.breaks(frame):
                self._tracker.reset()
            faces = self._tracker.update(found, frame.pts_s)
            unconfirmed = self._tracker.unconfirmed
        except Exception as error:  # a fault of ours must not end the show either
            self._failures.failure(_("following the faces fails"), error)
            self._tracker.reset()
            faces, unconfirmed = [], []
        if self._tracker.people != self._people:
            self._stats.viewers.add(self._tracker.people - self._people)
            self._people = self._tracker.people
        self.detect_s = detected_s - began_s
        self._detect_times.add(self.detect_s)
        self._track_times.add(time.perf_counter() - detected_s)
        if any(face.lost_for_s == 0 for face in faces):  # what is found also holds doubtful ones
            self._stats.frames_with_face += 1
        return [*faces, *unconfirmed]

    def _found_by(self, detector: FaceDetector, frame: Frame, came_back: Callable[[], None]) -> list[Face]:
        try:
            return usable(detector.find(frame))
        finally:
            try:
                came_back()
            except BaseException:  # this thread was left behind in it
                _close(detector)
                raise

    def _start_late(self) -> None:
        try:
            self.start()
        except RuntimeError as error:  # no further thread now; at the next frame there may be one
            self._failures.failure(_("the face detector cannot be opened yet"), error)

    def _tell_of_slow_opening(self) -> None:
        if self._is_slowness_told or self._ready.is_set() or time.monotonic() - self._opening_since_s < _SLOW_OPENING_S:
            return
        self._is_slowness_told = True
        log.warning(_("the face detector has not opened for %.0f s; no face is found until it has"), _SLOW_OPENING_S)

    def close(self) -> None:
        """Free the detector."""
        if self._thread is not None:
            self._thread.join(timeout=10.0)
        with self._lock:
            self._generation += 1
            detector, self._detector = self._detector, None
        if detector is not None:
            _close(detector)

    def _open(self, generation: int, ready: threading.Event) -> None:
        try:
            detector = self._open_detector()
            with self._lock:
                is_wanted = generation == self._generation
                if is_wanted:
                    self._stats.providers["faces"] = detector.provider
                    self._detector, self._is_being_replaced = detector, False
            if not is_wanted:
                _close(detector)
        except FAULTS as error:  # a library that does not load here must not end the show
            log.warning(_("no face is looked for: %s"), in_one_line(error))
            log.debug("opening the face detector", exc_info=error)
        finally:
            ready.set()
            self._call_when_ready()


def _close(detector: FaceDetector) -> None:
    try:
        detector.close()
    except FAULTS as error:  # its work is over either way
        log.debug("closing the face detector", exc_info=error)


def usable(found: Iterable[Face]) -> list[Face]:
    """Return those of a detector's faces that lie somewhere and have a size, the surest `MOST_FACES` of them, in their
    order. Raises TypeError where it gave no faces at all.
    """
    faces = [face for face in found if _lies_somewhere(face)]
    if len(faces) > MOST_FACES:
        least = sorted((face.score for face in faces), reverse=True)[MOST_FACES - 1]
        faces = [face for face in faces if face.score >= least][:MOST_FACES]
    return faces


def _lies_somewhere(face: Face) -> bool:
    try:
        finite = math.isfinite(sum(face.box) + face.score) and bool(np.isfinite(face.keypoints).all())
        has_size = face.box.width > 0 and face.box.height > 0 and face.keypoints.shape == (6, 2)
    except (AttributeError, TypeError, ValueError):
        return False
    return finite and has_size
