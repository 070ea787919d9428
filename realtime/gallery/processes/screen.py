"""One screen of a gallery, in a process of its own: a run whose effect the programme decides.

Standard input is its lifeline and tells in its first line what hangs and what hung before; each line of standard output
tells what it shows (`reports.py`).
"""

from __future__ import annotations

import dataclasses
import logging
import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from realtime import outputs
from realtime.control.channel import ControlChannel, Status
from realtime.control.commands import Quit
from realtime.control.front_end import FrontEnd
from realtime.core.errors import CameraError, OutputError, RealtimeError
from realtime.core.language import N_, _
from realtime.core.settings import Value
from realtime.core.stats import RunStats
from realtime.gallery.config import Gallery, Item, Screen
from realtime.gallery.config_file import read_gallery
from realtime.gallery.processes.reports import NO_SCREEN, Beginning, Doing, Memory, ScreenReport, read_beginning
from realtime.gallery.programme.overrides import Overrides
from realtime.gallery.programme.player import ProgrammePlayer
from realtime.gallery.programme.schedule import Programme
from realtime.session.assembly import Run, build
from realtime.session.beside import MakeFrontEnd
from realtime.session.effect_opening import SettingsOf
from realtime.system.console import progress_line
from realtime.system.signals import leave_now

log = logging.getLogger(__name__)

WALL_OUTPUT = "kiosk" if "kiosk" in outputs.OUTPUTS else "fullscreen"
RESTS = N_("this screen rests on a still after ten restarts in an hour; it is tried again within the hour")

_STDIN, _STDOUT = 0, 1
_REPORT_EVERY_S = 1.0
_LONGEST_FIRST_LINE = 1_000_000
_ENDS_WITHIN_S = 2.5


def run_screen(path: Path, name: str, *, rests: bool = False) -> int:
    """Show a screen of a gallery's file until its lifeline is cut or somebody ends it; return the exit code, NO_SCREEN
    where that is not there. Main thread. Raises any other RealtimeError that ended it. `rests`: a still of the
    portrait, and nothing that can fail.
    """
    lifeline = Lifeline()
    beginning = lifeline.first_line()
    lifeline.start()
    gallery = read_gallery(path, None if beginning.file is None else beginning.file.encode())
    screen, memory = gallery.screen(name), beginning.memory
    overrides = Overrides(memory.overrides)
    try:
        with progress_line() as progress, _StartReporter(progress) as starting:
            run = (
                _rest(gallery, screen, lifeline)
                if rests
                else _open(gallery, screen, memory, overrides, lifeline, starting.progress)
            )
        run.go(leave_now)
    except OutputError as error:
        log.error("%s", error)
        return NO_SCREEN
    return 0


def _rest(gallery: Gallery, screen: Screen, lifeline: Lifeline) -> Run:
    from realtime.gallery.processes.resting import RestingPicture, still_of

    picture = still_of(screen.items)
    options = dataclasses.replace(
        gallery.run_options(screen, _output(screen), screen.items[0]), effect=("none",), set=()
    )

    def beside(controls: ControlChannel) -> FrontEnd:
        controls.notice = _(RESTS)
        lifeline.on_cut = lambda: controls.send(Quit())
        return ScreenReporter(controls, None, Overrides())

    return build(options, lambda what, share: None, RunStats(), [beside], source=lambda: RestingPicture(picture))


def _open(
    gallery: Gallery,
    screen: Screen,
    memory: Memory,
    overrides: Overrides,
    lifeline: Lifeline,
    progress: Callable[[str, float], None],
) -> Run:
    """Open what hangs, or the next item that can be opened. Raises the RealtimeError of the last one."""
    chance = random.Random()  # noqa: S311 - nothing is secret about it
    programme = Programme(screen.items, gallery.hours, gallery.order, pause_s=gallery.pause_s, chance=chance)
    programme.resume(memory.item, time.time() - memory.since_s, time.monotonic())
    settings_of: dict[str, dict[str, Value]] = {}
    for item in screen.items:  # what all items of one effect agree on; the rest is set when one of them hangs
        before = settings_of.get(item.spec, item.settings)
        settings_of[item.spec] = {
            name: value for name, value in item.settings.items() if before.get(name, ...) == value
        }
    failure: RealtimeError | None = None
    for _unused in screen.items:
        programme.look(time.time(), time.monotonic(), 0)
        item = programme.current or screen.items[0]
        try:
            return _open_item(gallery, screen, programme, item, overrides, lifeline, progress, settings_of)
        except (OutputError, CameraError):
            raise  # no other item would be better off
        except RealtimeError as error:
            log.warning(_("%s is left out of this round: %s"), item.name, error)
            programme.leave_out(item, time.monotonic())
            failure = error
    assert failure is not None  # noqa: S101 - there is at least one item
    raise failure


