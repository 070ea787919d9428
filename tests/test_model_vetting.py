"""Files from outside are run first where they can do no harm, once; those that ship are known by their checksums."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from realtime.core.errors import ModelError, OptionError
from realtime.model_import import vetting
from realtime.model_import.vetting import checksums, vetted
from realtime.models import library
from realtime.models.runtime.onnx_model import ON_CPU, OnnxModel
from realtime.style.timeout import LoadTimeout
from tests import tiny_models
from tests.test_bad_models import with_weights_in
from tools.fuzzing import hostile_models

Runs = list[Path]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runs:
    """The files that were tried; nothing is remembered yet."""
    tried: Runs = []
    in_bounds = vetting.in_bounds

    def counted(file: Path, *words: object, **named: object) -> object:
        tried.append(file)
        return in_bounds(file, *words, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(vetting, "in_bounds", counted)
    monkeypatch.setattr(vetting, "records_folder", lambda: tmp_path / "records")
    return tried


def test_a_content_is_tried_once(tmp_path: Path, runs: Runs) -> None:
    first = tiny_models.negative_style(tmp_path / "first.onnx")
    assert vetted(first) == first
    again = Path(shutil.copy(first, tmp_path / "again.onnx"))
    assert vetted(again) == again
    assert runs == [first]
    vetted(tiny_models.brighter_style(first, step=30))
    assert runs == [first, first], "the same name, another content"


def test_without_a_place_to_remember_it_is_tried_all_the_same(
    tmp_path: Path, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def homeless() -> Path:
        raise OptionError("no home")

    monkeypatch.setattr(vetting, "records_folder", homeless)
    path = tiny_models.negative_style(tmp_path / "first.onnx")
    assert vetted(path) == path
    assert runs == [path]


def test_every_kind_of_model_is_tried(tmp_path: Path) -> None:
    made = [
        tiny_models.mean_encoder(tmp_path / "means.onnx", tiny_models.FINGERPRINT),
        tiny_models.tinting_swap(tmp_path / "tint.onnx"),
        tiny_models.flat_decoder(tmp_path / "flat.onnx"),
    ]
    for path in made:
        assert vetting.first_run(path) == []


_QUICK_TO_TRY = ("zeros", "no_numbers")


@pytest.mark.parametrize("make", [hostile_models.REFUSED_UNRUN[name] for name in _QUICK_TO_TRY], ids=_QUICK_TO_TRY)
@pytest.mark.usefixtures("runs")
def test_what_does_harm_does_it_elsewhere(tmp_path: Path, make: Callable[..., Path]) -> None:
    path = make(tmp_path / "hostile.onnx", with_card=True)
    with pytest.raises(ModelError) as caught:
        vetted(path)
    assert str(path) in str(caught.value)
    assert not list((tmp_path / "records").glob("*")), "what failed is not remembered"


def test_weights_whose_name_is_none_are_refused(tmp_path: Path, runs: Runs) -> None:
    path = with_weights_in(tmp_path / "x.onnx", "we\0ights")
    assert vetting.bounds_for([path], 0).memory_bytes > 0
    with pytest.raises(ModelError):
        vetted(path)
    assert not runs


def test_a_picture_that_does_not_change_is_no_style(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Range", ["zero", "much", "one"], ["row"]),
        helper.make_node("Reshape", ["row", "shape"], ["rows"]),
        helper.make_node("Mul", ["floats", "zero"], ["nothing"]),
        helper.make_node("Sub", ["rows", "floats"], ["value"]),
    ]
    tensors = {"zero": np.array(0, np.float32), "much": np.array(256, np.float32), "one": np.array(1, np.float32)}
    path = hostile_models.write(
        tmp_path / "same.onnx", nodes, {**tensors, "shape": np.array([1, 256, 1, 1])}, with_card=True
    )
    with pytest.raises(ModelError, match="the same picture whatever it is shown"):
        vetted(path)


def test_noise_is_said(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("RandomUniformLike", ["floats"], ["noise"], low=0.0, high=255.0),
        helper.make_node("Sub", ["noise", "floats"], ["value"]),
    ]
    path = hostile_models.write(tmp_path / "noise.onnx", nodes, with_card=True)
    flickering, unlike = vetting.first_run(path)
    assert "it will flicker" in flickering
    assert "is it noise?" in unlike


def test_a_drawing_of_thin_lines_is_a_picture(tmp_path: Path) -> None:
    """White but for the strongest edges."""
    nodes = [
        helper.make_node("Transpose", ["floats"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "edge"], ["edges"], pads=[1, 1, 1, 1]),
        helper.make_node("Transpose", ["edges"], ["laid"], perm=[0, 2, 3, 1]),
        helper.make_node("Clip", ["laid", "least", "most"], ["ink"]),
        helper.make_node("Sub", ["least", "ink"], ["away"]),
        helper.make_node("Add", ["away", "white"], ["drawn"]),
        helper.make_node("Sub", ["drawn", "floats"], ["value"]),
    ]
    edge = np.zeros((3, 3, 3, 3), np.float32)
    edge[range(3), range(3)] = [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]
    numbers = {"least": 180.0, "most": 435.0, "white": 255.0}
    tensors = {name: np.array(value, np.float32) for name, value in numbers.items()}
    path = hostile_models.write(tmp_path / "drawing.onnx", nodes, {**tensors, "edge": edge}, with_card=True)
    assert vetting.first_run(path) == []


def test_shipped_models_are_those_that_came(tmp_path: Path, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "shipped"
    shutil.copytree(library.shipped_folder(), folder)
    monkeypatch.setattr(vetting, "shipped_folder", lambda: folder)
    names = sorted(path.name for path in folder.glob("*.onnx"))
    assert sorted(checksums(folder)) == names
    for name in names:
        assert vetted(folder / name) == folder / name
    content = bytearray((folder / names[0]).read_bytes())
    for place in (len(content) // 3, len(content) // 2, len(content) - 40):
        damaged = bytearray(content)
        damaged[place] ^= 4
        (folder / names[0]).write_bytes(damaged)
        with pytest.raises(ModelError, match=r"is damaged: .* reinstall realtime"):
            vetted(folder / names[0])
    assert runs == []


def test_a_run_is_interrupted_from_another_thread(tmp_path: Path) -> None:
    """Between two of its operators: it would take half a minute."""
    nodes = [helper.make_node("RandomUniform", [], ["a"], shape=[700, 700])]
    nodes += [helper.make_node("MatMul", ["a", "a"], ["b0"])]
    nodes += [helper.make_node("MatMul", [f"b{n}", "a"], [f"b{n + 1}"]) for n in range(5000)]
    nodes += [helper.make_node("ReduceMean", ["b5000"], ["mean"], keepdims=0)]
    nodes += [helper.make_node("Mul", ["mean", "zero"], ["value"])]
    path = hostile_models.write(tmp_path / "long.onnx", nodes, {"zero": np.array(0, np.float32)}, with_card=True)
    model = OnnxModel.open(path, ON_CPU)
    frame = np.zeros((1, 32, 32, 3), np.uint8)
    timer = threading.Timer(0.3, model.interrupt)
    timer.start()
    began_s = time.process_time()
    with pytest.raises(ModelError, match="was interrupted"):
        model.run({"frame": frame}, {"frame_out": np.empty_like(frame)})
    with pytest.raises(ModelError, match="was interrupted"):
        model.run({"frame": frame}, {"frame_out": np.empty_like(frame)})
    assert time.process_time() - began_s < 10
    timer.join()
    model.close()

    model = OnnxModel.open(path, ON_CPU)
    patience: LoadTimeout[None] = LoadTimeout(0.3, str(path))

    def opened() -> None:
        patience.watch(model)
        model.warm()

    with pytest.raises(ModelError, match="computes for over 0 s"):
        patience.wait_for(opened)
    model.close()
