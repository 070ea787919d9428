"""`realtime doctor`: what works on this machine, and the next step for what does not."""

from __future__ import annotations

import argparse
import dataclasses
import platform
import sys
import time
from collections.abc import Callable

from realtime import __version__
from realtime.core.columns import padded
from realtime.core.errors import RealtimeError
from realtime.core.language import N_, _


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    works: bool
    text: str
    next_step: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """Something to look at. `needed`: the default run fails without it."""

    name: str
    look: Callable[[], Finding]
    needed: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""
    parser.epilog = _("Exit code 1 where the default run would fail; what is only nice to have does not count.")


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - the signature of a command
    """Look at everything, print a line for each, and return 1 if something the default run needs is missing."""
    print(
        _(
            "realtime {version}, Python {python}, {system}\n",
            version=__version__,
            python=platform.python_version(),
            system=platform.platform(),
        )
    )
    failed = False
    for check in CHECKS:
        try:
            finding = check.look()
        except RealtimeError as error:
            finding = Finding(False, str(error))
        except Exception as error:  # the doctor tells what fails, whatever it is
            finding = Finding(False, f"{type(error).__name__}: {error}", _("run with --debug and report this"))
        sign = "ok  " if finding.works else ("FAIL" if check.needed else "--  ")
        print(f"{sign} {padded(_(check.name), 15)} {finding.text}")
        if finding.next_step and not finding.works:
            print(f"{'':20} -> {finding.next_step}")
        failed |= check.needed and not finding.works
    print()
    print(_("the default run cannot do its job") if failed else _("the default run works"))
    return 1 if failed else 0


def _opencv() -> Finding:
    import cv2

    return Finding(True, _("{version}, {threads} threads", version=cv2.__version__, threads=cv2.getNumThreads()))


def _faces() -> Finding:
    from realtime.faces.detection.blazeface import open_full_range
    from realtime.imaging.frame import Frame
    from realtime.picture_files.reader import read_picture
    from realtime.picture_files.samples import sample_photo

    began_s = time.monotonic()
    detector = open_full_range()
    opened_s = time.monotonic() - began_s
    photo = read_picture(sample_photo())
    times: list[float] = []
    faces = []
    for index in range(10):
        began_s = time.perf_counter()
        faces = detector.find(Frame(photo, 0.0, index / 30, index))
        times.append(time.perf_counter() - began_s)
    detector.close()
    text = _(
        "{provider}: {median_ms:.1f} ms a frame, opened in {opened_s:.1f} s",
        provider=detector.provider,
        median_ms=1e3 * sorted(times)[5],
        opened_s=opened_s,
    )
    return Finding(bool(faces), text if faces else _("the detector does not see the face in the test photo"))


def _portrait() -> Finding:
    from realtime.portrait.building.default import default_portrait
    from realtime.portrait.pack import Portrait

    with Portrait.open(default_portrait(lambda what, share: None)) as portrait:
        return Finding(
            True, _("{frames} frames of {size}", frames=portrait.columns * portrait.rows, size=portrait.place.size)
        )


def _camera() -> Finding:
    from realtime.cameras import CameraRequest
    from realtime.cameras.listing import first_camera
    from realtime.cameras.webcam import Webcam

    camera = Webcam(first_camera(), CameraRequest())
    camera.close()
    return Finding(
        True, _("{name}: {size} at {fps:g} fps", name=camera.info.name, size=camera.info.size, fps=camera.info.fps)
    )


def _screen() -> Finding:
    from realtime.outputs.window.screens import list_screens

    screens = list_screens()
    if not screens:
        return Finding(False, _("none; the default run writes realtime-demo.mp4 instead"), _("log in with a desktop"))
    return Finding(True, ", ".join(f"{screen.name} {screen.size}" for screen in screens))


def _virtual_camera() -> Finding:
    from realtime.control.channel import ControlChannel
    from realtime.outputs import OutputRequest
    from realtime.outputs.virtual_camera import VirtualCamera

    camera = VirtualCamera("", OutputRequest(controls=ControlChannel()))
    camera.close()
    return Finding(True, camera.name)


def _encoder() -> Finding:
    import tempfile
    from pathlib import Path

    import numpy as np

    from realtime.control.channel import ControlChannel
    from realtime.imaging.frame import Frame
    from realtime.outputs import OutputRequest
    from realtime.outputs.recorder import Recorder

    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(str(Path(folder) / "try.mp4"), OutputRequest(controls=ControlChannel()))
        for index in range(3):
            recorder.show(Frame(np.full((360, 640, 3), 40 * index, np.uint8), 0.0, index / 30, index))
        recorder.close()
    return Finding(True, _("{encoder} writes video files", encoder=recorder.encoder))


def _onnx_runtime() -> Finding:
    from realtime.models.runtime import ort_session
    from realtime.models.runtime.providers import choose

    providers, notes = choose(None, ort_session.machine(), fixed_sizes=True)
    computes = _(
        "{version}, computes with {providers}",
        version=ort_session.VERSION,
        providers=", ".join(provider.title for provider in providers),
    )
    return Finding(not notes, computes, "; ".join(notes))


def _sound() -> Finding:
    from realtime.sound.devices import list_devices

    devices = list_devices()
    inputs = sum(device.inputs > 0 for device in devices)
    outputs = sum(device.outputs > 0 for device in devices)
    if not devices:
        return Finding(
            False, _("no sound device"), _("plug in a microphone, or start the sound server of your desktop")
        )
    return Finding(
        inputs > 0,
        _("{inputs} inputs, {outputs} outputs", inputs=inputs, outputs=outputs),
        _("plug in a microphone; --sound needs one"),
    )


def _virtual_cable() -> Finding:
    from realtime.sound.cables import find_cables, how_to_make_one

    names = find_cables()
    return Finding(
        bool(names), ", ".join(names) or _("none: a call cannot take the delayed microphone"), how_to_make_one()
    )


def _python() -> Finding:
    in_environment = sys.prefix != sys.base_prefix
    return Finding(True, f"{sys.prefix}" + ("" if in_environment else _(" (no virtual environment)")))


CHECKS = (
    Check("Python", _python, needed=True),
    Check("OpenCV", _opencv, needed=True),
    Check(N_("faces"), _faces, needed=True),
    Check(N_("portrait"), _portrait, needed=True),
    Check(N_("video encoder"), _encoder, needed=True),
    Check(N_("screen"), _screen, needed=False),
    Check(N_("camera"), _camera, needed=False),
    Check(N_("virtual camera"), _virtual_camera, needed=False),
    Check("ONNX Runtime", _onnx_runtime, needed=False),
    Check(N_("sound"), _sound, needed=False),
    Check(N_("virtual cable"), _virtual_cable, needed=False),
)
