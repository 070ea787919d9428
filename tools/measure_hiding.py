"""Counts the frames in which a face that asked to be hidden is seen, in films made to bring that about.

    python -m tools.measure_hiding                                  # the shared clips and portraits, where they are
    python -m tools.measure_hiding --actors a.mp4 b.mp4 --posters p.jpg --kinds "leans out" "a cut"
    python -m tools.measure_hiding --ordinary a.mp4 b.mp4 --actors  # only what ordinary films lose by hiding
    python -m tools.measure_hiding --frames-of bare/                # writes what was bare, to look at

Prints Markdown for docs/benchmarks.md; the exit code is 1 where anybody was bare.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from realtime.core.errors import RealtimeError
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.imaging.frame import Pixels
from realtime.picture_files.samples import sample_photo
from realtime.system.console import set_up_logging, silence_native_libraries
from tools.swap_figures.hiding import Actor, Cast, Film, Moment, Ordinary, Seen, films, ordinary, watch
from tools.swap_figures.material import SHARED_DATA
from tools.swap_figures.wearing import open_detector

_MOST_PICTURES = 6


def main() -> int:
    """Measure and print. Returns the exit code."""
    arguments = _parser().parse_args()
    set_up_logging(debug=False)
    silence_native_libraries()
    cv2.setNumThreads(1)
    try:
        results = _battery(arguments)
        ordinary_results = _ordinary(arguments)
    except RealtimeError as error:
        print(f"cannot measure: {error}")
        return 2
    if arguments.json:
        rows = {
            "battery": [dataclasses.asdict(result) for result in results],
            "ordinary": [dataclasses.asdict(result) for result in ordinary_results],
        }
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return int(any(result.bare for result in results))


def _battery(arguments: argparse.Namespace) -> list[Seen]:
    if not arguments.actors:
        return []
    detector, meter = open_detector(), FaceMeasurer()
    actors = [Actor(path, meter, detector) for path in arguments.actors]
    posters = [Actor(path, meter, detector) for path in arguments.posters]
    selected = [film for film in films() if not arguments.kinds or film.kind in arguments.kinds]
    results: list[Seen] = []
    print("| film | | lead | frames with the face in view | bare | others covered |\n" + "|---" * 6 + "|")
    for turn, film in enumerate(selected):
        for number, lead in enumerate(actors):
            if arguments.in_turn and number != turn % len(actors):
                continue
            cast = Cast(lead, actors[(number + 1) % len(actors)], posters[number % len(posters)])
            keeper = _Keeper(arguments.frames_of, film, lead.name)
            result = watch(film, cast, arguments.photo, detector, keeper.look)
            keeper.keep(result.bare_at)
            results.append(result)
            if result.bare or arguments.all:
                at = f" ({_numbers(result.bare_at)})" if result.bare else ""
                print(f"| {result.kind} | {result.film} | {result.lead} | {result.frames} | {result.bare}{at} "
                      f"| {result.others_covered} of {result.others} |", flush=True)  # fmt: skip
    print(
        "\n| kind | films | frames with the face in view | bare | films with any | others covered |\n"
        + "|---" * 6
        + "|"
    )
    for kind in dict.fromkeys(result.kind for result in results):
        same = [result for result in results if result.kind == kind]
        frames, bare = sum(result.frames for result in same), sum(result.bare for result in same)
        covered, others = sum(result.others_covered for result in same), sum(result.others for result in same)
        films_bare = sum(result.bare > 0 for result in same)
        print(f"| {kind} | {len(same)} | {frames} | {bare} | {films_bare} | {covered} of {others} |")
    detector.close()
    return results


def _numbers(numbers: Sequence[int]) -> str:
    return f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"


class _Keeper:
    """Keeps finished frames beside the camera's, for those who want to look at what was bare."""

    def __init__(self, folder: Path | None, film: Film, lead: str) -> None:
        self._folder = folder
        self._name = f"{film.kind}-{film.name}-{lead}".replace(" ", "_").replace(",", "").replace("%", "")
        self._pictures: dict[int, Pixels] = {}

    def look(self, number: int, output: Pixels, moment: Moment) -> None:
        if self._folder is not None and output.shape == moment.pixels.shape:
            self._pictures[number] = np.concatenate([moment.pixels, output], axis=1)

    def keep(self, numbers: Sequence[int]) -> None:
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        step = max(1, len(numbers) // _MOST_PICTURES)
        for number in list(dict.fromkeys(numbers))[::step][:_MOST_PICTURES]:
            if number in self._pictures:
                cv2.imwrite(str(self._folder / f"{self._name}-{number}.png"), self._pictures[number])


def _ordinary(arguments: argparse.Namespace) -> list[Ordinary]:
    if not arguments.ordinary:
        return []
    detector = open_detector()
    print("\n| ordinary film | frames | a face worn | more than a tenth hidden beside faces | more than half hidden |")
    print("|---" * 5 + "|")
    rows = []
    for path in arguments.ordinary:
        result = ordinary(path, arguments.photo, arguments.frames, detector)
        rows.append(result)
        print(
            f"| {result.film} | {result.frames} | {result.worn} | {result.part_hidden} | {result.all_hidden} |",
            flush=True,
        )
    detector.close()
    return rows


def _shared(pattern: str) -> list[Path]:
    return sorted(SHARED_DATA.glob(pattern))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    clips = _shared("videos/talking_*.mp4")
    parser.add_argument("--actors", nargs="*", type=Path, default=clips, help="films of one face each, two at least")
    parser.add_argument(
        "--posters", nargs="+", type=Path, default=_shared("portraits/*.jpg"), help="pictures of a face"
    )
    parser.add_argument("--ordinary", nargs="*", type=Path, default=_shared("videos/*.mp4"), help="films as they are")
    parser.add_argument("--frames", type=int, default=300, help="of each ordinary film (%(default)s)")
    parser.add_argument("--photo", type=Path, default=sample_photo(), help="the face to wear (the Navy photo)")
    parser.add_argument("--kinds", nargs="+", choices=sorted({film.kind for film in films()}), help="only these films")
    parser.add_argument("--in-turn", action="store_true", help="each film with one lead only, one after the other")
    parser.add_argument("--all", action="store_true", help="a line for every film, not only where somebody was bare")
    parser.add_argument(
        "--frames-of", type=Path, help="write what was bare into this folder, beside the camera's frame"
    )
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
