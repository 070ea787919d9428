"""The chunks of a PNG, walked and written."""

from __future__ import annotations

import io

import cv2
import numpy as np

from realtime.imaging.png import HEADER_BYTES, SIGNATURE, chunk, chunks
from realtime.picture_files.header import check_whole


def test_chunks_are_found_where_they_lie() -> None:
    png = cv2.imencode(".png", np.zeros((5, 7, 3), np.uint8))[1].tobytes()
    png = png[:HEADER_BYTES] + chunk(b"tEXt", b"Comment\0drawn") + png[HEADER_BYTES:]
    check_whole(png)  # and so its check sum is right
    found = {name: png[begin:end] for name, begin, end in chunks(io.BytesIO(png))}
    assert list(found) == [b"IHDR", b"tEXt", b"IDAT", b"IEND"]
    assert found[b"IHDR"][:8] == b"\0\0\0\7\0\0\0\5"
    assert found[b"tEXt"] == b"Comment\0drawn"
    assert found[b"IEND"] == b""


def test_a_file_that_is_cut_short_ends_the_walk() -> None:
    whole = SIGNATURE + chunk(b"IHDR", bytes(13)) + chunk(b"IDAT", bytes(100))
    for length in range(len(whole)):
        seen = list(chunks(io.BytesIO(whole[:length])))
        assert len(seen) == (0 if length < 20 else 1 if length < 45 else 2)
    assert seen[1].end > len(whole) - 5, "where it should end, whether it does or not"
