"""Opens a run's outputs, and once more those that hang."""

from __future__ import annotations

import dataclasses
import threading

from realtime import outputs
from realtime.core.files import unused_name
from realtime.core.paths import user_path
from realtime.outputs import Output, OutputRequest

_ONCE_ONLY = frozenset({"pipe"})
"""Standard output cannot be opened again. (Nor can a window: where the main thread hangs, the process does.)"""
_KEPT = frozenset({"file", "gif", "picture", "folder"})
"""What holds what was made until now: another goes on beside it, under the next name that is free."""


class OutputOpener:
    """Opens outputs by what `--output` says, and knows which was opened by what."""

    def __init__(self, request: OutputRequest) -> None:
        self._request = request
        self._lock = threading.Lock()
        self._specs: dict[Output, str] = {}  # guarded by _lock

    def open(self, spec: str) -> Output:
        """Open one. Raises OutputError."""
        output = outputs.open_output(spec, self._request)
        with self._lock:
            self._specs[output] = spec
        return output

    def can_open_again(self, output: Output) -> bool:
        """Whether another of the same kind can be opened beside it. Any thread."""
        spec = self._specs.get(output)
        if spec is None or output.on_main_thread:
            return False
        return outputs.split_spec(spec)[0] not in _ONCE_ONLY

    def open_again(self, output: Output) -> Output:
        """Open it once more, beside the one that hangs. Any thread. Raises OutputError."""
        spec = self._specs[output]
        name, argument = outputs.split_spec(spec)
        if name not in _KEPT:
            another = outputs.open_output(spec, self._request)
        else:
            path = unused_name(user_path(argument))
            beside = dataclasses.replace(self._request, overwrite=False)
            another = outputs.open_output(f"{path}/" if name == "folder" else str(path), beside)
        with self._lock:
            self._specs[another] = self._specs.pop(output)
        return another
