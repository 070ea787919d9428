"""Make the pictures of the README with the program itself: `python -m tools.make_readme_pictures`.

From the demo viewer and the default portrait (a US Navy photo in the public domain), so that nobody's rights are
touched and anybody can make them again. The swapped face is the astronaut's (NASA, public domain) that scikit-image
carries: `pip install scikit-image`, or name the file, `--astronaut astronaut.png`.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import os
import tempfile
import time
from pathlib import Path

import av
import cv2
import numpy as np

from realtime.__main__ import main as realtime_main
from realtime.core.stats import RunStats
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.pixels import Place
from realtime.picture_files.samples import sample_photo
from realtime.session import assembly
from realtime.session.options import Options
from tools.readme_places import write_call, write_stream, write_wall

DOCS = Path(__file__).parents[1] / "docs"
HEIGHT_PX = 320
FPS = 10
SECONDS = 13.0
SWAP_PX = 512
MORPH_PX = 256
BACKGROUND_PX = 400
MORPH_ATTRIBUTES = (("smile", "beard", "makeup"), ("smile", "beard", "glasses"))
"""Of the naval officer, who wears glasses of her own, and of the astronaut."""
WINDOW_SIZE = Size(960, 720)
WINDOW_HEIGHT_PX = 480
WINDOW_SECONDS = 12.0
WINDOW_FPS = 8
WINDOW_KEYS = ((2.0, ord("5")), (5.0, ord("4")), (8.0, ord("2")), (11.0, ord("0")))
"""When which digit is pressed: what stands on its tile."""
HEAD = Place(102, 60, 320, 320)
"""The part of the default portrait that is shown: its eyes move by a few pixels, and a page is read from afar."""


def main() -> None:
    """Write all of them, or those named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only",
        choices=("window", "follow", "swap", "morph", "background", "call", "stream", "wall"),
        help="write only this one",
    )
    parser.add_argument("--astronaut", type=Path, help="the astronaut's photo, where scikit-image is not installed")
    arguments = parser.parse_args()
    if arguments.only in (None, "window"):
        write_window()
    if arguments.only in (None, "follow"):
        write_follow()
    if arguments.only in (None, "swap"):
        write_swap(arguments.astronaut or _astronaut(parser))
    if arguments.only in (None, "morph"):
        write_morph(arguments.astronaut or _astronaut(parser))
    if arguments.only in (None, "background"):
        write_background(arguments.astronaut or _astronaut(parser))
    if arguments.only in (None, "call"):
        write_call(DOCS / "call.jpg", arguments.astronaut or _astronaut(parser))
    if arguments.only in (None, "stream"):
        write_stream(DOCS / "stream.jpg", arguments.astronaut or _astronaut(parser))
    if arguments.only in (None, "wall"):
        write_wall(DOCS / "wall.jpg")


def write_window() -> None:
    """Write docs/window.webp: the window itself, with the tray, while somebody goes through some looks by keys."""
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    from realtime.imaging.sdl import pygame

    options = dataclasses.replace(
        Options(),
        source="demo",
        size=WINDOW_SIZE,
        fps=30.0,
        effect=("none",),
        output=("window",),
        seconds=WINDOW_SECONDS + 3,
    )
    run = assembly.build(options, lambda what, share: None, RunStats())
    began_s: float | None = None
    keys = list(WINDOW_KEYS)
    pictures: list[Pixels] = []

    def tick() -> None:
        nonlocal began_s
        run.supervisor.tick()
        surface = pygame.display.get_surface()
        if surface is None or run.loop.newest is None:
            return
        began_s = began_s or time.monotonic() + 2.0  # what is said at the start is over
        now_s = time.monotonic() - began_s
        pygame.event.post(
            pygame.event.Event(pygame.MOUSEMOTION, pos=(40 + int(4 * now_s), 300), rel=(1, 0), buttons=())
        )
        while keys and now_s >= keys[0][0]:
            key = keys.pop(0)[1]
            event = pygame.event.Event(pygame.KEYDOWN, key=key, mod=0, unicode=chr(key), scancode=0)
            pygame.event.post(event)
        if 0 <= now_s < WINDOW_SECONDS and len(pictures) <= now_s * WINDOW_FPS:
            rgb = pygame.surfarray.array3d(surface).transpose(1, 0, 2)
            pictures.append(np.ascontiguousarray(rgb[:, :, ::-1], np.uint8))

    try:
        run.loop.run(tick)
    finally:
        run.supervisor.close()
    _write_webp(DOCS / "window.webp", [_scaled(picture, WINDOW_HEIGHT_PX) for picture in pictures], WINDOW_FPS)


