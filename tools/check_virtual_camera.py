"""Try a real virtual camera, read back by other programs: `python -m tools.check_virtual_camera`.

The tests run without devices; what only a real one can show is shown here. It prints what it measured and fails with
the first thing that is not as it should be. On a Linux machine a virtual camera is made with
`sudo modprobe v4l2loopback exclusive_caps=1`.
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import cv2
import numpy as np

from realtime.control.channel import ControlChannel
from realtime.core.errors import OutputError, RealtimeError
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.outputs import OutputRequest, open_output
from realtime.outputs.virtual_camera import VirtualCamera, loopbacks
from realtime.pipeline.output_worker import OutputWorker


@dataclasses.dataclass(frozen=True)
class Arguments:
    """What may be chosen on the command line."""

    virtual_camera: str
    """Path of the v4l2loopback device to write to."""
    seconds: float
    """How long each measurement takes."""


class CheckFailedError(Exception):
    """Something is not as it should be."""


def expect(fact: bool, otherwise: str) -> None:
    """Raise CheckFailedError unless `fact`."""
    if not fact:
        raise CheckFailedError(otherwise)


def say(line: str) -> None:
    """Print at once: a check that hangs shows how far it came."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


# Pictures that carry their number ------------------------------------------------------------------------------

_PATCHES = np.array([(0, 0, 255), (0, 255, 0), (255, 0, 0), (64, 128, 192), (255, 255, 255)], np.uint8)
_BITS = 12


def draw_number(number: int, size: Size) -> Pixels:
    """Return a grey picture: patches of known colours above, its number in black and white bars below."""
    pixels = np.full((size.height, size.width, 3), 110, np.uint8)
    patches, bars = _parts(pixels)
    for patch, colour in zip(patches, _PATCHES, strict=True):
        patch[:] = colour
    for bit, bar in enumerate(bars):
        bar[:] = 255 * (number >> bit & 1)
    return pixels


