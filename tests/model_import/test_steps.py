"""The one way of a model into the contract: every kind has its place on it, and a new kind needs one class."""

from __future__ import annotations

import pickle
from collections import Counter
from pathlib import Path
from typing import Self

import numpy as np
import onnx
import pytest
from onnx import helper

from realtime.core.errors import ModelError
from realtime.imaging.frame import Pixels
from realtime.model_import.graph.loading import read_network
from realtime.model_import.graph.picture_nodes import set_inputs_and_outputs
from realtime.model_import.hints import Finding
from realtime.model_import.importers import IMPORTERS, foreign_importers, importer_class
from realtime.model_import.result import Description, Validation
from realtime.model_import.steps import Draft, ForeignImporter, Importer, ImportRequest, Inputs, import_model
from realtime.models import file_safety, library, source_file
from realtime.models.card import ModelCard, ModelKind
from realtime.models.onnx_header import ModelHeader
from realtime.models.runtime.onnx_model import OnnxModel
from realtime.models.source_file import SourceFile
from tests import tiny_models
from tests.model_import import face_networks as theirs
from tests.model_import.networks import Manner, write_tint
from tests.model_import.test_models_command import models_folder, refused, typed

__all__ = ["models_folder"]


def test_every_kind_of_model_has_an_importer_of_its_own() -> None:
    assert set(IMPORTERS) == set(ModelKind)
    assert all(importer_class(kind).kind is kind for kind in ModelKind)
    foreign = [known.kind for known in foreign_importers()]
    assert foreign == [
        ModelKind.STYLE,
        ModelKind.SWAP,
        ModelKind.IDENTITY_ENCODER,
        ModelKind.LATENT_DECODER,
        ModelKind.MOTION,
    ]


class DecoderImporter(ForeignImporter[onnx.ModelProto]):
    """A decoder that draws 0..1, as somebody who brings one in would write it."""

    kind = ModelKind.LATENT_DECODER

    @classmethod
    def of(cls, request: ImportRequest) -> Self:
        return cls()

    def recognise(self, source: SourceFile) -> onnx.ModelProto:
        return read_network(source)

    def adapt(self, network: onnx.ModelProto, source: SourceFile) -> Draft:
        names = network.graph.input[0].name, network.graph.output[0].name
        set_inputs_and_outputs(
            network,
            [helper.make_node("Identity", ["z"], [names[0]])],
            [helper.make_node("Cast", [names[1]], ["face_out"], to=onnx.TensorProto.UINT8)],
            [helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, [1, 192])],
            [helper.make_tensor_value_info("face_out", onnx.TensorProto.UINT8, [1, 8, 8, 3])],
        )
        card = ModelCard(self.kind, about="Draws a face", network="theirs")
        return Draft(network, card, (Finding("draws", "8x8", "the file"),))

    def validate(self, path: Path, inputs: Inputs) -> Validation:
        model = OnnxModel.open(path)
        drawn: Pixels = np.zeros((8, 8, 3), np.uint8)
        model.run({"z": np.full((1, 192), 7, np.float32)}, {"face_out": drawn[np.newaxis]})
        model.close()
        return Validation(drawn, drawn, doubts=("it draws one colour",))


def test_a_new_kind_is_one_class_that_says_what_is_its_own(tmp_path: Path) -> None:
    nodes = [helper.make_node("Reshape", ["code", "shape"], ["pixels"])]
    ports = [
        helper.make_tensor_value_info("code", onnx.TensorProto.FLOAT, [1, 192]),
        helper.make_tensor_value_info("pixels", onnx.TensorProto.FLOAT, [1, 8, 8, 3]),
    ]
    shape = onnx.numpy_helper.from_array(np.array([1, 8, 8, 3]), "shape")
    model = helper.make_model(helper.make_graph(nodes, "theirs", ports[:1], ports[1:], [shape]), ir_version=8)
    model.opset_import[0].version = 17
    helper.set_model_props(model, {"Author": "Somebody", "license": "MIT", "theirs": "stays"})
    path = tmp_path / "Their decoder.onnx"
    path.write_bytes(model.SerializeToString())

    made = import_model(SourceFile(path), DecoderImporter(), Description(about="Draws mine"))
    card = made.card
    assert (card.title, card.about, card.credit, card.licence) == ("Their decoder", "Draws mine", "Somebody", "MIT")
    assert card.made_by.endswith("from Their decoder.onnx")
    assert (made.findings, made.notes) == ((("draws", "8x8", "the file"),), ("it draws one colour",))
    assert (made.validation.after == 7).all()
    made.keep(tmp_path / "kept.onnx")
    assert library.read_card(tmp_path / "kept.onnx") == card
    assert file_safety.read_header(tmp_path / "kept.onnx").metadata["theirs"] == "stays"

    again = import_model(SourceFile(tmp_path / "kept.onnx"), DecoderImporter(), Description(about="Something else"))
    assert (again.card, again.content) == (card, (tmp_path / "kept.onnx").read_bytes())
    assert again.notes == (), "what looks odd was said when it was made"


