"""How fast a swap is: frames a second of the whole program, the age of what it shows, and where a frame's time goes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np

from realtime.cameras import CameraRequest, open_camera
from realtime.effects.scene import Scene
from realtime.faces.landmarks.mesh import MeshModel
from realtime.faces.tracking.tracker import FaceTracker
from realtime.imaging.frame import Pixels, Size
from realtime.models.card import ModelCard, ModelKind
from realtime.models.runtime.onnx_model import OnnxModel
from tools.swap_figures.material import Clip, to_and_fro
from tools.swap_figures.wearing import open_detector, open_swap

SIZE = Size(1280, 720)
FPS = 60


def write_film(path: Path, clips: Sequence[Clip], seconds: float, share: float = 1.0) -> Path:
    """Write a film of 1280×720 at 60 frames a second, H.264: the clips side by side, each to and fro. `share`: how much
    of the height each takes, further away being less.
    """
    import av

    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for index in range(round(seconds * FPS)):
            parts = []
            for clip in clips:
                picture = clip.pictures[to_and_fro(index, len(clip.pictures))]
                parts.append(_standing(picture, Size(SIZE.width // len(clips), SIZE.height), share))
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.hstack(parts), format="bgr24")))
        file.mux(stream.encode(None))
    return path


def _standing(picture: Pixels, size: Size, share: float) -> Pixels:
    """The picture in the middle at the foot of one of that size, `share` of its height; its edges go on around it."""
    scale = share * size.height / picture.shape[0]
    matrix = np.array([[scale, 0, (size.width - scale * picture.shape[1]) / 2], [0, scale, (1 - share) * size.height]])
    return np.asarray(cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def write_model(path: Path) -> Path:
    """Write the 128² network that is trained here, untrained: what it learns does not change how long it takes."""
    import torch

    from tools.exporting.model import build_model
    from tools.networks.swap_light import SwapLight, SwapLightLayout
    from tools.networks.weights import Weights

    torch.manual_seed(0)
    part = SwapLightLayout().parts(Weights(SwapLight().state_dict(), "untrained"))[0]
    path.write_bytes(build_model(part, ModelCard(ModelKind.SWAP, title="untrained 128")).SerializeToString())
    return path


# The whole program ---------------------------------------------------------------------------------------------------


def run_program(film: Path, effect: str, *options: str) -> dict[str, Any]:
    """The program's own statistics of a run into a window that nobody sees."""
    with tempfile.TemporaryDirectory() as folder:
        stats = Path(folder) / "stats.json"
        words = ["run", "--source", str(film), "--effect", effect, "--output", "window", "--stats", str(stats)]
        subprocess.run([sys.executable, "-m", "realtime", *words, *options], check=True, stderr=subprocess.DEVNULL)
        written: dict[str, Any] = json.loads(stats.read_text(encoding="utf-8"))
        return written


def whole_program(film: Path, effect: str, seconds: float) -> dict[str, float]:
    """Without waiting, every frame; then live, at the film's 60 frames a second."""
    unpaced = run_program(film, effect, "--every-frame")
    live = run_program(film, effect, "--loop", "--seconds", str(seconds))
    age_ms = live["outputs"][0]["age_ms"]
    dropped = live["frames"]["dropped_before_processing"] + live["outputs"][0]["dropped"]
    return {
        "fps": unpaced["fps"],
        "live_fps": live["fps"],
        "age_frames_p50": age_ms["p50"] * FPS / 1e3,
        "age_frames_p99": age_ms["p99"] * FPS / 1e3,
        "dropped": dropped / max(1, live["frames"]["captured"]),
        "with_face": live["frames"]["with_face"] / max(1, live["frames"]["processed"]),
    }


# Where a frame's time goes -------------------------------------------------------------------------------------------


class _Watch:
    """Adds up what a method takes."""

    def __init__(self) -> None:
        self.spent_s = 0.0

    @contextmanager
    def on(self, cls: type, name: str) -> Iterator[None]:
        """Watch a method of a class while this lasts."""
        original: Callable[..., Any] = getattr(cls, name)

        def timed(*arguments: Any, **named: Any) -> Any:
            began_s = time.perf_counter()
            try:
                return original(*arguments, **named)
            finally:
                self.spent_s += time.perf_counter() - began_s

        with mock.patch.object(cls, name, timed):
            yield


def shares(film: Path, argument: str) -> dict[str, float]:
    """Milliseconds a frame: detector, mesh model, network, and all else of the effect (median and 95th percentile);
    also the width of the detector's faces.
    """
    camera, detector, tracker, effect = open_camera(str(film), CameraRequest()), open_detector(), FaceTracker(), None
    mesh, network = _Watch(), _Watch()
    rows, widths_px = [], []
    try:
        effect = open_swap(argument)
        with mesh.on(MeshModel, "_run"), network.on(OnnxModel, "run"):
            while (frame := camera.read()) is not None:
                began_s = time.perf_counter()
                found = detector.find(frame)
                detected_s = time.perf_counter()
                faces = tracker.update(found, frame.pts_s)
                mesh.spent_s = network.spent_s = 0.0
                tracked_s = time.perf_counter()
                effect.make(Scene(frame, faces))
                made_s = time.perf_counter() - tracked_s
                own_s = made_s - mesh.spent_s - network.spent_s
                widths_px += [face.box.width for face in faces]
                rows.append((detected_s - began_s, mesh.spent_s, network.spent_s, own_s))
    finally:
        camera.close()
        detector.close()
        if effect is not None:
            effect.close()
    middle, high = (1e3 * np.percentile(np.array(rows[10:]), percent, axis=0) for percent in (50, 95))
    names = ("detector", "mesh", "network", "own")
    figures = {name: float(value) for name, value in zip(names, middle, strict=True)}
    return figures | {"own_p95": float(high[3]), "face_px": float(np.median(widths_px))}
