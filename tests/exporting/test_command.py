"""The whole way, as a person goes it: a checkpoint in, a model out, a table printed, nothing left where it failed."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from realtime.core.errors import ModelError
from realtime.imaging.frame import Size
from realtime.models.card import ModelCard, ModelKind
from tests.exporting.conftest import trained
from tools import export_onnx
from tools.exporting import check
from tools.exporting.graph import write_graph
from tools.exporting.source import Wishes, open_source
from tools.networks.brush import Brush
from tools.networks.cyclegan_resnet import CycleganResnet
from tools.networks.faceswap_autoencoder import FaceswapAutoencoder

NETWORK = """
import torch
from torch import nn

class Tiny(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.middle = nn.Conv2d(width, width, 3, padding=1)
        self.last = nn.Conv2d(width, 3, 3, padding=1)

    def features(self, picture):
        return torch.relu(self.middle(torch.relu(self.first(picture))))

    def forward(self, picture):
        return torch.sigmoid(self.last(self.features(picture)))

class Half(Tiny):
    def forward(self, picture):
        return super().forward(picture)[:, :, ::2, ::2]

class Broken(Tiny):
    def forward(self, picture):
        return super().forward(picture) / 0 * 0

class Exotic(Tiny):
    def forward(self, picture):
        return torch.special.airy_ai(super().forward(picture))

class Lying(Tiny):
    # as tracing sees it, it paints something else than what it paints when it is run
    def forward(self, picture):
        painted = super().forward(picture)
        return painted if torch.compiler.is_exporting() else 1 - painted

class Several(Tiny):
    def forward(self, picture):
        return super().forward(picture), picture, picture

class Nothing(Tiny):
    def forward(self, picture):
        return None

def no_network():
    return 5
"""


def hurry(patch: pytest.MonkeyPatch) -> None:
    """Make tables quick."""
    patch.setattr(check, "SIZES", (Size(64, 48), Size(37, 29), Size(33, 50)))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a small photo, code and weights of a small network, and quick tables."""
    hurry(monkeypatch)
    (tmp_path / "code.py").write_text(NETWORK)
    import_code(tmp_path)
    (tmp_path / "out").mkdir()
    return tmp_path


def import_code(folder: Path) -> None:
    names: dict[str, Any] = {}
    exec(compile(NETWORK, "code.py", "exec"), names)  # noqa: S102 - the text above
    torch.save(names["Tiny"]().state_dict(), folder / "tiny.pth")


@pytest.fixture
def brush(folder: Path) -> Path:
    torch.save({"generator": trained(Brush(8, 8, 1, normalised=True)).state_dict()}, folder / "brush.pth")
    return folder / "brush.pth"


def export(checkpoint: Path, *words: str, name: str = "made.onnx") -> int:
    return export_onnx.main([str(checkpoint), "-o", str(checkpoint.parent / "out" / name), *words])


def own(folder: Path, name: str) -> list[str]:
    return ["--network", f"{folder / 'code.py'}:{name}", "--range", "0..1", "--multiple", "1"]


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "out").iterdir())


