"""Whose face: the network that tells it, and how its numbers become what a swapper takes."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

import realtime
from realtime.core.errors import ModelError
from realtime.faces.landmarks.alignment import Alignment
from realtime.model_import.face.adapter import adapted_encoder, joined
from realtime.model_import.face.architectures import FaceArchitecture, IdentityWay
from realtime.model_import.face.ports import Numbers, find_encoder_ports, find_number_ports, side_of
from realtime.model_import.graph.loading import read_network, read_whole, resolved
from realtime.model_import.hints import ColourOrder, Finding, ImportHints, ValueRange
from realtime.models.card import ModelCard, ModelKind
from realtime.models.file_safety import check_safe, read_header

_FIRST_NODES = 8  # as many as InsightFace looks at


@dataclasses.dataclass(frozen=True, slots=True)
class Encoder:
    """A network that tells faces apart, in our contract."""

    content: bytes
    card: ModelCard
    size: int
    """How many numbers it gives."""
    values: ValueRange
    """What it takes inside."""
    findings: tuple[Finding, ...]


def read_encoder(path: Path, hints: ImportHints, alignment: str, title: str, licence: str) -> Encoder:
    """Bring a face recognition network into the contract; one that is in it stays as it is, with a fingerprint.

    Ranges as InsightFace takes them: (x − 127.5) / 127.5, or bytes where the network itself begins with a `Sub` and a
    `Mul`. Raises ModelError, one line, for what is none.
    """
    where = path.name
    kind = _kind_of(path)
    if kind:
        return _ours(path, kind)
    raw = read_whole(path)
    named = [node.name for node in raw.graph.node[:_FIRST_NODES]]
    normalises = all(any(name.startswith(words) for name in named) for words in (("Sub", "_minus"), ("Mul", "_mul")))
    model = resolved(path, raw)
    taken, given = find_encoder_ports(model, hints, where)
    values, source = (ValueRange.SIGNED, "InsightFace's own program")
    if hints.range_in is not None:
        values, source = hints.range_in, "your --range"
    elif normalises:
        values, source = ValueRange.BYTES, "its first operators, which do the rest"
    order = hints.order or ColourOrder.RGB
    side = side_of(taken)
    if not alignment and side != 112:
        raise ModelError(f"{where} takes faces of {side}x{side}, not ArcFace's 112x112: say how with --alignment")
    Alignment.parse(alignment or "arcface_112")
    finished = adapted_encoder(model, taken, given, values, order)
    card = ModelCard(
        ModelKind.ENCODER,
        title=title or path.stem,
        about="Tells whose face it is",
        licence=licence or "not stated",
        network="face recognition",
        made_by=f"realtime {realtime.__version__}, from {where}",
        alignment=alignment or "arcface_112",
        fingerprint=_fingerprint(path),
    )
    helper.set_model_props(finished, card.metadata())
    findings = (
        Finding("identity by", f"{where}, {given.size} numbers of length 1", f"a face of {side}x{side}"),
        Finding("its face", card.alignment, "your --alignment" if alignment else "InsightFace's own program"),
        Finding("its range", f"{values.value} {order.value}", source),
    )
    return Encoder(finished.SerializeToString(), card, given.size, values, findings)


def read_converting_encoder(path: Path, converter: Path, title: str, licence: str, *, unit: bool) -> Encoder:
    """Bring in a face recognition network with a converter behind it: the bare numbers go in there, and come out of
    length 1 where `unit`. Raises ModelError.
    """
    if _kind_of(path):
        raise ModelError(
            f"{path.name} is in the contract already; a converter goes with the file as its maker wrote it"
        )
    bare = read_encoder(path, ImportHints(), "", title, licence)  # with all that can be wrong with it
    model, behind = read_network(path), read_network(converter)
    taken, given = find_encoder_ports(model, ImportHints(), path.name)
    entry, converted = find_number_ports(behind, converter.name)
    if entry.size != given.size:
        raise ModelError(
            f"{converter.name} converts {entry.size} numbers, and {path.name} gives {given.size}: take the one for it"
        )
    try:
        both, result = joined(model, given, behind, entry, converted)
    except Exception as error:  # ONNX's own, of many types
        raise ModelError(f"{converter.name} cannot be put behind {path.name}: {error}; export it again") from error
    finished = adapted_encoder(both, taken, result, bare.values, ColourOrder.RGB, unit=unit)
    card = dataclasses.replace(
        bare.card,
        made_by=f"{bare.card.made_by} and {converter.name}",
        fingerprint=_fingerprint(path, converter, words="" if unit else "raw"),
    )
    helper.set_model_props(finished, card.metadata())
    after = Finding("converted by", f"{converter.name}, {result.size} numbers", "length 1" if unit else "as they come")
    return Encoder(finished.SerializeToString(), card, result.size, bare.values, (*bare.findings, after))


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


def identity_map(weights: LastWeights, wanted: Numbers, where: str) -> NDArray[np.float32]:
    """Return inswapper's map from the encoder's numbers to its own: (encoder's, wanted), the last weights of the file.

    InsightFace takes `graph.initializer[-1]` and nothing else. Where a program has put weights in another order, the
    only square that no operator uses is it. Raises ModelError.
    """
    if weights.last_map is not None and len(weights.last_map) == wanted.size:
        return weights.last_map
    unused = [square for square in weights.unused if len(square) == wanted.size]
    if len(unused) == 1:
        return unused[0]
    raise ModelError(
        f"{where} should end in a map of {wanted.size}x{wanted.size} numbers, and its last weights are {weights.last}: "
        "another program has changed the file; take the original"
    )


def resolved_map(
    weights: LastWeights, wanted: Numbers, family: FaceArchitecture | None, where: str
) -> tuple[NDArray[np.float32] | None, IdentityWay]:
    """Return the map where the file has one, and how the numbers go in. Raises ModelError."""
    if family is not None:
        way = family.identity
        return (identity_map(weights, wanted, where), way) if way is IdentityWay.MAPPED else (None, way)
    last = weights.last_map
    if last is not None and not weights.last_is_used and len(last) == wanted.size:
        return last, IdentityWay.MAPPED
    return None, IdentityWay.PLAIN


def _is_square(tensor: onnx.TensorProto) -> bool:
    return len(tensor.dims) == 2 and tensor.dims[0] == tensor.dims[1]


def _floats(tensor: onnx.TensorProto) -> NDArray[np.float32]:
    values: NDArray[Any] = numpy_helper.to_array(tensor)
    return values.astype(np.float32)


def _kind_of(path: Path) -> str:
    if path.suffix.lower() != ".onnx" or not path.is_file():
        return ""
    return read_header(path).metadata.get("realtime.kind", "")


def _ours(path: Path, kind: str) -> Encoder:
    if kind != ModelKind.ENCODER.value:
        raise ModelError(f"{path} is of kind '{kind}', and whose face it is is told by an encoder")
    header = read_header(path)
    check_safe(path, header)
    model = onnx.load_model(str(path))
    card = ModelCard.read(header.metadata, str(path))
    if not card.fingerprint:
        card = dataclasses.replace(card, fingerprint=_fingerprint(path))
        kept = {entry.key: entry.value for entry in model.metadata_props}
        helper.set_model_props(model, {**kept, **card.metadata()})
    size = model.graph.output[0].type.tensor_type.shape.dim[-1].dim_value
    finding = Finding("identity by", f"{path.stem}, {size} numbers", "an encoder of this program")
    return Encoder(model.SerializeToString(), card, size, ValueRange.BYTES, (finding,))


def _fingerprint(*paths: Path, words: str = "") -> str:
    """SHA-256 of files as they came, with the weights that lie beside them."""
    digest = hashlib.sha256()
    for path in paths:
        for part in (path, *(path.parent / name for name in read_header(path).external_files)):
            digest.update(part.read_bytes())
    digest.update(words.encode())
    return digest.hexdigest()
