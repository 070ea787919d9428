"""How fast the live loop is, against floors measured in the same run: `python -m tools.benchmark`.

Everything runs in processes of its own, one after the other, without a screen (SDL's dummy driver). Figures are kept
in docs/benchmarks.md with the machine that made them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from realtime.cameras import Camera
    from realtime.imaging.frame import Frame

SIZE = "1280x720"


def main() -> None:
    """Run the benchmarks asked for and print a Markdown table; `--json` keeps the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, help="a 1280x720 video with a face; default: made from the demo")
    parser.add_argument("--live-seconds", type=float, default=60.0, help="length of the run at 30 fps (60)")
    parser.add_argument("--memory-minutes", type=float, default=0.0, help="watch the memory for so long (0: do not)")
    parser.add_argument("--detector", default="full", help="full or short (full)")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions of the short measurements (3)")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    os.environ["BENCHMARK_DETECTOR"] = arguments.detector  # for the processes started below
    with tempfile.TemporaryDirectory() as folder:
        source = arguments.source or make_video(Path(folder) / "demo.mp4", seconds=20)
        figures: dict[str, Any] = {"machine": machine(), "source": describe(source)}
        # In turn, so that a machine that speeds up or slows down hits all alike.
        rounds = [
            {
                "decode_fps": in_process(decode_only, source),
                "decode_detect_fps": in_process(decode_and_detect, source),
                "first_loop_fps": in_process(first_loop, source),
                "every_frame": run_program(source, "--every-frame"),
                "start_s": start_to_first_picture(source),
            }
            for _ in range(arguments.repeat)
        ]
        figures["rounds"] = rounds
        if arguments.live_seconds:
            figures["live"] = run_program(source, "--loop", "--seconds", str(arguments.live_seconds))
        if arguments.memory_minutes:
            figures["memory"] = watch_memory(source, arguments.memory_minutes)
    print(as_markdown(figures))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def machine() -> str:
    """The machine in a line."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        name = names[0] if names else name
    return f"{os.cpu_count()} × {name}, {platform.system()}, Python {platform.python_version()}"


def describe(source: Path) -> str:
    """A source in a line."""
    from realtime.cameras import CameraRequest, open_camera

    camera = open_camera(str(source), CameraRequest())
    info = camera.info
    camera.close()
    return f"{info.size}, {info.fps:g} fps, {info.frame_count} frames"


def make_video(path: Path, seconds: float) -> Path:
    """Record the demo viewer as H.264, for a source that every machine has."""
    words = ["run", "--source", "demo", "--effect", "none", "--every-frame", "--seconds", str(seconds)]
    subprocess.run(
        [sys.executable, "-m", "realtime", *words, "--output", str(path)], check=True, stderr=subprocess.DEVNULL
    )
    return path


def in_process(measure: Callable[[Path], float], source: Path) -> float:
    """Run one of the floors below in a fresh process."""
    code = f"import sys; from pathlib import Path; from tools.benchmark import {measure.__name__} as measure; "
    code += "print('RESULT', measure(Path(sys.argv[1])))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(source)], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return float(done.stdout.decode().rsplit("RESULT", 1)[1])


def decode_only(source: Path) -> float:
    """Frames per second of decoding alone, by the program's own reader."""
    return _rate(_on_every_core(source), lambda frame: None)


def decode_and_detect(source: Path) -> float:
    """Frames per second of decoding and detecting one after the other: the floor the loop is held against."""
    from realtime.faces import DETECTORS

    detector = DETECTORS[os.environ["BENCHMARK_DETECTOR"]].load()()
    rate = _rate(_on_every_core(source), detector.find)
    detector.close()
    return rate


def _on_every_core(source: Path) -> Camera:
    """The program's reader leaves one core to the loop; one that does nothing else may use it too."""
    from unittest import mock

    from realtime.cameras import CameraRequest, open_camera

    with mock.patch("os.cpu_count", return_value=(os.cpu_count() or 1) + 1):
        return open_camera(str(source), CameraRequest())


def _rate(camera: Camera, use: Callable[[Frame], object]) -> float:
    first = camera.read()
    assert first is not None
    use(first)
    count, began_s = 0, time.perf_counter()
    while (frame := camera.read()) is not None:
        use(frame)
        count += 1
    return count / (time.perf_counter() - began_s)


