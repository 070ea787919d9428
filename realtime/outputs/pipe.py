"""Raw BGR frames on standard output, for a pipe into FFmpeg or any other program."""

from __future__ import annotations

import errno
import io
import os
import sys

from realtime.core.errors import OutputError
from realtime.core.files import write_all
from realtime.core.language import _
from realtime.imaging.frame import Frame, Size
from realtime.imaging.pixels import Fitter
from realtime.outputs import Output, OutputFinished, OutputRequest


class Pipe(Output):
    """Writes width × height × 3 bytes a frame and nothing else.

    The size is `--size` or the first picture's and then stays: a reader of raw video cannot be told of another.
    """

    name = "standard output"
    takes_every_frame = True

    def __init__(self, argument: str, request: OutputRequest) -> None:
        if argument:
            raise OutputError(
                _("standard output takes no argument; write --output -, not {argument}", argument=argument)
            )
        try:
            descriptor = sys.stdout.fileno()
        except (AttributeError, io.UnsupportedOperation, ValueError):
            raise OutputError(_("there is no standard output to write to; choose a file: --output out.mp4")) from None
        if os.isatty(descriptor):
            raise OutputError(
                _(
                    "standard output is a terminal, which cannot show raw pictures; pipe it into a program: "
                    "realtime run --output - | ffplay -f rawvideo -pixel_format bgr24 -video_size 1280x720 -"
                )
            )
        # A descriptor of our own, unbuffered: when the reader leaves, Python's own sys.stdout holds no unwritten
        # bytes, so it does not complain once more at exit.
        sys.stdout.flush()
        self._stream = os.fdopen(os.dup(descriptor), "wb", buffering=0)
        self._fitter = Fitter(request.size) if request.size else None

    def show(self, frame: Frame) -> None:
        """Write one frame, waiting as long as the reader does. Raises OutputFinished when the reader has left."""
        if self._fitter is None:
            self._fitter = Fitter(frame.size)
        picture = self._fitter.fit(frame.pixels).reshape(-1).data
        try:
            write_all(self._stream, picture)
        except OSError as error:
            # Windows says EINVAL where the others say EPIPE.
            if error.errno in (errno.EPIPE, errno.EINVAL):
                raise OutputFinished(_("the program that read standard output has ended")) from None
            raise OutputError(_("standard output: {reason}; the pictures end here", reason=error.strerror)) from error

    @property
    def size(self) -> Size | None:
        """The size of what is written; None before the first frame."""
        return self._fitter.size if self._fitter else None

    def close(self) -> None:
        self._fitter = None
        self._stream.close()
