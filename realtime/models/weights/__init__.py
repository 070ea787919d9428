"""The networks that see people, which come with the program. `README.md` beside them says whose they are,
where they are from and under which licence.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from realtime.core.errors import ModelError, nearest
from realtime.core.language import N_, _
from realtime.core.paths import user_path

FOLDER_VARIABLE = "REALTIME_MODELS"
LICENCE = "Apache-2.0 (MediaPipe)"


@dataclasses.dataclass(frozen=True, slots=True)
class WeightsFile:
    """A network that this program knows by its content."""

    purpose: str
    sha256: str


WEIGHTS_FILES: Mapping[str, WeightsFile] = MappingProxyType(
    {
        "face_detection_short_range.tflite": WeightsFile(
            N_("finds near faces (BlazeFace)"), "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8"
        ),
        "face_detection_full_range_sparse.tflite": WeightsFile(
            N_("finds near and far faces (BlazeFace)"),
            "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
        ),
        "face_landmark.tflite": WeightsFile(
            N_("468 points of one face"), "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814"
        ),
        "iris_landmark.tflite": WeightsFile(
            N_("eyelids and iris of one eye"), "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f"
        ),
        "selfie_segmentation_landscape.tflite": WeightsFile(
            N_("tells people from background, in wide pictures"),
            "a77d03f4659b9f6b6c1f5106947bf40e99d7655094b6527f214ea7d451106edd",
        ),
        "selfie_segmentation.tflite": WeightsFile(
            N_("tells people from background"), "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c"
        ),
    }
)


def weights_folder() -> Path:
    """Return the folder that the files are read from: this one, or the user's own that REALTIME_MODELS names."""
    named = os.environ.get(FOLDER_VARIABLE, "")
    return user_path(named) if named else Path(__file__).parent


def weights_file(name: str) -> Path:
    """Return the path of a file whose SHA-256 has just been checked (1.6 ms for the largest, of 2.6 MB). Any thread.

    In a folder of the user's own it must be the known one, too: the sizes and the meaning of its outputs are written
    into our code, so another network under the same name would only give wrong answers.

    Raises ModelError, one line, where the file is missing, damaged or another, and for a name that is not known.
    """
    if name not in WEIGHTS_FILES:
        raise ModelError(
            _("no model '{name}'{hint}; `realtime models` lists them", name=name, hint=nearest(name, WEIGHTS_FILES))
        )
    path = weights_folder() / name
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        raise ModelError(_("{path} is missing; {next_step}", path=path, next_step=_next_step())) from None
    except OSError as error:
        raise ModelError(
            _("cannot read {path}: {reason}; check its permissions", path=path, reason=error.strerror or error)
        ) from error
    if digest != WEIGHTS_FILES[name].sha256:
        raise ModelError(
            _(
                "{path} is damaged, or not the file this program knows (SHA-256 differs); {next_step}",
                path=path,
                next_step=_next_step(),
            )
        )
    return path


def _next_step() -> str:
    if os.environ.get(FOLDER_VARIABLE, ""):
        return _(
            "put the right one there, or unset {folder_variable} to use the one that comes with the program",
            folder_variable=FOLDER_VARIABLE,
        )
    return _("reinstall realtime")
