"""What judges say of a step along a direction, counted by hand, and judges that are none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.core.errors import ModelError, OptionError
from realtime.faces.landmarks.mesh import EYE_CORNERS, POINT_COUNT, FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from tests.tiny_models import negative_style
from tools.attributes.directions import difference, held
from tools.attributes.judges import Bench, Judge, frame_to_picture, framed, open_judge
from tools.attributes.verification import Effect, Sitter, Sitting, compared, fault, table

FEATURES = 1764 + 3 * 16 * 16


class ColourJudge(Judge):
    """Red and Green: whether the middle of a face is."""

    def __init__(self) -> None:
        super().__init__("colours", ("Red", "Green"))

    def probabilities(self, faces: Sequence[Pixels]) -> NDArray[np.float32]:
        middles = np.stack([face[100:130, 80:100].mean((0, 1)) for face in faces])
        return np.asarray(middles[:, [2, 1]] > 127, np.float32)


def write_linear(path: Path, **changed: object) -> Path:
    """A judge of light faces: the mean of all colours above one half."""
    weights = np.zeros((FEATURES, 2), np.float32)
    weights[1764:, 0] = 1 / 768
    parts = {
        "names": np.array(["Light", "Dark"]), "mean": np.zeros(FEATURES, np.float32),
        "std": np.ones(FEATURES, np.float32), "weights": weights * (1, -1) + weights[:, ::-1] * (1, -1),
        "bias": np.zeros(2, np.float32), "threshold": np.array([0.5, -0.5], np.float32),
    }  # fmt: skip
    np.savez(path, **{name: value for name, value in (parts | changed).items() if value is not None})  # type: ignore[arg-type]
    return path


def mesh(left: tuple[float, float], right: tuple[float, float]) -> FaceMesh:
    points = np.zeros((POINT_COUNT, 3), np.float32)
    for corners, (x, y) in zip(EYE_CORNERS, (left, right), strict=True):
        points[list(corners), :2] = [(x - 5, y), (x + 5, y)]
    return FaceMesh(points, 1.0)


def test_who_crosses_over_is_counted_among_those_who_could() -> None:
    bench = Bench([ColourJudge()])
    yes, no = True, False
    before = {"Red": np.array([[yes, no, no, no, yes]]), "Green": np.array([[no, no, yes, yes, yes]])}
    after = {"Red": np.array([[no, yes, yes, no, yes]]), "Green": np.array([[no, yes, no, yes, yes]])}
    # Three were not red and two of them became so; green changed in two of five, to either side.
    forward = compared(bench, before, after, "Red", 3)
    assert (forward.could, forward.crossed, forward.others, forward.worst) == (3, (2 / 3,), 0.4, ("Green", 0.4))
    # Back, and an attribute turned round: two were red, one of them is no more.
    assert compared(bench, before, after, "Red", -3).crossed == (0.5,)
    assert compared(bench, before, after, "-Red", 3).crossed == (0.5,)
    # What is the same thing by another name is no other.
    assert compared(bench, before, after, "Red", 3, ["Green"]).others == 0
    with pytest.raises(OptionError, match=r"no judge knows the attribute 'Rde' \(did you mean 'Red'\?\)"):
        compared(bench, before, after, "Rde", 3)


def test_of_two_judges_the_first_decides() -> None:
    class Contrary(ColourJudge):
        def probabilities(self, faces: Sequence[Pixels]) -> NDArray[np.float32]:
            return 1 - super().probabilities(faces)

    red = np.zeros((218, 178, 3), np.uint8)
    red[..., 2] = 255
    found = Bench([ColourJudge(), Contrary()]).answers([red])
    assert (found["Red"].tolist(), found["Green"].tolist()) == ([[True], [False]], [[False], [True]])


def test_a_direction_that_changes_others_more_than_its_own_is_left_out() -> None:
    # Codes are (red, green) of a plain face; one direction reddens, the other greens nearly all and reddens few.
    codes = np.array([[60, 60], [70, 60], [80, 60], [90, 60]], np.float32)
    flat = mesh((69.5, 112.5), (108, 112.7))
    sitters = [Sitter(np.zeros((218, 178, 3), np.uint8), flat) for _ in codes]

    def decode(given: Floats) -> Floats:
        faces = np.zeros((len(given), 32, 32, 3), np.float32)
        faces[..., 2], faces[..., 1] = given[:, 0, None, None], given[:, 1, None, None]
        return faces

    def shown(_: Sitter, __: Floats, after: Floats) -> Pixels:
        return np.full((218, 178, 3), after[0, 0], np.uint8)

    sitting = Sitting(sitters, codes, decode, Bench([ColourJudge()]), carry=shown)
    good = [sitting.effect("Red", np.array([20.0, 1.0]), step) for step in (-3, 3)]
    assert (good[1].could, good[1].crossed, good[1].others) == (4, (0.75,), 0)
    assert fault(good) == ""
    bad = [sitting.effect("Red", np.array([14.0, 30.0]), step) for step in (-3, 3)]
    assert (bad[1].crossed, bad[1].others) == ((0.25,), 1)
    assert fault(bad) == "at +3 it changes Green in 100% of people and itself crosses over in 25%"
    assert "25.0%    100.0%" in table("red", bad, ["colours"])
    # At other steps nothing is decided, and where nobody could cross over nothing is known.
    assert fault([Effect(4, 9, (0.1,), 0.5, ("Green", 0.5)), Effect(3, 0, (float("nan"),), 0.5, ("Green", 0.5))]) == ""


def test_held_still_by_others() -> None:
    rng = np.random.default_rng(0)
    has = rng.integers(0, 2, (2, 20000)) * 2 - 1
    has[1] = np.where(rng.random(20000) < 0.8, has[0], has[1])  # of two attributes that come together …
    codes = rng.normal(0, 1, (20000, 3)) * (1, 5, 1)
    codes[:, 0] += has[0]
    codes[:, 1] += 5 * has[1]
    own, other = difference(codes, has[0]), difference(codes, has[1])
    share = [abs(held(codes, own, other[None], strength) @ (0, 1, 0)) for strength in (0.0, 1.0, 1e6)]
    assert share[0] == pytest.approx(own[1] / np.linalg.norm(own), abs=1e-6)
    assert share[0] > share[1]  # … one moves the other's number less
    inverse = np.linalg.inv(np.cov(codes, rowvar=False))
    assert abs(held(codes, own, other[None], 1e6) @ inverse @ other) < 0.02
    assert held(codes, own, np.empty((0, 3)), 1.0) == pytest.approx(own / np.linalg.norm(own))


def test_faces_are_framed_by_their_eyes() -> None:
    matrix = frame_to_picture(mesh((139, 225), (216, 225.4)))
    assert matrix @ (69.5, 112.5, 1) == pytest.approx((139, 225), abs=0.01)
    assert matrix @ (108, 112.7, 1) == pytest.approx((216, 225.4), abs=0.01)
    picture = np.random.default_rng(0).integers(0, 256, (218, 178, 3), np.uint8)
    assert np.abs(framed(picture, mesh((69.5, 112.5), (108, 112.7))).astype(int) - picture).max() <= 1


def test_a_linear_judge(tmp_path: Path) -> None:
    judge = open_judge(write_linear(tmp_path / "light.npz"))
    assert (judge.name, judge.attributes) == ("light", ("Light", "Dark"))
    grey = [np.full((218, 178, 3), value, np.uint8) for value in (110, 145)]
    assert (judge.probabilities(grey) > 0.5).tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"threshold": None}, "has no 'threshold'; a judge is an .npz of names, mean, std"),
        ({"mean": np.zeros(7, np.float32)}, r"'mean' is float32 \[7\], not numbers \[2532\]"),
        ({"bias": np.array([0, np.nan], np.float32)}, "'bias' is float32"),
        ({"names": np.array(["Light", "Light"])}, "'names' must name each attribute once"),
        ({"names": np.array([{}, {}], object)}, "is no judge that can be read"),
    ],
)
def test_a_linear_judge_that_is_none(changed: dict[str, object], said: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=said) as error:
        open_judge(write_linear(tmp_path / "x.npz", **changed))
    assert "\n" not in str(error.value)


def test_files_that_are_no_judges(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"no archive")
    (tmp_path / "x.onnx").write_bytes(b"\xff no model")
    style = negative_style(tmp_path / "style.onnx")
    for path, said in (
        (tmp_path / "gone.npz", "no judge"),
        (tmp_path / "x.npz", "is no judge that can be read"),
        (tmp_path / "x.onnx", "ONNX"),
        (style, "is no judge that is known"),
    ):
        with pytest.raises(ModelError, match=said) as error:
            open_judge(path)
        assert "\n" not in str(error.value)
