"""Whole programs: .pt2 and TorchScript are written as they stand, and what could do harm in them is refused."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from realtime.core.errors import ModelError, OptionError
from realtime.imaging.frame import Size
from realtime.models.card import ModelCard, ModelKind
from tools.exporting.check import WrittenModel, compare, sample_inputs
from tools.exporting.model import build_model
from tools.exporting.source import Source, Wishes, open_source

SIZES = (Size(64, 48), Size(37, 51))
WISHES = Wishes(range="0..1", multiple=2)


class Network(nn.Module):
    """With instance norm, a size read while it runs, and a branch on it: what tracers fix by mistake."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.InstanceNorm2d(6, affine=True)
        self.last = nn.Conv2d(6, 3, 3, padding=1)

    def forward(self, picture: Tensor) -> Tensor:
        small = torch.relu(self.norm(self.first(picture)))[:, :, ::2, ::2]
        large = nn.functional.interpolate(small, [picture.shape[2], picture.shape[3]], mode="nearest")
        return torch.sigmoid(self.last(large))


@pytest.fixture
def network() -> nn.Module:
    return Network().eval()


@pytest.fixture
def program(network: nn.Module, tmp_path: Path) -> Path:
    free = torch.export.Dim.AUTO
    exported = torch.export.export(network, (torch.rand(1, 3, 32, 48),), dynamic_shapes=({2: free, 3: free},))
    torch.export.save(exported, tmp_path / "network.pt2")
    return tmp_path / "network.pt2"


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def script(network: nn.Module, folder: Path, way: str) -> Path:
    made = torch.jit.script(network) if way == "script" else torch.jit.trace(network, torch.rand(1, 3, 32, 48))  # type: ignore[no-untyped-call]
    made.save(folder / f"{way}.pt")
    return folder / f"{way}.pt"


def check(source: Source, network: nn.Module, folder: Path) -> None:
    (part,) = source.parts
    picture = torch.rand(1, 3, 20, 28)
    assert torch.allclose(part.network(picture), network(picture), atol=1e-5)
    assert source.parameters == sum(weight.numel() for weight in network.parameters())
    model = build_model(part, ModelCard(ModelKind.STYLE))
    (folder / "written.onnx").write_bytes(model.SerializeToString())
    with WrittenModel(folder / "written.onnx") as written:
        rows = compare(part, written, sample_inputs(part, sizes=SIZES), most_runs=1)
    assert max(row.largest for row in rows) <= 1


def test_exported_program(program: Path, network: nn.Module, tmp_path: Path) -> None:
    check(open_source(program, WISHES), network, tmp_path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_scripted(network: nn.Module, tmp_path: Path) -> None:
    check(open_source(script(network, tmp_path, "script"), WISHES), network, tmp_path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_script_that_writes_files_is_not_loaded(tmp_path: Path) -> None:
    class Writer(nn.Module):
        def forward(self, picture: Tensor) -> Tensor:
            torch.save(picture, "stolen.pt")
            return picture

    with pytest.raises(ModelError, match=r"more than arithmetic \(torch.save\)"):
        open_source(script(Writer(), tmp_path, "script"), WISHES)


def rewritten(source: Path, change: Callable[[str, bytes], bytes], extra: dict[str, bytes] | None = None) -> Path:
    target = source.with_name("changed.pt2")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, data in (extra or {}).items():
            new.writestr(f"{old.namelist()[0].partition('/')[0]}/{name}", data)
    return target


def replaced(ending: str, old: bytes, new: bytes) -> Callable[[str, bytes], bytes]:
    def change(name: str, data: bytes) -> bytes:
        if not name.endswith(ending):
            return data
        assert old in data
        return data.replace(old, new)

    return change


class Intruder:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (replaced("model.json", b'"expr_str": "', b'"expr_str": "__import__(\'os\').getpid() or '), "a size reads"),
        (replaced("model.json", b"torch.ops.aten.relu.default", b"torch.os.system"), "would call torch.os.system"),
        (replaced("model.json", b"torch.ops.aten.relu.default", b"torch.ops.aten.from_file.default"), "would call"),
    ],
)
def test_program_that_would_run_code(change: Any, words: str, program: Path) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        open_source(rewritten(program, change), WISHES)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", ["sample_inputs", "use_pickle", "library"])
def test_program_with_code_beside_it(place: str, program: Path, tmp_path: Path) -> None:
    mark = tmp_path / "was-run"
    code = pickle.dumps(Intruder(mark), protocol=2)

    def change(name: str, data: bytes) -> bytes:
        if place == "sample_inputs" and "/sample_inputs/" in name:
            return code
        if place == "use_pickle" and name.endswith("weight_0"):
            return code
        if place == "use_pickle" and name.endswith("weights_config.json"):
            return data.replace(b'"use_pickle": false', b'"use_pickle": true')
        return data

    extra = {"data/aotinductor/model/x.so": b"\x7fELF"} if place == "library" else None
    with pytest.raises(ModelError, match="so it is not loaded"):
        open_source(rewritten(program, change, extra), WISHES)
    assert not mark.exists()


def test_what_the_file_cannot_tell_is_asked(program: Path) -> None:
    with pytest.raises(OptionError, match="--range"):
        open_source(program, Wishes())
    with pytest.raises(OptionError, match=r"black\.\.white"):
        open_source(program, Wishes(range="1..0"))
    with pytest.raises(OptionError, match="--multiple"):
        open_source(program, Wishes(range="0..1", multiple=0))


def test_program_of_one_size_only(network: nn.Module, tmp_path: Path) -> None:
    torch.export.save(torch.export.export(network, (torch.rand(1, 3, 32, 48),)), tmp_path / "fixed.pt2")
    (part,) = open_source(tmp_path / "fixed.pt2", WISHES).parts
    with pytest.raises(ModelError, match="height and width left free"):
        build_model(part, ModelCard(ModelKind.STYLE))


@pytest.mark.parametrize("data", [b"", b"hello world " * 20])
def test_no_program_at_all(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.pt2").write_bytes(data)
    with pytest.raises(ModelError, match="save it again"):
        open_source(tmp_path / "x.pt2", WISHES)


def test_pictures_are_bgr_in_the_contract_whatever_the_network_takes(tmp_path: Path) -> None:
    class Swapped(nn.Module):
        def forward(self, picture: Tensor) -> Tensor:
            return picture * torch.tensor([1.0, 0.5, 0.0]).reshape(1, 3, 1, 1)

    free = torch.export.Dim.AUTO
    exported = torch.export.export(Swapped(), (torch.rand(1, 3, 16, 24),), dynamic_shapes=({2: free, 3: free},))
    torch.export.save(exported, tmp_path / "x.pt2")
    given = np.full((1, 5, 7, 3), 200, np.uint8)
    for order, expected in (("rgb", [0, 100, 200]), ("bgr", [200, 100, 0])):
        (part,) = open_source(tmp_path / "x.pt2", Wishes(range="0..255", order=order, multiple=1)).parts
        (tmp_path / "x.onnx").write_bytes(build_model(part, ModelCard(ModelKind.STYLE)).SerializeToString())
        with WrittenModel(tmp_path / "x.onnx") as written:
            assert written({"frame": given})["frame_out"][0, 4, 6].tolist() == expected
