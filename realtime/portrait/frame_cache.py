"""The heads of a portrait, ready to be copied onto the canvas, there as soon as they are wanted."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from realtime.core.errors import PortraitError
from realtime.imaging.frame import Pixels
from realtime.imaging.pixels import Place
from realtime.portrait.canvas import RegionResampler
from realtime.portrait.pack import Portrait

_MAX_BYTES = 1_500_000_000


class HeadPatch(NamedTuple):
    """One picture of the head, and of its eyes closing."""

    pixels: Pixels
    """The part of the canvas that `FrameCache.part` names."""
    lids: tuple[Pixels, ...]
    """What lies at `FrameCache.lids_part` by stage, from barely closing to closed; empty: it does not blink."""


class FrameCache:
    """Decodes and scales every head once, the middle one first and then outwards, on threads beside.

    A head that is wanted before its turn is made at once by whoever wants it: it takes some milliseconds, and the
    picture never depends on how far the threads have come. `head` and `idle`: one thread.
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
            part = scaler.reached_by(portrait.blink_place)
            self.lids_part = part if part.width and part.height else None
        self.idle_count = portrait.idle_count if with_idle else 0
        self._scaler = scaler
        self._count = portrait.count
        self._portrait: Portrait | None = portrait
        size_bytes = (self._count + self.idle_count) * self.part.width * self.part.height * 3
        if size_bytes > _MAX_BYTES:
            raise PortraitError(
                f"{portrait.path}: its {self._count} frames would take {size_bytes / 1e9:.1f} GB of memory at this "
                "size; show it smaller, with --size, or make smaller frames"
            )
        self._source = scaler.source_of(self.part)
        self._lids_source = scaler.source_of(self.lids_part) if self.lids_part else None
        self._kept: dict[int, HeadPatch] = {}
        self._lock = threading.Lock()
        self._left = self._count + self.idle_count  # guarded by _lock
        # One core is left to those who already want pictures.
        threads = ThreadPoolExecutor(min(4, max(1, (os.cpu_count() or 1) - 1)), thread_name_prefix="portrait-loading")
        self._coming: dict[int, Future[HeadPatch]] = {
            key: threads.submit(self._load, key) for key in self._order(portrait.middle, portrait.columns)
        }
        threads.shutdown(wait=False)  # they end by themselves when everything is loaded

    def head(self, index: int) -> HeadPatch:
        """Return the head of a gaze frame. Raises PortraitError when its picture is damaged."""
        return self._get(index)

    def idle(self, number: int) -> Pixels:
        """Return a picture of the idle loop. Raises PortraitError when it is damaged."""
        return self._get(self._count + number).pixels

    def close(self) -> None:
        """End the loading."""
        for future in self._coming.values():
            future.cancel()
        for future in self._coming.values():
            if not future.cancelled():
                future.exception()  # waits for one that is running
        self._coming.clear()
        portrait = self._portrait
        if portrait is not None:
            portrait.close()

    def _order(self, middle: int, columns: int) -> Iterable[int]:
        def distance(index: int) -> int:
            return abs(index // columns - middle // columns) + abs(index % columns - middle % columns)

        return [*sorted(range(self._count), key=distance), *range(self._count, self._left)]

    def _get(self, key: int) -> HeadPatch:
        head = self._kept.get(key)
        if head is None:
            future = self._coming[key]
            head = self._load(key) if future.cancel() else future.result()
            self._kept[key] = head
            del self._coming[key]
        return head

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
            if not self._left:
                portrait.close()
                self._portrait = None
        return HeadPatch(head, lids)

    def _draw_lids(self, around: Pixels, stage: Pixels, place: Place) -> Pixels:
        assert self.lids_part is not None  # noqa: S101 - the caller saw to it
        assert self._lids_source is not None  # noqa: S101
        closing = self._lids_source.seen_from(self._source).of(around).copy()
        _paste(stage, place, closing, self._lids_source)
        return self._scaler.draw(closing, self._lids_source, self.lids_part)


def _paste(pixels: Pixels, place: Place, onto: Pixels, onto_place: Place) -> None:
    """Copy what two pictures at their places in the painting have in common."""
    shared = place.shared_with(onto_place)
    shared.seen_from(onto_place).of(onto)[:] = shared.seen_from(place).of(pixels)