def test_a_kind_that_is_only_ever_ours_says_so_of_others(tmp_path: Path) -> None:
    class Native(Importer):
        kind = ModelKind.LATENT_DECODER

        @classmethod
        def of(cls, request: ImportRequest) -> Self:
            return cls()

        def validate(self, path: Path, inputs: Inputs) -> Validation:
            raise AssertionError(path)

    with pytest.raises(ModelError, match="no decoder of this program"):
        import_model(SourceFile(write_tint(tmp_path / "x.onnx", Manner())), Native(), Description())


@pytest.fixture
def headers_read(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a file was looked through on its way in, by its name."""
    seen: Counter[str] = Counter()
    read = file_safety.read_header

    def counted(path: Path) -> ModelHeader:
        seen[path.name] += 1
        return read(path)

    monkeypatch.setattr(source_file, "read_header", counted)
    return seen


def test_a_header_is_read_once_on_one_way_in(models_folder: Path, tmp_path: Path, headers_read: Counter[str]) -> None:
    write_tint(tmp_path / "tint.onnx", Manner())
    theirs.write_inswapper(tmp_path / "inswapper_128.onnx")
    theirs.write_recogniser(tmp_path / "w600k_r50.onnx")
    typed("add", "tint.onnx", "--range", "0..1", "--name", "first")
    typed("add", "inswapper_128.onnx", "--identity-model", "w600k_r50.onnx", "--name", "second")
    assert headers_read == {"tint.onnx": 1, "inswapper_128.onnx": 1, "w600k_r50.onnx": 1}


def test_what_was_read_goes_with_a_file_into_other_processes(tmp_path: Path, headers_read: Counter[str]) -> None:
    source = SourceFile(write_tint(tmp_path / "tint.onnx", Manner()))
    assert list(source.header.inputs) == ["input"]
    there: SourceFile = pickle.loads(pickle.dumps(source))  # noqa: S301 - of this process
    there.check()
    assert there.header == source.header
    assert headers_read["tint.onnx"] == 1


@pytest.mark.parametrize("replaced", [True, False])
def test_a_file_that_changed_after_it_was_looked_through_is_not_loaded(tmp_path: Path, replaced: bool) -> None:
    """What was found safe is not what lies there now."""
    source = SourceFile(write_tint(tmp_path / "tint.onnx", Manner()))
    assert source.header.opset == 17
    content = source.path.read_bytes()
    if replaced:
        (tmp_path / "other.onnx").write_bytes(content)
        (tmp_path / "other.onnx").replace(source.path)
    else:
        source.path.write_bytes(content + b"\x00")
    for load in (source.load, source.content, lambda: read_network(source)):
        with pytest.raises(ModelError, match="changed while it was read"):
            load()


def test_whose_face_it_is_and_a_latent_code_are_two_kinds(
    models_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_models.shaded_morph(tmp_path / "both.onnx")
    tiny_models.mean_encoder(tmp_path / "who.onnx")
    assert typed("add", "both.onnx") == 0
    assert "--identity-model" not in capsys.readouterr().out
    assert typed("add", "who.onnx") == 0
    assert "--identity-model who" in capsys.readouterr().out
    assert (models_folder / "both.onnx").read_bytes() == (tmp_path / "both.onnx").read_bytes()
    assert library.model_names(ModelKind.IDENTITY_ENCODER) == ["who"]
    assert library.model_names(ModelKind.MORPH) == ["both"]
    theirs.write_inswapper(tmp_path / "inswapper_128.onnx")
    line = refused("add", "inswapper_128.onnx", "--identity-model", str(tmp_path / "both.onnx"))
    assert "of kind 'morph', and whose face it is is told by an encoder" in line


def test_an_encoder_tells_whose_face_it_is_and_a_decoder_draws_one() -> None:
    card = ModelCard.read({"realtime.kind": "encoder", "realtime.contract": "1"}, "old.onnx")
    assert card.kind is ModelKind.IDENTITY_ENCODER
    assert card.metadata()["realtime.kind"] == "encoder"
    assert ModelKind("decoder") is ModelKind.LATENT_DECODER


def test_a_swap_of_ours_with_its_weights_beside_it_comes_in_as_one_file(models_folder: Path, tmp_path: Path) -> None:
    model = onnx.load(tiny_models.mirror_swap(tmp_path / "one.onnx"))
    onnx.save(model, str(tmp_path / "two.onnx"), save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert (tmp_path / "weights.bin").is_file()
    assert typed("add", "two.onnx") == 0
    kept = models_folder / "two.onnx"
    assert not file_safety.read_header(kept).external_files
    OnnxModel.open(kept).close()
