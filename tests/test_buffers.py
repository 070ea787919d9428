from __future__ import annotations

import numpy as np

from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import Size


def test_a_buffer_comes_back_only_when_nobody_looks_at_it() -> None:
    pool = FramePool(Size(8, 4))
    first = pool.take()
    address = first.ctypes.data
    part = first[1:3, 2:4]
    del first
    assert pool.take().ctypes.data != address, "a slice is still alive"
    del part
    assert pool.take().ctypes.data == address


def test_a_memoryview_keeps_a_buffer() -> None:
    pool = FramePool(Size(8, 4))
    pixels = pool.take()
    address, view = pixels.ctypes.data, pixels.data
    del pixels
    assert pool.take().ctypes.data != address
    view.release()
    del view
    assert address in {pool.take().ctypes.data, pool.take().ctypes.data}


def test_prepare_draws_each_buffer_once() -> None:
    drawn: list[int] = []

    def prepare(pixels: np.ndarray) -> None:
        drawn.append(1)
        pixels[:] = 7

    pool = FramePool(Size(8, 4), prepare=prepare)
    for _ in range(5):
        assert (pool.take() == 7).all()
    assert len(drawn) == 1


def test_hoarding_costs_memory_only_while_it_lasts() -> None:
    pool = FramePool(Size(8, 4), limit=3)
    hoard = [pool.take() for _ in range(10)]
    assert len({pixels.ctypes.data for pixels in hoard}) == 10
    del hoard
    assert len({pool.take().ctypes.data for _ in range(10)}) <= 3