def read_number(pixels: Pixels) -> tuple[int, float]:
    """Return the number of a picture and how far its patches' colours are off, of 255."""
    patches, bars = _parts(pixels)
    # Half of a patch: colours are stored for 2×2 pixels, and bleed over an edge.
    inner = [
        patch[patch.shape[0] // 4 : -(patch.shape[0] // 4), patch.shape[1] // 4 : -(patch.shape[1] // 4)]
        for patch in patches
    ]
    colours_off = max(
        float(np.abs(part.astype(int) - colour).max()) for part, colour in zip(inner, _PATCHES, strict=True)
    )
    return sum(1 << bit for bit, bar in enumerate(bars) if bar.mean() > 128), colours_off


def _parts(pixels: Pixels) -> tuple[list[Pixels], list[Pixels]]:
    height, width = pixels.shape[:2]
    top, bottom = pixels[height // 8 : height // 3], pixels[height * 3 // 4 :]
    patches = [top[:, width * i // 5 : width * (i + 1) // 5] for i in range(len(_PATCHES))]
    bars = [bottom[:, width * i // _BITS : width * (i + 1) // _BITS] for i in range(_BITS)]
    return patches, bars


# The virtual camera --------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Seen:
    """What another program saw of the virtual camera."""

    size: Size
    numbers: list[int]
    times_s: list[float]
    colours_off: float

    @property
    def fps(self) -> float:
        return (len(self.times_s) - 1) / (self.times_s[-1] - self.times_s[0])

    @property
    def longest_gap_ms(self) -> float:
        return float(np.diff(self.times_s).max()) * 1000


def check_virtual_camera(arguments: Arguments) -> None:
    """Write numbered pictures to a v4l2loopback device, read them in other programs; then again, and after a crash."""
    device = arguments.virtual_camera or next((str(path) for path in loopbacks()), "")
    expect(bool(device), "there is no v4l2loopback device; make one: sudo modprobe v4l2loopback exclusive_caps=1")
    first = _session(device, Size(1280, 720), fps=30.0, source_fps=30.0, seconds=arguments.seconds)
    expect(27 <= first.fps <= 33, f"read {first.fps:.1f} fps where 30 were sent")
    _check_busy(device)
    slow = _session(device, Size(1280, 720), fps=30.0, source_fps=7.0, seconds=arguments.seconds)
    expect(27 <= slow.fps <= 33, f"read {slow.fps:.1f} fps where 7 new pictures a second are to be shown at 30")
    repeated = 1 - len(set(slow.numbers)) / len(slow.numbers)
    expect(0.6 < repeated < 0.85, f"{repeated:.0%} of the pictures were repeated, expected about 77 %")
    _check_restart(device)
    _crash(device)
    small = _session(device, Size(640, 360), fps=15.0, source_fps=15.0, seconds=arguments.seconds / 2)
    expect(13 <= small.fps <= 17, f"read {small.fps:.1f} fps where 15 were sent")


def _session(device: str, size: Size, *, fps: float, source_fps: float, seconds: float) -> Seen:
    """Feed the camera as the loop does, read it with OpenCV in another process and with FFmpeg in a third."""
    output = open_output(f"camera:{device}", OutputRequest(ControlChannel(), size=size, fps=fps))
    output_worker = OutputWorker(output, every_frame=False, ended=lambda output_worker: None)
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[Seen | str] = context.Queue()
    reader = context.Process(target=_read, args=(device, seconds, results))
    raw = Path(tempfile.mkdtemp()) / "pictures.raw"
    ffmpeg: subprocess.Popen[bytes] | None = None
    try:
        output_worker.start()
        output_worker.offer(Frame(draw_number(0, size), time.monotonic(), 0.0, 0))
        reader.start()
        began_s, index = time.monotonic(), 1
        while (results.empty() or (ffmpeg and ffmpeg.poll() is None)) and time.monotonic() - began_s < seconds + 60:
            picture = draw_number(index, size)
            time.sleep(max(0.0, began_s + index / source_fps - time.monotonic()))
            output_worker.offer(Frame(picture, time.monotonic(), index / source_fps, index))
            index += 1
            if not results.empty() and ffmpeg is None and shutil.which("ffmpeg"):
                ffmpeg = _start_ffmpeg(device, raw)
        received = results.get(timeout=5)
    finally:
        output_worker.stop()
        reader.join(10)
    expect(output_worker.error is None, f"the output failed: {output_worker.error}")
    expect(isinstance(received, Seen), str(received))
    assert isinstance(received, Seen)
    steps = np.diff(received.numbers)
    say(
        f"{device} {size} at {fps:g} fps from {source_fps:g}: sent {output_worker.stats.shown} new,"
        f" {output_worker.stats.repeated} again;"
        f" another program read {len(received.numbers)} at {received.fps:.1f} fps,"
        f" longest gap {received.longest_gap_ms:.0f} ms,"
        f" {int((steps < 0).sum())} out of order, colours off by {received.colours_off:.0f} of 255 at most"
    )
    expect(received.size == size, f"the reader got {received.size}")
    expect(received.colours_off <= 6, "the colours are not those sent")
    # v4l2loopback has no locks: a reader that is overtaken may see a picture out of order now and then.
    expect((steps < 0).mean() < 0.03, "pictures come out of order")
    if ffmpeg is not None:
        _judge_ffmpeg(ffmpeg, raw, size, last=index)
    return received


def _read(device: str, seconds: float, results: multiprocessing.Queue[Seen | str]) -> None:
    """[another process] Read the camera as a video call does."""
    capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
    numbers: list[int] = []
    times_s: list[float] = []
    colours_off = 0.0
    size = Size(0, 0)
    try:
        began_s = time.monotonic()
        while time.monotonic() - began_s < seconds:
            is_read, pixels = capture.read()
            if not is_read:
                break
            times_s.append(time.monotonic())
            number, off = read_number(np.asarray(pixels, np.uint8))
            numbers.append(number)
            colours_off = max(colours_off, off)
            size = Size(pixels.shape[1], pixels.shape[0])
    finally:
        capture.release()
    enough = len(numbers) > 5
    results.put(Seen(size, numbers, times_s, colours_off) if enough else f"only {len(numbers)} pictures could be read")


def _start_ffmpeg(device: str, raw: Path) -> subprocess.Popen[bytes]:
    command = ["ffmpeg", "-v", "error", "-f", "v4l2", "-i", device, "-frames:v", "10"]
    return subprocess.Popen([*command, "-f", "rawvideo", "-pix_fmt", "bgr24", str(raw)], stdin=subprocess.DEVNULL)


def _judge_ffmpeg(ffmpeg: subprocess.Popen[bytes], raw: Path, size: Size, last: int) -> None:
    expect(ffmpeg.wait(10) == 0, "FFmpeg could not read the camera")
    pictures = np.fromfile(raw, np.uint8).reshape(-1, size.height, size.width, 3)
    shutil.rmtree(raw.parent)
    read = [read_number(picture) for picture in pictures]
    say(
        f"  FFmpeg read {len(read)} pictures, numbers {read[0][0]} to {read[-1][0]},"
        f" colours off by {max(off for _, off in read):.0f} of 255 at most"
    )
    expect(len(read) == 10, "FFmpeg read too few pictures")
    expect(all(0 < number <= last for number, _ in read), "FFmpeg read numbers that were not sent")
    expect(max(off for _, off in read) <= 6, "FFmpeg's colours are not those sent")


def _check_busy(device: str) -> None:
    """A device that somebody writes to is refused, and the writer goes on."""
    output_worker = OutputWorker(
        VirtualCamera(device, OutputRequest(ControlChannel())), every_frame=False, ended=lambda output_worker: None
    )
    output_worker.start()
    output_worker.offer(Frame(draw_number(1, Size(1280, 720)), time.monotonic(), 0.0, 0))
    try:
        command = [sys.executable, "-m", "tools.check_virtual_camera", "_open", "--virtual-camera", device]
        other = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    finally:
        output_worker.stop()
    expect(output_worker.error is None, f"the first writer failed: {output_worker.error}")
    message = other.stdout.strip()
    say(f"  a second writer is told: {message}")
    expect("being written to by another program" in message, f"a busy device answered: {message}{other.stderr}")


def _check_restart(device: str) -> None:
    """A video call keeps the camera while the writer ends and begins again: its picture comes back."""
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[Seen | str] = context.Queue()
    reader = context.Process(target=_read, args=(device, 5.0, results))
    for first in (0, 2000):
        camera = VirtualCamera(device, OutputRequest(ControlChannel()))
        began_s, count = time.monotonic(), 0
        while time.monotonic() - began_s < 4:
            camera.show(Frame(draw_number(first + count, Size(1280, 720)), 0.0, 0.0, count))
            count += 1
            if count == 1 and first == 0:
                reader.start()
            time.sleep(1 / 30)
        camera.close()
    received = results.get(timeout=30)
    reader.join(10)
    assert isinstance(received, Seen), received
    before, after = [
        sum(number < 2000 for number in received.numbers),
        sum(number >= 2000 for number in received.numbers),
    ]
    say(f"  a reader that stayed through a restart saw {before} pictures before and {after} after it")
    expect(before > 10, "the reader saw too little before the restart")
    expect(after > 10, "the reader's picture did not come back after the restart")


def _open_only(arguments: Arguments) -> None:
    """[another process] Say whether the device opens."""
    try:
        VirtualCamera(arguments.virtual_camera, OutputRequest(ControlChannel())).close()
    except OutputError as error:
        say(str(error))
    else:
        say("opened")


def _write_until_killed(arguments: Arguments) -> NoReturn:
    """[another process] Write, and never close."""
    output = VirtualCamera(arguments.virtual_camera, OutputRequest(ControlChannel()))
    number = 0
    while True:
        output.show(Frame(draw_number(number, Size(1280, 720)), 0.0, number / 30, number))
        if number == 10:
            say("writing")
        number += 1
        time.sleep(1 / 30)


def _crash(device: str) -> None:
    """Kill a program while it writes; the next session must work."""
    command = [sys.executable, "-m", "tools.check_virtual_camera", "_write", "--virtual-camera", device]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        expect(program.stdout.readline() == "writing\n", "the program to be killed did not begin")
        program.kill()
    say("  a program was killed while it wrote")


# ---------------------------------------------------------------------------------------------------------------

_STEPS: dict[str, Callable[[Arguments], None]] = {
    "all": check_virtual_camera,
    "_open": _open_only,  # these two are run by the first, as other programs
    "_write": _write_until_killed,
}


def main() -> int:
    """Run the check. Returns 0 when everything is as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tools.check_virtual_camera", description=__doc__)
    parser.add_argument("step", nargs="?", default="all", choices=_STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--virtual-camera", default="", help="the device to write to (default: the first there is)")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each measurement takes (5)")
    arguments = parser.parse_args()
    try:
        _STEPS[arguments.step](Arguments(arguments.virtual_camera, arguments.seconds))
    except (CheckFailedError, RealtimeError) as error:
        say(f"virtual camera: FAILED: {error}")
        return 1
    if arguments.step == "all":
        say("virtual camera: as it should be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
