"""Films of portraits, written whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from realtime.errors import OutputError
from realtime.files import written_whole
from realtime.outputs import Output


@contextlib.contextmanager
def film(path: Path, fps: float, title: str) -> Iterator[Output]:
    """Yield a recorder; what it was shown becomes `path` when the block ends well, and vanishes when not.

    Raises OutputError; then what was at `path` before is as it was.
    """
    from realtime.controls import Controls
    from realtime.outputs import OutputRequest
    from realtime.outputs.recorder import Recorder

    with written_whole(path) as unfinished:
        try:
            recorder = Recorder(str(unfinished), OutputRequest(Controls(), fps=fps, title=title))
            with contextlib.closing(recorder):
                yield recorder
        except OutputError as error:
            # The recorder speaks of the unfinished file, and of a recording that is kept.
            if isinstance(error.__cause__, OSError):
                raise error.__cause__ from None
            raise
