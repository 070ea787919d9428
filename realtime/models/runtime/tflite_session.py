"""Opens the networks that come with the program (`realtime.models.weights`), for ONNX Runtime."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.models import weights
from realtime.models.runtime.ort_session import HostBinding, first_line, new_session, session_options
from realtime.models.tflite import read
from realtime.models.tflite_to_onnx import to_onnx

_opening = threading.Lock()
_opened: weakref.WeakValueDictionary[tuple[str, float], Any] = weakref.WeakValueDictionary()
"""Sessions in use, by their network's SHA-256, which has just been checked: any number of threads may run one, and
opening the mesh and the irises once more would take 65 ms and 15 MB.
"""


def open_shipped(name: str, *, least: float) -> HostBinding:
    """Open a file by its name. `least`: what the network is shown for a byte of 0 (of 255: 1). Any thread; what is
    returned is used by one.

    On one thread: two are no faster (full-range detector 2.9 and 4.2 ms, face mesh 1.6 and 2.1), and the loop has
    others for them.

    Raises ModelError when the file is missing, damaged, or cannot be opened.
    """
    path = weights.weights_file(name)
    known_as = (weights.WEIGHTS_FILES[name].sha256, least)
    with _opening:
        session = _opened.get(known_as)
        if session is None:
            try:
                session = new_session(to_onnx(read(path.read_bytes()), least), session_options(threads=1), ())
            except Exception as error:  # whatever ONNX Runtime raises
                raise ModelError(
                    _("{path} cannot be opened: {reason}; reinstall realtime", path=path, reason=first_line(error))
                ) from error
            _opened[known_as] = session
    return HostBinding(session, on_cpu=True)
