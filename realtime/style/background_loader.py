"""Opens a renderer of another size on a thread of its own, while the one in use goes on painting."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import NamedTuple

from realtime.core.errors import RealtimeError
from realtime.core.language import _
from realtime.imaging.frame import Size
from realtime.style.renderer import StyleRenderer
from realtime.style.throttle import Cancelled

log = logging.getLogger(__name__)


class LoadRequest(NamedTuple):
    """A renderer that is wanted."""

    frame: Size
    working: Size


class BackgroundLoader:
    """`ask`, `take`, `close`: one thread, none of them waits."""

    def __init__(self, open_renderer: Callable[[LoadRequest], StyleRenderer], *, quick: bool) -> None:
        """`open_renderer` runs on another thread and returns a warmed renderer. `quick`: it takes seconds at most, so
        that the program's end may wait for it; a library torn down under an opening session may take the process with
        it.
        """
        self._open_renderer = open_renderer
        self._quick = quick
        self._refused: set[LoadRequest] = set()
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._wanted: LoadRequest | None = None
        self._opened: StyleRenderer | None = None
        self._is_running = False
        self._is_closed = False

    def ask(self, request: LoadRequest) -> None:
        """Ask for a renderer; a newer request takes the place of an older one. One that failed is not tried again."""
        with self._lock:
            if request == self._wanted or request in self._refused or self._is_closed:
                return
            self._wanted = request
            overtaken, self._opened = self._opened, None
            starts, self._is_running = not self._is_running, True
        if overtaken is not None:
            overtaken.close_aside()
        if starts:
            try:
                threading.Thread(target=self._run, name="style-opening", daemon=not self._quick).start()
            except RuntimeError as error:  # no further thread now; the renderer in use goes on
                log.debug("opening a renderer", exc_info=error)
                with self._lock:
                    self._wanted, self._is_running = None, False

    def take(self) -> StyleRenderer | None:
        """Return the renderer asked for once it is ready; from then on it is the caller's."""
        if self._opened is None:
            return None
        with self._lock:
            opened, self._opened = self._opened, None
            if opened is not None:
                self._wanted = None
        return opened

    def refused(self, request: LoadRequest) -> bool:
        """Whether that renderer could not be opened."""
        return request in self._refused

    def is_dropped(self, request: LoadRequest) -> bool:
        """Whether a renderer is not wanted any more: another is, or it is the end. Any thread."""
        return self._is_closed or self._wanted not in (None, request)

    def close(self) -> None:
        """Want nothing any more: what is being opened is closed by the thread that opens it."""
        with self._lock:
            self._is_closed, self._wanted = True, None
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close_aside()

    def _run(self) -> None:
        tried: LoadRequest | None = None
        while True:
            with self._lock:
                request = self._wanted
                if request is None or request == tried:
                    self._is_running = False
                    return
            tried = request
            renderer: StyleRenderer | None = None
            try:
                renderer = self._open_renderer(request)
            except Cancelled:
                tried = None  # it may be asked for again
                continue
            except Exception as error:  # the renderer in use goes on
                line = error if isinstance(error, RealtimeError) else f"{type(error).__name__}: {error}"
                log.warning(_("cannot work at %s: %s"), request.working, line)
                log.debug("opening a renderer", exc_info=error)
            with self._lock:
                if renderer is None:
                    self._refused.add(request)
                    self._wanted = None if self._wanted == request else self._wanted
                elif self._wanted == request:
                    self._opened, renderer = renderer, None
            if renderer is not None:  # overtaken by a newer request, or the end
                renderer.close()
