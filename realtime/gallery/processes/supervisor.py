"""The supervisor of a gallery: one process for each screen, watched, started again, and ended in order."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from realtime.core.errors import OptionError, OutputError, RealtimeError
from realtime.core.language import _
from realtime.gallery.config import Gallery, Screen, screens_of
from realtime.gallery.config_file import read_gallery
from realtime.gallery.processes.camera_process import CameraProcess
from realtime.gallery.processes.journal import Journal
from realtime.gallery.processes.keeper import REST_S, STARTS_WITHIN_S, Keeper
from realtime.gallery.processes.notify import ServiceNotifier
from realtime.gallery.processes.reports import NO_SCREEN, Beginning, Memory, ScreenReport, read_report
from realtime.gallery.processes.single import only_supervisor
from realtime.gallery.processes.state import (
    GalleryState,
    ScreenState,
    fingerprint_of,
    gallery_folder,
    read_state,
    write_state,
)
from realtime.gallery.processes.watched_file import WatchedFile
from realtime.system.processor_share import CountedTime
from realtime.system.signals import graceful_shutdown

log = logging.getLogger(__name__)

_BEAT_S = 0.2
_SAVE_EVERY_S = 60.0
_SAVE_CHANGES_EVERY_S = 1.0
_ALIVE_EVERY_S = 5.0
_ENDS_WITHIN_S = 2.8
_LONGEST_LINE = 300_000
_MOST_LINES = 200

SetStandby = Callable[[bool], str]
"""Puts screens to sleep, or wakes them; returns in a line what was done, or why it could not be."""


class ScreenProcess:
    """A child process, and what it tells. Its pipes are read on threads of their own; the rest: main thread."""

    def __init__(self, command: Sequence[str], beginning: Beginning) -> None:
        """Raises OSError where no process can be started."""
        self.is_asked_to_end = False
        self.report: ScreenReport | None = None
        """What it told last."""
        self.reports = 0
        """How often it has."""
        self._lock = threading.Lock()
        self._lines: list[str] = []  # guarded by _lock
        # Ctrl-C in a terminal is for the supervisor, which ends its screens in order.
        flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=os.name != "nt",
            creationflags=flags,
        )
        self._readers = [
            threading.Thread(target=self._tell, args=(beginning.line(),), name="screen-beginning", daemon=True),
            threading.Thread(target=self._read_reports, name="screen-reports", daemon=True),
            threading.Thread(target=self._read_lines, name="screen-lines", daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def process_id(self) -> int:
        """As the system counts it."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Return how it ended; None: it runs."""
        return self._process.poll()

    def lines(self) -> list[str]:
        """Return what it has said since the last time."""
        with self._lock:
            lines, self._lines = self._lines, []
        return lines

    def ask_to_end(self) -> None:
        """Cut its lifeline: it ends in order."""
        self.is_asked_to_end = True
        if self._process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                self._process.stdin.close()

    def kill(self) -> None:
        """End it at once, whatever it is at."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def wait(self, within_s: float) -> bool:
        """Wait until it has ended, at most so long; whether it has."""
        try:
            self._process.wait(timeout=max(0.01, within_s))
        except subprocess.TimeoutExpired:
            return False
        return True

    def close(self) -> None:
        """Give its pipes back, after it has ended."""
        self.ask_to_end()
        for reader in self._readers:  # what it said last is read to its end; a grandchild may hold a pipe open
            reader.join(timeout=0.5)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None and not any(reader.is_alive() for reader in self._readers):
                pipe.close()

    def _tell(self, line: bytes) -> None:
        with contextlib.suppress(OSError, ValueError):  # it has ended before it could be told
            if self._process.stdin is not None:
                self._process.stdin.write(line)
                self._process.stdin.flush()

    def _read_reports(self) -> None:
        for line in _lines_of(self._process.stdout):
            report = read_report(line)
            if report is not None:
                self.report = report
                self.reports += 1

    def _read_lines(self) -> None:
        for line in _lines_of(self._process.stderr):
            text = line.decode("utf-8", "replace").strip().removeprefix("realtime: ")
            with self._lock:
                if text and len(self._lines) < _MOST_LINES:
                    self._lines.append(text)


def _lines_of(pipe: IO[bytes] | None) -> list[bytes] | _Lines:
    return [] if pipe is None else _Lines(pipe)


class _Lines:
    """The lines of a pipe, none longer than may be."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> bytes:
        try:
            line = self._pipe.readline(_LONGEST_LINE)
        except (OSError, ValueError):
            raise StopIteration from None
        if not line:
            raise StopIteration
        return line