@pytest.fixture(scope="module")
def style(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A style of whole blocks of 16, exported; and what was printed."""
    torch.manual_seed(0)
    checkpoint = tmp_path_factory.mktemp("style") / "brush.pth"
    (checkpoint.parent / "out").mkdir()
    torch.save({"generator": trained(Brush(16, 32, 1, normalised=True)).state_dict()}, checkpoint)
    words = ["--title", "Starry night", "--credit", "Van Gogh", "--licence", "CC0", "--trained-on", "photos"]
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        hurry(patch)
        assert export(checkpoint, *words, "--about", "Swirls.") == 0
    return checkpoint.parent, printed.getvalue()


def test_style_with_its_card(style: tuple[Path, str]) -> None:
    folder, printed = style
    model = onnx.load(folder / "out" / "made.onnx")
    card = ModelCard.read({entry.key: entry.value for entry in model.metadata_props}, "made.onnx")
    made_by = card.made_by
    assert made_by.startswith("realtime ")
    assert card == ModelCard(
        ModelKind.STYLE, "Starry night", "Swirls.", "Van Gogh", "CC0", "photos", network="brush", made_by=made_by
    )
    assert model.opset_import[0].version >= 17
    assert [dimension.dim_param for dimension in model.graph.input[0].type.tensor_type.shape.dim][1:3] == [
        "height",
        "width",
    ]
    assert [line.split()[0] for line in printed.splitlines()[3:6]] == ["64x48", "37x29", "33x50"]
    assert "max |Δ|" in printed
    assert left(folder) == ["made.onnx"]
    # Nothing of this machine or of how it was made is carried along.
    assert str(Path(__file__).parents[2]).encode() not in (folder / "out" / "made.onnx").read_bytes()


def test_graph_moves_no_pixels_but_at_its_ends(style: tuple[Path, str], tmp_path: Path) -> None:
    """What the quick ends are for: inside, ONNX Runtime keeps its own layout, but for the instance norm."""
    for fixed in (True, False):
        kinds = kinds_run(style[0] / "out" / "made.onnx", tmp_path, fixed)
        blocked = "ReorderOutput" in kinds
        assert kinds.count("Transpose") <= (0 if blocked else 1)
        # One pair around the instance norm, which knows planes only, and one at the end.
        assert kinds.count("ReorderOutput") <= (2 if fixed else 3)  # free: the canvas is cut to size, in planes
        assert kinds.count("ReorderInput") <= 1
        assert kinds.count("Cast") == 2


def kinds_run(path: Path, folder: Path, fixed: bool) -> list[str]:
    """Return the kinds of the operators that ONNX Runtime runs at 64x64, in their order."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "profile")
    if fixed:
        options.add_free_dimension_override_by_name("height", 64)
        options.add_free_dimension_override_by_name("width", 64)
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    session.run(None, {"frame": np.zeros((1, 64, 64, 3), np.uint8)})
    events = json.loads(Path(session.end_profiling()).read_text())
    return [event["args"]["op_name"] for event in events if event["name"].endswith("_kernel_time")]


def test_network_of_ones_own(folder: Path) -> None:
    assert export(folder / "tiny.pth", *own(folder, "Tiny")) == 0
    assert left(folder) == ["made.onnx"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["Tiny", "--kwargs", '{"width": 5}'], "'first.weight' is of shape (4, 3, 3, 3), expected (5, 3, 3, 3)"),
        (["Tiny", "--kwargs", '{"wide": 5}'], "TypeError"),
        (["Tiny", "--kwargs", "{wide"], "--kwargs is no JSON"),
        (["Tiny", "--kwargs", "[1]"], "takes a JSON object"),
        (["Tini"], "has no 'Tini'"),
        (["no_network"], "made a int"),
        (["Half"], "a picture of the same size is asked"),
        (["Several"], "gives 3 results where one is asked; wrap it"),
        (["Nothing"], "gives a NoneType, no tensor"),
        (["Broken"], "gives NaN on a photo"),
        (["Exotic"], "cannot be written as ONNX"),
        (["Lying"], "differs from PyTorch by"),
    ],
)
def test_what_is_wrong_with_ones_own(
    words: list[str], expected: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(folder / "tiny.pth", *own(folder, words[0]), *words[1:]) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert left(folder) == []
    assert said.count("\n") == 1


@pytest.mark.parametrize("package", [True, False])
def test_code_that_imports_its_neighbours(package: bool, folder: Path) -> None:
    """As most of what is public does: `from . import blocks`, with an `__init__.py` beside it or without."""
    inside = folder / f"made_{package}" / "inner"
    inside.mkdir(parents=True)
    (inside / "blocks.py").write_text(NETWORK)
    (inside / "net.py").write_text("from .blocks import Tiny\nfrom . import blocks\nclass Own(Tiny):\n    pass\n")
    if package:
        (inside / "__init__.py").touch()
        (inside.parent / "__init__.py").touch()
    hints = Wishes(network=f"{inside / 'net.py'}:Own", range="0..1")
    assert open_source(folder / "tiny.pth", hints).parameters == 371


def test_a_range_may_begin_with_a_minus_and_the_name_may_be_left_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder / "out")
    words = ["--network", f"{folder / 'code.py'}:Tiny", "--range", "-1..1", "--multiple", "1"]
    (folder / "out" / "tiny.onnx").write_bytes(b"older")
    assert export_onnx.main([str(folder / "tiny.pth"), *words]) == 0
    assert left(folder) == ["tiny-2.onnx", "tiny.onnx"]
    assert (folder / "out" / "tiny.onnx").read_bytes() == b"older"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 2, "not enough memory"),
        (KeyError("x\x1b[31m"), 70, "a fault in realtime, not yours: KeyError"),
    ],
)
def test_whatever_ends_it_is_one_line(
    error: BaseException,
    code: int,
    words: str,
    brush: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(export_onnx, "open_source", fails)
    assert export(brush) == code
    said = capsys.readouterr().err
    assert words in said
    assert said.rstrip("\n").isprintable()


def test_names_from_a_file_are_shown_without_what_steers_a_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"a\x1b]0;x\x07\n": torch.zeros(4), "b": torch.zeros(2)}, folder / "x.pth")
    assert export(folder / "x.pth") == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.rstrip("\n").isprintable()


