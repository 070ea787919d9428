"""Running models costs only those who run them: who imports what."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "realtime"


def importers(of: str) -> set[str]:
    """Return the application's files that import a package, anywhere in them."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            if any(name.split(".")[0] == of for name in names):
                found.add(path.relative_to(PACKAGE).as_posix())
    return found


def test_torch_is_nowhere_in_the_application() -> None:
    assert importers("torch") == set()


def test_one_module_knows_onnx_runtime() -> None:
    assert importers("onnxruntime") == {"ort_session.py"}


def test_running_a_model_needs_neither_onnx_nor_torch() -> None:
    """Only bringing other people's files in needs `onnx`: a quarter of a second and a protobuf parser less."""
    code = (
        "import sys, realtime.onnx_model, realtime.model_shelf\n"
        "print([name for name in ('onnx', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_shelf_does_not_load_onnx_runtime() -> None:
    """Names are asked for by `--help`, by keys and by completion."""
    code = "import sys, realtime.model_shelf; print('onnxruntime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
