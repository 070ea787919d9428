"""How well people are told from what is behind them, how still that is, and what it costs.

    python -m tools.measure_person PHOTO CLIP... [--rooms FOLDER] [--sheet out.png] [--json out.json]

PHOTO shows one person. The outline found there, made hard, is cut out and laid before pictures of FOLDER, so that the
truth is known to the pixel: how much of people and room is told rightly, and how far the edge is off. The same picture
with camera noise tells how much a still outline changes from frame to frame, along the outline and against what the
picture changes there; one that leaps across the frame, what it leaves behind. CLIPs, scaled to 1280×720, are what time
is measured on: everything in turn, several rounds, and the median of all frames. It is the processor's time on one
thread, a film's reader included, so that what else the machine does counts little; on two it is less.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.background import BackgroundSettings
from realtime.cameras import CameraRequest, open_camera
from realtime.effects import Effect, EffectContext
from realtime.effects.background import BackgroundEffect
from realtime.effects.scene import Scene
from realtime.imaging.frame import USUAL_SIZE, Frame, Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.imaging.pixels import cover_into
from realtime.person.finder import PersonFinder
from realtime.person.mask import PersonMask
from realtime.person.selfie import SelfieNetwork
from realtime.picture_files.reader import read_picture

T = TypeVar("T")
Bools = NDArray[np.bool_]
GOALS = {"still outline over picture": 1.3, "background, frames a second": 60.0, "style.where, ms": 3.0}
_NOISE_LEVELS = 3.0
_STILL_FRAMES = 30
_ROUNDS = 2
_CLIP_FRAMES = 40
_GREEN = (0, 200, 0)


@dataclasses.dataclass(frozen=True)
class Cutout:
    """A person whose outline is known."""

    pixels: Pixels
    is_person: Floats
    """(height, width), 1 or 0."""

    @classmethod
    def of(cls, photo: Pixels, height_px: int) -> Cutout:
        """Cut out the person of a photo at the bottom of it, as high as the frame's part that people fill."""
        finder = PersonFinder.open(Size.of(photo))
        plane = finder.find(Frame(photo, 0.0, 0.0, 0)).plane()
        finder.close()
        size = (round(photo.shape[1] * height_px / photo.shape[0]), height_px)
        hard = (cv2.resize(plane, size, interpolation=cv2.INTER_AREA) > 127).astype(np.float32)
        return cls(np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8), hard)

    def before(self, room: Pixels, left: int) -> tuple[Pixels, Floats]:
        """Return the person at the bottom of a room's picture, and the truth."""
        frame, truth = room.copy(), np.zeros(room.shape[:2], np.float32)
        height, width = self.is_person.shape
        place = slice(room.shape[0] - height, None), slice(left, left + width)
        share = cv2.blur(self.is_person, (3, 3))[..., None]  # as soft as a lens
        frame[place] = np.rint(self.pixels * share + frame[place] * (1 - share)).astype(np.uint8)
        truth[place] = self.is_person
        return frame, truth


def moments(pictures: Sequence[Pixels], fps: float = 30.0) -> Iterator[Frame]:
    for index, pixels in enumerate(pictures):
        yield Frame(pixels, time.monotonic(), index / fps, index)


def measure_edges(cutout: Cutout, rooms: Sequence[Pixels]) -> dict[str, float]:
    """Compare with the truth what is found, and what the network alone would say, enlarged."""
    found: dict[str, list[float]] = {"network alone": [], "with edges": []}
    off: dict[str, list[float]] = {"network alone": [], "with edges": []}
    for number, room in enumerate(rooms):
        frame, truth = cutout.before(room, 100 + 97 * number % 500)
        finder, network = PersonFinder.open(Size.of(frame)), SelfieNetwork(Size.of(frame))
        alone = cv2.resize(network.find(network.look_at(frame)), Size.of(frame), interpolation=cv2.INTER_LINEAR)
        refined = finder.find(Frame(frame, 0.0, 0.0, 0)).plane() / np.float32(255)
        for name, mask in (("network alone", alone), ("with edges", refined)):
            is_person, is_true = mask > 0.5, truth > 0.5
            found[name].append(float((is_person & is_true).sum() / max(1, (is_person | is_true).sum())))
            off[name].append(_edge_distance_px(is_person, is_true))
        finder.close()
        network.close()
    return {
        **{f"overlap with the truth, {name}": float(np.mean(values)) for name, values in found.items()},
        **{f"edge off, px, {name}": float(np.mean(values)) for name, values in off.items()},
    }


