"""Manifests of extractions into `tools.train_swap`."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from realtime.faces.landmarks.alignment import FACE
from realtime.faces.landmarks.mesh import POINT_COUNT
from tools.extraction.manifest import NAME
from tools.fuzzing import Seed, Target

_HEADER = {"alignment": FACE, "wider": 1.4, "side_px": 256, "format": 1, "made_by": "somebody"}
_CROP = {
    "file": "000000.jpg", "source": "a.mp4", "frame": 1, "time_s": 0.04, "track": "1", "box": [0.0, 0.0, 9.0, 9.0],
    "face_px": 90.0, "yaw_degrees": 0.0, "pitch_degrees": 0.0, "sharpness": 1.0, "score": 0.9,
    "mesh": base64.b64encode(bytes(POINT_COUNT * 6)).decode(), "look": base64.b64encode(bytes(256)).decode(),
}  # fmt: skip


def seeds(folder: Path) -> Sequence[Seed]:
    """Write manifests, each under a name of its own."""
    more = {"file": "000000.jpg", "group": "person-1"}
    source = {"source": "a.mp4", "stamp": "1", "frames": 12, "done": True}
    texts: dict[str, Sequence[dict[str, Any]]] = {
        "whole": (_HEADER, _CROP, more, source),
        "wider": ({**_HEADER, "wider": 0}, _CROP),
        "words": ({**_HEADER, "wider": "wide"}, {**_CROP, "mesh": "none"}),
        "short": (_HEADER, {"file": "1.jpg", "mesh": ""}),
    }
    for name, lines in texts.items():
        (folder / f"{name}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    (folder / "deep.jsonl").write_text("[" * 100_000 + "\n")
    return sorted(folder.iterdir())


def command(seed: Seed, out: Path) -> Sequence[str]:
    people = [out / name / "person-1" for name in ("a", "b")]
    for person in people:
        person.mkdir(parents=True, exist_ok=True)
        (person.parent / NAME).write_bytes(Path(seed).read_bytes())
        (person / "000000.jpg").write_bytes(b"no picture")
    words = ["--steps", "1", "--out", str(out / "run"), "--cache", str(out / "cache")]
    return ["tools.train_swap", "--a", str(people[0]), "--b", str(people[1]), *words]


TARGET = Target(seeds, command, preload=("cv2", "torch"))
