"""A face as a code and codes as faces: a morph model in our contract (`realtime.models.card`)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.faces.landmarks.alignment import Alignment
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.models.card import CODES
from realtime.models.latent_space import LatentSpace
from realtime.models.runtime.onnx_model import OnnxModel, SessionPolicy
from realtime.models.runtime.ort_session import Arrays

log = logging.getLogger(__name__)


class MorphModel:
    """An opened model. Everything it computes is computed one after the other on a thread of its own, so that any
    thread may ask.

    S is `side_px`, Z is `latent`; a face is uint8 [S, S, 3] BGR, cut as `alignment` says; faces drawn are float32
    [n, S, S, 3] BGR, 0..255, neither rounded nor cut off. All methods raise ModelError.
    """

    def __init__(self, path: Path, policy: SessionPolicy, codes: int = 2) -> None:
        """`codes` are drawn in one run, neither more nor less: sizes that stand are computed faster."""
        self.network = OnnxModel.open(path, policy, dimensions={CODES: codes})
        bound = self.network.input_shapes["keep"][0]
        if bound != codes:
            raise ModelError(
                _("{path} draws {bound} codes at a time and no other count; export it again", path=path, bound=bound)
            )
        self.alignment = Alignment.of_model(path, self.network.card)
        self.side_px, self.latent = (
            int(self.network.input_shapes[port][axis]) for port, axis in (("face", 1), ("add", 1))
        )
        self.codes = codes
        self.space = LatentSpace.parse(self.network.card.latent_space, self.latent, str(path))
        self.title = self.network.card.title or path.stem
        self._worker = ThreadPoolExecutor(1, "morph network")
        for note in self.network.notes:
            log.warning("%s", note)

    def begin(
        self,
        face: Pixels,
        keep: Floats,
        add: Floats,
        z: Floats,
        out: Floats,
        then: Callable[[], None] = lambda: None,
    ) -> Future[None]:
        """Encode `face` into `z` [1, Z] and draw `keep` · z + `add`, [codes, 1] and [codes, Z], into `out`
        [codes, S, S, 3], beside whatever the caller does, and call `then` on the same thread. All are the caller's
        arrays, to be left alone until that is done.
        """
        inputs: Arrays = {"face": face[np.newaxis], "keep": keep, "add": add}

        def run() -> None:
            self.network.run(inputs, {"z": z, "face_out": out})
            then()

        return self._worker.submit(run)

    def run(self, face: Pixels, keep: Floats, add: Floats, z: Floats, out: Floats) -> None:
        """Do the same and wait for it."""
        self.begin(face, keep, add, z, out).result()

    def encode(self, face: Pixels) -> Floats:
        """Return the code of a face, [Z]. What a run draws besides is thrown away: for photos, not for frames."""
        z = np.empty((1, self.latent), np.float32)
        self.run(face, self._zeros(1), self._zeros(self.latent), z, self._faces())
        return np.asarray(z[0], np.float32)

    def decode(self, codes: Floats) -> Floats:
        """Draw any count of codes [n, Z]."""
        drawn = np.empty((len(codes), self.side_px, self.side_px, 3), np.float32)
        nobody = np.zeros((self.side_px, self.side_px, 3), np.uint8)
        z, add, out = np.empty((1, self.latent), np.float32), self._zeros(self.latent), self._faces()
        for start in range(0, len(codes), self.codes):
            part = codes[start : start + self.codes]
            add[: len(part)] = part
            self.run(nobody, self._zeros(1), add, z, out)
            drawn[start : start + len(part)] = out[: len(part)]
        return drawn

    def _zeros(self, count: int) -> Floats:
        return np.zeros((self.codes, count), np.float32)

    def _faces(self) -> Floats:
        return np.empty((self.codes, self.side_px, self.side_px, 3), np.float32)

    def close(self) -> None:
        """Wait for a face that is being made, and free the session."""
        self._worker.shutdown(cancel_futures=True)
        self.network.close()
