"""Make the pictures of the README with the program itself: `python -m tools.make_readme_pictures`.

From the demo viewer and the default portrait (a US Navy photo in the public domain), so that nobody's rights are
touched and anybody can make them again.
"""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import av
import cv2
import numpy as np

from realtime import app
from realtime.frame import Pixels, Size
from realtime.options import Options
from realtime.stats import RunStats

DOCS = Path(__file__).parents[1] / "docs"
HEIGHT_PX = 400
FPS = 15
SECONDS = 13.0


def main() -> None:
    """Write docs/follow.webp: the viewer as a mirror would show them, beside the portrait that follows them."""
    with tempfile.TemporaryDirectory() as folder:
        square = Size(HEIGHT_PX, HEIGHT_PX)
        portraits = _run(Path(folder) / "portrait", "portrait", size=square, set=("portrait.fit=cover",))
        viewers = _run(Path(folder) / "viewer", "none", mirror=True)
        pictures = [_beside(viewer, portrait) for viewer, portrait in zip(viewers, portraits, strict=True)]
    _write_webp(DOCS / "follow.webp", pictures)


def _run(
    folder: Path,
    effect: str,
    *,
    size: Size | None = None,
    mirror: bool = False,
    set: tuple[str, ...] = (),  # noqa: A002
) -> list[Path]:
    """Run the program over the demo, every frame into a folder."""
    options = dataclasses.replace(
        Options(),
        source="demo",
        size=size,
        fps=FPS,
        mirror=mirror,
        every_frame=True,
        effect=(effect,),
        set=set,
        output=(f"{folder}/",),
        seconds=SECONDS,
    )
    app.build(options, lambda what, share: None, RunStats()).go()
    return sorted(folder.glob("*.png"))


def _beside(viewer: Path, portrait: Path) -> Pixels:
    """Put the viewer to the left of the portrait, both at full height."""
    return np.hstack([_scaled(viewer, HEIGHT_PX), _scaled(portrait, HEIGHT_PX)])


def _scaled(path: Path, height: int) -> Pixels:
    pixels = cv2.imread(str(path))
    assert pixels is not None
    width = round(pixels.shape[1] * height / pixels.shape[0] / 2) * 2
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _write_webp(path: Path, pictures: list[Pixels]) -> None:
    with av.open(str(path), "w", format="webp", options={"loop": "0"}) as container:
        stream = container.add_stream("libwebp_anim", rate=FPS, options={"quality": "62", "compression_level": "6"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    print(f"{path}: {len(pictures)} pictures, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