def test_a_grey_network_is_told_that_colours_are_asked(tmp_path: Path) -> None:
    tensors = dict(CycleganResnet(4, 1).state_dict())
    tensors["model.1.weight"] = torch.zeros(4, 1, 7, 7)
    torch.save(tensors, tmp_path / "x.pth")
    with pytest.raises(ModelError, match=r"expected \(4, 3, 7, 7\); 3 colours are asked, in and out"):
        open_source(tmp_path / "x.pth", Wishes())


def test_unknown_layout_names_the_way_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(folder / "tiny.pth") == 2
    assert "--network FILE.py:Class" in capsys.readouterr().err
    assert left(folder) == []


@pytest.mark.parametrize(
    ("name", "expected"), [("made.pth", "must end in .onnx"), ("nowhere/made.onnx", "make it first")]
)
def test_place_is_checked_first(name: str, expected: str, brush: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(brush, name=name) == 2
    assert expected in capsys.readouterr().err


def test_two_files_or_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swap = FaceswapAutoencoder((4, 8, 8, 16), (8, 8, 4, 4), 12, coarse=2)
    torch.save(trained(swap).state_dict(), folder / "swap.pth")
    real = check.compare

    def fails_at_the_second(part: Any, *rest: Any) -> Any:
        if part.suffix == "-to-b":
            raise ModelError("no")
        return real(part, *rest)

    monkeypatch.setattr(export_onnx, "compare", fails_at_the_second)
    assert export(folder / "swap.pth") == 2
    assert left(folder) == []
    monkeypatch.undo()
    assert export(folder / "swap.pth") == 0
    assert left(folder) == ["made-to-a.onnx", "made-to-b.onnx"]


def test_an_older_model_outlives_a_failed_export(folder: Path) -> None:
    (folder / "out" / "made.onnx").write_bytes(b"older")
    assert export(folder / "tiny.pth", *own(folder, "Lying")) == 2
    assert (folder / "out" / "made.onnx").read_bytes() == b"older"


@pytest.fixture
def photos(folder: Path, navy_photo: Path) -> Path:
    photo = cv2.imread(str(navy_photo))
    assert photo is not None
    (folder / "photos").mkdir()
    for number, side in enumerate((90, 130, 110)):
        cv2.imwrite(str(folder / "photos" / f"{number}.png"), cv2.resize(photo, (side, 100)))
    return folder / "photos"


@pytest.mark.parametrize("precision", ["--fp16", "--int8"])
def test_less_precision_says_what_it_loses(
    precision: str, folder: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [precision] if precision == "--fp16" else [precision, str(photos)]
    assert export(folder / "tiny.pth", *own(folder, "Tiny"), *words) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"{precision[2:]}: PSNR")
    assert "× float32's speed" in last
    kinds = {node.op_type for node in onnx.load(folder / "out" / "made.onnx").graph.node}
    assert ("DequantizeLinear" in kinds) == (precision == "--int8")
    assert float(last.split()[2]) > 30


def test_int8_needs_pictures(folder: Path, brush: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(brush, "--int8", str(folder / "none")) == 2
    assert export(brush, "--int8", str(folder / "out")) == 2
    said = capsys.readouterr().err
    assert "no folder" in said
    assert "holds no pictures" in said


def test_an_operator_onnx_lacks_is_named(folder: Path) -> None:
    source = open_source(folder / "tiny.pth", Wishes("", f"{folder / 'code.py'}:Exotic", "", "0..1"))
    with pytest.raises(ModelError, match="airy_ai"):
        write_graph(source.parts[0].network, (torch.rand(1, 3, 16, 16),), ModelCard(ModelKind.SWAP))
