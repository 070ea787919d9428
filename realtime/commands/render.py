"""`realtime render`: the same effects over a recorded video or a folder of pictures."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import shutil
import sys
from pathlib import Path

from realtime import cameras, outputs
from realtime import options as option_table
from realtime.errors import OptionError, OutputError
from realtime.files import unfinished_name
from realtime.options import Options
from realtime.stats import RunStats, write_stats
from realtime.terminal import progress_line

log = logging.getLogger(__name__)

_DECIDED = ("source", "output", "every_frame", "loop", "hud", "screen", "rotate", "keep_in")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """IN, OUT and the options that mean something for recorded material."""
    parser.usage = f"{parser.prog} IN OUT --effect NAME [OPTIONS]"
    parser.add_argument("input", metavar="IN", help="a video file or a folder of numbered pictures")
    parser.add_argument("result", metavar="OUT", help="out.mp4, .mkv or .mov, or folder/ for numbered PNGs")
    option_table.add_arguments(parser, leave_out=_DECIDED)


def run(arguments: argparse.Namespace) -> int:
    """Render every frame beside OUT, add the sound, and only then give it its name."""
    stats = RunStats()
    options = _options(arguments)
    result = Path(arguments.result).expanduser().resolve()  # `.` has a name of its own then
    kind, _ = outputs.split_spec(arguments.result)
    if kind not in ("file", "folder"):
        raise OutputError(f"cannot render into '{arguments.result}': name a file (out.mp4) or a folder (frames/)")
    source = Path(arguments.input).expanduser()
    if result.exists() and result == source.resolve():
        raise OutputError(f"{arguments.result} is the source itself; give the result another name")
    if kind == "folder":
        _require_free_folder(result, overwrite=options.overwrite)
    elif result.exists() and not options.overwrite:
        raise OutputError(f"{result} exists; choose another name or add --overwrite")
    _require_an_end(options)
    unfinished = unfinished_name(result)
    spec = str(unfinished) + ("/" if kind == "folder" else "")
    options = dataclasses.replace(options, output=(spec,), overwrite=True)
    try:
        _render(options, stats)
        if stats.processed == 0:
            raise OptionError(f"{arguments.input} gave no pictures; nothing was written")
        if kind == "file":
            from realtime.sound import has_sound, with_sound_of

            if source.is_file() and has_sound(source):
                with_sound_of(source, unfinished, unfinished)
        _give_name(unfinished, result)
    except OutputError as error:  # a recorder keeps what it has; a result is whole or not at all
        reason = str(error).replace(str(unfinished), str(result)).split(";")[0]
        raise OutputError(f"{reason}; nothing was written, mend that and render again") from error
    finally:
        if kind == "folder":
            shutil.rmtree(unfinished, ignore_errors=True)
        else:
            unfinished.unlink(missing_ok=True)
        if options.stats:
            write_stats(options.stats, stats.as_json())
    log.info("%s: %s", result, stats.summary())
    return 0


def _require_free_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that holds anything but an earlier result: it is going to be replaced as a whole."""
    from realtime.outputs.picture_folder import is_numbered_picture

    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError(f"{folder} is a file; choose another name for the folder")
    inside = list(folder.iterdir())
    others = [path.name for path in inside if not is_numbered_picture(path)]
    if others:
        raise OutputError(f"{folder}/ also holds other things ({min(others)} …); choose a folder of its own")
    if inside and not overwrite:
        raise OutputError(f"{folder}/ holds pictures already; choose another name or add --overwrite")


def _require_an_end(options: Options) -> None:
    """Refuse a source that would fill the disk. Raises OptionError; CameraError where there is no such source."""
    endless = cameras.kind_of(options.source or "") in ("webcam", "still", "demo")
    if endless and options.frames is None and options.seconds is None:
        raise OptionError(f"{options.source} has no end; say how much of it to render with --seconds or --frames")


def _options(arguments: argparse.Namespace) -> Options:
    options = option_table.from_arguments(arguments)
    return dataclasses.replace(
        options,
        source=arguments.input,
        every_frame=True,
        loop=False,
        mirror=bool(options.mirror),
        effect=options.effect or ("none",),
    )


def _render(options: Options, stats: RunStats) -> None:
    from tqdm import tqdm

    from realtime import app

    with progress_line() as progress:
        work = app.build(options, progress, stats)
    total = options.frames or work.loop.capture.info.frame_count
    with tqdm(total=total, unit=" frames", file=sys.stderr, desc="rendering", dynamic_ncols=True) as bar:

        def advance(processed: int) -> None:
            bar.update(processed - bar.n)

        work.desk.tick = advance
        work.go()
        advance(stats.processed)
    if work.loop.interrupted:
        log.warning("stopped after %d of %s frames; what was done is kept", stats.processed, total or "?")


def _give_name(unfinished: Path, result: Path) -> None:
    try:
        if result.is_dir():
            shutil.rmtree(result)
        unfinished.replace(result)
    except OSError as error:
        raise OutputError(f"cannot write {result}: {error.strerror}; choose another name") from error
