"""A look at a pack: its frames side by side, the curve of the gaze, and its figures; as a picture, a page or a film."""

from __future__ import annotations

import base64
import html
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from realtime.errors import OptionError, PortraitError
from realtime.files import written_whole
from realtime.frame import Frame, Pixels, Size
from realtime.model_store import Progress, no_progress
from realtime.portrait_file import Portrait
from realtime.portraits.film import film

PICTURES = frozenset({".jpg", ".jpeg", ".png"})
PAGES = frozenset({".html", ".htm"})
FILMS = frozenset({".mp4", ".mkv", ".mov"})

_INK, _PAPER, _FAINT, _LINE = (40, 40, 40), (250, 250, 250), (205, 205, 205), (170, 90, 20)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def write_preview(portrait: Portrait, path: Path, *, overwrite: bool = False, progress: Progress = no_progress) -> None:
    """Write a preview of the kind that the name's ending tells.

    Raises OptionError for another ending, PortraitError where the file exists and `overwrite` is not said, and
    OutputError where it cannot be written.
    """
    kind = path.suffix.lower()
    check_preview(path, overwrite=overwrite)
    if kind in PICTURES:
        with written_whole(path) as unfinished:
            _save(unfinished, contact_sheet(portrait))
    elif kind in PAGES:
        with written_whole(path) as unfinished:
            unfinished.write_text(page(portrait, progress), encoding="utf-8")
    else:
        _write_film(portrait, path, progress)


def check_preview(path: Path, *, overwrite: bool) -> None:
    """Raise OptionError or PortraitError where a preview cannot be written: better known before a portrait is made."""
    if path.suffix.lower() not in PICTURES | PAGES | FILMS:
        raise OptionError(f"cannot write a preview as '{path.name}'; let its name end in .html, .jpg, .png or .mp4")
    if path.exists() and not overwrite:
        raise PortraitError(f"{path} exists; choose another name or add --force")


def contact_sheet(portrait: Portrait, count: int = 7) -> Pixels:
    """Return the whole picture, `count` frames from left to right with their eyes enlarged, the curves, the figures."""
    width, gap = 1600, 12
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
    parts = [_title(portrait, width), top, _bottom(portrait, width)]
    blink = _blink_strip(portrait, width, gap)
    if blink is not None:
        parts.insert(2, blink)
    return np.ascontiguousarray(np.vstack(parts))


def page(portrait: Portrait, progress: Progress = no_progress) -> str:
    """Return a page that needs nothing but itself: a slider over all frames, the curves, the figures."""
    pictures = []
    for index in range(portrait.count):
        pictures.append(_data_url(portrait.frame(index), 88))
        progress("writing the preview", (index + 1) / portrait.count)
    painting = portrait.painting
    scale = min(1.0, 900 / max(painting.shape[:2]))
    small = _scaled(painting, Size(round(painting.shape[1] * scale), round(painting.shape[0] * scale)))
    place = portrait.place
    figures = "".join(
        f"<tr><td>{html.escape(name.replace('_', ' '))}<td>{value}"
        for name, value in portrait.report.items()
        if isinstance(value, int | float)
    )
    notes = "".join(f"<p>{html.escape(str(note))}</p>" for note in portrait.report.get("warnings", []))
    curves = "".join(
        _svg(name, values, unit)
        for name, values, unit in (
            ("gaze", _numbers(portrait.report.get("gaze")), "eye widths"),
            ("turn of the head", _numbers(portrait.report.get("yaw_degrees")), "degrees"),
        )
        if len(values) > 1
    )
    left, top = 100 * place.left / portrait.size.width, 100 * place.top / portrait.size.height
    wide = 100 * place.width / portrait.size.width
    middle = portrait.middle
    return (
        "<!doctype html><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>{html.escape(portrait.title)}</title><style>"
        "body{font:15px system-ui,sans-serif;margin:2em auto;max-width:900px;color:#222;background:#fafafa}"
        "figure{margin:0;position:relative;line-height:0}figure img{width:100%}"
        f"#head{{position:absolute;left:{left:.4f}%;top:{top:.4f}%;width:{wide:.4f}%}}"
        "input{width:100%;margin:1em 0}td{padding:.1em 1em .1em 0}svg{width:100%;height:auto}"
        ".all{display:flex;flex-wrap:wrap;gap:4px}.all img{width:100px}</style>"
        f"<h1>{html.escape(portrait.title)}</h1><p>{html.escape(portrait.credit)}</p>"
        f"<figure><img src='{_data_url(small, 88)}' alt='the painting'>"
        f"<img id='head' src='{pictures[middle]}' alt='the head, looking where the slider says'></figure>"
        f"<input id='at' type='range' min='0' max='{portrait.count - 1}' value='{middle}' aria-label='frame'>"
        f"{curves}<table>{figures}</table>{notes}<h2>All frames</h2><div class='all'>"
        + "".join(f"<img src='{picture}' alt='frame {number}'>" for number, picture in enumerate(pictures))
        + "</div><script>const f=[...document.querySelectorAll('.all img')].map(i=>i.src),h=document.querySelector"
        "('#head'),a=document.querySelector('#at');a.oninput=()=>h.src=f[a.value]</script>"
    )


