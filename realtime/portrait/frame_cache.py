"""The heads of a portrait, ready to be copied onto the canvas, there as soon as they are wanted."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, NamedTuple, TypeVar

from realtime.core.errors import PortraitError
from realtime.core.language import _
from realtime.imaging.frame import Pixels
from realtime.imaging.pixels import Place
from realtime.portrait.canvas import RegionResampler
from realtime.portrait.pack import Portrait

_MAX_BYTES = 1_500_000_000

Made = TypeVar("Made")


class HeadPatch(NamedTuple):
    """One picture of the head, and of its eyes closing."""

    pixels: Pixels
    """The part of the canvas that `FrameCache.part` names."""
    lids: tuple[Pixels, ...]
    """What lies at `FrameCache.lids_part` by stage, from barely closing to closed; empty: it does not blink."""


class _Ahead(Generic[Made]):
    """Makes each of many things once, on threads beside. One that is wanted before its turn is made at once by whoever
    wants it. `get`, `close`: one thread.
    """

    def __init__(self, keys: Iterable[int], make: Callable[[int], Made]) -> None:
        self._make = make
        self._kept: dict[int, Made] = {}
        # One core is left to those who already want pictures.
        threads = ThreadPoolExecutor(min(4, max(1, (os.cpu_count() or 1) - 1)), thread_name_prefix="portrait-loading")
        self._coming: dict[int, Future[Made]] = {key: threads.submit(make, key) for key in keys}
        threads.shutdown(wait=False)  # they end by themselves when everything is made

    def get(self, key: int) -> Made:
        made = self._kept.get(key)
        if made is None:
            future = self._coming[key]
            made = self._make(key) if future.cancel() else future.result()
            self._kept[key] = made
            del self._coming[key]
        return made

    def close(self) -> None:
        for future in self._coming.values():
            future.cancel()
        for future in self._coming.values():
            if not future.cancelled():
                future.exception()  # waits for one that is running
        self._coming.clear()


class FrameCache:
    """Decodes and scales every head once, the middle one first and then outwards, on threads beside; and mouths, where
    one is asked for.

    A head that is wanted before its turn is made at once by whoever wants it: it takes some milliseconds, and the
    picture never depends on how far the threads have come. `head`, `mouth` and `idle`: one thread.
    """

    def __init__(self, portrait: Portrait, scaler: RegionResampler, *, with_lids: bool, with_idle: bool) -> None:
        """Takes the portrait over: closes it when all is loaded. Raises PortraitError when that would not fit into
        the memory of an ordinary computer.
        """
        self.part = scaler.reached_by(portrait.place)
        """The part of the canvas that the head changes."""
        self.lids_part: Place | None = None
        """The part of the canvas that a blink changes; lies in `part`."""
        if with_lids and portrait.blink_place is not None:
            self.lids_part = _seen(scaler.reached_by(portrait.blink_place))
        self.mouth_part: Place | None = None
        """The part of the canvas that a mouth changes; lies in `part`. None: it has no pictures of its mouth."""
        if portrait.mouth_place is not None:
            self.mouth_part = _seen(scaler.reached_by(portrait.mouth_place))
        self.idle_count = portrait.idle_count if with_idle else 0
        self._scaler = scaler
        self._count = portrait.count
        self._portrait: Portrait | None = portrait
        size_bytes = (self._count + self.idle_count) * _size_bytes(self.part)
        size_bytes += self._count * portrait.mouth_stages * _size_bytes(self.mouth_part)
        if size_bytes > _MAX_BYTES:
            raise PortraitError(
                _(
                    "{path}: its {count} frames would take {size_gb:.1f} GB of memory at this size; show "
                    "it smaller, with --size, or make smaller frames",
                    path=portrait.path,
                    count=self._count,
                    size_gb=size_bytes / 1e9,
                )
            )
        self._source = scaler.source_of(self.part)
        self._lids_source = scaler.source_of(self.lids_part) if self.lids_part else None
        self._mouth_source = scaler.source_of(self.mouth_part) if self.mouth_part else None
        self._columns = portrait.columns
        self._lock = threading.Lock()
        self._left = self._count + self.idle_count  # guarded by _lock
        self._heads = _Ahead(
            [*self._outwards(portrait.middle), *range(self._count, self._count + self.idle_count)], self._load
        )
        self._mouths: _Ahead[tuple[Pixels, ...]] | None = None

    def head(self, index: int) -> HeadPatch:
        """Return the head of a gaze frame. Raises PortraitError when its picture is damaged."""
        return self._heads.get(index)

    def mouth(self, index: int) -> tuple[Pixels, ...]:
        """Return what lies at `mouth_part` in a gaze frame whose mouth opens, by stage. The first call begins to load
        those of the other frames. Raises PortraitError when its picture is damaged.
        """
        if self._mouths is None:
            self._mouths = _Ahead(self._outwards(index), self._load_mouth)
        return self._mouths.get(index)

    def idle(self, number: int) -> Pixels:
        """Return a picture of the idle loop. Raises PortraitError when it is damaged."""
        return self._heads.get(self._count + number).pixels

    def close(self) -> None:
        """End the loading."""
        self._heads.close()
        if self._mouths is not None:
            self._mouths.close()
        portrait = self._portrait
        if portrait is not None:
            portrait.close()

    def _outwards(self, first: int) -> list[int]:
        """Return all gaze frames, from `first` on by how near they are."""
        columns = self._columns

        def distance(index: int) -> int:
            return abs(index // columns - first // columns) + abs(index % columns - first % columns)

        return sorted(range(self._count), key=distance)

    def _load(self, key: int) -> HeadPatch:
        portrait = self._portrait
        assert portrait is not None  # noqa: S101 - it goes only when nothing is left to load
        pixels = portrait.frame(key) if key < self._count else portrait.idle(key - self._count)
        around = self._source.of(portrait.painting).copy()
        _paste(pixels, portrait.place, around, self._source)
        lids: tuple[Pixels, ...] = ()
        if self.lids_part is not None and portrait.blink_place is not None and key < self._count:
            stages = [portrait.blink(key, stage) for stage in range(portrait.blink_stages)]
            lids = tuple(self._draw_lids(around, stage, portrait.blink_place) for stage in stages)
        head = self._scaler.draw(around, self._source, self.part)
        with self._lock:
            self._left -= 1
            if not self._left and self.mouth_part is None:
                portrait.close()
                self._portrait = None
        return HeadPatch(head, lids)

    def _load_mouth(self, index: int) -> tuple[Pixels, ...]:
        portrait, part, source = self._portrait, self.mouth_part, self._mouth_source
        assert portrait is not None  # noqa: S101 - it stays open where there are mouths
        assert part is not None  # noqa: S101 - the caller saw to it
        assert source is not None  # noqa: S101
        assert portrait.mouth_place is not None  # noqa: S101
        around = source.of(portrait.painting).copy()
        _paste(portrait.frame(index), portrait.place, around, source)
        opened = []
        for stage in range(portrait.mouth_stages):
            _paste(portrait.mouth(index, stage), portrait.mouth_place, around, source)
            # Drawn exactly, a part of the canvas is a view.
            opened.append(self._scaler.draw(around, source, part).copy())
        return tuple(opened)

    def _draw_lids(self, around: Pixels, stage: Pixels, place: Place) -> Pixels:
        assert self.lids_part is not None  # noqa: S101 - the caller saw to it
        assert self._lids_source is not None  # noqa: S101
        closing = self._lids_source.seen_from(self._source).of(around).copy()
        _paste(stage, place, closing, self._lids_source)
        return self._scaler.draw(closing, self._lids_source, self.lids_part)


def _seen(part: Place) -> Place | None:
    return part if part.width and part.height else None


def _size_bytes(part: Place | None) -> int:
    return part.width * part.height * 3 if part is not None else 0


def _paste(pixels: Pixels, place: Place, onto: Pixels, onto_place: Place) -> None:
    """Copy what two pictures at their places in the painting have in common."""
    shared = place.shared_with(onto_place)
    shared.seen_from(onto_place).of(onto)[:] = shared.seen_from(place).of(pixels)
