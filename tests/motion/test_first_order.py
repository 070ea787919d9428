"""The first-order motion model: its numbers are its authors', in PyTorch and in the written model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from realtime.core.errors import ModelError, OptionError
from realtime.models.card import ModelCard, ModelKind
from realtime.models.motion_model import MotionModel
from realtime.models.runtime.onnx_model import ON_CPU
from tests.exporting.test_checkpoint import Intruder
from tests.motion.networks import POINTS, checkpoint, first_order, part_of
from tools.exporting.check import WrittenModel, compare, sample_inputs
from tools.exporting.model import build_model
from tools.exporting.source import Wishes, open_source
from tools.networks import Part, PictureFormat
from tools.networks.first_order import FirstOrderModel, Pose
from tools.networks.motion import hull_area, inverse_2x2

CHECKPOINT, IO = "fomm-small-trainer-layout.pth.tar", "fomm-small-io.npz"


def test_the_hull_of_points_has_the_area_it_should() -> None:
    square = torch.tensor([[0.0, 0], [2, 0], [2, 3], [0, 3], [1, 1], [1, 0], [2, 1.5]])  # two lie on its edges
    assert float(hull_area(square)) == pytest.approx(6)
    for seed in range(5):
        points = torch.rand(10, 2, generator=torch.Generator().manual_seed(seed))
        hull = cv2.convexHull(points.numpy())
        assert float(hull_area(points)) == pytest.approx(cv2.contourArea(hull), rel=1e-5)


def test_inverses_and_what_has_none() -> None:
    matrices = torch.randn(6, 2, 2, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(inverse_2x2(matrices), torch.linalg.inv(matrices), rtol=1e-4, atol=1e-5)
    assert torch.isfinite(inverse_2x2(torch.zeros(1, 2, 2))).all()


def test_a_motion_is_carried_over_by_its_difference_from_rest() -> None:
    """A square twice as large moves twice as far; turned matrices turn the source's."""
    square = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    none, quarter = torch.eye(2).expand(4, 2, 2), torch.tensor([[0.0, -1], [1, 0]]).expand(4, 2, 2)
    source, rest = Pose(square * 2 - 1, quarter), Pose(square, none)
    moved = Pose(square + torch.tensor([0.1, 0]), quarter).carried_onto(source, rest)
    assert torch.allclose(moved.points, square * 2 - 1 + torch.tensor([0.2, 0]), atol=1e-6)
    assert moved.matrices is not None
    assert torch.allclose(moved.matrices, -none, atol=1e-6)
    unscaled = Pose(square + torch.tensor([0.1, 0]), none).carried_onto(source, rest, scaled=False)
    assert torch.allclose(unscaled.points, square * 2 - 1 + torch.tensor([0.1, 0]), atol=1e-6)


def test_at_rest_it_is_the_source() -> None:
    network = first_order()
    with torch.inference_mode():
        face = _tensor(_smooth(np.random.default_rng(1)))
        source, features = network.motion(face), network.features(face)
        other = network.motion(face.flip(3))
        own, _ = network.draw(features, source, source, source)
        rest, _ = network.draw(features, source, other, other)
        moved, _ = network.draw(features, source, other, source)
    assert torch.allclose(own, rest, atol=2e-3)
    assert (own - moved).abs().max() > 0.02


@pytest.mark.parametrize(
    "network",
    [
        lambda: first_order(),
        lambda: first_order(matrices=1, occlusion=False, width=6),
        lambda: first_order(matrices=0, shrunk=2),
        lambda: first_order(shrunk=1, width=2),
    ],
)
def test_its_configuration_is_read_from_the_shapes(network: Any) -> None:
    built: FirstOrderModel = network()
    tensors = checkpoint(built)
    part = part_of(
        {f"{own}.{name}": value for own in ("generator", "kp_detector") for name, value in tensors[own].items()}
    )
    assert part.kind is ModelKind.MOTION
    assert isinstance(part.network, FirstOrderModel)
    face = torch.rand(1, 3, 256, 256)
    with torch.inference_mode():
        assert torch.equal(part.network.motion(face), built.motion(face))
        assert torch.equal(part.network.features(face), built.features(face))
    assert part.network.motion_count == built.motion_count == POINTS * (2 if built.kp_detector.jacobian is None else 6)


