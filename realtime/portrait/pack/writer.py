"""A pack in the making."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from realtime.core.errors import PortraitError
from realtime.core.files import MEANWHILE, check_folder
from realtime.core.language import _
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.pixels import Place
from realtime.portrait.pack.archive import ARCHIVE_SUFFIXES, NewPackFiles, new_files
from realtime.portrait.pack.manifest import (
    MANIFEST,
    MAX_PICTURES,
    Corner,
    IdleSection,
    Manifest,
    StagesSection,
    manifest_text,
)
from realtime.portrait.pack.toml_tables import ReportValue


class PackWriter:
    """Writes a pack beside its target, and puts it in place when the `with` block ends well.

    After an error, a full disk or Ctrl-C nothing is left and what was there before is as it was. `add_…` may
    be called from several threads; each raises PortraitError when the disk does not take the picture, and
    ValueError for a picture of the wrong size.

        with PackWriter(path, title="Mona Lisa", columns=33, place=place) as pack:
            pack.add_painting(painting)
            pack.add_frame(0, …)
    """

    def __init__(
        self,
        path: Path,
        *,
        title: str,
        credit: str = "",
        columns: int,
        rows: int = 1,
        place: Place,
        overwrite: bool = False,
        compact: bool = False,
    ) -> None:
        """A name ending in `.portrait` or `.zip` becomes a file, any other a folder. Raises PortraitError
        when it exists already and `overwrite` is not said, or when it is a folder of other things; OutputError where
        nothing can be written to the folder it lies in.

        Pictures are stored without loss, as PNG or, `compact`, as WebP: 0.6 of the size and as fast to read, but 20
        times as slow to write (0.2 s a head of 600×600).
        """
        if columns < 1 or rows < 1 or columns * rows > MAX_PICTURES:
            raise ValueError(f"{columns} × {rows} frames")
        self.path = path
        self.title = title
        self.credit = credit
        self.columns = columns
        self.rows = rows
        self.place = place
        # WebP is without loss where the quality is above 100. PNG by OpenCV's own setting: against zlib's usual level
        # it makes a head's file a ninth larger, in a third of the time, and it decodes a quarter faster.
        self._suffix = ".webp" if compact else ".png"
        self._how = [cv2.IMWRITE_WEBP_QUALITY, 101] if compact else []
        check_target(path, overwrite=overwrite)
        self._overwrite = overwrite
        self._files: NewPackFiles | None = None
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._written: set[str] = set()
        self._bands: dict[str, tuple[Place, int]] = {}
        self._idle_fps: float | None = None
        self._report: Mapping[str, ReportValue] = {}

    def __enter__(self) -> PackWriter:
        try:
            self._files = new_files(self.path)
        except OSError as error:
            raise self._failure(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        files = self._files
        assert files is not None  # noqa: S101 - __enter__ opened them
        try:
            if kind is None:
                self._require_complete()
                self._write(MANIFEST, manifest_text(self._manifest()).encode())
                made = files.put_in_place(overwrite=self._overwrite)
                if made != self.path:
                    raise PortraitError(f"{self.path} {_(MEANWHILE)} {made}")
        except OSError as failure:
            raise self._failure(failure) from failure
        finally:
            self._files = None
            files.discard()

    def add_painting(self, pixels: Pixels) -> None:
        """Add the whole painting."""
        if not self.place.lies_in(Place(0, 0, *Size.of(pixels))):
            raise ValueError(f"frames at {self.place} in a painting of {Size.of(pixels)}")
        self._write_picture("painting", pixels)

    def add_frame(self, index: int, pixels: Pixels) -> None:
        """Add the head region for gaze step `index` = row × columns + column, blended into the painting."""
        self._require_frame_size(pixels)
        if not 0 <= index < self.columns * self.rows:
            raise ValueError(f"frame {index} of {self.columns} × {self.rows}")
        self._write_picture(_numbered("frames", index), pixels)

    def set_blink(self, place: Place, stages: int) -> None:
        """Say where in the painting the blink pictures go, and how many stages there are."""
        self._set_band("blink", place, stages)

    def add_blink(self, index: int, stages: Sequence[Pixels]) -> None:
        """Add the band over the eyes of frame `index`, from barely closing to closed."""
        self._add_stages("blink", index, stages)

    def set_mouth(self, place: Place, stages: int) -> None:
        """Say where in the painting the pictures of the mouth go, and how many stages there are."""
        self._set_band("mouth", place, stages)

    def add_mouth(self, index: int, stages: Sequence[Pixels]) -> None:
        """Add the part around the mouth of frame `index`, from barely open to as far open as it speaks."""
        self._add_stages("mouth", index, stages)

    def _set_band(self, name: str, place: Place, stages: int) -> None:
        if stages < 1 or not place.lies_in(self.place):
            raise ValueError(f"{stages} {name} stages at {place}, frames at {self.place}")
        with self._lock:
            self._bands[name] = (place, stages)

    def _add_stages(self, name: str, index: int, stages: Sequence[Pixels]) -> None:
        if name not in self._bands:
            raise ValueError(f"set_{name} comes first")
        place, count = self._bands[name]
        if len(stages) != count or any(Size.of(stage) != place.size for stage in stages):
            raise ValueError(f"{name} {index}: {[str(Size.of(stage)) for stage in stages]}, not {count} × {place.size}")
        self._write_picture(_numbered(name, index), np.concatenate(list(stages)))

    def set_idle(self, fps: float) -> None:
        """Say how many pictures of the idle loop are shown in a second."""
        if not 0 < fps <= 120:
            raise ValueError(f"{fps} idle pictures per second")
        with self._lock:
            self._idle_fps = float(fps)

    def add_idle(self, number: int, pixels: Pixels) -> None:
        """Add picture `number`, counted from 0, of the idle loop."""
        self._require_frame_size(pixels)
        self._write_picture(_numbered("idle", number), pixels)

    def set_report(self, report: Mapping[str, ReportValue]) -> None:
        """Set what was measured, for `[report]`."""
        with self._lock:
            self._report = dict(report)

    def _require_frame_size(self, pixels: Pixels) -> None:
        if Size.of(pixels) != self.place.size:
            raise ValueError(f"a picture of {Size.of(pixels)} where frames are {self.place.size}")

    def _write_picture(self, stem: str, pixels: Pixels) -> None:
        name = stem + self._suffix
        done, encoded = cv2.imencode(self._suffix, pixels, self._how)
        if not done:
            raise ValueError(f"{name} cannot be encoded: shape {pixels.shape}, {pixels.dtype}")
        self._write(name, encoded.tobytes())

    def _write(self, name: str, data: bytes) -> None:
        with self._lock:
            if self._files is None:
                raise ValueError("a PackWriter is used in a `with` block")
            if name in self._written:
                raise ValueError(f"{name} is there already")
            try:
                self._files.write(name, data)
            except OSError as error:
                raise self._failure(error) from error
            self._written.add(name)

    def _require_complete(self) -> None:
        counts = dict.fromkeys(("frames", *self._bands), self.columns * self.rows)
        if self._idle_fps is not None:
            counts["idle"] = max(1, sum(name.startswith("idle/") for name in self._written))
        stems = ["painting", *(_numbered(folder, index) for folder in counts for index in range(counts[folder]))]
        expected = {stem + self._suffix for stem in stems}
        if self._written != expected:
            raise ValueError(f"this pack is not complete: {sorted(self._written ^ expected)}")

    def _manifest(self) -> Manifest:
        bands = {
            name: StagesSection(stages, Corner(place.left, place.top), name)
            for name, (place, stages) in self._bands.items()
        }
        idle = None if self._idle_fps is None else IdleSection(self._idle_fps)
        return Manifest(
            title=self.title,
            columns=self.columns,
            rows=self.rows,
            credit=self.credit,
            painting=f"painting{self._suffix}",
            corner=Corner(self.place.left, self.place.top),
            blink=bands.get("blink"),
            mouth=bands.get("mouth"),
            idle=idle,
            report=self._report,
        )

    def _failure(self, error: OSError) -> PortraitError:
        return PortraitError(
            _(
                "cannot write {path}: {reason}; free some space or choose another place",
                path=self.path,
                reason=error.strerror or error,
            )
        )


def _numbered(folder: str, number: int) -> str:
    return f"{folder}/{number:03d}"


def check_target(path: Path, *, overwrite: bool) -> None:
    """Raise PortraitError or OutputError where no pack can be written: better known before one is made."""
    check_folder(path.parent)
    if not path.exists():
        return
    if not overwrite:
        raise PortraitError(_("{path} exists already; choose another name, or or add --overwrite", path=path))
    if path.is_dir() and any(path.iterdir()) and not (path / MANIFEST).is_file():
        raise PortraitError(
            _("{path} is a folder of other things, which is not replaced; choose another name", path=path)
        )
    if not path.is_dir() and path.suffix.lower() not in ARCHIVE_SUFFIXES:
        raise PortraitError(
            _("{path} is a file, which a folder does not replace; let the name end in .portrait", path=path)
        )
    if path.is_dir() and path.suffix.lower() in ARCHIVE_SUFFIXES:
        raise PortraitError(
            _("{path} is a folder; remove it, or choose a name without {suffix}", path=path, suffix=path.suffix)
        )
