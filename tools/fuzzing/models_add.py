"""Other people's ONNX files into `realtime models add`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.fuzzing import Seed, Target
from tools.fuzzing.model_files import changed
from tools.fuzzing.model_files import seeds as files


def seeds(folder: Path) -> Sequence[Seed]:
    return files(folder, with_card=False)


def command(seed: Seed, out: Path) -> Sequence[str]:
    words = ["models", "add", str(seed), "--range", "0..1", "--name", "made", "--preview", str(out / "look.png")]
    return ["realtime", *words]


def environment(out: Path) -> Mapping[str, str]:
    """The models' folder and the cache lie where a try may write."""
    return {"XDG_DATA_HOME": str(out), "XDG_CACHE_HOME": str(out / "cache")}


TARGET = Target(seeds, command, environment, changed, working_cpu_s=60.0, preload=("onnx", "onnxruntime", "cv2"))
