from __future__ import annotations

import contextlib
import errno
import http.server
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import pytest

from realtime.cameras import CameraRequest, stream
from realtime.cameras.stream import Stream, without_password
from realtime.core.errors import CameraError
from realtime.video.decoding import Picture, PictureMaker
from tests.videos import number_of, numbered, write_video


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *rest: object, directory: str) -> None:
        super().__init__(*rest, directory=directory)  # type: ignore[arg-type]

    def log_message(self, *rest: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    def handler(*rest: object) -> QuietHandler:
        return QuietHandler(*rest, directory=str(tmp_path))

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_film_on_the_web_is_played_like_a_file(tmp_path: Path, web: str) -> None:
    write_video(tmp_path / "film.mp4", 30)
    film = Stream(f"{web}/film.mp4", CameraRequest())
    numbers, times_s = [], []
    while (frame := film.read()) is not None:
        numbers.append(number_of(frame.pixels))
        times_s.append(frame.pts_s)
    film.close()
    assert not film.info.live
    assert numbers == list(range(30))
    assert times_s == pytest.approx([number / 25 for number in range(30)])


def test_a_picture_that_cannot_be_converted_is_left_out(
    tmp_path: Path, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, numbers = PictureMaker.make, itertools.count()

    def refuse_third(maker: PictureMaker, decoded: av.VideoFrame) -> list[Picture]:
        if next(numbers) == 2:
            raise av.FFmpegError(errno.EINVAL, "Invalid argument")
        return make(maker, decoded)

    monkeypatch.setattr(PictureMaker, "make", refuse_third)
    write_video(tmp_path / "film.mp4", 6)
    film = Stream(f"{web}/film.mp4", CameraRequest())
    numbers_read = []
    while (frame := film.read()) is not None:
        numbers_read.append(number_of(frame.pixels))
    film.close()
    assert numbers_read == [0, 1, 3, 4, 5]


def test_what_is_no_stream_is_said_in_one_line(tmp_path: Path, web: str) -> None:
    (tmp_path / "text.mp4").write_text("hello")
    for address, what in (
        (f"{web}/missing.mp4", "404"),
        (f"{web}/text.mp4", "Invalid data"),
        ("rtsp://127.0.0.1:9/x", "refused"),
        ("nonsense://x", "no such kind of stream"),
    ):
        with pytest.raises(CameraError, match=what) as caught:
            Stream(address, CameraRequest())
        assert "\n" not in str(caught.value)
        assert address.split("/")[-1] in str(caught.value)


def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_OPEN_WITHIN_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began_s = time.monotonic()
        with pytest.raises(CameraError, match=r"no answer from .* within 0\.5 s"):
            Stream(f"tcp://127.0.0.1:{silent.getsockname()[1]}", CameraRequest())
        assert time.monotonic() - began_s < 5


def test_a_password_is_never_shown() -> None:
    assert without_password("rtsp://me:secret@camera.local/a@b") == "rtsp://camera.local/a@b"
    assert without_password("http://camera.local/x") == "http://camera.local/x"
    assert without_password("rtsp://me:se@cret@camera.local:554/x") == "rtsp://camera.local:554/x"
    assert without_password("rtsp://me:se/cret@camera.local/x") == "rtsp://camera.local/x"
    assert without_password("http://[fe80::1]:80/x?user=me&password=secret#secret") == "http://[fe80::1]:80/x?…"
    for url in (
        "rtsp://me:secret@secret/secret@camera/x",
        "rtsp://me:1?secret@camera/x",
        "rtsp://me:secret?x@camera.local/x?token=secret",
        "http://camera/x?mail=a@b&token=secret",
        "http://camera/@anna/x?mail=a@b&token=secret",
        "http://camera:80?secret@",
        "srt://camera.local:9000?passphrase=secret",
    ):
        assert "secret" not in without_password(url)
    with pytest.raises(CameraError) as caught:
        Stream("rtsp://me:secret@127.0.0.1:9/x", CameraRequest())
    assert "secret" not in str(caught.value)


def test_an_empty_part_in_a_stream_of_pictures_is_passed_over() -> None:
    """As small cameras send them now and then; what follows must not be lost."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *rest: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            for number in range(40):
                jpeg = b"" if number % 7 == 3 else cv2.imencode(".jpg", numbered(number))[1].tobytes()
                head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
                with contextlib.suppress(OSError):
                    self.wfile.write(head + jpeg + b"\r\n")

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    camera = Stream(f"http://127.0.0.1:{server.server_address[1]}", CameraRequest())
    try:
        numbers: list[int] = []
        while len(numbers) < 30 and (frame := camera.read()) is not None:
            numbers.append(number_of(frame.pixels))
    finally:
        camera.close()
        server.shutdown()
        thread.join()
        server.server_close()
    sent = [number for number in range(40) if number % 7 != 3]
    assert numbers == sent[: len(numbers)]
    assert len(numbers) >= 30
