"""Writing a module as an ONNX graph, simplified and with its card."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence

import onnx
import torch
from onnxscript.optimizer import optimize_ir
from torch import Tensor, nn

from realtime import __version__
from realtime.core.errors import ModelError, shown
from realtime.models.card import CODES, HEIGHT, INPUT_NAMES, OUTPUT_NAMES, WIDTH, ModelCard, ModelKind

OPSET = 18
"""The least in which the exporter writes without converting; every onnxruntime since 1.14 reads it."""


_SIDES, _COUNT = {1: HEIGHT, 2: WIDTH}, {0: CODES}
_FREE: Mapping[ModelKind, Mapping[str, Mapping[int, str]]] = {
    ModelKind.STYLE: {"frame": _SIDES, "frame_out": _SIDES},
    ModelKind.MORPH: {"keep": _COUNT, "add": _COUNT, "face_out": _COUNT},
}
"""The axes of inputs and outputs that stay free, and what they are called."""


def write_graph(
    module: nn.Module, examples: Sequence[Tensor], card: ModelCard, names: Sequence[str] = ()
) -> onnx.ModelProto:
    """Return `module`, which takes and gives what `card.kind` says, as an ONNX model.

    `examples` are its inputs, of any size where the contract leaves that free, `names` what they are called where it
    takes more than its kind must. Raises ModelError where the network
    cannot be written, in one line.
    """
    names = names or INPUT_NAMES[card.kind]
    free = [_FREE.get(card.kind, {}).get(name, {}) for name in names]
    dimensions = tuple({axis: torch.export.Dim(name, min=1) for axis, name in axes.items()} for axes in free)
    with quiet():
        try:
            traced = torch.export.export(
                module,
                tuple(examples),
                dynamic_shapes=dimensions if any(dimensions) else None,
                strict=False,
                prefer_deferred_runtime_asserts_over_guards=True,  # or a padding that may be 0 would fix the size
            )
        except Exception as error:  # whatever a stranger's network may raise while it is run once
            reason = _cause(error)
            left = f" with {' and '.join(dict.fromkeys(name for axes in free for name in axes.values()))} left free"
            raise ModelError(f"the network cannot be traced{left if any(free) else ''}: {reason}") from error
        try:
            # By way of torch.export: it keeps pads, clips and slices as they were meant, where the older exporter
            # unrolled their arithmetic and fixed the sizes it saw.
            program = torch.onnx.export(
                traced,
                dynamo=True,
                opset_version=OPSET,
                input_names=list(names),
                output_names=list(OUTPUT_NAMES[card.kind]),
                verbose=False,
                optimize=False,  # below, without looking for attention and the like, a tenth of the time
            )
            assert program is not None
            optimize_ir(program.model, num_iterations=1)
        except Exception as error:
            raise ModelError(f"the network cannot be written as ONNX: {_cause(error)}") from error
    assert program is not None
    return program.model_proto


def finished(model: onnx.ModelProto, card: ModelCard) -> onnx.ModelProto:
    """Return `model` simplified, without traces of how it was made, and with its card."""
    import onnxslim  # type: ignore[import-untyped]

    _name_free_axes(model.graph, _FREE.get(card.kind, {}))
    with quiet():
        model = onnxslim.slim(model)
    # The exporter tells where in which file each node came from: a stranger's paths, half of a small file.
    for node in model.graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    for value in [*model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
    del model.graph.value_info[:], model.graph.metadata_props[:]
    return with_card(model, card)


def with_card(model: onnx.ModelProto, card: ModelCard) -> onnx.ModelProto:
    """Return `model` with nothing in its metadata but `card`, found to be valid."""
    del model.metadata_props[:]
    model.graph.name = card.network or "network"
    model.producer_name, model.producer_version = "realtime", __version__
    for key, text in card.metadata().items():
        model.metadata_props.add(key=key, value=text)
    onnx.checker.check_model(model, full_check=True)
    return model


def _name_free_axes(graph: onnx.GraphProto, free: Mapping[str, Mapping[int, str]]) -> None:
    """Call what is free as the contract has it; the tracer calls it s38 and the like."""
    if not free:
        return
    for value in (*graph.input, *graph.output):
        for axis, name in free.get(value.name, {}).items():
            value.type.tensor_type.shape.dim[axis].dim_param = name
    del graph.value_info[:]


def _cause(error: BaseException) -> str:
    """Return the innermost reason of an exporter's error, in a line."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return shown(lines[0], 200) if lines else type(error).__name__


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporter's chatter: progress, libraries that are not installed, its own deprecated calls."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
