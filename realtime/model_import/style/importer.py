"""The way of a file into the contract, from reading it to keeping it. `realtime models add` is this and a table."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx

import realtime
from realtime.core import isolated_process
from realtime.core.errors import ModelError
from realtime.core.files import atomic_write
from realtime.imaging.frame import Pixels, Size
from realtime.model_import.graph.loading import read_network
from realtime.model_import.graph.view import GraphView, shown_name
from realtime.model_import.hints import Finding, ImportHints
from realtime.model_import.style.adapter import adapted
from realtime.model_import.style.architectures import Architecture, architecture_of
from realtime.model_import.style.ports import Port, find_ports
from realtime.model_import.style.ranges import check_picture, expected_range, resolve_ranges
from realtime.model_import.style.sizes import resolve_sizes
from realtime.model_import.style.validation import scaled
from realtime.models.card import ModelCard, ModelKind
from realtime.models.file_safety import check_safe, read_header
from realtime.models.runtime.onnx_model import ON_CPU, OnnxModel, SessionPolicy
from realtime.style.letterbox import SizeConstraint
from realtime.style.renderer import SizedModel, StyleRenderer
from realtime.style.timeout import LoadTimeout

_TIMED = Size(512, 512)
_TIMED_FOR_S = 2.0


@dataclasses.dataclass(frozen=True, slots=True)
class Imported:
    """A model in our contract, not yet kept anywhere."""

    content: bytes
    card: ModelCard
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    """What the user should know, a line each."""
    before: Pixels
    after: Pixels
    """A real picture, and what the finished model makes of it."""
    bound: SizeConstraint | None = None
    """Of a style: the sizes it takes."""
    ms_per_face: float = 0.0
    """Of a swapper, on the CPU: the median of some runs; 0 where it was not timed."""

    def keep(self, path: Path) -> None:
        """Write it, whole or not at all. Raises OutputError."""
        with atomic_write(path) as unfinished:
            unfinished.write_bytes(self.content)


@dataclasses.dataclass(frozen=True, slots=True)
class Description:
    """What people shall read of a model; empty where the file or its name serves."""

    title: str = ""
    about: str = ""
    credit: str = ""
    licence: str = ""


def import_style(path: Path, hints: ImportHints, words: Description, photo: Pixels) -> Imported:
    """Bring a style network into the contract and run it on a photo.

    Raises ModelError, one line, where it is no style model, cannot be brought in, or gives no picture; where something
    must be said by the user, the line names the option and its likely values.
    """
    if "realtime.kind" in _metadata(path):
        return _already_ours(path, photo)
    where = path.name
    model = read_network(path)
    taken, given, left_aside = find_ports(model, hints, where)
    view = GraphView(model.graph)
    family = architecture_of(view, taken, given, path.stem)
    ranges = resolve_ranges(view, taken, given, hints, family)
    structure = resolve_sizes(model, ranges.ends(taken, given), hints, family, photo, where)
    verdict, others = check_picture(structure.model, structure.ends, ranges, photo, where)
    card = _card(path, model, words, family)
    finished = adapted(structure.model, structure.ends)
    _describe(finished, card)
    notes = [*structure.notes]
    if left_aside:
        notes.append(f"its other outputs are left aside: {', '.join(shown_name(name) for name in left_aside)}")
    expected = expected_range(view, taken, family)
    if hints.range_in is not None and expected not in (None, hints.range_in):
        who = "the file's first operators tell" if family is None else f"{family.title}'s own program tells"
        notes.append(f"{who} of {expected.value}, not of --range {hints.range_in.value}: look at the picture")
    if verdict.doubt:
        notes.append(verdict.doubt)
    if others:
        also = " and ".join(f"--range {other.value}" for other in others)
        notes.append(f"the file does not tell its range, and {also} gives a picture, too: compare them with --preview")
    head = (
        Finding("network", card.network, family.because if family is not None else "nothing known of it"),
        Finding("input", _port_text(taken), f"the file; layout by {taken.layout_source}"),
        Finding("output", _port_text(given), f"the file; layout by {given.layout_source}"),
    )
    return _finished(
        finished.SerializeToString(), card, (*head, *ranges.findings, *structure.findings), tuple(notes), photo, where
    )


def _finished(
    content: bytes, card: ModelCard, findings: tuple[Finding, ...], notes: tuple[str, ...], photo: Pixels, where: str
) -> Imported:
    """Open the file as the effect will, from disk; run it at odd sizes and on the photo."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / where
        path.write_bytes(content)
        model = OnnxModel.open(path, ON_CPU)
        bound = SizeConstraint.of(model.file_shapes["frame"])
        try:
            for size in (Size(131, 97), Size(70, 165)) if bound.is_free else ():
                _painted(model, scaled(photo, size))
            after = _painted(model, photo) if bound.is_free else None
        finally:
            model.close()
        if after is None:
            after = _painted_by_easel(path, photo)
    return Imported(content, card, findings, notes, photo, after, bound)


