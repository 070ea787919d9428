"""What it costs to share a camera's pictures with other processes, held against a plain copy of one.

python -m tools.measure_shared_camera
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from realtime.cameras import CameraInfo, CameraRequest
from realtime.cameras.shared import FramePublisher, Shared
from realtime.imaging.frame import USUAL_SIZE

_ROUNDS = 600


def main() -> None:
    """Print medians of 600 pictures of 720p, in turn, so that whatever else the machine does falls on all."""
    pixels = np.random.default_rng(1).integers(0, 256, (USUAL_SIZE.height, USUAL_SIZE.width, 3), np.uint8)
    copy = np.empty_like(pixels)
    publisher = FramePublisher("measuring")
    publisher.begin(CameraInfo("drawn", USUAL_SIZE, 30.0, live=True))
    publisher.publish(pixels, 0.0)
    camera = Shared("shared:measuring", CameraRequest())
    camera.read()
    times: dict[str, list[float]] = {"copy": [], "publish": [], "read": []}
    for _ in range(_ROUNDS):
        publisher.beat()
        times["copy"].append(_seconds(lambda: np.copyto(copy, pixels)))
        times["publish"].append(_seconds(lambda: publisher.publish(pixels, time.monotonic())))
        times["read"].append(_seconds(camera.read))
    camera.close()
    publisher.close()
    medians = {name: statistics.median(each) for name, each in times.items()}
    for name in ("publish", "read"):
        print(f"{name:8}{medians[name] * 1000:7.3f} ms, {medians[name] / medians['copy']:.2f} of a plain copy")


def _seconds(act: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    act()
    return time.perf_counter() - began_s


if __name__ == "__main__":
    main()
