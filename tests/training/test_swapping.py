"""From crops to a step: what a network is given, what it is asked for, and what its checkpoint becomes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from realtime.faces.detection.blazeface import open_still
from realtime.faces.landmarks.alignment import FACE, Alignment, cut_face
from realtime.faces.landmarks.mesh import LEFT_EYE_OUTER, MeshModel
from realtime.models.card import ModelKind
from realtime.picture_files.reader import read_picture
from tests.extraction.conftest import laid
from tools.extract_faces import main as extract
from tools.networks import layout_of
from tools.networks.faceswap_autoencoder import FaceswapAutoencoder
from tools.networks.swap_light import SwapLight
from tools.networks.weights import Weights
from tools.training.faces import DETAIL_PLANE, OVAL_PLANE, PLAIN, WARPED, Augmentation, augmented, load_faces
from tools.training.swapping import unlikeness

STILL = Augmentation(64, warp=0, turn_degrees=0, zoom=0, move=0, flip=False, light=0)


@pytest.fixture(scope="module")
def crops(navy_photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person's folder of an extraction: the Navy photo in 18 lights and places."""
    folder = tmp_path_factory.mktemp("navy")
    photo = read_picture(navy_photo)
    (folder / "photos").mkdir()
    for number in range(18):
        cv2.imwrite(str(folder / "photos" / f"{number:02d}.png"), laid(photo, number))
    words = [str(folder / "photos"), "-o", str(folder / "faces"), "--least-difference", "0", "--format", "png"]
    assert extract(words) == 0
    return folder / "faces" / "person-1"


def silent(what: str, share: float) -> None:
    pass


def test_a_network_learns_from_what_the_live_loop_would_give_it(crops: Path, navy_photo: Path, tmp_path: Path) -> None:
    faces = load_faces([crops], 64, tmp_path, silent)
    assert len(faces) == 18
    picture = laid(read_picture(navy_photo), 0)
    detector = open_still()
    mesh = MeshModel().measure(picture, detector.find(picture)[0])
    detector.close()
    live, _ = cut_face(picture, mesh, Alignment.parse(FACE), 64)
    planes = augmented(faces.store.picture(0), faces.mesh(0), STILL, np.random.default_rng(0))
    assert planes.shape == (64, 64, 8)
    # Two of OpenCV's functions made them, which round alike on some processors only.
    assert np.abs(planes[:, :, WARPED].astype(int) - planes[:, :, PLAIN]).max() <= 1
    assert np.abs(planes[:, :, PLAIN][:, :, ::-1].astype(int) - live).mean() < 4
    assert np.abs(np.roll(live, 2, 1).astype(int) - live).mean() > 5  # the bar can fail


def test_the_oval_is_the_face_and_eyes_and_mouth_lie_in_it(crops: Path, tmp_path: Path) -> None:
    faces = load_faces([crops], 64, tmp_path, silent)
    how = Augmentation(64, warp=0.03, turn_degrees=10, zoom=0.05, move=0.05, flip=True, light=0.2)
    for number in range(6):
        planes = augmented(faces.store.picture(number), faces.mesh(number), how, np.random.default_rng(number))
        oval, detail = planes[:, :, OVAL_PLANE] / 255, planes[:, :, DETAIL_PLANE] / 255
        assert 0.3 < oval.mean() < 0.75
        assert 0.02 < detail.mean() < 0.15
        assert (detail * (1 - oval)).sum() < 0.02 * detail.sum()
        # A warped face is another one, but only a little: the same, moved by two pixels or so.
        difference = np.abs(planes[:, :, WARPED].astype(int) - planes[:, :, PLAIN]).mean()
        assert 1 < difference < 40


def test_a_flip_exchanges_left_and_right_of_everything(crops: Path, tmp_path: Path) -> None:
    faces = load_faces([crops], 64, tmp_path, silent)
    picture, mesh = faces.store.picture(3), faces.mesh(3)
    flipped = [
        augmented(picture, mesh, Augmentation(64, 0, 0, 0, 0, True, 0), np.random.default_rng(seed))
        for seed in range(30)
    ]
    plain = augmented(picture, mesh, STILL, np.random.default_rng(0))
    ways = {np.array_equal(each, plain) for each in flipped}
    assert ways == {True, False}
    assert all(np.array_equal(each, plain) or np.array_equal(each, plain[:, ::-1]) for each in flipped)


