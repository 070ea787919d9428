"""Cuts faces out of videos and photos, for training: aligned as the live loop aligns them, one folder for each person.

    python -m tools.extract_faces anna.mp4 holiday/ -o faces/anna
    python -m tools.extract_faces --camera 0 --seconds 120 -o faces/me

Press Ctrl-C to stop: the same command goes on where it stopped, and new inputs add to the folder. docs/swap-training.md
tells the whole way to a model.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NoReturn

from tqdm import tqdm

from realtime.core.errors import CameraError, OptionError, OutputError, RealtimeError
from realtime.core.settings import setting
from realtime.faces.landmarks.alignment import FACE
from realtime.imaging.frame import Pixels
from realtime.system.console import progress_line, silence_native_libraries
from realtime.system.opencv_log import quiet_opencv
from realtime.system.signals import graceful_shutdown
from realtime.system.standard_streams import bar_stream
from tools.extraction import CROP_SIDE_PX, CROP_WIDER
from tools.extraction.cutter import Cut, Cutter, Fault, Limits, rounded
from tools.extraction.groups import sort_new_crops
from tools.extraction.likeness import Embedding, Gradients, Likeness
from tools.extraction.manifest import (
    NAME,
    CropLine,
    Header,
    Manifest,
    ManifestWriter,
    crop_files,
    packed_look,
    packed_mesh,
    unpacked_look,
)
from tools.extraction.sameness import Seen, look_of
from tools.extraction.sheets import write_contact_sheet
from tools.extraction.sources import Source, camera_source, frame_count, frames_of, photos_of, sources_of
from tools.extraction.writing import Store
from tools.training.command_line import add_settings, help_in_lines, read_settings

_TOLD_EVERY_S = 2.0
_LINES_TOLD = 5


@dataclasses.dataclass(frozen=True)
class Choices:
    """What is chosen beside the limits."""

    side_px: int = dataclasses.field(
        default=CROP_SIDE_PX, metadata=setting("side of a crop", least=64, most=1024, unit="px")
    )
    every: int = dataclasses.field(default=1, metadata=setting("look at every such frame of a video", least=1))
    least_difference: float = dataclasses.field(
        default=4.0, metadata=setting("grey levels by which crops must differ at 16×16; 0 keeps all", least=0)
    )
    format: Literal["jpg", "png"] = dataclasses.field(
        default="jpg", metadata=setting("png: without loss, 5 times as large")
    )


@dataclasses.dataclass(frozen=True)
class Job:
    """A command line, read."""

    sources: tuple[Source, ...]
    out: Path
    embedding: Path | None
    limits: Limits
    choices: Choices


Keep = Callable[[Source, Cut, int, float, str], None]
"""Called with each face: where it is from, its frame's number and time, its track."""


@dataclasses.dataclass
class Tally:
    """What was met on the way."""

    pictures: int = 0
    faults: Counter[Fault] = dataclasses.field(default_factory=Counter)
    unreadable: list[str] = dataclasses.field(default_factory=list)


# -------------------------------------------------------------------------------------------------------------- work


def extract(job: Job, stopping: threading.Event) -> int:
    """Look through all sources and sort what was found; return the exit code."""
    with contextlib.ExitStack() as stack:
        likeness: Likeness = Embedding(job.embedding) if job.embedding is not None else Gradients()
        manifest = open_folder(job)
        writer = ManifestWriter(job.out / NAME, manifest.header)
        stack.callback(writer.close)
        cutter = stack.enter_context(Cutter(job.limits, job.choices.side_px))
        began_s = time.monotonic()
        tally = look_through(job, manifest, cutter, likeness, writer, stopping)
        took_s = time.monotonic() - began_s
        manifest = Manifest.read(job.out / NAME)
        report(tally, took_s)
        if stopping.is_set():
            tell(f"stopped; {len(manifest.crops)} faces lie in {job.out}, the same command goes on")
            return 0
        files = crop_files(job.out)
        if not any(name in files for name in manifest.crops):
            raise OptionError(nothing_found(tally))
        with progress_line() as progress:
            changed = sort_new_crops(job.out, manifest.crops, files, likeness, writer, progress)
    for folder in sorted(changed):
        sheet = write_contact_sheet(folder)
        tell(f"{sum(1 for _ in folder.iterdir())} faces in {folder}; look at {sheet}")
    if not changed:
        tell(f"nothing new; {len(manifest.crops)} faces lie in {job.out}")
    return 0


