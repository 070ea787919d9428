"""How much of filmed hands stays before the new face, and how much of the face is taken for one: frames of the shared
clips in which somebody marked hands, and a mask, by eye (`hands.json`: polygons in pixels; and between which frames
nothing is before the face). Those are played to and fro first: people sit before a camera for a while before they
scratch their nose. A clip that runs in a loop goes on with its beginning: its frames are counted on.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from realtime.face_compositing.face_geometry import FaceGeometry, with_rim
from realtime.face_compositing.occlusion.detector import OcclusionDetector
from realtime.imaging.frame import Pixels, Size
from tools.swap_figures.following import followed
from tools.swap_figures.material import SHARED_DATA, read_clip, to_and_fro
from tools.swap_figures.wearing import region

_MARKS = Path(__file__).with_name("hands.json")
_WITHIN = 0.93
"""Share of the outline that counts: at its edge the new face fades anyway."""
_ALONE_S = 5.0
_EDGE = 0.02
"""Of the face's width: nearer to a hand's edge than this neither is counted; it is marked, and drawn, no better."""


@dataclasses.dataclass(frozen=True, slots=True)
class FilmedHand:
    """One marked frame."""

    clip: str
    frame: int
    covers: float
    """Share of the face that the hand is before."""
    stays: float
    """Share of the hand, within the face, that stays before the new one; NaN: nobody was followed."""
    beside: float
    """Share of the rest of the face that stays the viewer's."""


def filmed_hands(folder: Path = SHARED_DATA / "clips") -> Iterator[FilmedHand]:
    """Play each marked clip from its beginning and yield what becomes of its hands."""
    for name, about in json.loads(_MARKS.read_text(encoding="utf-8")).items():
        if not (folder / name).is_file():
            continue
        marked = {int(number): loops for number, loops in about["frames"].items()}
        clip = read_clip(str(folder / name), max(marked) + 1)
        first, end = about["alone"]
        before = round(_ALONE_S * clip.fps) if end > first else 0
        alone = [first + to_and_fro(number, end - first) for number in range(before)][::-1]
        order = [*alone, *range(first, max(marked) + 1)]
        pictures = [clip.pictures[number % len(clip.pictures)] for number in order]
        occlusion, geometry = OcclusionDetector(), FaceGeometry()
        for at, (pixels, meshes) in enumerate(zip(pictures, followed(pictures, clip.fps), strict=True)):
            index = first + at - before
            front: Pixels | None = None
            if meshes is not None:
                geometry.update(meshes[0], Size.of(pixels), with_rim(meshes[0].points[:, :2]), meshes[1])
                if not geometry.is_empty:
                    seen = occlusion.visible(pixels, geometry, at / clip.fps)
                    front = np.zeros(pixels.shape[:2], np.uint8)
                    part = cv2.resize(np.rint(255 * (1 - seen)).astype(np.uint8), geometry.place.size)
                    geometry.place.of(front)[:] = part
            if index not in marked:
                continue
            if front is None or meshes is None:
                yield FilmedHand(clip.name, index, float("nan"), float("nan"), float("nan"))
                continue
            hand = np.zeros(pixels.shape[:2], np.uint8)
            for loop in marked[index]:
                cv2.fillPoly(hand, [np.array(loop, np.int32)], 1)
            face = region(meshes[0], pixels.shape, _WITHIN) > 0
            reach = 2 * max(1, round(_EDGE * meshes[0].width_px)) + 1
            around = np.ones((reach, reach), np.uint8)
            inner, rest = face & (cv2.erode(hand, around) > 0), face & (cv2.dilate(hand, around) == 0)
            yield FilmedHand(
                clip.name,
                index,
                float((face & (hand > 0)).sum() / max(1, face.sum())),
                float(front[inner].mean() / 255) if inner.any() else float("nan"),
                float(front[rest].mean() / 255),
            )


def hands_table(found: list[FilmedHand]) -> str:
    """Return a line for each clip, its mean and its worst, in Markdown."""
    lines = [
        "| clip | frames | of the face covered | stays in front (least) | of the rest, left open (most) |",
        "|---" * 5 + "|",
    ]
    for clip in dict.fromkeys(each.clip for each in found):
        rows = [each for each in found if each.clip == clip]
        seen = [each for each in rows if np.isfinite(each.stays)]
        if not seen:
            continue
        stays, beside = [each.stays for each in seen], [each.beside for each in seen]
        lines.append(
            f"| {clip} | {len(seen)} of {len(rows)} | {np.mean([each.covers for each in seen]):.0%} "
            f"| {np.mean(stays):.0%} ({min(stays):.0%}) | {np.mean(beside):.1%} ({max(beside):.1%}) |"
        )
    return "\n".join(lines)
