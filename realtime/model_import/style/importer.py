"""Brings a network that repaints pictures into the contract."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Self

import numpy as np
import onnx

from realtime.core import isolated_process
from realtime.core.language import _
from realtime.imaging.frame import Pixels, Size
from realtime.model_import.graph.loading import read_network
from realtime.model_import.graph.picture_port import PicturePort
from realtime.model_import.graph.view import GraphView
from realtime.model_import.hints import ImportHints
from realtime.model_import.ranges import Ranges, resolve_ranges
from realtime.model_import.result import Speed, Validation
from realtime.model_import.steps import (
    Draft,
    ForeignImporter,
    ImportRequest,
    Inputs,
    ignored_outputs_note,
    made_by,
    median_ms,
)
from realtime.model_import.style.adapter import AdapterSpec, adapted
from realtime.model_import.style.architectures import StyleArchitecture, architecture_of
from realtime.model_import.style.picture_check import check_picture
from realtime.model_import.style.ports import find_ports
from realtime.model_import.style.sizes import resolve_sizes
from realtime.model_import.style.validation import scaled
from realtime.models.card import ModelCard, ModelKind
from realtime.models.runtime.onnx_model import ON_CPU, OnnxModel, SessionPolicy
from realtime.models.source_file import SourceFile
from realtime.style.letterbox import SizeConstraint
from realtime.style.renderer import SizedModel, StyleRenderer
from realtime.style.timeout import LoadTimeout

_TIMED = Size(512, 512)
_ODD_SIZES = (Size(131, 97), Size(70, 165))


@dataclasses.dataclass(frozen=True, slots=True)
class StyleNetwork:
    """Somebody's style network, and what is known of it."""

    model: onnx.ModelProto
    input: PicturePort
    output: PicturePort
    ignored_outputs: tuple[str, ...]
    architecture: StyleArchitecture


class StyleImporter(ForeignImporter[StyleNetwork]):
    """Picture in, picture out, of any size or of one."""

    kind = ModelKind.STYLE
    options = frozenset({"size", "multiple"})

    def __init__(self, hints: ImportHints, photo: Pixels) -> None:
        self._hints, self._photo = hints, photo
        self.picture_px = photo.size // 3

    @classmethod
    def of(cls, request: ImportRequest) -> Self:
        return cls(request.hints.network, request.photo())

    def recognise(self, source: SourceFile) -> StyleNetwork:
        model = read_network(source)
        input_port, output_port, ignored = find_ports(model, self._hints, source.name)
        architecture = architecture_of(GraphView(model.graph), input_port, output_port, source.path.stem)
        return StyleNetwork(model, input_port, output_port, ignored, architecture)

    def adapt(self, network: StyleNetwork, source: SourceFile) -> Draft:
        architecture, where = network.architecture, source.name
        view = GraphView(network.model.graph)
        ranges = resolve_ranges(view, network.input, network.output, self._hints, architecture)
        sizes = resolve_sizes(
            network.model,
            AdapterSpec.of(network.input, network.output, ranges),
            self._hints,
            architecture,
            self._photo,
            where,
        )
        verdict, others = check_picture(sizes.model, sizes.spec, ranges, self._photo, where)
        model = adapted(sizes.model, sizes.spec)
        card = ModelCard(
            ModelKind.STYLE,
            network=architecture.network,
            made_by=_made_by(source, model),
            least_px=architecture.least_px,
        )
        findings = (
            architecture.finding,
            network.input.finding("input"),
            network.output.finding("output"),
            *ranges.findings,
            *sizes.findings,
        )
        notes = [*sizes.notes, *ignored_outputs_note(network.ignored_outputs), *self._range_notes(ranges, architecture)]
        if verdict.doubt:
            notes.append(verdict.doubt)
        if others:
            also = " and ".join(f"--range {other.value}" for other in others)
            notes.append(
                _(
                    "the file does not tell its range, and {also} gives a picture, too: compare them with --preview",
                    also=also,
                )
            )
        return Draft(model, card, findings, tuple(notes))

    def validate(self, path: Path, inputs: Inputs) -> Validation:  # noqa: ARG002 - it takes a frame and nothing else
        """Run it at odd sizes and on the photo, as the effect will."""
        model = OnnxModel.open(path, ON_CPU)
        bound = SizeConstraint.of(model.file_shapes["frame"])
        try:
            for size in _ODD_SIZES if bound.is_free else ():
                _painted(model, scaled(self._photo, size))
            after = _painted(model, self._photo) if bound.is_free else None
        finally:
            model.close()
        if after is None:
            after = _painted_by_renderer(path, self._photo)
        return Validation(self._photo, after, bound=bound)

    def speed_of(self, path: Path) -> Speed:
        patience: LoadTimeout[Speed] = LoadTimeout(float("inf"), str(path))
        return patience.wait_for(lambda: _timed(path, patience))

    @staticmethod
    def next_step(name: str, card: ModelCard) -> str:  # noqa: ARG004 - the same for all
        return f"realtime run --effect style:{name}"

    def _range_notes(self, ranges: Ranges, architecture: StyleArchitecture) -> tuple[str, ...]:
        """Return the line for a range that the user says and the file contradicts."""
        hint = self._hints.range_in
        if hint is None or ranges.inferred in (None, hint):
            return ()
        who = (
            _("{program} tells", program=architecture.program)
            if architecture.is_known
            else _("the file's first operators tell")
        )
        return (
            _(
                "{who} of {inferred}, not of --range {hint}: look at the picture",
                who=who,
                inferred=ranges.inferred.value,
                hint=hint.value,
            ),
        )


def _made_by(source: SourceFile, model: onnx.ModelProto) -> str:
    producer = " ".join(part for part in (model.producer_name, model.producer_version) if part)
    return made_by(source) + (f" ({producer})" if producer else "")


def _painted(model: OnnxModel, picture: Pixels) -> Pixels:
    isolated_process.step()
    after = np.empty_like(picture)
    model.run({"frame": picture[np.newaxis]}, {"frame_out": after[np.newaxis]})
    return after


def _painted_by_renderer(path: Path, photo: Pixels) -> Pixels:
    """Return what the effect makes of a photo with a model that takes one size only."""
    renderer = StyleRenderer(SizedModel(path, ON_CPU, Size.of(photo)), Size.of(photo), steady=False)
    try:
        isolated_process.step()
        after = np.empty_like(photo)
        renderer.paint(photo, 0.0, after)
        return after
    finally:
        renderer.close()


def _timed(path: Path, patience: LoadTimeout[Speed]) -> Speed:
    model = SizedModel(path, SessionPolicy(), _TIMED)
    patience.watch(model)
    try:
        picture = np.full((model.size.height, model.size.width, 3), 128, np.uint8)
        after = np.empty_like(picture)
        ms = median_ms(lambda: model.paint(picture, after), 2, first_counts=False)
        return Speed(
            _("{ms:.1f} ms a frame at {size} on the {provider}", ms=ms, size=model.size, provider=model.provider),
            model.notes,
        )
    finally:
        model.close()
