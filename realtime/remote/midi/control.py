"""A run changed by knobs, faders and keys over MIDI, and its values told to motors and lamps: `--midi DEVICE`.

The driver's thread only puts messages down. One thread of ours takes them in bursts: of a knob that moves only the last
position counts, every press of a key does. The same thread looks for the device, and tells what changed.

`map.py` is what a control moves; `values.py` what its position means; `knobs.py` whether it has hold of its value;
`learning.py` makes a map by hand; `device.py` finds the device; `ports.py` are the system's.
"""

from __future__ import annotations

import collections
import functools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from realtime.control.channel import ControlChannel
from realtime.control.front_end import FrontEnd
from realtime.core.errors import FAULTS, OptionError, in_one_line, nearest
from realtime.core.language import _
from realtime.core.settings import Kind, Parameter, Value, parameters_of
from realtime.effects import effect_class, effect_names
from realtime.remote.lamps import States, is_lit, states_of
from realtime.remote.midi.device import Device
from realtime.remote.midi.knobs import Knobs
from realtime.remote.midi.learning import Learner
from realtime.remote.midi.map import Binding, Control
from realtime.remote.midi.ports import MachinePorts, Ports
from realtime.remote.midi.values import MessageReader, messages, position_of, value_at

log = logging.getLogger(__name__)

_BURST_EVERY_S = 0.004
"""An eighth of a frame at 30 fps; a cable carries some four positions of a knob in it."""
_MOST_WAITING = 1024
"""A cable carries 1,000 messages a second; what a flood through a loop brings beyond that is dropped, oldest first."""
_TELL_EVERY_S = 0.02
"""Fifty values a second of each control: as fast as motors move."""
_MOST_SAID = 100
_STOPPED_WITHIN_S = 0.5


