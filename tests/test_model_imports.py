"""Running models costs only those who run them: who imports what."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
    assert importers("onnxruntime") == {"models/runtime/ort_session.py"}


def test_running_a_model_needs_neither_onnx_nor_torch() -> None:
    """Only bringing other people's files in needs `onnx`: a quarter of a second and a protobuf parser less."""
    code = (
        "import sys, realtime.models.runtime.onnx_model, realtime.models.library\n"
        "import realtime.effects.style, realtime.effects.swap\n"
        "print([name for name in ('onnx', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_models_list_does_not_load_onnx_runtime() -> None:
    """Names are asked for by `--help`, by keys and by completion."""
    code = "import sys, realtime.models.library; print('onnxruntime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("package", ["realtime", "tools", "tests"])
def test_no_way_of_importing_onnx_runtime_through_us_leaves_its_reports_on(package: str) -> None:
    """A module's package is always imported before it: it sets the switch, whatever the environment says."""
    code = f"import {package}, os, sys; print(os.environ['ORT_DISABLE_TELEMETRY'], 'onnxruntime' in sys.modules)"
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    assert done.stdout.split() == ["1", "False"]


def test_nothing_beside_our_packages_imports_onnx_runtime() -> None:
    packages = {ROOT / name for name in ("realtime", "tools", "tests")}
    strays = [path for path in ROOT.glob("*.py") if "onnxruntime" in path.read_text("utf-8")]
    assert strays == []
    assert {path.parent for path in ROOT.glob("*/__init__.py")} == packages


def test_processes_that_are_started_inherit_the_switch() -> None:
    code = (
        "import realtime, subprocess, sys\n"
        "ask = [sys.executable, '-c', 'import os; print(os.environ[\"ORT_DISABLE_TELEMETRY\"])']\n"
        "subprocess.run(ask, check=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "ORT_DISABLE_TELEMETRY": "0"},
    )
    assert done.stdout.strip() == "1"
