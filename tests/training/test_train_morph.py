"""From photos of several people to a VAE's checkpoint and its model, and what a code tells of a face."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from realtime.faces.detection.blazeface import open_still
from realtime.faces.landmarks.alignment import FACE, Alignment, cut_face
from realtime.faces.landmarks.mesh import MeshModel
from realtime.models.card import ModelKind
from realtime.models.runtime.onnx_model import ON_CPU
from realtime.morph.model import MorphModel
from realtime.picture_files.reader import read_picture
from tests.extraction.conftest import laid
from tests.training.test_train_swap import losses, stop_in
from tools import export_onnx, extract_faces, train_morph
from tools.exporting.checkpoint import read_checkpoint
from tools.networks import Autoencoder, layout_of
from tools.networks.face_vae import LIGHT, FaceVae, widths
from tools.training.crowd import load_crowd, part_people, read_people
from tools.training.face_figures import measure
from tools.training.morphing import divergence, rise

PEOPLE, EACH = 7, 3


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def photos(navy_photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Navy photo as seven people, three photos of each: their colours tell them apart."""
    folder = tmp_path_factory.mktemp("photos")
    photo = read_picture(navy_photo)
    for number in range(PEOPLE * EACH):
        tint = np.random.default_rng(number // EACH).uniform(0.5, 1.0, 3)
        cv2.imwrite(str(folder / f"{number:03d}.png"), (laid(photo, number) * tint).astype(np.uint8))
    return folder


@pytest.fixture(scope="module")
def people(photos: Path) -> Path:
    path = photos.parent / f"{photos.name}-people.csv"
    lines = [f"{number:03d}.jpg,person {number // EACH}" for number in range(PEOPLE * EACH)]
    path.write_text("\n".join(["image,person", *lines]))
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def silent(what: str, share: float) -> None:
    pass


def words(photos: Path, people: Path | None, cache: Path, out: Path, **options: object) -> list[str]:
    settings = {"steps": 24, "batch": 4, "device": "cpu", "face_px": 32, "latent": 20, "width": 0.2, "held_out": 0.3}
    line = ["--faces", str(photos), "-o", str(out), "--cache", str(cache)]
    line += [] if people is None else ["--people", str(people)]
    for name, value in {**settings, **options}.items():
        line += [f"--{name.replace('_', '-')}", str(value)]
    return line


def test_a_run_falls_stops_goes_on_and_exports(
    photos: Path, people: Path, cache: Path, features: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = words(photos, people, cache, tmp_path / "whole", features=features, judge_weight=0.1, averaging=0.5)
    assert train_morph.main(line) in (0, 1)
    said = capsys.readouterr().err
    assert "learning from 18 faces; held out: 3 faces, 1 of 7 people" in said
    assert "of 14 numbers alive" in said
    terms = losses(tmp_path / "whole")
    assert np.mean(terms["pixels"][-5:]) < 0.9 * np.mean(terms["pixels"][:5])
    assert terms["divergence"][0] == 0 < terms["divergence"][4]
    assert all(value > 0 for value in terms["features"])
    assert [value > 0 for value in terms["judging"]] == [step >= 12 for step in range(24)]
    for name in ("curve.png", "sheet.png", "previews/000024.png"):
        assert cv2.imread(str(tmp_path / "whole" / name)) is not None
    figures = (tmp_path / "whole" / "held_out.csv").read_text().splitlines()
    assert figures[0] == "step,mse_64,sharpness,alive,nats,features"
    assert figures[-1].startswith("23,")

    parted = words(photos, people, cache, tmp_path / "parted", features=features, judge_weight=0.1, averaging=0.5)
    stop_in(14, parted, train_morph.main)
    assert len(losses(tmp_path / "parted")["step"]) == 15
    train_morph.main(parted)
    assert losses(tmp_path / "parted") == terms
    ends = [torch.load(tmp_path / run / "checkpoint.pth", weights_only=True) for run in ("whole", "parted")]
    assert all(torch.equal(tensor, ends[1]["generator"][name]) for name, tensor in ends[0]["generator"].items())
    config = ends[0]["settings"]
    assert (config["face_px"], config["latent"], config["width"], config["alignment"]) == (32, 20, 0.2, FACE)
    check_export(tmp_path / "whole" / "checkpoint.pth", photos, cache, tmp_path)


def test_a_decoder_goes_on_alone_from_an_earlier_run(photos: Path, people: Path, cache: Path, tmp_path: Path) -> None:
    assert train_morph.main(words(photos, people, cache, tmp_path / "first", steps=3)) in (0, 1)
    first = tmp_path / "first" / "checkpoint.pth"
    goes_on = {"start_from": first, "learn": "decoder", "averaging": 0, "steps": 3}
    assert train_morph.main(words(photos, people, cache, tmp_path / "second", **goes_on)) in (0, 1)
    before, after = (read_checkpoint(tmp_path / run / "checkpoint.pth") for run in ("first", "second"))
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"decoder"}
    assert torch.equal(before["decoder.eigenfaces.weight"], after["decoder.eigenfaces.weight"])


def check_export(checkpoint: Path, photos: Path, cache: Path, folder: Path) -> None:
    """Export it as one file: what that makes of a face, and of steps from it, is what PyTorch makes of them."""
    path = folder / "morph.onnx"
    assert export_onnx.main([str(checkpoint), "-o", str(path), "--title", "M", "--licence", "CC0"]) == 0
    weights = read_checkpoint(checkpoint)
    layout = layout_of(weights)
    assert layout is not None
    (part,) = layout.parts(weights)
    assert (part.kind, part.side_px, part.latent, part.light) == (ModelKind.MORPH, 32, 20, LIGHT)
    assert isinstance(part.network, Autoencoder)
    model = MorphModel(path, ON_CPU, codes=3)
    assert (model.side_px, model.latent, model.alignment.text, model.title) == (32, 20, FACE, "M")
    assert (model.space.light, model.space.mean.tolist(), model.space.names) == (LIGHT, [0] * 20, ())
    face = load_crowd([photos], None, 32, cache, silent).plain(0, 32)
    step = np.random.default_rng(0).normal(0, 1, (3, 20)).astype(np.float32)
    keep = np.array([[1], [0.5], [0]], np.float32)
    with torch.no_grad():
        code = part.network.encoder(torch.from_numpy(face).permute(2, 0, 1)[None].float() / 255)
        drawn = part.network.decoder(torch.from_numpy(keep) * code + torch.from_numpy(step))
    expected = (drawn * 255).flip(1).permute(0, 2, 3, 1).numpy()
    z, out = np.empty((1, 20), np.float32), np.empty((3, 32, 32, 3), np.float32)
    model.run(np.ascontiguousarray(face[:, :, ::-1]), keep, step, z, out)
    # Weights lie in the file with 11 bits each: a 2000th of what a sum of thousands of them comes to.
    assert np.abs(z - code.numpy()).max() < 5e-3
    assert np.abs(out - expected).max() < 0.5
    assert np.abs(out - out.round()).max() > 0.1, "it is rounded"
    model.close()


def test_a_loss_that_is_no_number_stops_the_run_and_the_last_good_checkpoint_stays(
    photos: Path, people: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tools.training.data import Batch
    from tools.training.morphing import MorphRecipe

    step = MorphRecipe.step

    def spoilt(self: MorphRecipe, batch: Batch) -> dict[str, torch.Tensor]:
        if batch.step == 7:
            with torch.no_grad():
                next(iter(self.vae.parameters())).fill_(float("nan"))
        return step(self, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MorphRecipe, "step", spoilt)
        assert train_morph.main(words(photos, people, cache, tmp_path / "run", save_every=5)) == 1
    assert "became NaN or infinite at step" in capsys.readouterr().err
    kept = torch.load(tmp_path / "run" / "checkpoint.pth", weights_only=True)
    assert kept["step"] == 5
    assert all(torch.isfinite(tensor).all() for tensor in kept["generator"].values())


def test_people_are_held_out_and_not_pictures(photos: Path, people: Path, cache: Path) -> None:
    crowd = load_crowd([photos], people, 32, cache, silent)
    assert len(crowd) == PEOPLE * EACH
    learnt, held_out = part_people(crowd, 0.3)
    assert sorted([*learnt, *held_out]) == list(range(PEOPLE * EACH))
    assert not {crowd.people[index] for index in learnt} & {crowd.people[index] for index in held_out}
    assert len(held_out) % EACH == 0 < len(held_out)
    # Few people, a small share: somebody is held out all the same.
    assert len(part_people(crowd, 0.001)[1]) == EACH


def test_who_is_held_out_does_not_depend_on_who_else_is_there(photos: Path, people: Path, cache: Path) -> None:
    whole = load_crowd([photos], people, 32, cache, silent)
    twice = load_crowd([photos, photos], people, 32, cache, silent)
    assert [twice.name(int(index)) for index in part_people(twice, 0.3)[1]] == 2 * [
        whole.name(int(index)) for index in part_people(whole, 0.3)[1]
    ]


def test_a_network_learns_from_what_the_live_loop_would_give_it(photos: Path, cache: Path) -> None:
    crowd = load_crowd([photos], None, 32, cache, silent)
    picture = read_picture(photos / f"{crowd.name(4)}.png")
    detector = open_still()
    mesh = MeshModel().measure(picture, detector.find(picture)[0])
    detector.close()
    live, _ = cut_face(picture, mesh, Alignment.parse(FACE), 32)
    # The crop was cut twice, once larger: edges differ by some grey levels.
    assert np.abs(crowd.plain(4, 32)[:, :, ::-1].astype(int) - live).mean() < 4


def test_extracted_faces_can_be_learnt_from_too(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "faces"
    assert extract_faces.main([str(photos), "-o", str(out), "--least-difference", "0"]) == 0
    crowd = load_crowd([out], None, 32, tmp_path / "cache", silent)
    assert len(crowd) >= 16
    assert set(crowd.people) == {f"faces/{place.name}" for place in out.glob("person-*") if place.is_dir()}


def test_exposure_and_white_balance_change_the_lights_numbers_and_no_others() -> None:
    torch.manual_seed(0)
    vae = FaceVae(*widths(32, 0.2), latent=20).eval()
    face = torch.rand(1, 3, 32, 32) * 0.5 + 0.2
    gain, offset = (
        torch.tensor([0.6, 0.8, 0.9])[None, :, None, None],
        torch.tensor([0.1, 0.0, 0.02])[None, :, None, None],
    )
    with torch.no_grad():
        code, relit = vae.encoder(face), vae.encoder(face * gain + offset)
        assert torch.allclose(code[:, :-LIGHT], relit[:, :-LIGHT], atol=0.02)
        assert (code[:, -LIGHT:] - relit[:, -LIGHT:]).abs().min() > 0.05
        # And what is drawn is lit as the face was.
        drawn, drawn_relit = vae.decoder(code), vae.decoder(torch.cat([code[:, :-LIGHT], relit[:, -LIGHT:]], 1))
        assert torch.allclose(drawn * gain + offset, drawn_relit, atol=0.01)


def test_a_number_that_died_is_noticed() -> None:
    torch.manual_seed(0)
    vae = FaceVae(*widths(32, 0.2), latent=20).eval()
    with torch.no_grad():
        vae.encoder.mean.weight[3] = 0
        vae.encoder.mean.weight[:3] *= 2000
        vae.encoder.mean.weight[4:] *= 2000
    assert measure(vae, torch.rand(16, 3, 32, 32), None).alive == 13


def test_the_divergence_from_a_normal_cloud() -> None:
    nats = divergence(torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.0, 0.0, 2.0]))
    assert nats.tolist() == pytest.approx([0, 0.5, (np.e**2 - 3) / 2])
    assert [rise(done, 0.2) for done in (0.0, 0.1, 0.2, 1.0)] == [0, 0.5, 1, 1]


def test_lists_of_people_with_commas_and_with_blanks(tmp_path: Path) -> None:
    (tmp_path / "blanks.txt").write_text("000001.jpg 2880\n000002.jpg 2937\n")
    (tmp_path / "commas.csv").write_text("image,person\n000001.jpg,2880\n000002.jpg,2937\n")
    assert read_people(tmp_path / "blanks.txt") == {"000001": "2880", "000002": "2937"}
    assert read_people(tmp_path / "commas.csv").items() >= read_people(tmp_path / "blanks.txt").items()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"face_px": 100}, "--face-px 100 cannot be; it is one of 32, 64, 128, 256"),
        ({"faces": "nowhere"}, "nowhere is no folder"),
        ({"people": "nowhere.csv"}, "cannot read nowhere.csv"),
        ({"people": "{here}/three.csv"}, "three.csv, line 2: expected a picture and a person"),
        ({"people": "{here}/others.csv"}, "others.csv knows none of the pictures"),
        ({"people": "{here}/one.csv"}, "all faces are one person's"),
        ({"faces": "{here}"}, "holds 0 faces that can be used"),
        ({"features": "nowhere.pth"}, "no checkpoint nowhere.pth"),
        ({"latnet": 3}, "did you mean '--latent'?"),
        ({"batch": 1}, "batch takes a whole number of at least 2"),
        ({"learn": "decoder"}, "name its checkpoint with --start-from"),
        ({"start_from": "nowhere.pth"}, "no checkpoint nowhere.pth"),
    ],
)
def test_what_cannot_be_is_one_line(
    change: dict[str, object],
    said: str,
    photos: Path,
    people: Path,
    cache: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "three.csv").write_text("image,person\n000001.jpg,28,80\n")
    (tmp_path / "others.csv").write_text("image,person\nx.jpg,1\n")
    (tmp_path / "one.csv").write_text("".join(f"{number:03d}.png,1\n" for number in range(PEOPLE * EACH)))
    line = words(photos, people, cache, tmp_path / "run", steps=2)
    for name, value in change.items():
        line += [f"--{name.replace('_', '-')}", str(value).format(here=tmp_path)]
    assert train_morph.main(line) == 2
    lines = [text for text in capsys.readouterr().err.splitlines() if text.startswith("train_morph:")]
    assert said in lines[-1]


def test_another_run_is_not_gone_on_with_but_its_weights_of_losses_may_change(
    photos: Path, people: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train_morph.main(words(photos, people, cache, tmp_path / "run", steps=2))
    assert train_morph.main(words(photos, people, cache, tmp_path / "run", steps=2, latent=21)) == 2
    assert "holds a run with latent = 20" in capsys.readouterr().err
    train_morph.main(words(photos, people, cache, tmp_path / "run", steps=4, judge_weight=0.1, judge_from=0))
    assert "going on" in capsys.readouterr().err
    assert [value > 0 for value in losses(tmp_path / "run")["judging"]] == [False, False, True, True]
