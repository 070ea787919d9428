"""What a model takes and gives, checked against what its kind promises in `realtime.models.card`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.models.card import (
    CODES,
    HEIGHT,
    INPUT_NAMES,
    OPTIONAL_INPUT_NAMES,
    OUTPUT_NAMES,
    WIDTH,
    ModelCard,
    ModelKind,
)
from realtime.models.latent_space import LatentSpace

LEAST_PX = 32
"""A style model bound to a smaller picture than this paints nothing anybody would recognise."""
MOST_PX = 8192
Wanted = tuple[int | str, ...]
"""A shape: numbers, the name of a dimension that is free until a session fixes it, and letters for any number."""
_FLOAT_PORTS: Mapping[str, Wanted] = {
    "z": (1, "Z"),
    "identity": (1, "D"),
    "morph": (1,),
    "keep": (CODES, 1),
    "add": (CODES, "Z"),
    **dict.fromkeys(("motion", "source_motion", "rest_motion", "driving_motion"), (1, "M")),
    **dict.fromkeys(("features", "source_features"), (1, "F")),
    "truncation": (1,),
    "fine": (1, "Z"),
    "layers": (1, "L"),
}
_FACES_DRAWN: Wanted = (CODES, "S", "S", 3)
"""A morph's `face_out`, which is float32 too."""


@dataclasses.dataclass(frozen=True, slots=True)
class Port:
    """One input or output of a model."""

    name: str
    dtype: str
    """numpy's name: `uint8`, `float32`; anything else as ONNX Runtime calls it."""
    shape: tuple[int | str, ...]
    """Numbers, and names of dimensions that are free."""


def check_contract(path: Path, card: ModelCard, inputs: Mapping[str, Port], outputs: Mapping[str, Port]) -> None:
    """Raise ModelError, one line, where a model does not keep what its card says."""
    again = _("export or add it again")
    may_be = OPTIONAL_INPUT_NAMES.get(card.kind, ())
    for what, found, names, more in (
        ("inputs", inputs, INPUT_NAMES[card.kind], may_be),
        ("outputs", outputs, OUTPUT_NAMES[card.kind], ()),
    ):
        if not set(names) <= set(found) <= {*names, *more}:
            raise ModelError(
                _(
                    "{path} is no {kind} model as its card says: its {what} are {found}, not "
                    "{names}{if_need_be}; {again}",
                    path=path,
                    kind=card.kind.value,
                    what=what,
                    found=_listed(found),
                    names=_listed(names),
                    if_need_be=_(" (and, if need be, {more})", more=_listed(more)) if more else "",
                    again=again,
                )
            )
    for port in (*inputs.values(), *outputs.values()):
        wanted = _float_shape(port, card.kind)
        problem = _picture_problem(port, card.kind) if wanted is None else _float_problem(port, wanted)
        if problem:
            raise ModelError(f"{path}: '{port.name}' {problem}; {again}")
    if card.kind is ModelKind.STYLE:
        frame_in, frame_out = inputs["frame"].shape, outputs["frame_out"].shape
        for side, side_out in zip(frame_in[1:3], frame_out[1:3], strict=True):
            if isinstance(side_out, int) and side_out != side:
                raise ModelError(
                    _(
                        "{path} takes {frame_in} and gives {frame_out}, another size; {again}",
                        path=path,
                        frame_in=_in_words(frame_in),
                        frame_out=_in_words(frame_out),
                        again=again,
                    )
                )
    else:
        _check_face(path, card, inputs, outputs)


def _check_face(path: Path, card: ModelCard, inputs: Mapping[str, Port], outputs: Mapping[str, Port]) -> None:
    """Crops are squares of one size, and identities have a maker."""
    again = _("export or add it again")
    pictures = [port for port in (*inputs.values(), *outputs.values()) if port.name not in _FLOAT_PORTS]
    if card.kind is ModelKind.MOTION:
        _check_motions(path, inputs, outputs)
        pictures = [outputs["face_out"], outputs["mask"]]  # the size that it draws may be another
    sides = {side for port in pictures for side in port.shape[1:3]}
    if len(sides) != 1:
        shown = ", ".join(f"'{port.name}' {_in_words(port.shape)}" for port in pictures)
        raise ModelError(
            _(
                "{path} has crops of several sizes ({shown}), and a face is one square; {again}",
                path=path,
                shown=shown,
                again=again,
            )
        )
    if card.kind is ModelKind.MORPH:
        _check_codes(path, card, inputs, outputs)
    if card.kind is ModelKind.LATENT_DECODER:
        _check_decoder(path, card, inputs)
    if card.kind is not ModelKind.SWAP:
        return
    if ("identity" in inputs) != bool(card.identity_model and card.identity_fingerprint):
        problem = _("does not say which encoder makes it") if "identity" in inputs else _("does not take one")
        raise ModelError(
            _(
                "{path}: its card and its 'identity' do not fit one another: it {problem}; add it again",
                path=path,
                problem=problem,
            )
        )
    if ("morph" in inputs) != (card.morph is not None):
        problem = _("does not say where it begins") if "morph" in inputs else _("does not take one")
        raise ModelError(
            _(
                "{path}: its card and its 'morph' do not fit one another: it {problem}; add it again",
                path=path,
                problem=problem,
            )
        )


