"""The rows of the fault table: what is broken, what must become of it, and how that is looked at."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import av
import av.error

from tools.faults.parts import PICTURES

BEGINS_S, LASTS_S, AFTER_S = 2.0, 3.0, 3.0
"""A fault begins two seconds after the first picture, lasts for three, and is watched for three more."""
BACK_WITHIN_S, ENDS_WITHIN_S, STARTS_WITHIN_S = 2.0, 3.0, 40.0
MOST_LINES = 4
NEVER_S = 1e9

GOES_ON = "goes on, or is back ≤ 2 s"
SAID_AND_ENDED = "said within 7 s, ended within 20 s with code 75, film whole"
BEGUN_ANEW_AND_ENDED = "said within 7 s, begun anew five times, ended within 70 s with code 75, film whole"
KNOWN_AFTER_S = 6.0
ONCE_S = 0.6
"""Long enough for one call to fall into it, and for none of its successor's."""
ENDS_AT_ONCE = "Ctrl-C ends it ≤ 3 s with code 0, film whole"

Outcome = tuple[str, list[str]]
"""What it did, and what was wrong with that."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One thing that breaks."""

    name: str
    must: str
    tried: Callable[[Path], Outcome]


class Program:
    """A running program with a plan of faults, a recording beside, and a log of its pictures."""

    def __init__(
        self,
        folder: Path,
        words: Sequence[str],
        *,
        plan: Mapping[str, object] = MappingProxyType({}),
        film: bool = True,
        before: str = "",
        errors: str = "",
        parts: bool = True,
    ) -> None:
        """`before`: a shell's words in front, `ulimit -v 900000;`; `errors`: where its errors go, `2>/dev/full`;
        `parts`: False: the program itself, as it is started by everybody, without parts of ours.
        """
        for old in folder.iterdir():
            old.unlink()
        self.folder = folder
        self.film = folder / "film.mp4"
        self.pictures = folder / "pictures.jsonl"
        self.pictures.touch()
        self.lines = folder / "lines.txt"
        (folder / "plan.json").write_text(json.dumps({**plan, "log": str(self.pictures)}), encoding="utf-8")
        outputs = ["--output", "none", *(["--output", str(self.film)] if film else [])]
        source = [] if "--source" in words else ["--source", "0"]
        module = ["tools.faults.parts", str(folder / "plan.json")] if parts else ["realtime"]
        called = [sys.executable, "-m", *module, "run", *source, *words, *outputs]
        quoted = " ".join(f"'{word}'" for word in called)
        self.process = subprocess.Popen(
            ["bash", "-c", f"{before} exec {quoted} {errors or f'2>{self.lines}'}"],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.ended_in_s = 0.0

    def wait_for_picture(self) -> bool:
        """Wait for the first picture. False: there was none."""
        end_s = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < end_s and self.process.poll() is None:
            if self.pictures.stat().st_size:
                return True
            time.sleep(0.02)
        return bool(self.pictures.stat().st_size)

    def watch(self, seconds: float) -> bool:
        """Let it run. False: it has ended by itself."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def end(self, sign: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and return the exit code."""
        began_s = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(sign)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.ended_in_s = time.monotonic() - began_s
        return self.process.returncode

    def said(self) -> list[str]:
        """Return its lines, but for the summary at the end."""
        if not self.lines.exists():
            return []
        lines = self.lines.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if not re.search(r"\d+ frames in [\d.]+ s", line)]

    def shown(self) -> list[tuple[float, float]]:
        """Return when each new picture was shown, in seconds, and how much of the camera's face was in it."""
        pictures = [json.loads(line) for line in self.pictures.read_text(encoding="utf-8").splitlines()]
        return [(one["new_at_s"], one["bare"]) for one in pictures if "new_at_s" in one]


def film_seconds(path: Path) -> float:
    """Return how long a film plays, decoded to its end; 0 where it cannot be."""
    last_s = 0.0
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                last_s = max(last_s, float(frame.time or 0.0))
    except (OSError, av.error.FFmpegError):
        return 0.0
    return last_s


def _common_faults(
    program: Program, code: int, *, hides: bool, lives_s: float, most_lines: int = MOST_LINES
) -> list[str]:
    faults = []
    if code != 0:
        faults.append(f"exit code {code}")
    if program.ended_in_s > ENDS_WITHIN_S:
        faults.append(f"exit takes {program.ended_in_s:.0f} s")
    bare = max((share for _, share in program.shown()), default=0.0)
    if hides and bare > 0.5:
        faults.append(f"the real face is shown ({bare:.0%})")
    plays_s = film_seconds(program.film)
    if program.film.exists() and plays_s < lives_s - 2.0:
        faults.append(f"the film ends after {plays_s:.1f} of {lives_s:.1f} s")
    said = program.said()
    if len(said) > most_lines:
        faults.append(f"{len(said)} lines said")
    if any("Traceback" in line for line in said):
        faults.append("a traceback")
    return faults


