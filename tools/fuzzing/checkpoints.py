"""PyTorch's files, good and hostile, as `tools.export_onnx` reads them."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

from realtime.system.console import set_up_logging, told_all
from tools import export_onnx
from tools.exporting import apart
from tools.exporting.source import Wishes
from tools.fuzzing import Seed, Target, hostile
from tools.networks.cyclegan_resnet import CycleganResnet


def seeds(folder: Path) -> Sequence[Seed]:
    """Write small networks in each of PyTorch's formats, and files that mean harm."""
    network = CycleganResnet(2, 1).eval()
    weights = network.state_dict()
    torch.save({"state_dict": weights, "epoch": 3}, folder / "new.pth")
    torch.save(weights, folder / "old.pth", _use_new_zipfile_serialization=False)
    save_file(weights, folder / "x.safetensors", metadata={"title": "x\x1b]0;y\x07"})
    free = torch.export.Dim.AUTO
    picture = torch.rand(1, 3, 16, 24)
    torch.export.save(torch.export.export(network, (picture,), dynamic_shapes=({2: free, 3: free},)), folder / "x.pt2")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated; files of it are not gone
        torch.jit.script(network).save(folder / "scripted.pt")  # type: ignore[no-untyped-call]
        torch.jit.trace(network, picture).save(folder / "traced.pt")  # type: ignore[no-untyped-call]
        good = sorted(folder.iterdir())
        return [*good, *hostile.scripts(folder), *hostile.programs(folder), *hostile.checkpoints(folder)]


def main(words: Sequence[str]) -> int:
    """Open a file as `tools.export_onnx` does, in a process that is bounded, and paint one small picture."""
    path = Path(words[0])
    hints = Wishes(range="0..1" if path.suffix in (".pt", ".pt2") else "")
    set_up_logging(debug=False)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = export_onnx.ended(lambda: export_onnx.opened_within_bounds(path, hints) and None, debug=False)
            sys.stderr.flush()
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code < 0:
        logging.getLogger("realtime").error("%s", apart.reason(code, [], path))
        told_all()
        return 2
    return code


def command(seed: Seed, out: Path) -> Sequence[str]:  # noqa: ARG001 - nothing is written
    return ["tools.fuzzing.checkpoints", str(seed)]


TARGET = Target(seeds, command, preload=("onnxslim", "onnxruntime"))
