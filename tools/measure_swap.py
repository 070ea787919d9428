"""Puts photos' faces on filmed people and measures the finished frames: likeness, expression, seam, steadiness, lag.

    python -m tools.measure_swap --embedding mobilefacenet.onnx            # what is here: clips, photos, the demo
    python -m tools.measure_swap --embedding e.onnx --clips a.mp4 --photos b.jpg c.jpg --sheets sheets/
    python -m tools.measure_swap --embedding e.onnx --only steadiness lag  # a part of it
    python -m tools.measure_swap --only speed                              # frames per second of the whole program

Prints Markdown for docs/benchmarks.md; `--json` keeps all figures. The face embedding is a network that tells people
apart, an ONNX file [1, 3, 112, 112] RGB, ArcFace's five points.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from realtime.errors import RealtimeError
from realtime.terminal import set_up_logging, silence_native_libraries
from tools.benchmark import machine
from tools.swap_figures.material import LIGHTS, SHARED_DATA, Clip, held, read_clip, usual_clips, usual_photos
from tools.swap_figures.motion import REST, Follower, arrived, change, lag_frames, moved_clip, sine, step
from tools.swap_figures.sheets import write_sheet
from tools.swap_figures.talking import Talk, talk
from tools.swap_figures.wearing import Eyes, Seen, dress, region, watch

PARTS = ("talking", "light", "steadiness", "lag")
_HELD_FRAMES = 50
_SETTLED = 20
"""Held pictures are measured from this frame on: colour and light have settled."""
_NOISES = ((1.0, 0.0), (1.0, 0.3), (2.5, 0.3))
"""Sigma in grey levels, sway in pixels."""


def main() -> int:
    """Measure what was asked for and print it. Returns the exit code."""
    arguments = _parser().parse_args()
    set_up_logging(debug=False)
    silence_native_libraries()
    cv2.setNumThreads(1)
    figures: dict[str, Any] = {"machine": machine()}
    try:
        _measure(arguments, figures)
    except RealtimeError as error:
        print(f"cannot measure: {error}")
        return 2
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def _measure(arguments: argparse.Namespace, figures: dict[str, Any]) -> None:
    parts = arguments.only or PARTS
    eyes = Eyes(arguments.embedding)
    photos = arguments.photos or usual_photos()
    talks: list[Talk] = []
    steadiness: list[dict[str, Any]] = []
    lags: list[dict[str, Any]] = []
    print(f"Machine: {figures['machine']}.\n")
    for number, source in enumerate(arguments.clips or usual_clips()):
        clip = read_clip(source, arguments.frames)
        seen = watch(clip, eyes)
        if "talking" in parts:
            if number == 0:
                print(TALK_HEAD)
            talks += [_talk(clip, seen, photo, eyes, arguments) for photo in photos]
        photo = photos[number % len(photos)]
        if "light" in parts:
            for how, light in LIGHTS.items():
                dim = clip.changed(how, light)
                talks.append(_talk(dim, watch(dim, eyes), photo, eyes, arguments))
        if "steadiness" in parts:
            steadiness += _steadiness(clip, seen, photo, eyes)
        if "lag" in parts:
            lags += _lags(clip, seen, photo, eyes)
    figures["talking"] = [dataclasses.asdict(each) for each in talks]
    figures["steadiness"], figures["lag"] = steadiness, lags
    if steadiness:
        print("\n" + steadiness_table(steadiness))
    if lags:
        print("\n" + lag_table(lags))


def _talk(clip: Clip, seen: Sequence[Seen], photo: Path, eyes: Eyes, arguments: argparse.Namespace) -> Talk:
    measured, tiles = talk(clip, seen, photo, eyes, arguments.every, arguments.tiles if arguments.sheets else 0)
    print(talk_row(measured), flush=True)
    if tiles:
        name = f"{clip.name}-{photo.stem}.png".replace(", ", "-").replace(" ", "_")
        write_sheet(arguments.sheets / name, tiles, columns=2)
    return measured


def _most_frontal(seen: Sequence[Seen]) -> Seen | None:
    """The frame in which the viewer looks straightest."""
    found = [each for each in seen if each.mesh is not None]
    return min(found, key=lambda each: abs(each.mesh.yaw_degrees), default=None)  # type: ignore[union-attr]


def _steadiness(clip: Clip, seen: Sequence[Seen], photo: Path, eyes: Eyes) -> list[dict[str, Any]]:
    """A picture held with noise: how much the swapped face changes from frame to frame, over the input's change."""
    still = _most_frontal(seen)
    if still is None or still.mesh is None:
        return []
    rows = []
    for sigma, sway_px in _NOISES:
        film = held(clip, still.frame.index, _HELD_FRAMES, sigma, sway_px)
        looked = watch(film, eyes)
        mask = region(still.mesh, still.frame.pixels.shape)
        made = [pixels.copy() for pixels in dress(looked, str(photo))]
        changes = [
            sum(change(before, after, mask) for before, after in zip(pictures[_SETTLED:], pictures[_SETTLED + 1 :]))  # noqa: B905
            for pictures in (made, list(film.pictures))
        ]
        rows.append(
            {
                "clip": clip.name,
                "photo": photo.stem,
                "sigma": sigma,
                "sway_px": sway_px,
                "ratio": changes[0] / changes[1],
                "change": changes[0] / (_HELD_FRAMES - _SETTLED - 1),
            }
        )
    return rows


