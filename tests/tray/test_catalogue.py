"""What can be chosen is listed, and shown on the newest frame, beside the run."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from realtime.cameras.listing import ListedCamera, ListedMode
from realtime.control.channel import ControlChannel, ListedScene, Status
from realtime.control.commands import ChooseEffect, ChooseScene, ChooseSource, Command, KeepScene
from realtime.control.offers import Category
from realtime.imaging.frame import Frame, Size
from realtime.session.offers import listing
from realtime.session.offers.catalogue import Catalogue
from realtime.session.offers.thumbnail_maker import SpareTime
from realtime.session.options import Options


@pytest.fixture
def controls() -> ControlChannel:
    channel = ControlChannel()
    picture = np.random.default_rng(3).integers(0, 256, (180, 320, 3), np.uint8)
    channel.untouched_picture = lambda: Frame(picture, 0.0, time.monotonic(), 0)
    channel.status = Status(effect="none", spec="none")
    return channel


@pytest.fixture
def catalogue(controls: ControlChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalogue]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    one = Catalogue(controls, Options(scenes=tmp_path / "scenes"))
    one.start()
    yield one
    one.close()


def until(true: Callable[[], object], within_s: float = 120.0) -> None:
    give_up_at_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < give_up_at_s
        time.sleep(0.02)


def commands(controls: ControlChannel) -> list[Command]:
    found = []
    while (command := controls.next_command()) is not None:
        found.append(command)
    return found


def processes(catalogue: Catalogue) -> list[subprocess.Popen[bytes]]:
    return [] if catalogue._helper is None else [catalogue._helper._process]


def category(catalogue: Catalogue, name: str) -> Category:
    return next(category for category in catalogue.categories if category.name == name)


def test_everything_is_listed_and_shown_on_the_viewer(catalogue: Catalogue, controls: ControlChannel) -> None:
    evening = ListedScene(3, "Evening", Path("/s/3-Evening.toml"), None, ("style:night",))
    controls.scenes = lambda: (evening,)
    assert processes(catalogue) == [], "nothing is begun before somebody looks"
    catalogue.watch("Background")
    until(lambda: len(catalogue.categories) == 6)
    assert [one.name for one in catalogue.categories] == [*listing.ORDER, "Scenes"]
    looks = category(catalogue, "Looks").offers
    assert (looks[0].spec, looks[0].title, looks[0].is_bare) == ("none", "Camera", True)
    assert {"style:night", "style:woodblock"} <= {offer.spec for offer in looks}
    scenes = category(catalogue, "Scenes")
    assert scenes.keeps == KeepScene()
    assert [(one.title, one.number, one.command) for one in scenes.offers] == [("Evening", 3, ChooseScene("Evening"))]
    until(lambda: catalogue.thumbnail("background:green") is not None)
    green = catalogue.thumbnail("background:green")
    assert green is not None
    assert tuple(np.median(green.reshape(-1, 3), axis=0)) == (0, 255, 0)
    (process,) = processes(catalogue)
    catalogue.close()
    assert process.poll() is not None


def test_what_runs_has_a_tile_though_nobody_keeps_it(
    catalogue: Catalogue, controls: ControlChannel, tmp_path: Path
) -> None:
    controls.status = Status(effect="swap", spec="swap:/photos/anna.jpg")
    catalogue._categories.set_listed(tuple(Category(name) for name in listing.ORDER))
    catalogue._add_what_is_shown()
    (offer,) = category(catalogue, "Faces").offers
    assert (offer.spec, offer.title, offer.is_bare) == ("swap:/photos/anna.jpg", "Anna", False)


def test_dropped_photos_become_tiles_and_the_first_is_worn(
    catalogue: Catalogue, controls: ControlChannel, navy_photo: Path, tmp_path: Path
) -> None:
    other = tmp_path / "ben.jpg"
    other.write_bytes(navy_photo.read_bytes())
    notes = tmp_path / "notes.txt"
    notes.write_text("x")
    catalogue._categories.set_listed(tuple(Category(name) for name in listing.ORDER))
    catalogue._taker.take([notes, navy_photo, other], "Looks")
    assert [offer.title for offer in category(catalogue, "Faces").offers] == ["Grace hopper", "Ben"]
    assert commands(controls) == [ChooseEffect(f"swap:{navy_photo}", listing.FADE_S)]


def test_photos_that_are_laid_among_the_faces_together_are_one_face(
    catalogue: Catalogue, controls: ControlChannel, navy_photo: Path, tmp_path: Path
) -> None:
    other = tmp_path / "ben.jpg"
    other.write_bytes(navy_photo.read_bytes())
    catalogue._categories.set_listed(tuple(Category(name) for name in listing.ORDER))
    catalogue._taker.take([navy_photo, other], "Faces")
    assert [offer.title for offer in category(catalogue, "Faces").offers] == [
        "Grace hopper and 1 more",
        "Grace hopper",
        "Ben",
    ]
    assert commands(controls) == [ChooseEffect(f"swap:{navy_photo}+{other}", listing.FADE_S)]


def test_films_are_sources_and_scenes_scenes(catalogue: Catalogue, controls: ControlChannel, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.toml"):
        (tmp_path / name).write_bytes(b"x")
    catalogue._taker.take([tmp_path / "a.mp4"], "Looks")
    catalogue._taker.take([tmp_path / "b.toml"], "Looks")
    assert commands(controls) == [ChooseSource(str(tmp_path / "a.mp4")), ChooseScene(str(tmp_path / "b.toml"))]


def test_what_cannot_be_used_says_why(catalogue: Catalogue, controls: ControlChannel, tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"nonsense")
    catalogue._taker.take([tmp_path / "bad.onnx"], "Looks")
    assert controls.message.startswith("bad.onnx is no ONNX model")
    catalogue._taker.take([tmp_path / "gone.jpg"], "Looks")
    assert controls.message == "gone.jpg is not there any more"


def test_cameras_are_known_by_name_with_their_sizes_and_ours_is_none(
    controls: ControlChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = tuple(ListedMode(Size(*size), (30.0, 15.0), ("MJPG",)) for size in ((640, 480), (1280, 720)))
    cameras = [
        ListedCamera(0, "HD Webcam", "/dev/video0", modes),
        ListedCamera(2, "Twin", "/dev/video2", ()),
        ListedCamera(4, "Twin", "/dev/video4", ()),
        ListedCamera(9, "realtime", "/dev/video9", ()),
    ]
    monkeypatch.setattr("realtime.session.offers.catalogue.list_cameras", lambda: cameras)
    catalogue = Catalogue(controls, Options(), lambda: {"/dev/video9"})
    catalogue._look_for_sources()
    assert [(one.spec, one.title, one.detail) for one in catalogue.sources] == [
        ("HD Webcam", "HD Webcam", "1280x720, 640x480 · up to 30 fps"),
        ("2", "Twin (/dev/video2)", "camera 2"),
        ("4", "Twin (/dev/video4)", "camera 4"),
        ("demo", "Demo", "a viewer who walks about, drawn"),
    ]


def test_thumbnails_wait_while_the_picture_is_late() -> None:
    spare = SpareTime()
    assert spare.is_enough(for_first=False)
    for _ in range(50):
        spare.look(40.0, is_watched=False)
    for age_ms, again, first in ((44.0, True, True), (50.0, False, True), (70.0, False, False), (41.0, True, True)):
        spare.look(age_ms, is_watched=True)
        assert (spare.is_enough(for_first=False), spare.is_enough(for_first=True)) == (again, first)
    spare.look(500.0, is_watched=True)
    spare.look(500.0, is_watched=False)
    assert spare.is_enough(for_first=False)


def test_while_the_room_is_hidden_no_thumbnail_shows_it(catalogue: Catalogue, controls: ControlChannel) -> None:
    """Neither those that were made before nor those that are made now: the background is behind every look."""
    picture = np.random.default_rng(3).integers(0, 256, (270, 480, 3), np.uint8)
    controls.untouched_picture = lambda: Frame(picture, 0.0, time.monotonic(), 0)
    catalogue.watch("Looks")
    until(lambda: catalogue.thumbnail("none") is not None)
    assert np.array_equal(catalogue.thumbnail("none"), picture)  # type: ignore[arg-type]
    controls.status = Status(
        effect="none + background:green", spec="none", background="background:green", hides_surroundings=True
    )
    assert catalogue.thumbnail("none") is None
    until(lambda: catalogue.thumbnail("none") is not None)
    assert (catalogue.thumbnail("none") == (0, 255, 0)).all(), "nobody is there, and the room is not"  # type: ignore[union-attr]
    catalogue.watch("Background")
    until(lambda: catalogue.thumbnail("background:grey") is not None)
    assert catalogue.thumbnail("background:none") is None
