"""Parts that fail in one way for some seconds, put into the real program by its own tables of parts.

Run as a program, `python -m tools.faults.parts PLAN.json WORDS…`, it is `realtime WORDS…` with them.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from realtime import cameras, effects, faces, outputs
from realtime.cameras import Camera, CameraRequest
from realtime.cameras.demo import Demo
from realtime.core.errors import CameraError, OutputError
from realtime.core.registry import RegistryEntry
from realtime.effects import Effect, EffectContext
from realtime.effects.scene import Scene
from realtime.faces import FaceDetector
from realtime.faces.landmarks.mesh import MeshModel
from realtime.imaging.frame import Box, Face, Frame, Size
from realtime.outputs import Output, OutputRequest

SIZE = Size(640, 360)


class Death(BaseException):
    """What ends a thread as a killer would: no guard for faults takes it for one."""


@dataclasses.dataclass
class Plan:
    """Which part fails, how, and from when to when, in seconds since it first worked, or the camera did."""

    part: str = ""
    fault: str = ""
    begins_s: float = math.inf
    ends_s: float = math.inf
    log: str = os.devnull
    """What became of each picture is written here, a JSON object a line."""

    def __post_init__(self) -> None:
        self.first_s: float | None = None
        self.never = threading.Event()
        with Path(self.log).open("wb") as file:
            high = fcntl.fcntl(
                file.fileno(), fcntl.F_DUPFD, 10
            )  # where one of the standard streams is closed, not that
        self._file = os.fdopen(high, "w", buffering=1, encoding="utf-8")

    def begin(self) -> None:
        if self.first_s is None:
            self.first_s = time.monotonic()
            self.tell(began_at_s=time.time())

    @property
    def now_s(self) -> float:
        return time.monotonic() - self.first_s if self.first_s is not None else -1.0

    def holds(self, part: str) -> bool:
        """Whether this part fails now."""
        return self.part == part and self.begins_s <= self.now_s < self.ends_s

    def tell(self, **facts: float) -> None:
        self._file.write(json.dumps(facts) + "\n")

    def common(self) -> None:
        """The faults that any part can have: raising, leaving, hanging."""
        match self.fault:
            case "raises":
                raise RuntimeError("a library's words\nover several\nlines")
            case "raises every 7th" if int(self.now_s * 1000) % 7 == 0:
                raise RuntimeError("a library's words")
            case "raises new words":
                raise RuntimeError(f"a library's words, at {self.now_s:.9f}")
            case "raises MemoryError":
                raise MemoryError
            case "calls sys.exit":
                sys.exit(3)
            case "hangs 3 s":
                time.sleep(max(0.0, min(3.0, self.ends_s - self.now_s)))
            case "hangs":
                self.never.wait()
            case "dies":
                self.fault = ""  # once
                raise Death


PICTURES: Mapping[str, Callable[[Any], Any]] = {
    "grey": lambda pixels: np.ascontiguousarray(pixels[:, :, 0]),
    "one channel": lambda pixels: np.ascontiguousarray(pixels[:, :, :1]),
    "four channels": lambda pixels: np.dstack([pixels, pixels[:, :, :1]]),
    "five channels": lambda pixels: np.dstack([pixels, pixels[:, :, :2]]),
    "float": lambda pixels: (pixels / 255).astype(np.float32),
    "16 bit": lambda pixels: pixels.astype(np.uint16) * 257,
    "empty": lambda pixels: np.zeros((0, 0, 3), np.uint8),
    "no rows": lambda pixels: np.zeros((0, 640, 3), np.uint8),
    "no picture": lambda pixels: None,
    "strided": lambda pixels: pixels[:, ::-1],
    "a list": lambda pixels: pixels[:2, :2].tolist(),
    "wrong size": lambda pixels: np.ascontiguousarray(pixels[: pixels.shape[0] // 2, : pixels.shape[1] // 2]),
    "odd size": lambda pixels: np.ascontiguousarray(pixels[:-1, :-3]),
    "one pixel": lambda pixels: np.ascontiguousarray(pixels[:1, :1]),
    "black": np.zeros_like,
    "noise": lambda pixels: np.random.default_rng(0).integers(0, 256, pixels.shape, np.uint8),
    "read only": lambda pixels: _read_only(pixels),
}


def _read_only(pixels: Any) -> Any:
    view = pixels.view()
    view.flags.writeable = False
    return view


class Live(Camera):
    """The demo viewer as a webcam gives her: live, 30 pictures a second."""

    plan: ClassVar[Plan]
    opened = 0

    def __init__(self, source: str, request: CameraRequest) -> None:  # noqa: ARG002 - the table's signature
        if self.plan.holds("camera") and self.plan.fault == "unplugged":
            raise CameraError("live: no such camera")
        self._demo = Demo("demo", dataclasses.replace(request, size=SIZE))
        self.info = dataclasses.replace(self._demo.info, name="live", live=True, frame_count=None)
        self._first_s = time.monotonic()
        self._read = 0

    def read(self) -> Frame | None:
        plan = self.plan
        if plan.part not in (
            "detector",
            "mesh",
        ):  # which are opened beside the first pictures: their clock waits for it
            plan.begin()
        self._read += 1
        time.sleep(max(0.0, self._first_s + self._read / 30 - time.monotonic()))
        frame = self._demo.read()
        assert frame is not None
        frame = dataclasses.replace(frame, captured_at_s=time.monotonic())
        if not plan.holds("camera"):
            return frame
        plan.common()
        if plan.fault in PICTURES:
            return dataclasses.replace(frame, pixels=PICTURES[plan.fault](frame.pixels))
        match plan.fault:
            case "unplugged" | "opens and fails":
                raise CameraError("live: unplugged")
            case "silent" | "silent, and no new thread":
                plan.never.wait(plan.ends_s - plan.now_s)
            case "silent for ever":
                if self._read > 1:
                    plan.never.wait()
            case "an array":
                return frame.pixels  # type: ignore[return-value]
            case "ends":
                return None
            case "clock back":
                return dataclasses.replace(frame, captured_at_s=frame.captured_at_s - 3600)
            case "clock forward":
                return dataclasses.replace(frame, captured_at_s=frame.captured_at_s + 3600)
            case "clock NaN":
                return dataclasses.replace(frame, captured_at_s=math.nan, pts_s=math.nan)
        return frame

    def close(self) -> None:
        self._demo.close()


class Detector(FaceDetector):
    """The real detector, but for its faults. What it finds of itself is kept for the comparison of faces."""

    plan: ClassVar[Plan]
    open_real: ClassVar[Callable[[], FaceDetector]]
    seen: ClassVar[dict[int, tuple[Frame, Box]]] = {}

    def __init__(self) -> None:
        if self.plan.part == "opening the detector":
            self.plan.common()
        self._real = type(self).open_real()
        self.provider = self._real.provider

    def find(self, frame: Frame) -> list[Face]:
        self.plan.begin()
        found = self._real.find(frame)
        surest = max(found, key=lambda face: face.score, default=None)
        if surest is not None and surest.score > 0.7:  # the demo viewer herself, and no pattern on her jacket
            self.seen[frame.index] = frame, surest.box
            self.seen.pop(frame.index - 200, None)
        if not self.plan.holds("detector"):
            return found
        self.plan.common()
        instead: list[Face] = self._instead(found)
        return instead

    def _instead(self, found: list[Face]) -> Any:
        boxes = {
            "empty boxes": Box(10, 10, 0, 0),
            "negative boxes": Box(10, 10, -40, -40),
            "NaN boxes": Box(math.nan, 10, math.nan, 40),
            "infinite boxes": Box(-math.inf, 10, math.inf, 40),
            "huge boxes": Box(-1e6, -1e6, 2e6, 2e6),
        }
        if self.plan.fault in boxes:
            return [dataclasses.replace(face, box=boxes[self.plan.fault]) for face in found]
        match self.plan.fault:
            case "NaN keypoints":
                return [dataclasses.replace(face, keypoints=face.keypoints * math.nan) for face in found]
            case "three keypoints":
                return [dataclasses.replace(face, keypoints=face.keypoints[:3]) for face in found]
            case "None":
                return None
            case "words":
                return ["a face", "another"]
            case "blind":
                return []
            case "5000 faces":
                rng = np.random.default_rng(0)
                places = rng.uniform(0, 400, (5000, 4)).tolist()
                points = np.full((6, 2), 100, np.float32)
                return [Face(Box(x, y, w + 20, h + 20), points, 0.9) for x, y, w, h in places]
        return found

    def close(self) -> None:
        self._real.close()


class FullDetector(Detector):
    """The other real detector."""


def _faulty_effect(plan: Plan, real: type[Effect]) -> type[Effect]:
    """Return the effect with the plan's fault in one of its methods."""
    method = plan.part.removeprefix("effect ")

    class Faulty(real):  # type: ignore[misc, valid-type]
        def make(self, scene: Scene) -> Frame:
            frame, faces = scene.frame, scene.faces
            made: Frame = super().make(Scene(frame, faces))
            if not plan.holds("effect"):
                return made
            plan.common()
            if plan.fault in PICTURES:
                return made.with_pixels(PICTURES[plan.fault](made.pixels))
            if plan.fault == "nothing":
                return None  # type: ignore[return-value]
            return made.pixels if plan.fault == "an array" else made  # type: ignore[return-value]

        @classmethod
        def open(cls, argument: str, settings: Any, context: EffectContext) -> Effect:
            if plan.part == "opening the effect":
                plan.common()
            opened: Effect = super().open(argument, settings, context)
            return opened

    def failing(self: Effect, *arguments: object) -> object:
        if plan.holds(plan.part):
            plan.common()
        return getattr(super(Faulty, self), method)(*arguments)

    def failing_value(self: Effect) -> object:
        if plan.holds(plan.part):
            plan.common()
        return self.__dict__.get(method, getattr(real, method))

    if method in ("report", "facts", "succeed", "close"):
        setattr(Faulty, method, failing)
    elif method in ("provider", "uses_faces", "uses_pixels", "hides_identity", "synthetic", "patience_s"):
        setattr(Faulty, method, property(failing_value, lambda self, value: self.__dict__.update({method: value})))
    return Faulty


