"""A folder of pictures as a source: their order, their rate, and what is odd about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.cameras import CameraRequest
from realtime.cameras.picture_folder import PictureFolder, irregularities
from realtime.control.channel import ControlChannel
from realtime.imaging.frame import Frame
from realtime.imaging.provenance import Provenance
from realtime.outputs import OutputRequest
from realtime.outputs.picture_folder import PictureFolder as PictureFolderOutput
from tests.synthetic import told_in, xmp_of_png
from tests.videos import number_of, numbered


def write(folder: Path, count: int, fps: float = 25.0) -> None:
    output = PictureFolderOutput(f"{folder}/", OutputRequest(ControlChannel(), fps=fps))
    for number in range(count):
        output.show(Frame(numbered(number), 0.0, number / fps, number, provenance=Provenance(("none",))))
    output.close()


def played(camera: PictureFolder) -> list[tuple[int, float]]:
    frames = []
    while (frame := camera.read()) is not None:
        frames.append((number_of(frame.pixels), frame.pts_s))
    return frames


@pytest.mark.parametrize("fps", [25.0, 30000 / 1001, 24000 / 1001, 12.5])
def test_pictures_play_at_the_rate_they_tell(tmp_path: Path, fps: float) -> None:
    write(tmp_path / "row", 12, fps)
    camera = PictureFolder(str(tmp_path / "row"), CameraRequest())
    assert camera.info.fps == fps
    assert camera.info.notes == ()
    assert camera.info.frame_count == 12
    frames = played(camera)
    assert [number for number, _ in frames] == list(range(12))
    assert [time_s for _, time_s in frames] == pytest.approx([number / fps for number in range(12)])
    assert PictureFolder(str(tmp_path / "row"), CameraRequest(fps=50)).info.fps == 50, "what is asked for wins"
    packet = told_in(xmp_of_png((tmp_path / "row" / "000000.png").read_bytes()))
    assert float(packet["xmpDM:videoFrameRate"][0]) == pytest.approx(fps, abs=1e-4)


def test_pictures_that_tell_none_play_at_30_and_it_is_said(tmp_path: Path) -> None:
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.jpg"), numbered(number))
    camera = PictureFolder(str(tmp_path), CameraRequest())
    assert camera.info.fps == 30
    assert camera.info.notes == (
        f"{tmp_path.name}/: the pictures tell no rate; they play at 30 fps, or say another with --fps",
    )
    assert PictureFolder(str(tmp_path), CameraRequest(fps=25)).info.notes == ()


def test_a_name_of_the_folder_is_told_where_it_was_written_as_a_dot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "row", 1)
    monkeypatch.chdir(tmp_path / "row")
    assert PictureFolder(".", CameraRequest()).info.name == "row/"


def row(*names: str) -> list[str]:
    return irregularities([Path(name) for name in names])


def test_what_is_missing_in_a_row_is_told() -> None:
    whole = [f"{number:06d}.png" for number in range(60)]
    assert row(*whole) == []
    assert row(*whole[:10], *whole[11:30], *whole[31:]) == [
        "missing: 000010.png, 000030.png; what comes after them plays that much earlier"
    ]
    assert row(*whole[:10], *whole[20:]) == [
        "missing: 000010.png, 000011.png, 000012.png and 7 more; what comes after them plays that much earlier"
    ]
    assert row("shot2_1.jpg", "shot2_2.jpg", "shot2_4.jpg")[0].startswith("missing: shot2_3.jpg;")


@pytest.mark.parametrize(
    "names",
    [
        ["000000.png"],
        ["face.png"],
        ["a.png", "b.png", "c.png"],
        ["f0010.png", "f0020.png", "f0030.png"],
        ["IMG_2041.jpg", "IMG_2099.jpg", "IMG_3000.jpg"],
        ["20260101120000.png", "20260101120733.png", "20261231235959.png"],
        ["1.png", "01.png"],
    ],
)
def test_what_is_no_row_of_frames_is_not_judged(names: list[str]) -> None:
    assert row(*names) == []


def test_a_stranger_in_the_row_is_named() -> None:
    assert row("0.png", "1.png", "2.png", "cover.png") == [
        "not of one row with the others: cover.png; all play, in the order of their names"
    ]


def test_pictures_of_any_depth_and_kind_make_one_film(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 65535, 161).astype(np.uint16), (91, 1))
    eight = (ramp >> 8).astype(np.uint8)
    half = np.full((91, 161), 128, np.uint8)
    kinds: list[NDArray[Any]] = [
        ramp,
        eight,
        np.dstack([ramp] * 3),
        np.dstack([eight] * 3),
        np.dstack([eight, eight, eight, half]),
    ]
    for number, pixels in enumerate(kinds):
        cv2.imwrite(str(tmp_path / f"{number}.png"), pixels)
    camera = PictureFolder(str(tmp_path), CameraRequest(fps=25))
    for number in range(5):
        frame = camera.read()
        assert frame is not None
        assert frame.pixels.shape == (91, 161, 3)
        assert frame.pixels.dtype == np.uint8
        expected = eight if number < 4 else (eight.astype(int) * 128 + 255 * 127) // 255  # laid on white
        assert np.abs(frame.pixels[:, :, 1].astype(int) - expected).max() <= 1
    assert camera.read() is None
