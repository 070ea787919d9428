"""How truly a puppet follows a viewer: plays films before it as a camera would, and measures its pictures.

    python -m tools.measure_puppet PICTURE... --clips CLIP... [--every 3] [--from 3] [--sheet %s.png]
        [--json out.json]

The film is measured at leisure, each frame by the mean of several crops and calmed without delay (`motions_of`); the
puppet sees its frames one after the other, as live. Its finished pictures are measured with the same models. For each
channel of the motion, from the second second on (the first is the viewer's rest): order and slope as in
`tools.measure_driving`; and, of the head's turns, by how many frames the puppet is late. Beside them, of all frames:

- sharpness of the head over that of the picture's own, mean and least;
- the least part of its area that any spot is squeezed to (0: it folds);
- stillness: of the quarter of the tenths of a second in which the viewer's face changes least, by how much the head in
  the puppet's picture changes, over what the viewer's face in the film does (mean absolute differences from frame to
  frame, each over the mean gradient of what changes: by how much of a pixel of 96 it seems to move). Single frames
  tell nothing of it: films of 24 pictures in a second of 30 show some of them twice, in which a film changes by
  nothing.

Lips and corners of the mouth are also measured by their pixels in the puppet's picture (`tools.mouth_pixels`, `lips, by
pixels` and `corners, by pixels`): of a mouth that moves in a painting the models see a part only, of a filmed one all.
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
from realtime.faces.landmarks.measurement import FaceMeasurer
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
from tools.mouth_pixels import MouthGauge, MouthPixels

LIPS, CORNERS = "lips, by pixels", "corners, by pixels"
GOALS = ("yaw_degrees", "pitch_degrees", "gaze_x_degrees", "closing", LIPS, CORNERS)
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
    LIPS: 0.02,
    CORNERS: 0.01,
}
"""A film that moves a channel by less (5th to 95th percentile, lids in all) tells nothing of it."""
_IRIS_SEEN = 0.45
_FROM_S = LEARNT_IN_S + 0.8
_STILL_SHARE = 25
_STILL_FRAMES = 3
_FACE_PX = 96


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """One frame before a puppet."""

    number: int
    film: Pixels
    """The viewer's face, small, where it is in the film."""
    pose: Pose
    """What every picture is asked to do then."""
    is_followed: bool
    took_ms: float


def played(effect: PuppetEffect, clip: Path, from_s: float = 0.0) -> Iterator[Seen]:
    """Play a film before a puppet, as the loop does, from a moment on."""
    video, detector, tracker = VideoFile(str(clip), CameraRequest()), open_full_range(), FaceTracker()
    try:
        while (frame := video.read()) is not None:
            if frame.pts_s < from_s:
                continue
            faces = [face for face in tracker.update(detector.find(frame), frame.pts_s) if face.confirmed]
            began_s = time.perf_counter()
            effect.make(Scene(frame, faces))
            took_ms = (time.perf_counter() - began_s) * 1e3
            yield Seen(frame.index, _film_face(frame, faces), effect.actors[0].pose, effect.is_followed, took_ms)
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


@dataclasses.dataclass(frozen=True, slots=True)
class Film:
    """A film, measured at leisure and played before a puppet."""

    clip: Path
    from_s: float
    filmed: FilmedMotion
    frames: Sequence[Seen]

    @classmethod
    def measured(cls, effect: PuppetEffect, clip: Path, from_s: float) -> Film:
        """Measure a film, and play it before one puppet: what it asks for is the same of every picture."""
        return cls(clip, from_s, motions_of(clip), list(played(effect, clip, from_s)))