def _told(program: Program, code: int, gap_s: float) -> str:
    said = program.said()
    words = f"{len(said)} lines: «{said[0][:90]}»".replace("|", "/") if said else "nothing said"
    return f"gap {gap_s:.1f} s, exit {code} in {program.ended_in_s:.1f} s, {words}"


def fault_row(
    name: str,
    effect: str,
    part: str,
    fault: str,
    *,
    begins_s: float = BEGINS_S,
    lasts_s: float = LASTS_S,
    back_s: float = BACK_WITHIN_S,
) -> Row:
    """A part that fails for some seconds: the picture goes on, or is back."""

    def tried(folder: Path) -> Outcome:
        plan = {"part": part, "fault": fault, "begins_s": begins_s, "ends_s": begins_s + lasts_s}
        program = Program(folder, ["--effect", effect], plan=plan)
        if not program.wait_for_picture():
            return "no picture", [f"did not start: {program.end()}"]
        lives_s = begins_s + lasts_s + max(AFTER_S, back_s + 1.0)
        faults = [] if program.watch(lives_s) else ["the run ends"]
        code = program.end()
        times = [time_s for time_s, _ in program.shown()]
        until_s = min(lives_s, times[-1] + 60) if times else lives_s
        gap_s = max((b - a for a, b in zip(times, [*times[1:], until_s], strict=True)), default=lives_s)
        back = [time_s - begins_s - lasts_s for time_s in times if time_s > begins_s + lasts_s]
        if not back or back[0] > back_s:
            faults.append(f"picture back {back[0]:.1f} s after the fault" if back else "no picture after the fault")
        faults += _common_faults(program, code, hides=effect.startswith(("portrait", "swap")), lives_s=lives_s - 1.0)
        return _told(program, code, gap_s), faults

    return Row(name, GOES_ON if back_s == BACK_WITHIN_S else f"goes on, or is back ≤ {back_s:.0f} s", tried)


def hang_row(name: str, effect: str, part: str, fault: str = "hangs", *, code: int = 75, anew: bool = False) -> Row:
    """A part that never returns: it is said, and the run is ended with a code to start it again on. `anew`: each of its
    successors hangs as well, until the limit is reached.
    """

    def tried(folder: Path) -> Outcome:
        begins_s = KNOWN_AFTER_S if anew else BEGINS_S
        plan = {"part": part, "fault": fault, "begins_s": begins_s, "ends_s": NEVER_S}
        program = Program(folder, ["--effect", effect], plan=plan)
        if not program.wait_for_picture():
            return "no picture", [f"did not start: {program.end()}"]
        program.watch(begins_s + 7.0)
        early = program.said()
        faults = [] if early else ["nothing said after 7 s"]
        if program.watch(64.0 if anew else 14.0):
            faults.append(f"still there after {70 if anew else 20} s")
        end = program.end()
        faults += [
            fault
            for fault in _common_faults(
                program, end, hides=True, lives_s=BEGINS_S, most_lines=12 if anew else MOST_LINES
            )
            if "exit code" not in fault
        ]
        if end != code:
            faults.append(f"exit code {end}")
        return _told(program, end, 0.0), faults

    return Row(name, BEGUN_ANEW_AND_ENDED if anew else SAID_AND_ENDED, tried)


def once_row(name: str, effect: str, part: str, fault: str = "hangs") -> Row:
    """A part that hangs or dies once, and is begun anew alone: the picture is back two seconds later. It has worked for
    long enough to be known before.
    """
    row = fault_row(name, effect, part, fault, begins_s=KNOWN_AFTER_S, lasts_s=ONCE_S, back_s=BACK_WITHIN_S - ONCE_S)
    return dataclasses.replace(row, must="begun anew alone, back ≤ 2 s")


def end_row(name: str, effect: str, part: str, fault: str = "hangs", *, after_s: float = 2.0) -> Row:
    """Ctrl-C while a part hangs."""

    def tried(folder: Path) -> Outcome:
        plan = {"part": part, "fault": fault, "begins_s": BEGINS_S, "ends_s": NEVER_S}
        program = Program(folder, ["--effect", effect], plan=plan)
        if not program.wait_for_picture():
            return "no picture", [f"did not start: {program.end()}"]
        program.watch(BEGINS_S + after_s)
        code = program.end()
        return _told(program, code, 0.0), _common_faults(program, code, hides=True, lives_s=BEGINS_S)

    return Row(name, ENDS_AT_ONCE, tried)


