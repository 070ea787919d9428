"""Brings a face swapper into the contract, together with the encoder that tells it whose face."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import numpy as np
import onnx
from numpy.typing import NDArray

from realtime.core.errors import ModelError, OptionError
from realtime.core.language import _
from realtime.faces.landmarks.alignment import Alignment, cut_face
from realtime.model_import.face.adapter import FaceAdapterSpec, adapted_swap, without_numbers
from realtime.model_import.face.architectures import (
    INSIGHTFACE_TERMS,
    FaceArchitecture,
    IdentityWay,
    face_architecture,
    is_face_swapper,
)
from realtime.model_import.face.encoder_importer import EncoderImporter, native_encoder
from realtime.model_import.face.hints import FaceImportHints
from realtime.model_import.face.identity_map import LastWeights
from realtime.model_import.face.ports import FacePorts, VectorPort, find_face_ports
from realtime.model_import.face.validation import FacePhoto, encode, swap_once
from realtime.model_import.graph.loading import read_whole, resolved
from realtime.model_import.graph.view import GraphView, shown_name
from realtime.model_import.hints import Finding, ImportHints
from realtime.model_import.ranges import resolve_ranges
from realtime.model_import.result import Description, Imported, Validation
from realtime.model_import.steps import (
    Draft,
    ForeignImporter,
    ImportRequest,
    Inputs,
    drafted,
    ignored_outputs_note,
    validated,
)
from realtime.model_import.verdict import verdict_on
from realtime.models.card import ModelCard, ModelKind
from realtime.models.library import find_identity_encoder, read_card
from realtime.models.runtime.onnx_model import ON_CPU, OnnxModel, RawSession
from realtime.models.source_file import SourceFile

_USUAL_MORPH = 0.75  # DeepFaceLive's


@dataclasses.dataclass(frozen=True, slots=True)
class SwapNetwork:
    """Somebody's swapper, and what is known of it."""

    model: onnx.ModelProto
    ports: FacePorts
    architecture: FaceArchitecture
    alignment: str
    alignment_source: str
    last_weights: LastWeights


