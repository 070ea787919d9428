"""A real face to validate face networks on, and what becomes of it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import CameraError, ModelError, OptionError, PortraitError
from realtime.core.language import _
from realtime.faces.landmarks.alignment import Alignment, cut_face
from realtime.faces.landmarks.canonical import uv_points
from realtime.faces.landmarks.mesh import LEFT_EYE_INNER, LEFT_EYE_OUTER, RIGHT_EYE_INNER, RIGHT_EYE_OUTER, FaceMesh
from realtime.imaging.frame import Pixels
from realtime.model_import.result import Speed, Validation
from realtime.model_import.steps import median_ms
from realtime.models.runtime.onnx_model import ON_CPU, OnnxModel
from realtime.picture_files.reader import read_picture
from realtime.picture_files.samples import sample_photo

_PHOTO_EYES_PX = ((219.7, 193.4), (307.6, 188.9))
"""Middles of the eyes in the demo's photo, for a machine where the face models cannot be read."""
_LEAST_SHARE = 0.05
"""Of a crop, that a mask should cover."""


@dataclasses.dataclass(frozen=True, slots=True)
class FacePhoto:
    """A picture and the mesh of the face in it."""

    pixels: Pixels
    mesh: FaceMesh


def find_face(pixels: Pixels) -> FacePhoto:
    """Look for the face in a picture of the user's. Raises OptionError where there is none, and ModelError."""
    from realtime.faces.detection.still_pictures import find_faces
    from realtime.faces.landmarks.measurement import FaceMeasurer

    measurer = FaceMeasurer()
    try:
        face = find_faces(pixels, measurer)[0]
    except PortraitError as error:
        raise OptionError(_("no face was found in --picture; choose one that shows a face from the front")) from error
    return FacePhoto(pixels, measurer.meshes.measure(pixels, face))


def usual_face() -> FacePhoto:
    """Return the demo's photo, measured.

    Raises OptionError where the photo is missing.
    """
    try:
        pixels = read_picture(sample_photo())
    except CameraError as error:
        raise OptionError(
            _("there is no photo of a face here to try it on ({reason}); name one with --picture", reason=error)
        ) from error
    with contextlib.suppress(ModelError, OptionError):
        return find_face(pixels)
    return FacePhoto(pixels, flat_mesh(*_PHOTO_EYES_PX))


def flat_mesh(right_eye: tuple[float, float], left_eye: tuple[float, float]) -> FaceMesh:
    """Lay the flat face on the middles of two eyes, the person's right one first: near enough to see what a
    network does.
    """
    flat = uv_points().astype(np.float64) @ (1, 1j)
    eyes = [flat[[outer, inner]].mean() for outer, inner in _EYES]
    wanted = [complex(*right_eye), complex(*left_eye)]
    turn = (wanted[1] - wanted[0]) / (eyes[1] - eyes[0])
    placed = turn * (flat - eyes[0]) + wanted[0]
    return FaceMesh(np.stack([placed.real, placed.imag, np.zeros(len(flat))], axis=1).astype(np.float32), 1.0)


_EYES = ((RIGHT_EYE_OUTER, RIGHT_EYE_INNER), (LEFT_EYE_OUTER, LEFT_EYE_INNER))


def crop_for(model: OnnxModel, photo: FacePhoto) -> Pixels:
    """Cut the face as a model's card says."""
    side = int(model.input_shapes["face"][1])
    return np.ascontiguousarray(cut_face(photo.pixels, photo.mesh, Alignment.of_model(model.path, model.card), side)[0])


def encode(model: OnnxModel, photo: FacePhoto) -> NDArray[np.float32]:
    """Return what an encoder says of the face, (1, size). Raises ModelError, also where it says the same of nobody."""
    face = crop_for(model, photo)
    z, of_nobody = (np.empty([int(side) for side in model.output_shapes["z"]], np.float32) for _unused in range(2))
    model.run({"face": face[np.newaxis]}, {"z": z})
    model.run({"face": np.full_like(face, 128)[np.newaxis]}, {"z": of_nobody})
    if np.allclose(z, of_nobody, rtol=1e-3, atol=1e-6):
        raise ModelError(
            _("{name} gives the same numbers for a face and for none; take another copy of it", name=model.path.name)
        )
    return z


def validate_encoder(path: Path, photo: FacePhoto) -> Validation:
    """Run an encoder's file. Raises ModelError."""
    with contextlib.closing(OnnxModel.open(path, ON_CPU)) as model:
        code, face = encode(model, photo), crop_for(model, photo)
        return Validation(face, face, model.notes, code=code)


def swap_once(model: OnnxModel, photo: FacePhoto, identity: Mapping[str, NDArray[np.generic]]) -> Validation:
    """Run a finished model as the effect does, and for its time. `identity` is that input, where there is one. What
    comes out is laid on the face by its mask. Raises ModelError.
    """
    face = crop_for(model, photo)
    face_out, mask = np.empty_like(face), np.empty((*face.shape[:2], 1), np.uint8)
    inputs: dict[str, NDArray[np.generic]] = {"face": face[np.newaxis], **identity}
    if "morph" in model.input_shapes:
        inputs["morph"] = np.array([model.card.morph], np.float32)
    outputs: dict[str, NDArray[np.generic]] = {"face_out": face_out[np.newaxis], "mask": mask[np.newaxis]}
    model.run(inputs, outputs)
    doubts = []
    share = mask.astype(np.float32) / 255
    if share.mean() < _LEAST_SHARE:
        doubts.append(
            _("its mask covers {share:.0%} of this face: look at the picture (--preview OUT.jpg)", share=share.mean())
        )
    if identity:
        other = np.empty_like(face_out)
        opposite = {name: np.negative(code) for name, code in identity.items()}
        model.run({**inputs, **opposite}, {**outputs, "face_out": other[np.newaxis]})
        if np.array_equal(other, face_out):
            doubts.append(_("it makes the same of this face whoever it is told: is --identity-model the right one?"))
    ms = median_ms(lambda: model.run(inputs, outputs), 3, first_counts=True)
    after = np.rint(face + share * (face_out.astype(np.float32) - face)).astype(np.uint8)
    return Validation(
        face,
        after,
        model.notes,
        tuple(doubts),
        speed=Speed(_("{ms:.1f} ms a face of {count}x{count} on the CPU", ms=ms, count=len(face))),
    )
