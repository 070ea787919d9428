from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from realtime.imaging.frame import Pixels
from tools.compare_styles import write_painted
from tools.networks.brush import Brush
from tools.networks.fast_neural_style import FastNeuralStyle


def test_the_sheet_holds_each_picture_and_what_every_run_makes_of_it(navy_photo: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    for name, network in (("usual", FastNeuralStyle((4, 8, 16), 1)), ("fast", Brush(4, 8, 1, normalised=True).eval())):
        (tmp_path / name).mkdir()
        torch.save(network.state_dict(), tmp_path / name / "checkpoint.pth")
    photo = cv2.imread(str(navy_photo))
    assert photo is not None
    portraits: list[Pixels] = [np.asarray(photo[40:136, 200:296], np.uint8), np.asarray(photo[300:396, :96], np.uint8)]

    write_painted(tmp_path / "sheet.png", portraits, [tmp_path / "usual", tmp_path / "fast"])

    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    assert sheet.shape == (2 * 96, 3 * 96, 3)
    assert np.array_equal(sheet[:, :96], np.vstack(portraits))
    with torch.inference_mode():
        rgb = torch.from_numpy(portraits[1][:, :, ::-1].copy()).permute(2, 0, 1)[None] / 255
        painted = network(rgb).clamp(0, 1)[0].flip(0).permute(1, 2, 0).numpy() * 255
    assert np.abs(sheet[96:, 2 * 96 :] - painted).max() <= 1, "blue and red exchanged, or another network"
