"""Opens a style's model at the size it is wanted at, with little notice taken by a picture that goes on beside it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from realtime.imaging.frame import Size
from realtime.models.runtime import ort_session
from realtime.models.runtime.onnx_model import SessionPolicy
from realtime.models.runtime.providers import Provider, choose
from realtime.style.renderer import SizedModel, StyleRenderer
from realtime.style.resolution_governor import first_step, working_sizes
from realtime.style.throttle import Throttle
from realtime.style.timeout import LoadTimeout

_PROBES = 5
_PROBE_ENOUGH_S = 0.01  # a model that takes longer for the smallest size is not timed again: somebody waits for it,
_PROBE_ENOUGH_BESIDE_S = 0.1  # or nobody does, and the first times may have met the other style's painting
_REST_S = 0.006  # enlarging, before it has been measured
_PATIENCE_S = 60.0
_PROBE_GRACE = 1.2  # a small picture's numbers fit into the processor's cache


class Opened(NamedTuple):
    """A warmed renderer, the sizes its model may work at, and which of them it has."""

    renderer: StyleRenderer
    sizes: tuple[Size, ...]
    step: int


class Opener:
    """Opens one model file. Any thread."""

    def __init__(self, path: Path, policy: SessionPolicy, *, steady: bool, is_live: bool = True) -> None:
        """Where nobody waits for the picture (`is_live` is false), a model may take as long as it likes."""
        self._path, self._policy, self._steady = path, policy, steady
        self._limit_s = _PATIENCE_S if is_live else float("inf")

    def open(self, frame: Size, working: Size, throttle: Throttle) -> StyleRenderer:
        """Return a warmed renderer for frames of one size, working at another. Raises ModelError."""
        patience: LoadTimeout[StyleRenderer] = LoadTimeout(self._limit_s, str(self._path))
        return patience.wait_for(
            lambda: self._renderer(SizedModel(self._path, self._policy, working), frame, throttle, patience)
        )

    def open_first(self, frame: Size, period_s: float, throttle: Throttle) -> Opened:
        """Open it at the largest size at which a picture should be made every `period_s`, which is found by trying the
        smallest; where that is infinite, at the full size. Raises ModelError.
        """
        patience: LoadTimeout[Opened] = LoadTimeout(self._limit_s, str(self._path))
        return patience.wait_for(lambda: self._open_first(frame, period_s, throttle, patience))

    def _open_first(self, frame: Size, period_s: float, throttle: Throttle, patience: LoadTimeout[Opened]) -> Opened:
        sizes, step = working_sizes(frame), 0
        # A GPU has time for the full size, and TensorRT would build an engine, for minutes, for the trial alone.
        is_tried = period_s < float("inf") and self._is_on_the_processor()
        model = SizedModel(self._path, self._policy, sizes[-1] if is_tried else sizes[0])
        try:
            sizes = sizes_of(model, frame)
            if is_tried and len(sizes) > 1:
                patience.watch(model)
                throttle.rest()
                step = first_step(sizes, _s_per_px(model, throttle) * _PROBE_GRACE, _REST_S, period_s)
        except BaseException:
            model.close()
            raise
        if model.size != sizes[step]:
            model.close()
            throttle.rest()
            model = SizedModel(self._path, self._policy, sizes[step])
        return Opened(self._renderer(model, frame, throttle, patience), sizes, step)

    def _renderer(
        self, model: SizedModel, frame: Size, throttle: Throttle, patience: LoadTimeout[Any]
    ) -> StyleRenderer:
        renderer = StyleRenderer(model, frame, steady=self._steady)
        try:
            throttle.rest()
            patience.watch(model)
            renderer.warm(throttle)
        except BaseException:
            renderer.close()
            raise
        return renderer

    def _is_on_the_processor(self) -> bool:
        """Whether it is going to be computed without a GPU, as far as can be told before it is opened."""
        if self._policy.provider:
            return self._policy.provider == Provider.CPU.value
        providers, _ = choose(None, ort_session.machine(), fixed_sizes=True)
        return providers == [Provider.CPU]


def sizes_of(model: SizedModel, frame: Size) -> tuple[Size, ...]:
    """Return the sizes a model may work at for frames of this size; only one where it is bound to it."""
    if model.bound.is_free:
        return working_sizes(frame, model.card.least_px)
    return (model.bound.size_for(frame, model.card.least_px),)


def _s_per_px(model: SizedModel, throttle: Throttle) -> float:
    """Seconds a pixel at best. The first run allocates and does not count."""
    grey = np.full((model.size.height, model.size.width, 3), 128, np.uint8)
    out = np.empty_like(grey)
    model.paint(grey, out)
    best_s = float("inf")
    for _ in range(_PROBES):
        throttle.rest()
        began_s = time.perf_counter()
        model.paint(grey, out)
        best_s = min(best_s, time.perf_counter() - began_s)
        if best_s > (_PROBE_ENOUGH_BESIDE_S if throttle.are_taken else _PROBE_ENOUGH_S):
            break
    return best_s / (model.size.width * model.size.height)
