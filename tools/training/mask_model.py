"""The small networks that mark places of a picture, written as the program opens them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from realtime.core.files import atomic_write
from tools.exporting.graph import quiet


def write_mask_model(network: nn.Module, shape: Sequence[int], output: str, path: Path) -> None:
    """Write the network and its sigmoid as ONNX, whole or not at all.

    It takes `told`, float of `shape` [1, C, H, W], and gives `output`, 0..1.
    """
    import onnxslim  # type: ignore[import-untyped]

    with quiet():
        program = torch.onnx.export(
            nn.Sequential(network, nn.Sigmoid()).eval(),
            (torch.zeros(*shape),),
            dynamo=True,
            opset_version=18,
            input_names=["told"],
            output_names=[output],
            verbose=False,
        )
        assert program is not None
        model = onnxslim.slim(program.model_proto)
    for node in model.graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    del model.metadata_props[:], model.graph.value_info[:], model.graph.metadata_props[:]
    with atomic_write(path) as unfinished:
        unfinished.write_bytes(model.SerializeToString())
