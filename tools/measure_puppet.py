"""How truly a puppet follows a viewer: plays films before it as a camera would, and measures its pictures.

    python -m tools.measure_puppet PICTURE... --clips CLIP... [--every 3] [--sheet %s.png] [--json out.json]

The film is measured at leisure, each frame by the mean of several crops and calmed without delay (`motions_of`); the
puppet sees its frames one after the other, as live. Its finished pictures are measured with the same models. For each
channel of the motion, from the second second on (the first is the viewer's rest): order and slope as in
`tools.measure_driving`; and, of the head's turns, by how many frames the puppet is late. Beside them, of all frames:

- sharpness of the head over that of the picture's own, mean and least;
- the least part of its area that any spot is squeezed to (0: it folds);
- stillness: of the quarter of the frames in which the viewer's face changes least, by how much the head in the puppet's
  picture changes, over what the viewer's face in the film does (mean absolute differences, grey levels).
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from realtime.cameras import CameraRequest
from realtime.cameras.video_file import VideoFile
from realtime.effects import EffectContext
from realtime.effects.puppet import PuppetEffect, PuppetSettings
from realtime.effects.scene import Scene
from realtime.faces.detection.blazeface import open_full_range
from realtime.faces.landmarks.expression import CLOSED, motion_between, read_expression
from realtime.faces.landmarks.measurement import FaceMeasurement, FaceMeasurer
from realtime.faces.landmarks.motion import Motion
from realtime.faces.tracking.tracker import FaceTracker
from realtime.imaging.frame import Face, Frame, Pixels
from realtime.imaging.numerics import Doubles
from realtime.portrait.building.driving_clip import FilmedMotion, motions_of
from realtime.portrait.building.moving_faces import usable_faces
from realtime.portrait.quality.sharpness import sharpness
from realtime.puppet.figure import Figure
from realtime.puppet.pose import Pose
from realtime.puppet.rest import LEARNT_IN_S
from tools.measure_driving import CHANNELS, agreement, sheet

GOALS = ("yaw_degrees", "pitch_degrees", "gaze_x_degrees", "closing", "mouth_open", "mouth_wide")
"""Each is to keep its order by 0.95 and have a slope of 0.7 to 1.2."""
_REACHES = {
    "yaw_degrees": 8.0,
    "pitch_degrees": 6.0,
    "roll_degrees": 6.0,
    "gaze_x_degrees": 8.0,
    "gaze_y_degrees": 6.0,
    "closing": 0.3,
    "brows": 0.015,
    "mouth_open": 0.02,
    "mouth_wide": 0.01,
}
"""A film that moves a channel by less (5th to 95th percentile, lids in all) tells nothing of it."""
_IRIS_SEEN = 0.45
_FROM_S = LEARNT_IN_S + 0.8
_STILL_SHARE = 25
_FACE_PX = 96


@dataclasses.dataclass(slots=True)
class Shown:
    """One frame before the puppet."""

    number: int
    film: Pixels
    """The viewer's face, small, where it is in the film."""
    head: Pixels
    """The part of the picture that the puppet changes."""
    pose: Pose
    is_followed: bool
    took_ms: float


def played(effect: PuppetEffect, clip: Path) -> Iterator[Shown]:
    """Play a film before a puppet, as the loop does."""
    video, detector, tracker = VideoFile(str(clip), CameraRequest()), open_full_range(), FaceTracker()
    try:
        while (frame := video.read()) is not None:
            faces = [face for face in tracker.update(detector.find(frame), frame.pts_s) if face.confirmed]
            began_s = time.perf_counter()
            made = effect.make(Scene(frame, faces))
            took_ms = (time.perf_counter() - began_s) * 1e3
            head = np.ascontiguousarray(effect.staged.heads[0].place.of(made.pixels))
            yield Shown(frame.index, _film_face(frame, faces), head, effect.actors[0].pose, effect.is_followed, took_ms)
    finally:
        detector.close()
        video.close()