def _lags(clip: Clip, seen: Sequence[Seen], photo: Path, eyes: Eyes) -> list[dict[str, Any]]:
    """A picture moved by known motions: how late the new face is."""
    still = _most_frontal(seen)
    if still is None or still.mesh is None:
        return []
    reach_px = max(4, round(0.12 * still.mesh.width_px))
    motions = {
        "sway, 0.5 Hz": sine(clip.fps, reach_px, 0.5, REST + round(2 * clip.fps)),
        "nod, 1.5 Hz": [(0, x) for x, _ in sine(clip.fps, reach_px, 1.5, REST + round(2 * clip.fps))],
        "jump": step(reach_px, REST + 10),
    }
    rows = []
    for name, path in motions.items():
        film = moved_clip(name, still.frame.pixels, clip.fps, path)
        made = [pixels.copy() for pixels in dress(watch(film, eyes), str(photo))]
        follower = Follower.on(made[REST // 2 : REST], still.mesh)
        off = np.array([follower.off_px(pixels, moved) for pixels, moved in zip(made, path, strict=True)])
        row: dict[str, Any] = {"clip": clip.name, "photo": photo.stem, "motion": name, "reach_px": reach_px}
        if name == "jump":
            row["arrived"] = arrived(off, reach_px)
        else:
            row["lag_frames"] = lag_frames(off[REST:], np.array(path, np.float64)[REST:])
            row["off_px_p95"] = float(np.percentile(np.linalg.norm(off[REST:], axis=1), 95))
        rows.append(row)
    return rows


# The page ------------------------------------------------------------------------------------------------------------

TALK_HEAD = (
    "| clip | photo | frames | hidden | likeness before | after | gain | like the viewer | expression, % (p95) "
    "| worst part | mouth r | eyes r | eyes off | seam (p95), where | steady | at motion, % | lag, frames |\n"
    + "|---" * 17
    + "|"
)


def talk_row(talk: Talk) -> str:
    """One line of the table."""
    shown = talk.expression
    worst = max(shown.parts_percent, key=lambda name: shown.parts_percent[name])
    cells = [
        talk.clip,
        talk.photo,
        f"{talk.measured} of {talk.frames}",
        str(talk.hidden),
        f"{talk.before:.2f}",
        f"{talk.after:.2f}",
        f"{talk.gain:+.2f}",
        f"{talk.still_viewer:.2f}",
        f"{shown.percent:.1f} ({shown.worst_percent:.1f})",
        f"{worst} {shown.parts_percent[worst]:.1f}",
        f"{shown.mouth:.2f}",
        f"{shown.eyes:.2f}",
        f"{shown.eyes_off:.3f}",
        f"{talk.seam:.0f} ({talk.seam_worst:.0f}), {talk.seam_place}",
        f"{talk.steady:.2f}",
        f"{talk.stillness:.2f}",
        f"{talk.lag:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def steadiness_table(rows: Sequence[dict[str, Any]]) -> str:
    """Held pictures."""
    lines = ["| held picture | photo | noise | sway, px | change over the input's | grey levels |", "|---" * 6 + "|"]
    lines += [
        f"| {row['clip']} | {row['photo']} | {row['sigma']:g} | {row['sway_px']:g} | {row['ratio']:.2f} "
        f"| {row['change']:.2f} |"
        for row in rows
    ]
    return "\n".join(lines)


def lag_table(rows: Sequence[dict[str, Any]]) -> str:
    """Moved pictures."""
    lines = ["| moved picture | photo | motion | reach, px | frames late | off by, px (p95) |", "|---" * 6 + "|"]
    for row in rows:
        late = (
            "after the jump " + ", ".join(f"{share:.0%}" for share in row["arrived"])
            if "arrived" in row
            else f"{row['lag_frames']:.2f}"
        )
        off = f"{row['off_px_p95']:.2f}" if "off_px_p95" in row else ""
        lines.append(f"| {row['clip']} | {row['photo']} | {row['motion']} | {row['reach_px']} | {late} | {off} |")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = SHARED_DATA / "metrics" / "mobilefacenet.onnx"
    parser.add_argument("--embedding", type=Path, default=usual, help="the network that tells people apart")
    parser.add_argument("--clips", nargs="+", help="video files, or demo (the shared clips and the demo)")
    parser.add_argument("--photos", nargs="+", type=Path, help="whose faces (the Navy photo and the shared portraits)")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="measure only this")
    parser.add_argument("--frames", type=int, default=120, help="of each clip (%(default)s)")
    parser.add_argument("--every", type=int, default=5, help="likeness in every Nth frame (%(default)s)")
    parser.add_argument("--sheets", type=Path, help="write sheets of frames to look at into this folder")
    parser.add_argument("--tiles", type=int, default=8, help="frames on each sheet (%(default)s)")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