class Watching(Output):
    """Takes note of each new picture, and how much of the camera's face is in it."""

    name = "watching"
    plan: ClassVar[Plan]

    def __init__(self, argument: str, request: OutputRequest) -> None:  # noqa: ARG002 - the table's signature
        self._last = -1

    def show(self, frame: Frame) -> None:
        if self.plan.holds("output") or self.plan.holds("window"):
            self.plan.common()
            if self.plan.fault == "fails":
                raise OutputError("watching: a device is gone")
        if frame.index == self._last:
            return
        self._last = frame.index
        self.plan.begin()  # where the source is none of ours, with the first picture
        self.plan.tell(new_at_s=self.plan.now_s, bare=self._bare(frame))

    def _bare(self, frame: Frame) -> float:
        """Share of the face's box in which picture and camera are the same, 0..1."""
        seen, box = Detector.seen.get(frame.index, (None, None))
        if seen is None or box is None or seen.pixels.shape != frame.pixels.shape:
            return 0.0
        left, top = max(0, int(box.left)), max(0, int(box.top))
        part = slice(top, int(box.top + box.height)), slice(left, int(box.left + box.width))
        camera, shown = seen.pixels[part].astype(int), frame.pixels[part].astype(int)
        return float((np.abs(camera - shown).max(2) <= 2).mean()) if camera.size else 0.0

    def close(self) -> None:
        pass