class Puppet:
    """One picture."""

    def __init__(self, name: str, meter: FaceMeasurer) -> None:
        self._meter = meter
        staged = _opened(name).staged
        self.title, figure = staged.title, staged.heads[0].figure
        assert isinstance(figure, Figure)
        self.figure = figure
        self.own = np.ascontiguousarray(staged.heads[0].place.of(staged.canvas))
        self.at_rest = meter.find(self.own, usable_faces(self.own, meter)[0])
        self._rest = read_expression(self.at_rest, self.at_rest)
        shut = self.drawn(Pose(closing_left=1, closing_right=1))
        self._closed = max(CLOSED, read_expression(meter.measure(shut, self.at_rest.mesh), self.at_rest).openness)
        self._gauge = MouthGauge(self.own, self.at_rest.mesh)
        self._near = self.at_rest

    def drawn(self, pose: Pose) -> Pixels:
        """Return the head in a pose."""
        head = self.own.copy()
        self.figure.draw(pose, head)
        return head

    def read(self, head: Pixels) -> tuple[Motion, MouthPixels]:
        """Return what the models see of a head that was drawn, and what its mouth's pixels say."""
        self._near = near = self._meter.measure(head, self._near.mesh)
        motion = motion_between(read_expression(near, self.at_rest), self._rest, self._closed)
        return motion, self._gauge.measure(head, near.mesh)

    def follow(self, film: Film, every: int) -> dict[str, Any]:
        """Return the figures of this picture before one film."""
        filmed, own_sharpness = film.filmed, sharpness(self.own)
        motions: dict[int, Motion] = {}
        mouths: dict[int, MouthPixels] = {}
        sharp, areas, small = [], [], []
        self._near = self.at_rest
        for seen in film.frames:
            head = self.drawn(seen.pose)
            small.append(_small(head))
            if seen.number % every:
                continue
            sharp.append(sharpness(head) / own_sharpness)
            areas.append(self.figure.least_area(seen.pose))
            late_enough = filmed.times_s[seen.number] >= film.from_s + _FROM_S
            if seen.is_followed and late_enough and filmed.faces[seen.number] is not None:
                motions[seen.number], mouths[seen.number] = self.read(head)
        return {
            "frames": len(motions),
            "sharpness": float(np.mean(sharp)),
            "sharpness_least": float(np.min(sharp)),
            "least_area": min(areas),
            "stillness": _stillness(film.frames, small),
            "ms": float(np.median([seen.took_ms for seen in film.frames])),
            "channels": _channels(filmed, motions) | _mouth_channels(filmed, mouths),
        }


def _opened(name: str) -> PuppetEffect:
    return PuppetEffect.open(name, PuppetSettings(mirrored=False), EffectContext())


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


def _mouth_channels(filmed: FilmedMotion, rendered: dict[int, MouthPixels]) -> dict[str, dict[str, float]]:
    channels = {}
    for name, asked, seen in ((LIPS, "mouth_open", "parted"), (CORNERS, "mouth_wide", "out")):
        pairs = np.array([(getattr(filmed.motions[at], asked), getattr(one, seen)) for at, one in rendered.items()])
        pairs = pairs.reshape(-1, 2)
        pairs = pairs[~np.isnan(pairs).any(axis=1)]
        if len(pairs) < 8:
            continue
        result = agreement(pairs[:, 0], pairs[:, 1])
        if result.reach >= _REACHES[name]:
            channels[name] = dataclasses.asdict(result)
    return channels


def _late(numbers: Sequence[int], filmed: FilmedMotion, seen: Doubles, name: str) -> float:
    """Return by how many frames what is seen comes after the film: where the two correlate best, to a tenth."""
    course = np.array([getattr(motion, name) for motion in filmed.motions])
    shifts = np.arange(-3, 6.01, 0.1)
    places = np.arange(len(course))
    best = [np.corrcoef(np.interp(np.array(numbers) - shift, places, course), seen)[0, 1] for shift in shifts]
    return float(shifts[int(np.argmax(best))])