def test_a_trainers_checkpoint_becomes_one_model(tmp_path: Path) -> None:
    network = first_order()
    torch.save(checkpoint(network), tmp_path / "vox-cpk.pth.tar")
    found = open_source(tmp_path / "vox-cpk.pth.tar", Wishes())
    assert found.name == "first_order"
    model = _written(found.parts[0], tmp_path / "vox.onnx")
    assert (model.side_px, model.drawn_px, model.card.network) == (256, 256, "first_order")
    assert model.card.alignment.startswith("mesh coverage=3 ")
    rng = np.random.default_rng(0)
    source, rest, driving = (_smooth(rng) for _ in range(3))
    features = model.features_of(source)
    motions = [model.motion_of(face) for face in (source, rest, driving)]
    got, mask = model.draw(features, *motions)
    with torch.inference_mode():
        seen = [network.motion(_tensor(face)) for face in (source, rest, driving)]
        wanted, new = network.draw(network.features(_tensor(source)), *seen)
    assert np.abs(got - _bytes(wanted)).max() <= 1
    assert np.abs(mask - new[0, 0].numpy() * 255).max() <= 1
    model.close()


def test_halves_and_strangers_are_told(tmp_path: Path) -> None:
    whole = checkpoint(first_order())
    for half, missing in (("generator", "kp_detector"), ("kp_detector", "generator")):
        path = tmp_path / f"{half}.pth.tar"
        torch.save({half: whole[half]}, path)
        with pytest.raises(ModelError, match=f"half of a first-order model: it lacks the .* \\('{missing}'\\)"):
            open_source(path, Wishes())
    other = checkpoint(first_order(width=6))
    torch.save(whole | {"kp_detector": other["kp_detector"]}, tmp_path / "mixed.pth.tar")
    open_source(tmp_path / "mixed.pth.tar", Wishes())  # halves of other widths go together: they share points alone
    five = dict(whole["kp_detector"])
    five["kp.weight"], five["kp.bias"] = torch.zeros(5, *five["kp.weight"].shape[1:]), torch.zeros(5)
    torch.save(whole | {"kp_detector": five}, tmp_path / "five.pth.tar")
    with pytest.raises(ModelError, match="detector finds 5 points and its generator moves 4"):
        open_source(tmp_path / "five.pth.tar", Wishes())
    narrow = dict(whole["generator"])
    narrow["final.weight"] = narrow["final.weight"][:, :2]
    torch.save(whole | {"generator": narrow}, tmp_path / "narrow.pth.tar")
    with pytest.raises(ModelError, match=r"'generator\.final\.weight' is of shape"):
        open_source(tmp_path / "narrow.pth.tar", Wishes())
    torch.save(
        {"region_predictor": whole["kp_detector"], "avd_network": {"a.weight": torch.zeros(2)}}, tmp_path / "a.pth"
    )
    with pytest.raises(ModelError, match="of no known layout"):
        open_source(tmp_path / "a.pth", Wishes())


def test_half_of_the_bits_are_refused() -> None:
    part = Part(ModelKind.MOTION, first_order(side_px=64), PictureFormat(), side_px=64)
    with pytest.raises(OptionError, match="--fp16 is not for motion models"):
        build_model(part, ModelCard(part.kind), half=True)


def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "was-run"
    path = tmp_path / "vox-cpk.pth.tar"
    torch.save(checkpoint(first_order()) | {"optimizer_generator": Intruder(mark)}, path)
    with pytest.raises(ModelError) as caught:
        open_source(path, Wishes())
    assert "\n" not in str(caught.value)
    assert not mark.exists()


@pytest.fixture(scope="module")
def kept(shared_data: Path) -> Any:
    return np.load(shared_data / "motion" / IO)


@pytest.fixture(scope="module")
def network(shared_data: Path) -> FirstOrderModel:
    (part,) = open_source(shared_data / "motion" / CHECKPOINT, Wishes()).parts
    assert isinstance(part.network, FirstOrderModel)
    return part.network


