"""Make docs/tray.jpg, the window with its tray, with the program itself: `python -m tools.make_tray_picture`.

The person is Rear Admiral Grace Hopper, from a US Navy photo in the public domain; the tiles are made of her by the
program, as they are of whoever sits before it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from realtime.control.commands import Quit
from realtime.core.stats import RunStats
from realtime.imaging.frame import Pixels, Size
from realtime.picture_files.reader import read_picture
from realtime.picture_files.samples import sample_photo

PICTURE = Path(__file__).parents[1] / "docs" / "tray.jpg"
WINDOW = Size(1280, 720)
_PHOTO_HEIGHT = 760  # its lower end lies under the tray
_WITHIN_S = 300.0


def main(argv: Sequence[str] | None = None) -> int:
    """Write the picture; return 1 where the tiles are not there in time."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_tray_picture", description=__doc__)
    parser.add_argument("--effect", default="style:woodblock", help="the look that is shown")
    parser.add_argument("--output", type=Path, default=PICTURE)
    chosen = parser.parse_args(argv)
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "Grace Hopper.png"
        cv2.imwrite(str(source), _as_camera(read_picture(sample_photo())))
        shown = window_with_tray(source, chosen.effect)
    if shown is None:
        return 1
    cv2.imwrite(str(chosen.output), shown, [cv2.IMWRITE_JPEG_QUALITY, 88])
    return 0


def window_with_tray(source: Path, effect: str) -> Pixels | None:
    """Return a window whose tray is open and whose tiles all have their pictures; None where they do not come."""
    from realtime.imaging.sdl import pygame
    from realtime.outputs.window.window import Window
    from realtime.session.assembly import build
    from realtime.session.options import Options

    options = Options(source=str(source), size=WINDOW, effect=(effect,), output=("window",), quality="fixed")
    run = build(options, lambda what, share: None, RunStats())
    controls, window = run.supervisor.controls, run.loop.outputs[0]
    assert isinstance(window, Window)
    assert window.tray is not None
    tray, offers = window.tray, controls.offers
    found: list[Pixels] = []
    give_up_at_s = time.monotonic() + _WITHIN_S

    def look(processed: int) -> None:  # noqa: ARG001 - the signature is the supervisor's
        tray.wake(time.monotonic())
        looks = next((one.offers for one in offers.categories if one.name == "Looks"), ()) if offers else ()
        pictures = [offers.thumbnail(offer.spec) for offer in looks] if offers else []
        surface = pygame.display.get_surface()
        is_whole = bool(pictures) and all(picture is not None for picture in pictures) and bool(tray.layers)
        if is_whole and not controls.message and surface is not None:
            rgb = pygame.surfarray.array3d(surface).transpose(1, 0, 2)
            found.append(np.ascontiguousarray(rgb[..., ::-1]))
        if len(found) > 4 or time.monotonic() > give_up_at_s:  # the last tile has been drawn, too
            controls.send(Quit())

    run.supervisor.on_processed = look
    run.go()
    return found[-1] if found else None


def _as_camera(photo: Pixels) -> Pixels:
    """Return the photo before itself out of focus, in the shape that cameras have."""
    height, width = photo.shape[:2]
    tall = WINDOW.width * height // width
    top = (tall - WINDOW.height) // 3
    wide = cv2.resize(photo, (WINDOW.width, tall))[top : top + WINDOW.height]
    picture = cv2.GaussianBlur(wide, (0, 0), 40)
    across = _PHOTO_HEIGHT * width // height
    left = (WINDOW.width - across) // 2
    inside = cv2.resize(photo, (across, _PHOTO_HEIGHT), interpolation=cv2.INTER_CUBIC)
    picture[:, left : left + across] = inside[: WINDOW.height]
    return np.asarray(picture, np.uint8)


if __name__ == "__main__":
    raise SystemExit(main())
