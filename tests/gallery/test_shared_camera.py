"""One process has the camera, and every screen of a wall sees its newest picture."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from realtime.cameras import CameraInfo, CameraRequest, open_camera, shared
from realtime.cameras.shared import FramePublisher, memory_name, remove_left_behind
from realtime.core.errors import CameraError
from realtime.gallery.calibration.views import Place
from realtime.gallery.config import Gallery
from realtime.gallery.config_file import read_gallery
from realtime.gallery.processes import camera_process
from realtime.gallery.processes.camera_process import CameraKeeper, CameraProcess
from realtime.gallery.processes.supervisor import GallerySupervisor
from realtime.imaging.frame import Pixels, Size
from tests.doubles import DrawnCamera

NAME = f"a wall of process {os.getpid()}"
INFO = CameraInfo("C920", Size(64, 48), 30.0, live=True)
ROOT = Path(__file__).parents[2]

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at /dev/shm")


def plain(value: int, width: int = 64, height: int = 48) -> Pixels:
    return np.full((height, width, 3), value, np.uint8)


@pytest.fixture
def publisher() -> Iterator[FramePublisher]:
    """One that gives signs of life, as its process does."""
    publisher = FramePublisher(NAME)
    publisher.begin(INFO)
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(0.1):
            publisher.beat()

    thread = threading.Thread(target=beat)
    thread.start()
    yield publisher
    ended.set()
    thread.join()
    publisher.close()


def until(found: Callable[[], bool], within_s: float = 20.0) -> None:
    give_up_at_s = time.monotonic() + within_s
    while not found():
        assert time.monotonic() < give_up_at_s
        time.sleep(0.01)


def in_memory() -> list[Path]:
    return [path for path in Path("/dev/shm").iterdir() if path.name == memory_name(NAME)]  # noqa: S108


def test_the_newest_picture_wins_and_says_when_it_was_taken(publisher: FramePublisher) -> None:
    publisher.publish(plain(1), 10.0)
    camera = open_camera(f"shared:{NAME}", CameraRequest())
    assert camera.info == CameraInfo("C920 (shared)", Size(64, 48), 30.0, live=True)
    frame = camera.read()
    assert frame is not None
    assert (frame.index, frame.pts_s, frame.captured_at_s) == (0, 0.0, 10.0)
    for value in (2, 3, 4, 5, 6, 7):
        publisher.publish(plain(value), 10.0 + value)
    frame = camera.read()
    assert frame is not None
    assert (frame.pixels == 7).all()
    assert (frame.index, frame.pts_s, frame.captured_at_s) == (1, 7.0, 17.0)
    camera.close()


def test_pictures_may_change_their_size(publisher: FramePublisher) -> None:
    publisher.publish(plain(1), 1.0)
    camera = open_camera(f"shared:{NAME}", CameraRequest())
    camera.read()
    for size in (Size(128, 36), Size(31, 77), Size(3840, 2160)):
        publisher.beat()
        publisher.publish(plain(9, *size), 2.0)
        frame = camera.read()
        assert frame is not None
        assert frame.size == size
        assert (frame.pixels == 9).all()
    camera.close()
    with pytest.raises(CameraError, match="too large to be shared"):
        publisher.publish(plain(9, 3840, 2161), 3.0)


def test_no_picture_is_torn_however_fast_they_come(publisher: FramePublisher) -> None:
    """Half of one and half of another would be two values."""
    publisher.publish(plain(0, 640, 480), 0.0)
    ended = threading.Event()

    def publish() -> None:
        value = 0
        while not ended.is_set():
            value = (value + 1) % 256
            publisher.beat()
            publisher.publish(plain(value, 640, 480), float(value))

    thread = threading.Thread(target=publish)
    thread.start()
    camera = open_camera(f"shared:{NAME}", CameraRequest())
    for _ in range(200):
        frame = camera.read()
        assert frame is not None
        assert frame.pixels.min() == frame.pixels.max() == frame.captured_at_s
    ended.set()
    thread.join()
    camera.close()


def test_a_slot_that_is_being_written_is_not_taken(publisher: FramePublisher) -> None:
    publisher.publish(plain(1), 1.0)
    camera = open_camera(f"shared:{NAME}", CameraRequest())
    assert isinstance(camera, shared.Shared)
    camera.read()
    publisher.publish(plain(2), 2.0)
    slot = publisher._layout.slots[1]
    slot["sequence"] += 1
    assert camera._newest() is None
    slot["sequence"] += 1
    frame = camera.read()
    assert frame is not None
    assert (frame.pixels == 2).all()
    camera.close()


def test_a_publisher_that_is_gone_is_a_lost_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = FramePublisher(NAME)
    publisher.begin(INFO)
    publisher.publish(plain(1), 1.0)
    camera = open_camera(f"shared:{NAME}", CameraRequest())
    camera.read()
    monkeypatch.setattr(shared, "GONE_AFTER_S", 0.05)
    with pytest.raises(CameraError, match=r"nobody publishes shared:.* any more; "):
        camera.read()
    camera.close()
    publisher.close()


def test_a_camera_that_is_closed_is_lost_and_its_last_pictures_are_wiped_out(publisher: FramePublisher) -> None:
    publisher.publish(plain(200), 1.0)
    camera = open_camera(f"shared:{NAME}", CameraRequest())
    camera.read()
    publisher.end()
    with pytest.raises(CameraError, match="sends nothing"):
        camera.read()
    camera.close()
    for slot in range(4):
        assert not publisher._layout.picture(slot, Size(64, 48)).any()


def test_a_name_is_published_once() -> None:
    first = FramePublisher(NAME)
    with pytest.raises(CameraError, match="is published already; end the other program"):
        FramePublisher(NAME)
    first.close()
    FramePublisher(NAME).close()


@on_linux
def test_only_the_user_may_read_it_and_nothing_stays(publisher: FramePublisher) -> None:
    (path,) = in_memory()
    assert path.stat().st_mode & 0o777 == 0o600
    publisher.close()
    assert in_memory() == []


KILLED = """
import os, signal, sys
from multiprocessing import resource_tracker
import numpy as np
from realtime.cameras import CameraInfo
from realtime.cameras.shared import FramePublisher
from realtime.imaging.frame import Size
publisher = FramePublisher(sys.argv[1])
publisher.begin(CameraInfo("C920", Size(64, 48), 30.0, live=True))
publisher.publish(np.full((48, 64, 3), 7, np.uint8), 1.0)
os.kill(resource_tracker._resource_tracker._pid, signal.SIGKILL)  # as a power cut to the whole group
os.kill(os.getpid(), signal.SIGKILL)
"""


@on_linux
def test_what_a_killed_publisher_left_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "GONE_AFTER_S", 0.01)

    def kill_one() -> None:
        command = [sys.executable, "-c", KILLED, NAME]
        done = subprocess.run(command, cwd=ROOT, check=False, timeout=60)
        assert done.returncode == -signal.SIGKILL
        assert len(in_memory()) == 1

    kill_one()
    time.sleep(0.02)
    remove_left_behind(NAME)
    assert in_memory() == []
    kill_one()
    time.sleep(0.02)
    publisher = FramePublisher(NAME)
    monkeypatch.undo()
    publisher.begin(INFO)
    publisher.publish(plain(3), 2.0)
    camera = open_camera(f"shared:{NAME}", CameraRequest())
    frame = camera.read()
    assert frame is not None
    assert (frame.pixels == 3).all()
    camera.close()
    publisher.close()


READING = """
import sys
from realtime.cameras import CameraRequest, open_camera
camera = open_camera(sys.argv[1], CameraRequest())
print(int(camera.read().pixels.max()))
"""


def test_a_reader_that_ends_takes_nothing_away(publisher: FramePublisher) -> None:
    publisher.publish(plain(5), 1.0)
    command = [sys.executable, "-c", READING, f"shared:{NAME}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("5\n", "", 0)
    camera = open_camera(f"shared:{NAME}", CameraRequest())
    assert camera.read() is not None
    camera.close()


# The process that has the camera -----------------------------------------------------------------------------


def test_it_is_awaited_lost_found_again_by_name_and_closed_by_night(
    publisher: FramePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    cameras = [None, DrawnCamera(live=True, fail_at=3), None, DrawnCamera(live=True)]
    there = iter(cameras)
    asked: list[str] = []

    def open_one(source: str) -> DrawnCamera:
        asked.append(source)
        camera = next(there) if source != "C920" or len(asked) != 3 else None
        if camera is None:
            raise CameraError("no camera 0; plug it in")
        return camera

    monkeypatch.setattr(camera_process, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(camera_process, "_listed_name", lambda source: "C920")
    keeper = CameraKeeper("0", publisher, open_one)
    keeper.tell("open")
    thread = threading.Thread(target=keeper.run)
    thread.start()
    until(lambda: cameras[3] is not None and cameras[3]._next > 2)
    assert asked[:2] == ["0", "0"]
    assert asked[2] == "C920"
    assert cameras[1] is not None
    assert cameras[1].is_closed
    keeper.tell("blank")
    until(lambda: cameras[3] is not None and cameras[3].is_closed)
    assert int(publisher._layout.header["has_camera"][0]) == 0
    keeper.tell("")
    thread.join(10)
    assert not thread.is_alive()


def test_a_driver_that_does_not_come_back_is_noticed(
    publisher: FramePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_process, "HUNG_AFTER_S", 0.05)
    camera = DrawnCamera(live=True, stall_at=2)
    keeper = CameraKeeper("0", publisher, lambda source: camera)
    keeper.tell("open")
    thread = threading.Thread(target=keeper.run)
    thread.start()
    until(keeper.is_hung)
    camera.released.set()
    keeper.tell("")
    thread.join(10)
    assert not keeper.is_hung()


def is_there(name: str = NAME) -> bool:
    try:
        open_camera(f"shared:{name}", CameraRequest()).close()
    except CameraError:
        return False
    return True


def test_the_child_publishes_sleeps_wakes_is_killed_and_ends() -> None:
    child = CameraProcess("demo", NAME)
    assert child.look(0.0) == ""
    try:
        until(is_there)
        child.set_blank(True)
        until(lambda: not is_there())
        assert child.is_running
        child.set_blank(False)
        until(is_there)
        process = child._process
        assert process is not None
        process.kill()
        process.wait()
        assert child.look(10.0) == f"ended with code {process.returncode}; started again"
        assert child.look(10.0) == "", "at once, the first time"
        until(is_there)
    finally:
        child.end()
    with pytest.raises(CameraError, match="nobody publishes"):
        open_camera(f"shared:{NAME}", CameraRequest())


GALLERY = """
[gallery]
camera = CAMERA
[view]
view_left = 0.1
right_cm = 5
[[item]]
effect = "portrait"
[[screen]]
screen = "0"
below_cm = 40
[[screen]]
screen = "1"
"""


def gallery_of(folder: Path, camera: str, text: str = GALLERY) -> Gallery:
    path = folder / "gallery.toml"
    path.write_text(text.replace("CAMERA", f'"{camera}"'))
    return read_gallery(path)


def test_screens_share_a_device_and_nothing_else(tmp_path: Path) -> None:
    gallery = gallery_of(tmp_path, "C920")
    assert gallery.shared_camera == str(tmp_path / "gallery.toml")
    options = gallery.run_options(gallery.screens[1], "none", gallery.screens[1].items[0])
    assert options.source == f"shared:{gallery.shared_camera}"
    assert gallery_of(tmp_path, "rtsp://a/b").shared_camera is None
    one_screen = GALLERY.partition("[[screen]]")[0]
    assert gallery_of(tmp_path, "C920", one_screen).shared_camera is None


def test_only_a_place_that_the_screen_tells_itself_counts_as_measured(tmp_path: Path) -> None:
    first, second = gallery_of(tmp_path, "C920").screens
    assert first.place == Place(5, 40)
    assert second.place is None
    assert second.view == {"view_left": 0.1, "right_cm": 5}


def test_the_light_is_off_while_every_screen_is_black(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    supervisor = GallerySupervisor(gallery_of(tmp_path, "demo"))
    supervisor._camera = child = CameraProcess("demo", NAME)

    def look(*doing: str) -> None:
        reports = [SimpleNamespace(report=SimpleNamespace(doing=one) if one else None) for one in doing]
        monkeypatch.setattr(supervisor, "_screens", reports)
        supervisor._look_after_camera()

    try:
        look("", "")
        look("", "")
        until(is_there)
        look("blank", "shows")
        assert is_there()
        look("blank", "blank")
        until(lambda: not is_there())
        look("shows", "blank")
        until(is_there)
    finally:
        child.end()
