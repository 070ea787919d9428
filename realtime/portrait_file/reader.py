"""Portrait packs: a painting, and its head drawn once for every direction it can look in.

A pack is a folder, or one file (`.portrait` or `.zip`: a ZIP archive holding the same names), with a
`portrait.toml`:

    format = 1
    title = "Mona Lisa"
    credit = "Leonardo da Vinci, about 1503"    # may be left out
    painting = "painting.png"

    [frames]            # the head for every gaze, blended into the painting: 000.png and on, row by row
    folder = "frames"
    columns = 33        # the first looks to the left edge of the screen, as a visitor sees it
    rows = 1            # the first looks up
    left = 312          # where a frame's top-left corner goes in the painting, pixels
    top = 120

    [blink]             # may be left out: the band over both eyes, one picture for every frame
    folder = "blink"
    stages = 3          # from barely closing to closed, one below the other in each picture
    left = 350
    top = 240

    [idle]              # may be left out: a loop of heads, like frames, that begins and ends at the middle one
    folder = "idle"
    fps = 15.0

    [report]            # may be left out: what the builder measured; anything may stand here

A plain folder (or archive) of numbered pictures of one size is a pack too: whole pictures, or pictures of the
head where a painting is named; then the place is found, and the rim of each picture is blended into the
painting.

This module is the only one that knows the format.
"""

from __future__ import annotations

import json
import math
import re
import threading
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, NamedTuple

import cv2
import numpy as np
import platformdirs
from numpy.typing import NDArray

from realtime.errors import PortraitError, nearest
from realtime.frame import Pixels, Size
from realtime.pixels import Place as Place  # its word for places too
from realtime.portrait_file.header import check_whole, read_header
from realtime.portrait_file.storage import (
    ARCHIVE_SUFFIXES,
    MAX_FILE_BYTES,
    NewPackFiles,
    PackFiles,
    climbs_out,
    new_files,
    open_files,
)

FORMAT = 1
MANIFEST = "portrait.toml"
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})

MAX_SIDE_PX = 16_383
MAX_PICTURE_PX = 80_000_000  # 240 MB decoded: beyond any painting one would show, well below a decompression bomb
MAX_PICTURES = 9_999

ReportValue = str | bool | int | float | Sequence["ReportValue"]


def packs_folder() -> Path:
    """Return the folder where packs are known by their names."""
    return platformdirs.user_data_path("realtime") / "portraits"


def kept_packs() -> list[Path]:
    """Return the packs in `packs_folder`, by name; what they hold is not looked at."""
    folder = packs_folder()
    return _packs_in(folder) if folder.is_dir() else []


def find_pack(text: str) -> Path:
    """Return the pack that a path, or the name of a kept pack, means. Raises PortraitError, naming what is near."""
    path = Path(text).expanduser()
    if path.exists():
        return path
    kept = kept_packs()
    for pack in kept:
        if text in (pack.name, pack.stem):
            return pack
    folder = path.parent
    if not folder.is_dir():
        raise PortraitError(f"no portrait {text}: there is no folder {folder}")
    beside = [entry.name for entry in _packs_in(folder) if entry.is_file() or (entry / MANIFEST).is_file()]
    if len(path.parts) > 1:
        raise _not_found(f"no portrait {text}", path.name, beside, f"in {folder}")
    names = [*beside, *(pack.stem for pack in kept)]
    raise _not_found(f"no portrait '{text}'", text, names, f"here or in {packs_folder()}")


