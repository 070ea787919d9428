"""ONNX files that carry a card of ours into `realtime run --effect style:FILE`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.fuzzing import Seed, Target
from tools.fuzzing.model_files import changed
from tools.fuzzing.model_files import seeds as files


def seeds(folder: Path) -> Sequence[Seed]:
    return files(folder, with_card=True)


def command(seed: Seed, out: Path) -> Sequence[str]:  # noqa: ARG001 - nothing is written
    show = ["--source", "demo", "--size", "320x180", "--frames", "2", "--output", "none"]
    return ["realtime", "run", *show, "--effect", f"style:{seed}"]


def environment(out: Path) -> Mapping[str, str]:
    """The cache lies where a try may write."""
    return {"XDG_DATA_HOME": str(out), "XDG_CACHE_HOME": str(out / "cache")}


TARGET = Target(seeds, command, environment, changed, working_cpu_s=30.0, preload=("onnxruntime", "cv2"))
