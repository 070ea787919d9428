"""A style model opened for one working size, with all that turns frames of one size into pictures of that size."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import cv2
import numpy as np

from realtime.imaging.frame import Pixels, Size
from realtime.models.card import HEIGHT, INPUT_NAMES, OUTPUT_NAMES, WIDTH, ModelCard, ModelKind
from realtime.models.runtime.onnx_model import OnnxModel, SessionPolicy
from realtime.style.guided_upsampling import GuidedUpsampler
from realtime.style.letterbox import SizeConstraint, letterbox_place
from realtime.style.temporal_filter import TemporalFilter
from realtime.style.throttle import Throttle

(_FRAME,) = INPUT_NAMES[ModelKind.STYLE]
(_FRAME_OUT,) = OUTPUT_NAMES[ModelKind.STYLE]


class SizedModel:
    """A style model whose pictures all have one size."""

    def __init__(self, path: Path, policy: SessionPolicy, size: Size) -> None:
        """Open it for pictures of this size, or of its own where it is bound to one. The first two runs are slower than
        the others. Raises ModelError.
        """
        self._model = OnnxModel.open(path, policy, dimensions={HEIGHT: size.height, WIDTH: size.width})
        _, height, width, _ = self._model.input_shapes[_FRAME]
        self.size = Size(int(width), int(height))
        self.bound = SizeConstraint.of(self._model.file_shapes[_FRAME])

    @property
    def card(self) -> ModelCard:
        return self._model.card

    @property
    def provider(self) -> str:
        """What computes it now."""
        return self._model.provider

    @property
    def notes(self) -> tuple[str, ...]:
        """Why a slower provider was taken."""
        return self._model.notes

    def paint(self, pixels: Pixels, into: Pixels) -> None:
        """Repaint a picture of this size into another. Raises ModelError."""
        self._model.run({_FRAME: pixels[np.newaxis]}, {_FRAME_OUT: into[np.newaxis]})

    def interrupt(self) -> None:
        """End a painting that is going on, and every later one, with a ModelError. Any thread."""
        self._model.interrupt()

    def close(self) -> None:
        """Free what it holds, which takes some milliseconds; on any thread."""
        self._model.close()


class StyleRenderer:
    """Paints frames of one size with a model of one size. `paint`: one thread."""

    def __init__(self, model: SizedModel, frame: Size, *, steady: bool) -> None:
        """Takes the model over; `close` closes it."""
        self.model, self.frame = model, frame
        self.scaling_s, self.rest_s = 0.0, 0.0
        """What the last picture took: what grows with the working size, and the other."""
        self.longest_s = 0.0
        """What the slowest picture of the first two took."""
        self.place = letterbox_place(frame, model.size)
        """Where in the model's picture the frame lies."""
        left, top, size = self.place
        self._steady = TemporalFilter(size) if steady else None
        self._is_whole = model.size == frame
        # A model that takes more than the frame has paints detail of its own; there is none of the frame's to add.
        is_enlarged = size.width < frame.width or size.height < frame.height
        self._enlarger = GuidedUpsampler(size, frame) if is_enlarged else None
        self._halves = _halves(frame, size)
        self._small = _picture(size)
        self._margins = (top, model.size.height - size.height - top, left, model.size.width - size.width - left)
        self._shown, self._painted = _picture(model.size), _picture(model.size)
        self._painted_frame = self._painted[top : top + size.height, left : left + size.width]

    def warm(self, throttle: Throttle) -> None:
        """Paint twice: the first pictures allocate, touch every buffer, choose kernels and start threads."""
        blank = np.zeros((self.frame.height, self.frame.width, 3), np.uint8)
        out = np.empty_like(blank)
        for count in range(2):
            self.paint(blank, count * 0.01, out)
            self.longest_s = max(self.longest_s, self.scaling_s + self.rest_s)
            throttle.rest()
        if self._steady is not None:
            self._steady = TemporalFilter(self.place.size)

    def paint(self, pixels: Pixels, pts_s: float, out: Pixels) -> None:
        """Fill `out` with the repainted frame, both of the frame's size. Raises ModelError."""
        began_s = time.perf_counter()
        seen = pixels if self.place.size == self.frame else self._shrink(pixels)
        if self._steady is not None:
            seen = self._steady.calm(seen, pts_s)
        self.model.paint(self._with_margins(seen), out if self._is_whole else self._painted)
        painted = out if self._is_whole else self._painted_frame
        if self._steady is not None:
            self._steady.hold(painted)
        painted_s = time.perf_counter()
        if self._enlarger is not None:
            self._enlarger.enlarge(pixels, seen, painted, out)
        elif painted is not out:
            cv2.resize(painted, self.frame, dst=out, interpolation=cv2.INTER_AREA)
        self.scaling_s, self.rest_s = painted_s - began_s, time.perf_counter() - painted_s

    def close(self) -> None:
        """Free what its model holds, which takes some milliseconds; on any thread."""
        self.model.close()

    def close_aside(self) -> None:
        """[the thread that paints] Do so on a thread of its own; the program's end waits for it."""
        # A thread is a daemon where the one that makes it is: Python's end would not wait for it, and a session that is
        # freed while the interpreter is torn down takes the process with it.
        try:
            threading.Thread(target=self.close, name="style-closing", daemon=False).start()
        except RuntimeError:  # no further thread
            self.close()

    def _shrink(self, pixels: Pixels) -> Pixels:
        """Averaging in one step to an odd size takes 3 ms for 1280×720; halving first, then linear, 0.7."""
        for half in self._halves:
            pixels = cv2.resize(pixels, Size.of(half), dst=half, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        cv2.resize(pixels, self.place.size, dst=self._small, interpolation=cv2.INTER_LINEAR)
        return self._small

    def _with_margins(self, seen: Pixels) -> Pixels:
        """Return the model's picture, the frame in its place and continued by its mirror image beside it."""
        if not any(self._margins):
            return seen
        cv2.copyMakeBorder(seen, *self._margins, cv2.BORDER_REFLECT_101, dst=self._shown)
        return self._shown


def _picture(size: Size) -> Pixels:
    return np.empty((size.height, size.width, 3), np.uint8)


def _halves(frame: Size, small: Size) -> list[Pixels]:
    """Return room for the frame halved again and again, as long as it is not smaller than `small`: what is linearly
    reduced to less than half loses lines and flickers.
    """
    halves: list[Pixels] = []
    half = Size(frame.width // 2, frame.height // 2)
    while half.width >= small.width and half.height >= small.height and min(half) > 0:
        halves.append(_picture(half))
        half = Size(half.width // 2, half.height // 2)
    return halves