def _film_face(frame: Frame, faces: Sequence[Face]) -> Pixels:
    """Return the middle of the film where nobody is seen."""
    height, width = frame.pixels.shape[:2]
    x, y, half = (width / 2, height / 2, height / 3) if not faces else (*faces[0].box.centre, faces[0].box.width)
    left, top = max(0, round(x - half)), max(0, round(y - half))
    part = frame.pixels[top : max(top + 2, round(y + half)), left : max(left + 2, round(x + half))]
    return np.asarray(part.copy(), np.uint8)


def follow(effect: PuppetEffect, clip: Path, filmed: FilmedMotion, every: int, meter: FaceMeasurer) -> dict[str, Any]:
    """Return the figures of one puppet before one film."""
    figure, place = effect.staged.heads[0].figure, effect.staged.heads[0].place
    assert isinstance(figure, Figure)
    own = np.ascontiguousarray(place.of(effect.staged.canvas))
    original = _measured(own, meter)
    rest = read_expression(original, original)
    shut = own.copy()
    figure.draw(Pose(closing_left=1, closing_right=1), shut)
    closed = max(CLOSED, read_expression(meter.measure(shut, original.mesh), original).openness)
    frames = list(played(effect, clip))
    rendered: dict[int, Motion] = {}
    near = original
    for shown in frames:
        counts = (
            shown.is_followed and filmed.times_s[shown.number] >= _FROM_S and filmed.faces[shown.number] is not None
        )
        if counts and shown.number % every == 0:
            near = meter.measure(shown.head, near.mesh)
            rendered[shown.number] = motion_between(read_expression(near, original), rest, closed)
    sharp = [sharpness(shown.head) / sharpness(own) for shown in frames[::every]]
    figures: dict[str, Any] = {
        "frames": len(rendered),
        "sharpness": float(np.mean(sharp)),
        "sharpness_least": float(np.min(sharp)),
        "least_area": min((figure.least_area(shown.pose) for shown in frames[::every]), default=1.0),
        "stillness": _stillness(frames),
        "ms": float(np.median([shown.took_ms for shown in frames])),
        "channels": _channels(filmed, rendered),
    }
    return figures


def _measured(head: Pixels, meter: FaceMeasurer) -> FaceMeasurement:
    return meter.find(head, usable_faces(head, meter)[0])


def _channels(filmed: FilmedMotion, rendered: dict[int, Motion]) -> dict[str, dict[str, float]]:
    channels = {}
    for name in CHANNELS:
        numbers = [
            number for number in rendered if not name.startswith("gaze") or filmed.motions[number].closing < _IRIS_SEEN
        ]
        if len(numbers) < 8:
            continue
        asked = np.array([getattr(filmed.motions[number], name) for number in numbers])
        seen = np.array([getattr(rendered[number], name) for number in numbers])
        result = agreement(asked, seen)
        if (float(np.ptp(asked)) if name == "closing" else result.reach) < _REACHES[name]:
            continue
        channels[name] = dataclasses.asdict(result)
        if name in ("yaw_degrees", "pitch_degrees", "mouth_open"):
            channels[name]["late_frames"] = _late(numbers, filmed, seen, name)
    return channels


def _late(numbers: Sequence[int], filmed: FilmedMotion, seen: Doubles, name: str) -> float:
    """Return by how many frames what is seen comes after the film: where the two correlate best, to a tenth."""
    course = np.array([getattr(motion, name) for motion in filmed.motions])
    shifts = np.arange(-3, 6.01, 0.1)
    places = np.arange(len(course))
    best = [np.corrcoef(np.interp(np.array(numbers) - shift, places, course), seen)[0, 1] for shift in shifts]
    return float(shifts[int(np.argmax(best))])


