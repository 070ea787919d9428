"""How the numbers of an identity encoder become what a swapper takes: by the map that inswapper's file ends in."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.model_import.face.architectures import FaceArchitecture, IdentityWay
from realtime.model_import.face.ports import VectorPort


@dataclasses.dataclass(frozen=True, slots=True)
class LastWeights:
    """What of a file's weights can be a map, taken before the file is rewritten: that sorts and drops them."""

    last: str
    """The last weights, for people."""
    last_map: NDArray[np.float32] | None
    """They, where they are a square."""
    last_is_used: bool
    unused: tuple[NDArray[np.float32], ...]
    """All squares that no operator uses."""

    @classmethod
    def of(cls, raw: onnx.ModelProto) -> LastWeights:
        weights = list(raw.graph.initializer)
        if not weights:
            return cls("none", None, False, ())
        used = {name for node in raw.graph.node for name in node.input}
        last = weights[-1]
        unused = tuple(_floats(tensor) for tensor in weights if tensor.name not in used and _is_square(tensor))
        shown = f"'{last.name}' {list(last.dims)}"
        return cls(shown, _floats(last) if _is_square(last) else None, last.name in used, unused)

    def map_to(
        self, wanted: VectorPort, architecture: FaceArchitecture, where: str
    ) -> tuple[NDArray[np.float32] | None, IdentityWay]:
        """Return the map from the encoder's numbers to the network's own, (encoder's, wanted), where the file has one,
        and how the numbers go in.

        InsightFace takes `graph.initializer[-1]` for inswapper's map, and nothing else. Where a program has put weights
        in another order, the only square that no operator uses is it. Raises ModelError.
        """
        last = self.last_map if self.last_map is not None and len(self.last_map) == wanted.size else None
        if not architecture.is_known:
            return (None, IdentityWay.PLAIN) if last is None or self.last_is_used else (last, IdentityWay.MAPPED)
        if architecture.identity is not IdentityWay.MAPPED:
            return None, architecture.identity or IdentityWay.PLAIN
        unused = [square for square in self.unused if len(square) == wanted.size]
        if last is None and len(unused) != 1:
            raise ModelError(
                _(
                    "{where} should end in a map of {size}x{size} numbers, and its last weights are "
                    "{last}: another program has changed the file; take the original",
                    where=where,
                    size=wanted.size,
                    last=self.last,
                )
            )
        return last if last is not None else unused[0], IdentityWay.MAPPED


def _is_square(tensor: onnx.TensorProto) -> bool:
    return len(tensor.dims) == 2 and tensor.dims[0] == tensor.dims[1]


def _floats(tensor: onnx.TensorProto) -> NDArray[np.float32]:
    values: NDArray[Any] = numpy_helper.to_array(tensor)
    return values.astype(np.float32)