def open_folder(job: Job) -> Manifest:
    """Make the folder, or check that it was made alike. Raises OptionError and OutputError."""
    header = Header(FACE, CROP_WIDER, job.choices.side_px)
    path = job.out / NAME
    try:
        job.out.mkdir(parents=True, exist_ok=True)
        begun = path.is_file() and path.stat().st_size > 0
        strangers = not begun and any(not entry.name.startswith(".") for entry in job.out.iterdir())
    except OSError as error:
        raise OutputError(f"cannot make {job.out}: {error.strerror}; choose another folder") from error
    if strangers:
        raise OptionError(f"{job.out} holds other things; choose a new folder, or one of an earlier extraction")
    if not begun:
        return Manifest(header, {}, {})
    manifest = Manifest.read(path)
    if manifest.header.side_px != header.side_px:
        raise OptionError(
            f"{job.out} holds crops of {manifest.header.side_px} px, not {header.side_px}; choose another folder, or "
            f"ask for --side-px {manifest.header.side_px} to add to it"
        )
    if (manifest.header.alignment, manifest.header.wider) != (header.alignment, header.wider):
        raise OptionError(f"{job.out} holds crops that lie differently; choose another folder")
    return manifest


def look_through(
    job: Job, manifest: Manifest, cutter: Cutter, likeness: Likeness, writer: ManifestWriter, stopping: threading.Event
) -> Tally:
    """Cut what is new in the sources, until asked to stop."""
    tally = Tally()
    begun_at = {source: _begun_at(source, manifest) for source in job.sources}
    clips = [source for source, first in begun_at.items() if not source.still and first is not None]
    photos = [source for source, first in begun_at.items() if source.still and first is not None]
    looks = Seen(job.choices.least_difference)
    for line in list(manifest.crops.values())[-4096:]:
        looks.add(unpacked_look(line.look))
    numbers = [int(Path(name).stem) for name in (*manifest.crops, *crop_files(job.out)) if Path(name).stem.isdecimal()]
    store = Store(job.out, writer, max(numbers, default=0) + 1, f".{job.choices.format}")
    counts = [frame_count(source) for source in clips]
    total = None if None in counts else sum(count or 0 for count in counts) + len(photos)

    def keep(source: Source, cut: Cut, frame: int, time_s: float, track: str) -> None:
        fault = cut.fault
        if fault is None:
            assert cut.inner is not None
            look = look_of(cut.inner)
            if looks.has(look):
                fault = Fault.SAME
        if fault is not None:
            tally.faults[fault] += 1
            return
        assert cut.crop is not None
        assert cut.points is not None
        looks.add(look)
        line = crop_line(store.next_name(), source, cut, frame, time_s, track, look)
        store.add(line, cut.crop)

    with store, bar_of(total) as bar:
        for source in clips:
            first = begun_at[source] or 0
            bar.update(first)
            try:
                look_at_clip(job, source, first, cutter, store, keep, tally, bar, stopping)
            except CameraError as error:
                tell_unreadable(tally, str(error))
                store.looked(source, 0, done=True)
            if stopping.is_set():
                return tally
        for source, picture in photos_of(photos):
            if stopping.is_set():
                break
            if isinstance(picture, CameraError):
                tell_unreadable(tally, str(picture))
            else:
                tally.pictures += 1
                for cut in cutter.of_photo(picture.pixels):
                    keep(source, cut, 0, 0.0, photo_track(source, cut.track, likeness))
            store.looked(source, 1, done=True)
            bar.set_postfix_str(f"{store.kept} faces", refresh=False)
            bar.update()
    return tally


def look_at_clip(
    job: Job,
    source: Source,
    first: int,
    cutter: Cutter,
    store: Store,
    keep: Keep,
    tally: Tally,
    bar: tqdm[NoReturn],
    stopping: threading.Event,
) -> None:
    cutter.begin_clip()
    told_at_s = time.monotonic()
    frames = first
    with contextlib.closing(frames_of(source, first, stopping)) as pictures:
        for frame in pictures:
            if frame.index % job.choices.every == 0:
                for cut in cutter.of_frame(frame):
                    # A tracker begins anew where a run goes on: its numbers belong to the run.
                    keep(source, cut, frame.index, frame.pts_s, f"{source.text}#{first}.{cut.track}")
            frames = frame.index + 1
            tally.pictures += 1
            bar.update()
            if time.monotonic() - told_at_s > _TOLD_EVERY_S:
                told_at_s = time.monotonic()
                store.looked(source, frames, done=False)
                bar.set_postfix_str(f"{store.kept} faces", refresh=False)
    store.looked(source, frames, done=not stopping.is_set())


def crop_line(name: str, source: Source, cut: Cut, frame: int, time_s: float, track: str, look: Pixels) -> CropLine:
    assert cut.crop is not None
    assert cut.points is not None
    return CropLine(
        file=name,
        source=source.text,
        frame=frame,
        time_s=round(time_s, 3),
        track=track,
        box=tuple(rounded(cut.face.box)),
        face_px=round(cut.face_px, 1),
        yaw_degrees=round(cut.yaw_degrees, 1),
        pitch_degrees=round(cut.pitch_degrees, 1),
        sharpness=round(cut.sharpness, 4),
        score=round(cut.mesh.score, 3),
        mesh=packed_mesh(cut.points, cut.crop.shape[0]),
        look=packed_look(look),
    )