def _stillness(frames: Sequence[Shown]) -> float:
    film, head = [], []
    for before, now in itertools.pairwise(frames):
        if before.is_followed and now.is_followed and min(*before.film.shape[:2], *now.film.shape[:2]) > 8:
            film.append(_change(before.film, now.film))
            head.append(_change(before.head, now.head))
    if len(film) < 8:
        return float("nan")
    still = np.array(film) <= np.percentile(film, _STILL_SHARE)
    return float(np.mean(np.array(head)[still]) / max(1e-6, np.mean(np.array(film)[still])))


def _change(before: Pixels, now: Pixels) -> float:
    small = [cv2.resize(pixels, (_FACE_PX, _FACE_PX), interpolation=cv2.INTER_AREA) for pixels in (before, now)]
    return float(cv2.absdiff(*small).mean())


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", help="as puppet: takes them; '' is the default portrait")
    parser.add_argument("--clips", type=Path, nargs="+", required=True)
    parser.add_argument("--every", type=int, default=3, help="measure every Nth frame (default 3)")
    parser.add_argument("--sheet", help="write film beside puppet; %%s becomes the names of picture and clip")
    parser.add_argument("--pairs", type=int, default=18, help="pairs on the sheet (default 18)")
    parser.add_argument("--side", type=int, default=320, help="side of each picture on the sheet, px (default 320)")
    parser.add_argument("--json", type=Path, help="write the figures")
    arguments = parser.parse_args()
    meter = FaceMeasurer()
    films = {clip: motions_of(clip) for clip in arguments.clips}
    report: dict[str, dict[str, Any]] = {}
    for name in arguments.pictures:
        for clip, filmed in films.items():
            effect = PuppetEffect.open(name, PuppetSettings(mirrored=False), EffectContext())
            figures = follow(effect, clip, filmed, arguments.every, meter)
            report.setdefault(effect.staged.title, {})[clip.name] = figures
            _print(effect.staged.title, clip.name, figures)
            if arguments.sheet:
                _write_sheet(arguments, name, clip, effect.staged.title)
    _print_summary(report)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _write_sheet(arguments: argparse.Namespace, name: str, clip: Path, title: str) -> None:
    effect = PuppetEffect.open(name, PuppetSettings(mirrored=False), EffectContext())
    frames = list(played(effect, clip))
    chosen = [frames[at] for at in np.unique(np.linspace(0, len(frames) - 1, arguments.pairs).astype(int))]
    films, heads = [shown.film for shown in chosen], [shown.head for shown in chosen]
    pixels = sheet(films, heads, [shown.number for shown in chosen], 3, arguments.side)
    cv2.imwrite(arguments.sheet.replace("%s", f"{title}-{clip.stem}"), pixels)


def _print(title: str, clip: str, figures: dict[str, Any]) -> None:
    print(
        f"{title} before {clip}: {figures['frames']} frames, sharpness {figures['sharpness']:.2f} (least"
        f" {figures['sharpness_least']:.2f}), least area {figures['least_area']:.2f}, still {figures['stillness']:.2f},"
        f" {figures['ms']:.1f} ms"
    )
    for name, channel in figures["channels"].items():
        late = f"   late {channel['late_frames']:.1f}" if "late_frames" in channel else ""
        print(
            f"  {name:16} moves {channel['reach']:7.3f}   order {channel['order']:6.3f}"
            f"   slope {channel['slope']:5.2f}{late}"
        )


def _print_summary(report: dict[str, dict[str, Any]]) -> None:
    print("\n| channel | order, median (least) | slope, median (least to most) |\n| --- | --- | --- |")
    for name in CHANNELS:
        found = [
            figures["channels"][name]
            for films in report.values()
            for figures in films.values()
            if name in figures["channels"]
        ]
        if found:
            orders, slopes = ([channel[what] for channel in found] for what in ("order", "slope"))
            mark = " *" if name in GOALS else ""
            print(
                f"| {name}{mark} | {np.median(orders):.3f} ({min(orders):.3f}) | {np.median(slopes):.2f}"
                f" ({min(slopes):.2f} to {max(slopes):.2f}) |"
            )


if __name__ == "__main__":
    main()
