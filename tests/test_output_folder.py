from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.control.channel import ControlChannel
from realtime.core.errors import OutputError
from realtime.imaging.frame import Frame, Pixels
from realtime.outputs import OutputRequest
from realtime.outputs.picture_folder import PictureFolder


def picture(number: int, side: int = 40) -> Pixels:
    return np.random.default_rng(number).integers(0, 256, (side, side, 3), np.uint8)


def write(folder: Path, count: int, *, overwrite: bool = False) -> None:
    output = PictureFolder(f"{folder}/", OutputRequest(ControlChannel(), overwrite=overwrite))
    for number in range(count):
        output.show(Frame(picture(number), 0.0, number / 30, number))
    output.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_pictures_come_back_bit_for_bit(tmp_path: Path) -> None:
    write(tmp_path / "new", 3)
    assert names(tmp_path / "new") == ["000000.png", "000001.png", "000002.png"]
    for number in range(3):
        np.testing.assert_array_equal(cv2.imread(str(tmp_path / "new" / f"00000{number}.png")), picture(number))


def test_all_pictures_have_the_first_ones_size(tmp_path: Path) -> None:
    output = PictureFolder(str(tmp_path), OutputRequest(ControlChannel()))
    for number, side in enumerate((40, 20, 80)):
        output.show(Frame(picture(number, side), 0.0, 0.0, number))
    output.close()
    for name in names(tmp_path):
        read = cv2.imread(str(tmp_path / name))
        assert read is not None
        assert read.shape == (40, 40, 3)


def test_what_exists_is_not_lost(tmp_path: Path) -> None:
    write(tmp_path, 3)
    (tmp_path / "notes.txt").write_text("precious")
    with pytest.raises(OutputError, match=r"already holds numbered pictures; .* --overwrite"):
        write(tmp_path, 1)
    write(tmp_path, 0, overwrite=True)
    assert len(names(tmp_path)) == 4, "nothing came, nothing is replaced"
    write(tmp_path, 1, overwrite=True)
    assert names(tmp_path) == ["000000.png", "notes.txt"], "two runs are never mixed"


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="create it first"):
        PictureFolder(f"{tmp_path}/nowhere/pictures/", OutputRequest(ControlChannel()))
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="choose another"):
        PictureFolder(f"{tmp_path}/file/", OutputRequest(ControlChannel()))


def test_two_runs_into_one_folder_are_not_mixed(tmp_path: Path) -> None:
    first, second = (PictureFolder(f"{tmp_path}/", OutputRequest(ControlChannel())) for _ in range(2))
    first.show(Frame(np.zeros((4, 4, 3), np.uint8), 0.0, 0.0, 0))
    with pytest.raises(OutputError, match="has been made by somebody else meanwhile"):
        second.show(Frame(np.ones((4, 4, 3), np.uint8), 0.0, 0.0, 0))
    assert [path.name for path in tmp_path.iterdir()] == ["000000.png"]
