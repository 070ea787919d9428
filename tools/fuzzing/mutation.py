"""Random changes of files and words that reach further than noise: numbers at their limits, pieces moved and doubled.

An archive is changed inside, and packed again with checksums that fit, as often as outside.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Sequence
from random import Random

_LIMITS = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    *(1 << bits for bits in (31, 32, 40, 63)),
    (1 << 31) - 1,
    (1 << 64) - 1,
)
_WORDS = (
    *("-1", "0", "1e999", "nan", "9" * 400, "2147483648", "~nobody/x", "../../x", "a" * 300, "{" * 3000),
    *("\x1b[31m", "é", ":", ",", "="),
)
_LARGEST_INSIDE = 64_000_000
"""Bytes of an archive's members that are worth packing again."""


def mutated(random: Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Return `data` with one to four changes."""
    if data[:2] == b"PK" and random.random() < 0.6:
        return _changed_inside(random, data, others)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        data = random.choice(_CHANGES)(random, data, others)
    return data


def mutated_words(random: Random, text: str) -> str:
    """Return `text` with a piece of it replaced, doubled or taken away, or a word put in that programs stumble over."""
    start = random.randrange(len(text) + 1)
    end = min(len(text), start + random.choice((0, 1, 1, 3, 8)))
    replacement = random.choice(
        ("", text[start:end] * random.choice((2, 200)), random.choice(_WORDS), chr(random.randrange(1, 0xD800)))
    )
    return text[:start] + replacement + text[end:]


def _changed_inside(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change members of an archive: what lies in one, its name, how often it is there."""
    packed = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(packed, "w") as new:
            entries = old.infolist()
            if not entries or sum(entry.file_size for entry in entries) > _LARGEST_INSIDE:
                return _noise(random, data, others)
            chosen = random.choice(entries).filename
            for entry in entries:
                inside = old.read(entry)
                if entry.filename != chosen:
                    new.writestr(entry, inside)
                    continue
                kind = random.random()
                if kind < 0.8:
                    inside = random.choice(_CHANGES)(random, inside, [old.read(random.choice(entries))])
                elif kind < 0.9:
                    entry.filename = mutated_words(random, entry.filename)
                else:
                    new.writestr(random.choice((entry.filename, entry.filename.upper(), f"./{entry.filename}")), b"x")
                if kind < 0.97:
                    new.writestr(entry, inside)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, UserWarning):
        return _noise(random, data, others)
    return packed.getvalue()


def _place(random: Random, data: bytes) -> int:
    # Headers are where programs decide: half of the changes go there.
    return random.randrange(max(1, min(len(data), random.choice((64, 512, len(data) + 1, len(data) + 1)))))


def _bits(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _turn in range(random.choice((1, 2, 16))):
        if changed:
            changed[_place(random, data)] ^= 1 << random.randrange(8)
    return bytes(changed)


def _limit(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    width = random.choice("BHIQ")
    order = random.choice("<>")
    size = struct.calcsize(width)
    number = struct.pack(order + width, random.choice(_LIMITS) & ((1 << (8 * size)) - 1))
    place = _place(random, data)
    return data[:place] + number + data[place + size :]


def _noise(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    place = _place(random, data)
    noise = random.randbytes(random.choice((1, 8, 64)))
    return data[:place] + noise + data[place + len(noise) * random.randrange(2) :]


def _cut(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    place = random.randrange(len(data) + 1)
    return data[:place] if random.random() < 0.5 else data[:place] + data[place + random.choice((1, 4, 100)) :]


def _doubled(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    place = _place(random, data)
    piece = data[place : place + random.choice((1, 8, 100, 2000))]
    return data[:place] + piece * random.choice((2, 2, 100)) + data[place + len(piece) :]


def _spliced(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    other = random.choice(others) if others else data
    return data[: _place(random, data)] + other[_place(random, other) :]


_CHANGES: Sequence[Callable[[Random, bytes, Sequence[bytes]], bytes]] = (
    *(_bits, _limit, _limit),
    *(_noise, _cut, _doubled, _spliced),
)
