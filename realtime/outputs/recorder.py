"""A video file, H.264 where it can be had, each frame at its own time."""

from __future__ import annotations

import errno
import functools
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import av
import av.container
import av.error

from realtime.core.errors import OutputError
from realtime.core.files import remove
from realtime.core.finishing_threads import FinishingThread
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.disclosure import xmp
from realtime.disclosure.c2pa import SIGNED_FILMS
from realtime.disclosure.film_tags import FilmTags
from realtime.imaging.frame import Frame
from realtime.imaging.provenance import Provenance
from realtime.outputs import Output, OutputRequest
from realtime.outputs.film_sound import FilmSound
from realtime.outputs.splitting import later_names
from realtime.video.encoding import CONTAINERS, FilmWriter, WholeWrites, begin_film

log = logging.getLogger(__name__)


class Recorder(Output):
    """Writes .mp4, .mov, .mkv or .webm straight under its final name: a recording can be watched while it grows, and
    one whose program was killed is still a film.

    A file that exists is refused without `--overwrite`; with it, it is emptied when the first frame comes, not before.
    Times are the frames' `pts_s`, counted from the first frame, whatever the distances between them. How its pictures
    were made is written into it (`film_tags.py`), also where that changes on the way. Where `request.split` asks
    for it the recording goes on in another file, which is a film by itself and replaces none; so it does where somebody
    deletes the file that it goes to, unless it is to be one file (`ONE_FILE`).
    """

    takes_every_frame = True

    def __init__(self, argument: str, request: OutputRequest) -> None:
        path = user_path(argument)
        if path.suffix.lower() not in CONTAINERS:
            raise OutputError(
                _(
                    "cannot record to '{argument}': the name must end in {containers}",
                    argument=argument,
                    containers=", ".join(CONTAINERS),
                )
            )
        if request.signer and path.suffix.lower() not in SIGNED_FILMS:
            raise OutputError(
                _(
                    "{argument} cannot be signed: C2PA knows {signed_films} only",
                    argument=argument,
                    signed_films=" and ".join(sorted(SIGNED_FILMS)),
                )
            )
        self.name = path.name
        self.path = path
        self._paths = [path]
        self._request = request
        is_new = not os.path.lexists(path)
        self._part = _Part(path, _open_file(path, overwrite=request.overwrite), request, is_new=is_new)
        self._number = 1
        self._finishing: FinishingThread | None = None
        self._failures: list[Exception] = []

    @property
    def encoder(self) -> str:
        """What compresses, once the first frame has been written."""
        return self._part.encoder

    @property
    def paths(self) -> Sequence[Path]:
        return self._paths

    @property
    def provenance(self) -> Provenance | None:
        return self._part.provenance

    def show(self, frame: Frame) -> None:
        if self._part.ends_before(frame):
            self._go_on_in_another_file()
        self._part.add(frame)

    def close(self) -> None:
        """Finish the file, and sign it where that was asked for. Raises OutputError when its end cannot be written; a
        failure told before is not repeated.
        """
        self._wait_for_former()
        self._begin_to_finish(self._part)  # where `close` itself is no longer waited for, this is
        self._wait_for_former()
        if self._failures:
            raise self._failures[0]

    def _go_on_in_another_file(self) -> None:
        """Begin the next part; the former one is finished beside, so that no frame has to wait for it. Raises
        OutputError.
        """
        if self._part.is_deleted and not self._request.split.outlasts_deletion:
            raise OutputError(_("{path} was deleted before it was done; the recording ends here", path=self._part.path))
        former, part = self._part, self._next_part()
        self._part = part
        self._paths.append(part.path)
        if former.is_deleted:
            log.warning(_("%s was deleted; the recording goes on in %s"), former.path, part.path.name)
        else:
            log.info(_("%s is full; the recording goes on in %s"), former.path, part.path.name)
        self._wait_for_former()
        self._begin_to_finish(former)

    def _next_part(self) -> _Part:
        """Open the next file whose name is free, as the one before it was. Raises OutputError."""
        for number, path in later_names(self.path, self._number):
            try:
                file = path.open("x+b", buffering=0)
            except FileExistsError:
                continue
            except FileNotFoundError:
                raise OutputError(
                    _("{path} was deleted, and its folder with it; the recording ends here", path=self._part.path)
                ) from None
            except OSError as error:
                raise OutputError(_reason(path, error)) from error
            self._number = number
            return _Part(path, file, self._request, is_new=True)
        raise AssertionError("numbers have no end")

    def _begin_to_finish(self, part: _Part) -> None:
        """Finish a part on a thread of its own; here and now where none can be started."""
        finishing = FinishingThread(functools.partial(self._finish, part), part.path.name)
        try:
            finishing.start()
        except RuntimeError:
            self._finish(part)
        else:
            self._finishing = finishing

    def _finish(self, part: _Part) -> None:
        try:
            part.finish()
        except Exception as error:  # `close` raises the first
            if part is not self._part or self._failures:
                log.warning("%s", error)
            self._failures.append(error)

    def _wait_for_former(self) -> None:
        if self._finishing is not None:
            self._finishing.join()
            self._finishing = None


