"""A face to look at: as it is worn from in front and from both sides, beside what it was built of, in one page."""

from __future__ import annotations

import base64
import dataclasses
import html
import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from realtime.core.errors import OptionError, OutputError
from realtime.core.files import atomic_write, check_folder
from realtime.core.language import _
from realtime.face_compositing.face_geometry import FaceGeometry
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.faces.landmarks.smile import in_own_frame
from realtime.imaging.frame import Pixels, Size
from realtime.swap.face.face_file import FaceFile
from realtime.swap.face.sights import Sight
from realtime.swap.photo.photo_face import PhotoFace

_PAGES = frozenset({".html", ".htm"})
_TURNS_DEGREES = (-40.0, -20.0, 0.0, 20.0, 40.0)
_SIZE = Size(320, 400)
_EYES_APART = 0.36
"""Of the picture's width."""
_GREY = 200
_THUMB_PX = 220


def check_preview(path: Path, *, overwrite: bool) -> None:
    """Raise OptionError or OutputError where no page can be written: better known before the work."""
    if path.suffix.lower() not in _PAGES:
        raise OptionError(_("cannot write a preview as '{name}'; let its name end in .html", name=path.name))
    check_folder(path.parent)
    if path.is_dir():
        raise OutputError(_("{path} is a folder; choose another name for the preview", path=path))
    if path.exists() and not overwrite:
        raise OutputError(_("{path} exists; choose another name or add --overwrite", path=path))


def write_page(face: FaceFile, path: Path, sights: Sequence[Sight] = (), *, overwrite: bool = False) -> None:
    """Write a page that needs nothing but itself. Raises OutputError."""
    turns = [_figure(drawn(face, turn), f"{turn:+.0f}°" if turn else _("from in front")) for turn in _TURNS_DEGREES]
    photos = [_figure(_thumb(sight), f"{sight.name}: {', '.join(sight.remarks) or _('at rest')}") for sight in sights]
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in face.report)
    text = (
        "<!doctype html><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>{html.escape(face.title)}</title><style>"
        "body{font:15px system-ui,sans-serif;margin:2em auto;max-width:1100px;color:#222;background:#fafafa}"
        "div{display:flex;flex-wrap:wrap;gap:8px}figure{margin:0;width:200px}img{width:100%}"
        "figcaption{font-size:13px;color:#555}</style>"
        f"<h1>{html.escape(face.title)}</h1><div>{''.join(turns)}</div>"
        + (f"<h2>{html.escape(_('Made of'))}</h2><div>{''.join(photos)}</div>" if photos else "")
        + (f"<h2>{html.escape(_('What they show'))}</h2><ul>{lines}</ul>" if lines else "")
        + f"<h2>{html.escape(_('Laid flat'))}</h2><div>{_figure(face.levels.levels[0], _('skin'))}"
        + (_figure(face.levels.with_mouth[0], _("with a mouth")) if face.levels.lips is not None else "")
        + "</div>"
    )
    with atomic_write(path, overwrite=overwrite) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def drawn(face: FaceFile, yaw_degrees: float) -> Pixels:
    """Return the face alone on grey, turned, at rest, with its own eyes and mouth."""
    angle = math.radians(yaw_degrees)
    turn = np.array([[math.cos(angle), 0, -math.sin(angle)], [0, 1, 0], [math.sin(angle), 0, math.cos(angle)]])
    points = in_own_frame(face.levels.mesh.points) @ turn.T * (_EYES_APART * _SIZE.width)
    least, most = points.min(axis=0), points.max(axis=0)
    points[:, :2] += np.array(_SIZE) / 2 - ((least + most) / 2)[:2]
    mesh = dataclasses.replace(face.levels.mesh, points=points.astype(np.float32))
    return _on_grey(face, mesh)


def _on_grey(face: FaceFile, mesh: FaceMesh) -> Pixels:
    picture = np.full((_SIZE.height, _SIZE.width, 3), _GREY, np.uint8)
    source, geometry = PhotoFace(face.levels), FaceGeometry()
    geometry.update(mesh, _SIZE, source.corners)
    if geometry.is_empty:
        return picture
    new = geometry.in_full(source.draw_with_mouth(geometry))
    shown = np.zeros((geometry.place.height, geometry.place.width), np.float32)
    geometry.enlarge(np.ascontiguousarray(source.alpha(geometry)), shown)
    part = geometry.place.of(picture)
    part[:] = np.rint(part * (1 - shown[..., None]) + new * shown[..., None])
    return picture


def _thumb(sight: Sight) -> Pixels:
    box = sight.mesh.box
    reach = 0.25 * max(box.width, box.height)
    left, top = max(0, round(box.left - reach)), max(0, round(box.top - reach))
    return sight.photo[top : round(box.top + box.height + reach), left : round(box.left + box.width + reach)]


def _figure(pixels: Pixels, words: str) -> str:
    scale = min(1.0, _THUMB_PX / pixels.shape[1])
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
    done, data = cv2.imencode(".jpg", small, (cv2.IMWRITE_JPEG_QUALITY, 90))
    if not done:
        raise OutputError(_("a picture of the preview cannot be encoded; try again"))
    url = base64.b64encode(data.tobytes()).decode()
    words = html.escape(words)
    return f"<figure><img src='data:image/jpeg;base64,{url}' alt='{words}'><figcaption>{words}</figcaption></figure>"
