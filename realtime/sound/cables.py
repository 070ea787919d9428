"""Virtual cables: an output whose sound other programs take for a microphone, so that a call hears what leaves here."""

from __future__ import annotations

import sys

from realtime.core.language import N_, _
from realtime.sound.devices import list_devices
from realtime.sound.sound_server import list_server_devices

_MARKS = ("blackhole", "vb-audio", "cable input", "loopback", "soundflower")
_MAKE_NULL_SINK = "pactl load-module module-null-sink sink_name=realtime sink_properties=device.description=realtime"
_HOW_TO_MAKE_ONE = {
    "darwin": N_("install BlackHole (brew install blackhole-2ch), then --sound 'default>BlackHole'"),
    "win32": N_('install VB-CABLE (vb-audio.com/Cable), then --sound "default>CABLE Input"'),
}


def find_cables() -> list[str]:
    """Return the names of the virtual cables that are there: of devices, and on Linux of the sound server's null
    sinks, which PortAudio cannot name. Raises SoundError where PortAudio is missing.
    """
    named = [
        device.name
        for device in list_devices()
        if device.outputs and any(mark in device.name.casefold() for mark in _MARKS)
    ]
    return [*named, *(_null_sinks() if sys.platform == "linux" else [])]


def _null_sinks() -> list[str]:
    sinks = list_server_devices("output")
    return [sink.name for sink in sinks if "null-sink" in sink.driver or "null" in sink.name or sink.name == "realtime"]


def how_to_make_one() -> str:
    """Return what to do on this system where there is none."""
    elsewhere = N_("{command} (PulseAudio, PipeWire), then as docs/sound.md tells")
    return _(_HOW_TO_MAKE_ONE.get(sys.platform, elsewhere), command=_MAKE_NULL_SINK)
