"""Small networks that come with the program, each beside the code that asks it."""

from __future__ import annotations

from pathlib import Path

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.models.runtime.ort_session import HostBinding, first_line, new_session, session_options


def open_bundled(file: Path, weights: bytes | None = None) -> HostBinding:
    """Open the ONNX file that lies in the package, or `weights` in its place, on one thread of the CPU. Raises
    ModelError.
    """
    try:
        written = file.read_bytes() if weights is None else weights
        session = new_session(written, session_options(threads=1), ())
    except Exception as error:  # whatever a broken file makes of ONNX Runtime, or of the disk
        raise ModelError(
            _("{file} cannot be read ({reason}); install the program again", file=file, reason=first_line(error))
        ) from error
    return HostBinding(session, on_cpu=True)
