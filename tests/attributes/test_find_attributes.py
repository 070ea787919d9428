"""From photos and a list to directions, and the geometry of directions."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from realtime.models.latent_space import LatentSpace
from realtime.models.runtime.onnx_model import ON_CPU
from realtime.morph.model import MorphModel
from realtime.picture_files.reader import read_picture
from tests.attributes.test_verification import FEATURES, write_linear
from tests.extraction.conftest import laid
from tools import export_onnx, find_attributes
from tools.attributes.directions import accuracy, apart, discriminant, middle, scaled
from tools.networks.face_vae import LIGHT, FaceVae, widths
from tools.training.crowd import load_crowd
from tools.training.data import to_tensor

COUNT = 120
SOME = ["--held-out", "0.1"]


@pytest.fixture(scope="module")
def photos(navy_photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Navy photo, laid in many ways; every second has a red nose, every second pair is mirrored."""
    folder = tmp_path_factory.mktemp("noses")
    photo = read_picture(navy_photo)
    red = photo.copy()
    cv2.circle(red, (270, 205), 22, (20, 20, 230), -1)
    for number in range(COUNT):
        picture = laid(red if number % 2 else photo, number)
        cv2.imwrite(str(folder / f"{number:03d}.png"), picture[:, ::-1] if number % 4 < 2 else picture)
    return folder


