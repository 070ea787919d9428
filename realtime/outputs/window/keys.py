"""Which key was meant, on any keyboard."""

from __future__ import annotations

from realtime.imaging.sdl import pygame

_LETTERS = {pygame.KSCAN_A + place: pygame.K_a + place for place in range(26)}
_DIGITS = {pygame.KSCAN_1 + place: (place + 1) % 10 for place in range(10)}
_PAD_DIGITS = {pygame.K_KP_1 + place: (place + 1) % 10 for place in range(10)}
_LAST_LATIN = 0x7F
_NOT_A_LETTER = 1 << 30
"""SDL's mark of keys that write nothing: arrows, F1, the number pad."""


def latin_key(key: int, scancode: int) -> int:
    """Return a key by what it writes; where that is no Latin letter (Cyrillic, Greek, Thai …), by where it lies."""
    if key <= _LAST_LATIN or key & _NOT_A_LETTER:
        return key
    return _LETTERS.get(scancode, key)


def digit_of(key: int, scancode: int) -> int | None:
    """Return the digit of a key, by where it lies: French keyboards write digits with Shift only. None: it has none."""
    if scancode in _DIGITS:
        return _DIGITS[scancode]
    if pygame.K_0 <= key <= pygame.K_9:
        return key - pygame.K_0
    return _PAD_DIGITS.get(key)