@pytest.mark.shared_data
class TestAgainstTheOriginal:
    """What its authors' code found for a checkpoint of theirs at small width."""

    @pytest.mark.parametrize("picture", ["source", "driving_0", "driving_1", "driving_2"])
    def test_points_and_their_matrices(self, network: FirstOrderModel, kept: Any, picture: str) -> None:
        with torch.inference_mode():
            pose = network.pose(_rgb(kept[picture]))
        _close(pose, kept, f"kp_{picture}")

    @pytest.mark.parametrize("number", [0, 1, 2])
    def test_absolute_and_relative(self, network: FirstOrderModel, kept: Any, number: int) -> None:
        source, rest, now = (_pose(kept, f"kp_{name}") for name in ("source", "driving_0", f"driving_{number}"))
        _close(now.carried_onto(source, rest), kept, f"kp_relative_{number}")
        _close(now.carried_onto(source, rest, scaled=False), kept, f"kp_relative_noscale_{number}")
        _close(now.carried_onto(source, source), kept, f"kp_absolute_{number}")

    def test_the_motion_of_every_pixel(self, network: FirstOrderModel, kept: Any) -> None:
        with torch.inference_mode():
            features = network.features(_rgb(kept["source"]))
            moved = network.moved(features, _pose(kept, "kp_source"), _pose(kept, "kp_relative_1"))
        for made, name in zip(moved, ("mask", "deformation", "occlusion_map"), strict=True):
            assert made is not None
            assert np.abs(made.numpy() - kept[f"{name}_relative_1"]).max() < 1e-3

    @pytest.mark.parametrize(("rest", "number"), [("relative", 1), ("relative", 2), ("absolute", 1)])
    def test_the_picture(self, network: FirstOrderModel, kept: Any, rest: str, number: int) -> None:
        wanted = kept[f"prediction_{rest}_{number}"].astype(np.float32)
        with torch.inference_mode():
            source, first, now = (
                network.motion(_rgb(kept[name])) for name in ("source", "driving_0", f"driving_{number}")
            )
            features = network.features(_rgb(kept["source"]))
            made, _ = network.draw(features, source, first if rest == "relative" else source, now)
        assert np.abs(made.numpy() - wanted).max() < 1e-3

    def test_the_written_model(self, shared_data: Path, kept: Any, tmp_path: Path) -> None:
        (part,) = open_source(shared_data / "motion" / CHECKPOINT, Wishes()).parts
        model = _written(part, tmp_path / "vox.onnx")
        names = ("source", "driving_0", "driving_1", "driving_2")
        faces = {name: np.ascontiguousarray(kept[name][..., ::-1]) for name in names}
        motions = {name: model.motion_of(face) for name, face in faces.items()}
        features = model.features_of(faces["source"])
        for rest, kind, now in (("driving_0", "relative", 1), ("driving_0", "relative", 2), ("source", "absolute", 1)):
            made, _ = model.draw(features, motions["source"], motions[rest], motions[f"driving_{now}"])
            wanted = _bytes(torch.from_numpy(kept[f"prediction_{kind}_{now}"].astype(np.float32)))
            assert np.abs(made - wanted).max() <= 1
        model.close()


def _written(part: Part, path: Path) -> MotionModel:
    """Export as the command does, without taking the time of anything."""
    card = ModelCard(part.kind, network="first_order", alignment=part.alignment)
    path.write_bytes(build_model(part, card).SerializeToString())
    with WrittenModel(path) as whole:
        assert max(row.largest for row in compare(part, whole, sample_inputs(part)[1:2], most_runs=0)) <= 1
    return MotionModel(path, ON_CPU)


def _rgb(picture: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1)[None]


def _tensor(face: NDArray[np.uint8]) -> Tensor:
    return _rgb(np.ascontiguousarray(face[..., ::-1]))


def _bytes(picture: Tensor) -> NDArray[np.float32]:
    grey: NDArray[np.float32] = (picture[0].permute(1, 2, 0) * 255).round().numpy()
    return grey[..., ::-1]


def _smooth(rng: np.random.Generator) -> NDArray[np.uint8]:
    grain = rng.integers(0, 256, (16, 16, 3), np.uint8)
    return np.asarray(cv2.resize(grain, (256, 256), interpolation=cv2.INTER_CUBIC), np.uint8)


def _pose(kept: Any, name: str) -> Pose:
    return Pose(torch.from_numpy(kept[f"{name}_value"][0]), torch.from_numpy(kept[f"{name}_jacobian"][0]))


def _close(pose: Pose, kept: Any, name: str) -> None:
    assert pose.matrices is not None
    assert np.allclose(pose.points.numpy(), kept[f"{name}_value"][0], atol=1e-4)
    assert np.allclose(pose.matrices.numpy(), kept[f"{name}_jacobian"][0], atol=1e-4)
