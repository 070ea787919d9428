"""What the tray asks for, in a run: another source, another look, and what must be asked twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.control.channel import ControlChannel
from realtime.control.commands import ChooseEffect, ChooseSource, Command, Quit
from realtime.core.registry import RegistryEntry
from realtime.core.stats import RunStats
from realtime.effects import EFFECTS
from realtime.imaging.frame import Size
from realtime.imaging.provenance import SYNTHETIC
from realtime.session.assembly import Run, build
from realtime.session.options import Options

SAID: list[str] = []

Step = Callable[[Run], object]


@pytest.fixture(autouse=True)
def effects(monkeypatch: pytest.MonkeyPatch) -> None:
    SAID.clear()
    monkeypatch.setattr(ControlChannel, "say", lambda self, message, for_s=4.0: SAID.append(message))
    for name in ("Grey", "Mask"):
        monkeypatch.setitem(EFFECTS, name.lower(), RegistryEntry("tests.scenes.grey", name, "one grey level"))


def sends(command: Command) -> Step:
    def send(run: Run) -> bool:
        run.supervisor.controls.send(command)
        return True

    return send


def play(effect: str, *steps: Step) -> Run:
    """Run until each step has been true, one after the other."""
    options = Options(source="demo", size=Size(64, 48), output=("none",), effect=(effect,))
    run = build(options, lambda what, share: None, RunStats())
    left = list(steps)

    def look(processed: int) -> None:
        if processed > 2 and left and left[0](run):
            left.pop(0)
        if not left:
            run.supervisor.controls.send(Quit())

    run.supervisor.on_processed = look
    run.go()
    return run


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Three pictures, which are over in a tenth of a second."""
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((24, 32, 3), 50 * number, np.uint8))
    return tmp_path


def test_a_film_that_is_chosen_begins_again_at_its_end(film: Path) -> None:
    captured: list[int] = []

    def is_read(run: Run) -> bool:
        status = run.supervisor.controls.status
        if status.source_spec == str(film):
            captured.append(run.loop.stats.captured)
        return len(captured) > 1 and captured[-1] > captured[0] + 12

    run = play("none", sends(ChooseSource(str(film))), is_read)
    assert run.loop.stats.source["size"] == [32, 24]
    assert run.supervisor.controls.status.source == f"{film.name}/"


def test_a_source_that_does_not_open_leaves_the_picture_as_it_was(tmp_path: Path) -> None:
    run = play("none", sends(ChooseSource(str(tmp_path / "gone.mp4"))), lambda run: any("gone.mp4" in s for s in SAID))
    assert run.supervisor.source == "demo"


def test_what_a_source_says_of_itself_goes_with_its_pictures() -> None:
    def tell(run: Run) -> bool:
        run.loop.chain.tell_source(SYNTHETIC)
        return True

    def is_marked(run: Run) -> bool:
        newest = run.loop.newest
        return newest is not None and newest.provenance is not None and newest.provenance.source_type == SYNTHETIC

    run = play("none", tell, is_marked)
    assert is_marked(run)


def test_a_tile_does_not_bare_a_face_at_the_first_press() -> None:
    question = "press again: your own face will be seen"
    shown: list[str] = []

    def is_asked(run: Run) -> bool:
        shown.append(run.loop.chain.look_spec)
        return question in SAID

    run = play(
        "mask:a",
        sends(ChooseEffect("none")),
        is_asked,
        sends(ChooseEffect("none")),
        lambda run: run.loop.chain.look_spec == "none",
    )
    assert set(shown) == {"mask:a"}
    assert run.loop.stats.effects == ["none"]