def _packs_in(folder: Path) -> list[Path]:
    """Return what may be packs by their names: archives and folders."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    shown = [entry for entry in entries if not entry.name.startswith(".")]
    return [entry for entry in shown if entry.is_dir() or entry.suffix.lower() in ARCHIVE_SUFFIXES]


def _not_found(what: str, word: str, names: Sequence[str], where: str) -> PortraitError:
    hint = nearest(word, names) or (f"; there are: {', '.join(names[:8])}" if names else "; there is none yet")
    return PortraitError(f"{what} {where}{hint}")


class Portrait:
    """An opened pack. A picture is decoded each time it is asked for: keep those that are needed again.

    Opening reads every file once and notices what is missing, cut short or of the wrong size; it decodes the
    painting and the middle frame only, so that a first picture can be shown soon. All methods: any thread.
    """

    def __init__(
        self,
        path: Path,
        files: PackFiles,
        manifest: _Manifest,
        frames: _Pictures,
        painting: Pixels,
        place: Place,
        blended_in: bool,
    ) -> None:
        """For `open`, which has made sure that all of it fits together."""
        self.path = path
        self.title = manifest.title
        self.credit = manifest.credit
        self.report: Mapping[str, Any] = manifest.report
        self.painting = painting
        self.place = place
        self.columns = manifest.columns
        self.rows = manifest.rows
        self.blink_stages = 0
        self.blink_place: Place | None = None
        self.idle_count = 0
        self.idle_fps = 0.0
        self._files = files
        self._frames = frames
        self._blinks: _Pictures | None = None
        self._idles: _Pictures | None = None
        self._rim = None if blended_in else _rim_weights(place.size)

    @classmethod
    def open(cls, path: Path, *, painting: Path | None = None) -> Portrait:
        """Open a pack. `painting` names the painting that the frames belong to, where the pack does not (or
        another).

        Raises PortraitError, one line that names the file at fault.
        """
        files = open_files(path)
        try:
            return cls._open(path, files, painting)
        except BaseException:
            files.close()
            raise

    @classmethod
    def _open(cls, path: Path, files: PackFiles, painting_file: Path | None) -> Portrait:
        has_manifest = MANIFEST in files.names
        manifest = _read_manifest(files) if has_manifest else _manifest_of_plain_pictures(path, files)
        numbers = range(manifest.columns * manifest.rows) if has_manifest else None
        frames = _Pictures.find(files, manifest.frames_folder, numbers)
        middle = frames.decode(manifest.middle)

        if painting_file is not None:
            painting = _read_painting_file(painting_file)
        elif manifest.painting:
            painting = _decode(manifest.painting, files.read(manifest.painting), path)
        else:
            painting = middle
        whole = Place(0, 0, *Size.of(painting))
        found = False
        if manifest.frames_at is not None:
            place = Place(*manifest.frames_at, *Size.of(middle))
        elif middle.shape == painting.shape:
            place = whole
        else:
            place, found = _find_place(path, middle, painting), True
        if not place.lies_in(whole):
            raise PortraitError(
                f"{path}: the frames ({place.size} at {place.left},{place.top}) reach outside the painting "
                f"({whole.size}); correct left and top in {MANIFEST}"
            )

        portrait = cls(path, files, manifest, frames, painting, place, blended_in=not found)
        if manifest.blink is not None:
            portrait._add_blink(manifest.blink)
        if manifest.idle is not None:
            portrait._add_idle(manifest.idle)
        return portrait

    @property
    def size(self) -> Size:
        """The painting's size, pixels."""
        return Size.of(self.painting)

    @property
    def count(self) -> int:
        """How many frames there are: columns × rows."""
        return self.columns * self.rows

    @property
    def middle(self) -> int:
        """The index of the frame that looks straight ahead."""
        return self.rows // 2 * self.columns + self.columns // 2

    def frame(self, index: int) -> Pixels:
        """Return the head region, `place` in size, of frame `index` = row × columns + column.

        Raises PortraitError for a picture that does not decode.
        """
        pixels = self._frames.decode(index)
        _require_size(self.path, self._frames.names[index], pixels, self.place.size)
        if self._rim is None:
            return pixels
        blended = cv2.blendLinear(pixels, self.place.of(self.painting), self._rim, 1 - self._rim)
        return np.asarray(blended, np.uint8)

    def blink(self, index: int, stage: int) -> Pixels:
        """Return the band over the eyes, `blink_place` in size, of frame `index`; the last stage has closed
        eyes.

        Raises PortraitError for a picture that does not decode.
        """
        if self._blinks is None or self.blink_place is None or not 0 <= stage < self.blink_stages:
            raise IndexError(f"no blink stage {stage}: this portrait has {self.blink_stages}")
        height = self.blink_place.height
        stages = self._blinks.decode(index)
        _require_size(
            self.path, self._blinks.names[index], stages, Size(self.blink_place.width, height * self.blink_stages)
        )
        return stages[stage * height : (stage + 1) * height]

    def idle(self, number: int) -> Pixels:
        """Return a picture of the idle loop, `place` in size. Raises PortraitError when it does not decode."""
        if self._idles is None:
            raise IndexError("this portrait has no idle loop")
        pixels = self._idles.decode(number)
        _require_size(self.path, self._idles.names[number], pixels, self.place.size)
        return pixels

    def close(self) -> None:
        """Let go of the file. Nothing can be decoded afterwards."""
        self._files.close()

    def __enter__(self) -> Portrait:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _add_blink(self, blink: _Blink) -> None:
        pictures = _Pictures.find(self._files, blink.folder, range(self.count))
        width, height = pictures.size
        if height % blink.stages:
            raise PortraitError(
                f"{self.path}: {pictures.names[0]} is {height} pixels high, which {blink.stages} stages do not share"
            )
        self.blink_place = Place(blink.left, blink.top, width, height // blink.stages)
        self.blink_stages = blink.stages
        self._blinks = pictures
        if not self.blink_place.lies_in(self.place):
            raise PortraitError(
                f"{self.path}: the blink pictures ({self.blink_place.size} at {blink.left},{blink.top}) reach "
                f"outside the frames ({self.place.size} at {self.place.left},{self.place.top}); "
                f"correct [blink] left and top in {MANIFEST}"
            )

    def _add_idle(self, idle: _Idle) -> None:
        pictures = _Pictures.find(self._files, idle.folder, None)
        if pictures.size != self.place.size:
            raise PortraitError(
                f"{self.path}: {pictures.names[0]} is {pictures.size}, the frames are {self.place.size}; "
                "the idle loop must be of the frames' size"
            )
        self.idle_count = len(pictures.names)
        self.idle_fps = idle.fps
        self._idles = pictures


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
        when it exists already and `overwrite` is not said, or when it is a folder of other things.

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
        _require_free_target(path, overwrite)
        self._files: NewPackFiles | None = None
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._written: set[str] = set()
        self._blink: tuple[Place, int] | None = None
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
                self._write(MANIFEST, self._manifest().encode())
                files.put_in_place()
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
        self._write_picture(f"frames/{index:03d}", pixels)

    def set_blink(self, place: Place, stages: int) -> None:
        """Say where in the painting the blink pictures go, and how many stages there are."""
        if stages < 1 or not place.lies_in(self.place):
            raise ValueError(f"{stages} blink stages at {place}, frames at {self.place}")
        with self._lock:
            self._blink = (place, stages)

    def add_blink(self, index: int, stages: Sequence[Pixels]) -> None:
        """Add the band over the eyes of frame `index`, from barely closing to closed."""
        if self._blink is None:
            raise ValueError("set_blink comes first")
        place, count = self._blink
        if len(stages) != count or any(Size.of(stage) != place.size for stage in stages):
            raise ValueError(f"blink {index}: {[str(Size.of(stage)) for stage in stages]}, not {count} × {place.size}")
        self._write_picture(f"blink/{index:03d}", np.concatenate(list(stages)))

    def set_idle(self, fps: float) -> None:
        """Say how many pictures of the idle loop are shown in a second."""
        if not 0 < fps <= 120:
            raise ValueError(f"{fps} idle pictures per second")
        with self._lock:
            self._idle_fps = fps

    def add_idle(self, number: int, pixels: Pixels) -> None:
        """Add picture `number`, counted from 0, of the idle loop."""
        self._require_frame_size(pixels)
        self._write_picture(f"idle/{number:03d}", pixels)

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
        count = self.columns * self.rows
        stems = {"painting"} | {f"frames/{index:03d}" for index in range(count)}
        if self._blink is not None:
            stems |= {f"blink/{index:03d}" for index in range(count)}
        if self._idle_fps is not None:
            idles = sum(name.startswith("idle/") for name in self._written)
            stems |= {f"idle/{number:03d}" for number in range(max(1, idles))}
        wanted = {stem + self._suffix for stem in stems}
        if self._written != wanted:
            raise ValueError(f"this pack is not complete: {sorted(self._written ^ wanted)}")

    def _manifest(self) -> str:
        lines = [f"format = {FORMAT}", f"title = {_toml(self.title)}"]
        if self.credit:
            lines.append(f"credit = {_toml(self.credit)}")
        lines += [f'painting = "painting{self._suffix}"', "", "[frames]", 'folder = "frames"']
        lines += [f"columns = {self.columns}", f"rows = {self.rows}"]
        lines += [f"left = {self.place.left}", f"top = {self.place.top}"]
        if self._blink is not None:
            place, stages = self._blink
            lines += ["", "[blink]", 'folder = "blink"', f"stages = {stages}"]
            lines += [f"left = {place.left}", f"top = {place.top}"]
        if self._idle_fps is not None:
            lines += ["", "[idle]", 'folder = "idle"', f"fps = {_toml(float(self._idle_fps))}"]
        if self._report:
            lines += [
                "",
                "[report]",
                *(f"{_toml(key)} = {_toml(value)}" for key, value in self._report.items()),
            ]
        return "\n".join(lines) + "\n"

    def _failure(self, error: OSError) -> PortraitError:
        return PortraitError(
            f"cannot write {self.path}: {error.strerror or error}; free some space or choose another place"
        )


# ---- what a pack says about itself


class _Blink(NamedTuple):
    folder: str
    stages: int
    left: int
    top: int


class _Idle(NamedTuple):
    folder: str
    fps: float


class _Manifest(NamedTuple):
    title: str
    credit: str
    painting: str  # empty: none
    frames_folder: str  # empty: the top level
    columns: int
    rows: int
    frames_at: tuple[int, int] | None  # left, top
    blink: _Blink | None
    idle: _Idle | None
    report: Mapping[str, Any]

    @property
    def middle(self) -> int:
        return self.rows // 2 * self.columns + self.columns // 2


class _Table:
    """One table of the manifest, read key by key with its type; what nobody knows is an error."""

    def __init__(self, where: str, values: Mapping[str, Any]) -> None:
        self._where = where
        self._values = values
        self._known: list[str] = []

    def text(self, key: str, default: str | None = None) -> str:
        return str(self._get(key, str, "a text in quotes", default))

    def whole(self, key: str, least: int, most: int, default: int | None = None) -> int:
        value = int(self._get(key, int, "a whole number", default))
        if not least <= value <= most:
            raise PortraitError(f"{self._where}: '{key}' is {value}; it may be {least} to {most}")
        return value

    def number(self, key: str, least: float, most: float) -> float:
        value = float(self._get(key, (int, float), "a number", None))
        if not least <= value <= most:
            raise PortraitError(f"{self._where}: '{key}' is {value:g}; it may be {least:g} to {most:g}")
        return value

    def table(self, key: str, default: Mapping[str, Any] | None = None) -> _Table:
        values = self._get(key, dict, "a table", default)
        return _Table(f"{self._where}, [{key}]", values)

    def has(self, key: str) -> bool:
        self._known.append(key)
        return key in self._values

    def values(self) -> Mapping[str, Any]:
        return self._values

    def done(self) -> None:
        """Raise PortraitError for a key that was not asked for."""
        for key in self._values:
            if key not in self._known:
                known = sorted(set(self._known))
                hint = nearest(key, known) or f"; there are: {', '.join(known)}"
                raise PortraitError(f"{self._where}: unknown key '{key}'{hint}")

    def _get(self, key: str, kind: type | tuple[type, ...], kind_in_words: str, default: Any) -> Any:
        if not self.has(key):
            if default is None:
                # A key that looks like a misspelling of the missing one is what to correct.
                self.done_if_misspelt(key)
                raise PortraitError(f"{self._where}: '{key}' is missing")
            return default
        value = self._values[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise PortraitError(f"{self._where}: '{key}' must be {kind_in_words}, not {value!r}")
        return value

    def done_if_misspelt(self, key: str) -> None:
        for other in self._values:
            if other not in self._known and nearest(other, [key]):
                raise PortraitError(f"{self._where}: unknown key '{other}'{nearest(other, [key])}")


def _read_manifest(files: PackFiles) -> _Manifest:
    where = f"{files.path}: {MANIFEST}"
    try:
        document = tomllib.loads(files.read(MANIFEST).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise PortraitError(f"{where} is no UTF-8 text; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise PortraitError(f"{where} is no valid TOML: {error}") from error
    top = _Table(where, document)
    version = top.whole("format", 1, 10**6)
    if version != FORMAT:
        raise PortraitError(f"{where}: format {version} is newer than this program (format {FORMAT}); update realtime")
    title = top.text("title", files.path.stem)
    credit = top.text("credit", "")
    painting = _inside(where, top.text("painting", ""))

    frames = top.table("frames")
    frames_folder = _inside(where, frames.text("folder", "frames"))
    columns = frames.whole("columns", 1, MAX_PICTURES)
    rows = frames.whole("rows", 1, MAX_PICTURES // columns, 1)
    frames_at = None
    if frames.has("left") or frames.has("top"):
        frames_at = frames.whole("left", 0, MAX_SIDE_PX), frames.whole("top", 0, MAX_SIDE_PX)
    frames.done()
    if frames_at is not None and not painting:
        raise PortraitError(f'{where}: [frames] has left and top but no painting is named; add painting = "FILE"')

    blink = None
    if top.has("blink"):
        table = top.table("blink")
        blink = _Blink(
            _inside(where, table.text("folder", "blink")),
            table.whole("stages", 1, 60),
            table.whole("left", 0, MAX_SIDE_PX),
            table.whole("top", 0, MAX_SIDE_PX),
        )
        table.done()
    idle = None
    if top.has("idle"):
        table = top.table("idle")
        idle = _Idle(_inside(where, table.text("folder", "idle")), table.number("fps", 0.1, 120))
        table.done()
    report = top.table("report", {}).values()
    top.done()
    return _Manifest(title, credit, painting, frames_folder, columns, rows, frames_at, blink, idle, report)


def _manifest_of_plain_pictures(path: Path, files: PackFiles) -> _Manifest:
    numbered = _numbered(files, "")
    if not numbered:
        raise PortraitError(
            f"{path} is no portrait: it has neither a {MANIFEST} nor numbered pictures (000.png, 001.png …); "
            "make one with: realtime portrait build PICTURE -o PACK"
        )
    return _Manifest(path.stem, "", "", "", len(numbered), 1, None, None, None, {})


def _inside(where: str, name: str) -> str:
    """Return a name from the manifest as it stands in the pack. Raises PortraitError when it points
    elsewhere.
    """
    if climbs_out(name):
        raise PortraitError(f"{where}: '{name}' lies outside the pack; write a name inside it")
    path = PurePosixPath(name)
    return "" if path == PurePosixPath() else str(path)


def _toml(value: ReportValue) -> str:
    """Write a value, or a key, as TOML."""
    if isinstance(value, str):  # a JSON string is a TOML one, but for DEL
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return repr(round(float(value), 6))
    return f"[{', '.join(_toml(item) for item in value)}]"


# ---- the pictures in it


class _Pictures(NamedTuple):
    """Numbered pictures of one size."""

    files: PackFiles
    names: tuple[str, ...]
    size: Size

    @classmethod
    def find(cls, files: PackFiles, folder: str, numbers: range | None) -> _Pictures:
        """Find and check the pictures of a folder of the pack. `numbers`: those that must be there; None:
        whatever follows from the first. Raises PortraitError.
        """
        by_number = _numbered(files, folder)
        shown = f"{folder}/" if folder else ""
        if not by_number:
            raise PortraitError(f"{files.path} has no pictures in {shown or 'it'}; they are named 000.png, 001.png …")
        if numbers is None:
            first = min(by_number)
            wanted = range(first, first + len(by_number))
        else:
            wanted = numbers
        missing = next((number for number in wanted if number not in by_number), None)
        if missing is not None:
            name = _renumbered(next(iter(by_number.values())), missing)
            last = max(wanted[-1], *by_number)
            raise PortraitError(f"{files.path} lacks {name}; there must be one for each of {wanted[0]} to {last}")
        extra = sorted(set(by_number) - set(wanted))
        if extra:
            raise PortraitError(
                f"{files.path}: {by_number[extra[0]]} is more than the {len(wanted)} that columns × rows "
                f"in {MANIFEST} say"
            )
        names = tuple(by_number[number] for number in wanted)
        size: Size | None = None
        for name in names:
            this = _check_picture(name, files.read(name), files.path)
            if size is None:
                size = this
            elif this != size:
                raise PortraitError(
                    f"{files.path}: {name} is {this}, but {names[0]} is {size}; all must be of one size"
                )
        assert size is not None  # noqa: S101 - there is at least one name
        return cls(files, names, size)

    def decode(self, index: int) -> Pixels:
        if not 0 <= index < len(self.names):
            raise IndexError(f"picture {index} of {len(self.names)}")
        name = self.names[index]
        return _decode(name, self.files.read(name), self.files.path)


def _numbered(files: PackFiles, folder: str) -> dict[int, str]:
    """Return the pictures of a folder of the pack by the last number in their names."""
    by_number: dict[int, str] = {}
    for name in sorted(files.names):
        path = PurePosixPath(name)
        if str(path.parent) != (folder or ".") or path.suffix.lower() not in PICTURE_SUFFIXES:
            continue
        digits = re.findall(r"\d+", path.stem)
        if not digits or path.name.startswith("."):
            continue
        number = int(digits[-1])
        if number in by_number:
            raise PortraitError(f"{files.path}: {by_number[number]} and {name} have the same number")
        by_number[number] = name
    if len(by_number) > MAX_PICTURES:
        raise PortraitError(f"{files.path} has {len(by_number)} pictures; a portrait has at most {MAX_PICTURES}")
    return by_number


def _renumbered(name: str, number: int) -> str:
    """Return a picture's name with another number, in as many digits: `frames/000.png`, 12 → `frames/012.png`."""
    path = PurePosixPath(name)
    digits = list(re.finditer(r"\d+", path.stem))[-1]
    stem = f"{path.stem[: digits.start()]}{number:0{len(digits[0])}d}{path.stem[digits.end() :]}"
    return str(path.with_name(stem + path.suffix))


def _check_picture(name: str, data: bytes, pack: Path | None = None) -> Size:
    """Return the size a file's header claims. Raises PortraitError when it is absurd or the file is not
    whole.
    """
    where = f"{pack}: {name}" if pack else name
    try:
        size = read_header(data).size
        check_whole(data)
    except ValueError as error:
        raise PortraitError(f"{where} {error}") from None
    if min(size) < 1 or max(size) > MAX_SIDE_PX or size.width * size.height > MAX_PICTURE_PX:
        raise PortraitError(
            f"{where} says it is {size}; pictures may have {MAX_SIDE_PX} pixels a side and "
            f"{MAX_PICTURE_PX // 10**6} megapixels"
        )
    return size


def _decode(name: str, data: bytes, pack: Path | None = None) -> Pixels:
    _check_picture(name, data, pack)
    try:
        # 8 bits, three channels, turned upright, whatever the file holds.
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise PortraitError(f"{f'{pack}: ' if pack else ''}{name} is damaged: it cannot be decoded")
    return np.asarray(pixels, np.uint8)


def _require_size(pack: Path, name: str, pixels: Pixels, size: Size) -> None:
    if Size.of(pixels) != size:  # only EXIF data that turn one picture and not the next get so far
        raise PortraitError(f"{pack}: {name} is {Size.of(pixels)}, not {size} like the others")


def _read_painting_file(path: Path) -> Pixels:
    path = path.expanduser()
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise PortraitError(f"cannot read the painting {path}: {error.strerror or error}") from error
    if len(data) > MAX_FILE_BYTES:
        raise PortraitError(f"the painting {path} is larger than {MAX_FILE_BYTES // 2**20} MiB")
    return _decode(f"the painting {path}", data)


def _find_place(path: Path, middle: Pixels, painting: Pixels) -> Place:
    """Find where head pictures belong in their painting, by their middle one. Raises PortraitError when
    nowhere.
    """
    frame_size, painting_size = Size.of(middle), Size.of(painting)
    if frame_size.width > painting_size.width or frame_size.height > painting_size.height:
        raise PortraitError(f"{path}: its frames are {frame_size}, larger than the painting, {painting_size}")
    # First on small grey copies, then among the few places around in full. A correlation of 0.8 leaves room
    # for another encoder, for colour and for eyes that look elsewhere; a wrong picture reaches 0.5 at most.
    scale = max(1.0, math.sqrt(painting_size.width * painting_size.height / 250_000))
    scale = min(scale, max(1.0, min(frame_size) / 24))
    small = [
        cv2.resize(
            cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY),
            None,
            fx=1 / scale,
            fy=1 / scale,
            interpolation=cv2.INTER_AREA,
        )
        for picture in (painting, middle)
    ]
    _, _, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(small[0], small[1], cv2.TM_CCOEFF_NORMED))
    reach = math.ceil(scale) * 2
    left = min(max(round(x * scale) - reach, 0), painting_size.width - frame_size.width)
    top = min(max(round(y * scale) - reach, 0), painting_size.height - frame_size.height)
    around = painting[top : top + frame_size.height + 2 * reach, left : left + frame_size.width + 2 * reach]
    _, score, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(around, middle, cv2.TM_CCOEFF_NORMED))
    if score < 0.8:
        raise PortraitError(
            f"{path}: its frames ({frame_size}) are not found in the painting ({painting_size}); "
            "they must be cut from it at the same scale"
        )
    return Place(left + x, top + y, *frame_size)


def _rim_weights(size: Size) -> NDArray[np.float32]:
    """Return how much of a head picture counts at each pixel, 0..1, so that its rim fades into the painting.

    The sigmoid for a square of 2m = 512: 1 / (1 + exp(0.06·(max(|x − m|, |y − m|) − 180))), its distances
    scaled to the shorter side.
    """
    half = min(size) / 2
    x = np.abs(np.arange(size.width, dtype=np.float32) + 0.5 - size.width / 2) - size.width / 2
    y = np.abs(np.arange(size.height, dtype=np.float32) + 0.5 - size.height / 2) - size.height / 2
    from_rim = np.maximum(x[None, :], y[:, None])  # 0 at the rim, negative inside
    beyond = from_rim * (256 / half) + (256 - 180)
    return np.asarray(1 / (1 + np.exp(0.06 * beyond)), np.float32)


def _require_free_target(path: Path, overwrite: bool) -> None:
    if not path.parent.is_dir():
        raise PortraitError(f"cannot write {path}: there is no folder {path.parent}")
    if not path.exists():
        return
    if not overwrite:
        raise PortraitError(f"{path} exists already; choose another name, or say --force to replace it")
    if path.is_dir() and any(path.iterdir()) and not (path / MANIFEST).is_file():
        raise PortraitError(f"{path} is a folder of other things, which is not replaced; choose another name")
    if path.is_dir() and path.suffix.lower() in ARCHIVE_SUFFIXES:
        raise PortraitError(f"{path} is a folder; remove it, or choose a name without {path.suffix}")
