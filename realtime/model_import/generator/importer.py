"""Brings generators into the contract, of one file or of two: a mapping and a synthesis."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import numpy as np
import onnx
from numpy.typing import NDArray

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.imaging.frame import Pixels
from realtime.model_import.generator.adapter import adapted_generator, joined_generator
from realtime.model_import.generator.ports import (
    CodePort,
    Shape,
    code_in,
    code_out,
    gives_picture,
    picture_out,
    takes_a_code,
)
from realtime.model_import.graph.loading import read_network
from realtime.model_import.graph.picture_nodes import FLOATS
from realtime.model_import.graph.picture_port import PicturePort
from realtime.model_import.graph.value_ranges import infer_output
from realtime.model_import.graph.view import GraphView, shown_name
from realtime.model_import.hints import ColourOrder, Finding, ImportHints, ValueRange
from realtime.model_import.result import Speed, Validation
from realtime.model_import.steps import Draft, ForeignImporter, ImportRequest, Inputs, made_by, median_ms
from realtime.models.card import ModelCard, ModelKind
from realtime.models.latent_space import LatentSpace
from realtime.models.runtime.onnx_model import ON_CPU, OnnxModel, RawSession
from realtime.models.runtime.ort_session import Arrays
from realtime.models.source_file import SourceFile

_STYLES = ("style", "styles", "w", "ws", "w_plus", "dlatent", "dlatents")
"""Inputs by these names are not normal numbers, and how they are distributed only their mapping tells."""
_CODES = 2048
"""Whose mean style is the mean picture's: off by a fiftieth of a person."""
_DRAWN = 2
"""Pictures by which the range is known where nothing else tells."""
_FLAT = 12
"""Grey levels between the darkest and the lightest hundredth: nobody sees a picture in less."""


@dataclasses.dataclass(frozen=True, slots=True)
class Half:
    """One network of a generator."""

    model: onnx.ModelProto
    code: CodePort
    where: str


@dataclasses.dataclass(frozen=True, slots=True)
class GeneratorNetwork:
    """A generator as it came."""

    drawing: Half
    picture: PicturePort
    mapping: Half | None
    style: CodePort | None
    """What the mapping gives."""


