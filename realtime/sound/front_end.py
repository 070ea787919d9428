"""Sound beside a run: what keeps the devices open, and what a recording and the HUD are told."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from realtime.control.channel import ControlChannel
from realtime.control.front_end import FrontEnd
from realtime.core.errors import FAULTS, OnceLogger, RealtimeError
from realtime.core.language import _
from realtime.outputs.live_sound import LiveSound, SoundTrack
from realtime.sound.delay import DelayTarget
from realtime.sound.delayed_reader import DelayedReader
from realtime.sound.devices import look_again, silence_alsa
from realtime.sound.drive import Driver
from realtime.sound.played_file import PlayedFile
from realtime.sound.ring import Samples
from realtime.sound.spec import DriveSpec, SoundSpec
from realtime.sound.streams import Heard, Loudspeaker, Microphone

log = logging.getLogger(__name__)

_RECORDED_RATE = 48_000
_LOOK_EVERY_S = 0.25
_ANALYSE_EVERY_S = 0.01
_TRY_AGAIN_S = 2.0
_ANEW_AT_MOST_S = 10.0
_ANEW_AT_MOST_WHILE_OPEN_S = 30.0
_OPENED_WITHIN_S = 2.0
_CLOSED_WITHIN_S = 0.8


class Sound(FrontEnd, LiveSound):
    """Takes sound from a microphone or a file to an output, in step with the picture, and lets it move parameters.

    A device that is missing, pulled out or stands still is said once, and looked for until it is there; the picture
    knows nothing of it.
    """

    def __init__(
        self, channel: ControlChannel, spec: SoundSpec, offset_s: float = 0.0, drives: Sequence[DriveSpec] = ()
    ) -> None:
        self.picture_age_s: Callable[[], float | None] = lambda: None
        """[main thread] How old the picture is where others see it; None: none has been shown."""
        self.target = DelayTarget(offset_s)
        self._channel = channel
        self._keeper = _Keeper(channel, spec, self.target)
        self._driver = Driver(channel, drives, lambda: self._keeper.heard)
        self._ending = threading.Event()
        self._faults = OnceLogger(log)
        self._threads = [
            threading.Thread(target=self._keeper.run, name="sound devices", daemon=True),
            threading.Thread(target=self._analyse, name="sound analysis", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()
        # A recording asks for its sound with its first picture. A driver that stands still is not waited for.
        self._keeper.has_tried.wait(_OPENED_WITHIN_S)

    def look_after(self) -> None:
        age_s = self.picture_age_s()
        if age_s is not None:
            self.target.add(age_s)

    def facts(self) -> tuple[tuple[str, str], ...]:
        keeper = self._keeper
        if keeper.heard is None or not keeper.heard.clock.is_running:
            return ((_("sound"), _("none")),)
        words = [f"{self._driver.features.level_db:.0f} dB"]
        speaker = keeper.speaker
        if speaker is not None and speaker.reader is not None and not speaker.reader.is_silent:
            words += [
                _("{delay_ms:.0f} ms later", delay_ms=1e3 * speaker.delay_s),
                _("{off_ms:+.1f} ms off", off_ms=1e3 * speaker.off_s),
            ]
        return ((_("sound"), ", ".join(words)),)

    def speech_at(self, at_s: float) -> float:
        """[any thread] As `Driver.speech_at`; a little before or after it by the offset that others hear it with."""
        return self._driver.speech_at(at_s - self.target.offset_s)

    def open_track(self) -> SoundTrack | None:
        channels = self._keeper.channels
        return _Track(lambda: self._keeper.heard, self.target.offset_s, channels) if channels else None

    def close(self) -> None:
        self._ending.set()
        self._keeper.ending.set()
        give_up_at_s = time.monotonic() + _CLOSED_WITHIN_S
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout=max(0.0, give_up_at_s - time.monotonic()))

    def _analyse(self) -> None:
        while not self._ending.wait(_ANALYSE_EVERY_S):
            try:
                self._driver.step()
            except FAULTS as error:  # the sound itself goes on
                self._faults.failure(_("listening to the sound fails"), error)


class _Track(SoundTrack):
    """Sound for one recording. The recording's thread."""

    def __init__(self, heard: Callable[[], Heard | None], offset_s: float, channels: int) -> None:
        self.channels = channels
        self._heard_now = heard
        self._offset_s = offset_s
        self._heard: Heard | None = None
        self._reader: DelayedReader | None = None

    def read(self, out: Samples, seen_at_s: float) -> None:
        heard = self._heard_now()
        if heard is None:
            self._heard = None
            out[:] = 0
            return
        if heard is not self._heard or self._reader is None:
            self._heard = heard
            self._reader = DelayedReader(heard.ring, heard.clock, _RECORDED_RATE)
        self._reader.read(out, seen_at_s - self._offset_s)


