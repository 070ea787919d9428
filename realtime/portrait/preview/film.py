"""Films of portraits, written whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from realtime.core.errors import OutputError
from realtime.core.files import atomic_write
from realtime.core.language import _
from realtime.outputs import VIDEO_SUFFIXES, Output

if TYPE_CHECKING:
    from realtime.disclosure.c2pa import Signer


def check_film(path: Path, *, overwrite: bool) -> None:
    """Raise OutputError where no film can be written to `path`: worth asking before the work is done."""
    if path.exists() and not overwrite:
        raise OutputError(_("{path} exists; choose another name, or add --overwrite to replace it", path=path))
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        raise OutputError(
            _(
                "cannot write a film to {path}: the name must end in {video_suffixes}",
                path=path,
                video_suffixes=", ".join(sorted(VIDEO_SUFFIXES)),
            )
        )
    if not path.parent.is_dir():
        raise OutputError(_("there is no folder {parent}; create it first, or choose another", parent=path.parent))


@contextlib.contextmanager
def film(
    path: Path, fps: float, title: str, *, overwrite: bool = True, signer: Signer | None = None
) -> Iterator[Output]:
    """Yield a recorder; what it was shown becomes `path` when the block ends well, and vanishes when not.

    Raises OutputError; then what was at `path` before is as it was.
    """
    from realtime.control.channel import ControlChannel
    from realtime.outputs import OutputRequest
    from realtime.outputs.recorder import Recorder

    with atomic_write(path, overwrite=overwrite) as unfinished:
        try:
            recorder = Recorder(str(unfinished), OutputRequest(ControlChannel(), fps=fps, title=title, signer=signer))
            with contextlib.closing(recorder):
                yield recorder
        except OutputError as error:
            # The recorder speaks of the unfinished file, and of a recording that is kept.
            if isinstance(error.__cause__, OSError):
                raise error.__cause__ from None
            raise
