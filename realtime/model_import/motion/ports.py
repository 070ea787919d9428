"""Which numbers a part of LivePortrait takes and gives, whoever exported it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto

from realtime.core.errors import ModelError
from realtime.core.language import N_, _
from realtime.model_import.graph.view import dimensions, shown_name
from realtime.models.runtime.onnx_model import RawSession

FIELDS = ("pitch", "yaw", "roll", "shift", "scale", "expression", "points")
"""Of a pose, in the order in which a motion holds them."""
BINS = 66
"""Scores of which an angle is the mean, three degrees apart."""
_SYNONYMS: Mapping[str, str] = {
    **{name: name for name in ("pitch", "yaw", "roll", "scale")},
    **dict.fromkeys(("t", "translation"), "shift"),
    **dict.fromkeys(("exp", "expression"), "expression"),
    **dict.fromkeys(("kp", "motion_points"), "points"),
}
_ORDERS: Mapping[str, tuple[str, ...]] = {
    N_("FasterLivePortrait's order"): ("pitch", "yaw", "roll", "shift", "expression", "scale", "points"),
    N_("its order for TensorRT"): ("points", "pitch", "yaw", "roll", "shift", "expression", "scale"),
    N_("FaceFusion's order"): ("pitch", "yaw", "roll", "scale", "shift", "expression", "points"),
}
_LEAST_SIDE_PX, _MOST_SIDE_PX = 32, 1024


@dataclasses.dataclass(frozen=True, slots=True)
class FacePort:
    """A part's one input: RGB planes in 0..1, [1, 3, side, side]."""

    name: str
    side_px: int


@dataclasses.dataclass(frozen=True, slots=True)
class MotionPorts:
    """Outputs of a motion extractor."""

    outputs: Mapping[str, str]
    """The output that each of FIELDS is."""
    has_bins: bool
    """Angles are scores; else degrees."""
    points: int
    known_from: str


@dataclasses.dataclass(frozen=True, slots=True)
class DrawingPorts:
    """What draws: features, where the points shall be, and where they are in the source."""

    features: str
    driving: str
    source: str
    picture: str
    known_from: str


def face_port(model: onnx.ModelProto, where: str) -> FacePort:
    """Return the input of a part that looks at a face. Raises ModelError."""
    values = list(model.graph.input)
    shape = dimensions(values[0]) if len(values) == 1 else None
    if shape is None or len(shape) != 4 or shape[1] != 3 or not isinstance(shape[2], int) or shape[2] != shape[3]:
        raise ModelError(
            _(
                "{where} takes {values}, and this part takes one square face [1, 3, 256, 256]",
                where=where,
                values=_listed(values),
            )
        )
    if not _LEAST_SIDE_PX <= shape[2] <= _MOST_SIDE_PX:
        raise ModelError(
            _(
                "{where} takes faces of {shape} px; {least_side_px} to {most_side_px} can be",
                where=where,
                shape=shape[2],
                least_side_px=_LEAST_SIDE_PX,
                most_side_px=_MOST_SIDE_PX,
            )
        )
    check_floats(model, where)
    return FacePort(values[0].name, shape[2])


def motion_ports(model: onnx.ModelProto, face: FacePort, where: str) -> MotionPorts:
    """Return which output is what: by their names, or by an order that is known and fits their sizes.

    Raises ModelError where neither tells.
    """
    names = [value.name for value in model.graph.output]
    seen = RawSession(model.SerializeToString(), where).run(
        {face.name: np.full((1, 3, face.side_px, face.side_px), 0.5, np.float32)}
    )
    sizes = [seen[name].size for name in names]
    by_name = {_SYNONYMS.get(shown_name(name).rpartition("/")[2].lower(), ""): name for name in names}
    orders = {_("their names"): tuple(by_name)} if set(by_name) == set(FIELDS) and len(names) == 7 else _ORDERS
    for known_from, order in orders.items():
        of = dict(zip(order, sizes, strict=False))
        if len(order) == len(sizes) and _fits(of):
            outputs = dict(zip(order, names, strict=True))
            return MotionPorts(outputs, of["pitch"] == BINS, of["points"] // 3, known_from)
    raise ModelError(
        _(
            "{where} gives {count} outputs of {sizes} numbers ({names}); a pose is three angles (1 or "
            "{bins} numbers), a shift (3), a scale (1), an expression and points (as many), in an order "
            "or under names that FasterLivePortrait or FaceFusion give them",
            where=where,
            count=len(names),
            sizes=", ".join(map(str, sizes)),
            names=", ".join(map(shown_name, names)),
            bins=BINS,
        )
    )


def drawing_ports(model: onnx.ModelProto, where: str) -> DrawingPorts:
    """Return what is what of a part that draws. Raises ModelError."""
    values = list(model.graph.input)
    ranks = [len(dimensions(value) or ()) for value in values]
    if sorted(ranks) != [3, 3, 5]:
        raise ModelError(
            _(
                "{where} takes {values}, and this part takes a volume of features and points twice",
                where=where,
                values=_listed(values),
            )
        )
    features = values[ranks.index(5)].name
    points = [value.name for value in values if value.name != features]
    plain = {shown_name(name).rpartition("/")[2].lower(): name for name in points}
    check_floats(model, where)
    picture = model.graph.output[0].name
    if set(plain) == {"kp_driving", "kp_source"}:
        return DrawingPorts(features, plain["kp_driving"], plain["kp_source"], picture, _("their names"))
    if set(plain) == {"source", "target"}:  # FaceFusion edits: what shall be is its source, what is its target
        return DrawingPorts(
            features, plain["source"], plain["target"], picture, _("their names, as FaceFusion uses them")
        )
    if ranks[0] != 5:
        raise ModelError(
            _(
                "{where} takes {values}: neither names nor order tell which points are the driving "
                "face's; call them kp_driving and kp_source",
                where=where,
                values=_listed(values),
            )
        )
    return DrawingPorts(features, points[0], points[1], picture, _("their order, as FasterLivePortrait uses it"))


def check_floats(model: onnx.ModelProto, where: str) -> None:
    """Raise ModelError for ports of half precision: what lies between parts is float32."""
    for value in (*model.graph.input, *model.graph.output):
        if value.type.tensor_type.elem_type != TensorProto.FLOAT:
            raise ModelError(
                _(
                    "{where}: '{name}' is not float32; take the file that is not of half precision",
                    where=where,
                    name=shown_name(value.name),
                )
            )


def _fits(sizes: Mapping[str, int]) -> bool:
    angles = {sizes[name] for name in ("pitch", "yaw", "roll")}
    count = sizes["points"]
    alike = (sizes["shift"], sizes["scale"], sizes["expression"]) == (3, 1, count)
    return angles in ({1}, {BINS}) and alike and count % 3 == 0 and 3 < count < 600


def _listed(values: Sequence[onnx.ValueInfoProto]) -> str:
    shown = [f"'{shown_name(value.name)}' {list(dimensions(value) or ())}" for value in values]
    return ", ".join(shown) or "nothing"


def count_of(shape: Sequence[int]) -> int:
    """Return how many numbers a shape holds."""
    return math.prod(shape)
