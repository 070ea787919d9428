"""The values of parameters while their parts run: listed, read and set by name, from any thread.

    strength = parameters.set("strength", 0.7)   # a key, a panel, HTTP, OSC, MIDI, a sound level
    ...
    settings = parameters.values                 # the part, once at the beginning of each frame

What can be set is declared as data (`realtime.core.settings`); here are the values. A part reads one immutable value a
frame, so that a set is taken up between two frames and never within one.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from realtime.core.errors import FAULTS, OptionError, in_one_line, nearest
from realtime.core.language import _
from realtime.core.settings import Parameter, Value, parameters_of

log = logging.getLogger(__name__)

S = TypeVar("S")

Listener = Callable[[str, Value], None]
"""Called with a parameter's name and its new value, on the thread that set it. It must not set one itself."""


class Parameters(Generic[S]):
    """What can be set about one part, and how it is set. Any thread."""

    def __init__(self, settings: S, *, without: Collection[str] = ()) -> None:
        """`settings`: an instance of the dataclass that declares the parameters, with the values to begin with.
        `without`: names of those that this part does not have after all, a model without that slider for example.
        """
        self._described = {one.name: one for one in parameters_of(type(settings)) if one.name not in without}
        self._lock = threading.Lock()
        self._listeners = _Listeners()
        self._values = settings
        self._first = settings

    @property
    def values(self) -> S:
        """The values now, immutable: a part takes them once a frame."""
        return self._values

    def __iter__(self) -> Iterator[Parameter]:
        """The parameters, in the order of their declaration."""
        return iter(self._described.values())

    def __len__(self) -> int:
        return len(self._described)

    def __contains__(self, name: str) -> bool:
        return name in self._described

    def described(self, name: str) -> Parameter:
        """Return one parameter's description. Raises OptionError for a name that there is not."""
        try:
            return self._described[name]
        except KeyError:
            hint = nearest(name, self._described) or (
                _("; there are: {described}", described=", ".join(self._described))
                if self._described
                else _("; nothing can be set here")
            )
            raise OptionError(_("no parameter '{name}'{hint}", name=name, hint=hint)) from None

    def get(self, name: str) -> Value:
        """Return a value. Raises OptionError for a name that there is not."""
        self.described(name)
        value: Value = getattr(self._values, name)
        return value

    def set(self, name: str, value: object) -> Value:
        """Set a value, a text or of its type, from the next frame on; return what it is now.

        A number beyond its range becomes the nearest it may be. Raises OptionError, one line, for a name that there is
        not, a value of another type, and a parameter that is only taken when the part is opened.
        """
        described = self.described(name)
        if not described.live:
            raise OptionError(
                _("{name} cannot change while it runs; give it at the start, --set EFFECT.{name}=…", name=name)
            )
        number = dataclasses.replace(described, least=None, most=None).read(value)
        return self._change(described, lambda _unused: described.clipped(number))

    def step(self, name: str, steps: int) -> Value:
        """Change a number by so many of its steps, as a key does; as `set` otherwise."""
        described = self.described(name)
        return self._change(described, lambda value: described.stepped(value, steps))

    def _change(self, described: Parameter, change: Callable[[Value], Value]) -> Value:
        with self._lock:
            before: Value = getattr(self._values, described.name)
            value = change(before)
            if value == before:
                return value
            self._values = dataclasses.replace(self._values, **{described.name: value})  # type: ignore[type-var]
        self._listeners.tell(described.name, value)
        return value

    @property
    def changed(self) -> Mapping[str, Value]:
        """What was set since the part was opened, by name."""
        now, first = self._values, self._first
        return {name: getattr(now, name) for name in self._described if getattr(now, name) != getattr(first, name)}

    @property
    def opened_with(self) -> Mapping[str, Value]:
        """What the part was opened with, by name."""
        return {name: getattr(self._first, name) for name in self._described}

    def as_json(self) -> dict[str, Any]:
        """The values by name, for statistics and front-ends."""
        values = {name: getattr(self._values, name) for name in self._described}
        return {name: value if value is None or isinstance(value, bool | int | float) else str(value)
                for name, value in values.items()}  # fmt: skip

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` of every change from now on; return what ends that."""
        return self._listeners.add(listener)


class _Listeners:
    """Who is told of changes. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []

    def add(self, listener: Listener) -> Callable[[], None]:
        with self._lock:
            self._listeners.append(listener)

        def end() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end

    def tell(self, name: str, value: Value) -> None:
        """Tell everybody; a listener that fails must not keep the others from hearing, nor the value from being set."""
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            try:
                listener(name, value)
            except FAULTS as error:
                log.warning(_("a listener of %s fails: %s"), name, in_one_line(error))
                log.debug("telling of %s", name, exc_info=error)


@dataclasses.dataclass(frozen=True)
class NoSettings:
    """Of a part about which nothing can be set."""


class ParameterTree:
    """The parameters of everything that runs, by owner and name: `swap.strength`, `label.size`. Any thread.

    Front-ends speak to this and to nothing else: a panel lists it, HTTP and OSC address it, MIDI and sound set it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: dict[str, Parameters[Any]] = {}
        self._ends: dict[str, Callable[[], None]] = {}
        self._listeners = _Listeners()

    def hold(self, owner: str, parameters: Parameters[Any]) -> None:
        """Take in what can be set about a part, in place of what had its name."""
        self.drop(owner)
        if not len(parameters):
            return
        end = parameters.listen(lambda name, value: self._listeners.tell(f"{owner}.{name}", value))
        with self._lock:
            self._owners[owner], self._ends[owner] = parameters, end

    def drop(self, owner: str) -> None:
        """Forget a part that is gone."""
        with self._lock:
            self._owners.pop(owner, None)
            end = self._ends.pop(owner, None)
        if end is not None:
            end()

    def list(self) -> Sequence[tuple[str, Parameter, Value]]:
        """Return path, description and value of each, owners in the order they came."""
        with self._lock:
            owners = list(self._owners.items())
        return [(f"{owner}.{one.name}", one, parts.get(one.name)) for owner, parts in owners for one in parts]

    def opened_with(self, owner: str) -> Mapping[str, Value]:
        """Return what a part was opened with, by path, of what may change; nothing where there is no such part."""
        with self._lock:
            parameters = self._owners.get(owner)
        if parameters is None:
            return {}
        first = parameters.opened_with
        return {f"{owner}.{one.name}": first[one.name] for one in parameters if one.live}

    def get(self, path: str) -> Value:
        """Return the value of `OWNER.NAME`. Raises OptionError where there is none."""
        parameters, name = self._found(path)
        return parameters.get(name)

    def set(self, path: str, value: object) -> Value:
        """Set `OWNER.NAME`; as `Parameters.set`."""
        parameters, name = self._found(path)
        try:
            return parameters.set(name, value)
        except OptionError as error:
            raise OptionError(f"{path}: {error}") from None

    def step(self, path: str, steps: int) -> Value:
        """Change `OWNER.NAME` by so many of its steps; as `Parameters.step`."""
        parameters, name = self._found(path)
        return parameters.step(name, steps)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` of every change, by path; return what ends that."""
        return self._listeners.add(listener)

    def _found(self, path: str) -> tuple[Parameters[Any], str]:
        owner, _unused, name = path.partition(".")
        with self._lock:
            parameters = self._owners.get(owner)
            owners = list(self._owners)
        if parameters is None:
            hint = _("; there are: {owners}", owners=", ".join(owners)) if owners else _("; nothing can be set now")
            raise OptionError(
                _("nothing called '{owner}' runs{hint}", owner=owner, hint=nearest(owner, owners) or hint)
            )
        parameters.described(name)
        return parameters, name
