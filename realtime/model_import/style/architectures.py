"""Architectures that are known by their names or their build, and what their makers say of them.

Facts only where the maker's own program was read: AnimeGANv2 and v3 (`test_by_onnx.py` of both), the ONNX model zoo's
fast-neural-style (its README), pytorch/examples' `fast_neural_style`, junyanz's CycleGAN.
"""

from __future__ import annotations

import dataclasses
import re

import onnx

from realtime.core.language import _
from realtime.model_import.architecture import Architecture
from realtime.model_import.graph.picture_port import PicturePort
from realtime.model_import.graph.view import GraphView, attribute
from realtime.model_import.hints import ValueRange

_ZOO_NAMES = re.compile(r"^(candy|mosaic|rain[-_]princess|udnie|pointilism)([-_]\d+)?$")


@dataclasses.dataclass(frozen=True, slots=True)
class StyleArchitecture(Architecture):
    """What is known of all style networks of one family."""

    multiple: int = 1
    least_px: int = 0


_FAST_NEURAL_STYLE = StyleArchitecture("fast_neural_style", "fast-neural-style", ValueRange.BYTES, ValueRange.BYTES)
_CYCLE_GAN = StyleArchitecture("cyclegan_resnet", "CycleGAN", ValueRange.SIGNED, ValueRange.SIGNED)
_ANIME_GAN_2 = StyleArchitecture(
    "animegan_v2", "AnimeGANv2", ValueRange.SIGNED, ValueRange.SIGNED, multiple=32, least_px=256
)
_ANIME_GAN_3 = dataclasses.replace(_ANIME_GAN_2, network="animegan_v3", title="AnimeGANv3", multiple=8)
"""The makers' programs: [-1, 1] RGB, at least 256 px, multiples of 32 (v2), 8 (v3), 16 (v3 'tiny')."""


def architecture_of(view: GraphView, input_port: PicturePort, output_port: PicturePort, stem: str) -> StyleArchitecture:
    """Return the family a network belongs to, by names or by build."""
    stem, ends = stem.lower(), (input_port.name, output_port.name)
    names = " ".join(ends).lower()
    if "animeganv3" in names or "animeganv3" in stem:
        because = _("'AnimeGANv3' among its names")
        if "tiny" in stem:
            return dataclasses.replace(
                _ANIME_GAN_3, multiple=16, because=_("{because}, 'tiny' in the file's", because=because)
            )
        return dataclasses.replace(_ANIME_GAN_3, because=because)
    if ends[0].startswith("generator_input") and "generator/" in ends[1]:
        return dataclasses.replace(_ANIME_GAN_2, because=_("'generator_input' as in AnimeGANv2"))
    if "animegan" in names or "animegan" in stem:
        return dataclasses.replace(_ANIME_GAN_2, because=_("'AnimeGAN' among its names"))
    if _ZOO_NAMES.match(stem) is not None and ends == ("input1", "output1"):
        return dataclasses.replace(_FAST_NEURAL_STYLE, because=_("the model zoo's names"))
    if _is_fast_neural_style(view):
        because = _("9×9 convolutions at both ends, stride 2 twice between")
        return dataclasses.replace(_FAST_NEURAL_STYLE, because=because)
    if _is_cycle_gan(view):
        return dataclasses.replace(_CYCLE_GAN, because=_("7×7 convolutions at both ends, instance norm, tanh"))
    return StyleArchitecture()


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
