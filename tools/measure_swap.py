"""Puts photos' faces on filmed people and measures what comes out: whose face it is, how calm, how late, how fast.

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
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from realtime.core.errors import RealtimeError
from realtime.system.console import set_up_logging, silence_native_libraries
from tools.benchmark import machine
from tools.swap_figures.faces_of_several import (
    FACES_HEAD,
    Compared,
    compared,
    faces_row,
    halved_films,
    mean_of,
    several_photos,
)
from tools.swap_figures.glasses import glasses_table, keep_glasses
from tools.swap_figures.hands import filmed_hands, hands_table
from tools.swap_figures.in_front import keep_things
from tools.swap_figures.material import LIGHTS, SHARED_DATA, Clip, held, read_clip, usual_clips, usual_photos
from tools.swap_figures.motion import REST, Follower, arrived, change, lag_frames, moved_clip, sine, step
from tools.swap_figures.people import SCENES, Player, Verdict, everyone, judge
from tools.swap_figures.sheets import write_sheet
from tools.swap_figures.smiles import usual_judges
from tools.swap_figures.speed import shares, whole_program, write_film, write_model
from tools.swap_figures.tables import (
    PEOPLE_HEAD,
    TALK_HEAD,
    in_front_table,
    lag_table,
    people_row,
    speed_table,
    steadiness_table,
    summary,
    talk_row,
)
from tools.swap_figures.talking import Talk, talk
from tools.swap_figures.wearing import Eyes, Seen, region, render, watch

PARTS = ("talking", "light", "steadiness", "lag", "in-front", "hands", "glasses", "people", "faces", "speed")
_SCENE_S = 4.5
_THING_FRAMES = 110
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
    os.environ["SDL_VIDEODRIVER"] = "dummy"
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
    photos = arguments.photos or usual_photos()
    sources = arguments.clips or usual_clips()
    print(f"Machine: {figures['machine']}.\n")
    if "in-front" in parts:
        measurements = [each for source in sources for each in keep_things(read_clip(source, _THING_FRAMES))]
        print(in_front_table(measurements))
        figures["in_front"] = [dataclasses.asdict(each) for each in measurements]
    if "hands" in parts:
        hands = list(filmed_hands())
        print(hands_table(hands))
        figures["hands"] = [dataclasses.asdict(each) for each in hands]
    if "glasses" in parts:
        worn = [each for source in sources for each in keep_glasses(read_clip(source, _THING_FRAMES), arguments.kinds)]
        print(glasses_table(worn))
        figures["glasses"] = [dataclasses.asdict(each) for each in worn]
    if set(parts) - {"speed", "in-front", "hands", "glasses"}:
        eyes = Eyes(arguments.embedding, arguments.judges)
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        _measure_pictures(arguments, parts, sources, photos, eyes, figures)
        if "faces" in parts:
            figures["faces"] = _faces(arguments, sources, eyes)
        if "people" in parts:
            figures["people"] = _people(arguments, sources, photos, eyes)
        cv2.setNumThreads(threads)
    if "speed" in parts:
        figures["speed"] = _speed(arguments, sources, photos)


def _measure_pictures(
    arguments: argparse.Namespace,
    parts: Sequence[str],
    sources: Sequence[str],
    photos: Sequence[Path],
    eyes: Eyes,
    figures: dict[str, Any],
) -> None:
    if not set(parts) & {"talking", "light", "steadiness", "lag"}:
        return
    talks: list[Talk] = []
    steadiness: list[dict[str, Any]] = []
    lags: list[dict[str, Any]] = []
    if set(parts) & {"talking", "light"}:
        print(TALK_HEAD)
    for number, source in enumerate(sources):
        clip = read_clip(source, arguments.frames)
        sightings = watch(clip, eyes)
        if "talking" in parts:
            talks += [_talk(clip, sightings, photo, eyes, arguments) for photo in photos]
        photo = photos[number % len(photos)]
        if "light" in parts:
            for light_name, light in LIGHTS.items():
                dim = clip.changed(light_name, light)
                talks.append(_talk(dim, watch(dim, eyes), photo, eyes, arguments))
        if "steadiness" in parts:
            steadiness += _steadiness(clip, sightings, photo, eyes)
        if "lag" in parts:
            lags += _lags(clip, sightings, photo, eyes)
    if talks:
        as_filmed = [each for each in talks if each.light == ""] or talks
        print("\n" + summary(as_filmed, "photo") + "\n\n" + summary(as_filmed, "clip"))
    if "light" in parts:
        print("\n" + summary([each for each in talks if each.light], "light"))
    figures["talking"] = [dataclasses.asdict(each) for each in talks]
    figures["steadiness"], figures["lag"] = steadiness, lags
    if steadiness:
        print("\n" + steadiness_table(steadiness))
    if lags:
        print("\n" + lag_table(lags))


def _talk(clip: Clip, sightings: Sequence[Seen], photo: Path, eyes: Eyes, arguments: argparse.Namespace) -> Talk:
    measured, tiles = talk(clip, sightings, photo, eyes, arguments.every, arguments.tiles if arguments.sheets else 0)
    print(talk_row(measured), flush=True)
    if tiles:
        name = f"{clip.name}-{photo.stem}.png".replace(", ", "-").replace(" ", "_")
        write_sheet(arguments.sheets / name, tiles, columns=2)
    return measured


def _most_frontal(sightings: Sequence[Seen]) -> Seen | None:
    """The frame in which the viewer looks straightest."""
    found = [each for each in sightings if each.mesh is not None]
    return min(found, key=lambda each: abs(each.mesh.yaw_degrees), default=None)  # type: ignore[union-attr]


def _steadiness(clip: Clip, sightings: Sequence[Seen], photo: Path, eyes: Eyes) -> list[dict[str, Any]]:
    """A picture held with noise: how much the swapped face changes from frame to frame, over the input's change."""
    still = _most_frontal(sightings)
    if still is None or still.mesh is None:
        return []
    rows = []
    for sigma, sway_px in _NOISES:
        film = held(clip, still.frame.index, _HELD_FRAMES, sigma, sway_px)
        looked = watch(film, eyes)
        mask = region(still.mesh, still.frame.pixels.shape)
        outputs = [pixels.copy() for pixels in render(looked, str(photo))]
        changes = [
            sum(change(before, after, mask) for before, after in zip(pictures[_SETTLED:], pictures[_SETTLED + 1 :]))  # noqa: B905
            for pictures in (outputs, list(film.pictures))
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


def _lags(clip: Clip, sightings: Sequence[Seen], photo: Path, eyes: Eyes) -> list[dict[str, Any]]:
    """A picture moved by known motions: how late the new face is."""
    still = _most_frontal(sightings)
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
        outputs = [pixels.copy() for pixels in render(watch(film, eyes), str(photo))]
        mesh_tracker = Follower.on(outputs[REST // 2 : REST], still.mesh)
        off_px = np.array([mesh_tracker.off_px(pixels, moved) for pixels, moved in zip(outputs, path, strict=True)])
        row: dict[str, Any] = {"clip": clip.name, "photo": photo.stem, "motion": name, "reach_px": reach_px}
        if name == "jump":
            row["arrived"] = arrived(off_px, reach_px)
        else:
            row["lag_frames"] = lag_frames(off_px[REST:], np.array(path, np.float64)[REST:])
            row["off_px_p95"] = float(np.percentile(np.linalg.norm(off_px[REST:], axis=1), 95))
        rows.append(row)
    return rows


def _people(
    arguments: argparse.Namespace, sources: Sequence[str], photos: Sequence[Path], eyes: Eyes
) -> list[dict[str, Any]]:
    """Two people who each wear a photo, then one of them only; and a film of several who were all asked."""
    first, second = (Player.of(read_clip(source, 60), eyes) for source in [*sources, *sources][:2])
    pair = [*photos, *photos][:2]
    verdicts: list[Verdict] = []
    print("\n" + PEOPLE_HEAD)
    for scene in SCENES:
        # What is hard about a hand or noise is not who is who: such a scene needs no bystander.
        for worn in (pair, pair[:1]) if scene.moves else (pair,):
            judged = judge(scene, (first, second), _SCENE_S, worn, eyes)
            verdicts += judged
            print("\n".join(people_row(each) for each in judged), flush=True)
    for film in arguments.crowd or sorted((SHARED_DATA / "videos").glob("several_people.mp4")):
        verdicts.append(everyone(read_clip(str(film), 400), pair[0], eyes))
        print(people_row(verdicts[-1]), flush=True)
    return [dataclasses.asdict(each) for each in verdicts]


def _faces(arguments: argparse.Namespace, sources: Sequence[str], eyes: Eyes) -> list[dict[str, Any]]:
    """Faces of several photos beside each of these alone, against photos that neither has seen."""
    clips = [read_clip(source, arguments.frames) for source in sources]
    seen = [(clip, watch(clip, eyes)) for clip in clips]
    rows: list[Compared] = []
    print("\n" + FACES_HEAD)
    with tempfile.TemporaryDirectory() as folder:
        for person in [*several_photos(arguments.identities), *halved_films(arguments.films, Path(folder))]:
            for clip, sightings in seen:
                found = compared(person, clip, sightings, eyes, arguments.every, Path(folder))
                if found is not None:
                    rows.append(found)
                    print(faces_row(found), flush=True)
    if rows:
        print(faces_row(mean_of(rows)))
    return [dataclasses.asdict(row) for row in rows]


def _speed(arguments: argparse.Namespace, sources: Sequence[str], photos: Sequence[Path]) -> dict[str, Any]:
    """The whole program at 1280×720 and 60 fps, one person and two, beside the portrait effect in the same run."""
    clips = [read_clip(source, 120) for source in [*sources, *sources][:2]]
    first, second = (str(photo) for photo in [*photos, *photos][:2])
    with tempfile.TemporaryDirectory() as folder:
        one = write_film(Path(folder) / "one.mp4", clips[:1], seconds=5)
        far_clip = write_film(Path(folder) / "far.mp4", clips[:1], seconds=5, share=0.6)
        two = write_film(Path(folder) / "two.mp4", clips, seconds=5)
        model = arguments.model or write_model(Path(folder) / "untrained128.onnx")
        cases = {
            "portrait (detector, no mesh), one person": (one, "portrait"),
            "photo, one person": (far_clip, f"swap:{first}"),
            "photo, one person close by": (one, f"swap:{first}"),
            "photos, two people": (two, f"swap:{first},{second}"),
            "128² model, one person": (far_clip, f"swap:{model}"),
            "128² model, one person close by": (one, f"swap:{model}"),
            "morph, one person": (far_clip, "morph"),
            "morph, one person close by": (one, "morph"),
            "morph with a photo, one person": (far_clip, f"morph:{first}"),
        }
        rounds = [
            {name: whole_program(film, effect, arguments.seconds) for name, (film, effect) in cases.items()}
            for _ in range(arguments.rounds)
        ]
        best = {
            name: max((one_round[name] for one_round in rounds), key=lambda figures: figures["fps"]) for name in cases
        }
        parts = {
            name: min(
                (shares(film, effect.partition(":")[2]) for _ in range(arguments.rounds)), key=lambda ms: ms["own"]
            )
            for name, (film, effect) in cases.items()
            if effect.startswith("swap")
        }
    print("\n" + speed_table(best, parts))
    return {"rounds": rounds, "best": best, "parts_ms": parts}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = SHARED_DATA / "metrics" / "mobilefacenet.onnx"
    parser.add_argument("--embedding", type=Path, default=usual, help="the network that tells people apart")
    parser.add_argument(
        "--judges", type=Path, nargs="*", default=usual_judges(), help="classifiers that know a smile (the shared ones)"
    )
    parser.add_argument("--clips", nargs="+", help="video files, or demo (the shared clips and the demo)")
    parser.add_argument("--photos", nargs="+", type=Path, help="whose faces (the Navy photo and the shared portraits)")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="measure only this")
    parser.add_argument("--frames", type=int, default=120, help="of each clip (%(default)s)")
    parser.add_argument("--every", type=int, default=5, help="likeness in every Nth frame (%(default)s)")
    parser.add_argument("--sheets", type=Path, help="write sheets of frames to look at into this folder")
    parser.add_argument("--tiles", type=int, default=8, help="frames on each sheet (%(default)s)")
    parser.add_argument("--kinds", type=int, default=12, help="of glasses to draw before each clip (%(default)s)")
    parser.add_argument("--identities", type=int, default=8, help="faces: people of the shared photos (%(default)s)")
    parser.add_argument("--films", nargs="*", default=[], help="faces: films, the first half of each is the face")
    parser.add_argument("--crowd", nargs="+", type=Path, help="films of people who come and go")
    parser.add_argument("--model", type=Path, help="speed: a swap model (one of realistic cost, untrained)")
    parser.add_argument("--seconds", type=float, default=10.0, help="speed: length of each live run (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="speed: rounds, the best of each counts (%(default)s)")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