def _put_in(plan: Plan) -> None:
    this_module = "tools.faults.parts"
    Live.plan = Detector.plan = Watching.plan = plan
    Detector.open_real, FullDetector.open_real = (faces.DETECTORS[name].load() for name in ("short", "full"))
    cameras.CAMERAS["webcam"] = RegistryEntry(this_module, "Live", "")
    faces.DETECTORS |= {
        "short": RegistryEntry(this_module, "Detector", ""),
        "full": RegistryEntry(this_module, "FullDetector", ""),
    }
    outputs.OUTPUTS["none"] = RegistryEntry(this_module, "Watching", "")
    if plan.part.startswith(("effect", "opening the effect")):
        for name in ("none", "portrait", "swap", "style"):
            made = _faulty_effect(plan, effects.EFFECTS[name].load())
            globals()[f"Faulty_{name}"] = made
            effects.EFFECTS[name] = RegistryEntry(this_module, f"Faulty_{name}", "")
    Watching.on_main_thread = plan.part == "window"
    if plan.part == "mesh":
        _fail_meshes(plan)
    if plan.fault == "silent, and no new thread":
        _let_no_camera_thread_start(plan)


def _fail_meshes(plan: Plan) -> None:
    real = MeshModel._run

    def run(self: MeshModel, *arguments: Any) -> Any:
        mesh = real(self, *arguments)
        if not plan.holds("mesh"):
            return mesh
        plan.common()
        scale = {"NaN": math.nan, "huge": 1e6, "elsewhere": 1.0}[plan.fault]
        return dataclasses.replace(mesh, points=mesh.points * scale + (200 if plan.fault == "elsewhere" else 0))

    MeshModel._run = run  # type: ignore[method-assign, assignment]


def _let_no_camera_thread_start(plan: Plan) -> None:
    real = threading.Thread.start

    def start(self: threading.Thread) -> None:
        if plan.holds("camera") and self.name.startswith("camera-"):
            raise RuntimeError("can't start new thread")
        real(self)

    threading.Thread.start = start  # type: ignore[method-assign]


def main() -> int:
    """Put the plan's faults in and be `realtime`."""
    module = sys.modules["tools.faults.parts"] = sys.modules[__name__]  # one module, not two with a plan each
    assert module is not None
    plan = Plan(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    _put_in(plan)
    sys.argv = ["realtime", *sys.argv[2:]]
    from realtime.__main__ import main as realtime

    return realtime()


if __name__ == "__main__":
    sys.exit(main())