class _Part:
    """One file, from its first frame to its last. One thread at a time."""

    def __init__(self, path: Path, file: BinaryIO, request: OutputRequest, *, is_new: bool) -> None:
        self.path = path
        self.encoder = ""
        self.is_deleted = False
        self._container_kind = CONTAINERS[path.suffix.lower()]
        self._request = request
        self._file = file
        self._is_new = is_new
        self._counts_names = os.fstat(file.fileno()).st_nlink > 0  # some file systems do not
        self.whole_writes = WholeWrites(file)
        self._film: FilmWriter | None = None
        self._sound: FilmSound | None = None
        self._metadata: FilmTags | None = None
        self._last_provenance: Provenance | None = None

    @property
    def provenance(self) -> Provenance | None:
        """What it tells of all its frames until now; None before the first."""
        return self._metadata.provenance if self._metadata is not None else None

    def ends_before(self, frame: Frame) -> bool:
        """Whether a frame belongs into another file: this one is full, or nobody can see it any more. 1 µs."""
        film, split = self._film, self._request.split
        if film is None or film.holds(frame):
            return False
        status = os.fstat(self._file.fileno())
        self.is_deleted = self._counts_names and status.st_nlink == 0
        return (
            self.is_deleted
            or (split.seconds is not None and film.seconds_to(frame) >= split.seconds)
            or (split.size_bytes is not None and status.st_size >= split.size_bytes)
        )

    def add(self, frame: Frame) -> None:
        """Write one frame. Raises OutputError."""
        try:
            metadata = self._told_of(frame)
            if self._film is None:
                self._film = self._begin(frame, metadata)
            self._film.add(frame)
            if self._sound is not None:
                self._sound.follow(self._film, frame)
            metadata.correct(self._file)
        except (OSError, av.error.FFmpegError) as error:
            raise OutputError(_reason(self.path, self.whole_writes.failure or error)) from error

    def finish(self) -> None:
        """Finish the file, and sign it where that was asked for. Raises OutputError when its end cannot be written; a
        failure told before is not repeated.
        """
        is_told = self.whole_writes.failure is not None
        try:
            if self._film is not None:
                if self._sound is not None and not is_told:
                    self._sound.finish(self._film)
                self._film.finish()
                if not is_told:
                    self._tell()
        except (OSError, av.error.FFmpegError) as error:
            if not is_told:
                raise OutputError(_reason(self.path, self.whole_writes.failure or error)) from error
        finally:
            self._film = None
            is_empty = self._file.seek(0, os.SEEK_END) == 0
            self._file.close()
            if self._is_new and is_empty:
                remove(self.path)
        if self._request.signer and self._metadata is not None and not is_told and not self.is_deleted:
            self._request.signer.sign_film(self.path, self._metadata.provenance)

    def _told_of(self, frame: Frame) -> FilmTags:
        """Return what the film tells, with this frame in it."""
        provenance = frame.provenance
        if self._metadata is None:
            how_made = provenance or Provenance((self._request.title,))
            self._metadata = FilmTags(how_made, has_free_tags=self._container_kind.is_matroska)
        elif provenance is not None and provenance is not self._last_provenance:
            self._metadata.add(provenance)
        self._last_provenance = provenance
        return self._metadata

    def _tell(self) -> None:
        """Write into the finished file what is true of the whole of it. Raises OSError."""
        assert self._metadata is not None  # noqa: S101 - a film has begun
        self._metadata.correct(self._file, finished=True)
        if self._container_kind.is_matroska:
            return
        end = self._file.seek(0, os.SEEK_END)
        try:
            xmp.append_box(self._file, xmp.packet(self._metadata.provenance))
        except OSError:
            self._file.truncate(end)  # half a box would be a fault in a file that has none
            raise

    def _begin(self, frame: Frame, metadata: FilmTags) -> FilmWriter:
        if self._request.sound is not None:
            track = self._request.sound.open_track()
            self._sound = FilmSound(track) if track is not None else None
            if track is None:
                log.warning(_("%s is recorded without sound: there is no microphone now"), self.path.name)
        film, self.encoder = begin_film(
            self._file,
            self.whole_writes,
            self._container_kind,
            self._request.size or frame.size,
            self._request.fps,
            metadata,
            self._sound.channels if self._sound is not None else 0,
            has_opacity=frame.opacity is not None,
        )
        return film


def _open_file(path: Path, *, overwrite: bool) -> BinaryIO:
    """Return the file, unbuffered, existing contents untouched. Raises OutputError."""
    try:
        if overwrite and path.exists():
            return path.open("r+b", buffering=0)
        return path.open("x+b", buffering=0)
    except FileExistsError:
        raise OutputError(
            _("{path} exists; choose another name, or add --overwrite to replace it", path=path)
        ) from None
    except OSError as error:
        if not path.parent.is_dir():
            reason = _(
                "cannot record to {path}: there is no folder {parent}; create it first", path=path, parent=path.parent
            )
            raise OutputError(reason) from None
        raise OutputError(_reason(path, error)) from error


def _reason(path: Path, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return _(
            "{path}: the disk is full; what was recorded until now is kept. Free some space and start again", path=path
        )
    if number == errno.EFBIG:  # FAT32, the usual format of memory cards and sticks, ends at 4 GB
        return _(
            "{path}: this disk takes no larger file; what was recorded until now is kept. Start again with a new name",
            path=path,
        )
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return _("cannot record to {path}: permission denied; choose a folder that you may write to", path=path)
    return _(
        "cannot record to {path}: {reason}; try another folder or name",
        path=path,
        reason=getattr(error, "strerror", None) or error,
    )