def _stillness(frames: Sequence[Seen], heads: Sequence[Pixels]) -> float:
    film, head = [], []
    for (before, head_before), (now, head_now) in itertools.pairwise(zip(frames, heads, strict=True)):
        if before.is_followed and now.is_followed and min(*before.film.shape[:2], *now.film.shape[:2]) > 8:
            film.append(_moved(_small(before.film), _small(now.film)))
            head.append(_moved(head_before, head_now))
    if len(film) < 8:
        return float("nan")
    runs = np.ones(_STILL_FRAMES) / _STILL_FRAMES
    filmed, shown = (np.convolve(changes, runs, "valid") for changes in (film, head))
    still = filmed <= np.percentile(filmed, _STILL_SHARE)
    return float(shown[still].mean() / max(1e-6, filmed[still].mean()))


def _moved(before: Pixels, now: Pixels) -> float:
    """Return how far all of a small picture seems to have moved, pixels: what differs over how much a pixel makes."""
    grey = now.astype(np.int16)
    gradient = np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()
    return float(cv2.absdiff(before, now).mean() / max(1e-3, gradient))


def _small(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.resize(pixels, (_FACE_PX, _FACE_PX), interpolation=cv2.INTER_AREA), np.uint8)


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", help="as puppet: takes them; '' is the default portrait")
    parser.add_argument("--clips", type=Path, nargs="+", required=True)
    parser.add_argument("--every", type=int, default=3, help="measure every Nth frame (default 3)")
    parser.add_argument("--from", type=float, default=0.0, dest="from_s", help="play the films from this second on")
    parser.add_argument("--sheet", help="write film beside puppet; %%s becomes the names of picture and clip")
    parser.add_argument("--pairs", type=int, default=18, help="pairs on the sheet (default 18)")
    parser.add_argument("--side", type=int, default=320, help="side of each picture on the sheet, px (default 320)")
    parser.add_argument("--json", type=Path, help="write the figures")
    arguments = parser.parse_args()
    meter = FaceMeasurer()
    films = [Film.measured(_opened(arguments.pictures[0]), clip, arguments.from_s) for clip in arguments.clips]
    report: dict[str, dict[str, Any]] = {}
    for name in arguments.pictures:
        puppet = Puppet(name, meter)
        for film in films:
            figures = puppet.follow(film, arguments.every)
            report.setdefault(puppet.title, {})[film.clip.name] = figures
            _print(puppet.title, film.clip.name, figures)
            if arguments.sheet:
                _write_sheet(arguments, puppet, film)
    _print_summary(report)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _write_sheet(arguments: argparse.Namespace, puppet: Puppet, film: Film) -> None:
    chosen = [film.frames[at] for at in np.unique(np.linspace(0, len(film.frames) - 1, arguments.pairs).astype(int))]
    films, heads = [seen.film for seen in chosen], [puppet.drawn(seen.pose) for seen in chosen]
    pixels = sheet(films, heads, [seen.number for seen in chosen], 3, arguments.side)
    cv2.imwrite(arguments.sheet.replace("%s", f"{puppet.title}-{film.clip.stem}"), pixels)


def _print(title: str, clip: str, figures: dict[str, Any]) -> None:
    print(
        f"{title} before {clip}: {figures['frames']} frames, sharpness {figures['sharpness']:.2f} (least"
        f" {figures['sharpness_least']:.2f}), least area {figures['least_area']:.2f}, still {figures['stillness']:.2f},"
        f" {figures['ms']:.1f} ms"
    )
    for name, channel in figures["channels"].items():
        late = f"   late {channel['late_frames']:.1f}" if "late_frames" in channel else ""
        print(
            f"  {name:18} moves {channel['reach']:7.3f}   order {channel['order']:6.3f}"
            f"   slope {channel['slope']:5.2f}{late}"
        )


def _print_summary(report: dict[str, dict[str, Any]]) -> None:
    print("\n| channel | order, median (least) | slope, median (least to most) |\n| --- | --- | --- |")
    for name in (*CHANNELS, LIPS, CORNERS):
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
