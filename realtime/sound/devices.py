"""Microphones and loudspeakers through PortAudio: listed, found by name, asked what they take."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from realtime.core.errors import SoundError, in_one_line, nearest
from realtime.core.language import _
from realtime.core.text_limits import whole_number
from realtime.sound.sound_server import PORTAUDIO_NAME, list_server_devices

Direction = Literal["input", "output"]

_USUAL_RATE = 48_000
_HOST_APIS = ("Windows WASAPI", "Core Audio", "ALSA", "JACK Audio Connection Kit", "Windows DirectSound", "MME")
"""Best first. Windows lists a device once for each; WDM-KS takes it for itself alone."""


class Device(NamedTuple):
    """A device as PortAudio lists it."""

    number: int
    name: str
    host_api: str
    inputs: int
    outputs: int
    usual_rate: float
    server_name: str = ""
    """Where this is the sound server: which of its sinks or sources is meant; empty: its usual one."""

    @property
    def title(self) -> str:
        """What people call it."""
        return self.server_name or self.name

    def channels(self, direction: Direction) -> int:
        return self.inputs if direction == "input" else self.outputs


def portaudio() -> Any:
    """Return the module `sounddevice`, PortAudio initialised. Raises SoundError where it is missing."""
    try:
        import sounddevice
    except (OSError, ImportError) as error:  # the library itself is missing: only Linux has it as a system package
        remedy = "sudo apt install libportaudio2 (Fedora: sudo dnf install portaudio)"
        remedy = remedy if sys.platform == "linux" else "pip install --force-reinstall sounddevice"
        raise SoundError(_("PortAudio is missing: {remedy}", remedy=remedy)) from error
    except Exception as error:  # PortAudioError: it is there and does not begin
        raise SoundError(_("PortAudio does not start: {reason}", reason=in_one_line(error))) from error
    return sounddevice


def look_again() -> None:
    """Have PortAudio list devices anew, which it does only when it is begun anew; no stream may be open."""
    library = portaudio()
    with contextlib.suppress(library.PortAudioError):
        library._terminate()
    try:
        # Not `_initialize`, which leads the whole process's standard error nowhere for the third of a second it takes.
        library._check(library._lib.Pa_Initialize(), "Pa_Initialize")
        library._initialized += 1
    except library.PortAudioError as error:
        raise SoundError(_("PortAudio does not start again: {reason}", reason=in_one_line(error))) from error


def list_devices() -> list[Device]:
    """Return all devices. Raises SoundError where PortAudio is missing."""
    library = portaudio()
    apis = [api["name"] for api in library.query_hostapis()]
    return [
        Device(
            number,
            one["name"],
            apis[one["hostapi"]],
            one["max_input_channels"],
            one["max_output_channels"],
            one["default_samplerate"],
        )
        for number, one in enumerate(library.query_devices())
    ]


def find(text: str, direction: Direction) -> Device:
    """Return the device that `default`, a number, a name or a part of one means. Raises SoundError."""
    what = "microphone" if direction == "input" else _("sound output")
    able = [device for device in list_devices() if device.channels(direction)]
    if not able:
        raise SoundError(_("no {what} is there; plug one in: it is looked for", what=what))
    found = _matching(text, able, direction) or _of_the_server(text, able, direction)
    if found is None:
        names = list(dict.fromkeys(device.name for device in able))
        names += [one.name for one in list_server_devices(direction)]
        hint = nearest(text, names) or _("; there are: {names}", names=", ".join(names))
        raise SoundError(_("no {what} called '{text}'{hint}", what=what, text=text, hint=hint))
    return found


def _matching(text: str, able: Sequence[Device], direction: Direction) -> Device | None:
    wanted = text.strip().casefold()
    if wanted in ("", "default"):
        position = 0 if direction == "input" else 1
        usual = portaudio().default.device[position]
        return next((device for device in able if device.number == usual), able[0])
    number = whole_number(wanted, 9999)
    if number is not None:
        return next((device for device in able if device.number == number), None)
    best_first = sorted(able, key=lambda device: _rank(device.host_api))
    same = [device for device in best_first if device.name.casefold() == wanted]
    alike = [device for device in best_first if wanted in device.name.casefold()]
    return next(iter([*same, *alike]), None)


def _of_the_server(text: str, able: Sequence[Device], direction: Direction) -> Device | None:
    """Return the sound server as the device, where one of its sinks or sources is meant."""
    server = next((device for device in able if device.name == PORTAUDIO_NAME), None)
    if server is None:
        return None
    names = [one.name for one in list_server_devices(direction)]
    wanted = text.strip().casefold()
    same = [name for name in names if name.casefold() == wanted]
    alike = [name for name in names if wanted in name.casefold()]
    name = next(iter([*same, *alike]), "")
    return server._replace(server_name=name) if name else None


def _rank(host_api: str) -> int:
    return _HOST_APIS.index(host_api) if host_api in _HOST_APIS else len(_HOST_APIS)


def rate_of(device: Device, direction: Direction) -> float:
    """Return the rate to open a device with: 48 kHz where it takes that, as calls and recordings have it."""
    library = portaudio()
    check = library.check_input_settings if direction == "input" else library.check_output_settings
    with contextlib.suppress(library.PortAudioError, ValueError):
        check(device.number, channels=min(2, device.channels(direction)), dtype="float32", samplerate=_USUAL_RATE)
        return float(_USUAL_RATE)
    return device.usual_rate


_ERROR_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)
_say_nothing = _ERROR_HANDLER(lambda *_: None)


def silence_alsa() -> None:
    """Keep ALSA from writing its own lines for every device that does not open: ours say what matters."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(_say_nothing)
