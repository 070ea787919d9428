"""The whole calibration: signs on a kiosk, a drawn installer before the camera, the shipped detector, a file."""

from __future__ import annotations

import itertools
import os
import tomllib
from pathlib import Path

import numpy as np
import pytest

from realtime import cameras
from realtime.cameras import Camera, CameraRequest, demo
from realtime.core.errors import OptionError
from realtime.gallery.calibration import run as calibration_run
from realtime.gallery.calibration.run import CalibrationRequest, calibrate
from realtime.gallery.calibration.signs import draw_sign
from realtime.gallery.calibration.standing import Hint, Sign, Spot
from realtime.gallery.calibration.views import Place
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.sdl import pygame

pytestmark = pytest.mark.skipif(
    os.environ.get("SDL_VIDEODRIVER") != "dummy", reason="a whole screen: needs SDL_VIDEODRIVER=dummy"
)

FPS = 6.0
ACROSS = {Spot.LEFT: 0.25, Spot.MIDDLE: 0.5, Spot.RIGHT: 0.75, Spot.NEAR: 0.5}
FILE = '# ours\n[gallery]\nname = "Foyer"\n\n[[item]]\neffect = "portrait"  # the first\n'


class Installer:
    """Does what the signs say; time goes by with the frames."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.signs: list[Sign] = []
        self.is_there = True
        self._moments = itertools.count()
        monkeypatch.setattr(calibration_run, "draw_sign", self._read)
        monkeypatch.setattr(demo, "pose_at", self._pose)
        monkeypatch.setattr(cameras, "open_camera", self._open)
        monkeypatch.setattr(calibration_run, "_LAST_SIGN_S", 0.05)

    def clock(self) -> float:
        return next(self._moments) / FPS

    def _read(self, sign: Sign, size: Size) -> Pixels:
        self.signs.append(sign)
        return draw_sign(sign, size)

    def _pose(self, pts_s: float) -> demo.Pose:
        spot = self.signs[-1].spot if self.signs else Spot.MIDDLE
        across = 1 - ACROSS[spot] if self.is_there else 3.0  # the camera's picture is not mirrored
        return demo.Pose(across, 0.4, 1.0 if spot is Spot.NEAR else 0.6, 0.0)

    def _open(self, source: str, request: CameraRequest) -> Camera:
        return demo.Demo("demo", CameraRequest(Size(640, 360), FPS))


def test_an_installer_who_does_what_the_signs_say_calibrates_a_gallery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "gallery.toml"
    path.write_text(FILE)
    installer = Installer(monkeypatch)
    monkeypatch.setattr(calibration_run, "CLOCK", installer.clock)
    calibrate(path, CalibrationRequest("0", place=Place(0, 0)))
    text = path.read_text()
    assert text.startswith(FILE)
    view = tomllib.loads(text)["view"]
    assert view["view_left"] == pytest.approx(0.25, abs=0.01)
    assert view["view_right"] == pytest.approx(0.75, abs=0.01)
    assert (view["right_cm"], view["below_cm"]) == (0, 0)
    taken = [sign.spot for sign in installer.signs if sign.hint is Hint.TAKEN]
    assert taken == list(Spot)
    assert not pygame.display.get_init(), "the screen is given back"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_written_where_nobody_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gallery.toml"
    path.write_text(FILE)
    installer = Installer(monkeypatch)
    installer.is_there = False
    monkeypatch.setattr(calibration_run, "CLOCK", lambda: 10 * installer.clock())
    with pytest.raises(OptionError, match="nobody was seen standing 'left'; the file is as it was"):
        calibrate(path, CalibrationRequest("0"))
    assert path.read_text() == FILE


def test_a_file_that_cannot_be_changed_is_told_before_anybody_walks(tmp_path: Path) -> None:
    path = tmp_path / "gallery.toml"
    path.write_text("[view\n")
    with pytest.raises(OptionError, match="write under"):
        calibrate(path, CalibrationRequest("0"))
    with pytest.raises(OptionError, match="cannot be read"):
        calibrate(tmp_path / "missing.toml", CalibrationRequest("0"))


@pytest.mark.parametrize("hint", Hint)
@pytest.mark.parametrize("size", [Size(320, 180), Size(180, 320)])
def test_every_sign_says_something_of_its_own(hint: Hint, size: Size) -> None:
    signs = [draw_sign(Sign(Spot.MIDDLE, other, 0.5), size) for other in Hint if other is not hint]
    own = draw_sign(Sign(Spot.MIDDLE, hint, 0.5), size)
    assert Size.of(own) == size
    assert not any(np.array_equal(own, other) for other in signs)
