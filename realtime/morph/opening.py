"""What the names after `morph:` and `walk:` are, opened."""

from __future__ import annotations

import numpy as np

from realtime.core.errors import EffectError
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.core.specs import model_and_rest
from realtime.faces.landmarks.alignment import sample
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.imaging.numerics import Floats
from realtime.models.card import ModelKind
from realtime.models.library import model_names
from realtime.morph.model import MorphModel
from realtime.swap.names import is_photo
from realtime.swap.photo.loading import SourceFace, read_source

SHIPPED = "faces"
"""The morph that comes with the program."""


def default_morph() -> str:
    """Return the morph that is meant where none is named. Raises EffectError where there is none."""
    names = model_names(ModelKind.MORPH)
    if not names:
        raise EffectError(_("there is no morph model yet; train one (docs/morph.md) and `realtime models add` it"))
    return SHIPPED if SHIPPED in names else names[0]


def model_and_photo(argument: str, words: tuple[str, ...] = ()) -> tuple[str, str]:
    """Split `MODEL`, `PHOTO` or `MODEL:PHOTO`; either may be empty. `words` stand for a photo."""
    name, rest = model_and_rest(argument)
    if rest:
        return name, rest
    if not argument or argument in words or is_photo(argument):
        return "", argument
    return argument, ""


def photo_code(model: MorphModel, photo: str) -> Floats:
    """Return the code [Z] of the face in a photo. Raises a RealtimeError, one line."""
    return code_of(model, read_source(user_path(photo), FaceMeasurer()))


def code_of(model: MorphModel, source: SourceFace) -> Floats:
    """Return the code [Z] of a photo's face."""
    to_photo = model.alignment.to_picture(source.mesh, model.side_px)
    return np.asarray(model.encode(sample(source.photo, to_photo, model.side_px)), np.float32)