def _open_item(
    gallery: Gallery,
    screen: Screen,
    programme: Programme,
    item: Item,
    overrides: Overrides,
    lifeline: Lifeline,
    progress: Callable[[str, float], None],
    settings_of: SettingsOf,
) -> Run:
    players: list[ProgrammePlayer] = []

    def play(controls: ControlChannel) -> FrontEnd:
        players.append(ProgrammePlayer(controls, programme, item, overrides, fade_s=gallery.fade_s))
        lifeline.on_cut = lambda: controls.send(Quit())
        return players[0]

    beside: list[MakeFrontEnd] = [play, lambda controls: ScreenReporter(controls, players[0], overrides)]
    options = gallery.run_options(screen, _output(screen), item)
    return build(options, progress, RunStats(), beside, settings_of=settings_of, is_closed=programme.is_closed)


class _StartReporter:
    """Tells the supervisor now and then that what is to hang gets on with being opened, or made."""

    def __init__(self, progress: Callable[[str, float], None]) -> None:
        """`progress`: who else is told."""
        self._progress = progress
        self._writer = _LineWriter(_STDOUT)
        self._told_at_s = 0.0

    def __enter__(self) -> Self:
        self._writer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.close()

    def progress(self, what: str, share: float) -> None:
        """As `progress_line`'s. Any thread, one at a time."""
        now_s = time.monotonic()
        if now_s - self._told_at_s >= _REPORT_EVERY_S:
            self._told_at_s = now_s
            self._writer.put(ScreenReport("starts").line())
        self._progress(what, share)


def _output(screen: Screen) -> str:
    return f"{WALL_OUTPUT}:{screen.screen}"


class ScreenReporter(FrontEnd):
    """Tells the supervisor each second what is shown, and at once where that changes."""

    def __init__(self, controls: ControlChannel, player: ProgrammePlayer | None, overrides: Overrides) -> None:
        """`player`: None: the screen rests."""
        self._controls, self._player, self._overrides = controls, player, overrides
        self._writer = _LineWriter(_STDOUT)
        self._told = ScreenReport()
        self._told_at_s = 0.0

    def start(self) -> None:
        self._writer.start()

    def look_after(self) -> None:
        report = self._report(self._controls.status)
        now_s = time.monotonic()
        is_new = (report.doing, report.item, report.overrides) != (
            self._told.doing,
            self._told.item,
            self._told.overrides,
        )
        if is_new or now_s - self._told_at_s >= _REPORT_EVERY_S:
            self._told, self._told_at_s = report, now_s
            self._writer.put(report.line())

    def close(self) -> None:
        self._writer.close()

    def _report(self, status: Status) -> ScreenReport:
        programme = status.programme
        return ScreenReport(
            doing=self._doing(status),
            frames=status.frames,
            item=self._player.item if self._player else "",
            since_s=round(self._player.shown_since_s, 1) if self._player else 0.0,
            following=programme.following if programme else "",
            changes_at=programme.changes_at if programme else "",
            faces=status.faces,
            fps=round(status.fps, 1),
            restarts=dict(status.restarts),
            overrides=self._overrides.as_json(),
        )

    def _doing(self, status: Status) -> Doing:
        if self._player is None:
            return "rests"
        if status.blank or self._player.is_blank:
            return "blank"
        if status.paused:
            return "stands"
        return "waits" if status.source_lost else "shows"


class Lifeline:
    """Standard input: its first line tells what hangs and what hung before, its end that the supervisor is gone."""

    def __init__(self) -> None:
        self.on_cut: Callable[[], None] = lambda: None
        """[its thread] Called when the supervisor is gone or wishes the end; the process is ended soon after in any
        case."""
        self._is_cut = False

    def first_line(self) -> Beginning:
        """Wait for the first line, and return what it tells."""
        data = bytearray()
        while not data.endswith(b"\n") and len(data) < _LONGEST_FIRST_LINE:
            byte = os.read(_STDIN, 1)  # not a letter more: what follows is the thread's
            if not byte:
                self._is_cut = True
                break
            data += byte
        return read_beginning(bytes(data))

    def start(self) -> None:
        """Hear when it is cut, from now on."""
        threading.Thread(target=self._hear, name="lifeline", daemon=True).start()

    def _hear(self) -> None:
        try:
            while not self._is_cut and os.read(_STDIN, 1024):
                pass
        except OSError:  # it was closed in a harder way
            pass
        self.on_cut()
        time.sleep(_ENDS_WITHIN_S)
        leave_now(0)


class _LineWriter:
    """Writes lines on a thread of its own, because their reader may stand still. The newest replaces one that waits."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._changed = threading.Condition()
        # Guarded by _changed:
        self._line: bytes | None = None
        self._is_over = False

    def start(self) -> None:
        threading.Thread(target=self._run, name="reports", daemon=True).start()

    def put(self, line: bytes) -> None:
        with self._changed:
            self._line = line
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._line is not None or self._is_over)
                line, self._line = self._line, None
            if line is None:
                return
            try:
                rest = memoryview(line)
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            except OSError:  # the supervisor is gone: the lifeline tells, too
                return
