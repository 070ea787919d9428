"""`realtime render`: the same effects over a recorded video or a folder of pictures."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from realtime import cameras, effects, outputs
from realtime.core.errors import OptionError, OutputError, first_clause
from realtime.core.files import (
    check_folder,
    remove,
    remove_leftovers,
    temporary_name,
)
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.core.stats import RunStats, write_stats
from realtime.core.unnamed_result import UnnamedResult
from realtime.imaging.provenance import Provenance
from realtime.outputs.splitting import ONE_FILE
from realtime.session import option_reading
from realtime.session.option_values import summaries
from realtime.session.options import Options
from realtime.system.console import progress_line
from realtime.system.signals import INTERRUPTED, leave_now
from realtime.system.standard_streams import bar_stream
from realtime.system.stop_request import StopRequest, stop_noted

if TYPE_CHECKING:
    from realtime.disclosure.c2pa import Signer
    from realtime.pipeline.render_loop import RenderLoop

log = logging.getLogger(__name__)

_FRAMES_OF_A_PICTURE = 30
"""A second: what the gaze of a portrait takes to arrive, three times over."""
_DECIDED = (
    *("source", "output", "every_frame", "loop", "hud", "screen", "rotate", "keep_in", "split"),
    *("sound", "sound_offset", "drive"),  # of what is heard now; here it is a film's
    *("remote", "osc", "osc_to", "midi", "midi_bind", "midi_learn", "midi_takeover", "scene_fade"),  # of what is live
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """IN, OUT and the options that mean something for recorded material."""
    parser.usage = f"{parser.prog} IN OUT [--effect NAME] [OPTIONS]"
    parser.add_argument("input", metavar="IN", help=_("a video file, a folder of numbered pictures, or one picture"))
    parser.add_argument(
        "result",
        metavar="OUT",
        help=_("out.mp4, .mkv, .mov, .webm or .gif, folder/ for numbered PNGs; of a picture .png, .jpg"),
    )
    parser.add_argument(
        "--sound",
        dest="sound_of",
        metavar="FILE",
        help=_("a film or sound file whose sound goes with it, or none; default: the sound of IN"),
    )
    option_reading.add_arguments(parser, leave_out=_DECIDED, helps=_helps())


def _helps() -> dict[str, str]:
    """What options mean where nothing is live."""
    return {
        "size": _("the size of what is made (1280x720); default: as IN is, or as the effect draws it"),
        "fps": _(
            "of a folder of pictures: how many a second; default: what they say themselves, else 30; also as 30000/1001"
        ),
        "mirror": _("exchange left and right; default: no"),
        "effect": _("repeat it to chain effects; {effects}; default: none", effects=summaries(effects.EFFECTS)),
    }


def run(arguments: argparse.Namespace) -> int:
    """Render every frame beside OUT, add the sound, and only then give it its name.

    Returns 0, or 130 where the user stopped it before it was whole.
    """
    stats = RunStats()
    with stop_noted() as stop:
        options = _options(arguments)
        if options.stats:
            check_folder(options.stats.absolute().parent)
        try:
            code = _run(arguments, options, stats, stop)
        except BaseException:
            with contextlib.suppress(OutputError):  # what went wrong before is what must be told
                _write_stats(options, stats)
            raise
        _write_stats(options, stats)
        return code


def _write_stats(options: Options, stats: RunStats) -> None:
    if options.stats and stats.source:  # nothing was opened: there is nothing to tell
        write_stats(options.stats, stats.as_json())


def _run(arguments: argparse.Namespace, options: Options, stats: RunStats, stop: StopRequest) -> int:
    result = user_path(arguments.result).resolve()  # `.` has a name of its own then
    kind = _kind_of(arguments.result)
    source = user_path(arguments.input)
    if os.path.lexists(result) and result == source.resolve():
        raise OutputError(_("{result} is the source itself; give the result another name", result=arguments.result))
    check_folder(result.parent)
    if kind == "folder":
        _require_free_folder(result, overwrite=options.overwrite)
    elif os.path.lexists(result) and not options.overwrite:
        raise OutputError(_("{result} exists; choose another name or add --overwrite", result=result))
    options = _of_one_picture(options, arguments) if kind == "picture" else options
    _require_an_end(options)
    sound = _sound(arguments.sound_of, source, kind)
    if sound is not None:
        _require_keepable(sound, result)
    options = _with_its_own_rate(options)
    signer = _signer(options, result) if kind == "file" and options.sign else None
    remove_leftovers(result)
    unfinished = temporary_name(result)
    spec = str(unfinished) + ("/" if kind == "folder" else "")
    rendering = dataclasses.replace(options, output=(spec,), overwrite=True, sign=None if signer else options.sign)
    output = UnnamedResult(unfinished, result, options.overwrite)
    try:
        work = _render(rendering, stats, stop)
        shown = stats.outputs[0].shown
        if not shown and (stop.is_made or work.interrupted):  # the loop hears for itself while it runs
            output.discard()
            log.warning(_("stopped before the first picture; nothing was written"))
            return 130
        if not shown:
            raise OptionError(_("{input} gave no pictures; nothing was written", input=arguments.input))
        if not os.path.lexists(unfinished):
            raise OutputError(_("{unfinished} was deleted before it was done", unfinished=unfinished))
    except OutputError as error:  # a recorder keeps what it has; a result is whole or not at all
        output.discard()
        raise OutputError(
            _("{reason}; nothing was written, mend that and render again", reason=_reason(error, output))
        ) from error
    except BaseException:
        output.discard()
        raise
    _complete(output, sound, signer, work.outputs[0].provenance)
    # Also where the user stopped it after its last frame, while it was being finished: that is waited for.
    if not work.interrupted or (work.processing.is_complete and shown == stats.processed):
        log.info("%s: %s", output.give_name(), stats.summary())
        return 0
    total = rendering.frames or work.capture.info.frame_count or "?"
    if options.overwrite and os.path.lexists(result):  # what is finished is not given up for what is not
        where = _("{kept}; {result} is as it was", kept=output.give_name_of_its_own("stopped"), result=result)
    else:
        where = str(output.give_name())
    log.warning(_("stopped after %d of %s frames; what was done is kept in %s"), shown, total, where)
    return 130


def _reason(error: OutputError, output: UnnamedResult) -> str:
    return first_clause(error).replace(str(output.unfinished), str(output.result))


def _complete(output: UnnamedResult, sound: Path | None, signer: Signer | None, provenance: Provenance | None) -> None:
    """Add to the pictures what goes with them. Raises OutputError where that fails; the pictures are kept then."""
    lacks = ""
    try:
        if sound is not None:
            lacks = "without-sound"
            _add_sound(sound, output.unfinished)
        if signer is not None and provenance is not None:  # last: nothing may be changed after it
            lacks = "unsigned"
            signer.sign_film(output.unfinished, provenance)
    except OutputError as error:
        reason = _reason(error, output)
        raise OutputError(f"{reason}; {output.keep_for(lacks)}") from error


def _kind_of(result: str) -> str:
    """Return whether a result is a `file`, a `gif`, a `picture` or a `folder`; a new name without a suffix is a
    folder's.
    """
    is_new_folder = not Path(result).suffix and result.partition(":")[0] not in (*outputs.OUTPUTS, "-")
    name = "folder" if is_new_folder else outputs.split_spec(result)[0]
    if name not in ("file", "gif", "picture", "folder"):
        raise OutputError(
            _("cannot render into '{result}': name a file (out.mp4) or a folder (frames/)", result=result)
        )
    return name


def _sound(requested: str | None, source: Path, kind: str) -> Path | None:
    """Return the file whose sound goes with the result. Raises OptionError where there is none, before the work."""
    from realtime.video.sound_track import has_sound

    if requested == "none":
        return None
    if requested is None:
        return source if kind == "file" and source.is_file() and has_sound(source) else None
    sound = user_path(requested)
    if kind != "file":
        raise OptionError(_("--sound: pictures hold no sound; add it when you make a film of them"))
    if not sound.is_file():
        raise OptionError(_("--sound: no such file: {requested}; check the path", requested=requested))
    if not has_sound(sound):
        raise OptionError(
            _(
                "--sound: there is no sound in {requested}; name a film or a sound file (.wav, .mp3, .m4a)",
                requested=requested,
            )
        )
    return sound


def _require_keepable(sound: Path, result: Path) -> None:
    """Raise OutputError where a sound cannot go with a film of this kind: tried on two pictures, before the work."""
    from realtime.control.channel import ControlChannel
    from realtime.imaging.frame import Frame
    from realtime.outputs.recorder import Recorder
    from realtime.video.sound_track import with_sound_of

    film = temporary_name(result)
    try:
        with contextlib.closing(Recorder(str(film), outputs.OutputRequest(ControlChannel(), fps=1.0))) as recorder:
            for index in range(2):
                recorder.show(Frame(np.zeros((64, 64, 3), np.uint8), 0.0, float(index), index))
        with_sound_of(sound, film, film)
    except Exception as error:  # also what a library raises of a format it does not know
        log.debug("trying the sound", exc_info=error)
        reason = first_clause(error) if isinstance(error, OutputError) else _("its format is not known here")
        reason = reason.replace(str(film), str(result))
        begin = "" if "cannot" in reason else _("the sound of {sound} cannot be kept: ", sound=sound)
        raise OutputError(
            _(
                "{begin}{reason}; try another kind of film (.mkv), or leave it out: --sound none",
                begin=begin,
                reason=reason,
            )
        ) from error
    finally:
        remove(film)


def _add_sound(sound: Path, film: Path) -> None:
    """Put the sound into the film, and what the film tells of itself, which copying it packet by packet leaves out."""
    from realtime.disclosure import xmp
    from realtime.video.sound_track import with_sound_of

    packet = xmp.found_in(film)
    with_sound_of(sound, film, film)
    if packet:
        try:
            with film.open("r+b", buffering=0) as file:
                xmp.append_box(file, packet)
        except OSError as error:
            raise OutputError(
                _("cannot write {film}: {reason}; choose another folder", film=film, reason=error.strerror or error)
            ) from error


def _with_its_own_rate(options: Options) -> Options:
    """Leave out a rate that would not be kept: in a video every picture has a time of its own."""
    if options.fps is None or cameras.kind_of(options.source or "") != "video":
        return options
    log.warning(_("%s keeps its own times; --fps is for a folder of pictures"), options.source)
    return dataclasses.replace(options, fps=None)


def _signer(options: Options, result: Path) -> Signer:
    """Open the signer of a film, before the work. Raises OutputError."""
    from realtime.disclosure.c2pa import SIGNED_FILMS, Signer

    if result.suffix.lower() not in SIGNED_FILMS:
        raise OutputError(
            _(
                "{result} cannot be signed: C2PA knows {signed_films} only",
                result=result,
                signed_films=" and ".join(sorted(SIGNED_FILMS)),
            )
        )
    assert options.sign is not None  # noqa: S101 - asked for
    return Signer(options.sign)


def _require_free_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that holds anything but an earlier result: it is going to be replaced as a whole."""
    from realtime.outputs.picture_folder import is_numbered_picture

    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError(_("{folder} is a file; choose another name for the folder", folder=folder))
    inside = list(folder.iterdir())
    others = [path.name for path in inside if not is_numbered_picture(path)]
    if others:
        raise OutputError(
            _(
                "{folder}/ also holds other things ({others} …); choose a folder of its own",
                folder=folder,
                others=min(others),
            )
        )
    if inside and not overwrite:
        raise OutputError(_("{folder}/ holds pictures already; choose another name or add --overwrite", folder=folder))


