"""Shows nothing, for measuring. The smallest output: copy this file to begin a new one."""

from __future__ import annotations

from realtime.core.errors import OutputError
from realtime.core.language import _
from realtime.imaging.frame import Frame
from realtime.outputs import Output, OutputRequest


class NullOutput(Output):
    """Takes every frame and lets it go."""

    name = "none"
    takes_every_frame = True

    def __init__(self, argument: str, request: OutputRequest) -> None:  # noqa: ARG002
        if argument:
            raise OutputError(
                _("the output 'none' takes no argument; write --output none, not none:{argument}", argument=argument)
            )

    def show(self, frame: Frame) -> None:
        """Let it go."""

    def close(self) -> None:
        """Nothing to finish."""
