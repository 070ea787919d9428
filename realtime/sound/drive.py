"""Parameters that a sound moves (`--drive`)."""

from __future__ import annotations

import bisect
import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from realtime.control.channel import ControlChannel
from realtime.control.parameters import ParameterTree
from realtime.core.errors import OptionError, nearest
from realtime.core.language import _
from realtime.core.settings import Kind, Parameter, parameters_of
from realtime.effects import effect_class, effect_names
from realtime.sound.analysis import HOP, SPEECH_LAGS_S, Analyser, Features, Follower
from realtime.sound.spec import DriveSpec
from realtime.sound.streams import Heard

log = logging.getLogger(__name__)

_MOVED = (Kind.NUMBER, Kind.WHOLE_NUMBER, Kind.SWITCH)
_NO_LIMIT = 1.0
_SPOKEN_KEPT = 64
"""Blocks: 1.4 s, more than any picture is old when it is made."""


def check(spec: DriveSpec) -> None:
    """Refuse now what no effect has, also one that comes later. Raises OptionError."""
    owner, _unused, name = spec.path.partition(".")
    names = effect_names()
    if owner not in names:
        raise OptionError(
            _("--drive {path}: no effect '{owner}'{hint}", path=spec.path, owner=owner, hint=nearest(owner, names))
        )
    parameters = {one.name: one for one in parameters_of(effect_class(owner).Settings)}
    moved = [one.name for one in parameters.values() if one.live and one.kind in _MOVED]
    if name not in moved:
        what = _("cannot be moved by a sound") if name in parameters else _("is not there")
        hint = nearest(name, moved) or (
            _("; there are: {moved}", moved=", ".join(moved))
            if moved
            else _("; {owner} has none that can", owner=owner)
        )
        raise OptionError(_("--drive {path}: that parameter {what}{hint}", path=spec.path, what=what, hint=hint))


class _Driven:
    """One parameter and how it follows."""

    def __init__(self, spec: DriveSpec) -> None:
        self.spec = spec
        self._follower = Follower(spec.attack_s, spec.release_s)
        self._sent: object = None

    def follow(self, features: Features, passed_s: float) -> None:
        self._follower.follow(getattr(features, self.spec.feature), passed_s)

    def send(self, parameters: ParameterTree, described: Parameter) -> None:
        """Set what it is now, if that is new; nothing happens where its effect does not run."""
        value = self._value(described)
        if value == self._sent:
            return
        try:
            parameters.set(self.spec.path, value)
        except OptionError:  # another effect has been chosen meanwhile
            self._sent = None
        else:
            self._sent = value

    def _value(self, described: Parameter) -> bool | int | float:
        share = self._follower.value
        if described.kind is Kind.SWITCH:
            return share > 0.5
        least = self.spec.least if self.spec.least is not None else described.least or 0.0
        most = self.spec.most if self.spec.most is not None else described.most
        value = least + share * ((_NO_LIMIT if most is None else most) - least)
        value = float(described.clipped(value))  # type: ignore[arg-type]
        return round(value) if described.kind is Kind.WHOLE_NUMBER else round(value, 4)


class _Spoken(NamedTuple):
    at_s: float
    opening: float

    def when(self) -> float:
        return self.at_s


class Driver:
    """Hears what there is and moves what it is told to. One thread: call `step` some hundred times a second."""

    def __init__(self, channel: ControlChannel, specs: Sequence[DriveSpec], heard: Callable[[], Heard | None]) -> None:
        """`heard`: returns the sound as it is now; another one after a microphone came back."""
        self.features = Features()
        """The last analysed."""
        self._spoken: tuple[_Spoken, ...] = ()  # the newest, oldest first; put in place whole
        self._channel = channel
        self._driven = [_Driven(spec) for spec in specs]
        self._heard_now = heard
        self._heard: Heard | None = None
        self._analyser: Analyser | None = None
        self._position = 0
        self._block = np.zeros((HOP, 1), np.float32)
        self._shown = -1

    def step(self) -> None:
        """Analyse what is new, and move the parameters if a picture has been made since the last time."""
        heard = self._heard_now()
        if heard is None:
            self.features, self._spoken = Features(), ()
            return
        if heard is not self._heard or self._analyser is None:
            self._spoken = ()
            self._heard, self._analyser = heard, Analyser(heard.clock.nominal_rate)
            self._position = heard.ring.written
            self._block = np.zeros((HOP, heard.ring.channels), np.float32)
        ring = heard.ring
        if ring.written - self._position > 16 * HOP:  # it was held up: what was then is over
            self._position = ring.written - HOP
        while ring.written - self._position >= HOP:
            ring.copy_into(self._block, self._position)
            self._position += HOP
            self.features = self._analyser.analyse(self._block)
            if heard.clock.is_running:
                at_s = heard.clock.time_of(self._position) - SPEECH_LAGS_S
                self._spoken = (*self._spoken[1 - _SPOKEN_KEPT :], _Spoken(at_s, self.features.speech))
            for driven in self._driven:
                driven.follow(self.features, HOP / heard.clock.nominal_rate)
        self._move()

    def speech_at(self, at_s: float) -> float:
        """[any thread] Return how far a mouth was open, 0 to 1, that said what was heard at a moment on
        `time.monotonic`'s clock: the newest, where that is not known yet; 0 while nothing is heard.
        """
        spoken = self._spoken
        after = bisect.bisect_right(spoken, at_s, key=_Spoken.when)
        if after in (0, len(spoken)):
            return spoken[after - 1].opening if after else 0.0
        before, later = spoken[after - 1], spoken[after]
        share = (at_s - before.at_s) / max(1e-6, later.at_s - before.at_s)
        return before.opening + share * (later.opening - before.opening)

    def _move(self) -> None:
        """Set what is new: at most once a picture, and always the newest."""
        if not self._driven:
            return
        picture = self._channel.newest_picture()
        if picture is None or picture.index == self._shown:
            return
        self._shown = picture.index
        described = {path: one for path, one, _unused in self._channel.parameters.list()}
        for driven in self._driven:
            one = described.get(driven.spec.path)
            if one is not None:
                driven.send(self._channel.parameters, one)
