"""The network that sees what stands before a face: what it learns from, and that it learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from realtime.face_compositing.occlusion.appearance_model import AppearanceModel
from realtime.face_compositing.occlusion.network import CHANNELS, OccluderNetwork, describe
from realtime.face_compositing.occlusion.uv_view import SIDE, UVView
from realtime.faces.detection.still_pictures import find_faces
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import MeshModel
from realtime.picture_files.painting import read_picture
from tools.in_front.occluders import draw_thing
from tools.in_front.samples import Film, samples_of, still_film
from tools.networks.in_front import InFront
from tools.train_in_front import Pool, judge, learn, write


@pytest.fixture(scope="module")
def meter() -> FaceMeasurer:
    return FaceMeasurer()


@pytest.fixture(scope="module")
def film(navy_photo: Path, meter: FaceMeasurer) -> Film:
    picture = read_picture(navy_photo)[0]
    mesh = meter.meshes.measure(picture, find_faces(picture, meter)[0])
    return still_film("navy", picture, mesh, 40, np.random.default_rng(1))


@pytest.fixture(scope="module")
def pool(film: Film) -> Pool:
    model = MeshModel(step_px=2.0)
    random = np.random.default_rng(2)
    return Pool.of([sample for _ in range(4) for sample in samples_of(film, model, random, 34)])


def test_what_is_drawn_is_where_it_is_said_to_be(film: Film) -> None:
    """Beside a thing its shadow may lie, and nothing else changes; most things differ from the face they cover."""
    random = np.random.default_rng(3)
    shares = []
    for _ in range(40):
        picture, mask = draw_thing(film.pictures[0], film.meshes[0], random)
        assert picture.dtype == mask.dtype == np.uint8
        assert mask.shape == picture.shape[:2]
        brighter = (picture.astype(int) - film.pictures[0]).max(axis=2)
        assert brighter[mask == 0].max() <= 1, "a shadow darkens"
        shares.append(float((mask > 127).mean()))
    assert 0.02 < np.mean(shares) < 0.5
    assert max(shares) < 0.9


def test_a_face_alone_and_one_with_something_before_it_are_told_apart(pool: Pool) -> None:
    covered = (pool.in_front > 127).mean(axis=(1, 2))
    assert (covered == 0).mean() > 0.4
    assert (covered > 0.02).mean() > 0.25
    now, usual = pool.told[:, :3].astype(int), pool.told[:, 3:6].astype(int)
    apart = np.abs(now - usual).sum(axis=1)
    seen = pool.counts > 128
    assert apart[(pool.in_front > 200) & seen].mean() > 1.5 * apart[(pool.in_front < 20) & seen].mean()


def test_it_learns(pool: Pool) -> None:
    torch.manual_seed(1)
    network = InFront()
    (_, first), (_, last) = (list(learn(network, pool, steps, 8, 3e-3, seed=1))[-1] for steps in (15, 100))
    assert last < 0.7 * first
    before, after = judge(InFront(), pool), judge(network, pool)
    assert after.found - after.beside > before.found - before.beside + 0.2


def test_the_written_network_says_what_the_trained_one_says(pool: Pool, tmp_path: Path) -> None:
    network = InFront().eval()
    write(network, tmp_path / "in_front.onnx")
    random = np.random.default_rng(4)
    memory = AppearanceModel()
    lab = random.uniform(0, 255, (SIDE, SIDE, 3)).astype(np.float32)
    memory.begin(lab, np.ones((SIDE, SIDE), np.float32))
    now = UVView(lab[::-1].copy(), np.ones((SIDE, SIDE), np.float32), np.zeros((8, 8, 3), np.uint8))
    told = np.empty((CHANNELS, SIDE, SIDE), np.float32)
    describe(now, memory, told)
    with torch.no_grad():
        wanted = torch.sigmoid(network(torch.from_numpy(told)[None]))[0, 0].numpy()
    found = OccluderNetwork((tmp_path / "in_front.onnx").read_bytes()).find(now, memory)
    assert np.abs(found - wanted).max() < 1e-4
    assert (tmp_path / "in_front.onnx").stat().st_size < 600_000


def test_what_is_told_does_not_depend_on_exposure_and_white_balance() -> None:
    """Only on what differs from the face's mean colour: the network is never told whose skin it is."""
    random = np.random.default_rng(5)
    lab = random.uniform(60, 160, (SIDE, SIDE, 3)).astype(np.float32)
    seen = np.ones((SIDE, SIDE), np.float32)
    told = []
    for moved in (0.0, 40.0):
        memory = AppearanceModel()
        memory.begin(lab + moved, seen)
        out = np.empty((CHANNELS, SIDE, SIDE), np.float32)
        describe(UVView(lab + moved + 5, seen, np.zeros((8, 8, 3), np.uint8)), memory, out)
        told.append(out)
    assert np.abs(told[0] - told[1]).max() < 1e-3
