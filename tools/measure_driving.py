"""How truly a portrait follows a filmed face: drives it, and measures the finished frames with the same models.

    python -m tools.measure_driving PICTURE CLIP... [--every 3] [--sheet out.png] [--json out.json]

For each channel of the motion: how far the clip moves it (5th to 95th percentile); the rank correlation between what
the clip did and what is seen in the finished frames; the order: the same for those pairs of frames only that the clip
tells apart by more than a fifth of its range (lids are at rest most of the time, and ranks among resting lids are
chance); and the slope of a straight line through the two (1: as far as in the clip). How the models read closed lids
differs from face to face: both the clip's and the portrait's own closed lids count as 1.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from realtime.cameras import CameraRequest
from realtime.cameras.video_file import VideoFile
from realtime.faces.landmarks.expression import CLOSED, motion_between, read_expression
from realtime.faces.landmarks.measurement import FaceMeasurement, FaceMeasurer
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Doubles
from realtime.picture_files.painting import read_picture
from realtime.portrait.building.driving_clip import FilmedMotion, motions_of
from realtime.portrait.building.moving_faces import MovingFaces, prepare, usable_faces
from realtime.portrait.building.options import BuildOptions

CHANNELS = tuple(field.name for field in dataclasses.fields(Motion) if field.name != "rise")
_IRIS_SEEN = 0.45
"""From this closing on, lids hide the irises: where they look is not compared."""
GOALS = {"yaw_degrees": 0.9, "gaze_x_degrees": 0.9, "closing": 0.9, "mouth_open": 0.9}


@dataclasses.dataclass(frozen=True, slots=True)
class Agreement:
    """One channel."""

    reach: float
    rank: float
    order: float
    slope: float


def agreement(filmed: Doubles, rendered: Doubles) -> Agreement:
    """Compare what the clip did with what the finished frames show."""
    low, high = np.percentile(filmed, [5, 95])
    if filmed.std() == 0 or rendered.std() == 0:
        return Agreement(float(high - low), 0.0, 0.0, 0.0)
    ranks = np.corrcoef(_ranks(filmed), _ranks(rendered))[0, 1]
    apart = filmed[:, None] - filmed[None, :] > 0.2 * (filmed.max() - filmed.min())
    order = np.sign(rendered[:, None] - rendered[None, :])[apart].mean()
    return Agreement(float(high - low), float(ranks), float(order), float(np.polyfit(filmed, rendered, 1)[0]))


def _ranks(values: Doubles) -> Doubles:
    """Return ranks; equal values share their mean rank (lids that rest are all at 0)."""
    _, number, count = np.unique(np.round(values, 6), return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[number], np.float64)


def follow(
    moving: MovingFaces, original: FaceMeasurement, filmed: FilmedMotion, frames: Sequence[int], meter: FaceMeasurer
) -> tuple[list[Motion], list[Pixels]]:
    """Return what is seen in the finished frames, and the frames."""
    rest = read_expression(original, original)
    shut = meter.measure(moving.whole(moving.render([Motion(closing=1)])), original.mesh)
    closed = max(CLOSED, read_expression(shut, original).openness)
    near = original
    motions, pictures = [], []
    for number in frames:
        whole = moving.whole(moving.render([filmed.motions[number]]))
        near = meter.measure(whole, near.mesh)
        motions.append(motion_between(read_expression(near, original), rest, closed))
        pictures.append(whole)
    return motions, pictures


def clip_frames(clip: Path, frames: Sequence[int]) -> list[Pixels]:
    """Return some frames of a clip."""
    numbers = set(frames)
    video = VideoFile(str(clip), CameraRequest())
    pictures = []
    while (frame := video.read()) is not None:
        if frame.index in numbers:
            pictures.append(frame.pixels.copy())
    video.close()
    return pictures


def sheet(
    filmed: Sequence[Pixels], painted: Sequence[Pixels], numbers: Sequence[int], columns: int, side: int
) -> Pixels:
    """Return driving frames beside the results, in rows."""
    pairs = []
    for left, right, number in zip(filmed, painted, numbers, strict=True):
        pair = np.hstack([_fit(left, side), _fit(right, side)])
        cv2.putText(pair, str(number), (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 255, 255), 1, cv2.LINE_AA)
        pairs.append(cv2.copyMakeBorder(pair, 0, 4, 0, 4, cv2.BORDER_CONSTANT))
    while len(pairs) % columns:
        pairs.append(np.zeros_like(pairs[0]))
    rows = [np.hstack(pairs[start : start + columns]) for start in range(0, len(pairs), columns)]
    return np.asarray(np.vstack(rows), np.uint8)


def _fit(pixels: Pixels, side: int) -> Pixels:
    scale = side / max(pixels.shape[:2])
    smaller = cv2.resize(
        pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    )
    right, below = side - smaller.shape[1], side - smaller.shape[0]
    return np.asarray(cv2.copyMakeBorder(smaller, 0, below, 0, right, cv2.BORDER_CONSTANT), np.uint8)


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--every", type=int, default=3, help="measure every Nth frame (default 3)")
    parser.add_argument(
        "--sheet", type=Path, help="write driving frames beside the results; %%s becomes the clip's name"
    )
    parser.add_argument("--pairs", type=int, default=24, help="pairs on the sheet (default 24)")
    parser.add_argument("--side", type=int, default=320, help="side of each picture on the sheet, px (default 320)")
    parser.add_argument("--json", type=Path, help="write the figures")
    arguments = parser.parse_args()

    meter = FaceMeasurer()
    picture, _ = read_picture(arguments.picture)
    moving, originals = prepare(picture, usable_faces(picture, meter)[:1], meter, BuildOptions())
    place = moving.place
    report = {}
    for clip in arguments.clips:
        filmed = motions_of(clip)
        frames = range(0, len(filmed.motions), arguments.every)
        motions, pictures = follow(moving, originals[0], filmed, frames, meter)
        print(f"{arguments.picture.stem} driven by {clip.name}: {len(frames)} of {len(filmed.motions)} frames")
        figures = {}
        for name in CHANNELS:
            pairs = [(filmed.motions[number], motion) for number, motion in zip(frames, motions, strict=True)]
            if name.startswith("gaze"):
                pairs = [(driven, motion) for driven, motion in pairs if driven.closing < _IRIS_SEEN]
            filmed_values = np.array([getattr(driven, name) for driven, _ in pairs])
            result = agreement(filmed_values, np.array([getattr(motion, name) for _, motion in pairs]))
            verdict = "" if max(result.rank, result.order) >= GOALS.get(name, -1) else f"  below {GOALS[name]}"
            print(
                f"  {name:16} moves {result.reach:7.3f}   rank {result.rank:6.3f}   order {result.order:6.3f}"
                f"   slope {result.slope:6.2f}{verdict}"
            )
            figures[name] = dataclasses.asdict(result)
        report[clip.name] = figures
        if arguments.sheet:
            columns = np.unique(np.linspace(0, len(pictures) - 1, arguments.pairs).astype(int))
            heads = [np.ascontiguousarray(place.of(pictures[at])) for at in columns]
            numbers = [frames[at] for at in columns]
            path = str(arguments.sheet).replace("%s", f"{arguments.picture.stem}-{clip.stem}")
            cv2.imwrite(path, sheet(clip_frames(clip, numbers), heads, numbers, 3, arguments.side))
    if arguments.json:
        arguments.json.write_text(json.dumps({arguments.picture.stem: report}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
