"""Measures how a walk fills the time between two pictures of its network, beside the pictures the network would draw.

    python -m tools.measure_walk MODEL.onnx [--seeds 4] [--strip STRIP.png]
    python -m tools.measure_walk MODEL.onnx --live 20

For gaps of a share of a person (at 6 people a minute a tenth is a second) it draws both ends and the true middle, and
makes the middle as the walk does, and as a cross-fade does. Prints Markdown for docs/benchmarks.md. Times are of the
processor, one thread, so that what else the machine does counts little.

`--live`: asks the effect itself for 30 pictures of 1280x720 a second, for so many seconds, and says how many came, by
how much each differs from the one before (mean absolute difference, grey levels), how many did not differ, and what of
the processor it took. Here the machine must have nothing else to do.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from realtime.core.errors import RealtimeError
from realtime.effects import EffectContext
from realtime.effects.scene import Scene
from realtime.effects.walk import WalkEffect, WalkSettings
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.models.runtime.onnx_model import SessionPolicy
from realtime.morph.framing import STEPS, FinePixels, FramedFace
from realtime.morph.generator import DecoderGenerator, Sight
from realtime.morph.in_between import InBetween
from realtime.morph.walk import LatentWalk

GAPS = (0.025, 0.05, 0.1, 0.2)
"""Of a person."""
_SPREAD = 0.7
_HEIGHT_PX = 720
_LIVE_FPS = 30
_SETTLES_S = 2
_SAME = 0.005


class Compared(NamedTuple):
    """A picture beside the true one."""

    grey_levels: float
    """Mean absolute difference."""
    psnr_db: float
    sharpness: float
    """Deviation of its Laplacian over that of the true one's."""


class Painter:
    """Draws moments of a walk as large as a screen shows them."""

    def __init__(self, model: Path, seed: int) -> None:
        """Raises ModelError."""
        self.generator = DecoderGenerator(model, SessionPolicy(provider="cpu", threads=1))
        self._walk = LatentWalk(self.generator.space, seed)
        side = self.generator.side_px
        self._face = np.empty((side, side, 3), np.float32)
        self._frame = FramedFace(side, Size(_HEIGHT_PX, _HEIGHT_PX))
        self.network_s: list[float] = []

    def picture(self, people: float) -> FinePixels:
        """Return the moment after so many people."""
        truncates = self.generator.truncates
        code = self._walk.code(people, 1.0 if truncates else _SPREAD)
        began_s = time.process_time()
        self.generator.draw_sight(Sight(code, _SPREAD), self._face)
        self.network_s.append(time.process_time() - began_s)
        out = np.empty((_HEIGHT_PX, _HEIGHT_PX, 3), np.uint16)
        self._frame.draw(self._face, out)
        return out


def compared(made: Pixels, true: Pixels) -> Compared:
    """Compare two pictures."""
    off = float(np.abs(made.astype(np.int16) - true).mean())
    return Compared(off, float(cv2.PSNR(made, true)), _laplacian(made) / _laplacian(true))


def measure(model: Path, seeds: int, strip: Path | None = None) -> str:
    """Return the table. Raises RealtimeError."""
    rows: dict[float, list[tuple[Compared, Compared]]] = {gap: [] for gap in GAPS}
    between = InBetween(Size(_HEIGHT_PX, _HEIGHT_PX))
    network_s, search_s, draw_s, shown = [], [], [], []
    for seed in range(seeds):
        painter = Painter(model, seed)
        begun = painter.picture(0)
        for gap in GAPS:
            true, ended = painter.picture(gap / 2), painter.picture(gap)
            began_s = time.process_time()
            movement, made = between.between(begun, ended), np.empty_like(begun)
            search_s.append(time.process_time() - began_s)
            between.draw(begun, ended, movement, 0.5, made)
            draw_s.append(time.process_time() - began_s - search_s[-1])
            blended = np.asarray(cv2.addWeighted(begun, 0.5, ended, 0.5, 0), np.uint16)
            pictures = [_bytes(picture) for picture in (begun, true, made, blended)]
            rows[gap].append((compared(pictures[2], pictures[1]), compared(pictures[3], pictures[1])))
            shown.append(np.hstack([cv2.resize(picture, (360, 360)) for picture in pictures]))
        network_s += painter.network_s
        painter.generator.close()
    if strip is not None:
        cv2.imwrite(str(strip), np.vstack(shown[: len(GAPS)]))
    return "\n".join([*_table(rows), "", _costs(network_s, search_s, draw_s)])