def photo_track(source: Source, number: str, likeness: Likeness) -> str:
    """Return which faces of photos go together before they are compared.

    An embedding tells people apart from photo to photo. Without one, the largest face of each photo of a folder is
    taken for the same person, whose folder it is; the others are somebody else.
    """
    if likeness.photos or number != "0" or source.path is None:
        return f"{source.text}#{number}"
    return f"{source.path.resolve().parent}#largest"


def _begun_at(source: Source, manifest: Manifest) -> int | None:
    """Return the first frame that has not been looked at; None where all have been."""
    before = manifest.sources.get(source.text)
    if before is None or before["stamp"] != source.stamp:
        return 0
    return None if before["done"] else int(before["frames"])


# ------------------------------------------------------------------------------------------------------------- words


def report(tally: Tally, took_s: float) -> None:
    if len(tally.unreadable) > _LINES_TOLD:
        tell(f"{len(tally.unreadable) - _LINES_TOLD} more could not be read")
    left_out = ", ".join(f"{count} {fault.value}" for fault, count in tally.faults.most_common())
    if tally.pictures:
        pace = tally.pictures / max(took_s, 1e-3)
        tell(f"{tally.pictures} pictures, {pace:.0f} a second; left out: {left_out or 'nothing'}")


def nothing_found(tally: Tally) -> str:
    """Return the line for a run without a single face: what was in the way, and what to do."""
    advice = {
        Fault.NO_FACE: "what was found is no face; take other pictures",
        Fault.SMALL: "faces are too small; go nearer, or lower --least-px",
        Fault.TURNED: "faces are turned too far; raise --most-yaw and --most-pitch, or face the camera",
        Fault.BLURRED: "faces are blurred; take sharper pictures, or lower --least-sharpness",
        Fault.SAME: "",
    }
    if not tally.pictures and tally.unreadable:
        return "no picture could be read; check the files"
    if not tally.faults:
        count = tally.pictures or "these"
        return f"no face in {count} pictures; take some in which a face is wider than a tenth of the picture"
    return f"no face to keep in {tally.pictures} pictures: {advice[tally.faults.most_common(1)[0][0]]}"


def tell_unreadable(tally: Tally, line: str) -> None:
    tally.unreadable.append(line)
    if len(tally.unreadable) <= _LINES_TOLD:
        tell(f"left out: {line}")


def bar_of(total: int | None) -> tqdm[NoReturn]:
    return tqdm(total=total, unit="picture", disable=None, file=bar_stream())


def tell(line: str) -> None:
    tqdm.write(f"extract_faces: {line}", file=bar_stream())


# ------------------------------------------------------------------------------------------------------ command line


def read_command_line(words: Sequence[str]) -> Job:
    """Raises OptionError and CameraError for anything that cannot be."""
    parser = help_in_lines("extract_faces", __doc__)
    parser.add_argument("inputs", type=Path, nargs="*", metavar="INPUT", help="videos, photos, folders of them")
    parser.add_argument("--camera", default="", metavar="N", help="film with this camera: its number or name, or demo")
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S", help="how long to film (default: 60)")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FOLDER", help="where crops go; may be begun")
    parser.add_argument(
        "--embedding", type=Path, metavar="FILE.onnx",
        help="a face recognition network, [1, 3, 112, 112] RGB on ArcFace's points: sorts people across clips\n"
        "and photos (without: by following faces, and only what surely is one person is joined)",
    )  # fmt: skip
    add_settings(parser, Limits, "which faces are kept")
    add_settings(parser, Choices, "how")
    arguments = parser.parse_args(words)
    if bool(arguments.inputs) == bool(arguments.camera):
        raise OptionError("name videos, photos or folders, or a camera with --camera N, and not both")
    if not 0 < arguments.seconds <= 24 * 3600:
        raise OptionError(f"--seconds takes a number above 0 and up to a day, not {arguments.seconds:g}")
    limits = read_settings(arguments, Limits, "extract_faces")
    choices = read_settings(arguments, Choices, "extract_faces")
    sources = [camera_source(arguments.camera, arguments.seconds)] if arguments.camera else sources_of(arguments.inputs)
    return Job(tuple(sources), arguments.out, arguments.embedding, limits, choices)


def main(words: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: 0 done or stopped, 2 an error the user can mend."""
    stopping = threading.Event()
    try:
        job = read_command_line(sys.argv[1:] if words is None else words)
        quiet_opencv()
        with graceful_shutdown(stopping.set):
            return extract(job, stopping)
    except RealtimeError as error:
        tell(str(error))
        return 2


if __name__ == "__main__":
    silence_native_libraries()
    sys.exit(main())
