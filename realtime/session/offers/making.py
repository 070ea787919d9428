"""What is made of files while the picture goes on, in processes of its own: portraits built, models brought in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from realtime.core.errors import ModelError, PortraitError
from realtime.core.files import unused_name
from realtime.core.helper_process import HelperProcess, Progress, step_back
from realtime.core.language import _

_MODEL_WITHIN_S = 900.0
_ADD = """
import sys
sys.path[:] = sys.argv[2:]
from realtime.__main__ import main
sys.exit(main(["models", "add", sys.argv[1]]))
"""


class PortraitBuilder:
    """[the other process] Builds one portrait."""

    def build(self, picture_file: Path, target: Path, progress: Progress) -> str:
        """Make a pack of the picture and return its title. Raises a RealtimeError, and leaves nothing then."""
        from realtime.faces.landmarks.measurement import FaceMeasurer
        from realtime.picture_files.painting import read_picture
        from realtime.portrait.building.builder import build
        from realtime.portrait.building.moving_faces import usable_faces

        step_back()
        title = title_of(picture_file)
        meter = FaceMeasurer()
        picture, _ = read_picture(picture_file)
        build(picture, usable_faces(picture, meter), target, meter, title=title, progress=progress)
        return title


def build_portrait(picture_file: Path, folder: Path, progress: Progress) -> Path:
    """Make a portrait of a picture in a folder of packs, in another process; return its file. Raises a RealtimeError.

    `progress` is called on this thread, with the step and how far all of it is, 0..1.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PortraitError(
            _("cannot make the folder {folder}: {reason}; check its permissions", folder=folder, reason=error.strerror)
        ) from error
    target = unused_name(folder / f"{picture_file.stem}.portrait")
    steps = _Steps(progress)
    helper = HelperProcess(PortraitBuilder)
    try:
        helper.ask("build", picture_file, target, progress=steps.tell)
    finally:
        helper.close()
    return target


def title_of(picture_file: Path) -> str:
    """Return what a portrait of a picture is called."""
    words = picture_file.stem.replace("_", " ").replace("-", " ").strip() or picture_file.stem
    return words[:1].upper() + words[1:]


def add_model(model_file: Path) -> str:
    """Bring a model into the library, in another process; return what to say, in a line. Raises ModelError."""
    command = [sys.executable, "-I", "-c", _ADD, str(model_file), *filter(None, sys.path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", errors="replace", timeout=_MODEL_WITHIN_S,
            env=environment, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelError(_("{name} could not be added: {reason}", name=model_file.name, reason=error)) from error
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    if done.returncode != 0:
        reason = lines[-1] if lines else _("it ended with code {returncode}", returncode=done.returncode)
        raise ModelError(reason.removeprefix("realtime: ").replace(str(model_file), model_file.name))
    speed = next((line for line in done.stdout.splitlines() if line.startswith("speed:")), "")
    return _("{title} is there now", title=title_of(model_file)) + (
        f"; {speed.removeprefix('speed:').strip()}" if speed else ""
    )


class _Steps:
    """One share for several steps that follow each other, of which only names are known: it never goes back."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._names: list[str] = []
        self._share = 0.0

    def tell(self, what: str, share: float) -> None:
        if what not in self._names:
            self._names.append(what)
        done = 1 - 0.5 ** (len(self._names) - 1)  # each step: half of what is left
        self._share = max(self._share, done + (1 - done) * 0.5 * min(1.0, max(0.0, share)))
        self._progress(what, self._share)
