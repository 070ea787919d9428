"""How models that move a picture's face come in: as they are where they were exported here, LivePortrait's ONNX files
as one.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Collection
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import onnx
from onnx import compose, version_converter

from realtime.core import isolated_process
from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.faces.landmarks.alignment import Alignment, cut_face
from realtime.imaging.frame import Pixels
from realtime.model_import.face.validation import FacePhoto
from realtime.model_import.graph.loading import read_network
from realtime.model_import.graph.picture_nodes import PictureWriter
from realtime.model_import.graph.view import dimensions, known_shapes, prune, replace
from realtime.model_import.hints import Finding
from realtime.model_import.motion.adapter import MotionSpec, adapted_motion
from realtime.model_import.motion.files import DRAWING, FEATURES, MOTION, STITCHING, MotionFiles, files_with
from realtime.model_import.motion.ports import (
    DrawingPorts,
    FacePort,
    MotionPorts,
    check_floats,
    drawing_ports,
    face_port,
    motion_ports,
)
from realtime.model_import.motion.volumes import without_volume_sampling
from realtime.model_import.result import Speed, Validation
from realtime.model_import.steps import Draft, ForeignImporter, ImportRequest, Inputs, made_by, median_ms
from realtime.model_import.verdict import unusable, verdict_on
from realtime.models.card import ModelCard, ModelKind
from realtime.models.motion_model import MotionModel
from realtime.models.runtime.onnx_model import ON_CPU, RawSession
from realtime.models.source_file import SourceFile, last_line

_LEAST_OPSET = 16
"""From here on ONNX samples pictures."""
_ALIGNMENT = "mesh coverage=3 x=0 y=-0.15"
_INPUTS = (
    {"feature_3d", "kp_driving", "kp_source"},
    {"feature_volume", "source", "target"},
)
"""Of the part that draws, in FasterLivePortrait's files and in FaceFusion's."""


@dataclasses.dataclass(frozen=True, slots=True)
class MotionNetwork:
    """LivePortrait's parts, read, and what each takes and gives."""

    files: MotionFiles
    parts: dict[str, onnx.ModelProto]
    features_in: FacePort
    volume: tuple[int, ...]
    motion_in: FacePort
    motion: MotionPorts
    stitching_in: tuple[str, ...]
    drawing: DrawingPorts