class ScreenKeeper:
    """One screen: its process, what is known of it, and what becomes of it. Main thread."""

    def __init__(
        self, gallery: Gallery, screen: Screen, journal: Journal, state: ScreenState, at_s: float, now_s: float
    ) -> None:
        self.screen = screen
        self.memory = state.memory
        self.has_user_ended = False
        """Whether somebody ended it at the screen itself."""
        ages_s = [now_s - one for one in state.restarts_at_s]
        self.keeper = Keeper([at_s - age_s for age_s in ages_s if 0 <= age_s < REST_S])
        self._gallery, self._journal = gallery, journal
        self._process: ScreenProcess | None = None
        self._heard = 0
        self._end_by_s: float | None = None
        self._looked_at_s = at_s
        self._counted = CountedTime()

    @property
    def report(self) -> ScreenReport | None:
        """What it told last, since its first picture."""
        report = self._process.report if self._process else None
        return None if report is None or report.is_before_first_picture else report

    def look(self, at_s: float) -> None:
        """Start it, hear it, end it, as is due."""
        passed_s, self._looked_at_s = at_s - self._looked_at_s, at_s
        if self._process is None:
            if at_s >= self.keeper.starts_at_s:
                self._start(at_s)
            return
        self._hear(self._process, at_s)
        self._excuse(passed_s, at_s)
        code = self._process.exit_code()
        if code is not None:
            self._ended(self._process, code, at_s)
            return
        fault = self.keeper.fault(at_s)
        if fault:
            self._say(_("{fault}; it is ended and started again", fault=fault))
            self._process.kill()
        elif self.keeper.has_rested(at_s):
            self._say(_("has rested for an hour and is tried again"))
            self._process.ask_to_end()
            self._end_by_s = at_s + _ENDS_WITHIN_S
        elif self._end_by_s is not None and at_s > self._end_by_s:
            self._process.kill()

    def ask_to_end(self) -> None:
        """Let it end in order."""
        if self._process is not None:
            self._process.ask_to_end()

    def end(self, within_s: float) -> None:
        """Wait for its end, and kill it where it does not come."""
        if self._process is None:
            return
        if not self._process.wait(within_s):
            self._say(_("did not end in time and was killed"))
            self._process.kill()
            self._process.wait(0.5)
        self._hear(self._process, 0.0)
        self._process.close()
        for line in self._process.lines():
            self._say(line)
        self._process = None

    def state(self, at_s: float, now_s: float) -> ScreenState:
        """What is to be known of it after a power cut."""
        return ScreenState(self.memory, tuple(round(now_s - (at_s - one), 1) for one in self.keeper.restarts_at_s))

    def in_words(self) -> str:
        """What it shows, in words."""
        report = self.report
        if self.keeper.rests:
            words = _("rests on a still after ten restarts in an hour")
        elif report is None:
            words = _("is being started")
        elif report.doing == "blank":
            words = _("black until {changes_at}", changes_at=report.changes_at) if report.changes_at else "black"
        else:
            words = (report.item or _("is being started")) + (
                _(" until {changes_at}", changes_at=report.changes_at) if report.changes_at else ""
            )
            words += {"waits": _(", waits for its camera"), "stands": _(", stands still")}.get(report.doing, "")
        return f"{self.screen.name}: {words}"

    def _start(self, at_s: float) -> None:
        command = [sys.executable, "-m", "realtime", "gallery", str(self._gallery.path)]
        command += ["--screen", self.screen.name, "--child"]
        if self.keeper.rests:
            command.append("--rest")
        self.keeper.started(at_s)
        self._heard, self._end_by_s = 0, None
        try:
            self._process = ScreenProcess(command, Beginning(self._gallery.text, self.memory))
            self._counted = CountedTime(Path(f"/proc/{self._process.process_id}/task"))
        except OSError as error:
            self._say(_("cannot be started: {reason}", reason=error.strerror or error))
            self.keeper.ended(at_s)

    def _excuse(self, passed_s: float, at_s: float) -> None:
        """Where it is late, let only so much of the time count as the machine let it run when it wanted to: to kill and
        start what only starves would make it starve the more.
        """
        self.keeper.excuse(passed_s - self._counted.of(passed_s))
        self._counted.look(is_late=self.keeper.is_late(at_s))

    def _hear(self, process: ScreenProcess, at_s: float) -> None:
        for line in process.lines():
            self._say(line)
        report = process.report
        if report is None or process.reports == self._heard:
            return
        self._heard = process.reports
        self.keeper.heard(report, at_s)
        if report.doing == "rests" or report.is_before_first_picture:
            return
        # Outside the opening hours nothing hangs; what did is not forgotten.
        item, since_s = (report.item, report.since_s) if report.item else (self.memory.item, self.memory.since_s)
        self.memory = Memory(item, since_s, report.overrides)

    def _ended(self, process: ScreenProcess, code: int, at_s: float) -> None:
        process.close()
        self._hear(process, at_s)
        self._process = None
        if process.is_asked_to_end and self._end_by_s is not None:  # its rest was over
            self.keeper.starts_at_s = at_s
            return
        if code == 0:
            self.has_user_ended = True
            self._say(_("was ended at the screen"))
            return
        self.keeper.ended(at_s, is_counted=code != NO_SCREEN)
        self._say(
            _("{how}; started again", how=_ended_how(code)) + (_(", at rest on a still") if self.keeper.rests else "")
        )

    def _say(self, text: str) -> None:
        self._journal.say(self.screen.name, text)


