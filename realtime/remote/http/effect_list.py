"""The effects that can be chosen: found once, when somebody asks, on a thread that lasts no longer than that."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from realtime.core.errors import FAULTS
from realtime.core.language import _
from realtime.effects import is_background

log = logging.getLogger(__name__)


class EffectList:
    """Used by one thread: the server's. Looking takes folders and imports, for which nobody may be kept waiting."""

    def __init__(self, find: Callable[[], Sequence[str]]) -> None:
        """`find` returns every effect that can be chosen, as `--effect` writes it; any thread."""
        self._find = find
        self._found: Sequence[str] = ()
        self._backgrounds: Sequence[str] = ()  # among them
        self._thread: threading.Thread | None = None
        self._is_complete = False

    def as_json(self) -> dict[str, Any]:
        """Return what is known by now; `complete` is false while it is still being looked for."""
        if self._thread is None:
            thread = threading.Thread(target=self._look, name="effect-listing", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # no further thread now; whoever asks next tries again
                log.debug("listing effects", exc_info=error)
            else:
                self._thread = thread
        return {
            "effects": list(self._found),
            "backgrounds": list(self._backgrounds),
            "complete": self._is_complete,
        }

    def _look(self) -> None:
        try:
            found = self._find()
            self._backgrounds = [spec for spec in found if is_background(spec)]
            self._found = found
        except FAULTS as error:  # it may be anybody's code
            log.warning(_("the effects cannot be listed: %s"), error)
        self._is_complete = True
