"""The whole road, small: photos, a VAE, an attribute that is drawn into half of them, one file, and a live face."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from realtime.core.settings import parse_settings
from realtime.effects import EffectContext
from realtime.effects.morph import MorphEffect, MorphSettings
from realtime.effects.scene import Scene
from realtime.imaging.frame import Face, Frame, Pixels
from tests.extraction.conftest import laid
from tools import export_onnx, find_attributes, train_morph

COUNT = 120
NOSE, RADIUS = (270, 205), 22
FRAMES = 6


@pytest.fixture(scope="module")
def model(photo: Pixels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained for 30 steps on the Navy photo laid in many ways, every second with a red nose, which is called a
    beard here: a setting of the effect.
    """
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("road")
    faces = folder / "faces"
    faces.mkdir()
    red = photo.copy()
    cv2.circle(red, NOSE, RADIUS, (20, 20, 230), -1)
    for number in range(COUNT):
        cv2.imwrite(str(faces / f"{number:03d}.png"), laid(red if number % 2 else photo, number))
    labels = folder / "labels.csv"
    lines = [f"{number:03d}.jpg,{1 if number % 2 else -1}" for number in range(COUNT)]
    labels.write_text("\n".join(["image_id,Red_Nose", *lines]))
    learning = ["--faces", str(faces), "--cache", str(folder / "cache")]
    shape = ["--face-px", "32", "--latent", "26", "--width", "0.2", "--batch", "4", "--device", "cpu"]
    run = [*learning, "-o", str(folder / "run"), "--steps", "30", *shape, "--held-out", "0.1"]
    assert train_morph.main(run) in (0, 1)
    checkpoint, directions, file = folder / "run" / "checkpoint.pth", folder / "nose.json", folder / "nose.onnx"
    asked = ["--labels", str(labels), "--attribute", "beard=Red_Nose", "--held-out", "0.1", "-o", str(directions)]
    assert find_attributes.main([str(checkpoint), *learning, *asked]) == 0
    named = ["--directions", str(directions), "--title", "Noses", "--licence", "CC0"]
    assert export_onnx.main([str(checkpoint), "-o", str(file), *named]) == 0
    return file


def redness(pixels: Pixels, face: Face) -> float:
    """How much redder the nose is than the skin around the mouth's corners."""
    x, y = (int(value) for value in face.keypoints[2])
    nose = pixels[y - 10 : y + 4, x - 8 : x + 8].astype(float)
    return float(nose[..., 2].mean() - nose[..., :2].mean())


def test_what_was_drawn_into_half_of_the_photos_appears_live_and_goes(model: Path, photo: Pixels, face: Face) -> None:
    effect = MorphEffect.open(str(model), parse_settings(MorphSettings, {"beard": 4}, "morph"), EffectContext())

    def live(first: int) -> Pixels:
        """A clip of somebody who sways by some pixels."""
        for index in range(first, first + FRAMES):
            shift = np.array([[1, 0, 3 * np.sin(index)], [0, 1, 0]])
            pixels = cv2.warpAffine(photo, shift, photo.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
            made = effect.make(Scene(Frame(np.asarray(pixels, np.uint8), index / 30, index / 30, index), [face]))
        return made.pixels

    own = redness(photo, face)
    reddened = redness(live(0), face)
    effect.parameters.set("beard", 0.0)
    gone = redness(live(FRAMES), face)
    effect.close()
    assert reddened > own + 15
    assert gone == pytest.approx(own, abs=6)
