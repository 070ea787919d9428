"""Features for perceptual losses: which network a file of weights is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from torch import Tensor

from realtime.core.errors import OptionError
from tools.networks.efficientnet_lite import EfficientNetLiteFeatures
from tools.networks.squeezenet import SqueezeNetFeatures
from tools.networks.vgg16x import VggFeatures, vgg_from

PictureFeatures: TypeAlias = VggFeatures | SqueezeNetFeatures | EfficientNetLiteFeatures


def features_from(state: Mapping[str, Tensor], where: str) -> PictureFeatures:
    """Return the features a state dict holds; `where` names its file. Raises ModelError for any other layout."""
    if "features.3.squeeze.weight" in state:
        return SqueezeNetFeatures(state)
    if "_conv_stem.weight" in state:
        return EfficientNetLiteFeatures(state)
    return vgg_from(state, where)


def vgg_of(features: PictureFeatures | None, network: str) -> VggFeatures | None:
    """Return features that must be a VGG's, since `network` is built on its layers. Raises OptionError for others."""
    if features is None or isinstance(features, VggFeatures):
        return features
    raise OptionError(f"{network} is built on a VGG's layers; --features is another network's, by which brush learns")
