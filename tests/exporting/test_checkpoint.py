"""Checkpoints are data: found wherever they are nested, and refused in one line where they are not."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from realtime.core.errors import ModelError
from tools.exporting.checkpoint import read_checkpoint
from tools.networks.brush import Brush
from tools.networks.weights import Weights


class Intruder:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    return dict(Brush(4, 8, 1).state_dict())


def saved(folder: Path, found: object, name: str = "x.pth") -> Path:
    torch.save(found, folder / name)
    return folder / name


def refusal(path: Path, key: str = "") -> str:
    with pytest.raises(ModelError) as caught:
        read_checkpoint(path, key)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


@pytest.mark.parametrize(
    "wrap",
    [
        lambda own: own,
        lambda own: {"state_dict": own, "epoch": 3},
        lambda own: {"params": {"generator": own}, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}},
        lambda own: {"model": {f"module.{name}": tensor for name, tensor in own.items()}},
        lambda own: {f"_orig_mod.module.{name}": tensor for name, tensor in own.items()},
        lambda own: {
            "pytorch-lightning_version": "2.0",
            "state_dict": {f"generator.{name}": tensor for name, tensor in own.items()}
            | {"critic.0.weight": torch.zeros(2), "critic.0.bias": torch.zeros(1)},
        },
        lambda own: {name: tensor.half() for name, tensor in own.items()},
        lambda own: {name: tensor.bfloat16() for name, tensor in own.items()},
    ],
)
def test_found_wherever_it_is_nested(wrap: Any, tensors: dict[str, torch.Tensor], tmp_path: Path) -> None:
    weights = read_checkpoint(saved(tmp_path, wrap(tensors)))
    assert set(weights) == set(tensors)
    assert all(weights[name].dtype == torch.float32 for name in weights)
    assert torch.allclose(weights["stem.weight"], tensors["stem.weight"], atol=1e-2)


def test_averaged_weights_are_preferred(tensors: dict[str, torch.Tensor], tmp_path: Path) -> None:
    averaged = {name: tensor + 1 for name, tensor in tensors.items()}
    weights = read_checkpoint(saved(tmp_path, {"params": tensors, "params_ema": averaged}))
    assert torch.equal(weights["stem.bias"], averaged["stem.bias"])


def test_safetensors(tensors: dict[str, torch.Tensor], tmp_path: Path) -> None:
    save_file(tensors, tmp_path / "x.safetensors")
    assert set(read_checkpoint(tmp_path / "x.safetensors")) == set(tensors)


def test_several_networks_need_a_key(tensors: dict[str, torch.Tensor], tmp_path: Path) -> None:
    other = {name: tensor + 1 for name, tensor in tensors.items()}
    path = saved(tmp_path, {"netG_A": tensors, "netG_B": other})
    assert "'netG_A', 'netG_B'" in refusal(path)
    assert "no 'netG_C'" in refusal(path, "netG_C")
    assert torch.equal(read_checkpoint(path, "netG_B")["stem.bias"], other["stem.bias"])


@pytest.mark.parametrize("place", ["whole", "nested", "plain pickle"])
def test_code_in_a_file_is_refused_and_not_run(place: str, tmp_path: Path) -> None:
    mark = tmp_path / "was-run"
    path = tmp_path / "x.pth"
    if place == "plain pickle":
        path.write_bytes(pickle.dumps(Intruder(mark), protocol=2))
    else:
        torch.save(Intruder(mark) if place == "whole" else {"state_dict": Intruder(mark)}, path)
    message = refusal(path)
    assert not mark.exists()
    if place != "plain pickle":
        assert "would run code" in message
        assert "mkdir" in message


def test_whole_module_is_refused_with_what_to_do(tmp_path: Path) -> None:
    message = refusal(saved(tmp_path, Brush(4, 8, 1)))
    assert "would run code" in message
    assert "state_dict()" in message


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_none(number: float, tensors: dict[str, torch.Tensor], tmp_path: Path) -> None:
    tensors["mix_fine.weight"].view(-1)[3] = number
    assert "1 of 144 numbers in 'mix_fine.weight'" in refusal(saved(tmp_path, tensors))


@pytest.mark.parametrize("data", [b"", b"hello world " * 20, b"PK\x03\x04 cut short"])
@pytest.mark.parametrize("suffix", [".pth", ".ckpt", ".safetensors"])
def test_no_checkpoint_at_all(data: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(data)
    refusal(path)


def test_cut_short(tensors: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = saved(tmp_path, tensors)
    path.write_bytes(path.read_bytes()[:-500])
    refusal(path)


def test_an_archive_whose_end_names_a_further_disk(tensors: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    torch.save(tensors, path)
    data = bytearray(path.read_bytes())
    locator = data.rfind(b"PK\x06\x07")  # PyTorch writes the 64-bit end, whose locator counts the disks
    data[locator + 16 : locator + 20] = (2).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(ModelError, match="damaged"):
        read_checkpoint(path)


@pytest.mark.parametrize("found", [{"epoch": 3}, [1, 2], {}, torch.zeros(3)])
def test_nothing_to_export_in_it(found: object, tmp_path: Path) -> None:
    assert "holds no weights" in refusal(saved(tmp_path, found))


def test_missing_file(tmp_path: Path) -> None:
    assert "name an existing file" in refusal(tmp_path / "none.pth")


def test_weights_tell_what_they_lack() -> None:
    weights = Weights({"a.weight": torch.zeros(2, 3)}, "x.pth")
    assert weights.shape("a.weight", 2) == (2, 3)
    with pytest.raises(ModelError, match="lacks the weight 'b'"):
        weights.shape("b")
    with pytest.raises(ModelError, match="expected 4 dimensions"):
        weights.shape("a.weight")