def first_loop(source: Path) -> float:
    """Frames per second of the loop everybody writes first: read, detect on the whole frame, pick one of 33 whole
    pictures, show it, in one thread. (`imshow` needs a screen: a pygame window under the dummy driver stands in.)
    Its MediaPipe reports to Google (docs/privacy.md).
    """
    import cv2
    import mediapipe
    import pygame
    from mediapipe.tasks.python import BaseOptions, vision

    from realtime.faces import DETECTOR_MODELS
    from realtime.models.weights import weights_file

    model = DETECTOR_MODELS[os.environ["BENCHMARK_DETECTOR"]]
    options = vision.FaceDetectorOptions(base_options=BaseOptions(model_asset_path=str(weights_file(model))))
    detector = vision.FaceDetector.create_from_options(options)
    painting = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), np.uint8)
    pictures = [np.roll(painting, number, 1) for number in range(33)]
    pygame.display.init()
    window = pygame.display.set_mode((1280, 720))
    capture = cv2.VideoCapture(str(source))
    count, began_s = 0, time.perf_counter()
    while True:
        there, frame = capture.read()
        if not there:
            break
        image = mediapipe.Image(mediapipe.ImageFormat.SRGB, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
        found = detector.detect(image).detections
        x = (found[0].keypoints[0].x + found[0].keypoints[1].x) / 2 if found else 0.5
        picture = pictures[min(32, max(0, round((1 - x) * 32)))]
        window.blit(pygame.image.frombuffer(picture.tobytes(), (1280, 720), "BGR"), (0, 0))
        pygame.display.flip()
        pygame.event.pump()
        count += 1
    return count / (time.perf_counter() - began_s)


def run_program(source: Path, *options: str) -> dict[str, Any]:
    """Run the installed program with a portrait into a window and return its statistics."""
    with tempfile.TemporaryDirectory() as folder:
        stats = Path(folder) / "stats.json"
        words = ["run", "--source", str(source), "--effect", "portrait", "--size", SIZE, "--output", "window"]
        words += ["--detector", os.environ["BENCHMARK_DETECTOR"]]
        subprocess.run(
            [sys.executable, "-m", "realtime", *words, *options, "--stats", str(stats)],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        written: dict[str, Any] = json.loads(stats.read_text(encoding="utf-8"))
        return written


def start_to_first_picture(source: Path) -> float:
    """Seconds from starting Python to the first picture shown, models and portrait being there."""
    began_s = time.monotonic()
    stats = run_program(source, "--frames", "1")
    whole_s = time.monotonic() - began_s
    return whole_s - float(stats["seconds"]) if stats["start_to_first_picture_s"] else float("nan")


def watch_memory(source: Path, minutes: float) -> dict[str, Any]:
    """Resident memory in MB of a live run: the median of each minute, and the largest. Linux only (/proc)."""
    words = ["run", "--source", str(source), "--loop", "--effect", "portrait", "--size", SIZE, "--output", "window"]
    words += ["--detector", os.environ["BENCHMARK_DETECTOR"], "--seconds", str(minutes * 60)]
    process = subprocess.Popen([sys.executable, "-m", "realtime", *words], stderr=subprocess.DEVNULL)
    samples: list[tuple[float, float]] = []
    began_s = time.monotonic()
    while process.poll() is None:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        resident = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")]
        if resident:
            samples.append((time.monotonic() - began_s, resident[0]))
        time.sleep(1.0)
    by_minute = [
        float(np.median([megabytes for at_s, megabytes in samples if minute * 60 <= at_s < minute * 60 + 60]))
        for minute in range(max(1, int(minutes)))
    ]
    return {"by_minute_mb": by_minute, "peak_mb": max(megabytes for _, megabytes in samples)}


def as_markdown(figures: dict[str, Any]) -> str:
    """The figures as a table."""
    rounds = figures["rounds"]

    def middle(pick: Callable[[dict[str, Any]], float]) -> float:
        return float(np.median([pick(result) for result in rounds]))

    floor = middle(lambda result: result["decode_detect_fps"])
    every = middle(lambda result: result["every_frame"]["fps"])
    ratio = middle(lambda result: result["every_frame"]["fps"] / result["decode_detect_fps"])
    first = middle(lambda result: result["first_loop_fps"])
    own = [
        middle(lambda result: result["every_frame"]["own_ms"]["p50"]),
        middle(lambda result: result["every_frame"]["own_ms"]["p99"]),
    ]
    rows = [
        ("decoding alone", f"{middle(lambda result: result['decode_fps']):.0f} fps", ""),
        ("floor: decode, then detect", f"{floor:.0f} fps", "1.00"),
        ("the loop everybody writes first", f"{first:.0f} fps", f"{first / floor:.2f}"),
        ("realtime, `--every-frame`", f"{every:.0f} fps", f"{ratio:.2f}"),
        ("own time a frame, p50 / p99", f"{own[0]:.3f} / {own[1]:.3f} ms", ""),
        ("start of Python to first picture", f"{middle(lambda result: result['start_s']):.2f} s", ""),
    ]
    if "live" in figures:
        live = figures["live"]
        age, frames, window = live["outputs"][0]["age_ms"], live["frames"], live["outputs"][0]
        drops = frames["dropped_before_processing"] + window["dropped"]
        rows += [
            (f"live, 30 fps, {live['seconds']:.0f} s: dropped", f"{drops} of {frames['captured']}", ""),
            ("live: age when shown, p50 / p99", f"{age['p50']:.1f} / {age['p99']:.1f} ms", ""),
            ("live: own time, p50 / p99", f"{live['own_ms']['p50']:.3f} / {live['own_ms']['p99']:.3f} ms", ""),
        ]
    if "memory" in figures:
        memory = figures["memory"]
        by_minute = ", ".join(f"{megabytes:.0f}" for megabytes in memory["by_minute_mb"])
        rows.append(("memory by minute; peak", f"{by_minute}; {memory['peak_mb']:.0f} MB", ""))
    lines = [
        f"Machine: {figures['machine']}. Source: {figures['source']}, detector {os.environ['BENCHMARK_DETECTOR']}.",
        "",
        "| what | figure | of the floor |",
    ]
    lines += ["| --- | --- | --- |", *(f"| {what} | {figure} | {share} |" for what, figure, share in rows)]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