class MotionImporter(ForeignImporter[MotionNetwork]):
    """A face and a motion in, the face moved out: the photo's is moved as its mirror image differs from it."""

    kind = ModelKind.MOTION
    options = frozenset({"alignment"})

    def __init__(self, photo: FacePhoto, alignment: str = "") -> None:
        self._photo, self._alignment = photo, alignment

    @classmethod
    def of(cls, request: ImportRequest) -> Self:
        hints = request.hints
        return cls(request.face(), hints.alignment)

    @staticmethod
    def knows(input_names: Collection[str]) -> bool:
        return set(input_names) in _INPUTS

    def files_beside(self, source: SourceFile) -> tuple[SourceFile, ...]:
        if source.card is not None:
            return ()
        return tuple(file for file in files_with(source) if file.path != source.path)

    def recognise(self, source: SourceFile) -> MotionNetwork:
        files = files_with(source)
        roles = (FEATURES, MOTION, STITCHING, DRAWING)
        parts = {role: read_network(file) for role, file in zip(roles, files, strict=True)}
        features_in = face_port(parts[FEATURES], files.features.name)
        motion_in = face_port(parts[MOTION], files.motion.name)
        if features_in.side_px != motion_in.side_px:
            raise ModelError(
                _(
                    "{name} takes faces of {side_px} px and {motion_name} of {motion_in_side_px}; they "
                    "are of different models",
                    name=files.features.name,
                    side_px=features_in.side_px,
                    motion_name=files.motion.name,
                    motion_in_side_px=motion_in.side_px,
                )
            )
        motion = motion_ports(parts[MOTION], motion_in, files.motion.name)
        return MotionNetwork(
            files,
            parts,
            features_in,
            _volume(parts[FEATURES], features_in, files.features.name),
            motion_in,
            motion,
            _stitching(parts[STITCHING], motion.points, files.stitching.name),
            drawing_ports(parts[DRAWING], files.drawing.name),
        )

    def adapt(self, network: MotionNetwork, source: SourceFile) -> Draft:
        alignment = Alignment.parse(self._alignment).text.strip() if self._alignment else _ALIGNMENT
        whole = _merged(network.parts, network.files)
        writer = PictureWriter(whole.graph)
        shapes = known_shapes(network.parts[DRAWING])
        grids = {node.input[1] for node in network.parts[DRAWING].graph.node if node.op_type == "GridSample"}
        volumes = {f"{DRAWING}/{name}" for name in grids if len(shapes.get(name, ())) != 4}
        replaced = without_volume_sampling(whole, volumes, writer, network.files.drawing.name)
        spec = MotionSpec(
            _prefixed(network.features_in, FEATURES),
            f"{FEATURES}/{network.parts[FEATURES].graph.output[0].name}",
            network.volume,
            _prefixed(network.motion_in, MOTION),
            dataclasses.replace(
                network.motion, outputs={field: f"{MOTION}/{name}" for field, name in network.motion.outputs.items()}
            ),
            [f"{STITCHING}/{name}" for name in network.stitching_in],
            f"{STITCHING}/{network.parts[STITCHING].graph.output[0].name}",
            _drawing(network.drawing),
            _drawn_px(whole, network),
        )
        findings = [
            *(Finding(role, file.name, _("its name")) for role, file in zip(network.parts, network.files, strict=True)),
            Finding(_("a pose"), _("{points} points", points=network.motion.points), network.motion.known_from),
            Finding(_("driving points"), network.drawing.driving, network.drawing.known_from),
            Finding(
                _("its face"), alignment, _("your --alignment") if self._alignment else _("LivePortrait's own program")
            ),
        ]
        notes = (
            (_("it samples volumes {replaced} times, done with operators of four axes", replaced=replaced),)
            if replaced
            else ()
        )
        card = ModelCard(
            self.kind,
            about="Moves a picture's face as a filmed one moves",
            network="live_portrait",
            made_by=made_by(source),
            alignment=alignment,
        )
        return Draft(adapted_motion(whole, spec, writer), card, tuple(findings), notes)

    def validate(self, path: Path, inputs: Inputs) -> Validation:  # noqa: ARG002 - it takes faces and nothing else
        """Raises ModelError also where its motion does not hang on the face, or the picture not on the motion."""
        with contextlib.closing(MotionModel(path, ON_CPU)) as model:
            alignment = Alignment.of_model(path, model.card)
            return _tried(model, cut_face(self._photo.pixels, self._photo.mesh, alignment, model.side_px)[0])

    @staticmethod
    def next_step(name: str, card: object) -> str:  # noqa: ARG004 - the same for all
        return f"realtime portrait build PICTURE.jpg --engine {name}"


def _volume(model: onnx.ModelProto, face: FacePort, where: str) -> tuple[int, ...]:
    """Return the shape of the features, which the file need not tell. Raises ModelError where they are no volume."""
    black = np.zeros((1, 3, face.side_px, face.side_px), np.float32)
    first = model.graph.output[0].name
    shape = RawSession(model.SerializeToString(), where).run({face.name: black})[first].shape
    if len(shape) != 5 or shape[0] != 1:
        raise ModelError(
            _("{where} gives {shape}, and features are a volume [1, 32, 16, 64, 64]", where=where, shape=list(shape))
        )
    return tuple(shape)


def _stitching(model: onnx.ModelProto, points: int, where: str) -> tuple[str, ...]:
    """Return its inputs: both sets of points in one row, or two sets, those that shall be first. Raises ModelError."""
    check_floats(model, where)
    shapes = {value.name: dimensions(value) or () for value in model.graph.input}
    if len(shapes) == 1:
        ((name, shape),) = shapes.items()
        if len(shape) == 2 and shape[1] == 6 * points:
            return (name,)
    plain = {name.rpartition("/")[2]: name for name in shapes}
    if set(plain) == {"source", "target"}:
        return plain["source"], plain["target"]
    listed = ", ".join(f"'{name}' {list(shape)}" for name, shape in shapes.items())
    raise ModelError(
        _(
            "{where} takes {listed}, and what stitches {points} points takes {needed} numbers, or a "
            "source and a target",
            where=where,
            listed=listed,
            points=points,
            needed=6 * points,
        )
    )


def _merged(parts: dict[str, onnx.ModelProto], files: MotionFiles) -> onnx.ModelProto:
    """Return one graph with all parts, side by side, each one's names after its own. Raises ModelError."""
    opset = max(_LEAST_OPSET, *(_opset(part) for part in parts.values()))
    whole = onnx.ModelProto(ir_version=max(part.ir_version for part in parts.values()))
    whole.graph.name = "realtime"
    domains: dict[str, int] = {}
    for (role, part), file in zip(parts.items(), files, strict=True):
        own = _of_opset(part, opset, file.name)
        added = compose.add_prefix(own, f"{role}/")
        whole.graph.node.extend(added.graph.node)
        whole.graph.initializer.extend(added.graph.initializer)
        domains |= {entry.domain.replace("ai.onnx", "", 1) or "": entry.version for entry in own.opset_import}
    domains[""] = opset
    replace(whole.opset_import, [onnx.helper.make_opsetid(domain, version) for domain, version in domains.items()])
    return whole


