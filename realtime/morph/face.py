"""One person's face slid through latent space, ready to be composited."""

from __future__ import annotations

from concurrent.futures import Future

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing import FaceSource
from realtime.face_compositing.face_geometry import GRID, FaceGeometry
from realtime.faces.landmarks.alignment import cut_face
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.morph.model import MorphModel
from realtime.morph.transfer import ChangeTransfer

_EDGE = 1 / 20
"""Of the crop's side: over so much at each edge a decoded picture fades in."""


class MorphedFace(FaceSource):
    """A face whose code is moved. While the network computes, the rest of the frame's work goes on."""

    keeps_openings = False

    def __init__(self, model: MorphModel) -> None:
        side, latent = model.side_px, model.latent
        self.code: Floats | None = None
        """[Z] of the last frame; None before the first."""
        self.step: Floats = np.zeros(latent, np.float32)
        """[Z], added to the code."""
        self.partner: Floats | None = None
        """[Z], a face to be mixed in."""
        self.mix = 0.0
        """How much of it, 0..1."""
        self.shows_decoded = False
        """The decoder's picture itself, not what it changed carried onto the face's own pixels."""
        self.corners = np.zeros((504, 2), np.float32)  # nothing is looked up by the mesh
        self._model = model
        self._transfer = ChangeTransfer(side)
        self._keep = np.ones((2, 1), np.float32)
        self._add = np.zeros((2, latent), np.float32)
        self._z = np.zeros((1, latent), np.float32)
        self._drawn = np.empty((2, side, side, 3), np.float32)
        self._decoded = np.empty((side, side, 3), np.uint8)
        self._pixels: Pixels = np.empty((0, 0, 3), np.uint8)  # of the frame that was begun
        self._to_picture = np.zeros((2, 3), np.float32)
        self._running: Future[None] | None = None
        margin = max(1, round(side * _EDGE))
        self._edge = np.zeros((side, side), np.uint8)
        self._edge[margin:-margin, margin:-margin] = 255
        cv2.blur(self._edge, (2 * margin + 1,) * 2, dst=self._edge)

    @property
    def provider(self) -> str:  # type: ignore[override]  # a network may change it on the way
        return self._model.network.provider

    def begin(self, pixels: Pixels, mesh: FaceMesh) -> None:
        self._wait()  # for a face that was begun and never drawn
        model = self._model
        crop, self._to_picture = cut_face(pixels, mesh, model.alignment, model.side_px)
        self._pixels = pixels
        self._move(crop)
        self._running = model.begin(crop, self._keep, self._add, self._z, self._drawn)

    def _move(self, crop: Pixels) -> None:
        """Say what the second code is: (1 - mix) times the face's, mix times the partner's, and the step."""
        add = self._add[1]
        np.copyto(add, self.step)
        self._keep[1] = 1
        if self.partner is None or not self.mix:
            return
        self._keep[1] = 1 - self.mix
        add += self.mix * self.partner
        light = self._model.space.light
        if light:
            # The light stays the viewer's: what (1 - mix) takes of it is put back, as it was a frame ago.
            code = self._model.encode(crop) if self.code is None else self.code
            add[-light:] += self.mix * (code[-light:] - self.partner[-light:])

    def _wait(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.result()
            self.code = self._z[0].copy()

    def draw(self, geometry: FaceGeometry) -> Pixels:
        self._wait()
        own = geometry.place.of(self._pixels)
        out = geometry.bytes_like("morph", 3)
        matrix = self._to(geometry)
        if self.shows_decoded:
            np.rint(self._drawn[1].clip(0, 255), out=self._decoded, casting="unsafe")
            size = geometry.place.size
            cv2.warpAffine(
                self._decoded, matrix, size, dst=out, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        else:
            self._transfer.measure(self._drawn[0], self._drawn[1])
            self._transfer.apply(own, matrix, out)
        return out

    def alpha(self, geometry: FaceGeometry) -> Floats:
        matrix = self._to(geometry)
        scale = np.array([GRID.width / geometry.place.width, GRID.height / geometry.place.height])
        on_grid = matrix * scale[:, None]
        on_grid[:, 2] += 0.5 * scale - 0.5
        edge = cv2.warpAffine(self._edge, on_grid, GRID, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return np.asarray(edge * (geometry.margin / 255), np.float32)

    def forget(self) -> None:
        self._wait()
        self.code = None

    def _to(self, geometry: FaceGeometry) -> NDArray[np.float64]:
        """Return the (2, 3) matrix from the crop's pixels to those of the face's rectangle."""
        matrix = self._to_picture.astype(np.float64)
        matrix[:, 2] -= (geometry.place.left, geometry.place.top)
        return matrix
