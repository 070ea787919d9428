"""gallery.toml while the gallery runs: whether somebody has changed it, and is done with that."""

from __future__ import annotations

from pathlib import Path

_LOOK_EVERY_S = 2.0
_LARGEST_BYTES = 256_001  # one more than a gallery.toml may have: that it is too large is told by whoever reads it


class WatchedFile:
    """One file. One thread. Times are of a clock that only runs on."""

    def __init__(self, path: Path, text: str) -> None:
        """`text`: what was read there, and counts until now."""
        self._path = path
        self._known = text.encode()
        self._seen = self._known
        self._looks_at_s = 0.0

    def changed(self, at_s: float) -> bytes | None:
        """Return what stands in it now, once for each change and when two looks in a row have seen the same: an editor
        may be in the middle of writing it. None: nothing new; also where it cannot be read, as while it is replaced.
        """
        if at_s < self._looks_at_s:
            return None
        self._looks_at_s = at_s + _LOOK_EVERY_S
        try:
            with self._path.open("rb") as file:
                data = file.read(_LARGEST_BYTES)
        except OSError:
            return None
        seen, self._seen = self._seen, data
        if data == self._known or data != seen:
            return None
        self._known = data
        return data
