"""What every source promises, asked of every source."""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.cameras import CAMERAS, Camera, CameraInfo, CameraRequest, kind_of, open_camera
from realtime.cameras.listing import list_cameras
from realtime.cameras.shared import FramePublisher
from realtime.core.errors import CameraError
from realtime.imaging.frame import Size
from tests.process import open_things
from tests.videos import SIZE, numbered, write_video

SERVER = """
import sys
import av
from tests.videos import numbered
for address in sys.stdin:
    try:
        with av.open(address.strip(), "w", format="mpegts", options={"listen": "1"}) as container:
            stream = container.add_stream("mpeg4", rate=25)
            stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
            for number in range(12):
                frame = av.VideoFrame.from_ndarray(numbered(number), "bgr24")
                frame.pts = number
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    except (OSError, av.FFmpegError):
        pass  # whoever watched has left
"""


class Server:
    """Sends a short live stream over TCP, once for each time it is asked."""

    def __init__(self) -> None:
        # PyAV holds the interpreter while it waits for a caller: a process of its own.
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def send(self) -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        address = f"tcp://127.0.0.1:{port}"
        assert self._process.stdin is not None
        print(f"{address}?listen=1", file=self._process.stdin, flush=True)
        return address

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


Opener = Callable[[CameraRequest], Camera]


@contextlib.contextmanager
def published() -> Iterator[str]:
    """Publish numbered pictures as another process would, and yield the source."""
    name = f"contract of {os.getpid()}"
    publisher = FramePublisher(name)
    publisher.begin(CameraInfo("numbered", SIZE, 25.0, live=True))
    ended = threading.Event()

    def publish() -> None:
        for number in itertools.count():
            publisher.beat()
            publisher.publish(numbered(number), time.monotonic())
            if ended.wait(0.04):
                return

    thread = threading.Thread(target=publish)
    thread.start()
    yield f"shared:{name}"
    ended.set()
    thread.join()
    publisher.close()


def _open_stream(server: Server, request: CameraRequest) -> Camera:
    address = server.send()
    for attempt in range(100):
        try:
            return open_camera(address, request)
        except CameraError:
            if attempt == 99:
                raise
            time.sleep(0.1)
    raise AssertionError


