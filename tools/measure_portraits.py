"""Makes portraits of real pictures and measures them: figures, time, memory and size, as a table and as JSON.

    python -m tools.measure_portraits                     # the Navy photo, and the shared paintings where they are
    python -m tools.measure_portraits a.jpg b.png --json portraits.json --sheets sheets/
    python -m tools.measure_portraits --rows 3            # looking up and down, too

Each picture is made by a process of its own, so that times include loading the models and memory is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from realtime.faces.landmarks.measurement import FaceMeasurer
    from realtime.imaging.frame import Face, Pixels

SHARED_DATA = Path(os.environ.get("REALTIME_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
COLUMNS = (
    ("gaze_left", "gaze left", 3),
    ("gaze_right", "gaze right", 3),
    ("gaze_rank", "rank", 4),
    ("gaze_step", "step", 2),
    ("yaw_left", "yaw left", 1),
    ("yaw_right", "yaw right", 1),
    ("yaw_rank", "rank", 4),
    ("yaw_step", "step", 2),
    ("sharpness", "sharpness", 3),
    ("seam", "seam", 3),
    ("least_area", "least area", 2),
    ("iris_size_least", "iris least", 2),
    ("iris_size_most", "iris most", 2),
    ("iris_colour", "iris colour", 3),
    ("left_behind", "left behind", 1),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*", type=Path)
    parser.add_argument("--rows", type=int, default=1, help="steps from up to down (%(default)s)")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--sheets", type=Path, help="write a contact sheet of each portrait into this folder")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--pack", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        print(json.dumps(_make(arguments.one, arguments.pack, arguments.rows)))
        return 0
    pictures = arguments.pictures or _usual_pictures()
    results = []
    titles = ["picture", "size", "face", *(title for _, title, _ in COLUMNS), "s", "start s", "MB pack", "MB memory"]
    print(f"| {' | '.join(titles)} |")
    print("|" + "---|" * (7 + len(COLUMNS)))
    with tempfile.TemporaryDirectory() as folder:
        for picture in pictures:
            pack = Path(folder) / f"{picture.stem}.portrait"
            result = _measure(picture, pack, arguments.rows)
            results.append(result)
            print(_row(result), flush=True)
            if arguments.sheets is not None:
                _write_sheet(pack, arguments.sheets / f"{picture.stem}.jpg")
            pack.unlink()
    if arguments.json is not None:
        machine = {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count(), "python": sys.version}
        arguments.json.write_text(json.dumps({"machine": machine, "portraits": results}, indent=1))
    return 0


def _usual_pictures() -> list[Path]:
    from realtime.portrait.building.default import default_picture

    folder = SHARED_DATA / "portraits"
    shared = sorted(folder.iterdir()) if folder.is_dir() else []
    return [default_picture(), *(path for path in shared if path.suffix in (".jpg", ".png"))]


def _measure(picture: Path, pack: Path, rows: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tools.measure_portraits", "--one", str(picture), "--pack", str(pack)]
    command += ["--rows", str(rows)]
    started_s = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{picture}: {done.stderr.strip().splitlines()[-1]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    result["seconds"] = round(time.monotonic() - started_s - result.pop("measuring_s"), 1)
    result["start_s"] = _start_s(pack)
    result["pack_mb"] = round(pack.stat().st_size / 1e6, 1)
    return result


def _make(picture: Path, pack: Path, rows: int) -> dict[str, Any]:
    """Make one pack, in this process."""
    from realtime.faces.landmarks.measurement import FaceMeasurer
    from realtime.picture_files.painting import read_picture
    from realtime.portrait.building.builder import build
    from realtime.portrait.building.moving_faces import usable_faces
    from realtime.portrait.building.options import BuildOptions

    meter = FaceMeasurer()
    pixels, _ = read_picture(picture)
    faces = usable_faces(pixels, meter)[:1]
    built = build(pixels, faces, pack, meter, title=picture.stem, options=BuildOptions(rows=rows))
    memory_mb, built_s = _peak_memory_mb(), time.monotonic()
    left_behind = _left_behind(pack, pixels, faces[0], meter)
    figures = built.reports[0].as_table()
    return {
        "picture": picture.name,
        "size": f"{pixels.shape[1]}x{pixels.shape[0]}",
        "face_px": round(faces[0].box.width),
        **{name: value for name, value in figures.items() if isinstance(value, float)},
        "gaze": figures["gaze"],
        "yaw_degrees": figures["yaw_degrees"],
        "left_behind": left_behind,
        "memory_mb": memory_mb,
        "measuring_s": time.monotonic() - built_s,
    }


def _left_behind(pack: Path, pixels: Pixels, face: Face, meter: FaceMeasurer) -> float:
    """Return how much darker than in the picture lines are where the irises are no more, grey levels: the 95th
    percentile over all frames of all rows, for the models waver.
    """
    import numpy as np

    from realtime.portrait.pack import Portrait
    from realtime.portrait.quality.iris_match import IrisWatch

    original = meter.find(pixels, face)
    watch = IrisWatch(pixels, original)
    seen = []
    with Portrait.open(pack) as portrait:
        for index in range(portrait.count):
            whole = pixels.copy()
            portrait.place.of(whole)[:] = portrait.frame(index)
            seen.append(watch.see(whole, meter.again(whole, original)).left_behind)
    return float(np.percentile(seen, 95))


def _peak_memory_mb() -> float:
    try:
        import resource  # not on Windows
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 0)


def _start_s(pack: Path) -> float:
    """Seconds from disk to the first frame, decoded; the best of three."""
    from realtime.portrait.pack import Portrait

    times = []
    for _ in range(3):
        started_s = time.perf_counter()
        with Portrait.open(pack) as portrait:
            portrait.frame(portrait.middle)
        times.append(time.perf_counter() - started_s)
    return round(min(times), 3)


def _row(result: dict[str, Any]) -> str:
    cells = [result["picture"], result["size"], str(result["face_px"])]
    cells += [f"{result[name]:.{digits}f}" for name, _, digits in COLUMNS]
    cells += [str(result[name]) for name in ("seconds", "start_s", "pack_mb", "memory_mb")]
    return f"| {' | '.join(cells)} |"


def _write_sheet(pack: Path, path: Path) -> None:
    from realtime.portrait.pack import Portrait
    from realtime.portrait.preview.preview import write_preview

    path.parent.mkdir(parents=True, exist_ok=True)
    with Portrait.open(pack) as portrait:
        write_preview(portrait, path, overwrite=True)


if __name__ == "__main__":
    sys.exit(main())
