"""Nothing heavy is imported before it is chosen, no folder needs one above it, and somebody else's effect needs no
change here.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "realtime").rglob("*.py")
    if path.name != "__main__.py"
)
FOLDERS = (
    "core", "imaging", "control", "system", "disclosure", "video", "picture_files", "models", "faces", "person",
    "cameras", "outputs", "style", "model_import", "face_compositing", "swap", "morph", "portrait", "puppet",
    "background", "effects", "pipeline", "sound", "remote", "session", "gallery", "commands",
)  # fmt: skip
"""From the ground up, as docs/architecture.md draws them from the top down."""
HEAVY = ("mediapipe", "pygame", "av", "pyvirtualcam", "sounddevice", "onnxruntime", "matplotlib", "torch")
CORE = (
    "realtime.session.options",
    "realtime.pipeline.render_loop",
    "realtime.session.assembly",
    "realtime.effects.portrait",
    "realtime.pipeline.capture",
)


def python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("module", CORE)
def test_the_core_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    assert python(code) == ""


def test_every_module_can_be_imported() -> None:
    code = f"import importlib\nfor name in {MODULES!r}: importlib.import_module(name)\nprint('all')"
    assert python(code).endswith("all")


def test_every_module_can_be_imported_first() -> None:
    """A circle of imports shows only in the module that happens to come first, so it is looked for in what each needs
    before it can be there.
    """
    needs = {name: set(needed_by(name)) for name in MODULES}
    for name, needed in needs.items():
        own = {name, *packages_of(name)}
        needed |= {package for other in needed for package in packages_of(other)}
        needed -= own
    assert set(TopologicalSorter(needs).static_order()) >= set(MODULES)  # or CycleError, which names them


def packages_of(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(2, len(parts))]


def needed_by(module: str) -> Iterator[str]:
    """The modules of `realtime` that one imports while it is imported itself."""
    path = ROOT.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in run_at_import(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "realtime":
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)


def run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from run_at_import(child)


def imported_by(path: Path) -> Iterator[str]:
    """The folders of `realtime` that a module imports from, inside its functions, too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "realtime":
            yield from (alias.name for alias in node.names if alias.name != "__version__")
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.module.startswith("realtime."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("realtime."))


def test_no_folder_imports_one_above_it() -> None:
    for module in (ROOT / "realtime").rglob("*.py"):
        folder, *rest = module.relative_to(ROOT / "realtime").parts
        if not rest:
            assert folder in ("__init__.py", "__main__.py"), f"{folder} lies loose: put it where it belongs"
            continue
        above = {other for other in imported_by(module) if FOLDERS.index(other) > FOLDERS.index(folder)}
        assert not above, f"{module.relative_to(ROOT)} imports {', '.join(sorted(above))}"


def test_torch_is_nowhere_in_the_application() -> None:
    guilty = [str(path) for path in (ROOT / "realtime").rglob("*.py") if "import torch" in path.read_text("utf-8")]
    assert guilty == []


def test_an_effect_of_another_package_is_found_and_used(tmp_path: Path) -> None:
    packages = str(ROOT / "tests" / "packages" / "sepia")
    code = "import sys; from realtime.__main__ import main; sys.exit(main(sys.argv[1:]))"
    words = ["--source", "demo", "--size", "320x180", "--effect", "sepia", "--set", "sepia.strength=0.8"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words, "--output", "frames/", "--frames", "2", "--every-frame"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": packages},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "frames").glob("*.png"))) == 2
    listed = python("from realtime.effects import effect_names; print(*effect_names())", PYTHONPATH=packages)
    assert listed.split()[-1] == "sepia"