def measure_live(model: Path, seconds: float) -> str:
    """Return how a walk moves at a camera's pace. Raises RealtimeError."""
    size = Size(1280, 720)
    effect = WalkEffect.open(str(model), WalkSettings(), EffectContext(frame=size))
    nothing = np.zeros((size.height, size.width, 3), np.uint8)
    changes, made_ms, apart_s = [], [], []
    before: Pixels | None = None
    began_s, began_cpu_s = time.monotonic(), time.process_time()
    count = round(seconds * _LIVE_FPS)
    for index in range(count):
        time.sleep(max(0.0, began_s + index / _LIVE_FPS - time.monotonic()))
        asked_s = time.perf_counter()
        picture = effect.make(Scene(Frame(nothing, time.monotonic(), index / _LIVE_FPS, index))).pixels
        made_ms.append(1e3 * (time.perf_counter() - asked_s))
        now = picture[::2, ::2].copy()
        if before is not None and index > _LIVE_FPS * _SETTLES_S:
            changes.append(float(cv2.absdiff(now, before).mean()))
            apart_s.append(effect.apart_s)
        before = now
    wall_s, cpu_s = time.monotonic() - began_s, time.process_time() - began_cpu_s
    effect.close()
    least, median, most = np.percentile(changes, [5, 50, 100])
    stood = int(np.sum(np.less(changes, _SAME)))
    return "; ".join(
        [
            f"{count / wall_s:.1f} pictures a second, the network's {np.mean(apart_s):.2f} s apart",
            f"each differs from the one before by {median:.2f} grey levels, 95 % by {least:.2f}, {most:.2f} at most",
            f"{stood} of {len(changes)} do not",
            f"make {np.median(made_ms):.1f} ms (p99 {np.percentile(made_ms, 99):.1f})",
            f"{cpu_s / wall_s:.2f} of a core",
        ]
    )


def _table(rows: dict[float, list[tuple[Compared, Compared]]]) -> list[str]:
    lines = [
        "| gap, people | flow: off by, PSNR, sharpness | cross-fade: off by, PSNR, sharpness |",
        "| --- | --- | --- |",
    ]
    for gap, found in rows.items():
        cells = [np.mean([pair[way] for pair in found], axis=0) for way in (0, 1)]
        words = [f"{off:.2f} of 255, {psnr:.1f} dB, {sharp:.0%}" for off, psnr, sharp in cells]
        lines.append(f"| {gap:g} | {words[0]} | {words[1]} |")
    return lines


def _costs(network_s: Sequence[float], search_s: Sequence[float], draw_s: Sequence[float]) -> str:
    network, search, draw = (1000 * float(np.median(times)) for times in (network_s, search_s, draw_s))
    return (
        f"Processor time, one thread: the network {network:.0f} ms a picture; finding what moved {search:.0f} ms for "
        f"each two; a picture between {draw:.0f} ms ({_HEIGHT_PX}×{_HEIGHT_PX})."
    )


def _bytes(picture: FinePixels) -> Pixels:
    return np.asarray(cv2.convertScaleAbs(picture, alpha=1 / STEPS), np.uint8)


def _laplacian(picture: Pixels) -> float:
    grey: Floats = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.float32)
    return float(cv2.Laplacian(grey, cv2.CV_32F).std())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a decoder, as `realtime models add` or tools.export_onnx makes one")
    parser.add_argument("--seeds", type=int, default=4, help="how many walks (4)")
    parser.add_argument("--strip", type=Path, help="write what was compared: begin, true middle, flow, cross-fade")
    parser.add_argument("--live", type=float, metavar="SECONDS", help="measure how it moves at a camera's pace instead")
    asked = parser.parse_args(argv)
    try:
        if asked.live:
            print(measure_live(asked.model, asked.live))
            return 0
        cv2.setNumThreads(1)
        print(measure(asked.model, asked.seeds, asked.strip))
    except RealtimeError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
