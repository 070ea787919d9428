"""HEIC and AVIF photos: what their boxes say of the picture, and its tiles put together.

FFmpeg decodes each coded item of such a file as a track of its own (its id is the item's number); which of them are
the picture, how they lie beside each other and how the whole is turned stands in boxes that PyAV passes over.
"""

from __future__ import annotations

import dataclasses
import io
import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from realtime.core.language import _
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.transparency import on_white
from realtime.picture_files.exif import Turn, orientation_in_exif, turn_of_orientation, turned
from realtime.video.container import OPTIONS
from realtime.video.decoding import PictureMaker

_CODED = frozenset({b"hvc1", b"av01"})
_ALPHA = (b"urn:mpeg:hevc:2015:auxid:1", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha")
_MATRIX_BT601, _MATRIX_UNSPECIFIED = 5, 2
_MOST_TILES = 1024
_MOST_EXTENTS = 64
_MAX_META_BYTES = 4 * 2**20


@dataclasses.dataclass(frozen=True, slots=True)
class _Item:
    """A coded picture, or several in a grid."""

    tiles: tuple[int, ...]
    """Numbers of coded items, row by row."""
    columns: int
    size: Size
    """Of the whole, before it is turned."""


class Photo(NamedTuple):
    """What the boxes say: the picture, its opacity where it has one, and how it is shown."""

    picture: _Item
    opacity: _Item | None
    turns: tuple[Turn, ...]

    @property
    def size(self) -> Size:
        """As stored, before it is turned."""
        return self.picture.size


def describe(data: bytes) -> Photo:
    """Read the boxes of a file. Raises ValueError, its text fit to follow a file's name."""
    try:
        return _Boxes(data).photo()
    except (struct.error, IndexError, KeyError) as error:
        raise ValueError(_("is damaged, or cut short")) from error


def decode(data: bytes, photo: Photo) -> Pixels:
    """Return the picture: (height, width, 3) uint8 BGR, upright, transparent parts on white. Raises ValueError."""
    item_ids = {*photo.picture.tiles, *(photo.opacity.tiles if photo.opacity else ())}
    try:
        decoded = _decoded_items(data, item_ids)
        whole = _put_together(photo.picture, decoded)
        maker = PictureMaker(upright=False)
        made = [*maker.make(whole), *maker.rest()]  # one marked as interlaced comes with the rest
        opacity = _put_together(photo.opacity, decoded) if photo.opacity else None
    except (av.FFmpegError, OSError, KeyError) as error:
        raise ValueError(_("cannot be decoded; save it again as PNG or JPEG")) from error
    width, height = photo.size
    pixels = made[0].pixels[:height, :width]
    if opacity is not None:
        alpha = _plane(opacity, 0, 1)[:height, :width]
        if alpha.shape == pixels.shape[:2]:
            pixels = on_white(np.dstack([pixels, alpha]))
    for turn in photo.turns:
        pixels = turned(pixels, turn)
    return np.ascontiguousarray(pixels)


def _decoded_items(data: bytes, item_ids: set[int]) -> Mapping[int, av.VideoFrame]:
    first_frames: dict[int, av.VideoFrame] = {}
    with av.open(io.BytesIO(data), "r", metadata_errors="ignore", options=OPTIONS) as container:
        streams = {stream.index: stream for stream in container.streams.video if stream.id in item_ids}
        for stream in streams.values():
            stream.codec_context.thread_count = 1  # a thread for each core in each of 48 decoders were too many
        for packet in container.demux(*streams.values()):
            coded = streams[packet.stream.index]
            if coded.id in first_frames or not packet.size:
                continue
            frames = [*coded.codec_context.decode(packet), *coded.codec_context.decode(None)]
            if frames:
                first_frames[coded.id] = frames[0]
    return first_frames


def _put_together(item: _Item, decoded: Mapping[int, av.VideoFrame]) -> av.VideoFrame:
    """Lay tiles beside each other as they were coded, so that colours are converted across their borders."""
    tiles = [decoded[number] for number in item.tiles]
    first = tiles[0]
    if first.colorspace == _MATRIX_UNSPECIFIED and not first.format.is_rgb:
        first.colorspace = _MATRIX_BT601  # what ISO/IEC 23008-12 says of a photo that does not say
    if len(tiles) == 1:
        return first
    width, height = item.size
    if len({(tile.width, tile.height, tile.format.name) for tile in tiles}) > 1:
        raise ValueError(_("has tiles of different kinds; save it again as PNG or JPEG"))
    rows = len(tiles) // item.columns
    if first.width * item.columns < width or first.height * rows < height:
        raise ValueError(_("is damaged: its tiles do not cover the picture"))
    whole = av.VideoFrame(first.width * item.columns, first.height * rows, first.format.name)
    whole.colorspace, whole.color_range = first.colorspace, first.color_range
    whole.color_trc, whole.color_primaries = first.color_trc, first.color_primaries
    bytes_per_sample = (max(component.bits for component in first.format.components) + 7) // 8
    for index in range(len(first.planes)):
        target = _plane(whole, index, bytes_per_sample)
        for number, tile in enumerate(tiles):
            part = _plane(tile, index, bytes_per_sample)
            top, left = number // item.columns * part.shape[0], number % item.columns * part.shape[1]
            target[top : top + part.shape[0], left : left + part.shape[1]] = part
    return whole


def _plane(frame: av.VideoFrame, index: int, bytes_per_sample: int) -> NDArray[np.uint8]:
    plane = frame.planes[index]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width * bytes_per_sample]


