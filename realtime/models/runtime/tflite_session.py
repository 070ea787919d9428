"""Opens the networks that come with the program (`realtime.models.weights`), for ONNX Runtime."""

from __future__ import annotations

from realtime.core.errors import ModelError
from realtime.models.runtime.ort_session import HostBinding, first_line, new_session, session_options
from realtime.models.tflite import read
from realtime.models.tflite_to_onnx import to_onnx
from realtime.models.weights import weights_file


def open_shipped(name: str, *, least: float) -> HostBinding:
    """Open a file by its name. `least`: what the network is shown for a byte of 0 (of 255: 1). Any thread.

    On one thread: two are no faster (full-range detector 2.9 and 4.2 ms, face mesh 1.6 and 2.1), and the loop has
    others for them.

    Raises ModelError when the file is missing, damaged, or cannot be opened.
    """
    path = weights_file(name)
    try:
        session = new_session(to_onnx(read(path.read_bytes()), least), session_options(threads=1), ())
    except Exception as error:  # whatever ONNX Runtime raises
        raise ModelError(f"{path} cannot be opened: {first_line(error)}; reinstall realtime") from error
    return HostBinding(session, on_cpu=True)
