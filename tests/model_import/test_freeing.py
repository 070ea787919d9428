"""Networks made for one size take any, and where that cannot be, frames are scaled to their size, and it is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from realtime.imaging.frame import Pixels, Size
from realtime.model_import.hints import ImportHints, ValueRange
from realtime.model_import.style.validation import scaled
from tests.model_import.conftest import Import, Paint
from tests.model_import.networks import write

UNIT = ImportHints(range_in=ValueRange.UNIT, range_out=ValueRange.UNIT)
Nodes = list[onnx.NodeProto]
Tensors = dict[str, NDArray[Any]]
node = helper.make_node


def ints(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def doubled_by_joining(h: int, w: int) -> tuple[Nodes, Tensors]:
    """Half the size, then each pixel and each row twice by Reshape and Concat, as early exporters wrote it."""
    nodes = [
        node("AveragePool", ["x"], ["half"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Reshape", ["half", "column"], ["pixels"]),
        node("Concat", ["pixels", "pixels"], ["pairs"], axis=1),
        node("Reshape", ["pairs", "rows"], ["lines"]),
        node("Concat", ["lines", "lines"], ["twice"], axis=1),
        node("Reshape", ["twice", "whole"], ["y"]),
    ]
    return nodes, {"column": ints(-1, 1), "rows": ints(-1, w), "whole": ints(-1, 3, h, w)}


def folded_and_back(h: int, w: int) -> tuple[Nodes, Tensors]:
    """Pixels in one axis, as attention and some norms do, and back, all numbers written out."""
    nodes = [node("Reshape", ["x", "flat"], ["row"]), node("Reshape", ["row", "back"], ["y"])]
    return nodes, {"flat": ints(1, 3, h * w), "back": ints(1, 3, h, w)}


def shuffled(h: int, w: int) -> tuple[Nodes, Tensors]:
    """Pixel unshuffle and shuffle by Reshape and Transpose."""
    nodes = [
        node("Reshape", ["x", "apart"], ["a"]),
        node("Transpose", ["a"], ["b"], perm=[0, 1, 3, 5, 2, 4]),
        node("Reshape", ["b", "fine"], ["c"]),
        node("Reshape", ["c", "six"], ["d"]),
        node("Transpose", ["d"], ["e"], perm=[0, 1, 4, 2, 5, 3]),
        node("Reshape", ["e", "whole"], ["y"]),
    ]
    return nodes, {
        "apart": ints(1, 3, h // 2, 2, w // 2, 2),
        "fine": ints(1, 12, h // 2, w // 2),
        "six": ints(1, 3, 2, 2, h // 2, w // 2),
        "whole": ints(1, 3, h, w),
    }


def resized_to_numbers(h: int, w: int) -> tuple[Nodes, Tensors]:
    nodes = [
        node("Resize", ["x", "", "", "half"], ["small"], mode="nearest"),
        node("Resize", ["small", "", "", "full"], ["y"], mode="nearest"),
    ]
    return nodes, {"half": ints(1, 3, h // 2, w // 2), "full": ints(1, 3, h, w)}


def sliced_and_drawn_out(h: int, w: int) -> tuple[Nodes, Tensors]:
    """A border that is put on and cut off by numbers; a mean over all pixels, drawn out, added and taken off."""
    nodes = [
        node("Pad", ["x", "pads"], ["wide"], mode="edge"),
        node("Slice", ["wide", "starts", "ends", "axes"], ["cut"]),
        node("AveragePool", ["cut"], ["mean"], kernel_shape=[h, w]),
        node("Expand", ["mean", "size"], ["plane"]),
        node("Add", ["cut", "plane"], ["more"]),
        node("Sub", ["more", "mean"], ["y"]),
    ]
    return nodes, {
        "pads": ints(0, 0, 5, 5, 0, 0, 5, 5),
        "starts": ints(5, 5),
        "ends": ints(h + 5, w + 5),
        "axes": ints(2, 3),
        "size": ints(1, 3, h, w),
    }


def sliced_whole(h: int, w: int) -> tuple[Nodes, Tensors]:
    return [node("Slice", ["x", "starts", "ends"], ["y"])], {"starts": ints(0, 0, 0, 0), "ends": ints(1, 3, h, w)}


Build = Callable[[int, int], tuple[Nodes, Tensors]]


def build(path: Path, make: Build, size: Size) -> Path:
    nodes, tensors = make(size.height, size.width)
    shape: list[int | str | None] = [1, 3, size.height, size.width]
    return write(
        path,
        nodes,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        tensors,
    )


def blocks(picture: Pixels) -> NDArray[np.float64]:
    """The mean of each 2×2 pixels, in all four places."""
    height, width = picture.shape[:2]
    means = picture.reshape(height // 2, 2, width // 2, 2, 3).astype(np.float64).mean((1, 3))
    repeated: NDArray[np.float64] = means.repeat(2, 0).repeat(2, 1)
    return repeated


@pytest.mark.parametrize("own", [Size(96, 96), Size(128, 64)])
@pytest.mark.parametrize(
    ("make", "answer"),
    [
        (doubled_by_joining, blocks),
        (folded_and_back, None),
        (shuffled, None),
        (resized_to_numbers, "even"),
        (sliced_and_drawn_out, None),
        (sliced_whole, None),
    ],
)
def test_sizes_written_as_numbers_follow_the_picture(
    tmp_path: Path, photo: Pixels, bring_in: Import, paint: Paint, make: Build, answer: Any, own: Size
) -> None:
    made = bring_in(build(tmp_path / "fixed.onnx", make, own), UNIT)
    found = {finding.what: finding for finding in made.findings}
    assert found["size"].value == "any", made.notes
    assert "made free" in found["size"].source
    for size in (own, Size(140, 66), Size(68, 138)):
        picture = scaled(photo, size)
        wanted = picture.astype(np.float64)
        if answer is blocks:
            wanted = blocks(picture)
        given = paint(made, picture)
        if answer == "even":  # which of the two pixels nearest takes is not ours to say; the sizes are
            assert np.abs(given - wanted).mean() < 12
        else:
            assert np.abs(given - wanted).max() <= 1


def lit_from_one_side(h: int, w: int) -> tuple[Nodes, Tensors]:
    """A light as large as the picture, one number for each pixel."""
    light = np.linspace(0.5, 1, w, dtype=np.float32)[None, None, None, :].repeat(h, 2)
    return [node("Mul", ["x", "light"], ["y"])], {"light": light}


def summed_for_one_size(h: int, w: int) -> tuple[Nodes, Tensors]:
    """A mean written as a sum over a number of pixels: nothing breaks at another size, it is only wrong."""
    nodes = [
        node("ReduceSum", ["x", "axes"], ["sum"]),
        node("Div", ["sum", "count"], ["mean"]),
        node("Add", ["x", "mean"], ["more"]),
        node("Mul", ["more", "part"], ["y"]),
    ]
    return nodes, {"axes": ints(2, 3), "count": np.array(h * w, np.float32), "part": np.array(0.5, np.float32)}


@pytest.mark.parametrize("make", [lit_from_one_side, summed_for_one_size])
def test_what_needs_its_size_gets_it_and_the_user_is_told(
    tmp_path: Path, photo: Pixels, bring_in: Import, paint: Paint, make: Build
) -> None:
    made = bring_in(build(tmp_path / "fixed.onnx", make, Size(96, 96)), UNIT)
    found = {finding.what: finding.value for finding in made.findings}
    assert found["size"] == "96x96 only; frames are scaled to it and back"
    assert made.notes[0].startswith("it takes 96x96 only")
    # A light on a picture of -1..1 leaves grey where it is, which looks as likely, and is another picture.
    assert [("--range -1..1 gives" in note) for note in made.notes[1:]] == [True] * (make is lit_from_one_side)
    own = scaled(photo, Size(96, 96))
    numbers = own.astype(np.float64)
    if make is lit_from_one_side:
        wanted = numbers * np.linspace(0.5, 1, 96)[None, :, None]
    else:
        wanted = 0.5 * (numbers + numbers.mean((0, 1)))
    assert np.abs(paint(made, own) - wanted).max() <= 1
    assert paint(made, photo).shape == photo.shape
