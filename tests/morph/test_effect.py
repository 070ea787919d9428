"""The effect: what is set is seen, on the face and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.core.errors import RealtimeError
from realtime.core.settings import parse_settings
from realtime.effects import EffectContext
from realtime.effects.morph import MorphEffect, MorphSettings
from realtime.effects.scene import Scene
from realtime.imaging.frame import Face, Frame, Pixels
from realtime.imaging.numerics import Floats
from realtime.models.latent_space import Direction, LatentSpace
from realtime.morph.model import MorphModel
from realtime.morph.person import photo_share
from realtime.picture_files.samples import sample_photo
from tests import tiny_models


def space() -> str:
    """`smile` takes away red, `beard` all colours."""
    ways = {"smile": (0, 0, -0.1), "beard": (-0.2, -0.2, -0.2)}
    directions = tuple(
        Direction(name, name, "means", 0.9, np.array(values, np.float32)) for name, values in ways.items()
    )
    return LatentSpace(0, np.zeros(3, np.float32), np.ones(3, np.float32), directions).text()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_models.shaded_morph(tmp_path / "shaded.onnx", space())


def opened(argument: str, *, waits: bool = False, **settings: object) -> MorphEffect:
    """`waits`: as in recorded material, so that each picture has what the network says of the one before."""
    context = EffectContext(every_frame=waits)
    return MorphEffect.open(argument, parse_settings(MorphSettings, settings, "morph"), context)


@pytest.fixture
def effect(model: Path) -> Iterator[MorphEffect]:
    found = opened(str(model), smile=2)
    yield found
    found.close()


def make(effect: MorphEffect, photo: Pixels, face: Face, index: int = 0) -> Pixels:
    return effect.make(Scene(Frame(photo, index / 30, index / 30, index), [face])).pixels


def change(made: Pixels, photo: Pixels, face: Face) -> Floats:
    """Return how much each colour changed between the eyes and the mouth, BGR."""
    x, y = (int(value) for value in face.keypoints[:4].mean(axis=0))
    part = (slice(y - 10, y + 10), slice(x - 15, x + 15))
    return np.asarray(made[part].mean((0, 1)) - photo[part].mean((0, 1)), np.float32)


def test_a_step_changes_the_face_and_nothing_beside_it(effect: MorphEffect, photo: Pixels, face: Face) -> None:
    made = make(effect, photo, face)
    blue, green, red = change(made, photo, face)
    assert abs(blue) < 1
    assert abs(green) < 1
    assert red < -10
    assert np.array_equal(made[:20], photo[:20])
    assert np.array_equal(made[-20:], photo[-20:])


def test_amount_0_is_the_frame_to_the_bit(effect: MorphEffect, photo: Pixels, face: Face) -> None:
    effect.parameters.set("amount", 0.0)
    assert make(effect, photo, face) is not None
    assert np.array_equal(make(effect, photo, face, 1), photo)


def test_what_is_set_while_it_runs_is_seen_in_the_next_frame(effect: MorphEffect, photo: Pixels, face: Face) -> None:
    first = change(make(effect, photo, face), photo, face)
    effect.parameters.set("smile", -2.0)
    turned = change(make(effect, photo, face, 1), photo, face)
    assert first[2] < -10
    assert turned[2] > 4, "a photo of red skin: little more of it is to be had"
    effect.parameters.set("smile", 0.0)
    effect.parameters.set("beard", 2.0)
    assert (change(make(effect, photo, face, 2), photo, face) < -15).all()


def test_only_what_the_model_has_can_be_set(effect: MorphEffect, model: Path) -> None:
    """Glasses are drawn, whatever the model; below 0 they are the model's."""
    names = [one.name for one in effect.parameters]
    assert names == ["smile", "glasses", "beard", "frame", "amount", "show", "in_front", "walk"]
    with pytest.raises(RealtimeError, match=r"morph.brows: .* has no such direction; it has: smile, beard$"):
        opened(str(model), brows=1)
    with pytest.raises(RealtimeError, match=r"morph.glasses: .* has no such direction; it has: smile, beard$"):
        opened(str(model), glasses=-1)
    with pytest.raises(RealtimeError, match=r"no setting 'glases' .did you mean 'glasses'"):
        opened(str(model), glases=1)


def test_with_nothing_set_it_smiles(model: Path, photo: Pixels, face: Face) -> None:
    effect = opened(str(model))
    assert effect.parameters.values.smile == 2
    effect.close()