def _edge_distance_px(found: Bools, truth: Bools) -> float:
    """Return how far the found edge lies from the true one, on average; beyond 40 px it is no edge but a mistake."""
    away = cv2.distanceTransform((~_edge(truth)).astype(np.uint8), cv2.DIST_L2, 5)
    distances = away[_edge(found)]
    return float(distances[distances < 40].mean()) if distances.size else 40.0


def _edge(mask: Bools) -> Bools:
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) > 0)


def measure_stillness(frame: Pixels) -> dict[str, float]:
    """Measure how much a still outline changes under noise."""
    random = np.random.default_rng(0)
    noisy = [
        np.clip(frame + random.normal(0, _NOISE_LEVELS, frame.shape), 0, 255).astype(np.uint8)
        for _ in range(_STILL_FRAMES)
    ]
    finder = PersonFinder.open(Size.of(frame))
    planes = np.array([finder.find(moment).plane() for moment in moments(noisy)], np.float32)[5:]
    finder.close()
    greys = np.array([cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY) for pixels in noisy], np.float32)[5:]
    outline = ((planes > 8) & (planes < 247)).any(axis=0)
    mask_change = np.abs(np.diff(planes, axis=0))
    picture_change = np.abs(np.diff(greys, axis=0))
    return {
        "mask change along the outline, levels": float(mask_change[:, outline].mean()),
        "picture change there, levels": float(picture_change[:, outline].mean()),
        "still outline over picture": float(mask_change[:, outline].mean() / picture_change[:, outline].mean()),
        "still mask over picture, whole frame": float(mask_change.mean() / picture_change.mean()),
    }


def measure_trail(cutout: Cutout, room: Pixels) -> dict[str, float]:
    """Let somebody leap across the frame; say what of the mask is left at the old place in the next frames."""
    left, truth = cutout.before(room, 0)
    right, new_truth = cutout.before(room, room.shape[1] - cutout.pixels.shape[1])
    finder = PersonFinder.open(Size.of(room))
    planes = [finder.find(moment).plane() for moment in moments([left] * 5 + [right] * 3)]
    finder.close()
    old = (truth > 0) & (new_truth == 0)
    return {
        f"left behind after {number} frames, %": float(100 * (planes[4 + number][old] > 25).mean()) for number in (1, 3)
    }


def clip_frames(path: str, size: Size = USUAL_SIZE) -> list[Pixels]:
    """Return the first frames of a clip, filling a size."""
    camera = open_camera(path, CameraRequest())
    frames: list[Pixels] = []
    while len(frames) < _CLIP_FRAMES and (frame := camera.read()) is not None:
        pixels = np.empty((size.height, size.width, 3), np.uint8)
        cover_into(frame.pixels, pixels)
        frames.append(pixels)
    camera.close()
    return frames