class MidiControl(FrontEnd):
    """One device, its map, and what it changes."""

    def __init__(
        self,
        channel: ControlChannel,
        device: str,
        bindings: Iterable[tuple[Control, Binding]] = (),
        learn_into: Path | None = None,
        *,
        soft: bool = True,
        ports: Ports | None = None,
    ) -> None:
        """`device`: its name or a part of it. `learn_into`: the file for what is learned; None: nothing is. `soft`:
        soft take-over. Raises OptionError where the packages are missing, or the file cannot be used.
        """
        if not device.strip():
            raise OptionError(_("--midi takes a device's name or a part of it; 'realtime devices' lists them"))
        self._channel, self._wanted = channel, device.strip()
        self._learner = None if learn_into is None else Learner(learn_into)
        self._bindings = dict(bindings) | ({} if self._learner is None else self._learner.bindings)
        for binding in self._bindings.values():
            _check(binding)
        self._make_knobs = functools.partial(Knobs, soft=soft)
        self._targets = frozenset(binding.target for binding in self._bindings.values())
        self._knobs = self._make_knobs()
        self._reader = MessageReader(self._bindings.__contains__)
        self._received: collections.deque[Any] = collections.deque(maxlen=_MOST_WAITING)
        self._woken = threading.Event()
        self._device = Device(self._wanted, ports or MachinePorts(), self._receive)
        self._said: set[str] = set()
        self._next_tell_s = 0.0
        self._known_paths: frozenset[str] = frozenset()
        self._states: States = {}
        """As they were last looked at."""
        self._lit: dict[Control, bool] = {}
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._changed: set[str] = set()
        self._lamps_are_due = False
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name="midi", daemon=True)
        self._end_listening = channel.parameters.listen(self._heard)

    def start(self) -> None:
        """Begin to look for the device, and to listen."""
        self._thread.start()

    def look_after(self) -> None:
        """Tell the values of an effect that has just come, and which switches are on and what is chosen now."""
        states = states_of(self._channel.status)
        if states != self._states:
            self._states = states
            self._want_lamps()
        paths = frozenset(path for path, _, _ in self._channel.parameters.list())
        new, self._known_paths = paths - self._known_paths, paths
        if new:
            self._want_told(new)

    def facts(self) -> Sequence[tuple[str, str]]:
        """The device's name, or that it is not there."""
        return (("midi", self._device.name or _("{wanted} is not there", wanted=self._wanted)),)

    def close(self) -> None:
        """End the thread, which closes the device."""
        self._end_listening()
        self._stopped = True
        self._woken.set()
        if self._thread.ident is not None:
            self._thread.join(_STOPPED_WITHIN_S)

    def _receive(self, message: Any) -> None:
        """[driver]"""
        self._received.append(message)
        self._woken.set()

    def _heard(self, path: str, _: Value) -> None:
        """[any] Keep which parameter changed, to be told and to be learned."""
        if self._learner is not None and threading.current_thread() is not self._thread:
            self._learner.changed(path)
        if path in self._targets:
            self._want_told({path})

    def _want_told(self, paths: Iterable[str]) -> None:
        with self._lock:
            self._changed.update(paths)
        self._woken.set()

    def _want_lamps(self) -> None:
        with self._lock:
            self._lamps_are_due = True
        self._woken.set()

    # All that follows: the MIDI thread

    def _work(self) -> None:
        while not self._stopped:
            self._woken.clear()
            try:
                if self._device.look():
                    self._begin_with_device()
                self._take()
                self._tell()
            except FAULTS as error:  # whatever it is, the knobs go on
                self._say(in_one_line(error))
                log.debug("MIDI", exc_info=error)
            if not self._received:
                self._woken.wait(self._until_due_s())
            time.sleep(_BURST_EVERY_S)
        self._device.close()

    def _until_due_s(self) -> float:
        with self._lock:
            is_due = self._changed or self._lamps_are_due
            tell_in_s = self._next_tell_s - time.monotonic() if is_due else self._device.due_in_s
        return max(0.0, min(self._device.due_in_s, tell_in_s))

    def _begin_with_device(self) -> None:
        """Another device, or the same again: where its knobs stand is not known."""
        self._knobs = self._make_knobs()
        self._reader = MessageReader(self._bindings.__contains__)
        self._want_told([path for path, _, _ in self._channel.parameters.list()])
        self._lit.clear()
        self._want_lamps()

    # In

    def _take(self) -> None:
        moved: dict[Control, float] = {}
        for _unused in range(len(self._received)):
            found = self._reader.read(self._received.popleft())
            if found is None:
                continue
            control, position = found
            binding = self._bindings.get(control)
            is_key = control.kind == "note" or (binding is not None and binding.is_command)
            if self._knobs.is_echo(control, position, time.monotonic(), is_key=is_key):
                if is_key and position == 0:  # or a hand that has let go just then: its next press must count
                    self._knobs.moved(control, position)
                continue
            if is_key:
                self._turn_all(moved)  # what was turned before the press counts before it
                self._said_if_wrong(control, functools.partial(self._press, control, binding, position))
            else:
                moved[control] = position
        self._turn_all(moved)

    def _turn_all(self, moved: dict[Control, float]) -> None:
        if moved and self._learner is not None:
            self._learn(self._learner.moved(moved))
        for control, position in moved.items():
            self._said_if_wrong(control, functools.partial(self._turn, control, position))
        moved.clear()

    def _said_if_wrong(self, control: Control, act: Callable[[], None]) -> None:
        try:
            act()
        except FAULTS as error:  # an effect may be anybody's code
            self._say(f"{control}: {in_one_line(error)}")

    def _press(self, control: Control, binding: Binding | None, position: float) -> None:
        """A key, or a controller that commands: only what is pressed counts, not what is let go or held."""
        before = self._knobs.moved(control, position)
        if binding is not None and binding.is_command and self._lit.pop(control, None) is not None:
            self._want_lamps()  # many devices light a key while it is held, whatever it was told
        threshold = 0.0 if control.kind == "note" else 0.5
        if position <= threshold or (control.kind != "note" and before is not None and before > threshold):
            return
        if binding is not None and binding.is_command:
            self._channel.send(binding.command())
            return
        if self._learner is not None and (found := self._learner.pressed(control)) is not None:
            self._learn(found)
        elif binding is not None:
            self._press_parameter(binding, position)

    def _press_parameter(self, binding: Binding, position: float) -> None:
        parameter, value = self._parameter(binding.target)
        if parameter.kind is Kind.SWITCH:
            self._channel.parameters.set(binding.target, not value)
        elif parameter.kind is Kind.CHOICE:
            following = (parameter.choices.index(str(value)) + 1) % len(parameter.choices) if value is not None else 0
            self._channel.parameters.set(binding.target, parameter.choices[following])
        else:
            self._channel.parameters.set(binding.target, value_at(parameter, binding, position))

    def _turn(self, control: Control, position: float) -> None:
        before = self._knobs.moved(control, position)
        binding = self._bindings.get(control)
        if binding is None or binding.is_command:
            return
        parameter, value = self._parameter(binding.target)
        if self._knobs.has_hold(control, binding, parameter, value, before):
            now = self._channel.parameters.set(binding.target, value_at(parameter, binding, position))
            self._knobs.has_set(control, now)

    def _parameter(self, path: str) -> tuple[Parameter, Value]:
        """Return a parameter and its value. Raises OptionError where nothing of that name runs."""
        value = self._channel.parameters.get(path)
        for there, parameter, _unused in self._channel.parameters.list():
            if there == path:
                return parameter, value
        raise OptionError(_("{path} has just gone", path=path))

    def _learn(self, found: tuple[Control, str] | None) -> None:
        if found is None or self._learner is None:
            return
        control, path = found
        before = self._bindings.get(control)
        if before is not None and before.target == path:
            return
        self._bindings[control] = Binding(path)
        self._targets |= {path}
        try:
            self._learner.save(self._wanted, self._bindings)
        except FAULTS as error:
            self._channel.say(
                _(
                    "{control} moves {path} now, but only for this time: {reason}",
                    control=control,
                    path=path,
                    reason=in_one_line(error),
                )
            )
            log.warning(_("MIDI: what was learned is not kept: %s"), in_one_line(error))
            return
        self._channel.say(_("{control} moves {path} now", control=control, path=path))
        log.info(_("MIDI: %s moves %s"), control, path)

    # Out

    def _tell(self) -> None:
        """Tell the device where controls would have to stand for the values that changed."""
        now_s = time.monotonic()
        with self._lock:
            if now_s < self._next_tell_s or not (self._changed or self._lamps_are_due):
                return
            changed, self._changed = self._changed, set()
            lamps_are_due, self._lamps_are_due = self._lamps_are_due, False
        self._next_tell_s = now_s + _TELL_EVERY_S
        changed_values = {path: (one, value) for path, one, value in self._channel.parameters.list() if path in changed}
        for control, binding in self._bindings.items():
            if binding.target in changed_values:
                self._said_if_wrong(control, functools.partial(self._tell_one, control, binding, changed_values, now_s))
        if lamps_are_due:
            states = self._states
            for control, binding in self._bindings.items():
                if binding.is_command:
                    self._said_if_wrong(control, functools.partial(self._light, control, binding, states, now_s))

    def _light(self, control: Control, binding: Binding, states: States, now_s: float) -> None:
        """Light the lamp of a control that commands, or put it out, where that is not so yet."""
        lit = is_lit(binding.target, binding.argument, states, self._channel.scenes)
        if lit is None or lit == self._lit.get(control):
            return
        self._lit[control] = lit
        self._knobs.tell(control, float(lit), now_s)
        for message in messages(control, float(lit)):
            self._device.send(message)

    def _tell_one(
        self, control: Control, binding: Binding, changed_values: Mapping[str, tuple[Parameter, Value]], now_s: float
    ) -> None:
        parameter, value = changed_values[binding.target]
        position = None if self._knobs.stands_for(control, value) else position_of(parameter, binding, value)
        if position is None:
            return
        self._knobs.tell(control, position, now_s)
        for message in messages(control, position):
            self._device.send(message)

    def _say(self, what: str) -> None:
        """Say something once: a control that is wrong is so at each touch."""
        if what not in self._said and len(self._said) < _MOST_SAID:
            self._said.add(what)
            log.warning(_("MIDI: %s"), what)


def _check(binding: Binding) -> None:
    """Refuse now what an effect has not, also one that comes later. Raises OptionError."""
    owner, _unused, name = binding.target.partition(".")
    if binding.is_command or owner not in effect_names():
        return
    live = [one.name for one in parameters_of(effect_class(owner).Settings) if one.live]
    if name not in live:
        hint = _("; there are: {live}", live=", ".join(live)) if live else _("; it has none")
        raise OptionError(
            _("[midi] {target}: no parameter that moves{hint}", target=binding.target, hint=nearest(name, live) or hint)
        )
