"""Finding the faces in a painting, where a detector made for people before a webcam needs help."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from realtime.core.errors import PortraitError
from realtime.core.language import _
from realtime.faces.detection.blazeface import StillBlazeFace, open_still
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.imaging.frame import Box, Face, Pixels

LEAST_FACE_PX = 60
"""Eyes of a smaller face are under 12 pixels wide: there is nothing in them that could turn."""

_LEAST_MESH_SCORE = 0.5
"""The mesh's own: below it the detector has taken something else for a face."""
_LONG = 2.0
"""From this ratio of its sides on a picture is a row of people."""
_SAME_FACE = 0.3
"""Overlap (intersection over union) from which two boxes are one face."""


def find_faces(picture: Pixels, meter: FaceMeasurer) -> list[Face]:
    """Return the faces, largest first.

    Looks at the whole picture, and at squares of one that is twice as long as the other way, or more: people in a row
    are small in the whole. Then, while none is found, with more margin (a face that fills the picture), at
    overlapping parts of a half, a third and a fifth of the picture, and with the long-range network. What a detector
    takes for a face must also be one to the mesh model: folds of cloth are not.

    Raises PortraitError when there is none.
    """
    for kind in ("short", "full"):
        detector = open_still(kind)
        try:
            for views in _looks(picture, kind):
                faces = _verified(picture, meter, [face for view in views for face in _look(detector, picture, view)])
                if faces:
                    return faces
        finally:
            detector.close()
    raise PortraitError(_("no face was found in the picture; point at it with --face X,Y,WIDTH,HEIGHT (pixels)"))


def face_at(picture: Pixels, box: Box, meter: FaceMeasurer) -> Face:
    """Return the face a user pointed at. Raises PortraitError when not even the mesh model sees one there."""
    height, width = picture.shape[:2]
    if box.width <= 0 or box.height <= 0 or not (-box.width < box.left < width and -box.height < box.top < height):
        raise PortraitError(
            _(
                "--face lies outside the picture, which is {width}x{height}; give X,Y,WIDTH,HEIGHT in it",
                width=width,
                height=height,
            )
        )
    detector = open_still("short")
    try:
        around = Box(box.left - box.width, box.top - box.height, 3 * box.width, 3 * box.height)
        near = [face for face in _look(detector, picture, around) if face.box.overlap(box) > _SAME_FACE]
    finally:
        detector.close()
    # BlazeFace's box reaches from brow to chin; keypoints are only needed for where the eyes are.
    eyes = [(0.3, 0.35), (0.7, 0.35), (0.5, 0.6), (0.5, 0.8), (0.0, 0.4), (1.0, 0.4)]
    guess = np.array([(box.left + x * box.width, box.top + y * box.height) for x, y in eyes], np.float32)
    for face in [*near, Face(box, guess, 1.0)]:
        if meter.meshes.measure(picture, face).score >= _LEAST_MESH_SCORE:
            return face
    raise PortraitError(_("there is no face where --face points; draw the box from brow to chin and cheek to cheek"))


def sees(detector: StillBlazeFace, picture: Pixels, box: Box) -> bool:
    """Return whether the detector finds a face about where `box` is."""
    around = Box(box.left - box.width, box.top - box.height, 3 * box.width, 3 * box.height)
    return any(face.box.overlap(box) > _SAME_FACE for face in _look(detector, picture, around))


def _looks(picture: Pixels, kind: str) -> Iterator[list[Box]]:
    height, width = picture.shape[:2]
    whole = Box(0, 0, width, height)
    yield (
        [whole, *_parts(width, height, min(width, height))]
        if max(width, height) >= _LONG * min(width, height)
        else [whole]
    )
    if kind == "short":
        yield [Box(-0.4 * width, -0.4 * height, 1.8 * width, 1.8 * height)]
    for parts in (2, 3, 5) if kind == "short" else (2,):
        side = max(width, height) / parts
        if side < 1.5 * LEAST_FACE_PX:
            return
        yield _parts(width, height, side)


def _parts(width: int, height: int, side: float) -> list[Box]:
    """Return squares all over a picture that overlap by half."""
    columns = max(1, int(np.ceil((width - side) / (side / 2))) + 1)
    rows = max(1, int(np.ceil((height - side) / (side / 2))) + 1)
    return [
        Box(
            (width - side) * column / max(1, columns - 1) if columns > 1 else (width - side) / 2,
            (height - side) * row / max(1, rows - 1) if rows > 1 else (height - side) / 2,
            side,
            side,
        )
        for row in range(rows)
        for column in range(columns)
    ]


def _look(detector: StillBlazeFace, picture: Pixels, view: Box) -> list[Face]:
    """Return what the detector finds in one part of the picture (it may reach beyond), in the picture's pixels."""
    height, width = picture.shape[:2]
    left, top = round(view.left), round(view.top)
    right, bottom = round(view.left + view.width), round(view.top + view.height)
    part: Pixels = picture[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    beyond = (max(0, -top), max(0, bottom - height), max(0, -left), max(0, right - width))
    if any(beyond):
        part = np.asarray(cv2.copyMakeBorder(part, *beyond, cv2.BORDER_REPLICATE), np.uint8)
    if min(part.shape[:2]) < 16:
        return []
    scale = min(1.0, 960 / max(part.shape[:2]))
    if scale < 1:
        part = np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    return [
        Face(
            Box(
                face.box.left / scale + left,
                face.box.top / scale + top,
                face.box.width / scale,
                face.box.height / scale,
            ),
            (face.keypoints / scale + (left, top)).astype(np.float32),
            face.score,
        )
        for face in detector.find(np.ascontiguousarray(part, np.uint8))
    ]


def _verified(picture: Pixels, meter: FaceMeasurer, faces: list[Face]) -> list[Face]:
    verified: list[Face] = []
    for face in sorted(faces, key=lambda face: face.score, reverse=True):
        if any(face.box.overlap(other.box) > _SAME_FACE for other in verified):
            continue
        if meter.meshes.measure(picture, face).score >= _LEAST_MESH_SCORE:
            verified.append(face)
    return sorted(verified, key=lambda face: face.box.area, reverse=True)