def measure_time(clip: Sequence[Pixels], picture: Path, film: str) -> dict[str, float]:
    """Return milliseconds of processor a frame, medians over all rounds; for `style.where` what it adds to painting."""
    cv2.setNumThreads(1)
    context = EffectContext(frame=USUAL_SIZE)

    def background(argument: str) -> Effect:
        return BackgroundEffect.open(argument, BackgroundSettings(), context)

    effects: dict[str, Effect] = {
        "background:blur": background("blur"),
        "background:#00ff00": background("#00ff00"),
        "background:PICTURE": background(str(picture)),
        "background:FILM": background(film),
    }
    laying: dict[str, Callable[[PersonMask, Pixels, Pixels], None]] = {
        "style.where=person": PersonMask.lay_background,
        "style.where=background": PersonMask.lay_people,
    }
    finder, painted = PersonFinder.open(USUAL_SIZE), np.zeros_like(clip[0])
    times = {name: list[float]() for name in ("finding people", *laying, *effects)}
    looked = _counting(finder)
    for number in range(_ROUNDS):
        began_s = 10.0 * number
        frames = [dataclasses.replace(frame, pts_s=began_s + frame.pts_s) for frame in moments(clip)]
        for frame in frames:
            found_ms, mask = _timed_ms(finder.find, frame)
            times["finding people"].append(found_ms)
            for name, lay in laying.items():
                times[name].append(found_ms + _timed_ms(lay, mask, frame.pixels, painted)[0])
        for name, effect in effects.items():
            times[name] += [_timed_ms(effect.make, Scene(frame))[0] for frame in frames]
    for effect in effects.values():
        effect.close()
    finder.close()
    medians = {f"{name}, ms": float(np.median(values)) for name, values in times.items()}
    medians["one copy of the frame, ms"] = float(
        np.median([_timed_ms(np.copyto, painted, pixels)[0] for _ in range(_ROUNDS) for pixels in clip])
    )
    medians["network asked, % of frames"] = 100 * looked() / (_ROUNDS * len(clip))
    return medians


def _counting(finder: PersonFinder) -> Callable[[], int]:
    """Return what tells how often a finder's network has looked."""
    find, count = finder._network.find, [0]

    def counted(small: Pixels) -> Floats:
        count[0] += 1
        return find(small)

    finder._network.find = counted  # type: ignore[method-assign]
    return lambda: count[0]


def _timed_ms(work: Callable[..., T], *arguments: object) -> tuple[float, T]:
    began_s = time.process_time()
    result = work(*arguments)
    return 1000 * (time.process_time() - began_s), result


def write_sheet(path: Path, clips: Sequence[Sequence[Pixels]], picture: Path) -> None:
    """Write a row for each clip: as it is, before green, blurred, before a picture."""
    rows = []
    for clip in clips:
        pixels = clip[len(clip) // 2]
        row = [pixels]
        for argument in ("#{2:02x}{1:02x}{0:02x}".format(*_GREEN), "blur", str(picture)):
            effect = BackgroundEffect.open(argument, BackgroundSettings(), EffectContext(frame=Size.of(pixels)))
            row.append(effect.make(Scene(Frame(pixels, 0.0, 0.0, 0))).pixels)
            effect.close()
        rows.append(np.hstack(row))
    cv2.imwrite(str(path), np.vstack(rows))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path)
    parser.add_argument("clips", nargs="+", metavar="CLIP")
    parser.add_argument("--rooms", type=Path, required=True, help="a folder of pictures without people")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    paths = sorted(path for path in asked.rooms.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))[:12]
    rooms = []
    for path in paths:
        rooms.append(np.empty((USUAL_SIZE.height, USUAL_SIZE.width, 3), np.uint8))
        cover_into(read_picture(path), rooms[-1])
    cutout = Cutout.of(read_picture(asked.photo), 600)
    clips = [clip_frames(path) for path in asked.clips]
    figures = measure_edges(cutout, rooms)
    figures |= measure_stillness(cutout.before(rooms[0], 380)[0])
    figures |= measure_trail(cutout, rooms[0])
    for path, clip in zip(asked.clips, clips, strict=True):
        measured = measure_time(clip, paths[0], asked.clips[0])
        figures |= {f"{Path(path).stem}: {name}": value for name, value in measured.items()}
    for name, value in figures.items():
        print(f"{name:64} {value:9.3f}")
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if asked.sheet:
        write_sheet(asked.sheet, clips, paths[0])


if __name__ == "__main__":
    main()
