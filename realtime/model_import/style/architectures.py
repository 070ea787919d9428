"""Architectures that are known by their names or their build, and what their makers say of them.

Facts only where the maker's own program was read: AnimeGANv2 and v3 (`test_by_onnx.py` of both), the ONNX model zoo's
fast-neural-style (its README), pytorch/examples' `fast_neural_style`, junyanz's CycleGAN.
"""

from __future__ import annotations

import dataclasses
import re

import onnx

from realtime.model_import.architecture import Architecture
from realtime.model_import.graph.picture_port import PicturePort
from realtime.model_import.graph.view import GraphView, attribute
from realtime.model_import.hints import ValueRange

_ZOO_NAMES = re.compile(r"^(candy|mosaic|rain[-_]princess|udnie|pointilism)([-_]\d+)?$")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StyleArchitecture(Architecture):
    """What is known of all style networks of one family."""

    multiple: int = 1
    least_px: int = 0


def architecture_of(
    view: GraphView, input_port: PicturePort, output_port: PicturePort, stem: str
) -> StyleArchitecture | None:
    """Return the family a network belongs to, None where neither names nor build tell."""
    anime = _anime_gan(input_port.name, output_port.name, stem.lower())
    if anime is not None:
        return anime
    by_name = _ZOO_NAMES.match(stem.lower()) is not None and (input_port.name, output_port.name) == (
        "input1",
        "output1",
    )
    if by_name or _is_fast_neural_style(view):
        because = "the model zoo's names" if by_name else "9×9 convolutions at both ends, stride 2 twice between"
        return _symmetric("fast_neural_style", "fast-neural-style", ValueRange.BYTES, because)
    if _is_cycle_gan(view):
        because = "7×7 convolutions at both ends, instance norm, tanh"
        return _symmetric("cyclegan_resnet", "CycleGAN", ValueRange.SIGNED, because)
    return None


def _symmetric(
    network: str, title: str, values: ValueRange, because: str, multiple: int = 1, least_px: int = 0
) -> StyleArchitecture:
    """Make one that gives the range it takes, as styles do."""
    return StyleArchitecture(
        network=network,
        title=title,
        range_in=values,
        range_out=values,
        because=because,
        multiple=multiple,
        least_px=least_px,
    )


def _anime_gan(input_name: str, output_name: str, stem: str) -> StyleArchitecture | None:
    """The makers' programs: [-1, 1] RGB, at least 256 px, multiples of 32 (v2), 8 (v3), 16 (v3 'tiny')."""
    names = f"{input_name} {output_name}".lower()
    if "animeganv3" in names or "animeganv3" in stem:
        tiny = "tiny" in stem
        because = "'AnimeGANv3' among its names" + (", 'tiny' in the file's" if tiny else "")
        return _symmetric("animegan_v3", "AnimeGANv3", ValueRange.SIGNED, because, 16 if tiny else 8, 256)
    v2_names = input_name.startswith("generator_input") and "generator/" in output_name
    if "animegan" in names or "animegan" in stem or v2_names:
        because = "'generator_input' as in AnimeGANv2" if v2_names else "'AnimeGAN' among its names"
        return _symmetric("animegan_v2", "AnimeGANv2", ValueRange.SIGNED, because, 32, 256)
    return None


def _convolutions(view: GraphView) -> list[tuple[onnx.NodeProto, tuple[int, ...]]]:
    found = []
    for node in view.graph.node:
        if node.op_type in ("Conv", "ConvTranspose"):
            weights = view.input_constant(node, 1)
            if weights is not None and weights.ndim == 4:
                found.append((node, tuple(weights.shape)))
    return found


def _is_fast_neural_style(view: GraphView) -> bool:
    """pytorch/examples' TransformerNet at any width: 9×9, two of stride 2, residual blocks, 9×9, no bound."""
    layers = _convolutions(view)
    if len(layers) < 10:
        return False
    (_, first), (_, last) = layers[0], layers[-1]
    strides = [attribute(node, "strides", [1, 1]) for node, _ in layers[1:3]]
    end = view.producers.get(view.graph.output[0].name)
    return (
        first[1:] == (3, 9, 9)
        and last[0] == 3
        and last[2:] == (9, 9)
        and strides == [[2, 2], [2, 2]]
        and (end is None or end.op_type in ("Conv", "Clip", "Add"))
    )


def _is_cycle_gan(view: GraphView) -> bool:
    layers = _convolutions(view)
    if len(layers) < 10:
        return False
    (_, first), (node, last) = layers[0], layers[-1]
    users = view.consumers[node.output[0]]
    return first[1:] == (3, 7, 7) and last[0] == 3 and last[2:] == (7, 7) and [u.op_type for u in users] == ["Tanh"]
