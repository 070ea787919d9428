"""A face made by a network from the viewer's own: a swap model in our contract (`realtime.models.card`)."""

from __future__ import annotations

import logging
import math
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import EffectError
from realtime.core.language import _
from realtime.face_compositing import FaceSource
from realtime.face_compositing.face_geometry import GRID, FaceGeometry
from realtime.faces.landmarks.alignment import Alignment, cut_face, sample
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.model_import.vetting import vetted
from realtime.models.library import find_identity_encoder
from realtime.models.runtime.onnx_model import OnnxModel, SessionPolicy

log = logging.getLogger(__name__)

_DRAWN_PX = 1.8
"""Pixels that one of the network's is drawn on at least, before it is lit and then enlarged: a face of 128 px that
fills 500 looks the same when it is warped and lit at half of that, in a quarter of the time."""


class SwapModel:
    """An opened model and what it is asked for; shared by everybody who wears its face. Used by one thread."""

    def __init__(self, path: Path, policy: SessionPolicy, alignment: Alignment | None = None) -> None:
        """`alignment` in place of the card's. Raises ModelError."""
        self.network = OnnxModel.open(path, policy)
        card = self.network.card
        self.alignment = alignment or Alignment.of_model(path, card)
        self.side_px = int(self.network.input_shapes["face"][1])
        self.title = card.title or path.stem
        self._inputs: dict[str, NDArray[np.generic]] = {}
        self._worker = ThreadPoolExecutor(1, "swap network")
        if "morph" in self.network.input_shapes:
            self.morph = 0.75 if card.morph is None else card.morph
        for note in self.network.notes:
            log.warning("%s", note)

    @property
    def takes_identity(self) -> bool:
        return "identity" in self.network.input_shapes

    @property
    def has_morph(self) -> bool:
        """Whether it goes from one face to another by a dial."""
        return "morph" in self._inputs

    @property
    def morph(self) -> float:
        """0..1."""
        return float(self._inputs["morph"][0])

    @morph.setter
    def morph(self, value: float) -> None:
        self._inputs["morph"] = np.array([value], np.float32)

    def set_slider(self, name: str, value: float) -> None:
        """Set `coverage`, `x` or `y` of its crop; nothing where it is not aligned by the mesh."""
        if self.alignment.slide(name) is not None:
            self.alignment = self.alignment.slid(name, value)

    def become(self, identity: NDArray[np.float32]) -> None:
        """Draw this person from now on: what the model's encoder says of them, (1, D)."""
        shape = self.network.input_shapes["identity"]
        if identity.shape != tuple(shape):
            raise EffectError(
                _(
                    "{title} wants an identity of {wanted} numbers, not {given}; add it again",
                    title=self.title,
                    wanted=shape[1],
                    given=identity.shape[1],
                )
            )
        self._inputs["identity"] = identity

    def begin(self, face: Pixels, face_out: Pixels, mask: Pixels) -> Future[None]:
        """Make the face of one crop, one after the other, beside whatever the caller does; all (side, side, …) uint8.

        What it returns raises ModelError.
        """
        inputs = {"face": face[None], **self._inputs}
        outputs = {"face_out": face_out[None], "mask": mask[None, ..., None]}
        return self._worker.submit(self.network.run, inputs, outputs)

    def close(self) -> None:
        """Wait for a face that is being made, and free the session."""
        self._worker.shutdown(cancel_futures=True)
        self.network.close()


class NetworkFace(FaceSource):
    """One person's face through a model. While the network computes, on whatever it runs, the rest of the frame's work
    goes on: of 13 ms for a face close by 1 to 1.5 are saved even on two cores that the network has to share.
    """

    keeps_openings = False

    def __init__(self, model: SwapModel) -> None:
        side = model.side_px
        self._model = model
        self.corners = np.zeros((504, 2), np.float32)  # nothing is looked up by the mesh
        self._face = np.empty((side, side, 3), np.uint8)
        self._mask = np.empty((side, side), np.uint8)
        self._shown = np.zeros((GRID.height, GRID.width), np.float32)
        self._to_picture = np.zeros((2, 3), np.float32)
        self._made: Future[None] | None = None
        # A network's mask may be open at the crop's edge; a seam there must not be.
        self._edge = np.zeros((side, side), np.uint8)
        margin = max(1, side // 20)
        self._edge[margin:-margin, margin:-margin] = 255
        cv2.blur(self._edge, (2 * margin + 1, 2 * margin + 1), dst=self._edge)

    @property
    def provider(self) -> str:  # type: ignore[override]  # a network may change it on the way
        return self._model.network.provider

    def begin(self, pixels: Pixels, mesh: FaceMesh) -> None:
        self._wait()  # for a face that was begun and never drawn
        crop, self._to_picture = cut_face(pixels, mesh, self._model.alignment, self._model.side_px)
        self._made = self._model.begin(crop, self._face, self._mask)

    def _wait(self) -> None:
        made, self._made = self._made, None
        if made is not None:
            made.result()

    def draw(self, geometry: FaceGeometry) -> Pixels:
        self._wait()
        np.minimum(self._mask, self._edge, out=self._mask)
        size = self._fine_enough(geometry.place.size)
        out = geometry.bytes_like("network", 3, size)
        matrix = self._to(geometry, size)
        cv2.warpAffine(self._face, matrix, size, dst=out, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return out

    def alpha(self, geometry: FaceGeometry) -> Floats:
        matrix = self._to(geometry, GRID)
        mask = cv2.warpAffine(self._mask, matrix, GRID, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        np.multiply(mask, geometry.margin, out=self._shown)
        self._shown /= 255
        return self._shown

    def _fine_enough(self, size: Size) -> Size:
        """Return the size to draw a face at that is to be enlarged to `size`."""
        picture_px = math.hypot(float(self._to_picture[0, 0]), float(self._to_picture[1, 0]))
        fewer = max(1, int(picture_px / _DRAWN_PX))
        return Size(-(-size.width // fewer), -(-size.height // fewer))

    def _to(self, geometry: FaceGeometry, size: Size) -> NDArray[np.float32]:
        """Return the (2, 3) matrix from the crop's pixels to those of a picture of this size of the field's rectangle.

        A pixel's middle is at a whole number in both.
        """
        place = geometry.place
        scale = np.array([size.width / place.width, size.height / place.height])
        matrix = self._to_picture * scale[:, None]
        matrix[:, 2] += scale * (0.5 - np.array([place.left, place.top])) - 0.5
        return np.asarray(matrix, np.float32)


def identity_of(model: Path, photo: Pixels, mesh: FaceMesh, policy: SessionPolicy) -> NDArray[np.float32]:
    """Return what the encoder of a swap model says of the face in a photo, (1, D). Raises ModelError."""
    encoder = OnnxModel.open(vetted(find_identity_encoder(model)), policy)
    try:
        side = int(encoder.input_shapes["face"][1])
        alignment = Alignment.of_model(encoder.path, encoder.card)
        crop = sample(photo, alignment.to_picture(mesh, side), side)
        z = np.empty((1, int(encoder.output_shapes["z"][1])), np.float32)
        encoder.run({"face": crop[None]}, {"z": z})
        return z
    finally:
        encoder.close()
