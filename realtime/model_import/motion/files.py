"""LivePortrait's ONNX files: which of those that lie in one folder are one model."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.models.source_file import SourceFile

FEATURES, MOTION, STITCHING, DRAWING = "features", "motion", "stitching", "drawing"
_NAMES: Mapping[str, tuple[str, ...]] = {
    FEATURES: ("appearance_feature_extractor", "live_portrait_feature_extractor"),
    MOTION: ("motion_extractor", "live_portrait_motion_extractor"),
    STITCHING: ("stitching", "live_portrait_stitcher"),
    DRAWING: ("warping_spade", "live_portrait_generator"),
}
"""FasterLivePortrait's, then FaceFusion's; a version may follow, as in `stitching-v1.1`."""
_USUAL = {role: " or ".join(f"{name}.onnx" for name in names) for role, names in _NAMES.items()}
_MOST_FILES = 1000


class MotionFiles(NamedTuple):
    """The four files that are needed; those that retarget eyes and lips are not."""

    features: SourceFile
    motion: SourceFile
    stitching: SourceFile
    drawing: SourceFile


def role_of(path: Path) -> str:
    """Return what a file of the sets is for by its name, nothing for any other."""
    stem = path.stem.lower()
    for role, names in _NAMES.items():
        if any(stem == name or stem.startswith((f"{name}-v", f"{name}-fix")) for name in names):
            return role
    return ""


def files_with(source: SourceFile) -> MotionFiles:
    """Return the four files of the set that `source` is one of, from its folder.

    Raises ModelError where one is missing, or lies there twice.
    """
    own = role_of(source.path)
    found: dict[str, SourceFile] = {own: source} if own else {DRAWING: source}
    for role in _NAMES:
        if role in found:
            continue
        candidates = [path for path in _onnx_files(source.path.parent) if role_of(path) == role]
        if not candidates:
            raise ModelError(
                _(
                    "{path} is a part of LivePortrait, and {usual} is missing in its folder; keep all "
                    "files of the set together",
                    path=source.path,
                    usual=_USUAL[role],
                )
            )
        # What is made for TensorRT's plugin no ONNX Runtime computes.
        plain = [path for path in candidates if "-fix" not in path.stem] or candidates
        if len(plain) > 1:
            listed = ", ".join(path.name for path in sorted(plain))
            raise ModelError(
                _(
                    "{parent} holds parts of several LivePortraits ({listed}); keep one there",
                    parent=source.path.parent,
                    listed=listed,
                )
            )
        found[role] = SourceFile(plain[0])
    return MotionFiles(**found)


def _onnx_files(folder: Path) -> Iterator[Path]:
    return (path for path in itertools.islice(folder.glob("*.onnx"), _MOST_FILES) if path.is_file())
