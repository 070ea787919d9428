"""Architectures of face networks, and what their makers' programs say of them.

Read: InsightFace's `inswapper.py`, `arcface_onnx.py` and `face_align.py`; DeepFaceLive's `DFMModel.py`,
`FaceAligner.py` and `FaceMerger.py`; for the other swappers, the table and the steps in FaceFusion's
`face_swapper/core.py`.
"""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Collection

import onnx

from realtime.core.errors import ModelError
from realtime.core.language import N_, _
from realtime.model_import.architecture import Architecture
from realtime.model_import.graph.view import dimensions
from realtime.model_import.hints import ColourOrder, Layout, ValueRange

DFM_ALIGNMENT = "mesh coverage=2.2 x=0 y=-0.08"
"""DeepFaceLive's sliders as they stand, 2.2 and 0, and what its program takes off y. No file says what it wants."""
INSIGHTFACE_TERMS = "non-commercial research only (InsightFace)"


class IdentityWay(enum.Enum):
    """How the encoder's numbers, of length 1, become what a swapper takes."""

    PLAIN = N_("as they are")
    MAPPED = N_("times the file's own map, and again of length 1")
    CONVERTED = N_("through a converter, and again of length 1")
    CONVERTED_RAW = N_("through a converter")

    @property
    def converts(self) -> bool:
        return self in (IdentityWay.CONVERTED, IdentityWay.CONVERTED_RAW)


@dataclasses.dataclass(frozen=True, slots=True)
class FaceArchitecture(Architecture):
    """What is known of all swappers of one family."""

    alignment: str = ""
    identity: IdentityWay | None = None
    """None: the network takes none, or nothing is known of it."""
    layout: Layout | None = None
    """None: as the axes tell."""


_UNIT, _SIGNED, _IMAGENET = ValueRange.UNIT, ValueRange.SIGNED, ValueRange.IMAGENET
_RGB = ColourOrder.RGB
_SQUARE = N_("a face of 128x128 and numbers")
_INSWAPPER = FaceArchitecture(
    "inswapper", "inswapper", _UNIT, _UNIT, _RGB, _SQUARE, INSIGHTFACE_TERMS, "arcface_128", IdentityWay.MAPPED
)
_DFM = FaceArchitecture(
    "dfm", "DeepFaceLive", _UNIT, _UNIT, ColourOrder.BGR, "'in_face'", alignment=DFM_ALIGNMENT, layout=Layout.NHWC
)
_BY_NAME = tuple(
    (re.compile(pattern), FaceArchitecture(network, title, range_in, range_out, _RGB, N_("its name"), terms, crop, way))
    for pattern, network, title, range_in, range_out, crop, way, terms in (
        ("hyperswap", "hyperswap", "HyperSwap", _SIGNED, _SIGNED, "arcface_128", IdentityWay.PLAIN, "ResearchRAIL"),
        ("simswap.*512", "simswap", "SimSwap", _UNIT, _UNIT, "arcface_112_v1", IdentityWay.CONVERTED, "non-commercial"),
        ("simswap", "simswap", "SimSwap", _IMAGENET, _UNIT, "arcface_112_v1", IdentityWay.CONVERTED, "non-commercial"),
        ("ghost", "ghost", "Ghost", _SIGNED, _SIGNED, "arcface_112_v1", IdentityWay.CONVERTED_RAW, "Apache-2.0"),
        ("hififace", "hififace", "HiFiFace", _SIGNED, _SIGNED, "mtcnn_512", IdentityWay.CONVERTED, ""),
    )
)


def is_face_swapper(names: Collection[str]) -> bool:
    """Tell whether a network is for another face by the names of its inputs alone: a DFM, or a face and numbers or a
    second picture under the names that all of them have.
    """
    if "feature_volume" in names:  # FaceFusion's LivePortrait has a source and a target, too: points
        return False
    return any("in_face" in name or "morph_value" in name for name in names) or {"source", "target"} <= set(names)


def face_architecture(graph: onnx.GraphProto, stem: str, where: str) -> FaceArchitecture:
    """Return the family a swapper belongs to, by names or by shapes.

    Raises ModelError, one line, for a kind that is known and cannot be brought in.
    """
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    names = [value.name.partition(":")[0] for value in inputs]
    if any("in_face" in name or "morph_value" in name for name in names):
        _check_dfm(names, where)
        return _DFM
    ranks = [len(dimensions(value) or ()) for value in inputs]
    if sorted(ranks) == [4, 4]:
        raise ModelError(
            _(
                "{where} is shown a photo of the other face each time (as BlendSwap and UniFace are); "
                "that cannot be added: take one that is told whose face by numbers",
                where=where,
            )
        )
    if sorted(ranks) != [2, 4]:
        return FaceArchitecture()
    for pattern, architecture in _BY_NAME:
        if pattern.search(stem.lower()):
            return architecture
    face = next(value for value in inputs if len(dimensions(value) or ()) == 4)
    return _INSWAPPER if (dimensions(face) or ())[1:] == (3, 128, 128) else FaceArchitecture()


def _check_dfm(names: list[str], where: str) -> None:
    """As DeepFaceLive does: `in_face` first, perhaps `morph_value` second, and nothing more."""
    shown = ", ".join(f"'{name}'" for name in names)
    if "in_face" not in names[0]:
        raise ModelError(
            _(
                "{where} takes {shown}: the first input of a DFM file is 'in_face'; download it again",
                where=where,
                shown=shown,
            )
        )
    if len(names) > 2:
        raise ModelError(
            _(
                "{where} takes {count} inputs ({shown}), and a DFM file takes one or two; it is none",
                where=where,
                count=len(names),
                shown=shown,
            )
        )
    if len(names) == 2 and "morph_value" not in names[1]:
        raise ModelError(
            _(
                "{where} takes {shown}: the second input of a DFM file is 'morph_value'; it is none",
                where=where,
                shown=shown,
            )
        )
