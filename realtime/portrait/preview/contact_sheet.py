"""A pack in one picture: frames side by side, their eyes enlarged, a blink, and each face's curves and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from realtime.imaging.frame import Pixels, Size
from realtime.portrait.pack import Portrait
from realtime.portrait.quality.report import curves_of, figures_of, name_of

_WIDTH_PX, _GAP_PX, _CURVE_PX, _LINE_PX = 1600, 12, 165, 27
_INK, _PAPER, _FAINT, _LINE = (40, 40, 40), (250, 250, 250), (205, 205, 205), (170, 90, 20)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def contact_sheet(portrait: Portrait, count: int = 7) -> Pixels:
    """Return `count` frames from left to right with their eyes enlarged, the curves, the figures."""
    width, gap = _WIDTH_PX, _GAP_PX
    columns = np.unique(np.linspace(0, portrait.columns - 1, min(count, portrait.columns)).round().astype(int))
    row = portrait.rows // 2 * portrait.columns
    frames = [portrait.frame(row + int(column)) for column in columns]
    cell = (width - gap * (len(frames) + 1)) // len(frames)
    scale = cell / portrait.place.width
    heads = [_scaled(frame, Size(cell, max(1, round(portrait.place.height * scale)))) for frame in frames]
    eyes = _eye_rows(portrait, frames, cell)
    strips = [_strip(heads, gap), *([_strip(eyes, gap)] if eyes else [])]
    caption = np.full((26, strips[0].shape[1], 3), _PAPER, np.uint8)
    for number, column in enumerate(columns):
        _write(caption, str(int(column)), (gap + number * (cell + gap), 18))
    top = _with_size(np.vstack([strips[0], caption, *strips[1:]]), width)
    parts = [_title(portrait, width), top]
    blink = _blink_strip(portrait, width, gap)
    if blink is not None:
        parts.append(blink)
    faces = portrait.face_reports
    for number, report in enumerate(faces):
        parts.append(_figures(report, name_of(faces, number), width))
    return np.ascontiguousarray(np.vstack(parts))


def _title(portrait: Portrait, width: int) -> Pixels:
    band = np.full((64, width, 3), _PAPER, np.uint8)
    cv2.putText(band, _plain(portrait.title), (12, 38), _FONT, 0.95, _INK, 2, cv2.LINE_AA)
    credit = f"{_plain(portrait.credit)}   " if portrait.credit else ""
    _write(
        band,
        f"{credit}{portrait.columns} x {portrait.rows} frames, {portrait.size}",
        (12, 58),
    )
    return band


def _eye_rows(portrait: Portrait, frames: Sequence[Pixels], cell: int) -> list[Pixels]:
    """Return the band over the eyes of each frame, larger: where the pack says where that is (its blinks do)."""
    place = portrait.blink_place
    if place is None:
        return []
    left, top = place.left - portrait.place.left, place.top - portrait.place.top
    height = max(1, round(cell * place.height / place.width))
    return [_scaled(frame[top : top + place.height, left : left + place.width], Size(cell, height)) for frame in frames]


def _blink_strip(portrait: Portrait, width: int, gap: int) -> Pixels | None:
    if portrait.blink_place is None:
        return None
    place = portrait.blink_place
    left, top = place.left - portrait.place.left, place.top - portrait.place.top
    open_ = portrait.frame(portrait.middle)[top : top + place.height, left : left + place.width]
    bands = [open_, *(portrait.blink(portrait.middle, stage) for stage in range(portrait.blink_stages))]
    cell = (width - gap * (len(bands) + 1)) // len(bands)
    cell = min(cell, 3 * place.width)
    height = max(1, round(cell * place.height / place.width))
    return _with_size(_strip([_scaled(band, Size(cell, height)) for band in bands], gap), width)


def _figures(report: Mapping[str, Any], name: str, width: int) -> Pixels:
    """Return the curves of a face at the left, its figures at the right; two columns of them, read downwards."""
    curves, figures, half = curves_of(report), figures_of(report), width // 2
    rows = (len(figures) + 1) // 2
    top = _LINE_PX if name else 0
    band = np.full((top + max(_CURVE_PX * len(curves), _LINE_PX * (rows + 1)), width, 3), _PAPER, np.uint8)
    _write(band, name, (_GAP_PX, 20))
    for number, curve in enumerate(curves):
        area = band[top + _CURVE_PX * number : top + _CURVE_PX * (number + 1), :half]
        _draw_curve(area, f"{curve.title}, {curve.unit}", curve.values)
    for number, (label, value) in enumerate(figures):
        at = half + 40 + number // rows * (half // 2), top + 28 + number % rows * _LINE_PX
        _write(band, f"{label}  {value:.3f}", at)
    return band


def _draw_curve(area: Pixels, name: str, values: Sequence[float]) -> None:
    height, width = area.shape[:2]
    _write(area, name, (12, 20))
    most = max(abs(value) for value in values) or 1.0
    left, right, top, bottom = 70, width - 20, 32, height - 12
    middle = (top + bottom) // 2
    cv2.line(area, (left, middle), (right, middle), _FAINT, 1)
    points = [
        (
            left + (right - left) * number / (len(values) - 1),
            middle - (bottom - top) / 2 * value / most,
        )
        for number, value in enumerate(values)
    ]
    cv2.polylines(area, [np.array(np.round(np.array(points) * 16), np.int32)], False, _LINE, 2, cv2.LINE_AA, 4)
    for x, y in points:
        cv2.circle(area, (round(x * 16), round(y * 16)), 40, _LINE, -1, cv2.LINE_AA, 4)
    _write(area, f"{most:+.2f}", (8, top + 8))
    _write(area, f"{-most:+.2f}", (8, bottom))


def _strip(pictures: Sequence[Pixels], gap: int) -> Pixels:
    height = max(picture.shape[0] for picture in pictures)
    margin = np.full((height, gap, 3), _PAPER, np.uint8)
    parts = [margin]
    for picture in pictures:
        parts += [picture, margin]
    return np.hstack(parts)


def _with_size(picture: Pixels, width: int) -> Pixels:
    whole = np.full((picture.shape[0] + 10, width, 3), _PAPER, np.uint8)
    whole[: picture.shape[0], : min(width, picture.shape[1])] = picture[:, :width]
    return whole


def _scaled(picture: Pixels, size: Size) -> Pixels:
    shrinks = size.width < picture.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (size.width, size.height), interpolation=interpolation), np.uint8)


def _write(area: Pixels, text: str, at: tuple[int, int]) -> None:
    cv2.putText(area, text, at, _FONT, 0.5, _INK, 1, cv2.LINE_AA)


def _plain(text: str) -> str:
    """OpenCV's letters are ASCII; others would show as question marks."""
    return text.encode("ascii", "replace").decode()