class GeneratorImporter(ForeignImporter[GeneratorNetwork]):
    """A latent code in, a picture out."""

    kind = ModelKind.LATENT_DECODER
    picture_px = 1024 * 1024

    def __init__(self, hints: ImportHints, beside: tuple[SourceFile, ...] = ()) -> None:
        """`beside`: the other half, where there are two; either may come first."""
        self._hints, self._beside = hints, beside

    @classmethod
    def of(cls, request: ImportRequest) -> Self:
        if len(request.beside) > 1:
            raise ModelError(
                _("a generator is of one file, or of two; there are {count}", count=len(request.beside) + 1)
            )
        return cls(request.hints.network, request.beside)

    @staticmethod
    def knows(inputs: Mapping[str, Shape]) -> bool:
        return takes_a_code(inputs)

    def files_beside(self, source: SourceFile) -> tuple[SourceFile, ...]:  # noqa: ARG002 - whatever it is
        return self._beside

    def recognise(self, source: SourceFile) -> GeneratorNetwork:
        halves = [_half(each) for each in (source, *self._beside)]
        drawing = [half for half in halves if gives_picture(half.model)]
        if len(drawing) != 1:
            names = " and ".join(half.where for half in halves)
            what = (
                _("both draw pictures")
                if drawing
                else _("gives no picture")
                if len(halves) == 1
                else _("give no picture")
            )
            raise ModelError(
                _(
                    "{names} {what}; a generator is a mapping and what draws of its codes, or all in one file",
                    names=names,
                    what=what,
                )
            )
        picture = picture_out(drawing[0].model, self._hints, drawing[0].where)
        mapping = next((half for half in halves if half is not drawing[0]), None)
        if mapping is None:
            if drawing[0].code.layers:
                raise ModelError(
                    _(
                        "{name} takes a style for each layer, which a mapping makes: name that file, too "
                        "(`realtime models add MAPPING.onnx {name}`)",
                        name=source.name,
                    )
                )
            if (taken := shown_name(drawing[0].code.name)).lower() in _STYLES:
                raise ModelError(
                    _(
                        "{name} takes '{code}', a style that a mapping makes of a code: name that file, too "
                        "(`realtime models add MAPPING.onnx {name}`)",
                        name=source.name,
                        code=taken,
                    )
                )
            return GeneratorNetwork(drawing[0], picture, None, None)
        return GeneratorNetwork(drawing[0], picture, mapping, _style(mapping, drawing[0]))

    def adapt(self, network: GeneratorNetwork, source: SourceFile) -> Draft:
        drawing, mapping, style = network.drawing, network.mapping, network.style
        order = self._hints.order or ColourOrder.RGB
        drawn = RawSession(drawing.model.SerializeToString(), drawing.where)
        if mapping is None or style is None:
            mean, codes = None, _normal(drawing.code)
            latent = drawing.code.size
        else:
            mean, codes = _mapped(mapping, style, drawing.code)
            latent = mapping.code.size
        pictures = [drawn.run({drawing.code.name: code})[network.picture.name] for code in codes]
        values, known_from = self._range(network, np.stack(pictures).astype(np.float32))
        files = [half.where for half in (mapping, drawing) if half is not None]
        if mapping is None or style is None or mean is None:
            finished = adapted_generator(drawing.model, drawing.code, network.picture, values, order)
        else:
            finished = _joined(mapping, style, network, mean, values, order)
        layers = next(
            (value.type.tensor_type.shape.dim[1].dim_value for value in finished.graph.input if value.name == "layers"),
            0,
        )
        findings = [
            Finding("code", _("{latent} numbers", latent=latent), _("the file")),
            network.picture.finding("picture"),
            Finding("range", f"{values.value} {order.value}", known_from),
        ]
        if mean is not None:
            findings.append(
                Finding(
                    _("mean style"), _("of {codes} codes", codes=_CODES), _("measured; truncation draws towards it")
                )
            )
        if layers:
            findings.append(Finding("layers", str(layers), _("where its style goes, coarse first")))
        card = ModelCard(
            self.kind,
            about="Draws pictures of codes",
            network="generator",
            made_by=f"{made_by(source)} and {files[1]}"
            if len(files) > 1 and files[1] != source.name
            else made_by(source),
            latent_space=LatentSpace.unknown(latent).text(),
        )
        return Draft(finished, card, tuple(findings))

    def validate(self, path: Path, inputs: Inputs) -> Validation:  # noqa: ARG002 - it takes codes, which are made here
        """Raises ModelError also where it draws one colour, or the same for every code."""
        with contextlib.closing(OnnxModel.open(path, ON_CPU)) as model:
            return _tried(model)

    @staticmethod
    def next_step(name: str, card: ModelCard) -> str:  # noqa: ARG004 - the same for all
        return f"realtime run --effect walk:{name}"

    def _range(self, network: GeneratorNetwork, drawn: NDArray[np.float32]) -> tuple[ValueRange, str]:
        """Return which numbers are black and white: what the user says, the file's end, or what comes out."""
        if self._hints.range_out is not None:
            return self._hints.range_out, _("your --output-range")
        if network.picture.element == "uint8":
            return ValueRange.BYTES, _("its type, uint8")
        inferred = infer_output(GraphView(network.drawing.model.graph), network.picture.name)
        if inferred.values is not None:
            return inferred.values, _("the file: {reason}", reason=inferred.because)
        low, high = (float(value) for value in np.percentile(drawn, (1, 99)))
        shown = _("what it draws, {low:.2g} to {high:.2g}", low=low, high=high)
        if high > 8:
            return ValueRange.BYTES, shown
        return (ValueRange.SIGNED if low < -0.15 else ValueRange.UNIT), shown


def _half(source: SourceFile) -> Half:
    model = read_network(source)
    return Half(model, code_in(model, source.name), source.name)


def _style(mapping: Half, drawing: Half) -> CodePort:
    if len(mapping.model.graph.output) != 1 or mapping.code.layers:
        raise ModelError(_("{where} is no mapping, which takes one code and gives one", where=mapping.where))
    given, taken = code_out(mapping.model, mapping.where), drawing.code
    if given.size != taken.size or (given.layers and given.layers != taken.layers):
        raise ModelError(
            _(
                "{where} gives {given}, and {drawing_where} takes {taken}: they are not of one network",
                where=mapping.where,
                given=given,
                drawing_where=drawing.where,
                taken=taken,
            )
        )
    return given


