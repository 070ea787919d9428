"""What the words in the code call a file is there: a comment that names one that has moved sends its reader astray."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = [path for folder in ("realtime", "tools") for path in (ROOT / folder).rglob("*.py")]
PAGES = [ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md"]
NAMED = re.compile(r"`([\w./]+\.py)`")
OF_OTHERS = frozenset({"arcface_onnx.py", "face_align.py", "face_helper.py", "DFMModel.py", "FaceAligner.py"}) | {
    *("FaceMerger.py", "face_swapper/core.py", "inswapper.py", "test_by_onnx.py", "hubconf.py"),
    *("realtime/effects/yours.py", "tools/networks/yours.py"),  # that a reader is going to write
}
"""What other programs call theirs."""


@pytest.fixture(scope="module")
def files() -> frozenset[str]:
    """Every file of ours by each end of its path: `a/b/c.py`, `b/c.py`, `c.py`."""
    paths = [path.relative_to(ROOT).parts for path in [*OURS, *(ROOT / "tests").rglob("*.py")]]
    return frozenset("/".join(parts[start:]) for parts in paths for start in range(len(parts)))


def test_files_that_the_code_names_are_there(files: frozenset[str]) -> None:
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in OURS
        for name in NAMED.findall(path.read_text("utf-8"))
        if name not in files | OF_OTHERS
    }
    assert not wrong


def test_files_that_a_package_lists_lie_in_it() -> None:
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in OURS
        if path.name == "__init__.py"
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("    ") and (listed := re.match(r"    (\w+\.py) ", line))
        for name in [listed[1], *re.findall(r"\b(\w+\.py):", line)]
        if not list(path.parent.rglob(name))
    }
    assert not wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_for_contributors_names_are_there(page: Path, files: frozenset[str]) -> None:
    assert not {name for name in NAMED.findall(page.read_text("utf-8")) if name not in files | OF_OTHERS}
