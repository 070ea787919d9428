"""A manifest that anybody may have written: each value is what it should be, or one line says that it is not."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from realtime.core.errors import OptionError
from realtime.faces.landmarks.mesh import POINT_COUNT
from tools.extraction.manifest import NAME, Manifest

HEADER = {"alignment": "face", "wider": 1.4, "side_px": 256, "format": 1, "made_by": "somebody"}
CROP = {
    "file": "000000.jpg", "source": "a.mp4", "frame": 1, "time_s": 0.04, "track": "1", "box": [0.0, 0.0, 9.0, 9.0],
    "face_px": 90.0, "yaw_degrees": 0.0, "pitch_degrees": 0.0, "sharpness": 1.0, "score": 0.9,
    "mesh": base64.b64encode(bytes(POINT_COUNT * 6)).decode(), "look": base64.b64encode(bytes(256)).decode(),
}  # fmt: skip


def written(folder: Path, header: Mapping[str, Any], *crops: Mapping[str, Any]) -> Path:
    path = folder / NAME
    path.write_text("".join(f"{json.dumps(line)}\n" for line in (header, *crops)), encoding="utf-8")
    return path


def test_what_is_whole_is_read(tmp_path: Path) -> None:
    manifest = Manifest.read(written(tmp_path, HEADER, CROP, {"file": "000000.jpg", "group": "person-1"}))
    assert manifest.crops["000000.jpg"].group == "person-1"
    assert manifest.crops["000000.jpg"].units().shape == (POINT_COUNT, 3)


@pytest.mark.parametrize(
    ("header", "crop"),
    [
        ({"wider": 0}, {}), ({"wider": "wide"}, {}), ({"wider": 1e300}, {}), ({"side_px": 0}, {}),
        ({"alignment": 3}, {}), ({"format": "1"}, {}), ({"more": 1}, {}), ({}, {"mesh": "no base64"}),
        ({}, {"mesh": base64.b64encode(b"short").decode()}), ({}, {"box": [1, 2]}), ({}, {"box": "nine"}),
        ({}, {"face_px": None}), ({}, {"frame": 1.5}), ({}, {"file": ["a"]}), ({}, {"look": 4}),
    ],
)  # fmt: skip
def test_what_is_not_what_it_should_be_is_one_line(
    tmp_path: Path, header: Mapping[str, Any], crop: Mapping[str, Any]
) -> None:
    with pytest.raises(OptionError, match="is damaged or of another version") as caught:
        Manifest.read(written(tmp_path, {**HEADER, **header}, {**CROP, **crop}))
    assert "\n" not in str(caught.value)


def test_deep_json_is_one_line(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("[" * 100_000 + "\n")
    with pytest.raises(OptionError, match="is damaged"):
        Manifest.read(tmp_path / NAME)