def _normal(code: CodePort, count: int = _DRAWN) -> list[NDArray[np.floating]]:
    numbers = np.random.default_rng(0).standard_normal((count, *code.shape))
    return list(numbers.astype(FLOATS[code.element_type]))


def _mapped(mapping: Half, style: CodePort, taken: CodePort) -> tuple[NDArray[np.float32], list[NDArray[np.floating]]]:
    """Return the mean style, (size,), and the styles of some codes, as the network that draws takes them."""
    # Each run takes a fraction of a millisecond: waking threads for it takes longer.
    session = RawSession(mapping.model.SerializeToString(), mapping.where, threads=1)
    found = [session.run({mapping.code.name: z})[style.name] for z in _normal(mapping.code, _CODES)]
    styles = np.stack(found).astype(np.float32).reshape(_CODES, style.layers or 1, style.size)
    if not np.isfinite(styles).all():
        raise ModelError(
            _("{where} gives values that are no numbers (NaN); download or export it again", where=mapping.where)
        )
    shaped = [np.broadcast_to(each, (taken.layers or 1, taken.size)).reshape(taken.shape) for each in styles[:_DRAWN]]
    mean = styles.mean(axis=(0, 1))
    return mean, [np.ascontiguousarray(each, FLOATS[taken.element_type]) for each in shaped]


def _joined(
    mapping: Half,
    style: CodePort,
    network: GeneratorNetwork,
    mean: NDArray[np.float32],
    values: ValueRange,
    order: ColourOrder,
) -> onnx.ModelProto:
    drawing = network.drawing
    try:
        return joined_generator(
            mapping.model, mapping.code, style, drawing.model, drawing.code, network.picture, mean, values, order
        )
    except Exception as error:  # ONNX's own, of many types
        raise ModelError(
            _(
                "{where} cannot be put behind {mapping_where}: {reason}; export them again",
                where=drawing.where,
                mapping_where=mapping.where,
                reason=str(error).splitlines()[0],
            )
        ) from error


def _tried(model: OnnxModel) -> Validation:
    side = int(model.output_shapes["face_out"][1])
    random = np.random.default_rng(1)
    drawn: list[Pixels] = []

    def draw(z: NDArray[np.float32], out: Pixels) -> None:
        model.run(given(model, z), {"face_out": out[np.newaxis]})

    codes = random.standard_normal((2, 1, int(model.input_shapes["z"][1]))).astype(np.float32)
    for z in codes:
        drawn.append(np.empty((side, side, 3), np.uint8))
        draw(z, drawn[-1])
    low, high = np.percentile(np.stack(drawn), (1, 99))
    problem = ""
    if np.array_equal(drawn[0], drawn[1]):
        problem = _("draws the same picture whatever its code is")
    elif high - low < _FLAT:
        problem = _("draws nearly one colour ({low:.0f} to {high:.0f} of 0..255)", low=low, high=high)
    if problem:
        raise ModelError(
            _("{name} {problem}; take another copy of it, or say --output-range", name=model.path.name, problem=problem)
        )
    again = np.empty_like(drawn[0])
    ms = median_ms(lambda: draw(codes[0], again), 1, first_counts=True)
    doubts = (
        ()
        if np.array_equal(again, drawn[0])
        else (_("it draws another picture of a code each time: export it with noise that stands"),)
    )
    speed = Speed(_("{ms:.0f} ms for a picture of {side}x{side} on the CPU", ms=ms, side=side))
    return Validation(drawn[0], drawn[1], model.notes, doubts, speed=speed)


def given(model: OnnxModel, z: NDArray[np.float32]) -> Arrays:
    """Return what a decoder is run with for one code as it is."""
    arrays = {"z": z}
    if "truncation" in model.input_shapes:
        arrays["truncation"] = np.ones(1, np.float32)
    if "layers" in model.input_shapes:
        arrays |= {"fine": z, "layers": np.zeros((1, int(model.input_shapes["layers"][1])), np.float32)}
    return arrays
