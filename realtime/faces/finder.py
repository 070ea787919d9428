"""From a frame to the faces in it: detector and tracker as one step of the loop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from realtime.errors import OnceLogger
from realtime.faces import FaceDetector
from realtime.faces.tracker import FaceTracker
from realtime.frame import Face, Frame
from realtime.stats import RunStats

log = logging.getLogger(__name__)


class FaceFinder:
    """Opens a detector in the background (a tenth of a second, in which pictures are shown already) and
    answers without faces until it is ready. Processing thread, except `start` and `when_ready`.
    """

    def __init__(self, open_detector: Callable[[], FaceDetector], stats: RunStats) -> None:
        self._open_detector = open_detector
        self._stats = stats
        self._detect_times = stats.stage("detect")
        self._track_times = stats.stage("track")
        self._tracker = FaceTracker()
        self._detector: FaceDetector | None = None
        self._ready = threading.Event()
        self._failures = OnceLogger(log)
        self._thread: threading.Thread | None = None
        self._call_when_ready: Callable[[], None] = lambda: None
        self.detect_s = 0.0
        """What the detector took of the last `find`."""

    def start(self, when_ready: Callable[[], None] = lambda: None) -> None:
        """Begin to open the detector; `when_ready` is called once, from another thread, also after a failure."""
        self._call_when_ready = when_ready
        self._thread = threading.Thread(target=self._open, name="detector-opening", daemon=True)
        self._thread.start()

    def wait_until_ready(self) -> None:
        """Wait for the detector, for runs in which the first frame counts as much as any other."""
        self._ready.wait()

    def find(self, frame: Frame) -> list[Face]:
        """Return the faces, the viewer to follow first; nobody where the detector fails, which is reported once."""
        self.detect_s = 0.0
        if self._detector is None:
            if self._thread is None:  # an effect that looks at faces was chosen while the loop ran
                self.start()
            return []
        began_s = time.perf_counter()
        try:
            found = self._detector.find(frame)
        except Exception as error:  # whatever a native library raises, the picture goes on
            self._failures.failure("the face detector fails", error)
            found = []
        detected_s = time.perf_counter()
        faces = self._tracker.update(found, frame.pts_s)
        self.detect_s = detected_s - began_s
        self._detect_times.add(self.detect_s)
        self._track_times.add(time.perf_counter() - detected_s)
        if any(face.lost_for_s == 0 for face in faces):  # what is found also holds doubtful ones
            self._stats.frames_with_face += 1
        return faces

    def close(self) -> None:
        """Free the detector."""
        if self._thread is not None:
            self._thread.join(timeout=10.0)
        if self._detector is not None:
            self._detector.close()
            self._detector = None

    def _open(self) -> None:
        try:
            detector = self._open_detector()
            self._stats.providers["faces"] = detector.provider
            self._detector = detector
        except Exception as error:  # a library that does not load here must not end the show
            log.warning("no face is looked for: %s", error)
            log.debug("opening the face detector", exc_info=error)
        finally:
            self._ready.set()
            self._call_when_ready()
