"""The engine that a motion model drives: the first-order model, LivePortrait, whatever keeps their contract."""

from __future__ import annotations

import dataclasses
import logging
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import ModelError, PortraitError
from realtime.core.language import _
from realtime.faces.landmarks import motion as landmarks
from realtime.faces.landmarks.alignment import Alignment, sample
from realtime.imaging.frame import Box, Pixels
from realtime.model_import.vetting import vetted
from realtime.models.card import ModelKind
from realtime.models.library import find_model, model_names
from realtime.models.motion_model import Motion, MotionModel
from realtime.models.runtime.onnx_model import SessionPolicy
from realtime.portrait.engines import DrivingFace, Engine, Source
from realtime.portrait.engines.learned.blend import CropBlend
from realtime.portrait.engines.warp.engine import MeshEngine

log = logging.getLogger(__name__)

_USUAL = SessionPolicy()


class ModelEngine(Engine):
    """Draws the head as a filmed face moves.

    Where what is drawn is what would be drawn at rest, the picture's own pixels stay: at rest it is the picture, and
    nothing outside of the crop ever changes. A motion without a filmed face is shown to the network as the picture
    itself, moved by the mesh: what the network knows of faces is then laid over that.
    """

    is_exact = True
    is_driven_by_faces = True

    def __init__(self, model: MotionModel, source: Source) -> None:
        """Raises PortraitError where the face lies at the picture's very edge, and ModelError."""
        self._model, self._source = model, source
        self._alignment = Alignment.of_model(model.path, model.card)
        self._to_picture = self._alignment.to_picture(source.mesh, model.side_px)
        try:
            self._blend = CropBlend(source.picture, self._drawn_to_picture(), model.drawn_px)
        except ValueError:
            raise PortraitError(
                _("the face lies beyond the picture's edge; use a picture that shows all of it")
            ) from None
        face = sample(source.picture, self._to_picture, model.side_px)
        self._features, self._motion = model.features_of(face), model.motion_of(face)
        self._at_rest, _unused = model.draw(self._features, self._motion, self._motion, self._motion)
        place = self._blend.place
        self.region = Box(place.left, place.top, place.width, place.height)
        self._mesh: MeshEngine | None = None
        self._rest: tuple[Source, NDArray[np.float32], Motion] | None = None

    @classmethod
    def open(cls, source: Source) -> ModelEngine:
        """Prepare a picture with the only motion model there is; `maker` takes a name. Raises ModelError."""
        names = model_names(ModelKind.MOTION)
        if len(names) != 1:
            raise ModelError(
                _("there are {count} motion models ({names}); name one", count=len(names), names=", ".join(names))
            )
        return cls.maker(names[0])(source)

    @classmethod
    def maker(cls, name: str, policy: SessionPolicy = _USUAL) -> _Maker:
        """Return what prepares pictures with a model of the library, or a file. Raises ModelError."""
        return _Maker(vetted(find_model(name, ModelKind.MOTION)), policy)

    def render(self, motion: landmarks.Motion) -> Pixels:
        if self._mesh is None:
            self._mesh = MeshEngine.open(self._source)
        moved = self._source.picture.copy()
        left, top, width, height = (int(side) for side in self._mesh.region)
        moved[top : top + height, left : left + width] = self._mesh.render(motion)
        return self._drawn(self._motion, self._seen(moved, self._to_picture))

    def drive(self, face: DrivingFace, motion: landmarks.Motion) -> Pixels:  # noqa: ARG002 - it sees more in the face
        if self._rest is None or self._rest[0] is not face.rest:
            crop = self._alignment.to_picture(face.rest.mesh, self._model.side_px)
            self._rest = (face.rest, crop, self._seen(face.rest.picture, crop))
        _, crop, rest = self._rest
        return self._drawn(rest, rest if face.now is face.rest else self._seen(face.now.picture, crop))

    def _seen(self, picture: Pixels, to_picture: NDArray[np.float32]) -> Motion:
        return self._model.motion_of(sample(picture, to_picture, self._model.side_px))

    def _drawn(self, rest: Motion, driving: Motion) -> Pixels:
        drawn, new = self._model.draw(self._features, self._motion, rest, driving)
        return self._blend.laid(drawn, self._at_rest, new)

    def _drawn_to_picture(self) -> NDArray[np.float32]:
        """Return the matrix from pixels of what is drawn: as much of the picture as what is looked at, finer or not."""
        times = self._model.side_px / self._model.drawn_px
        matrix = self._to_picture.astype(np.float64)
        matrix[:, 2] += matrix[:, :2] @ np.full(2, 0.5 * times - 0.5)
        matrix[:, :2] *= times
        return matrix.astype(np.float32)


class _Maker:
    """Opens the model once, for all faces of a picture."""

    def __init__(self, path: Path, policy: SessionPolicy) -> None:
        self._path, self._policy = path, policy
        self._model: MotionModel | None = None

    def __call__(self, source: Source) -> ModelEngine:
        if self._model is not None:
            return ModelEngine(self._model, source)
        self._model = MotionModel(self._path, self._policy)
        for note in self._model.notes:
            log.info("%s", note)
        engine = ModelEngine(self._model, source)
        engine.drive(DrivingFace(source, source), landmarks.Motion())  # the first runs allocate
        began_s = time.perf_counter()
        engine.drive(DrivingFace(dataclasses.replace(source), source), landmarks.Motion())
        took_s = time.perf_counter() - began_s
        log.info(_("%s: about %.2f s for each picture, by %s"), self._path.stem, took_s, self._model.provider)
        return engine