def _painted(model: OnnxModel, picture: Pixels) -> Pixels:
    isolated_process.step()
    after = np.empty_like(picture)
    model.run({"frame": picture[np.newaxis]}, {"frame_out": after[np.newaxis]})
    return after


def _painted_by_easel(path: Path, photo: Pixels) -> Pixels:
    """Return what the effect makes of a photo with a model that takes one size only."""
    renderer = StyleRenderer(SizedModel(path, ON_CPU, Size.of(photo)), Size.of(photo), steady=False)
    try:
        isolated_process.step()
        after = np.empty_like(photo)
        renderer.paint(photo, 0.0, after)
        return after
    finally:
        renderer.close()


class Speed(NamedTuple):
    """How long a style takes for a picture."""

    ms: float
    """The median of some runs."""
    size: Size
    provider: str
    """What computed it, for people."""
    notes: tuple[str, ...]
    """Why a slower provider was taken."""


def speed_of(path: Path) -> Speed:
    """Time a finished style that was tried, on what the effect will compute it with. Raises ModelError."""
    patience: LoadTimeout[Speed] = LoadTimeout(float("inf"), str(path))
    return patience.wait_for(lambda: _timed(path, patience))


def _timed(path: Path, patience: LoadTimeout[Speed]) -> Speed:
    model = SizedModel(path, SessionPolicy(), _TIMED)
    patience.watch(model)
    try:
        picture = np.full((model.size.height, model.size.width, 3), 128, np.uint8)
        after = np.empty_like(picture)
        times: list[float] = []
        begun = time.perf_counter()
        while len(times) < 2 or (len(times) < 50 and time.perf_counter() - begun < _TIMED_FOR_S):
            start = time.perf_counter()
            model.paint(picture, after)
            times.append(1000 * (time.perf_counter() - start))
        return Speed(float(np.median(times[1:])), model.size, model.provider, model.notes)  # the first one allocates
    finally:
        model.close()


def _already_ours(path: Path, photo: Pixels) -> Imported:
    card = ModelCard.read(_metadata(path), str(path))
    if card.kind is not ModelKind.STYLE:
        raise ModelError(f"{path} is a {card.kind.value} model of this program, no style")
    model = _own_content(path)
    finding = Finding("contract", "as it should be already", "its card")
    return _finished(model, card, (finding,), (), photo, path.name)


def _own_content(path: Path) -> bytes:
    """Return a file's content with the weights that lie beside it inside."""
    header = read_header(path)
    check_safe(path, header)
    if not header.external_files:
        return path.read_bytes()
    return bytes(onnx.load_model(str(path)).SerializeToString())


def _metadata(path: Path) -> dict[str, str]:
    if path.suffix.lower() != ".onnx" or not path.is_file():
        return {}  # reading says what is wrong with it
    return dict(read_header(path).metadata)


def _card(path: Path, model: onnx.ModelProto, words: Description, family: Architecture | None) -> ModelCard:
    said = {entry.key.lower(): entry.value for entry in model.metadata_props}
    producer = " ".join(part for part in (model.producer_name, model.producer_version) if part)
    return ModelCard(
        kind=ModelKind.STYLE,
        title=words.title or path.stem,
        about=words.about or said.get("description", ""),
        credit=words.credit or said.get("author", said.get("authors", "")),
        licence=words.licence or said.get("license", said.get("licence", "")) or "not stated",
        network=family.network if family is not None else "unknown",
        made_by=f"realtime {realtime.__version__}, from {path.name}" + (f" ({producer})" if producer else ""),
        least_px=family.least_px if family is not None else 0,
    )


def _describe(model: onnx.ModelProto, card: ModelCard) -> None:
    """Write the card into a model; what else its metadata said stays."""
    kept = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, {**kept, **card.metadata()})


def _port_text(port: Port) -> str:
    shape = "×".join(str(side) if isinstance(side, int) else "any" for side in port.shape)
    return f"{shown_name(port.name)} {port.element} {shape} {port.layout.value}"
