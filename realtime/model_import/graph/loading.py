"""Reading a file into one self-contained graph that the other steps can rewrite."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path

import onnx
import onnx.inliner
from onnx import compose, helper, version_converter

from realtime.core.errors import ModelError
from realtime.core.language import N_, _
from realtime.model_import.graph.folding import fold_constants
from realtime.model_import.graph.view import OUR_NAMES, OUR_PREFIX, THEIR_PREFIX, attribute, in_order, replace
from realtime.models.file_safety import Content, known_content
from realtime.models.source_file import SourceFile, last_line

LEAST_OPSET = 13
"""From here on the operators of our own adapters mean the same; older graphs are converted to it."""
_OLDEST_OPSET = 7  # ONNX Runtime promises nothing for older ones, and ONNX's converter makes mistakes with them
_LARGEST_BYTES = 1_000_000_000  # a network of 1 GB needs seconds for a frame, whatever it runs on
_CHECKPOINTS = {".pth", ".pt", ".ckpt", ".safetensors", ".pt2", ".th", ".t7", ".pdparams"}
_KERAS = N_(
    "is a Keras file: of a style network, tf2onnx makes an ONNX file; faceswap's says neither how a face lies in its "
    "crop nor whose side it is: train one here (docs/training.md), or make ONNX of one side with tf2onnx and add that "
    "with --kind swap --alignment ... --layout NHWC --order BGR --range 0..1 (docs/models.md)"
)
_CORE_ML = N_("is a Core ML model, for which there is no way into ONNX; look for the network it was made from")
_TENSORFLOW_JS = N_("is a part of a TensorFlow.js model; tf2onnx makes an ONNX file of the folder that it lies in")
_NCNN = N_("is an ncnn model, for which there is no way into ONNX; look for the network it was made from")
_OPENVINO = N_("is an OpenVINO model, for which there is no way into ONNX; look for the network it was made from")
_OTHER_KINDS = {
    ".ort": N_("is in ONNX Runtime's own format; name the .onnx it was made from"),
    ".pb": N_("is a TensorFlow graph; tf2onnx makes an ONNX file of it"),
    ".h5": _KERAS,
    ".keras": _KERAS,
    ".hdf5": _KERAS,
    ".tflite": N_("is a TensorFlow Lite model; tf2onnx makes an ONNX file of it"),
    ".mlmodel": _CORE_ML,
    ".mlpackage": _CORE_ML,
    ".json": _TENSORFLOW_JS,
    ".bin": _TENSORFLOW_JS,
    ".param": _NCNN,
    ".xml": _OPENVINO,
    ".engine": N_("is built for one machine's GPU; name the .onnx it was made from"),
}


def fingerprint_of(*sources: SourceFile, words: str = "") -> str:
    """Return the SHA-256 of files as they came, with the weights that lie beside them, and of words."""
    digest = hashlib.sha256()
    for source in sources:
        for part in source.files:
            digest.update(part.read_bytes())
    digest.update(words.encode())
    return digest.hexdigest()


def read_network(source: SourceFile) -> onnx.ModelProto:
    """Return a file's graph with its weights inside, of opset 13 or later, with nothing in it twice.

    Weights beside the file come in, functions the file defines are written out, weights are no longer offered as
    inputs, and `Constant` nodes are initialisers. Raises ModelError, one line, for what cannot be used.
    """
    return resolved(source, read_whole(source))


def read_whole(source: SourceFile) -> onnx.ModelProto:
    """Return a file as it is, with its weights inside. Raises ModelError, one line, for what cannot be used."""
    path, suffix = source.path, source.path.suffix.lower()
    content = known_content(path)
    if content in (Content.LFS_POINTER, Content.WEB_PAGE, Content.PICTURE):
        raise ModelError(f"{path} {content.value}")
    if content is Content.CHECKPOINT or (suffix in _CHECKPOINTS and path.is_file()):
        raise ModelError(
            _(
                "{path} {checkpoint}: `python -m tools.export_onnx {quoted}`, in a clone of this "
                "program's source, makes one of it",
                path=path,
                checkpoint=_(Content.CHECKPOINT.value),
                quoted=shlex.quote(str(path)),
            )
        )
    if suffix in _OTHER_KINDS and path.is_file():
        raise ModelError(f"{path} {_(_OTHER_KINDS[suffix])}")
    if content is Content.ARCHIVE:
        raise ModelError(f"{path} {content.value}")
    header = source.header
    source.check()
    _check_size(source)
    newest = onnx.defs.onnx_opset_version()
    if header.opset > newest:
        raise ModelError(
            _(
                "{path} is of ONNX opset {opset}, and this program knows up to {newest}: export it with "
                "--opset 17 or so, or upgrade the package `onnx`",
                path=path,
                opset=header.opset,
                newest=newest,
            )
        )
    if 0 < header.opset < _OLDEST_OPSET:
        raise ModelError(
            _(
                "{path} is of ONNX opset {opset}, from before operators had settled; export it again "
                "with --opset 13 or later",
                path=path,
                opset=header.opset,
            )
        )
    if header.opset == 0:
        raise ModelError(_("{path} does not say which ONNX opset it is of; export it again", path=path))
    return source.load()


def resolved(source: SourceFile, model: onnx.ModelProto) -> onnx.ModelProto:
    """Do the rest of `read_network` to a file that was read; `model` is used up."""
    path = source.path
    try:
        if model.functions:
            model = onnx.inliner.inline_local_functions(model)
    except Exception as error:  # the inliner's own
        raise ModelError(
            _("{path} cannot be read: {reason}; export or download it again", path=path, reason=last_line(error))
        ) from error
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    _drop_what_is_not_needed(model)
    _check_operators(path, model)
    _constants_become_initialisers(model.graph)
    if opset < LEAST_OPSET:
        model = _converted(path, model)
        _drop_what_is_not_needed(model)
        _constants_become_initialisers(model.graph)
    fold_constants(model)
    return _without_our_names(model)


def _without_our_names(model: onnx.ModelProto) -> onnx.ModelProto:
    """Rename everything in a graph that uses a name which our own adapters will need."""
    names = {name for node in model.graph.node for name in (*node.input, *node.output)}
    if any(name in OUR_NAMES or name.startswith(OUR_PREFIX) for name in names):
        return compose.add_prefix(model, THEIR_PREFIX)
    return model


def _check_size(source: SourceFile) -> None:
    size = sum(file.stat().st_size for file in source.files)
    if size > _LARGEST_BYTES:
        raise ModelError(
            _(
                "{path} has {size_gb:.1f} GB of weights, far too many for a live picture; choose a smaller network",
                path=source.path,
                size_gb=size / 1e9,
            )
        )


def _drop_what_is_not_needed(model: onnx.ModelProto) -> None:
    """Leave real inputs only, put operators in order, forget shapes, take the version that the operators need."""
    graph = model.graph
    weights = {tensor.name for tensor in graph.initializer}
    replace(graph.input, [value for value in graph.input if value.name not in weights])
    replace(graph.node, in_order(graph.node))
    del graph.value_info[:]
    del graph.metadata_props[:]
    # Files say 3 that need 8, and 14 that need 8: what counts is the operators, and 8 is read everywhere.
    model.ir_version = max(8, helper.find_min_ir_version_for(list(model.opset_import), ignore_unknown=True))


def _check_operators(path: Path, model: onnx.ModelProto) -> None:
    versions = {entry.domain: entry.version for entry in model.opset_import}
    for node in model.graph.node:
        if node.domain in ("", "ai.onnx"):
            version = versions.get("", versions.get("ai.onnx", 0))
            try:
                schema = onnx.defs.get_schema(node.op_type, version, "")
            except onnx.defs.SchemaError:
                schema = None
            if schema is None or schema.deprecated:
                raise ModelError(
                    _(
                        "{path} uses the operator {op_type}, which ONNX opset {version} does not have; "
                        "export it again with standard operators",
                        path=path,
                        op_type=node.op_type,
                        version=version,
                    )
                )


def _constants_become_initialisers(graph: onnx.GraphProto) -> None:
    """So that whoever looks for a constant looks in one place."""
    kept = []
    for node in graph.node:
        tensor = attribute(node, "value") if node.op_type == "Constant" else None
        if tensor is None:
            whole = _short_constant(node)
            if whole is None:
                kept.append(node)
                continue
            tensor = whole
        named = onnx.TensorProto()
        named.CopyFrom(tensor)
        named.name = node.output[0]
        graph.initializer.append(named)
    replace(graph.node, kept)


def _short_constant(node: onnx.NodeProto) -> onnx.TensorProto | None:
    """Read `value_int`, `value_floats` and their like."""
    if node.op_type != "Constant":
        return None
    for name, kind in (("int", onnx.TensorProto.INT64), ("float", onnx.TensorProto.FLOAT)):
        single, several = attribute(node, f"value_{name}"), attribute(node, f"value_{name}s")
        if single is not None:
            return helper.make_tensor("", kind, [], [single])
        if several is not None:
            return helper.make_tensor("", kind, [len(several)], several)
    return None


def _converted(path: Path, model: onnx.ModelProto) -> onnx.ModelProto:
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    try:
        converted = version_converter.convert_version(model, LEAST_OPSET)
    except Exception as error:  # the converter's own, of many types
        raise ModelError(
            _(
                "{path} is of ONNX opset {opset} and cannot be converted to {least_opset} ({reason}); "
                "export it again with opset 13 or later",
                path=path,
                opset=opset,
                least_opset=LEAST_OPSET,
                reason=last_line(error),
            )
        ) from error
    return converted
