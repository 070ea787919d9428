"""One person's face slid through latent space, ready to be composited."""

from __future__ import annotations

import math
from concurrent.futures import Future

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing import FaceSource
from realtime.face_compositing.face_geometry import GRID, FaceGeometry
from realtime.faces.landmarks.alignment import sample
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.morph.model import MorphModel
from realtime.morph.transfer import ChangeTransfer

_EVERY_S = 0.025
"""Of two frames at 60 a second one is looked at: the network then takes a third of the processor, not two."""
_EDGE = 1 / 20
"""Of the crop's side: over so much at each edge a decoded picture fades in."""


class _Found:
    """What the network made of one frame's face."""

    def __init__(self, side_px: int) -> None:
        self.drawn: Floats = np.empty((2, side_px, side_px, 3), np.float32)
        """As its code has it, and with the code moved."""
        self.transfer = ChangeTransfer(side_px)

    def measure(self) -> None:
        self.transfer.measure(self.drawn[0], self.drawn[1])


class MorphedFace(FaceSource):
    """A face whose code is moved.

    What the network changes lies in the crop and goes with the face. So live, nobody waits for it: each frame is shown
    with what was found last, of the frame before at 30 a second, and at 60 every second one is looked at. What is set
    counts at once.
    """

    keeps_openings = False

    def __init__(self, model: MorphModel, *, waits: bool = False) -> None:
        """`waits`: each frame is shown with what was found of itself, as in films."""
        side, latent = model.side_px, model.latent
        self.code: Floats | None = None
        """[Z] of the last frame; None before the first."""
        self.partner: Floats | None = None
        """[Z], a face to be mixed in."""
        self.mix = 0.0
        """How much of it, 0..1."""
        self.pts_s = 0.0
        """Of the frame to come."""
        self.shows_decoded = False
        """The decoder's picture itself, not what it changed carried onto the face's own pixels."""
        self.corners = np.zeros((504, 2), np.float32)  # nothing is looked up by the mesh
        self._model, self._waits = model, waits
        self._step: Floats = np.zeros(latent, np.float32)
        self._keep = np.ones((2, 1), np.float32)
        self._add = np.zeros((2, latent), np.float32)
        self._z = np.zeros((1, latent), np.float32)
        self._shown, self._next = _Found(side), _Found(side)
        self._is_shown_current = False
        self._running: Future[None] | None = None
        self._begun_at_s = -math.inf
        self._decoded = np.empty((side, side, 3), np.uint8)
        self._pixels: Pixels = np.empty((0, 0, 3), np.uint8)  # of the frame that was begun
        self._to_picture = np.zeros((2, 3), np.float32)
        margin = max(1, round(side * _EDGE))
        self._edge = np.zeros((side, side), np.uint8)
        self._edge[margin:-margin, margin:-margin] = 255
        cv2.blur(self._edge, (2 * margin + 1,) * 2, dst=self._edge)

    def adapt(self, step: Floats, mix: float, *, shows_decoded: bool) -> None:
        """Add `step`, [Z], to the code and mix so much of the partner in, from the next frame on."""
        self._step, self.mix, self.shows_decoded = step, mix, shows_decoded
        self._is_shown_current = False

    @property
    def provider(self) -> str:  # type: ignore[override]  # a network may change it on the way
        return self._model.network.provider

    def begin(self, pixels: Pixels, mesh: FaceMesh) -> None:
        model, must_wait = self._model, self._waits or not self._is_shown_current
        self._pixels = pixels
        self._to_picture = model.alignment.to_picture(mesh, model.side_px)
        if self._running is not None and (must_wait or self._running.done()):
            self._finish()
        is_due = not self._begun_at_s <= self.pts_s < self._begun_at_s + _EVERY_S
        if must_wait or (is_due and self._running is None):
            crop, found = sample(pixels, self._to_picture, model.side_px), self._next
            self._move(crop)
            self._running = model.begin(crop, self._keep, self._add, self._z, found.drawn, found.measure)
            self._begun_at_s = self.pts_s
        if must_wait:
            self._finish()
            self._is_shown_current = True

    def _move(self, crop: Pixels) -> None:
        """Say what the second code is: (1 - mix) times the face's, mix times the partner's, and the step."""
        add = self._add[1]
        np.copyto(add, self._step)
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

    def _finish(self) -> None:
        """Wait for the face that was begun, and show it from now on."""
        running, self._running = self._running, None
        if running is not None:
            running.result()
            self.code = self._z[0].copy()
            self._shown, self._next = self._next, self._shown

    def draw(self, geometry: FaceGeometry) -> Pixels:
        out = geometry.bytes_like("morph", 3)
        matrix = self._to(geometry)
        if self.shows_decoded:
            np.rint(self._shown.drawn[1].clip(0, 255), out=self._decoded, casting="unsafe")
            size = geometry.place.size
            cv2.warpAffine(
                self._decoded, matrix, size, dst=out, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        else:
            self._shown.transfer.apply(geometry.place.of(self._pixels), matrix, out)
        return out

    def alpha(self, geometry: FaceGeometry) -> Floats:
        matrix = self._to(geometry)
        scale = np.array([GRID.width / geometry.place.width, GRID.height / geometry.place.height])
        on_grid = matrix * scale[:, None]
        on_grid[:, 2] += 0.5 * scale - 0.5
        edge = cv2.warpAffine(self._edge, on_grid, GRID, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return np.asarray(edge * (geometry.margin / 255), np.float32)

    def forget(self) -> None:
        self._finish()
        self.code = None
        self._is_shown_current = False

    def _to(self, geometry: FaceGeometry) -> NDArray[np.float64]:
        """Return the (2, 3) matrix from the crop's pixels to those of the face's rectangle."""
        matrix = self._to_picture.astype(np.float64)
        matrix[:, 2] -= (geometry.place.left, geometry.place.top)
        return matrix
