"""Generators of one file or two become one decoder, which draws what they drew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from realtime.core.errors import ModelError
from realtime.imaging.frame import Pixels
from realtime.model_import.generator.importer import GeneratorImporter
from realtime.model_import.hints import ImportHints, ValueRange
from realtime.model_import.result import Description, Imported
from realtime.model_import.steps import import_model
from realtime.models import library
from realtime.models.card import ModelKind
from realtime.models.runtime.onnx_model import ON_CPU, OnnxModel
from realtime.models.source_file import SourceFile
from tests import tiny_models
from tests.model_import.generators import SHIFT, SIDE, picture_of, write_bound, write_mapping, write_synthesis
from tests.model_import.test_models_command import models_folder, refused, typed

__all__ = ["models_folder"]

Z = np.array([[0.2, -0.1, 0.3]], np.float32)
OTHER = np.array([[-0.3, 0.25, 0.1]], np.float32)


def brought_in(first: Path, *beside: Path, hints: ImportHints | None = None) -> Imported:
    importer = GeneratorImporter(hints or ImportHints(), tuple(map(SourceFile, beside)))
    return import_model(SourceFile(first), importer, Description())


def drawn(made: Imported, folder: Path, **given: NDArray[np.float32]) -> Pixels:
    path = folder / "kept.onnx"
    made.keep(path)
    model = OnnxModel.open(path, ON_CPU)
    out = np.empty((1, SIDE, SIDE, 3), np.uint8)
    model.run(given, {"face_out": out})
    model.close()
    return np.asarray(out[0], np.uint8)


def near(got: Pixels, wanted: Pixels, grey: int = 1) -> bool:
    """What lies half-way between two bytes may fall either way."""
    return int(np.abs(got.astype(int) - wanted).max()) <= grey


def one(value: float) -> NDArray[np.float32]:
    return np.array([value], np.float32)


@pytest.mark.parametrize("other_way_round", [False, True])
def test_two_files_are_one_decoder_with_truncation_and_layers(tmp_path: Path, other_way_round: bool) -> None:
    files = [write_mapping(tmp_path / "mapping.onnx"), write_synthesis(tmp_path / "synthesis.onnx")]
    made = brought_in(*reversed(files)) if other_way_round else brought_in(*files)
    found = {finding.what: finding.value for finding in made.findings}
    assert (found["code"], found["range"], found["layers"]) == ("3 numbers", "-1..1 RGB", "2")
    w, other = 2 * Z[0] + SHIFT, 2 * OTHER[0] + SHIFT
    none = np.zeros((1, 2), np.float32)
    as_it_is = drawn(made, tmp_path, z=Z, truncation=one(1), fine=OTHER, layers=none)
    assert near(as_it_is, picture_of(w, w))
    finer = drawn(made, tmp_path, z=Z, truncation=one(1), fine=OTHER, layers=np.array([[0, 1]], np.float32))
    assert near(finer, picture_of(w, other)), "the second layer alone"
    middle = drawn(made, tmp_path, z=Z, truncation=one(0), fine=OTHER, layers=none)
    assert near(middle, picture_of(SHIFT, SHIFT), 25), "the mean of 2048 codes"
    half = drawn(made, tmp_path, z=Z, truncation=one(0.5), fine=OTHER, layers=none)
    assert np.abs(half.astype(int) - (as_it_is.astype(int) + middle) // 2).max() <= 1


@pytest.mark.parametrize("mapped", [0, 4])
def test_a_synthesis_that_takes_a_style_for_each_layer(tmp_path: Path, mapped: int) -> None:
    mapping, synthesis = tmp_path / "mapping.onnx", tmp_path / "synthesis.onnx"
    made = brought_in(write_mapping(mapping, layers=mapped), write_synthesis(synthesis, layers=4))
    layers = np.array([[0, 0, 0, 1]], np.float32)
    got = drawn(made, tmp_path, z=Z, truncation=one(1), fine=OTHER, layers=layers)
    assert near(got, picture_of(2 * Z[0] + SHIFT, 2 * OTHER[0] + SHIFT))


def test_a_generator_of_one_file(tmp_path: Path) -> None:
    made = brought_in(write_synthesis(tmp_path / "generator.onnx", name="z", in_bytes=True))
    assert {finding.what: finding.value for finding in made.findings}["range"] == "0..255 RGB"
    assert near(drawn(made, tmp_path, z=Z), picture_of(Z[0], Z[0]))
    told = brought_in(tmp_path / "generator.onnx", hints=ImportHints(range_out=ValueRange.BYTES))
    assert told.content == made.content


def test_the_command_takes_both_and_tells_a_generator_by_its_code(
    models_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_mapping(tmp_path / "mapping.onnx")
    write_synthesis(tmp_path / "synthesis.onnx")
    assert typed("add", "mapping.onnx", "synthesis.onnx", "--name", "nobody", "--preview", "look.png") == 0
    assert "`realtime run --effect walk:nobody`" in capsys.readouterr().out
    assert library.read_card(models_folder / "nobody.onnx").kind is ModelKind.LATENT_DECODER
    assert (tmp_path / "look.png").is_file()
    write_synthesis(tmp_path / "whole.onnx", name="z")
    assert typed("add", "whole.onnx", "--name", "alone") == 0
    assert typed("add", str(models_folder / "alone.onnx"), "--name", "again") == 0
    assert (models_folder / "again.onnx").read_bytes() == (models_folder / "alone.onnx").read_bytes()
    assert "only a generator is of two files" in refused("add", "mapping.onnx", "synthesis.onnx", "--kind", "swap")
    assert "of one file, or of two; there are 3" in refused("add", *["mapping.onnx"] * 3, "--name", "x")


def test_what_is_no_generator_gets_one_line(tmp_path: Path) -> None:
    mapping, synthesis = write_mapping(tmp_path / "mapping.onnx"), write_synthesis(tmp_path / "synthesis.onnx")
    wide, layered = write_mapping(tmp_path / "wide.onnx", gives=5), write_synthesis(tmp_path / "ws.onnx", layers=4)
    flat = tiny_models.write_model(
        tmp_path / "flat.onnx",
        [
            onnx.helper.make_node("Mul", ["code", "nothing"], ["zero"]),
            onnx.helper.make_node("Reshape", ["zero", "pixel"], ["one"]),
            onnx.helper.make_node("Expand", ["one", "shape"], ["out"]),
        ],
        [tiny_models.floats("code", 1, 3)],
        [tiny_models.floats("out", 1, 3, 16, 16)],
        {"nothing": one(0), "pixel": np.array([1, 3, 1, 1]), "shape": np.array([1, 3, 16, 16])},
    )
    style = tiny_models.negative_style(tmp_path / "style.onnx")
    several = write_bound(tmp_path / "several.onnx", 8, 512)
    for files, words in (
        ((mapping,), "gives no picture"),
        ((mapping, mapping), "give no picture"),
        ((synthesis, synthesis), "both draw pictures"),
        ((wide, synthesis), "they are not of one network"),
        ((write_mapping(tmp_path / "three.onnx", layers=3), layered), "they are not of one network"),
        ((layered,), "name that file, too"),
        ((synthesis,), "takes 'style', a style that a mapping makes of a code: name that file, too"),
        ((flat,), "draws the same picture whatever its code is"),
        ((several,), "export it for one picture at a time"),
        ((write_synthesis(tmp_path / "tiny.onnx", side=8),), "may be 16 to 2048 pixels"),
        ((style,), "is a style model of this program, no decoder"),
    ):
        with pytest.raises(ModelError, match=words) as caught:
            brought_in(*files)
        assert "\n" not in str(caught.value)


@pytest.mark.shared_data
def test_mobilestylegan_draws_what_its_two_files_draw(shared_data: Path, tmp_path: Path) -> None:
    import onnxruntime

    files = [shared_data / "gan" / f"mobilestylegan_ffhq_{name}.onnx" for name in ("mapping", "synthesis_1024")]
    made = brought_in(*files)
    path = tmp_path / "mobile.onnx"
    made.keep(path)
    z = np.random.default_rng(5).standard_normal((1, 512)).astype(np.float32)
    model, got = OnnxModel.open(path, ON_CPU), np.empty((1, 1024, 1024, 3), np.uint8)
    layers = np.zeros((1, 23), np.float32)
    model.run({"z": z, "truncation": one(1), "fine": -z, "layers": layers}, {"face_out": got})
    mapping, synthesis = (onnxruntime.InferenceSession(str(file)) for file in files)
    (style,) = mapping.run(None, {"var": z})
    (rgb,) = synthesis.run(None, {"style": style})
    wanted = ((rgb[0].transpose(1, 2, 0)[..., ::-1] + 1) * 127.5 + 0.5).clip(0, 255).astype(np.uint8)
    assert np.abs(got[0].astype(int) - wanted).max() <= 1
