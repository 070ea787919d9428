"""GANs' generators: the numbers of those who made them, from files of their form, whose code is never run."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray

from realtime.core.errors import ModelError, OptionError
from realtime.models.latent_space import LatentSpace
from realtime.models.runtime.onnx_model import ON_CPU, OnnxModel
from tests.exporting.generators import rosinality_generator
from tools import export_onnx
from tools.exporting.checkpoint import read_checkpoint
from tools.exporting.source import Wishes, open_source
from tools.fuzzing import snapshots
from tools.fuzzing.nvidia_pickles import SOURCE, names_asked_for, write_snapshot
from tools.networks import LayeredDecoder, Part
from tools.networks.stylegan2 import StyleGan2


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    network = StyleGan2((6, 8, 8), (8, 8, 4))
    return {name: torch.randn_like(tensor) for name, tensor in network.state_dict().items()}


@pytest.fixture
def snapshot(tensors: dict[str, torch.Tensor], tmp_path: Path) -> Path:
    return write_snapshot(
        tmp_path / "network-snapshot.pkl", {name: 0 * found for name, found in tensors.items()}, tensors
    )


def drawn(part: Part, z: NDArray[Any], truncation: float = 1, fine: NDArray[Any] | None = None, first: int = 0) -> Any:
    layers = torch.zeros(1, part.layers)
    layers[:, first:] = 0 if fine is None else 1
    numbers = [torch.from_numpy(found) for found in (z, z if fine is None else fine)]
    with torch.inference_mode():
        return part.network(numbers[0], torch.tensor([truncation]), numbers[1], layers).numpy()


@pytest.mark.shared_data
def test_rosinalitys_numbers(shared_data: Path) -> None:
    folder = shared_data / "motion" / "stylegan2"
    (part,) = open_source(folder / "rosinality-small-64.pt", Wishes()).parts
    known = np.load(folder / "rosinality-small-64-io.npz")
    z = known["z"]
    assert drawn(part, z) == pytest.approx(known["image_fixed_noise"], abs=1e-4)
    assert drawn(part, z, 0.5) == pytest.approx(known["image_truncated_0.5_fixed_noise"], abs=1e-4)
    assert drawn(part, z[:1], 1, z[1:2], 4) == pytest.approx(known["image_mix_w0_w1_inject4"], abs=1e-4)
    assert isinstance(part.network, LayeredDecoder)
    assert part.network.mapping(torch.from_numpy(z)).numpy() == pytest.approx(known["w"], abs=1e-4)


@pytest.mark.shared_data
@pytest.mark.parametrize("as_pickle", [False, True])
def test_nvidias_numbers(shared_data: Path, tmp_path: Path, as_pickle: bool) -> None:
    folder = shared_data / "motion" / "stylegan2"
    path = folder / "stylegan2-ada-small-64-state_dict.pth"
    if as_pickle:
        kept = torch.load(path, weights_only=True)
        path = write_snapshot(tmp_path / "net.pkl", {name: 0 * found for name, found in kept.items()}, kept)
    known = np.load(folder / "stylegan2-ada-small-64-io.npz")
    z = known["z"]
    (part,) = open_source(path, Wishes()).parts
    assert drawn(part, z) == pytest.approx(known["image_const_noise"], abs=1e-4)
    assert drawn(part, z, 0.5) == pytest.approx(known["image_psi_0.5_const_noise"], abs=1e-4)
    (part,) = open_source(path, Wishes(noise="none")).parts
    assert drawn(part, z) == pytest.approx(known["image_no_noise"], abs=1e-4)
    (part,) = open_source(path, Wishes(codes="w")).parts
    assert part.latent == 64
    assert drawn(part, known["ws"][:, 0]) == pytest.approx(known["image_const_noise"], abs=1e-4)


def test_a_model_of_it_in_the_contract(snapshot: Path, tmp_path: Path) -> None:
    path = tmp_path / "cats.onnx"
    assert export_onnx.main([str(snapshot), "-o", str(path), "--codes", "w"]) == 0
    model = OnnxModel.open(path, ON_CPU)
    assert model.input_shapes == {"z": (1, 8), "truncation": (1,), "fine": (1, 8), "layers": (1, 6)}
    assert model.output_shapes == {"face_out": (1, 16, 16, 3)}
    space = LatentSpace.parse(model.card.latent_space, 8, "cats")
    (whole,) = open_source(snapshot, Wishes()).parts
    assert isinstance(whole.network, LayeredDecoder)
    assert space.mean == pytest.approx(whole.network.mean.numpy(), rel=1e-4), "what w_avg is"
    assert {node.domain for node in onnx.load(path).graph.node} == {""}


def test_a_checkpoint_as_rosinalitys_training_leaves_it(tmp_path: Path) -> None:
    import argparse

    generator = rosinality_generator(6, (8, 4)).state_dict()
    path = tmp_path / "550000.pt"
    settings = argparse.Namespace(size=8, r1=10.0)
    torch.save(
        {"g": {name: 0 * found for name, found in generator.items()}, "g_ema": generator, "args": settings}, path
    )
    (part,) = open_source(path, Wishes()).parts
    assert isinstance(part.network, LayeredDecoder)
    w = part.network.mapping(torch.randn(4000, 6)).mean(dim=0)
    assert part.network.mean.numpy() == pytest.approx(w.numpy(), abs=0.1), "no mean in the file: measured"
    torch.save({"g_ema": generator, "latent_avg": torch.full((6,), 0.25)}, path)
    (part,) = open_source(path, Wishes()).parts
    assert isinstance(part.network, LayeredDecoder)
    assert part.network.mean.tolist() == [0.25] * 6


def test_the_pickle_is_of_nvidias_form_and_its_code_is_not_run(
    snapshot: Path, tensors: dict[str, torch.Tensor]
) -> None:
    assert {"torch_utils.persistence", "dnnlib.util", "torch.storage", SOURCE} <= names_asked_for(snapshot)
    weights = read_checkpoint(snapshot)
    assert set(weights) == set(tensors)
    assert all(torch.equal(weights[name], tensors[name]) for name in weights), "G_ema, not G"


class _Intruder:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def _bomb(count: int) -> bytes:
    """A pickle that asks for one storage over and over."""
    storage = io.BytesIO()
    torch.save(torch.zeros(1000).untyped_storage(), storage, _use_new_zipfile_serialization=False)
    data = storage.getvalue()
    load = b"ctorch.storage\n_load_from_bytes\n"
    text = b"B" + len(data).to_bytes(4, "little") + data + b"q\x01"
    return b"\x80\x02(" + text + (load + b"h\x01\x85R") * count + b"t."


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (pickle.dumps({"G_ema": _Intruder(Path("mark"))}), "would run code"),
        (b"\x80\x04cdnnlib.tflib.network\nNetwork\n.", "would run code"),
        (b"\x80\x02ctorch.storage\n_load_from_bytes\nB\x05\x00\x00\x00hello\x85R.", "no checkpoint"),
        (b"\x80\x02ctorch.storage\n_load_from_bytes\nK\x05\x85R.", "no checkpoint"),
        (_bomb(50), "no checkpoint"),
        (b"\x80\x02}q\x00.", "holds no weights"),
        (b"hello", "no checkpoint"),
    ],
)
def test_a_hostile_pickle_gets_one_line(
    data: bytes, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "net.pkl"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=words) as caught:
        read_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert [found.name for found in tmp_path.iterdir()] == ["net.pkl"]


def test_the_one_of_them_that_is_no_bomb(tmp_path: Path) -> None:
    path = tmp_path / "net.pkl"
    path.write_bytes(_bomb(1))
    with pytest.raises(ModelError, match="holds no weights"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"mapping.embed.weight": torch.zeros(8, 10)}, "pictures of classes"),
        (
            {"synthesis.b8.skip.weight": torch.zeros(8, 8, 1, 1)},
            "'synthesis.b8.skip.weight', which the network has not",
        ),
        ({"synthesis.b8.resample_filter": torch.ones(4, 4)}, "enlarges with another filter"),
        ({"mapping.fc0.bias": torch.zeros(5)}, "'mapping.fc0.bias' is of shape"),
        ({f"synthesis.b{4 << level}.torgb.weight": torch.zeros(3, 1, 1, 1) for level in range(20)}, "larger pictures"),
    ],
)
def test_others_of_the_family(
    changed: dict[str, torch.Tensor], words: str, tensors: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "x.pth"
    torch.save({**tensors, **changed}, path)
    with pytest.raises(ModelError, match=words.replace("'", ".")) as caught:
        open_source(path, Wishes())
    assert "\n" not in str(caught.value)


def test_a_weight_is_called_as_the_file_calls_it(tmp_path: Path) -> None:
    generator = dict(rosinality_generator(6, (8, 4)).state_dict())
    del generator["convs.1.activate.bias"]
    torch.save({"g_ema": generator}, tmp_path / "x.pt")
    with pytest.raises(ModelError, match=r"lacks the weight 'convs.1.activate.bias'"):
        open_source(tmp_path / "x.pt", Wishes())


def test_an_older_file_without_noise_is_drawn_without(tmp_path: Path) -> None:
    generator = rosinality_generator(6, (8, 4)).state_dict()
    older = {name: tensor for name, tensor in generator.items() if not name.startswith("noises")}
    torch.save({"g_ema": generator}, tmp_path / "new.pt")
    torch.save({"g_ema": older}, tmp_path / "old.pt")
    z = np.random.default_rng(0).standard_normal((1, 6)).astype(np.float32)
    (old,), (new,), (silent,) = (
        open_source(tmp_path / name, Wishes(noise=noise)).parts
        for name, noise in (("old.pt", "fixed"), ("new.pt", "fixed"), ("new.pt", "none"))
    )
    assert np.array_equal(drawn(old, z), drawn(silent, z))
    assert not np.allclose(drawn(old, z), drawn(new, z), atol=0.01)


def test_options_of_stylegan2_alone(tmp_path: Path) -> None:
    from tests.exporting.generators import dcgan_steps
    from tools.networks.dcgan import Dcgan

    torch.save(Dcgan(dcgan_steps((10, 8, 6, 4))).state_dict(), tmp_path / "x.pth")
    (part,) = open_source(tmp_path / "x.pth", Wishes()).parts
    assert (part.side_px, part.latent, part.layers) == (32, 10, 0)
    with pytest.raises(OptionError, match="this is dcgan"):
        open_source(tmp_path / "x.pth", Wishes(codes="w"))


@pytest.mark.shared_data
def test_a_public_dcgan(shared_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "dcgan.onnx"
    assert export_onnx.main([str(shared_data / "gan" / "celeba32_fletcher.pt"), "-o", str(path)]) == 0
    assert OnnxModel.open(path, ON_CPU).input_shapes == {"z": (1, 100)}


def test_networks_that_are_not_read_are_called_by_their_names(tmp_path: Path) -> None:
    some = {"first.conv.weight": torch.zeros(2, 3, 7, 7)}
    for weights, words in (
        ({"synthesis.input.freqs": torch.zeros(8, 2), "mapping.w_avg": torch.zeros(8)}, "StyleGAN3 in its"),
        ({"kp_detector": {"fg_encoder.conv1.weight": torch.zeros(4, 3, 7, 7)} | some}, "thin-plate-spline"),
        ({"generator": {"pixelwise_flow_predictor.mask.weight": torch.zeros(2, 2, 7, 7)} | some}, "the articulated"),
    ):
        torch.save(weights, tmp_path / "x.pth")
        with pytest.raises(ModelError, match=words) as caught:
            open_source(tmp_path / "x.pth", Wishes())
        assert "\n" not in str(caught.value)


def test_snapshots_that_mean_harm_do_none(tmp_path: Path) -> None:
    good = {"small.pkl", "one.pkl"}
    paths = [Path(seed) for seed in snapshots.seeds(tmp_path)]
    assert len(paths) > 15
    for path in paths:
        if path.name in good:
            open_source(path, Wishes())
            continue
        with pytest.raises(ModelError) as caught:
            open_source(path, Wishes())
        assert str(caught.value).isprintable(), path.name
        assert not [found.name for found in tmp_path.iterdir() if found.name.startswith("mark")], path.name


def test_a_changed_pickle_is_still_bytes_of_steps() -> None:
    good = pickle.dumps({"G_ema": [1, 2, (3, "x")]})
    random = Random(3)  # noqa: S311 - nothing secret
    others = [snapshots.changed(random, good, [good]) for _ in range(50)]
    assert len(set(others)) > 40
    assert sum(b"\nsystem\n" in one or b"\neval\n" in one for one in others) > 0
