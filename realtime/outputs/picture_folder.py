"""A folder of numbered PNG pictures, lossless, for editing and for other tools."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import cv2

from realtime.core.errors import OutputError
from realtime.core.files import put_in_place, unfinished_file
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.disclosure import xmp
from realtime.disclosure.c2pa import Signer
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.opacity import fitted, straight
from realtime.imaging.pixels import Fitter
from realtime.outputs import Output, OutputRequest

_NUMBERED = re.compile(r"\d{6,}\.png")
# zlib's level 1: a 720p picture takes 14 ms and 1.5 MB instead of 23 ms and 1.4 MB at OpenCV's own choice.
_FAST = (cv2.IMWRITE_PNG_COMPRESSION, 1)


def is_numbered_picture(path: Path) -> bool:
    """Whether a file has a name that this output gives."""
    return _NUMBERED.fullmatch(path.name) is not None


def encoded_png(
    frame: Frame,
    pixels: Pixels,
    options: Sequence[int] = (),
    *,
    fps: float | None = None,
    signer: Signer | None = None,
) -> bytes | memoryview:
    """Return a frame's pixels, perhaps fitted to another size, as a PNG file's bytes, in which stands how it was made;
    with an alpha channel where it is seen through. Raises cv2.error, OutputError.

    `options`: OpenCV's for `imencode`. `fps`: of the film that the picture is one of.
    """
    if frame.opacity is not None:
        pixels = straight(pixels, fitted(frame.opacity, Size.of(pixels)))
    _, encoded = cv2.imencode(".png", pixels, options)  # imwrite knows neither all names nor what went wrong
    if frame.provenance is None:
        return encoded.data
    png = xmp.png_with(encoded.data, xmp.packet(frame.provenance, fps=fps))
    return signer.signed_png(png, frame.provenance) if signer else png


class PictureFolder(Output):
    """Writes 000000.png, 000001.png …, one for each frame, each whole or not at all, all of one size.

    Each tells how it was made, and at how many frames a second they play, for whoever makes a film of them again.
    The folder is made when it is missing. One that holds numbered pictures is refused without `--overwrite`; with it
    they are removed when the first frame comes, so that two runs are never mixed.
    """

    takes_every_frame = True

    def __init__(self, argument: str, request: OutputRequest) -> None:
        self.path = user_path(argument)
        self.name = f"{self.path.name}/"
        self._number = 0
        self._fps = request.fps
        self._signer = request.signer
        self._fitter = Fitter(request.size) if request.size else None
        try:
            self.path.mkdir(exist_ok=True)
            self._old = [path for path in self.path.iterdir() if is_numbered_picture(path)]
        except FileNotFoundError:
            raise OutputError(_("there is no folder {parent}; create it first", parent=self.path.parent)) from None
        except OSError as error:
            raise OutputError(
                _("cannot write to {path}/: {reason}; choose another folder", path=self.path, reason=error.strerror)
            ) from error
        if self._old and not request.overwrite:
            raise OutputError(
                _(
                    "{path}/ already holds numbered pictures; choose another folder, or add --overwrite "
                    "to replace them",
                    path=self.path,
                )
            )

    def show(self, frame: Frame) -> None:
        """Write the next picture. Raises OutputError when the folder cannot be written or the disk is full."""
        if self._fitter is None:
            self._fitter = Fitter(frame.size)
        for path in self._old:
            path.unlink(missing_ok=True)
        self._old = []
        png = encoded_png(frame, self._fitter.fit(frame.pixels), _FAST, fps=self._fps, signer=self._signer)
        self._keep(self.path / f"{self._number:06d}.png", png)
        self._number += 1

    def _keep(self, path: Path, png: bytes | memoryview) -> None:
        with unfinished_file(path) as unfinished:
            unfinished.write_bytes(png)
            try:
                put_in_place(unfinished, path)
            except FileExistsError:  # two runs must not be mixed
                reason = _("{path} has been made by somebody else meanwhile; choose a folder of its own", path=path)
                raise OutputError(reason) from None

    def close(self) -> None:
        self._fitter = None  # every picture is whole already
