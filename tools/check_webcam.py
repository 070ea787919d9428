"""Try real webcams: `python -m tools.check_webcam`.

For a machine with cameras, or better one with Linux's test devices (`modprobe vivid`, `modprobe v4l2loopback`),
where every check can run. Each check prints one line; the exit code is 1 where one failed.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from realtime.cameras import Camera, CameraRequest
from realtime.cameras.listing import list_cameras
from realtime.cameras.webcam import Webcam
from realtime.core.errors import CameraError
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.system import v4l2

FEED_SIZE = Size(1280, 720)
FEED_FPS = 30
FEED_COLOUR = (40, 120, 210)  # BGR
BLOCK_PX = 32


class Findings:
    """Prints each finding as it comes and remembers whether all were good."""

    def __init__(self) -> None:
        self.all_good = True

    def add(self, good: bool, what: str) -> None:
        print(("ok    " if good else "FAILED"), what, flush=True)
        self.all_good &= good


def check_webcam() -> bool:
    """Cameras by number and by name, sizes, rates, refusals; one that is fed, starved and fed again."""
    findings = Findings()
    cameras = list_cameras()
    for listed in cameras:
        findings.add(bool(listed.modes), f"listed: {listed.number} {listed.label}, {len(listed.modes)} modes")
        for mode in listed.modes:
            print(f"         {mode}")
    findings.add(bool(cameras), f"{len(cameras)} cameras found")
    for listed in cameras:
        _check_delivers(findings, str(listed.number), CameraRequest())
        if listed.modes:
            small = listed.modes[0]
            _check_delivers(findings, listed.path, CameraRequest(small.size, small.rates_fps[0]))
        if sum(listed.name in other.name for other in cameras) == 1:
            _check_delivers(findings, listed.name.upper(), CameraRequest())
        else:
            _check_refused(findings, listed.name, "fits several cameras")
        with _opened(str(listed.number), CameraRequest(Size(8000, 6000), 500)) as camera:
            findings.add(bool(camera.info.notes), f"asked for too much: {camera.info.notes}")
        _check_busy(findings, listed.path)
    _check_refused(findings, "98", "no camera")
    _check_refused(findings, "no such name", "no camera 'no such name'")
    for device in v4l2.devices():
        if device.can_output and not device.can_capture:
            _check_refused(findings, str(device.path), "nobody sends to")
    loopbacks = [device for device in v4l2.devices() if device.can_output and shutil.which("ffmpeg")]
    if loopbacks:
        _check_fed(findings, loopbacks[-1])
    else:
        print("skipped: no v4l2loopback device without a writer, or no ffmpeg to write to it")
    return findings.all_good


@contextlib.contextmanager
def _opened(source: str, request: CameraRequest) -> Iterator[Camera]:
    camera = Webcam(source, request)
    try:
        yield camera
    finally:
        camera.close()


def _measure(camera: Camera, seconds: float) -> tuple[Frame, float]:
    """Return the last frame of so many seconds, and the rate they came at."""
    began_s = time.monotonic()
    while True:
        frame = camera.read()
        assert frame is not None
        if time.monotonic() - began_s > seconds:
            return frame, frame.index / frame.pts_s


def _check_delivers(findings: Findings, source: str, request: CameraRequest) -> None:
    began_s = time.monotonic()
    with _opened(source, request) as camera:
        open_s = time.monotonic() - began_s
        frame, fps = _measure(camera, 3.0)
        info = camera.info
    good = frame.size == info.size and frame.pixels.flags.c_contiguous
    good &= request.size in (None, info.size) or bool(info.notes)
    findings.add(good, f"{source}: open in {open_s:.2f} s, {info.size} at {info.fps:g} fps, measured {fps:.1f}")
    for note in info.notes:
        print(f"         {note}")


def _check_refused(findings: Findings, source: str, expected: str) -> None:
    try:
        Webcam(source, CameraRequest()).close()
    except CameraError as error:
        findings.add(expected in str(error) and "\n" not in str(error), f"'{source}' refused: {error}")
    else:
        findings.add(False, f"'{source}' was opened; expected: {expected}")


def _check_busy(findings: Findings, path: str) -> None:
    if not shutil.which("ffmpeg"):
        return
    command = ["ffmpeg", "-loglevel", "error", "-f", "v4l2", "-i", path, "-f", "null", "-"]
    with _running(command):
        _wait_for(lambda: bool(v4l2.holders(Path(path))))
        time.sleep(2)  # until it captures; asking the device now would stand in ffmpeg's own way
        _check_refused(findings, path, "in use by ffmpeg")
    _check_delivers(findings, path, CameraRequest())


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _check_fed(findings: Findings, device: v4l2.Device) -> None:
    """Play footage into a loopback, read it back, let it disappear, and open it again."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "numbered.mp4"
        _write_clip(clip)
        # fmt: off
        output_worker = ["ffmpeg", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", str(clip),
                "-pix_fmt", "yuyv422", "-f", "v4l2", str(device.path)]
        # fmt: on
        with _running(output_worker):
            _wait_for(lambda: v4l2.describe(device.path).can_capture)
            camera = Webcam(device.name, CameraRequest())
            _check_footage(findings, camera)
        began_s = time.monotonic()
        try:
            while time.monotonic() - began_s < 30:
                camera.read()
            findings.add(False, "the feed ended and nobody noticed")
        except CameraError as error:
            findings.add(True, f"the feed ended, after {time.monotonic() - began_s:.1f} s: {error}")
        finally:
            camera.close()
        v4l2.reset_output(device.path)  # ffmpeg uses write(), after which v4l2loopback 0.12.7 needs it
        _check_refused(findings, str(device.path), "nobody sends to")
        with _running(output_worker):
            _wait_for(lambda: v4l2.describe(device.path).can_capture)
            _check_delivers(findings, device.name, CameraRequest())