class _Boxes:
    """The boxes of a file that tell of its picture."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        meta = next((span for kind, *span in self._inside(0, len(data)) if kind == b"meta"), None)
        if meta is None:
            raise ValueError(_("is damaged, or cut short"))
        begin, end = meta
        if end - begin > _MAX_META_BYTES:
            raise ValueError(_("is damaged: it describes itself at too great a length"))
        self._boxes = {kind: (at, stop) for kind, at, stop in self._inside(begin + 4, end)}
        self._kinds = dict(self._item_kinds())
        self._properties = self._item_properties()
        self._references = list(self._item_references())
        self._places = dict(self._item_places())

    def photo(self) -> Photo:
        at, _ = self._boxes[b"pitm"]
        primary = self._number(at + 4, self._data[at])[0]
        return Photo(self._item(primary), self._opacity(primary), tuple(self._turns(primary)))

    def _item(self, number: int) -> _Item:
        kind = self._kinds[number]
        if kind in _CODED:
            return _Item((number,), 1, self._size(number))
        if kind != b"grid":
            raise ValueError(
                _(
                    "is put together in a way that cannot be read ({kind!r}); save it again as PNG or JPEG",
                    kind=kind.decode("ascii", "replace"),
                )
            )
        data = self._contents(number)
        rows, columns = data[2] + 1, data[3] + 1
        size = Size(*struct.unpack_from(">II" if data[1] & 1 else ">HH", data, 4))
        tiles = next((others for kind, begin, others in self._references if kind == b"dimg" and begin == number), ())
        if (
            len(tiles) != rows * columns
            or len(tiles) > _MOST_TILES
            or any(self._kinds[tile] not in _CODED for tile in tiles)
        ):
            raise ValueError(_("is damaged: tiles are missing"))
        return _Item(tiles, columns, size)

    def _size(self, number: int) -> Size:
        for kind, at, _unused in self._properties.get(number, ()):
            if kind == b"ispe":
                return Size(*struct.unpack_from(">II", self._data, at + 4))
        raise ValueError(_("is damaged: it does not say how large it is"))

    def _opacity(self, primary: int) -> _Item | None:
        for reference, number, others in self._references:
            if reference != b"auxl" or primary not in others:
                continue
            for kind, at, end in self._properties.get(number, ()):
                if kind == b"auxC" and self._data[at + 4 : end].split(b"\0")[0] in _ALPHA:
                    return self._item(number)
        return None

    def _turns(self, primary: int) -> Iterator[Turn]:
        """Yield what is done to the picture before it is shown; its EXIF data count only where the boxes are silent."""
        is_stated = False
        for kind, at, _unused in self._properties.get(primary, ()):
            if kind == b"irot":
                is_stated = True
                yield Turn(quarters=self._data[at] & 3)
            elif kind == b"imir":
                is_stated = True
                yield Turn(flipped=True) if self._data[at] & 1 else Turn(quarters=2, flipped=True)
        if is_stated:
            return
        for reference, number, others in self._references:
            if reference == b"cdsc" and primary in others and self._kinds.get(number) == b"Exif":
                data = self._contents(number)
                (skipped,) = struct.unpack_from(">I", data)
                yield turn_of_orientation(orientation_in_exif(data[4 + skipped :]))

    def _contents(self, number: int) -> bytes:
        at, length = self._places[number]
        return self._data[at : at + length]

    def _inside(self, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        """Yield kind, begin and end of what each box between two places holds."""
        while at + 8 <= end:
            length, kind = struct.unpack_from(">I4s", self._data, at)
            begin = at + 8
            if length == 1:
                (length,) = struct.unpack_from(">Q", self._data, begin)
                begin += 8
            stop = at + length if length else end
            if stop < begin or stop > end:
                return
            yield kind, begin, stop
            at = stop

    def _number(self, at: int, wide: int) -> tuple[int, int]:
        """Return an item's number, of 16 or 32 bits, and where it ends."""
        return struct.unpack_from(">I" if wide else ">H", self._data, at)[0], at + (4 if wide else 2)

    def _item_kinds(self) -> Iterator[tuple[int, bytes]]:
        at, end = self._boxes[b"iinf"]
        for kind, begin, _unused in self._inside(at + (6 if self._data[at] == 0 else 8), end):
            version = self._data[begin]
            if kind == b"infe" and version >= 2:
                number, after = self._number(begin + 4, version > 2)
                yield number, self._data[after + 2 : after + 6]

    def _item_properties(self) -> dict[int, list[tuple[bytes, int, int]]]:
        at, end = self._boxes[b"iprp"]
        parts = {kind: (begin, stop) for kind, begin, stop in self._inside(at, end)}
        all_properties = list(self._inside(*parts[b"ipco"]))
        at, _ = parts[b"ipma"]
        version, flags = self._data[at], self._data[at + 3]
        (count,) = struct.unpack_from(">I", self._data, at + 4)
        at += 8
        found: dict[int, list[tuple[bytes, int, int]]] = {}
        for _ in range(count):
            number, at = self._number(at, version)
            of_item = self._data[at]
            at += 1
            for _ in range(of_item):
                if flags & 1:
                    index = struct.unpack_from(">H", self._data, at)[0] & 0x7FFF
                    at += 2
                else:
                    index = self._data[at] & 0x7F
                    at += 1
                if index:
                    found.setdefault(number, []).append(all_properties[index - 1])
        return found

    def _item_references(self) -> Iterator[tuple[bytes, int, tuple[int, ...]]]:
        if b"iref" not in self._boxes:
            return
        at, end = self._boxes[b"iref"]
        wide = self._data[at]
        for kind, begin, _unused in self._inside(at + 4, end):
            number, after = self._number(begin, wide)
            (count,) = struct.unpack_from(">H", self._data, after)
            after += 2
            yield kind, number, struct.unpack_from(f">{count}{'I' if wide else 'H'}", self._data, after)

    def _item_places(self) -> Iterator[tuple[int, tuple[int, int]]]:
        """Yield where each item's first extent lies: begin in the file, length."""
        at, _unused = self._boxes[b"iloc"]
        version = self._data[at]
        sizes = self._data[at + 4 : at + 6]
        offset_bytes, length_bytes, base_bytes = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
        index_bytes = sizes[1] & 15 if version else 0
        count, at = self._number(at + 6, version > 1)
        idat = self._boxes.get(b"idat", (0, 0))[0]
        for _unused in range(count):
            number, at = self._number(at, version > 1)
            method = 0
            if version:
                method = struct.unpack_from(">H", self._data, at)[0] & 15
                at += 2
            at += 2
            base, at = self._integer(at, base_bytes)
            (extents,) = struct.unpack_from(">H", self._data, at)
            at += 2
            if extents > _MOST_EXTENTS:
                raise ValueError(_("is damaged, or cut short"))
            for extent in range(extents):
                at += index_bytes
                offset, at = self._integer(at, offset_bytes)
                length, at = self._integer(at, length_bytes)
                if extent == 0:
                    yield number, (base + offset + (idat if method == 1 else 0), length)

    def _integer(self, at: int, length: int) -> tuple[int, int]:
        if at + length > len(self._data):
            raise IndexError
        return int.from_bytes(self._data[at : at + length], "big"), at + length
