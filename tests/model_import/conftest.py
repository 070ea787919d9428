from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from realtime.cameras.pictures import read_picture
from realtime.frame import Pixels, Size
from realtime.model_import.importer import Imported, Words, import_style
from realtime.model_import.trials import scaled
from realtime.model_import.wishes import Wishes
from realtime.onnx_model import OnnxModel

Import = Callable[[Path, Wishes], Imported]
Paint = Callable[[Imported, Pixels], Pixels]


@pytest.fixture(scope="session")
def photo(navy_photo: Path) -> Pixels:
    """A real picture, small: these tests ask what comes out, not how fast."""
    return scaled(read_picture(navy_photo), Size(150, 171))


@pytest.fixture
def bring_in(photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> Import:
    """Bring a file into the contract, timed on few frames."""
    monkeypatch.setattr("realtime.model_import.importer._TIMED_FOR_S", 0.0)
    monkeypatch.setattr("realtime.model_import.importer._TIMED_PX", 128)
    return lambda path, wishes: import_style(path, wishes, Words(), photo)


@pytest.fixture
def paint(tmp_path: Path) -> Paint:
    """Run an imported model from a file, as the effect does."""

    def run(made: Imported, picture: Pixels) -> Pixels:
        path = tmp_path / "kept.onnx"
        made.keep(path)
        model = OnnxModel.open(path)
        after = np.empty_like(picture)
        model.run({"frame": np.ascontiguousarray(picture)[np.newaxis]}, {"frame_out": after[np.newaxis]})
        model.close()
        return after

    return run