class _Keeper:
    """Opens the devices, looks whether they work, and opens them again. One thread: PortAudio's own is not enough,
    for a driver may stand still in any call.
    """

    def __init__(self, channel: ControlChannel, spec: SoundSpec, target: DelayTarget) -> None:
        self.ending = threading.Event()
        self.has_tried = threading.Event()
        """Set once what was asked for is open, or cannot be opened."""
        self.speaker: Loudspeaker | None = None
        self._channel = channel
        self._spec = spec
        self._target = target
        self._source: Microphone | PlayedFile | None = None
        self._source_name, self._output_name = spec.source, spec.output
        self._given: Heard | None = None
        self._missing: set[str] = set()
        self._try_at_s = 0.0
        self._anew_at_s = 0.0
        self._anew_after_s = _TRY_AGAIN_S
        self._faults = OnceLogger(log)

    @property
    def heard(self) -> Heard | None:
        """[any] The sound, while there is some."""
        source = self._source
        return source.heard if source is not None else None

    @property
    def channels(self) -> int:
        """[any] How many channels its sound has; 0: there is no microphone."""
        source = self._source
        return source.channels if source is not None else 0

    def run(self) -> None:
        silence_alsa()
        while True:
            try:
                self._look()
            except FAULTS as error:
                self._faults.failure(_("looking after the sound devices fails"), error)
            self.has_tried.set()
            if self.ending.wait(_LOOK_EVERY_S if self._given is not None else _LOOK_EVERY_S / 5):
                break
        self._close_source()
        self._close_speaker()

    def _look(self) -> None:
        """See whether what is open works, and open what is not."""
        if self._channel.status.blank:  # as the camera is closed then, nobody is heard
            self._close_source()
            self._close_speaker()
            return
        source, speaker = self._source, self.speaker
        if isinstance(source, Microphone):
            if source.has_stopped():
                self._lost("microphone", source.device.title)
                self._close_source()
            else:
                source.look_after()
        elif source is not None and source.failure:
            self._say("file", source.failure)
            self._close_source()
        if speaker is not None:
            if speaker.has_stopped():
                self._lost(_("sound output"), speaker.device.title)
                self._close_speaker()
            else:
                speaker.look_after()
        if self._is_wanting and time.monotonic() >= self._try_at_s:
            self._open_what_is_missing()
            self._try_at_s = time.monotonic() + _TRY_AGAIN_S
        heard = self.heard
        if self.speaker is not None and heard is not None and heard is not self._given:
            self.speaker.listen_to(heard)
            self._given = heard

    @property
    def _is_wanting(self) -> bool:
        return self._source is None or (self.speaker is None and bool(self._spec.output))

    def _open_what_is_missing(self) -> None:
        self._look_for_new_devices()
        if self._source is None:
            try:
                if self._spec.file is not None:
                    self._source = PlayedFile(self._spec.file)
                else:
                    self._source = Microphone(self._source_name)
                    # By its name from now on: numbers change with every device that comes and goes.
                    self._source_name = (
                        self._source_name if self._is_usual(self._source_name) else self._source.device.title
                    )
                self._found("microphone", self._spec.source)
            except RealtimeError as error:
                self._say("microphone", str(error))
        if self.speaker is None and self._spec.output:
            try:
                self.speaker = Loudspeaker(self._output_name, self._target)
                self._output_name = (
                    self._output_name if self._is_usual(self._output_name) else self.speaker.device.title
                )
                self._given = None
                self._found(_("sound output"), self._spec.output)
            except RealtimeError as error:
                self._say(_("sound output"), str(error))

    @staticmethod
    def _is_usual(name: str) -> bool:
        return name.strip().casefold() == "default"

    def _look_for_new_devices(self) -> None:
        """Have PortAudio list its devices anew. What is open must be closed for it, so less and less often then."""
        now_s = time.monotonic()
        if not self._missing or now_s < self._anew_at_s:
            return
        is_open = isinstance(self._source, Microphone) or self.speaker is not None
        at_most_s = _ANEW_AT_MOST_WHILE_OPEN_S if is_open else _ANEW_AT_MOST_S
        self._anew_after_s = min(at_most_s, 2 * self._anew_after_s)
        self._anew_at_s = now_s + self._anew_after_s
        if isinstance(self._source, Microphone):
            self._close_source()
        self._close_speaker()
        try:
            look_again()
        except RealtimeError as error:
            self._say("sound", str(error))

    def _lost(self, what: str, name: str) -> None:
        self._anew_at_s, self._anew_after_s = 0.0, _TRY_AGAIN_S
        self._try_at_s = 0.0
        self._say(
            what,
            _("the {what} {name} gives no more sound; it is looked for, the picture goes on", what=what, name=name),
        )

    def _found(self, what: str, name: str) -> None:
        if what in self._missing:
            self._missing.discard(what)
            line = _("the {what} {name} is back", what=what, name=name)
            log.warning("%s", line)
            self._channel.say(line)
        self._missing.discard("sound")

    def _say(self, what: str, line: str) -> None:
        """Say what is missing, once until it is there."""
        if what not in self._missing:
            self._missing.add(what)
            log.warning("%s", line)
            self._channel.say(line)

    def _close_source(self) -> None:
        source, self._source, self._given = self._source, None, None
        if self.speaker is not None:
            self.speaker.reader = None
        if source is not None:
            source.close()

    def _close_speaker(self) -> None:
        speaker, self.speaker, self._given = self.speaker, None, None
        if speaker is not None:
            speaker.close()