@pytest.fixture(scope="module")
def labels(photos: Path) -> Path:
    path = photos.parent / f"{photos.name}.csv"
    lines = [
        f"{number:03d}.jpg,{1 if number % 2 else -1},{-1 if number % 4 < 2 else 1},-1,{1 if number < 9 else -1}"
        for number in range(COUNT)
    ]
    path.write_text("\n".join(["image_id,Red_Nose,Left,Nobody,Few", *lines]))
    return path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE that has learnt nothing: its codes are random views of a face, which tell red noses all the same."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("vae") / "checkpoint.pth"
    vae = FaceVae(*widths(32, 0.3), latent=20)
    torch.save({"generator": vae.state_dict(), "settings": {"alignment": "face"}}, path)
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def test_a_direction_is_found_that_tells_people_it_has_not_seen(
    photos: Path, labels: Path, checkpoint: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "directions.json"
    line = [str(checkpoint), "--faces", str(photos), "--labels", str(labels), "--cache", str(cache), "-o", str(out)]
    asked = ["--attribute", "nose=Red_Nose", "pale_nose=-Red_Nose", "--by", "discriminant", "--batch", "20", *SOME]
    assert find_attributes.main([*line, *asked]) == 0
    found = json.loads(out.read_text())
    assert (found["latent"], found["alignment"], len(found["mean"]), len(found["deviation"])) == (20, "face", 20, 20)
    nose, pale = found["directions"]
    assert (nose["name"], nose["by"]) == ("nose", "discriminant")
    assert nose["accuracy"] > 0.9
    assert np.array(nose["values"]) == pytest.approx(-np.array(pale["values"]))
    captured = capsys.readouterr()
    assert "nose: by discriminant;" in captured.err
    assert "moved with" in captured.out

    # The means alone, kept at right angles to another.
    asked = ["--attribute", "Red_Nose", "Left", "--apart", "red_nose=left", "--by", "means", *SOME]
    assert find_attributes.main([*line, *asked]) == 0
    nose, left = (np.array(each["values"]) for each in json.loads(out.read_text())["directions"])
    assert abs(nose @ left) < 1e-5 * np.linalg.norm(nose) * np.linalg.norm(left) + 1e-5


def test_two_folders_are_a_list_too(photos: Path, checkpoint: Path, cache: Path, tmp_path: Path) -> None:
    for name, rest in (("with", 1), ("without", 0)):
        (tmp_path / name).mkdir()
        for number in range(rest, COUNT, 2):
            (tmp_path / name / f"{number:03d}.png").symlink_to(photos / f"{number:03d}.png")
    out = tmp_path / "nose.json"
    folders = ["--with", str(tmp_path / "with"), "--without", str(tmp_path / "without"), "--cache", str(cache)]
    assert find_attributes.main([str(checkpoint), *folders, "--attribute", "nose", "-o", str(out), *SOME]) == 0
    (nose,) = json.loads(out.read_text())["directions"]
    assert nose["accuracy"] > 0.8


def exported(checkpoint: Path, path: Path, *words: str) -> MorphModel:
    assert export_onnx.main([str(checkpoint), "-o", str(path), *words]) == 0
    return MorphModel(path, ON_CPU)


def test_directions_go_into_the_models_file_and_nothing_of_it_is_lost(
    photos: Path, labels: Path, checkpoint: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, found = tmp_path / "morph.onnx", tmp_path / "found.json"
    assert exported(checkpoint, path, "--title", "Noses").space.names == ()
    line = ["--faces", str(photos), "--labels", str(labels), "--cache", str(cache), *SOME]
    assert find_attributes.main([str(path), *line, "--attribute", "red_nose=Red_Nose", "-o", str(path)]) == 0
    assert find_attributes.main([str(path), *line, "--attribute", "Left", "-o", str(path)]) == 0
    model = MorphModel(path, ON_CPU)
    assert (model.title, model.space.light, model.space.names) == ("Noses", LIGHT, ("red_nose", "left"))
    assert model.space.direction("red_nose").title == "red nose"
    # What the file's own encoder finds is what the checkpoint's finds.
    assert find_attributes.main([str(checkpoint), *line, "--attribute", "Left", "-o", str(found)]) == 0
    space = LatentSpace.parse(found.read_text(), 20, "found.json")
    assert np.abs(space.mean - model.space.mean).max() < 0.01
    assert np.abs(space.deviation - model.space.deviation).max() < 0.01
    left, again = space.direction("left").values, model.space.direction("left").values
    assert left @ again / np.linalg.norm(left) / np.linalg.norm(again) > 0.98
    # One that cannot be found leaves the file as it was.
    before = path.read_bytes()
    assert find_attributes.main([str(path), *line, "--attribute", "Nobody", "-o", str(path)]) == 2
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["found.json", "morph.onnx"]

    told = exported(checkpoint, tmp_path / "told.onnx", "--directions", str(found)).space
    assert (told.light, told.names) == (LIGHT, ("left",))
    assert told.direction("left").values == pytest.approx(left)
    capsys.readouterr()
    for text, said in (
        (LatentSpace.unknown(21).text(), "21 numbers for 'mean', and the model's codes have 20; find directions with"),
        ("no", "is no JSON"),
    ):
        (tmp_path / "other.json").write_text(text)
        words = [str(checkpoint), "-o", str(tmp_path / "told.onnx"), "--directions", str(tmp_path / "other.json")]
        before = (tmp_path / "told.onnx").read_bytes()
        assert export_onnx.main(words) == 2
        assert said in capsys.readouterr().err
        assert (tmp_path / "told.onnx").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--attribute", "Nobody"], "'Nobody': 0 pictures have it and 120 do not; a direction needs 50 of each"),
        (["--attribute", "-Nobody"], "expected at least one argument"),
        (["--attribute", "x=-Nobody"], "'Nobody': 120 pictures have it and 0 do not"),
        (["--attribute", "Few"], "'Few': 9 pictures have it"),
        (["--attribute", "Red_Noes"], "did you mean 'Red_Nose'?"),
        (["--attribute", "Left", "--apart", "left=rihgt"], "'rihgt' is not asked for"),
        (["--attribute", "Left", "--with", "a", "--without", "b"], "name --faces and --labels, or --with and"),
        (["--attribute", "Left", "--labels", "nowhere.csv"], "cannot read nowhere.csv"),
        (["--attribute", "Nose=Red_Nose"], "direction 'Nose': a name is of a to z, 0 to 9 and _"),
        (["--attribute", "nose="], "write NAME or NAME=COLUMN"),
        (["--attribute", "Left", "left=Red_Nose"], "each name once"),
        (["--attribute", "Left", "-o", "x.onnx"], "directions of checkpoint.pth go into a .json"),
        (["--attribute", "Left", "-o", "nowhere/x.json"], "no folder nowhere for x.json"),
    ],
)
def test_what_cannot_be_is_one_line(
    words: list[str],
    said: str,
    photos: Path,
    labels: Path,
    checkpoint: Path,
    cache: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = [str(checkpoint), "--faces", str(photos), "--labels", str(labels), "--cache", str(cache)]
    assert find_attributes.main([*line, "-o", str(tmp_path / "x.json"), *words]) == 2
    lines = [text for text in capsys.readouterr().err.splitlines() if text.startswith("find_attributes:")]
    assert len(lines) == 1
    assert said in lines[0]
    assert not (tmp_path / "x.json").exists()


def test_the_discriminant_looks_past_what_varies_anyway() -> None:
    # The second number varies ten times as much as the first, and the same on both sides.
    rng = np.random.default_rng(0)
    has = np.repeat(np.array([1, -1], np.int8), 4000)
    codes = rng.normal(0, (1, 10), (8000, 2)) + np.where(has > 0, 1, -1)[:, None] * (1.0, 1.0)
    direction = discriminant(codes, has)
    assert direction[0] == pytest.approx(1, abs=0.02)
    assert accuracy(direction, codes, has, middle(direction, codes, has)) > 0.82
    assert accuracy(np.array([0.0, 1.0]), codes, has, 0) < 0.6
    assert scaled(direction, codes) @ direction == pytest.approx((codes @ direction).std())


def test_apart_from_others_whatever_they_share() -> None:
    others = np.array([[1.0, 0, 0, 0], [1.0, 1, 0, 0], [2.0, 1, 0, 0]])
    left = apart(np.array([5.0, 5, 3, 4]), others)
    assert left == pytest.approx([0, 0, 0.6, 0.8])


@pytest.fixture(scope="module")
def eigenfaces(photos: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE that draws these faces, computed from them."""
    crowd = load_crowd([photos], None, 32, cache, lambda *_: None)
    faces = np.stack([crowd.plain(index, 32) for index in range(len(crowd))])
    torch.manual_seed(0)
    vae = FaceVae(*widths(32, 0.3), latent=26)
    vae.begin_with_eigenfaces([to_tensor(faces, torch.device("cpu"))])
    path = tmp_path_factory.mktemp("eigenfaces") / "checkpoint.pth"
    torch.save({"generator": vae.state_dict(), "settings": {"alignment": "face"}}, path)
    return path


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Red_Nose: how much more red than green there is around the nose. Left: whether there is any light, so always."""
    nose = np.zeros((16, 16, 3), np.float32)
    nose[8:11, 7:9] = np.array([0, -1, 1]) / 6
    weights = np.zeros((FEATURES, 2), np.float32)
    weights[1764:, 0] = nose.ravel()
    weights[1764:, 1] = 1 / 768
    names, border = np.array(["Red_Nose", "Left"]), np.array([0.28, 0.01], np.float32)
    return write_linear(tmp_path_factory.mktemp("judge") / "noses.npz", names=names, weights=weights, threshold=border)


def test_a_judge_sees_what_a_direction_does(
    photos: Path,
    labels: Path,
    eigenfaces: Path,
    judge: Path,
    cache: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "directions.json"
    line = [str(eigenfaces), "--faces", str(photos), "--labels", str(labels), "--cache", str(cache), "-o", str(out)]
    asked = ["--attribute", "nose=Red_Nose", "--hold", "nose=0.1", "--keep-light", "nose", "--judge", str(judge)]
    assert find_attributes.main([*line, *asked, *SOME]) == 0
    found = json.loads(out.read_text())
    (nose,) = found["directions"]
    assert nose["by"] == "means, others held 0.1"
    assert nose["values"][-6:] == [0] * 6
    told = nose["verified"]
    assert (told["attribute"], told["judge"]) == ("Red_Nose", "noses")
    steps = told["own_others_likeness"]
    assert steps["+4"][1:] == [0, None]
    for way in "+-":  # the farther, the more noses
        own = [steps[f"{way}{length}"][0] for length in (1, 2, 3, 4)]
        assert own == sorted(own)
        assert own[-1] >= own[0] + 0.3
    assert "nose, judged" in capsys.readouterr().out

    # A model's own file keeps what was said; what it has already can be judged again, and stays as it was.
    path = tmp_path / "morph.onnx"
    before = exported(eigenfaces, path, "--directions", str(out)).space.direction("nose")
    assert before.verified is not None
    again = [
        str(path),
        "--known",
        "--faces",
        str(photos),
        "--cache",
        str(cache),
        "--judge",
        str(judge),
        "-o",
        str(path),
    ]
    assert find_attributes.main([*again, "--attribute", "nose=Red_Nose", "--held-out", SOME[1]]) == 0
    after = MorphModel(path, ON_CPU).space.direction("nose")
    assert (after.values == before.values).all()
    assert after.verified is not None
    assert after.verified.judge == "noses"
    assert find_attributes.main([*again, "--attribute", "eyes=Red_Nose"]) == 2
    assert "no direction 'eyes'; there are: nose" in capsys.readouterr().err

    assert find_attributes.main([*line, "--attribute", "left=Few", "--judge", str(judge), *SOME]) == 2
    assert "no judge knows the attribute 'Few'; they know: Red_Nose, Left" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--judge", "nowhere.npz"], "no judge nowhere.npz"),
        (["--metric", "x.onnx"], "--metric goes with --judge"),
        (["--known"], "--known goes with --judge, --faces and a model's .onnx"),
        (["--hold", "left=much"], "--hold left=much: write a number from 0"),
        (["--akin", "lfet=Few"], "'lfet' is not asked for (did you mean 'left'?)"),
        (["--judged", "0"], "--judged 0 cannot be"),
    ],
)
def test_what_cannot_be_judged_is_one_line(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = [
        "x.pth",
        "--faces",
        "photos",
        "--labels",
        "x.csv",
        "--attribute",
        "left=Left",
        "-o",
        str(tmp_path / "x.json"),
    ]
    assert find_attributes.main([*line, *words]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]
