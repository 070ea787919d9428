"""A pack as a page that needs nothing but itself: a slider over all frames, the curves and figures of each face."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from realtime.core.language import _
from realtime.core.progress import Progress, no_progress
from realtime.imaging.frame import Pixels
from realtime.portrait.pack import Portrait
from realtime.portrait.quality.report import Curve, curves_of, figures_of, name_of, warnings_of

_PAINTING_PX = 900
_QUALITY = 88
"""Of the pictures' JPEGs: a page of 33 heads of 600×600 is 3 MB."""


def page(portrait: Portrait, progress: Progress = no_progress) -> str:
    """Return a page that needs nothing but itself: a slider over all frames, the curves, the figures."""
    pictures = []
    for index in range(portrait.count):
        pictures.append(_data_url(portrait.frame(index)))
        progress(_("writing the preview"), (index + 1) / portrait.count)
    painting = portrait.painting
    scale = min(1.0, _PAINTING_PX / max(painting.shape[:2]))
    small = cv2.resize(painting, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    place = portrait.place
    faces = portrait.face_reports
    figures = "".join(
        (f"<h2>{html.escape(name_of(faces, number))}</h2>" if len(faces) > 1 else "") + _face(report)
        for number, report in enumerate(faces)
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
        f"<figure><img src='{_data_url(np.asarray(small, np.uint8))}' alt='{html.escape(_('the painting'))}'>"
        f"<img id='head' src='{pictures[middle]}' "
        f"alt='{html.escape(_('the head, looking where the slider says'))}'></figure>"
        f"<input id='at' type='range' min='0' max='{portrait.count - 1}' value='{middle}' aria-label='frame'>"
        f"{figures}<h2>{html.escape(_('All frames'))}</h2><div class='all'>"
        + "".join(f"<img src='{picture}' alt='frame {number}'>" for number, picture in enumerate(pictures))
        + "</div><script>const f=[...document.querySelectorAll('.all img')].map(i=>i.src),h=document.querySelector"
        "('#head'),a=document.querySelector('#at');a.oninput=()=>h.src=f[a.value]</script>"
    )


def _face(report: Mapping[str, Any]) -> str:
    figures = "".join(f"<tr><td>{html.escape(name)}<td>{value:.3f}" for name, value in figures_of(report))
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in warnings_of(report))
    return f"{''.join(_svg(curve) for curve in curves_of(report))}<table>{figures}</table>{notes}"


def _svg(curve: Curve) -> str:
    values = curve.values
    most = max(abs(value) for value in values) or 1.0
    points = " ".join(
        f"{40 + 840 * number / (len(values) - 1):.1f},{70 - 55 * value / most:.1f}"
        for number, value in enumerate(values)
    )
    return (
        f"<p>{_(curve.title)}, {_(curve.unit)}: {values[0]:.3f} … {values[-1]:.3f}</p>"
        f"<svg viewBox='0 0 900 140' role='img' aria-label='{_(curve.title)}'>"
        "<line x1='40' x2='880' y1='70' y2='70' stroke='#ccc'/>"
        f"<polyline points='{points}' fill='none' stroke='#145aaa' stroke-width='2'/></svg>"
    )


def _data_url(picture: Pixels) -> str:
    _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()
