"""A face that an effect has made is a picture like any other: kept whole, with how it was made, and used."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.control.channel import ControlChannel
from realtime.control.commands import ChooseEffect, KeepFace, named_command
from realtime.core.errors import OptionError
from realtime.effects.plain import Plain
from realtime.imaging.frame import Pixels
from realtime.imaging.provenance import SYNTHETIC, Provenance, stated_by
from realtime.session.snapshots import Snapshots
from tests.doubles import DrawnCamera, KeepingOutput
from tests.test_loop import make_loop, wait_for

FACE = np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8)


class Drawing(Plain):
    def still_picture(self) -> Pixels | None:
        return FACE


def test_it_is_saved_whole_and_says_how_it_was_made(tmp_path: Path) -> None:
    used: list[Path] = []
    kept = Snapshots(tmp_path, lambda path: pytest.fail("nobody records"), lambda text: None)
    kept.save_face(FACE, Provenance(("walk:nobody",), SYNTHETIC), used.append)
    kept.close()
    (path,) = tmp_path.iterdir()
    assert used == [path]
    assert path.name.startswith("realtime-face-")
    assert np.array_equal(np.asarray(cv2.imread(str(path))), FACE), "its own size, to the bit, without a label"
    assert stated_by(path) == SYNTHETIC
    assert b"walk:nobody" in path.read_bytes()


def test_where_it_cannot_be_saved_nothing_is_used(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "file").touch()
    kept = Snapshots(tmp_path / "file" / "none", lambda path: pytest.fail("nobody records"), said.append)
    kept.save_face(FACE, Provenance(()), lambda path: pytest.fail("there is nothing to use"))
    kept.close()
    assert len(said) == 1


def test_the_command_keeps_it_and_shows_the_effect_that_is_named_with_it(tmp_path: Path) -> None:
    controls = ControlChannel()
    made = make_loop(DrawnCamera(3), [KeepingOutput()], [Drawing()], folder=tmp_path, controls=controls)
    made.supervisor._obey(KeepFace("swap"))
    assert wait_for(lambda: not controls._commands.empty())
    (path,) = tmp_path.glob("realtime-face-*.png")
    assert controls._commands.get() == ChooseEffect(f"swap:{path}")
    made.supervisor._obey(KeepFace())
    made.supervisor._snapshots.close()
    assert len(list(tmp_path.glob("realtime-face-*.png"))) == 2
    assert controls._commands.empty(), "kept, and nothing else"


def test_an_effect_that_makes_none_says_so(tmp_path: Path) -> None:
    controls = ControlChannel()
    made = make_loop(DrawnCamera(3), [KeepingOutput()], [Plain()], folder=tmp_path, controls=controls)
    made.supervisor._obey(KeepFace("swap"))
    assert "makes a face of its own" in controls.message
    assert list(tmp_path.iterdir()) == []


def test_both_have_names() -> None:
    assert named_command("keep-face").command() == KeepFace()
    assert named_command("use_face").command("portrait") == KeepFace("portrait")
    with pytest.raises(OptionError):
        named_command("use-face").command(3.5)
