"""Checkpoints of every kind, good and hostile, into `tools.export_onnx`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

from tools.fuzzing import Seed, Target
from tools.networks.cyclegan_resnet import CycleganResnet


def seeds(folder: Path) -> Sequence[Seed]:
    """Write small networks in each of PyTorch's formats."""
    network = CycleganResnet(2, 1).eval()
    weights = network.state_dict()
    torch.save({"state_dict": weights, "epoch": 3}, folder / "new.pth")
    torch.save(weights, folder / "old.pth", _use_new_zipfile_serialization=False)
    save_file(weights, folder / "x.safetensors")
    return sorted(folder.iterdir())


def command(seed: Seed, out: Path) -> Sequence[str]:
    words = ["--range", "0..1"] if Path(seed).suffix in (".pt", ".pt2") else []
    return ["tools.export_onnx", str(seed), "-o", str(out / "made.onnx"), *words]


TARGET = Target(seeds, command, working_cpu_s=60.0, preload=("onnxslim", "onnxruntime"))