class SwapImporter(ForeignImporter[SwapNetwork]):
    """A face in, another face and its mask out; some are told whose face by an encoder's numbers."""

    kind = ModelKind.SWAP
    options = frozenset(
        {"identity_model", "identity_name", "identity_converter", "morph", "alignment", "coverage", "x", "y"}
    )

    def __init__(self, hints: FaceImportHints, photo: FacePhoto, encoder_name: str = "") -> None:
        """`encoder_name` is what the swapper's encoder will be called in the library."""
        self._hints, self._photo, self._encoder_name = hints, photo, encoder_name

    @classmethod
    def of(cls, request: ImportRequest) -> Self:
        return cls(request.hints, request.face(), request.encoder_name)

    @staticmethod
    def knows(inputs: Mapping[str, tuple[int | str, ...]]) -> bool:
        return is_face_swapper(inputs)

    def files_beside(self, source: SourceFile) -> tuple[SourceFile, ...]:
        """Return what the user names, or the encoder of a model of ours, where there is one to be found."""
        if source.card is None:
            named = self._hints.identity_model, self._hints.identity_converter
            return tuple(file for file in named if file is not None)
        try:
            return (SourceFile(find_identity_encoder(source.path)),)
        except ModelError:  # validating says what is wrong
            return ()

    def recognise(self, source: SourceFile) -> SwapNetwork:
        where, raw = source.name, read_whole(source)
        architecture = face_architecture(raw.graph, source.path.stem, where)
        alignment, alignment_source = self._alignment(architecture, where)
        weights = LastWeights.of(raw)
        model = resolved(source, raw)
        ports = find_face_ports(model, self._hints.network, architecture, where)
        return SwapNetwork(model, ports, architecture, alignment, alignment_source, weights)

    def adapt(self, network: SwapNetwork, source: SourceFile) -> Draft:
        where, ports, architecture = source.name, network.ports, network.architecture
        spec, range_findings = self._spec(network, where)
        morph, morph_findings = self._morph(ports, where)
        card = ModelCard(
            ModelKind.SWAP,
            about="Wears the face it was trained on",
            licence=architecture.licence,
            network=architecture.network,
            alignment=network.alignment,
            morph=morph,
        )
        findings = [
            architecture.finding,
            *_port_findings(ports),
            Finding(_("its crop"), network.alignment, network.alignment_source),
            *morph_findings,
            *range_findings,
        ]
        inputs: dict[str, NDArray[np.generic]] = {}
        encoder = self._encoder(architecture, ports, where)
        code = encoder.validation.code if encoder is not None else None
        if encoder is not None and code is not None and ports.identity is not None:
            spec, identity_finding = _with_identity(spec, ports.identity, network, code.shape[1], where)
            known_from = architecture.title or _("the file")
            findings += [*encoder.findings, Finding(_("it goes in"), identity_finding.value, known_from)]
            card = dataclasses.replace(
                card,
                about="Wears the face of a photo",
                identity_model=self._encoder_name,
                identity_fingerprint=encoder.card.fingerprint,
            )
            inputs["identity"] = code
        model = adapted_swap(network.model, spec)
        doubts = self._check_numbers(model, spec, card, inputs, where)
        notes = (*ignored_outputs_note(ports.ignored_outputs), *doubts)
        return Draft(without_numbers(model), card, tuple(findings), notes, inputs, encoder)

    def inputs_of(self, path: Path) -> Inputs:
        if not read_card(path).identity_model:
            return {}
        with contextlib.closing(OnnxModel.open(find_identity_encoder(path), ON_CPU)) as encoder:
            return {"identity": encode(encoder, self._photo)}

    def validate(self, path: Path, inputs: Inputs) -> Validation:
        with contextlib.closing(OnnxModel.open(path, ON_CPU)) as model:
            return swap_once(model, self._photo, inputs)

    @staticmethod
    def next_step(name: str, card: ModelCard) -> str:
        photo = ":PHOTO.jpg" if card.identity_model else ""
        return f"realtime run --effect swap:{name}{photo}"

    def _alignment(self, architecture: FaceArchitecture, where: str) -> tuple[str, str]:
        text, source = self._hints.alignment_of(architecture.alignment)
        if not text:
            raise ModelError(
                _(
                    "{where} does not tell how a face lies in its crop: say --alignment face, "
                    "arcface_112, arcface_128, arcface_112_v1, ffhq_512, mtcnn_512, or 'mesh "
                    "coverage=2.2 x=0 y=-0.08' (--preview OUT.jpg shows it)",
                    where=where,
                )
            )
        return text, source

    def _spec(self, network: SwapNetwork, where: str) -> tuple[FaceAdapterSpec, tuple[Finding, ...]]:
        """Resolve ranges and colours. Raises ModelError where nothing tells the range."""
        ports, view = network.ports, GraphView(network.model.graph)
        ranges = resolve_ranges(
            view, ports.input, ports.output, self._hints.network, network.architecture, architecture_first=True
        )
        if ranges.range_in is None or ranges.range_out is None:
            raise ModelError(
                _(
                    "{where} does not tell the range of the face it takes: say --range 0..1, -1..1 or "
                    "0..255 (--preview OUT.jpg shows what comes out)",
                    where=where,
                )
            )
        return FaceAdapterSpec(ports, ranges.range_in, ranges.range_out, ranges.order), ranges.findings

    def _morph(self, ports: FacePorts, where: str) -> tuple[float | None, list[Finding]]:
        morph = self._hints.morph
        if ports.morph is None:
            if morph is not None:
                raise OptionError(_("{where} takes no morph value: leave --morph away", where=where))
            return None, []
        if morph is None:
            return _USUAL_MORPH, [Finding("morph", f"{_USUAL_MORPH:g}", _("usual; --set swap.morph moves it"))]
        return morph, [Finding("morph", f"{morph:g}", _("your --morph"))]

    def _encoder(self, architecture: FaceArchitecture, ports: FacePorts, where: str) -> Imported | None:
        """Bring in what --identity-model names; None where the network takes no identity."""
        source, converter = self._hints.identity_model, self._hints.identity_converter
        if ports.identity is None:
            if source is not None or converter is not None:
                raise OptionError(_("{where} always gives one face: leave --identity-model away", where=where))
            return None
        if source is None:
            raise ModelError(
                _(
                    "{where} must be told whose face by a network that tells faces apart: name it with "
                    "--identity-model (w600k_r50.onnx of InsightFace's buffalo_l, for most)",
                    where=where,
                )
            )
        converts = architecture.identity is not None and architecture.identity.converts
        if architecture.is_known and converts != (converter is not None):
            raise ModelError(
                _(
                    "{where} was trained with another network than w600k_r50: name the file that "
                    "converts between them with --identity-converter (crossface_{network}.onnx)",
                    where=where,
                    network=architecture.network,
                )
                if converts
                else _(
                    "{where} takes the numbers of --identity-model as they are: leave --identity-converter away",
                    where=where,
                )
            )
        card = source.card
        if card is not None and converter is not None:
            raise ModelError(
                _(
                    "{name} is in the contract already; a converter goes with the file as its maker wrote it",
                    name=source.name,
                )
            )
        terms = INSIGHTFACE_TERMS if source.path.stem.lower().endswith("w600k_r50") else ""
        unit = architecture.identity is not IdentityWay.CONVERTED_RAW
        kind = EncoderImporter(ImportHints(), "", self._photo, converter=converter, unit=unit)
        draft = drafted(source, kind, Description(licence=terms)) if card is None else native_encoder(source, card)
        return validated(draft, kind, source.path.stem)

    def _check_numbers(
        self, model: onnx.ModelProto, spec: FaceAdapterSpec, card: ModelCard, inputs: Inputs, where: str
    ) -> tuple[str, ...]:
        """Look at the numbers before they are clipped. Return what looks odd. Raises ModelError where it is no face."""
        side = spec.ports.side_px
        crop, _unused = cut_face(self._photo.pixels, self._photo.mesh, Alignment.parse(card.alignment), side)
        face = np.ascontiguousarray(crop)
        more = {} if card.morph is None else {"morph": np.array([card.morph], np.float32)}
        session = RawSession(model.SerializeToString(), where)
        with np.errstate(all="ignore"):
            numbers = session.run({"face": face[np.newaxis], **inputs, **more})["numbers"]
        if numbers.shape != (1, 3, side, side):
            raise ModelError(
                _(
                    "{where} gives {shape} (as NCHW) for a face of {side}x{side}; export it again",
                    where=where,
                    shape=list(numbers.shape),
                    side=side,
                )
            )
        verdict = verdict_on(np.ascontiguousarray(numbers[0].transpose(1, 2, 0)), face)
        if verdict.problem:
            options = f"--range {spec.range_in.value} --output-range {spec.range_out.value}"
            raise ModelError(
                _(
                    "{where}: {problem} with {options}; try others, or another copy of the file",
                    where=where,
                    problem=verdict.problem,
                    options=options,
                )
            )
        return (verdict.doubt,) if verdict.doubt else ()


def _with_identity(
    spec: FaceAdapterSpec, wanted: VectorPort, network: SwapNetwork, size: int, where: str
) -> tuple[FaceAdapterSpec, IdentityWay]:
    """Return the spec with an identity of so many numbers, and how they go in. Raises ModelError where they do not
    fit.
    """
    identity_map, identity_finding = network.last_weights.map_to(wanted, network.architecture, where)
    if size != wanted.size:
        raise ModelError(
            _(
                "{where} is told whose face by {size} numbers, and --identity-model gives {given}: take "
                "the network it was trained with (w600k_r50.onnx, for most)",
                where=where,
                size=wanted.size,
                given=size,
            )
        )
    return dataclasses.replace(spec, identity_size=size, identity_map=identity_map), identity_finding


def _port_findings(ports: FacePorts) -> list[Finding]:
    names = " × ".join(shown_name(mask.name) for mask in ports.masks)
    source = _("the file, made soft at its edge") if names else _("the file has none: a soft ellipse")
    return [
        ports.input.finding(_("face in")),
        ports.output.finding(_("face out")),
        Finding("mask", names or "none", source),
    ]
