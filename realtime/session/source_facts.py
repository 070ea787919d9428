"""What is known of a source: for the statistics, for marks on pictures, for how long it lasts."""

from __future__ import annotations

from typing import Any

from realtime import cameras
from realtime.cameras import CameraInfo
from realtime.cameras.picture_folder import pictures_in
from realtime.core.paths import user_path
from realtime.imaging.provenance import stated_by
from realtime.session.options import Options


def facts_of(info: CameraInfo) -> dict[str, Any]:
    """What the statistics tell of a source."""
    return {"name": info.name, "size": list(info.size), "fps": round(info.fps, 3), "live": info.live}


def source_type_of(source: str | None) -> str:
    """What recorded material says of how it was made: it stays true of whatever is made of it."""
    kind = cameras.kind_of(source) if source else ""
    if source is None or kind not in ("video", "still", "folder"):
        return ""
    path = user_path(source)
    return stated_by(pictures_in(path)[0] if kind == "folder" else path)


def is_endless(options: Options, info: CameraInfo) -> bool:
    """Whether nobody can know how long a recording of the source becomes."""
    return info.live or options.loop or options.source is None or cameras.kind_of(options.source) in ("still", "demo")


def shows_demo(options: Options, info: CameraInfo) -> bool:
    """Whether the built-in viewer is seen, asked for or because there is no camera."""
    return not info.live and (options.source is None or cameras.kind_of(options.source) == "demo")
