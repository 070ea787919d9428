from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from realtime.imaging.frame import Pixels, Size
from realtime.model_import.hints import ImportHints
from realtime.model_import.result import Description, Imported
from realtime.model_import.steps import import_model
from realtime.model_import.style.importer import StyleImporter
from realtime.model_import.style.validation import scaled
from realtime.models.runtime.onnx_model import OnnxModel, SessionPolicy
from realtime.models.source_file import SourceFile
from realtime.picture_files.reader import read_picture
from realtime.style.renderer import SizedModel, StyleRenderer

Import = Callable[[Path, ImportHints], Imported]
Paint = Callable[[Imported, Pixels], Pixels]


@pytest.fixture(scope="session")
def photo(navy_photo: Path) -> Pixels:
    """A real picture, small: these tests ask what comes out, not how fast."""
    return scaled(read_picture(navy_photo), Size(150, 171))


@pytest.fixture
def bring_in(photo: Pixels) -> Import:
    """Bring a file into the contract."""
    return lambda path, hints: import_model(SourceFile(path), StyleImporter(hints, photo), Description())


@pytest.fixture
def paint(tmp_path: Path) -> Paint:
    """Run an imported model from a file, as the effect does."""

    def run(made: Imported, picture: Pixels) -> Pixels:
        path = tmp_path / "kept.onnx"
        made.keep(path)
        bound = made.validation.bound
        if bound is not None and not bound.is_free:
            size = Size.of(picture)
            renderer = StyleRenderer(SizedModel(path, SessionPolicy(), size), size, steady=False)
            renderer.paint(np.ascontiguousarray(picture), 0.0, after := np.empty_like(picture))
            renderer.close()
            return after
        model = OnnxModel.open(path)
        after = np.empty_like(picture)
        model.run({"frame": np.ascontiguousarray(picture)[np.newaxis]}, {"frame_out": after[np.newaxis]})
        model.close()
        return after

    return run