def test_the_mesh_moves_with_its_crop(crops: Path, tmp_path: Path) -> None:
    small, large = (load_faces([crops], side, tmp_path, silent) for side in (64, 128))
    scale = large.store.places[0][1] / small.store.places[0][1]
    assert scale > 1.8
    middle = np.array([0.5, 0.5, 0], np.float32)
    expected = (small.mesh(0).points[LEFT_EYE_OUTER] + middle) * scale - middle
    assert large.mesh(0).points[LEFT_EYE_OUTER] == pytest.approx(expected, abs=0.05)


def test_a_folder_that_is_no_persons_is_told(crops: Path, tmp_path: Path) -> None:
    from realtime.core.errors import OptionError

    (tmp_path / "loose").mkdir()
    said: dict[Path, str] = {
        tmp_path / "nowhere": "is no folder",
        tmp_path / "loose": "is not of an extraction",
    }
    for folder, words in said.items():
        with pytest.raises(OptionError, match=words):
            load_faces([folder], 64, tmp_path / "cache", silent)
    assert len(load_faces([crops.parent], 64, tmp_path / "cache", silent)) == 18  # its only person is meant
    (crops.parent / "person-2").mkdir()
    try:
        with pytest.raises(OptionError, match="holds person-1, person-2; name one"):
            load_faces([crops.parent], 64, tmp_path / "cache", silent)
        for number in range(3):
            (crops.parent / "person-2" / f"{number + 1:06d}.png").write_bytes((crops / "000001.png").read_bytes())
        (crops.parent / "person-2" / "000004.png").write_bytes(b"broken")
        (crops.parent / "person-2" / "stranger.png").write_bytes(b"broken")
        with pytest.raises(OptionError, match=r"holds 3 faces that can be used \(000004.png .*extract more"):
            load_faces([crops.parent / "person-2"], 64, tmp_path / "cache", silent)
    finally:
        for file in (crops.parent / "person-2").iterdir():
            file.unlink()
        (crops.parent / "person-2").rmdir()


def test_structural_similarity_is_none_for_the_same_and_much_for_another() -> None:
    draw = torch.Generator().manual_seed(0)
    face = nn.functional.interpolate(torch.rand(1, 3, 8, 8, generator=draw), scale_factor=8.0, mode="bilinear")
    assert float(unlikeness(face, face).abs().max()) < 1e-3
    assert float(unlikeness(face, face.flip(3)).mean()) > 0.2
    assert float(unlikeness(face, (face * 0.9)).mean()) < 0.05  # darker is no other shape


SMALL: dict[str, Callable[[], nn.Module]] = {
    "swap_light": lambda: SwapLight((4, 4, 8, 8, 12), (12, 8, 8, 4, 4), 16, 2),
    "faceswap_autoencoder": lambda: FaceswapAutoencoder((4, 8, 8, 16), (8, 8, 4, 4), 12, 2),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_checkpoint_is_known_and_makes_a_part_for_each_side(name: str) -> None:
    network = SMALL[name]()
    weights = Weights(network.state_dict(), "here")
    layout = layout_of(weights)
    assert layout is not None
    assert layout.name == name
    a, b = layout.parts(weights)
    assert [(part.kind, part.suffix) for part in (a, b)] == [(ModelKind.SWAP, "-to-a"), (ModelKind.SWAP, "-to-b")]
    face = torch.rand(1, 3, a.side_px, a.side_px)
    with torch.no_grad():
        drawn = [part.network(face) for part in (a, b)]
        wanted = [network(face, side if name == "swap_light" else side.upper()) for side in "ab"]
    for got, expected in zip(drawn, wanted, strict=True):
        for one, other in zip(as_tuple(got), as_tuple(expected), strict=True):
            assert torch.equal(one, other)
    assert not torch.equal(as_tuple(drawn[0])[0], as_tuple(drawn[1])[0])


def as_tuple(drawn: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return drawn if isinstance(drawn, tuple) else (drawn,)


def test_the_usual_light_network_draws_128_px_with_a_mask() -> None:
    network = SwapLight()
    face, mask = network(torch.rand(2, 3, 128, 128), "a")
    assert face.shape == (2, 3, 128, 128)
    assert mask.shape == (2, 1, 128, 128)