def composed(portrait: Portrait, index: int) -> Pixels:
    """Return the whole painting with one frame in its place."""
    whole = portrait.painting.copy()
    portrait.place.of(whole)[:] = portrait.frame(index)
    return whole


def write_composed(portrait: Portrait, folder: Path, progress: Progress = no_progress) -> int:
    """Write the whole painting with each frame in its place, numbered PNGs, into a folder; return how many.

    Raises OutputError.
    """
    from realtime.errors import OutputError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror or error}; choose another") from error
    for index in range(portrait.count):
        with written_whole(folder / f"{index:03d}.png") as unfinished:
            _save(unfinished, composed(portrait, index))
        progress("writing the pictures", (index + 1) / portrait.count)
    return portrait.count


def _write_film(portrait: Portrait, path: Path, progress: Progress) -> None:
    """Write a film: from left to right and back twice, then a blink and a breath where the pack has them."""
    fps = 25
    pictures: list[tuple[str, int, int]] = []
    row = portrait.rows // 2 * portrait.columns
    for number in range(8 * fps):
        place = 0.5 - 0.5 * math.cos(2 * math.pi * number / (4 * fps))
        pictures.append(("frame", row + round(place * (portrait.columns - 1)), 0))
    if portrait.blink_stages:
        stages = list(range(portrait.blink_stages))
        pictures += [("blink", portrait.middle, stage) for stage in [*stages, stages[-1], *reversed(stages)]]
    for number in range(portrait.idle_count):
        pictures += [("idle", number, 0)] * max(1, round(fps / portrait.idle_fps))
    with film(path, fps, portrait.title) as recorder:
        for index, (kind, number, stage) in enumerate(pictures):
            whole = composed(portrait, portrait.middle if kind == "idle" else number)
            if kind == "blink" and portrait.blink_place is not None:
                portrait.blink_place.of(whole)[:] = portrait.blink(number, stage)
            elif kind == "idle":
                portrait.place.of(whole)[:] = portrait.idle(number)
            recorder.show(Frame(whole, time.monotonic(), index / fps, index))
            progress("writing the preview", (index + 1) / len(pictures))


def _title(portrait: Portrait, width: int) -> Pixels:
    band = np.full((64, width, 3), _PAPER, np.uint8)
    cv2.putText(band, _plain(portrait.title), (12, 38), _FONT, 0.95, _INK, 2, cv2.LINE_AA)
    _write(band, f"{_plain(portrait.credit)}   {portrait.columns} x {portrait.rows} frames, {portrait.size}", (12, 58))
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


def _bottom(portrait: Portrait, width: int) -> Pixels:
    height = 330
    band = np.full((height, width, 3), _PAPER, np.uint8)
    half = width // 2
    _draw_curve(band[:165, :half], "gaze, eye widths", _numbers(portrait.report.get("gaze")))
    _draw_curve(band[165:, :half], "turn of the head, degrees", _numbers(portrait.report.get("yaw_degrees")))
    figures = [(name, value) for name, value in portrait.report.items() if isinstance(value, float)]
    for number, (name, value) in enumerate(figures[:22]):
        x, y = half + 40 + (number % 2) * (half // 2), 28 + (number // 2) * 27
        _write(band, f"{name.replace('_', ' ')}  {value:.3f}", (x, y))
    return band


def _draw_curve(area: Pixels, name: str, values: Sequence[float]) -> None:
    height, width = area.shape[:2]
    _write(area, name, (12, 20))
    if len(values) < 2:
        return
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


def _svg(name: str, values: Sequence[float], unit: str) -> str:
    most = max(abs(value) for value in values) or 1.0
    points = " ".join(
        f"{40 + 840 * number / (len(values) - 1):.1f},{70 - 55 * value / most:.1f}"
        for number, value in enumerate(values)
    )
    return (
        f"<p>{name}, {unit}: {values[0]:.3f} to {values[-1]:.3f}</p><svg viewBox='0 0 900 140' role='img' "
        f"aria-label='{name} of each frame'><line x1='40' x2='880' y1='70' y2='70' stroke='#ccc'/>"
        f"<polyline points='{points}' fill='none' stroke='#145aaa' stroke-width='2'/></svg>"
    )


def _numbers(values: Any) -> list[float]:  # a pack's report is anybody's
    if not isinstance(values, list) or not all(isinstance(value, int | float) for value in values):
        return []
    return [float(value) for value in values]


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
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (size.width, size.height), interpolation=how), np.uint8)


def _write(area: Pixels, text: str, at: tuple[int, int]) -> None:
    cv2.putText(area, text, at, _FONT, 0.5, _INK, 1, cv2.LINE_AA)


def _plain(text: str) -> str:
    """OpenCV's letters are ASCII; others would show as question marks."""
    return text.encode("ascii", "replace").decode()


def _data_url(picture: Pixels, quality: int) -> str:
    _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()


def _save(path: Path, picture: Pixels) -> None:
    how = [cv2.IMWRITE_JPEG_QUALITY, 90] if path.suffix.lower() != ".png" else []
    _, encoded = cv2.imencode(path.suffix.lower(), picture, how)
    path.write_bytes(encoded.tobytes())