def opening_row(name: str, effect: str, part: str) -> Row:
    """Ctrl-C while something that hangs is opened, before there is a picture."""

    def tried(folder: Path) -> Outcome:
        program = Program(folder, ["--effect", effect], plan={"part": part, "fault": "hangs"}, film=False)
        program.watch(5.0)
        code = program.end()
        faults = [fault for fault in _common_faults(program, code, hides=True, lives_s=0) if "exit code" not in fault]
        if code not in (0, 130):
            faults.append(f"exit code {code}")
        return _told(program, code, 0.0), faults

    return Row(name, "Ctrl-C ends it ≤ 3 s with code 0 or 130, one line", tried)


def signal_row(name: str, send: Callable[[Program], int], *, before: str = "", goes_on: bool = False) -> Row:
    def tried(folder: Path) -> Outcome:
        program = Program(folder, ["--effect", "portrait"], before=before)
        if not program.wait_for_picture():
            return "no picture", [f"did not start: {program.end()}"]
        program.watch(3.0)
        code = send(program)
        faults = []
        if goes_on:
            if not program.watch(2.0):
                faults.append("ended by what it was to ignore")
            code = program.end(signal.SIGTERM)
        return _told(program, code, 0.0), faults + _common_faults(program, code, hides=True, lives_s=3.0)

    return Row(name, "goes on: it is to be ignored" if goes_on else "film whole, exit ≤ 3 s, code 0", tried)


def early_row(sign: signal.Signals) -> Row:
    """Signals in the first two seconds, at ten moments."""

    def tried(folder: Path) -> Outcome:
        codes, faults = [], []
        for moment in range(10):
            program = Program(folder, ["--effect", "portrait", "--source", "demo"], parts=False)
            program.watch(0.2 + 0.2 * moment)
            code = program.end(sign)
            codes.append(code)
            lines = program.said()
            if code not in (0, 130, -sign) or program.ended_in_s > ENDS_WITHIN_S:
                faults.append(f"exit code {code} in {program.ended_in_s:.1f} s")
            is_pythons = not any("realtime" in line for line in lines)  # ended before the first line of ours
            if not is_pythons and (any("Traceback" in line for line in lines) or len(lines) > MOST_LINES):
                faults.append(f"{len(lines)} lines: {lines[-1][:60]}")
            left = [path.name for path in folder.iterdir() if path.suffix == ".mp4" and not path.stat().st_size]
            if left:
                faults.append(f"left {left}")
        return f"codes {codes}", faults

    return Row(f"{sign.name} in the first two seconds, at 10 moments", "one line, no traceback, nothing left", tried)


def limit_row(megabytes: int, effect: str) -> Row:
    def tried(folder: Path) -> Outcome:
        words = ["--effect", effect, "--source", "demo", "--frames", "60"]
        program = Program(folder, words, before=f"ulimit -v {megabytes}000;", parts=False)
        program.watch(STARTS_WITHIN_S)
        code = program.end()
        lines = program.said()
        faults = []
        if code != 0 and (code != 2 or not lines):
            faults.append(f"exit code {code}, {len(lines)} lines")
        return _told(program, code, 0.0), faults

    return Row(f"started with ulimit -v {megabytes} MB ({_short(effect)})", "runs, or one line and code 2", tried)


def _blocked_log(folder: Path) -> Outcome:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    plan = {"part": "camera", "fault": "unplugged", "begins_s": BEGINS_S, "ends_s": BEGINS_S + 2}
    try:
        os.set_blocking(writing, False)
        while True:
            try:
                os.write(writing, b"x" * 4096)  # fill it, so that the very first line has no room
            except BlockingIOError:
                break
        os.set_blocking(writing, True)
        program = Program(folder, ["--effect", "portrait"], plan=plan, errors=f"2>/proc/{os.getpid()}/fd/{writing}")
        if not program.wait_for_picture():
            return "no picture", [f"did not start: {program.end()}"]
        program.watch(7.0)
        code = program.end()
    finally:
        os.close(reading)
        os.close(writing)
    last_s = program.shown()[-1][0]
    faults = _common_faults(program, code, hides=True, lives_s=6.0)
    return _told(program, code, 0.0), faults + (["the picture stands"] if last_s < 6.0 else [])