def test_a_photo_is_mixed_in(model: Path, photo: Pixels, face: Face) -> None:
    """The same photo, half of it over itself, changes nothing."""
    effect = opened(f"{model}:{sample_photo()}", mix=0.32)
    assert 0.45 < photo_share(0.32) < 0.55
    assert effect.parameters.values.smile == 0
    assert np.abs(change(make(effect, photo, face), photo, face)).max() < 4
    effect.close()


def test_half_way_more_than_half_of_the_photos_pixels_are_seen_and_at_both_ends_none_and_all() -> None:
    assert (photo_share(0.0), photo_share(1.0)) == (0.0, 1.0)
    shares = [photo_share(mix / 20) for mix in range(21)]
    assert shares == sorted(shares)
    assert 0.6 < shares[10] < 0.8


def test_mixed_with_a_photo_eyes_stay_the_viewers_and_the_network_rests(
    model: Path, photo: Pixels, face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = np.asarray(photo * np.array([1, 1, 0.5]), np.uint8)  # in another light: what a code would bring, is seen
    effect = opened(f"{model}:{sample_photo()}", waits=True, mix=1.0)
    monkeypatch.setattr(MorphModel, "begin", None)
    made = make(effect, viewer, face)
    for x, y in face.keypoints[:2].astype(int):
        part = (slice(y - 2, y + 3), slice(x - 2, x + 3))
        assert np.abs(made[part].mean((0, 1)) - viewer[part].mean((0, 1))).max() < 12
    assert np.abs(made.astype(int) - viewer).max() > 20
    effect.close()


def test_two_people_are_mixed_into_each_other(model: Path, photo: Pixels, face: Face) -> None:
    """One in red light, one as they are: each takes on some of the other's colour, once both are known."""
    import dataclasses

    both = np.concatenate([photo, photo], axis=1)
    both[:, : photo.shape[1], :2] //= 2
    right = face.mirrored(photo.shape[1]).mirrored(photo.shape[1] * 2)
    other = dataclasses.replace(
        right, box=face.box._replace(left=face.box.left + photo.shape[1]),
        keypoints=face.keypoints + np.array([photo.shape[1], 0], np.float32), track_id=2,
    )  # fmt: skip
    left = dataclasses.replace(face, track_id=1)
    effect = opened(f"{model}:everyone", waits=True, mix=0.5)
    frames = [
        effect.make(Scene(Frame(both, index / 30, index / 30, index), [left, other])).pixels for index in range(3)
    ]
    assert np.abs(change(frames[0], both, left)).max() < 1, "before both are known nobody is changed"
    assert change(frames[2], both, left)[0] > 5
    assert change(frames[2], both, other)[0] < -5
    effect.close()


def test_nobody_there_is_the_frame(effect: MorphEffect, photo: Pixels) -> None:
    frame = Frame(photo, 0.0, 0.0, 0)
    assert effect.make(Scene(frame, [])) is frame


def test_decoded_shows_the_networks_own_picture(effect: MorphEffect, photo: Pixels, face: Face) -> None:
    """The tiny model draws one colour: the eyes are gone, and her glasses too where nothing counts as in front."""
    effect.parameters.set("show", "decoded")
    effect.parameters.set("in_front", False)
    made = make(effect, photo, face)
    x, y = (int(value) for value in face.keypoints[:2].mean(axis=0))
    eyes = (slice(y - 8, y + 8), slice(x - 40, x + 40))
    assert made[eyes].mean(2).std() < photo[eyes].mean(2).std() / 4


def test_a_mix_shows_as_much_of_the_photos_own_pixels(model: Path, photo: Pixels, face: Face) -> None:
    """A blurred viewer, mixed with a sharp photo."""
    blurred, box = photo.copy(), face.box
    region = (slice(int(box.top), int(box.top + box.height)), slice(int(box.left), int(box.left + box.width)))
    blurred[region] = cv2.blur(photo[region], (25, 25))
    detail = []
    for mix in (0.0, 0.5, 1.0):
        effect = opened(f"{model}:{sample_photo()}", mix=mix)
        made = make(effect, blurred, face)[region]
        detail.append(float(cv2.Laplacian(made[60:100, 40:80], cv2.CV_64F).var()))
        effect.close()
    assert detail[0] < detail[1] < detail[2]
