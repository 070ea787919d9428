"""Closing what was opened, whatever it raises."""

from __future__ import annotations

import logging
from collections.abc import Callable

from realtime.cameras import Camera
from realtime.core.errors import FAULTS
from realtime.effects import Effect
from realtime.outputs import Output

log = logging.getLogger(__name__)


def closing(part: Camera | Effect | Output) -> Callable[[], None]:
    """Return what closes a part, whatever it raises: the others are closed all the same, and what went wrong before is
    told.
    """

    def close() -> None:
        try:
            part.close()
        except FAULTS as error:
            log.debug("closing what was opened", exc_info=error)

    return close
