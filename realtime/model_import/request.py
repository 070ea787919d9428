"""What the user asks for when a model is brought in: hints, and a picture to run it on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from realtime.imaging.frame import Pixels
from realtime.model_import.face.hints import FaceImportHints

if TYPE_CHECKING:
    from realtime.model_import.face.validation import FacePhoto


@dataclasses.dataclass(frozen=True, slots=True)
class ImportRequest:
    """Each kind of model takes out of it what it needs."""

    hints: FaceImportHints
    """Those of any network are in `hints.network`."""
    photo: Callable[[], Pixels]
    """Any picture. Raises RealtimeError, as the next one."""
    face: Callable[[], FacePhoto]
    """One with a face that was found in it."""
    encoder_name: str = ""
    """What a swapper's encoder will be called in the library."""
