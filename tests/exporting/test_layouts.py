"""Every layout: known by its names, its widths read from its shapes, and its model the same as its network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from realtime.core.errors import ModelError
from realtime.imaging.frame import Size
from realtime.models.card import ModelCard, ModelKind
from realtime.models.runtime.onnx_model import ON_CPU
from realtime.morph.model import MorphModel
from tests import tiny_models
from tests.exporting.conftest import trained
from tests.exporting.generators import dcgan_steps, rosinality_generator
from tools import export_onnx
from tools.exporting.check import WrittenModel, compare, sample_inputs
from tools.exporting.checkpoint import read_checkpoint
from tools.exporting.half_weights import stored_in_half
from tools.exporting.model import build_model
from tools.networks import LAYOUTS, Autoencoder, Part, layout_of
from tools.networks.animegan2 import AnimeGan2
from tools.networks.brush import Brush
from tools.networks.cyclegan_resnet import CycleganResnet
from tools.networks.dcgan import Dcgan
from tools.networks.faceswap_autoencoder import FaceswapAutoencoder
from tools.networks.fast_neural_style import FastNeuralStyle
from tools.networks.pix2pix_unet import Pix2PixUnet
from tools.networks.stylegan2 import StyleGan2
from tools.networks.swap_light import SwapLight
from tools.networks.vae_64 import Vae
from tools.networks.weights import Weights

SIZES = (Size(64, 64), Size(75, 53), Size(9, 21))

# name of the layout, a small network of it, and names that its public checkpoints hold at the original size
NETWORKS: dict[str, tuple[str, Callable[[], nn.Module]]] = {
    "brush": ("brush", lambda: Brush(8, 16, 1)),
    "brush in training": ("brush", lambda: Brush(8, 12, 1, normalised=True)),
    "brush with large strokes": ("brush", lambda: Brush(8, 12, 1, 16, 1)),
    "brush with large strokes in training": ("brush", lambda: Brush(8, 12, 0, 16, 2, normalised=True)),
    "fast neural style": ("fast_neural_style", lambda: FastNeuralStyle((4, 8, 12), 1)),
    "cyclegan": ("cyclegan_resnet", lambda: CycleganResnet(4, 1)),
    "cyclegan that resizes": ("cyclegan_resnet", lambda: CycleganResnet(4, 2, resized=True)),
    "cyclegan with dropout": ("cyclegan_resnet", lambda: CycleganResnet(4, 2, dropout=True)),
    "pix2pix resnet": ("cyclegan_resnet", lambda: CycleganResnet(4, 1, batch_norm=True, dropout=True)),
    # As the original's, its innermost level is one place high at one multiple.
    "pix2pix unet": ("pix2pix_unet", lambda: Pix2PixUnet((4, 4, 4, 4))),
    "unet with instance norm": ("pix2pix_unet", lambda: Pix2PixUnet((4, 8, 8), batch_norm=False)),
    "animegan2": ("animegan2", lambda: AnimeGan2((4, 8, 12, 16), 1)),
    "vae": ("vae_64", lambda: Vae((4, 8, 8, 12), (8, 8, 4, 4), 6, coarse=2)),
    "faceswap": ("faceswap_autoencoder", lambda: FaceswapAutoencoder((4, 8, 8, 16), (8, 8, 4, 4), 12, coarse=2)),
    "stylegan2": ("stylegan2", lambda: rosinality_generator(6, (8, 4))),
    "stylegan2 of NVIDIA's": ("stylegan2_ada", lambda: StyleGan2((6, 8, 8), (8, 8, 4))),
    "dcgan": ("dcgan", lambda: Dcgan(dcgan_steps((10, 8, 6, 4)))),
    "swap with a mask": ("swap_light", lambda: SwapLight((4, 8, 8, 12, 16), (12, 8, 8, 4, 4), 12, coarse=1)),
}
# Writing takes a second or more: one network of each layout, those whose graphs differ most from the others'.
WRITTEN = (
    "brush with large strokes",
    "fast neural style",
    "cyclegan",
    "cyclegan that resizes",
    "pix2pix unet",
    "animegan2",
    "vae",
    "faceswap",
    "swap with a mask",
    "dcgan",
)

PUBLIC_NAMES: dict[str, tuple[Callable[[], nn.Module], dict[str, tuple[int, ...]]]] = {
    "cyclegan_resnet": (
        lambda: CycleganResnet(64, 9),
        {
            "model.1.weight": (64, 3, 7, 7),
            "model.7.bias": (256,),
            "model.10.conv_block.5.weight": (256, 256, 3, 3),
            "model.18.conv_block.1.bias": (256,),
            "model.19.weight": (256, 128, 3, 3),
            "model.26.weight": (3, 64, 7, 7),
        },
    ),
    "pix2pix_unet": (
        lambda: Pix2PixUnet((64, 128, 256, 512, 512, 512, 512, 512)),
        {
            "model.model.0.weight": (64, 3, 4, 4),
            "model.model.1.model.1.weight": (128, 64, 4, 4),
            "model.model.1.model.2.running_var": (128,),
            "model.model.1.model.3.model.5.weight": (512, 128, 4, 4),
            "model.model.1.model.3.model.3.model.3.model.3.model.3.model.3.model.3.weight": (512, 512, 4, 4),
            "model.model.3.bias": (3,),
        },
    ),
    "animegan2": (
        lambda: AnimeGan2(),
        {
            "block_a.0.1.weight": (32, 3, 7, 7),
            "block_b.0.1.weight": (128, 64, 3, 3),
            "block_c.1.layers.0.1.weight": (256, 128, 1, 1),
            "block_c.4.layers.1.1.bias": (512,),
            "block_c.5.2.weight": (128,),
            "out_layer.0.weight": (3, 32, 1, 1),
        },
    ),
    "faceswap_autoencoder": (
        lambda: FaceswapAutoencoder(),
        {
            "encoder.3.conv2.weight": (1024, 512, 5, 5),
            "encoder.6.weight": (16384, 1024),
            "encoder.8.conv2_.weight": (2048, 1024, 3, 3),
            "decoder_B.2.conv2_.bias": (256,),
            "decoder_A.3.weight": (3, 64, 5, 5),
        },
    ),
}


def parts_of(network: nn.Module) -> tuple[str, list[Part]]:
    weights = Weights(network.state_dict(), "test.pth")
    layout = layout_of(weights)
    assert layout is not None
    return layout.name, list(layout.parts(weights))


def differences(part: Part, folder: Path, name: str) -> list[float]:
    file = folder / f"part{part.suffix}.onnx"
    card = ModelCard(part.kind, network=name)
    file.write_bytes(build_model(part, card).SerializeToString())
    with WrittenModel(file) as model:
        return [row.largest for row in compare(part, model, sample_inputs(part, sizes=SIZES), most_runs=1)]


def test_every_layout_is_tried_here() -> None:
    # tests/training, tests/motion, test_drawn.py
    elsewhere = {"face_vae", "lapstyle", "first_order", "live_portrait", "drawn"}
    assert {layout for layout, _ in NETWORKS.values()} | elsewhere == set(LAYOUTS)


@pytest.mark.parametrize("case", NETWORKS)
def test_known_and_rebuilt_and_written(case: str, tmp_path: Path) -> None:
    name, build = NETWORKS[case]
    network = trained(build())
    found, parts = parts_of(network)
    assert found == name
    for part in parts:
        if part.kind is ModelKind.STYLE:
            picture = torch.rand(1, 3, 2 * part.picture.multiple, 3 * part.picture.multiple)
            expected: Tensor = network(picture)
            assert torch.allclose(part.network(picture), expected, atol=1e-4)
            assert expected.std() > 1e-3  # a network that paints one colour would agree with anything
    if case in WRITTEN:
        for part in parts:
            assert max(differences(part, tmp_path, name)) <= 1


@pytest.mark.parametrize("layout", PUBLIC_NAMES)
def test_names_and_shapes_are_the_public_ones(layout: str) -> None:
    build, expected = PUBLIC_NAMES[layout]
    with torch.device("meta"):
        shapes = {name: tuple(tensor.shape) for name, tensor in build().state_dict().items()}
    assert {name: shapes.get(name) for name in expected} == expected
    known = layout_of(Weights({name: torch.zeros(1) for name in shapes}, "test.pth"))
    assert known is not None
    assert known.name == layout


def test_old_files_with_statistics_that_instance_norm_never_used() -> None:
    network = FastNeuralStyle((4, 8, 8), 1)
    tensors = network.state_dict() | {"in1.running_mean": torch.zeros(4), "in1.running_var": torch.ones(4)}
    layout = layout_of(Weights(tensors, "old.pth"))
    assert layout is not None
    assert layout.parts(Weights(tensors, "old.pth"))


@pytest.mark.parametrize("case", NETWORKS)
def test_a_weight_missing_surplus_or_misshapen_is_named(case: str) -> None:
    tensors = trained(NETWORKS[case][1]()).state_dict()
    last = [name for name in tensors if name.endswith("weight")][-2]
    for changed, words in (
        ({name: tensor for name, tensor in tensors.items() if name != last}, f"lacks the weight '{last}'"),
        (tensors | {"stranger.weight": torch.zeros(2)}, "'stranger.weight', which the network has not"),
        (tensors | {last: torch.zeros(1, 2, 3)}, f"'{last}' is of shape (1, 2, 3)"),
    ):
        weights = Weights(changed, "bad.pth")
        layout = layout_of(weights)
        assert layout is not None
        with pytest.raises(ModelError) as caught:
            layout.parts(weights)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_decoder_by_itself(tmp_path: Path) -> None:
    """No layout makes one yet; whatever draws faces of codes will."""
    _, (morph,) = parts_of(trained(Vae((4, 8, 8, 12), (8, 8, 4, 4), 6, coarse=2)))
    assert isinstance(morph.network, Autoencoder)
    part = Part(ModelKind.LATENT_DECODER, morph.network.decoder, morph.picture, side_px=32, latent=6)
    assert max(differences(part, tmp_path, "any")) <= 1


def test_weights_that_half_the_bits_cannot_hold_keep_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shape = (128, 128)
    weights = {
        "plain": rng.normal(0, 0.1, shape),
        "large": rng.normal(0, 0.1, shape) + 1e5,
        "tiny": rng.normal(0, 1e-6, shape),
        "few": np.ones((8, 128)),
    }
    names = list(weights)
    nodes = [onnx.helper.make_node("Concat", names, ["all"], axis=0)]
    path = tiny_models.write_model(
        tmp_path / "x.onnx",
        nodes,
        [],
        [tiny_models.floats("all", 392, 128)],
        {name: values.astype(np.float32) for name, values in weights.items()},
    )
    model = stored_in_half(onnx.load(path))
    stored = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    full, half = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
    assert stored == {"plain/half": half, "large": full, "tiny": full, "few": full}
    (made,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {})
    assert made == pytest.approx(np.concatenate(list(weights.values())), rel=2**-11, abs=1e-7)


@pytest.mark.shared_data
def test_a_public_vae_goes_the_same_road_as_ours(shared_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "public.onnx"
    assert export_onnx.main([str(shared_data / "checkpoints" / "vae_64_celeba.pth"), "-o", str(path)]) == 0
    model = MorphModel(path, ON_CPU)
    assert (model.side_px, model.latent, model.space.light, model.space.names) == (64, 32, 0, ())
    assert model.decode(np.zeros((1, 32), np.float32)).std() > 10, "a face for the mean of all codes"


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("file", "layout"),
    [
        ("fast_neural_style_w8_rain_princess.pth", "fast_neural_style"),
        ("fast_neural_style_w16_mosaic.pth", "fast_neural_style"),
        ("fast_neural_style_w32_mosaic.pth", "fast_neural_style"),
        ("vae_64_celeba.pth", "vae_64"),
        ("fast_neural_style_mobilenet_candy.pth", ""),
    ],
)
def test_other_peoples_checkpoints(shared_data: Path, tmp_path: Path, file: str, layout: str) -> None:
    weights = read_checkpoint(shared_data / "checkpoints" / file)
    known = layout_of(weights)
    assert (known.name if known else "") == layout
    if "w8" in file or "vae" in file:  # the wider ones take seconds and show nothing new
        assert known is not None
        for part in known.parts(weights):
            assert max(differences(part, tmp_path, layout)) <= 1
