"""`realtime devices`: what can be seen, shown and heard on this machine."""

from __future__ import annotations

import argparse
import sys

from realtime.core.errors import RealtimeError
from realtime.core.language import _


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""
    parser.epilog = _("A camera's number or a part of its name is what --source takes; a screen's number --screen.")


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - the signature of a command
    """Print five lists. A kind of device that cannot be listed says why, and the rest goes on."""
    for title, list_lines in (
        (_("Cameras (--source)"), camera_lines),
        (_("Virtual cameras (--output camera)"), virtual_camera_lines),
        (_("Screens (--screen)"), screen_lines),
        (_("Sound (--sound 'IN>OUT')"), sound_lines),
        (_("Knobs and faders (--midi)"), midi_lines),
    ):
        print(title)
        try:
            lines = list_lines()
        except (RealtimeError, OSError) as error:
            lines = [str(error)]
        for line in lines:
            print(f"  {line}")
        print()
    return 0


def camera_lines() -> list[str]:
    """One line for each camera, and one for each size with its rates."""
    from realtime.cameras.listing import list_cameras

    lines = []
    for camera in list_cameras():
        lines.append(f"{camera.number}: {camera.name}" + (f"  ({camera.path})" if camera.path else ""))
        lines += [f"     {mode}" for mode in camera.modes]
    return lines or [_("none found; plug one in, or use --source demo")]


def virtual_camera_lines() -> list[str]:
    """One line for each device or backend that a virtual camera can use."""
    from realtime.outputs.virtual_camera import backends, loopbacks
    from realtime.system import v4l2

    if sys.platform != "linux":
        return [f"{name}  (--output camera:{name})" for name in backends()]
    lines = [f"{path}: {v4l2.describe(path).name}  (--output camera:{path})" for path in loopbacks()]
    remedy = "sudo apt install v4l2loopback-dkms && sudo modprobe v4l2loopback exclusive_caps=1 card_label=realtime"
    return lines or [_("none; make one with: {remedy}", remedy=remedy)]


def screen_lines() -> list[str]:
    """One line for each screen."""
    from realtime.outputs.window.screens import list_screens

    lines = [f"{screen.number}: {screen.name}  {screen.size}" for screen in list_screens()]
    return lines or [_("none; use --output camera, out.mp4, - or none")]


def sound_lines() -> list[str]:
    """One line for each sound device, in and out."""
    from realtime.sound.devices import list_devices
    from realtime.sound.sound_server import list_server_devices

    lines = [
        _(
            "{number}: {name}  (in {inputs}, out {outputs}, {usual_rate:g} Hz, {host_api})",
            number=one.number,
            name=one.name,
            inputs=one.inputs,
            outputs=one.outputs,
            usual_rate=one.usual_rate,
            host_api=one.host_api,
        )
        for one in list_devices()
    ]
    lines += [_("{name}  (in, of the sound server)", name=one.name) for one in list_server_devices("input")]
    lines += [_("{name}  (out, of the sound server)", name=one.name) for one in list_server_devices("output")]
    return lines or [_("none found; docs/sound.md tells how to make one")]


def midi_lines() -> list[str]:
    """One line for each MIDI device that can be listened to. Raises OptionError where there is no MIDI."""
    from realtime.remote.midi.ports import MachinePorts

    return MachinePorts().input_names() or [_("none found; plug one in")]