def _of_one_picture(options: Options, arguments: argparse.Namespace) -> Options:
    """Return the options for one picture out of one: a few frames of it, so that a face has been found for certain and
    what moves has come to rest. Raises OptionError where more than one comes in.
    """
    if cameras.kind_of(options.source or "") != "still":
        raise OptionError(
            _(
                "{input} is more than one picture; name a film (out.mp4) or a folder (frames/) to render it into",
                input=arguments.input,
            )
        )
    given = options.frames is not None or options.seconds is not None
    return options if given else dataclasses.replace(options, frames=_FRAMES_OF_A_PICTURE)


def _require_an_end(options: Options) -> None:
    """Refuse a source that would fill the disk. Raises OptionError; CameraError where there is no such source."""
    endless = cameras.kind_of(options.source or "") in ("webcam", "still", "demo")
    if endless and options.frames is None and options.seconds is None:
        raise OptionError(
            _("{source} has no end; say how much of it to render with --seconds or --frames", source=options.source)
        )


def _options(arguments: argparse.Namespace) -> Options:
    options = option_reading.from_arguments(arguments)
    return dataclasses.replace(
        options,
        source=arguments.input,
        every_frame=True,
        loop=False,
        split=ONE_FILE,
        mirror=bool(options.mirror),
        effect=options.effect or (("none",) if options.scene is None else ()),
    )


