"""`realtime gallery FILE --check`: what would run and what is missing, each with the next step."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from realtime import cameras
from realtime.cameras import CameraRequest
from realtime.core.columns import padded
from realtime.core.errors import FAULTS, RealtimeError, first_clause, in_one_line
from realtime.core.files import check_folder
from realtime.core.language import _
from realtime.core.specs import EffectSpec
from realtime.effects import EffectContext, effect_class
from realtime.gallery.config import Gallery, Item, Screen
from realtime.gallery.processes.screen import WALL_OUTPUT
from realtime.gallery.processes.service import service_file
from realtime.gallery.processes.state import gallery_folder
from realtime.gallery.programme.hours import local_time
from realtime.imaging.frame import Size
from realtime.session.effect_opening import open_effect, with_settings

_LEAST_ROOM_BYTES = 200_000_000
_EARLIEST_YEAR = 2026
"""A clock that shows an earlier one has not been set since the computer was made."""


class Finding(NamedTuple):
    """A line of the report."""

    what: str
    works: bool
    text: str
    next_step: str = ""
    is_needed: bool = True
    """Whether the gallery could not run without it."""


def check(gallery: Gallery, screens: Sequence[Screen]) -> int:
    """Look at everything, print a line for each, and return 1 where the gallery could not run."""
    print(f"{gallery.path}: {gallery.name}\n")
    is_fit = True
    for look in (_hours, _camera, _screens, _items, _folder, _clock, _blanking, _service):
        for finding in _looked(look, gallery, screens):
            sign = "ok  " if finding.works else "FAIL" if finding.is_needed else "--  "
            print(f"{sign} {padded(finding.what, 22)} {finding.text}")
            if finding.next_step and not finding.works:
                print(f"{'':27} -> {finding.next_step}")
            is_fit &= finding.works or not finding.is_needed
    print()
    print(_("it can hang") if is_fit else _("it cannot hang yet"))
    return 0 if is_fit else 1


_Look = Callable[[Gallery, Sequence[Screen]], Iterator[Finding]]


def _looked(look: _Look, gallery: Gallery, screens: Sequence[Screen]) -> Iterator[Finding]:
    try:
        yield from look(gallery, screens)
    except FAULTS as error:  # the check tells what fails, whatever it is
        yield Finding(look.__name__.strip("_"), False, in_one_line(error))


def _hours(gallery: Gallery, screens: Sequence[Screen]) -> Iterator[Finding]:  # noqa: ARG001
    now_s = time.time()
    is_open = gallery.hours.is_open(now_s)
    change_s = gallery.hours.next_change(now_s)
    text = "open" if is_open else "closed"
    if change_s is not None:
        text += _(" until {changes_at}", changes_at=local_time(change_s, gallery.hours.zone).strftime("%a %H:%M"))
    yield Finding(_("opening hours"), True, f"{text}{'' if gallery.hours.spans else ', always'}")


def _camera(gallery: Gallery, screens: Sequence[Screen]) -> Iterator[Finding]:  # noqa: ARG001
    from realtime.cameras.listing import first_camera

    try:
        camera = cameras.open_camera(gallery.camera or first_camera(), CameraRequest())
    except RealtimeError as error:
        step = _("plug it in; it is waited for, and portraits look about meanwhile")
        yield Finding("camera", False, first_clause(error), step, is_needed=False)  # its own remedy is a run's
        return
    info = camera.info
    camera.close()
    yield Finding("camera", True, _("{name}: {size} at {fps:g} fps", name=info.name, size=info.size, fps=info.fps))


def _screens(gallery: Gallery, screens: Sequence[Screen]) -> Iterator[Finding]:  # noqa: ARG001
    from realtime.outputs.window.screens import list_screens

    there = list_screens()
    if not there:
        yield Finding("screens", False, _("none is seen from here"), _("log in at the desktop, or set DISPLAY"))
        return
    listed = ", ".join(f"{one.number} {one.name} {one.size}" for one in there)
    for screen in screens:
        found = [one for one in there if screen.screen in (str(one.number), one.name)]
        if found:
            yield Finding(_("screen {name}", name=screen.name), True, f"{found[0].name} {found[0].size}")
        else:
            step = _("there are: {listed}; 'realtime devices' lists them", listed=listed)
            yield Finding(
                _("screen {name}", name=screen.name),
                False,
                _("there is no screen {screen}", screen=screen.screen),
                step,
            )


def _items(gallery: Gallery, screens: Sequence[Screen]) -> Iterator[Finding]:
    context = EffectContext(frame=Size(1280, 720))
    seen: set[str] = set()
    fit: dict[str, bool] = {}
    for screen in screens:
        for item in screen.items:
            if item.name not in seen:
                seen.add(item.name)
                finding = _item(gallery, screen, item, context)
                fit[item.name] = finding.works
                yield finding
        if not any(fit[item.name] for item in screen.items):
            yield Finding(
                _("screen {name}", name=screen.name), False, _("none of its items can be shown"), _("mend one of them")
            )


def _item(gallery: Gallery, screen: Screen, item: Item, context: EffectContext) -> Finding:
    options = gallery.run_options(screen, WALL_OUTPUT, item)
    began_s = time.monotonic()
    try:
        open_effect(item.spec, with_settings(options, item.spec, item.settings), context).close()
    except FAULTS as error:  # it may be anybody's code
        step = _("it is left out; mend it, or take it out of the file")
        return Finding(_("item {name}", name=item.name), False, in_one_line(error), step, is_needed=False)
    if item.waits_for_nobody and not effect_class(EffectSpec.parse(item.spec).name).uses_faces:
        step = _("it changes on time; leave waits_for_nobody out")
        text = _("opens; it waits for nobody, but its effect looks at no faces")
        return Finding(_("item {name}", name=item.name), True, text, step, is_needed=False)
    return Finding(
        _("item {name}", name=item.name),
        True,
        _("opens in {took_s:.1f} s, hangs {hangs_s:g} s", took_s=time.monotonic() - began_s, hangs_s=item.hangs_s),
    )


def _folder(gallery: Gallery, screens: Sequence[Screen]) -> Iterator[Finding]:  # noqa: ARG001
    folder = gallery_folder(gallery.path)
    existing = next(one for one in (folder, *folder.parents) if one.exists())
    check_folder(existing)
    room = shutil.disk_usage(existing).free
    text = _("{folder}, {free_gb:.1f} GB free", folder=folder, free_gb=room / 1e9)
    yield Finding(_("log and state"), room > _LEAST_ROOM_BYTES, text, _("free some room"), is_needed=False)


def _clock(gallery: Gallery, screens: Sequence[Screen]) -> Iterator[Finding]:  # noqa: ARG001
    now = local_time(time.time(), gallery.hours.zone)
    step = _("let the system set it from the network (timedatectl set-ntp true): opening hours go by it")
    text = f"{now:%a %Y-%m-%d %H:%M}, {gallery.hours.zone or time.strftime('%Z')}"
    yield Finding("clock", now.year >= _EARLIEST_YEAR, text, step, is_needed=False)


def _blanking(gallery: Gallery, screens: Sequence[Screen]) -> Iterator[Finding]:  # noqa: ARG001
    if sys.platform != "linux" or not os.environ.get("DISPLAY"):
        return
    xset = shutil.which("xset")
    if xset is None:
        yield Finding(_("screen saver"), False, _("nobody knows"), _("apt install x11-xserver-utils"), is_needed=False)
        return
    answer = ""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        answer = subprocess.run([xset, "q"], capture_output=True, text=True, timeout=5, check=False).stdout
    blanks = "timeout:  0" not in answer or "DPMS is Enabled" in answer
    text = _("may turn the screen black by itself") if blanks else "off"
    yield Finding(
        _("screen saver"), not blanks, text, _("xset s off -dpms, in the session's autostart"), is_needed=False
    )


def _service(gallery: Gallery, screens: Sequence[Screen]) -> Iterator[Finding]:  # noqa: ARG001
    path, _unused = service_file(gallery)
    is_there = path.exists()
    is_ours = is_there and _names(path, gallery.path)
    text = str(path) if is_ours else _("of another program or place") if is_there else _("does not start by itself")
    yield Finding(
        "service",
        is_ours,
        text,
        _("realtime gallery {name} --install-service", name=gallery.path.name),
        is_needed=False,
    )


def _names(unit: Path, gallery: Path) -> bool:
    try:
        data = unit.read_bytes()
    except OSError:
        return False
    return (sys.executable.encode() in data and gallery.name.encode() in data) or sys.platform == "win32"