def _check_codes(path: Path, card: ModelCard, inputs: Mapping[str, Port], outputs: Mapping[str, Port]) -> None:
    """As many codes come out as went in, all of one length, and what the card says of them fits it."""
    keep, add, face_out, z = inputs["keep"], inputs["add"], outputs["face_out"], outputs["z"]
    if not keep.shape[0] == add.shape[0] == face_out.shape[0] or add.shape[1] != z.shape[1]:
        shown = ", ".join(f"'{port.name}' {_in_words(port.shape)}" for port in (keep, add, face_out, z))
        raise ModelError(
            _("{path}: its codes do not fit one another ({shown}); export or add it again", path=path, shown=shown)
        )
    LatentSpace.parse(card.latent_space, int(z.shape[1]), str(path))


def _check_motions(path: Path, inputs: Mapping[str, Port], outputs: Mapping[str, Port]) -> None:
    """Motions and features are taken as they were given, and what is looked at is a square."""
    motions = [outputs["motion"], *(inputs[f"{whose}_motion"] for whose in ("source", "rest", "driving"))]
    features = [outputs["features"], inputs["source_features"]]
    for found in (motions, features):
        if len({port.shape for port in found}) != 1:
            shown = ", ".join(f"'{port.name}' {_in_words(port.shape)}" for port in found)
            raise ModelError(
                _(
                    "{path}: its numbers do not fit one another ({shown}); export or add it again",
                    path=path,
                    shown=shown,
                )
            )
    face = inputs["face"]
    if face.shape[1] != face.shape[2]:
        raise ModelError(
            _(
                "{path}: 'face' is {shape}, and a face is a square; export or add it again",
                path=path,
                shape=_in_words(face.shape),
            )
        )


def _check_decoder(path: Path, card: ModelCard, inputs: Mapping[str, Port]) -> None:
    """A second code comes with what says where it goes, and is as long as the first."""
    z, fine = inputs["z"], inputs.get("fine")
    if (fine is None) != ("layers" not in inputs):
        raise ModelError(
            _("{path} takes one of 'fine' and 'layers', which go together; export or add it again", path=path)
        )
    if fine is not None and fine.shape != z.shape:
        shown = ", ".join(f"'{port.name}' {_in_words(port.shape)}" for port in (z, fine))
        raise ModelError(
            _("{path}: its codes do not fit one another ({shown}); export or add it again", path=path, shown=shown)
        )
    LatentSpace.parse(card.latent_space, int(z.shape[1]), str(path))


def check_array(port: Port, array: NDArray[np.generic], free: dict[str, int]) -> str:
    """Return what is wrong with an array for this port, or an empty string.

    `free` collects the sizes that free dimensions take in this run: the same name must mean the same size everywhere.
    """
    if array.dtype != port.dtype:
        return _("is {dtype}, not {port_dtype}", dtype=array.dtype, port_dtype=port.dtype)
    if not array.flags.c_contiguous:
        return _("is not C-contiguous")
    if array.ndim != len(port.shape):
        return _("has shape {shape}, not {port_shape}", shape=array.shape, port_shape=_in_words(port.shape))
    for size, wanted in zip(array.shape, port.shape, strict=True):
        if size != (wanted if isinstance(wanted, int) else free.setdefault(wanted, size)):
            return _("has shape {shape}, not {port_shape}", shape=array.shape, port_shape=_in_words(port.shape, free))
    return ""


def _picture_problem(port: Port, kind: ModelKind) -> str:
    if port.dtype != "uint8":
        return _("is {dtype}, not uint8", dtype=port.dtype)
    channels = 1 if port.name == "mask" else 3
    if len(port.shape) != 4 or port.shape[0] != 1 or port.shape[3] != channels:
        return _("is {shape}, not [1, height, width, {channels}]", shape=_in_words(port.shape), channels=channels)
    for side, name in zip(port.shape[1:3], (HEIGHT, WIDTH), strict=True):
        if isinstance(side, int):
            if side > MOST_PX or (kind is ModelKind.STYLE and side < LEAST_PX):
                return _(
                    "is bound to {shape}: each side may be {least_px} to {most_px} pixels",
                    shape=_in_words(port.shape),
                    least_px=LEAST_PX,
                    most_px=MOST_PX,
                )
        elif kind is not ModelKind.STYLE:
            return _("is {shape}; a face has a fixed size", shape=_in_words(port.shape))
        elif port.name in INPUT_NAMES[kind] and side != name:
            return _(
                "is {shape}; its free sides must be called {height} and {width}",
                shape=_in_words(port.shape),
                height=HEIGHT,
                width=WIDTH,
            )
    return ""


def _float_shape(port: Port, kind: ModelKind) -> Wanted | None:
    """Return the shape of what is no picture of bytes, None for what is one."""
    return _FACES_DRAWN if kind is ModelKind.MORPH and port.name == "face_out" else _FLOAT_PORTS.get(port.name)


def _float_problem(port: Port, wanted: Wanted) -> str:
    if port.dtype != "float32":
        return _("is {dtype}, not float32", dtype=port.dtype)
    if len(port.shape) != len(wanted) or not all(map(_fits, port.shape, wanted)):
        return _("is {shape}, not {wanted}", shape=_in_words(port.shape), wanted=_in_words(wanted))
    return ""


def _fits(side: int | str, wanted: int | str) -> bool:
    return side == wanted if isinstance(wanted, int) else isinstance(side, int) or side == wanted == CODES


def _listed(names: Mapping[str, object] | tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "none"


def _in_words(shape: tuple[int | str, ...], free: Mapping[str, int] | None = None) -> str:
    known = free or {}
    return "[" + ", ".join(str(known.get(str(side), side)) for side in shape) + "]"