def write_swap(astronaut: Path) -> None:
    """Write docs/swap.jpg: the Navy photo, the astronaut's, and her face on the Navy photo."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "swapped"
        options = dataclasses.replace(
            Options(), source=str(sample_photo()), effect=(f"swap:{astronaut}",), output=(f"{out}/",), frames=20
        )
        assembly.build(options, lambda what, share: None, RunStats()).go()
        swapped = _read(max(out.glob("*.png")))
    pictures = [_read(sample_photo()), _read(astronaut), swapped]
    path = DOCS / "swap.jpg"
    cv2.imwrite(
        str(path), np.hstack([_scaled(picture, SWAP_PX) for picture in pictures]), [cv2.IMWRITE_JPEG_QUALITY, 90]
    )
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


def write_morph(astronaut: Path) -> None:
    """Write docs/morph.jpg: both photos along some of the attributes, as `realtime morph sheet` draws them."""
    sheets = []
    with tempfile.TemporaryDirectory() as folder:
        for photo, names in zip((sample_photo(), astronaut), MORPH_ATTRIBUTES, strict=True):
            sheet = Path(folder) / f"{photo.stem}.png"
            words = ["morph", "sheet", str(photo), "-o", str(sheet), "--side", str(MORPH_PX)]
            for name in names:
                words += ["--attribute", name]
            if realtime_main(words) != 0:
                raise SystemExit("realtime morph sheet failed")
            sheets.append(_read(sheet))
        path = DOCS / "morph.jpg"
        drawn = np.concatenate(sheets)
        cv2.imwrite(str(path), _scaled(drawn, drawn.shape[0] * 3 // 4), [cv2.IMWRITE_JPEG_QUALITY, 85])
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


def write_background(astronaut: Path) -> None:
    """Write docs/background.jpg: the astronaut, and the same with what is behind her changed."""
    pictures = [_read(astronaut)]
    changes: list[tuple[str, tuple[str, ...]]] = [
        ("background:blur", ()),
        ("background:#5f7f6d", ()),
        ("style:night", ("style.where=background",)),
    ]
    for effect, settings in changes:
        with tempfile.TemporaryDirectory() as folder:
            words = ["run", "--source", str(astronaut), "--no-mirror", "--every-frame", "--frames", "1"]
            words += ["--effect", effect, "--output", f"{folder}/"]
            for setting in settings:
                words += ["--set", setting]
            if realtime_main(words):
                raise SystemExit(f"{effect} failed")
            pictures.append(_read(min(Path(folder).iterdir())))
    row = np.hstack([_scaled(pixels, BACKGROUND_PX) for pixels in pictures])
    cv2.imwrite(str(DOCS / "background.jpg"), row, [cv2.IMWRITE_JPEG_QUALITY, 88])


def _astronaut(parser: argparse.ArgumentParser) -> Path:
    found = importlib.util.find_spec("skimage")
    path = Path(found.origin or "").parent / "data" / "astronaut.png" if found is not None else Path()
    if not path.is_file():
        parser.error("no astronaut: pip install scikit-image, or name her photo with --astronaut FILE")
    return path


def write_follow() -> None:
    """Write docs/follow.webp: the viewer as a mirror would show them, beside the portrait that follows them."""
    with tempfile.TemporaryDirectory() as folder:
        portraits = _run(Path(folder) / "portrait", "portrait")
        viewers = _run(Path(folder) / "viewer", "none", mirror=True)
        pictures = [_beside(viewer, portrait) for viewer, portrait in zip(viewers, portraits, strict=True)]
    _write_webp(DOCS / "follow.webp", pictures)


def _run(folder: Path, effect: str, *, mirror: bool = False) -> list[Path]:
    """Run the program over the demo, every frame into a folder."""
    options = dataclasses.replace(
        Options(),
        source="demo",
        fps=FPS,
        mirror=mirror,
        every_frame=True,
        effect=(effect,),
        output=(f"{folder}/",),
        seconds=SECONDS,
    )
    assembly.build(options, lambda what, share: None, RunStats()).go()
    return sorted(folder.glob("*.png"))


def _beside(viewer: Path, portrait: Path) -> Pixels:
    """Put the viewer to the left of the portrait's head, both at the same height."""
    return np.hstack([_scaled(_read(viewer)), _scaled(HEAD.of(_read(portrait)))])


def _read(path: Path) -> Pixels:
    pixels = cv2.imread(str(path))
    assert pixels is not None
    return pixels.astype(np.uint8, copy=False)


def _scaled(pixels: Pixels, height_px: int = HEIGHT_PX) -> Pixels:
    width = round(pixels.shape[1] * height_px / pixels.shape[0] / 2) * 2
    return cv2.resize(pixels, (width, height_px), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _write_webp(path: Path, pictures: list[Pixels], fps: int = FPS) -> None:
    with av.open(str(path), "w", format="webp", options={"loop": "0"}) as container:
        stream = container.add_stream("libwebp_anim", rate=fps, options={"quality": "50", "compression_level": "6"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    print(f"{path}: {len(pictures)} pictures, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
