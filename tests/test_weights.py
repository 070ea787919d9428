"""The networks that see people lie in the package, whole and with their licence; a folder of the user's own is taken
instead.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import tomllib
from pathlib import Path

import pytest

from realtime.commands import models as models_command
from realtime.core.errors import ModelError
from realtime.faces import DETECTORS
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.models import weights
from realtime.models.weights import WEIGHTS_FILES, weights_file, weights_folder

ROOT = Path(__file__).parents[1]
SHIPPED = Path(weights.__file__).parent


def refused(name: str) -> str:
    """The one line that a user reads."""
    with pytest.raises(ModelError) as caught:
        weights_file(name)
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's own with all that is needed."""
    folder = tmp_path / "own"
    folder.mkdir()
    for name in WEIGHTS_FILES:
        shutil.copyfile(SHIPPED / name, folder / name)
    monkeypatch.setenv("REALTIME_MODELS", str(folder))
    return folder


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package's folder that may be damaged."""
    folder = tmp_path / "installed"
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.delenv("REALTIME_MODELS", raising=False)
    monkeypatch.setattr(weights, "__file__", str(folder / "__init__.py"))
    return folder


def test_every_file_is_there_and_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REALTIME_MODELS", raising=False)
    notice = (SHIPPED / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in SHIPPED.glob("*.tflite")} == set(WEIGHTS_FILES)
    for name, known in WEIGHTS_FILES.items():
        assert hashlib.sha256(weights_file(name).read_bytes()).hexdigest() == known.sha256
        assert f"| `{name}` | {known.purpose} |" in notice
        assert known.sha256 in notice
    licence = (SHIPPED / "LICENSE").read_text(encoding="utf-8")
    assert licence.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert "END OF TERMS AND CONDITIONS" in licence


def test_all_of_the_folder_is_packed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    package = ROOT / "realtime"
    patterns = project["tool"]["setuptools"]["package-data"]["realtime"]
    packed = {path for pattern in patterns for path in package.glob(pattern)}
    lying = {path for path in (package / "models" / "weights").iterdir() if path.is_file() and path.suffix != ".py"}
    assert len(lying) == len(WEIGHTS_FILES) + 2
    assert lying <= packed
    assert "realtime/models/weights/LICENSE" in project["project"]["license-files"]


def test_a_damaged_installation_is_one_line(installed: Path) -> None:
    damaged, missing, *_ = WEIGHTS_FILES
    content = bytearray((installed / damaged).read_bytes())
    content[len(content) // 2] ^= 1
    (installed / damaged).write_bytes(content)
    (installed / missing).unlink()
    assert refused(damaged).endswith(
        "damaged, or not the file this program knows (SHA-256 differs); reinstall realtime"
    )
    assert refused(missing) == f"{installed / missing} is missing; reinstall realtime"
    for detector in DETECTORS:
        with pytest.raises(ModelError, match="reinstall realtime"):
            DETECTORS[detector].load()()


def test_the_users_folder_is_used(own: Path) -> None:
    assert weights_folder() == own
    for name in WEIGHTS_FILES:
        assert weights_file(name) == own / name
    FaceMeasurer()


def test_a_users_folder_that_lacks_a_file_is_refused(own: Path) -> None:
    (own / "iris_landmark.tflite").unlink()
    (own / "face_landmark.tflite").write_bytes(b"another network")
    (own / "face_detection_short_range.tflite").unlink()
    (own / "face_detection_short_range.tflite").mkdir()
    assert refused("iris_landmark.tflite").startswith(f"{own / 'iris_landmark.tflite'} is missing; put the right one")
    assert "unset REALTIME_MODELS" in refused("face_landmark.tflite")
    assert "SHA-256 differs" in refused("face_landmark.tflite")
    assert "cannot read" in refused("face_detection_short_range.tflite")
    with pytest.raises(ModelError, match=r"face_landmark\.tflite is damaged"):
        FaceMeasurer()


@pytest.mark.parametrize("named", ["no folder", "a file"])
def test_a_users_folder_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    (tmp_path / "a file").write_bytes(b"")
    monkeypatch.setenv("REALTIME_MODELS", str(tmp_path / named))
    assert "is missing" in refused("iris_landmark.tflite")


def test_an_unknown_name_names_the_nearest() -> None:
    assert "did you mean 'iris_landmark.tflite'" in refused("eyes_landmark.tflite")


def command(*words: str) -> int:
    parser = argparse.ArgumentParser()
    models_command.add_arguments(parser)
    return models_command.run(parser.parse_args(words))


def test_the_command_lists_and_verifies(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("verify") == 0
    listed = capsys.readouterr().out
    assert listed.count("Apache-2.0 (MediaPipe)") == listed.count("ready") == len(WEIGHTS_FILES)
    assert command("path", "iris_landmark.tflite") == 0
    assert command("path") == 0
    assert capsys.readouterr().out.splitlines() == [str(installed / "iris_landmark.tflite"), str(installed)]
    (installed / "iris_landmark.tflite").write_bytes(b"")
    assert command() == 0
    assert "next:  " in capsys.readouterr().out
    assert command("verify") == 1
    assert capsys.readouterr().out.count("ready") == len(WEIGHTS_FILES) - 1
    with pytest.raises(ModelError, match="reinstall realtime"):
        command("path", "iris_landmark.tflite")
