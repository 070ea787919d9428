"""How much of a viewer's glasses stays on a new face, and how much of the face is taken for glasses: glasses of all
kinds, drawn before filmed people who wear none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np

from realtime.face_compositing.occlusion.glasses import GlassesDetector
from realtime.imaging.frame import Pixels
from tools.glasses.drawing import draw_glasses
from tools.swap_figures.following import followed, geometries, square
from tools.swap_figures.material import Clip
from tools.swap_figures.wearing import region

_FRAMES = 16
_FIRST = 4
"""Frames before it counts: a face must be found first."""
_WITHIN = 0.93
"""Share of the outline that counts: at its edge the new face fades anyway."""
_BESIDE_PX = 7
"""Nearer to glasses than this the viewer's own skin may stay."""
_HOLE = 0.01


@dataclasses.dataclass(frozen=True, slots=True)
class KeptGlasses:
    """Some glasses before one person."""

    clip: str
    number: int
    """Which, by the seed they are drawn with; −1: none."""
    stays: float
    """Share of them that stays."""
    beside: float
    """Share of the rest of the face that stays the viewer's."""
    holes: int
    """Frames without glasses of which more than a hundredth stays."""
    frames: int


def keep_glasses(clip: Clip, kinds: int) -> list[KeptGlasses]:
    """Play the beginning of a clip as it is, and with glasses of so many kinds."""
    squares = [square(pixels) for pixels in clip.pictures[:_FRAMES]]
    alone = list(followed(squares, clip.fps))
    kept = [_judge(clip, -1, squares, [None] * len(squares))]
    for number in range(kinds):
        shown = [
            (pixels, None) if here is None else draw_glasses(pixels, here[1], np.random.default_rng(1000 + number))
            for pixels, here in zip(squares, alone, strict=True)
        ]
        kept.append(_judge(clip, number, [pixels for pixels, _ in shown], [mask for _, mask in shown]))
    return kept


def _judge(clip: Clip, number: int, pictures: Sequence[Pixels], masks: Sequence[Pixels | None]) -> KeptGlasses:
    detector = GlassesDetector()
    stays, beside, holes = [], [], 0
    for index, mesh, geometry in geometries(pictures, clip.fps):
        pixels, mask = pictures[index], masks[index]
        detector.look(pixels, geometry, index / clip.fps)
        found = detector.mask(geometry)
        if index < _FIRST:
            continue
        whole = np.zeros(pixels.shape[:2], np.float32)
        if found is not None:
            place = geometry.place
            whole[place.top : place.bottom, place.left : place.right] = found / 255
        face = region(mesh, pixels.shape, _WITHIN) > 0
        if mask is None:
            mask = np.zeros(pixels.shape[:2], np.uint8)
        near = cv2.dilate(mask, np.ones((2 * _BESIDE_PX + 1,) * 2, np.uint8)) > 40
        rest = float(whole[face & ~near].mean())
        beside.append(rest)
        if number < 0:
            holes += rest > _HOLE
        elif (face & (mask > 128)).any():
            stays.append(float(whole[face & (mask > 128)].mean()))
    return KeptGlasses(clip.name, number, _mean(stays), _mean(beside), holes, len(beside))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def glasses_table(kept: Sequence[KeptGlasses]) -> str:
    """A line for each clip."""
    lines = [
        "| clip | kinds of glasses | stays on (nine in ten at least) | of the rest, left open (most) "
        "| frames without glasses, with a hole |",
        "|---" * 5 + "|",
    ]
    for clip in dict.fromkeys(each.clip for each in kept):
        rows = [each for each in kept if each.clip == clip and each.number >= 0 and np.isfinite(each.stays)]
        none = [each for each in kept if each.clip == clip and each.number < 0]
        stays, beside = [each.stays for each in rows], [each.beside for each in rows]
        lines.append(
            f"| {clip} | {len(rows)} | {np.mean(stays):.0%} ({np.percentile(stays, 10):.0%}) "
            f"| {np.mean(beside):.1%} ({max(beside):.1%}) "
            f"| {sum(each.holes for each in none)} of {sum(each.frames for each in none)} |"
        )
    return "\n".join(lines)