def _ended_how(code: int) -> str:
    if code == NO_SCREEN:
        return _("has no screen")
    return _("was ended by signal {signal}", signal=-code) if code < 0 else _("ended with code {code}", code=code)


class GallerySupervisor:
    """Keeps a gallery running. Main thread."""

    def __init__(
        self,
        gallery: Gallery,
        only_screen: str | None = None,
        *,
        set_standby: SetStandby | None = None,
        notifier: ServiceNotifier | None = None,
    ) -> None:
        """`only_screen`: the name of the one screen that is to be shown; None: all. Raises OptionError where there is
        no such screen, or nobody's home is known.
        """
        folder = gallery_folder(gallery.path)
        self._only_screen = only_screen
        self._state_path = folder / "state.json"
        self._log_path = folder / "gallery.log"
        self._notifier = notifier or ServiceNotifier()
        self._system_standby = set_standby
        self._file = WatchedFile(gallery.path, gallery.text)
        self._is_stopping = False
        self._at_s = 0.0
        self._beat_at_s = time.monotonic()
        self._saved_at_s = -_SAVE_EVERY_S
        self._is_save_failure_told = False
        self._alive_at_s = -_ALIVE_EVERY_S
        self._take(gallery)

    def _take(self, gallery: Gallery) -> None:
        """Let a gallery's file count from now on; nothing is started yet."""
        screens = screens_of(gallery, self._only_screen)
        self._gallery = gallery
        self._fingerprint = fingerprint_of(gallery.text)
        self._journal = Journal(self._log_path, zone=gallery.hours.zone)
        self._set_standby = self._system_standby if gallery.standby else None
        state = read_state(self._state_path, self._fingerprint)
        self._is_asleep = state.is_asleep
        self._others = {name: one for name, one in state.screens.items() if name not in {s.name for s in screens}}
        now_s = time.time()
        self._screens = [
            ScreenKeeper(
                gallery, screen, self._journal, state.screens.get(screen.name, ScreenState()), self._at_s, now_s
            )
            for screen in screens
        ]
        shared = gallery.shared_camera
        self._camera = None if shared is None else CameraProcess(gallery.camera or "", shared)
        self._saved = state

    def run(self) -> int:
        """Run until somebody ends it; return the exit code. Raises OptionError where another process runs it."""
        with only_supervisor(self._state_path.parent), graceful_shutdown(self.stop):
            self._journal.say(
                self._gallery.name,
                _("begins, {screens} screens, process {process}", screens=len(self._screens), process=os.getpid()),
            )
            try:
                while not self._is_stopping:
                    self.beat()
                    time.sleep(_BEAT_S)
            finally:
                self._end()
        return 0

    def stop(self) -> None:
        """End soon, in order. Any thread, signal handlers too."""
        self._is_stopping = True

    def beat(self) -> None:
        """Look after everything once."""
        now_s = time.monotonic()
        # Of a longer gap only a second counts: the machine slept, or this process was stopped, and nobody hung.
        self._at_s += min(now_s - self._beat_at_s, 1.0)
        self._beat_at_s = now_s
        self._look_after_camera()
        for screen in self._screens:
            screen.look(self._at_s)
            if screen.has_user_ended:
                self.stop()
        self._look_at_file()
        self._tell_service()
        self._sleep_or_wake()
        self._save()

    def _look_at_file(self) -> None:
        """Hang what stands in the file now, where somebody has changed it; what cannot be read changes nothing."""
        data = self._file.changed(self._at_s)
        if data is None or data == self._gallery.text.encode():  # a fault that was mended
            return
        name = self._gallery.path.name
        try:
            gallery = read_gallery(self._gallery.path, data)
            screens_of(gallery, self._only_screen)
        except OptionError as error:
            self._journal.say(
                self._gallery.name,
                _("{name} was changed and cannot be hung; what hung before goes on: {reason}", name=name, reason=error),
            )
            return
        self._journal.say(self._gallery.name, _("{name} was changed; it is hung anew", name=name))
        self._end_screens()
        self._take(gallery)

    def _end(self) -> None:
        self._notifier.stopping()
        self._end_screens()
        self._journal.say(self._gallery.name, "ends")

    def _end_screens(self) -> None:
        """End all processes, in order where they let themselves be, and keep what was known of them."""
        for screen in self._screens:
            screen.ask_to_end()
        if self._camera is not None:
            self._camera.ask_to_end()
        give_up_at_s = time.monotonic() + _ENDS_WITHIN_S
        for screen in self._screens:
            screen.end(give_up_at_s - time.monotonic())
        if self._camera is not None:
            self._camera.end(give_up_at_s - time.monotonic())
        self._save(always=True)

    def _look_after_camera(self) -> None:
        """Keep the process that has the camera; its light is off while every screen is black."""
        if self._camera is None:
            return
        reports = [screen.report for screen in self._screens]
        if all(reports):
            self._camera.set_blank(all(report is not None and report.doing == "blank" for report in reports))
        else:
            self._camera.set_blank(not self._gallery.hours.is_open(time.time()))
        try:
            happened = self._camera.look(self._at_s)
        except OSError as error:
            happened = _("cannot be started: {reason}", reason=error.strerror or error)
        if happened:
            self._journal.say("camera", happened)

    def _tell_service(self) -> None:
        if any(screen.report is not None for screen in self._screens):
            self._notifier.ready()
        self._notifier.status("; ".join(screen.in_words() for screen in self._screens))
        is_well = all(screen.keeper.is_well(self._at_s) for screen in self._screens)
        if is_well and self._at_s - self._alive_at_s >= _ALIVE_EVERY_S:
            self._alive_at_s = self._at_s
            self._notifier.starting(STARTS_WITHIN_S)
            self._notifier.alive()

    def _sleep_or_wake(self) -> None:
        must_sleep = not self._gallery.hours.is_open(time.time())
        if self._set_standby is None or must_sleep == self._is_asleep:
            return
        if must_sleep and not all(screen.report and screen.report.doing == "blank" for screen in self._screens):
            return  # black first: what wakes a screen by chance shows nothing
        self._is_asleep = must_sleep
        try:
            self._journal.say(self._gallery.name, self._set_standby(must_sleep))
        except (RealtimeError, OSError) as error:
            self._journal.say(self._gallery.name, _("the screens' standby fails: {reason}", reason=error))

    def _save(self, *, always: bool = False) -> None:
        """Write the state each minute, and soon after what changed in it."""
        since_s = self._at_s - self._saved_at_s
        if since_s < _SAVE_CHANGES_EVERY_S and not always:
            return
        now_s = time.time()
        screens = {one.screen.name: one.state(self._at_s, now_s) for one in self._screens}
        state = GalleryState({**self._others, **screens}, self._is_asleep)
        if since_s < _SAVE_EVERY_S and not always and _same(state, self._saved):
            return
        self._saved, self._saved_at_s = state, self._at_s
        try:
            write_state(self._state_path, state, self._fingerprint)
        except OutputError as error:
            if not self._is_save_failure_told:
                self._journal.say(self._gallery.name, str(error))
            self._is_save_failure_told = True
        else:
            self._is_save_failure_told = False


def _same(one: GalleryState, other: GalleryState) -> bool:
    """Whether two states differ in nothing that matters: restarts are told apart by their number."""

    def essence(state: GalleryState) -> object:
        return state.is_asleep, {
            name: (screen.memory, len(screen.restarts_at_s)) for name, screen in state.screens.items()
        }

    return essence(one) == essence(other)
