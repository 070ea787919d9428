"""Where pictures come from. Whatever the user named becomes a list of sources, each read ahead on a thread of its own.

Photos of a folder are one source each, so that a run that was stopped knows which of 50,000 it has seen, and so that
one that cannot be read costs a line and nothing else. At most a few pictures are in memory at a time.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import queue
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from realtime.cameras import PICTURE_SUFFIXES, CameraRequest, kind_of, open_camera
from realtime.cameras.picture_folder import natural_key, pictures_in
from realtime.core.errors import CameraError
from realtime.imaging.frame import Frame
from realtime.picture_files.reader import read_picture

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v", ".gif", ".mpg", ".mpeg", ".ts", ".wmv"})
"""What is taken for a video inside a folder; a file that was named itself is tried whatever its suffix."""
_AHEAD = 4
"""Pictures read before they are wanted: enough to keep both sides busy, 11 MB of them at 1280×720."""


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """One video, photo or camera."""

    text: str
    """As the manifest names it: the full path, or the camera and when it was filmed."""
    path: Path | None
    """None for a camera."""
    still: bool
    """A photo, which has nothing to do with the one before it."""
    stamp: str
    """Size and time of the file: another file under the same name is another source."""
    camera: str = ""
    seconds: float = 0.0

    @property
    def name(self) -> str:
        return self.path.name if self.path is not None else self.text


def sources_of(inputs: Sequence[Path]) -> list[Source]:
    """Return what lies in `inputs`: files, and folders with the pictures and videos directly in them.

    Raises CameraError for an input that does not exist or a folder that holds neither.
    """
    found: dict[str, Source] = {}
    for given in inputs:
        path = given.expanduser()
        for file in _in_folder(path) if path.is_dir() else [path]:
            source = _of_file(file)
            found.setdefault(source.text, source)
    return list(found.values())


def camera_source(camera: str, seconds: float) -> Source:
    """Return the webcam with that number or name (`demo`: the built-in viewer), filmed for so long."""
    filmed_at = time.strftime("%Y-%m-%d %H:%M:%S")
    return Source(f"camera {camera}, {filmed_at}", None, False, filmed_at, camera, seconds)


def _in_folder(folder: Path) -> list[Path]:
    try:
        entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".") and entry.is_file()]
    except OSError as error:
        raise CameraError(f"cannot read {folder}: {error.strerror}; check the path and its permissions") from error
    wanted = PICTURE_SUFFIXES | VIDEO_SUFFIXES
    files = sorted((entry for entry in entries if entry.suffix.lower() in wanted), key=natural_key)
    if not files:
        pictures_in(folder)  # raises, and says which kinds there are
    return files


def _of_file(file: Path) -> Source:
    try:
        stat = file.stat()
    except OSError as error:
        raise CameraError(f"cannot read {file}: {error.strerror}; check the path") from error
    still = kind_of(str(file)) == "still"
    return Source(str(file.resolve()), file, still, f"{stat.st_size} {stat.st_mtime_ns}")


def frame_count(source: Source) -> int | None:
    """Return how many pictures there will be, where that is known: 1 for a photo, the container's word for a video."""
    if source.still:
        return 1
    if source.path is None:
        return None
    import av

    try:
        with av.open(str(source.path), metadata_errors="ignore") as container:
            return (container.streams.video[0].frames or None) if container.streams.video else None
    except (OSError, av.FFmpegError):
        return None  # opening it for good will say what is wrong


def frames_of(source: Source, first: int, stopping: threading.Event) -> Generator[Frame, None, None]:
    """Yield the pictures of a video or camera from number `first` on, read on a thread of their own.

    Raises CameraError where it cannot be opened, or breaks off.
    """
    waiting: queue.Queue[Frame | Exception | None] = queue.Queue(_AHEAD)
    ended = threading.Event()

    def read() -> None:
        last: Exception | None = None
        try:
            text = source.camera or str(source.path)
            if source.path is not None and kind_of(text) != "video":
                raise CameraError(f"{source.name} is no video")
            camera = open_camera(text, CameraRequest())
            try:
                while not (ended.is_set() or stopping.is_set()):
                    frame = camera.read()
                    if frame is None or (source.camera and frame.pts_s >= source.seconds):
                        break
                    if frame.index >= first:
                        _put(waiting, frame, ended)
            finally:
                camera.close()
        except Exception as error:  # for the thread that waits
            last = error
        _put(waiting, last, ended)

    thread = threading.Thread(target=read, name="reading ahead", daemon=True)
    thread.start()
    try:
        while (frame := waiting.get()) is not None:
            if isinstance(frame, Exception):
                raise frame
            yield frame
    finally:
        ended.set()
        thread.join()


def photos_of(sources: Sequence[Source]) -> Iterator[tuple[Source, Frame | CameraError]]:
    """Yield photos in their order, decoded ahead on two threads; for one that cannot be read, why."""

    def read(source: Source) -> Frame | CameraError:
        assert source.path is not None
        try:
            return Frame(read_picture(source.path), time.monotonic(), 0.0, 0)
        except CameraError as error:
            return error
        except MemoryError:
            return CameraError(f"{source.name} is too large for the memory; scale it down")

    with concurrent.futures.ThreadPoolExecutor(2, thread_name_prefix="photos") as threads:
        waiting: deque[tuple[Source, concurrent.futures.Future[Frame | CameraError]]] = deque()
        try:
            for source in sources:
                waiting.append((source, threads.submit(read, source)))
                if len(waiting) >= _AHEAD:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


def _put(
    waiting: queue.Queue[Frame | Exception | None], item: Frame | Exception | None, ended: threading.Event
) -> None:
    """Put an item, unless nobody will ever take it."""
    while not ended.is_set():
        try:
            waiting.put(item, timeout=0.1)
        except queue.Full:
            continue
        return