def _render(options: Options, stats: RunStats, stop: StopRequest) -> RenderLoop:
    """Make every frame until the source, a limit or the user ends it; return the loop that did."""
    from tqdm import tqdm

    from realtime.session import assembly

    with progress_line() as progress:
        work = assembly.build(options, stop.heard_in(progress), stats)
    total = options.frames or work.loop.capture.info.frame_count
    with tqdm(total=total, unit=" frames", file=bar_stream(), desc="rendering", dynamic_ncols=True) as bar:

        def advance(processed: int) -> None:
            bar.update(processed - bar.n)

        work.supervisor.on_processed = advance
        stop.then(work.loop.stop)
        work.go(lambda code: leave_now(code or INTERRUPTED))
        advance(stats.processed)
    _tell_of_uneven_times(work.loop, options)
    failure = next((output.failure for output in stats.outputs if output.failure), "")
    if failure:  # while the film was being finished: the loop had come to its end by then
        raise OutputError(failure)
    return work.loop


def _tell_of_uneven_times(loop: RenderLoop, options: Options) -> None:
    """Warn where pictures in a folder, which all last equally long, lose the times of the film they come from."""
    info, last, count = loop.capture.info, loop.newest, loop.stats.processed
    into_folder = outputs.split_spec(options.output[0])[0] == "folder"
    if not into_folder or last is None or count < 2 or abs(last.pts_s - (count - 1) / info.fps) <= 1.5 / info.fps:
        return
    log.warning(
        _("the frames of %s are not evenly spaced, as these pictures will be: with --fps %.3f they last as long"),
        info.name,
        (count - 1) / last.pts_s,
    )
