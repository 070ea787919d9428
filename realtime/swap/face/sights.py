"""Photos and films looked at before a face is built of them: whose face, how it is turned, what it does."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path

from realtime.core.errors import CameraError, EffectError, PortraitError, first_clause
from realtime.core.language import _
from realtime.faces.detection.still_pictures import find_faces
from realtime.faces.landmarks.expression import SHUT_IN_PHOTO
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.faces.landmarks.smile import smile_share
from realtime.faces.landmarks.symmetry import mouth_crookedness
from realtime.imaging.frame import Pixels
from realtime.picture_files.painting import read_picture
from realtime.swap.face.film import sights_of_film
from realtime.swap.face.sources import is_film
from realtime.swap.photo.loading import LEAST_WIDTH_PX, LONGEST_SIDE_PX, MOST_YAW_DEGREES, SECOND_FACE
from realtime.swap.photo.neutralization import mouth_differs

MOST_ASIDE_DEGREES = 60.0
"""A face turned further shows one half, and the mesh guesses where that is."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sight:
    """A face in a photo, or in a frame of a film."""

    name: str
    """As people are told it: the file's, without folders; of a film with the second."""
    photo: Pixels
    mesh: FaceMesh
    openness: float
    """Of its eyes, as `Eyes.openness` has it."""
    people: int = 1
    """Faces in the photo that may be the one that is meant."""

    @property
    def remarks(self) -> list[str]:
        """What of the face it does not show well, in words."""
        yaw, width_px = self.mesh.yaw_degrees, self.mesh.width_px
        found = [_("{people} faces, the largest is taken", people=self.people)] if self.people > 1 else []
        if abs(yaw) > 10:
            found.append(_("turned {yaw:.0f}° to the {side}", yaw=abs(yaw), side=_("right") if yaw > 0 else _("left")))
        if width_px < LEAST_WIDTH_PX:
            found.append(_("small: {width_px:.0f} pixels across", width_px=width_px))
        if self.openness < SHUT_IN_PHOTO:
            found.append(_("eyes closed"))
        if smile_share(self.mesh) > 0.5:
            found.append("smiles")
        elif mouth_differs(self.mesh) > 0.5:
            found.append(_("mouth open"))
        if mouth_crookedness(self.mesh) > 0.5:
            found.append(_("mouth pulled aside"))
        return found


@dataclasses.dataclass(frozen=True, slots=True)
class LeftOut:
    """A photo that nothing can be taken from."""

    name: str
    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class Looked:
    """What came of looking at some photos and films."""

    sights: tuple[Sight, ...]
    left_out: tuple[LeftOut, ...]


def look_at(
    files: Sequence[Path], meter: FaceMeasurer, progress: Callable[[float], None] = lambda share: None
) -> Looked:
    """Look at photos and films. Raises EffectError, one line, where no face can be built of them."""
    sights: list[Sight] = []
    left_out: list[LeftOut] = []
    for number, path in enumerate(files):
        share, step = number / len(files), 1 / len(files)
        progress(share)
        try:
            if is_film(path):
                found = sights_of_film(path, meter, functools.partial(_within, progress, share, step))
                sights += [Sight(*each) for each in found]
            else:
                sights.append(_in_photo(path, meter))
        except (EffectError, PortraitError, CameraError) as error:
            left_out.append(LeftOut(path.name, _reason(error, path)))
    if not sights:
        more = _(" (and {count} more like it)", count=len(left_out) - 1) if len(left_out) > 1 else ""
        raise EffectError(
            _("{name}: {why}{more}; take photos of one face", name=left_out[0].name, why=left_out[0].why, more=more)
        )
    if min(abs(sight.mesh.yaw_degrees) for sight in sights) > MOST_YAW_DEGREES:
        raise EffectError(_("no photo looks at the camera; add one in which the face is turned by less than 35°"))
    return Looked(tuple(sights), tuple(left_out))


def _within(progress: Callable[[float], None], start: float, step: float, share: float) -> None:
    progress(start + step * share)


def _in_photo(path: Path, meter: FaceMeasurer) -> Sight:
    photo, _unused = read_picture(path, LONGEST_SIDE_PX)
    faces = find_faces(photo, meter)
    measured = meter.find(photo, faces[0])
    yaw = measured.mesh.yaw_degrees
    if abs(yaw) > MOST_ASIDE_DEGREES:
        raise EffectError(_("the face is turned by {yaw:.0f}°", yaw=abs(yaw)))
    people = sum(face.box.width > SECOND_FACE * faces[0].box.width for face in faces)
    return Sight(path.name, photo, measured.mesh, measured.eyes.openness, people)


def _reason(error: Exception, path: Path) -> str:
    words = first_clause(error)
    for name in (str(path), path.name):
        words = words.removeprefix(name).removeprefix(": ").strip()
    return words.replace(" in the picture", "")