def _check_footage(findings: Findings, camera: Camera) -> None:
    numbers, errors, times_s = [], [], []
    for _ in range(150):
        frame = camera.read()
        assert frame is not None
        numbers.append(_number(frame.pixels))
        patch = frame.pixels[400:700:20, 100:1200:20].astype(int)
        errors.append(int(np.abs(patch - FEED_COLOUR).max()))
        times_s.append(frame.captured_at_s)
    steps = np.diff(numbers) % 256
    fps = (len(times_s) - 1) / (times_s[-1] - times_s[0])
    gaps_ms = np.diff(times_s) * 1000
    findings.add(
        camera.info.size == FEED_SIZE and abs(fps - FEED_FPS) < 3 and int((steps == 1).sum()) > 120,
        f"footage read back: {camera.info.size} at {fps:.1f} fps, of {len(steps)} steps {int((steps == 1).sum())} by "
        f"one frame, {int((steps == 0).sum())} repeated, {int((steps > 128).sum())} back; "
        f"between frames p50 {np.percentile(gaps_ms, 50):.0f} ms, p95 {np.percentile(gaps_ms, 95):.0f} ms",
    )
    findings.add(max(errors) <= 8, f"colour off by {max(errors)} of 255 at most")


def _write_clip(path: Path) -> None:
    import av

    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=FEED_FPS, options={"crf": "12", "preset": "ultrafast"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = *FEED_SIZE, "yuv420p"
        pixels = np.empty((FEED_SIZE.height, FEED_SIZE.width, 3), np.uint8)
        for number in range(256):
            pixels[:] = FEED_COLOUR
            for bit in range(8):
                pixels[:BLOCK_PX, bit * BLOCK_PX : (bit + 1) * BLOCK_PX] = 255 * (number >> bit & 1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "bgr24")))
        container.mux(stream.encode())


def _number(pixels: Pixels) -> int:
    row = pixels[BLOCK_PX // 2, BLOCK_PX // 2 :: BLOCK_PX, 1]
    return sum(1 << bit for bit in range(8) if row[bit] > 128)


def _wait_for(is_so: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline_s = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline_s:
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(0 if check_webcam() else 1)
