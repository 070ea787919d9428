"""Face networks of other people come in with their makers' own steps, to the letter."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray

from realtime.core.errors import RealtimeError
from realtime.faces.landmarks.alignment import Alignment, cut_face
from realtime.model_import.face.adapter import soft_ellipse
from realtime.model_import.face.encoder_importer import EncoderImporter
from realtime.model_import.face.hints import FaceImportHints
from realtime.model_import.face.swap_importer import SwapImporter
from realtime.model_import.face.validation import FacePhoto, flat_mesh, usual_face
from realtime.model_import.hints import ColourOrder, ImportHints, Layout, ValueRange
from realtime.model_import.result import Description, Imported
from realtime.model_import.steps import import_model
from realtime.models.library import find_identity_encoder
from realtime.models.runtime.onnx_model import OnnxModel
from realtime.models.source_file import SourceFile
from realtime.picture_files.reader import read_picture
from tests.model_import import face_networks as theirs

Crop = NDArray[np.uint8]
Bring = Callable[[Path, FaceImportHints], Imported]


@pytest.fixture(scope="module")
def face_photo(navy_photo: Path) -> FacePhoto:
    return FacePhoto(read_picture(navy_photo), flat_mesh((219.7, 193.4), (307.6, 188.9)))  # where its eyes are


@pytest.fixture
def bring(face_photo: FacePhoto) -> Bring:
    return lambda path, hints: import_model(SourceFile(path), SwapImporter(hints, face_photo, "who"), Description())


def import_encoder(path: Path, photo: FacePhoto, title: str = "") -> Imported:
    return import_model(SourceFile(path), EncoderImporter(ImportHints(), "", photo), Description(title=title))


@pytest.fixture(scope="module")
def noise() -> Callable[[int], Crop]:
    """Crops in which every colour and place is different, so that exchanged ones show."""
    return lambda side: np.random.default_rng(side).integers(0, 256, (side, side, 3), np.uint8)


def run_encoder(made: Imported, folder: Path, face: Crop) -> NDArray[np.float32]:
    path = folder / "who.onnx"
    made.keep(path)
    model = OnnxModel.open(path)
    z = np.empty([int(side) for side in model.output_shapes["z"]], np.float32)
    model.run({"face": face[np.newaxis]}, {"z": z})
    model.close()
    return z


def run_swap(made: Imported, folder: Path, face: Crop, **more: NDArray[np.float32]) -> tuple[Crop, Crop]:
    """Run a kept model; return the face and the mask."""
    path = folder / "swap.onnx"
    made.keep(path)
    model = OnnxModel.open(path)
    face_out, mask = np.empty_like(face), np.empty((*face.shape[:2], 1), np.uint8)
    model.run({"face": face[np.newaxis], **more}, {"face_out": face_out[np.newaxis], "mask": mask[np.newaxis]})
    model.close()
    return face_out, mask[..., 0]


def found(made: Imported) -> dict[str, str]:
    return {finding.what: finding.value for finding in made.findings}


def of_length_one(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(numbers / np.linalg.norm(numbers), np.float64)


@pytest.mark.parametrize("kind", [theirs.FLOAT, theirs.HALF])
def test_inswapper_does_as_insightface_has_it(
    tmp_path: Path, bring: Bring, noise: Callable[[int], Crop], kind: int
) -> None:
    path = theirs.write_inswapper(tmp_path / "inswapper_128.onnx", kind=kind)
    hints = FaceImportHints(identity_model=SourceFile(theirs.write_recogniser(tmp_path / "w600k_r50.onnx")))
    made = bring(path, hints)
    assert made.companion is not None
    z = run_encoder(made.companion, tmp_path, noise(112))
    assert z == pytest.approx(of_length_one(theirs.recognised(noise(112))), abs=1e-5)
    face_out, mask = run_swap(made, tmp_path, noise(128), identity=z)
    wanted = theirs.inswapped(noise(128), z)
    assert wanted.std() > 20
    assert np.abs(face_out - wanted).max() <= (0.51 if kind == theirs.FLOAT else 1.6)
    assert (mask == soft_ellipse(128)).all()
    card = made.card
    assert (card.alignment, card.network, card.morph) == ("arcface_128", "inswapper", None)
    assert (made.companion.card.alignment, card.identity_model) == ("arcface_112", "who")
    assert card.identity_fingerprint == made.companion.card.fingerprint
    assert len(card.identity_fingerprint) == 64
    assert find_identity_encoder(tmp_path / "swap.onnx") == tmp_path / "who.onnx"
    assert found(made)["it goes in"] == "times the file's own map, and again of length 1"
    assert "non-commercial" in card.licence
    assert "non-commercial" in made.companion.card.licence


def test_a_network_of_its_operators_answers_as_pytorch_does(
    tmp_path: Path, bring: Bring, noise: Callable[[int], Crop]
) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(3)
    network = theirs.InswapperLike().eval()
    last = network.last[1]
    assert isinstance(last, torch.nn.Conv2d)
    last.weight.data.mul_(12)
    path = theirs.export_inswapper(tmp_path / "inswapper_128.onnx", network)
    made = bring(path, FaceImportHints(identity_model=SourceFile(theirs.write_recogniser(tmp_path / "w600k_r50.onnx"))))
    z = of_length_one(theirs.recognised(noise(112))).astype(np.float32)
    face_out, _ = run_swap(made, tmp_path, noise(128), identity=z)
    target = torch.from_numpy(noise(128)[..., ::-1].transpose(2, 0, 1).copy()).float()[None] / 255
    with torch.no_grad():
        wanted = network(target, torch.from_numpy(theirs.latent_of(z)).float())[0].numpy() * 255
    assert wanted.std() > 20
    assert np.abs(face_out - wanted.transpose(1, 2, 0)[..., ::-1]).max() <= 0.6


def test_operators_out_of_order_come_in(tmp_path: Path, bring: Bring, noise: Callable[[int], Crop]) -> None:
    """As programs leave them that make a file half as large: the casts around it stand at the end."""
    path = theirs.write_inswapper(tmp_path / "inswapper_128_fp16.onnx")
    model = onnx.load(path)
    nodes = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    path.write_bytes(model.SerializeToString())
    made = bring(path, FaceImportHints(identity_model=SourceFile(theirs.write_recogniser(tmp_path / "w600k_r50.onnx"))))
    z = of_length_one(theirs.recognised(noise(112))).astype(np.float32)
    face_out, _ = run_swap(made, tmp_path, noise(128), identity=z)
    assert np.abs(face_out - theirs.inswapped(noise(128), z)).max() <= 0.51


def test_nobodys_numbers_are_no_nan(tmp_path: Path, bring: Bring, noise: Callable[[int], Crop]) -> None:
    path = theirs.write_inswapper(tmp_path / "inswapper_128.onnx")
    made = bring(path, FaceImportHints(identity_model=SourceFile(theirs.write_recogniser(tmp_path / "w600k_r50.onnx"))))
    face_out, _ = run_swap(made, tmp_path, noise(128), identity=np.zeros((1, 512), np.float32))
    assert np.abs(face_out - noise(128) / 2).max() <= 0.51


def test_the_map_is_found_where_a_program_has_moved_it(
    tmp_path: Path, bring: Bring, noise: Callable[[int], Crop]
) -> None:
    path = theirs.write_inswapper(tmp_path / "inswapper_128.onnx", last=False)
    made = bring(path, FaceImportHints(identity_model=SourceFile(theirs.write_recogniser(tmp_path / "w600k_r50.onnx"))))
    z = of_length_one(theirs.recognised(noise(112))).astype(np.float32)
    face_out, _ = run_swap(made, tmp_path, noise(128), identity=z)
    assert np.abs(face_out - theirs.inswapped(noise(128), z)).max() <= 0.51


def test_a_swapper_that_does_not_listen_is_noted(tmp_path: Path, bring: Bring) -> None:
    path = theirs.write_inswapper(tmp_path / "inswapper_128.onnx")
    hints = FaceImportHints(identity_model=SourceFile(theirs.write_recogniser(tmp_path / "w600k_r50.onnx")))
    assert bring(path, hints).notes == ()
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if tensor.name == "three":
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.array(0, np.float32), "three"))
    path.write_bytes(model.SerializeToString())
    assert "whoever it is told" in bring(path, hints).notes[0]


def test_a_copy_under_another_name_is_known_by_its_shapes(tmp_path: Path, bring: Bring) -> None:
    path = theirs.write_inswapper(tmp_path / "best_swapper_ever.onnx")
    made = bring(
        path, FaceImportHints(identity_model=SourceFile(theirs.write_recogniser(tmp_path / "arcface.onnx", batch=1)))
    )
    assert made.card.network == "inswapper"


def test_a_recogniser_that_normalises_itself_gets_bytes(
    tmp_path: Path, face_photo: FacePhoto, noise: Callable[[int], Crop]
) -> None:
    path = theirs.write_recogniser(tmp_path / "glint.onnx", size=128, normalises=True)
    made = import_encoder(path, face_photo, title="Glint")
    z = run_encoder(made, tmp_path, noise(112))
    assert z == pytest.approx(of_length_one(theirs.recognised(noise(112), 128)), abs=1e-5)
    assert made.card.title == "Glint"


def test_an_encoder_of_ours_stays_as_it_is(tmp_path: Path, bring: Bring, face_photo: FacePhoto) -> None:
    first = import_encoder(theirs.write_recogniser(tmp_path / "w600k_r50.onnx"), face_photo)
    first.keep(tmp_path / "kept.onnx")
    made = bring(
        theirs.write_inswapper(tmp_path / "inswapper_128.onnx"),
        FaceImportHints(identity_model=SourceFile(tmp_path / "kept.onnx")),
    )
    assert made.companion is not None
    assert made.companion.card == first.card
    assert made.card.identity_fingerprint == first.card.fingerprint


def deepfacelives_mask(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64]:
    """Both masks, eroded by 5, faded and blurred by 25, as on its crop of 224 pixels, 0..255."""
    side = len(first)
    both = np.pad(first * second, side)
    both = cv2.erode(both, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)), iterations=2)
    inside = np.zeros_like(both)
    inside[side + 12 : -side - 12, side + 12 : -side - 12] = 1
    blurred = cv2.GaussianBlur(both * inside, (0, 0), 25 * 0.125 * 2)
    return np.asarray(blurred[side:-side, side:-side] * 255.0, np.float64)


@pytest.mark.parametrize("morph", [False, True])
def test_dfm_does_as_deepfacelive_has_it(
    tmp_path: Path, bring: Bring, noise: Callable[[int], Crop], morph: bool
) -> None:
    made = bring(theirs.write_dfm(tmp_path / "Somebody.dfm", morph=morph), FaceImportHints())
    card = made.card
    assert (card.alignment, card.network) == ("mesh coverage=2.2 x=0 y=-0.08", "dfm")
    assert (card.morph, card.identity_model) == (0.75 if morph else None, "")
    face, more = noise(224), {}
    if morph:
        more["morph"] = np.array([0.3], np.float32)
    face_out, mask = run_swap(made, tmp_path, face, **more)
    assert np.abs(face_out - theirs.dfm_made(face, 0.3 if morph else None)).max() <= 0.51
    wanted = deepfacelives_mask(*theirs.dfm_masks(224))
    assert np.abs(mask - wanted).max() <= 1.0
    assert mask[112, 112] == 255
    assert not mask[:, 0].any()


def test_a_larger_dfm_keeps_its_mask_in_proportion(tmp_path: Path, bring: Bring, noise: Callable[[int], Crop]) -> None:
    made = bring(theirs.write_dfm(tmp_path / "Somebody_320.dfm", side=320), FaceImportHints())
    _, mask = run_swap(made, tmp_path, noise(320))
    wanted = cv2.resize(deepfacelives_mask(*theirs.dfm_masks(224)), (320, 320), interpolation=cv2.INTER_LINEAR)
    assert np.abs(mask - wanted).mean() < 2
    assert np.abs(mask - wanted).max() < 20


def test_a_dfms_sliders_are_in_its_card(tmp_path: Path, bring: Bring) -> None:
    path = theirs.write_dfm(tmp_path / "Somebody.dfm", side=64, morph=True)
    made = bring(path, FaceImportHints(coverage=1.6, y=0.25, morph=1.0))
    assert made.card.alignment == "mesh coverage=1.6 x=0 y=0.25"
    assert made.card.morph == 1.0
    assert bring(path, FaceImportHints(alignment="face")).card.alignment == "face"


def test_what_the_finished_model_wears_lies_on_the_photo(tmp_path: Path, bring: Bring, face_photo: FacePhoto) -> None:
    made = bring(theirs.write_dfm(tmp_path / "Somebody.dfm"), FaceImportHints())
    crop, _ = cut_face(face_photo.pixels, face_photo.mesh, Alignment.parse(made.card.alignment), 224)
    assert (made.validation.before == crop).all()
    assert (made.validation.after[0] == crop[0]).all(), "outside the mask"
    assert np.abs(made.validation.after[112, 112] - theirs.dfm_made(crop)[112, 112]).max() <= 1.01


def test_hyperswap_takes_the_numbers_as_they_are(tmp_path: Path, bring: Bring, noise: Callable[[int], Crop]) -> None:
    path = theirs.write_hyperswap(tmp_path / "hyperswap_1a_256.onnx")
    made = bring(
        path, FaceImportHints(identity_model=SourceFile(theirs.write_recogniser(tmp_path / "arcface_w600k_r50.onnx")))
    )
    z = of_length_one(theirs.recognised(noise(112))).astype(np.float32)
    face_out, mask = run_swap(made, tmp_path, noise(256), identity=z)
    wanted = noise(256).astype(float)
    wanted[..., 2] += z[0, 0] * 127.5
    assert np.abs(face_out - np.clip(wanted, 0, 255)).max() <= 0.51
    assert (mask == soft_ellipse(256)).all()
    assert (made.card.alignment, made.card.licence) == ("arcface_128", "ResearchRAIL")
    assert "left aside: mask" in made.notes[0]


@pytest.mark.parametrize(
    ("stem", "unit", "alignment"),
    [
        ("simswap_256", True, "arcface_112_v1"),
        ("ghost_2_256", False, "arcface_112_v1"),
        ("hififace", True, "mtcnn_512"),
    ],
)
def test_swappers_of_another_recogniser_get_converted_numbers(
    tmp_path: Path, bring: Bring, noise: Callable[[int], Crop], stem: str, unit: bool, alignment: str
) -> None:
    hints = FaceImportHints(
        identity_model=SourceFile(theirs.write_recogniser(tmp_path / "w600k_r50.onnx")),
        identity_converter=SourceFile(theirs.write_converter(tmp_path / "crossface.onnx")),
    )
    made = bring(
        theirs.write_hyperswap(tmp_path / f"{stem}.onnx", gain=0.2, lift=0.5 if stem == "simswap_256" else -0.5), hints
    )
    assert made.companion is not None
    z = run_encoder(made.companion, tmp_path, noise(112))
    wanted = 2 * theirs.recognised(noise(112)) + 1
    assert z == pytest.approx(of_length_one(wanted) if unit else wanted, abs=1e-5)
    assert made.card.alignment == alignment
    assert made.card.identity_fingerprint == made.companion.card.fingerprint
    plain = import_encoder(tmp_path / "w600k_r50.onnx", usual_face())
    assert plain.card.fingerprint != made.companion.card.fingerprint
    face_out, _ = run_swap(made, tmp_path, noise(256), identity=z)
    if stem == "simswap_256":  # ImageNet in, 0..1 out
        mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
        rgb = (noise(256)[..., ::-1] / 255 - mean) / deviation * 0.2 + 0.5 + (z[0, 0], 0, 0)
        assert np.abs(face_out - np.clip(rgb * 255, 0, 255)[..., ::-1]).max() <= 0.51


FACESWAP = FaceImportHints(ImportHints(range_in=ValueRange.UNIT, order=ColourOrder.BGR), alignment="face")


@pytest.mark.parametrize("larger", [1, 2])
def test_any_face_in_and_face_out_with_words_for_what_the_file_does_not_tell(
    tmp_path: Path, bring: Bring, noise: Callable[[int], Crop], larger: int
) -> None:
    made = bring(theirs.write_faceswap(tmp_path / "original.onnx", larger=larger), FACESWAP)
    side = 64 * larger
    face = noise(side)
    face_out, mask = run_swap(made, tmp_path, face)
    small = face.reshape(64, larger, 64, larger, 3).mean(axis=(1, 3))
    wanted = ((255 - small) * (0.5, 1, 1)).repeat(larger, axis=0).repeat(larger, axis=1)
    assert np.abs(face_out - wanted).max() <= 0.51
    assert (mask == soft_ellipse(side)).all()
    assert found(made)["colours"] == "BGR"


def test_a_mask_of_its_own_is_taken(tmp_path: Path, bring: Bring, noise: Callable[[int], Crop]) -> None:
    made = bring(theirs.write_faceswap(tmp_path / "villain.onnx", masked=True), FACESWAP)
    _, mask = run_swap(made, tmp_path, noise(64))
    assert mask[32, 16] == 255
    assert not mask[32, 48:].any()
    assert found(made)["mask"] == "mask_out"


def test_a_network_that_uses_our_names_keeps_its_own(
    tmp_path: Path, bring: Bring, noise: Callable[[int], Crop]
) -> None:
    path = theirs.write_faceswap(tmp_path / "names.onnx")
    model = onnx.load(path)
    renamed = {"face_in": "face", "negative": "mask", "small": "identity"}
    for node in model.graph.node:
        for field in (node.input, node.output):
            names = [renamed.get(name, name) for name in field]
            del field[:]
            field.extend(names)
    model.graph.input[0].name = "face"
    path.write_bytes(model.SerializeToString())
    face_out, _ = run_swap(bring(path, FACESWAP), tmp_path, noise(64))
    assert np.abs(face_out - (255 - noise(64).astype(float)) * (0.5, 1, 1)).max() <= 0.51


def w600k(folder: Path) -> Path:
    return theirs.write_recogniser(folder / "w600k_r50.onnx")


def inswapper(folder: Path) -> Path:
    return theirs.write_inswapper(folder / "inswapper_128.onnx")


def without_map(folder: Path) -> Path:
    return theirs.write_inswapper(folder / "inswapper_128.onnx", mapped=np.ones((512, 256)))


def keras(folder: Path) -> Path:
    path = folder / "original.keras"
    path.write_bytes(b"PK\x03\x04")
    return path


def dfm_of(*inputs: str, side: int = 64) -> Callable[[Path], Path]:
    return lambda folder: theirs.write_dfm(folder / "x.dfm", side=side, inputs=list(inputs) or None)


def oblong(folder: Path) -> Path:
    path = theirs.write_dfm(folder / "x.dfm", side=64)
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 48
    path.write_bytes(model.SerializeToString())
    return path


def planes(folder: Path) -> Path:
    path = theirs.write_dfm(folder / "x.dfm", side=64)
    model = onnx.load(path)
    for dim, size in zip(model.graph.input[0].type.tensor_type.shape.dim[1:], (3, 64, 64), strict=True):
        dim.dim_value = size
    path.write_bytes(model.SerializeToString())
    return path


def shown_a_photo(folder: Path) -> Path:
    path = theirs.write_hyperswap(folder / "uniface_256.onnx")
    model = onnx.load(path)
    model.graph.input[0].CopyFrom(theirs.value("source", [1, 3, 256, 256]))
    path.write_bytes(model.SerializeToString())
    return path


UNKNOWN = FaceImportHints(ImportHints(range_in=ValueRange.UNIT))
REFUSED: list[tuple[Callable[[Path], Path], FaceImportHints, Callable[[Path], Path] | None, list[str]]] = [
    (inswapper, FaceImportHints(), None, ["--identity-model", "w600k_r50.onnx"]),
    (inswapper, FaceImportHints(), lambda folder: folder / "none.onnx", ["no model file", "none.onnx"]),
    (
        inswapper,
        FaceImportHints(),
        lambda folder: theirs.write_recogniser(folder / "small.onnx", size=128),
        ["512 numbers", "gives 128"],
    ),
    (inswapper, FaceImportHints(), inswapper, ["takes 2 inputs", "tells faces apart"]),
    (inswapper, FaceImportHints(), keras, ["Keras", "tf2onnx"]),
    (inswapper, FaceImportHints(alignment="arcface_113"), w600k, ["no face crop", "did you mean"]),
    (inswapper, FaceImportHints(coverage=2.0), w600k, ["--coverage", "for DFM files", "arcface_128"]),
    (inswapper, FaceImportHints(morph=0.5), w600k, ["no morph value"]),
    (without_map, FaceImportHints(), w600k, ["map of 512x512", "[512, 256]", "take the original"]),
    (dfm_of("in_face:0", "morph_value:0", "mood:0"), FaceImportHints(), None, ["3 inputs", "one or two"]),
    (dfm_of("in_face:0", "mood:0"), FaceImportHints(), None, ["second input", "morph_value"]),
    (dfm_of("morph_value:0", "in_face:0"), FaceImportHints(), None, ["the first input of a DFM file is 'in_face'"]),
    (dfm_of(side=16), FaceImportHints(), None, ["32 to 1024 pixels"]),
    (oblong, FaceImportHints(), None, ["no square"]),
    (planes, FaceImportHints(), None, ["a face of DeepFaceLive is [1, side, side, 3]"]),
    (dfm_of(), FaceImportHints(coverage=9), None, ["coverage is 0.5 to 5"]),
    (dfm_of(), FaceImportHints(), w600k, ["always gives one face", "--identity-model"]),
    (dfm_of(), FaceImportHints(alignment="face", x=0.1), None, ["say --x inside --alignment"]),
    (shown_a_photo, FaceImportHints(), w600k, ["shown a photo of the other face"]),
    (keras, FaceImportHints(), None, ["Keras", "train one here", "tf2onnx", "--layout NHWC --order BGR"]),
    (lambda folder: theirs.write_faceswap(folder / "x.onnx"), UNKNOWN, None, ["--alignment face, arcface_112"]),
    (
        lambda folder: theirs.write_faceswap(folder / "x.onnx"),
        FaceImportHints(alignment="face"),
        None,
        ["say --range 0..1, -1..1 or 0..255"],
    ),
    (
        lambda folder: theirs.write_faceswap(folder / "x.onnx"),
        dataclasses.replace(FACESWAP, network=ImportHints(range_in=ValueRange.UNIT, layout_in=Layout.NCHW)),
        None,
        ["no picture as NCHW"],
    ),
    (w600k, dataclasses.replace(FACESWAP, alignment="arcface_112"), None, ["'683'", "no face swapper"]),
    (
        lambda folder: theirs.write_hyperswap(folder / "simswap_256.onnx"),
        FaceImportHints(),
        w600k,
        ["--identity-converter", "crossface_simswap.onnx"],
    ),
]


@pytest.mark.parametrize(("make", "hints", "encoder", "words"), REFUSED)
def test_what_cannot_come_in_is_one_line(
    tmp_path: Path,
    bring: Bring,
    make: Callable[[Path], Path],
    hints: FaceImportHints,
    encoder: Callable[[Path], Path] | None,
    words: list[str],
) -> None:
    if encoder is not None:
        hints = dataclasses.replace(hints, identity_model=SourceFile(encoder(tmp_path)))
    path = make(tmp_path)
    with pytest.raises(RealtimeError) as caught:
        bring(path, hints)
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) - len(str(path)) < 400, line
    for word in words:
        assert word in line


def test_a_trial_needs_no_face_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, face_photo: FacePhoto) -> None:
    """Without the face models the photo's face is where it was measured once."""
    measured = usual_face()
    monkeypatch.setenv("REALTIME_MODELS", str(tmp_path))
    placed = usual_face()
    assert (placed.mesh.points == face_photo.mesh.points).all()
    eyes = [33, 133, 362, 263]
    assert np.abs(placed.mesh.points[eyes, :2] - measured.mesh.points[eyes, :2]).max() < 8


@pytest.mark.shared_data
def test_a_real_recogniser_knows_a_face_again(shared_data: Path, tmp_path: Path) -> None:
    """One face twice, moved by two pixels and darker, is more alike than the face and its surroundings."""
    photo = usual_face()
    made = import_encoder(shared_data / "metrics" / "mobilefacenet.onnx", photo)
    face, _ = cut_face(photo.pixels, photo.mesh, Alignment.parse("arcface_112"), 112)
    moved = np.roll(np.asarray(face * 0.7, np.uint8), 2, axis=1)
    here, again, nobody = (run_encoder(made, tmp_path, crop)[0] for crop in (face, moved, face[::-1].copy()))
    assert here.shape == (128,)
    assert here @ again > 0.8
    assert here @ nobody < 0.4
