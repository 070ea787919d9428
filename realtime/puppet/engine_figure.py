"""One face of a picture, moved by an engine that takes its time: a network draws it on a thread of its own."""

from __future__ import annotations

import threading

import numpy as np

from realtime.core.errors import RealtimeError
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Pixels
from realtime.portrait.building.moving_faces import MovingFaces
from realtime.portrait.engines import DrivingFace, Engine
from realtime.puppet.pose import Pose

AT_REST = Motion()


class EngineFigure:
    """Shows the newest picture that is finished; of those that are asked for meanwhile only the newest waits. `ask`,
    `draw` and `close` come from one thread.
    """

    def __init__(self, picture: Pixels, engine: Engine) -> None:
        """`picture` is kept, and nobody writes into it."""
        self._moving = MovingFaces(picture, [engine])
        self.place = self._moving.place
        """All that it can change, in the picture."""
        self.finished = 0
        """Counts the pictures that were drawn."""
        self._drawn = np.ascontiguousarray(self.place.of(picture))
        self._asked: tuple[Motion, DrivingFace | None] = (AT_REST, None)
        self._waiting: tuple[Motion, DrivingFace | None] | None = None
        self._failed: RealtimeError | None = None
        self._is_closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="puppet-engine", daemon=True)
        self._thread.start()

    def ask(self, pose: Pose, face: DrivingFace | None) -> None:
        """Have it drawn as the viewer's face is, or in a pose where nobody's is seen."""
        wanted = (motion_of(pose), face)
        if face is None and wanted == self._asked:
            return
        self._asked = wanted
        with self._changed:
            self._waiting = wanted
            self._changed.notify()

    def draw(self, out: Pixels) -> None:
        """Copy the newest picture into `out`, the part of the whole at `place`.

        Raises what the engine raised since the last call: ModelError, PortraitError.
        """
        with self._changed:
            failed, self._failed = self._failed, None
            np.copyto(out, self._drawn)
        if failed is not None:
            raise failed

    def close(self) -> None:
        """End the thread, once what it draws is finished."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or self._waiting is not None)
                if self._is_closed or self._waiting is None:
                    return
                (motion, face), self._waiting = self._waiting, None
            try:
                drawn = self._moving.render([motion], face)
            except RealtimeError as error:
                with self._changed:
                    self._failed = error
                    self.finished += 1  # so that somebody looks
                continue
            with self._changed:
                self._drawn = drawn
                self.finished += 1


def motion_of(pose: Pose) -> Motion:
    """Return a pose in the fewer numbers that engines take."""
    return Motion(
        yaw_degrees=pose.yaw_degrees,
        pitch_degrees=pose.pitch_degrees,
        roll_degrees=pose.roll_degrees,
        gaze_x_degrees=pose.gaze_x_degrees,
        gaze_y_degrees=pose.gaze_y_degrees,
        closing=(pose.closing_left + pose.closing_right) / 2,
        brows=(pose.brow_left + pose.brow_right) / 2,
        mouth_open=pose.mouth_open,
        mouth_wide=(pose.corner_left_out + pose.corner_right_out) / 2,
        rise=pose.shift_up,
    )