def _error_row(name: str, errors: str) -> Row:
    def tried(folder: Path) -> Outcome:
        plan = {"part": "effect", "fault": "raises", "begins_s": BEGINS_S, "ends_s": BEGINS_S + 1}
        program = Program(folder, ["--effect", "portrait"], plan=plan, errors=errors)
        if not program.wait_for_picture():
            return "no picture", [f"did not start: {program.end()}"]
        faults = [] if program.watch(4.0) else ["the run ends"]
        code = program.end()
        return _told(program, code, 0.0), faults + _common_faults(program, code, hides=True, lives_s=3.0)

    return Row(name, "goes on, code 0", tried)


def _deleted_film(folder: Path) -> Outcome:
    program = Program(folder, ["--effect", "none"])
    if not program.wait_for_picture():
        return "no picture", [f"did not start: {program.end()}"]
    program.watch(2.0)
    program.film.unlink()
    faults = [] if program.watch(5.0) else ["the run ends"]
    code = program.end()
    if not any("film.mp4" in line for line in program.said()):
        faults.append("nobody is told")
    return _told(program, code, 0.0), faults + _common_faults(program, code, hides=False, lives_s=0.0)


def _standing_pipe(folder: Path) -> Outcome:
    reading, writing = os.pipe()
    try:
        words = ["--effect", "none", "--output", "-"]
        program = Program(folder, words, errors=f"1>/proc/{os.getpid()}/fd/{writing} 2>{folder / 'lines.txt'}")
        if not program.wait_for_picture():
            return "no picture", [f"did not start: {program.end()}"]
        faults = [] if program.watch(8.0) else ["the run ends"]
        code = program.end()
    finally:
        os.close(reading)
        os.close(writing)
    if not any("standard output" in line and "no picture" in line for line in program.said()):
        faults.append("nobody is told that it stands")
    return _told(program, code, 0.0), faults + _common_faults(program, code, hides=False, lives_s=7.0)


def _leaping_film(folder: Path) -> Outcome:
    """A recording whose clock leaps by an hour in its middle plays on at once, twice."""
    film = folder.parent / "leap.mkv"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(60):
            frame = av.VideoFrame(160, 96, "yuv420p")
            frame.pts = number + (3600 * 30 if number >= 30 else 0)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    program = Program(folder, ["--effect", "none", "--source", str(film), "--loop"], film=False)
    program.watch(9.0)
    code = program.end()
    count = len(program.shown())
    faults = _common_faults(program, code, hides=False, lives_s=0.0)
    return f"{count} pictures in some 7 s; {_told(program, code, 0.0)}", faults + (["it stands"] if count < 100 else [])


def _short(effect: str) -> str:
    return effect.partition(":")[0]


def table(photo: Path | None) -> Iterator[Row]:
    """Yield every row."""
    chosen = ["portrait", *([f"swap:{photo}"] if photo else [])]
    yield from _camera_rows(chosen)
    yield from _detector_rows(chosen)
    yield from _effect_rows(chosen)
    for fault in ("fails", "raises", "calls sys.exit", "hangs"):
        yield Row(f"output {fault}", "the others go on", _output_row(fault))
    for fault in ("hangs", "dies"):
        yield once_row(f"output {fault} once", "portrait", "output", fault)
    yield hang_row("window hangs", "portrait", "window")
    yield end_row("window hangs, Ctrl-C", "portrait", "window")
    yield from _signal_rows()
    for megabytes in (1500, 900, 600, 300):
        for effect in chosen:
            yield limit_row(megabytes, effect)
    yield Row("error output: its reader stands still", "the picture goes on, Ctrl-C ends it", _blocked_log)
    yield _error_row("error output: full", "2>/dev/full")
    yield _error_row("error output: closed", "2>&-")
    yield _error_row("error output: its reader is gone", "2> >(true)")
    yield Row("recording deleted", "goes on, said", _deleted_film)
    yield Row("pipe: its reader stops reading", "the film goes on; said; Ctrl-C ends it ≤ 3 s", _standing_pipe)
    yield Row("a recording's clock leaps by an hour", "played on at once, said once", _leaping_film)


def _camera_rows(chosen: Sequence[str]) -> Iterator[Row]:
    faults: tuple[str, ...] = (
        "raises",
        "raises MemoryError",
        "calls sys.exit",
        "unplugged",
        "opens and fails",
        "an array",
    )
    faults += ("clock back", "clock forward", "clock NaN")
    for fault in (*faults, *PICTURES):
        for effect in ("none", *chosen[1:]):
            yield fault_row(f"camera {fault} ({_short(effect)})", effect, "camera", fault)
    for fault in ("silent", "silent, and no new thread"):
        for effect in chosen:
            yield fault_row(f"camera {fault} for 8 s ({_short(effect)})", effect, "camera", fault, lasts_s=8.0)
    for effect in chosen:
        yield once_row(f"camera thread dies ({_short(effect)})", effect, "camera", "dies")
    yield end_row("camera hangs, Ctrl-C", "portrait", "camera")


