"""One picture as a file: the last one that was shown."""

from __future__ import annotations

import os
from pathlib import Path

import cv2

from realtime.core.errors import OutputError
from realtime.core.files import check_folder, put_in_free_place, unfinished_file
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.disclosure import xmp
from realtime.imaging.frame import Frame
from realtime.imaging.pixels import Fitter
from realtime.outputs import Output, OutputRequest
from realtime.outputs.picture_folder import encoded_png

_JPEG_QUALITY = 95


class StillPicture(Output):
    """Writes .png or .jpg when it is closed, whole or not at all. It tells how it was made; a PNG can be signed. A file
    that exists is refused without `--overwrite`.
    """

    takes_every_frame = True

    def __init__(self, argument: str, request: OutputRequest) -> None:
        self.path = user_path(argument)
        self.name = self.path.name
        self._overwrite = request.overwrite
        self._signer = request.signer
        self._fitter = Fitter(request.size) if request.size else None
        self._frame: Frame | None = None
        check_folder(self.path.absolute().parent)
        if os.path.lexists(self.path) and not request.overwrite:
            raise OutputError(_("{path} exists; choose another name, or add --overwrite to replace it", path=self.path))
        if self._signer is not None and self.path.suffix.lower() != ".png":
            raise OutputError(
                _("{path} cannot be signed; of still pictures PNG can: choose a name ending in .png", path=self.path)
            )

    def show(self, frame: Frame) -> None:
        self._frame = frame

    def close(self) -> None:
        """Write it. Raises OutputError."""
        frame, self._frame = self._frame, None
        if frame is None:
            return
        try:
            data = self._encoded(frame)
        except cv2.error as error:
            raise OutputError(
                _("{path} cannot be written: {reason}; choose another kind of file", path=self.path, reason=error)
            ) from error
        self._fitter = None
        with unfinished_file(self.path) as unfinished:
            unfinished.write_bytes(data)
            if self._overwrite:
                unfinished.replace(self.path)
            else:
                self.path = put_in_free_place(unfinished, self.path)

    def _encoded(self, frame: Frame) -> bytes | memoryview:
        pixels = frame.pixels if self._fitter is None else self._fitter.fit(frame.pixels)
        if Path(self.path).suffix.lower() == ".png":
            return encoded_png(frame, pixels, signer=self._signer)
        _, encoded = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY))
        jpeg = encoded.tobytes()
        return jpeg if frame.provenance is None else xmp.jpeg_with(jpeg, xmp.packet(frame.provenance))
