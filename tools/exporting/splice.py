"""Putting a TorchScript network into the graph of its ends.

Tracing goes through a TorchScript file's calls but fixes every size on its way, so the file is written by PyTorch's
older exporter, which reads it as it stands, and the ends by the newer one around a stand-in that is then replaced.
"""

from __future__ import annotations

import io

import onnx
import torch
from torch import Tensor, nn

from realtime.core.errors import ModelError, shown
from tools.exporting.graph import OPSET, quiet
from tools.networks import PictureFormat


class StandIn(nn.Module):
    """Takes a network's place while its ends are written: an operator that no ends hold."""

    def forward(self, picture: Tensor) -> Tensor:
        return torch.erf(picture)


def write_script(script: torch.jit.ScriptModule, picture: PictureFormat) -> onnx.ModelProto:
    """Return a TorchScript network, [1, 3, H, W] to the same, as an ONNX model. Raises ModelError where it fails."""
    side = max(64, 2 * picture.multiple)
    free = {2: "rows", 3: "columns"}
    written = io.BytesIO()
    try:
        with quiet():
            torch.onnx.export(
                script,
                (torch.zeros(1, 3, side, side + picture.multiple),),
                written,  # type: ignore[arg-type]  # the older exporter takes a buffer as well
                dynamo=False,
                opset_version=OPSET,
                input_names=["network_in"],
                output_names=["network_out"],
                dynamic_axes={"network_in": free, "network_out": free},
            )
    except Exception as error:  # the exporter raises whatever it likes, over many lines
        lines = [line for line in str(error).splitlines() if line.strip()]
        reason = shown(lines[-1], 200) if lines else type(error).__name__
        raise ModelError(f"the TorchScript network cannot be written as ONNX: {reason}") from error
    return onnx.load_from_string(written.getvalue())


def splice(ends: onnx.ModelProto, network: onnx.ModelProto) -> onnx.ModelProto:
    """Return `ends` with `network` where its stand-in is."""
    place = next(number for number, node in enumerate(ends.graph.node) if node.op_type == "Erf")
    stand_in = ends.graph.node[place]
    names = {"network_in": stand_in.input[0], "network_out": stand_in.output[0]}
    inner = network.graph
    for node in inner.node:
        for side in (node.input, node.output):
            side[:] = [names.get(name, f"network/{name}") if name else "" for name in side]
    for value in inner.initializer:
        value.name = f"network/{value.name}"
    before, after = list(ends.graph.node[:place]), list(ends.graph.node[place + 1 :])
    del ends.graph.node[:], ends.graph.value_info[:]
    ends.graph.node.extend([*before, *inner.node, *after])
    ends.graph.initializer.extend(inner.initializer)
    return ends
