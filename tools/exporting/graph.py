"""Writing a module as an ONNX graph, simplified and with its card."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping

import onnx
import torch
from torch import Tensor, nn

from realtime import __version__
from realtime.errors import ModelError
from realtime.model_card import INPUT_NAMES, OUTPUT_NAMES, ModelCard

OPSET = 18
"""The least in which the exporter writes without converting; every onnxruntime since 1.14 reads it."""


def write_graph(module: nn.Module, example: Tensor, card: ModelCard, free: Mapping[int, str]) -> onnx.ModelProto:
    """Return `module` as an ONNX model with `card` in its metadata.

    `free` names the dimensions of the input that are to stay open, `example` is an input of any size. Raises ModelError
    where the network cannot be written, in one line.
    """
    dimensions = {axis: torch.export.Dim(name, min=1) for axis, name in free.items()}
    with _quiet():
        try:
            program = torch.onnx.export(
                module,
                (example,),
                dynamo=True,  # keeps pads, clips and slices as they were meant; the older one unrolled their arithmetic
                opset_version=OPSET,
                input_names=list(INPUT_NAMES[card.kind]),
                output_names=list(OUTPUT_NAMES[card.kind]),
                dynamic_shapes=(dimensions,) if dimensions else None,
                verbose=False,
            )
        except Exception as error:
            raise ModelError(f"cannot write the network as ONNX: {_cause(error)}") from error
    assert program is not None
    return _finished(program.model_proto, card)


def _finished(model: onnx.ModelProto, card: ModelCard) -> onnx.ModelProto:
    import onnxslim  # type: ignore[import-untyped]

    with _quiet():
        model = onnxslim.slim(model)
    # The exporter tells where in which file each node came from: a stranger's paths, half of a small file.
    for node in model.graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    for value in [*model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
    model.graph.name = card.network or "network"
    model.producer_name, model.producer_version = "realtime", __version__
    for key, text in card.metadata().items():
        model.metadata_props.add(key=key, value=text)
    onnx.checker.check_model(model, full_check=True)
    return model


def _cause(error: BaseException) -> str:
    """Return the innermost reason of an exporter's error, in a line."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's chatter: progress, libraries that are not installed, its own deprecated calls."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
