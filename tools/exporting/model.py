"""From a network to a model that carries its card."""

from __future__ import annotations

import copy
import dataclasses

import onnx
import torch

from realtime.core.errors import OptionError
from realtime.models.card import ModelCard, ModelKind
from tools.exporting.ends import example_inputs, input_names, with_ends
from tools.exporting.graph import finished, write_graph
from tools.exporting.half_weights import stored_in_half
from tools.exporting.source import ScriptNetwork
from tools.exporting.splice import StandIn, splice, write_script
from tools.networks import Part


def build_model(part: Part, card: ModelCard, *, half: bool = False) -> onnx.ModelProto:
    """Return the model of one network; `half`: its inside in float16. Raises ModelError where it cannot be written."""
    examples = example_inputs(part)
    if isinstance(part.network, ScriptNetwork):
        if half:
            raise OptionError("--fp16 cannot change a TorchScript file; halve the network where it was made")
        around = Part(part.kind, StandIn(), part.picture)
        ends = write_graph(with_ends(around), examples, card)
        return finished(splice(ends, write_script(part.network.script, part.picture)), card)
    if half and part.kind is ModelKind.MORPH:
        raise OptionError("--fp16 is not for morphs: their weights are of half size already, and light is exact")
    if half and part.kind is ModelKind.MOTION:
        raise OptionError("--fp16 is not for motion models: half of the bits are too few for where points are")
    if half:
        halved = dataclasses.replace(part, network=copy.deepcopy(part.network).half())
        return finished(write_graph(with_ends(halved, torch.float16), examples, card, input_names(part)), card)
    model = finished(write_graph(with_ends(part), examples, card, input_names(part)), card)
    return stored_in_half(model) if part.half_weights else model
