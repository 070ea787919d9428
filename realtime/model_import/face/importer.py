"""The way of a face network into the contract: swappers with what tells them whose face, and encoders by themselves."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

import realtime
from realtime.core.errors import ModelError, OptionError
from realtime.faces.landmarks.alignment import Alignment, cut_face
from realtime.model_import.face.adapter import FaceAdapterSpec, adapted_swap, without_numbers
from realtime.model_import.face.architectures import FaceArchitecture, IdentityWay, face_architecture
from realtime.model_import.face.hints import FaceImportHints
from realtime.model_import.face.identity import (
    Encoder,
    LastWeights,
    read_converting_encoder,
    read_encoder,
    resolved_map,
)
from realtime.model_import.face.ports import FacePorts, Numbers, find_face_ports
from realtime.model_import.face.ranges import resolve_face_ranges
from realtime.model_import.face.validation import FacePhoto, crop_for, encode, swap_once
from realtime.model_import.graph.loading import read_whole, resolved
from realtime.model_import.graph.view import shown_name
from realtime.model_import.hints import Finding, ImportHints
from realtime.model_import.style.importer import Description, Imported
from realtime.model_import.style.ports import Port
from realtime.model_import.style.validation import verdict_on
from realtime.models.card import ModelCard, ModelKind
from realtime.models.runtime.onnx_model import ON_CPU, OnnxModel, RawSession

_USUAL_MORPH = 0.75  # DeepFaceLive's
_INSIGHTFACE_TERMS = "non-commercial research only (InsightFace)"

Identity = NDArray[np.float32]


@dataclasses.dataclass(frozen=True, slots=True)
class FaceImport:
    """A swapper in our contract, with the encoder that tells it whose face; neither is kept anywhere yet."""

    swap: Imported
    encoder: Imported | None
    """None where the swapper takes no identity."""


def import_swap(
    path: Path, hints: FaceImportHints, words: Description, photo: FacePhoto, encoder_name: str
) -> FaceImport:
    """Bring a swapper into the contract and run it on a photo.

    `encoder_name` is what its encoder will be called in the library. Raises ModelError, one line, where it is no
    swapper, cannot be brought in or gives no picture, and OptionError for hints that do not fit it.
    """
    where = path.name
    raw = read_whole(path)
    family = face_architecture(raw.graph, path.stem, where)
    alignment, crop_source = _alignment(hints, family, where)
    weights, said = LastWeights.of(raw), {entry.key: entry.value for entry in raw.metadata_props}
    told = {key.lower(): value for key, value in said.items()}
    network = resolved(path, raw)
    ports = find_face_ports(network, hints.network, family, where)
    ends, findings = resolve_face_ranges(network, ports, hints.network, family, where)
    morph, morph_findings = _morph(ports, hints, where)
    encoder = _encoder(hints, family, ports, where)
    if encoder is not None and ports.identity is not None:
        ends, way = _told(ends, ports.identity, weights, family, encoder, where)
        findings += [
            *encoder.findings,
            Finding("it goes in", way.value, "the file" if family is None else family.title),
        ]
    card = ModelCard(
        ModelKind.SWAP,
        title=words.title or path.stem,
        about=words.about
        or ("Wears the face of a photo" if encoder is not None else "Wears the face it was trained on"),
        credit=words.credit or told.get("author", ""),
        licence=words.licence or told.get("license", "") or (family.licence if family else "") or "not stated",
        network=family.network if family is not None else "unknown",
        made_by=f"realtime {realtime.__version__}, from {where}",
        alignment=alignment,
        identity_model=encoder_name if encoder is not None else "",
        identity_fingerprint=encoder.card.fingerprint if encoder is not None else "",
        morph=morph,
    )
    head = [
        Finding("network", card.network, family.because if family is not None else "nothing known of it"),
        *_port_findings(ports),
        Finding("its crop", alignment, crop_source),
        *morph_findings,
    ]
    finished = adapted_swap(network, ends)
    helper.set_model_props(finished, {**said, **card.metadata()})
    notes = []
    if ports.left_aside:
        notes.append(f"its other outputs are left aside: {', '.join(shown_name(name) for name in ports.left_aside)}")
    with tempfile.TemporaryDirectory() as folder:
        identity, made_encoder = None, None
        if encoder is not None:
            made_encoder, identity = _tried_encoder(encoder, Path(folder), photo)
        notes += _judged(finished, ends, card, photo, identity, where)
        content = without_numbers(finished).SerializeToString()
        swap = _tried_swap(content, card, (*head, *findings), tuple(notes), Path(folder), photo, identity, where)
    return FaceImport(swap, made_encoder)


def import_encoder(path: Path, hints: FaceImportHints, words: Description, photo: FacePhoto) -> Imported:
    """Bring a network that tells faces apart into the contract and run it on a photo. Raises ModelError."""
    encoder = read_encoder(path, hints.network, hints.alignment, words.title, words.licence)
    with tempfile.TemporaryDirectory() as folder:
        return _tried_encoder(encoder, Path(folder), photo)[0]


def _alignment(hints: FaceImportHints, family: FaceArchitecture | None, where: str) -> tuple[str, str]:
    text, source = hints.alignment_of(family.alignment if family is not None else "")
    if not text:
        raise ModelError(
            f"{where} does not tell how a face lies in its crop: say --alignment face, arcface_112, arcface_128, "
            "arcface_112_v1, ffhq_512, mtcnn_512, or 'mesh coverage=2.2 x=0 y=-0.08' (--preview OUT.jpg shows it)"
        )
    return text, source


def _encoder(hints: FaceImportHints, family: FaceArchitecture | None, ports: FacePorts, where: str) -> Encoder | None:
    file, converter = hints.identity_model, hints.identity_converter
    if ports.identity is None:
        if file is not None or converter is not None:
            raise OptionError(f"{where} always gives one face: leave --identity-model away")
        return None
    if file is None:
        raise ModelError(
            f"{where} must be told whose face by a network that tells faces apart: name it with --identity-model "
            "(w600k_r50.onnx of InsightFace's buffalo_l, for most)"
        )
    converts = family is not None and family.identity.converts
    if family is not None and converts != (converter is not None):
        raise ModelError(
            f"{where} was trained with another network than w600k_r50: name the file that converts between them with "
            f"--identity-converter (crossface_{family.network}.onnx)"
            if converts
            else f"{where} takes the numbers of --identity-model as they are: leave --identity-converter away"
        )
    terms = _INSIGHTFACE_TERMS if file.stem.lower().endswith("w600k_r50") else ""
    if converter is None:
        return read_encoder(file, ImportHints(), "", file.stem, terms)
    unit = family is None or family.identity is not IdentityWay.CONVERTED_RAW
    return read_converting_encoder(file, converter, file.stem, terms, unit=unit)


def _told(
    ends: FaceAdapterSpec,
    wanted: Numbers,
    weights: LastWeights,
    family: FaceArchitecture | None,
    encoder: Encoder,
    where: str,
) -> tuple[FaceAdapterSpec, IdentityWay]:
    """Return the ends with an identity, and how it goes in. Raises ModelError where the numbers do not fit."""
    identity_map, way = resolved_map(weights, wanted, family, where)
    if encoder.size != wanted.size:
        raise ModelError(
            f"{where} is told whose face by {wanted.size} numbers, and --identity-model gives {encoder.size}: take the "
            "network it was trained with (w600k_r50.onnx, for most)"
        )
    return dataclasses.replace(ends, identity_size=encoder.size, identity_map=identity_map), way


def _morph(ports: FacePorts, hints: FaceImportHints, where: str) -> tuple[float | None, list[Finding]]:
    if ports.morph is None:
        if hints.morph is not None:
            raise OptionError(f"{where} takes no morph value: leave --morph away")
        return None, []
    if hints.morph is None:
        return _USUAL_MORPH, [Finding("morph", f"{_USUAL_MORPH:g}", "usual; --set swap.morph moves it")]
    return hints.morph, [Finding("morph", f"{hints.morph:g}", "your --morph")]


def _judged(
    model: onnx.ModelProto,
    ends: FaceAdapterSpec,
    card: ModelCard,
    photo: FacePhoto,
    identity: Identity | None,
    where: str,
) -> list[str]:
    """Look at the numbers before they are cut off. Returns what looks odd; raises ModelError where it is no face."""
    side = ends.ports.side_px
    face = np.ascontiguousarray(cut_face(photo.pixels, photo.mesh, Alignment.parse(card.alignment), side)[0])
    inputs: dict[str, NDArray[np.generic]] = {"face": face[np.newaxis]}
    if identity is not None:
        inputs["identity"] = identity
    if card.morph is not None:
        inputs["morph"] = np.array([card.morph], np.float32)
    graph = RawSession(model.SerializeToString(), where)
    with np.errstate(all="ignore"):
        numbers = graph.run(inputs)["numbers"]
    if numbers.shape != (1, 3, side, side):
        raise ModelError(f"{where} gives {list(numbers.shape)} (as NCHW) for a face of {side}x{side}; export it again")
    verdict = verdict_on(np.ascontiguousarray(numbers[0].transpose(1, 2, 0)), face)
    if verdict.problem:
        said = f"--range {ends.range_in.value} --output-range {ends.range_out.value}"
        raise ModelError(f"{where}: {verdict.problem} with {said}; try others, or another copy of the file")
    return [verdict.doubt] if verdict.doubt else []


def _tried_swap(
    content: bytes,
    card: ModelCard,
    findings: tuple[Finding, ...],
    notes: tuple[str, ...],
    folder: Path,
    photo: FacePhoto,
    identity: Identity | None,
    where: str,
) -> Imported:
    path = folder / f"{Path(where).stem}.onnx"
    path.write_bytes(content)
    model = OnnxModel.open(path, ON_CPU)
    try:
        made = swap_once(model, photo, identity)
        notes = (*notes, *model.notes)
    finally:
        model.close()
    if made.share < 0.05:
        notes = (*notes, f"its mask covers {made.share:.0%} of this face: look at the picture (--preview OUT.jpg)")
    if not made.listens:
        notes = (*notes, "it makes the same of this face whoever it is told: is --identity-model the right one?")
    return Imported(content, card, findings, notes, made.before, made.after, ms_per_face=made.ms_per_face)


def _tried_encoder(encoder: Encoder, folder: Path, photo: FacePhoto) -> tuple[Imported, Identity]:
    path = folder / "encoder.onnx"
    path.write_bytes(encoder.content)
    model = OnnxModel.open(path, ON_CPU)
    try:
        z = encode(model, photo)
        face, notes = crop_for(model, photo), model.notes
    finally:
        model.close()
    return Imported(encoder.content, encoder.card, encoder.findings, notes, face, face), z


def _port_findings(ports: FacePorts) -> list[Finding]:
    findings = [
        Finding("face in", _port_text(ports.taken), f"the file; layout by {ports.taken.layout_source}"),
        Finding("face out", _port_text(ports.given), f"the file; layout by {ports.given.layout_source}"),
    ]
    names = " × ".join(shown_name(mask.name) for mask in ports.masks)
    source = "the file, made soft at its edge" if names else "the file has none: a soft ellipse"
    return [*findings, Finding("mask", names or "none", source)]


def _port_text(port: Port) -> str:
    shape = "×".join(str(side) if isinstance(side, int) else "any" for side in port.shape)
    return f"{shown_name(port.name)} {port.element} {shape} {port.layout.value}"
