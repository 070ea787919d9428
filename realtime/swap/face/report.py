"""What each photo of a face gave, and what none of them shows: in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from realtime.core.language import _
from realtime.faces.landmarks.expression import SHUT_IN_PHOTO
from realtime.swap.face.proportions import strangeness
from realtime.swap.face.sights import Looked, Sight
from realtime.swap.photo.loading import LEAST_WIDTH_PX
from realtime.swap.photo.photo_face import PhotoLevels

_STRANGE = 0.043
"""Of `strangeness`: of 48 photos of 8 people no one's own had more; of other people's one in four had."""
_SIDE_FROM_DEGREES = 18.0
"""Turned by so much, a photo shows the side of a cheek."""


def title_of(files: Sequence[Path]) -> str:
    """Return what a face is called when nobody says: its first file's name, and how many more there are."""
    first = files[0].stem if files else "face"
    return first if len(files) < 2 else _("{first} and {count} more", first=first, count=len(files) - 1)


def report_of(looked: Looked, levels: PhotoLevels) -> Iterator[str]:
    """Yield a line for each photo, then one for each thing that none of them shows."""
    sights = looked.sights
    strange = strangeness([sight.mesh for sight in sights])
    for sight, off in zip(sights, strange, strict=True):
        remarks = sight.remarks
        if off > _STRANGE:
            remarks.append(_("unlike the others in its proportions: is it the same person?"))
        yield f"{sight.name}: {', '.join(remarks) or 'from in front, at rest'}"
    for each in looked.left_out:
        yield _("{name}: left out, {why}", name=each.name, why=each.why)
    if len(sights) > 1:
        yield from _missing(sights, levels)


def _missing(sights: Sequence[Sight], levels: PhotoLevels) -> Iterator[str]:
    yaws = [sight.mesh.yaw_degrees for sight in sights]
    missing = [
        where
        for where, is_missing in (("right", max(yaws) < _SIDE_FROM_DEGREES), ("left", min(yaws) > -_SIDE_FROM_DEGREES))
        if is_missing
    ]
    if missing:
        where = _(" or ").join(map(_, missing))
        yield _("none is turned to the {where} by 20° or more: that side of the face is drawn from less", where=where)
    if levels.lips is not None:
        yield _("none has its mouth closed and at rest: their lips are worn closed, softly over the wearer's own")
    if levels.smile is None:
        yield _("none smiles and shows its teeth: who smiles has their own")
    if all(sight.openness < SHUT_IN_PHOTO for sight in sights):
        yield _("none has its eyes open: with open ones the lids fit better")
    if max(sight.mesh.width_px for sight in sights) < LEAST_WIDTH_PX:
        yield _("all faces are small, and will look blurred: add a larger photo")
