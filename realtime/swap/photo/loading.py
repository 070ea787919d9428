"""The photo a face is taken from: read, and refused where no face can be worn from it."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

from realtime.core.errors import EffectError, PortraitError, first_clause
from realtime.core.language import _
from realtime.faces.detection.still_pictures import find_faces
from realtime.faces.landmarks.expression import SHUT_IN_PHOTO
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from realtime.picture_files.painting import read_picture

log = logging.getLogger(__name__)

LONGEST_SIDE_PX = 2048
LEAST_WIDTH_PX = 80
"""Between the cheeks; a smaller face is a blur on a viewer who sits before a camera."""
MOST_YAW_DEGREES = 35.0
"""A face turned further shows too little of its far half to cover another's with."""
SECOND_FACE = 0.5
"""A second face at least this wide, as a share of the first, may be the one that is meant."""


@dataclasses.dataclass(frozen=True, slots=True)
class SourceFace:
    """A photo and the mesh of the face in it."""

    photo: Pixels
    mesh: FaceMesh


def read_source(path: Path, meter: FaceMeasurer) -> SourceFace:
    """Read a photo and find its face. Raises EffectError, one line, where it has none that can be worn.

    What is only poor is said in the log: small, turned, eyes closed, several faces.
    """
    try:
        photo, _unused = read_picture(path, LONGEST_SIDE_PX)
        faces = find_faces(photo, meter)
    except PortraitError as error:
        reason = first_clause(error)
        raise EffectError(
            _("{reason}; take another photo", reason=reason if str(path) in reason else f"{path}: {reason}")
        ) from error
    measured = meter.find(photo, faces[0])
    mesh = measured.mesh
    width_px, yaw = mesh.width_px, mesh.yaw_degrees
    if abs(yaw) > MOST_YAW_DEGREES:
        raise EffectError(
            _(
                "{path}: the face is turned by {yaw:.0f}°; take a photo that looks at the camera",
                path=path,
                yaw=abs(yaw),
            )
        )
    if width_px < LEAST_WIDTH_PX:
        log.warning(
            _("%s: the face is only %.0f pixels wide and will look blurred; take a larger photo"), path, width_px
        )
    if measured.eyes.openness < SHUT_IN_PHOTO:
        log.warning(_("%s: the eyes are closed; with open ones the lids fit better"), path)
    others = [face for face in faces[1:] if face.box.width > SECOND_FACE * faces[0].box.width]
    if others:
        log.warning(_("%s: there are %d faces; the largest is taken, cut the photo to choose"), path, 1 + len(others))
    return SourceFace(photo, mesh)
