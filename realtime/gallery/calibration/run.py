"""`realtime gallery --calibrate`: signs on the screen, an installer before the camera, and numbers in the file."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable
from pathlib import Path

from realtime import cameras, outputs
from realtime.cameras import Camera, CameraRequest
from realtime.control.channel import ControlChannel
from realtime.control.commands import Quit
from realtime.core.errors import CameraError, OptionError
from realtime.core.files import atomic_write
from realtime.core.language import _
from realtime.core.stats import RunStats
from realtime.faces import DETECTORS, FaceDetector
from realtime.faces.face_stage import FaceStage
from realtime.faces.landmarks.exact_eyes import ExactEyes
from realtime.gallery.calibration.camera_pose import camera_pose
from realtime.gallery.calibration.signs import draw_sign
from realtime.gallery.calibration.standing import CalibrationWatch, Hint, Sign, sighting_of, solve
from realtime.gallery.calibration.table_lines import with_values
from realtime.gallery.calibration.views import Calibration, Place
from realtime.gallery.config import Gallery, Screen
from realtime.gallery.processes.screen import WALL_OUTPUT
from realtime.imaging.frame import USUAL_SIZE, Frame, Size
from realtime.outputs import OutputRequest

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 3.0
_LAST_SIGN_S = 4.0
_TABLE = "view"
CLOCK = time.monotonic


@dataclasses.dataclass(frozen=True)
class CalibrationRequest:
    """Where to calibrate."""

    source: str
    """The camera, as `--source` takes it."""
    output: str = "kiosk"
    """The screen that the signs are shown on, as `--output` takes it."""
    rotate_degrees: int = 0
    place: Place | None = None
    """Where the portrait's eyes hang on that screen, where the file tells; None: it is found."""
    lens_degrees: float | None = None
    """How much the camera sees from left to right, where that is known."""
    detector: str = "full"


def calibrate(path: Path, request: CalibrationRequest) -> Calibration:
    """Ask an installer to stand at four places, and write what they tell into `[view]` of a gallery's file.

    Main thread. Raises OptionError where the file cannot be changed or nobody stood there, OutputError and CameraError
    where the screen or the camera cannot be had.
    """
    _changed(path, Calibration())  # before anybody walks about
    found = watch_installer(request)
    text = _changed(path, found)
    with atomic_write(path, survives_power_cut=True) as unfinished:
        unfinished.write_bytes(text.encode())
    return found


def calibrate_gallery(gallery: Gallery, screen: Screen) -> str:
    """Calibrate before a screen of a gallery; return what was written, in a line. Raises as `calibrate` does."""
    from realtime.cameras.listing import first_camera

    source = gallery.camera or first_camera()
    output = f"{WALL_OUTPUT}:{screen.screen}"
    found = calibrate(
        gallery.path, CalibrationRequest(source, output, screen.rotate_degrees, screen.place, gallery.lens_degrees)
    )
    values = ", ".join(f"{name} = {value}" for name, value in dataclasses.asdict(found).items())
    return f"{gallery.path}: [{_TABLE}] {values}"


def _changed(path: Path, found: Calibration) -> str:
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(_("{path} cannot be read: {reason}; check the path", path=path, reason=error)) from error
    return with_values(text, _TABLE, dataclasses.asdict(found))


def watch_installer(request: CalibrationRequest) -> Calibration:
    """Show signs until all is known. Raises as `calibrate` does, and OptionError when it is ended by the chord."""
    controls = ControlChannel()
    with contextlib.ExitStack() as opened:
        wish = OutputRequest(controls, rotate_degrees=request.rotate_degrees, title="calibration")
        output = outputs.open_output(request.output, wish)
        opened.callback(output.close)
        upright = request.rotate_degrees in (90, 270)
        size = Size(USUAL_SIZE.height, USUAL_SIZE.width) if upright else USUAL_SIZE
        faces = FaceStage(_opener(request.detector), RunStats())
        opened.callback(faces.close)
        faces.start()
        screen = _Screen(output, size, controls)
        camera = _camera(request.source, screen)
        opened.callback(camera.close)
        faces.wait_until_ready()
        return _watch(camera, faces, screen, request)


class _Screen:
    """Shows signs, each drawn once."""

    def __init__(self, output: outputs.Output, size: Size, controls: ControlChannel) -> None:
        self._output = output
        self._size = size
        self._controls = controls
        self._count = 0
        self._sign: Sign | None = None

    def show(self, sign: Sign) -> None:
        """Raises OptionError when somebody has ended it."""
        sign = sign._replace(still=round(sign.still, 1))
        if sign != self._sign:
            self._sign = sign
            now_s = time.monotonic()
            self._output.show(Frame(draw_sign(sign, self._size), now_s, now_s, self._count))
            self._count += 1
        self._output.poll()
        while (command := self._controls.next_command()) is not None:
            if isinstance(command, Quit):
                raise OptionError(_("the calibration was ended before it was finished; the file is as it was"))

    def hold(self, seconds: float) -> None:
        """Go on showing what is there."""
        until_s = time.monotonic() + seconds
        while self._sign is not None and time.monotonic() < until_s:
            self.show(self._sign)
            time.sleep(0.01)


def _watch(camera: Camera, faces: FaceStage, screen: _Screen, request: CalibrationRequest) -> Calibration:
    watch = CalibrationWatch()
    exact_eyes = ExactEyes()
    while True:
        frame = camera.read()
        if frame is None:
            raise CameraError(_("the source has ended before the calibration was finished; name a camera"))
        found = [face for face in faces.find(frame) if face.confirmed and face.lost_for_s == 0]
        seen = [sighting_of(exact_eyes.of(frame.pixels, face), frame.size, mirrored=frame.mirrored) for face in found]
        sign = watch.update(CLOCK(), seen, [face.track_id for face in found])
        screen.show(sign)
        if sign.hint is Hint.GIVEN_UP:
            screen.hold(_LAST_SIGN_S)
            raise OptionError(_("nobody was seen standing '{spot}'; the file is as it was", spot=sign.spot.value))
        if sign.hint is Hint.DONE:
            aspect = frame.size.width / frame.size.height
            calibration = solve(
                watch.taken,
                aspect,
                request.place,
                camera_pose(watch.taken, aspect, request.place, request.lens_degrees),
            )
            screen.hold(_LAST_SIGN_S)
            return calibration


def _camera(source: str, screen: _Screen) -> Camera:
    """Open the camera, waiting for it where it is not there yet."""
    is_told = False
    while True:
        try:
            return cameras.open_camera(source, CameraRequest())
        except CameraError as error:
            if cameras.kind_of(source) not in ("webcam", "stream", "shared"):
                raise
            if not is_told:
                log.warning(_("%s; looking for it every %g s"), error, _LOOK_EVERY_S)
                is_told = True
        screen.hold(_LOOK_EVERY_S)


def _opener(name: str) -> Callable[[], FaceDetector]:
    def open_detector() -> FaceDetector:
        detector = DETECTORS[name].load()()
        assert isinstance(detector, FaceDetector)  # noqa: S101 - the table is ours
        return detector

    return open_detector
