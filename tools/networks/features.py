"""Features for perceptual losses: which network a file of weights is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from torch import Tensor

from realtime.core.errors import OptionError
from tools.networks.squeezenet import SqueezeNetFeatures
from tools.networks.vgg16x import VggFeatures, vgg_from

PictureFeatures: TypeAlias = VggFeatures | SqueezeNetFeatures


def features_from(state: Mapping[str, Tensor], where: str) -> PictureFeatures:
    """Return the features a state dict holds; `where` names its file. Raises ModelError for any other layout."""
    if "features.3.squeeze.weight" in state:
        return SqueezeNetFeatures(state)
    return vgg_from(state, where)


def vgg_of(features: PictureFeatures | None, network: str) -> VggFeatures | None:
    """Return features that must be a VGG's, since `network` is built on its layers. Raises OptionError for others."""
    if isinstance(features, SqueezeNetFeatures):
        raise OptionError(f"{network} is built on a VGG's layers; --features is a SqueezeNet, which brush learns by")
    return features