def _of_opset(model: onnx.ModelProto, opset: int, where: str) -> onnx.ModelProto:
    if _opset(model) == opset:
        return model
    try:
        return version_converter.convert_version(model, opset)
    except Exception as error:  # the converter's own, of many types
        raise ModelError(
            _(
                "{where} is of ONNX opset {opset} and cannot be converted to {wanted}, as the other "
                "parts are ({reason}); take all parts from one place",
                where=where,
                opset=_opset(model),
                wanted=opset,
                reason=last_line(error),
            )
        ) from error


def _opset(model: onnx.ModelProto) -> int:
    return int(next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")))


def _prefixed(port: FacePort, role: str) -> FacePort:
    return FacePort(f"{role}/{port.name}", port.side_px)


def _drawing(ports: DrawingPorts) -> DrawingPorts:
    features, driving, source, picture = (
        f"{DRAWING}/{name}" for name in (ports.features, ports.driving, ports.source, ports.picture)
    )
    return DrawingPorts(features, driving, source, picture, ports.known_from)


def _drawn_px(whole: onnx.ModelProto, network: MotionNetwork) -> int:
    """Return the side of what is drawn, as the file says it, or as it comes out. Raises ModelError for no square."""
    drawn = network.parts[DRAWING].graph.output[0]
    shape = dimensions(drawn) or ()
    if not all(isinstance(side, int) for side in shape[1:]) or len(shape) != 4:
        shape = _as_it_comes(whole, network)
    if len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3]:
        raise ModelError(
            _(
                "{name} gives {shape}, and what is drawn is a square picture",
                name=network.files.drawing.name,
                shape=list(shape),
            )
        )
    return int(shape[2])


def _as_it_comes(whole: onnx.ModelProto, network: MotionNetwork) -> tuple[int | str, ...]:
    """Run the part that draws, once: its volumes are sampled with four axes by now."""
    alone = onnx.ModelProto()
    alone.CopyFrom(whole)
    ports, points = network.drawing, [1, network.motion.points, 3]
    given = {
        f"{DRAWING}/{name}": np.zeros(shape, np.float32)
        for name, shape in ((ports.features, network.volume), (ports.driving, points), (ports.source, points))
    }
    picture = f"{DRAWING}/{ports.picture}"
    floats = onnx.TensorProto.FLOAT
    inputs = [onnx.helper.make_tensor_value_info(name, floats, array.shape) for name, array in given.items()]
    replace(alone.graph.input, inputs)
    replace(alone.graph.output, [onnx.helper.make_tensor_value_info(picture, floats, None)])
    prune(alone, [picture])
    return tuple(RawSession(alone.SerializeToString(), network.files.drawing.name).run(given)[picture].shape)


def _tried(model: MotionModel, face: Pixels) -> Validation:
    mirrored = np.ascontiguousarray(face[:, ::-1])
    features, own, other = model.features_of(face), model.motion_of(face), model.motion_of(mirrored)
    isolated_process.step()
    still, _unused = model.draw(features, own, own, own)
    isolated_process.step()
    moved, _unused = model.draw(features, own, own, other)
    verdict = verdict_on(still.astype(np.float32), _resized(face, model.drawn_px))
    if np.allclose(own, other, rtol=1e-3, atol=1e-6):
        problem = _("finds the same motion in a face and in its mirror image")
    elif np.array_equal(still, moved):
        problem = _("draws the same picture whatever the motion is")
    else:
        problem = _("cannot be used: {problem}", problem=verdict.problem) if verdict.problem else ""
    if problem:
        raise unusable(model.path, problem)

    def run() -> None:
        isolated_process.step()
        model.draw(features, own, own, model.motion_of(mirrored))

    ms = median_ms(run, 3, first_counts=True)
    return Validation(
        _resized(face, model.drawn_px),
        still,
        model.notes,
        (verdict.doubt,) if verdict.doubt else (),
        speed=Speed(_("{ms:.0f} ms a picture of {drawn_px}x{drawn_px} on the CPU", ms=ms, drawn_px=model.drawn_px)),
    )


def _resized(face: Pixels, side_px: int) -> Pixels:
    return face if len(face) == side_px else np.asarray(cv2.resize(face, (side_px, side_px)), np.uint8)
