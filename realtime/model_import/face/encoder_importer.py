"""Brings a network that tells faces apart into the contract: the identity encoder of a swapper."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Self

import onnx

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.faces.landmarks.alignment import Alignment
from realtime.model_import.face.adapter import adapted_encoder, joined
from realtime.model_import.face.ports import VectorPort, find_encoder_ports, find_number_ports, side_of
from realtime.model_import.face.validation import FacePhoto, validate_encoder
from realtime.model_import.graph.loading import fingerprint_of, read_network, read_whole, resolved
from realtime.model_import.graph.picture_port import PicturePort
from realtime.model_import.hints import ColourOrder, Finding, ImportHints, ValueRange
from realtime.model_import.result import Validation
from realtime.model_import.steps import Draft, ForeignImporter, ImportRequest, Inputs, made_by, write_card
from realtime.models.card import ModelCard, ModelKind
from realtime.models.source_file import SourceFile

_FIRST_NODES = 8  # as many as InsightFace looks at
_USUAL_SIDE_PX, _USUAL_ALIGNMENT = 112, "arcface_112"


@dataclasses.dataclass(frozen=True, slots=True)
class EncoderNetwork:
    """Somebody's face recognition network, and how it wants a face."""

    model: onnx.ModelProto
    input: PicturePort
    output: VectorPort
    range_in: ValueRange
    range_source: str


class EncoderImporter(ForeignImporter[EncoderNetwork]):
    """A face in, some hundred numbers out.

    Ranges as InsightFace takes them: (x − 127.5) / 127.5, or bytes where the network itself begins with a `Sub` and a
    `Mul`. A converter may stand behind the network: its bare numbers go in there, and come out of length 1 where
    `unit`.
    """

    kind = ModelKind.IDENTITY_ENCODER
    options = frozenset({"alignment"})

    def __init__(
        self,
        hints: ImportHints,
        alignment: str,
        photo: FacePhoto,
        *,
        converter: SourceFile | None = None,
        unit: bool = True,
    ) -> None:
        self._hints, self._alignment, self._photo = hints, alignment, photo
        self._converter, self._unit = converter, unit

    @classmethod
    def of(cls, request: ImportRequest) -> Self:
        return cls(request.hints.network, request.hints.alignment, request.face())

    def recognise(self, source: SourceFile) -> EncoderNetwork:
        raw = read_whole(source)
        named = [node.name for node in raw.graph.node[:_FIRST_NODES]]
        normalises = all(
            any(name.startswith(words) for name in named) for words in (("Sub", "_minus"), ("Mul", "_mul"))
        )
        model = resolved(source, raw)
        input_port, output_port = find_encoder_ports(model, self._hints, source.name)
        range_in, range_source = ValueRange.SIGNED, _("InsightFace's own program")
        if self._hints.range_in is not None:
            range_in, range_source = self._hints.range_in, _("your --range")
        elif normalises:
            range_in, range_source = ValueRange.BYTES, _("its first operators, which do the rest")
        return EncoderNetwork(model, input_port, output_port, range_in, range_source)

    def adapt(self, network: EncoderNetwork, source: SourceFile) -> Draft:
        order, side = self._hints.order or ColourOrder.RGB, side_of(network.input)
        if not self._alignment and side != _USUAL_SIDE_PX:
            raise ModelError(
                _(
                    "{name} takes faces of {side}x{side}, not ArcFace's 112x112: say how with --alignment",
                    name=source.name,
                    side=side,
                )
            )
        alignment = self._alignment or _USUAL_ALIGNMENT
        Alignment.parse(alignment)
        findings = [
            Finding(
                _("identity by"),
                _("{name}, {size} numbers of length 1", name=source.name, size=network.output.size),
                _("a face of {side}x{side}", side=side),
            ),
            Finding(
                _("its face"), alignment, _("your --alignment") if self._alignment else _("InsightFace's own program")
            ),
            Finding(_("its range"), f"{network.range_in.value} {order.value}", network.range_source),
        ]
        model, output, maker, parts, words = network.model, network.output, made_by(source), [source], ""
        if self._converter is not None:
            model, output = _converted(network, source.name, self._converter)
            maker = _("{maker} and {name}", maker=maker, name=self._converter.name)
            parts, words = [source, self._converter], "" if self._unit else "raw"
            findings.append(
                Finding(
                    _("converted by"),
                    _("{name}, {size} numbers", name=self._converter.name, size=output.size),
                    _("length 1") if self._unit else _("as they come"),
                )
            )
        card = ModelCard(
            self.kind,
            about="Tells whose face it is",
            network="face recognition",
            made_by=maker,
            alignment=alignment,
            fingerprint=fingerprint_of(*parts, words=words),
        )
        finished = adapted_encoder(model, network.input, output, network.range_in, order, unit=self._unit)
        return Draft(finished, card, tuple(findings))

    def validate(self, path: Path, inputs: Inputs) -> Validation:  # noqa: ARG002 - it takes a face and nothing else
        return validate_encoder(path, self._photo)

    @staticmethod
    def next_step(name: str, card: ModelCard) -> str:  # noqa: ARG004 - the same for all
        return f"realtime models add SWAPPER.onnx --identity-model {name}"


def native_encoder(source: SourceFile, card: ModelCard) -> Draft:
    """Return an encoder that is in the contract already, as it is but for a fingerprint where it has none.

    Raises ModelError for a model of another kind.
    """
    if card.kind is not ModelKind.IDENTITY_ENCODER:
        raise ModelError(
            _(
                "{path} is of kind '{kind}', and whose face it is is told by an encoder",
                path=source.path,
                kind=card.kind.value,
            )
        )
    model = source.load()
    if not card.fingerprint:
        card = dataclasses.replace(card, fingerprint=fingerprint_of(source))
        write_card(model, card)
    size = model.graph.output[0].type.tensor_type.shape.dim[-1].dim_value
    finding = Finding(
        _("identity by"), _("{stem}, {size} numbers", stem=source.path.stem, size=size), _("an encoder of this program")
    )
    return Draft(model, card, (finding,))


def _converted(network: EncoderNetwork, where: str, converter: SourceFile) -> tuple[onnx.ModelProto, VectorPort]:
    """Put a converter behind the network's numbers. Raises ModelError."""
    behind = read_network(converter)
    entry, converted = find_number_ports(behind, converter.name)
    if entry.size != network.output.size:
        raise ModelError(
            _(
                "{name} converts {size} numbers, and {where} gives {output_size}: take the one for it",
                name=converter.name,
                size=entry.size,
                where=where,
                output_size=network.output.size,
            )
        )
    try:
        return joined(network.model, network.output, behind, entry, converted)
    except Exception as error:  # ONNX's own, of many types
        raise ModelError(
            _(
                "{name} cannot be put behind {where}: {reason}; export it again",
                name=converter.name,
                where=where,
                reason=error,
            )
        ) from error