@pytest.fixture(params=sorted(CAMERAS))
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens one kind of source, again and again."""
    kind = request.param
    if kind == "video":
        path = write_video(tmp_path / "clip.mp4", 12)
        yield lambda wish: open_camera(str(path), wish)
    elif kind == "still":
        path = tmp_path / "still.png"
        cv2.imwrite(str(path), numbered(7))
        yield lambda wish: open_camera(str(path), wish)
    elif kind == "folder":
        for number in range(12):
            cv2.imwrite(str(tmp_path / f"{number}.png"), numbered(number))
        yield lambda wish: open_camera(str(tmp_path), wish)
    elif kind == "demo":
        yield lambda wish: open_camera("demo", wish)
    elif kind == "shared":
        with published() as source:
            yield lambda wish: open_camera(source, wish)
    elif kind == "stream":
        server: Server = request.getfixturevalue("server")
        yield lambda wish: _open_stream(server, wish)
    else:
        assert kind == "webcam", f"no test opens the source '{kind}'"
        cameras = list_cameras(with_modes=False)
        if not cameras:
            pytest.skip("no webcam here")
        yield lambda wish: open_camera(str(cameras[0].number), wish)


def read_some(camera: Camera, limit: int = 40) -> list[tuple[int, float, float]]:
    """Read to the end or `limit` frames, whichever comes first, checking each."""
    rows: list[tuple[int, float, float]] = []
    while len(rows) < limit:
        before_s = time.monotonic()
        try:
            frame = camera.read()
        except CameraError:
            assert camera.info.live, "only a live source breaks off"
            break
        if frame is None:
            break
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.shape == (camera.info.size.height, camera.info.size.width, 3)
        assert frame.pixels.flags.c_contiguous
        assert frame.captured_at_s <= time.monotonic()
        assert frame.captured_at_s >= before_s or frame.index == 0
        rows.append((frame.index, frame.pts_s, frame.captured_at_s))
    return rows


def test_frames_keep_the_contract(opener: Opener) -> None:
    camera = opener(CameraRequest())
    try:
        rows = read_some(camera)
    finally:
        camera.close()
    indexes, pts_s, captured_at_s = zip(*rows, strict=True)
    assert len(rows) >= 10
    assert indexes[0] == 0
    assert all(b > a for a, b in itertools.pairwise(indexes))
    assert pts_s[0] == 0
    assert list(pts_s) == sorted(pts_s)
    assert pts_s[-1] > 0
    assert list(captured_at_s) == sorted(captured_at_s)


def test_info_tells_what_comes(opener: Opener) -> None:
    camera = opener(CameraRequest())
    try:
        assert camera.info.name
        assert camera.info.fps > 0
        count = len(read_some(camera, 1000 if camera.info.frame_count else 2))
        if camera.info.frame_count is not None:
            assert count == camera.info.frame_count
            assert not camera.info.live
    finally:
        camera.close()


def test_a_picture_that_is_held_is_never_overwritten(opener: Opener) -> None:
    camera = opener(CameraRequest())
    held = []
    try:
        for _ in range(10):
            frame = camera.read()
            assert frame is not None
            held.append((frame, frame.pixels.copy()))
    finally:
        camera.close()
    del camera
    gc.collect()
    for frame, copy in held:
        assert np.array_equal(frame.pixels, copy)


def test_opening_and_closing_leaves_nothing_open_read_or_not(opener: Opener) -> None:
    def once(frames: int) -> None:
        camera = opener(CameraRequest())
        read_some(camera, frames)
        camera.close()

    once(5)  # libraries start their own threads on first use
    before = open_things()
    for frames in (0, 5, 0, 5, 0):
        once(frames)
    deadline_s = time.monotonic() + 2
    while (after := open_things()) != before and time.monotonic() < deadline_s:
        time.sleep(0.02)  # a decoder's thread takes a moment to end
    assert all(a <= b for a, b in zip(after, before, strict=True)), f"{before} became {after}"


def test_recorded_material_keeps_its_own_size(tmp_path: Path) -> None:
    wish = CameraRequest(Size(640, 480))
    picture = tmp_path / "p.png"
    cv2.imwrite(str(picture), numbered(1))
    for source in (str(write_video(tmp_path / "v.mp4", 2)), str(picture), str(tmp_path)):
        camera = open_camera(source, wish)
        assert camera.info.size == SIZE
        camera.close()


def test_every_source_says_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("text.mp4", "text.png"):
        (tmp_path / name).write_text("no picture\n" * 100)
    for source in (
        *(str(tmp_path / name) for name in ("text.mp4", "text.png", "empty", "missing.mp4", "missing.png")),
        "987",
        "no such camera at all",
        "tcp://127.0.0.1:9",
        "nonsense://x",
        "shared:",
        "shared:nobody publishes this",
    ):
        with pytest.raises(CameraError) as caught:
            open_camera(source, CameraRequest())
        message = str(caught.value)
        assert "\n" not in message
        assert ";" in message, f"'{message}' does not tell the next step"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("demo", "demo"),
        ("0", "webcam"),
        ("/dev/video3", "webcam"),
        ("C920", "webcam"),
        ("rtsp://a/b", "stream"),
        ("shared:wall", "shared"),
    ],
)
def test_a_source_is_known_by_its_text(source: str, kind: str) -> None:
    assert kind_of(source) == kind


def test_files_and_folders_are_known_by_what_they_are(tmp_path: Path) -> None:
    for name, kind in (("a.JPG", "still"), ("a.mp4", "video"), ("a.gif", "video"), ("noending", "video")):
        (tmp_path / name).touch()
        assert kind_of(str(tmp_path / name)) == kind
    assert kind_of(str(tmp_path)) == "folder"
    with pytest.raises(CameraError, match="no such file"):
        kind_of(str(tmp_path / "missing.mp4"))


@pytest.mark.skipif(sys.platform == "win32", reason="devices are no files there")
def test_devices_are_known_under_any_name_and_pipes_are_not_called_missing(tmp_path: Path) -> None:
    link = tmp_path / "by-id"
    link.symlink_to("/dev/null")
    assert kind_of(str(link)) == "webcam"
    assert kind_of("RTSP://camera.local/1") == "stream"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CameraError, match="neither a file"):
        kind_of(str(tmp_path / "pipe"))