def _detector_rows(chosen: Sequence[str]) -> Iterator[Row]:
    faults: tuple[str, ...] = (
        "raises",
        "raises every 7th",
        "raises new words",
        "calls sys.exit",
        "hangs 3 s",
        "empty boxes",
    )
    faults += (
        "negative boxes",
        "NaN boxes",
        "infinite boxes",
        "huge boxes",
        "NaN keypoints",
        "three keypoints",
        "None",
    )
    faults += ("words", "blind", "5000 faces")
    for effect in chosen:
        for fault in faults:
            yield fault_row(f"detector {fault} ({_short(effect)})", effect, "detector", fault)
        yield once_row(f"detector hangs once ({_short(effect)})", effect, "detector")
        yield once_row(f"detector dies ({_short(effect)})", effect, "detector", "dies")
        yield hang_row(f"detector hangs ({_short(effect)})", effect, "detector", anew=True)
        yield end_row(f"detector hangs, Ctrl-C ({_short(effect)})", effect, "detector")
    yield opening_row("opening the detector hangs, Ctrl-C", "portrait", "opening the detector")
    for effect in chosen[1:]:
        for fault in ("raises", "NaN", "huge", "elsewhere"):
            yield fault_row(f"mesh {fault} ({_short(effect)})", effect, "mesh", fault)
        yield once_row(f"mesh hangs once ({_short(effect)})", effect, "mesh")
        yield hang_row(f"mesh hangs ({_short(effect)})", effect, "mesh", anew=True)


def _effect_rows(chosen: Sequence[str]) -> Iterator[Row]:
    faults: tuple[str, ...] = (
        "raises",
        "raises every 7th",
        "raises new words",
        "raises MemoryError",
        "calls sys.exit",
        "hangs 3 s",
    )
    faults += ("nothing", "an array")
    for effect in chosen:
        for fault in (*faults, *PICTURES):
            if fault not in ("black", "noise", "read only"):
                yield fault_row(f"effect {fault} ({_short(effect)})", effect, "effect", fault)
        yield once_row(f"effect hangs once ({_short(effect)})", effect, "effect")
        yield once_row(f"effect dies ({_short(effect)})", effect, "effect", "dies")
        yield hang_row(f"effect hangs ({_short(effect)})", effect, "effect", anew=True)
        yield end_row(f"effect hangs, Ctrl-C ({_short(effect)})", effect, "effect")
    for method in ("report", "facts", "provider", "close", "patience_s", "uses_faces", "hides_identity", "synthetic"):
        yield fault_row(f"effect's {method} raises", "portrait", f"effect {method}", "raises")
    for method in ("report", "facts", "provider"):
        yield hang_row(f"effect's {method} hangs", "portrait", f"effect {method}")
        yield end_row(f"effect's {method} hangs, Ctrl-C", "portrait", f"effect {method}")
    yield end_row("effect's close hangs, Ctrl-C", "portrait", "effect close")
    yield opening_row("opening the effect hangs, Ctrl-C", "portrait", "opening the effect")


def _output_row(fault: str) -> Callable[[Path], Outcome]:
    def tried(folder: Path) -> Outcome:
        plan = {"part": "output", "fault": fault, "begins_s": BEGINS_S, "ends_s": NEVER_S}
        program = Program(folder, ["--effect", "portrait"], plan=plan)
        if not program.wait_for_picture():
            return "no picture", [f"did not start: {program.end()}"]
        faults = [] if program.watch(9.0) else ["the run ends"]
        code = program.end()
        if not program.said():
            faults.append("nothing said")
        return _told(program, code, 0.0), faults + _common_faults(program, code, hides=True, lives_s=8.0)

    return tried


def _signal_rows() -> Iterator[Row]:
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        yield signal_row(f"{sign.name} while recording", lambda program, sign=sign: program.end(sign))  # type: ignore[misc]
        yield early_row(sign)
    yield signal_row("nohup, then the terminal hangs up", _hang_up, before="trap '' HUP;", goes_on=True)
    yield signal_row("started to ignore SIGINT, Ctrl-C of another", _ctrl_c, before="trap '' INT;", goes_on=True)


def _hang_up(program: Program) -> int:
    program.process.send_signal(signal.SIGHUP)
    return 0


def _ctrl_c(program: Program) -> int:
    program.process.send_signal(signal.SIGINT)
    return 0
