"""Pictures of the tray that were looked at and found good: `python -m tests.tray.kept_pictures` makes them anew. Look
at them before they are kept.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from realtime.control.channel import Status
from realtime.control.parameters import Parameters
from realtime.core.settings import setting
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.sdl import pygame
from tests.tray.stage import Hand

FOLDER = Path(__file__).parent / "kept"
_GREY = 96


@dataclasses.dataclass(frozen=True)
class Worded:
    words: str = dataclasses.field(default="synthetic", metadata=setting("what is written", live=True))


def _looks(hand: Hand) -> None:
    hand.rest("tile:style:woodblock")


def _background(hand: Hand) -> None:
    hand.controls.status = Status(
        effect="Night", spec="style:night", background="background:3", source="HD Webcam", titles=("Night", "Wall 3")
    )
    hand.click("tab:Background")
    hand.rest("tab:Background")


def _cameras(hand: Hand) -> None:
    hand.click("bar:source")


def _typing(hand: Hand) -> None:
    hand.controls.parameters.hold("style", Parameters(Worded()))
    hand.wait(0.2)
    hand.click("set:style.words")
    hand.tray.type_text(", painted", hand.now_s)
    hand.wait(0.2)


def _keys(hand: Hand) -> None:
    hand.key(pygame.K_TAB)
    hand.tray.toggle(hand.now_s)
    hand.wait(0.3)
    hand.key(pygame.K_RIGHT)


PICTURES: dict[str, tuple[Size, Callable[[Hand], None]]] = {
    "looks": (Size(1280, 720), _looks),
    "looks-small": (Size(640, 480), _looks),
    "background": (Size(960, 540), _background),
    "cameras": (Size(960, 540), _cameras),
    "typing": (Size(960, 540), _typing),
    "keys": (Size(960, 540), _keys),
}


def drawn(name: str) -> Pixels:
    """Return the tray over a plain picture. pygame's display and fonts must have been initialised."""
    size, do = PICTURES[name]
    hand = Hand(size)
    down, across = np.mgrid[:90, :160]
    for number, spec in enumerate(("none", "style:night", "style:woodblock", "background:0", "background:3")):
        picture = np.dstack([across * 255 // 159, down * 255 // 89, np.full_like(down, 40 * number)])
        hand.offers.pictures[spec] = picture.astype(np.uint8)
    hand.come()
    do(hand)
    hand.wait(0.3)
    canvas = pygame.Surface(size)
    canvas.fill((_GREY, _GREY, _GREY))
    for layer, position in hand.tray.layers:
        canvas.blit(layer, position)
    hand.tray.clear()
    rgb = pygame.surfarray.array3d(canvas).transpose(1, 0, 2)
    return np.ascontiguousarray(rgb[:, :, ::-1], np.uint8)


def main() -> None:
    """Write all of them."""
    os.environ.update(SDL_VIDEODRIVER="dummy", LANGUAGE="en")
    pygame.display.init()
    pygame.font.init()
    pygame.display.set_mode((64, 48))
    FOLDER.mkdir(exist_ok=True)
    for name in PICTURES:
        path = FOLDER / f"{name}.png"
        cv2.imwrite(str(path), drawn(name), [cv2.IMWRITE_PNG_COMPRESSION, 9])
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
